"""The SQL target at the limits: deep, wide and long filters, large numbers, and the indexes that must stay in use."""

import sqlite3

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.compiler import compiles

from custcrm.filters.ir.nodes import All, Any, Calculation, Condition, Constant, Matches, Member, Negated, Some, Value
from custcrm.filters.ir.nodes import Test as Compare
from custcrm.filters.targets.sql.compile import TableSource, compile_value, is_overflow
from tests.filters.reference import computed
from tests.filters.sql_tables import IDS, PEOPLE, asker, clause, column

DEPTH = 30
CONDITIONS = 1_000
VALUES = 10_000
SQLITE_VARIABLES = 32_766
"""Of a SQLite as it is shipped; Debian's takes more."""


def leaf(number: int) -> Compare:
    return Compare("=", column("visits"), Constant(number))


@pytest.mark.parametrize("certain", [False, True])
@pytest.mark.parametrize("side", ["first", "last", "between"])
def test_the_deepest_filter_runs(side, certain, tables):
    """AND and OR in turn, 30 deep, below two EXISTS (more than the limit), wherever the deepest operand stands."""
    deep: Condition = Compare("=", column("quantity"), Constant(5))
    for level in range(DEPTH):
        flat = Compare(">", column("quantity"), Constant(level - 100))
        join, rest = (Any, Negated(flat)) if level % 2 else (All, flat)
        deep = join({"first": (deep, rest), "last": (rest, deep), "between": (rest, deep, rest)}[side])
    sold = Some("sales", All((Compare(">", column("total"), Constant(0)), Some("lines", deep))))
    condition = All((leaf(5), Any((leaf(-1), sold))))
    assert asker(tables)(clause(condition, certain=certain)) >= {1}


@pytest.mark.parametrize("join", [All, Any])
@pytest.mark.parametrize("certain", [False, True])
def test_the_widest_filter_runs(join, certain, tables):
    """A thousand conditions side by side, and in groups."""
    flat: list[Condition] = [
        leaf(number) if join is Any else Negated(leaf(-1 - number)) for number in range(CONDITIONS)
    ]
    other = All if join is Any else Any
    grouped = [other((flat[place], flat[place])) for place in range(CONDITIONS // 2)]
    expected = {1, 3} if join is Any else IDS
    assert asker(tables)(clause(join(tuple(flat)), certain=certain)) == expected
    assert asker(tables)(clause(join(tuple(grouped)), certain=certain)) == expected


def test_long_lists_are_few_parameters(tables):
    """Many lists of 10,000 values stay below the parameters of any SQLite."""
    driver = tables.connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, SQLITE_VARIABLES)
    condition = All(tuple(Member(column("visits"), tuple(range(first, VALUES))) for first in range(5)))
    assert asker(tables)(clause(condition)) == {1}


# arithmetic --------------------------------------------------------------------------------------

EDGES = [0, 1, -1, 2, -7, 10**9, 3 * 10**9, -(3 * 10**9), 2**31 - 1, 9 * 10**18, 2**63 - 1, -(2**63)]
NUMBERS = st.sampled_from(EDGES) | st.integers(-(2**63), 2**63 - 1) | st.integers(-20, 20)
LEFT, RIGHT = "spent", "rank"
OPS = st.sampled_from(["+", "-", "*", "DIV", "%", "sign"])


def field(name: str) -> Value:
    return column(name)


VALUES_OF = st.recursive(
    st.sampled_from([field(LEFT), field(RIGHT)]) | NUMBERS.map(Constant),
    lambda inner: st.builds(
        lambda op, left, right: Calculation(op, left, left if op == "sign" else right), OPS, inner, inner
    ),
    max_leaves=6,
)


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def database(request):
    return request.getfixturevalue(f"{request.param}_tables")


@given(node=VALUES_OF, left=NUMBERS | st.none(), right=NUMBERS)
def test_arithmetic_is_that_of_whole_numbers(database, node, left, right):
    """Exact, truncated toward zero, missing where it divides by zero; on SQLite, without functions, the error `overflow`."""
    row = {LEFT: left, RIGHT: right}
    table = sa.select(*(sa.literal(value, sa.BigInteger).label(name) for name, value in row.items())).subquery()
    shown = compile_value(node, TableSource(table, {})).clause
    expected = computed(node, row)
    savepoint = database.begin_nested()
    try:
        found = database.scalar(sa.select(shown).select_from(table))
    except sa.exc.DBAPIError as error:
        assert is_overflow(error)  # noqa: PT017 - only some examples raise
        most = 10**38 if database.dialect.name == "postgresql" else 9 * 10**18
        assert any(abs(each) >= most for each in steps_of(node, row))
    else:
        assert found == expected
    finally:
        savepoint.rollback()


def steps_of(node, row):
    """Return the numbers that come up on the way to a number, quotients as divided."""
    if not isinstance(node, Calculation):
        return [computed(node, row) or 0]
    return [computed(node, row) or 0, *steps_of(node.left, row), *steps_of(node.right, row)]


def test_small_columns_are_multiplied_as_large_ones(tables):
    """Two 32 bit columns give 64 bits, beside a constant or each other."""
    squared = Compare("=", Calculation("*", column("visits"), column("visits")), Constant((2**31 - 1) ** 2))
    assert asker(tables)(clause(squared)) == {2}


# indexes -----------------------------------------------------------------------------------------

INDEXED: dict[str, Condition] = {
    "number": leaf(5),
    "range": Compare(">", column("visits"), Constant(2_000_000_000)),
    "text": Compare("=", column("country"), Constant("FI")),
    "list": Member(column("country"), ("FI", "SE")),
    "either": Any((leaf(5), Compare("=", column("country"), Constant("FI")))),
    "complement": Negated(Compare("<=", column("visits"), Constant(2_000_000_000))),
}


@pytest.mark.parametrize("certain", [False, True])
@pytest.mark.parametrize("name", [*INDEXED, "prefix"])
def test_indexes_stay_usable(name, certain, tables):
    """Neither the guards nor the collations hide a column from its index."""
    condition = INDEXED.get(name, Matches("starts_with", column("country"), (("F",),)))
    statement = sa.select(PEOPLE.c.id).where(clause(condition, certain=certain))
    if tables.dialect.name == "sqlite":
        plan = str(tables.execute(Explain(statement)).all())
        assert "INDEX ix_people" in plan and "SCAN people" not in plan, plan
    elif name != "prefix":  # that takes an index in the "C" collation, which a plain one is not
        tables.execute(sa.text("SET LOCAL enable_seqscan = off"))
        assert "ix_people" in str(tables.execute(Explain(statement)).all())


class Explain(sa.Executable, sa.ClauseElement):
    """A statement explained, with its parameters as they would be bound."""

    inherit_cache = False

    def __init__(self, statement: sa.Select) -> None:
        self.statement = statement


@compiles(Explain)
def _explain(element, compiler, **options):
    how = "EXPLAIN QUERY PLAN" if compiler.dialect.name == "sqlite" else "EXPLAIN"
    return f"{how} {compiler.process(element.statement, **options)}"
