"""Lengths of time in one unit: `Span`, and `span`, which reads one from text, a timedelta or a relativedelta."""

import re
from datetime import timedelta
from typing import Final, Literal, Self, TypeAlias, cast, get_args

import attrs
from dateutil.relativedelta import relativedelta

from custcrm.values.errors import Malformed

Unit: TypeAlias = Literal["second", "minute", "hour", "day", "week", "month", "year"]

LARGEST_COUNT: Final = 999_999
LONGEST: Final[dict[Unit, int]] = {"year": 200, "month": 2_400, "week": 10_435, "day": 73_048}
"""200 years in each unit that can exceed them (a Gregorian year has 365.2425 days)."""

SPAN_TEXT = re.compile(rf"([0-9]{{1,6}}) +({'|'.join(get_args(Unit))})s?", re.ASCII | re.IGNORECASE)
EXACT: Final[dict[Unit, timedelta]] = {
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
}
_HOW_TO_WRITE = "write a number and a unit, e.g. '12 months'"


@attrs.frozen
class Span:
    """A length of time in one unit, `Span(12, "month")`; its text is `'12 months'`.

    At most 999,999 units and 200 years. Spans are equal when they are written alike: 12 months are not 1 year.
    """

    count: int
    unit: Unit

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.count <= LONGEST.get(self.unit, LARGEST_COUNT):
            raise Malformed("a span is at most 999,999 units and 200 years, and never negative", field="span")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `'N unit'`: ASCII digits, spaces, second … year with or without s, in any case; else `Malformed`."""
        match = SPAN_TEXT.fullmatch(text)
        if match is None:
            raise Malformed(f"not a span; {_HOW_TO_WRITE}", field="span")
        return cls(int(match[1]), cast("Unit", match[2].lower()))

    @property
    def is_calendar(self) -> bool:
        """Whether it is counted in days or longer, on the wall clock, rather than in exact durations."""
        return self.unit not in EXACT

    def __str__(self) -> str:
        return f"{self.count} {self.unit}{'' if self.count == 1 else 's'}"


SpanLike: TypeAlias = str | timedelta | relativedelta | Span


def span(value: SpanLike) -> Span:
    """Read a span from text, from a timedelta of whole seconds, or from a relativedelta of one kind of unit.

    Whole days of a timedelta are calendar days, so `timedelta(days=30)` is `'30 days'`. What needs two units, such as
    a month and three days, is `Malformed`, and so is a bare number.
    """
    match value:
        case Span():
            return value
        case str():
            return Span.parse(value)
        case timedelta():
            return _of_timedelta(value)
        case relativedelta():
            return _of_relativedelta(value)
    raise Malformed(f"not a span; {_HOW_TO_WRITE}", field="span")


def _of_timedelta(length: timedelta) -> Span:
    units: dict[Unit, timedelta] = {"day": timedelta(days=1), **EXACT}
    for unit, one in units.items():
        if length % one == timedelta(0):
            return Span(length // one, unit)
    raise Malformed("a span has whole seconds", field="span")


def _of_relativedelta(length: relativedelta) -> Span:
    plain = relativedelta(  # what remains of a difference when absolute fields (`day=31`, `weekday=`) are left out
        years=length.years,
        months=length.months,
        days=length.days,
        hours=length.hours,
        minutes=length.minutes,
        seconds=length.seconds,
    )
    months = length.years * 12 + length.months
    exact = timedelta(hours=length.hours, minutes=length.minutes, seconds=length.seconds)
    parts = sum(map(bool, (months, length.days, exact)))
    if plain != length or parts > 1 or length.days != int(length.days):
        raise Malformed(f"a span has one unit; {_HOW_TO_WRITE}", field="span")
    if months:
        return Span(months, "month") if length.months else Span(length.years, "year")
    return _of_timedelta(timedelta(days=length.days) + exact)
