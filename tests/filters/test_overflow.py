"""The error `overflow` beside what decides without it: memory, SQLite and PostgreSQL ask the parts in one order."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from custcrm.filters import Filter
from custcrm.filters.syntax.errors import FilterError
from custcrm.filters.targets.sql.compile import TableSource, compile_condition, is_overflow
from tests.filters.test_arithmetic_parity import BARE, OURS, OVERFLOW, PARTS, ROWS, SCHEMA, database

__all__ = ["database"]
LARGE = 3_000_000_000_000
"""A whole number whose fourth power has more than 38 digits."""
LEAVES = [
    "a > 5", "a = 1", "b IN (1, 3000000000000)", "a EXISTS", "b DOES NOT EXIST", "a ^ 4 > 5", "b ^ 4 = 1", "a ^ 4 EXISTS",
    "a IN (1, b ^ 4)", "a IN (3000000000000, a ^ 4)", "a BETWEEN b AND b ^ 4", "a BETWEEN b ^ 4 AND 5", "a ^ 4 / b > 1",
    "a ^ 4 IN (1, 5)", "b < a ^ 4", "parts EXISTS", "COUNT(parts) > 1", "EXISTS(parts WHERE k > 1 OR k ^ 4 > 1)",
    "EXISTS(parts WHERE k ^ 4 > 1)", "EXISTS(parts WHERE k ^ 4 = 1)", "COUNT(parts WHERE k < 0 AND k ^ 4 > 1) = 0",
    "COUNT(parts WHERE k ^ 4 > 1) > 0", "SUM(parts.k) ^ 4 > 5", "AVG(parts.k) ^ 4 > 5", "SUM(parts.k WHERE k ^ 4 > 1) > 5",
    "MAX(parts.k WHERE k > 1 OR k ^ 4 > 1) = 2",
]  # fmt: skip
TEXTS = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map("({0[0]} {0[1]} {0[2]})".format),
        inner.map("NOT ({})".format),
    ),
    max_leaves=5,
)
NUMBERS = st.sampled_from([None, 1, -1, 0, 2, 7, LARGE, -LARGE])
ROWS_OF = st.fixed_dictionaries(
    {"a": NUMBERS, "b": NUMBERS, "parts": st.lists(NUMBERS.map(lambda k: {"k": k}), max_size=3)}
)


@pytest.fixture(scope="module", autouse=True)
def of_others(database: sa.Connection) -> Iterator[None]:
    """Let another row have records that overflow, which are nobody else's business."""
    with database.begin_nested() as savepoint:
        database.execute(PARTS.insert(), [{"_of": 1, "k": LARGE}, {"_of": 2, "k": LARGE}])
        yield
        savepoint.rollback()


def in_python(asked: Filter, row: dict[str, Any]) -> bool | str:
    try:
        return asked.matches(row)
    except FilterError as error:
        return error.kind


def in_sql(database: sa.Connection, asked: Filter, row: dict[str, Any], source: TableSource) -> bool | str:
    savepoint = database.begin_nested()
    try:
        database.execute(ROWS.insert(), {"_id": 0, "a": row["a"], "b": row["b"]})
        for part in row["parts"]:
            database.execute(PARTS.insert(), {"_of": 0, **part})
        clause = compile_condition(asked.lowered, source, certain=True).clause
        return bool(database.scalar(sa.select(clause).select_from(ROWS).where(ROWS.c["_id"] == 0)))
    except sa.exc.DBAPIError as error:
        if is_overflow(error):
            return OVERFLOW
        raise
    finally:
        savepoint.rollback()


@given(text=TEXTS, row=ROWS_OF)
def test_an_overflow_is_the_same_everywhere(database: sa.Connection, text: str, row: dict[str, Any]) -> None:
    """Any conditions of which some overflow, joined in any way: one answer, or one error, on every target."""
    asked = SCHEMA.parse(text)
    expected = in_python(asked, row)
    assert in_sql(database, asked, row, OURS) == expected
    if database.dialect.name == "postgresql":
        assert in_sql(database, asked, row, BARE) == expected
    opposite = in_python(~asked, row)
    assert opposite == (expected if expected == OVERFLOW else not expected)


DECIDED = [
    ("a IN (3000000000000, a ^ 4)", True),
    ("a ^ 4 > 5 OR a > 5", True),
    ("a ^ 4 > 5 AND a < 5", False),
    ("b BETWEEN a AND a ^ 4", False),
    ("NOT (a > 5 OR a ^ 4 > 5)", False),
    ("EXISTS(parts WHERE k ^ 4 > 1 OR k > 1)", True),
    ("EXISTS(parts WHERE k ^ 4 > 1 AND k < 1)", False),
    ("b = 1 OR a ^ 4 > 5", True),
    ("b ^ 4 = 1 OR a ^ 4 > 5", True),
    ("a ^ 4 > 5 OR b ^ 4 = 1", OVERFLOW),
    ("a ^ 4 > 5 OR b = 2", OVERFLOW),
    ("EXISTS(parts WHERE k ^ 4 = 1)", OVERFLOW),
]


@pytest.mark.parametrize(("text", "expected"), DECIDED)
def test_what_cannot_overflow_is_asked_first(database: sa.Connection, text: str, expected: bool | str) -> None:
    """Then the others from left to right as far as is needed, and of a collection all records."""
    row = {"a": LARGE, "b": 1, "parts": [{"k": 1}, {"k": LARGE}]}
    asked = SCHEMA.parse(text)
    assert (in_python(asked, row), in_sql(database, asked, row, OURS)) == (expected, expected)
