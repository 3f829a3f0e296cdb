"""Points on every store: spent soonest first, gone by time alone, reversed without gain, and every number proved."""

import threading

import pytest
from attrs import evolve

import custcrm
from custcrm import Access, KeyConflict, Malformed, NotFound, PointsEntry, Reason, Refusal
from custcrm.actions import applying
from custcrm.records import Program
from custcrm.records.programs import Reversal


def refused(call, *given, details=None, **named):
    """Return the reasons that a call is refused for."""
    with pytest.raises(Refusal) as caught:
        call(*given, **named)
    if details:
        assert caught.value.details == details
    return caught.value.reasons


def lots(made):
    return [(use.credit_id, use.points) for use in made.lots]


def told(crm, customer, **asked):
    """Return kind and delta of each line, which sum up to the balance, as the proof does."""
    lines = crm.points.history(customer, "club", **asked)
    proof = crm.points.prove(customer, "club", **asked)
    balance = crm.points.balance(customer, "club", **asked)
    assert sum(line.delta for line in lines) == balance == proof.balance and not proof.faults()
    return [(line.kind, line.delta) for line in lines]


def policy(crm, reversal, grace=None):
    """Give the club a reversal policy."""
    with crm._business.store.write() as writer:
        club = writer.get(Program, "club")
        writer.replace(evolve(club, reversal=Reversal(reversal), reversal_grace=grace))


@pytest.mark.feature("V10", "X18")
def test_a_spend_takes_the_soonest_lot_and_its_rest_expires_alone(crm, people, clock):
    """Lot 100 until day 10, lot 50 for ever, 80 spent on day 5: on day 11 the balance is 50, without any job."""
    anna = people["Anna"]
    soon = crm.points.credit(anna, "club", 100, expires="10 days")
    ever = crm.points.credit(anna, "club", 50)
    clock.advance("5 days")
    spent = crm.points.spend(anna, "club", 80)
    assert (spent.kind, spent.delta, lots(spent), spent.occurred_at) == ("spend", -80, [(soon.id, 80)], clock())
    assert crm.points.balance(anna, "club") == 70
    then = clock()
    clock.advance("6 days")
    assert (crm.points.balance(anna, "club"), crm.points.available(anna, "club")) == (50, 50)
    assert crm.points.balance(anna, "club", as_of=then) == 70
    assert told(crm, anna) == [("credit", 100), ("credit", 50), ("spend", -80), ("expire", -20)]
    assert told(crm, anna, as_of=then) == [("credit", 100), ("credit", 50), ("spend", -80)]
    both = crm.points.spend(anna, "club", 50)
    assert lots(both) == [(ever.id, 50)]


def test_an_expiry_is_written_down_at_its_very_instant(crm, people, clock):
    """A lot counts until just before it expires; at that instant it is over, and an entry can tell of it."""
    anna = people["Anna"]
    crm.points.credit(anna, "club", 100, expires="3 hours")
    clock.advance("10799 seconds")
    assert (crm.points.balance(anna, "club"), crm.points.expire("club")) == (100, 0)
    clock.advance("1 second")
    assert (crm.points.balance(anna, "club"), crm.points.expire("club"), crm.points.expire("club")) == (0, 1, 0)


def test_a_spend_over_several_lots_is_one_deed(crm, people):
    """Soonest expiry first, then the oldest; those that never expire last; one line in the history, one id on the entries."""
    anna = people["Anna"]
    ever, late, soon, same = (crm.points.credit(anna, "club", 10, expires=each) for each in
                              (None, "9 days", "3 days", "3 days"))
    spent = crm.points.spend(anna, "club", 35, reference="r-1")
    assert lots(spent) == [(soon.id, 10), (same.id, 10), (late.id, 10), (ever.id, 5)]
    [line] = [each for each in crm.points.history(anna, "club") if each.kind == "spend"]
    assert (line.id, line.delta, line.lots, line.reference) == (spent.id, -35, spent.lots, "r-1")
    assert crm.select("COUNT(points_entries WHERE kind = 'spend') = 4 AND programs.club.points = 5").ids() == [anna.id]


@pytest.mark.feature("C29", "C30", "C31", "C32", "E27", "V35")
def test_who_may_spend(crm, people):
    """Full access and the mark of eligibility; all reasons are told, in order; limited to full makes earlier points usable."""
    anna, ben = people["Anna"], people["Ben"]
    crm.points.credit(anna, "club", 10)
    crm.points.credit(ben, "club", 10)
    for name, reason in [("Eve", "not_a_member"), ("Dan", "blacklisted"), ("Chloe", "no_access"), ("Ben", "limited_access")]:
        assert refused(crm.points.spend, people[name], "club", 1)[0] == reason
    crm.customers.update(ben, loyalty_eligible=False)
    assert refused(crm.points.spend, ben, "club", 1) == ("limited_access", "not_eligible")
    crm.customers.update(ben, loyalty_eligible=True)
    crm.programs.set_access(ben, "club", Access.FULL)
    crm.points.spend(ben, "club", 10)
    details = {"program": "club", "asked": 11, "available": 10}
    assert refused(crm.points.spend, anna, "club", 11, details=details) == (Reason.NOT_ENOUGH_POINTS,)
    assert told(crm, anna) == [("credit", 10)]
    crm.programs.set_access(people["Chloe"], "club", "full")
    assert crm.points.balance(people["Chloe"], "club") == 0
    for bad in (0, -1, 1.5, True, "10"):
        with pytest.raises(Malformed):
            crm.points.spend(anna, "club", bad)


@pytest.mark.feature("V12")
def test_a_key_spends_once_for_ever(crm, people, clock):
    """The same call again, tomorrow too, gives the same spend; other content is a conflict; a refusal keeps no key."""
    anna = people["Anna"]
    assert refused(crm.points.spend, anna, "club", 10, key="r-1")
    credit = crm.points.credit(anna, "club", 100, expires="3 days", key="c-1")
    crm.points.credit(anna, "club", 1)
    assert crm.points.credit(anna, "club", 100, expires="3 days", key="c-1") == credit
    spent = crm.points.spend(anna, "club", 10, key="r-1")
    clock.advance("9 days")
    assert crm.points.spend(anna, "club", 10, key="r-1") == spent
    for other in (lambda: crm.points.spend(anna, "club", 11, key="r-1"),
                  lambda: crm.points.spend(people["Ben"], "club", 10, key="r-1"),
                  lambda: crm.points.spend(anna, "club", 10, reference="x", key="r-1"),
                  lambda: crm.points.credit(anna, "club", 10, key="r-1"), lambda: crm.points.reverse(spent, key="r-1")):
        with pytest.raises(KeyConflict):
            other()
    taken = crm.points.reverse(spent, key="back")
    assert crm.points.reverse(spent, key="back") == taken and taken.delta == 10
    down = crm.points.adjust(anna, "club", -1, reason="typo", key="down")
    assert crm.points.adjust(anna, "club", -1, reason="typo", key="down") == down
    crm.points.credit(anna, "club", 7)
    moved = crm.points.transfer(anna, people["Ben"], "club", key="merge")
    assert crm.points.transfer(anna, people["Ben"], "club", key="merge") == moved and moved.delta == -7
    assert (crm.points.balance(anna, "club"), crm.points.balance(people["Ben"], "club")) == (0, 7)
    empty = crm.points.transfer(anna, people["Ben"], "club", key="nothing")
    assert empty is None and crm.points.transfer(anna, people["Ben"], "club", key="nothing") is None


@pytest.mark.feature("V13", "I08", "I09", "I10")
def test_points_earned_at_a_till_are_spent_on_the_web(crm, people, clock):
    """One balance whatever the origin; each line tells where it happened or for which offer, what became of it, how much."""
    anna = people["Anna"]
    crm.points_of_sale.add("Harbour", program="club")
    crm.terminals.add("till", point_of_sale="Harbour")
    crm.coupons.add_series("lunch", program="club", title="Free lunch")
    sale = crm.sales.record(anna, "20.00", terminal="till", external_id="r-1")
    earned = crm.points.credit(anna, "club", 100, terminal="till", reference="r-1")
    assert (earned.terminal, earned.point_of_sale, earned.reference) == ("till", "Harbour", "r-1")
    clock.advance("1 hour")
    spent = crm.points.spend(anna, "club", 30, offer="lunch")
    added = crm.points.adjust(anna, "club", 5, reason="a bad day", expires="2 days")
    removed = crm.acting_as("maija").points.adjust(anna, "club", -10, reason="counted twice")
    with crm._business.store.write() as writer:  # as an earning rule writes it
        writer.add([evolve(earned, id="s", lot_id="s", delta=7, sale_id=sale.id)])
    lines = {(line.kind, line.delta): line for line in crm.points.history(anna, "club")}
    assert told(crm, anna) == [("credit", 100), ("credit", 7), ("spend", -30), ("adjust", 5), ("adjust", -10)]
    shown = {what: (line.label, line.description, line.status, line.origin, line.id) for what, line in lines.items()}
    assert shown == {
        ("credit", 100): ("earned", "Harbour", "open", "terminal", earned.id),
        ("credit", 7): ("earned", "Harbour", "open", "in_store", "s"),
        ("spend", -30): ("spent", "Free lunch", "done", "api", spent.id),
        ("adjust", 5): ("manually added", "", "used", "api", added.id),
        ("adjust", -10): ("manually removed", "", "done", "api", removed.id),
    }
    by_hand = lines["adjust", -10]
    assert (by_hand.reason, by_hand.actor, lots(by_hand)) == ("counted twice", "maija", [(added.id, 5), (earned.id, 5)])
    assert lines["spend", -30].offer == "lunch" and lines["credit", 100].terminal == "till"
    assert crm.select("programs.club.points = 72").ids() == [anna.id]
    assert "bad day" not in repr(list(lines.values())) + repr(spent) + str(crm.points.prove(anna, "club"))


@pytest.mark.feature("I01", "I03", "I08")
def test_points_are_adjusted_by_hand_with_a_reason(crm, people, clock):
    """Found by search; up is a lot of its own, down is taken as a spend is; who and why is kept; never below nought."""
    [anna] = crm.customers.search(email="Anna@example.org")
    up = crm.acting_as("maija").points.adjust(anna, "club", 40, reason="sorry", expires="30 days")
    assert isinstance(up, PointsEntry) and (up.kind, up.delta, up.lot_id, up.actor, up.reason) == (
        "adjust", 40, up.id, "maija", "sorry")
    down = crm.points.adjust(anna, "club", -15, reason="too many")
    assert (down.kind, down.delta, lots(down)) == ("adjust", -15, [(up.id, 15)])
    details = {"program": "club", "asked": 26, "available": 25}
    assert refused(crm.points.adjust, anna, "club", -26, reason="x", details=details) == ("not_enough_points",)
    for bad in ({"points": 0}, {"points": True}, {"points": 1, "reason": " "}, {"points": -1, "expires": "1 day"}):
        with pytest.raises(Malformed):
            crm.points.adjust(anna, "club", **{"reason": "x", **bad})
    with pytest.raises(TypeError):
        crm.points.adjust(anna, "club", 1)
    crm.points.credit(people["Ben"], "club", 10)
    crm.customers.update(people["Ben"], loyalty_eligible=False)
    crm.points.adjust(people["Ben"], "club", -10, reason="a correction needs no access")
    assert refused(crm.points.adjust, people["Ben"], "club", 1, reason="x") == ("not_eligible",)
    for name, reason in [("Eve", "not_a_member"), ("Dan", "blacklisted")]:
        assert refused(crm.points.adjust, people[name], "club", -1, reason="x")[0] == reason
    clock.advance("30 days")
    assert told(crm, anna) == [("adjust", 40), ("adjust", -15), ("expire", -25)]


@pytest.mark.feature("V11", "X19")
@pytest.mark.parametrize("kept", ["debt", "floor", "refuse"])
def test_the_policy_decides_when_reversed_points_are_spent_already(crm, people, kept):
    """Earn 100, spend 100, take the credit back: -100, or 0 with a shortfall of 100, or an error; never +100."""
    policy(crm, kept)
    anna = people["Anna"]
    credit = crm.points.credit(anna, "club", 100)
    spent = crm.points.spend(anna, "club", 100)
    if kept == "refuse":
        details = {"program": "club", "asked": 100, "available": 0}
        assert refused(crm.points.reverse, credit, key="k", details=details) == ("not_enough_points",)
        assert told(crm, anna) == [("credit", 100), ("spend", -100)]
        crm.points.reverse(spent)
        crm.points.reverse(credit, key="k")
        assert crm.points.balance(anna, "club") == 0
        return
    back = crm.points.reverse(credit, reason="refund")
    assert (back.kind, back.reverses) == ("reverse", credit.id)
    assert refused(crm.points.reverse, credit) == ("already_reversed",)
    expected = {"debt": (-100, -100, 0), "floor": (0, 0, 100)}[kept]
    assert (crm.points.balance(anna, "club"), back.delta, back.shortfall) == expected
    assert crm.points.available(anna, "club") == 0
    assert [(line.status, line.shortfall) for line in crm.points.history(anna, "club")] == [
        ("reversed", 0), ("done", 0), ("done", expected[2])]
    crm.points.credit(anna, "club", 130, expires="2 days")
    assert crm.points.available(anna, "club") == expected[0] + 130
    assert refused(crm.points.spend, anna, "club", expected[0] + 131) == ("not_enough_points",)
    after = crm.points.spend(anna, "club", 30)
    assert after.delta == -30 and crm.points.balance(anna, "club") == expected[0] + 100
    told(crm, anna)


@pytest.mark.feature("V11", "X19")
def test_under_floor_points_that_come_back_make_good_what_was_missed(crm, people):
    """Buy, spend, refund, undo the spend: nothing is gained, at once or in parts; a spend made after it comes back whole."""
    anna = people["Anna"]
    policy(crm, "floor")
    earned = crm.points.credit(anna, "club", 100)
    spent = crm.points.spend(anna, "club", 100)
    assert crm.points.reverse(earned).shortfall == 100
    crm.points.credit(anna, "club", 30)
    later = crm.points.spend(anna, "club", 30)
    back = crm.points.reverse(later)
    assert (back.delta, back.shortfall, crm.points.balance(anna, "club")) == (30, 0, 30)
    part = crm.points.reverse(spent, points=40, key="part")
    assert (part.delta, part.shortfall, part.lots, part.reverses) == (0, -40, (), spent.id)
    assert crm.points.reverse(spent, points=40, key="part") == part
    assert refused(crm.points.reverse, spent, points=61, details={"asked": 61, "left": 60}) == ("already_reversed",)
    rest = crm.points.reverse(spent)
    assert (rest.delta, rest.shortfall, crm.points.balance(anna, "club")) == (0, -60, 30)
    assert refused(crm.points.reverse, spent) == ("already_reversed",)
    assert told(crm, anna)[-2:] == [("reverse", 0), ("reverse", 0)]
    lines = crm.points.history(anna, "club")
    assert {line.status for line in lines if line.id in (earned.id, spent.id, later.id)} == {"reversed"}
    assert sum(line.shortfall for line in lines) == 0
    again = crm.points.spend(anna, "club", 30)                         # what was missed is made good once
    assert crm.points.reverse(again).delta == 30


@pytest.mark.feature("V12")
def test_a_key_outlives_the_day_that_it_names(crm, people, clock):
    """Told again when its last good day is over, the call gives what it gave; told first then, it is no call at all."""
    anna, everyone = people["Anna"], crm.select("programs.club.access = 'full'")
    calls = [
        lambda: crm.points.credit(anna, "club", 5, expires="2026-11-30", key="credit"),
        lambda: crm.points.adjust(anna, "club", 7, reason="queue", expires="2026-11-30", key="adjust"),
        lambda: everyone.credit_points("club", 2, expires="2026-11-30").apply(key="all").applied,
        lambda: everyone.adjust_points("club", 2, reason="queue", expires="2026-11-30").apply(key="all by hand").applied,
        lambda: everyone.tag("Advent", until="2026-11-30").apply(key="tag").applied,
    ]
    first = [call() for call in calls]
    clock.advance("60 days")
    assert [call() for call in calls] == first
    assert crm.points.balance(anna, "club") == 0
    late = [
        lambda **more: crm.points.credit(anna, "club", 5, key="late", **more),
        lambda **more: crm.points.adjust(anna, "club", 5, reason="queue", key="late", **more),
        lambda **more: everyone.credit_points("club", 5, **more).apply(key="late"),
    ]
    for call in late:
        for expires in ("2026-11-30", "2026-11-31", "soon"):
            with pytest.raises(Malformed) as caught:
                call(expires=expires)
            assert caught.value.field == "expires"
    with pytest.raises(Malformed) as caught:
        everyone.tag("Advent", until="2026-11-30").apply(key="late")
    with pytest.raises(Malformed):
        crm.tags.set(anna, "Advent", until="2026-11-30")
    assert caught.value.field == "until" and len(crm.points.history(anna, "club")) == 2 * 4
    assert crm.points.credit(anna, "club", 5, key="late").delta == 5      # the key is free still


def test_what_is_reversed_is_what_is_stored(crm, people):
    """A record that says otherwise than the store is not believed: what was moved to somebody else does not come back."""
    anna, ben = people["Anna"], people["Ben"]
    crm.points.credit(anna, "club", 10)
    moved = crm.points.transfer(anna, ben, "club")
    spent = crm.points.credit(anna, "club", 5) and crm.points.spend(anna, "club", 5)
    [taken] = (line for line in crm.points.history(anna, "club") if line.id == spent.id)
    with crm._business.store.read() as reader:
        left = next(reader.find(PointsEntry, {"customer_id": anna.id, "spend_id": moved.id}))
        entry = next(reader.find(PointsEntry, {"customer_id": anna.id, "spend_id": spent.id}))
    for kind in ("spend", "credit", "adjust"):
        for wrong in (evolve(moved, kind=kind), evolve(left, kind=kind), evolve(left, kind=kind, spend_id=None)):
            with pytest.raises(Malformed) as caught:
                crm.points.reverse(wrong)
            assert caught.value.field == "what"
    assert (crm.points.balance(anna, "club"), crm.points.balance(ben, "club")) == (0, 10)
    assert crm.points.reverse(evolve(entry, kind="credit", spend_id=None)).delta == 5    # one entry stands for its spend
    for same in (spent, taken, entry):
        assert refused(crm.points.reverse, same) == ("already_reversed",)


@pytest.mark.feature("X19")
def test_parts_of_a_credit_are_reversed_until_nothing_is_left(crm, people, clock):
    """From its own lot first, then from others, soonest first; also for a customer who is blacklisted by now."""
    anna = people["Anna"]
    mine = crm.points.credit(anna, "club", 100)
    other = crm.points.credit(anna, "club", 20, expires="1 day")
    crm.points.spend(anna, "club", 60)
    crm.programs.set_access(anna, "club", "blacklisted")
    first = crm.points.reverse(mine, points=50)
    assert lots(first) == [(mine.id, 50)]
    assert refused(crm.points.reverse, mine, points=51, details={"asked": 51, "left": 50}) == ("already_reversed",)
    rest = crm.points.reverse(mine)
    assert lots(rest) == [(mine.id, 10), ("debt", 40)]
    assert refused(crm.points.reverse, mine, details={"left": 0}) == ("already_reversed",)
    assert crm.points.balance(anna, "club") == -40
    crm.points.reverse(crm.points.history(anna, "club")[2])
    assert told(crm, anna)[-1] == ("reverse", 60) and crm.points.balance(anna, "club") == 20
    clock.advance("1 day")
    assert crm.points.balance(anna, "club") == 0
    for never in (first, evolve(other, kind="expire"), "receipt"):
        with pytest.raises(Malformed):
            crm.points.reverse(never)
    with pytest.raises(NotFound):
        crm.points.reverse(evolve(mine, id="01900000-0000-7000-8000-000000000000"))
    with pytest.raises(Malformed):
        crm.points.reverse(mine, points=0)


def test_a_reversed_spend_returns_to_its_lots_with_their_expiry(crm, people, clock):
    """Last taken, first returned; what comes back to a lot that has expired is gone, unless the program gives a grace."""
    anna = people["Anna"]
    soon = crm.points.credit(anna, "club", 30, expires="10 days")
    ever = crm.points.credit(anna, "club", 30)
    spent = crm.points.spend(anna, "club", 50)
    assert lots(crm.points.reverse(spent, points=25)) == [(ever.id, 20), (soon.id, 5)]
    assert crm.points.balance(anna, "club", as_of="2026-12-05") == 30
    clock.advance("11 days")
    assert (crm.points.reverse(spent, points=5).delta, crm.points.balance(anna, "club")) == (5, 30)
    assert told(crm, anna)[-2:] == [("reverse", 5), ("expire", -10)]
    policy(crm, "debt", "7 days")
    crm.points.reverse(spent)
    assert crm.points.balance(anna, "club") == 50
    clock.advance("7 days")
    assert crm.points.balance(anna, "club") == 30
    assert told(crm, anna)[-1] == ("expire", -20)
    assert {line.status for line in crm.points.history(anna, "club") if line.id == spent.id} == {"reversed"}


@pytest.mark.parametrize("written", [False, True])
def test_a_credit_that_expired_owes_nothing_for_what_is_gone(crm, people, clock, written):
    """What time took is not taken again, whether the expiry was written down or not: the results are the same."""
    anna = people["Anna"]
    credit = crm.points.credit(anna, "club", 100, expires="10 days")
    crm.points.spend(anna, "club", 80)
    clock.advance("11 days")
    if written:
        assert crm.points.expire() == 1
    back = crm.points.reverse(credit)
    assert (crm.points.balance(anna, "club"), back.delta, lots(back)) == (-80, -100, [(credit.id, 20), ("debt", 80)])
    assert told(crm, anna) == [("credit", 100), ("spend", -80), ("reverse", -100)]


@pytest.mark.feature("V14", "X18")
def test_writing_expiries_down_changes_nothing_and_is_done_once(crm, people, clock):
    """At the local end of the last good day a lot is gone; the job writes one entry for each lot, dated then; again none."""
    anna, ben = people["Anna"], people["Ben"]
    crm.programs.add("wine")
    crm.programs.join(ben, "wine")
    first = crm.points.credit(anna, "club", 10, expires="2026-11-30")
    crm.points.credit(anna, "club", 20, expires="2026-12-01")
    crm.points.credit(anna, "club", 5, expires="2026-12-24")
    crm.points.credit(ben, "club", 7, expires="2026-11-30")
    crm.points.credit(ben, "wine", 9, expires="2026-11-30")
    crm.points.spend(anna, "club", 4)
    clock.advance("9 days")
    assert crm.points.balance(anna, "club", as_of="2026-11-30T23:59:59.999999") == 31
    assert crm.points.balance(anna, "club", as_of="2026-12-01T00:00") == 25
    clock.advance("1 month")
    before = {each: (crm.points.history(each, "club"), told(crm, each)) for each in (anna, ben)}
    steps = []
    assert crm.points.expire("club", progress=lambda done, total: steps.append((done, total))) == 4
    assert steps[0] == (0, 2) and steps[-1] == (2, 2)
    assert crm.points.expire("club") == 0 and crm.points.expire() == 1 and crm.points.expire() == 0
    assert {each: (crm.points.history(each, "club"), told(crm, each)) for each in (anna, ben)} == before
    assert crm.select("COUNT(points_entries WHERE kind = 'expire') = 3 AND SUM(points_entries.delta) = 0").ids() == [anna.id]
    found = next(each for each in crm.points.prove(anna, "club").lots if each.id == first.id)
    assert [(each.kind, each.delta, each.occurred_at) for each in found.uses][-1] == ("expire", -6, first.expires_at)
    with pytest.raises(NotFound):
        crm.points.expire("clbu")


@pytest.mark.feature("X18")
def test_what_expires_soon(crm, people, clock):
    """By instant, soonest first, as it will be unless it is spent; asked about an earlier time, as it stood then."""
    anna = people["Anna"]
    ten = crm.points.credit(anna, "club", 10, expires="10 days")
    crm.points.credit(anna, "club", 5, expires=ten.expires_at)
    crm.points.credit(anna, "club", 20, expires="30 days")
    crm.points.credit(anna, "club", 40)
    clock.advance("1 hour")
    crm.points.spend(anna, "club", 12)

    def soon(**asked):
        return [(each.points, each.expires_at) for each in crm.points.expiring(anna, "club", **asked)]

    assert [points for points, _ in soon()] == [3, 20] and soon()[0][1] == ten.expires_at
    assert [points for points, _ in soon(as_of="2026-11-21T12:30")] == [15, 20]
    assert soon(within="9 days") == []
    with pytest.raises(Malformed):
        crm.points.expiring(anna, "club", within=30)


@pytest.mark.usefixtures("tampered")
@pytest.mark.feature("X18")
def test_the_proof_shows_each_lot(crm, people, clock):
    """What each lot brought, what touched it, what is left; its rows sum up to the balance at any time."""
    anna = people["Anna"]
    gone = crm.points.credit(anna, "club", 100, expires="2 days")
    kept = crm.points.credit(anna, "club", 50)
    crm.points.spend(anna, "club", 70)
    clock.advance("2 days")
    crm.points.adjust(anna, "club", -5, reason="x")
    proof = crm.points.prove(anna, "club")
    shown = [(lot.id, lot.brought, lot.spent, lot.adjusted, lot.expired, lot.rest) for lot in proof.lots]
    assert shown == [(gone.id, 100, -70, 0, -30, 0), (kept.id, 50, 0, -5, 0, 45)]
    assert (proof.balance, proof.faults()) == (45, ())
    lines = str(proof).splitlines()
    columns = ["lot", "valid", "expires", "brought", "spent", "adjusted", "reversed", "transferred", "expired", "rest"]
    assert lines[0].split() == columns
    assert lines[-1].split()[0] == "balance" and lines[-1].split()[-1] == "45"
    assert crm.points.prove(anna, "club", as_of="2026-11-21T13:00").balance == 80
    with crm._business.store.write() as writer:
        writer.add([evolve(kept, id="x", kind="spend", delta=-99)])
    assert ["below nought" in fault for fault in crm.points.prove(anna, "club").faults()] == [True]
    for ask in (crm.points.prove, crm.points.history, crm.points.expiring, crm.points.balance):
        assert refused(ask, people["Eve"], "club") == ("not_a_member",)
        with pytest.raises(NotFound):
            ask("01900000-0000-7000-8000-000000000000", "club")
        with pytest.raises(NotFound):
            ask(anna, "clbu")


def test_a_transfer_moves_lots_with_their_age_and_expiry(crm, people, clock):
    """The receiver spends them in the order of their expiry and age; what was owed moves too; the giver has nothing."""
    anna, ben = people["Anna"], people["Ben"]
    crm.programs.set_access(ben, "club", "full")
    old = crm.points.credit(anna, "club", 10, expires="9 days")
    bens = crm.points.credit(ben, "club", 10, expires=old.expires_at)
    crm.points.credit(anna, "club", 5, expires="1 day")
    clock.advance("1 day")
    moved = crm.points.transfer(anna, ben, "club", reason="same person")
    assert (moved.kind, moved.delta, lots(moved)) == ("transfer", -10, [(old.id, 10)])
    assert (crm.points.balance(anna, "club"), crm.points.balance(ben, "club")) == (0, 20)
    assert lots(crm.points.spend(ben, "club", 15)) == [(old.id, 10), (bens.id, 5)]
    assert told(crm, anna) == [("credit", 10), ("credit", 5), ("expire", -5), ("transfer", -10)]
    assert told(crm, ben) == [("credit", 10), ("transfer", 10), ("spend", -15)]
    assert crm.points.transfer(anna, ben, "club") is None
    credit = crm.points.credit(anna, "club", 8)
    crm.points.spend(anna, "club", 8)
    crm.points.reverse(credit)
    crm.points.transfer(anna, ben, "club")
    assert (crm.points.balance(anna, "club"), crm.points.balance(ben, "club")) == (0, -3)
    assert refused(crm.points.transfer, anna, people["Eve"], "club") == ("not_a_member",)
    with pytest.raises(Malformed):
        crm.points.transfer(anna, anna, "club")
    with pytest.raises(NotFound):
        crm.points.transfer(anna, "01900000-0000-7000-8000-000000000000", "club")


@pytest.mark.feature("X13", "C22")
def test_a_bulk_debit_is_planned_and_takes_from_each_their_own(crm, people, clock):
    """Who has too few is skipped, and whoever spent meanwhile too; entries are those of single spends."""
    for name in ("Ben", "Chloe", "Eve"):
        if name == "Eve":
            crm.programs.join(people[name], "club")
        crm.programs.set_access(people[name], "club", "full")
    anna, ben, chloe, eve = (people[name] for name in ("Anna", "Ben", "Chloe", "Eve"))
    crm.select().credit_points("club", 20, expires="2 days", reference="spring").apply(key="special")
    crm.points.credit(anna, "club", 20)
    crm.points.spend(chloe, "club", 1)
    crm.points.reverse(crm.points.history(eve, "club")[0], points=5)
    plan = crm.select().spend_points("club", 20, reference="gift")
    assert (plan.eligible, plan.skipped, plan.cost.points) == (2, {"blacklisted": 1, "not_enough_points": 2}, -40)
    assert plan.verdict(chloe) == "not_enough_points" and plan.customers("not_enough_points").ids() == [chloe.id, eve.id]
    assert repr(plan) == "<Plan spend_points club 20: 2 eligible, 3 skipped, 0 problems>"
    result = plan.apply(key="gift")
    assert (result.applied, result.outcome(anna), result.outcome(chloe)) == (2, "applied", "not_enough_points")
    assert plan.apply(key="gift").repeated
    assert (crm.points.balance(anna, "club"), crm.points.balance(ben, "club")) == (20, 0)
    assert told(crm, ben) == [("credit", 20), ("spend", -20)]
    line = crm.points.history(anna, "club")[-1]
    assert (line.delta, line.reference, line.status) == (-20, "gift", "done")
    crm.points.reverse(line)
    assert crm.points.balance(anna, "club") == 40
    adjusted = crm.select().adjust_points("club", -30, reason="closing")
    assert (adjusted.eligible, adjusted.cost.points) == (1, -30)
    assert adjusted.apply(key="closing").applied == 1
    added = crm.select().adjust_points("club", 3, reason="sorry", expires="1 day").apply(key="sorry")
    assert added.applied == 4 and crm.points.balance(chloe, "club") == 22
    assert told(crm, anna)[-2:] == [("adjust", -30), ("adjust", 3)]


def test_a_bulk_debit_refuses_who_has_spent_since_it_began(crm, people, monkeypatch):
    """The booking has the last word: what the plan saw may be gone when it is a customer's turn."""
    anna, begun = people["Anna"], applying._begin

    def spent_meanwhile(*asked):
        applied = begun(*asked)
        crm.points.spend(anna, "club", 5)
        return applied

    crm.points.credit(anna, "club", 20)
    plan = crm.select().spend_points("club", 20)
    monkeypatch.setattr(applying, "_begin", spent_meanwhile)
    result = plan.apply(key="k")
    assert (result.applied, result.skipped["not_enough_points"], result.outcome(anna)) == (0, 1, "not_enough_points")
    assert crm.points.balance(anna, "club") == 15


@pytest.mark.feature("T10")
def test_points_that_can_be_spent_are_missing_for_who_is_no_member(crm, people):
    """None when not enrolled, 0 when enrolled and empty, 0 where access does not allow it or points are owed."""
    anna, eve = people["Anna"], people["Eve"]
    crm.points.credit(people["Ben"], "club", 10)
    columns = {"name": "first_name", "available": "programs.club.available", "points": "programs.club.points"}
    view = crm.select("first_name IN ('Anna', 'Ben', 'Eve')").view(columns)
    shown = {row["name"]: (row["available"], row["points"]) for row in view}
    assert shown == {"Anna": (0, 0), "Ben": (0, 10), "Eve": (None, None)}
    assert refused(crm.points.available, eve, "club") == ("not_a_member",)
    credit = crm.points.credit(anna, "club", 10)
    crm.points.spend(anna, "club", 10)
    crm.points.reverse(credit)
    assert (crm.points.balance(anna, "club"), crm.points.available(anna, "club")) == (-10, 0)
    assert crm.select("programs.club.points = -10 AND programs.club.available = 0").ids() == [anna.id]


def test_a_clock_set_back_spends_nothing_twice(crm, people, clock):
    """Entries that lie in the future by this clock count in what can be spent, and later ones are dated after them."""
    anna = people["Anna"]
    crm.points.credit(anna, "club", 10, expires="9 days")
    clock.advance("3 days")
    spent = crm.points.spend(anna, "club", 6)
    clock._now = clock() - (clock() - crm.points.history(anna, "club")[0].occurred_at)
    assert refused(crm.points.spend, anna, "club", 5) == ("not_enough_points",)
    again = crm.points.spend(anna, "club", 4)
    assert again.occurred_at == spent.occurred_at
    clock.advance("4 days")
    assert crm.points.balance(anna, "club") == 0 and told(crm, anna) == [("credit", 10), ("spend", -6), ("spend", -4)]


@pytest.mark.feature("X20")
def test_threads_never_spend_more_than_there_is(crm, people):
    """Ten threads want 30 of 100 points each: three have them, no lot is overdrawn."""
    anna = people["Anna"]
    for _ in range(4):
        crm.points.credit(anna, "club", 25)
    outcomes: list[str] = []

    def want() -> None:
        try:
            crm.points.spend(anna, "club", 30)
            outcomes.append("spent")
        except Refusal as refusal:
            outcomes.append(refusal.reason)

    threads = [threading.Thread(target=want) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["not_enough_points"] * 7 + ["spent"] * 3
    assert crm.points.balance(anna, "club") == 10
    told(crm, anna)


def test_a_customer_with_very_many_lots(crm, people, clock):
    """However many are used up, the next spend takes the right one, and the sums are right."""
    anna = people["Anna"]
    now, ids = clock(), crm._business.ids.many(2_000)
    with crm._business.store.write() as writer:
        writer.add(PointsEntry(customer_id=anna.id, id=each, program="club", kind="credit", delta=10, lot_id=each,
                               occurred_at=now) for each in ids)
    assert crm.points.balance(anna, "club") == 20_000
    assert len(crm.points.spend(anna, "club", 15_005).lots) == 1_501
    spent = crm.points.spend(anna, "club", 10)
    assert lots(spent) == [(ids[1_500], 5), (ids[1_501], 5)]
    crm.points.reverse(spent)
    assert crm.points.balance(anna, "club") == crm.points.prove(anna, "club").balance == 4_995
    assert lots(crm.points.spend(anna, "club", 4_995))[0] == (ids[1_500], 5)
    assert refused(crm.points.spend, anna, "club", 1) == ("not_enough_points",)


def test_nothing_personal_is_said(crm, people):
    """Errors and reprs name ids and numbers, not people."""
    anna = people["Anna"]
    crm.points.credit(anna, "club", 1, text="Hei Anna!")
    said = repr(crm.points.history(anna, "club")) + repr(crm.points.prove(anna, "club"))
    with pytest.raises(custcrm.Refusal) as caught:
        crm.points.spend(anna, "club", 2)
    assert "Anna" not in said + str(caught.value)
