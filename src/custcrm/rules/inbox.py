"""What an inbox message or an offer is at an instant: derived from its instants, where it was opened, and what was sent.

Nothing here is kept and no job is needed: `seen` is the truth table of one message, and `message_status` and `offer_status`
read it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from custcrm.records import Coupon, InboxMessage, Message, Opening
from custcrm.records.coupons import CouponState
from custcrm.records.inbox import APP, READING, InboxStatus, OfferStatus
from custcrm.records.messages import MessageStatus
from custcrm.rules.contacting import CHANNELS
from custcrm.values.shapes import one_of


class Delivery(StrEnum):
    """How far a message got that told of an inbox message, by channel; `Unsent` is what people see of one that failed."""

    PLANNED = "planned"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    REJECTED = "rejected"
    UNSENT = "Unsent"


_DELIVERIES: Final[Mapping[MessageStatus, Delivery]] = {
    MessageStatus.PLANNED: Delivery.PLANNED,
    MessageStatus.SENDING: Delivery.SENDING,
    MessageStatus.SENT: Delivery.SENT,
    MessageStatus.DELIVERED: Delivery.DELIVERED,
    MessageStatus.REJECTED: Delivery.REJECTED,
    MessageStatus.BOUNCED: Delivery.UNSENT,
    MessageStatus.FAILED: Delivery.UNSENT,
}


@frozen(kw_only=True)
class Seen:
    """Where a message or an offer has been by an instant, and where it was opened: surface → the first time."""

    opened: Mapping[str, datetime] = field(factory=dict, hash=False)
    channels: Mapping[str, Delivery] = field(factory=dict, hash=False)

    @property
    def read_at(self) -> datetime | None:
        """When it was first opened in the app or in web ordering."""
        return min((self.opened[surface] for surface in READING if surface in self.opened), default=None)

    @property
    def in_app(self) -> bool:
        """Whether it was opened in the app."""
        return APP in self.opened

    @property
    def anywhere(self) -> bool:
        """Whether it was opened on any surface or channel."""
        return bool(self.opened)


def seen(openings: Iterable[Opening], messages: Iterable[Message], at: datetime) -> Seen:
    """Return what is known at an instant of one subject: its openings, and the messages that went out to tell of it.

    An opening that a channel reports of its message counts as one on the surface of that name. Of several messages on one
    channel the latest counts.
    """
    told = sorted((each for each in messages if each.planned_at <= at), key=lambda each: (each.planned_at, each.id))
    opened: dict[str, datetime] = {}
    reports = [(each.surface, each.opened_at) for each in openings]
    reports += [(each.channel, each.opened_at) for each in told if each.opened_at is not None]
    for surface, when in sorted(reports, key=lambda report: report[1]):
        if when <= at:
            opened.setdefault(surface, when)
    return Seen(
        opened=opened,
        channels={each.channel: _delivery(each, opened.get(each.channel), at) for each in told},
    )


def _delivery(message: Message, opened_at: datetime | None, at: datetime) -> Delivery:
    """Return how far a message had got; whoever opened it has got it, whatever the receipt says."""
    if opened_at is not None:
        return Delivery.OPENED
    if message.sent_at is not None and message.sent_at > at:
        return Delivery.PLANNED
    return _DELIVERIES[message.status]


def message_status(message: InboxMessage, known: Seen, at: datetime) -> InboxStatus:
    """Return New, Read or Expired: expired once its end has come, although it was read."""
    if message.ends_at is not None and message.ends_at <= at:
        return InboxStatus.EXPIRED
    return InboxStatus.NEW if known.read_at is None else InboxStatus.READ


_ENDED: Final[Mapping[CouponState, OfferStatus]] = {
    CouponState.REVOKED: OfferStatus.REMOVED,
    CouponState.REDEEMED: OfferStatus.REDEEMED,
    CouponState.EXPIRED: OfferStatus.EXPIRED,
}


def offer_status(state: CouponState, known: Seen) -> OfferStatus:
    """Return what an offer is: what its coupon has come to, and New or Read until then."""
    return _ENDED.get(state) or (OfferStatus.NEW if known.read_at is None else OfferStatus.READ)


def is_listed(message: InboxMessage, at: datetime) -> bool:
    """Tell whether the message is in the inbox: distributed, and not removed."""
    return message.distributed_at <= at and (message.removed_at is None or at < message.removed_at)


def opening(
    id: str, subject: InboxMessage | Coupon, surface: str, at: datetime, before: Iterable[Opening]
) -> Opening | None:
    """Return the opening to keep; None when an earlier one on that surface is known already.

    Nothing is opened before it is there: at a clock that runs behind, it is opened as it comes.
    """
    there = subject.distributed_at if isinstance(subject, InboxMessage) else subject.issued_at
    when = max(at, there)
    if any(each.surface == surface and each.opened_at <= when for each in before):
        return None
    return Opening(customer_id=subject.customer_id, id=id, subject=subject.id, surface=surface, opened_at=when)


def check_surface(surface: str, own: Collection[str]) -> str:
    """Return the surface: the app, web ordering, or a channel; Malformed otherwise."""
    return one_of(surface, (*READING, *sorted({*CHANNELS, *own})), field="surface")


def localized(texts: Mapping[str, str], plain: str, locale: str | None) -> str:
    """Return the text for a locale: its own ("fi-FI"), its language's ("fi"), or the plain one."""
    known = {_tag(each): text for each, text in texts.items()}
    tag = _tag(locale or "")
    while tag:
        if tag in known:
            return known[tag]
        tag = tag.rpartition("-")[0]
    return plain


def _tag(locale: str) -> str:
    return locale.replace("_", "-").lower()
