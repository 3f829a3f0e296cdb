"""A view of one moment that tells what is wrong: see `storage.protocol.Store.snapshot`. Know `open_snapshot`.

What an engine says of itself comes first: SQLite of its file, its indexes and the references between tables. Then the tables
are compared with those that the records declare. Rows are told of while they are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import Connection

from custcrm.records import RECORDS
from custcrm.records.declaration import declaration
from custcrm.storage.protocol import Fault, Tell
from custcrm.storage.sql import encoding
from custcrm.storage.sql.engine import translated
from custcrm.storage.sql.reader import SqlReader
from custcrm.storage.sql.tables import PREFIX, row_names, table
from custcrm.values.errors import CrmError, Unavailable

R = TypeVar("R")

_COLLATED: Final = (
    "SELECT m.tbl_name, m.name, x.coll FROM sqlite_schema m, pragma_index_xinfo(m.name) x"
    " WHERE m.type = 'index' AND m.sql IS NOT NULL AND x.key AND x.coll <> 'BINARY'"
)
"""SQLite: indexes that compare otherwise than byte for byte."""
_BRACKETS: Final = re.compile(r'[()"]')
"""What engines write round the condition of an index, or leave out."""

REFERENCES: Final = 100
"""Rows without what they refer to that SQLite is let name: each is found again where its customer is looked for."""


def open_snapshot(connection: Connection, tell: Tell) -> SqlSnapshot:
    """Return the view, and tell what is wrong before any record is read."""
    with translated():
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for fault in (*_find_damage(connection), *_find_differences(connection)):
            tell(fault)
    return SqlSnapshot(connection, tell)


class SqlSnapshot(SqlReader):
    """A reader that leaves out rows which it cannot read, and tells of them."""

    copied = True

    def __init__(self, connection: Connection, tell: Tell) -> None:
        super().__init__(connection)
        self._tell = tell

    def _decoded(self, record: type, rows: Iterable[Any]) -> Iterator[Any]:
        decode, encode = encoding.decode(record, self._dialect), encoding.encode(record, self._dialect)
        about, names = declaration(record), row_names(record)
        own = len(about.names)
        places = [names.index(name) for name in about.key]
        for row in self._legible(about.table, rows):
            try:
                made = decode(row[:own])
                written = encode(made)
            except encoding.UNREADABLE:
                key, where = tuple(row[place] for place in places), encoding.unread_column(record, self._dialect, row[:own])
                self._tell(Fault("rows", about.table, f"the row cannot be read{where}", key))
                continue
            if written != row:
                key = tuple(row[place] for place in places)
                differ = [name for name, ours, theirs in zip(names, written, row, strict=True) if ours != theirs]
                if mine := ", ".join(name for name in differ if name in about.names):
                    text = f"no record is written so: {mine} does not follow from the rest"
                    self._tell(Fault("rows", about.table, text, key))
                if copies := ", ".join(name for name in differ if name not in about.names):
                    self._tell(Fault("folded", about.table, f"{copies} is not the fold of its text", key))
            yield made

    def _legible(self, name: str, rows: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
        """Yield rows as far as the engine can give them."""
        try:
            for row in rows:
                yield tuple(row)
        except (exc.DatabaseError, CrmError) as error:
            if isinstance(error, Unavailable) and self._dialect == "postgresql":
                raise  # the server is away, which says nothing of the table
            cause = error.orig if isinstance(error, exc.DatabaseError) else error
            self._tell(Fault("damage", name, f"the table cannot be read to its end ({type(cause).__name__})"))


# what the engine says of itself ------------------------------------------------------------------


def _find_damage(connection: Connection) -> Iterator[Fault]:
    """Yield what SQLite finds when it looks at its file; a server looks after its own."""
    if connection.dialect.name != "sqlite":
        return
    try:
        for (text,) in connection.exec_driver_sql("PRAGMA integrity_check").all():
            if text != "ok":
                yield Fault("damage", _table_in(text), f"SQLite finds: {text}")
    except exc.DatabaseError as error:
        yield Fault("damage", "", f"SQLite cannot check its file ({type(error.orig).__name__})")
        return
    found = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(REFERENCES)
    for name, count in _count_by_table(row[0] for row in found).items():
        yield Fault("damage", name, f"SQLite finds rows that refer to none, {count} of them at least")


def _count_by_table(names: Iterable[str]) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        if name.startswith(PREFIX):
            short = name.removeprefix(PREFIX)
            counts[short] = counts.get(short, 0) + 1
    return counts


def _table_in(text: str) -> str:
    """Return the table that a finding of SQLite's names: the longest one, as some begin like others."""
    named = [about.table for about in map(declaration, RECORDS) if PREFIX + about.table in text]
    return max(named, key=len, default="")


# tables as they are declared ---------------------------------------------------------------------


def _find_differences(connection: Connection) -> Iterator[Fault]:
    """Yield where the tables are not those that the records declare: columns, keys, indexes, references."""
    stored = _read_tables(connection)
    for record in RECORDS:
        declared, name = table(record), declaration(record).table
        if declared.name not in stored:
            yield Fault("missing", name, "the table is missing")
            continue
        wanted, found = _declared_parts(declared, connection), stored[declared.name]
        for part in sorted(wanted.keys() - found.keys()):
            yield Fault("missing" if part.startswith("column") else "schema", name, f"{part} is missing")
        for part in sorted(found.keys() - wanted.keys()):
            yield Fault("schema", name, f"{part} is not declared")
        for part in sorted(wanted.keys() & found.keys()):
            if wanted[part] != found[part]:
                yield Fault("schema", name, f"{part} is {found[part]} instead of {wanted[part]}")


def _declared_parts(declared: sa.Table, connection: Connection) -> dict[str, str]:
    dialect = connection.dialect
    parts = {
        f"column {column.name}": _column(column.type.dialect_impl(dialect), column.nullable, dialect)
        for column in declared.columns
    }
    parts["the primary key"] = ", ".join(column.name for column in declared.primary_key)
    for index in declared.indexes:
        if dialect.name == "postgresql" or not index.dialect_options["postgresql"]["include"]:
            only = index.dialect_options[dialect.name]["where"]
            parts[f"index {index.name}"] = _index([column.name for column in index.columns], index.unique, only)
    for key in declared.foreign_keys:
        parts[f"the reference of {key.parent.name}"] = key.column.table.name
    if dialect.name == "sqlite":
        options = declared.dialect_options["sqlite"]
        parts["its kind"] = _kind(options["strict"], options["with_rowid"])
    return parts


def _read_tables(connection: Connection) -> Mapping[str, dict[str, str]]:
    """Return the parts of each table, with their descriptions: those of all tables are asked for together."""
    inspector = sa.inspect(connection)
    names = {table(record).name for record in RECORDS} & set(inspector.get_table_names())
    tables: dict[str, dict[str, str]] = {name: {} for name in names}
    asked: Any = {"filter_names": sorted(names)}
    for (_, name), columns in inspector.get_multi_columns(**asked).items():
        for column in columns:
            tables[name][f"column {column['name']}"] = _column(column["type"], column["nullable"], connection.dialect)
    for (_, name), key in inspector.get_multi_pk_constraint(**asked).items():
        tables[name]["the primary key"] = ", ".join(key["constrained_columns"])
    for (_, name), indexes in inspector.get_multi_indexes(**asked).items():
        for index in indexes:
            carried = index.get("include_columns", [])
            searched = [each for each in index["column_names"] if each not in carried]
            only = index.get("dialect_options", {}).get(f"{connection.dialect.name}_where")
            tables[name][f"index {index['name']}"] = _index(searched, index["unique"], only)
    for (_, name), references in inspector.get_multi_foreign_keys(**asked).items():
        for reference in references:
            tables[name][f"the reference of {', '.join(reference['constrained_columns'])}"] = reference["referred_table"]
    if connection.dialect.name == "sqlite":
        for name, index, collation in connection.exec_driver_sql(_COLLATED):
            if name in tables:
                tables[name][f"index {index}"] += f" by {collation}"
        for (_, name), options in inspector.get_multi_table_options(**asked).items():
            tables[name]["its kind"] = _kind(options.get("sqlite_strict", False), options.get("sqlite_with_rowid", True))
    return tables


def _column(kind: Any, nullable: bool | None, dialect: sa.Dialect) -> str:
    return f"{kind.compile(dialect=dialect)}{'' if nullable else ' NOT NULL'}"


def _index(columns: Iterable[Any], unique: bool | None, only: Any) -> str:
    where = "" if only is None else f" where {_BRACKETS.sub('', str(only)).strip()}"
    return f"{'unique ' if unique else ''}({', '.join(map(str, columns))}){where}"


def _kind(strict: Any, with_rowid: Any) -> str:
    return f"{'strict' if strict else 'not strict'}, {'by rowid' if with_rowid else 'by its key'}"
