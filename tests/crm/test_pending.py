"""Points that can be spent later: they wait in the balance, a refund takes them first, and they expire from then on."""

from datetime import timedelta

import pytest

from custcrm import Malformed, PointsEntry, Refusal
from custcrm.values.periods import Span, move

DAY = timedelta(days=1)


def standing(crm, customer, **asked) -> tuple[int, int, int]:
    """Return balance, available and pending, as asked one by one and as the words of filters."""
    told = tuple(getattr(crm.points, name)(customer, "club", **asked) for name in ("balance", "available", "pending"))
    words = ["programs.club.points", "programs.club.available", "programs.club.pending"]
    [row] = (crm.select(**asked) & [customer]).view(words)
    assert tuple(row[word] for word in words) == told
    proof = crm.points.prove(customer, "club", **asked)
    assert (proof.balance, proof.faults()) == (told[0], ())
    assert sum(line.delta for line in crm.points.history(customer, "club", **asked)) == told[0]
    return told


def refused(call, *given, **named) -> tuple[str, ...]:
    with pytest.raises(Refusal) as caught:
        call(*given, **named)
    return caught.value.reasons


@pytest.mark.feature("X47")
def test_points_of_a_sale_wait_until_it_cannot_be_returned(crm, people, clock):
    """For 14 days they are in the balance and not to be spent; then they can be, for the 30 days that their expiry counts."""
    anna, bought = people["Anna"], clock()
    rule = crm.earning.add("club", "euros", valid_from="14 days", expires="30 days")
    assert (rule.valid_from, rule.expires) == ("14 days", "30 days")
    sale = crm.sales.record(anna, 100, program="club")
    valid = move(bought, Span.parse("14 days"), crm._business.zone)
    over = move(valid, Span.parse("30 days"), crm._business.zone)
    [entry] = crm.earning.of_sale(sale)
    assert (entry.valid_from, entry.expires_at) == (valid, over)
    crm.points.credit(anna, "club", 5)
    assert standing(crm, anna) == (105, 5, 100)
    assert crm.select("points_pending = 100").ids() == [anna.id]
    assert refused(crm.points.spend, anna, "club", 6) == ("not_enough_points",)
    assert crm.select().spend_points("club", 6).eligible == 0
    [line, _] = crm.points.history(anna, "club")
    assert (line.status, line.valid_from, line.expires_at) == ("pending", valid, over)
    [forecast] = crm.points.expiring(anna, "club", within="2 months")
    assert (forecast.points, forecast.valid_from, forecast.expires_at) == (100, valid, over)
    proof = crm.points.prove(anna, "club")
    assert [(lot.valid_from, lot.expires_at) for lot in proof.lots] == [(valid, over), (None, None)]
    assert "2026-12-05 10:00" in str(proof) and "at once" in str(proof)
    clock.advance("13 days")
    clock.advance("86399 seconds")
    assert standing(crm, anna) == (105, 5, 100)
    clock.advance("1 second")
    assert standing(crm, anna) == (105, 105, 0)
    assert standing(crm, anna, as_of=bought) == (105, 5, 100)
    assert [each.valid_from for each in crm.points.expiring(anna, "club", within="2 months")] == [None]
    assert crm.points.spend(anna, "club", 30).lots[0].credit_id == entry.id
    clock.advance("30 days")
    assert standing(crm, anna) == (5, 5, 0)
    assert (crm.points.expire("club"), standing(crm, anna)) == (1, (5, 5, 0))


@pytest.mark.feature("X47")
def test_a_refund_takes_pending_points_first(crm, people, clock):
    """What comes back takes its own points, then those that nobody can spend yet, and the others last."""
    anna = people["Anna"]
    at_once = crm.earning.add("club", "euros")
    early = crm.sales.record(anna, 60, program="club")
    crm.points.spend(anna, "club", 60)
    crm.earning.end("club", at_once.name)
    clock.advance("1 hour")
    crm.earning.add("club", "later", valid_from="14 days")
    late = crm.sales.record(anna, 40, program="club")
    crm.points.credit(anna, "club", 30, expires="3 days")
    assert standing(crm, anna) == (70, 30, 40)
    crm.sales.refund(late, 10)
    assert standing(crm, anna) == (60, 30, 30)
    crm.sales.refund(early, 50)                          # spent already: what waits goes before what could be spent
    assert standing(crm, anna) == (10, 10, 0)
    crm.sales.refund(early)
    assert standing(crm, anna) == (0, 0, 0)
    crm.sales.refund(late)
    assert standing(crm, anna) == (-30, 0, 0)
    crm.points.credit(anna, "club", 50, valid_from="1 day")
    assert standing(crm, anna) == (20, 0, 50)            # what is owed is not paid with points that wait
    assert refused(crm.points.spend, anna, "club", 1) == ("not_enough_points",)
    clock.advance("1 day")
    assert standing(crm, anna) == (20, 20, 0)


@pytest.mark.feature("X47")
@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
def test_credits_are_valid_from_a_span_a_day_or_an_instant(crm, people, clock, many):
    """One credit or many: spans from now, days from their first instant, instants as they are; again under a key the same."""
    anna, now = people["Anna"], clock()

    def credit(points, key=None, **life):
        if many:
            (crm.select() & [anna]).credit_points("club", points, **life).apply(key=key or f"of {points}")
        else:
            crm.points.credit(anna, "club", points, key=key, **life)
        with crm._business.store.read() as reader:
            [entry] = reader.find(PointsEntry, {"customer_id": anna.id, "delta": points})
        return entry.valid_from, entry.expires_at

    assert credit(1, valid_from="2 days", expires="3 days") == (now + 2 * DAY, now + 5 * DAY)
    assert credit(2, valid_from="2026-12-01")[0].isoformat() == "2026-11-30T22:00:00+00:00"
    assert credit(3, valid_from=now + DAY, expires="2026-11-30")[0] == now + DAY
    assert credit(4, valid_from=now - DAY, expires="3 days") == (None, now + 3 * DAY)
    assert credit(5, key="k", valid_from=timedelta(days=2)) == (now + 2 * DAY, None)
    clock.advance("1 hour")
    assert credit(5, key="k", valid_from="2 days") == (now + 2 * DAY, None)
    for life in ({"valid_from": "soon"}, {"valid_from": 14}, {"valid_from": "2026-12-01", "expires": "2026-11-30"},
                 {"valid_from": ""}, {"valid_from": "2026-12-01", "expires": now + DAY}):
        with pytest.raises(Malformed):
            credit(6, **life)
    assert standing(crm, anna) == (15, 4, 11)


@pytest.mark.feature("X47")
def test_what_is_corrected_takes_pending_points_and_moves_keep_their_time(crm, people, clock):
    """By hand they are taken away first and come back as they were; whoever they are moved to waits as long."""
    anna, ben = people["Anna"], people["Ben"]
    crm.points.credit(anna, "club", 20)
    crm.points.credit(anna, "club", 10, valid_from="14 days")
    removed = crm.points.adjust(anna, "club", -15, reason="counted twice")
    assert standing(crm, anna) == (15, 15, 0)
    crm.points.reverse(removed)
    assert standing(crm, anna) == (30, 20, 10)
    crm.programs.set_access(ben, "club", "full")
    crm.points.transfer(anna, ben, "club")
    assert (standing(crm, anna), standing(crm, ben)) == ((0, 0, 0), (30, 20, 10))
    assert refused(crm.points.spend, ben, "club", 21) == ("not_enough_points",)
    clock.advance("14 days")
    crm.points.spend(ben, "club", 30)
    clock._now -= DAY                                       # the clock is set back: nothing can be spent twice
    assert refused(crm.points.spend, ben, "club", 1) == ("not_enough_points",)


@pytest.mark.feature("X47")
def test_a_rule_may_name_an_instant_and_a_multiplier_none(crm, people, clock):
    """Points of a sale told late wait no longer than those of one told in time."""
    anna, now = people["Anna"], clock()
    crm.earning.add("club", "opening", per="visit", points=7, valid_from="2026-12-01", expires="1 month", starts=now - 90 * DAY)
    crm.earning.add("club", "euros", valid_from="14 days", starts=now - 90 * DAY)
    [opening] = [each for each in crm.earning.of("club") if each.name == "opening"]
    assert opening.valid_from == "2026-11-30T22:00:00+00:00"
    late = crm.sales.record(anna, 10, program="club", occurred_at=now - 20 * DAY)
    told = {each.rule: each.valid_from for each in crm.earning.of_sale(late)}
    assert (told["opening"].isoformat(), told["euros"]) == (opening.valid_from, None)
    assert standing(crm, anna) == (17, 10, 7)
    for span in ({"valid_from": "14 days"}, {"expires": "14 days"}):
        with pytest.raises(Malformed):
            crm.earning.add("club", "more", per="multiplier", factor=2, **span)
    for wrong in ("soon", 14, True, ""):
        with pytest.raises(Malformed):
            crm.earning.add("club", "more", valid_from=wrong)


MEMBERS = "programs.club EXISTS"


def test_what_is_owed_is_parted_into_what_can_be_spent_and_what_waits(crm, people, clock) -> None:
    """Law: pending and available come to the points owed, now and as of then, of one and of all; a debt is paid first."""
    anna, ben = people["Anna"], people["Ben"]
    crm.programs.set_access(ben, "club", "full")
    crm.points.credit(anna, "club", 100, valid_from="14 days", expires="30 days")
    crm.points.credit(anna, "club", 40)
    spent = crm.points.credit(ben, "club", 30)
    crm.points.spend(ben, "club", 30)
    crm.points.reverse(spent)                                       # 30 owed by Ben
    crm.points.credit(ben, "club", 20, valid_from="2 days")
    crm.points.credit(ben, "club", 35, valid_from="3 days")
    moments = []
    for _ in range(4):
        moments.append(clock())
        past = [crm.select(MEMBERS, as_of=each) for each in moments]
        for asked in (crm.select(MEMBERS), crm.select("first_name = 'Anna'"), *past):
            owed, at = asked.points_liability("club"), asked.as_of
            had = [(crm.points.balance(each, "club", as_of=at), crm.points.pending(each, "club", as_of=at)) for each in asked]
            assert owed.points == sum(max(0, balance) for balance, _ in had)
            assert owed.pending == sum(min(pending, max(0, balance)) for balance, pending in had), (at, had)
            assert ("pending" in str(owed)) is (owed.pending > 0)
        clock.advance("2 days" if len(moments) < 3 else "20 days")
    assert [crm.select(MEMBERS, as_of=each).points_liability("club").pending for each in moments] == [125, 125, 100, 0]
