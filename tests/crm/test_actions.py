"""Actions: planned first, applied once, resumed without gap; the single call means the same."""

import threading
from datetime import timedelta

import pytest

import custcrm
from custcrm import Conflict, KeyConflict, Malformed, NotFound, Reason, Refusal
from custcrm.records import TagAssignment
from tests.batches import in_batches

SKIPPED = {"not_a_member": 1, "blacklisted": 1, "no_access": 1}


class Crashed(BaseException):
    """Stands for the process that ends between two batches."""


def watched(plan, key):
    """Apply, and return the result with the steps of its progress."""
    steps: list[tuple[int, int]] = []
    return plan.apply(key=key, progress=lambda done, total: steps.append((done, total))), steps


@pytest.mark.feature("C14", "C22", "C29", "C30", "C31", "C32", "X13")
def test_a_plan_says_who_and_why_and_writes_nothing(crm, people):
    """Counts, reasons, cost and people agree with each other, and with what a customer is told."""
    plan = crm.select().credit_points("club", 100, expires="30 days")
    assert (plan.eligible, plan.skipped, plan.cost.points, plan.problems) == (2, SKIPPED, 200, ())
    assert plan.customers().ids() == [people["Anna"].id, people["Ben"].id]
    for name, verdict in [("Anna", "eligible"), ("Eve", "not_a_member"), ("Dan", "blacklisted"), ("Chloe", "no_access")]:
        assert plan.verdict(people[name]) == verdict
        if verdict != "eligible":
            assert plan.customers(verdict).ids() == [people[name].id]
    assert plan.customers("revoked").ids() == []
    assert crm.select("sales_count > 5").credit_points("club", 1).verdict(people["Anna"]) == "not_selected"
    assert crm.points.balance(people["Anna"], "club") == 0
    assert repr(plan) == "<Plan credit_points club 100: 2 eligible, 3 skipped, 0 problems>"
    assert "blacklisted" in str(plan)


@pytest.mark.feature("V12", "X13")
def test_a_key_stands_for_one_deed_for_ever(crm, people, clock):
    """Again with the same content: an equal result and nothing twice, also tomorrow; with other content: KeyConflict."""
    asked = crm.select("TRUE OR TRUE").credit_points("club", 100, expires="30 days")
    result = asked.apply(key="spring")
    clock.advance("1 day")
    again = crm.select("TRUE").credit_points("club", 100, expires="30 days").apply(key="spring")
    assert again == result and again.repeated and not result.repeated
    assert (result.applied, result.skipped) == (2, SKIPPED)
    assert crm.points.balance(people["Anna"], "club") == 100
    for other in (crm.select().credit_points("club", 101), crm.select("sales_count = 0").credit_points("club", 100),
                  crm.select().tag("spring")):
        with pytest.raises(KeyConflict):
            other.apply(key="spring")
    assert (result.outcome(people["Anna"]), result.outcome(people["Eve"])) == ("applied", "not_a_member")
    for bad in ("", "  ", "x" * 201):
        with pytest.raises(Malformed):
            asked.apply(key=bad)


@pytest.mark.feature("V37")
@pytest.mark.parametrize("crash_after", [0, 1, 2, 3])
def test_a_crash_and_a_resume_leave_nobody_out_and_nobody_twice(crm, crash_after):
    """Wherever it stops between batches, the same key finishes it: each customer has exactly one entry and one coupon."""
    crm = in_batches(crm, 3)
    crm.programs.add("club")
    crm.coupons.add_series("back", program="club", capacity=50, per_customer=1, valid="30 days")
    customers = crm.customers.add_all([{"first_name": f"N{n}"} for n in range(11)])
    crm.select().join("club").apply(key="join")

    def crash(done: int, total: int) -> None:
        if done >= 3 * crash_after and done < total:
            raise Crashed

    for key, plan in (("points", crm.select().credit_points("club", 10)), ("coupons", crm.select().issue_coupons("back"))):
        with pytest.raises(Crashed):
            plan.apply(key=key, progress=crash)
        result, steps = watched(plan, key)
        assert result.applied == 11 and not result.repeated
        assert steps[-1] == (11, 11) and steps == sorted(steps)
        assert plan.apply(key=key).repeated
    for customer in customers:
        assert crm.points.balance(customer, "club") == 10
        assert len(crm.coupons.available(customer)) == 1
    assert crm.coupons.left("back") == 39
    assert len({coupon.code for each in customers for coupon in crm.coupons.of(each)}) == 11


def test_eligibility_is_decided_at_the_freeze(crm, people):
    """What changed since the plan counts at apply; exactly=True refuses instead, and leaves not even the key."""
    plan = crm.select().credit_points("club", 100)
    crm.programs.set_access(people["Ben"], "club", "blacklisted")
    with pytest.raises(Conflict):
        plan.apply(key="k", exactly=True)
    result = plan.apply(key="k")
    assert (result.applied, result.changed_since_plan) == (1, 1)
    assert result.outcome(people["Ben"]) == "blacklisted"


@pytest.mark.feature("C35", "V15", "V16")
def test_a_series_is_never_oversold(crm, people):
    """More customers than coupons: the plan says both numbers, applying is refused, and nothing is written."""
    crm.select().join("club").apply(key="join")
    crm.coupons.add_series("welcome", program="club", capacity=2, per_customer=1, valid="30 days")
    members = crm.select("programs.club.access IN ('full', 'limited')")
    assert members.count() == 3
    plan = members.issue_coupons("welcome")
    [problem] = plan.problems
    assert (problem.reason, problem.details) == ("series_capacity", {"series": "welcome", "needed": 3, "left": 2})
    with pytest.raises(Refusal) as caught:
        plan.apply(key="k")
    assert caught.value.reason == Reason.SERIES_CAPACITY and "3" in str(caught.value) and "2" in str(caught.value)
    assert crm.coupons.left("welcome") == 2

    partial = members.issue_coupons("welcome", allow_partial=True)
    assert (partial.eligible, partial.skipped) == (2, {"series_capacity": 1})
    last = people["Eve"]
    assert partial.verdict(last) == "series_capacity" and partial.customers("series_capacity").ids() == [last.id]
    result = partial.apply(key="k")
    assert (result.applied, result.skipped, result.outcome(last)) == (2, {"series_capacity": 1}, "series_capacity")
    assert crm.coupons.left("welcome") == 0
    with pytest.raises(Refusal) as refused:
        crm.coupons.issue(last, "welcome")
    assert refused.value.reason == "series_capacity"


@pytest.mark.feature("V15", "X20")
def test_threads_never_issue_more_than_there_are(crm):
    """Twelve threads want one of five coupons each: five have it, seven are refused, the counter is exact."""
    crm.programs.add("club")
    crm.coupons.add_series("few", program="club", capacity=5)
    customers = crm.customers.add_all([{"first_name": f"N{n}"} for n in range(12)])
    crm.select().join("club").apply(key="join")
    outcomes: list[str] = []

    def want(customer: custcrm.Customer) -> None:
        try:
            crm.coupons.issue(customer, "few")
            outcomes.append("issued")
        except Refusal as refusal:
            outcomes.append(refusal.reason)

    threads = [threading.Thread(target=want, args=(customer,)) for customer in customers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["issued"] * 5 + ["series_capacity"] * 7
    assert crm.coupons.left("few") == 0
    assert sum(len(crm.coupons.of(each)) for each in customers) == 5


@pytest.mark.feature("V17")
def test_the_limit_per_customer_is_per_series(crm, people):
    """A second coupon of a series with limit one is refused for that customer alone; another series is another count."""
    for name in ("a", "b"):
        crm.coupons.add_series(name, program="club", per_customer=1)
    anna = people["Anna"]
    crm.coupons.issue(anna, "a", key="first")
    assert crm.coupons.issue(anna, "a", key="first") == crm.coupons.of(anna)[0]
    with pytest.raises(Refusal) as caught:
        crm.coupons.issue(anna, "a")
    assert caught.value.reason == "customer_limit"
    crm.coupons.issue(anna, "b")
    assert crm.select("programs.club EXISTS").issue_coupons("a").skipped["customer_limit"] == 1


@pytest.mark.feature("C25", "C29", "C30", "C31", "C32", "V34")
def test_a_single_call_follows_the_same_rules(crm, people):
    """Refused and allowed exactly as the plan says; with a key, once."""
    for name, reason in [("Eve", "not_a_member"), ("Dan", "blacklisted"), ("Chloe", "no_access")]:
        with pytest.raises(Refusal) as caught:
            crm.points.credit(people[name], "club", 10)
        assert caught.value.reason == reason and caught.value.reason in caught.value.reasons
        assert name not in str(caught.value)
    entry = crm.points.credit(people["Ben"], "club", 10, key="r-1")
    assert crm.points.credit(people["Ben"], "club", 10, key="r-1") == entry
    assert (entry.kind, entry.delta, entry.lot_id, entry.terminal) == ("credit", 10, entry.id, "api")
    with pytest.raises(KeyConflict):
        crm.points.credit(people["Anna"], "club", 10, key="r-1")
    assert (crm.points.balance(people["Ben"], "club"), crm.points.available(people["Ben"], "club")) == (10, 0)
    crm.programs.add("wine")
    crm.programs.join(people["Dan"], "wine")
    assert crm.points.credit(people["Dan"], "wine", 5).program == "wine"
    for bad in (0, -1, 1.5, True, "10"):
        with pytest.raises(Malformed):
            crm.points.credit(people["Anna"], "club", bad)
    with pytest.raises(NotFound) as unknown:
        crm.points.credit(people["Anna"], "clbu", 1)
    assert unknown.value.suggestions == ("club",)
    with pytest.raises(NotFound):
        crm.points.credit("01900000-0000-7000-8000-000000000000", "club", 1)


def test_a_bulk_credit_writes_the_rows_of_single_credits(crm, people):
    """The same constant: apart from ids, a bulk apply and a single call leave the same entry."""
    (crm.select() & [people["Anna"]]).credit_points("club", 10, expires="30 days", text="hello").apply(key="bulk")
    crm.points.credit(people["Ben"], "club", 10, expires="30 days", text="hello")
    with crm._business.store.read() as reader:
        [bulk], [single] = (
            list(reader.find(custcrm.PointsEntry, {"customer_id": people[name].id})) for name in ("Anna", "Ben")
        )
    same = ("program", "kind", "delta", "occurred_at", "expires_at", "terminal", "text", "reason", "actor", "spend_id")
    assert [getattr(bulk, name) for name in same] == [getattr(single, name) for name in same]
    assert bulk.lot_id == bulk.id and single.lot_id == single.id


@pytest.mark.feature("V14", "X18")
def test_lots_expire_by_time_alone(crm, people, clock):
    """A lot counts while now < expires_at; a last good day counts to its local end; no job runs."""
    anna = people["Anna"]
    crm.points.credit(anna, "club", 100, expires="2026-11-30")
    crm.points.credit(anna, "club", 50)
    assert crm.points.balance(anna, "club", as_of="2026-11-30T23:59:59") == 150
    assert crm.points.balance(anna, "club", as_of="2026-12-01") == 50
    assert crm.select("programs.club.points = 50", as_of="2026-12-01").ids() == [anna.id]
    clock.advance("10 days")
    assert crm.points.balance(anna, "club") == 50
    with pytest.raises(Refusal):
        crm.points.balance(people["Eve"], "club")


@pytest.mark.feature("C27", "C28", "C33", "C34", "V35")
def test_access_and_category_change_with_history(crm, people, clock):
    """Changes are seen at once, what was is seen by as_of, nothing is credited back."""
    ben, chloe = people["Ben"], people["Chloe"]
    crm.points.credit(ben, "club", 100)
    clock.advance("1 day")
    changed = crm.select("programs.club.access IN ('limited', 'none')").set_access("club", "full", reason="open").apply(key="k")
    assert changed.applied == 2
    assert crm.points.available(ben, "club") == 100 and crm.points.balance(chloe, "club") == 0
    assert crm.programs.membership(ben, "club").access == "full"
    assert crm.programs.membership(ben, "club", as_of="2026-11-21T13:00").access == "limited"
    assert crm.select("programs.club.access = 'limited'", as_of="2026-11-21T13:00").ids() == [ben.id]
    assert crm.select("programs.club.access = 'limited'").ids() == []
    assert crm.programs.membership(ben, "club").category == "New Customers"
    crm.programs.set_category(ben, "club", "Gold")
    assert crm.select("programs.club.category = 'Gold' AND programs.club.access = 'full'").ids() == [ben.id]
    with pytest.raises(NotFound) as caught:
        crm.select().set_category("club", "Glod")
    assert caught.value.suggestions == ("Gold",)
    with pytest.raises(Malformed):
        crm.programs.set_access(ben, "club", "fulll")


def test_joining_again_changes_nothing(crm, people):
    """Members are skipped by a bulk join; a single join returns the membership as it is."""
    plan = crm.select().join("club")
    assert (plan.eligible, plan.skipped) == (1, {"already_a_member": 4})
    assert plan.apply(key="join").applied == 1
    assert crm.programs.join(people["Ben"], "club").access == "limited"
    assert crm.select("programs.club EXISTS").count() == 5


@pytest.mark.feature("S09", "S10", "I21", "I22", "I23", "X23")
def test_tags_are_set_changed_and_removed_with_history(crm, people, clock):
    """Labels and values, spaces and spelling kept; setting and removing are idempotent; what was is seen by as_of."""
    anna, ben = people["Anna"], people["Ben"]
    crm.tags.set(anna, "Family member")
    crm.tags.set(anna, "USER_AFFILIATION", "CUSTOMER")
    crm.tags.set(ben, "USER_AFFILIATION", "Customer")
    assert crm.select("tags.USER_AFFILIATION = 'CUSTOMER'").ids() == [anna.id]
    assert crm.select('tags."Family member" EXISTS').ids() == [anna.id]
    clock.advance("1 day")
    crm.tags.set(anna, "USER_AFFILIATION", "INVESTOR")
    crm.tags.remove(anna, "Family member")
    crm.tags.remove(anna, "Family member")
    assert crm.tags.of(anna) == {"USER_AFFILIATION": "INVESTOR"}
    assert crm.tags.of(anna, as_of="2026-11-21T13:00") == {"Family member": None, "USER_AFFILIATION": "CUSTOMER"}
    assert crm.select("tags.USER_AFFILIATION = 'CUSTOMER'", as_of="2026-11-21T13:00").ids() == [anna.id]
    crm.tags.set(ben, "VIP", until="2 days")
    assert ben in crm.select("tags.VIP EXISTS")
    clock.advance("2 days")
    assert ben not in crm.select("tags.VIP EXISTS")
    assert crm.select().tag("all", "x").apply(key="t").applied == 5
    assert crm.select().untag("USER_AFFILIATION").skipped == {"not_tagged": 3}
    assert crm.select().untag("all").apply(key="u").applied == 5
    assert crm.select("tags.all EXISTS").count() == 0


def test_a_tag_begins_when_it_is_written(crm, clock):
    """What a later batch sets holds from that batch on: what others set and took off meanwhile stays as it was."""
    crm = in_batches(crm, 1)
    _, ben = crm.customers.add_all([{"first_name": "Anna"}, {"first_name": "Ben"}])

    def crash(done: int, total: int) -> None:
        if done == 1:
            raise Crashed

    plan, begun = crm.select().tag("size", "M"), clock()
    with pytest.raises(Crashed):
        plan.apply(key="sizes", progress=crash)
    clock.advance("1 hour")
    crm.tags.set(ben, "size", "L")
    clock.advance("1 hour")
    crm.tags.remove(ben, "size")
    clock.advance("1 hour")
    plan.apply(key="sizes")
    with crm._business.store.read() as reader:
        tags = sorted(reader.find(TagAssignment, {"customer_id": ben.id}), key=lambda tag: tag.since)
    hour = timedelta(hours=1)
    assert [(tag.value, tag.since, tag.until) for tag in tags] == [
        ("L", begun + hour, begun + 2 * hour), ("M", begun + 3 * hour, None),
    ]


@pytest.mark.feature("E27")
def test_eligibility_for_points_and_coupons_are_two_flags(crm, people):
    """Points look at one, coupons at the other."""
    anna = people["Anna"]
    crm.coupons.add_series("s", program="club")
    crm.customers.update(anna, loyalty_eligible=False)
    with pytest.raises(Refusal) as caught:
        crm.points.credit(anna, "club", 1)
    assert caught.value.reason == "not_eligible"
    crm.coupons.issue(anna, "s")
    crm.customers.update(anna, loyalty_eligible=True, coupon_eligible=False)
    crm.points.credit(anna, "club", 1)
    with pytest.raises(Refusal):
        crm.coupons.issue(anna, "s")


def test_calls_inside_a_transaction_stand_or_fall_together(crm, people):
    """An error that leaves the block undoes every call in it; without one, all stand; nesting joins."""
    anna = people["Anna"]

    def ring_up() -> None:
        with crm.transaction():
            crm.sales.record(anna, 10)
            crm.points.credit(anna, "club", 10, key="till")
            with crm.transaction():
                crm.tags.set(anna, "VIP")
            raise Crashed

    with pytest.raises(Crashed):
        ring_up()
    assert (crm.points.balance(anna, "club"), crm.tags.of(anna), crm.select("sales_count > 0").count()) == (0, {}, 0)
    with crm.transaction():
        crm.sales.record(anna, 10)
        crm.points.credit(anna, "club", 10, key="till")
        with pytest.raises(Refusal):
            crm.points.credit(people["Dan"], "club", 10)
    assert (crm.points.balance(anna, "club"), crm.select("sales_count > 0").count()) == (10, 1)


def test_a_face_for_somebody_else_acts_in_their_name(crm, people):
    """acting_as gives a second face of the same store, and leaves the first as it is."""
    crm.points_of_sale.add("Harbour", program="club")
    crm.terminals.add("till", point_of_sale="Harbour")
    maija = crm.acting_as("maija", terminal="till")
    entry = maija.points.credit(people["Anna"], "club", 1)
    assert (entry.actor, entry.terminal) == ("maija", "till")
    assert maija.sales.record(people["Anna"], 1).point_of_sale == "Harbour"
    assert crm.points.credit(people["Anna"], "club", 1).actor == ""
