"""Tiers that are kept for a time: given at once, lost late, one at a time or at once, and told to the member."""

from datetime import timedelta

import pytest

from custcrm import Malformed, Money, Refusal
from custcrm.records.programs import NEW_CUSTOMERS
from custcrm.values.periods import Span, move
from tests.batches import in_batches

RULES = {"Gold": "SUM(sales.total WHERE occurred_at >= ago('6 months')) >= 1000", "Silver": "sales_total >= 100"}


def run(crm, key, **asked) -> dict[str, int]:
    """Reclassify, and once more: as a job it changes nothing the second time."""
    plan = crm.categories.reclassify("club", **asked)
    moves = dict(plan.moves)
    result = plan.apply(key=key)
    again = crm.categories.reclassify("club")
    assert (again.eligible, again.moves) == (0, {})
    assert again.apply(key=f"{key} again").applied == 0
    assert result.applied >= sum(moves.values())
    return moves


def later(crm, at, span):
    return move(at, Span.parse(span), crm._business.zone)


@pytest.fixture
def tiers(crm):
    """Make a club of three tiers: the highest is lost by one, the next to where the rules say."""
    crm.programs.add("club")
    crm.categories.add("club", "Gold", rule=RULES["Gold"], rank=3, keep="12 months", down="one")
    crm.categories.add("club", "Silver", rule=RULES["Silver"], rank=2, keep="3 months")
    crm.categories.add("club", "Bronze", rule="sales_count >= 1", rank=1)
    anna = crm.customers.add(first_name="Anna")
    crm.programs.join(anna, "club")
    return anna


@pytest.mark.feature("X54")
def test_a_tier_is_kept_and_then_lost_one_at_a_time(crm, tiers, clock):
    """Gold for 12 months whatever is bought; then Silver for its three, though the rules say Bronze; then Bronze."""
    anna = tiers
    start = clock()
    sale = crm.sales.record(anna, 1000, program="club")
    assert run(crm, "1") == {"Gold": 1}
    until = later(crm, start, "12 months")
    found = crm.programs.tier(anna)
    assert (found.category, found.since, found.until, found.next) == ("Gold", start, until, None)
    assert (found.missing_to_stay, found.missing_to_rise) == ((), ())
    crm.sales.refund(sale, 950)
    clock.advance("11 months")
    assert run(crm, "2") == {}
    found = crm.programs.tier(anna)
    [lacking] = found.missing_to_stay
    assert (found.category, found.until) == ("Gold", until)
    assert (lacking.condition, lacking.short) == (RULES["Gold"], Money("1000", "EUR"))
    assert "1000.00 EUR short" in str(lacking)
    clock.advance("1 month")
    assert crm.programs.tier(anna).until is None                    # over; nobody has looked yet
    over = clock()
    assert run(crm, "3") == {"Silver": 1}
    found = crm.programs.tier(anna, "club")
    assert (found.category, found.since, found.until, found.next) == ("Silver", over, later(crm, over, "3 months"), "Gold")
    assert [each.short for each in found.missing_to_stay] == [Money("50", "EUR")]
    assert [each.short for each in found.missing_to_rise] == [Money("1000", "EUR")]
    assert crm.select("programs.club.kept_until < from_now('4 months')").ids() == [anna.id]
    clock.advance("2 months")
    assert run(crm, "4") == {}
    clock.advance("1 month")
    assert run(crm, "5") == {"Bronze": 1}
    found = crm.programs.tier(anna)
    assert (found.category, found.until, found.next) == ("Bronze", None, "Silver")
    then = crm.programs.tier(anna, as_of=over)
    assert (then.category, then.since, then.until) == ("Silver", over, later(crm, over, "3 months"))
    assert [each.category for each in crm.programs.history(anna, "club")] == [NEW_CUSTOMERS, "Gold", "Silver", "Bronze"]


@pytest.mark.feature("X54")
def test_who_meets_the_rule_when_the_time_is_over_keeps_the_tier_anew(crm, tiers, clock):
    """It is kept as long again, is no move, and has been theirs since it was given first; who meets a higher rule rises."""
    anna, start = tiers, clock()
    crm.sales.record(anna, 200, program="club")
    assert run(crm, "1") == {"Silver": 1}
    clock.advance("3 months")
    plan = crm.categories.reclassify("club")
    assert (plan.eligible, plan.moves) == (1, {})
    assert run(crm, "2") == {}
    found = crm.programs.tier(anna)
    assert (found.category, found.since, found.until) == ("Silver", start, later(crm, clock(), "3 months"))
    crm.sales.record(anna, 1000, program="club")
    assert run(crm, "3") == {"Gold": 1}
    assert crm.programs.tier(anna).until == later(crm, clock(), "12 months")


@pytest.mark.feature("X54")
def test_a_tier_may_be_kept_to_the_end_of_the_year(crm, clock):
    """The year ends at midnight of the business zone; with down='rule' it is then lost to where the rules say."""
    crm.programs.add("club")
    made = crm.categories.add("club", "Gold", rule="sales_total >= 100", rank=1, keep="end of year")
    assert (made.keep, made.down) == ("end of year", "rule")
    anna = crm.customers.add(first_name="Anna")
    crm.programs.join(anna, "club")
    sale = crm.sales.record(anna, 100, program="club")
    run(crm, "1")
    until = crm.programs.tier(anna).until
    assert until.isoformat() == "2026-12-31T22:00:00+00:00"
    crm.sales.refund(sale)
    clock.advance(until - clock() - timedelta(days=1))
    clock.advance("86399 seconds")
    assert run(crm, "2") == {}
    clock.advance("1 second")
    assert run(crm, "3") == {NEW_CUSTOMERS: 1}
    found = crm.programs.tier(anna)
    assert (found.category, found.until, found.next) == (NEW_CUSTOMERS, None, "Gold")
    assert [each.short for each in found.missing_to_rise] == [Money("100", "EUR")]


@pytest.mark.feature("X54")
def test_a_tier_that_others_step_down_to_is_kept_as_long(crm, clock):
    """Without a length of its own it has that of the tier above, so that a second run takes no second step."""
    crm.programs.add("club")
    for rank, (name, terms) in enumerate([("C", {}), ("B", {}), ("A", {"keep": "1 month", "down": "one"})]):
        crm.categories.add("club", name, rule=f"sales_total >= {10 ** (rank + 1)}", rank=rank, **terms)
    people = crm.customers.add_all([{"first_name": f"N{n}"} for n in range(5)])
    crm.select().join("club").apply(key="join")
    sales = [crm.sales.record(each, 1000, program="club") for each in people]
    in_batches(crm, 2).categories.reclassify("club").apply(key="1")
    assert {crm.programs.tier(each).category for each in people} == {"A"}
    for sale in sales:
        crm.sales.refund(sale)
    clock.advance("1 month")
    assert run(in_batches(crm, 2), "2") == {"B": 5}
    assert {crm.programs.tier(each).until for each in people} == {later(crm, clock(), "1 month")}
    clock.advance("1 month")
    assert run(crm, "3") == {NEW_CUSTOMERS: 5}


@pytest.mark.feature("X54")
def test_a_tier_that_is_given_by_hand_is_kept_too(crm, tiers, clock):
    """Who was given Gold by hand keeps it as who reached it; what has no rule is neither kept nor taken."""
    anna, start = tiers, clock()
    crm.categories.add("club", "Staff")
    crm.programs.set_category(anna, "club", "Gold", reason="a gift")
    assert crm.programs.tier(anna).until == later(crm, start, "12 months")
    assert crm.programs.membership(anna, "club").kept_until == later(crm, start, "12 months")
    clock.advance("1 month")
    assert run(crm, "1") == {}
    crm.programs.set_access(anna, "club", "limited")
    assert crm.programs.tier(anna).since == start
    crm.programs.set_category(anna, "club", "Staff")
    clock.advance("2 years")
    assert run(crm, "2") == {}
    found = crm.programs.tier(anna)
    assert (found.category, found.until, found.next, found.missing_to_stay) == ("Staff", None, None, ())


@pytest.mark.feature("X54")
def test_what_a_kept_tier_is(crm, tiers):
    """Steps need a time, and only tiers are kept; a tier that is laid down anew without a time is kept no longer."""
    anna = tiers
    kept = ({"keep": told} for told in ("0 days", "soon", 12, ""))
    for bad in (*kept, {"keep": "1 year", "down": "two"}, {"down": "one"}):
        with pytest.raises(Malformed):
            crm.categories.add("club", "Other", rule="sales_total > 5", rank=9, **bad)
    with pytest.raises(Malformed):
        crm.categories.add("club", "Other", keep="1 year")
    crm.sales.record(anna, 1000, program="club")
    run(crm, "1")
    crm.categories.set_rule("club", "Gold", "sales_total >= 5000", rank=3)
    assert crm.programs.tier(anna).until is None
    assert run(crm, "2") == {"Silver": 1}
    crm.programs.add("other")
    with pytest.raises(Malformed):
        crm.programs.tier(anna)
    with pytest.raises(Refusal):
        crm.programs.tier(anna, "other")


@pytest.mark.feature("X54")
def test_what_is_short_is_the_least_that_meets_the_rule(crm):
    """Of a bound to be reached and of one to be passed, on either side; what is no number tells its condition alone."""
    crm.programs.add("club")
    anna = crm.customers.add(first_name="Anna")
    crm.programs.join(anna, "club")
    crm.sales.record(anna, 40, program="club")
    told: dict[str, list[str]] = {}
    for rule in ("sales_total >= 100", "sales_total > 100", "2 < sales_count", "sales_count >= 2", "email EXISTS",
                 "sales_total < 10", "sales_count > 0"):
        crm.categories.set_rule("club", "Gold", rule) if told else crm.categories.add("club", "Gold", rule=rule)
        told[rule] = [str(each) for each in crm.programs.tier(anna).missing_to_rise]
    assert told == {
        "sales_total >= 100": ["sales_total >= 100: 60.00 EUR short"],
        "sales_total > 100": ["sales_total > 100: 60.01 EUR short"],
        "2 < sales_count": ["2 < sales_count: 2 short"], "sales_count >= 2": ["sales_count >= 2: 1 short"],
        "email EXISTS": ["email EXISTS"], "sales_total < 10": ["sales_total < 10"], "sales_count > 0": [],
    }
    crm.categories.set_rule("club", "Gold", "sales_total > 100")
    crm.sales.record(anna, crm.programs.tier(anna).missing_to_rise[0].short, program="club")
    assert crm.programs.tier(anna).missing_to_rise == ()
    assert crm.categories.reclassify("club").moves == {"Gold": 1}
