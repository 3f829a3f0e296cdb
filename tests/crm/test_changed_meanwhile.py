"""What changes between the freeze of an apply and the batch that a customer is in: the rules are asked again."""

from collections.abc import Callable

import pytest

import custcrm
from custcrm import Crm, Customer, Plan
from custcrm.records import Target
from tests.batches import in_batches

SIZE = 2
PEOPLE = 6
EARLY, LATE = 0, 5
"""Places of a customer of the first batch, and of one of the last."""


class Crashed(BaseException):
    """Stands for the process that ends between two batches."""


@pytest.fixture
def members(crm: Crm) -> list[Customer]:
    """Add members of the club who have all that any action wants of them."""
    crm.programs.add("club", notifications="off")
    crm.accounts.add("wallet", program="club")
    crm.coupons.add_series("few", program="club", capacity=PEOPLE)
    crm.tags.set(crm.customers.add(first_name="Zoe"), "other")
    people = crm.customers.add_all([{"first_name": f"N{n}", "email": f"n{n}@example.com"} for n in range(PEOPLE)])
    for each in people:
        crm.programs.join(each, "club", access="full")
        crm.consents.grant(each, "email", evidence="form")
        crm.points.credit(each, "club", 50)
        crm.accounts.replenish(each, "wallet", 50)
        crm.tags.set(each, "VIP")
    return list(people)


DEEDS: dict[str, Callable[[custcrm.Selection], Plan]] = {
    "credit": lambda chosen: chosen.credit_points("club", 10),
    "spend": lambda chosen: chosen.spend_points("club", 10),
    "adjust": lambda chosen: chosen.adjust_points("club", 10, reason="late"),
    "replenish": lambda chosen: chosen.replenish("wallet", 10),
    "take": lambda chosen: chosen.spend_account("wallet", 10),
    "coupon": lambda chosen: chosen.issue_coupons("few"),
}
CHANGES: dict[str, Callable[[Crm, Customer], object]] = {
    "blacklisted": lambda crm, who: crm.programs.set_access(who, "club", "blacklisted"),
    "no_access": lambda crm, who: crm.programs.set_access(who, "club", "none"),
}


def resumed(plan: Plan, change: Callable[[], object], *, key: str = "k") -> custcrm.Result:
    """Stop after the first batch, let something change, and apply again under the same key."""

    def crash(done: int, total: int) -> None:
        if SIZE <= done < total:
            raise Crashed

    with pytest.raises(Crashed):
        plan.apply(key=key, progress=crash)
    change()
    return plan.apply(key=key)


@pytest.mark.parametrize("reason", ["blacklisted", "no_access"])
@pytest.mark.parametrize("deed", DEEDS)
def test_who_lost_access_since_the_freeze_gets_nothing(crm: Crm, members: list[Customer], deed: str, reason: str) -> None:
    """Law: whatever is done, who may not have it when the turn comes is refused, and counted under the reason told."""
    everybody = in_batches(crm, SIZE).select("programs.club EXISTS")
    before = standing(crm, members)

    def change() -> None:
        for place in (EARLY, LATE):
            CHANGES[reason](crm, members[place])

    result = resumed(DEEDS[deed](everybody), change)
    told = [result.outcome(each) for each in members]
    assert (told, result.applied, dict(result.skipped)) == (["applied"] * 5 + [reason], 5, {reason: 1})
    after = standing(crm, members)
    assert [now != then for now, then in zip(after, before, strict=True)] == [True] * 5 + [False]
    assert crm.coupons.left("few") == (1 if deed == "coupon" else PEOPLE)
    assert DEEDS[deed](everybody).apply(key="k") == result


def standing(crm: Crm, members: list[Customer]) -> list[tuple[object, ...]]:
    """Return what each member has of points, money and coupons."""
    with crm._business.store.read() as reader:
        lots = {each.id: sum(entry.delta for entry in reader.find(custcrm.PointsEntry, {"customer_id": each.id}))
                for each in members}
    return [(lots[each.id], crm.accounts.balance(each, "wallet"), len(crm.coupons.of(each))) for each in members]


def test_who_opted_out_since_the_freeze_is_not_written_to(crm: Crm, members: list[Customer]) -> None:
    """Law: consent is asked when the turn comes; who took it back has a rejected message that says so, as at the freeze."""
    crm.consents.deny(members[1], "email", evidence="form")

    def change() -> None:
        crm.consents.deny(members[LATE], "email", evidence="form")
        crm.consents.deny(members[EARLY], "email", evidence="form")
        crm.customers.update(members[4], email=None)

    plan = in_batches(crm, SIZE).select("programs.club EXISTS").send_message("Hello", channel="email")
    result = resumed(plan, change)
    assert (result.applied, dict(result.skipped)) == (3, {"no_consent": 2, "no_address": 1})
    kept = [crm.messages.of(each) for each in members]
    assert [[(message.status, message.reason) for message in mine] for mine in kept] == [
        [("planned", None)], [("rejected", "no_consent")], [("planned", None)], [("planned", None)],
        [("rejected", "no_address")], [("rejected", "no_consent")],
    ]


@pytest.mark.parametrize("deed", ["join", "untag", "inbox"])
def test_every_rule_of_an_action_is_asked_again(crm: Crm, members: list[Customer], deed: str) -> None:
    """Law: the outcome tells the rule's own reason: a member already, no longer tagged, not active."""
    last = crm.customers.add_all([{"first_name": f"P{n}"} for n in range(4)])[-1]
    plans: dict[str, tuple[Callable[[custcrm.Selection], Plan], Callable[[], object], str]] = {
        "join": (lambda chosen: chosen.join("club"), lambda: crm.programs.join(last, "club"), "already_a_member"),
        "untag": (lambda chosen: chosen.untag("late"), lambda: crm.tags.remove(last, "late"), "not_tagged"),
        "inbox": (lambda chosen: chosen.send_to_inbox("Hi"), lambda: crm.customers.deactivate(last), "inactive"),
    }
    crm.select("programs.club DOES NOT EXIST").tag("late").apply(key="late")
    make, change, reason = plans[deed]
    result = resumed(make(in_batches(crm, SIZE).select("tags.late EXISTS")), change)
    assert (result.outcome(last), result.skipped[custcrm.Reason(reason)]) == (reason, 1)


def test_who_was_deleted_since_the_freeze_is_counted(crm: Crm) -> None:
    """Law: the deleted are counted apart from those whom a rule refuses, in the same batch."""
    crm.programs.add("club")
    people = crm.customers.add_all([{"first_name": f"N{n}"} for n in range(PEOPLE)])
    crm.select().join("club").apply(key="join")

    def change() -> None:
        crm.customers.delete(people[4])
        crm.programs.set_access(people[5], "club", "blacklisted")

    result = resumed(in_batches(crm, SIZE).select().credit_points("club", 10), change)
    assert (result.applied, dict(result.skipped)) == (4, {"deleted": 1, "blacklisted": 1})


def test_who_may_again_stays_refused(crm: Crm, members: list[Customer]) -> None:
    """Law: who was refused at the freeze stays so: asking again only takes away, and numbers of targets stand."""
    crm.programs.set_access(members[LATE], "club", "none")
    plan = in_batches(crm, SIZE).select("programs.club EXISTS").credit_points("club", 10)
    result = resumed(plan, lambda: crm.programs.set_access(members[LATE], "club", "full"))
    assert (result.applied, dict(result.skipped)) == (5, {"no_access": 1})
    with crm._business.store.read() as reader:
        assert sorted(each.number for each in reader.find(Target)) == [-1, 1, 2, 3, 4, 5]
