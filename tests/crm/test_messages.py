"""Messages: who must not get one, what each will read, what it costs, and what happens when consent changes on the way."""

import pytest

import custcrm
from custcrm import Malformed, Refusal
from custcrm.records import Consent
from custcrm.testing import RecordingChannel


@pytest.fixture
def sms():
    return RecordingChannel()


@pytest.fixture
def crm(opened, sms):
    return opened(currency="EUR", country="FI", channels={"sms": sms})


@pytest.fixture
def base(crm):
    """Anna and a nameless customer consent to SMS, Dan does not; all are in a club that notifies by SMS."""
    crm.programs.add("club", notifications="sms")
    crm.senders.add("Harbour", program="club", requires_confirmation=True)
    anna = crm.customers.add(first_name="Anna", phone="040 123 4567")
    nameless = crm.customers.add(phone="040 765 4321")
    dan = crm.customers.add(first_name="Dan", phone="040 111 2222")
    for each in (anna, nameless):
        crm.consents.grant(each, "sms", evidence="form at the till")
    crm.select().join("club").apply(key="join")
    return anna, nameless, dan


@pytest.mark.feature("C17", "V29")
def test_a_text_is_tried_on_the_real_selection(crm, base):
    """A missing value without a word to fall back on stops the whole; with one, everybody is greeted; parts are exact."""
    _, nameless, _ = base
    strict = crm.select().send_message("Hi {name}", channel="sms")
    [problem] = strict.problems
    assert (problem.reason, problem.details) == ("missing_value", {"field": "name", "customers": 1})
    assert strict.customers("missing_value").ids() == [nameless.id]
    with pytest.raises(Refusal):
        strict.apply(key="k")
    plan = crm.select().send_message("Hi {name|friend}", channel="sms")
    assert (plan.eligible, plan.skipped, plan.cost.sms_parts) == (2, {"no_consent": 1}, 2)
    assert plan.preview(nameless) == "Hi friend"
    long = crm.select().send_message("🍷" + "!" * 70, channel="sms")
    assert long.cost.sms_parts == 4
    for bad in ("Hi {nmae}", "", "   "):
        with pytest.raises(Malformed):
            crm.select().send_message(bad, channel="sms")


@pytest.mark.parametrize("purpose", ["marketing", "service"])
def test_who_is_not_active_is_not_written_to(crm, base, sms, purpose):
    """A deactivated customer is skipped when it is planned, whatever the purpose, and gets nothing that was planned before."""
    anna, nameless, _ = base
    crm.select(f"id = '{anna.id}'").send_message("Hello", channel="sms", purpose=purpose).apply(key="before")
    crm.customers.deactivate(anna, reason="moved away")
    plan = crm.select().send_message("Hello", channel="sms", purpose=purpose)
    assert plan.skipped["inactive"] == 1 and plan.customers("inactive").ids() == [anna.id]
    plan.apply(key="after")
    crm.outbox.dispatch()
    assert anna.phone not in {each.to for each in sms.sent} and nameless.phone in {each.to for each in sms.sent}


@pytest.mark.feature("C18", "C19", "C20")
def test_a_shared_sender_reaches_only_who_confirmed(crm, base, sms):
    """The others get a rejected message with the reason, at no cost, never counted as applied."""
    anna, nameless, dan = base
    crm.programs.confirm_participation(anna, "club", evidence="redemption")
    plan = crm.select().send_message("Hello", channel="sms", sender="Harbour")
    assert (plan.eligible, plan.skipped, plan.cost.sms_parts) == (1, {"no_consent": 1, "not_confirmed": 1}, 1)
    assert plan.apply(key="k").applied == 1
    for customer, status, reason in ((anna, "planned", None), (nameless, "rejected", "not_confirmed"),
                                     (dan, "rejected", "no_consent")):
        [message] = crm.messages.of(customer)
        assert (message.status, message.reason) == (status, reason)
    assert (crm.outbox.waiting(), crm.outbox.dispatch(), crm.outbox.dispatch()) == (1, 1, 0)
    assert [(each.to, each.text, each.sender) for each in sms.sent] == [("+358401234567", "Hello", "Harbour")]


@pytest.mark.feature("V27", "X14")
def test_consent_is_asked_again_when_a_message_leaves(crm, base, sms):
    """Who took the consent back between plan and dispatch gets nothing, and the message says why."""
    anna, nameless, _ = base
    crm.select().send_message("Hello {name|you}", channel="sms").apply(key="k")
    crm.consents.deny(anna, "sms", evidence="phone call")
    assert crm.outbox.dispatch() == 1
    assert [each.text for each in sms.sent] == ["Hello you"]
    assert [(each.status, each.reason) for each in crm.messages.of(anna)] == [("rejected", "no_consent")]
    assert [each.status for each in crm.messages.of(nameless)] == ["sent"]


def test_every_answer_about_consent_is_kept(crm, base, clock):
    """What holds is the last answer; what held at another time is seen by as_of, and no answer is ever overwritten."""
    anna, *_ = base
    asked = "EXISTS(consents WHERE channel = 'sms' AND purpose = 'marketing' AND granted)"
    first = clock()
    clock.advance("30 days")
    crm.consents.deny(anna, "sms", evidence="phone call")
    denied = clock()
    clock.advance("30 days")
    assert anna not in crm.select(asked)
    crm.consents.grant(anna, "sms", evidence="web form")
    assert anna in crm.select(asked) and anna in crm.select(asked, as_of=first) and anna not in crm.select(asked, as_of=denied)
    assert crm.select("COUNT(consents) = 1").count() == 2       # one answer holds for each who gave one
    with crm._business.store.read() as reader:
        kept = list(reader.find(Consent, {"customer_id": anna.id}))
    assert [each.evidence for each in kept] == ["form at the till", "phone call", "web form"]


@pytest.mark.feature("C22", "C23", "C24", "V28")
def test_a_credit_is_told_as_the_program_says(crm, base, sms):
    """A blank text is the default text with amount and balance after; another is sent as given; notify=False is silence."""
    anna, *_ = base
    crm.points.credit(anna, "club", 100, text="  ")
    crm.points.credit(anna, "club", 5, notify=False)
    crm.points.credit(anna, "club", 20, text="Thank you, {name}")
    assert crm.outbox.dispatch() == 2
    assert [each.text for each in sms.sent] == ["You have been charged 100 bonus points, balance 100", "Thank you, Anna"]


@pytest.mark.feature("C23", "C24")
def test_a_bulk_credit_tells_each_balance(crm, base, sms):
    """Set-based or one by one, each reads the balance after the own credit."""
    anna, *_ = base
    crm.points.credit(anna, "club", 7, notify=False)
    crm.select().credit_points("club", 10).apply(key="k")
    assert crm.outbox.dispatch() == 3
    assert sorted(each.text for each in sms.sent) == [
        "You have been charged 10 bonus points, balance 10", "You have been charged 10 bonus points, balance 10",
        "You have been charged 10 bonus points, balance 17",
    ]


@pytest.mark.feature("C36")
def test_a_coupon_is_told_with_its_code_and_a_missing_phone_costs_nobody_a_coupon(crm, base, sms):
    """The default text carries the code; the message's rules are its own, the coupon's are the coupon's."""
    anna, *_ = base
    lone = crm.customers.add(first_name="Eve")
    crm.programs.join(lone, "club")
    crm.coupons.add_series("ten", program="club", per_customer=1, valid="30 days", title="10 % off")
    assert crm.select().issue_coupons("ten").apply(key="k").applied == 4
    [coupon] = crm.coupons.available(anna)
    assert len(crm.coupons.available(lone)) == 1 and crm.messages.of(lone) == []
    crm.outbox.dispatch()
    assert f"You have been credited coupon{coupon.code}" in [each.text for each in sms.sent]
    assert coupon.code is not None and len(coupon.code) == 12 and not set(coupon.code) & set("0O1I")


@pytest.mark.feature("C16")
def test_any_channel_can_be_added_in_code(opened, clock):
    """A channel is an object that takes a batch and gives receipts; without one, dispatching says what is missing."""
    viber = RecordingChannel()
    crm = opened(country="FI", channels={"viber": viber})
    anna = crm.customers.add(first_name="Anna", phone="040 123 4567")
    crm.consents.grant(anna, "viber", evidence="form")
    crm.select().send_message("Hi {first_name}", channel="viber").apply(key="k")
    assert crm.outbox.dispatch() == 1
    assert [each.text for each in viber.sent] == ["Hi Anna"]
    crm.select().send_message("Hi", channel="email", purpose="service").apply(key="mail")
    with pytest.raises(Malformed):
        crm.consents.grant(anna, "smss", evidence="form")
    with pytest.raises(Malformed):
        crm.programs.add("x", notifications="smss")


@pytest.mark.feature("T13", "V40")
def test_a_back_dated_visit_does_not_move_the_last_one_back(crm, base):
    """Visits count by when they happened, not by when they were entered."""
    anna, *_ = base
    crm.activities.log_visit(anna, occurred_at="2026-11-10")
    crm.activities.log_visit(anna, occurred_at="2026-10-01")
    assert crm.select("visits_count = 2 AND last_visit_at = DATE('2026-11-10')").ids() == [anna.id]


@pytest.mark.feature("S03")
def test_only_completed_jobs_are_counted(crm, base):
    """Booked and cancelled jobs are known, and not counted."""
    anna, *_ = base
    for status in ("booked", "completed", "cancelled", "completed"):
        crm.activities.log_job(anna, status=status)
    assert crm.select("jobs_completed = 2 AND COUNT(activities WHERE kind = 'job') = 4").ids() == [anna.id]
    with pytest.raises(Malformed) as caught:
        crm.activities.log_job(anna, status="complete")
    assert caught.value.suggestions == ("completed",)


@pytest.mark.feature("X30")
def test_clock_and_ids_are_the_callers(opened, clock):
    """Everything that happens is dated by the injected clock, to the microsecond."""
    crm = opened()
    anna = crm.customers.add(first_name="Anna")
    assert anna.created_at == anna.signed_up_at == clock()
    assert crm.activities.log_visit(anna).recorded_at == clock()
    assert isinstance(crm, custcrm.Crm)
