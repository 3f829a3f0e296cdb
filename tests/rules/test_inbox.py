"""The truth table of inbox messages and offers: what follows from instants, openings and receipts."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custcrm.records import InboxMessage, Message, Opening
from custcrm.records.coupons import CouponState
from custcrm.records.inbox import InboxStatus, OfferStatus
from custcrm.records.messages import MessageStatus
from custcrm.rules import inbox
from custcrm.rules.inbox import Delivery, Seen, message_status, offer_status, seen
from custcrm.values.errors import Malformed

START = datetime(2026, 11, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def a_message(ends: int | None = 10) -> InboxMessage:
    return InboxMessage(
        customer_id="c", id="m", title="t", distributed_at=day(0), ends_at=None if ends is None else day(ends)
    )


def opening(surface: str, at: int) -> Opening:
    return Opening(customer_id="c", id=f"{surface} {at}", subject="m", surface=surface, opened_at=day(at))


def told(channel: str = "email", status: str = "sent", sent: int | None = 1, opened: int | None = None) -> Message:
    return Message(
        customer_id="c", id=f"{channel} {sent}", channel=channel, purpose="service", text="", inbox_id="m", planned_at=day(0),
        status=MessageStatus(status), sent_at=None if sent is None else day(sent),
        opened_at=None if opened is None else day(opened),
    )


NEW, READ, EXPIRED = InboxStatus
SENT, UNSENT, OPENED = Delivery.SENT, Delivery.UNSENT, Delivery.OPENED

# openings, messages sent to tell of it, day asked about → status, day read, seen in app, seen anywhere, channels
TABLE: list[tuple[list[Opening], list[Message], int, InboxStatus, int | None, bool, bool, dict[str, Delivery]]] = [
    ([], [], 1, NEW, None, False, False, {}),
    ([], [], 10, EXPIRED, None, False, False, {}),
    ([opening("app", 2)], [], 3, READ, 2, True, True, {}),
    ([opening("app", 2)], [], 1, NEW, None, False, False, {}),
    ([opening("app", 2)], [], 10, EXPIRED, 2, True, True, {}),
    ([opening("web_ordering", 2)], [], 3, READ, 2, False, True, {}),
    ([opening("app", 3), opening("web_ordering", 2)], [], 3, READ, 2, True, True, {}),
    ([opening("app", 12)], [], 13, EXPIRED, 12, True, True, {}),
    ([opening("email", 2)], [], 3, NEW, None, False, True, {}),
    ([opening("push", 2), opening("app", 4)], [], 3, NEW, None, False, True, {}),
    ([], [told()], 3, NEW, None, False, False, {"email": SENT}),
    ([], [told(sent=5)], 3, NEW, None, False, False, {"email": Delivery.PLANNED}),
    ([], [told(status="delivered")], 3, NEW, None, False, False, {"email": Delivery.DELIVERED}),
    ([], [told(status="delivered", opened=2)], 3, NEW, None, False, True, {"email": OPENED}),
    ([], [told(status="sent", opened=4)], 3, NEW, None, False, False, {"email": SENT}),
    ([opening("email", 2)], [told()], 3, NEW, None, False, True, {"email": OPENED}),
    ([], [told(status="failed", sent=None)], 3, NEW, None, False, False, {"email": UNSENT}),
    ([], [told(status="bounced")], 3, NEW, None, False, False, {"email": UNSENT}),
    ([opening("app", 2)], [told(status="bounced")], 3, READ, 2, True, True, {"email": UNSENT}),
    ([], [told(status="rejected", sent=None)], 3, NEW, None, False, False, {"email": Delivery.REJECTED}),
    ([], [told(status="sending")], 3, NEW, None, False, False, {"email": Delivery.SENDING}),
    ([], [told(status="bounced"), told("sms", "delivered")], 3, NEW, None, False, False,
     {"email": UNSENT, "sms": Delivery.DELIVERED}),
    ([], [told(status="failed", sent=1), told(status="delivered", sent=2)], 3, NEW, None, False, False,
     {"email": Delivery.DELIVERED}),
    ([], [told(status="delivered", opened=2)], 10, EXPIRED, None, False, True, {"email": OPENED}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("openings", "messages", "at", "status", "read", "in_app", "anywhere", "channels"), TABLE
)
def test_the_truth_table(openings, messages, at, status, read, in_app, anywhere, channels):
    """Reading is opening in the app or in web ordering; a channel's opening is only seen; the end beats reading."""
    known = seen(openings, messages, day(at))
    assert message_status(a_message(), known, day(at)) is status
    assert known.read_at == (None if read is None else day(read))
    assert (known.in_app, known.anywhere, known.channels) == (in_app, anywhere, channels)


def test_the_texts_are_those_of_the_page():
    """What people see is verbatim: New, Read, Expired, and Unsent for what failed on its way."""
    assert [str(each) for each in InboxStatus] == ["New", "Read", "Expired"]
    assert str(Delivery.UNSENT) == "Unsent"


@given(st.lists(st.tuples(st.sampled_from(["app", "web_ordering", "email", "sms"]), st.integers(0, 20))), st.integers(0, 20))
def test_facts_only_grow_with_time(facts: list[tuple[str, int]], at: int):
    """Law: what is known at an instant is known the same at every later one; nothing before its time."""
    openings = [opening(*each) for each in facts]
    now, later = seen(openings, [], day(at)), seen(openings, [], day(at + 1))
    assert now.opened.items() <= later.opened.items()
    assert all(when <= day(at) for when in now.opened.values())
    assert now.read_at is None or later.read_at == now.read_at
    statuses = [list(InboxStatus).index(message_status(a_message(), seen(openings, [], day(t)), day(t))) for t in range(22)]
    assert statuses == sorted(statuses)


@pytest.mark.parametrize(("state", "read"), [*product(CouponState, [False, True])])
def test_an_offer_is_what_its_coupon_came_to(state: CouponState, read: bool):
    """Redeemed, removed and expired whether it was read or not; else New or Read, also while it is reserved."""
    known = seen([opening("app", 1)] if read else [], [], day(3))
    ended = {CouponState.REDEEMED: "Redeemed", CouponState.REVOKED: "Removed", CouponState.EXPIRED: "Expired"}
    assert offer_status(state, known) == ended.get(state, "Read" if read else "New")
    assert offer_status(CouponState.ISSUED, Seen()) is OfferStatus.NEW


@given(st.lists(st.tuples(st.sampled_from(["app", "email"]), st.integers(-3, 5)), max_size=8))
def test_the_first_opening_on_each_surface_is_kept(tries: list[tuple[str, int]]):
    """Law: in whatever order they are told, each surface's first time is known, and nothing is kept that adds nothing."""
    kept: list[Opening] = []
    for surface, at in tries:
        new = inbox.opening(f"{len(kept)}", a_message(), surface, day(at), kept)
        kept += [] if new is None else [new]
    first: dict[str, int] = {}
    for surface, at in tries:
        first[surface] = min(first.get(surface, 99), max(at, 0))      # nothing is opened before it is distributed
    assert seen(kept, [], day(9)).opened == {surface: day(at) for surface, at in first.items()}
    for surface in first:
        times = [each.opened_at for each in kept if each.surface == surface]
        assert times == sorted(set(times), reverse=True)


@pytest.mark.parametrize(
    ("locale", "text"),
    [("fi", "suomi"), ("fi-FI", "suomi"), ("fi_FI", "suomi"), ("FI", "suomi"), ("pt-BR", "brasil"), ("pt", "plain"),
     ("sv", "plain"), (None, "plain"), ("", "plain")],
)  # fmt: skip
def test_a_text_is_of_the_nearest_locale(locale: str | None, text: str):
    """Its own, else its language's, else the plain one; never that of another region."""
    assert inbox.localized({"fi": "suomi", "pt_BR": "brasil"}, "plain", locale) == text


def test_a_surface_is_known():
    """The app, web ordering and the channels, an app's own too; a misspelt one is told."""
    assert inbox.check_surface("kiosk", {"kiosk": object()}) == "kiosk"
    wrongs: dict[Any, str | None] = {"ap": "app", "emial": "email", "": None, None: None}
    for wrong, near in wrongs.items():
        with pytest.raises(Malformed) as caught:
            inbox.check_surface(wrong, ())
        assert near is None or caught.value.suggestions[0] == near
