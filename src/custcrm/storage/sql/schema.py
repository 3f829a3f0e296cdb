"""The schema's version, and bringing it up to date by the migrations that the package carries."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from custcrm.records import Customer
from custcrm.storage.migrations import VERSION, VERSION_TABLE
from custcrm.storage.sql.tables import table
from custcrm.values.errors import Conflict

MIGRATIONS: Final = "custcrm.storage:migrations"
_LOCK: Final = 0x63757374_63726D
"""Names our advisory lock on PostgreSQL: processes that open a new store at once take turns."""


def version(connection: Connection) -> int | None:
    """Return the version, None when nothing has been set up; Conflict where it is none of ours."""
    inspector = sa.inspect(connection)
    if not inspector.has_table(VERSION_TABLE):
        return None
    found = connection.scalar(sa.select(sa.column("version_num")).select_from(sa.table(VERSION_TABLE)))
    if found is None:
        return None
    if not inspector.has_table(table(Customer).name):
        raise Conflict("this store was made before custcrm's first version, with tables of other names; begin a new one")
    if not str(found).isdecimal():
        raise Conflict(f"the store's version is {found!r}, which no custcrm has made; see the table {VERSION_TABLE}")
    return int(found)


def migrate(connection: Connection) -> tuple[int | None, int]:
    """Bring the schema to VERSION within the connection's transaction; return the versions before and after."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    before = version(connection)
    if before is not None and before > VERSION:
        raise Conflict(f"the store has version {before} and this library reads {VERSION}; install a newer custcrm")
    if before != VERSION:
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", MIGRATIONS)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return before, VERSION
