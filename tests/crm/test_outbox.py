"""The outbox on every store: nothing starts to somebody who has opted out, and an opt-out waits for no network."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest

from custcrm import ChannelsFailed, CrmError, Customer, Unavailable
from custcrm.messaging.dispatching import BATCH
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
