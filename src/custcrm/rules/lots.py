"""What one credit brought: from when it can be spent, until when, and what is left of it. Know `Lot`, `lifetime`, `owed`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any

from attrs import frozen

from custcrm.records import PointsEntry
from custcrm.records.points import DEBT
from custcrm.values.errors import Malformed
from custcrm.values.periods import beginning, expiry


@frozen
class Lot:
    """What one credit brought, as it stands: `points` is the sum of all its entries, `latest` when the last one happened.

    Before `valid_from` it is pending: it is in the balance and cannot be spent.
    """

    id: str
    expires_at: datetime | None
    points: int
    latest: datetime
    valid_from: datetime | None = None

    def time(self, now: datetime) -> datetime:
        """Return when something happens to the lot that is done now."""
        return max(now, self.latest)

    def is_open(self, now: datetime) -> bool:
        """Tell whether the lot still counts when something is done to it now."""
        return self.expires_at is None or self.time(now) < self.expires_at

    def is_pending(self, now: datetime) -> bool:
        """Tell whether the lot cannot be spent yet, by the clock: a taking that another clock dated later changes nothing."""
        return self.valid_from is not None and now < self.valid_from


def lot_of(entries: Collection[PointsEntry]) -> Lot:
    """Return the lot that these entries, all of it, make."""
    some = next(iter(entries))
    points, latest = sum(each.delta for each in entries), max(each.occurred_at for each in entries)
    return Lot(some.lot_id, some.expires_at, points, latest, some.valid_from)


def opens_a_lot(entry: PointsEntry) -> bool:
    """Tell whether the entry brought the lot that it stands on."""
    return entry.id == entry.lot_id or (entry.kind == "transfer" and entry.delta > 0 and entry.lot_id != DEBT)


def pending_first(lots: Iterable[Lot], now: datetime) -> Iterator[Lot]:
    """Yield the lots in the order in which they are taken back: those that nobody can spend yet, then the others."""
    kept = list(lots)
    yield from (lot for lot in kept if lot.is_pending(now))
    yield from (lot for lot in kept if not lot.is_pending(now))


def lifetime(
    valid_from: Any, expires: Any, *, since: datetime, now: datetime, zone: tzinfo
) -> tuple[datetime | None, datetime | None]:
    """Return from when points that are credited now can be spent, None where at once, and when they are over, None for never.

    Spans of `valid_from` count from `since`, those of `expires` from when the points are valid. Malformed where they would be
    over before.
    """
    begins = since if valid_from is None else max(since, beginning(valid_from, since, zone))
    ends = None if expires is None else expiry(expires, begins, zone)
    if valid_from is not None and ends is not None and ends <= begins:
        raise Malformed("expires lies before valid_from; the points could never be spent", field="expires")
    return (begins if begins > now else None) if valid_from is not None else None, ends


def owed(lots: Mapping[datetime | None, int], debt: int) -> dict[datetime | None, int]:
    """Return the points that are owed, by the expiry of their lots, soonest first and those that never expire last.

    `debt` is what a reversal could not take: it is paid out of what expires soonest, as a spend would be. What the lots cannot
    pay remains a debt: the negative balance that is left is the balance of the key None.
    """
    left: dict[datetime | None, int] = {}
    for expires_at in sorted(each for each in lots if each is not None):
        debt = _pay(left, expires_at, lots[expires_at], debt)
    debt = _pay(left, None, lots.get(None, 0), debt)
    if debt:
        left[None] = -debt
    return left


def _pay(left: dict[datetime | None, int], expires_at: datetime | None, points: int, debt: int) -> int:
    """Keep what the debt leaves of a lot, and return what the lot leaves of the debt."""
    paid = min(points, debt)
    if points > paid:
        left[expires_at] = points - paid
    return debt - paid
