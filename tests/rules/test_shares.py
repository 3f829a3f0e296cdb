"""What was paid for each line of a sale: exact in any order, borne by the lines that a discount is about."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from custcrm.records import CouponSeries, GuestRedemption, Redemption
from custcrm.rules.benefits import parse, quote, to_json
from custcrm.rules.sales.shares import Discount, discounts, shares
from custcrm.values.money import Money, apportion, parse_amount
from tests.rules.test_benefits import Bought

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def euros(minor: int) -> Money:
    return Money.from_minor(minor, "EUR")


def read(**told):
    return parse(told, currency="EUR", amount=lambda value, field: parse_amount(value, "EUR", field=field))


def line(minor, product=None, category=None, quantity=1):
    return Bought(product, category, quantity, euros(minor))


NAMES = st.sampled_from([None, "Coffee", "Wine"])
LINES = st.lists(st.builds(line, st.integers(-2_000, 5_000), NAMES, NAMES, st.integers(1, 6)), max_size=6)
GOODS = st.lists(st.builds(line, st.integers(0, 5_000), NAMES, NAMES, st.integers(1, 6)), max_size=6)
AMOUNTS = st.integers(1, 6_000).map(lambda minor: str(euros(minor).amount))
WHERE = st.fixed_dictionaries({}, optional={"category": NAMES, "product": NAMES})
BENEFITS = st.one_of(
    st.none(), st.just(read(text="A tasting")),
    st.builds(lambda amount, where: read(amount=amount, **where), AMOUNTS, WHERE),
    st.builds(lambda percent, where: read(percent=percent, **where), st.integers(1, 100), WHERE),
    st.builds(lambda name, pieces: read(product=name, quantity=pieces), st.sampled_from(["Coffee", "Wine"]), st.integers(1, 5)),
)
DISCOUNTS = st.lists(st.builds(Discount, st.none() | st.integers(0, 6_000).map(euros), BENEFITS), max_size=4)


@given(st.integers(0, 10**20), st.lists(st.integers(0, 10**19), max_size=8))
def test_parts_are_whole_and_their_sum_is_exact(amount, weights):
    """Each within one of its exact share; of equal weights the earlier has at most one more; nothing for nothing."""
    parts = apportion(amount, weights)
    whole = sum(weights)
    assert sum(parts) == (amount if whole else 0)
    for part, weight in zip(parts, weights, strict=True):
        exact = Fraction(amount * weight, whole) if whole else Fraction()
        assert abs(part - exact) < 1 and (part == exact or exact.denominator > 1)
    for weight in weights:
        alike = [part for part, each in zip(parts, weights, strict=True) if each == weight]
        assert alike == sorted(alike, reverse=True) and alike[0] - alike[-1] <= 1


@given(LINES, DISCOUNTS, st.integers(0, 30_000))
def test_the_shares_come_to_what_was_paid(lines, given_discounts, total):
    """Or to the lines, where those are less; no line bears more than it cost, and returned goods bear nothing."""
    found = shares(lines, given_discounts, euros(total))
    whole = sum(each.amount.minor for each in lines)
    assert sum(found) == min(whole, total) if lines else found == []
    for share, each in zip(found, lines, strict=True):
        assert share == each.amount.minor if each.amount.minor <= 0 or whole <= total else 0 <= share <= each.amount.minor


@given(LINES, st.integers(1, 30_000))
def test_what_came_back_is_the_mirror_of_what_was_sold(lines, total):
    """A total below nought, with lines below nought, has the shares of its opposite."""
    back = [evolve(each, amount=-each.amount) for each in lines]
    assert shares(back, (), euros(-total)) == [-each for each in shares(lines, (), euros(total))]


@given(GOODS, st.integers(1, 100), WHERE)
def test_a_coupon_is_borne_by_the_lines_that_it_is_about(lines, percent, where):
    """All that was taken off is the coupon's: others cost what they cost, and those bear it in proportion, to a minor unit."""
    benefit = read(percent=percent, **where)
    off = quote(benefit, lines)
    about = [benefit.product in (None, each.product) and benefit.category in (None, each.category) for each in lines]
    cost = sum(each.amount.minor for each, meant in zip(lines, about, strict=True) if meant)
    found = shares(lines, [Discount(off, benefit)], sum((each.amount for each in lines), euros(0)) - off)
    for share, each, meant in zip(found, lines, about, strict=True):
        exact = Fraction(off.minor * each.amount.minor, cost) if meant and cost else 0
        assert abs(each.amount.minor - share - exact) < 1
    assert found == shares(lines, [Discount(None, benefit)], euros(sum(found))), "an amount that nobody told is the benefit's"
    assert found == shares(lines, [Discount(off, benefit)]), "what these discounts leave to be paid"


@given(GOODS.filter(any), st.integers(0, 30_000))
def test_any_other_discount_is_borne_by_all(lines, total):
    """In proportion, to a minor unit."""
    whole = sum(each.amount.minor for each in lines)
    paid = min(whole, total)
    for share, each in zip(shares(lines, total=euros(paid)), lines, strict=True):
        assert abs(share - (Fraction(paid * each.amount.minor, whole) if whole else 0)) < 1


def test_by_hand():
    """A receipt with half of one line off, a free coffee, a discount beside a coupon, and one that nobody could bear."""
    half = read(percent=50, product="A")
    lines = [line(4000, "A"), line(4000, "B")]
    assert shares(lines, [Discount(None, half)], euros(6000)) == [2000, 4000]
    assert shares(lines, [Discount(euros(2000), half)], euros(5400)) == [1800, 3600]       # 6 € off all beside it
    assert shares(lines, [Discount(euros(2000), half)], euros(8000)) == [4000, 4000]       # prices after discounts
    assert shares(lines, [Discount(euros(9000), half)], euros(1000)) == [0, 1000]
    assert shares(lines, [], euros(0)) == [0, 0] and shares(lines, [], euros(9000)) == [4000, 4000]
    coffee = read(product="Coffee")
    cups = [line(300, "Coffee"), line(500, "Coffee"), line(200, "Cake")]
    assert shares(cups, [Discount(euros(500), coffee)], euros(500)) == [300, 0, 200]
    assert shares(cups, [Discount(euros(400), coffee)], euros(600)) == [150, 250, 200]     # less was granted than it gives
    assert shares(cups, [Discount(euros(400), coffee)]) == [150, 250, 200]
    assert shares([line(1000), line(1000), line(1000)], [], euros(2000)) == [666, 667, 667]           # 3.34, 3.33, 3.33 off


SERIES = {
    "half": CouponSeries(name="half", program="club", benefit=to_json(read(percent=50)), created_at=NOON),
    "five": CouponSeries(name="five", program="club", benefit=to_json(read(amount="5")), created_at=NOON),
    "word": CouponSeries(name="word", program="club", created_at=NOON),
}


def use(series, minor, coupon="k", at=NOON, back=None) -> Redemption:
    return Redemption(
        customer_id="c", id=f"{series} {minor}", coupon_id=coupon, series=series, program="club", redeemed_at=at,
        restored_at=back, discount=euros(minor),
    )


def test_percentages_come_before_amounts_whenever_they_were_redeemed():
    """As they are quoted together; what is only a text comes last, and a series that is gone is a text."""
    uses = [use("gone", 4, "d"), use("word", 3, "w"), use("five", 500, "f"), use("half", 1000, "h", NOON + HOUR)]
    assert [each.amount.minor for each in discounts(uses, SERIES)] == [1000, 500, 4, 3]


@pytest.mark.parametrize("hours", [0, 1])
def test_what_was_taken_back_before_the_sale_took_nothing_off(hours):
    """And after it, it did: what was paid does not change; a coupon that was used again counts once."""
    assert discounts([use("half", 7, back=NOON - HOUR)], SERIES, NOON) == []
    later = use("half", 7, back=NOON + hours * HOUR)
    assert [each.amount.minor for each in discounts([later], SERIES, NOON)] == [7]
    assert discounts([later], SERIES) == []
    assert [each.amount.minor for each in discounts([later, use("half", 9)], SERIES, NOON)] == [9]
    assert [each.amount.minor for each in discounts([later, use("half", 9, "other")], SERIES, NOON)] == [9, 7]


def test_guests_take_off_what_customers_do():
    """Each guest of a shared code for himself."""
    guests = [
        GuestRedemption(
            id=name, series="five", program="club", identity=name, code="FIVE", redeemed_at=NOON, discount=euros(minor)
        )
        for name, minor in (("a", 500), ("b", 400))
    ]
    assert [each.amount.minor for each in discounts(guests, SERIES)] == [500, 400]
