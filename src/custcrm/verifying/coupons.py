"""Coupons of a customer, their uses, and the places that all of them take in their series.

The places and costs are counted while the customers go by, and compared with the counters at the end: `Places`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from attrs import define, field

from custcrm.records import Applied, Coupon, CouponSeries, GuestRedemption, Redemption, SeriesBudget
from custcrm.rules import coupons as rules
from custcrm.storage.protocol import Reader
from custcrm.verifying.dossiers import Dossier, grouped
from custcrm.verifying.ground import Ground
from custcrm.verifying.report import Findings, ids_of, shared_ids

ISSUING = "issue_coupons"
"""The action that takes the places of all its targets before the first of them has a coupon."""


@define
class Places:
    """What was counted so far: places by series, and costs of the uses that stand by series."""

    taken: Counter[str] = field(factory=Counter)
    spent: Counter[str] = field(factory=Counter)

    def use(self, use: rules.Use) -> None:
        """Count what a use costs."""
        if use.restored_at is None and use.discount is not None:
            self.spent[use.series] += use.discount.minor


def guests_of(reader: Reader, pieces: Iterable[Dossier], ground: Ground) -> Mapping[str, list[GuestRedemption]]:
    """Return what guests have made of the codes that these customers hold, by code; asked together."""
    codes = sorted({each.code for dossier in pieces for each in dossier.of(Coupon) if each.code}) if ground.has_guests else []
    found = reader.find(GuestRedemption, {"code": codes}) if codes else ()
    return grouped(found, "code")


def check_coupons(
    dossier: Dossier, ground: Ground, guests: Mapping[str, Sequence[GuestRedemption]], places: Places, found: Findings
) -> None:
    """Look at one customer's coupons and redemptions, and count their places."""
    redemptions = dict(grouped(dossier.of(Redemption), "coupon_id"))
    coupons = dossier.of(Coupon)
    for coupon in coupons:
        found.look("coupons")
        terms = ground.series.get(coupon.series)
        uses = (*redemptions.pop(coupon.id, ()), *guests.get(coupon.code or "", ()))
        if terms is None:
            continue  # told as a reference
        is_freed = coupon.revoked_at is not None and rules.is_freed(terms, uses)
        places.taken[coupon.series] += not is_freed
        for fault in _faults_of(coupon, uses, terms, is_freed=is_freed):
            found.add("coupons", Coupon, ids_of(coupon), fault)
    for name, mine in grouped(coupons, "series").items():
        limit = ground.series[name].per_customer if name in ground.series else None
        numbers = [each.ordinal for each in mine if each.ordinal is not None]
        if limit is not None and (len(numbers) > limit or not all(number >= 1 for number in numbers)):
            text = f"{len(numbers)} of series {name!r}, whose limit for one customer is {limit}, or not numbered from 1 on"
            found.add("coupons", Coupon, shared_ids(dossier.id, mine), text)
    for lost in redemptions.values():
        found.add("references", Redemption, shared_ids(dossier.id, lost), "the customer has no such coupon")
    for use in dossier.of(Redemption):
        places.use(use)


def _faults_of(coupon: Coupon, uses: rules.Uses, terms: CouponSeries, *, is_freed: bool) -> Iterable[str]:
    """Yield what cannot be of a coupon and its uses."""
    if (coupon.code is None) is (terms.codes == "unique"):
        yield f"the codes of series {terms.name!r} are {terms.codes}"
    if (coupon.ordinal is None) is not (terms.per_customer is None or is_freed):
        yield "it has a number among the customer's coupons just when it counts for a limit of the series"
    if len(rules.standing(uses)) > terms.per_coupon:
        yield f"{len(rules.standing(uses))} uses stand, the series allows {terms.per_coupon}"
    if (coupon.reserved_until is None) is not (coupon.reserved_for is None):
        yield "it is reserved for something up to some time, or not at all"
    if not _follow(coupon.issued_at, coupon.reserved_at, coupon.reserved_until):
        yield "it was reserved before it was issued, or up to a time before that"
    if coupon.revoked_at is not None and coupon.revoked_at < coupon.issued_at:
        yield "it was revoked before it was issued"
    for use in uses:
        if use.discount is not None and use.discount.minor < 0:
            yield f"the use {use.id} takes off less than nothing"
        if use.series != coupon.series or use.program != terms.program:
            yield f"the use {use.id} is of another series or program"
        begun = None if isinstance(use, GuestRedemption) else coupon.issued_at  # a guest's may come before it is taken
        if not _follow(begun, use.redeemed_at, use.restored_at):
            yield f"the use {use.id} is before the coupon was issued, or was taken back before it was made"
        if not _follow(use.redeemed_at, coupon.revoked_at):
            yield f"the use {use.id} is after the coupon was revoked"
        if coupon.valid_from is not None and use.redeemed_at < coupon.valid_from:
            yield f"the use {use.id} is before the coupon was valid"
        if coupon.expires_at is not None and coupon.expires_at <= use.redeemed_at:
            yield f"the use {use.id} is after the coupon had expired"


def _follow(*instants: datetime | None) -> bool:
    """Tell whether instants come one after the other, as far as they are known."""
    known = [each for each in instants if each is not None]
    return all(before <= after for before, after in pairwise(known))


# the counters --------------------------------------------------------------------------------------


def check_series(reader: Reader, ground: Ground, places: Places, found: Findings) -> None:
    """Compare the counters with what was counted; places that an unfinished apply has taken beforehand count too."""
    for applied in _all(reader, Applied):
        if applied.action == ISSUING and applied.done < applied.eligible:
            places.taken[str(applied.arguments.get("series"))] += applied.eligible - applied.done
    for series in ground.series.values():
        found.look("series")
        _check_series(series, places.taken[series.name], found)
    for budget in _all(reader, SeriesBudget):
        found.look("budgets")
        spent = places.spent[budget.series]
        if budget.spent != spent or not 0 <= budget.spent <= budget.budget:
            text = f"it counts {budget.spent} minor units as spent of {budget.budget}, the uses that stand come to {spent}"
            found.add("budgets", SeriesBudget, (budget.series,), text)


def _check_series(series: CouponSeries, taken: int, found: Findings) -> None:
    # Of a series that keeps the places of revoked coupons, a customer who was deleted leaves some that nothing else tells of.
    right = series.issued == taken if series.revoke_frees else series.issued >= taken
    if not right:
        text = f"it counts {series.issued} issued, its coupons, codes and guests take {taken} places"
        found.add("series", CouponSeries, (series.name,), text)
    if series.capacity is not None and series.issued > series.capacity:
        found.add("series", CouponSeries, (series.name,), f"it counts {series.issued} issued of {series.capacity}")


def _all(reader: Reader, record: type) -> Iterable[Any]:
    return reader.find(record)
