"""Opening a store: memory, a SQLite file, or PostgreSQL by URL."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from os import PathLike, fspath
from typing import Any

from custcrm.business import ACTOR_LIMIT, Business, Words, settle
from custcrm.crm.crm import Crm
from custcrm.storage import forks
from custcrm.storage.memory.store import MemoryStore
from custcrm.storage.protocol import DURABILITIES, Durability, Store
from custcrm.values import places
from custcrm.values.clock import read_clock, system_clock
from custcrm.values.errors import Malformed
from custcrm.values.ids import IdSource
from custcrm.values.money import exponent
from custcrm.values.phones import PHONES, Phones
from custcrm.values.places import zone
from custcrm.values.shapes import flag, mapping, one_of
from custcrm.values.texts import checked, is_blank


def open(  # noqa: A001 (the word people know: custcrm.open)
    store: str | PathLike[str] | Store | None = None,
    *,
    currency: str | None = None,
    timezone: str | None = None,
    country: str | None = None,
    phones: Phones | None = None,
    clock: Callable[[], datetime] = system_clock,
    actor: str | None = None,
    channels: Mapping[str, Any] | None = None,
    migrate: bool = False,
    durability: Durability = "full",
    schema: str | None = None,
    create: bool = True,
) -> Crm:
    """Open a customer base: None is memory, a path is a SQLite file, a URL is a database; a Store of your own works too.

    `currency` (EUR), `timezone` (UTC), `country` and `phones` are written into the store and need not be repeated; another
    value later is a Conflict. `country` is what makes "040 …" a phone number; with `phones="possible"` it need not be in a
    range that is known to be in use, as it must else. A new store is set up by itself; an older one is refused with the
    sentence that mends it, or brought up to date with `migrate=True`.

    `durability="normal"` is for who accepts that a power cut takes the last commits, on SQLite and PostgreSQL.
    With `create=False` nothing is made: Unavailable where there is no store.
    `schema` keeps a store of its own in a PostgreSQL schema, which is made if it is not there: one for each tenant.

        with custcrm.open("shop.db", currency="EUR", timezone="Europe/Helsinki", country="FI") as crm: ...
    """
    if actor is not None:
        checked(actor, field="actor", limit=ACTOR_LIMIT)
    given, carriers = _checked(currency=currency, timezone=timezone, country=country, phones=phones), _channels(channels)
    read_clock(clock)
    opened = _opened(
        store, durability=one_of(durability, DURABILITIES, field="durability"), schema=schema,
        migrate=flag(migrate, field="migrate"), create=flag(create, field="create"),
    )
    try:
        settings = settle(opened, given)
    except BaseException:
        if opened is not store:
            opened.close()
        raise
    money, place = settings["currency"], settings["timezone"]
    assert money is not None and place is not None
    ids = IdSource(partial(read_clock, clock), secrets.randbits)
    forks.watch(ids, child=IdSource.begin_anew)
    return Crm(
        Business(
            store=opened, clock=clock, ids=ids, random_bits=secrets.randbits,
            words=Words(opened, money, place), currency=money, zone=zone(place), country=settings["country"],
            phones=one_of(settings["phones"] or "valid", PHONES, field="phones"),
            channels=carriers, actor=actor or "",
        )
    )


def _checked(
    *, currency: str | None, timezone: str | None, country: str | None, phones: Phones | None
) -> Mapping[str, str | None]:
    """Return the settings that were given; Malformed before a store is made for them."""
    if currency is not None:
        exponent(currency)
    if timezone is not None:
        zone(timezone)
    if phones is not None:
        one_of(phones, PHONES, field="phones")
    own = None if country is None else places.country(country)
    return {"currency": currency, "timezone": timezone, "country": own, "phones": phones}


def _channels(given: Mapping[str, Any] | None) -> dict[str, Any]:
    told = mapping({} if given is None else given, field="channels")
    for name, channel in told.items():
        if isinstance(channel, type) or not callable(getattr(channel, "send", None)):
            raise Malformed(f"the channel {name!r} is no object with send(batch), as custcrm.messaging.protocol.Channel tells",
                            field="channels")
    return dict(told)


def _opened(
    store: str | PathLike[str] | Store | None, *, durability: Durability, schema: str | None, migrate: bool, create: bool,
) -> Store:
    if isinstance(store, str | PathLike):
        from custcrm.storage.sql import open_store

        address: object = fspath(store)
        if not isinstance(address, str) or is_blank(address):
            raise Malformed("a store's path or URL is a text that is not blank", field="store")
        return open_store(address, durability=durability, schema_name=schema, migrate=migrate, create=create)
    if schema is not None:
        raise Malformed("only a PostgreSQL store has schemas; give its URL", field="schema")
    if not create:
        raise Malformed("only a path or a URL may have no store yet", field="create")
    if store is None:
        return MemoryStore()
    if not all(callable(getattr(store, verb, None)) for verb in ("read", "write", "is_writing", "version", "migrate", "close")):
        raise Malformed(
            f"a store is a path, a URL, None for memory, or a Store of your own, not {type(store).__name__}", field="store"
        )
    if durability != "full":
        raise Malformed("how durable a Store of your own is, it decides itself", field="durability")
    return store
