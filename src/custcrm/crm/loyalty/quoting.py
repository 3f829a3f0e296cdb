"""What coupons take off the lines of a sale, before anything is redeemed. The name to know is `quote`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from custcrm.actions.coupons import codes
from custcrm.actions.coupons.redemptions import uses_of
from custcrm.actions.coupons.stacking import check_each_once
from custcrm.business import Business
from custcrm.crm.loyalty.checkout import CouponRef, Lines, sale_lines
from custcrm.records import Coupon, CouponSeries, FreeCode
from custcrm.rules import benefits
from custcrm.rules import coupons as rules
from custcrm.rules.benefits import Quote
from custcrm.storage.protocol import Reader
from custcrm.values.errors import Reason, Refusal
from custcrm.values.identifiers import identifier
from custcrm.values.shapes import several

Quotable: TypeAlias = CouponRef | CouponSeries
"""What can be quoted: a coupon as callers give one, or a series, also by its name."""

WORTHLESS: Final = frozenset({Reason.ALREADY_REDEEMED, Reason.REVOKED, Reason.EXPIRED})
"""Reasons that time does not mend, nor anybody who brings the coupon."""


def quote(business: Business, coupon: Quotable | Sequence[Quotable], lines: Lines) -> Quote:
    """Return what coupons take off the lines, together and each.

    Refused with not_stackable where several are not all stackable, and with what speaks against a coupon whenever it is
    brought: already_redeemed, also where one is named twice, revoked and expired.
    """
    asked = [coupon] if isinstance(coupon, Coupon | FreeCode | CouponSeries | str) else several(coupon, field="coupon")
    with business.reading() as reader:
        found = [_find(reader, each, number) for number, each in enumerate(asked, 1)]
        check_each_once([each for each in found if each is not None])
        told = enumerate(zip(asked, found, strict=True), 1)
        terms = [_terms(business, reader, each, one, number) for number, (each, one) in told]
    if len(terms) > 1 and not all(each.stackable for each in terms):
        raise Refusal(Reason.NOT_STACKABLE, details={"series": next(each.name for each in terms if not each.stackable)})
    worth = [benefits.from_json(each.benefit) for each in terms]
    return benefits.quote_all(worth, sale_lines(business, lines), currency=business.currency)


def _find(reader: Reader, asked: Quotable, number: int) -> codes.Redeemable | None:
    """Return what a coupon or code stands for; None for a series that is named, of which there may be any number of coupons."""
    if isinstance(asked, CouponSeries):
        return None
    if isinstance(asked, str):
        return codes.find_by_code(reader, identifier(asked, field="coupon"))
    return codes.find_coupon(reader, asked, number)


def _terms(
    business: Business, reader: Reader, asked: Quotable, found: codes.Redeemable | None, number: int
) -> CouponSeries:
    """Return the series, unless the coupon can take nothing off any more."""
    if isinstance(asked, CouponSeries):
        return asked
    if found is None or isinstance(found, CouponSeries):
        return found or business.known(CouponSeries, str(asked), "coupon series")
    series = business.known(CouponSeries, found.series, "coupon series")
    coupon, uses = rules.unheld(found) if isinstance(found, FreeCode) else found, uses_of(reader, found)
    reasons = rules.refusals(series, coupon, uses, at=rules.present(coupon, uses, business.now()), references=(), beside=())
    if found_worthless := reasons & WORTHLESS:
        first = rules.ordered(found_worthless)[0]
        raise rules.refusal(found_worthless, coupon=number, series=series.name, **rules.obstacle(first, series, coupon, uses))
    return series
