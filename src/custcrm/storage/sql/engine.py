"""Engines: which of the two databases an address is, and what their errors mean to us. No error shows a value."""

from __future__ import annotations

import re
import sqlite3
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import URL, Engine

from custcrm.filters.syntax.errors import FilterError
from custcrm.storage.protocol import Durability
from custcrm.storage.sql import postgresql, sqlite
from custcrm.storage.sql.tables import columns_named, unique_columns
from custcrm.values.errors import Conflict, Contended, CrmError, Malformed, Taken, Unavailable

_UNKEEPABLE: Final = {"DataError", "OverflowError", "UnicodeEncodeError"}
"""What drivers raise for values that do not fit: numbers beyond 64 bits, lone surrogates, and on PostgreSQL NUL."""
_UNKEPT: Final = {sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_CONSTRAINT | 12 << 8}
"""What SQLite says of values of another type; Python has no name for the second, SQLITE_CONSTRAINT_DATATYPE."""

OTHER_TABLES: Final = "the store's tables are not those that custcrm made, or are gone; crm.verify() names what is missing"

TOO_WIDE: Final = "a calculation goes beyond 38 digits, or a sum on SQLite beyond 64 bits"
REFUSED: Final = (
    "the database refused this: by a rule or a trigger that somebody has added to the store's tables, which is to be taken "
    "off, or else for a fault of custcrm, which its code tells"
)

_CLASH: Final = re.compile(r"UNIQUE constraint failed: (.+)")


def open_engine(
    address: str | Path, *, durability: Durability = "full", schema: str | None = None, create: bool = True
) -> Engine:
    """Return the engine of a path (a SQLite file, made with `create` if it is not there) or a URL; Malformed for others.

    `schema` is the PostgreSQL schema in which all tables are; None is the first of the search path.
    """
    url = _url(address)
    match url.get_backend_name():
        case "sqlite":
            if schema is not None:
                raise Malformed("a SQLite file has no schemas; use a file for each", field="schema")
            if url.drivername not in ("sqlite", "sqlite+pysqlite"):
                raise Malformed("SQLite is spoken to by Python's own sqlite3; write sqlite:///path", field="store")
            return sqlite.make_engine(url, durability, create=create)
        case "postgresql" | "postgres":
            return postgresql.make_engine(url, durability, schema)
    raise Malformed("a store is a path, a sqlite:/// URL or a postgresql:// URL", field="store")


def _url(address: str | Path) -> URL:
    if isinstance(address, Path) or "://" not in address:
        if str(address).startswith("file:"):
            raise Malformed("write a file: address as sqlite:///file:…?uri=true, or give the path alone", field="store")
        return URL.create("sqlite", database=str(address))
    try:
        return sa.make_url(address)
    except (exc.ArgumentError, ValueError):
        raise Malformed("not a URL; write postgresql://user@host/database", field="store") from None


# errors ------------------------------------------------------------------------------------------


class translated:  # noqa: N801 (what a `with` reads as; a class, as a deed has many and a generator takes longer)
    """Raise what the driver says within as an error of ours; what it says of values goes nowhere.

    With `keeping`, a number that does not fit is one that was given to keep, else one that was added up. Where the driver fails
    to undo what an interrupt has left half done, it is the interrupt that is raised.
    """

    __slots__ = ("_before", "_keeping")

    def __init__(self, *, keeping: bool = False) -> None:
        self._keeping = keeping

    def __enter__(self) -> None:
        self._before = sys.exception()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, Exception):
            return
        if isinstance(error, exc.TimeoutError):
            raise Unavailable("no connection to the store became free in time") from None
        if isinstance(error, exc.PendingRollbackError):  # said after the connection was lost within a transaction
            raise Unavailable("the connection to the store was lost") from None
        if (interrupt := _interrupt(error, self._before)) is not None:
            raise interrupt from None
        ours = _translate(error.orig if isinstance(error, exc.DBAPIError) else error, self._keeping)
        if ours is not None:
            raise ours from None


def _interrupt(error: BaseException | None, before: BaseException | None) -> BaseException | None:
    """Return what is no error but stops the program, and has led to this error since `before`."""
    while error is not None and error is not before:
        if not isinstance(error, Exception):
            return error
        error = error.__context__
    return None


def _translate(error: BaseException | None, keeping: bool) -> CrmError | None:
    """Return what a driver's error means; None for what is no driver's."""
    state, name = getattr(error, "sqlstate", None), getattr(error, "sqlite_errorname", "")
    kinds = {each.__name__ for each in type(error).__mro__}  # those of both drivers, without importing one not there
    match state or name:
        case "23505" | "SQLITE_CONSTRAINT_UNIQUE" | "SQLITE_CONSTRAINT_PRIMARYKEY":
            return _name_clash(error)
        case "23503" | "SQLITE_CONSTRAINT_FOREIGNKEY":
            return Conflict("a record names a customer that is not there, or others still name this one")
        case "23502" | "SQLITE_CONSTRAINT_NOTNULL":
            return Malformed("a record lacks a value that it must have")
        case "40001" | "40P01" | "SQLITE_BUSY_SNAPSHOT":  # plain SQLITE_BUSY has waited for WAIT_SECONDS already
            return Contended()
        case "55P03":
            return Unavailable("another transaction holds what this one wants for too long; it may be waiting for this call")
        case "22003" if not keeping:
            return FilterError("overflow", TOO_WIDE)
        case "SQLITE_ERROR" if str(error) == "integer overflow":
            return FilterError("overflow", TOO_WIDE)
        case "25P03" | "25P04":
            return Unavailable("the server ended the transaction: it was idle, or took longer, than the server is set to allow")
        case "XX001" | "XX002":
            return Conflict("the server finds its data damaged; its log says where, and a backup is to be restored")
        case "25006":
            return Unavailable("the server takes no changes now: it is a standby, or is set to be read only")
        case "42501":
            return Unavailable("the role may not do this; a store reads and writes its tables, and a new one makes them")
        case "42P01" | "42703" | "3F000":
            return Conflict(OTHER_TABLES)
        case "SQLITE_ERROR" if str(error).startswith(("no such table", "no such column")):
            return Conflict(OTHER_TABLES)
        case "SQLITE_NOTADB":
            return Malformed(sqlite.NO_DATABASE, field="store")
        case "SQLITE_CORRUPT":
            return Conflict("the SQLite file is damaged; restore it from a backup")
    if name.startswith("SQLITE_READONLY"):
        return Unavailable(sqlite.READ_ONLY)
    if kinds & _UNKEEPABLE or getattr(error, "sqlite_errorcode", 0) in _UNKEPT:
        return Malformed("a value that the store cannot keep: a text or number beyond what its column takes")
    if "OperationalError" in kinds and name != "SQLITE_ERROR":
        return Unavailable(f"the store cannot be reached now ({name or state or 'no connection'})")
    if kinds & {"DatabaseError", "InterfaceError"}:  # whose text may hold the row, as that of a CHECK does
        return Conflict(f"{REFUSED} ({state or name or type(error).__name__})")
    return None


def _name_clash(error: Any) -> CrmError:
    """Return which columns clash: PostgreSQL names the index, SQLite the columns."""
    if (diagnosis := getattr(error, "diag", None)) is not None:
        found = unique_columns(diagnosis.constraint_name or "")
    else:
        clash = _CLASH.fullmatch(str(error))
        found = clash and columns_named(clash[1])
    return Taken(*found) if found else Conflict("a record with the same unique columns is there already")
