"""Redeeming, reserving and releasing the coupons of customers. See `actions.guests` for guests, and `actions.restoring`.

Whoever changes a coupon holds its customer first: two tills with one coupon wait there for each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from attrs import evolve

from custcrm.actions.action import Action, Booked, Booking, Occasion, Turn
from custcrm.actions.coupons.codes import Thing, places_of
from custcrm.actions.coupons.judging import Asking, Case, Use, judged, refuse
from custcrm.actions.coupons.redemptions import all_references, uses_of
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


def redeeming(business: Business, wanted: Thing, use: Use) -> Action:
    """Redeem a coupon, or what a code stands for, once more (FEATURES V15, V18, V19)."""

    def book(writer: Writer, occasion: Occasion, turns: Sequence[Turn]) -> Booked:
        case = _admitted(business, writer, occasion, turns, wanted, use)
        cost = use.cost(case.series)
        spend(writer, case.series, cost)
        coupon = rules.released(case.coupon, case.at)
        redemption = Redemption(
            customer_id=coupon.customer_id, id=business.ids.new(), coupon_id=coupon.id, series=coupon.series,
            program=case.series.program, redeemed_at=case.at, reference=use.reference, discount=cost, terminal=use.terminal,
            point_of_sale=use.point_of_sale, actor=occasion.actor, applied_id=occasion.applied_id,
        )
        return _settled(case, coupon, occasion, redemption)

    return _action("redeem_coupon", wanted, use.told(), Booking((Redemption,), book))


def reserving(business: Business, wanted: Thing, use: Use, lasting: Span) -> Action:
    """Keep a coupon for an order for a time; when that is over, it is free again by itself."""

    def book(writer: Writer, occasion: Occasion, turns: Sequence[Turn]) -> Booked:
        case = _admitted(business, writer, occasion, turns, wanted, use)
        until = move(case.at, lasting, business.zone)
        coupon = rules.reserved(
            case.coupon, at=case.at, until=until, reference=use.reference or "", references=case.references
        )
        _remember(writer, occasion, coupon)
        return _settled(case, coupon, occasion)

    told = {"reference": use.reference, "customer": use.customer, "for": str(lasting)}
    return _action("reserve_coupon", wanted, told, Booking((Coupon,), book))


def reserved_under(reader: Reader, owner: str, key: str) -> Coupon:
    """Return the coupon that was reserved under a key, whatever became of it since; NotFound where its customer is gone."""
    applied = reader.get(Applied, key)
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
    reference_of(reference)

    def book(writer: Writer, occasion: Occasion, _: Sequence[Turn]) -> Booked:
        held = writer.hold(Coupon, coupon.customer_id, coupon.id)
        if held is None:
            raise NotFound("the coupon is gone, and its customer")
        at = rules.present(held, uses_of(writer, held), occasion.now)
        names = None if reference is None else all_references(writer, [reference], [held.customer_id])
        if not rules.is_reserved(held, at) or (names is not None and held.reserved_for not in names):
            no = Refusal(Reason.NOT_RESERVED, details={"series": held.series})
            return Booked(refused={held.customer_id: no})
        return Booked(replaced=[rules.released(held, at)])

    return _action("release_coupon", coupon, {"reference": reference}, Booking((Coupon,), book))


def why(business: Business, reader: Reader, wanted: Thing, use: Use) -> tuple[Reason, ...]:
    """Return every reason why redeeming would be refused now; nothing is written."""
    asking = Asking(business=business, reader=reader, use=use, owner=holder(wanted, use.customer), now=business.now())
    return rules.ordered(judged(asking, wanted).reasons)


def holder(wanted: Thing, customer: str | None) -> str:
    """Return whose coupon it is or becomes; Malformed where that is not said and must be."""
    if isinstance(wanted, Coupon):
        return wanted.customer_id
    if customer is None:
        kind = "free, nobody holds it" if isinstance(wanted, FreeCode) else "shared by all coupons of its series"
        raise Malformed(f"the code is {kind}; say customer=, or identity= for a guest", field="customer")
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


def _admitted(
    business: Business, writer: Writer, occasion: Occasion, turns: Sequence[Turn], wanted: Thing, use: Use
) -> Case:
    """Return the case if nothing speaks against it, with its place in the series taken; else raise every reason."""
    [turn] = turns
    asking = Asking(business=business, reader=writer, use=use, owner=turn.customer_id, now=occasion.now, writer=writer)
    case = judged(asking, wanted)
    refuse(asking, case.series, case.reasons)
    if case.takes_place:
        places_of(case.series.name).take(writer, 1)
    return case


def _settled(case: Case, coupon: Coupon, occasion: Occasion, *more: Redemption) -> Booked:
    """Return what is written of a coupon, which may be new, and of the free code that it comes from."""
    taken = () if case.taken is None else (evolve(case.taken, taken_at=case.at),)
    if case.made:
        return Booked(added=(evolve(coupon, applied_id=occasion.applied_id), *more), replaced=taken)
    return Booked(added=more, replaced=() if coupon is case.coupon else (coupon,))


def _action(action: str, wanted: Thing, told: Any, booking: Booking) -> Action:
    series, named = _named(wanted)
    return Action(
        name=action, title=f"{action} {series}", arguments={"coupon": named, **told}, verdict=Verdict(),
        effects=lambda occasion: (booking,),
    )


def _named(wanted: Thing) -> tuple[str, str | None]:
    """Return the series, and by what a key remembers a coupon: its code, which stays the same when a customer takes it."""
    match wanted:
        case Coupon():
            return wanted.series, wanted.code or wanted.id
        case FreeCode():
            return wanted.series, wanted.code
    return wanted.name, wanted.shared_code
