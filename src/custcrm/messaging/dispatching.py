"""Dispatching: planned messages are claimed, rendered, handed to their channels, and get their receipts.

A message is claimed in one transaction and gets its receipt in another; between the two it is `sending` and no
transaction is open. Whatever ends a process in between leaves it so: in doubt, as it may have been sent. The names to
know are `dispatch` and `in_doubt`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final, TypeAlias

from attrs import evolve, field, frozen

from custcrm.messaging.protocol import Channel, Outcome, Outgoing, Receipt, address_field
from custcrm.messaging.templates import TextTemplate, Values, action_values, customer_values
from custcrm.records.customers import Customer
from custcrm.records.messages import Message, MessageStatus
from custcrm.storage.protocol import Reader, Store, Writer
from custcrm.values.errors import Malformed, Reason, Unavailable
from custcrm.values.shapes import several, whole_number

BATCH: Final = 100
"""Messages handed over at once: about a second of a mail server's work, and no more than that is ever in doubt."""


AFTER: Final[Mapping[Outcome, MessageStatus]] = MappingProxyType({
    Outcome.ACCEPTED: MessageStatus.SENT,
    Outcome.DELIVERED: MessageStatus.DELIVERED,
    Outcome.BOUNCED: MessageStatus.BOUNCED,
    Outcome.FAILED: MessageStatus.FAILED,
    Outcome.REJECTED: MessageStatus.REJECTED,
})
"""What a message becomes by its receipt."""

MALFORMED_TEXT: Final = "malformed_text"
"""Reason of a message that failed because its template cannot be read; planning lets none through."""

Refuse: TypeAlias = Callable[[Reader, Message, Customer], Reason | None]
"""The rule that is asked again before a message goes out: consent, suppression, confirmation."""


@frozen
class Claimed:
    """A message that is ours to hand over, and what its recipient will read."""

    message: Message = field(repr=False)
    outgoing: Outgoing


def dispatch(
    store: Store,
    *,
    now: Callable[[], datetime],
    channels: Mapping[str, Channel],
    refusal: Refuse,
    limit: int | None = None,
    values: Callable[[Customer], Values] = customer_values,
) -> int:
    """Hand planned messages to their channels, oldest first, and return how many were accepted or delivered.

    `refusal` is asked of each message in the transaction that claims it; who is refused, has no address or lacks a
    value that the text needs gets a `rejected` message with the reason, and nothing is sent. `limit` is the most
    messages to take, whatever becomes of them. Safe in any number of threads and processes: each message is claimed
    once. Call it outside of `store.write()`: inside one, nothing would be claimed before it is sent.

    Raises `Malformed`, before anything of that channel is claimed, where a message wants a channel that is not given. A
    channel's `Unavailable` puts its batch back to planned, any other error leaves it in doubt; both are raised again.
    """
    if limit is not None:
        whole_number(limit, 1, None, field="limit", message="limit is the most messages to take, at least 1")
    left, accepted = limit, 0
    while left is None or left > 0:
        with store.write() as writer:
            planned = _planned(writer, channels, BATCH if left is None else min(left, BATCH))
            held = _still_planned(writer, planned)
            claimed = _claim(writer, held, now(), refusal, values)
        if not planned:
            break
        if claimed:
            accepted += _hand_over(store, channels[planned[0].channel], claimed)
        left = None if left is None else left - len(held)
    return accepted


def in_doubt(reader: Reader, *, before: datetime | None = None) -> Iterator[Message]:
    """Yield the messages that were handed over without a receipt, oldest first.

    One that another process is sending at this moment looks the same; `before` leaves out those claimed since.
    """
    for message in reader.find(Message, {"status": MessageStatus.SENDING.value}, order=("id",)):
        if before is None or (message.sent_at is not None and message.sent_at < before):
            yield message


def send_again(store: Store, messages: Iterable[Message]) -> int:
    """Plan messages in doubt once more, and return how many; their customers may get them twice.

    Only those still claimed as they were when listed: what has been settled, or sent again, meanwhile is left alone.
    """
    told = several(messages, field="messages")
    if not all(isinstance(each, Message) for each in told):
        raise Malformed("messages are given as records, as in_doubt returns them", field="messages")
    with store.write() as writer:
        return _unclaim(writer, told)


# claiming -------------------------------------------------------------------------------------------


def _planned(writer: Writer, channels: Mapping[str, Channel], limit: int) -> list[Message]:
    """Return the oldest planned messages of one channel: that of the oldest of all."""
    planned = {"status": MessageStatus.PLANNED.value}
    for first in writer.find(Message, planned, order=("id",), limit=1):
        if first.channel not in channels:
            raise Malformed(
                f"a message waits for channel {first.channel!r}, which is not given; given are: "
                f"{', '.join(sorted(channels)) or 'none'}",
                field="channels",
            )
        return list(writer.find(Message, planned | {"channel": first.channel}, order=("id",), limit=limit))
    return []


def _still_planned(writer: Writer, messages: Iterable[Message]) -> list[Message]:
    """Hold messages and return those that no other process has claimed meanwhile."""
    held = (writer.hold(Message, message.customer_id, message.id) for message in messages)
    return [message for message in held if message is not None and message.status == MessageStatus.PLANNED]


def _claim(
    writer: Writer, held: Iterable[Message], stamp: datetime, refusal: Refuse, values: Callable[[Customer], Values]
) -> list[Claimed]:
    """Mark as `sending` what may be sent, with the instant as the stamp of this claim; settle the rest."""
    claimed: list[Claimed] = []
    for message in held:
        match _prepared(writer, message, refusal, values):
            case Outgoing() as outgoing:
                claimed.append(Claimed(evolve(message, status=MessageStatus.SENDING, sent_at=stamp), outgoing))
                writer.replace(claimed[-1].message)
            case Reason() as reason:
                writer.replace(evolve(message, status=MessageStatus.REJECTED, reason=reason.value))
            case str(fault):
                writer.replace(evolve(message, status=MessageStatus.FAILED, reason=fault))
    return claimed


def _prepared(
    reader: Reader, message: Message, refusal: Refuse, values: Callable[[Customer], Values]
) -> Outgoing | Reason | str:
    """Return what to hand over; or what is wrong with the text; or the first reason that refuses it."""
    customer = reader.get(Customer, message.customer_id)
    if customer is None:
        return Reason.INACTIVE
    try:
        template = TextTemplate.parse(message.text)
    except Malformed:
        return MALFORMED_TEXT  # one bad text must not hold up all that wait behind it
    if (reason := refusal(reader, message, customer)) is not None:
        return reason
    address = _address(message.channel, customer)
    if not address:
        return Reason.NO_ADDRESS
    known = {**values(customer), **action_values(message)}
    if template.missing(known):
        return Reason.MISSING_VALUE
    return Outgoing(message.id, address, text=template.render(known), sender=message.sender)


def _address(channel: str, customer: Customer) -> str | None:
    """Return where the channel finds the customer: byte for byte as stored."""
    name = address_field(channel)
    address: str | None = customer.id if name is None else getattr(customer, name)  # a name of our own table
    return address


# handing over ---------------------------------------------------------------------------------------


def _hand_over(store: Store, channel: Channel, claimed: Sequence[Claimed]) -> int:
    """Send a batch outside of any transaction, write its receipts, and return how many were taken."""
    try:
        receipts = channel.send([each.outgoing for each in claimed])
    except Unavailable:
        with store.write() as writer:
            _unclaim(writer, (each.message for each in claimed))
        raise
    by_id = {receipt.id: receipt for receipt in receipts}
    settled = [(each, by_id[each.outgoing.id]) for each in claimed if each.outgoing.id in by_id]
    with store.write() as writer:
        for each, receipt in settled:
            if (held := _ours(writer, each.message)) is not None:
                writer.replace(_settle(held, each, receipt))
    return sum(receipt.status.taken for _, receipt in settled)


def _settle(held: Message, claimed: Claimed, receipt: Receipt) -> Message:
    """Return the message with its receipt; one that never went out keeps its template for another attempt."""
    message = evolve(held, status=AFTER[receipt.status], reason=receipt.detail)
    if not receipt.status.went_out:
        return evolve(message, sent_at=None)
    if held.text != claimed.message.text:
        return message  # cleared while it was under way: an erased text does not come back
    return evolve(message, text=claimed.outgoing.text)


def _ours(writer: Writer, message: Message) -> Message | None:
    """Hold a message and return it as it is now, if its claim is still the one we know: one given up writes no more."""
    held = writer.hold(Message, message.customer_id, message.id)
    ours = held is not None and (held.status, held.sent_at) == (MessageStatus.SENDING, message.sent_at)
    return held if ours else None


def _unclaim(writer: Writer, messages: Iterable[Message]) -> int:
    """Put claimed messages back to planned, and return how many were still claimed so."""
    ours = [held for message in messages if (held := _ours(writer, message)) is not None]
    for held in ours:
        writer.replace(evolve(held, status=MessageStatus.PLANNED, sent_at=None))
    return len(ours)
