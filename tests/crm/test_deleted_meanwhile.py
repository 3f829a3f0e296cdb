"""Who is deleted while a bulk action goes on: it goes on without them, and the others have it once."""

import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import pytest
from attrs import frozen

import custcrm
from custcrm import Crm, Customer, Plan, Selection
from custcrm.testing import RecordingChannel
from tests.batches import in_batches

PEOPLE = 7
BATCH = 2


@frozen
class Verb:
    """A bulk action that may be about people who can be deleted, and what each has of it: a number for one customer."""

    plan: Callable[[Selection], Plan]
    has: Callable[[Crm, Customer], Any]
    once: Any = 1


def balance(account: str) -> Callable[[Crm, Customer], str]:
    return lambda crm, each: str(crm.accounts.balance(each, account).amount)


VERBS = {
    "join": Verb(lambda s: s.join("other"), lambda crm, each: crm.select("programs.other EXISTS").ids().count(each.id)),
    "set_access": Verb(
        lambda s: s.set_access("club", "limited"),
        lambda crm, each: crm.select("programs.club.access = 'limited'").ids().count(each.id),
    ),
    "set_category": Verb(
        lambda s: s.set_category("club", "Gold"),
        lambda crm, each: crm.select("programs.club.category = 'Gold'").ids().count(each.id),
    ),
    "credit_points": Verb(lambda s: s.credit_points("club", 10), lambda crm, each: crm.points.balance(each, "club"), 10),
    "adjust_points": Verb(
        lambda s: s.adjust_points("club", 10, reason="x"), lambda crm, each: crm.points.balance(each, "club"), 10
    ),
    "replenish": Verb(lambda s: s.replenish("fees", 3), balance("fees"), "3.00"),
    "spend_account": Verb(lambda s: s.spend_account("fees", 3), balance("fees"), "-3.00"),
    "revoke_coupons": Verb(
        lambda s: s.revoke_coupons("had", reason="x"),
        lambda crm, each: [crm.coupons.state(coupon) for coupon in crm.coupons.of(each)], ["revoked"],
    ),
    "send_message": Verb(lambda s: s.send_message("Hi", channel="sms"), lambda crm, each: len(crm.messages.of(each))),
    "send_to_inbox": Verb(lambda s: s.send_to_inbox("News"), lambda crm, each: len(crm.inbox.of(each))),
    "tag": Verb(lambda s: s.tag("seen"), lambda crm, each: list(crm.tags.of(each)), ["had", "seen"]),
    "untag": Verb(lambda s: s.untag("had"), lambda crm, each: list(crm.tags.of(each)), []),
}  # fmt: skip


@pytest.fixture
def crm(opened: Callable[..., Crm]) -> Crm:
    return in_batches(opened(currency="EUR", country="FI", channels={"sms": RecordingChannel()}), BATCH)


@pytest.fixture
def members(crm: Crm) -> Sequence[Customer]:
    """Add members, in the order in which their turn comes, about whom is whatever a bulk action may ask for."""
    crm.programs.add("club", categories=["Gold"])
    crm.programs.add("other")
    crm.accounts.add("fees", program="club", credit_limit="100")
    crm.coupons.add_series("had", program="club")
    people = crm.customers.add_all([{"first_name": "N", "phone": f"+35840123456{number}"} for number in range(PEOPLE)])
    for each in people:
        crm.programs.join(each, "club")
        crm.tags.set(each, "had")
        crm.coupons.issue(each, "had")
        crm.consents.grant(each, "sms", evidence="form")
    return sorted(people, key=lambda each: each.id)


def apply_while(
    crm: Crm, plan: Plan, gone: Sequence[Customer], *, then: Callable[[int, int], None] = lambda done, total: None
) -> custcrm.Result:
    """Apply the plan, of whose customers some are deleted after the first batch; `then` is told of each."""

    def delete(done: int, total: int) -> None:
        if done == BATCH:
            for each in gone:
                crm.customers.delete(each)
        then(done, total)

    return plan.apply(key="k", progress=delete)


@pytest.mark.parametrize("verb", VERBS)
def test_nobody_twice_and_nobody_missed_when_one_is_deleted(crm: Crm, members: Sequence[Customer], verb: str):
    """Law: whatever is done to many, who is deleted before their turn is passed over, and it is done once to all others."""
    asked = VERBS[verb]
    try:
        apply_while(crm, asked.plan(crm.select()), [members[3]])
        stopped = ""
    except custcrm.Unfinished as error:
        stopped = str(error)
    left = [each for each in members if each != members[3]]
    assert ([asked.has(crm, each) for each in left], stopped) == ([asked.once] * len(left), "")
    kept = crm.applied("k")
    assert (kept.is_finished, kept.eligible - kept.refused, kept.skipped) == (True, len(left), {"deleted": 1})


@pytest.mark.parametrize("places", [(2,), (6,), (2, 3), (5, 6), (2, 3, 4, 5, 6)])
def test_wherever_the_deleted_stand(crm: Crm, members: Sequence[Customer], places: Sequence[int]):
    """Law: the first or the last of a batch, a whole batch or all that are left may go; the rest are counted once."""
    gone = [members[place] for place in places]
    apply_while(crm, crm.select().revoke_coupons("had", reason="x"), gone)
    left = [each for each in members if each not in gone]
    assert [crm.coupons.state(crm.coupons.of(each)[0]) for each in left] == ["revoked"] * len(left)
    kept = crm.applied("k")
    assert kept.skipped == {"deleted": len(gone)}, "nobody's turn came twice"
    assert (kept.is_finished, kept.eligible - kept.refused) == (True, len(left))


@pytest.mark.parametrize(
    "terms", [{}, {"per_customer": 2}, {"codes": "shared"}, {"revoke_frees": False}], ids=["plain", "limit", "shared", "kept"]
)
@pytest.mark.parametrize("stops", [False, True])
def test_the_places_of_the_deleted_are_free_again(crm: Crm, members: Sequence[Customer], terms: dict[str, Any], stops: bool):
    """Law: a place of who was deleted before their turn goes back to the series once, also when the issue was stopped."""
    crm.coupons.add_series("few", program="club", capacity=PEOPLE, **terms)
    plan, gone = crm.select().issue_coupons("few"), [members[3], members[6]]

    def stop(done: int, total: int) -> None:
        if stops and done == 2 * BATCH:
            raise KeyboardInterrupt

    with nullcontext() if not stops else pytest.raises(KeyboardInterrupt):
        apply_while(crm, plan, gone, then=stop)
    if stops:
        assert crm.coupons.left("few") == 1, "one was to have theirs by now, the other is not reached"
    result = plan.apply(key="k")
    left = [each for each in members if each not in gone]
    assert [[each.series for each in crm.coupons.of(one)].count("few") for one in left] == [1] * len(left)
    assert crm.coupons.left("few") == len(gone)
    assert (result.applied, result.skipped) == (len(left), {"deleted": len(gone)})
    assert plan.apply(key="k") == result and crm.coupons.left("few") == len(gone)


# at the same time ----------------------------------------------------------------------------------


WHILE = 0.1
"""Seconds for which a transaction stays open, so that whoever must wait for it does."""

KINDS = ("set_access", "credit_points", "spend_account", "revoke_coupons", "send_to_inbox")
"""Verbs that change what is there, add for each, or book customer by customer."""


def outcome_of(call: Callable[[], Any]) -> str:
    """Return 'done', or what was raised."""
    try:
        call()
    except custcrm.Refusal as refusal:
        return str(refusal.reason)
    except custcrm.CrmError as error:
        return f"{type(error).__name__}: {error}"
    return "done"


@pytest.mark.parametrize("verb", KINDS)
def test_a_deletion_waits_for_what_is_done_to_many(crm: Crm, members: Sequence[Customer], verb: str):
    """Law: who is deleted while something is done to many goes after it, with all of it, or stays for what must be kept."""
    met: list[str] = []
    deleting = threading.Thread(target=lambda: met.append(outcome_of(lambda: crm.customers.delete(members[0]))))
    with crm.transaction():
        VERBS[verb].plan(in_batches(crm, PEOPLE).select()).apply(key="k")
        deleting.start()
        deleting.join(WHILE)
    deleting.join()
    there = crm.select().count()
    assert (met, there) in ((["done"], PEOPLE - 1), (["financial_records"], PEOPLE)), met


@pytest.mark.parametrize("after", [0, BATCH])
@pytest.mark.parametrize("verb", KINDS)
def test_what_is_done_to_many_waits_for_a_deletion(crm: Crm, members: Sequence[Customer], verb: str, after: int):
    """Law: before the freeze and between two batches, who is being deleted is passed over, and nothing is stopped by it."""
    deleted = threading.Event()

    def delete() -> None:
        with crm.transaction():
            crm.customers.delete(members[3])
            deleted.set()
            threading.Event().wait(WHILE)

    deleting = threading.Thread(target=delete)

    def start(done: int, total: int) -> None:
        if done == after and not deleted.is_set():
            deleting.start()
            deleted.wait()

    plan = VERBS[verb].plan(crm.select())
    if not after:
        start(0, 0)
    met = outcome_of(lambda: plan.apply(key="k", progress=start))
    deleting.join()
    left = [each for each in members if each != members[3]]
    assert (met, [VERBS[verb].has(crm, each) for each in left]) == ("done", [VERBS[verb].once] * len(left))
