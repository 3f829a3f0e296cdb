"""Lots as a store has them: what the rules of points are given. The names to know are `open_lots` and `debts`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from custcrm.records import PointsEntry, Sale
from custcrm.records.points import DEBT
from custcrm.rules.lots import Lot, lot_of
from custcrm.storage.protocol import Reader

LOT: Final = ("expires_at", "lot_id", "valid_from")
"""How the lots of a customer lie in the index: soonest first, then the oldest, those that never expire last."""


def open_lots(
    reader: Reader, customers: Sequence[str], program: str, now: datetime
) -> Mapping[str, Iterable[Lot]]:
    """Return each customer's lots with points left that expire later than now, in the order they are spent.

    All entries of a lot count, those too that a clock set back sees in the future. For one customer they are read as far as
    they are looked at, for several at once.
    """
    if len(customers) == 1:
        return {customers[0]: _lots(reader, customers[0], program, now)}
    found: defaultdict[str, list[Lot]] = defaultdict(list)
    for id_, *lot in _rows(reader, list(customers), ("customer_id", *LOT), program, now):
        found[id_].append(_lot(*lot))
    return found


def _lots(reader: Reader, customer_id: str, program: str, now: datetime) -> Iterator[Lot]:
    return (_lot(*row) for row in _rows(reader, customer_id, LOT, program, now))


def _lot(expires_at: datetime | None, lot_id: str, valid_from: datetime | None, points: int, latest: datetime) -> Lot:
    return Lot(lot_id, expires_at, points, latest, valid_from)


def _rows(reader: Reader, customers: Any, by: Sequence[str], program: str, now: datetime) -> Iterator[tuple[Any, ...]]:
    """Yield the groups of open lots: those that expire, then those that never do."""
    where = {"customer_id": customers, "program": program}
    yield from _totals(reader, where, by, beyond={"expires_at": now})
    lot = by.index("lot_id")
    yield from (row for row in _totals(reader, {**where, "expires_at": None}, by) if row[lot] != DEBT)


def _totals(
    reader: Reader, where: Mapping[str, Any], by: Sequence[str], beyond: Mapping[str, Any] | None = None
) -> Iterator[tuple[Any, ...]]:
    return reader.totals(PointsEntry, where, by=by, of="delta", latest="occurred_at", beyond=beyond)


def debts(reader: Reader, customers: Sequence[str], program: str) -> Mapping[str, Lot]:
    """Return what is owed, as lots of less than 0 points, by customer; who owes nothing is left out."""
    where = {"customer_id": list(customers), "program": program, "expires_at": None, "lot_id": DEBT}
    return {id_: Lot(DEBT, None, points, latest) for id_, points, latest in _totals(reader, where, ("customer_id",))}


def debt_of(reader: Reader, customer_id: str, program: str) -> Lot | None:
    """Return the lot of a customer's debt, paid off or not; None where there never was one."""
    where = {"customer_id": customer_id, "program": program, "expires_at": None, "lot_id": DEBT}
    entries = list(reader.find(PointsEntry, where))
    return lot_of(entries) if entries else None


def latest_of(reader: Reader, customer_id: str, program: str, lots: Sequence[str]) -> Mapping[str, datetime]:
    """Return the latest entry of those of the lots that the customer has had, used up or not."""
    found: dict[str, datetime] = {}
    for entry in reader.find(PointsEntry, {"customer_id": customer_id, "program": program, "lot_id": list(lots)}):
        found[entry.lot_id] = max(entry.occurred_at, found.get(entry.lot_id, entry.occurred_at))
    return found


def of_sale(reader: Reader, sale: Sale) -> tuple[PointsEntry, ...]:
    """Return the points that a sale earned, and what its refunds took back of them; what expired is of no sale, nor undone."""
    found = reader.find(PointsEntry, {"customer_id": sale.customer_id, "sale_id": sale.id})
    return tuple(each for each in found if each.kind != "expire")


def all_lots(reader: Reader, customers: Sequence[str], program: str | None) -> Iterator[tuple[str, str, Lot]]:
    """Yield customer, program and lot for each lot of several customers that has points left, expired or not."""
    where: dict[str, Any] = {"customer_id": list(customers)}
    if program is not None:
        where["program"] = program
    for customer_id, of_program, *lot in _totals(reader, where, ("customer_id", "program", *LOT)):
        yield customer_id, of_program, _lot(*lot)
