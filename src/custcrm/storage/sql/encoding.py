"""Whole rows between driver and codec: `write` and `read_few` leave out SQLAlchemy's work per statement and value.

SQLAlchemy writes each statement once, as text with numbered places; then tuples go from `encode` straight to the driver, and
come back straight to `decode`. So a single call spends its time in the database. Many new rows take a quicker way: binary COPY
on PostgreSQL, on SQLite an INSERT of only those columns that any of the rows fills.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, Final, Literal, TypeAlias

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Connection, Dialect

from custcrm.records.codec import decoder, encoder, unread
from custcrm.records.declaration import Kind, declaration
from custcrm.storage.folding import copies_of, folds_of
from custcrm.storage.sql import statements
from custcrm.storage.sql.statements import Shape
from custcrm.storage.sql.tables import row_names, table
from custcrm.storage.sql.types import FORMS
from custcrm.values.errors import Conflict, Malformed

COPY_FROM: Final = 50
"""Rows from which COPY is quicker than INSERT."""

INSERTS: Final = 256
"""Statements to keep that fill some columns of a record; an app fills few combinations."""

UNREADABLE: Final = (Malformed, ValueError, LookupError, TypeError, ArithmeticError, AttributeError)
"""What reading a row raises that no record was written as: an unknown word, no date, no JSON, no currency, beyond a range."""

Verb: TypeAlias = Literal["add", "put", "replace"]

_COPIED: Final[Mapping[Kind, str]] = {
    "text": "text", "integer": "int8", "boolean": "bool", "date": "date", "instant": "timestamptz", "json": "text",
}


@cache
def encode(record: type, dialect: str) -> Callable[[Any], tuple[Any, ...]]:
    """Return the function from a record to its row on an engine: the record's own columns, and the copies of its texts."""
    own = encoder(record, FORMS[dialect])
    if not declaration(record).copies:
        return own
    copies = copies_of(record)

    def encoded(each: Any) -> tuple[Any, ...]:
        row = own(each)
        return row + copies(row)

    return encoded


def decode(record: type, dialect: str) -> Callable[[tuple[Any, ...]], Any]:
    """Return the function from an engine's row, of the record's own columns, to the record."""
    return decoder(record, FORMS[dialect])


def read(record: type, dialect: str, rows: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
    """Yield the records of rows; Conflict, with the column, where a row is one that no record was written as."""
    decoded, row = decode(record, dialect), tuple[Any, ...]()
    try:
        for row in rows:
            yield decoded(row)
    except UNREADABLE:
        where = unread_column(record, dialect, row)
        raise Conflict(
            f"a row of {declaration(record).table} cannot be read{where}: it was changed beside custcrm; crm.verify() names it"
        ) from None  # what befell the reader may show a value


def unread_column(record: type, dialect: str, row: tuple[Any, ...]) -> str:
    """Return ' for its kind' where that is the column, nothing where it is no single one."""
    found = unread(record, tuple(row), FORMS[dialect]) if row else None
    return f" for its {found}" if found else ""


def write(connection: Connection, verb: Verb, record: type, rows: Sequence[tuple[Any, ...]]) -> int:
    """Write rows of one record; return how many there were to write, or for `replace` how many were there."""
    if verb == "add" and len(rows) >= COPY_FROM and connection.dialect.name == "postgresql":
        _copy_in(connection, record, rows)
        return len(rows)
    if verb == "add" and len(rows) >= COPY_FROM:
        _add_filled(connection, record, rows)
        return len(rows)
    statement = _compile(verb, record, connection.dialect.name)
    if len(rows) == 1:
        return int(driver_of(connection).execute(statement.text, statement.ordered(rows[0])).rowcount)
    connection.exec_driver_sql(statement.text, [statement.ordered(row) for row in rows])
    return len(rows)


def read_few(connection: Connection, shape: Shape, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]] | None:
    """Return the rows of a shape that asks for few, by texts and whole numbers; None for other shapes."""
    query = _compile_few(shape, connection.dialect.name)
    if query is None:
        return None
    text, names = query
    found: list[tuple[Any, ...]] = driver_of(connection).execute(text, [parameters[name] for name in names]).fetchall()
    return found


def driver_of(connection: Connection) -> Any:
    """Return the driver's own connection, which is in the same transaction."""
    return connection.connection.driver_connection


@cache
def _compile_few(shape: Shape, dialect: str) -> tuple[str, tuple[str, ...]] | None:
    """Return text and parameters of a query for one customer's facts, or for a key; None where it needs more than that."""
    about = declaration(shape.record)
    equal = {name for name, how in shape.wanted if how == "equal"}
    few = about.key[0] in equal and (about.of_customer or equal >= set(about.key))
    if not few or shape.seen is not None or shape.limited or any(how not in ("equal", "missing") for _, how in shape.wanted):
        return None
    if any(about.column(about.without_case.get(name, name)).kind not in ("text", "integer") for name in equal):
        return None
    made: Any = statements.select(shape).compile(dialect=_dialect_of(dialect))
    return str(made), tuple(made.positiontup or ())


@frozen
class _Compiled:
    """A statement's text, and the places in the row of the values that it takes."""

    text: str
    places: tuple[int, ...] | None

    def ordered(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        return row if self.places is None else tuple([row[place] for place in self.places])


@cache
def _compile(verb: Verb, record: type, dialect: str) -> _Compiled:
    made: Any = _statement(verb, record, dialect).compile(dialect=_dialect_of(dialect))
    about = declaration(record)
    named = {f"where_{place}": name for place, name in enumerate(about.key)}
    names = row_names(record)
    places = tuple(names.index(named.get(name, name)) for name in made.positiontup or ())
    return _Compiled(str(made), None if places == tuple(range(len(names))) else places)


def _add_filled(connection: Connection, record: type, rows: Sequence[tuple[Any, ...]]) -> None:
    """Add rows without the columns that none of them fills: SQLite's driver takes longer for None than for a text."""
    columns = zip(row_names(record), zip(*rows, strict=True), strict=True)
    # The first row alone usually tells that a column is filled.
    filled = {name: column for name, column in columns if column[0] is not None or column.count(None) < len(column)}
    text = _insert_of(record, tuple(filled), connection.dialect.name)
    connection.exec_driver_sql(text, list(zip(*filled.values(), strict=True)))


@lru_cache(INSERTS)
def _insert_of(record: type, names: tuple[str, ...], dialect: str) -> str:
    return str(statements.insert(record, names).compile(dialect=_dialect_of(dialect), column_keys=list(names)))


def _statement(verb: Verb, record: type, dialect: str) -> sa.ClauseElement:
    match verb:
        case "add":
            return statements.insert(record)
        case "put":
            return statements.put(record, dialect)
        case "replace":
            return statements.replace(record)


@cache
def _dialect_of(name: str) -> Dialect:
    # Of our own, as a store's is bound to its life; parameters by place, as the rows are tuples.
    dialects: Any = {"sqlite": SQLiteDialect_pysqlite, "postgresql": PGDialect_psycopg}  # untyped constructors
    made: Dialect = dialects[name](paramstyle={"sqlite": "qmark", "postgresql": "format"}[name])
    return made


def write_staged(connection: Connection, staged: Sequence[tuple[int, str, str, str]]) -> None:
    """Write rows of the table of staged texts: number, name, apply, text; and beside these what they are folded."""
    rows = [(*row, folds_of(row[-1])) for row in staged]
    if connection.dialect.name == "postgresql":
        with driver_of(connection).cursor() as cursor, cursor.copy("COPY custcrm_staged FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    else:
        driver_of(connection).executemany("INSERT INTO custcrm_staged VALUES (?, ?, ?, ?, ?)", rows)


def _copy_in(connection: Connection, record: type, rows: Sequence[tuple[Any, ...]]) -> None:
    from psycopg import sql

    about = declaration(record)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(table(record).name), sql.SQL(", ").join(map(sql.Identifier, row_names(record)))
    )
    with driver_of(connection).cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types([*(_COPIED[column.kind] for column in about.columns), *(_COPIED["text"] for _ in about.copies)])
        for row in rows:
            copy.write_row(row)
