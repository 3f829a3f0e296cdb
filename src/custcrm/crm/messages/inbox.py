"""`crm.inbox` and `crm.offers`: what customers find in the app or the web shop, and where they opened it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from attrs import field, frozen

from custcrm.actions import single
from custcrm.actions.coupons import codes
from custcrm.actions.coupons.redemptions import series_by_name, uses_by_coupon
from custcrm.actions.coupons.usable import usable
from custcrm.actions.keys import Request, once
from custcrm.actions.messages import inbox as actions
from custcrm.business import Business, CustomerRef, customer_id
from custcrm.crm.loyalty.coupons import Coupons
from custcrm.records import Coupon, CouponSeries, Customer, InboxMessage, Message, Opening
from custcrm.records.inbox import InboxStatus, OfferStatus
from custcrm.rules import coupons as coupon_rules
from custcrm.rules import inbox as rules
from custcrm.rules.coupons import Uses
from custcrm.rules.inbox import Delivery, Seen
from custcrm.storage.protocol import Reader, Writer
from custcrm.values.errors import Malformed, NotFound
from custcrm.values.graphemes import preview
from custcrm.values.identifiers import identifier


@frozen(kw_only=True, repr=False)
class InboxItem:
    """A message as it is in the inbox at some instant.

    `opened` tells for each surface when it was first opened there, `channels` how far the messages got that told of it.
    """

    message: InboxMessage
    status: InboxStatus
    opened: Mapping[str, datetime] = field(hash=False)
    channels: Mapping[str, Delivery] = field(hash=False)
    read_at: datetime | None
    seen_in_app: bool
    seen_anywhere: bool

    @property
    def id(self) -> str:
        """The message's id."""
        return self.message.id

    @property
    def title(self) -> str:
        """The title that is shown."""
        return self.message.title

    @property
    def distributed_at(self) -> datetime:
        """Since when it is in the inbox."""
        return self.message.distributed_at

    @property
    def ends_at(self) -> datetime | None:
        """The first instant at which it is expired; None: never."""
        return self.message.ends_at

    def preview(self, n: int) -> str:
        """Return the first `n` characters of the short description (of the text, where there is none), as people count them."""
        return preview(self.message.short_description or self.message.text, n)

    def __repr__(self) -> str:
        return f"<InboxItem {self.id} {self.status}>"


@frozen(kw_only=True, repr=False)
class Offer:
    """A coupon as its customer sees it at some instant; title and description are in the customer's language where given."""

    coupon: Coupon
    title: str
    short_description: str
    status: OfferStatus
    redeemed_at: datetime | None
    opened: Mapping[str, datetime] = field(hash=False)
    read_at: datetime | None
    seen_in_app: bool
    seen_anywhere: bool

    @property
    def id(self) -> str:
        """The coupon's id."""
        return self.coupon.id

    @property
    def distributed_at(self) -> datetime:
        """When the coupon was issued."""
        return self.coupon.issued_at

    @property
    def valid_from(self) -> datetime | None:
        """The first instant at which it can be redeemed, where that is later than its issue."""
        return self.coupon.valid_from

    @property
    def ends_at(self) -> datetime | None:
        """The first instant at which it cannot be redeemed any more; None: never."""
        return self.coupon.expires_at

    def preview(self, n: int) -> str:
        """Return the first `n` characters of the short description, as people count them."""
        return preview(self.short_description, n)

    def __repr__(self) -> str:
        return f"<Offer {self.id} {self.coupon.series} {self.status}>"


@frozen
class Inbox:
    """Messages that customers find in their account; kept for ever, and what they are follows from time alone."""

    _business: Business

    def add(
        self,
        customer: CustomerRef,
        *,
        title: str,
        short_description: str = "",
        text: str = "",
        distributed: datetime | date | str | None = None,
        ends: Any = None,
        channel: str | None = None,
        notice: str = "",
        sender: str | None = None,
        purpose: str = "marketing",
        key: str | None = None,
    ) -> InboxMessage:
        """Put a message into the customer's inbox and return it; once, where a key is given.

        It is there from `distributed` (now) and expires at `ends`: a span from then ("30 days"), a last good day, or the first
        instant that is too late. With a `channel` a message tells of it there, `notice` or the title, if the customer may be
        contacted. Refused with reason inactive.
        """
        business = self._business
        performed = single.perform(
            business,
            lambda: actions.distributing(
                business, title, short_description=short_description, text=text, distributed=distributed, ends=ends,
                channel=channel, notice=notice, sender=sender, purpose=purpose,
            ),
            customer_id(customer), key=key,
        )
        return performed.of(InboxMessage)

    def of(self, customer: CustomerRef, *, as_of: datetime | date | str | None = None) -> list[InboxItem]:
        """Return what is in the customer's inbox, oldest first, as it is now or was then: what was removed is not in it."""
        business = self._business
        at = business.asked_at(as_of) or business.now()
        with business.reading() as reader:
            id_ = business.existing(customer).id
            known = _Known(reader, id_, at)
            found = [each for each in reader.find(InboxMessage, {"customer_id": id_}) if rules.is_listed(each, at)]
        return [known.item(each) for each in sorted(found, key=lambda each: (each.distributed_at, each.id))]

    def open(
        self,
        message: InboxItem | InboxMessage | str,
        *,
        customer: CustomerRef | None = None,
        surface: str = "app",
        at: datetime | date | str | None = None,
        key: str | None = None,
    ) -> InboxItem:
        """Keep that the message was opened on a surface, and return it as it is now.

        Opened on "app" or "web_ordering" it is read; on a channel ("email", "sms", "push" …) it has been seen. An id needs its
        `customer`. The first time on each surface counts; to say so again is safe, and under a `key` it is done once.
        """
        business = self._business

        def open_it(writer: Writer) -> Sequence[InboxMessage]:
            found = self._find(writer, message, customer)
            actions.opened(business, writer, found, surface, at)
            return [found]

        def show(writer: Writer) -> InboxItem:
            [found] = once(business, _request("open_inbox_message", message, key, surface=surface, at=at), open_it)
            return _Known(writer, found.customer_id, business.now()).item(found)

        return business.transact(show)

    def remove(
        self, message: InboxItem | InboxMessage | str, *, customer: CustomerRef | None = None, reason: str = "",
        key: str | None = None,
    ) -> InboxMessage:
        """Take a message out of the inbox; it is kept, with who did it and why, and can be seen with as_of.

        Once, where a key is given.
        """
        business = self._business
        [removed] = once(
            business, _request("remove_inbox_message", message, key, reason=reason),
            lambda writer: [actions.removed(business, writer, self._find(writer, message, customer), reason)],
        )
        return removed

    def _find(
        self, reader: Reader, message: InboxItem | InboxMessage | str, customer: CustomerRef | None
    ) -> InboxMessage:
        match message:
            case InboxItem() | InboxMessage():
                record = message.message if isinstance(message, InboxItem) else message
                key = record.customer_id if customer is None else customer_id(customer), record.id
            case _ if customer is None:
                raise Malformed("an inbox message is given as a record, or by its id beside the customer", field="customer")
            case _:
                key = customer_id(customer), identifier(message, field="message")
        found = reader.get(InboxMessage, *key)
        if found is None:
            raise NotFound("no inbox message has this id")
        return found


@frozen
class Offers:
    """Coupons as customers see them; offers are kept for ever, and those that cannot be used are not available."""

    _business: Business

    def of(self, customer: CustomerRef, *, as_of: datetime | date | str | None = None) -> list[Offer]:
        """Return all offers that the customer ever got, oldest first, as they are now or were then."""
        business = self._business
        at = business.asked_at(as_of) or business.now()
        with business.reading() as reader:
            holder = business.existing(customer)
            coupons = [each for each in reader.find(Coupon, {"customer_id": holder.id}) if each.issued_at <= at]
            return _Known(reader, holder.id, at).offers(reader, holder, coupons)

    def available(self, customer: CustomerRef, *, as_of: datetime | date | str | None = None) -> list[Offer]:
        """Return the offers that can be used, now or then: those of `crm.coupons.available`."""
        business = self._business
        with business.reading() as reader:
            holder = business.existing(customer)
            there = {each.id for each in usable(business, reader, holder.id, business.asked_at(as_of))}
        return [offer for offer in self.of(holder, as_of=as_of) if offer.id in there]

    def open(
        self, offer: Offer | Coupon | str, *, surface: str = "app", at: datetime | date | str | None = None,
        key: str | None = None,
    ) -> Offer:
        """Keep that the offer (or the coupon, or its code) was opened on a surface, and return it as it is now.

        Once, where a key is given.
        """
        business = self._business

        def open_it(writer: Writer) -> Sequence[Coupon]:
            coupon = _coupon(writer, offer)
            actions.opened(business, writer, coupon, surface, at)
            return [coupon]

        def show(writer: Writer) -> Offer:
            [coupon] = once(business, _request("open_offer", offer, key, surface=surface, at=at), open_it)
            holder = writer.get(Customer, coupon.customer_id)
            assert holder is not None, "a coupon has its customer"
            [opened] = _Known(writer, holder.id, business.now()).offers(writer, holder, [coupon])
            return opened

        return business.transact(show)

    def remove(self, offer: Offer | Coupon | str, *, reason: str, key: str | None = None) -> Coupon:
        """Take an offer away from its customer: the coupon is revoked, which is no redemption. Once, where a key is given."""
        coupon = offer.coupon if isinstance(offer, Offer) else offer
        return Coupons(self._business).revoke(coupon, reason=reason, key=key)


class _Known:
    """What is known at an instant about all that one customer was sent: read once, however much there is."""

    def __init__(self, reader: Reader, customer_id: str, at: datetime) -> None:
        mine = {"customer_id": customer_id}
        self._at = at
        self._openings = _grouped(reader.find(Opening, mine), "subject")
        self._messages = _grouped(reader.find(Message, mine), "inbox_id")

    def item(self, message: InboxMessage) -> InboxItem:
        known = self._seen(message.id)
        return InboxItem(
            message=message, status=rules.message_status(message, known, self._at), opened=known.opened,
            channels=known.channels, read_at=known.read_at, seen_in_app=known.in_app, seen_anywhere=known.anywhere,
        )

    def offers(self, reader: Reader, holder: Customer, coupons: Iterable[Coupon]) -> list[Offer]:
        issued = sorted(coupons, key=lambda each: (each.issued_at, each.id))
        series, uses = series_by_name(reader, (each.series for each in issued)), uses_by_coupon(reader, issued)
        return [self._offer(each, series[each.series], uses[each.id], holder.locale) for each in issued]

    def _offer(self, coupon: Coupon, series: CouponSeries, uses: Uses, locale: str | None) -> Offer:
        known = self._seen(coupon.id)
        state = coupon_rules.state(coupon, uses, self._at, per_coupon=series.per_coupon)
        redeemed = max((each.redeemed_at for each in coupon_rules.standing(uses, self._at)), default=None)
        return Offer(
            coupon=coupon, title=rules.localized(series.titles, series.title, locale),
            short_description=rules.localized(series.descriptions, series.description, locale),
            status=rules.offer_status(state, known), redeemed_at=redeemed, opened=known.opened,
            read_at=known.read_at, seen_in_app=known.in_app, seen_anywhere=known.anywhere,
        )

    def _seen(self, subject: str) -> Seen:
        return rules.seen(self._openings.get(subject, ()), self._messages.get(subject, ()), self._at)


def _request(action: str, subject: object, key: str | None, **told: Any) -> Request:
    """Return what is asked for about a message or an offer, which is remembered by its id, or as it was given."""
    about = getattr(subject, "id", subject)
    return Request(action=action, arguments=told, about={"subject": about}, key=key)


def _grouped(records: Iterable[Any], column: str) -> dict[str | None, list[Any]]:
    groups: dict[str | None, list[Any]] = {}
    for each in records:
        groups.setdefault(getattr(each, column), []).append(each)
    return groups


def _coupon(reader: Reader, offer: Offer | Coupon | str) -> Coupon:
    found: codes.Redeemable | None
    match offer:
        case Offer():
            found = reader.get(Coupon, offer.coupon.customer_id, offer.id)
        case Coupon():
            found = reader.get(Coupon, offer.customer_id, offer.id)
        case _:
            found = codes.find_by_code(reader, identifier(offer, field="offer"))
    if not isinstance(found, Coupon):
        raise NotFound("no coupon has this code")
    return found
