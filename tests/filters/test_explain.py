"""Explanations: every condition with its value and verdict, what decided, what would have to change."""

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custcrm.filters import Schema
from custcrm.filters.filter import Filter
from custcrm.filters.syntax.nodes import And, In, Listed, Literal
from custcrm.filters.tools.explanation import AllOrAny, ConditionVerdict, Explanation
from custcrm.filters.tools.show import ID
from custcrm.filters.types import types as t
from custcrm.values.money import Money

SCHEMA = Schema(
    {
        "sales_total": t.Money(),
        "visits": int,
        "limit": int,
        "phone": t.Text(personal=True),
        "birth_date": t.Date(yearless=True),
        "last_sale_at": datetime,
        "tags": dict[str, str],
        "programs": t.Map({"points": int}, keys=("gold",)),
        "sales": [{"total": t.Money()}],
    },
    currency="EUR",
    timezone="America/New_York",
    metrics={"days_since": t.Elapsed(unit="days", since="last_sale_at"), "average": "AVG(sales.total)"},
)
ANNA: dict[str, Any] = {
    "sales_total": Money("579.90", "EUR"),
    "visits": 3,
    "phone": "+358401234567",
    "birth_date": date(1980, 2, 29),
    "last_sale_at": datetime(1997, 2, 17, 5, tzinfo=UTC),
    "tags": {"VIP": None},
    "programs": {"gold": {"points": 5}},
    "sales": [{"total": Money(1, "EUR")}, {"total": Money(2, "EUR")}],
}
AS_OF = "1998-07-01T00:00"


def why(text: str) -> Explanation:
    return SCHEMA.parse(text).explain(ANNA, as_of=AS_OF)


@pytest.mark.feature("X02")
def test_the_tree_as_text() -> None:
    """A line for each condition: verdict, text, value, what was wanted, and which decides; a bound that moves is told."""
    assert str(why("sales_total > 500 AND phone DOES NOT EXIST")).splitlines() == [
        "no",
        "  yes  sales_total > 500            579.90",
        "  no   phone DOES NOT EXIST         present, wanted none    <- decides",
    ]
    assert str(why("last_sale_at >= ago('3 months')")).splitlines()[1] == (
        "  no   last_sale_at >= ago('3 months')     1997-02-17, wanted 1998-04-01 or later    <- decides"
    )
    assert str(why("NOT (tags.VIP EXISTS AND (visits > 5 OR visits <= 2)) AND limit > 1")).splitlines() == [
        "no",
        "  yes  any of",
        "       no   tags.VIP DOES NOT EXIST     present, wanted none",
        "       yes  all of",
        "            yes  NOT (visits > 5)       3",
        "            yes  NOT (visits <= 2)      3",
        "  no   limit > 1                        missing, wanted more than 1    <- decides",
    ]


def test_every_condition_in_the_way_is_marked() -> None:
    """Those that fail within groups that fail, the smallest set that settles it first; what a true group outvotes is not."""
    assert str(why("visits > 5 AND phone EXISTS AND (limit > 1 OR visits = 3) AND NOT (sales_total > 1)")).splitlines() == [
        "no",
        "  no   visits > 5                   3, wanted more than 5          <- decides",
        "  yes  phone EXISTS                 present",
        "  yes  any of",
        "       no   limit > 1               missing, wanted more than 1",
        "       yes  visits = 3              3",
        "  no   NOT (sales_total > 1)        579.90, wanted 1 or less       <- fails too",
    ]
    assert str(why("visits > 5 OR limit > 1")).count("<- decides") == 2
    assert "<-" not in str(why("visits = 3 AND phone EXISTS"))


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("visits > 9 OR (visits > 9 AND phone DOES NOT EXIST)", ["decides", "decides", "fails too"]),
        ("(visits > 9 AND phone DOES NOT EXIST) OR visits > 9", ["decides", "fails too", "decides"]),
        ("visits > 9 AND visits > 9", ["decides", "fails too"]),
        ("visits > 9 OR visits > 9", ["decides", "decides"]),
        ("visits > 9 AND phone EXISTS AND (limit > 1 OR visits > 9)", ["decides", "", "fails too", "fails too"]),
        ("NOT (visits = 3 OR visits = 3) OR NOT (visits <= 9)", ["decides", "fails too", "decides"]),
        ("SEGMENT('busy') AND visits > 9 AND SEGMENT('busy')", ["decides", "fails too", "fails too"]),
    ],
)
def test_a_condition_that_is_written_twice_is_marked_twice(text: str, marks: list[str]) -> None:
    """Law: a mark belongs to a place: each condition in the way has one, however alike another is, and is told as failing."""
    explanation = SCHEMA.evolve(segments={"busy": "visits > 9"}).parse(text).explain(ANNA, as_of=AS_OF)
    lines = [line for line in str(explanation).splitlines()[1:] if not re.search("(any|all) of|SEGMENT", line)]
    assert [line.partition("<- ")[2] for line in lines] == marks
    assert len(explanation.failing) == len([each for each in marks if each])


def test_to_change_a_condition_that_is_written_twice_is_one_change() -> None:
    """Law: the nearest change names what has to change, each thing once."""
    for text in ("visits > 9 AND visits > 9", "visits > 9 AND (phone DOES NOT EXIST AND limit > 1 OR visits > 9)"):
        change = why(text).nearest_change
        assert change is not None
        assert [each.text for each in change] == ["visits > 9"]


def test_rows_fixed_by_other_ids_are_another_condition() -> None:
    """Law: two sets of as many ids read alike and are two conditions: for a row in neither, both have to change."""
    schema = Schema({"id": str})
    chosen = [In(ID, Listed(map(Literal, ids))) for ids in (("a", "b"), ("c", "d"))]
    explanation = Filter.of(schema, And(tuple(chosen))).explain({"id": "e"}, as_of=AS_OF)
    assert [each.text for each in explanation.conditions] == ["2 fixed rows"] * 2
    assert explanation.nearest_change is not None
    assert len(explanation.nearest_change) == 2


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("visits = 5", "5"), ("visits <> 3", "not 3"), ("visits > 3", "more than 3"), ("5 <= visits", "5 or more"),
        ("visits >= 5", "5 or more"), ("NOT (visits < 5)", "5 or more"), ("NOT (visits >= 3)", "less than 3"),
        ("NOT (5 > visits)", "5 or more"), ("NOT (visits <= 5)", "more than 5"), ("NOT (visits > 2)", "2 or less"),
        ("visits BETWEEN 4 AND 5", "4 to 5"), ("visits NOT BETWEEN 1 AND 5", "not 1 to 5"), ("visits IN (4, 5)", "one of 4, 5"),
        ("visits NOT IN (3)", "none of 3"), ("visits IN (4, 5, 6, 7, 8, 9, 10)", "one of 4, 5, 6, 7, 8 … (7)"),
        ("visits IN ()", ""),
        ("phone LIKE '1%'", "one like '1%'"), ("phone NOT LIKE '+%'", "not one like '+%'"),
        ("phone CONTAINS 'x'", "one that contains 'x'"), ("tags.x STARTS WITH 'y'", "one that starts with 'y'"),
        ("limit > 1", "more than 1"), ("visits < limit", ""), ("limit < visits", "less than 3"), ("limit EXISTS", "some"),
        ("EXISTS(sales WHERE total > 9)", "some"), ("NOT EXISTS(sales)", "none"), ("FALSE", ""),
        ("last_sale_at > ago('1 day')", "after 1998-06-30"), ("last_sale_at = today()", "1998-07-01"),
        ("NOT (last_sale_at < ago('1 day'))", "1998-06-30 or later"), ("visits = programs.gold.points + 2", "7"),
    ],
)
def test_what_a_failing_condition_wanted_is_said(text: str, wanted: str) -> None:
    """Law: of each kind of condition, both ways round, whether the value is missing or another."""
    (part,) = why(text).conditions
    assert (part.verdict, part.wanted) == (False, wanted)
    assert (f"wanted {wanted}" in str(why(text))) == bool(wanted)


@pytest.mark.feature("X02")
@pytest.mark.parametrize(
    ("text", "field", "value", "seen"),
    [
        ("sales_total > 500", "sales_total", Money("579.90", "EUR"), "579.90"),
        ("5 < visits", "visits", 3, "3"),
        ("tags.VIP = 'x'", "tags.VIP", None, "missing"),
        ("tags.VIP EXISTS", "tags.VIP", None, "present"),
        ("programs.gold EXISTS", "programs.gold", True, "present"),
        ("programs.gold.points > 9", "programs.gold.points", 5, "5"),
        ("SUM(sales.total) > 9", "SUM(sales.total)", Money(3, "EUR"), "3.00"),
        ("average > 9", "average", Money("1.50", "EUR"), "1.50"),
        ("EXISTS(sales WHERE total > 1)", "EXISTS(sales WHERE total > 1)", 1, "1 found"),
        ("visits / 7 > 1", "visits / 7", None, "0.428571"),
        ("days_since <= 30", "days_since", 499, "499"),
        ("CASEI(phone) CONTAINS 'x'", "CASEI(phone)", "+358401234567", "'+358401234567'"),
        ("ANNIVERSARY(birth_date) = today()", "birth_date", date(1980, 2, 29), "1980-02-29"),
    ],
)
def test_values(text: str, field: str, value: object, seen: str) -> None:
    """`field` is the path or what is compared, `value` what it was, in the units that people use."""
    (part,) = why(text).conditions
    assert (part.field, part.seen) == (field, seen)
    assert value is None or part.value == value


@pytest.mark.feature("V03", "X02")
@pytest.mark.parametrize("text", ["limit <> 1", "limit NOT IN (1)", "NOT (limit = 1)", "limit > visits", "visits > limit"])
def test_decided_by_a_missing_value(text: str) -> None:
    """A verdict that follows from a missing value says so, whichever side it is on."""
    (part,) = why(text).conditions
    assert part.missing
    assert not why("visits <> 1").conditions[0].missing


def test_repr_shows_nobody() -> None:
    """A traceback or log names fields, never values."""
    explanation = why("phone = '+358401234567'")
    assert "358" not in repr(explanation)
    assert "358" not in repr(explanation.conditions)
    assert "358" in str(explanation)


# deciding and changing -----------------------------------------------------------------------------

LEAVES = st.builds(
    lambda name, verdict: ConditionVerdict(field=name, text=name, value=0, verdict=verdict, missing=False, seen="0"),
    st.uuids().map(str),
    st.booleans(),
)
TREES = st.recursive(
    LEAVES, lambda parts: st.builds(AllOrAny, st.booleans(), st.lists(parts, min_size=2, max_size=3).map(tuple)), max_leaves=7
)


def verdict(tree: Any, flipped: frozenset[str] = frozenset(), known: frozenset[str] | None = None, other: bool = False) -> bool:
    """Evaluate a tree with some leaves flipped; leaves that are not known have the other verdict."""
    if isinstance(tree, AllOrAny):
        parts = [verdict(part, flipped, known, other) for part in tree.parts]
        return all(parts) if tree.of_all else any(parts)
    if known is not None and tree.text not in known:
        return other
    return tree.verdict is not (tree.text in flipped)


@given(TREES)
def test_deciding_conditions_settle_the_answer(tree: Any) -> None:
    """With the deciding conditions as they are, the answer stands whatever all others say."""
    explanation = Explanation(tree)
    known = frozenset(part.text for part in explanation.deciding)
    assert verdict(tree, known=known, other=not explanation.matched) == explanation.matched


@given(TREES)
def test_failing_conditions_are_all_that_is_in_the_way(tree: Any) -> None:
    """All of them turned, the row is in; a condition left out of them changes nothing by being turned alone with the rest."""
    explanation = Explanation(tree)
    failing = frozenset(part.text for part in explanation.failing)
    assert bool(failing) != explanation.matched
    assert explanation.matched or verdict(tree, flipped=failing)
    assert explanation.matched or set(explanation.deciding) <= set(explanation.failing)


@pytest.mark.feature("X03")
@given(TREES)
def test_the_nearest_change_turns_the_answer_and_nothing_smaller_does(tree: Any) -> None:
    """Flipping the nearest change gives the other answer; leaving out one of it does not."""
    explanation = Explanation(tree)
    change = explanation.nearest_change
    assert change is not None
    texts = frozenset(part.text for part in change)
    assert verdict(tree, flipped=texts) != explanation.matched
    assert all(verdict(tree, flipped=texts - {text}) == explanation.matched for text in texts)


@pytest.mark.feature("X03")
def test_nearest_change_through_a_filter() -> None:
    """Anna gets in by the nearer of two ways; what is always true cannot be turned."""
    text = "(visits > 5 AND sales_total > 1000) OR phone DOES NOT EXIST"
    change = why(text).nearest_change
    assert change is not None
    assert [part.field for part in change] == ["phone"]
    assert why("TRUE").nearest_change is None
    assert why("visits > 5 AND FALSE").nearest_change is None


def test_an_amount_beyond_money_is_shown() -> None:
    """What a calculation comes to is exact beyond the 64 bits of Money, and is shown all the same."""
    schema = Schema({"credit": t.Money()}, currency="EUR")
    why = schema.parse("credit * 3 > 5").explain({"credit": Money("92233720368547758.07", "EUR")}, as_of=AS_OF)
    assert why.matched
    assert "276701161105643274.21" in str(why)
