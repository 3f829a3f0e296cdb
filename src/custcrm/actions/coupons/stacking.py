"""Several coupons for one order: redeemed together, all or none. The names to know are `redeem_all` and `Redeemed`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import evolve, frozen

from custcrm.actions.coupons import guests, redeeming
from custcrm.actions.coupons.codes import Redeemable, remembered_as, series_of
from custcrm.actions.coupons.judging import Checkout
from custcrm.actions.coupons.redemptions import series_by_name
from custcrm.actions.keys import Request, once
from custcrm.business import Business, hold_customer
from custcrm.records import FreeCode, GuestRedemption, Redemption
from custcrm.rules import benefits
from custcrm.rules import coupons as rules
from custcrm.storage.protocol import Writer
from custcrm.values.errors import Malformed, Reason, Refusal
from custcrm.values.money import Money

MOST: Final = 100
"""Coupons of one order: far more than any till takes, and few enough to be judged one after the other."""


@frozen(kw_only=True)
class Redeemed:
    """What several coupons took off one order: the `discount` altogether, and the `redemptions`, one for each as asked."""

    discount: Money
    redemptions: tuple[Redemption | GuestRedemption, ...]

    @property
    def parts(self) -> tuple[Money, ...]:
        """What each coupon took off, as asked; nothing where nobody told."""
        nothing = Money.from_minor(0, self.discount.currency)
        return tuple(nothing if each.discount is None else each.discount for each in self.redemptions)


def redeem_all(
    business: Business, wanted: Sequence[Redeemable], checkout: Checkout, identity: str | None, *, key: str | None = None
) -> Redeemed:
    """Redeem coupons for one order, in the order in which their benefits take their parts; once, where a key is given."""
    if not 1 <= len(wanted) <= MOST:
        raise Malformed(f"give 1 to {MOST} coupons", field="coupons")
    check_each_once(wanted)
    told = {"coupons": [remembered_as(each) for each in wanted], **checkout.told()}

    def work(writer: Writer) -> Redeemed:
        guest = None if identity is None else guests.known_as(business, writer, identity)
        request = Request(action="redeem_coupons", arguments={**told, "guest": guest}, key=key)
        made = once(business, request, lambda writer: _redeem_each(business, writer, wanted, checkout, identity))
        costs = (0 if each.discount is None else each.discount.minor for each in made)
        return Redeemed(discount=Money.from_minor(sum(costs), business.currency), redemptions=tuple(made))

    return business.transact(work)


def check_each_once(wanted: Sequence[Redeemable]) -> None:
    """Raise the refusal where a coupon is among them twice: it is used once for an order."""
    seen: dict[str | None, int] = {}
    for number, each in enumerate(wanted, 1):
        name = remembered_as(each)
        if name in seen:
            raise rules.refusal([Reason.ALREADY_REDEEMED], coupon=number, series=series_of(each), same_as=seen[name])
        seen[name] = number


def _redeem_each(
    business: Business, writer: Writer, wanted: Sequence[Redeemable], checkout: Checkout, identity: str | None
) -> Sequence[Redemption | GuestRedemption]:
    """Redeem them, with all of them held beforehand, in one order whoever names them; return their uses as asked."""
    order = checkout if checkout.reference is not None else evolve(checkout, reference=business.ids.new())
    owners = set() if identity is not None else {redeeming.holder(each, checkout.customer) for each in wanted}
    for owner in sorted(owners):
        hold_customer(writer, owner)
    for code in sorted(each.code for each in wanted if isinstance(each, FreeCode)):
        writer.hold(FreeCode, code)
    terms = series_by_name(writer, map(series_of, wanted))
    turns = {at: benefits.from_json(terms[series_of(each)].benefit) for at, each in enumerate(wanted)}
    made: dict[int, Redemption | GuestRedemption] = {}
    for at in sorted(turns, key=lambda at: (benefits.turn(turns[at]), remembered_as(wanted[at]) or "")):
        try:
            if identity is not None:
                made[at] = guests.redeem_as_guest(business, wanted[at], identity, order)
            else:
                made[at] = redeeming.redeem(business, wanted[at], order)
        except Refusal as no:
            raise Refusal(*no.reasons, details={"coupon": at + 1, **no.details}) from no
    return [made[at] for at in range(len(wanted))]

