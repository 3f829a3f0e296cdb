"""Moments: the days and instants that follow from `as_of`. Know `resolve` and `moments_in`.

A filter is compiled once and stays relative; what its moments are is settled once per evaluation and then bound.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any as Anything
from typing import Final, Literal

from custcrm.filters.ir.nodes import (
    All,
    Any,
    Calculation,
    Choose,
    Condition,
    Folded,
    Matches,
    Member,
    Moment,
    MonthDay,
    Negated,
    Present,
    Shown,
    Some,
    Test,
    Total,
    Unscaled,
    Value,
)
from custcrm.values.periods import Feb29, anniversary_ranges, day_of, move, move_day, start_of_day

FIRST_INSTANT: Final = datetime.min.replace(tzinfo=UTC)
LAST_INSTANT: Final = datetime.max.replace(tzinfo=UTC)
NO_DAYS: Final = (1, 0)
"""A month-day range that holds nothing."""


def resolve(moment: Moment, as_of: datetime, *, zone: tzinfo, feb29: Feb29 = "feb28") -> date | datetime | int:
    """Return the day, the instant in UTC or the month × 100 + day that a moment is at `as_of`.

    Days and instants beyond the years 1–9999 are clipped to the calendar.
    """
    match moment.kind:
        case "now":
            return as_of if moment.length is None else move(as_of, moment.length, zone, _sign(moment))
        case "today":
            return _day(moment, as_of, zone)
        case "day_start":
            return _start(_day(moment, as_of, zone), moment.days, zone)
        case "birth_bound":
            return _born_by(day_of(as_of, zone), moment.count, moment.days, feb29)
        case "day_bound":
            return _shifted(day_of(as_of, zone), moment.days - moment.count)
        case "day_bound_start":
            return _start(day_of(as_of, zone), 1 - moment.count, zone)
        case "month_day_low" | "month_day_high":
            first, last = (_window_end(end, as_of, zone) for end in (moment.first, moment.last))
            ranges = anniversary_ranges(first, last, feb29)
            low, high = ranges[moment.index] if moment.index < len(ranges) else NO_DAYS
            return low if moment.kind == "month_day_low" else high


def moments_in(condition: Condition | Value | Shown) -> tuple[Moment, ...]:
    """Return the distinct moments of a condition or value, in the order in which they stand there."""
    return tuple(dict.fromkeys(node for node in walk(condition) if isinstance(node, Moment)))


def walk(root: Condition | Value | Shown) -> Iterator[object]:
    """Yield every node of a condition or value, depth first, left to right."""
    pending: list[object] = [root]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(below(node)))


def below(node: object) -> tuple[object, ...]:
    """Return the parts directly below a node of the core, left to right; an absent part is None."""
    parts = _BELOW.get(type(node))
    return () if parts is None else parts(node)


_BELOW: Final[dict[type, Callable[[Anything], tuple[object, ...]]]] = {
    All: lambda node: node.args,
    Any: lambda node: node.args,
    Negated: lambda node: (node.leaf,),
    Test: lambda node: (node.left, node.right),
    Calculation: lambda node: (node.left, node.right),
    Member: lambda node: (node.value,),
    Matches: lambda node: (node.value,),
    Present: lambda node: (node.value,),
    Folded: lambda node: (node.value,),
    Unscaled: lambda node: (node.value,),
    Some: lambda node: (node.where,),
    Total: lambda node: (node.value, node.where),
    MonthDay: lambda node: (node.value, *(end for both in node.ranges for end in both)),
    Choose: lambda node: (node.condition, node.then, node.otherwise),
    Shown: lambda node: (node.value, node.over),
}


def _sign(moment: Moment) -> Literal[1, -1]:
    return 1 if moment.sign > 0 else -1


def _day(moment: Moment, as_of: datetime, zone: tzinfo) -> date:
    day = day_of(as_of, zone) if moment.day is None else moment.day
    return day if moment.length is None else move_day(day, moment.length, _sign(moment))


def _window_end(end: Moment | date | None, as_of: datetime, zone: tzinfo) -> date:
    return _day(end, as_of, zone) if isinstance(end, Moment) else end or date.min


def _shifted(day: date, days: int) -> date:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max if days > 0 else date.min


def _start(day: date, days: int, zone: tzinfo) -> datetime:
    ordinal = day.toordinal() + days
    if ordinal > date.max.toordinal():
        return LAST_INSTANT
    return start_of_day(date.fromordinal(ordinal), zone) if ordinal > 0 else FIRST_INSTANT


def _born_by(today: date, years: int, days: int, feb29: Feb29) -> date:
    """Return the last birth date whose `years`-th birthday has passed, plus days.

    Someone born on February 29 may have had it on the 28th.
    """
    year = today.year - years
    if not date.min.year <= year <= date.max.year:
        return date.min if years > 0 else date.max
    month, day = today.month, today.day
    if (month, day) == (2, 28) and feb29 == "feb28" and isleap(year) and not isleap(today.year):
        day = 29
    elif (month, day) == (2, 29) and not isleap(year):
        day = 28
    return _shifted(date(year, month, day), days)
