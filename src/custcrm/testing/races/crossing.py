"""The races of those who need what another one has, and have what it needs; see `testing.races`, which runs them.

A store that finds such a deadlock gives one of the two up. It is begun again, and nobody notices but for the time.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from custcrm.crm import Crm
from custcrm.records import PointsEntry, Redemption, Sale
from custcrm.testing.races.runners import ALL, RUNNERS, TURNS, Finish, Race, Turn, equal, members
from custcrm.values.errors import Unavailable

PAYMENTS: Final = 3
"""Spends that paid for a sale: while they are given back, its customer is held, and the other one is not yet."""

PURSE: Final = 100


def _sales_with_the_coupons_of_others(crm: Crm, name: str) -> list[str]:
    """Let each two customers have paid by points, and each with the other's coupon."""
    people = members(crm, name)
    crm.coupons.add_series(name, program=name)
    for first, second in zip(people[::2], people[1::2], strict=True):
        for buyer, friend in ((first, second), (second, first)):
            crm.points.credit(buyer, name, PURSE)
            sale = crm.sales.record(buyer, 10, program=name, external_id=f"{name} {buyer}")
            for _ in range(PAYMENTS):
                crm.points.spend(buyer, name, 1, reference=sale.id)
            crm.coupons.redeem(crm.coupons.issue(friend, name), reference=sale.id)
    return people


def _to_cancel(crm: Crm) -> list[str]:
    return _sales_with_the_coupons_of_others(crm, "crossing")


def _cancel(crm: Crm, turn: Turn) -> str:
    """Two runners cancel the sales of a pair: each needs its buyer and the holder of the coupon, who is the other one."""
    try:
        crm.sales.cancel(f"crossing {turn.own}")
    except Unavailable as error:
        return str(error)
    return "cancelled"


def _to_cancel_beside_bulk(crm: Crm) -> list[str]:
    return _sales_with_the_coupons_of_others(crm, "beside")


def _cancel_or_spend_in_bulk(crm: Crm, turn: Turn) -> str:
    """Half of the runners cancel, from the last customer on; the others spend of all customers at once, from the first on."""
    try:
        if turn.runner % 2:
            crm.sales.cancel(f"beside {turn.own}")
        else:
            crm.select("programs.beside EXISTS").spend_points("beside", 1).apply(key=f"beside {turn.runner} {turn.number}")
    except Unavailable as error:
        return str(error)
    return "cancelled" if turn.runner % 2 else "spent"


def _all_is_given_back(finish: Finish) -> None:
    equal(finish.counts, {"cancelled": ALL})
    for each in finish.customers:
        proof = finish.crm.points.prove(each, "crossing")
        equal((proof.balance, proof.faults()), (PURSE, ()))
    _nothing_stays_redeemed(finish, "crossing", set(finish.customers))


def _both_are_exact(finish: Finish) -> None:
    bulk = RUNNERS // 2 * TURNS
    equal(finish.counts, {"cancelled": ALL - bulk, "spent": bulk})
    cancelled = {each for at, each in enumerate(finish.customers) if at % RUNNERS % 2}
    for each in finish.customers:
        proof = finish.crm.points.prove(each, "beside")
        equal((proof.balance, proof.faults()), (PURSE - bulk - (0 if each in cancelled else PAYMENTS), ()))
    _nothing_stays_redeemed(finish, "beside", cancelled)


def _nothing_stays_redeemed(finish: Finish, name: str, cancelled: set[str]) -> None:
    sales = finish.kept(Sale, program=name)
    equal(Counter(each.customer_id for each in sales if each.refund_of is not None), dict.fromkeys(cancelled, 1))
    back = {each.id for each in sales if each.refund_of is None and each.customer_id in cancelled}
    uses: list[Any] = finish.kept(Redemption, series=name)
    equal({each.reference for each in uses if each.restored_at is not None}, back)
    equal(len(finish.kept(PointsEntry, program=name, kind="spend", reference=list(back))), PAYMENTS * len(back))


CROSSING_RACES: Final = (
    Race(name="crossing", law="sales are cancelled crosswise, and no deadlock is noticed", prepare=_to_cancel, run=_cancel,
         check=_all_is_given_back),
    Race(name="beside", law="bulk and single actions in opposite orders are both exact", prepare=_to_cancel_beside_bulk,
         run=_cancel_or_spend_in_bulk, check=_both_are_exact),
)
"""They are part of `testing.races.RACES`."""
