"""Columns of a user's own tables: one that holds values of another type is refused by name, for every use of it."""

import enum
from itertools import chain
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from custcrm.filters import Boolean, Choice, Collection, Date, FilterError, Instant, Integer, Map, Number, Schema, Text


class Kind(enum.Enum):
    A = "a"
    B = "b"


class Coded(sa.TypeDecorator):
    """An encoding of its own."""

    impl = sa.LargeBinary
    cache_ok = True


TYPES = {
    "text": Text(), "whole": Integer(), "number": Number(places=2), "truth": Boolean(), "day": Date(), "at": Instant(),
    "kind": Choice("a", "b"),
}  # fmt: skip
USES = {
    "text": ["{} = 'a'", "{} IN ('a', 'b')", "{} CONTAINS 'a'", "{} LIKE '_a%'", "{} EXISTS"],
    "whole": ["{} > 9", "{} IN (1, 2)", "{} + 1 > 9", "{} EXISTS", "{} = {}"],
    "number": ["{} > 9.5", "{} * 2 > 1", "{} IN (1, 2)", "{} EXISTS"],
    "truth": ["{}", "NOT {}", "{} EXISTS"],
    "day": ["{} < today()", "{} = DATE('2026-01-01')", "ANNIVERSARY({}) = today()", "{} EXISTS"],
    "at": ["{} < now()", "{} = today()", "{} EXISTS"],
    "kind": ["{} = 'a'", "{} IN ('a', 'b')", "{} EXISTS"],
}  # fmt: skip
COLUMNS: dict[str, list[Any]] = {
    "text": [sa.Text(), sa.String(9), sa.Unicode(), postgresql.CITEXT()],
    "whole": [sa.Integer(), sa.BigInteger(), sa.SmallInteger(), sa.Numeric(18, 0)],
    "number": [sa.Numeric(10, 2), sa.Integer(), sa.Float(), sa.Double(), sa.BigInteger()],
    "truth": [sa.Boolean()],
    "day": [sa.Date()],
    "at": [sa.DateTime(), sa.DateTime(timezone=True), sa.TIMESTAMP()],
    "kind": [sa.Text(), sa.Enum(Kind), sa.String(1)],
}
EVERY = [
    sa.Text(), sa.Integer(), sa.Numeric(10, 2), sa.Float(), sa.Boolean(), sa.Date(), sa.DateTime(), sa.Time(),
    postgresql.INTERVAL(), sa.LargeBinary(), sa.JSON(), sa.Uuid(), sa.ARRAY(sa.Integer()),
]  # fmt: skip
SCHEMA = Schema({**TYPES, "parts": Collection(TYPES), "map": Map(TYPES, keys=("k",))})


def clause(text: str, name: str, kind: sa.types.TypeEngine) -> sa.ColumnElement[bool]:
    """Return the clause of a filter over tables in which the field's column is of this type."""
    metadata = sa.MetaData()
    rows = sa.Table("rows", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column(name, kind))
    tie = {"parts": [], "map": [sa.Column("key", sa.Text)]}
    others = {
        other: sa.Table(other, metadata, sa.Column("row", sa.ForeignKey("rows.id")), *columns, sa.Column(name, kind))
        for other, columns in tie.items()
    }
    return SCHEMA.parse(text).to_sql(rows, **others)


def asked(name: str) -> list[str]:
    """Return every use of a field: of the row, of an entry, of a record."""
    return list(chain.from_iterable(
        (use.format(name, name), use.format(*[f"map.k.{name}"] * 2), f"EXISTS(parts WHERE {use.format(name, name)})")
        for use in USES[name]
    ))  # fmt: skip


@pytest.mark.parametrize("name", TYPES)
def test_a_column_of_another_type_is_refused_by_name(name: str) -> None:
    """SQLite would call '10' > 9 true, PostgreSQL fail when the statement runs: neither is asked."""
    for kind in EVERY:
        if any(isinstance(kind, type(right)) for right in COLUMNS[name]) and (name, kind) != ("whole", EVERY[2]):
            continue
        for text in asked(name):
            with pytest.raises(FilterError, match=f"{name}' is an? .*; its column is ") as refused:
                clause(text, name, kind)
            assert refused.value.kind == "target"
            assert type(kind).__name__ in refused.value.message


@pytest.mark.parametrize("name", TYPES)
def test_a_column_of_its_type_is_taken(name: str) -> None:
    """So is one of no known type, and one with an encoding of its own."""
    for kind in [*COLUMNS[name], sa.types.NullType(), Coded()]:
        for text in asked(name):
            assert isinstance(clause(text, name, kind), sa.ColumnElement)
