"""What was made of coupons: their redemptions, those that guests made of the same codes, and what they took off which order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from custcrm.records import Coupon, CouponSeries, FreeCode, GuestRedemption, Redemption, Sale
from custcrm.rules.coupons import Use
from custcrm.rules.sales import shares
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


def references(sale: Sale) -> list[str]:
    """Return by what points and coupons were used for the sale: its id, or the number it has elsewhere."""
    return [sale.id] if sale.external_id is None else [sale.id, sale.external_id]


def uses_for(reader: Reader, names: Collection[str]) -> list[Use]:
    """Return all uses of coupons for orders of these names, whoever's coupons they were."""
    where = {"reference": sorted(names)}
    return [*reader.find(Redemption, where), *reader.find(GuestRedemption, where)] if names else []


def discounts_of(reader: Reader, sales: Iterable[Sale]) -> Mapping[str, list[shares.Discount]]:
    """Return what coupons took off each sale, by its id; asked together."""
    asked = tuple(sales)
    found: dict[str | None, list[Use]] = {}
    for use in uses_for(reader, {name for sale in asked for name in references(sale)}):
        found.setdefault(use.reference, []).append(use)
    terms = series_by_name(reader, {use.series for uses in found.values() for use in uses}) if found else {}
    return {
        sale.id: shares.discounts([use for name in references(sale) for use in found.get(name, ())], terms, sale.recorded_at)
        for sale in asked
    }


def all_references(reader: Reader, told: Collection[str], customers: Iterable[str] | None) -> tuple[str, ...]:
    """Return the references with the other name of each that is a sale's: its external id, or its id if of these customers.

    None is for sales of anybody by their ids, which takes long.
    """
    if not told:
        return ()
    names = sorted(told)
    sales = list(reader.find(Sale, {"external_id": names}))
    whose = None if customers is None else sorted(set(customers))
    if whose is None:
        sales += reader.find(Sale, {"id": names})
    elif whose:
        sales += reader.find(Sale, {"customer_id": whose, "id": names})
    return tuple(dict.fromkeys([*told, *(name for sale in sales for name in references(sale))]))
