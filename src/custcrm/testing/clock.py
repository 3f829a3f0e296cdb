"""A clock that stands still until it is told to go on. The name to know is `ManualClock`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from threading import Lock

from custcrm.values.periods import instant, move, span


class ManualClock:
    """Gives the instant that it was set to, in UTC: `custcrm.open(clock=ManualClock("2026-11-21T12:00+02:00"))`.

    `now` is an aware datetime or ISO text (without offset: UTC). Days, months and years pass on the wall clock of its own
    zone or offset. Threads may share it.
    """

    def __init__(self, now: datetime | str) -> None:
        self._now = instant(now, UTC, field="now")
        self._zone = _zone(now)
        self._lock = Lock()

    def __call__(self) -> datetime:
        """Return the present instant."""
        with self._lock:
            return self._now

    def advance(self, length: str | timedelta) -> None:
        """Let a span pass: `"5 days"`, `"1 month"`, `timedelta(hours=2)`."""
        with self._lock:
            self._now = move(self._now, span(length), self._zone)

    def __repr__(self) -> str:
        return f"ManualClock({self().isoformat()!r})"


def _zone(now: datetime | str) -> tzinfo:
    read = datetime.fromisoformat(now) if isinstance(now, str) else now
    return read.tzinfo or UTC
