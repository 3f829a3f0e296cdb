"""Spans, instants and periods in a business time zone: `span`, `move`, `instant`, `beginning`, `ending`,
`asked_at`, `expiry`, `period`.

A bare day, a date or `2026-11-21`, stands for all of it. Where something begins or happens it is the day's first instant
(`instant`); where something ends, the first instant of the next day, so that the day is in (`ending`); and what is asked
about a day is asked at its last instant (`asked_at`).

A calendar unit (day and longer) moves the wall clock of the zone; hours, minutes and seconds are exact durations. A
local time that does not exist takes the offset before the gap, one that happens twice is the first: `fold=0` says both.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final, Literal, TypeAlias

import attrs
from dateutil.relativedelta import relativedelta

from custcrm.values.birthdays import (
    BirthDate,
    Feb29,
    YearlessDate,
    age,
    anniversary,
    anniversary_ranges,
    birth_date,
    in_anniversary_window,
)
from custcrm.values.errors import Malformed
from custcrm.values.spans import EXACT, LONGEST, SPAN_TEXT, Span, SpanLike, Unit, span
from custcrm.values.spelling import nearest

__all__ = [
    "BirthDate",
    "Feb29",
    "Period",
    "PeriodLike",
    "Span",
    "SpanLike",
    "Unit",
    "When",
    "YearlessDate",
    "age",
    "anniversary",
    "anniversary_ranges",
    "asked_at",
    "beginning",
    "birth_date",
    "day_of",
    "ending",
    "expiry",
    "in_anniversary_window",
    "instant",
    "move",
    "move_day",
    "period",
    "span",
    "start_of_day",
]

Sign: TypeAlias = Literal[1, -1]
When: TypeAlias = datetime | date | str
"""An aware datetime, a bare day, or ISO text of either: which instant a day is depends on what is asked; see above."""

TICK: Final = timedelta(microseconds=1)
"""From one instant to the next: finer ones are not told apart."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)


def move(now: datetime, span: Span, zone: tzinfo, sign: Sign = 1) -> datetime:
    """Return the instant a span after (`sign` 1) or before (-1) `now`, in UTC.

    Calendar units move the wall clock of `zone`, the end of a month clips (March 31 less 1 month is February 28 or 29).
    Beyond the years 1–9999: `Malformed`.
    """
    try:
        if not span.is_calendar:
            return now.astimezone(UTC) + sign * span.count * EXACT[span.unit]
        wall = now.astimezone(zone).replace(tzinfo=None)  # adding forgets the fold
        return (wall + _calendar(span, sign)).replace(tzinfo=zone).astimezone(UTC)
    except (OverflowError, ValueError):
        raise _beyond_the_calendar() from None


def move_day(day: date, span: Span, sign: Sign = 1) -> date:
    """Return the day a span after or before `day`; hours and shorter, and days beyond years 1–9999, are `Malformed`."""
    if not span.is_calendar:
        raise Malformed("a date moves by days, weeks, months or years", field="span")
    try:
        return day + _calendar(span, sign)
    except (OverflowError, ValueError):
        raise _beyond_the_calendar() from None


def _calendar(span: Span, sign: Sign) -> relativedelta:
    count = sign * span.count
    match span.unit:
        case "year":
            return relativedelta(years=count)
        case "month":
            return relativedelta(months=count)
        case "week":
            return relativedelta(weeks=count)
        case _:
            return relativedelta(days=count)


def _beyond_the_calendar() -> Malformed:
    return Malformed("the calendar ends with the years 1 and 9999; choose a shorter span")


def start_of_day(day: date, zone: tzinfo) -> datetime:
    """Return the first instant of a day in a zone, in UTC; clipped to the calendar on its very first day."""
    try:
        return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def day_of(instant: datetime, zone: tzinfo) -> date:
    """Return the day of an instant in a zone; clipped to the calendar at its two ends."""
    return local(instant, zone).date()


def local(instant: datetime, zone: tzinfo) -> datetime:
    """Return an instant as the clocks of a zone show it; one for which their calendar has no year, "for ever", as it is."""
    try:
        return instant.astimezone(zone)
    except OverflowError:
        return instant


_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)


def clipped(instant: datetime) -> datetime:
    """Return an aware datetime of any zone in UTC; beyond the years 1-9999 the nearest end of the calendar."""
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        return _FIRST if instant.year == 1 else _LAST


def instant(value: When, zone: tzinfo, *, field: str = "instant") -> datetime:
    """Read when something begins or happens, and return it in UTC.

    An aware datetime is itself, a day its first instant in the business zone, and so is ISO 8601 text without offset.
    A naive datetime is `Malformed`: nobody can tell whether it means UTC or local time.
    """
    match value:
        case datetime():
            if value.utcoffset() is None:
                raise Malformed(f"{field} is a datetime without a time zone; add tzinfo, or give ISO text", field=field)
            return _in_utc(value)
        case date():
            return start_of_day(value, zone)
        case str():
            return _parse_instant(value, zone, field)
    raise Malformed(f"{field} must be an aware datetime, a date or ISO text, not {type(value).__name__}", field=field)


def ending(value: When, zone: tzinfo, *, field: str = "end") -> datetime:
    """Read when something ends, and return the first instant, in UTC, that is no longer in.

    A day is in: its end is the first instant of the next day in the business zone. An aware datetime is the instant itself.
    """
    day = _bare_day(value, field)
    if day is None:
        return instant(value, zone, field=field)
    if day == date.max:
        raise Malformed(f"{field} is the last day of the calendar; leave it out, or choose an earlier one", field=field)
    return start_of_day(day + timedelta(days=1), zone)


def asked_at(value: When, zone: tzinfo, *, field: str = "as_of") -> datetime:
    """Read the instant that a question is about, and return it in UTC.

    A day is asked about when it is over: at its last instant in the business zone, a microsecond before the next day, so that
    all of it is seen and it is still today. An aware datetime is the instant itself.
    """
    if _bare_day(value, field) is None:
        return instant(value, zone, field=field)
    return ending(value, zone, field=field) - TICK


def _bare_day(value: object, field: str) -> date | None:
    """Return the day that is given without a time, if one is."""
    match value:
        case str() if _DATE.fullmatch(value):
            return _parse_date(value, field)
        case date() if not isinstance(value, datetime):
            return value
    return None


def expiry(value: SpanLike | date, now: datetime, zone: tzinfo, *, field: str = "expires") -> datetime:
    """Return the first instant, in UTC, at which something is no longer valid.

    A span counts from `now`; a date is the last good day in the business zone; an aware datetime is the instant itself.
    Text may be a span, an ISO date or an ISO date and time. A bare number is `Malformed`.
    """
    match value:
        case str() if _DATE.fullmatch(value) or _INSTANT.fullmatch(value):
            return ending(value, zone, field=field)
        case str() if SPAN_TEXT.fullmatch(value) is None:
            raise Malformed(f"{field} must be a span like '30 days', a last good day or an ISO instant", field=field)
        case date():
            return ending(value, zone, field=field)
    return move(now, span(value), zone)


@attrs.frozen
class Period:
    """The instants from `start` until just before `end`, both in UTC. Made by `period`."""

    start: datetime
    end: datetime

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end


PeriodLike: TypeAlias = str | date | tuple[When, When] | Period

_LAST_DAYS = re.compile(r"last ([0-9]{1,6}) days?", re.ASCII)

Days: TypeAlias = tuple[date, date]
"""The first day of a period, and the first after it."""

NAMED: Final[Mapping[str, Callable[[date], Days]]] = {
    "today": lambda today: _from(today, relativedelta(days=1)),
    "yesterday": lambda today: _from(today - relativedelta(days=1), relativedelta(days=1)),
    "this week": lambda today: _from(_monday(today), relativedelta(weeks=1)),
    "last week": lambda today: _from(_monday(today) - relativedelta(weeks=1), relativedelta(weeks=1)),
    "this month": lambda today: _from(today.replace(day=1), relativedelta(months=1)),
    "last month": lambda today: _from(today.replace(day=1) - relativedelta(months=1), relativedelta(months=1)),
    "this quarter": lambda today: _from(_quarter(today), relativedelta(months=3)),
    "last quarter": lambda today: _from(_quarter(today) - relativedelta(months=3), relativedelta(months=3)),
    "this year": lambda today: _from(today.replace(month=1, day=1), relativedelta(years=1)),
    "last year": lambda today: _from(today.replace(month=1, day=1) - relativedelta(years=1), relativedelta(years=1)),
}
"""Periods by name: the days of each as `today` is; a week begins on Monday."""


def period(value: PeriodLike, now: datetime, zone: tzinfo, *, field: str = "period") -> Period:
    """Read a period of the business time zone, as it is at `now`.

    By name: today, yesterday; this or last week, month, quarter, year; last n days, of which today is the last. Or a day; or a
    pair, since and until, in which a day is whole and an instant is the first that is no longer in. Whole days follow the
    clocks: one is 23 or 25 hours long where they change.
    """
    match value:
        case Period():
            return value
        case (since, until):
            start, end = instant(since, zone, field=field), ending(until, zone, field=field)
            if end <= start:
                raise Malformed(f"{field} ends before it begins", field=field)
        case str() if _DATE.fullmatch(value) is None:
            start, end = (start_of_day(day, zone) for day in _days_of_name(value, day_of(now, zone), field))
        case date() | str() if not isinstance(value, datetime):
            start, end = instant(value, zone, field=field), ending(value, zone, field=field)
        case _:
            raise Malformed(f"{field} is a name like 'last month', a day, or a pair of since and until", field=field)
    return Period(start, end)


def _days_of_name(text: str, today: date, field: str) -> Days:
    name = " ".join(text.split()).lower()
    days = _LAST_DAYS.fullmatch(name)
    try:
        if days and 1 <= int(days[1]) <= LONGEST["day"]:
            return today - timedelta(days=int(days[1]) - 1), today + timedelta(days=1)
        if name in NAMED:
            return NAMED[name](today)
    except (OverflowError, ValueError):
        raise _beyond_the_calendar() from None
    known = (*NAMED, "last 7 days", "last 30 days")
    raise Malformed(f"no {field} has this name; there are {', '.join(known)}", field=field, suggestions=nearest(name, known))


def _from(first: date, length: relativedelta) -> Days:
    return first, first + length


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _quarter(day: date) -> date:
    return day.replace(month=day.month - (day.month - 1) % 3, day=1)


def beginning(value: SpanLike | date, now: datetime, zone: tzinfo, *, field: str = "valid_from") -> datetime:
    """Return the first instant, in UTC, at which something is valid.

    A span counts from `now`; a date is the first good day in the business zone; an aware datetime is the instant itself. Text
    may be a span, an ISO date or an ISO date and time. A bare number is `Malformed`.
    """
    match value:
        case str() if SPAN_TEXT.fullmatch(value):
            return move(now, span(value), zone)
        case str() if _DATE.fullmatch(value) or _INSTANT.fullmatch(value):
            return instant(value, zone, field=field)
        case str():
            raise Malformed(f"{field} must be a span like '14 days', a first good day or an ISO instant", field=field)
        case date():
            return instant(value, zone, field=field)
    return move(now, span(value), zone)


def _parse_instant(text: str, zone: tzinfo, field: str) -> datetime:
    if _INSTANT.fullmatch(text) is None:
        if _DATE.fullmatch(text):
            return start_of_day(_parse_date(text, field), zone)
        raise Malformed(
            f"{field} is not an instant such as 2026-11-21T10:00Z or a day such as 2026-11-21; without Z it is local time",
            field=field,
        )
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise Malformed(f"{field} is no time of the calendar", field=field) from None
    # Put together anew rather than replaced, which takes four times as long.
    return _in_utc(value if value.tzinfo else datetime.combine(value, value.time(), zone))


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise _beyond_the_calendar() from None


def _parse_date(text: str, field: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Malformed(f"{field} is no day of the calendar", field=field) from None
