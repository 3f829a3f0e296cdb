"""The outbox on every store: nothing starts to somebody who has opted out, and an opt-out waits for no network."""

import threading
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest

from custcrm import ChannelsFailed, CrmError, Customer, Malformed, Unavailable
from custcrm.messaging.dispatching import BATCH
from custcrm.messaging.protocol import Receipt
from custcrm.records import Consent
from custcrm.testing import RecordingChannel

HESITATION = 0.5
"""Seconds in which an opt-out that waits for nothing is surely done."""


class Doing(RecordingChannel):
    """A channel of an app: does something of its own with each batch, and accepts it then."""

    def __init__(self, first):
        super().__init__()
        self._first = first

    def send(self, batch):
        self._first(batch)
        return super().send(batch)


def _told(crm, count):
    """Plan one message for each of so many who agreed."""
    rows = [{"first_name": f"N{n}", "phone": f"+358401234{n:03}"} for n in range(count)]
    with crm.transaction():
        people = crm.customers.add_all(rows)
        for each in people:
            crm.consents.grant(each, "sms", evidence="form")
    crm.select().send_message("Hello", channel="sms").apply(key="told")
    return people


def _message(crm, customer):
    [message] = crm.messages.of(customer)
    return message


def test_who_opts_out_while_others_are_written_to_is_not_written_to(opened):
    """However many wait: when the opt-outs are committed no more than one claim is under way, and no other one starts."""

    def all_opt_out(batch):
        if not channel.sent:
            for each in people:
                crm.consents.deny(each, "sms", evidence="phone call")

    channel = Doing(all_opt_out)
    crm = opened(country="FI", channels={"sms": channel})
    people = _told(crm, 3 * BATCH)
    crm.outbox.dispatch()
    assert len(channel.sent) == 20
    assert [_message(crm, each).reason for each in people] == [None] * 20 + ["no_consent"] * 40


def test_an_opt_out_waits_for_the_start_and_not_for_the_channel(opened, clock):
    """Once the rules have been asked, it is committed after the start; while the channel still sends, it is through."""
    done_too_early: list[bool] = []
    calls: list[str] = []
    people: list[Customer] = []
    opt_out: list[Future[None]] = []

    def ticking():
        if threading.current_thread() is threading.main_thread() and people:
            calls.append("read")
            if len(calls) == 4:  # the rules of the first have been asked, those of the last not yet
                opt_out.append(pool.submit(crm.consents.deny, people[0], "sms", evidence="phone call"))
                threading.Event().wait(HESITATION)
                done_too_early.append(opt_out[0].done())
        return clock()

    sms = Doing(lambda batch: opt_out[0].result(timeout=30))
    crm = opened(country="FI", clock=ticking, channels={"sms": sms})
    told = _told(crm, 4)
    with ThreadPoolExecutor(1) as pool:
        people += told
        assert crm.outbox.dispatch() == 4
    assert done_too_early == [False], "the opt-out was committed, and the message started after it"
    with crm._business.store.read() as reader:
        [denied] = reader.find(Consent, {"customer_id": people[0].id, "until": None})
    assert not denied.granted
    assert _message(crm, people[0]).started_at <= denied.occurred_at


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(0), timedelta(hours=-1)], ids=["ahead", "same", "behind"])
def test_an_opt_out_holds_whatever_its_clock_said(opened, clock, ahead):
    """The machine that took it may be ahead of, or behind, the one that dispatches: what is committed counts."""
    off = [timedelta(0)]
    sms = RecordingChannel()
    crm = opened(country="FI", clock=lambda: clock() + off[0], channels={"sms": sms})
    [anna] = _told(crm, 1)
    off[0] = ahead
    crm.consents.deny(anna, "sms", evidence="phone call")
    off[0] = timedelta(0)
    assert (crm.outbox.dispatch(), sms.sent) == (0, [])
    assert _message(crm, anna).reason == "no_consent"


def test_channels_that_are_away_or_retired_stop_no_other(opened):
    """On every store: their messages wait, all others go out, and the error says how many wait where."""

    def away(batch):
        raise Unavailable("the gateway is away")

    sms = RecordingChannel()
    crm = opened(country="FI", channels={"push": Doing(away), "sms": sms})
    _told(crm, 3)
    for channel in ("push", "email"):  # no channel is given for the emails any more
        crm.customers.update(crm.select().ids()[0], email="anna@example.org")
        crm.select().send_message("News", channel=channel, purpose="service").apply(key=channel)
    crm.select().send_message("News", channel="sms", purpose="service").apply(key="sms")
    with pytest.raises(CrmError) as caught:
        crm.outbox.dispatch()
    assert (len(sms.sent), crm.outbox.waiting()) == (6, 4)
    assert isinstance(caught.value, ChannelsFailed)
    assert (caught.value.accepted, caught.value.channels) == (6, {"push": 3, "email": 1})


class Answering:
    """A channel that sends, and returns for each batch what it is told to; `sent` are the ids of all messages."""

    def __init__(self, answer):
        self._answer = answer
        self.sent: list[str] = []

    def send(self, batch):
        self.sent += [each.id for each in batch]
        return self._answer([each.id for each in batch])


class Alike:
    """What only looks like a receipt."""

    def __init__(self, id, status):
        self.id, self.status, self.detail = id, status, None


def _of_first(first, *others):
    """Answer with those for the first of a batch, and a good receipt for each of the others."""
    return lambda ids: [*(each(ids[0]) for each in (first, *others)), *(Receipt(each, "accepted") for each in ids[1:])]


BAD = {
    "a number as detail": _of_first(lambda its: Receipt(its, "accepted", 550)),
    "bytes as detail": _of_first(lambda its: Receipt(its, "failed", b"550")),
    "a dict as detail": _of_first(lambda its: Receipt(its, "failed", {"code": 1})),
    "no receipt": _of_first(lambda its: Alike(its, "accepted")),
    "an unknown status": _of_first(lambda its: Alike(its, "sent")),
    "nothing": _of_first(lambda _: None),
    "a list as id": _of_first(lambda its: Receipt([its], "accepted")),
    "two that differ": _of_first(lambda its: Receipt(its, "accepted"), lambda its: Receipt(its, "failed")),
    "two that differ, turned round": _of_first(lambda its: Receipt(its, "failed"), lambda its: Receipt(its, "accepted")),
}
UNKEPT = {"NUL": ("4\x005", "4\ufffd5"), "half a character": ("\ud800!", "\ufffd!"), "a page": ("x" * 2_000_000, "x" * 200)}


def _outcomes(crm, channel):
    found = [each for one in crm.select() for each in crm.messages.of(one) if each.channel == channel]
    return Counter((each.status.value, each.reason) for each in found)


def _dispatched(opened, answer):
    """Let one channel answer so and another one well, and return the store, the first channel, and what a dispatch said."""
    odd, email = Answering(answer), RecordingChannel()
    crm = opened(country="FI", channels={"sms": odd, "email": email})
    crm.customers.add_all([{"email": f"n{n}@example.org", "phone": f"+358401234{n:03}"} for n in range(5)])
    for channel in ("sms", "email"):
        crm.select().send_message("Hello", channel=channel, purpose="service").apply(key=channel)
    try:
        crm.outbox.dispatch()
        said = None
    except Exception as error:  # noqa: BLE001 (whichever it is, it is looked at)
        said = error
    assert _outcomes(crm, "email") == {("sent", None): 5}, f"{type(said).__name__}: {len(email.sent)} of 5 emails were sent"
    return crm, odd, said


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD)
def test_a_bad_receipt_leaves_its_own_message_in_doubt_and_stops_nothing_else(opened, answer):
    """The other channels' messages go out, the good receipts of the same batch are kept, and it is told what was wrong."""
    crm, odd, said = _dispatched(opened, answer)
    assert _outcomes(crm, "sms") == {("sending", None): 1, ("sent", None): 4}
    assert isinstance(said, ChannelsFailed) and said.in_doubt == 1
    assert [each.id for each in crm.outbox.in_doubt()] == odd.sent[:1]
    assert [type(each) for each in said.exceptions] == [Malformed]


@pytest.mark.parametrize(("detail", "kept"), UNKEPT.values(), ids=UNKEPT)
@pytest.mark.parametrize(("outcome", "status"), [("accepted", "sent"), ("failed", "failed")])
def test_a_detail_that_cannot_be_kept_loses_no_receipt(opened, detail, kept, outcome, status):
    """What came of the message is known, on every store alike; of the detail there is what can be kept."""
    crm, _, said = _dispatched(opened, lambda ids: [Receipt(each, outcome, detail) for each in ids])
    assert (said, _outcomes(crm, "sms")) == (None, {(status, kept): 5})
