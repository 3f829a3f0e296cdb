"""Codes that nobody holds, and what guests have made of codes: each is one thing, and takes its place in the series."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

from custcrm.records import Coupon, CouponSeries, FreeCode, GuestRedemption
from custcrm.rules import coupons as rules
from custcrm.storage.protocol import Reader
from custcrm.verifying.coupons import Places
from custcrm.verifying.dossiers import grouped
from custcrm.verifying.ground import Ground, in_pieces
from custcrm.verifying.report import Findings

_HASH: Final = re.compile(r"[0-9a-f]{64}")


def check_codes(reader: Reader, ground: Ground, places: Places, found: Findings) -> None:
    """Look at free codes and at guests, and count the places that they take."""
    for piece in in_pieces(reader.find(FreeCode)):
        codes = [each.code for each in piece]
        held = {each.code for each in reader.find(Coupon, {"code": codes})}
        uses = grouped(reader.find(GuestRedemption, {"code": codes}), "code") if ground.has_guests else {}
        for code in piece:
            found.look("codes")
            _check_free(code, uses.get(code.code, ()), ground, places, found, is_held=code.code in held)
    shared = {terms.shared_code: name for name, terms in ground.series.items() if terms.shared_code is not None}
    for some in in_pieces(sorted(shared)):
        found.look("codes", len(some))
        others: list[Coupon | FreeCode] = [*reader.find(Coupon, {"code": some}), *reader.find(FreeCode, {"code": some})]
        for other in others:
            found.add("codes", CouponSeries, (shared[str(other.code)],), f"its code is also one of series {other.series!r}")
    if ground.has_guests:
        _check_guests(reader, ground, places, found)


def _check_free(
    code: FreeCode, uses: Sequence[GuestRedemption], ground: Ground, places: Places, found: Findings, *, is_held: bool
) -> None:
    terms = ground.series.get(code.series)
    if is_held is (code.taken_at is None):
        told = "a free code is a coupon's too" if is_held else "a code was taken, and is no coupon's"
        found.add("codes", FreeCode, (code.series,), f"{told}: made at {code.created_at.isoformat()}")
    if terms is None or code.taken_at is not None:
        return
    is_freed = code.revoked_at is not None and rules.is_freed(terms, uses)
    places.taken[code.series] += not is_freed
    if len(rules.standing(uses)) > terms.per_coupon:
        text = f"{len(rules.standing(uses))} uses of one code stand, the series allows {terms.per_coupon}"
        found.add("coupons", GuestRedemption, (use.id for use in uses), text)


def _check_guests(reader: Reader, ground: Ground, places: Places, found: Findings) -> None:
    visits = groupby(reader.find(GuestRedemption, order=("series", "identity")), key=lambda each: (each.series, each.identity))
    for (name, identity), uses in visits:
        mine = tuple(uses)
        found.look("coupons", len(mine))
        ids = [use.id for use in mine]
        if not _HASH.fullmatch(identity):
            found.add("coupons", GuestRedemption, ids, "the guest is not known by a hash")
        for use in mine:
            places.use(use)
            if use.restored_at is not None and use.restored_at < use.redeemed_at:
                found.add("coupons", GuestRedemption, (use.id,), "it was taken back before it was made")
        terms = ground.series.get(name)
        if terms is None:
            continue
        begun = rules.guest_coupons(terms, mine)
        if terms.codes == "shared":
            places.taken[name] += begun
        if terms.per_customer is not None and begun > terms.per_customer:
            found.add("coupons", GuestRedemption, ids, f"one guest has {begun}, the limit for one is {terms.per_customer}")
    for piece in in_pieces(reader.find(GuestRedemption)):
        _check_known(reader, piece, ground.series, found)


def _check_known(
    reader: Reader, uses: Sequence[GuestRedemption], series: Mapping[str, CouponSeries], found: Findings
) -> None:
    """Find uses of codes that there are not: a guest's is a free code, taken since or not, or the one of a series."""
    made = {each.code for each in reader.find(FreeCode, {"code": sorted({use.code for use in uses})})}
    for use in uses:
        found.look("codes")
        terms = series.get(use.series)
        if use.code not in made and (terms is None or terms.shared_code != use.code):
            found.add("codes", GuestRedemption, (use.id,), "the code that was used is none of the series")
