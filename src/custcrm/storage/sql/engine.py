"""Engines: how SQLite files and PostgreSQL databases are opened, and what their errors mean to us.

SQLite: write-ahead log, foreign keys, one writer that waits for its turn (BEGIN IMMEDIATE), readers on a snapshot.
PostgreSQL: READ COMMITTED and nothing else, as FOR UPDATE under REPEATABLE READ overspends. No error shows a value.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine import URL, Connection, Engine

from custcrm.filters.syntax.errors import FilterError
from custcrm.storage.protocol import Taken
from custcrm.storage.sql.tables import columns_named, unique_columns
from custcrm.values.errors import Conflict, Contended, CrmError, Malformed, Unavailable
from custcrm.values.texts import fold

BUSY_SECONDS: Final = 60
"""How long a writer waits for another process's transaction; a batch of a bulk action takes seconds."""
CACHE_KIBIBYTES: Final = {True: 65_536, False: 4_096}
"""Of a connection that writes, and of one that reads. Bulk writes are several times slower with SQLite's own 2 MB; scans of a
large file are a third slower with 64 MB, as pages are then kept that are not needed again."""
READERS: Final = 8
"""Connections kept open; more are made when more threads ask at once."""

_FOLDS: Final = (("custcrm_casei", True, False), ("custcrm_accenti", False, True), ("custcrm_fold", True, True))
"""What filters call on SQLite: name, without case, without accents."""

_UNKEEPABLE: Final = {"DataError", "OverflowError", "UnicodeEncodeError"}
"""What drivers raise for values that do not fit: numbers beyond 64 bits, lone surrogates, and on PostgreSQL NUL."""
_UNKEPT: Final = {sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_CONSTRAINT | 12 << 8}
"""What SQLite says of values of another type; Python has no name for the second, SQLITE_CONSTRAINT_DATATYPE."""

_CLASH: Final = re.compile(r"UNIQUE constraint failed: (.+)")


def open_engine(address: str | Path) -> Engine:
    """Return the engine of a path (a SQLite file) or a URL; Malformed for what is neither."""
    url = _url(address)
    match url.get_backend_name():
        case "sqlite":
            return _sqlite(url)
        case "postgresql" | "postgres":
            return _postgresql(url)
    raise Malformed("a store is a path, a sqlite:/// URL or a postgresql:// URL", field="store")


def _url(address: str | Path) -> URL:
    if isinstance(address, Path) or "://" not in address:
        return URL.create("sqlite", database=str(address))
    try:
        return sa.make_url(address)
    except exc.ArgumentError:
        raise Malformed("not a URL; write postgresql://user@host/database", field="store") from None


# SQLite ------------------------------------------------------------------------------------------


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise Malformed("SQLite keeps its data in a file; leave the address out for a store in memory", field="store")
    engine = sa.create_engine(
        url.set(drivername="sqlite+pysqlite"),
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        poolclass=sa.QueuePool,
        pool_size=READERS,
        max_overflow=-1,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: see _begin
    connection.execute("PRAGMA foreign_keys = ON")
    _use_write_ahead_log(connection)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA secure_delete = ON")  # what erasure clears is overwritten, not only unlinked
    for name, case, accent in _FOLDS:
        connection.create_function(name, 1, _folding(case=case, accent=accent), deterministic=True)


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch the file's log once; the switch does not wait for its turn, so that is done here."""
    until = time.monotonic() + BUSY_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def _folding(*, case: bool, accent: bool) -> Callable[[str | None], str | None]:
    return lambda text: None if text is None else fold(text, case, accent)


def _begin(connection: Connection) -> None:
    # A deferred transaction that turns to writing fails at once when another has written: writers begin as such.
    writes = connection.get_execution_options().get("custcrm_write")
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES[bool(writes)]}")
    driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN")


# PostgreSQL --------------------------------------------------------------------------------------


def _postgresql(url: URL) -> Engine:
    try:
        return sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            isolation_level="READ COMMITTED",
            paramstyle="format",  # rows are written as the tuples that the codec makes
            pool_pre_ping=True,
            max_overflow=-1,  # a thread that asks within a question needs a second connection
            hide_parameters=True,
            connect_args={"options": "-c timezone=UTC"},
        )
    except ModuleNotFoundError:
        raise Malformed("PostgreSQL needs psycopg: pip install 'custcrm[postgres]'", field="store") from None


# errors ------------------------------------------------------------------------------------------


@contextmanager
def translated(*, keeping: bool = False) -> Iterator[None]:
    """Raise what the driver says as an error of ours; what it says of values goes nowhere.

    With `keeping`, a number that does not fit is one that was given to keep, else one that was added up.
    """
    try:
        yield
    except exc.TimeoutError:
        raise Unavailable("no connection to the store became free in time") from None
    except Exception as error:
        ours = _translate(error.orig if isinstance(error, exc.DBAPIError) else error, keeping)
        if ours is None:
            raise
        raise ours from None


def _translate(error: BaseException | None, keeping: bool) -> CrmError | None:
    """Return what a driver's error means; None for what is no driver's, or a mistake in a statement."""
    state, name = getattr(error, "sqlstate", None), getattr(error, "sqlite_errorname", "")
    kinds = {each.__name__ for each in type(error).__mro__}  # those of both drivers, without importing one not there
    match state or name:
        case "23505" | "SQLITE_CONSTRAINT_UNIQUE" | "SQLITE_CONSTRAINT_PRIMARYKEY":
            return _name_clash(error)
        case "23503" | "SQLITE_CONSTRAINT_FOREIGNKEY":
            return Conflict("a record names a customer that is not there, or others still name this one")
        case "23502" | "SQLITE_CONSTRAINT_NOTNULL":
            return Malformed("a record lacks a value that it must have")
        case "40001" | "40P01" | "55P03" | "SQLITE_BUSY_SNAPSHOT":  # plain SQLITE_BUSY has waited for BUSY_SECONDS already
            return Contended()
        case "22003" if not keeping:
            return FilterError("overflow", "a sum exceeds 64 bits")
        case "SQLITE_ERROR" if str(error) == "integer overflow":
            return FilterError("overflow", "a sum exceeds 64 bits")
    if kinds & _UNKEEPABLE or getattr(error, "sqlite_errorcode", 0) in _UNKEPT:
        return Malformed("a value that the store cannot keep: a text or number beyond what its column takes")
    unreached = "OperationalError" in kinds or name == "SQLITE_NOTADB"
    if unreached and name != "SQLITE_ERROR":
        return Unavailable(f"the store cannot be reached now ({name or state or 'no connection'})")
    return None


def _name_clash(error: Any) -> CrmError:
    """Return which columns clash: PostgreSQL names the index, SQLite the columns."""
    if (diagnosis := getattr(error, "diag", None)) is not None:
        found = unique_columns(diagnosis.constraint_name or "")
    else:
        clash = _CLASH.fullmatch(str(error))
        found = clash and columns_named(clash[1])
    return Taken(*found) if found else Conflict("a record with the same unique columns is there already")
