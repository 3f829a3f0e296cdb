"""What coupons take off the lines of a sale, before anything is redeemed. The name to know is `quote`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from custcrm.actions.coupons import codes
from custcrm.business import Business
from custcrm.crm.loyalty.checkout import CouponRef, Lines, sale_lines
from custcrm.records import Coupon, CouponSeries, FreeCode
from custcrm.rules import benefits
from custcrm.rules.benefits import Quote
from custcrm.values.errors import Reason, Refusal
from custcrm.values.identifiers import identifier
from custcrm.values.shapes import several

Quotable: TypeAlias = CouponRef | CouponSeries
"""What can be quoted: a coupon as callers give one, or a series, also by its name."""


def quote(business: Business, coupon: Quotable | Sequence[Quotable], lines: Lines) -> Quote:
    """Return what coupons take off the lines, together and each; not_stackable where several are not all stackable."""
    asked = [coupon] if isinstance(coupon, Coupon | FreeCode | CouponSeries | str) else several(coupon, field="coupon")
    terms = [_terms(business, each) for each in asked]
    if len(terms) > 1 and not all(each.stackable for each in terms):
        raise Refusal(Reason.NOT_STACKABLE, details={"series": next(each.name for each in terms if not each.stackable)})
    found = [benefits.from_json(each.benefit) for each in terms]
    return benefits.quote_all(found, sale_lines(business, lines), currency=business.currency)


def _terms(business: Business, coupon: Quotable) -> CouponSeries:
    if isinstance(coupon, CouponSeries):
        return coupon
    with business.reading() as reader:
        if isinstance(coupon, str):
            found = codes.find_by_code(reader, coupon := identifier(coupon, field="coupon"))
        else:
            found = codes.find_coupon(reader, coupon)
    if found is None:
        assert isinstance(coupon, str), "a record is found, or it is an error"
        return business.known(CouponSeries, coupon, "coupon series")
    if isinstance(found, CouponSeries):
        return found
    return business.known(CouponSeries, found.series, "coupon series")
