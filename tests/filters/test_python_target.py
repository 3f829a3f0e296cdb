"""The Python target on hand-made conditions: rows of any kind, missing and wrong values, exact numbers, instants."""

from collections import deque
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custcrm.filters import FilterError, Schema
from custcrm.filters.ir import nodes as low
from custcrm.filters.ir.nodes import Calculation, Column, Constant, Entry, HasEntry, Present, Some, Total
from custcrm.filters.targets.python.compile import Bound, Mappings, Objects, compile_filter, compile_value
from custcrm.filters.types import types as t
from custcrm.values.errors import Malformed
from custcrm.values.money import Money
from custcrm.values.periods import YearlessDate

VISITS = Column("visits", t.Integer())
TOTAL = Column("total", t.Money())
NAME = Column("name", t.Text())
SEEN = Column("seen", t.Instant())
BORN = Column("born", t.Date(yearless=True))
KIND = Column("kind", t.Choice("person", "company"))


def holds(condition: low.Condition, currency: str | None = "EUR", **row: Any) -> bool:
    """Ask both variants, for one row and for many; they agree."""
    compiled = compile_filter(condition, Mappings(), currency=currency)
    as_object = compile_filter(condition, Objects(), currency=currency)
    everything = SimpleNamespace(**{name: row.get(name) for name in NAMES})
    answers = {
        compiled.matches(row),
        bool(compiled.select([row])),
        as_object.matches(everything),
        bool(as_object.select((everything,))),
    }
    assert len(answers) == 1
    return answers.pop()


NAMES = ("visits", "total", "name", "seen", "born", "kind", "tags", "programs", "sales", "rating", "active")


class Kind(Enum):
    PERSON = "person"
    COMPANY = "company"


# missing and wrong values --------------------------------------------------------------------------


@pytest.mark.parametrize("nothing", [None, float("nan"), Decimal("nan")])
@pytest.mark.parametrize("column", [VISITS, TOTAL, NAME, SEEN, Column("rating", t.Number())])
def test_none_and_nan_are_missing(column: Column, nothing: object) -> None:
    """A positive test on a missing value is false, its negation true, and it does not exist."""
    constant = Constant(
        {t.Text: "a", t.Instant: datetime(2026, 1, 1, tzinfo=UTC)}.get(type(column.type), 3)  # type: ignore[arg-type]
    )
    for op in ("=", "<", ">="):
        assert not holds(low.Test(op, column, constant), **{column.name: nothing})
        assert holds(low.Negated(low.Test(op, column, constant)), **{column.name: nothing})
    assert not holds(Present(column), **{column.name: nothing})
    assert not holds(Some("sales", Present(column)), sales=[{column.name: nothing}])


def test_nan_is_skipped_in_records() -> None:
    """MAX, MIN and COUNT over a field skip records without a value, NaN among them."""
    records = [{"visits": float("nan")}, {"visits": 4}, {"visits": 2}, {}]
    compiled = compile_filter(low.Test("=", Total("max", "sales", VISITS, None), Constant(4)), Mappings())
    assert compiled.matches({"sales": records})
    counted = compile_filter(low.Test("=", Total("count", "sales", VISITS, None), Constant(2)), Mappings())
    assert counted.matches({"sales": records})


@pytest.mark.parametrize(
    ("condition", "row", "message"),
    [
        (low.Test(">", VISITS, Constant(3)), {"visits": "4"}, "'visits': expected a whole number, found a text"),
        (low.Test(">", NAME, Constant("a")), {"name": 4}, "'name': expected a text, found a whole number"),
        (low.Test(">", SEEN, Constant(datetime(2026, 1, 1, tzinfo=UTC))), {"seen": datetime(2026, 1, 2)}, "without one"),
        (low.Test("<", BORN, Constant(date(2000, 1, 1))), {"born": "1980-01-01"}, "'born': expected a date, found a text"),
        (low.Test(">", TOTAL, Constant(100)), {"total": Money(2, "SEK")}, "expected an amount in EUR, found money of an"),
        (low.Test(">", TOTAL, Constant(100)), {"total": 2.5}, "'total': expected an amount in EUR, found a float"),
        (low.Test("=", KIND, Constant("person")), {"kind": 5}, "'kind': expected one of its texts, found a whole number"),
        (low.Test("=", Column("active", t.Boolean()), Constant(True)), {"active": "yes"}, "'active': expected True or False"),
        (HasEntry("tags", "VIP"), {"tags": 5}, "'tags': expected a mapping, found a whole number"),
        (Some("sales", None), {"sales": 5}, "'sales': expected a list of records, found a whole number"),
        (Some("sales", low.Test(">", TOTAL, Constant(1))), {"sales": [{"total": "5"}]}, "'sales.total': expected an amount"),
    ],
)
def test_a_wrong_value_names_row_and_field(condition: low.Condition, row: dict[str, Any], message: str) -> None:
    """A value of the wrong type is Malformed: which row, which field, what was expected; never the value."""
    compiled = compile_filter(condition, Mappings(), currency="EUR")
    with pytest.raises(Malformed) as error:
        compiled.select([{}, row])
    assert message in str(error.value)
    assert str(error.value).startswith("row 2, field ")
    with pytest.raises(Malformed, match=r"^field "):
        compiled.matches(row)


def test_a_missing_attribute_is_an_error() -> None:
    """A mapping may lack a key; an object without the attribute is another object."""
    compiled = compile_filter(low.Test(">", VISITS, Constant(3)), Objects())
    with pytest.raises(Malformed, match="'visits': expected an attribute of this name"):
        compiled.select([SimpleNamespace(visits=4), SimpleNamespace()])


# what rows may hold --------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", [Money("12.50", "EUR"), Decimal("12.5"), Decimal("12.500")])
def test_amounts_are_major_units(amount: object) -> None:
    """Money, and Decimals of major units, are the same amount."""
    assert holds(low.Test("=", TOTAL, Constant(1250)), total=amount)
    assert not holds(low.Test(">", TOTAL, Constant(1250)), total=amount)
    assert holds(low.Member(TOTAL, (1250, 3)), total=amount)


@pytest.mark.parametrize("kind", [Kind.COMPANY, "company"])
def test_choices_are_texts_or_members(kind: object) -> None:
    """A member of an Enum is its text, wherever it stands among the rows."""
    assert holds(low.Test("=", KIND, Constant("company")), kind=kind)
    assert holds(low.Negated(low.Test("=", KIND, Constant("person"))), kind=kind)
    assert holds(low.Member(KIND, ("company", "person")), kind=kind)
    rows = [{"kind": None}, {"kind": "person"}, {"kind": kind}]
    assert compile_filter(low.Test("=", KIND, Constant("company")), Mappings()).select(rows) == rows[2:]


def test_dates_without_a_year() -> None:
    """They exist and have an anniversary, and every comparison sees a missing value."""
    born = YearlessDate(2, 29)
    leap_day = low.MonthDay(BORN, ((Constant(228), Constant(229)),))
    assert holds(Present(BORN), born=born)
    assert holds(leap_day, born=born)
    assert not holds(low.Test("<", BORN, Constant(date.max)), born=born)
    assert holds(low.Negated(low.Test("<", BORN, Constant(date.max))), born=born)
    assert not holds(low.Test("=", BORN, Constant(date(2000, 2, 29))), born=born)


def test_instants_of_any_zone() -> None:
    """Instants are equal when they are the same instant, in the hour that comes twice too."""
    zone = ZoneInfo("Europe/Helsinki")
    second = datetime(2026, 10, 25, 3, 30, tzinfo=zone, fold=1)
    same = second.astimezone(UTC)
    assert holds(low.Test("=", SEEN, Constant(same)), seen=second)
    assert holds(low.Member(SEEN, (same, same + timedelta(hours=1))), seen=second)
    first = second.replace(fold=0)
    latest = Total("max", "sales", SEEN, None)
    rows = {"sales": [{"seen": first + timedelta(minutes=15)}, {"seen": second}]}
    assert compile_filter(low.Test("=", latest, Constant(same)), Mappings()).matches(rows)


def test_rows_come_from_any_iterable() -> None:
    """An iterator is read once, even when a row makes the first attempt fail."""
    compiled = compile_filter(low.Test(">", TOTAL, Constant(100)), Mappings(), currency="EUR")
    rows = [{"total": Money(3, "EUR")}, {"total": Decimal(4)}, {"total": None}]
    assert compiled.select(iter(rows)) == rows[:2]
    assert compiled.select(deque(rows)) == rows[:2]
    assert compiled.select([]) == []


# maps and records ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "is_there", "is_gold"),
    [
        ({}, False, False),
        ({"programs": None}, False, False),
        ({"programs": {}}, False, False),
        ({"programs": {"gold": None}}, True, False),
        ({"programs": {"gold": {}}}, True, False),
        ({"programs": {"gold": {"points": 5}}}, True, True),
    ],
)
def test_entries_of_a_map(row: dict[str, Any], is_there: bool, is_gold: bool) -> None:
    """An entry exists when its key is there; its fields are missing where the map, the record or the value is."""
    points = Entry("programs", "gold", "points", t.Integer())
    for condition in (low.Test("=", points, Constant(5)), low.All((HasEntry("programs", "gold"), Present(points)))):
        compiled = compile_filter(condition, Mappings())
        assert compiled.matches(row) is is_gold
    assert compile_filter(HasEntry("programs", "gold"), Mappings()).matches(row) is is_there


def test_what_is_known_is_known_only_where_it_was_read() -> None:
    """A value read behind a guard is read again where the guard may have failed."""
    tag = Entry("tags", "a", None, t.Text())
    either = low.Any(
        (
            low.All((low.Test(">", VISITS, Constant(3)), low.Test("=", tag, Constant("x")), Present(NAME))),
            low.All((Present(tag), low.Negated(Present(NAME)))),
            low.All((low.Negated(low.Test("=", tag, Constant("y"))), low.Test("=", VISITS, Constant(1)))),
        )
    )
    assert holds(either, visits=4, tags={"a": "x"}, name="n")
    assert holds(either, tags={"a": "q"})
    assert holds(either, visits=1)
    assert not holds(either, visits=1, tags={"a": "y"}, name="n")


# numbers -------------------------------------------------------------------------------------------


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1), st.sampled_from(["+", "-", "*"]))
def test_whole_number_arithmetic_is_exact(a: int, b: int, op: Any) -> None:
    """Two numbers of 64 bits are added, subtracted and multiplied exactly; what they come to is never missing."""
    exact = {"+": lambda x, y: x + y, "-": lambda x, y: x - y, "*": lambda x, y: x * y}[op](a, b)
    calculated = Calculation(op, VISITS, Column("other", t.Integer()))
    value = compile_value(low.Shown("integer", calculated), Mappings()).of({"visits": a, "other": b})
    assert value == exact
    assert compile_filter(Present(calculated), Mappings()).matches({"visits": a, "other": b})
    assert compile_filter(low.Test("=", calculated, Constant(exact)), Mappings()).matches({"visits": a, "other": b})


@given(st.integers(-50, 50), st.integers(-7, 7))
def test_division_truncates_toward_zero(a: int, b: int) -> None:
    """DIV truncates toward zero, % has the sign of the dividend, and a zero divisor gives nothing."""
    row = {"visits": a, "other": b}
    values = [
        compile_value(low.Shown("integer", Calculation(op, VISITS, Column("other", t.Integer()))), Mappings()).of(row)
        for op in ("DIV", "%")
    ]
    if b == 0:
        assert values == [None, None]
    else:
        quotient = int(a / b)
        assert values == [quotient, a - b * quotient]


def test_a_sum_is_exact_beyond_64_bits() -> None:
    """A sum is exact whatever its parts are; its square is the error that names it where it has more than 38 digits."""
    total = Total("sum", "sales", VISITS, None)
    compiled = compile_filter(low.Test("=", total, Constant(2**64 - 2)), Mappings())
    assert compiled.matches({"sales": [{"visits": 2**63 - 1}, {"visits": 2**63 - 1}]})
    squared = compile_filter(low.Test(">", Calculation("*", total, total), Constant(0)), Mappings())
    with pytest.raises(FilterError) as error:
        squared.select([{"sales": [{"visits": 2**63 - 1}, {"visits": 2**63 - 1}]}])
    assert (error.value.kind, error.value.message) == ("overflow", "SUM(sales.visits) ^ 2 goes beyond 38 digits")


def test_decimals_become_whole_numbers_exactly() -> None:
    """A Number in arithmetic is `value × 10^places`, whatever the decimal context; more decimals are an error of the row."""
    rating = low.Unscaled(Column("rating", t.Number(places=2)), 2)
    doubled = compile_filter(low.Test("=", Calculation("*", rating, Constant(2)), Constant(250)), Mappings())
    assert doubled.matches({"rating": Decimal("1.25")})
    assert doubled.matches({"rating": Decimal("1.2500")})
    assert not doubled.matches({"rating": 1})
    with pytest.raises(Malformed, match="row 1, field 'rating': expected a Decimal of at most 2 decimals"):
        doubled.select([{"rating": Decimal("1.253")}])


# a store's own access ------------------------------------------------------------------------------


def test_rows_of_a_store() -> None:
    """Each reader is asked for once per filter; an attribute is read in place, a function gives physical values."""
    sales = {"a": [{"total": 500}, {"total": 700}], "b": []}
    store = Bound(
        column=lambda column, within: (lambda record: record["total"]) if within else column.name,
        entry=lambda entry: lambda row: f"{entry.key} of {row.name}",
        has_entry=lambda entry: lambda row: entry.key == row.name,
        records=lambda name, within: lambda row: sales[row.name],
        month_day=lambda column, within: lambda row: row.day,
    )
    rows = [SimpleNamespace(name="a", total=Money("12.50", "EUR"), day=229), SimpleNamespace(name="b", total=None, day=None)]

    def names(condition: low.Condition) -> list[str]:
        return [row.name for row in compile_filter(condition, store, currency="EUR").select(rows)]

    assert names(low.Test(">", Total("sum", "sales", TOTAL, None), Constant(1_000))) == ["a"]
    assert names(low.Negated(Some("sales", low.Test(">", TOTAL, Constant(600))))) == ["b"]
    assert names(low.Test("=", TOTAL, Constant(1250))) == ["a"]
    assert names(HasEntry("tags", "b")) == ["b"]
    assert names(low.Test("=", Entry("tags", "VIP", None, t.Text()), Constant("VIP of a"))) == ["a"]
    assert names(low.MonthDay(BORN, ((Constant(1), Constant(301)),))) == ["a"]


# size ----------------------------------------------------------------------------------------------


def test_a_thousand_conditions_and_thirty_levels() -> None:
    """What the language's limits allow compiles and runs."""
    schema = Schema({"visits": int, "name": str, "sales": [{"total": int, "lines": [{"price": int}]}]})
    many = schema.parse(" OR ".join(f"visits = {number}" for number in range(1_000)))
    assert many.select([{"visits": 999}, {"visits": 1_000}]) == [{"visits": 999}]
    deep = "visits = 0"
    for level in range(1, 27):
        deep = f"({deep}) {'AND' if level % 2 else 'OR'} visits <> {-level}"
    inside = deep.replace("visits", "price")
    nested = schema.parse(f"EXISTS(sales WHERE EXISTS(lines WHERE {inside}))")
    assert nested.matches({"sales": [{"lines": [{"price": 0}]}]})
    assert schema.parse(deep).matches({"visits": 0})
