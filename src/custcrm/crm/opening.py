"""Opening a store: memory, a SQLite file, or PostgreSQL by URL."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from custcrm.business import Business, Words, settle
from custcrm.crm.crm import Crm
from custcrm.storage.memory.store import MemoryStore
from custcrm.storage.protocol import Store
from custcrm.values.clock import system_clock
from custcrm.values.errors import Conflict, Malformed
from custcrm.values.ids import IdSource
from custcrm.values.money import exponent
from custcrm.values.periods import zone

if TYPE_CHECKING:
    from custcrm.storage.sql.store import SqlStore


def open(  # noqa: A001 (the word people know: custcrm.open)
    store: str | PathLike[str] | Store | None = None,
    *,
    currency: str | None = None,
    timezone: str | None = None,
    country: str | None = None,
    clock: Callable[[], datetime] = system_clock,
    actor: str | None = None,
    channels: Mapping[str, Any] | None = None,
    migrate: bool = False,
) -> Crm:
    """Open a customer base: None is memory, a path is a SQLite file, a URL is a database; a Store of your own works too.

    `currency` (EUR), `timezone` (UTC) and `country` are written into a new store and need not be repeated; another value later
    is a Conflict. `country` is what makes "040 …" a phone number. A new store is set up by itself; an older one is refused
    with the sentence that mends it, or brought up to date with `migrate=True`.

        with custcrm.open("shop.db", currency="EUR", timezone="Europe/Helsinki", country="FI") as crm: ...
    """
    if currency is not None:
        exponent(currency)
    if timezone is not None:
        zone(timezone)
    if clock().utcoffset() is None:
        raise Malformed("a clock gives aware datetimes, e.g. datetime.now(UTC)", field="clock")
    opened = _opened(store, migrate=migrate)
    try:
        settings = settle(opened, {"currency": currency, "timezone": timezone, "country": country})
    except BaseException:
        if opened is not store:
            opened.close()
        raise
    money, place = settings["currency"], settings["timezone"]
    assert money is not None and place is not None
    return Crm(
        Business(
            store=opened, clock=clock, ids=IdSource(clock, secrets.randbits), random_bits=secrets.randbits,
            words=Words(opened, money, place), currency=money, zone=zone(place), country=settings["country"],
            channels=dict(channels or {}), actor=actor or "",
        )
    )


def _opened(store: str | PathLike[str] | Store | None, *, migrate: bool) -> Store:
    if store is None:
        return MemoryStore()
    if isinstance(store, str | PathLike):
        from custcrm.storage.sql import open_store

        return _current(open_store(fspath(store)), migrate=migrate)
    return store


def _current(store: SqlStore, *, migrate: bool) -> SqlStore:
    """Return the store if its schema is this library's, brought up to date where that was asked for."""
    from custcrm.storage.migrations import VERSION

    version, wanted = store.version(), VERSION
    if version == wanted:
        return store
    if version is not None and version > wanted:
        store.close()
        raise Conflict(f"this store has version {version} and this custcrm knows {wanted}; install a newer custcrm")
    if not migrate:
        store.close()
        raise Conflict(
            f"this store has version {version} and this custcrm needs {wanted}; run `custcrm migrate`, "
            "or open it with migrate=True"
        )
    try:
        store.migrate()
    except BaseException:
        store.close()
        raise
    return store
