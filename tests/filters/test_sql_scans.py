"""Aggregates over the same records share one sub-query: what shares, what does not, and that it changes no answer."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from custcrm.filters.ir.nodes import (
    All,
    Any,
    Calculation,
    Choose,
    Condition,
    Constant,
    Entry,
    HasEntry,
    Member,
    MonthDay,
    Negated,
    Present,
    Some,
    Total,
    Unscaled,
    Value,
)
from custcrm.filters.ir.nodes import Test as Compare  # pytest collects what is called Test
from custcrm.filters.schema import Schema
from custcrm.filters.targets.sql import scans as sql_scans
from custcrm.filters.targets.sql.compile import TableSource, bind_moments, compile_condition, compile_value
from custcrm.filters.types.types import Integer
from custcrm.testing import strategies
from tests.filters.sql_stored import StoredSource, declare, stored
from tests.filters.sql_tables import IDS, PEOPLE, SOURCE, asker, clause, column

MANY = 1_000
DEPTH = 30

EARLIER = Compare("<", column("total"), Constant(300_00))
ALL_SALES = Total("count", "sales", None, None)
COUNT = Total("count", "sales", column("total"), None)
TOTAL = Total("sum", "sales", column("total"), None)
LOWEST = Total("min", "sales", column("total"), None)
HIGHEST = Total("max", "sales", column("total"), None)
LATEST = Total("max", "sales", column("occurred_at"), None)
FEW = Total("count", "sales", None, EARLIER)
FEW_TOTAL = Total("sum", "sales", column("total"), EARLIER)
LINES = Total("count", "lines", None, None)
QUANTITY = Total("sum", "lines", column("quantity"), None)
GOLD = Entry("programs", "gold", "points", Integer())

ANNA = Compare("=", column("name"), Constant("Anna"))
SOLD = Compare(">", ALL_SALES, Constant(0))
MUCH = Compare(">", TOTAL, Constant(100_00))
DEAR = Compare(">", HIGHEST, Constant(90_00))
AVERAGE = Compare(">", TOTAL, Calculation("*", Constant(200_00), COUNT))


def scans(element: sa.ColumnElement, table: str = "sales") -> int:
    """Return how often the statement reads the records."""
    return text(element).count(f"FROM {table}")


def text(element: sa.ColumnElement) -> str:
    return str(sa.select(PEOPLE.c.id).where(element).compile(dialect=sqlite.dialect()))


@contextmanager
def apart() -> Iterator[None]:
    """Give each Total a sub-query of its own, as if none were over the same records."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sql_scans, "_scan", lambda _: None)
        yield


# what shares -------------------------------------------------------------------------------------

SHARED: dict[str, tuple[Condition, set[int]]] = {
    "and": (All((SOLD, MUCH)), {1}),
    "or": (Any((MUCH, SOLD)), {1, 2}),
    "every aggregate": (All((SOLD, MUCH, DEAR, Present(LOWEST))), {1}),
    "and not, where it is unknown": (All((SOLD, Negated(DEAR))), {2}),
    "or not, over nothing": (Any((MUCH, Negated(DEAR))), IDS),
    "average": (All((Compare(">", COUNT, Constant(0)), AVERAGE)), {1}),
    "two totals in one leaf": (AVERAGE, {1}),
    "its complement": (Negated(AVERAGE), {2, 3, 4}),
    "one total that is written twice": (Compare(">", Calculation("*", HIGHEST, TOTAL), Constant(1)), {1}),
    "unscaled": (Compare(">", Unscaled(LOWEST, 3), Constant(1)), {1}),
    "present": (Present(Calculation("+", LOWEST, HIGHEST)), {1}),
    "absent": (Negated(Present(Calculation("+", LOWEST, HIGHEST))), {2, 3, 4}),
    "listed": (All((Member(ALL_SALES, (1, 2)), Member(TOTAL, (0, 480_00)))), {1, 2}),
    "month and day": (
        MonthDay(LATEST, ((Constant(101), Constant(130)), (Constant(1101), Constant(1130)))),
        {1, 2},
    ),
    "beside a column": (All((SOLD, Compare("<", column("visits"), TOTAL))), {1}),
    "not, beside a missing column": (
        Negated(Compare("<", column("visits"), Calculation("+", TOTAL, COUNT))),
        {2, 3, 4},
    ),
    "beside an entry": (All((SOLD, Compare("<=", GOLD, TOTAL))), {1}),
    "chosen": (Compare(">", Choose(HasEntry("tags", "VIP"), TOTAL, COUNT), Constant(0)), {1}),
    "among others": (All((SOLD, ANNA, MUCH)), {1}),
    "a leaf among others": (All((ANNA, AVERAGE)), {1}),
    "or within and": (All((SOLD, Any((MUCH, Negated(DEAR))))), {1, 2}),
    "and within or": (Any((DEAR, ANNA, All((SOLD, Negated(MUCH))))), {1, 2}),
    "where": (All((Compare("=", FEW, Constant(1)), Compare("=", FEW_TOTAL, Constant(80_00)))), {1}),
}


@pytest.mark.parametrize("certain", [False, True])
@pytest.mark.parametrize("name", SHARED)
def test_one_scan_answers_what_several_did(name, certain, tables):
    """What is over the same records reads them once, and is true, false and unknown where it was."""
    condition, expected = SHARED[name]
    ask = asker(tables)
    shared = clause(condition, certain=certain)
    with apart():
        several = clause(condition, certain=certain)
    assert scans(shared) == 1 < scans(several)
    assert ask(shared) == ask(several) == expected
    assert ask(sa.not_(shared)) == ask(sa.not_(several))
    if certain:
        assert ask(sa.not_(shared)) == IDS - expected


APART: dict[str, tuple[Condition, int]] = {
    "one total": (MUCH, 1),
    "one total negated": (Negated(DEAR), 1),
    "one total listed": (Member(TOTAL, (0, 1)), 1),
    "one total present": (Present(LOWEST), 1),
    "two conditions": (All((SOLD, Compare("=", FEW, Constant(1)))), 2),
    "two conditions in one leaf": (Compare(">", FEW_TOTAL, TOTAL), 2),
    "two collections": (All((SOLD, Some("sales", Compare(">", LINES, Constant(0))))), 2),
    "a record beside a total": (All((Some("sales", None), MUCH)), 2),
    "an and beside an or": (All((SOLD, Any((ANNA, MUCH)))), 2),
}


@pytest.mark.parametrize("certain", [False, True])
@pytest.mark.parametrize("name", APART)
def test_what_is_over_other_records_stays_as_it_was(name, certain):
    """Not a word of the statement changes where nothing would be read twice."""
    condition, expected = APART[name]
    shared = clause(condition, certain=certain)
    assert scans(shared) == expected
    with apart():
        assert text(clause(condition, certain=certain)) == text(shared)


def test_within_records_their_own_records_are_read_once(tables):
    """A `where` shares as the filter does, at its own level."""
    large = All((Compare(">", LINES, Constant(1)), Compare("<", QUANTITY, Constant(10))))
    some, count = Some("sales", large), Total("count", "sales", None, large)
    for condition in (some, Compare("=", count, Constant(1))):
        assert (scans(clause(condition)), scans(clause(condition), "lines")) == (1, 1)
        assert asker(tables)(clause(condition)) == {1}


def test_a_collection_of_the_same_table_is_one_alias(sqlite_tables):
    """A source that makes an alias for each request is asked once for each scan."""
    staff = sa.Table(
        "crew",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("boss_id", sa.ForeignKey("crew.id")),
        sa.Column("visits", sa.Integer),
    )
    staff.create(sqlite_tables)
    rows = [{"id": each, "boss_id": boss, "visits": each} for each, boss in ((1, None), (2, 1), (3, 1), (4, 2))]
    sqlite_tables.execute(staff.insert(), rows)
    led = Compare(">", Total("count", "reports", None, None), Constant(1))
    visited = Compare("=", Total("sum", "reports", column("visits"), None), Constant(5))
    compiled = compile_condition(All((led, visited)), TableSource(staff, {"reports": staff})).clause
    assert scans(compiled, "crew AS") == 1
    assert set(sqlite_tables.scalars(sa.select(staff.c.id).where(compiled))) == {1}


VALUES: dict[str, tuple[Value, list[int | None]]] = {
    "sum of two": (Calculation("+", TOTAL, COUNT), [480_02, 0, 0, 0]),
    "product": (Calculation("*", TOTAL, TOTAL), [480_00**2, 0, 0, 0]),
    "missing over nothing": (Calculation("-", HIGHEST, LOWEST), [320_00, None, None, None]),
    "divided by nothing": (Calculation("DIV", TOTAL, COUNT), [240_00, None, None, None]),
    "beside a column": (Calculation("+", column("rank"), Calculation("*", TOTAL, COUNT)), [960_01, 2, 3, 4]),
    "one total": (TOTAL, [480_00, 0, 0, 0]),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_reads_the_records_once(name, tables):
    """Arithmetic over aggregates is one sub-query, whatever its overflow tests mention again."""
    value, shown = VALUES[name]
    made = compile_value(value, SOURCE).clause
    assert scans(made) == 1
    assert list(tables.scalars(sa.select(made).select_from(PEOPLE).order_by(PEOPLE.c.id))) == shown


@pytest.mark.parametrize("join", [All, Any])
@pytest.mark.parametrize("certain", [False, True])
def test_many_aggregates_of_one_scan_run(join, certain, tables):
    """A thousand conditions side by side, each of an aggregate of its own, are one scan still."""
    each = [
        Compare("=", Total("sum", "sales", Unscaled(column("total"), number % 8), None), Constant(480_00 * 10 ** (number % 8)))
        for number in range(1, MANY + 1)
    ]
    made = clause(join(tuple(each)), certain=certain)
    assert scans(made) == 1
    assert asker(tables)(made) == {1}


@pytest.mark.parametrize("certain", [False, True])
@pytest.mark.parametrize("other", [DEAR, ANNA], ids=["one scan", "many scans"])
def test_the_deepest_aggregates_run(other, certain, tables):
    """AND and OR in turn, 30 deep, with an aggregate at every level."""
    deep: Condition = SOLD
    for level in range(DEPTH):
        deep = (Any if level % 2 else All)((other, Negated(MUCH) if level % 2 else SOLD, deep))
    made = clause(All((Present(LOWEST), deep)), certain=certain)
    with apart():
        assert asker(tables)(made) == asker(tables)(clause(All((Present(LOWEST), deep)), certain=certain)) == {1}


def test_the_plan_has_one_scan(sqlite_tables):
    """SQLite reads a person's sales once, by their index."""
    statement = sa.select(PEOPLE.c.id).where(clause(All((SOLD, MUCH, AVERAGE))))
    bound = statement.compile(sqlite_tables, compile_kwargs={"render_postcompile": True})
    plan = [row[3] for row in sqlite_tables.exec_driver_sql(f"EXPLAIN QUERY PLAN {bound}", tuple(bound.params.values()))]
    assert [step for step in plan if "sales" in step] == ["SEARCH sales USING INDEX ix_sales_person_id (person_id=?)"]


# the law -----------------------------------------------------------------------------------------

SCHEMA: Schema = strategies.demo_schema()
METADATA = sa.MetaData()
TABLES = declare(SCHEMA.types, METADATA)
ROW = TABLES["row"]
STORED = StoredSource(ROW, TABLES)
# Few different aggregates, so that many conditions are over the same records.
AGGREGATES = st.sampled_from(
    [
        *("COUNT(sales)", "SUM(sales.total)", "AVG(sales.total)", "MIN(sales.units)", "MAX(sales.total)"),
        *("SUM(sales.units)", "COUNT(sales WHERE units > 1)", "SUM(sales.total WHERE units > 1)"),
        *("AVG(notes.score)", "MAX(notes.score)", "SUM(notes.score)", "COUNT(notes)"),
    ]
)
NUMBERS = st.sampled_from(["0", "1", "2", "-1", "26.50", "1000"])
COMPARED = st.builds("{} {} {}".format, AGGREGATES, st.sampled_from(["=", "<", ">=", "<>"]), NUMBERS)
LEAVES = st.one_of(
    COMPARED,
    st.builds("{} BETWEEN {} AND {}".format, AGGREGATES, NUMBERS, NUMBERS),
    st.builds("{} EXISTS".format, AGGREGATES),
    st.builds("COUNT(sales) {} SUM(sales.units) > visits".format, st.sampled_from(["+", "-", "*", "/", "DIV", "%"])),
    st.builds("EXISTS(sales WHERE COUNT(lines) > {0} AND SUM(lines.quantity) > {0})".format, NUMBERS),
    st.sampled_from(["visits > 2", "country = 'FI'", "accepts_marketing"]),
)
TEXTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map("NOT ({})".format),
        st.lists(inner, min_size=2, max_size=4).map(lambda all_: "(" + " AND ".join(all_) + ")"),
        st.lists(inner, min_size=2, max_size=4).map(lambda any_: "(" + " OR ".join(any_) + ")"),
    ),
    max_leaves=8,
)


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def database(request) -> Iterator[sa.Connection]:
    if request.param == "sqlite":
        yield from _prepared("sqlite://")
    else:
        with request.getfixturevalue("postgresql_server").database() as url:
            yield from _prepared(sa.make_url(url).set(drivername="postgresql+psycopg"))


def _prepared(url) -> Iterator[sa.Connection]:
    engine = sa.create_engine(url, query_cache_size=0)
    with engine.connect() as connection:
        METADATA.create_all(connection)
        yield connection
    engine.dispose()


@given(
    rows=st.lists(strategies.rows(SCHEMA), min_size=1, max_size=5),
    texts=st.lists(TEXTS, min_size=1, max_size=4),
    as_of=strategies.instants(),
)
def test_shared_and_apart_give_the_same_rows(database, rows, texts, as_of):
    """A filter selects the same rows with its scans shared as with each apart, and as Python does."""
    with database.begin_nested() as savepoint:
        for name, records in stored(SCHEMA.types, rows).items():
            database.execute(TABLES[name].insert(), records)
        for asked in map(SCHEMA.parse, texts):
            expected = {place for place, row in enumerate(rows, 1) if asked.matches(row, as_of=as_of)}
            for certain in (False, True):
                shared = compile_condition(asked.lowered, STORED, certain=certain)
                with apart():
                    several = compile_condition(asked.lowered, STORED, certain=certain)
                moments = bind_moments(shared, as_of, SCHEMA.zone, SCHEMA.feb29)
                assert shared.moments == several.moments
                assert _ids(database, shared.clause, moments) == expected, str(asked)
                assert _ids(database, several.clause, moments) == expected, str(asked)
                assert text(shared.clause).count("FROM sales") <= text(several.clause).count("FROM sales")
        savepoint.rollback()


def _ids(database: sa.Connection, clause: sa.ColumnElement[bool], moments) -> set[int]:
    return set(database.scalars(sa.select(ROW.c["_id"]).where(clause), moments))
