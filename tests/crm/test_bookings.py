"""Bookings: effects that a rule decides customer by customer, in a bulk apply and for one."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from attrs import evolve

import custcrm
from custcrm import KeyConflict, Plan, Reason, Refusal
from custcrm.actions import applying, single
from custcrm.actions.action import Action, Booked, Booking, Occasion, Reserve, Turn
from custcrm.records import Applied, CouponSeries, Membership, PointsEntry, TagAssignment, Target
from custcrm.storage.effects import Change, CustomerKey, Given, NewId, Template
from custcrm.storage.protocol import Writer
from custcrm.storage.questions import Verdict
from custcrm.values.ids import numbered
from tests.batches import in_batches

pytestmark = pytest.mark.usefixtures("tampered")  # lots of no credit, a category that no change tells of

PEOPLE = 8
BATCH = 3
TAKEN = 10


class Crashed(BaseException):
    """Stands for the process that ends."""


@pytest.fixture
def crm(crm: custcrm.Crm, monkeypatch: pytest.MonkeyPatch) -> custcrm.Crm:
    """Apply to three customers in one transaction, of whom two are looked up together."""
    monkeypatch.setattr(applying, "PIECES", 2)
    return in_batches(crm, BATCH)


@pytest.fixture
def members(crm: custcrm.Crm) -> list[custcrm.Customer]:
    """Add members of the club in their order: those of even places have 15 points, the others 5."""
    crm.programs.add("club")
    crm.categories.add("club", "Took")
    crm.coupons.add_series("few", program="club", capacity=PEOPLE)
    people = list(crm.customers.add_all([{"first_name": f"N{n}"} for n in range(PEOPLE)]))
    for place, each in enumerate(people):
        crm.programs.join(each, "club")
        crm.points.credit(each, "club", 5 if place % 2 else 15, notify=False)
    return people


class Taking:
    """Takes points from whom has them: first the booking, then a tag for each, then a change of what is there."""

    def __init__(self, crm: custcrm.Crm, *, foreseen: str | None = None, reserve: bool = False) -> None:
        self.business = crm._business
        self.asked: list[list[int]] = []
        self.crash_at: str | None = None
        self.foreseen = Verdict(((Reason.NOT_ENOUGH_POINTS, crm.schema.parse(foreseen)),)) if foreseen else Verdict()
        self.reserve = reserve

    def action(self) -> Action:
        return Action(
            name="take", title="take", arguments={"points": TAKEN}, verdict=Verdict(), foreseen=self.foreseen,
            effects=self.effects,
            reserve=Reserve(record=CouponSeries, key=("few",), left=lambda reader: None) if self.reserve else None,
        )  # fmt: skip

    def plan(self, crm: custcrm.Crm) -> Plan:
        return Plan.of(self.business, self.action(), crm.select())

    def effects(self, occasion: Occasion) -> Sequence[Any]:
        tag = Template(
            record=TagAssignment,
            values={"customer_id": CustomerKey(), "id": NewId(1), "key": Given("took"), "since": Given(occasion.now),
                    "applied_id": Given(occasion.applied_id)},
        )  # fmt: skip
        change = Change(record=TagAssignment, match={"key": "took"}, values={"value": Given("yes")})
        return (Booking((PointsEntry, Membership), self.book), tag, change)

    def book(self, writer: Writer, occasion: Occasion, turns: Sequence[Turn]) -> Booked:
        self.asked.append([each.number for each in turns])
        mine = {"customer_id": [each.customer_id for each in turns], "program": "club"}
        if self.crash_at in mine["customer_id"]:
            raise Crashed
        left = dict(writer.totals(PointsEntry, mine, by=("customer_id",), of="delta"))
        allowed = [each for each in turns if left.get(each.customer_id, 0) >= TAKEN]
        members = [each for each in writer.find(Membership, mine) if each.customer_id in {one.customer_id for one in allowed}]
        return Booked(
            added=[
                PointsEntry(
                    customer_id=each.customer_id, id=numbered(occasion.applied_id, 0, each.number), program="club",
                    kind="spend", delta=-TAKEN, lot_id="lot", occurred_at=occasion.now, applied_id=occasion.applied_id,
                )
                for each in allowed
            ],
            replaced=[evolve(each, category="Took") for each in members],
            refused={each.customer_id: Refusal(Reason.NOT_ENOUGH_POINTS) for each in turns if each not in allowed},
        )  # fmt: skip


def taken(crm: custcrm.Crm) -> dict[str, int]:
    """Return how many spends each customer has."""
    with crm._business.reading() as reader:
        found = [each.customer_id for each in reader.find(PointsEntry, {"kind": "spend"})]
    return {each: found.count(each) for each in found}


def applied(crm: custcrm.Crm, key: str) -> Applied:
    with crm._business.reading() as reader:
        found = reader.get(Applied, key)
    assert found is not None
    return found


def assert_taken_once(crm: custcrm.Crm, members: list[custcrm.Customer], result: custcrm.Result, key: str) -> None:
    """Half of the members have all of it, the others nothing; every count says so."""
    rich, poor = members[::2], members[1::2]
    assert taken(crm) == dict.fromkeys((each.id for each in rich), 1)
    assert crm.select("tags.took = 'yes' AND programs.club.category = 'Took'").ids() == [each.id for each in rich]
    assert crm.select("tags.took EXISTS OR programs.club.category = 'Took'").count() == len(rich)
    assert (result.applied, result.skipped) == (len(rich), {"not_enough_points": len(poor)})
    assert {result.outcome(each) for each in rich} == {"applied"}
    assert {result.outcome(each) for each in poor} == {"not_enough_points"}
    kept = applied(crm, key)
    assert (kept.eligible, kept.done, kept.refused, kept.skipped) == (PEOPLE, PEOPLE, len(poor), {"not_enough_points": 4})


def test_who_is_refused_by_a_booking_is_skipped(crm, members):
    """Of the refused nothing is written by any effect; they move from applied to skipped, with their reason and outcome."""
    taking = Taking(crm)
    plan = taking.plan(crm)
    assert (plan.eligible, plan.skipped) == (PEOPLE, {})
    result = plan.apply(key="take")
    assert_taken_once(crm, members, result, "take")
    assert result.changed_since_plan == 4
    assert taking.asked == [[1, 2], [3], [4, 5], [6], [7, 8]], "few at a time, in order, each once"


def test_the_result_of_a_booking_is_the_same_for_ever(crm, members):
    """Again with the key: an equal result and nothing twice, also when there is more to take; other content is a conflict."""
    result = Taking(crm).plan(crm).apply(key="take")
    for each in members:
        crm.points.credit(each, "club", 100, notify=False)
    again = Taking(crm)
    repeated = again.plan(crm).apply(key="take")
    assert repeated == result and repeated.repeated and again.asked == []
    assert_taken_once(crm, members, repeated, "take")
    with pytest.raises(KeyConflict):
        Plan.of(crm._business, evolve(again.action(), arguments={"points": 1}), crm.select()).apply(key="take")


@pytest.mark.parametrize("crash_after", range(3))
def test_a_booking_is_resumed_between_batches(crm, members, crash_after):
    """Wherever the process ends between two batches, the same key finishes it: nobody twice, nobody missed."""
    def crash(done: int, total: int) -> None:
        if done >= BATCH * crash_after and done < total:
            raise Crashed

    with pytest.raises(Crashed):
        Taking(crm).plan(crm).apply(key="take", progress=crash)
    kept = applied(crm, "take")
    assert kept.done == BATCH * crash_after
    assert kept.done - kept.refused == len(taken(crm))
    assert_taken_once(crm, members, Taking(crm).plan(crm).apply(key="take"), "take")


@pytest.mark.parametrize("place", [0, 2, 4, PEOPLE - 1])
def test_a_booking_is_resumed_within_a_batch(crm, members, place):
    """A batch that breaks leaves nothing of itself, neither entries nor reasons nor counts, and is done anew."""
    taking = Taking(crm)
    taking.crash_at = members[place].id
    with pytest.raises(Crashed):
        taking.plan(crm).apply(key="take")
    kept = applied(crm, "take")
    assert kept.done == place // BATCH * BATCH
    assert kept.done - kept.refused == len(taken(crm))
    with crm._business.reading() as reader:
        refused = [each.number for each in reader.find(Target, {"reason": "not_enough_points"})]
    assert refused == [each for each in range(1, kept.done + 1) if each % 2 == 0]
    taking.crash_at = None
    assert_taken_once(crm, members, taking.plan(crm).apply(key="take"), "take")


def test_what_is_foreseen_is_told_by_the_plan(crm, members):
    """Rules that a booking has the last word on are in the plan and the freeze, and not asked again by the booking's turns."""
    taking = Taking(crm, foreseen=f"programs.club.points >= {TAKEN}")
    plan = taking.plan(crm)
    assert (plan.eligible, plan.skipped) == (4, {"not_enough_points": 4})
    assert plan.verdict(members[1]) == "not_enough_points"
    result = plan.apply(key="take")
    assert (result.applied, result.skipped, result.changed_since_plan) == (4, {"not_enough_points": 4}, 0)
    assert sum(map(len, taking.asked)) == 4


def test_refused_at_the_freeze_and_later_are_counted_together(crm, members):
    """One reason has one count, whether a rule said it at the freeze or the booking when its turn came."""
    taking = Taking(crm, foreseen=f"id <> '{members[1].id}'")
    result = taking.plan(crm).apply(key="take")
    assert (result.applied, result.skipped) == (4, {"not_enough_points": 4})
    kept = applied(crm, "take")
    assert (kept.eligible, kept.refused) == (7, 3)


def test_between_batches_others_may_take_it(crm, members):
    """A booking looks at each customer when the turn comes: what was spent since the freeze is gone."""
    last = members[6]

    def spend(done: int, total: int) -> None:
        if done == BATCH:
            single.perform(crm._business, Taking(crm).action, last.id)

    result = Taking(crm).plan(crm).apply(key="take", progress=spend)
    assert (result.applied, result.outcome(last)) == (3, "not_enough_points")
    assert taken(crm)[last.id] == 1


@pytest.mark.parametrize("crash", [False, True])
def test_what_was_reserved_for_the_refused_is_given_back(crm, members, crash):
    """Places that were reserved for all at the freeze are free again for each whom the booking refuses."""
    taking = Taking(crm, reserve=True)
    if crash:
        taking.crash_at = members[4].id
        with pytest.raises(Crashed):
            taking.plan(crm).apply(key="take")
        assert crm.coupons.left("few") == 1
        taking.crash_at = None
    taking.plan(crm).apply(key="take")
    assert crm.coupons.left("few") == 4
    assert applied(crm, "take").reserved == 4


def test_a_booking_is_not_asked_about_nobody(crm, members):
    """Where all of a piece have been refused before, there is no turn."""
    first, second = Taking(crm), Taking(crm)
    nobody = crm.select(f"programs.club.points < {TAKEN}")
    action = evolve(first.action(), effects=lambda occasion: (Booking((), first.book), Booking((), second.book)))
    result = Plan.of(crm._business, action, nobody).apply(key="take")
    assert (result.applied, result.skipped) == (0, {"not_enough_points": 4})
    assert second.asked == []


# one customer ------------------------------------------------------------------------------------


def test_a_single_booking_is_done_or_refused(crm, members):
    """One customer: a refusal is raised and leaves nothing, neither key nor entry; else it is written once under its key."""
    rich, poor = members[0], members[1]
    do: Callable[..., single.Performed] = lambda customer: single.perform(
        crm._business, Taking(crm).action, customer.id, key="one"
    )
    with pytest.raises(Refusal) as caught:
        do(poor)
    assert caught.value.reason == "not_enough_points"
    assert taken(crm) == {} and crm.tags.of(poor) == {}
    done = do(rich)
    assert done.of(PointsEntry).delta == -TAKEN and taken(crm) == {rich.id: 1}
    assert do(rich).of(PointsEntry) == done.of(PointsEntry)
    assert taken(crm) == {rich.id: 1} and crm.tags.of(rich) == {"took": "yes"}
    with pytest.raises(KeyConflict):
        do(poor)


def test_a_bulk_booking_writes_the_rows_of_a_single_one(crm, members):
    """Apart from ids, the same entries, tags and memberships."""
    (crm.select() & [members[0]])._plan(Taking(crm).action()).apply(key="bulk")
    single.perform(crm._business, Taking(crm).action, members[2].id)
    with crm._business.reading() as reader:
        rows = [
            [evolve(each, customer_id="", **dict.fromkeys({"id", "applied_id"} & set(type(each).__annotations__), ""))
             for record, where in ((PointsEntry, {"kind": "spend"}), (TagAssignment, {}), (Membership, {}))
             for each in reader.find(record, {**where, "customer_id": customer.id})]
            for customer in (members[0], members[2])
        ]
    assert rows[0] == rows[1] and len(rows[0]) == 3
