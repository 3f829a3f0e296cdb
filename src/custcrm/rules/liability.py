"""What a customer's open lots come to once a debt is paid: the part of a liability that is one customer's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime


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
