"""The schema's version: bringing it up to date by the migrations that the package carries, and the fence before each write().

Every write() asks for the version first and so keeps it until it ends; a migration waits for those that run. So a process that
was started before an upgrade never writes into tables that it does not know.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from custcrm.records import Customer
from custcrm.storage import protocol
from custcrm.storage.migrations import VERSION, VERSION_TABLE
from custcrm.storage.sql import postgresql
from custcrm.storage.sql.tables import table
from custcrm.values.errors import Conflict, Malformed, Unavailable

MIGRATIONS: Final = "custcrm.storage:migrations"
_LOCK: Final = 0x63757374
"""Names our advisory locks on PostgreSQL, one a schema: processes that open a new store at once take turns."""
_ASK: Final = f"SELECT version_num FROM {VERSION_TABLE}"  # noqa: S608 (a name of our own)
_ABSENT: Final = {"42P01", "SQLITE_ERROR"}
"""What the drivers call a table that is not there."""


def version(connection: Connection) -> int | None:
    """Return the version, None when nothing has been set up; Conflict where it is none of ours."""
    inspector, place = sa.inspect(connection), _place(connection)
    if not inspector.has_table(VERSION_TABLE, schema=place):
        if place is not None and inspector.has_table(VERSION_TABLE):
            raise Conflict(
                f"there is a store in a later schema of the search path, and none in {place!r}, its first; "
                "say which one is meant: custcrm.open(url, schema=…)"
            )
        found = None
    else:
        found = connection.scalar(sa.select(sa.column("version_num")).select_from(sa.table(VERSION_TABLE)))
    if found is None:
        if inspector.has_table(table(Customer).name, schema=place):
            raise Conflict(f"the tables of a store are there, and nothing tells their version; restore {VERSION_TABLE}")
        return None
    if not inspector.has_table(table(Customer).name, schema=place):
        raise Conflict("this store was made before custcrm's first version, with tables of other names; begin a new one")
    return _number(found)


def _place(connection: Connection) -> str | None:
    """Return the PostgreSQL schema in which our tables are: the first of the search path; None on SQLite."""
    if connection.dialect.name != "postgresql":
        return None
    place = connection.dialect.default_schema_name
    if place is None:
        raise Malformed(
            "no schema of the search path is there; make it first, or let custcrm.open(url, schema=…) make it", field="store"
        )
    if postgresql.is_own(place):
        raise Malformed(
            f"the search path begins with {place}, which is PostgreSQL's own; let it begin with another schema", field="store"
        )
    return place


def _number(found: object) -> int:
    if not str(found).isdecimal():
        raise Conflict(f"the store's version is {found!r}, which no custcrm has made; see the table {VERSION_TABLE}")
    return int(str(found))


def is_current(found: int | None) -> bool:
    """Tell whether a version is the one that this library reads and writes."""
    return found == VERSION


def check(found: int | None, *, migrate: bool) -> None:
    """Raise Conflict for a store that this library does not write, unless it is older and is to be brought up to date."""
    if found is not None and found > VERSION:
        raise Conflict(f"this store has version {found} and this custcrm knows {VERSION}; install a newer custcrm")
    if found is not None and found < VERSION and not migrate:
        raise Conflict(
            f"this store has version {found} and this custcrm needs {VERSION}; run `custcrm migrate`, "
            "or open it with migrate=True"
        )


def fence(connection: Connection) -> None:
    """Raise Conflict where the schema is another than this library's, and keep it as it is until the transaction ends.

    On PostgreSQL the lock of having read the version is kept, against that of `migrate`; the statement sees what was committed
    before it got the lock. On SQLite the writer is alone.
    """
    driver: Any = connection.connection.driver_connection
    try:
        row = driver.execute(_ASK).fetchone()
    except Exception as error:
        if getattr(error, "sqlstate", None) in _ABSENT or getattr(error, "sqlite_errorname", None) in _ABSENT:
            raise Conflict("the store's tables are gone; open it anew") from None
        raise
    found = None if row is None else _number(row[0])
    if found == VERSION:
        return
    if found is not None and found > VERSION:
        raise Conflict(f"the store was brought to version {found} by a newer custcrm; restart with it (this one: {VERSION})")
    check(found, migrate=False)
    raise Conflict("the store's tables are gone; open it anew")


def migrate(connection: Connection) -> tuple[int | None, int]:
    """Bring the schema to VERSION within the connection's transaction; return the versions before and after.

    Waits for the transactions that are writing; Unavailable, with nothing changed, where one goes on for WAIT_SECONDS.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK, sa.func.hashtext(sa.func.current_schema()))))
    before = version(connection)
    if before is not None and before != VERSION:
        _wait_for_writers(connection)
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


def _wait_for_writers(connection: Connection) -> None:
    """Keep all who would write away until the transaction ends; on SQLite it is a writer's already."""
    if connection.dialect.name != "postgresql":
        return
    connection.execute(sa.select(sa.func.set_config("lock_timeout", f"{protocol.WAIT_SECONDS}s", True)))
    try:
        connection.exec_driver_sql(f"LOCK TABLE {VERSION_TABLE} IN ACCESS EXCLUSIVE MODE")
    except sa.exc.OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == "55P03":
            raise Unavailable(
                f"others were writing for {protocol.WAIT_SECONDS} seconds; nothing was changed, try again when they have ended"
            ) from None
        raise
