"""Guests, who are no customers: they redeem codes, and the limits hold for them by what tells one from another.

That is an email, a phone, a device: any text. It is kept as a keyed hash alone.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen

from custcrm.actions.coupons.codes import Redeemable, code_of, lifetime, places_of, series_of
from custcrm.actions.coupons.judging import (
    Checkout,
    Inquiry,
    check_same,
    others_combine,
    refusals_by_cost,
    refusals_to_issue,
    refuse,
)
from custcrm.actions.coupons.limits import GUEST_KEY, begun_by_guest, hold_limit
from custcrm.actions.coupons.redeeming import spend
from custcrm.actions.coupons.redemptions import uses_of
from custcrm.actions.keys import Request
from custcrm.business import Business
from custcrm.records import Coupon, CouponSeries, FreeCode, GuestRedemption, Setting
from custcrm.rules import coupons as rules
from custcrm.storage.protocol import Reader, Writer
from custcrm.values.errors import Malformed, NotFound, Reason
from custcrm.values.identifiers import identifier

KEY_BITS: Final = 256

IDENTITY_LIMIT: Final = 500
"""Characters of what tells guests apart."""

GUESTS: Final = "coupon_guest"
"""The scope in which the guests of a series are claimed: each counts against the limit by turns."""


@frozen(kw_only=True)
class _Visit:
    """A guest with a code: what the code stands for, the guest's own uses of the series, and how many coupons were begun.

    `begun` counts what the guest has begun as a customer too.
    """

    series: CouponSeries
    code: str
    coupon: Coupon
    uses: rules.Uses
    mine: rules.Uses
    begun: int
    is_held: bool

    @property
    def needs_another(self) -> bool:
        return rules.guest_needs_another(self.series, self.mine, self.code)

    @property
    def takes_place(self) -> bool:
        return self.series.codes == "shared" and self.needs_another

    def made(self, inquiry: Inquiry) -> GuestRedemption | None:
        """Return the guest's use of the code that stands for the order already: who tells it again gets it."""
        for use in inquiry.granted:
            if isinstance(use, GuestRedemption) and use.code == self.code and use.id in {each.id for each in self.mine}:
                check_same(use, inquiry.checkout)
                return use
        return None


def redeem_as_guest(
    business: Business, wanted: Redeemable, identity: str, checkout: Checkout, *, key: str | None = None
) -> GuestRedemption:
    """Redeem a free or shared code for a guest; once, where a key is given."""

    def redeem(writer: Writer) -> GuestRedemption:
        who = known_as(business, writer, identity)
        arguments = {"coupon": _code(wanted), "guest": who, **checkout.told()}
        request = Request(action="redeem_as_guest", arguments=arguments, key=key)
        before = request.claim(writer)
        if before is not None:
            return _find_made_under(writer, wanted, before.id)
        hold_limit(writer, series_of(wanted))
        if isinstance(wanted, FreeCode):
            writer.hold(FreeCode, wanted.code)
        writer.claim(GUESTS, [f"{series_of(wanted)} {who}"])
        inquiry = Inquiry(business=business, reader=writer, checkout=checkout, owner=None, now=business.now(), writer=writer)
        visit = _look_up(inquiry, wanted, identity_of(identity), who)
        known = None if key is not None else visit.made(inquiry)
        if known is not None:
            return known
        refuse(inquiry, visit.series, _judge_visit(inquiry, visit), visit.coupon, visit.uses)
        if visit.takes_place:
            places_of(visit.series.name).take(writer, 1)
        cost, at = inquiry.cost(visit.series), rules.present(visit.coupon, visit.uses, inquiry.now)
        spend(writer, visit.series, cost)
        made = GuestRedemption(
            id=business.ids.new(), series=visit.series.name, program=visit.series.program, identity=who,
            ordinal=rules.guest_ordinal(visit.series, visit.mine), code=visit.code, redeemed_at=at,
            reference=checkout.reference, discount=cost, terminal=checkout.terminal, point_of_sale=checkout.point_of_sale,
            actor=business.actor, applied_id=business.ids.new(),
        )
        writer.add([made])
        request.keep(business, writer, made.applied_id or "", at)
        return made

    return business.transact(redeem)


def why_as_guest(
    business: Business, reader: Reader, wanted: Redeemable, identity: str, checkout: Checkout
) -> tuple[Reason, ...]:
    """Return every reason why a guest could not redeem the code now; nothing is written."""
    identity = identity_of(identity)
    kept = reader.get(Setting, GUEST_KEY)
    inquiry = Inquiry(business=business, reader=reader, checkout=checkout, owner=None, now=business.now())
    # Without a key there was no guest yet.
    who = "" if kept is None else rules.guest(rules.identity_of_guest(identity, business.country), kept.value)
    visit = _look_up(inquiry, wanted, identity, who)
    return () if visit.made(inquiry) is not None else rules.ordered(_judge_visit(inquiry, visit))


def known_as(business: Business, writer: Writer, identity: str) -> str:
    """Return what is kept of a guest's identity."""
    return rules.guest(rules.identity_of_guest(identity_of(identity), business.country), _guest_key(business, writer))


def identity_of(identity: str) -> str:
    """Return what tells one guest from another, checked and trimmed; otherwise it counts as it is."""
    return identifier(identity, field="identity", limit=IDENTITY_LIMIT)


def _find_made_under(reader: Reader, wanted: Redeemable, applied_id: str) -> GuestRedemption:
    found = next(reader.find(GuestRedemption, {"code": _code(wanted), "applied_id": applied_id}), None)
    if found is None:
        raise NotFound("what was done under this key is no longer there")
    return found


def _guest_key(business: Business, writer: Writer) -> str:
    kept = writer.get(Setting, GUEST_KEY)
    if kept is None:
        writer.claim("setting", [GUEST_KEY])
        kept = writer.get(Setting, GUEST_KEY)
    if kept is None:
        kept = Setting(name=GUEST_KEY, value=f"{business.random_bits(KEY_BITS):0{KEY_BITS // 4}x}")
        writer.add([kept])
    return kept.value


def _look_up(inquiry: Inquiry, wanted: Redeemable, identity: str, who: str) -> _Visit:
    series, code = inquiry.series(series_of(wanted)), _code(wanted)
    mine = tuple(inquiry.reader.find(GuestRedemption, {"series": series.name, "identity": who}))
    begun = begun_by_guest(inquiry.business, inquiry.reader, series, identity)
    match wanted:
        case FreeCode():
            free = inquiry.reader.get(FreeCode, code)
            if free is None:
                raise NotFound("no coupon has this code")
            coupon, uses, is_held = rules.unheld(free), uses_of(inquiry.reader, free), free.taken_at is not None
        case Coupon():
            coupon, uses, is_held = wanted, uses_of(inquiry.reader, wanted), True
        case _:
            # A guest's coupon of a shared code is nowhere but in its uses: `needs_another` tells when one is used up.
            begins, ends = lifetime(series, inquiry.now, inquiry.business)
            coupon = Coupon(
                customer_id="", id="", series=series.name, issued_at=inquiry.now, valid_from=begins, expires_at=ends
            )
            uses, is_held = (), False
    return _Visit(series=series, code=code, coupon=coupon, uses=uses, mine=mine, begun=begun, is_held=is_held)


def _judge_visit(inquiry: Inquiry, visit: _Visit) -> set[Reason]:
    series = visit.series
    found = rules.refusals(
        series, visit.coupon, visit.uses, at=rules.present(visit.coupon, visit.uses, inquiry.now),
        references=inquiry.references, beside=others_combine(inquiry, series, visit.uses),
    )
    found |= refusals_by_cost(inquiry, series)
    if visit.is_held:
        found.add(Reason.NOT_HOLDER)
    if visit.takes_place:
        found |= refusals_to_issue(inquiry, series)
    limit = series.per_customer
    if visit.needs_another and limit is not None and visit.begun >= limit:
        found.add(Reason.CUSTOMER_LIMIT)
    return found


def _code(wanted: Redeemable) -> str:
    code = code_of(wanted)
    if code is None:
        raise Malformed("a guest brings a code; this coupon is its customer's and has none", field="coupon")
    return code
