"""What a clock is. Rules take `now` as an argument; only the rim calls a `Clock`, by default `system_clock`.

A clock of an app's own is read by `read_clock`, which answers for what it gives.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from custcrm.values.errors import CrmError, Malformed

Clock: TypeAlias = Callable[[], datetime]

FIRST: Final = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
LAST: Final = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)
"""The instants between which a clock may be: there every zone has a day."""


def system_clock() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)


def read_clock(clock: object) -> datetime:
    """Return the instant that a clock gives, in UTC; where it gives none, Malformed (field `clock`) says what it did."""
    if not callable(clock):
        raise _no_clock(f"a clock is called without arguments, and a {type(clock).__name__} cannot be")
    try:
        told: object = clock()
    except CrmError:
        raise
    except Exception as error:
        raise _no_clock(f"the clock raised {type(error).__name__}") from error
    if not isinstance(told, datetime) or told.utcoffset() is None:
        raise _no_clock(f"the clock gave a {type(told).__name__}{' without a zone' if isinstance(told, datetime) else ''}")
    try:
        instant = told.astimezone(UTC)
    except OverflowError:
        instant = datetime.min.replace(tzinfo=UTC)
    if not FIRST <= instant <= LAST:
        raise _no_clock("the clock is at an end of the calendar, where days of some zones are not")
    return instant


def _no_clock(why: str) -> Malformed:
    return Malformed(f"{why}; it gives aware datetimes, such as datetime.now(UTC)", field="clock")
