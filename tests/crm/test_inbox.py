"""Inbox and offers: both kept for ever, what they are follows from time, openings and what happened to the coupon."""

import pytest
from attrs import evolve

import custcrm
from custcrm import KeyConflict, Malformed, NotFound, Refusal
from custcrm.records import Message, Opening
from custcrm.records.messages import MessageStatus
from custcrm.testing import RecordingChannel


@pytest.fixture
def email():
    return RecordingChannel()


@pytest.fixture
def crm(opened, email):
    return opened(currency="EUR", timezone="Europe/Helsinki", country="FI", channels={"email": email})


@pytest.fixture
def anna(crm, people):
    return people["Anna"]


def statuses(crm, customer, as_of=None):
    return [str(item.status) for item in crm.inbox.of(customer, as_of=as_of)]


@pytest.mark.feature("I13")
def test_a_message_has_title_preview_date_and_status(crm, anna, clock):
    """What is given is shown; the preview counts what people take for characters, and falls back on the text."""
    made = crm.inbox.add(anna, title="Harvest 🍇", short_description="👩‍👩‍👧" * 3, text="Come on Saturday", ends="30 days")
    [item] = crm.inbox.of(anna)
    assert (item.message, item.id, item.title, item.status) == (made, made.id, "Harvest 🍇", "New")
    assert (item.preview(2), item.preview(3)) == ("👩‍👩‍👧" * 2 + "…", "👩‍👩‍👧" * 3)
    assert (item.distributed_at, item.ends_at) == (clock(), custcrm.testing.ManualClock("2026-12-21T12:00+02:00")())
    crm.inbox.add(anna, title="Second", text="Come on Saturday")
    assert crm.inbox.of(anna)[1].preview(4) == "Come…"
    assert "Harvest" not in repr(item)
    assert crm.select("COUNT(inbox) = 2").ids() == [anna.id]


@pytest.mark.feature("I14", "I16", "I17", "V36")
def test_new_read_and_expired(crm, anna, clock):
    """Read in the app or in web ordering; expired once the end has passed although it was read, and read_at stays known."""
    first, second, third = (crm.inbox.add(anna, title=title, ends="10 days") for title in "123")
    clock.advance("1 day")
    read_at = clock()
    assert crm.inbox.open(first).status == "Read"
    crm.inbox.open(second, surface="web_ordering")
    crm.inbox.open(third, surface="email")
    assert statuses(crm, anna) == ["Read", "Read", "New"]
    clock.advance("8 days")
    clock.advance("23 hours")
    assert statuses(crm, anna) == ["Read", "Read", "New"]
    clock.advance("1 hour")
    items = crm.inbox.of(anna)
    assert [item.status for item in items] == ["Expired"] * 3
    assert [item.read_at for item in items] == [read_at, read_at, None]
    assert statuses(crm, anna, as_of=read_at) == ["Read", "Read", "New"]
    assert statuses(crm, anna, as_of="2026-11-21T13:00+02:00") == ["New"] * 3
    assert crm.inbox.open(third).status == "Expired"        # it can be looked at all the same
    assert crm.inbox.of(anna)[2].read_at == clock()


@pytest.mark.feature("I15", "I16")
def test_openings_are_kept_by_surface(crm, anna, clock):
    """Whether it was seen in the app and whether it was seen anywhere are two facts; the first time on each surface counts."""
    message = crm.inbox.add(anna, title="News")
    crm.inbox.open(message, surface="email")
    [item] = crm.inbox.of(anna)
    assert (item.status, item.seen_in_app, item.seen_anywhere, item.read_at) == ("New", False, True, None)
    seen_at = clock()
    clock.advance("1 hour")
    crm.inbox.open(item)
    crm.inbox.open(item.id, customer=anna)
    clock.advance("1 hour")
    again = crm.inbox.open(item, surface="email")
    assert again == crm.inbox.open(item, surface="app")
    assert (again.seen_in_app, again.seen_anywhere, again.opened["email"]) == (True, True, seen_at)
    assert list(again.opened) == ["email", "app"]
    with crm._business.reading() as reader:
        assert reader.count_records(Opening, {"customer_id": anna.id}) == 2
    earlier = crm.inbox.open(item, surface="push", at="2026-11-21T12:30+02:00")     # reported late
    assert list(earlier.opened) == ["email", "push", "app"]
    for wrong in ("ap", "", "television"):
        with pytest.raises(Malformed):
            crm.inbox.open(item, surface=wrong)


@pytest.mark.feature("X25")
def test_what_went_out_to_tell_of_it_is_told_by_channel(crm, people, email):
    """Sent, opened and Unsent are facts of each channel; who may not be contacted has the message in the inbox all the same."""
    anna, ben, chloe = people["Anna"], people["Ben"], people["Chloe"]
    for each in (anna, ben):
        crm.consents.grant(each, "email", evidence="form")
    plan = crm.select("programs.club.access EXISTS").send_to_inbox("{50 %}", channel="email", notice="News for {name}")
    assert (plan.eligible, plan.skipped) == (4, {})
    plan.apply(key="news")
    message = crm.inbox.add(ben, title="{50 %}", channel="email")
    [item] = crm.inbox.of(anna)
    assert item.channels == {"email": "planned"}
    assert crm.inbox.of(chloe)[0].channels == {}
    assert crm.outbox.dispatch() == 3
    assert sorted(each.text for each in email.sent) == ["News for Anna", "News for Ben", "{50 %}"]
    [item] = crm.inbox.of(anna)
    assert (item.channels, item.seen_anywhere) == ({"email": "sent"}, False)
    assert crm.inbox.open(item, surface="email").channels == {"email": "opened"}
    assert crm.inbox.of(anna)[0].status == "New"
    [sent] = [each for each in crm.messages.of(ben) if each.inbox_id == message.id]
    with crm._business.store.write() as writer:      # a receipt that came back
        held = writer.hold(Message, ben.id, sent.id)
        writer.replace(evolve(held, status=MessageStatus.BOUNCED))
    assert crm.inbox.of(ben)[1].channels == {"email": "Unsent"}


@pytest.mark.feature("I13")
def test_a_message_is_there_from_its_distribution(crm, anna, clock):
    """It can be put in for later; a span for its end counts from then; the past shows what was there."""
    later = crm.inbox.add(anna, title="Later", distributed="2026-12-01", ends="5 days")
    assert crm.inbox.of(anna) == []
    assert statuses(crm, anna, as_of="2026-12-02") == ["New"]
    assert later.ends_at == custcrm.testing.ManualClock("2026-12-06T00:00+02:00")()
    day = crm.inbox.add(anna, title="Day", ends="2026-11-21")
    assert statuses(crm, anna) == ["New"]
    clock.advance("12 hours")
    assert statuses(crm, anna) == ["Expired"] and day.ends_at == clock()


def test_once_under_a_key(crm, anna):
    """A repeated call puts one message in; other content is a conflict; a blank title and a past end are refused."""
    made = crm.inbox.add(anna, title="News", ends="3 days", key="k")
    assert crm.inbox.add(anna, title="News", ends="3 days", key="k") == made
    with pytest.raises(KeyConflict):
        crm.inbox.add(anna, title="Other", ends="3 days", key="k")
    for wrong, field in (
        ({"title": " "}, "title"), ({"title": "x" * 201}, "title"), ({"ends": "2026-11-20"}, "ends"),
        ({"ends": 3}, "span"), ({"channel": "emial"}, "channel"), ({"distributed": "soon"}, "distributed"),
        ({"channel": "email", "notice": "{nmae}"}, "text"), ({"channel": "email", "purpose": "fun"}, "purpose"),
    ):
        with pytest.raises(Malformed) as caught:
            crm.inbox.add(anna, **{"title": "t", **wrong})
        assert caught.value.field == field
    assert len(crm.inbox.of(anna)) == 1


def test_in_bulk_a_key_is_applied_once(crm, people):
    """Everyone gets one, again under the key nobody; who is inactive gets none."""
    crm.customers.deactivate(people["Eve"])
    plan = crm.select().send_to_inbox("News", short_description="Short", ends="3 days")
    assert (plan.eligible, plan.skipped) == (4, {"inactive": 1})
    assert plan.apply(key="n").applied == 4
    assert plan.apply(key="n").repeated
    assert [len(crm.inbox.of(each)) for each in people.values()] == [1, 1, 1, 1, 0]
    with pytest.raises(Refusal) as caught:
        crm.inbox.add(people["Eve"], title="News")
    assert caught.value.reasons == ("inactive",)


def test_a_removed_message_leaves_the_inbox_and_is_kept(crm, anna, clock):
    """It is gone from now on, with who did it and why; what was in the inbox before can still be seen."""
    message = crm.inbox.add(anna, title="Wrong price")
    before = clock()
    clock.advance("1 hour")
    removed = crm.inbox.remove(message, reason="wrong price")
    assert removed.removed_at == clock()
    clock.advance("1 hour")
    assert crm.inbox.remove(message.id, customer=anna) == removed
    assert crm.inbox.of(anna) == []
    assert statuses(crm, anna, as_of=before) == ["New"]
    assert crm.select("COUNT(inbox) = 0 AND EXISTS(activities WHERE kind = 'inbox_message_removed')").ids() == [anna.id]


def test_unknown_messages_are_not_found(crm, people):
    """A message is found by its record, or by its id beside its customer; another customer's is not."""
    message = crm.inbox.add(people["Anna"], title="News")
    for call in (crm.inbox.open, crm.inbox.remove):
        with pytest.raises(NotFound):
            call(message.id, customer=people["Ben"])
        with pytest.raises(Malformed):
            call(message.id)
    with pytest.raises(NotFound):
        crm.inbox.of("01900000-0000-7000-8000-000000000000")


# offers ---------------------------------------------------------------------------------------------


@pytest.fixture
def offered(crm, anna):
    crm.coupons.add_series(
        "autumn", program="club", valid="30 days", title="10 % off", titles={"fi": "10 % alennus"},
        description="Everything red", descriptions={"fi": "Kaikki punaiset"},
    )
    return [crm.coupons.issue(anna, "autumn") for _ in range(4)]


@pytest.mark.feature("I18", "I16")
def test_offers_are_coupons_as_the_customer_sees_them(crm, anna, offered, clock):
    """Title, preview, distribution date, redemption date and status; in the customer's language where the series has it."""
    clock.advance("1 day")
    crm.offers.open(offered[1])
    crm.offers.open(offered[2].code, surface="sms")
    crm.coupons.redeem(offered[0])
    offers = crm.offers.of(anna)
    assert [str(offer.status) for offer in offers] == ["Redeemed", "Read", "New", "New"]
    assert [offer.redeemed_at for offer in offers] == [clock(), None, None, None]
    assert [offer.seen_anywhere for offer in offers] == [False, True, True, False]
    first = offers[0]
    assert (first.title, first.preview(10), first.coupon.id) == ("10 % off", "Everything…", offered[0].id)
    assert (first.distributed_at, first.ends_at) == (offered[0].issued_at, offered[0].expires_at)
    assert "10 %" not in repr(first)
    crm.customers.update(anna, locale="fi-FI")
    assert crm.offers.of(anna)[0].title == "10 % alennus"
    assert crm.offers.of(anna)[0].short_description == "Kaikki punaiset"
    assert [str(offer.status) for offer in crm.offers.of(anna, as_of=offered[0].issued_at)] == ["New"] * 4


def test_an_offer_that_begins_later_is_shown_and_not_available(crm, anna, clock):
    """It says from when; then, or asked for then, it is available."""
    crm.coupons.add_series("next visit", program="club", valid_from="1 day")
    later = crm.coupons.issue(anna, "next visit")
    [offer] = [each for each in crm.offers.of(anna) if each.id == later.id]
    assert offer.valid_from == later.valid_from
    assert later.id not in [each.id for each in crm.offers.available(anna)]
    assert later.id in [each.id for each in crm.offers.available(anna, as_of=later.valid_from)]
    clock.advance("1 day")
    assert later.id in [each.id for each in crm.offers.available(anna)]


@pytest.mark.feature("I19", "I20")
def test_what_cannot_be_used_is_not_available_and_stays_known(crm, anna, offered, clock):
    """Redeemed, removed and expired offers leave `available`, and none of them is ever lost; removing is no redemption."""
    crm.coupons.redeem(offered[0])
    crm.offers.remove(crm.offers.of(anna)[1], reason="sent by mistake")
    assert [offer.id for offer in crm.offers.available(anna)] == [each.id for each in offered[2:]]
    assert [str(each.status) for each in crm.offers.of(anna)] == ["Redeemed", "Removed", "New", "New"]
    assert crm.coupons.state(offered[1]) == "revoked"
    assert crm.select("COUNT(redemptions) = 1").ids() == [anna.id]
    before = clock()
    clock.advance("30 days")
    assert crm.offers.available(anna) == []
    assert [str(each.status) for each in crm.offers.of(anna)] == ["Redeemed", "Removed", "Expired", "Expired"]
    assert len(crm.offers.available(anna, as_of=before)) == 2
    with pytest.raises(Refusal) as caught:
        crm.offers.remove(offered[0], reason="too late")
    assert "already_redeemed" in caught.value.reasons
    with pytest.raises(NotFound):
        crm.offers.open("NOSUCHCODE")


@pytest.mark.feature("V12")
def test_a_message_repeated_under_its_key_may_have_ended(crm, clock) -> None:
    """The same key gives the same message for ever; a new one that would never be seen is refused and leaves no key."""
    anna = crm.customers.add(first_name="Anna")
    first = crm.inbox.add(anna, title="Spring", ends="2026-12-01", key="spring")
    clock.advance("60 days")
    assert crm.inbox.add(anna, title="Spring", ends="2026-12-01", key="spring") == first
    for _ in range(2):
        with pytest.raises(Malformed, match="ends"):
            crm.inbox.add(anna, title="Late", ends="2026-12-01", key="late")
    assert crm.inbox.add(anna, title="In time", ends="30 days", key="late").title == "In time"
