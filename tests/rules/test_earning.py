"""What a sale earns: exact fractions, one multiplier, rounded once, never below nought."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custcrm import Malformed, Money
from custcrm.records import EarningRule, Sale, SaleLine
from custcrm.records.earning import Earns
from custcrm.records.sales import SaleKind
from custcrm.rules.earning import MOST, Earned, earned, in_force

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROUNDINGS = {"down": ROUND_FLOOR, "half_even": ROUND_HALF_EVEN, "up": ROUND_CEILING}
CATEGORIES = ("Red", "White", None)


def euros(minor: int) -> Money:
    return Money.from_minor(minor, "EUR")


def rule(name="base", per="money", **more) -> EarningRule:
    told = {"points": 1, "amount": euros(100), **more}
    return EarningRule(program="club", name=name, per=Earns(per), created_at=NOON, **told)


def sale(minor=2590, units=0, **more) -> Sale:
    return Sale(customer_id="c", id="s", occurred_at=NOON, total=euros(minor), units=units, recorded_at=NOON, **more)


def line(category, minor, quantity=1) -> SaleLine:
    return SaleLine(
        customer_id="c", sale_id="s", number=1, occurred_at=NOON, category=category, quantity=quantity, price=euros(minor),
        amount=euros(minor),
    )


def points(rules, sold, lines=(), met=()) -> dict[str, int]:
    return {each.rule: each.points for each in earned(rules, sold, lines, lambda text: text in met)}


rules = st.lists(
    st.builds(
        lambda name, per, count, amount, factor, category, rounding: rule(
            str(name), per, points=0 if per == "multiplier" else count, amount=euros(amount), rounding=rounding,
            category=category, factor=factor if per == "multiplier" else None,
        ),
        name=st.integers(0, 99), per=st.sampled_from(["money", "units", "visit", "multiplier"]), count=st.integers(1, 50),
        amount=st.integers(1, 5_000), factor=st.sampled_from(["2", "1.5", "3.25", "1.000001"]),
        category=st.sampled_from(CATEGORIES), rounding=st.sampled_from(sorted(ROUNDINGS)),
    ),
    max_size=5, unique_by=lambda each: each.name,
)
lines = st.lists(st.builds(line, st.sampled_from(CATEGORIES), st.integers(-500, 10**6), st.integers(-2, 9)), max_size=5)
sales = st.builds(sale, st.integers(-10**4, 10**8), st.integers(-5, 10**4))


@given(rules, sales, lines)
def test_points_are_more_than_none_and_of_the_rules(given_rules, sold, bought):
    """Nothing is ever taken by earning: each rule gives once, a whole number from 1 on, or is left out."""
    found = earned(given_rules, sold, bought, lambda text: True)
    assert all(type(each.points) is int and each.points > 0 for each in found)
    assert not (found and sold.total.minor < 0), "money that went back earns nothing, whatever the rule"
    names = [each.rule for each in found]
    assert names == sorted(names) and set(names) <= {each.name for each in given_rules if each.per != "multiplier"}


@given(st.integers(0, 10**12), st.integers(1, 1_000), st.integers(1, 10**6), st.sampled_from(sorted(ROUNDINGS)))
def test_money_earns_its_exact_share_rounded_once(total, count, amount, rounding):
    """Points × total / amount, as decimal arithmetic of ample precision rounds it."""
    with localcontext() as context:
        context.prec = 100
        exact = (Decimal(count) * total / amount).quantize(1, ROUNDINGS[rounding])
    if exact > MOST:
        return
    assert points([rule(points=count, amount=euros(amount), rounding=rounding)], sale(total)) == (
        {"base": int(exact)} if exact else {}
    )


@given(rules, sales, lines, st.sampled_from(["2", "1.5"]))
def test_a_multiplier_never_takes(given_rules, sold, bought, factor):
    """With one more multiplier no rule gives fewer points where nothing came back, nor more than the factor times as many."""
    positive = [each for each in bought if each.amount.minor >= 0 and each.quantity >= 0]
    total = sum(each.amount.minor for each in positive) + abs(sold.total.minor)
    sold = sale(total, sum(each.quantity for each in positive) + abs(sold.units))
    base = [each for each in given_rules if each.per != "multiplier"]
    before = points(base, sold, positive)
    after = points([*base, rule("more", "multiplier", points=0, factor=factor)], sold, positive)
    for name, count in after.items():
        assert before.get(name, 0) <= count <= Decimal(factor) * (before.get(name, 0) + 1) + 1


@given(st.lists(st.sampled_from(["1.1", "1.5", "2", "3"]), min_size=1, max_size=4), st.integers(0, 10**6))
def test_of_several_multipliers_the_highest_alone_counts(factors, total):
    """Never their product, never their sum."""
    many = [rule(f"m{at}", "multiplier", points=0, factor=factor) for at, factor in enumerate(factors)]
    highest = rule("m", "multiplier", points=0, factor=max(factors, key=Decimal))
    assert points([rule(), *many], sale(total)) == points([rule(), highest], sale(total))


@given(lines.filter(lambda all_of: all(each.amount.minor >= 0 for each in all_of)), st.integers(0, 10**6))
def test_categories_share_the_sale(bought, more):
    """A cent a point, rules of all categories and of what is in none give together what one rule gives for the whole."""
    total = sum(each.amount.minor for each in bought) + more
    whole = points([rule(amount=euros(1))], sale(total), bought).get("base", 0)
    parts = [rule(name, amount=euros(1), category=name) for name in ("Red", "White")]
    apart = sum(points(parts, sale(total), bought).values())
    uncategorised = sum(each.amount.minor for each in bought if each.category is None) + more
    assert whole == apart + uncategorised


def test_by_hand():
    """What the words say, with figures from a receipt."""
    bought = [line("Red", 2000, 2), line("White", 590)]
    assert points([rule()], sale(2590)) == {"base": 25}
    assert points([rule(rounding="up")], sale(2590)) == {"base": 26}
    assert points([rule(points=5, amount=euros(1000))], sale(2590)) == {"base": 12}      # 12.95
    assert points([rule(per="units", points=3)], sale(units=7)) == {"base": 21}
    assert points([rule(per="visit", points=10)], sale(0)) == {"base": 10}
    assert points([rule(category="Red")], sale(2590), bought) == {"base": 20}
    assert points([rule(per="units", category="Red")], sale(2590, 3), bought) == {"base": 2}
    assert points([rule(per="visit", category="Rosé")], sale(2590), bought) == {}
    assert points([rule(minimum=euros(2591))], sale(2590)) == {}
    assert points([rule(minimum=euros(2590))], sale(2590)) == {"base": 25}
    double = rule("double", "multiplier", points=0, factor="2", category="Red")
    assert points([rule(), double], sale(2590), bought) == {"base": 45}                   # 2 × 20 + 5.90
    assert points([rule(per="visit"), double], sale(2590), bought) == {"base": 1}
    gold = rule("gold", "multiplier", points=0, factor="1.5", filter="GOLD")
    assert points([rule(), gold], sale(2590), met=["GOLD"]) == {"base": 38}               # 38.85
    assert points([rule(), gold], sale(2590)) == {"base": 25}


def test_a_refund_earns_nothing():
    """Nor does a sale below nought."""
    assert points([rule(per="visit")], sale(-100, kind=SaleKind.REFUND)) == {}
    assert points([rule()], sale(-100)) == {}


def test_an_expiry_goes_with_the_points():
    """As the span that the rule keeps."""
    assert earned([rule(expires="12 months")], sale(100), (), lambda text: True) == [Earned("base", 1, "12 months")]


def test_more_than_a_credit_holds_is_an_error():
    """Rather a sale that says what is wrong than a credit nobody meant."""
    with pytest.raises(Malformed, match="'base'"):
        points([rule(points=10**6, amount=euros(1))], sale(10**7))


def test_rules_hold_from_start_until_just_before_the_end():
    """Half-open, like every window."""
    second = timedelta(seconds=1)
    season = rule(starts_at=NOON, ends_at=NOON + second)
    assert [bool(in_force([season], NOON + delta)) for delta in (-second, 0 * second, second)] == [False, True, False]
    assert in_force([rule()], NOON)
