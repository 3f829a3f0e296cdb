"""Deactivating and deleting: what can be undone, what must be kept, and what goes for good."""

import threading

import pytest
from attrs import evolve

import custcrm
from custcrm import Malformed, NotFound, Refusal
from custcrm.records import RECORDS, Applied, Customer, Target
from custcrm.records.declaration import declaration
from custcrm.testing import RecordingChannel
from tests.batches import in_batches


@pytest.fixture
def crm(opened):
    return opened(currency="EUR", timezone="Europe/Helsinki", country="FI", channels={"sms": RecordingChannel()})


def facts_about(crm, customer_id):
    """Return the names of the records that still name the customer."""
    with crm._business.reading() as reader:
        named = {record: "id" if record is Customer else "customer_id" for record in RECORDS}
        return {
            record.__name__
            for record, column in named.items()
            if column in declaration(record).names and reader.count_records(record, {column: customer_id})
        }


def known_everywhere(crm, program="club"):
    """Add a customer about whom there is a fact of every kind but a financial one."""
    anna = crm.customers.add(
        first_name="Anna", email="anna@example.org", phone="040 123 4567", card_number="7", attributes={"size": "M"},
        external_ids={"shop": "17"},
    )
    crm.customers.add_contact_point(anna, "email", "second@example.org")
    crm.tags.set(anna, "VIP")
    crm.consents.grant(anna, "sms", evidence="form")
    crm.programs.join(anna, program)
    crm.activities.log_call(anna, status="spoke")
    crm.inbox.open(crm.inbox.add(anna, title="News", channel="sms"))
    crm.select("first_name = 'Anna'").tag("Spring").apply(key="spring")
    return anna


@pytest.mark.feature("I01", "I03", "T37")
def test_a_customer_without_financial_records_goes_with_everything(crm):
    """No record names the customer any more, the address and the card are free again, and others are left alone."""
    crm.programs.add("club")
    crm.coupons.add_series("welcome", program="club", capacity=3, per_customer=2)
    anna, ben = known_everywhere(crm), crm.customers.add(first_name="Ben")
    for each in (anna, ben):
        crm.inbox.add(each, title="Other")
    crm.programs.join(ben, "club")
    for each in (anna, anna, ben):
        crm.coupons.issue(each, "welcome")
    many = {"Target", "Coupon", "Opening", "InboxMessage", "Message", "Consent", "MembershipChange"}
    assert many <= facts_about(crm, anna.id)
    bens = facts_about(crm, ben.id)
    crm.customers.delete(anna)
    assert facts_about(crm, anna.id) == set()
    assert facts_about(crm, ben.id) == bens
    assert crm.coupons.left("welcome") == 2
    assert crm.select().ids() == [ben.id]
    crm.customers.add(email="second@example.org", card_number="7", external_ids={"shop": "17"})
    for call in (crm.customers.get, crm.customers.delete, crm.customers.deactivate):
        with pytest.raises(NotFound):
            call(anna.id)
    with crm._business.reading() as reader:     # that it was applied stays known, and to how many
        assert reader.get(Applied, "spring").eligible == 1


@pytest.mark.feature("T37", "I01")
def test_financial_records_must_be_kept(crm):
    """The refusal lists what is there; nothing is removed, and the customer can be deactivated instead."""
    crm.programs.add("club")
    crm.accounts.add("wallet", program="club")
    crm.coupons.add_series("welcome", program="club")
    anna = known_everywhere(crm)
    before = facts_about(crm, anna.id)
    sale = crm.sales.record(anna, 10)
    crm.sales.record(anna, 20)
    crm.sales.refund(sale, "5.00")
    crm.points.credit(anna, "club", 100)
    crm.accounts.replenish(anna, "wallet", 5)
    crm.coupons.redeem(crm.coupons.issue(anna, "welcome"))
    with pytest.raises(Refusal) as caught:
        crm.customers.delete(anna)
    assert caught.value.reasons == ("financial_records",)
    assert caught.value.details == {"sales": 3, "points_entries": 1, "account_entries": 1, "redemptions": 1}
    assert "Anna" not in str(caught.value) and "sales: 3" in str(caught.value)
    assert before <= facts_about(crm, anna.id)
    ben = crm.customers.add(first_name="Ben")
    crm.sales.record(ben, 10)
    with pytest.raises(Refusal) as caught:
        crm.customers.delete(ben)
    assert caught.value.details == {"sales": 1}
    assert crm.customers.deactivate(ben).status == "inactive"


@pytest.mark.feature("T37")
def test_deactivating_is_undone_by_activating(crm):
    """Nothing is sent to an inactive customer, neither planned before nor after; all else stays, and history tells why."""
    crm.programs.add("club", notifications="sms")
    anna = known_everywhere(crm)
    crm.select().send_message("Hello", channel="sms").apply(key="before")
    assert crm.customers.deactivate(anna, reason="moved away").status == "inactive"
    assert crm.customers.deactivate(anna).status == "inactive"
    assert crm.select("status = 'inactive'").ids() == [anna.id]
    assert crm.select().send_message("Hello", channel="sms").skipped == {"inactive": 1}
    assert crm.outbox.dispatch() == 0
    told = [each.reason for each in crm.messages.of(anna)]
    assert set(told) == {"inactive"}
    with crm._business.reading() as reader:
        noted = list(reader.find(custcrm.Activity, {"customer_id": anna.id, "kind": "account_changed"}))
    assert [each.payload for each in noted] == [{"changed": {"status": ["active", "inactive"]}}]
    assert noted[0].summary == "moved away"
    assert crm.customers.activate(anna).status == "active"
    assert crm.select().send_message("Hello", channel="sms").eligible == 1
    with pytest.raises(Malformed):
        crm.customers.deactivate(anna, reason="\0")


@pytest.mark.feature("I03", "V15")
def test_a_code_that_the_customer_took_is_free_again(crm):
    """It was printed for somebody: its place stays taken, once, and whoever comes next may have it; a revoked one stays so."""
    crm.programs.add("club")
    crm.coupons.add_series("flyer", program="club", capacity=4, per_coupon=2)
    code, used, revoked = crm.series.generate("flyer", 3)
    ben, dan = (crm.customers.add(first_name=name) for name in ("Ben", "Dan"))
    for each in (ben, dan):
        crm.programs.join(each, "club")
    crm.coupons.redeem(used, identity="guest", reference="g-1")
    for each in (code, used, revoked):
        crm.coupons.reserve(each, customer=dan, reference=f"order of {each}", key=each)
    crm.coupons.revoke(revoked, reason="lost")
    assert crm.coupons.left("flyer") == 2
    crm.customers.delete(dan)
    assert crm.coupons.left("flyer") == 2
    assert [crm.coupons.state(each) for each in (code, used, revoked)] == ["free", "free", "revoked"]
    with pytest.raises(NotFound):
        crm.coupons.reserve(code, customer=dan, reference=f"order of {code}", key=code)
    assert crm.coupons.why(code, customer=ben) == () == crm.coupons.why(code, identity="another guest")
    with pytest.raises(Refusal):
        crm.series.revoke_code(revoked)
    crm.series.revoke_code(code)
    assert crm.coupons.left("flyer") == 3
    coupon = crm.coupons.redeem(used, customer=ben)
    assert (coupon.customer_id, crm.coupons.state(coupon), crm.coupons.left("flyer")) == (ben.id, "redeemed", 3)
    for _ in range(3):
        crm.coupons.issue(ben, "flyer")
    with pytest.raises(Refusal):
        crm.coupons.issue(ben, "flyer")


@pytest.mark.usefixtures("tampered")
def test_a_code_whose_coupon_is_gone_is_not_found(crm):
    """What should not be in a store may be there all the same: it is said, not asserted."""
    crm.programs.add("club")
    crm.coupons.add_series("flyer", program="club", capacity=4)
    [code] = crm.series.generate("flyer", 1)
    ben = crm.customers.add(first_name="Ben")
    crm.programs.join(ben, "club")
    with crm._business.store.write() as writer:
        free = writer.hold(custcrm.FreeCode, code)
        assert free is not None
        writer.replace(evolve(free, taken_at=free.created_at))
    with pytest.raises(NotFound):
        crm.coupons.redeem(code, customer=ben)
    with pytest.raises(NotFound):
        crm.coupons.why(code, customer=ben)
    with pytest.raises(Malformed):
        crm.series.revoke_code(code)


def test_a_key_of_a_deleted_customer_leads_nowhere(crm):
    """The key stays used; there is nothing left to return, and that is said."""
    anna = crm.customers.add(first_name="Anna")
    crm.inbox.add(anna, title="News", key="k")
    crm.customers.delete(anna)
    with pytest.raises(NotFound):
        crm.inbox.add(anna, title="News", key="k")


def test_an_apply_goes_on_without_the_deleted(crm):
    """Whoever is deleted between two batches is passed over, and the rest get theirs."""
    made = crm.customers.add_all([{"first_name": f"P{number}"} for number in range(5)])
    plan = in_batches(crm, 2).select().send_to_inbox("News")
    shown = []

    def stop(done, total):
        shown.append(done)
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        plan.apply(key="n", progress=stop)
    crm.customers.delete(made[3])
    plan.apply(key="n")
    assert [len(crm.inbox.of(each)) for each in made if each != made[3]] == [1] * 4
    with crm._business.reading() as reader:
        assert reader.count_records(Target) == 4


def test_a_sale_at_the_same_time_wins(crm, where):
    """A deletion and a sale of one customer at once: either the sale is there and the customer too, or neither is."""
    for _ in range(8):
        anna = crm.customers.add(first_name="Anna")
        ready = threading.Barrier(2)
        met: list[str] = []

        def meet(call, ready=ready, met=met):
            ready.wait()
            try:
                call()
                met.append("done")
            except custcrm.CrmError as error:
                met.append(type(error).__name__)

        calls = [lambda anna=anna: crm.customers.delete(anna), lambda anna=anna: crm.sales.record(anna, 1)]
        threads = [threading.Thread(target=meet, args=(call,)) for call in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        left = facts_about(crm, anna.id)
        assert ("Sale" in left) == ("Customer" in left)
        assert met.count("done") == 1, met
