"""Which store a command works on: `--store`, or CUSTCRM_STORE; a path must be there unless the command may make it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from attrs import frozen

import custcrm
from custcrm.cli.output import Output
from custcrm.crm import Crm
from custcrm.values.errors import Malformed, Unavailable
from custcrm.values.phones import Phones


@frozen
class Settings:
    """What a new store is made with, and where it lies."""

    currency: str | None
    timezone: str | None
    country: str | None
    phones: Phones | None
    schema: str | None = None

    def open(self, name: str | None) -> Crm:
        """Open a store with these; in memory there are no schemas."""
        return custcrm.open(
            name, currency=self.currency, timezone=self.timezone, country=self.country, phones=self.phones,
            schema=None if name is None else self.schema,
        )


def existing(store: str | None, schema: str | None) -> Crm:
    """Open a store that must be there: a misspelled path is no empty customer base."""
    return custcrm.open(_existing(store), schema=schema, create=False)


def importable(store: str | None, settings: Settings, trial: Callable[[Crm], object], *, dry_run: bool) -> Crm:
    """Open a store, or make it when the trial, in memory, has shown that the file can be read; a dry run makes none."""
    from custcrm.storage.sql import find_version

    name = _require_name(store)
    if find_version(name, schema_name=settings.schema) is None:
        empty = settings.open(None)
        if dry_run:
            return empty
        with empty:
            trial(empty)
    return settings.open(name)


def migrate(store: str | None, schema: str | None, output: Output) -> None:
    """Bring a store up to date, or set one up, and say what was done; a schema that is not there is none."""
    from custcrm.storage.sql import open_store

    name = _existing(store)
    opened = open_store(name, schema_name=schema, create=schema is None)
    try:
        before, after, reread = opened.migrate()
    finally:
        opened.close()
    steps = after - before
    did = f"{steps} {'step' if steps == 1 else 'steps'}, done" if steps else "nothing to do"
    shown = "the store" if "://" in name else Path(name).name
    output.say(f"{shown}: version {before} -> {after}, {did}", before=before, after=after, steps=steps, reread=list(reread))
    if reread:
        output.say("These read lines, which are what was sold now and no longer what came back; look at them again:")
        for each in reread:
            output.say(f"  {each}")


def _existing(store: str | None) -> str:
    name = _require_name(store)
    if "://" not in name and not Path(name).exists():
        raise Unavailable(f"there is no store at {name}; an import makes one")
    return name


def _require_name(store: str | None) -> str:
    if not store:
        raise Malformed("say which store: --store shop.db, or set CUSTCRM_STORE", field="store")
    return store
