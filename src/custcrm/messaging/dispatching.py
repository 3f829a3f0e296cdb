"""Dispatching: planned messages are started, handed to their channels, and get their receipts.

Messages are started in one transaction, which holds their customers, and get their receipts in another; between the two
they are `sending` and no transaction is open. Whatever ends a process in between leaves them so: in doubt, as they may have
been sent. The names to know are `dispatch` and `in_doubt`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from attrs import define, evolve, field, frozen

from custcrm.messaging.protocol import Channel, Outgoing, Receipt, address_field
from custcrm.messaging.receipts import AFTER, read_receipts
from custcrm.messaging.templates import TextTemplate, Values, action_values, customer_values
from custcrm.records.customers import Customer
from custcrm.records.messages import Message, MessageStatus
from custcrm.storage.protocol import Reader, Store, Writer
from custcrm.storage.transacting import transact
from custcrm.values.errors import ChannelsFailed, CrmError, Malformed, NotFound, Reason, Unavailable, Unfinished
from custcrm.values.ids import IdSource
from custcrm.values.shapes import several, whole_number

BATCH: Final = 20
"""Messages started at once: so many may still go out when their customers opt out, and no more are in doubt together."""

MALFORMED_TEXT: Final = "malformed_text"
"""Reason of a message that failed because its template cannot be read; planning lets none through."""

Refuse: TypeAlias = Callable[[Reader, Message, Customer], Reason | None]
"""The rule that is asked again before a message goes out: consent, suppression, confirmation."""


@frozen
class Claimed:
    """A message that is ours to hand over, and what its recipient will read."""

    message: Message = field(repr=False)
    outgoing: Outgoing


@frozen(kw_only=True)
class Rules:
    """What is asked of a message before it starts, the values of its text, what marks the start, and chance for `transact`."""

    now: Callable[[], datetime]
    ids: IdSource
    random_bits: Callable[[int], int]
    refusal: Refuse
    values: Callable[[Customer], Values] = customer_values


def dispatch(store: Store, *, channels: Mapping[str, Channel], rules: Rules, limit: int | None = None) -> int:
    """Hand planned messages to their channels and return how many were accepted or delivered.

    The channels take turns, that of the oldest message first, each with at most `BATCH` messages, oldest first. A message
    starts in a transaction that holds its customer and asks the rules: who opts out before is not written to, who does so
    later waits for that transaction, and never for a channel. Who is refused, has no address or lacks a value that the text
    needs gets a `rejected` message with the reason. `limit` is the most messages to take, whatever becomes of them; what a
    channel gave back is not taken. Safe in any number of threads and processes: each message is claimed once. Call it outside
    of `store.write()`: inside one, nothing would be claimed before it is sent.

    A channel that raises takes no more in this call: after `Unavailable` its batch is planned as before, after any other error
    it is in doubt. One that returns what is no receipt takes no more either, its good receipts are kept. Raises ChannelsFailed
    for those, and for channels that are wanted and not given, when all others are done. Where the store fails after messages
    were taken, Unfinished tells how many; those whose receipts are not kept are in doubt.
    """
    if limit is not None:
        whole_number(limit, 1, None, field="limit", message="limit is the most messages to take, at least 1")
    queues, waiting = _queues(store, channels, count=limit is None)
    run = _Run(store=store, channels=channels, rules=rules, left=limit)
    try:
        run.go(deque(queues))
        _raise(store, channels, run)
    except ChannelsFailed:
        raise
    except CrmError as error:
        if not run.taken:
            raise
        raise Unfinished(run.taken, max(run.taken, waiting if limit is None else limit), why=str(error)) from error
    return run.accepted


@define(kw_only=True)
class _Run:
    """One call: how many messages it has `taken`, how many may follow, and what befell it."""

    store: Store
    channels: Mapping[str, Channel]
    rules: Rules
    left: int | None
    taken: int = 0
    accepted: int = 0
    in_doubt: int = 0
    errors: dict[str, Exception] = field(factory=dict)

    def go(self, turns: deque[_Queue]) -> None:
        """Take from the queues in turns, until nothing waits or the limit is reached."""
        while turns and self.left != 0:
            queue = turns.popleft()
            taken, claimed = _start(self.store, queue, BATCH if self.left is None else min(self.left, BATCH), self.rules)
            if taken:
                self._count(taken)
                if self._hand_over(queue.channel, claimed):
                    turns.append(queue)

    def _hand_over(self, channel: str, claimed: Sequence[Claimed]) -> bool:
        """Send what is claimed and keep its receipts; False where the channel takes no more."""
        try:
            receipts, fault = _send(self.channels[channel], claimed)
        except Exception as error:  # noqa: BLE001 (raised with those of the others, when these are done)
            self.errors[channel] = error
            if isinstance(error, Unavailable):
                self._count(-_give_back(self.store, claimed, self.rules))
            else:
                self.in_doubt += len(claimed)
            return False
        self.accepted += _keep(self.store, claimed, receipts, self.rules)
        if fault is not None:
            self.errors[channel] = fault
            self.in_doubt += sum(each.outgoing.id not in receipts for each in claimed)
        return fault is None

    def _count(self, taken: int) -> None:
        self.taken += taken
        self.left = None if self.left is None else self.left - taken


def in_doubt(reader: Reader, *, before: datetime | None = None) -> Iterator[Message]:
    """Yield the messages that were handed over without a receipt, oldest first.

    One that another process is sending at this moment looks the same; `before` leaves out those started since.
    """
    for message in reader.find(Message, {"status": MessageStatus.SENDING.value}, order=("id",)):
        started = message.started_at or message.sent_at  # version 1 of the schema kept the latter alone
        if before is None or (started is not None and started < before):
            yield message


def send_again(store: Store, messages: Iterable[Message], *, random_bits: Callable[[int], int]) -> int:
    """Plan messages in doubt once more, and return how many; their customers may get them twice.

    Only those still claimed as they were when listed: what has been settled, or sent again, meanwhile is left alone.
    """
    told = several(messages, field="messages")
    if not all(isinstance(each, Message) for each in told):
        raise Malformed("messages are given as records, as in_doubt returns them", field="messages")
    return transact(store, lambda writer: _unclaim(writer, told), random_bits=random_bits)


# starting -------------------------------------------------------------------------------------------


class _Queue:
    """The planned messages of one channel, as far as this call has looked: `after` is the last id it has seen."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.after: str | None = None

    def next(self, reader: Reader, limit: int) -> list[Message]:
        """Return the oldest that were not seen yet; when there are none, the oldest that came back to planned meanwhile."""
        found = self._find(reader, limit)
        if not found and self.after is not None:
            self.after = None
            found = self._find(reader, limit)
        self.after = found[-1].id if found else None
        return found

    def _find(self, reader: Reader, limit: int) -> list[Message]:
        after = None if self.after is None else (self.after,)
        return list(reader.find(Message, _waiting(self.channel), order=("id",), after=after, limit=limit))


def _waiting(channel: str) -> Mapping[str, str]:
    return {"status": MessageStatus.PLANNED.value, "channel": channel}


def _queues(store: Store, channels: Iterable[str], *, count: bool) -> tuple[list[_Queue], int]:
    """Return a queue for each channel for which something waits, that of the oldest message first, and how much waits."""
    first: dict[str, str] = {}
    waiting = 0
    with store.read() as reader:
        for channel in channels:
            for message in reader.find(Message, _waiting(channel), order=("id",), limit=1):
                first[channel] = message.id
                waiting += reader.count_records(Message, _waiting(channel)) if count else 0
    return [_Queue(channel) for channel in sorted(first, key=first.__getitem__)], waiting


def _start(store: Store, queue: _Queue, limit: int, rules: Rules) -> tuple[int, list[Claimed]]:
    """Start the next messages of a queue; return how many are started or settled, and the started. None: nothing waits.

    Others that would take of the same queue wait for the transaction, and find what is left then.
    """
    def start(writer: Writer) -> tuple[int, list[Claimed]]:
        writer.claim("dispatch", [queue.channel])
        while found := queue.next(writer, limit):
            customers, held = _hold(writer, found)
            if held:
                return len(held), _claim(writer, customers, held, rules)
        return 0, []

    return transact(store, start, random_bits=rules.random_bits)


def _hold(writer: Writer, messages: Sequence[Message]) -> tuple[Mapping[str, Customer | None], list[Message]]:
    """Hold the customers, then the messages; return those, and of these what is still planned, oldest first."""
    customers = {each: writer.hold(Customer, each) for each in sorted({message.customer_id for message in messages})}
    held = _hold_messages(writer, messages)
    planned = (message for message in held if message.status == MessageStatus.PLANNED)
    return customers, sorted(planned, key=lambda message: message.id)


def _hold_messages(writer: Writer, messages: Iterable[Message]) -> list[Message]:
    """Hold messages, in the order that everybody holds them in, and return them as they are now."""
    keys = sorted((message.customer_id, message.id) for message in messages)
    return [held for key in keys if (held := writer.hold(Message, *key)) is not None]


def _claim(
    writer: Writer, customers: Mapping[str, Customer | None], held: Iterable[Message], rules: Rules
) -> list[Claimed]:
    """Mark as `sending` what may be sent, all under one claim; settle the rest. The clock is read under the holds."""
    claim, started = rules.ids.new(), rules.now()
    claimed: list[Claimed] = []
    for message in held:
        match _prepared(writer, message, customers[message.customer_id], rules):
            case Outgoing() as outgoing:
                ours = evolve(message, status=MessageStatus.SENDING, claim=claim, started_at=started, sent_at=started)
                claimed.append(Claimed(ours, outgoing))
                writer.replace(ours)
            case Reason() as reason:
                writer.replace(evolve(message, status=MessageStatus.REJECTED, reason=reason.value))
            case str(fault):
                writer.replace(evolve(message, status=MessageStatus.FAILED, reason=fault))
    return claimed


def _prepared(reader: Reader, message: Message, customer: Customer | None, rules: Rules) -> Outgoing | Reason | str:
    """Return what to hand over; or what is wrong with the text; or the first reason that refuses it."""
    if customer is None:
        return Reason.INACTIVE
    try:
        template = TextTemplate.parse(message.text)
    except Malformed:
        return MALFORMED_TEXT  # one bad text must not hold up all that wait behind it
    if (reason := rules.refusal(reader, message, customer)) is not None:
        return reason
    address = _address(message.channel, customer)
    if not address:
        return Reason.NO_ADDRESS
    known = {**rules.values(customer), **action_values(message)}
    if template.missing(known):
        return Reason.MISSING_VALUE
    return Outgoing(message.id, address, text=template.render(known), sender=message.sender)


def _address(channel: str, customer: Customer) -> str | None:
    """Return where the channel finds the customer: byte for byte as stored."""
    name = address_field(channel)
    address: str | None = customer.id if name is None else getattr(customer, name)  # a name of our own table
    return address


# handing over ---------------------------------------------------------------------------------------


def _send(channel: Channel, claimed: Sequence[Claimed]) -> tuple[Mapping[str, Receipt], Malformed | None]:
    """Hand a batch over, outside of any transaction; see `read_receipts`."""
    return read_receipts(channel.send([each.outgoing for each in claimed]) if claimed else ())


def _keep(store: Store, claimed: Sequence[Claimed], receipts: Mapping[str, Receipt], rules: Rules) -> int:
    """Write the receipts of what is still ours, and return how many of these were taken."""
    settled = {each.outgoing.id: each for each in claimed if each.outgoing.id in receipts}

    def keep(writer: Writer) -> int:
        ours = _ours(writer, (each.message for each in settled.values()))
        for held in ours:
            writer.replace(_settle(held, settled[held.id], receipts[held.id]))
        return sum(receipts[held.id].status.taken for held in ours)

    return transact(store, keep, random_bits=rules.random_bits)


def _give_back(store: Store, claimed: Sequence[Claimed], rules: Rules) -> int:
    """Plan messages again of which certainly none was sent, and return how many."""
    given_back = [each.message for each in claimed]
    return transact(store, lambda writer: _unclaim(writer, given_back), random_bits=rules.random_bits)


def _raise(store: Store, channels: Mapping[str, Channel], run: _Run) -> None:
    """Raise `ChannelsFailed` if a channel failed, or is wanted and not given."""
    told = dict(run.errors)
    with store.read() as reader:
        for channel in _wanted(reader):
            if channel not in channels:
                given = ", ".join(sorted(channels)) or "none"
                told[channel] = NotFound(f"messages wait for channel {channel!r}, which is not given; given are: {given}")
        waiting = {channel: reader.count_records(Message, _waiting(channel)) for channel in told}
    if told:
        raise ChannelsFailed(waiting, list(told.values()), run.accepted, run.in_doubt)


def _wanted(reader: Reader) -> Iterator[str]:
    """Yield the channels for which something waits, each once."""
    planned = {"status": MessageStatus.PLANNED.value}
    after: tuple[str] | None = None
    while found := list(reader.find(Message, planned, order=("channel",), after=after, limit=1)):
        yield found[0].channel
        after = (found[0].channel,)


def _settle(held: Message, claimed: Claimed, receipt: Receipt) -> Message:
    """Return the message with its receipt; one that never went out keeps its template for another attempt."""
    message = evolve(held, status=AFTER[receipt.status], reason=receipt.detail)
    if not receipt.status.went_out:
        return evolve(message, sent_at=None)
    if held.text != claimed.message.text:
        return message  # cleared while it was under way: an erased text does not come back
    return evolve(message, text=claimed.outgoing.text)


def _ours(writer: Writer, messages: Iterable[Message]) -> list[Message]:
    """Hold messages and return, as they are now, those whose claim is still the one we know: one given up writes no more."""
    told = list(messages)
    known = {message.id: (MessageStatus.SENDING, message.claim) for message in told}
    return [held for held in _hold_messages(writer, told) if (held.status, held.claim) == known[held.id]]


def _unclaim(writer: Writer, messages: Iterable[Message]) -> int:
    """Put claimed messages back to planned, and return how many were still claimed so."""
    ours = _ours(writer, messages)
    for held in ours:
        writer.replace(evolve(held, status=MessageStatus.PLANNED, claim=None, started_at=None, sent_at=None))
    return len(ours)
