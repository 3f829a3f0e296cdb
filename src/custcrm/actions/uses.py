"""What was made of coupons: their redemptions, and those that guests made of the same codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from custcrm.records import Coupon, CouponSeries, FreeCode, GuestRedemption, Redemption
from custcrm.rules.coupons import Use
from custcrm.storage.protocol import Reader


def uses_of(reader: Reader, coupon: Coupon | FreeCode) -> tuple[Use, ...]:
    """Return all uses of a coupon, or of a code that nobody holds."""
    if isinstance(coupon, FreeCode):
        return tuple(reader.find(GuestRedemption, {"code": coupon.code}))
    return uses_by_coupon(reader, [coupon])[coupon.id]


def uses_by_coupon(reader: Reader, coupons: Iterable[Coupon]) -> Mapping[str, tuple[Use, ...]]:
    """Return all uses of each coupon, by its id; asked together."""
    asked = tuple(coupons)
    found: dict[str, list[Use]] = {coupon.id: [] for coupon in asked}
    by_code = {coupon.code: coupon.id for coupon in asked if coupon.code is not None}
    where = {"customer_id": sorted({coupon.customer_id for coupon in asked}), "coupon_id": sorted(found)}
    for use in reader.find(Redemption, where) if asked else ():
        found[use.coupon_id].append(use)
    for guests in reader.find(GuestRedemption, {"code": sorted(by_code)}) if by_code else ():
        found[by_code[guests.code]].append(guests)
    return {coupon_id: tuple(uses) for coupon_id, uses in found.items()}


def series_by_name(reader: Reader, names: Iterable[str]) -> Mapping[str, CouponSeries]:
    """Return the series of these names, asked together."""
    return {each.name: each for each in reader.find(CouponSeries, {"name": sorted(set(names))})}
