"""Which store a command works on: `--store`, or CUSTCRM_STORE; a path must be there unless the command may make it."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

import custcrm
from custcrm.cli.output import Output
from custcrm.crm import Crm
from custcrm.values.errors import Malformed, Unavailable
from custcrm.values.phones import Phones


@frozen
class Settings:
    """What a new store is made with."""

    currency: str | None
    timezone: str | None
    country: str | None
    phones: Phones | None
    schema: str | None = None


def existing(store: str | None, schema: str | None) -> Crm:
    """Open a store that must be there: a misspelled path is no empty customer base."""
    return custcrm.open(_existing(store), schema=schema)


def importable(store: str | None, settings: Settings, *, dry_run: bool) -> Crm:
    """Open a store, or make it; a dry run into a new store leaves none behind."""
    name = _require_name(store)
    absent = dry_run and "://" not in name and not Path(name).exists()
    return custcrm.open(
        None if absent else name, currency=settings.currency, timezone=settings.timezone, country=settings.country,
        phones=settings.phones, schema=settings.schema,
    )


def migrate(store: str | None, schema: str | None, output: Output) -> None:
    """Bring a store up to date and say from which version to which."""
    from custcrm.storage.sql import open_store

    name = _existing(store)
    opened = open_store(name, schema_name=schema)
    try:
        before, after = opened.migrate()
    finally:
        opened.close()
    steps = after - before
    did = f"{steps} {'step' if steps == 1 else 'steps'}, done" if steps else "nothing to do"
    shown = "the store" if "://" in name else Path(name).name
    output.say(f"{shown}: version {before} -> {after}, {did}", before=before, after=after, steps=steps)


def _existing(store: str | None) -> str:
    name = _require_name(store)
    if "://" not in name and not Path(name).exists():
        raise Unavailable(f"there is no store at {name}; an import makes one")
    return name


def _require_name(store: str | None) -> str:
    if not store:
        raise Malformed("say which store: --store shop.db, or set CUSTCRM_STORE", field="store")
    return store
