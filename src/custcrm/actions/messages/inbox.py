"""Messages into inboxes, what is opened and what is removed there; one message may also be told of on a channel."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from attrs import evolve

from custcrm.actions import eligibility
from custcrm.actions.action import Action, Doing, Occasion
from custcrm.actions.keys import expiry_as_given
from custcrm.actions.messages import messages
from custcrm.business import Business
from custcrm.messaging.templates import TextTemplate
from custcrm.records import Activity, Coupon, InboxMessage, Opening, Sender
from custcrm.records.activities import REMOVED
from custcrm.rules import inbox as rules
from custcrm.rules.contacting import check_channel, check_purpose
from custcrm.storage.effects import CustomerKey, Given, NewId, Template
from custcrm.storage.protocol import Writer
from custcrm.storage.questions import Verdict
from custcrm.values.errors import Malformed, NotFound
from custcrm.values.periods import expiry
from custcrm.values.texts import checked, is_blank

TITLE_LIMIT: Final = 200
SHORT_LIMIT: Final = 1_000


def distributing(
    business: Business,
    title: str,
    *,
    short_description: str,
    text: str,
    distributed: datetime | date | str | None,
    ends: Any,
    channel: str | None,
    notice: str,
    sender: str | None,
    purpose: str,
) -> Action:
    """Put a message into inboxes, there from `distributed` until `ends`."""
    given = {
        "title": _check_text(title, "title", TITLE_LIMIT),
        "short_description": checked(short_description, field="short_description", limit=SHORT_LIMIT),
        "text": checked(text, field="text"),
    }
    at = business.instant(distributed, field="distributed")
    _check_end(business, ends, at)
    checked(notice, field="notice")
    told = None if channel is None else _read_notice(business, channel, purpose, notice, title)
    found = None if sender is None else business.known(Sender, sender, "sender")
    sender = None if found is None else found.name

    def effects(occasion: Occasion) -> tuple[Doing, ...]:
        there = at or occasion.now
        message = _message(occasion, {**given, "distributed_at": there, "ends_at": _read_end(business, ends, there)})
        if channel is None or told is None:
            return (message,)
        return (message, messages.announcement(
            business, occasion, told, channel=channel, purpose=purpose, sender=found, inbox=NewId(0), effect=1
        ))

    return Action(
        name="send_to_inbox",
        title="send_to_inbox",
        arguments={
            **given, "distributed": at and at.astimezone(UTC).isoformat(), "ends": expiry_as_given(ends),
            "channel": channel, "notice": notice, "sender": sender, "purpose": purpose,
        },
        verdict=Verdict(eligibility.active(business.schema)),
        effects=effects,
    )


def _check_end(business: Business, ends: Any, at: datetime | None) -> None:
    if at is None and ends is not None:  # a message repeated under its key may have ended: that is looked at when it is new
        expiry(ends, business.now(), business.zone, field="ends")
    elif at is not None:
        _read_end(business, ends, at)


def _message(occasion: Occasion, facts: Mapping[str, Any]) -> Template:
    """Return the effect that puts a message of these facts into an inbox."""
    values = {"actor": occasion.actor, "applied_id": occasion.applied_id, **facts}
    return Template(
        record=InboxMessage,
        values={"customer_id": CustomerKey(), "id": NewId(0), **{name: Given(value) for name, value in values.items()}},
    )


def _check_text(text: str, name: str, limit: int) -> str:
    if is_blank(checked(text, field=name, limit=limit)):
        raise Malformed(f"an inbox message has a {name}", field=name)
    return text


def _read_end(business: Business, ends: Any, there: datetime) -> datetime | None:
    """Return when a message ends: a span counts from its distribution."""
    until = None if ends is None else expiry(ends, there, business.zone, field="ends")
    if until is not None and until <= there:
        raise Malformed("ends lies before the message is distributed; nobody would ever see it", field="ends")
    return until


def _read_notice(business: Business, channel: str, purpose: str, notice: str, title: str) -> TextTemplate:
    """Return the text that goes out on a channel: the title where none is given."""
    check_channel(channel, business.channels)
    check_purpose(purpose)
    plain = title.replace("{", "{{").replace("}", "}}")
    return messages.notice_text(plain if is_blank(notice) else notice)


# opening and removing -------------------------------------------------------------------------------


def opened(
    business: Business, writer: Writer, subject: InboxMessage | Coupon, surface: str, at: datetime | date | str | None
) -> None:
    """Keep where a message or an offer was opened; again on the same surface changes nothing."""
    rules.check_surface(surface, business.channels)
    writer.hold(type(subject), subject.customer_id, subject.id)  # two first openings at once are one
    when = business.instant(at, field="at") or business.now()
    before = writer.find(Opening, {"customer_id": subject.customer_id, "subject": subject.id})
    kept = rules.opening(business.ids.new(), subject, surface, when, before)
    writer.add([] if kept is None else [kept])


def removed(business: Business, writer: Writer, message: InboxMessage, reason: str) -> InboxMessage:
    """Take a message out of the inbox and keep it; one that is out already stays as it is."""
    checked(reason, field="reason")
    held = writer.hold(InboxMessage, message.customer_id, message.id)
    if held is None:
        raise NotFound("no inbox message has this id")
    if held.removed_at is not None:
        return held
    now = business.now()
    after = evolve(held, removed_at=max(now, held.distributed_at))
    writer.replace(after)
    writer.add([Activity(
        customer_id=held.customer_id, id=business.ids.new(), kind=REMOVED, occurred_at=now, recorded_at=now,
        summary=reason, actor=business.actor, payload={"inbox_message": held.id},
    )])
    return after
