"""`lines` are what was sold, `refunds.lines` what came back: on every store, by place, at any time, and in any order."""

import re
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from attrs import frozen

import custcrm
from custcrm.filters import Collection, Filter, Integer, Schema
from custcrm.testing import ManualClock
from custcrm.values.errors import Refusal
from custcrm.values.money import Money

PLACES = ("Harbour", "Airport")
PRODUCTS = {"Merlot": "Red", "Malbec": "Red", "Riesling": "White", "Bottle": None}


@pytest.fixture
def shop(crm: custcrm.Crm) -> custcrm.Crm:
    crm.programs.add("club")
    for place in PLACES:
        crm.points_of_sale.add(place, program="club")
    return crm


def test_a_return_is_no_purchase(shop: custcrm.Crm) -> None:
    """Who only brought something back has bought nothing: not by a refund, not by a receipt below nought or a line of one."""
    red, bottles = {"product": "Merlot", "category": "Red", "price": "10.00"}, {"product": "Bottle", "price": "0.50"}
    people = {name: shop.customers.add(first_name=name) for name in ("Anna", "Ben", "Chloe", "Dan")}
    sale = shop.sales.record(people["Anna"], "20.00", lines=[{**red, "quantity": 2}])
    shop.sales.refund(sale, lines=[{"product": "Merlot"}])
    shop.sales.record(people["Ben"], "-10.00", lines=[{**red, "quantity": -1}])
    shop.sales.record(people["Chloe"], "9.00", lines=[{"price": "10.00", "product": "Soap"}, {**bottles, "quantity": -2}])
    shop.sales.record(people["Dan"], "8.00", lines=[{**red, "quantity": 1}, {"product": "coupon", "price": "-2.00"}])

    def told(asked: str) -> dict[str, Any]:
        return {row["first_name"]: row[asked] for row in shop.select().view(["first_name", asked])}

    assert told("COUNT(lines)") == {"Anna": 1, "Ben": 0, "Chloe": 1, "Dan": 2}
    assert told("SUM(lines.quantity)") == {"Anna": 2, "Ben": 0, "Chloe": 1, "Dan": 2}
    assert {name: found.minor for name, found in told("SUM(lines.amount)").items()} == {
        "Anna": 2_000, "Ben": 0, "Chloe": 1_000, "Dan": 800,
    }
    assert shop.select("EXISTS(lines WHERE product = 'Merlot')").count() == 2
    assert shop.select("EXISTS(lines WHERE product = 'Bottle')").count() == 0
    assert told("SUM(refunds.lines.quantity)") == {"Anna": 1, "Ben": 1, "Chloe": 2, "Dan": 0}
    assert told("SUM(refunds.lines.amount WHERE price > 1)")["Ben"] == Money("10.00", "EUR")
    assert told("COUNT(refunds WHERE EXISTS(lines WHERE quantity = 1 AND amount = 10))")["Ben"] == 1


@frozen
class Line:
    """A line as it was told to the model: whose, where and when, how much of what."""

    whose: str
    place: str
    at: datetime
    product: str
    quantity: int
    minor: int
    is_refunds: bool = False


def told_base(crm: custcrm.Crm, clock: ManualClock, random: Random) -> tuple[list[custcrm.Customer], list[Line]]:
    """Record what a shop sees, as the records of a model, which are what was told and nothing that the library says."""
    people = [crm.customers.add(first_name=name) for name in ("Anna", "Ben", "Chloe")]
    model: list[Line] = []
    sales: list[tuple[custcrm.Sale, list[Line]]] = []
    for _ in range(60):
        clock.advance("1 hour")
        if sales and random.random() < 0.3:
            sale, lines = random.choice(sales)
            one = random.choice(lines)
            quantity = random.randint(0, max(one.quantity, 0))
            amount = random.choice([0, one.minor // 2]) if quantity == 0 else one.minor * quantity // one.quantity
            back = {"product": one.product, "quantity": quantity, "amount": Money.from_minor(max(amount, 0), "EUR")}
            try:
                crm.sales.refund(sale, "0.01", units=0, lines=[back])
            except Refusal:
                continue
            model.append(Line(one.whose, one.place, clock(), one.product, -quantity, -max(amount, 0), True))
            continue
        whose, place = random.choice(people), random.choice(PLACES)
        lines = []
        for product in random.sample(sorted(PRODUCTS), random.randint(1, 3)):
            quantity, price = random.choice([-3, -1, 0, 1, 1, 2, 5]), random.randint(0, 900)
            minor = random.choice([quantity * price, quantity * price - 7])
            lines.append(Line(whose.id, place, clock(), product, quantity, minor))
        total = sum(line.minor for line in lines)
        sale = crm.sales.record(whose, Money.from_minor(total, "EUR"), point_of_sale=place, lines=[
            {"product": line.product, "category": PRODUCTS[line.product], "quantity": line.quantity,
             "price": "1.00", "amount": Money.from_minor(line.minor, "EUR")} for line in lines
        ])
        model += lines
        if total > 0 and all(line.quantity > 0 for line in lines):
            sales.append((sale, lines))
    return people, model


@pytest.mark.parametrize("seed", range(3))
def test_what_was_sold_and_what_came_back_are_all_lines(shop: custcrm.Crm, clock: ManualClock, seed: int) -> None:
    """Law: each line is one of the two, as it stands or with the other sign; their difference is the sum of all."""
    people, model = told_base(shop, clock, Random(seed))
    came_back = [line for line in model if line.quantity < 0 or (line.quantity == 0 and line.minor < 0)]
    assert came_back and any(not line.is_refunds for line in came_back) and any(line.is_refunds for line in came_back)
    half_way = model[len(model) // 2].at
    for place in (None, *PLACES):
        for as_of in (None, half_way, half_way - timedelta(microseconds=1)):
            scope = custcrm.at(point_of_sale=place)
            seen = [each for each in model if place in (None, each.place) and (as_of is None or each.at <= as_of)]
            for product in (None, "Merlot", "Bottle"):
                where = "" if product is None else f" WHERE product = '{product}'"
                mine = [each for each in seen if product in (None, each.product)]
                for word, sign in (("lines", 1), ("sales.lines", 1), ("refunds.lines", -1)):
                    asked = {
                        "n": f"COUNT({word}{where})", "quantity": f"SUM({word}.quantity{where})",
                        "amount": f"SUM({word}.amount{where})",
                    }
                    view = shop.select(scope=scope, as_of=as_of).view({"id": "id", **asked})
                    assert [dict(row) for row in view] == [
                        expected(whose.id, [each for each in mine if (each in came_back) is (sign < 0)], sign)
                        for whose in sorted(people, key=lambda each: each.id)
                    ]


def expected(whose: str, lines: list[Line], sign: int) -> dict[str, Any]:
    mine = [line for line in lines if line.whose == whose]
    return {
        "id": whose, "n": len(mine), "quantity": sign * sum(line.quantity for line in mine),
        "amount": Money.from_minor(sign * sum(line.minor for line in mine), "EUR"),
    }


def test_one_customer_is_told_as_all_are(shop: custcrm.Crm, clock: ManualClock) -> None:
    """Explaining and the rules of single calls see the same lines as a selection does, also within a place."""
    people, _ = told_base(shop, clock, Random(3))
    for asked in ("COUNT(lines) > 9", "SUM(refunds.lines.quantity) > 5", "EXISTS(refunds.lines WHERE quantity = 0)",
                  "EXISTS(lines WHERE point_of_sale = 'Harbour' AND quantity = 5)",
                  "COUNT(refunds WHERE SUM(lines.quantity) > 1) > 0", "COUNT(sales WHERE EXISTS(lines WHERE amount < 0)) > 0"):
        for scope in (None, custcrm.at(point_of_sale="Airport")):
            selected = shop.select(asked, scope=scope)
            assert [selected.explain(each).matched for each in people] == [each in selected for each in people], asked


# the text, and what a key remembers -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("sales_total > 500", 1), ("EXISTS(sales WHERE total > 5)", 1), ("SUM(refunds.total) < -5", 1),
        ("SEGMENT('reds')", 1), ("EXISTS(lines WHERE category = 'Red')", 2), ("COUNT(sales.lines) > 1", 2),
        ("SUM(sales.lines.quantity WHERE category = 'Red') > 5", 2), ("EXISTS(refunds.lines)", 2),
        ("COUNT(sales WHERE EXISTS(lines)) > 1 AND sales_total > 5", 2), ("EXISTS(refunds WHERE EXISTS(lines))", 2),
    ],
)
def test_filters_that_read_lines_have_another_hash(shop: custcrm.Crm, text: str, version: int) -> None:
    """Filters of before keep text and hash; one that reads lines asks something else than before, also for a key."""
    shop.segments.add("reds", "EXISTS(lines WHERE category = 'Red')")
    rule = shop.schema.parse(text)
    assert str(rule) == text
    assert rule.hash_text.startswith(f"{version}:")
    assert shop.schema.from_json(rule.to_json()) == rule
    assert isinstance(rule.describe("fi"), str) and rule.lint() == ()


def test_a_word_that_a_schema_has_not_changed_keeps_its_hash() -> None:
    """The version is that of the schema's own collections: an app's `lines` are what they were."""
    mine = Schema({"lines": Collection({"quantity": Integer()})}).parse("COUNT(lines) > 1")
    changed = Schema({"lines": Collection({"quantity": Integer()}, version=2)}).parse("COUNT(lines) > 1")
    assert (mine.hash_text[:2], changed.hash_text[:2]) == ("1:", "2:")
    assert mine != changed and hash(mine) != hash(changed)


def test_all_ways_to_ask_say_the_same(shop: custcrm.Crm) -> None:
    """Text, Python expressions and a screen say `refunds.lines` in one way, and so does what an error proposes."""
    fields = shop.schema.fields
    asked = shop.schema.parse("SUM(refunds.lines.quantity) > 1 AND refunds.lines EXISTS")
    assert (fields["refunds.lines"].quantity.sum() > 1) & fields["refunds.lines"].exists() == asked
    [offered] = [each for each in shop.schema.conditions() if each.label == "Lines that came back"]
    assert str(shop.schema.from_conditions([{"field": offered.field, "operator": "exists"}])) == "EXISTS(refunds.lines)"
    for text, proposed in [
        ("COUNT(refunds.lines.quantity) > 1", "COUNT(refunds.lines WHERE quantity EXISTS)"),
        ("SUM(refunds.lines) > 1", "SUM(refunds.lines.quantity)"),
        ("refunds.lines.quantity > 1", "MAX(refunds.lines.quantity)"),
        ("COUNT(sales.total) > 1", "COUNT(sales WHERE total EXISTS)"), ("sales.total > 1", "MAX(sales.total)"),
    ]:
        with pytest.raises(custcrm.filters.FilterError, match=re.escape(f"write {proposed}")):
            shop.schema.parse(text)
        assert str(shop.schema.parse_value(proposed)) == proposed


def test_an_all_of_collection_is_asked_by_both_names() -> None:
    """A collection named `orders.lines` is meant by that path, in text and JSON; without one the path leads nowhere."""
    line = {"quantity": Integer()}
    fields = {"orders": Collection({"lines": Collection(line, where="quantity > 0")}), "orders.lines": Collection(line)}
    rule = Schema(fields).parse("SUM(orders.lines.quantity WHERE quantity > 1) = 5 AND orders.lines EXISTS")
    assert str(rule) == "SUM(orders.lines.quantity WHERE quantity > 1) = 5 AND EXISTS(orders.lines)"
    assert rule.matches({"orders.lines": [{"quantity": 5}, {"quantity": 1}]})
    assert rule.reads() == {"orders.lines.quantity", "orders.lines"}
    kept: Filter = Schema(fields).parse("COUNT(orders WHERE COUNT(lines) = 1) = 1")
    assert kept.matches({"orders": [{"lines": [{"quantity": 0}, {"quantity": 1}]}]})
    del fields["orders.lines"]
    for text in ("SUM(orders.lines.quantity) = 5", "COUNT(orders.lines) = 5", "orders.lines EXISTS"):
        with pytest.raises(custcrm.filters.FilterError):
            Schema(fields).parse(text)


@pytest.mark.parametrize("where", ["quantity", "price > 1", "quantity > 1 AND", "EXISTS(lines)"])
def test_a_collections_condition_is_checked_with_the_schema(where: str) -> None:
    """What says which records are of a collection is read when the schema is made, and names the record's own fields."""
    with pytest.raises(custcrm.filters.FilterError):
        Schema({"lines": Collection({"quantity": Integer()}, where=where)})
