"""Deleting a customer who has no financial records, with every fact about them, in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from attrs import evolve

from custcrm.actions.coupons.redemptions import series_by_name, uses_by_coupon
from custcrm.actions.keys import Request, once
from custcrm.business import Business, hold_customer
from custcrm.records import Coupon, CouponSeries, Customer, FreeCode, Target
from custcrm.records.declaration import declaration
from custcrm.rules import coupons, deleting
from custcrm.storage.protocol import Writer
from custcrm.values.errors import Conflict, Contended


def delete(business: Business, customer_id: str, *, key: str | None = None) -> None:
    """Remove the customer and all facts about them; Refusal where there are financial records, which must be kept.

    Coupons that are still theirs go back to their series, as if they had been revoked; a code that they took is free again, as
    it was printed for somebody.
    """
    request = Request(action="delete_customer", arguments={}, about={"customer": customer_id}, key=key)

    def remove(writer: Writer) -> Sequence[Customer]:
        _delete(writer, customer_id)
        return ()

    once(business, request, remove)


def _delete(writer: Writer, customer_id: str) -> None:
    hold_customer(writer, customer_id)
    mine = {"customer_id": customer_id}
    kept = {name: writer.count_records(record, mine) for name, record in deleting.FINANCIAL.items()}
    if refusal := deleting.refusal(kept):
        raise refusal
    held = tuple(writer.find(Coupon, mine))
    _give_back(writer, held, _free_again(writer, held))
    for record in deleting.ABOUT:
        _remove_all(writer, record, mine)
    try:
        writer.remove(Customer, customer_id)
    except Conflict:  # on a server others may have written about the customer after we looked: look again
        raise Contended from None
    _remove_all(writer, Target, mine)  # last: nothing refers to a customer who is gone, but a freeze may have ended meanwhile


def _remove_all(writer: Writer, record: type, mine: Mapping[str, Any]) -> None:
    key = attrgetter(*declaration(record).key)
    found: list[Any] = list(writer.find(record, mine))
    for each in found:
        writer.remove(record, *key(each))


def _free_again(writer: Writer, held: Iterable[Coupon]) -> set[str]:
    """Make codes that the customer took nobody's again, in order of their text, and return them; the revoked stay revoked."""
    revoked = {each.code: each.revoked_at for each in held if each.code is not None}
    taken = list(writer.find(FreeCode, {"code": sorted(revoked)})) if revoked else []
    for code in taken:
        writer.replace(evolve(code, taken_at=None, revoked_at=revoked[code.code]))
    return {code.code for code in taken}


def _give_back(writer: Writer, held: Iterable[Coupon], freed: Collection[str]) -> None:
    """Give the places of coupons back to their series, where these take them, in order of their names.

    A code that is free again keeps its place.
    """
    theirs = [each for each in held if each.revoked_at is None and each.code not in freed]
    uses, series = uses_by_coupon(writer, theirs), series_by_name(writer, (each.series for each in theirs))
    places = Counter(each.series for each in theirs if coupons.is_freed(series[each.series], uses[each.id]))
    for name, count in sorted(places.items()):
        writer.reserve(CouponSeries, (name,), -count)
