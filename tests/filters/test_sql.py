"""The SQL target on hand-built conditions: one meaning on SQLite and PostgreSQL, two-valued under any NOT."""

from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite

from custcrm.filters.ir.nodes import (
    All,
    Always,
    Any,
    Calculation,
    Choose,
    Condition,
    Constant,
    Entry,
    Folded,
    HasEntry,
    Leaf,
    Matches,
    Member,
    Moment,
    MonthDay,
    Negated,
    Present,
    Shown,
    Some,
    Total,
    Unscaled,
)
from custcrm.filters.ir.nodes import Test as Compare  # pytest collects what is called Test
from custcrm.filters.syntax.errors import FilterError
from custcrm.filters.targets.sql.compile import TableSource, bind_moments, compile_condition, compile_value, is_overflow
from custcrm.filters.types.types import Integer
from custcrm.values.periods import Span
from custcrm.values.places import zone
from tests.filters.sql_tables import (
    AS_OF,
    IDS,
    METADATA,
    OTHERS,
    PEOPLE,
    SALES,
    SOURCE,
    asker,
    clause,
    column,
    instant,
    tag,
)

UTC = zone("UTC")
GOLD = Entry("programs", "gold", "points", Integer())
RED = Compare("=", column("category"), Constant("Red"))
TOTAL = Total("sum", "sales", column("total"), None)
COUNT = Total("count", "sales", None, None)

LEAVES: dict[str, tuple[Leaf, set[int]]] = {
    "text =": (Compare("=", column("name"), Constant("anna")), {2}),
    "text = ''": (Compare("=", column("name"), Constant("")), {3}),
    "text <": (Compare("<", column("name"), Constant("a")), {1, 3}),
    "constant first": (Compare("<=", Constant("FI"), column("country")), {1, 2}),
    "column with column": (Compare("=", column("name"), column("country")), {3}),
    "column with itself": (Compare("=", column("visits"), column("visits")), {1, 2, 3}),
    "constants": (Compare("<", Constant(1), Constant(2)), IDS),
    "never missing": (Compare(">", column("rank"), Constant(2)), {3, 4}),
    "32 bits with 64": (Compare("<", column("visits"), Constant(8_765_432_198)), {1, 2, 3}),
    "decimal =": (Compare("=", column("ratio"), Constant(Decimal("12.5"))), {1}),
    "decimal <": (Compare("<", column("ratio"), Constant(Decimal(0))), {2}),
    "boolean": (Compare("=", column("vip"), Constant(value=True)), {1}),
    "choice": (Compare("=", column("kind"), Constant("company")), {2}),
    "date": (Compare(">=", column("born"), Constant(date(1999, 1, 1))), {2, 3}),
    "instant without zone": (Compare(">", column("seen_at"), Constant(instant("2025-01-01T00:00"))), {1}),
    "instant with zone": (Compare("<=", column("synced_at"), Constant(instant("2025-01-01T00:00"))), {2, 3}),
    "in texts": (Member(column("country"), ("FI", "", "'; --")), {1, 3}),
    "in numbers": (Member(column("visits"), (0, 5, 2**63 - 1)), {1, 3}),
    "in decimals": (Member(column("ratio"), (Decimal("12.5"), Decimal("-0.000001"))), {1, 2}),
    "in choices": (Member(column("kind"), ("person", "company")), {1, 2}),
    "in booleans": (Member(column("vip"), (True, False)), {1, 2}),
    "in dates": (Member(column("born"), (date(1980, 2, 29), date(1970, 1, 1))), {1}),
    "in instants": (Member(column("seen_at"), (instant("2026-11-20T08:00"),)), {1}),
    "in with zone": (Member(column("synced_at"), (instant("2026-11-20T08:00"),)), {1}),
    "present": (Present(column("visits")), {1, 2, 3}),
    "contains": (Matches("contains", column("name"), (("nn",),)), {1, 2}),
    "contains nothing": (Matches("contains", column("name"), (("",),)), {1, 2, 3}),
    "starts with": (Matches("starts_with", column("name"), (("An",),)), {1}),
    "ends with": (Matches("ends_with", column("name"), (("nna",),)), {1, 2}),
    "like": (Matches("like", column("name"), (("A", None), ("a",))), {1}),
    "month and day": (
        MonthDay(column("born"), ((Constant(1231), Constant(1231)), (Constant(101), Constant(105)))),
        {2, 3},
    ),
    "leap day": (MonthDay(column("born"), ((Constant(229), Constant(229)),)), {1}),
    "empty range": (MonthDay(column("born"), ((Constant(2), Constant(1)),)), set()),
    "no range": (MonthDay(column("born"), ()), set()),
    "label tag": (HasEntry("tags", "VIP"), {1}),
    "value of a label tag": (Present(tag("VIP")), set()),
    "value of a tag": (Compare("=", tag("affiliation"), Constant("GUEST")), {3}),
    "in values of a tag": (Member(tag("affiliation"), ("GUEST", "CUSTOMER")), {1, 3}),
    "field of an entry": (Compare(">", GOLD, Constant(119)), {1}),
    "some record": (Some("sales", None), {1, 2}),
    "some record where": (Some("sales", Negated(Compare(">", column("total"), Constant(117_19)))), {1, 2}),
    "nested record": (Some("sales", Some("lines", All((RED, Compare(">", column("quantity"), Constant(1)))))), {1}),
    "count": (Compare("=", COUNT, Constant(0)), {3, 4}),
    "count of values": (Compare("=", Total("count", "sales", column("total"), None), Constant(0)), {2, 3, 4}),
    "sum": (Compare("=", TOTAL, Constant(480_00)), {1}),
    "sum over nothing": (Compare("=", TOTAL, Constant(0)), {2, 3, 4}),
    "max": (Compare("<", Total("max", "sales", column("occurred_at"), None), Constant(AS_OF)), {1, 2}),
    "month of a max": (
        MonthDay(Total("max", "sales", column("occurred_at"), None), ((Constant(1101), Constant(1130)),)),
        {1},
    ),
    "min over nothing": (Compare("<", Total("min", "sales", column("total"), None), Constant(999_99)), {1}),
    "average": (Compare(">", TOTAL, Calculation("*", Constant(200_00), COUNT)), {1}),
    "arithmetic": (Compare(">", Calculation("*", column("visits"), column("visits")), Constant(30)), {2}),
    "mixed scales": (
        Compare(">", Calculation("+", Unscaled(column("ratio"), 6), column("visits")), Constant(0)),
        {1, 2},
    ),
    "chosen": (Compare("=", Choose(HasEntry("tags", "VIP"), column("visits"), Constant(7)), Constant(7)), {2, 3, 4}),
    "chosen or missing": (Present(Choose(HasEntry("tags", "VIP"), column("visits"), None)), {1}),
    "folded constant": (Compare("=", column("name"), Folded(True, True, Constant("ÁNNA"))), {2}),
}


@pytest.mark.parametrize("name", LEAVES)
def test_a_leaf_is_true_where_expected_and_its_complement_everywhere_else(name, tables):
    """`f` and `NOT f` split the rows in two, as two filters and under SQL's own NOT; a certain clause is never NULL."""
    condition, expected = LEAVES[name]
    ask = asker(tables)
    assert ask(clause(condition)) == expected
    assert ask(clause(Negated(condition))) == IDS - expected
    both: list[tuple[Condition, set[int]]] = [(condition, expected), (Negated(condition), IDS - expected)]
    for each, ids in both:
        certain = clause(each, certain=True)
        assert ask(certain) == ids
        assert ask(sa.not_(certain)) == IDS - ids
        assert ask(sa.not_(sa.and_(certain, PEOPLE.c.id > 0))) == IDS - ids
        verdicts = tables.execute(sa.select(PEOPLE.c.id, certain))
        shown = {person: bool(verdict) for person, verdict in verdicts if verdict is not None}
        assert shown == {person: person in ids for person in IDS}


CONNECTED: dict[str, tuple[Condition, set[int]]] = {
    "true": (Always(truth=True), IDS),
    "false": (Always(truth=False), set()),
    "and": (All((Present(column("name")), LEAVES["text <"][0])), {1, 3}),
    "or": (Any((LEAVES["text ="][0], LEAVES["label tag"][0])), {1, 2}),
    "or in and": (
        All((Any((LEAVES["text ="][0], LEAVES["text <"][0])), Negated(LEAVES["boolean"][0]), Always(truth=True))),
        {2, 3},
    ),
    "and in or in and": (
        All((Any((All((LEAVES["text <"][0], LEAVES["boolean"][0])), LEAVES["never missing"][0])), LEAVES["sum"][0])),
        {1},
    ),
}


@pytest.mark.parametrize("name", CONNECTED)
def test_connectives_are_two_valued(name, tables):
    """AND and OR of leaves are true where expected, and where certain, false everywhere else."""
    condition, expected = CONNECTED[name]
    ask = asker(tables)
    assert ask(clause(condition)) == expected
    assert ask(sa.not_(clause(condition, certain=True))) == IDS - expected


SOON = Moment("today", 1, Span(45, "day"))
MOMENTS: dict[str, tuple[Condition, set[int]]] = {
    "now": (Compare("<", column("seen_at"), Moment("now", -1, Span(1, "month"))), {2, 3}),
    "with zone": (Compare("<", column("synced_at"), Moment("now", -1, Span(1, "month"))), {2, 3}),
    "today": (Compare("<=", column("born"), Moment("today", -1, Span(30, "year"))), {1}),
    "day start": (Compare(">=", column("seen_at"), Moment("day_start", days=-1)), {1}),
    "between moments": (Compare("<", Moment("today", -1, Span(1, "day")), Moment("today")), IDS),
    "between instants": (Compare("<", Moment("day_start"), Moment("now")), IDS),
    "birthday": (
        MonthDay(
            column("born"),
            tuple(
                (
                    Moment("month_day_low", index=index, first=Moment("today"), last=SOON),
                    Moment("month_day_high", index=index, first=Moment("today"), last=SOON),
                )
                for index in range(3)
            ),
        ),
        {2, 3},
    ),
}


@pytest.mark.parametrize("name", MOMENTS)
def test_moments_are_bound_at_execution(name, tables):
    """One statement serves every `as_of`: its moments are parameters by name."""
    condition, expected = MOMENTS[name]
    compiled = compile_condition(condition, SOURCE)
    statement = sa.select(PEOPLE.c.id).where(compiled.clause)
    assert set(tables.scalars(statement, bind_moments(compiled, AS_OF, UTC))) == expected
    with pytest.raises(sa.exc.StatementError):
        tables.execute(statement)


@pytest.mark.parametrize("name", ["seen_at", "synced_at"])
def test_instants_are_in_utc_wherever_the_session_is(name, tables):
    """A column that keeps no zone holds UTC, and an instant is the same in every zone."""
    tokyo = instant("2026-11-20T08:00").astimezone(zone("Asia/Tokyo"))
    with tables.begin_nested() as savepoint:
        if tables.dialect.name == "postgresql":
            tables.execute(sa.text("SET LOCAL TIME ZONE 'Asia/Tokyo'"))
        assert asker(tables)(clause(Compare("=", column(name), Constant(tokyo)))) == {1}
        assert asker(tables)(clause(Member(column(name), (tokyo,)))) == {1}
        savepoint.rollback()


def test_filters_that_share_a_statement_share_its_moments(tables):
    """Conditions compiled apart stand in one statement, each column type with its own encoding of the same moment."""
    now = Moment("now", -1, Span(1, "month"))
    both = [compile_condition(Compare("<", column(name), now), SOURCE) for name in ("seen_at", "synced_at", "seen_at")]
    moments = bind_moments(both[0], AS_OF, UTC) | bind_moments(both[1], AS_OF, UTC)
    assert len(moments) == 2
    statement = sa.select(PEOPLE.c.id).where(*(each.clause for each in both))
    assert set(tables.scalars(statement, moments)) == {2, 3}


def test_values_can_be_shown_and_sorted(tables):
    """A value is an expression that is NULL where it is missing; of a Shown, it is the value above its divisor."""
    shown = compile_value(Shown("money", TOTAL, over=COUNT), SOURCE).clause
    doubled = compile_value(Calculation("+", column("visits"), column("visits")), SOURCE).clause
    rows = tables.execute(sa.select(PEOPLE.c.id, shown, doubled).order_by(PEOPLE.c.id)).all()
    assert rows == [(1, 480_00, 10), (2, 0, 2 * 2_147_483_647), (3, 0, 0), (4, 0, None)]


def test_the_clause_goes_wherever_a_clause_goes(tables):
    """Also into an UPDATE, a DELETE, a FROM with the collection's table, and over an alias."""
    own = clause(Some("sales", Compare("=", column("place"), Constant("Harbour"))))
    joined = sa.select(sa.func.count()).select_from(sa.join(PEOPLE, SALES)).where(own, SALES.c.place == "Station")
    assert tables.scalar(joined) == 1
    alias = PEOPLE.alias("p")
    over = compile_condition(LEAVES["some record"][0], TableSource(alias, OTHERS)).clause
    assert set(tables.scalars(sa.select(alias.c.id).where(over))) == {1, 2}
    with tables.begin_nested() as savepoint:
        assert tables.execute(PEOPLE.update().where(own).values(name="Harbour")).rowcount == 1
        theirs = SALES.c.person_id.in_(sa.select(PEOPLE.c.id).where(own))
        assert tables.execute(sa.delete(SALES).where(theirs, SALES.c.id > 3)).rowcount == 0
        savepoint.rollback()


def test_a_collection_may_be_of_the_same_table(sqlite_tables):
    """People who refer to people: the collection is an alias of the table it belongs to."""
    people = sa.Table(
        "staff",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("boss_id", sa.ForeignKey("staff.id")),
    )
    people.create(sqlite_tables)
    rows = [{"id": each, "boss_id": boss} for each, boss in ((1, None), (2, 1), (3, 2))]
    sqlite_tables.execute(people.insert(), rows)
    source = TableSource(people, {"reports": people})
    leads = compile_condition(Some("reports", None), source).clause
    of_leads = compile_condition(Some("reports", Some("reports", None)), source).clause
    assert set(sqlite_tables.scalars(sa.select(people.c.id).where(leads))) == {1, 2}
    assert set(sqlite_tables.scalars(sa.select(people.c.id).where(of_leads))) == {1}


def test_a_sum_beyond_64_bits_is_an_error(tables):
    """Never a wrong number: PostgreSQL counts on, SQLite refuses, and the refusal is known from others."""
    enormous = clause(Compare(">", Total("sum", "sales", Constant(2**62), None), Constant(0)))
    if tables.dialect.name == "postgresql":
        assert asker(tables)(enormous) == {1, 2}
    else:
        with pytest.raises(sa.exc.DBAPIError) as refused, tables.begin_nested():
            tables.execute(sa.select(PEOPLE.c.id).where(enormous))
        assert is_overflow(refused.value)
    with pytest.raises(sa.exc.DBAPIError) as other, tables.begin_nested():
        tables.execute(sa.text("SELECT nothing FROM nowhere"))
    assert not is_overflow(other.value)


TWO_KEYS = [sa.Column[int](name, sa.ForeignKey("people.id")) for name in ("giver", "taker")]
REFUSED: dict[str, tuple[Condition, TableSource, str]] = {
    "no column": (Present(column("place")), SOURCE, "the table 'people' has no column 'place'"),
    "no table": (Some("sale", None), SOURCE, "no table for 'sale'; give it by name: sale=table; did you mean sales?"),
    "no key": (Some("lines", None), SOURCE, "no foreign key from 'lines' to 'people'; exactly one must tie them"),
    "two keys": (
        Some("gifts", None),
        TableSource(PEOPLE, {"gifts": sa.Table("gifts", METADATA, *TWO_KEYS)}),
        "2 foreign keys from 'gifts' to 'people'; exactly one must tie them",
    ),
    "fold": (
        Compare("=", Folded(True, False, column("name")), Constant("anna")),
        SOURCE,
        "no column holds 'name' folded so; name one by to_sql(folded=…), or leave the fold out",
    ),
    "fold of a tag": (
        Matches("contains", Folded(True, False, tag("a")), (("x",),)),
        SOURCE,
        "no column holds 'tags.a' folded so; name one by to_sql(folded=…), or leave the fold out",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_exact_is_refused_by_name(name):
    """`target` errors come before anything runs, and say how to mend it."""
    condition, source, message = REFUSED[name]
    with pytest.raises(FilterError) as refused:
        compile_condition(condition, source)
    assert (refused.value.kind, str(refused.value)) == ("target", message)


def test_presence_needs_no_folded_key(tables):
    """`CASEI(name) EXISTS` is `name EXISTS`."""
    assert asker(tables)(clause(Present(Folded(True, True, column("name"))))) == {1, 2, 3}


def test_other_databases_are_refused():
    """Only where the meaning is proved to be the same."""
    with pytest.raises(FilterError, match="SQLite and PostgreSQL, not on mysql"):
        clause(LEAVES["contains"][0]).compile(dialect=mysql.dialect())


def test_no_constant_is_written_into_the_statement():
    """Every constant is a bound parameter, however it looks."""
    everything = clause(All(tuple(leaf for leaf, _ in LEAVES.values())), certain=True)
    text = str(everything.compile(dialect=sqlite.dialect()))
    words = ("anna", "Harbour", "GUEST", "Red", "8765432198", "12.5", "--", "119", "11719")
    assert not any(word in text for word in words)
