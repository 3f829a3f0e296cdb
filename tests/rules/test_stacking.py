"""Coupons that are granted one after the other for one bill take what they take together."""

from hypothesis import given
from hypothesis import strategies as st

from custcrm.rules.benefits import quote, quote_all, turn
from custcrm.rules.sales.shares import Discount, further
from custcrm.values.money import Money
from tests.rules.test_benefits import BENEFITS, LINES


def one_by_one(benefits, lines):
    """Return what each takes off, after those before it."""
    granted: list[Discount] = []
    for benefit in benefits:
        granted.append(Discount(further(benefit, granted, lines), benefit))
    return [each.amount.minor for each in granted]


@given(st.permutations(range(4)), st.lists(BENEFITS, min_size=4, max_size=4), LINES)
def test_in_any_order_they_take_what_they_take_together(order, benefits, lines):
    """Their sum is that of the quote after each of them; never less, as what was granted is granted."""
    told = [benefits[at] for at in order]
    found = one_by_one(told, lines)
    before = 0
    for count in range(1, len(told) + 1):
        together = quote_all(told[:count], lines, currency="EUR").discount.minor
        assert sum(found[:count]) == max(before, together)
        before = sum(found[:count])


@given(st.lists(BENEFITS, max_size=4), LINES)
def test_in_their_turns_each_takes_its_part(benefits, lines):
    """Redeemed as a quote takes them, each takes what the quote says of it, whatever the order they are named in."""
    together = quote_all(benefits, lines, currency="EUR")
    turns = sorted(range(len(benefits)), key=lambda at: turn(benefits[at]))
    found = one_by_one([benefits[at] for at in turns], lines)
    assert found == [together.parts[at].minor for at in turns]
    assert quote_all(benefits[::-1], lines, currency="EUR").discount == together.discount


@given(BENEFITS, st.lists(st.tuples(st.none() | BENEFITS, st.none() | st.integers(0, 9_000)), max_size=4), LINES)
def test_whatever_a_till_granted_a_further_coupon_takes_no_more_than_alone_and_than_is_left(benefit, told, lines):
    """Discounts told by hand, of coupons with and without a benefit, also when they are more than the bill."""
    granted = [Discount(None if cents is None else Money.from_minor(cents, "EUR"), other) for other, cents in told]
    found = further(benefit, granted, lines).minor
    assert 0 <= found <= quote(benefit, lines).minor
    left = sum(line.amount.minor for line in lines) - sum(0 if each.amount is None else each.amount.minor for each in granted)
    assert found <= max(0, left)
