"""Stores in SQLite files and PostgreSQL databases, by SQLAlchemy Core: `open_store(address)` opens one.

Read `store`, then `tables` with `types`, then `reader` and `writer`, then `questions` with `sources`, `statements` and
`setwise`; `snapshot` tells what is wrong; `engine` opens databases, by `sqlite` or `postgresql`, `connections` keeps them from
child processes, `schema` keeps their version, `encoding` moves whole rows.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from custcrm.storage.protocol import Durability

if TYPE_CHECKING:
    from custcrm.storage.sql.store import SqlStore

__all__ = ["find_version", "open_store"]


def open_store(
    address: str | Path, *, durability: Durability = "full", schema_name: str | None = None, migrate: bool | None = None,
    create: bool = True,
) -> SqlStore:
    """Open the store at a path or URL: see `custcrm.storage.sql.store.open_store`; SQLAlchemy is imported only now."""
    from custcrm.storage.sql import store

    return store.open_store(address, durability=durability, schema_name=schema_name, migrate=migrate, create=create)


def find_version(address: str | Path, *, schema_name: str | None = None) -> int | None:
    """Return the version of the store at a path or URL, None where there is none: see `custcrm.storage.sql.store`."""
    from custcrm.storage.sql import store

    return store.find_version(address, schema_name=schema_name)
