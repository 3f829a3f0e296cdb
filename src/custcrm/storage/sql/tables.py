"""The tables, made from the records' declarations.

`table(record)` is the one place where SQL names come from: `sales`, as its record declares, is `custcrm_sales` here, so that
a store lives beside an app's own tables in one file or database. Behind a record's own columns stand the copies of its texts,
to find them folded. On SQLite a customer's facts are clustered by the record's key, so that they lie together and need no
covering index.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

import sqlalchemy as sa

from custcrm.records import RECORDS
from custcrm.records.customers import Customer
from custcrm.records.declaration import Declaration, declaration
from custcrm.records.journal import Target
from custcrm.records.sales import Sale
from custcrm.storage.sql.types import TEXT, TYPES, WHOLE

METADATA: Final = sa.MetaData()

PREFIX: Final = "custcrm_"
"""What the names of tables, keys and indexes begin with; the records' declarations leave it out."""

CARRIED: Final[Mapping[type, int]] = {Sale: 2}
"""Records with a longer index that covers what metrics read, for PostgreSQL only: so many of its columns are searched by."""

STAGED: Final = sa.Table(
    "custcrm_staged",
    sa.MetaData(),
    # The number leads the key: without statistics, which no temporary table has, PostgreSQL takes any leading columns for as
    # good as all of them, and would go through a whole batch for each target.
    sa.Column("number", WHOLE, primary_key=True),
    sa.Column("name", TEXT, primary_key=True),
    sa.Column("applied_id", TEXT, primary_key=True),
    sa.Column("value", TEXT, nullable=False),
    sa.Column("folds", TEXT),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DELETE ROWS",
    sqlite_with_rowid=False,
)
"""Texts by target number, of the connection that stages them."""


@cache
def table(record: type) -> sa.Table:
    """Return the table of a record class."""
    about = declaration(record)
    clustered = about.of_customer or record is Target
    return sa.Table(
        PREFIX + about.table,
        METADATA,
        *(sa.Column(column.name, TYPES[column.kind], nullable=column.nullable) for column in about.columns),
        *(sa.Column(copy.name, TEXT) for copy in about.copies),
        sa.PrimaryKeyConstraint(*about.key, name=_name("pk", about)),
        *_references(about),
        *_indexes(about),
        sqlite_strict=True,
        sqlite_with_rowid=not clustered,
    )


@cache
def row_names(record: type) -> tuple[str, ...]:
    """Return the columns of a record's table in the order of a row as it is written: the record's own, then the copies."""
    about = declaration(record)
    return (*about.names, *(copy.name for copy in about.copies))


@cache
def metadata() -> sa.MetaData:
    """Return all tables."""
    for record in RECORDS:
        table(record)
    return METADATA


def unique_columns(constraint: str) -> tuple[type, tuple[str, ...]] | None:
    """Return the record and the columns of a primary key or unique index of that name."""
    return _unique().get(constraint)


def columns_named(names: str) -> tuple[type, tuple[str, ...]] | None:
    """Return the record and columns of names as SQLite writes them: `custcrm_sales.external_id, …`."""
    parts = [name.partition(".") for name in names.split(", ")]
    records = {table(record).name: record for record in RECORDS}
    record = records.get(parts[0][0])
    return None if record is None else (record, tuple(column for _, _, column in parts))


@cache
def _unique() -> Mapping[str, tuple[type, tuple[str, ...]]]:
    return {
        name: (record, columns)
        for record in RECORDS
        for about in [declaration(record)]
        for name, columns in [
            (_name("pk", about), about.key),
            *((_name("uq", about, columns), columns) for columns in (*about.unique, about.one_open) if columns),
        ]
    }


def _references(about: Declaration) -> list[sa.ForeignKeyConstraint]:
    if not about.of_customer:
        return []
    customers = table(Customer)
    return [sa.ForeignKeyConstraint(["customer_id"], [customers.c.id], name=_name("fk", about, ("customer_id",)))]


def _indexes(about: Declaration) -> list[sa.Index]:
    unique = [sa.Index(_name("uq", about, columns), *columns, unique=True) for columns in about.unique]
    searched = (*about.index, *((copy.name,) for copy in about.copies if copy.whole))
    sparse = [_sparse(about, name) for name in about.sparse]
    return [*unique, *_one_open(about), *(_index(about, columns) for columns in searched), *sparse]


def _sparse(about: Declaration, name: str) -> sa.Index:
    there = sa.column(name).is_not(None)
    return sa.Index(_name("ix", about, (name,)), name, sqlite_where=there, postgresql_where=there)


def _one_open(about: Declaration) -> list[sa.Index]:
    if not about.one_open:
        return []
    is_open = sa.column("until").is_(None)
    name = _name("uq", about, about.one_open)
    return [sa.Index(name, *about.one_open, unique=True, sqlite_where=is_open, postgresql_where=is_open)]


def _index(about: Declaration, columns: tuple[str, ...]) -> sa.Index:
    name = _name("ix", about, columns)
    searched = CARRIED.get(about.record)
    if searched is None or len(columns) <= searched:
        return sa.Index(name, *columns)
    index = sa.Index(name, *columns[:searched], postgresql_include=columns[searched:])
    return index.ddl_if(dialect="postgresql")


def _name(kind: str, about: Declaration, columns: tuple[str, ...] = ()) -> str:
    """Return the name of a key or index: the first three columns tell those of a table apart, within PostgreSQL's 63 bytes."""
    return PREFIX + "_".join((kind, about.table, *columns[:3]))
