"""Birthdays by definition: the day of a year on which an anniversary falls."""

from calendar import isleap
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custcrm.values.birthdays import (
    Feb29,
    YearlessDate,
    age,
    anniversary,
    anniversary_ranges,
    birth_date,
    in_anniversary_window,
)
from custcrm.values.errors import Malformed

EVERY_DAY = [date(2000, 1, 1) + timedelta(days) for days in range(366)]
policies = st.sampled_from(["feb28", "mar1"])
dates = st.dates(date(1890, 1, 1), date(2210, 12, 31))


def held(first: date, last: date, feb29: Feb29) -> set[tuple[int, int]]:
    """Return, by definition, each (month, day) of which some day of the window is the anniversary."""
    days = [first + timedelta(n) for n in range((last - first).days + 1)]
    found = {(day.month, day.day) for day in days}
    if any(day == anniversary((2, 29), day.year, feb29) for day in days):
        return found | {(2, 29)}
    return found - {(2, 29)}


def ranged(first: date, last: date, feb29: Feb29) -> set[tuple[int, int]]:
    """Return what the ranges hold."""
    ranges = anniversary_ranges(first, last, feb29)
    assert len(ranges) <= 3
    return {(d.month, d.day) for d in EVERY_DAY if any(a <= d.month * 100 + d.day <= b for a, b in ranges)}


@given(dates, st.integers(-3, 400), policies)
def test_ranges_are_the_definition(first: date, length: int, feb29: Feb29) -> None:
    """Law: month × 100 + day is in a range exactly when some day of the window is the anniversary."""
    last = first + timedelta(length)
    assert ranged(first, last, feb29) == held(first, last, feb29)


@pytest.mark.parametrize("feb29", ["feb28", "mar1"])
def test_ranges_at_every_edge_near_leap_days(feb29: Feb29) -> None:
    """Law, exhaustively where it is delicate: windows that begin and end near the end of a February."""
    edges = [date(year, 2, 26) + timedelta(n) for year in (1899, 1900, 1999, 2000, 2001, 2027, 2028) for n in range(6)]
    for first in edges:
        for last in edges:
            if abs((last - first).days) <= 740:
                assert ranged(first, last, feb29) == held(first, last, feb29), (first, last)


@given(dates, st.integers(365, 2000), policies)
def test_a_year_holds_everybody(first: date, length: int, feb29: Feb29) -> None:
    """Law: 366 days or more hold all, a window that ends before it begins holds none."""
    assert len(ranged(first, first + timedelta(length), feb29)) == 366
    assert anniversary_ranges(first, first - timedelta(1), feb29) == ()


@given(st.sampled_from(EVERY_DAY), dates, st.integers(0, 30), policies)
def test_membership_with_and_without_year(born: date, first: date, length: int, feb29: Feb29) -> None:
    """Law: only month and day count, so a date, a year-less date and a pair answer alike."""
    last = first + timedelta(length)
    expected = (born.month, born.day) in held(first, last, feb29)
    for form in (born, YearlessDate(born.month, born.day), (born.month, born.day)):
        assert in_anniversary_window(form, first, last, feb29) == expected


@given(st.integers(1890, 2210), policies)
def test_february_29_falls_once_a_year(year: int, feb29: Feb29) -> None:
    """Law: on itself in leap years, else on the policy's day, so once in every year."""
    expected = date(year, 2, 29) if isleap(year) else {"feb28": date(year, 2, 28), "mar1": date(year, 3, 1)}[feb29]
    assert anniversary(date(1996, 2, 29), year, feb29) == expected
    days = [date(year, 1, 1) + timedelta(n) for n in range(365 + isleap(year))]
    assert [day for day in days if in_anniversary_window((2, 29), day, day, feb29)] == [expected]


@given(dates, dates, policies)
def test_age_counts_birthdays(born: date, on: date, feb29: Feb29) -> None:
    """Law: the age is the number of anniversaries after birth, up to and with the day."""
    if on >= born:
        passed = [year for year in range(born.year + 1, on.year + 1) if anniversary(born, year, feb29) <= on]
        assert age(born, on, feb29) == len(passed)
    else:
        assert age(born, on, feb29) <= 0


def test_new_year_is_no_wall() -> None:
    """January 2 is within seven days of December 30."""
    assert in_anniversary_window(date(1990, 1, 2), date(2026, 12, 30), date(2027, 1, 6))
    assert anniversary_ranges(date(2026, 12, 30), date(2027, 1, 6)) == ((1230, 1231), (101, 106))


@given(st.sampled_from(EVERY_DAY))
def test_text_of_a_yearless_date_reads_back(day: date) -> None:
    """Law: text and value are one."""
    yearless = YearlessDate(day.month, day.day)
    assert birth_date(str(yearless)) == birth_date(yearless) == yearless
    assert birth_date(day.isoformat()) == birth_date(day) == day


@pytest.mark.parametrize(
    "value", ["", "--02-30", "--13-01", "2025-02-29", "1.2.1990", "19900201", "--٠1-01", datetime(1990, 1, 1), 5, None]
)
def test_what_is_no_date_is_refused(value: object) -> None:
    """Malformed, without repeating the value."""
    with pytest.raises(Malformed) as caught:
        birth_date(value)  # type: ignore[arg-type]
    assert caught.value.field == "birth_date"
