"""A screen's lists and what comes back from it."""

from decimal import Decimal
from typing import Any

import pytest

from custcrm.filters import FilterError, Schema
from custcrm.filters.types.types import Choice, Collection, Integer, Map, Text
from tests.filters.conformance import FIELDS, METRICS

schema = Schema(FIELDS, currency="EUR", timezone="Europe/Helsinki", metrics=METRICS | {"sales_count": "COUNT(sales)"})
OFFERS = {condition.field: condition for condition in schema.conditions()}


@pytest.mark.feature("C10")
def test_the_five_labels_come_first() -> None:
    labels = [operator.label for operator in OFFERS["visits"].operators]
    assert labels[:5] == ["Exists", "Doesn’t exist", "Equals", "More than", "Less than"]


def test_every_field_entry_and_metric_is_offered() -> None:
    assert list(OFFERS)[:6] == ["first_name", "email", "phone", "country", '"and"', "visits"]
    assert OFFERS["tags"].type == "map"
    assert OFFERS["programs.gold"].type == "entry"
    assert OFFERS["programs.gold.access"].choices == ("full", "limited", "none", "blacklisted")
    assert OFFERS["sales"].type == "collection"
    assert OFFERS["age"].type == OFFERS["sales_count"].type == "integer"
    assert OFFERS["kind"].choices == ("person", "company")


def test_labels_are_those_of_the_schema_or_made_of_the_name() -> None:
    labelled = Schema(
        {
            "phone": Text(label="Phone number"),
            "last_name": str,
            "programs": Map({"points": Integer(label="Points")}, keys=("gold",)),
            "hidden": Collection({"x": Integer()}, hidden=True),
            "status": Map(Choice("on", "off"), keys=("a",)),
        }
    )
    assert {each.field: each.label for each in labelled.conditions()} == {
        "phone": "Phone number",
        "last_name": "Last name",
        "programs.gold": "Programs: gold",
        "programs.gold.points": "programs: gold: Points",
        "status.a": "Status: a",
    }


VALUES: dict[str, Any] = {
    "text": "x",
    "integer": 5,
    "number": Decimal("1.5"),
    "money": "12.50",
    "boolean": True,
    "date": "2026-01-31",
    "instant": "2026-01-31T10:00:00Z",
}
SPANS = ("in_last", "in_next", "anniversary_in_next")


def value_for(condition: Any, operator: Any) -> Any:
    value = condition.choices[0] if condition.choices else VALUES.get(condition.type)
    if operator.name in SPANS:
        return "7 days"
    if operator.name in ("in", "not_in"):
        return [value, value]
    return {0: None, 1: value, 2: [value, value]}[operator.operands]


@pytest.mark.parametrize(
    ("field", "operator"), [(offer.field, each.name) for offer in OFFERS.values() for each in offer.operators]
)
def test_what_is_offered_is_taken(field: str, operator: str) -> None:
    """By name and by label, with a straight apostrophe too."""
    offer = OFFERS[field]
    chosen = next(each for each in offer.operators if each.name == operator)
    row = {"field": field, "operator": operator, "value": value_for(offer, chosen)}
    if offer.type == "map":
        row["key"] = "VIP"
    by_name = schema.from_conditions([row])
    assert schema.from_conditions([row | {"operator": chosen.label.replace("’", "'").upper()}]) == by_name
    assert by_name == schema.parse(str(by_name))


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"field": "visits", "operator": "More than", "value": "5"}, "visits > 5"),
        ({"field": "sales_total", "operator": "At least", "value": 12.5}, "sales_total >= 12.5"),
        ({"field": "visits", "operator": "Between", "value": [1, 5]}, "visits BETWEEN 1 AND 5"),
        ({"field": "country", "operator": "None of", "value": ["FI", "SE"]}, "country NOT IN ('FI', 'SE')"),
        ({"field": "tags.VIP", "operator": "Exists"}, "tags.VIP EXISTS"),
        ({"field": "tags", "key": "Family member", "operator": "Equals", "value": "x"}, "tags.\"Family member\" = 'x'"),
        ({"field": "accepts_marketing", "operator": "Equals", "value": "true"}, "accepts_marketing = TRUE"),
        (
            {"field": "last_sale_at", "operator": "In the last", "value": "12 months"},
            "last_sale_at >= ago('12 months') AND last_sale_at < now()",
        ),
        (
            {"field": "birth_date", "operator": "Anniversary in the next", "value": "7 days"},
            "ANNIVERSARY(birth_date) BETWEEN today() AND from_now('7 days')",
        ),
        ({"field": "last_sale_at", "operator": "Equals", "value": "2026-01-31"}, "last_sale_at = DATE('2026-01-31')"),
        ({"field": "sales", "operator": "Doesn’t exist"}, "NOT EXISTS(sales)"),
        ({"field": "age", "operator": "At least", "value": 18}, "age >= 18"),
        ({"field": '"and"', "operator": "Contains", "value": "' OR TRUE"}, "\"and\" CONTAINS ''' OR TRUE'"),
    ],
)
def test_rows(row: dict[str, Any], text: str) -> None:
    assert str(schema.from_conditions([row])) == text


@pytest.mark.feature("C12")
@pytest.mark.feature("C12")
def test_and_binds_before_or() -> None:
    a, b, c = ({"field": "visits", "operator": "Equals", "value": value} for value in (1, 2, 3))
    rows = [a | {"join": "OR"}, b | {"join": "OR"}, c | {"join": "AND"}]  # what the first says joins nothing
    assert str(schema.from_conditions(rows)) == "visits = 1 OR (visits = 2 AND visits = 3)"


@pytest.mark.parametrize(
    ("row", "kind", "near"),
    [
        ({"field": "vists", "operator": "Exists"}, "unknown_field", ("visits",)),
        ({"field": "visits", "operator": "More then", "value": 1}, "syntax", ("More than",)),
        ({"field": "kind", "operator": "More than", "value": "person"}, "syntax", ()),
        ({"field": "kind", "operator": "Equals", "value": "persn"}, "unknown_value", ("'person'",)),
        ({"field": "visits", "operator": "Equals", "value": "many"}, "value", ()),
        ({"field": "visits", "operator": "Equals", "value": None}, "value", ()),
        ({"field": "visits", "operator": "Equals", "value": [1]}, "value", ()),
        ({"field": "visits", "operator": "Exists", "value": 1}, "value", ()),
        ({"field": "visits", "operator": "Between", "value": [1]}, "value", ()),
        ({"field": "birth_date", "operator": "Equals", "value": "2025-02-29"}, "date", ()),
        ({"field": "birth_date", "operator": "In the last", "value": "12m"}, "span", ()),
        ({"field": "visits", "operater": "Exists"}, "syntax", ("operator",)),
        ({"field": "visits", "operator": "Exists", "join": "XOR"}, "syntax", ("AND", "OR")),
        ({"field": "tags", "operator": "Exists"}, "syntax", ()),
        ({"field": "a b", "operator": "Exists"}, "syntax", ()),
        ({"field": 1, "operator": "Exists"}, "syntax", ()),
        ({"field": "tags", "key": 1, "operator": "Exists"}, "syntax", ()),
        ("visits", "syntax", ()),
    ],
)
def test_a_wrong_row_is_named(row: Any, kind: str, near: tuple[str, ...]) -> None:
    good = {"field": "visits", "operator": "Exists"}
    with pytest.raises(FilterError, match=r"^row 2") as caught:
        schema.from_conditions([good, row])
    assert (caught.value.kind, caught.value.suggestions) == (kind, near)
    if isinstance(row, dict) and isinstance(row["field"], str):
        assert caught.value.field == row["field"]


def test_no_rows_are_not_everybody() -> None:
    with pytest.raises(FilterError) as caught:
        schema.from_conditions([])
    assert caught.value.suggestions == ("TRUE",)
