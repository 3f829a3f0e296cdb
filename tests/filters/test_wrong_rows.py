"""Rows of the wrong type: Malformed for every operator of the Python target, whatever the value and wherever it stands."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custcrm.filters import (
    Boolean,
    Choice,
    Collection,
    Date,
    Filter,
    FilterError,
    Instant,
    Integer,
    Map,
    Money,
    Number,
    Schema,
    Text,
)
from custcrm.filters.ir.moments import resolve
from custcrm.filters.targets.python.compile import compile_filter
from custcrm.filters.targets.python.rows import WrongValue, careful
from custcrm.testing import strategies
from custcrm.values.birthdays import YearlessDate
from custcrm.values.errors import Malformed
from custcrm.values.money import Money as Amount

TYPES: dict[str, Any] = {
    "text": Text(), "whole": Integer(), "number": Number(places=2), "money": Money(), "truth": Boolean(), "day": Date(),
    "born": Date(yearless=True), "at": Instant(), "kind": Choice("a", "b"),
}  # fmt: skip
SCHEMA = Schema(
    {**TYPES, "tags": Map(Text()), "held": Map(TYPES, keys=("k",)), "records": Collection(TYPES)},
    currency="EUR", timezone="Europe/Helsinki",
)  # fmt: skip
OPERATORS: dict[str, list[str]] = {
    "text": [
        "{} = 'a'", "{} <> 'a'", "{} < 'a'", "{} >= 'a'", "{} IN ('a', 'b')", "{} IN ('a')", "{} BETWEEN 'a' AND 'b'",
        "{} LIKE '_a%'", "{} LIKE 'a%'", "{} CONTAINS 'a'", "{} STARTS WITH 'a'", "{} ENDS WITH 'a'", "{} CONTAINS ''",
        "CASEI({}) = 'a'", "ACCENTI({}) CONTAINS 'a'", "{} = {}", "{} EXISTS", "{} IS NULL", "CASEI({}) EXISTS",
    ],
    "whole": [
        "{} = 1", "{} <> 1", "{} > 1", "{} <= 1", "{} IN (1, 2)", "{} BETWEEN 1 AND 2", "{} + 1 > 1", "{} % 2 = 0",
        "{} * 3 = {}", "-{} > 2", "{} = {}", "{} EXISTS", "{} DOES NOT EXIST", "{} + 1 EXISTS", "{} / 2 > 1", "{} ^ 2 > 1",
    ],
    "number": ["{} = 1", "{} > 1.5", "{} IN (1, 2.5)", "{} * 2 > 1", "{} = {}", "{} EXISTS", "{} - 1 EXISTS"],
    "money": ["{} = 1", "{} > 1.5", "{} IN (1, 2.5)", "{} * 2 > 1", "{} = {}", "{} EXISTS"],
    "truth": ["{}", "NOT {}", "{} = FALSE", "{} EXISTS"],
    "day": [
        "{} = DATE('2026-01-01')", "{} < today()", "{} IN (DATE('2026-01-01'), today())", "{} = {}", "{} EXISTS",
        "ANNIVERSARY({}) = today()", "{} BETWEEN DATE('2026-01-01') AND today()",
    ],
    "at": [
        "{} = TIMESTAMP('2026-01-01T00:00:00Z')", "{} < now()", "{} = today()", "{} = {}", "{} EXISTS",
        "{} IN (TIMESTAMP('2026-01-01T00:00:00Z'), now())",
    ],
    "kind": ["{} = 'a'", "{} <> 'a'", "{} IN ('a', 'b')", "{} = {}", "{} EXISTS"],
}  # fmt: skip
OPERATORS["born"] = OPERATORS["day"]
VALUES: list[Any] = [
    "a", "", 7, 10**30, True, 2.5, Decimal("2.5"), b"a", [1], ("a",), {"a": 1}, {1, 2}, frozenset("a"), date(2026, 1, 1),
    float("inf"), Decimal("Infinity"), Decimal("-Infinity"), Decimal("1E+5000"), Decimal("-1E+41"), Decimal("1.0000001"),
    Decimal("1.255"), Decimal("0.5"), Decimal("5.00"), Decimal("1E+40"), range(3), timedelta(1), [[]], {"VIP": 1},
    datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC), YearlessDate(1, 1),
    Amount("2.50", "EUR"), Amount("2", "SEK"), SimpleNamespace(), object(), 1j, Enum("E", "A").A,
]  # fmt: skip
RIGHT: dict[str, tuple[type, ...]] = {
    "text": (str,), "whole": (int,), "number": (Decimal, int), "money": (Amount, Decimal, int), "truth": (bool,),
    "day": (date,), "born": (date, YearlessDate), "at": (datetime,), "kind": (str,),
}  # fmt: skip


def is_right(name: str, value: Any) -> bool:
    """Tell whether a field of this name may hold the value, by its class, its decimals and its size."""
    match name, value:
        case ("whole" | "number" | "money"), bool():
            return False
        case ("whole" | "number" | "money"), Decimal():
            cents = Fraction(value) * 100 if value.is_finite() and value < 10**41 else Fraction(1, 7)
            return cents % (100 if name == "whole" else 1) == 0 and (name != "money" or abs(cents) < 2**63)
        case "money", int():
            return abs(value) * 100 < 2**63
        case ("day" | "born"), datetime():
            return False
        case "at", datetime():
            return value.tzinfo is not None
        case "money", Amount():
            return value.currency == "EUR"
    return isinstance(value, RIGHT[name])


def placed(name: str, value: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return where a value may stand: the path, and the row."""
    return [(name, {name: value}), (f"held.k.{name}", {"held": {"k": {name: value}}})]


EACH = [(name, operator) for name, several in OPERATORS.items() for operator in several]


@pytest.mark.parametrize(("name", "operator"), EACH)
def test_a_wrong_value_is_malformed_for_every_operator(name: str, operator: str) -> None:
    """Every operator × every value of another type × mappings, objects, entries and records: Malformed names the field."""
    for value in (each for each in VALUES if not is_right(name, each)):
        for path, row in placed(name, value):
            asked = SCHEMA.parse(operator.format(*[path] * 2))
            for refused in _refusals(asked, row):
                assert path in refused, (path, value)
        within = SCHEMA.parse(f"EXISTS(records WHERE {operator.format(*[name] * 2)})")
        for refused in _refusals(within, {"records": [{name: value}]}):
            assert f"records.{name}" in refused, value


AGGREGATES = ["SUM(records.{}) > 1", "AVG(records.{}) > 1", "MIN(records.{}) = 1", "MAX(records.{}) EXISTS"]
OF_RECORDS = ["records EXISTS", "COUNT(records) > 0", "EXISTS(records WHERE whole > 1)", "SUM(records.whole) = 0"]
OF_A_MAP = ["tags.VIP EXISTS", "tags.VIP = 'a'", "tags.VIP IN ('a', 'b')", "tags.VIP DOES NOT EXIST"]


@pytest.mark.parametrize("text", AGGREGATES)
@pytest.mark.parametrize("name", ["whole", "number", "money"])
def test_aggregates_refuse_wrong_values(text: str, name: str) -> None:
    """A sum, an average and the ends of the records' values are as careful."""
    for value in (each for each in VALUES if not is_right(name, each)):
        for refused in _refusals(SCHEMA.parse(text.format(name)), {"records": [{name: None}, {name: value}]}):
            assert f"records.{name}" in refused, value


def _refusals(asked: Filter, row: dict[str, Any]) -> list[str]:
    """Return what is said of the row as a mapping and as an object, by itself and among others."""
    everything = {name: row.get(name) for name in SCHEMA.types}
    found = []
    for each in (row, SimpleNamespace(**everything)):
        for ask in (asked.matches, lambda one: asked.select([one, one])):
            with pytest.raises(Malformed) as refused:
                ask(each)
            found.append(str(refused.value))
    return found


@pytest.mark.parametrize("wrong", [5, "abc", {"a": 1}, 0, "", 2.5, True, object()])
@pytest.mark.parametrize("text", OF_RECORDS)
def test_what_is_no_list_of_records(text: str, wrong: Any) -> None:
    """A collection is a list; a text has a length too, and nought is as false as an empty list."""
    for refused in _refusals(SCHEMA.parse(text), {"records": wrong}):
        assert "'records': expected a list of records" in refused


@pytest.mark.parametrize("wrong", [5, "VIP", ["VIP"], {"VIP"}, 0, "", True])
@pytest.mark.parametrize("text", OF_A_MAP)
def test_what_is_no_map(text: str, wrong: Any) -> None:
    """A map is a mapping; a text and a list may contain its key too."""
    for refused in _refusals(SCHEMA.parse(text), {"tags": wrong}):
        assert "'tags': expected a mapping" in refused


NO_RECORDS: list[Any] = [1, "abc", b"a", 2.5, True, Decimal(1), date(2026, 1, 1), None, [1], ("a",), {1}, Amount(1, "EUR")]


@pytest.mark.parametrize("text", OF_RECORDS)
def test_what_is_no_record_in_a_list(text: str) -> None:
    """Each of a collection is a record, also where nothing but their number is asked."""
    for wrong in [range(3), b"abc", *([each] for each in NO_RECORDS), *([{}, each] for each in NO_RECORDS)]:
        for refused in _refusals(SCHEMA.parse(text), {"records": wrong}):
            assert "'records" in refused, wrong


@pytest.mark.parametrize("text", OF_A_MAP)
def test_what_is_no_value_of_a_map(text: str) -> None:
    """What stands under a key has the type that the map was declared with, also where only the key is asked for."""
    for wrong in (each for each in VALUES if not isinstance(each, str)):
        for refused in _refusals(SCHEMA.parse(text), {"tags": {"VIP": wrong}}):
            assert "'tags.VIP': expected a text" in refused, wrong
    for missing in (None, float("nan")):
        assert SCHEMA.parse("tags.VIP EXISTS").matches({"tags": {"VIP": missing}})


@pytest.mark.parametrize("text", ["held.k EXISTS", "held.k DOES NOT EXIST", "held.k.whole = 1"])
def test_what_is_no_record_of_a_map(text: str) -> None:
    """What stands under a key of a map of records is one."""
    for wrong in (each for each in NO_RECORDS if each is not None):
        for refused in _refusals(SCHEMA.parse(text), {"held": {"k": wrong}}):
            assert "'held.k" in refused, wrong


class Word(str):
    __slots__ = ()


class Level(int, Enum):
    HIGH = 7


@given(st.sampled_from(list(OPERATORS)), st.sampled_from([None, float("nan"), Decimal("nan")]))
def test_missing_values_are_missing_for_every_operator(name: str, missing: Any) -> None:
    """None and NaN are no wrong values: a condition is false of them, and its NOT true."""
    for operator in OPERATORS[name]:
        for path, row in placed(name, missing):
            asked = SCHEMA.parse(operator.format(*[path] * 2))
            negative = operator.startswith("NOT") or "NOT EXIST" in operator or "NULL" in operator or "<>" in operator
            assert asked.matches(row) is negative
            assert (~asked).matches(row) is not negative


def test_subclasses_and_whole_floats_are_taken() -> None:
    """A value of a subclass is one of its class, and 5.0 is a whole number."""
    assert SCHEMA.parse("text = 'a' AND text IN ('a', 'b') AND text STARTS WITH 'a'").matches({"text": Word("a")})
    assert SCHEMA.parse("whole = 7 AND whole + 1 = 8 AND whole EXISTS").select([{"whole": Level.HIGH}, {"whole": 7.0}])
    fives = [{"whole": 5}, {"whole": Decimal("5.0")}, {"whole": Decimal("5E+0")}, {"whole": 5.0}]
    for text in ("whole = 5", "whole > 4", "whole IN (5, 6)", "whole EXISTS", "whole % 2 = 1", "whole + 1 = 6"):
        assert SCHEMA.parse(text).select(fives) == fives
        assert all(SCHEMA.parse(text).matches(each) for each in fives)
    assert SCHEMA.parse("number = 2 AND money = 2.5").matches({"number": 2, "money": Decimal("2.50")})


# any filter ----------------------------------------------------------------------------------------

DEMO = strategies.demo_schema()


def outcome(ask: Any) -> bool | str:
    """Return the answer, or the field of which a value is wrong."""
    try:
        return bool(ask())
    except WrongValue as wrong:
        return wrong.name
    except Malformed as refused:
        return refused.kind if isinstance(refused, FilterError) else str(refused.field)


@given(
    asked=strategies.filters(DEMO),
    row=strategies.rows(DEMO),
    names=st.lists(st.sampled_from(sorted(DEMO.types)), min_size=1, max_size=3),
    value=st.sampled_from(VALUES),
    as_of=strategies.instants(),
)
def test_any_filter_says_of_a_wrong_row_what_careful_reading_says(
    asked: Filter, row: dict[str, Any], names: list[str], value: Any, as_of: datetime
) -> None:
    """A filter that looks at a value of another type names its field, as one does that checks all it reads."""
    row = row | dict.fromkeys(names, value)
    moments = [resolve(each, as_of, zone=DEMO.zone, feb29=DEMO.feb29) for each in asked.moments]
    with_care = compile_filter(asked.lowered, careful("EUR"), currency="EUR")
    assert outcome(lambda: asked.matches(row, as_of=as_of)) == outcome(lambda: with_care.matches(row, moments))
