"""Parity near 64 bits: arithmetic is the same in a naive reading, in Python, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from custcrm.filters import Collection, Integer, Number, Schema
from custcrm.filters.ir.nodes import Calculation, Column, Condition, Constant, Negated, Present, Shown, Unscaled, Value
from custcrm.filters.ir.nodes import Test as Compare
from custcrm.filters.syntax.errors import FilterError
from custcrm.filters.targets.python import compile as python
from custcrm.filters.targets.sql.compile import TableSource, compile_condition, compile_value, is_overflow
from tests.filters.reference import computed
from tests.postgresql_server import Server

LIMIT = 9 * 10**18
WHOLE = [
    *(0, 1, -1, 2, 7, -7, 10**9, 3 * 10**9, -(3 * 10**9), 3 * 10**9 + 1, 2**31, 2**53 + 1, 4_500_000_000_000_000_001),
    *(LIMIT, -LIMIT, LIMIT - 500, LIMIT - 513, LIMIT + 500, LIMIT + 1_000, 2**63 - 1, -(2**63), 2**62, None),
]
DECIMALS = [
    *map(Decimal, ("0", "0.01", "-1.25", "12.5", "123456789012.34", "-1", "100", "30000000", "-9999999999999.99")),
    *map(Decimal, ("90000000000000000", "-90000000000000000", "89999999999999984", "90000000000000016")),
    *map(Decimal, ("92233720368547760", "1000000000000000000", "-1e18", "-9223372036854775808", "1e25")),
    None,
]
"""For a Number of two places, those that SQLite keeps exactly: its columns hold 64 bits or binary64."""

METADATA = sa.MetaData()
ROWS = sa.Table(
    "rows",
    METADATA,
    sa.Column("_id", sa.Integer, primary_key=True),
    *(sa.Column(name, sa.BigInteger) for name in "abc"),
    *(sa.Column(name, sa.Numeric(30, 2)) for name in "nm"),
)
PARTS = sa.Table(
    "parts",
    METADATA,
    sa.Column("_id", sa.Integer, primary_key=True),
    sa.Column("_of", sa.ForeignKey("rows._id")),
    sa.Column("n", sa.Numeric(30, 2)),
    sa.Column("k", sa.BigInteger),
)
SCHEMA = Schema(
    {
        **{name: Integer() for name in "abc"},
        **{name: Number(places=2) for name in "nm"},
        "parts": Collection({"n": Number(places=2), "k": Integer()}),
    }
)
SOURCE = TableSource(ROWS, {"parts": PARTS})
HELD: list[dict[str, Any]] = [
    {
        "_id": place + 1,
        "a": a,
        "b": b,
        "c": WHOLE[place * 5 % len(WHOLE)],
        "n": DECIMALS[place % len(DECIMALS)],
        "m": DECIMALS[place * 3 % len(DECIMALS)],
    }
    for place, (a, b) in enumerate(product(WHOLE, WHOLE))
]


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def database(request: pytest.FixtureRequest) -> Iterator[sa.Connection]:
    if request.param == "sqlite":
        yield from _filled("sqlite://")
    else:
        server: Server = request.getfixturevalue("postgresql_server")
        with server.database() as url:
            yield from _filled(sa.make_url(url).set(drivername="postgresql+psycopg"))


def _filled(url: str | sa.URL) -> Iterator[sa.Connection]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        METADATA.create_all(connection)
        connection.execute(ROWS.insert(), HELD)
        yield connection
    engine.dispose()


def by_row(database: sa.Connection, shown: sa.ColumnElement[Any]) -> list[Any]:
    """Return what an expression gives for each row."""
    with database.begin_nested():
        return list(database.scalars(sa.select(shown).select_from(ROWS).order_by(ROWS.c["_id"])))


LEAVES = st.one_of(
    st.sampled_from([Column(name, Integer()) for name in "abc"]),
    st.sampled_from([Unscaled(Column(name, Number(places=2)), 2) for name in "nm"]),
    st.sampled_from([each for each in WHOLE if each is not None]).map(Constant),
    st.integers(-20, 20).map(Constant),
)
OPS = st.sampled_from(["+", "-", "*", "DIV", "%", "sign"])
NUMBERS: st.SearchStrategy[Value] = st.recursive(
    LEAVES,
    lambda inner: st.builds(lambda op, a, b: Calculation(op, a, a if op == "sign" else b), OPS, inner, inner),
    max_leaves=8,
)


@given(number=NUMBERS)
def test_arithmetic_is_the_same_everywhere(database: sa.Connection, number: Value) -> None:
    """Every row has the same number, or none: exact within 64 bits, missing where a step would leave them."""
    expected = [computed(number, row) for row in HELD]
    in_python = python.compile_value(Shown("integer", number), python.Mappings())
    assert [in_python.of(row) for row in HELD] == expected
    assert by_row(database, compile_value(number, SOURCE).clause) == expected


@given(left=NUMBERS, right=NUMBERS, op=st.sampled_from(["=", "<", ">="]))
def test_conditions_on_arithmetic_are_the_same_everywhere(database: sa.Connection, left: Value, right: Value, op: Any) -> None:
    """A condition is true of the same rows, NOT of it of all others, and both sides EXIST where they have a number."""
    tested = Compare(op, left, right)
    there = [computed(left, row) is not None for row in HELD]
    conditions: list[Condition] = [tested, Negated(tested), Present(left)]
    answers = [_in_python(each) for each in conditions]
    assert answers[1] == [not each for each in answers[0]]
    assert answers[2] == there
    for condition, expected in zip(conditions, answers, strict=True):
        clause = compile_condition(condition, SOURCE, certain=True).clause
        assert [bool(each) for each in by_row(database, clause)] == expected


def _in_python(condition: Condition) -> list[bool]:
    compiled = python.compile_filter(condition, python.Mappings())
    return [compiled.matches(row) for row in HELD]


NEAR = {"a": LIMIT, "b": LIMIT - 500, "c": LIMIT}


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        ("(a - b) * c > 0", NEAR, False),
        ("(a - b) * c EXISTS", NEAR, False),
        ("(a - b) * c > 0", {**NEAR, "c": 10**16}, True),
        ("(a % 7) * b > 0", {"a": LIMIT + 2, "b": 10**18}, True),
        ("a - b - c EXISTS", {"a": 2**63 - 1, "b": 2**62, "c": 1}, True),
        ("a + (a + b) EXISTS", {"a": -LIMIT, "b": LIMIT - 500}, True),
        ("a + a + b EXISTS", {"a": -LIMIT, "b": LIMIT - 500}, False),
        ("a * (b * c) EXISTS", {"a": LIMIT, "b": LIMIT, "c": 0}, True),
        ("a * b * c EXISTS", {"a": LIMIT, "b": LIMIT, "c": 0}, False),
        ("a DIV b EXISTS", {"a": -(2**63), "b": -1}, False),
        ("a % b = 0", {"a": -(2**63), "b": -1}, True),
        ("n - n = 0", {"n": Decimal(90_000_000_000_000_000)}, True),
        ("n - n = 0", {"n": Decimal("1e18")}, False),
        ("n - n EXISTS", {"n": Decimal("1e18")}, False),
        ("n EXISTS AND n > 5", {"n": Decimal("1e18")}, True),
        ("n > m", {"n": Decimal("1e18"), "m": Decimal(1)}, True),
        ("n > a", {"n": Decimal("1e18"), "a": 1}, False),
        ("n = a", {"n": Decimal(90_000_000_000_000_000), "a": 90_000_000_000_000_000}, True),
    ],
)
def test_steps_that_leave_64_bits(database: sa.Connection, text: str, row: dict[str, Any], expected: bool) -> None:
    """A step is missing where its own operands carry it away, and only there; a Number, where it has no 64 bits."""
    asked = SCHEMA.parse(text)
    assert asked.matches(row) is expected
    assert _holds_of(database, asked, row) is expected


SUMS = [
    ("SUM(parts.n) = 0", []),
    ("SUM(parts.n) = 0", [None, Decimal(1), Decimal(-1)]),
    ("SUM(parts.n) = 2.5", [Decimal("1.25"), Decimal("1.25")]),
    ("SUM(parts.n) > 0", [Decimal(90_000_000_000_000_000)]),
]
TOO_LARGE = [
    [Decimal("1e18")],
    [Decimal("1e18"), Decimal("-1e18")],
    [Decimal(90_000_000_000_000_016)],
    [Decimal(-9_223_372_036_854_775_808)],
    [Decimal(90_000_000_000_000_000), None, Decimal(90_000_000_000_000_000)],
]


@pytest.mark.parametrize(("text", "numbers"), SUMS)
def test_a_sum_of_numbers_is_exact(database: sa.Connection, text: str, numbers: list[Any]) -> None:
    """Missing numbers are skipped, the others are added without a float."""
    asked = SCHEMA.parse(text)
    row = {"parts": [{"n": each} for each in numbers]}
    assert asked.matches(row)
    assert _holds_of(database, asked, row)


@pytest.mark.parametrize("numbers", TOO_LARGE)
def test_a_sum_of_numbers_beyond_64_bits_is_an_error(database: sa.Connection, numbers: list[Any]) -> None:
    """Never a wrong number, and never a number left out: the error `overflow` everywhere."""
    asked = SCHEMA.parse("SUM(parts.n) > 0")
    row = {"parts": [{"n": each} for each in numbers]}
    with pytest.raises(FilterError) as refused:
        asked.matches(row)
    assert (refused.value.kind, refused.value.message) == ("overflow", "SUM(parts.n) exceeds 64 bits")
    with pytest.raises(sa.exc.DBAPIError) as error:
        _holds_of(database, asked, row)
    assert is_overflow(error.value)


def _holds_of(connection: sa.Connection, asked: Any, row: dict[str, Any]) -> bool:
    savepoint = connection.begin_nested()
    try:
        connection.execute(ROWS.insert(), {"_id": 0, **{key: value for key, value in row.items() if key != "parts"}})
        for part in row.get("parts", ()):
            connection.execute(PARTS.insert(), {"_of": 0, **part})
        clause = asked.to_sql(ROWS, parts=PARTS)
        return bool(connection.scalar(sa.select(sa.func.count()).where(clause, ROWS.c["_id"] == 0)))
    finally:
        savepoint.rollback()
