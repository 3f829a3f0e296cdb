"""Points as they stand: balances and lots from entries."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from custcrm.records import PointsEntry


def balance(entries: Iterable[PointsEntry], at: datetime) -> int:
    """Return the sum over lots that are not expired at an instant: an expired lot leaves with all that was spent of it."""
    return sum(
        entry.delta
        for entry in entries
        if entry.occurred_at <= at and (entry.expires_at is None or at < entry.expires_at)
    )
