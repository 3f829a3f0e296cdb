"""Parity of whole numbers: arithmetic is the same in a naive reading, in Python, on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import product
from operator import eq, ge, gt, le, lt
from typing import Any

import pytest
import sqlalchemy as sa
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from custcrm.filters import Collection, Filter, Integer, Number, Schema
from custcrm.filters.ir.nodes import Calculation, Column, Condition, Constant, Member, Negated, Present, Shown, Unscaled, Value
from custcrm.filters.ir.nodes import Test as Compare
from custcrm.filters.syntax.errors import FilterError
from custcrm.filters.targets.python import compile as python
from custcrm.filters.targets.sql import exact
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
    *map(Decimal, ("90000000000000000", "-90000000000000000", "89999999999999984")),
    None,
]
"""For a Number of two places, those that SQLite keeps exactly and that have 64 bits without their point."""
OVERFLOW = "overflow"

METADATA = sa.MetaData()
ROWS = sa.Table(
    "rows",
    METADATA,
    sa.Column("_id", sa.Integer, primary_key=True),
    *(sa.Column(name, sa.BigInteger) for name in "abc"),
    *(sa.Column(name, sa.Numeric(40, 2)) for name in "nm"),
    sa.Column("price", sa.Numeric(40, 6)),
    sa.Column("qty", sa.Numeric(40, 6)),
    *(sa.Column(name, sa.Numeric(40, 9)) for name in "fgh"),
)
PARTS = sa.Table(
    "parts",
    METADATA,
    sa.Column("_id", sa.Integer, primary_key=True),
    sa.Column("_of", sa.ForeignKey("rows._id")),
    sa.Column("n", sa.Numeric(40, 2)),
    sa.Column("k", sa.BigInteger),
)
SCHEMA = Schema(
    {
        **{name: Integer() for name in "abc"},
        **{name: Number(places=2) for name in "nm"},
        **dict.fromkeys(("price", "qty"), Decimal),
        **dict.fromkeys("fgh", Number(places=9)),
        "parts": Collection({"n": Number(places=2), "k": Integer()}),
    }
)


@frozen
class Prepared(TableSource):
    """Tables on a connection that has our functions, as a store's connections have."""

    @property
    def ours(self) -> bool:
        return True


OURS = Prepared(ROWS, {"parts": PARTS})
BARE = TableSource(ROWS, {"parts": PARTS})
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
    engine = sa.create_engine(url, query_cache_size=0)
    with engine.connect() as connection:
        METADATA.create_all(connection)
        connection.execute(ROWS.insert(), HELD)
        if connection.dialect.name == "sqlite":
            driver: Any = connection.connection.driver_connection
            for name, arguments, compute in exact.FUNCTIONS:
                driver.create_function(name, arguments, compute, deterministic=True)
        yield connection
    engine.dispose()


def by_row(database: sa.Connection, shown: sa.ColumnElement[Any]) -> Any:
    """Return what an expression gives for each row; `overflow` where some row has a number that is too wide.

    `target` where the database cannot be asked.
    """
    savepoint = database.begin_nested()
    try:
        return list(database.scalars(sa.select(shown).select_from(ROWS).order_by(ROWS.c["_id"])))
    except sa.exc.DBAPIError as error:
        if is_overflow(error):
            return OVERFLOW
        raise
    except FilterError as refused:
        return refused.kind
    finally:
        savepoint.rollback()


def in_python(condition: Condition) -> Any:
    compiled = python.compile_filter(condition, python.Mappings())
    try:
        return [compiled.matches(row) for row in HELD]
    except FilterError as error:
        return error.kind


LEAVES = st.one_of(
    st.sampled_from([Column(name, Integer()) for name in "abc"]),
    st.sampled_from([Unscaled(Column(name, Number(places=2)), 2) for name in "nm"]),
    st.sampled_from([each for each in WHOLE if each is not None]).map(Constant),
    st.sampled_from([10**19, -(10**30)]).map(Constant),
    st.integers(-20, 20).map(Constant),
)
OPS = st.sampled_from(["+", "-", "*", "DIV", "%", "sign"])
NUMBERS: st.SearchStrategy[Value] = st.recursive(
    LEAVES,
    lambda inner: st.builds(lambda op, a, b: Calculation(op, a, a if op == "sign" else b), OPS, inner, inner),
    max_leaves=8,
)


def too_wide(nodes: list[Value], *numbers: int | None) -> bool:
    limit = 10 ** (38 + max(map(decimals, nodes)))
    return any(number is not None and abs(number) >= limit for number in numbers)


def decimals(node: Value) -> int:
    """Return the decimals of what a whole number stands for: those of the factors of its longest product, added up."""
    if isinstance(node, Unscaled):
        return node.places
    if not isinstance(node, Calculation):
        return 0
    both = (decimals(node.left), decimals(node.right))
    return sum(both) if node.op == "*" else max(both)


@given(number=NUMBERS)
def test_arithmetic_is_the_same_everywhere(database: sa.Connection, number: Value) -> None:
    """Every row has the same exact number, or none; one of more than 38 digits is the error `overflow`."""
    expected = [computed(number, row) for row in HELD]
    compiled = python.compile_value(Shown("integer", number), python.Mappings())
    clause = compile_value(number, OURS).clause
    if too_wide([number], *expected):
        with pytest.raises(FilterError, match="goes beyond 38 digits"):
            [compiled.of(row) for row in HELD]
        assert by_row(database, clause) == OVERFLOW
    else:
        assert [compiled.of(row) for row in HELD] == expected
        assert by_row(database, clause) == expected


@given(left=NUMBERS, right=NUMBERS, op=st.sampled_from(["=", "<", ">="]))
def test_conditions_on_arithmetic_are_the_same_everywhere(database: sa.Connection, left: Value, right: Value, op: Any) -> None:
    """A condition is true of the same rows, NOT of it of all others, and both sides EXIST where they have a number."""
    sides = [(computed(left, row), computed(right, row)) for row in HELD]
    tested = Compare(op, left, right)
    holds = {"=": lambda a, b: a == b, "<": lambda a, b: a < b, ">=": lambda a, b: a >= b}[op]
    expected = [None not in pair and holds(*pair) for pair in sides]
    wide = too_wide([left, right], *(number for pair in sides for number in pair))
    for condition, answers in ((tested, expected), (Negated(tested), [not each for each in expected])):
        wanted = OVERFLOW if wide else answers
        assert in_python(condition) == wanted
        assert by_row(database, compile_condition(condition, OURS, certain=True).clause) == wanted
    there = [number is not None for number, _ in sides]
    assert in_python(Present(left)) == there
    assert by_row(database, compile_condition(Present(left), OURS, certain=True).clause) == there


@given(number=NUMBERS, items=st.lists(st.integers(-(10**20), 10**20) | st.integers(-9, 9), min_size=2, max_size=4, unique=True))
def test_lists_of_wide_numbers(database: sa.Connection, number: Value, items: list[int]) -> None:
    """A number is in a list wherever it equals an item, beyond 64 bits too."""
    numbers = [computed(number, row) for row in HELD]
    items += [each for each in numbers if each is not None][:1]
    expected = OVERFLOW if too_wide([number], *numbers) else [each in items for each in numbers]
    member = Member(number, tuple(dict.fromkeys(items)))
    assert in_python(member) == expected
    assert by_row(database, compile_condition(member, OURS, certain=True).clause) == expected


@given(left=NUMBERS, right=NUMBERS, op=st.sampled_from(["=", "<", ">="]))
def test_a_bare_clause_never_answers_from_a_wrong_number(
    database: sa.Connection, left: Value, right: Value, op: Any
) -> None:
    """Without our functions a clause says what Python says, or is the error `overflow`, or is refused by name."""
    tested = Compare(op, left, right)
    expected = in_python(tested)
    clause = compile_condition(tested, BARE, certain=True).clause
    if database.dialect.name == "postgresql":
        assert by_row(database, clause) == expected
    else:
        assert by_row(database, clause) in (expected, OVERFLOW, "target")


NEAR = {"a": LIMIT, "b": LIMIT - 500, "c": LIMIT}


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        ("price * qty > 100", {"price": Decimal(4000), "qty": Decimal(3000)}, True),
        ("NOT price * qty > 100", {"price": Decimal(4000), "qty": Decimal(3000)}, False),
        ("price * qty = 12000000", {"price": Decimal(4000), "qty": Decimal(3000)}, True),
        ("price * qty IN (1, 12000000)", {"price": Decimal(4000), "qty": Decimal(3000)}, True),
        ("(a - b) * c > 0", NEAR, True),
        ("(a - b) * c EXISTS", NEAR, True),
        ("(a % 7) * b > 0", {"a": LIMIT + 2, "b": 10**18}, True),
        ("a - b - c = 1", {"a": 2**63 - 1, "b": 2**62, "c": 2**62 - 2}, True),
        ("a + a + b = a - (0 - b) + a", {"a": -LIMIT, "b": LIMIT - 500}, True),
        ("a * b * c = 0", {"a": LIMIT, "b": LIMIT, "c": 0}, True),
        ("a * b > b * a - 1", {"a": 2**63 - 1, "b": -(2**63)}, True),
        ("a * b > b * a", {"a": 2**63 - 1, "b": -(2**63)}, False),
        ("a DIV b > 9223372036854775807", {"a": -(2**63), "b": -1}, True),
        ("a / b > 1", {"a": 2**63 - 1, "b": 2**63 - 2}, True),
        ("a % b = 0", {"a": -(2**63), "b": -1}, True),
        ("n - n = 0", {"n": Decimal(90_000_000_000_000_000)}, True),
        ("n EXISTS AND n > 5", {"n": Decimal("1e18")}, True),
        ("n > m", {"n": Decimal("1e18"), "m": Decimal(1)}, True),
        ("n > 9000000000000000000 * 9", {"n": Decimal("1e25")}, True),
        ("n = a", {"n": Decimal(90_000_000_000_000_000), "a": 90_000_000_000_000_000}, True),
    ],
)
def test_steps_that_leave_64_bits(database: sa.Connection, text: str, row: dict[str, Any], expected: bool) -> None:
    """A step is exact where it leaves 64 bits: neither it nor its NOT is answered from a number that is not there."""
    asked = SCHEMA.parse(text)
    assert asked.matches(row) is expected
    assert _holds_of(database, asked, row, OURS) is expected
    if database.dialect.name == "postgresql":
        assert _holds_of(database, asked, row, BARE) is expected


ENDS = ["9223372036.854775807", "-9223372036.854775808", "0.000000001", "-0.000000001", "4294967296.000000001", "0", "3"]
FINE = st.sampled_from([*map(Decimal, ENDS), None])
COMPARED: dict[str, Any] = {
    "f * g": lambda f, g, h: f * g, "f + g - h": lambda f, g, h: f + g - h, "f / g": lambda f, g, h: f / g if g else None,
    "h": lambda f, g, h: h, "f * 3": lambda f, g, h: f * 3, "h * f": lambda f, g, h: h * f,
    "9223372036 + 0.854775807": lambda f, g, h: Fraction(ENDS[0]), "0.000000001": lambda f, g, h: Fraction(ENDS[2]),
}  # fmt: skip


@given(
    fgh=st.tuples(FINE, FINE, FINE),
    sides=st.tuples(st.sampled_from(list(COMPARED)), st.sampled_from(list(COMPARED))),
    op=st.sampled_from(["=", "<", "<=", ">", ">=", "<>"]),
)
def test_decimals_of_nine_places_at_the_ends_of_64_bits(database: sa.Connection, fgh: Any, sides: Any, op: str) -> None:
    """Products, quotients and sums of decimals compare as ratios do; SQLite's own columns hold no such decimals."""
    row = dict(zip("fgh", fgh, strict=True))
    a, b = (_ratio(side, row) for side in sides)
    holds = {"=": eq, "<": lt, "<=": le, ">": gt, ">=": ge, "<>": eq}[op]
    expected = (a is not None and b is not None and holds(a, b)) != (op == "<>")
    asked = SCHEMA.parse(f"{sides[0]} {op} {sides[1]}")
    answers = [_answer(lambda: asked.matches(row))]
    if database.dialect.name == "postgresql":
        answers.append(_answer(lambda: _holds_of(database, asked, row, OURS)))
    assert set(answers) == {expected} or (set(answers) == {OVERFLOW} and "f / g" in sides)  # three factors, multiplied out


def _answer(ask: Callable[[], bool]) -> bool | str:
    try:
        return ask()
    except FilterError as error:
        return error.kind
    except sa.exc.DBAPIError as error:
        return OVERFLOW if is_overflow(error) else str(error)


def _ratio(side: str, row: dict[str, Any]) -> Any:
    ratios = {name: None if row[name] is None else Fraction(row[name]) for name in row}
    if any(ratios[name] is None for name in "fgh" if name in side):
        return None
    return COMPARED[side](**{name: ratio or Fraction(0) for name, ratio in ratios.items()})


SUMS = [
    ("SUM(parts.n) = 0", []),
    ("SUM(parts.n) = 0", [None, Decimal(1), Decimal(-1)]),
    ("SUM(parts.n) = 2.5", [Decimal("1.25"), Decimal("1.25")]),
    ("SUM(parts.n) > 0", [Decimal(90_000_000_000_000_000)]),
    ("SUM(parts.n) = 1", [*[Decimal(90_000_000_000_000_000)] * 2, *[Decimal(-60_000_000_000_000_000)] * 3, 1]),
]
TOO_LARGE = [[Decimal("8e37"), Decimal("8e37")], [Decimal("5e37")] * 2, [Decimal("-5e37"), None, Decimal("-5e37")]]


@pytest.mark.parametrize(("text", "numbers"), SUMS)
def test_a_sum_of_numbers_is_exact(database: sa.Connection, text: str, numbers: list[Any]) -> None:
    """Missing numbers are skipped, the others are added without a float; what they come to on the way does not matter."""
    asked = SCHEMA.parse(text)
    row = {"parts": [{"n": each} for each in numbers]}
    assert asked.matches(row)
    assert _holds_of(database, asked, row, BARE)


PARTIAL = [[2**63 - 1, 2**63 - 1, -(2**63), -(2**63), 3], [-(2**63), -1, 2], [2**62, 2**62, -(2**63) + 1]]


@pytest.mark.parametrize("numbers", PARTIAL)
def test_partial_sums_may_leave_64_bits(database: sa.Connection, numbers: list[int]) -> None:
    """A sum of whole numbers is exact when only its parts are beyond 64 bits."""
    row = {"parts": [{"k": each} for each in numbers]}
    for asked in (SCHEMA.parse(f"SUM(parts.k) = {sum(numbers)}"), SCHEMA.parse(f"SUM(parts.k) > {sum(numbers) - 1}")):
        assert asked.matches(row)
        assert _holds_of(database, asked, row, BARE)


def test_a_total_beyond_64_bits(database: sa.Connection) -> None:
    """A total beyond 64 bits is exact, but where SQLite alone adds it up: there it is the error `overflow`."""
    asked = SCHEMA.parse("SUM(parts.k) > 5 AND SUM(parts.k) * 2 > 5")
    row = {"parts": [{"k": 2**63 - 1}, {"k": 2**63 - 1}]}
    assert asked.matches(row)
    if database.dialect.name == "postgresql":
        assert _holds_of(database, asked, row, BARE)
    else:
        with pytest.raises(sa.exc.DBAPIError) as error:
            _holds_of(database, asked, row, BARE)
        assert is_overflow(error.value)


@pytest.mark.parametrize("numbers", TOO_LARGE)
def test_a_sum_of_more_than_38_digits_is_an_error(database: sa.Connection, numbers: list[Any]) -> None:
    """Never a wrong number, and never a number left out: the error `overflow` everywhere."""
    asked = SCHEMA.parse("SUM(parts.n) > 0")
    row = {"parts": [{"n": each} for each in numbers]}
    with pytest.raises(FilterError) as refused:
        asked.matches(row)
    assert (refused.value.kind, refused.value.message) == ("overflow", "SUM(parts.n) goes beyond 38 digits")
    with pytest.raises(sa.exc.DBAPIError) as error:
        _holds_of(database, asked, row, BARE)
    assert is_overflow(error.value)


def test_three_factors_are_the_error_overflow() -> None:
    """What is wider than 38 digits names the fields that went in; also beside a missing value, and under NOT."""
    row = {"a": 2**63 - 1, "b": 2**63 - 1, "c": 2}
    for text in ("a * b * c > 0", "NOT a * b * c > 0", "a * b * c > n"):
        with pytest.raises(FilterError) as refused:
            SCHEMA.parse(text).matches(row)
        assert refused.value.kind == "overflow"
        assert str(refused.value.message).startswith("a calculation with a, b, c")
    assert SCHEMA.parse("a * b * c EXISTS").matches(row)


POWERS = ["price ^ 7 = 1", "price ^ 9 = qty ^ 9", "price ^ 9 IN (1, 2)", "price ^ 5 * qty ^ 4 < 2"]


@pytest.mark.parametrize("text", POWERS)
def test_decimals_count_beside_the_digits(database: sa.Connection, text: str) -> None:
    """The seventh power of 1 is 1, though it is 10^42 in the whole numbers computed with; one too large is told by its name."""
    row = {"price": Decimal(1), "qty": Decimal(1)}
    asked = SCHEMA.parse(text)
    assert asked.matches(row)
    assert _holds_of(database, asked, row, OURS)
    with pytest.raises(FilterError, match=r"^price \^ 7 goes beyond 38 digits$"):
        SCHEMA.parse("price ^ 7 > 1").matches({"price": Decimal(10) ** 6})


def test_powers_of_powers_are_bounded() -> None:
    """A power of a power, which no engine would come to the end of, is refused when it is read for a target."""
    assert SCHEMA.parse("(a ^ 9) ^ 2 = 1").matches({"a": 1})
    with pytest.raises(FilterError, match="a power of a power is too large"):
        SCHEMA.parse("((a ^ 9) ^ 9) ^ 9 = 1").matches({"a": 1})


def _holds_of(connection: sa.Connection, asked: Filter, row: dict[str, Any], source: TableSource) -> bool:
    savepoint = connection.begin_nested()
    try:
        connection.execute(ROWS.insert(), {"_id": 0, **{key: value for key, value in row.items() if key != "parts"}})
        for part in row.get("parts", ()):
            connection.execute(PARTS.insert(), {"_of": 0, **part})
        clause = compile_condition(asked.lowered, source, certain=True).clause
        return bool(connection.scalar(sa.select(sa.func.count()).where(clause, ROWS.c["_id"] == 0)))
    finally:
        savepoint.rollback()
