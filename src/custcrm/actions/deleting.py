"""Deleting a customer who has no financial records, with every fact about them, in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from custcrm.actions.uses import series_by_name, uses_by_coupon
from custcrm.records import Coupon, CouponSeries, Customer
from custcrm.records.declaration import declaration
from custcrm.rules import coupons, deleting
from custcrm.storage.protocol import Store, Writer
from custcrm.values.errors import Conflict, NotFound


def delete(store: Store, customer_id: str) -> None:
    """Remove the customer and all facts about them; Refusal where there are financial records, which must be kept.

    Coupons that are still theirs go back to their series, as if they had been revoked.
    """
    try:
        with store.write() as writer:
            _delete(writer, customer_id)
    except Conflict:
        # On a server another may have recorded a sale after we looked: then it is there now, and tells.
        with store.read() as reader:
            refusal = deleting.refusal({
                name: reader.count_records(record, {"customer_id": customer_id})
                for name, record in deleting.FINANCIAL.items()
            })
        if refusal is None:
            raise
        raise refusal from None


def _delete(writer: Writer, customer_id: str) -> None:
    if writer.hold(Customer, customer_id) is None:
        raise NotFound("no customer has this id")
    mine = {"customer_id": customer_id}
    kept = {name: writer.count_records(record, mine) for name, record in deleting.FINANCIAL.items()}
    if refusal := deleting.refusal(kept):
        raise refusal
    _give_back(writer, writer.find(Coupon, mine))
    for record in deleting.ABOUT:
        key = attrgetter(*declaration(record).key)
        found: list[Any] = list(writer.find(record, mine))
        for each in found:
            writer.remove(record, *key(each))
    writer.remove(Customer, customer_id)


def _give_back(writer: Writer, held: Iterable[Coupon]) -> None:
    """Give the places of coupons back to their series, where these take them, in order of their names."""
    theirs = [each for each in held if each.revoked_at is None]
    uses, series = uses_by_coupon(writer, theirs), series_by_name(writer, (each.series for each in theirs))
    places = Counter(each.series for each in theirs if coupons.is_freed(series[each.series], uses[each.id]))
    for name, count in sorted(places.items()):
        writer.reserve(CouponSeries, (name,), -count)
