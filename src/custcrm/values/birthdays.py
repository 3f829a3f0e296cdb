"""Birthdays: dates whose year may be unknown, and the days they fall on.

The names to know are `birth_date`, `anniversary`, `age`, and `anniversary_ranges` for targets that compare numbers.
"""

import re
from calendar import isleap
from datetime import date, datetime
from typing import Final, Literal, TypeAlias

import attrs

from custcrm.values.errors import Malformed

Feb29: TypeAlias = Literal["feb28", "mar1"]
"""Where February 29 falls in common years."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_YEARLESS = re.compile(r"--([0-9]{2})-([0-9]{2})")
_LEAP_YEAR: Final = 2000  # has all 366 days
_LEAP_DAY: Final = (2, 29)
_FALLS_ON: Final[dict[Feb29, tuple[int, int]]] = {"feb28": (2, 28), "mar1": (3, 1)}


@attrs.frozen(order=True)
class YearlessDate:
    """A day of the year, `--02-29` in the form of ISO 8601; `Malformed` when no year has it."""

    month: int
    day: int

    def __attrs_post_init__(self) -> None:
        try:
            date(_LEAP_YEAR, self.month, self.day)
        except ValueError:
            raise Malformed(f"no month {self.month} with a day {self.day}", field="birth_date") from None

    def __str__(self) -> str:
        return f"--{self.month:02}-{self.day:02}"


BirthDate: TypeAlias = date | YearlessDate


def birth_date(value: date | str | YearlessDate, *, field: str = "birth_date") -> BirthDate:
    """Read a date of birth: a date or `YYYY-MM-DD`, or without its year `--MM-DD`; anything else is `Malformed`."""
    match value:
        case YearlessDate():
            return value
        case date() if not isinstance(value, datetime):
            return value
        case str() if match := _YEARLESS.fullmatch(value.strip()):
            return YearlessDate(int(match[1]), int(match[2]))
        case str() if _DATE.fullmatch(value.strip()):
            try:
                return date.fromisoformat(value.strip())
            except ValueError:
                raise Malformed(f"{field} is no day of the calendar", field=field) from None
    raise Malformed(f"{field} is not a date such as 1990-05-13, or --05-13 without the year; write it so", field=field)


def anniversary(born: BirthDate | tuple[int, int], year: int, feb29: Feb29 = "feb28") -> date:
    """Return the day of `year` on which the anniversary falls; `born` may be (month, day)."""
    month, day = _month_day(born)
    if (month, day) == _LEAP_DAY and not isleap(year):
        month, day = _FALLS_ON[feb29]
    return date(year, month, day)


def age(born: date, on: date, feb29: Feb29 = "feb28") -> int:
    """Return the birthdays passed on a day, that day's included; negative before birth."""
    return on.year - born.year - (on < anniversary(born, on.year, feb29))


def anniversary_ranges(first: date, last: date, feb29: Feb29 = "feb28") -> tuple[tuple[int, int], ...]:
    """Return the at most two ranges (low, high) of month × 100 + day whose anniversary falls on `first` … `last`.

    Both ends are in. 366 days or more hold every anniversary, `last` before `first` holds none.
    """
    days = (last - first).days
    if days < 0:
        return ()
    if days >= 365:
        return ((101, 1231),)
    if first.year == last.year:
        return (_range(_number(first), _number(last), first.year, feb29),)
    return _range(_number(first), 1231, first.year, feb29), _range(101, _number(last), last.year, feb29)


def in_anniversary_window(born: BirthDate | tuple[int, int], first: date, last: date, feb29: Feb29 = "feb28") -> bool:
    """Tell whether the anniversary falls on some day from `first` to `last`, both in."""
    month, day = _month_day(born)
    return any(low <= month * 100 + day <= high for low, high in anniversary_ranges(first, last, feb29))


def _range(low: int, high: int, year: int, feb29: Feb29) -> tuple[int, int]:
    """Widen a range of one year's days to the 229 that falls on its edge; inside a range 229 is held anyway."""
    if not isleap(year):
        if feb29 == "feb28" and high == 228:
            return low, 229
        if feb29 == "mar1" and low == 301:
            return 229, high
    return low, high


def _month_day(born: BirthDate | tuple[int, int]) -> tuple[int, int]:
    return born if isinstance(born, tuple) else (born.month, born.day)


def _number(day: date) -> int:
    return day.month * 100 + day.day
