"""The clock that tests set."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from custcrm.testing.clock import ManualClock
from custcrm.values.errors import Malformed


def test_a_manual_clock_stands_still():
    """It gives the instant that it was set to, in UTC, until it is advanced."""
    clock = ManualClock("2026-11-21T12:00+02:00")
    assert clock() == clock() == datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert clock().tzinfo is UTC


@pytest.mark.parametrize(
    ("start", "span", "end"),
    [
        ("2026-11-21T12:00+02:00", "5 days", "2026-11-26T10:00:00+00:00"),
        ("2026-03-31T00:30+02:00", "1 month", "2026-04-29T22:30:00+00:00"),
        ("2026-11-21T12:00", timedelta(hours=3), "2026-11-21T15:00:00+00:00"),
        (datetime(2026, 3, 28, 12, tzinfo=ZoneInfo("Europe/Helsinki")), "1 day", "2026-03-29T09:00:00+00:00"),
        (datetime(2026, 3, 28, 12, tzinfo=ZoneInfo("Europe/Helsinki")), "24 hours", "2026-03-29T10:00:00+00:00"),
    ],
)
def test_spans_pass_by_the_calendar(start, span, end):
    """Days and months pass on the wall clock of the zone that the clock was set in, hours exactly."""
    clock = ManualClock(start)
    clock.advance(span)
    assert clock().isoformat() == end


def test_threads_advance_together():
    """No advance is lost when threads share the clock."""
    clock = ManualClock("2026-11-21T00:00Z")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(clock.advance, ["1 minute"] * 400))
    assert clock() == datetime(2026, 11, 21, 6, 40, tzinfo=UTC)


@pytest.mark.parametrize("given", ["soon", datetime(2026, 11, 21, 12), 5])
def test_what_is_no_instant_is_refused(given):
    """A naive datetime, a number or other text is Malformed."""
    with pytest.raises(Malformed):
        ManualClock(given)
