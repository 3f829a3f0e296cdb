"""`crm.consents`, `crm.senders`, `crm.messages`, `crm.outbox`: what customers allow, and what goes out to them."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from custcrm.actions import eligibility
from custcrm.actions.customers.consents import answer
from custcrm.actions.keys import Request, once
from custcrm.business import Business, CustomerRef, customer_id
from custcrm.messaging.dispatching import Rules, dispatch, in_doubt, send_again
from custcrm.messaging.templates import TextTemplate
from custcrm.records import Consent, Customer, Message, Program, Sender
from custcrm.records.messages import MessageStatus
from custcrm.storage.customer_facts import facts
from custcrm.storage.protocol import Reader, Writer
from custcrm.storage.questions import Question
from custcrm.values.errors import Conflict, Malformed, Reason, Taken
from custcrm.values.identifiers import key_name
from custcrm.values.shapes import flag, several


@frozen
class Consents:
    """What a customer said about being written to, per channel and purpose, with the proof of it; each answer is kept."""

    _business: Business

    def grant(
        self, customer: CustomerRef, channel: str, *, evidence: str, purpose: str = "marketing", key: str | None = None
    ) -> None:
        """Keep that the customer agreed; `evidence` says how that is known. Once, where a key is given."""
        answer(self._business, customer, channel, granted=True, evidence=evidence, purpose=purpose, key=key)

    def deny(
        self, customer: CustomerRef, channel: str, *, evidence: str, purpose: str = "marketing", key: str | None = None
    ) -> None:
        """Keep that the customer refused, or took the consent back. Once, where a key is given."""
        answer(self._business, customer, channel, granted=False, evidence=evidence, purpose=purpose, key=key)


@frozen
class Senders:
    """Names that messages come from."""

    _business: Business

    def add(
        self, name: str, *, program: str | None = None, requires_confirmation: bool = False, key: str | None = None
    ) -> Sender:
        """Add a sender; with `requires_confirmation` it reaches only those who confirmed taking part in its program.

        Once, where a key is given.
        """
        business = self._business
        if program is not None:
            program = business.known(Program, program, "program").name
        if flag(requires_confirmation, field="requires_confirmation") and program is None:
            raise Malformed("a sender that requires confirmation belongs to a program", field="program")
        sender = Sender(
            name=key_name(name, "sender"), program=program, requires_confirmation=requires_confirmation,
            created_at=business.now(),
        )

        def add(writer: Writer) -> Sequence[Sender]:
            try:
                writer.add([sender])
            except Taken:
                raise Conflict(f"there is a sender named {sender.name!r} already") from None
            return [sender]

        told = {"name": sender.name, "program": program, "requires_confirmation": requires_confirmation}
        [added] = once(business, Request(action="add_sender", arguments=told, key=key), add)
        return added


@frozen
class Messages:
    """Messages of one customer: planned, sent, or rejected with the reason."""

    _business: Business

    def of(self, customer: CustomerRef) -> list[Message]:
        """Return the customer's messages, oldest first."""
        with self._business.reading() as reader:
            return list(reader.find(Message, {"customer_id": customer_id(customer)}))


@frozen
class Outbox:
    """What waits to be sent."""

    _business: Business

    def waiting(self) -> int:
        """Count the messages that wait."""
        with self._business.reading() as reader:
            return reader.count_records(Message, {"status": MessageStatus.PLANNED.value})

    def dispatch(self, *, limit: int | None = None) -> int:
        """Hand waiting messages over to their channels and return how many were accepted; `limit` is the most to take.

        Consent is checked again directly before, at most twenty messages at a time, and the customer's own values are filled
        in: to who has opted out before, nothing starts. Several processes may do this at once. Channels do not stop each other:
        when all others are done, ChannelsFailed names those that raised or are not given, and how many messages wait there.
        Where the store fails in the midst, Unfinished tells how many were taken.
        """
        business = self._business
        if business.store.is_writing():
            raise Conflict("messages cannot be taken back: dispatch after the transaction, not within it")
        rules = Rules(now=business.now, ids=business.ids, random_bits=business.random_bits, refusal=self._refusal)
        return dispatch(business.store, channels=business.channels, rules=rules, limit=limit)

    def in_doubt(self) -> list[Message]:
        """Return the messages whose sending was interrupted: it is not known whether they went out."""
        with self._business.reading() as reader:
            return list(in_doubt(reader))

    def send_again(self, messages: Sequence[Message], *, key: str | None = None) -> int:
        """Put messages in doubt back among those that wait; some may then arrive twice. Returns how many; once, under a key."""
        business, told = self._business, several(messages, field="messages")
        request = Request(action="send_again", arguments={"messages": told}, key=key)

        def send(writer: Writer) -> int:
            before = request.claim(writer)
            if before is not None:
                return before.done
            count = send_again(business.store, told, random_bits=business.random_bits)
            request.keep(business, writer, business.ids.new(), business.now(), done=count, made=())
            return count

        return business.transact(send)

    def _refusal(self, reader: Reader, message: Message, customer: Customer) -> Reason | None:
        """Return why the message must not be sent now, if so: the rules of its planning, asked again.

        An answer about consent holds as soon as it is there, also where the clock that it was given by is ahead of ours.
        """
        business = self._business
        sender = None if message.sender is None else reader.get(Sender, message.sender)
        confirmed_in = sender.program if sender is not None and sender.requires_confirmation else None
        needs = TextTemplate.parse(message.text).required & eligibility.PLACEHOLDER_FIELDS.keys()
        rules = eligibility.contactable(
            business.schema, message.channel, message.purpose, confirmed_in=confirmed_in, needs=tuple(sorted(needs))
        )
        answers = reader.find(Consent, {"customer_id": customer.id, "until": None})
        at = max((each.occurred_at for each in answers), default=None)
        now = business.now()
        row = facts(reader, customer.id, Question(business.everyone(), now if at is None else max(now, at)))
        return None if row is None else next((reason for reason, rule in rules if not row.matches(rule)), None)
