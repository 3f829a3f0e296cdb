"""The races about messages that go out; see `testing.races`, which runs them with the others."""

from __future__ import annotations

from typing import Final

from custcrm.crm import Crm
from custcrm.records import Consent, Message
from custcrm.records.messages import MessageStatus
from custcrm.testing.races.runners import PLENTY, RUNNERS, TURNS, Finish, Race, Turn, equal

EACH: Final = 5
"""Customers of each runner that takes opt-outs, in each turn."""


def _outbox(crm: Crm) -> list[str]:
    people = _who_agree(crm, 4 * PLENTY)
    (crm.select() & people).send_message("Hello", channel="sms").apply(key="outbox")
    return people


def _dispatch(crm: Crm, turn: Turn) -> str:
    return str(crm.outbox.dispatch(limit=1 + turn.runner % 4))


def _sent_once(finish: Finish) -> None:
    mine = finish.kept(Message, customer_id=list(finish.customers))
    sent = [each for each in mine if each.status == MessageStatus.SENT]
    equal(sum(map(int, finish.outcomes)), len(sent))
    equal((len(sent), len(mine)), (len(finish.customers), len(finish.customers)))


def _who_agree(crm: Crm, number: int) -> list[str]:
    people = [each.id for each in crm.customers.add_all([{"phone": f"+358401{each:06}"} for each in range(number)])]
    for each in people:
        crm.consents.grant(each, "sms", evidence="race")
    return people


def _subscribers(crm: Crm) -> list[str]:
    return _who_agree(crm, RUNNERS // 2 * TURNS * EACH)


def _opt_out_or_dispatch(crm: Crm, turn: Turn) -> str:
    """Half of the runners write to all of the turn; the others take their opt-outs, and tell what had not started then."""
    some = turn.customers[turn.number :: TURNS]
    if turn.runner % 2 == 0:
        (crm.select() & some).send_message("Hello", channel="sms").apply(key=f"opt-out {turn.runner} {turn.number}")
        crm.outbox.dispatch()
        return ""
    waiting: list[str] = []
    for each in reversed(some[turn.runner // 2 :: RUNNERS // 2]):
        crm.consents.deny(each, "sms", evidence="race")
        waiting += [message.id for message in crm.messages.of(each) if message.status == MessageStatus.PLANNED]
    return " ".join(waiting)


def _nothing_started_afterwards(finish: Finish) -> None:
    messages = {each.id: each for each in finish.kept(Message, customer_id=list(finish.customers))}
    equal({each.status for each in messages.values()} - {MessageStatus.SENT, MessageStatus.REJECTED}, set())
    waited = [id_ for outcome in finish.outcomes for id_ in outcome.split()]
    equal([id_ for id_ in waited if messages[id_].status == MessageStatus.SENT], [])
    denied = finish.kept(Consent, customer_id=list(finish.customers), until=None, granted=False)
    at = {each.customer_id: each.occurred_at for each in denied}
    equal(len(at), len(finish.customers))
    started = [(each, each.started_at) for each in messages.values() if each.started_at is not None]
    equal([each.id for each, start in started if start > at[each.customer_id]], [])


OUTBOX_RACES: Final = (
    Race(name="outbox", law="a message is sent once", prepare=_outbox, run=_dispatch, check=_sent_once),
    Race(name="opt-out", law="no message starts to who has opted out", prepare=_subscribers, run=_opt_out_or_dispatch,
         check=_nothing_started_afterwards),
)
"""They are part of `testing.races.RACES`. The second one sends all that waits, so it is the last."""
