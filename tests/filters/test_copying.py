"""Schemas, filters and what they are made of travel: by copy, by deep copy and by pickle, to another process too."""

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

import custcrm
from custcrm.filters import Filter, Schema
from tests.filters.shop import AS_OF, ROWS, shop


def pickled(protocol: int) -> Callable[[Any], Any]:
    return lambda each: pickle.loads(pickle.dumps(each, protocol))


WAYS: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {protocol}": pickled(protocol) for protocol in range(2, 6)},
}
TEXTS = [
    "visits > 3",
    "SEGMENT('regular finns') AND tags.VIP EXISTS",
    "EXISTS(sales WHERE total > 100 AND EXISTS(lines WHERE category = 'Red'))",
    "average_check * 2 > credit AND visits IN (1, 2, 5)",
    "programs.gold.points > 100 OR ANNIVERSARY(birth_date) BETWEEN today() AND from_now('40 days')",
    "ACCENTI(CASEI(name)) CONTAINS 'nn' AND rate < 1.5",
]


@pytest.fixture(params=WAYS)
def travel(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    return WAYS[request.param]


@pytest.mark.parametrize("text", TEXTS)
def test_a_filter_arrives_as_it_was(travel: Callable[[Any], Any], text: str) -> None:
    """It is equal, has the same hash and text, answers alike, and joins with filters that stayed at home."""
    asked = shop.parse(text).scoped(point_of_sale="Harbour") if "sales" in text else shop.parse(text)
    before = [asked.matches(row, as_of=AS_OF) for row in ROWS]
    arrived = travel(asked)
    assert (arrived, hash(arrived), str(arrived), arrived.hash_text) == (asked, hash(asked), str(asked), asked.hash_text)
    assert [arrived.matches(row, as_of=AS_OF) for row in ROWS] == before
    assert [(~arrived).matches(row, as_of=AS_OF) for row in ROWS] == [not each for each in before]
    assert (arrived & asked) == (asked & arrived)


def test_a_schema_arrives_as_it_was(travel: Callable[[Any], Any]) -> None:
    """It is equal with the same hash, and reads what it read; another schema is not equal."""
    arrived = travel(shop)
    assert (arrived, hash(arrived)) == (shop, hash(shop))
    assert arrived.parse(TEXTS[1]) == shop.parse(TEXTS[1])
    assert arrived != shop.evolve(timezone="UTC")
    assert Schema({"a": int}) != Schema({"a": str})
    assert Schema({"a": int}) == Schema({"a": int})


def test_schemas_of_many_stores_are_told_apart_at_a_glance(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered of each schema is found without a comparison of their words, however many stores there are."""
    stores = [custcrm.open() for _ in range(20)]
    schemas = [each.schema for each in stores]
    assert len({hash(each) for each in schemas}) == 20
    monkeypatch.setattr(Schema, "_options", lambda _: pytest.fail("their words were compared"))
    assert not any(one == other for one in schemas for other in schemas if one is not other)
    for each in stores:
        each.close()


def test_values_fields_and_explanations_travel(travel: Callable[[Any], Any]) -> None:
    """What a schema and a filter hand out arrives as well, and is as useful there."""
    fields = travel(shop.fields)
    assert (fields.visits > 3) == (shop.fields.visits > 3)
    value = travel(shop.fields.sales.where(shop.fields.sales.total > 20))
    assert (value.count() > 1) == shop.parse("COUNT(sales WHERE total > 20) > 1")
    expression = shop.parse_value("average_check")
    assert travel(expression) == expression
    assert travel(expression).value(ROWS[0], as_of=AS_OF) == expression.value(ROWS[0], as_of=AS_OF)
    explained = shop.parse("visits > 3").explain(ROWS[0])
    assert travel(explained) == explained


def finns(name: str) -> str | None:
    return "country = 'FI'" if name == "finns" else None


def test_segments_of_a_function_are_pickled_by_name() -> None:
    """As functions are: the schema finds its segments where the function is."""
    schema = Schema({"country": str}, segments=finns)
    arrived = pickle.loads(pickle.dumps(schema.parse("SEGMENT('finns')")))
    assert arrived.matches({"country": "FI"})
    assert arrived.schema == schema


def test_a_filter_of_a_customer_base_leaves_it() -> None:
    """It takes along the saved segments as they are then, and needs no store where it arrives."""
    crm = custcrm.open(currency="EUR")
    crm.segments.add("finns", "country = 'FI'")
    asked = crm.select("SEGMENT('finns') AND payment_terms_days > 5").filter
    sent = pickle.dumps(asked)
    crm.close()
    row = {"country": "FI", "payment_terms_days": 9}
    code = f"import pickle, sys; print(pickle.load(sys.stdin.buffer).matches({row}))"
    told = subprocess.run([sys.executable, "-c", code], input=sent, capture_output=True, check=False)
    assert (told.stdout.strip(), told.stderr) == (b"True", b"")


def test_a_long_list_travels(travel: Callable[[Any], Any]) -> None:
    """A list of ten thousand values arrives whole."""
    asked: Filter = shop.fields.rate.is_in([Decimal(number) / 8 for number in range(10_000)])
    assert travel(asked) == asked
    assert travel(asked).matches({"rate": Decimal("2.5")})
