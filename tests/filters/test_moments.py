"""Moments: what follows from as_of, at the edges of days, years and the calendar."""

from datetime import UTC, date, datetime, timedelta, timezone
from operator import eq, ge, gt, le, lt, ne

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custcrm.filters import Elapsed, Schema
from custcrm.filters.ir import nodes as low
from custcrm.filters.ir.moments import moments_in, resolve
from custcrm.filters.ir.nodes import All, Column, Constant, Moment
from custcrm.filters.types.types import Date
from custcrm.values.birthdays import Feb29, age
from custcrm.values.periods import Span, day_of
from custcrm.values.places import zone

HELSINKI = zone("Europe/Helsinki")
NOON = datetime(2026, 11, 21, 10, tzinfo=UTC)
TIMES = st.datetimes(datetime(1900, 1, 2), datetime(2200, 12, 30), timezones=st.just(UTC))


def at(moment: Moment, as_of: datetime = NOON, feb29: Feb29 = "feb28") -> date | datetime | int:
    return resolve(moment, as_of, zone=HELSINKI, feb29=feb29)


@given(TIMES, st.integers(0, 150), st.dates(date(1850, 1, 1), date(2200, 1, 1)), st.sampled_from(["feb28", "mar1"]))
def test_birth_bound_parts_the_old_enough_from_the_others(as_of: datetime, years: int, born: date, feb29: Feb29) -> None:
    """Someone is at least n years old exactly when born on the bound or before."""
    _check_birth_bound(as_of, years, born, feb29)


@pytest.mark.parametrize("feb29", ["feb28", "mar1"])
def test_birth_bounds_at_the_end_of_a_february(feb29: Feb29) -> None:
    """The same where it is delicate: whoever was born on February 29 is older on the policy's day of a common year."""
    ends = [datetime(year, 2, 26, 10, tzinfo=UTC) + timedelta(days) for year in range(2023, 2029) for days in range(6)]
    for as_of in ends:
        for years in range(6):
            _check_birth_bound(as_of, years, date(2020, 2, 29), feb29)


def _check_birth_bound(as_of: datetime, years: int, born: date, feb29: Feb29) -> None:
    bound = at(Moment("birth_bound", count=years), as_of, feb29)
    assert isinstance(bound, date)
    today = day_of(as_of, HELSINKI)
    for day in {born, bound, bound + timedelta(days=1), bound - timedelta(days=1)}:
        assert (day <= bound) == (age(day, today, feb29) >= years)
    assert at(Moment("birth_bound", count=years, days=1), as_of, feb29) == bound + timedelta(days=1)


@given(TIMES, st.integers(-1000, 40_000))
def test_day_bounds_count_days(as_of: datetime, days: int) -> None:
    """The bound is so many days ago; the first instant after that day is the start of the next one."""
    bound = at(Moment("day_bound", count=days), as_of)
    assert isinstance(bound, date)
    assert (day_of(as_of, HELSINKI) - bound).days == days
    start = at(Moment("day_bound_start", count=days), as_of)
    assert isinstance(start, datetime)
    assert day_of(start, HELSINKI) == bound + timedelta(days=1)
    assert day_of(start - timedelta(microseconds=1), HELSINKI) == bound


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (Moment("now"), NOON),
        (Moment("now", -1, Span(12, "month")), datetime(2025, 11, 21, 10, tzinfo=UTC)),
        (Moment("now", 1, Span(90, "minute")), datetime(2026, 11, 21, 11, 30, tzinfo=UTC)),
        (Moment("today"), date(2026, 11, 21)),
        (Moment("today", -1, Span(9, "month")), date(2026, 2, 21)),
        (Moment("day_start"), datetime(2026, 11, 20, 22, tzinfo=UTC)),
        (Moment("day_start", days=1), datetime(2026, 11, 21, 22, tzinfo=UTC)),
        (Moment("day_start", -1, Span(6, "month")), datetime(2026, 5, 20, 21, tzinfo=UTC)),
        (Moment("day_start", day=date.max, days=1), datetime.max.replace(tzinfo=UTC)),
        (Moment("day_start", day=date.min), datetime.min.replace(tzinfo=UTC)),
        (Moment("day_bound", count=10**9), date.min),
        (Moment("birth_bound", count=5_000), date.min),
        (Moment("birth_bound", count=5_000, days=1), date.min),
        (Moment("birth_bound", count=-9_000), date.max),
        (Moment("day_bound", count=1, days=1), date(2026, 11, 21)),
        (Moment("day_bound", count=10**9, days=1), date.min),
        (Moment("month_day_low", index=0, first=date(2026, 12, 30), last=date(2027, 1, 5)), 1230),
        (Moment("month_day_high", index=1, first=date(2026, 12, 30), last=date(2027, 1, 5)), 105),
        (Moment("month_day_high", index=0, first=Moment("today"), last=Moment("today", 1, Span(7, "day"))), 1128),
    ],
)
def test_moments(moment: Moment, expected: object) -> None:
    """Days are the business zone's, months clip, the calendar has ends."""
    assert at(moment) == expected


DATED = Schema(
    {"born": date},
    timezone="Europe/Helsinki",
    metrics={"age": Elapsed(unit="years", since="born"), "days_since": Elapsed(unit="days", since="born")},
)


@given(
    st.sampled_from([date.min, date(1, 1, 2), date(1, 11, 21), date(9999, 12, 30), date.max]) | st.dates(),
    st.sampled_from(["age", "days_since"]),
    st.integers(-2, 2),
    st.sampled_from([-8_000_000, -7_974, 0, 2_025, 2_026, 20_000, 8_000_000]),
    st.sampled_from(["=", "<", "<=", ">", ">=", "<>"]),
)
def test_counts_of_time_to_the_ends_of_the_calendar(born: date, metric: str, more: int, bound: int, op: str) -> None:
    """A count is compared as a number, also where the date that it bounds would lie beyond the calendar."""
    today = day_of(NOON, HELSINKI)
    counted = age(born, today) if metric == "age" else (today - born).days
    for wanted in (counted + more, bound):
        expected = {"<>": ne, "=": eq, "<": lt, "<=": le, ">": gt, ">=": ge}[op](counted, wanted)
        assert DATED.parse(f"{metric} {op} {wanted}").matches({"born": born}, as_of=NOON) is expected


def test_a_window_without_a_second_range_holds_nothing_there() -> None:
    """The low end of a range that is not needed lies above its high end."""
    window = {"first": date(2026, 3, 1), "last": date(2026, 3, 8)}
    low, high = (at(Moment(kind, index=1, **window)) for kind in ("month_day_low", "month_day_high"))
    assert isinstance(low, int)
    assert isinstance(high, int)
    assert low > high


def test_moments_in_order() -> None:
    """Each moment is bound once, in the order in which it stands in the condition."""
    born = Column("birth_date", Date())
    today, year_ago = Moment("today"), Moment("today", -1, Span(1, "year"))
    tests = [low.Test("<", born, each) for each in (year_ago, today, year_ago, Constant(date.max))]
    assert moments_in(All(tuple(tests))) == (year_ago, today)


# the ends of the calendar --------------------------------------------------------------------------

FOREVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
NEVER = datetime(1, 1, 1, tzinfo=UTC)
ENDS = {
    "for ever, east": ("Asia/Tokyo", FOREVER, "9999-12-31 23:59:59"),
    "for ever, west": ("America/New_York", FOREVER, "9999-12-31 18:59:59"),
    "never, west": ("America/New_York", NEVER, "0001-01-01"),
    "for ever on the clocks of the west": (
        "Europe/Helsinki", FOREVER.replace(tzinfo=timezone(timedelta(hours=-5))), "9999-12-31 23:59:59"
    ),
    "never on the clocks of the east": (
        "Europe/Helsinki", NEVER.replace(tzinfo=timezone(timedelta(hours=9))), "0001-01-01"
    ),
}


@pytest.mark.parametrize(("zone", "at", "shown"), ENDS.values(), ids=ENDS)
def test_for_ever_shows_as_what_it_is(zone: str, at: datetime, shown: str) -> None:
    """An instant for which a zone's calendar has no year is explained, shown and compared like any other."""
    schema = Schema({"at": datetime, "sales": [{"at": datetime}]}, timezone=zone)
    row = {"at": at, "sales": [{"at": at}]}
    later = at.year > NOON.year
    for text, expected in {
        "at = TIMESTAMP('2026-01-01T00:00:00Z')": False, "MAX(sales.at) = at": True, "at > now()": later,
        "at < today()": not later, "at IN (TIMESTAMP('2026-01-01T00:00:00Z'), now())": False,
    }.items():
        asked = schema.parse(text)
        assert asked.matches(row, as_of=NOON) is expected
        assert asked.explain(row, as_of=NOON).matched is expected
    assert shown in str(schema.parse("at > now()").explain(row))
