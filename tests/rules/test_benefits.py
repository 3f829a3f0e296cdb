"""What benefits take off the lines of a sale: exact, never more than there is."""

from decimal import Decimal
from fractions import Fraction

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from custcrm.rules.benefits import ORDER, Benefit, from_json, parse, quote, quote_all, to_json
from custcrm.values.errors import Malformed
from custcrm.values.money import Money, parse_amount


@frozen
class Bought:
    product: str | None
    category: str | None
    quantity: int
    amount: Money


def euros(value, field="amount"):
    return parse_amount(value, "EUR", field=field)


def read(**told):
    return parse(told, currency="EUR", amount=euros)


def line(amount, quantity=1, product=None, category=None):
    return Bought(product, category, quantity, euros(amount))


def cents(benefit, *lines):
    return quote(benefit, lines).minor


NAMES = st.sampled_from([None, "Coffee", "Wine"])
LINES = st.lists(
    st.builds(
        Bought, NAMES, NAMES, st.integers(-3, 6), st.integers(-2_000, 5_000).map(lambda minor: Money.from_minor(minor, "EUR"))
    ),
    max_size=6,
)
AMOUNTS = st.integers(1, 6_000).map(lambda minor: str(Money.from_minor(minor, "EUR").amount))
PERCENTS = st.integers(1, 100_000_000).map(lambda millionths: str(Decimal(millionths).scaleb(-6)))
WHERE = st.fixed_dictionaries({}, optional={"category": NAMES, "product": NAMES})
BENEFITS = st.one_of(
    st.builds(lambda amount, where: read(amount=amount, **where), AMOUNTS, WHERE),
    st.builds(lambda percent, most, where: read(percent=percent, at_most=most, **where), PERCENTS, st.none() | AMOUNTS, WHERE),
    st.builds(lambda name, pieces: read(product=name, quantity=pieces), st.sampled_from(["Coffee", "Wine"]), st.integers(1, 5)),
    st.just(read(text="A tasting")),
)


@given(BENEFITS, LINES)
def test_a_benefit_takes_no_more_than_there_is_and_gives_nothing(benefit, lines):
    """0 <= quote <= what the lines cost together, and what those cost that are meant."""
    found = quote(benefit, lines).minor
    meant = [each for each in lines if benefit.product in (None, each.product) and benefit.category in (None, each.category)]
    assert 0 <= found <= max(0, sum(each.amount.minor for each in lines))
    assert found <= max(0, sum(each.amount.minor for each in meant))


@given(BENEFITS, LINES, st.randoms())
def test_the_order_of_the_lines_does_not_matter(benefit, lines, random):
    """A till may list them as it likes."""
    shuffled = lines[:]
    random.shuffle(shuffled)
    assert quote(benefit, lines) == quote(benefit, shuffled)


@given(st.lists(BENEFITS, max_size=4), LINES)
def test_several_take_no_more_than_there_is(benefits, lines):
    """Together no more than the lines cost, no less than the first takes alone; products, then percentages, then amounts."""
    found = quote_all(benefits, lines, currency="EUR").discount.minor
    assert 0 <= found <= max(0, sum(each.amount.minor for each in lines))
    assert quote_all(sorted(benefits, key=lambda each: ORDER.index(each.kind)), lines, currency="EUR").discount.minor == found
    together = quote_all(benefits, lines, currency="EUR")
    assert sum(each.minor for each in together.parts) == found and len(together.parts) == len(benefits)
    assert sum(each.minor for each in together.shares) == sum(each.amount.minor for each in lines) - found
    if benefits:
        first = min(benefits, key=lambda each: ORDER.index(each.kind))
        assert found >= quote(first, lines).minor


@given(PERCENTS, st.lists(st.integers(1, 10**6), min_size=1, max_size=5))
def test_a_percentage_is_of_the_sum_rounded_half_even_once(percent, amounts):
    """Not of each line, whose roundings would add up."""
    exact = Fraction(percent) * sum(amounts) / 100
    lines = [Bought(None, None, 1, Money.from_minor(minor, "EUR")) for minor in amounts]
    assert quote(read(percent=percent), lines).minor == round(exact)


@given(BENEFITS)
def test_a_benefit_is_kept_whole(benefit):
    """What a series keeps reads back as the same, in plain texts, whole numbers and nothing else."""
    kept = to_json(benefit)
    assert from_json(kept) == benefit and from_json({}) is None
    assert all(type(value) in (str, int) for value in kept.values())


def test_examples_that_can_be_checked_by_hand():
    """Half-even, at most, by category, pieces of a product, returned goods."""
    assert [cents(read(percent=10), line(each)) for each in ("0.25", "0.35", "12.34")] == [2, 4, 123]
    assert cents(read(percent="50", at_most="3"), line("10")) == 300
    assert cents(read(percent=10, category="wine"), line("20", category="wine"), line("30")) == 200
    assert cents(read(amount="5"), line("3")) == 300
    assert cents(read(amount="5"), line("9"), line("-6")) == 300
    coffee = [line("6", 2, "Coffee"), line("7", 2, "Coffee"), line("1", 1, "Cake")]
    assert [cents(read(product="Coffee", quantity=n), *coffee) for n in (1, 2, 3, 4, 5)] == [350, 700, 1000, 1300, 1300]
    assert cents(read(product="Tea"), *coffee) == cents(read(text="A tasting"), *coffee) == 0
    assert cents(read(product="Coffee"), line("1", 3, "Coffee")) == 33


def test_together_by_hand():
    """A free coffee, then 10 % of the rest, then five off that; the category's part bears its part."""
    lines = [line("3", 1, "Coffee", "drinks"), line("17", 1, "Cake", "food")]
    both = [read(amount="5"), read(percent=10), read(product="Coffee")]
    assert quote_all(both, lines, currency="EUR").discount.minor == 300 + 170 + 500
    drinks = [read(percent=50), read(amount="5", category="drinks")]
    assert quote_all(drinks, lines, currency="EUR").discount.minor == 1000 + 150
    assert quote_all([], lines, currency="EUR").discount.minor == 0
    told = quote_all([None, *both], lines, currency="EUR")
    assert [each.minor for each in told.parts] == [0, 500, 170, 300], "as asked, whatever their turn"
    assert [each.minor for each in told.shares] == [0, 1030]


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({}, "benefit"), ({"percent": None}, "benefit"), ({"percent": 0}, "benefit.percent"),
        ({"percent": "100.1"}, "benefit.percent"),
        ({"percent": 9.5}, "benefit.percent"), ({"percent": True}, "benefit.percent"), ({"percent": "ten"}, "benefit.percent"),
        ({"percent": "NaN"}, "benefit.percent"), ({"percent": "1.0000001"}, "benefit.percent"),
        ({"percent": [1]}, "benefit.percent"),
        ({"percent": 5, "quantity": 1}, "benefit.quantity"), ({"percent": 5, "at_most": 0}, "benefit.at_most"),
        ({"amount": "-1"}, "benefit.amount"), ({"amount": 1.5}, "benefit.amount"),
        ({"amount": 1, "at_most": 1}, "benefit.at_most"),
        ({"product": ""}, "benefit.product"), ({"product": "x", "quantity": 0}, "benefit.quantity"),
        ({"product": "x", "quantity": True}, "benefit.quantity"), ({"text": " "}, "benefit.text"),
        ({"text": "x", "amout": 1}, "benefit.amout"),
        ({"percent": 5, "category": 7}, "benefit.category"),
    ],
)
def test_what_is_no_benefit_says_which_field(told, field):
    with pytest.raises(Malformed) as caught:
        read(**told)
    assert caught.value.field == field


def test_what_is_no_mapping_and_what_is_in_other_money():
    with pytest.raises(Malformed):
        parse("10 %", currency="EUR", amount=euros)
    with pytest.raises(Malformed):
        quote(read(percent=5), [Bought(None, None, 1, Money("1", "SEK"))])
    assert isinstance(read(percent="10"), Benefit) and read(percent="10.50").percent == "10.5"
