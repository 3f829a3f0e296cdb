"""Messages into the outbox: to a selection, and the notice that goes with a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from custcrm.actions import eligibility
from custcrm.actions.action import Action, Cost, Occasion
from custcrm.business import Business
from custcrm.filters.syntax.nodes import Field
from custcrm.messaging import sms
from custcrm.messaging.templates import TextTemplate, customer_values
from custcrm.records import Customer, Message, Program, Sender
from custcrm.records.messages import MessageStatus
from custcrm.records.programs import OFF
from custcrm.rules.contacting import check_channel, check_purpose
from custcrm.storage.effects import CustomerKey, Effect, Given, NewId, Of, Source, TargetReason, Template
from custcrm.storage.questions import Question, Verdict
from custcrm.values.errors import Malformed, NotFound
from custcrm.values.shapes import flag
from custcrm.values.texts import checked, is_blank

REJECTED: Final = 8
"""The number of the effect that keeps rejected messages: far from those of any action, so that ids never meet."""
LATE: Final = 9
"""That of the one for whom a rule has refused since the freeze: their numbers are those of others as well."""


def sending(business: Business, text: str, *, channel: str, sender: str | None, purpose: str) -> Action:
    """Send a text; who must not get it has a rejected message with the reason, at no cost."""
    check_purpose(purpose)
    check_channel(channel, business.channels)
    if is_blank(checked(text, field="text")):
        raise Malformed("a message has a text", field="text")
    template = TextTemplate.parse(text, eligibility.PLACEHOLDER_FIELDS)
    found = None if sender is None else business.known(Sender, sender, "sender")
    sender = None if found is None else found.name
    needs = tuple(sorted(template.required))
    rules = eligibility.contactable(
        business.schema, channel, purpose, confirmed_in=_confirmed_in(found), needs=needs
    )

    def effects(occasion: Occasion) -> tuple[Effect, ...]:
        about = _columns(occasion, channel, purpose, sender, text)
        rejected = {**about, "id": NewId(REJECTED), "status": Given(MessageStatus.REJECTED.value), "reason": TargetReason()}
        return (
            Template(record=Message, values={**about, "id": NewId(0), "status": Given(MessageStatus.PLANNED.value)}),
            Template(record=Message, values=rejected, reasons=eligibility.CONTACT_REASONS),
            Template(
                record=Message, values={**rejected, "id": NewId(LATE)}, reasons=eligibility.CONTACT_REASONS, in_turn=True
            ),
        )

    return Action(
        name="send_message",
        title=f"send_message {channel}",
        arguments={"text": text, "channel": channel, "sender": sender, "purpose": purpose, "needs": list(needs)},
        verdict=Verdict(rules),
        effects=effects,
        cost=lambda business, question, eligible: Cost(
            sms_parts=_sms_parts(business, question, template) if channel == "sms" else 0
        ),
        preview=lambda business, customer_id: _preview(business, customer_id, template),
    )


@lru_cache(maxsize=256)
def notice_text(text: str, *action: str) -> TextTemplate:
    """Read the text that tells of a transaction: it may name the customer's values and those of the action."""
    return TextTemplate.parse(text, (*eligibility.PLACEHOLDER_FIELDS, *action))


def notice(
    business: Business,
    program: Program,
    occasion: Occasion,
    template: TextTemplate,
    *,
    notify: bool,
    effect: int,
    points: int | None = None,
    code: Source | None = None,
    more: Mapping[str, Source] | None = None,
) -> tuple[Effect, ...]:
    """Return the effect that tells a member of a transaction, where the program notifies.

    It has rules of its own, so that a missing phone never costs anybody a coupon. `more`: other columns that the text shows.
    """
    if not flag(notify, field="notify") or program.notifications == OFF:
        return ()
    values = _columns(occasion, program.notifications, "service", None, template.text)
    values |= {"id": NewId(effect), "status": Given(MessageStatus.PLANNED.value)}
    if points is not None:
        balance = business.shown(Field(("programs", program.name, "points")))
        values |= {"points": Given(points), "balance": Of(balance)}
    if code is not None:
        values["code"] = code
    values |= more or {}
    needs = tuple(sorted(template.required & eligibility.PLACEHOLDER_FIELDS.keys()))
    rules = eligibility.contactable(business.schema, program.notifications, "service", needs=needs)
    return (Template(record=Message, values=values, verdict=Verdict(rules)),)


def announcement(
    business: Business,
    occasion: Occasion,
    template: TextTemplate,
    *,
    channel: str,
    purpose: str,
    sender: Sender | None,
    inbox: Source,
    effect: int,
) -> Template:
    """Return the effect that tells of an inbox message, to those who may be told; the others find it in their inbox."""
    values = _columns(occasion, channel, purpose, None if sender is None else sender.name, template.text)
    values |= {"id": NewId(effect), "status": Given(MessageStatus.PLANNED.value), "inbox_id": inbox}
    rules = eligibility.contactable(
        business.schema, channel, purpose, confirmed_in=_confirmed_in(sender), needs=tuple(sorted(template.required))
    )
    return Template(record=Message, values=values, verdict=Verdict(rules))


def _columns(occasion: Occasion, channel: str, purpose: str, sender: str | None, text: str) -> dict[str, Source]:
    return {
        "customer_id": CustomerKey(), "channel": Given(channel), "purpose": Given(purpose), "sender": Given(sender),
        "text": Given(text), "planned_at": Given(occasion.now), "actor": Given(occasion.actor),
        "applied_id": Given(occasion.applied_id),
    }


def _confirmed_in(sender: Sender | None) -> str | None:
    return sender.program if sender is not None and sender.requires_confirmation else None


def _sms_parts(business: Business, question: Question, template: TextTemplate) -> int:
    """Count the parts of every recipient's own text."""
    with business.reading() as reader:
        ids = reader.ids(question)
        return sum(
            sms.parts(template.render(customer_values(customer))).count
            for at in range(0, len(ids), 1_000)
            for customer in reader.find(Customer, {"id": ids[at : at + 1_000]})
        )


def _preview(business: Business, customer_id: str, template: TextTemplate) -> str:
    with business.reading() as reader:
        customer = reader.get(Customer, customer_id)
    if customer is None:
        raise NotFound("no customer has this id")
    return template.render(customer_values(customer))
