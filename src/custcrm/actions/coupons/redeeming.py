"""Redeeming, reserving and releasing the coupons of customers. See `guests` for guests, and `restoring`.

Whoever changes a coupon holds its customer first: two tills with one coupon wait there for each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from attrs import evolve

from custcrm.actions import single
from custcrm.actions.action import Action, Booked, Booking, Occasion, Turn
from custcrm.actions.coupons.codes import Redeemable, places_of, remembered_as, series_of
from custcrm.actions.coupons.judging import Candidate, Checkout, Inquiry, find_made, judge, refuse
from custcrm.actions.coupons.redemptions import all_references, uses_of
from custcrm.actions.keys import idempotency_key
from custcrm.actions.places import reference_of
from custcrm.business import Business
from custcrm.records import Applied, Coupon, CouponSeries, FreeCode, Redemption, SeriesBudget
from custcrm.rules import coupons as rules
from custcrm.storage.protocol import Reader, Writer
from custcrm.storage.questions import Verdict
from custcrm.values.errors import Malformed, NotFound, Reason, Refusal
from custcrm.values.money import Money
from custcrm.values.periods import Span, move

LASTING: Final = "15 minutes"
"""How long a coupon is reserved unless said otherwise: an order that is being paid."""

KEPT: Final = "coupon_id"
"""By what a key tells which coupon was reserved under it."""


def redeem(business: Business, wanted: Redeemable, checkout: Checkout, *, key: str | None = None) -> Redemption:
    """Redeem the coupon of a customer, and return its use."""
    owner = holder(wanted, checkout.customer)
    anew = key is not None
    return single.perform(business, lambda: redeeming(business, wanted, checkout, anew=anew), owner, key=key).of(Redemption)


def redeeming(business: Business, wanted: Redeemable, checkout: Checkout, *, anew: bool = False) -> Action:
    """Redeem a coupon, or what a code stands for: once for an order, and what was redeemed for it already is told again.

    `anew`: once more all the same, as under another key.
    """

    def book(writer: Writer, occasion: Occasion, turns: Sequence[Turn]) -> Booked:
        inquiry = _inquire(business, writer, occasion, turns, checkout)
        known = None if anew else find_made(inquiry, wanted)
        if known is not None:
            return Booked(replaced=(known,))  # by itself
        candidate = _admit(inquiry, wanted)
        cost = inquiry.cost(candidate.series)
        spend(writer, candidate.series, cost)
        coupon = rules.released(candidate.coupon, candidate.at)
        redemption = Redemption(
            customer_id=coupon.customer_id, id=business.ids.new(), coupon_id=coupon.id, series=coupon.series,
            program=candidate.series.program, redeemed_at=candidate.at, reference=checkout.reference, discount=cost,
            terminal=checkout.terminal, point_of_sale=checkout.point_of_sale, actor=occasion.actor,
            applied_id=occasion.applied_id,
        )
        return _settle_coupon(candidate, coupon, occasion, redemption)

    return _action("redeem_coupon", wanted, checkout.told(), Booking((Redemption,), book))


def reserving(business: Business, wanted: Redeemable, checkout: Checkout, lasting: Span) -> Action:
    """Keep a coupon for an order for a time; when that is over, it is free again by itself."""

    def book(writer: Writer, occasion: Occasion, turns: Sequence[Turn]) -> Booked:
        candidate = _admit(_inquire(business, writer, occasion, turns, checkout), wanted)
        until = move(candidate.at, lasting, business.zone)
        coupon = rules.reserved(
            candidate.coupon, at=candidate.at, until=until, reference=checkout.reference or "", references=candidate.references
        )
        _remember(writer, occasion, coupon)
        return _settle_coupon(candidate, coupon, occasion)

    told = {"reference": checkout.reference, "customer": checkout.customer, "for": str(lasting)}
    return _action("reserve_coupon", wanted, told, Booking((Coupon,), book))


def reserved_under(reader: Reader, owner: str, key: str) -> Coupon:
    """Return the coupon that was reserved under a key, whatever became of it since; NotFound where its customer is gone."""
    applied = reader.get(Applied, idempotency_key(key))
    found = None if applied is None else reader.get(Coupon, owner, str(applied.arguments.get(KEPT)))
    if found is None:
        raise NotFound("what was done under this key is no longer there")
    return found


def _remember(writer: Writer, occasion: Occasion, coupon: Coupon) -> None:
    """Keep with the key, if there is one, which coupon it was: one of a shared code is told by nothing else later."""
    for applied in writer.find(Applied, {"id": occasion.applied_id}):
        writer.replace(evolve(applied, arguments={**applied.arguments, KEPT: coupon.id}))


def releasing(coupon: Coupon, reference: str | None) -> Action:
    """Let a reserved coupon go before its time is over."""
    reference = reference_of(reference)

    def book(writer: Writer, occasion: Occasion, _: Sequence[Turn]) -> Booked:
        held = writer.hold(Coupon, coupon.customer_id, coupon.id)
        if held is None:
            raise NotFound("the coupon is gone, and its customer")
        at = rules.present(held, uses_of(writer, held), occasion.now)
        names = None if reference is None else all_references(writer, [reference], [held.customer_id])
        if not rules.is_reserved(held, at) or (names is not None and held.reserved_for not in names):
            told = {"series": held.series, **({} if reference is None else {"reference": reference})}
            return Booked(refused={held.customer_id: Refusal(Reason.NOT_RESERVED, details=told)})
        return Booked(replaced=[rules.released(held, at)])

    return _action("release_coupon", coupon, {"reference": reference}, Booking((Coupon,), book))


def why(business: Business, reader: Reader, wanted: Redeemable, checkout: Checkout) -> tuple[Reason, ...]:
    """Return every reason why redeeming would be refused now; nothing is written."""
    owner = holder(wanted, checkout.customer)
    inquiry = Inquiry(business=business, reader=reader, checkout=checkout, owner=owner, now=business.now())
    return () if find_made(inquiry, wanted) is not None else rules.ordered(judge(inquiry, wanted).reasons)


def holder(wanted: Redeemable, customer: str | None, *, guests: bool = True) -> str:
    """Return whose coupon it is or becomes; Malformed where that is not said and must be, or be a guest's if `guests` may."""
    if isinstance(wanted, Coupon):
        return wanted.customer_id
    if customer is None:
        kind = "free, nobody holds it" if isinstance(wanted, FreeCode) else "shared by all coupons of its series"
        guest = ", or identity= for a guest" if guests else "; a guest redeems it without"
        raise Malformed(f"the code is {kind}; say customer={guest}", field="customer")
    return customer


def spend(writer: Writer, series: CouponSeries, cost: Money | None) -> None:
    """Book what a use costs on the budget of the series, if it has one; Malformed where nobody told what it costs."""
    if writer.get(SeriesBudget, series.name) is None:
        return
    if cost is None:
        raise Malformed(f"series {series.name!r} has a budget; give lines=, or the discount= that is granted", field="discount")
    if cost and not writer.reserve(SeriesBudget, (series.name,), cost.minor):
        raise rules.refusal([Reason.OVER_BUDGET], series=series.name, needed=str(cost))


# inside ------------------------------------------------------------------------------------------


def _inquire(
    business: Business, writer: Writer, occasion: Occasion, turns: Sequence[Turn], checkout: Checkout
) -> Inquiry:
    [turn] = turns
    return Inquiry(
        business=business, reader=writer, checkout=checkout, owner=turn.customer_id, now=occasion.now, writer=writer
    )


def _admit(inquiry: Inquiry, wanted: Redeemable) -> Candidate:
    """Return the candidate if nothing speaks against it, with its place in the series taken; else raise every reason."""
    candidate = judge(inquiry, wanted)
    refuse(inquiry, candidate.series, candidate.reasons, candidate.coupon, candidate.uses)
    if candidate.takes_place and inquiry.writer is not None:
        places_of(candidate.series.name).take(inquiry.writer, 1)
    return candidate


def _settle_coupon(candidate: Candidate, coupon: Coupon, occasion: Occasion, *more: Redemption) -> Booked:
    """Return what is written of a coupon, which may be new, and of the free code that it comes from."""
    taken = () if candidate.taken is None else (evolve(candidate.taken, taken_at=candidate.at),)
    if candidate.made:
        return Booked(added=(evolve(coupon, applied_id=occasion.applied_id), *more), replaced=taken)
    return Booked(added=more, replaced=() if coupon is candidate.coupon else (coupon,))


def _action(action: str, wanted: Redeemable, told: Any, booking: Booking) -> Action:
    return Action(
        name=action, title=f"{action} {series_of(wanted)}", arguments={"coupon": remembered_as(wanted), **told},
        verdict=Verdict(), effects=lambda occasion: (booking,),
    )


def as_it_is(reader: Reader, coupon: Coupon) -> Coupon:
    """Return the coupon as it is stored now."""
    return reader.get(Coupon, coupon.customer_id, coupon.id) or coupon
