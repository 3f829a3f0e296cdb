"""Spans, moves and instants, in zones whose clocks change."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil import tz
from dateutil.relativedelta import FR, relativedelta
from hypothesis import given
from hypothesis import strategies as st

from custcrm.values.errors import Malformed
from custcrm.values.periods import (
    NAMED,
    Span,
    asked_at,
    day_of,
    ending,
    expiry,
    instant,
    move,
    move_day,
    period,
    span,
    start_of_day,
)
from custcrm.values.places import zone

HELSINKI = ZoneInfo("Europe/Helsinki")
# Southern, half-hour and midnight changes; a zone that skipped a day; old local mean times.
ZONES = ["UTC", "Europe/Helsinki", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia"]
zones = st.sampled_from(ZONES).map(ZoneInfo)
instants = st.datetimes(datetime(1900, 1, 1), datetime(2200, 12, 31), timezones=st.just(UTC))
calendar_spans = st.builds(Span, st.integers(0, 200), st.sampled_from(["day", "week", "month", "year"]))
exact_spans = st.builds(Span, st.integers(0, 999_999), st.sampled_from(["hour", "minute", "second"]))
signs = st.sampled_from([1, -1])


def local(text: str) -> datetime:
    return instant(text, HELSINKI)


@given(calendar_spans | exact_spans, st.integers(1, 3), st.booleans(), st.booleans())
def test_spans_read_back_from_any_spelling(value: Span, spaces: int, plural: bool, upper: bool) -> None:
    """Law: canonical text reads back; spaces, the s and the case do not matter."""
    assert Span.parse(str(value)) == span(value) == value
    spelled = f"{value.count:03}{' ' * spaces}{value.unit}{'s' if plural else ''}"
    assert Span.parse(spelled.upper() if upper else spelled) == value


@pytest.mark.parametrize(("text", "canonical"), [("1 Years", "1 year"), ("12 MONTH", "12 months"), ("0 day", "0 days")])
def test_canonical_text(text: str, canonical: str) -> None:
    """One of a unit is singular, every other number plural."""
    assert str(Span.parse(text)) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "", "12m", "1 mo", "-3 days", "1 year 2 months", "12months", " 1 day", "1 day ", "1\tday", "1\u00a0day",
        "٣ days", "1 day\u017f", "1000000 seconds", "201 years", "2401 months", "99999 weeks", "999999 days", "1.5 day",
    ],
)  # fmt: skip
def test_what_is_no_span_is_refused(text: str) -> None:
    """N from 0 to 999,999, spaces, one unit, at most 200 years; else Malformed."""
    with pytest.raises(Malformed):
        Span.parse(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(days=30), "30 days"),
        (timedelta(weeks=1), "7 days"),
        (timedelta(days=1, hours=2), "26 hours"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(seconds=61), "61 seconds"),
        (timedelta(), "0 days"),
        (relativedelta(months=6), "6 months"),
        (relativedelta(years=2), "2 years"),
        (relativedelta(years=1, months=2), "14 months"),
        (relativedelta(weeks=2), "14 days"),
        (relativedelta(hours=1, minutes=30), "90 minutes"),
    ],
)
def test_spans_of_python(value: Any, text: str) -> None:
    """At the API door differences are spans too, when one unit says them."""
    assert str(span(value)) == text


@pytest.mark.parametrize(
    "value",
    [
        30, 30.0, None, True, timedelta(days=-1), timedelta(microseconds=1), relativedelta(months=1, days=3),
        relativedelta(day=31), relativedelta(months=1, weekday=FR), relativedelta(months=-1), relativedelta(days=1.5),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_numbers_and_mixtures_are_no_spans(value: Any) -> None:
    """A bare number never; nor what needs two units, goes back or names a day."""
    with pytest.raises(Malformed):
        span(value)


@given(instants, calendar_spans, zones, signs)
def test_calendar_units_move_the_wall_clock(now: datetime, value: Span, where: tzinfo, sign: Any) -> None:
    """Law: the wall clock moves by dateutil; a time in a gap takes the offset before it, a double one is the first."""
    wall = now.astimezone(where).replace(tzinfo=None, fold=0)
    delta = relativedelta(**{f"{value.unit}s": sign * value.count})
    moved = move(now, value, where, sign)
    target = (wall + delta).replace(tzinfo=where)
    back = moved.astimezone(where)
    assert moved.tzinfo is UTC
    if tz.datetime_exists(target):
        assert back.replace(tzinfo=None, fold=0) == wall + delta
        assert back.fold == 0
    else:
        gap = target.replace(fold=0).utcoffset()
        assert gap is not None and moved == (wall + delta).replace(tzinfo=UTC) - gap
        assert back.replace(tzinfo=None, fold=0) > wall + delta


@given(instants, exact_spans, zones, signs)
def test_hours_and_shorter_are_exact(now: datetime, value: Span, where: tzinfo, sign: Any) -> None:
    """Law: hours, minutes and seconds are durations in UTC, and so can be taken back."""
    there = move(now, value, where, sign)
    assert there - now == sign * value.count * timedelta(**{f"{value.unit}s": 1})
    assert move(there, value, where, -sign) == now


@given(st.dates(date(1900, 1, 1), date(2200, 12, 31)), calendar_spans, signs)
def test_days_move_as_midnights_do(day: date, value: Span, sign: Any) -> None:
    """Law: a date moves as the start of that day in UTC does."""
    assert start_of_day(move_day(day, value, sign), UTC) == move(start_of_day(day, UTC), value, UTC, sign)


@given(st.dates(date(1900, 1, 1), date(2200, 12, 31)), zones, st.booleans())
def test_a_day_begins_ends_and_is_asked_about(day: date, where: tzinfo, as_text: bool) -> None:
    """Law: a day begins with its first instant, ends with the next day's, and is asked about one microsecond before that."""
    told: Any = day.isoformat() if as_text else day
    begun, ended, asked = instant(told, where), ending(told, where), asked_at(told, where)
    assert begun == start_of_day(day, where)
    assert begun < asked < ended == asked + timedelta(microseconds=1)
    assert ended == start_of_day(day + timedelta(days=1), where)
    assert day_of(asked, where) == day < day_of(ended, where) or where.key == "Pacific/Apia"  # type: ignore[attr-defined]  # which skipped a day
    assert period((told, told), asked, where) == period(told, asked, where)
    assert (period(told, asked, where).start, expiry(told, asked, where)) == (begun, ended)


@given(instants, zones)
def test_an_instant_is_itself_wherever_it_is_told(at: datetime, where: tzinfo) -> None:
    """Law: what has a time of day is the same as a start, as an end and as what is asked about; also midnight."""
    text = at.astimezone(where).isoformat()
    assert {instant(at, where), ending(at, where), asked_at(at, where), instant(text, where), ending(text, where)} == {at}


def test_examples_of_moves() -> None:
    """Ends of months clip; a day over a change of the clock keeps the wall clock, 24 hours do not."""
    assert move(local("2026-03-31T12:00"), Span(1, "month"), HELSINKI, -1) == local("2026-02-28T12:00")
    assert move(local("2024-02-29T12:00"), Span(1, "year"), HELSINKI) == local("2025-02-28T12:00")
    assert move(local("2026-03-28T12:00"), Span(1, "day"), HELSINKI) == local("2026-03-29T12:00")
    assert move(local("2026-03-28T12:00"), Span(24, "hour"), HELSINKI) == local("2026-03-29T13:00")
    assert move(local("2026-03-28T03:30"), Span(1, "day"), HELSINKI) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert move(local("2026-10-24T03:30"), Span(1, "day"), HELSINKI) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_move_out_of_the_second_hour_lands_in_the_first() -> None:
    """Of an hour that happens twice the calendar knows only the first."""
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert move(second, Span(0, "day"), HELSINKI) == second - timedelta(hours=1)
    assert move(second, Span(0, "hour"), HELSINKI) == second


@pytest.mark.parametrize("value", [Span(200, "year"), Span(999_999, "hour")])
def test_beyond_the_calendar_is_malformed(value: Span) -> None:
    """Years 1 to 9999 end the calendar, as Malformed and not as an OverflowError."""
    with pytest.raises(Malformed):
        move(datetime(50, 1, 1, tzinfo=UTC), value, HELSINKI, -1)
    with pytest.raises(Malformed):
        move_day(date(9990, 1, 1), value)


@given(instants, zones)
def test_every_instant_is_within_its_day(now: datetime, where: tzinfo) -> None:
    """Law: the day of an instant begins at or before it, and the next day after it."""
    day = day_of(now, where)
    assert start_of_day(day, where) <= now < start_of_day(day + timedelta(days=1), where)


def test_the_ends_of_the_calendar_are_clipped() -> None:
    """Days and their starts exist at the very ends of time too."""
    assert start_of_day(date.min, HELSINKI) == datetime.min.replace(tzinfo=UTC)
    assert day_of(datetime.max.replace(tzinfo=UTC), HELSINKI) == date.max
    assert day_of(datetime.min.replace(tzinfo=UTC), ZoneInfo("America/New_York")) == date.min


@given(instants, zones)
def test_an_aware_instant_is_itself(now: datetime, where: tzinfo) -> None:
    """Law: aware datetimes and ISO text with offset do not depend on the business zone."""
    there = now.astimezone(where)
    assert instant(there, HELSINKI) == now
    assert instant(now.isoformat(), where) == now
    assert instant(now.date(), where) == instant(now.date().isoformat(), where) == start_of_day(now.date(), where)


def test_text_without_offset_means_the_business_zone() -> None:
    """12:30 in the shop's own CSV is the shop's 12:30."""
    noon = datetime(2026, 11, 21, 10, tzinfo=UTC)
    for text in ("2026-11-21T12:00", "2026-11-21 12:00:00", "2026-11-21T10:00Z", "2026-11-21T12:00+02:00"):
        assert local(text) == noon
    assert local("2026-11-21") == datetime(2026, 11, 20, 22, tzinfo=UTC)
    assert local("2026-10-25T03:30") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert local("2026-03-29T03:30") == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 1, 1), "", "yesterday", "2026-02-29", "2026-01-01T24:01", "2026-01-01x10:00", "20260101", 5,
        None, "2026-W01-1", "2026-01-01T10", "٢٠٢٦-01-01", "0001-01-01T00:00+02:00",
    ],
)  # fmt: skip
def test_what_is_no_instant_is_refused(value: Any) -> None:
    """A naive datetime, a day that does not exist and every other writing are Malformed."""
    with pytest.raises(Malformed):
        instant(value, HELSINKI)


def test_expiry_by_each_kind() -> None:
    """A span counts from now, a date is the last good day, an instant the first bad one."""
    now = local("2026-11-21T12:00")
    after = local("2026-12-01")
    for value in ("30 days", timedelta(days=30), relativedelta(days=30), Span(30, "day")):
        assert expiry(value, now, HELSINKI) == local("2026-12-21T12:00")
    for last_good in (date(2026, 11, 30), "2026-11-30"):
        assert expiry(last_good, now, HELSINKI) == after
    for first_bad in (after, "2026-12-01T00:00", "2026-11-30T22:00Z"):
        assert expiry(first_bad, now, HELSINKI) == after


@pytest.mark.parametrize("value", [30, "30", "soon", "", None, datetime(2026, 1, 1), date.max, "2026-02-30"])
def test_what_is_no_expiry_is_refused(value: Any) -> None:
    """A bare number and a naive datetime above all."""
    with pytest.raises(Malformed):
        expiry(value, datetime(2026, 11, 21, tzinfo=UTC), HELSINKI)


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [("Europe/Helsinky", "Europe/Helsinki"), ("helsinki", "Europe/Helsinki"), ("new york", "America/New_York")],
)
def test_unknown_zones_suggest(name: str, suggestion: str) -> None:
    """A slip or only the city names the zone that was meant."""
    with pytest.raises(Malformed) as caught:
        zone(name)
    assert suggestion in caught.value.suggestions


@pytest.mark.parametrize("name", ["", "Europe", "../../etc/passwd", "/etc/passwd", "a\0b", "Mars/Olympus"])
def test_no_zone_is_malformed(name: str) -> None:
    """Folders, paths and nonsense are never read."""
    assert zone("Europe/Helsinki") is HELSINKI
    with pytest.raises(Malformed):
        zone(name)


def test_what_a_system_keeps_beside_its_zones_is_none() -> None:
    """Law: no place has it, another machine means another one by it, or clocks differ by leap seconds; none is suggested."""
    for name in ("localtime", "posixrules", "Factory", "posix/Europe/Helsinki", "right/Europe/Helsinki", "right/UTC"):
        try:
            taken = str(zone(name))
        except Malformed:
            taken = ""
        assert taken == "", "a time zone that has no IANA name is taken"
    assert {str(zone(name)) for name in ("UTC", "EST5EDT", "Etc/GMT+5", "US/Pacific")} == {
        "UTC", "EST5EDT", "Etc/GMT+5", "US/Pacific"}
    for slip in ("factory", "local time"):
        with pytest.raises(Malformed) as caught:
            zone(slip)
        assert not {"localtime", "Factory"}.intersection(caught.value.suggestions)


# periods --------------------------------------------------------------------------------------------

NAMES = [*NAMED, "last 7 days", "last 1 day"]


def days(text: Any, now: str = "2026-11-21T12:00+02:00", place: tzinfo = HELSINKI) -> tuple[str, str]:
    """Return the first day of a period and the first after it."""
    found = period(text, instant(now, place), place)
    assert found.start == start_of_day(day_of(found.start, place), place)
    assert found.end == start_of_day(day_of(found.end, place), place)
    return str(day_of(found.start, place)), str(day_of(found.end, place))


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("today", "2026-11-21", "2026-11-22"),
        ("yesterday", "2026-11-20", "2026-11-21"),
        ("this week", "2026-11-16", "2026-11-23"),
        ("last week", "2026-11-09", "2026-11-16"),
        ("this month", "2026-11-01", "2026-12-01"),
        ("last month", "2026-10-01", "2026-11-01"),
        ("this quarter", "2026-10-01", "2027-01-01"),
        ("last quarter", "2026-07-01", "2026-10-01"),
        ("this year", "2026-01-01", "2027-01-01"),
        ("last year", "2025-01-01", "2026-01-01"),
        ("last 7 days", "2026-11-15", "2026-11-22"),
        ("last 1 day", "2026-11-21", "2026-11-22"),
        (" Last  MONTH ", "2026-10-01", "2026-11-01"),
        ("2026-02-28", "2026-02-28", "2026-03-01"),
        (date(2026, 2, 28), "2026-02-28", "2026-03-01"),
        (("2026-01-01", date(2026, 1, 31)), "2026-01-01", "2026-02-01"),
        (("2026-01-01", "2026-01-01"), "2026-01-01", "2026-01-02"),
    ],
)
def test_a_period_by_name_or_by_dates_is_whole_days(text: Any, first: str, after: str) -> None:
    """Days are the business zone's and both given ones are in; a week begins on Monday; spelling is forgiven."""
    assert days(text) == (first, after)


@given(st.sampled_from(NAMES), instants, zones)
def test_named_periods_are_in_order_and_meet(name: str, now: datetime, place: tzinfo) -> None:
    """Law: half-open, and `last` ends where `this` begins; now lies in every `this`, today and last n days."""
    found = period(name, now, place)
    assert found.start <= found.end
    if name.startswith("last ") and not name.endswith(("day", "days")):
        assert found.end == period(name.replace("last", "this"), now, place).start
    elif name == "yesterday":
        assert found.end == period("today", now, place).start
    else:
        assert now in found


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-21", 24)])
def test_a_day_is_as_long_as_its_clock_says(day: str, hours: int) -> None:
    """The day on which the clocks change is an hour shorter or longer, and nothing is lost or counted twice."""
    found = period("today", local(f"{day}T12:00"), HELSINKI)
    assert found.end - found.start == timedelta(hours=hours)


def test_instants_make_a_half_open_period() -> None:
    """Instants are exact: the second is the first that is no longer in; a period is itself."""
    found = period((local("2026-11-21T10:00"), "2026-11-21T12:00+02:00"), local("2026-11-22"), HELSINKI)
    assert local("2026-11-21T10:00") in found
    assert local("2026-11-21T12:00") not in found
    assert period(found, local("2030-01-01"), HELSINKI) is found
    mixed = period(("2026-11-21", "2026-11-21T12:00"), local("2026-11-22"), HELSINKI)
    assert mixed.end - mixed.start == timedelta(hours=12)


@pytest.mark.parametrize(
    ("bad", "suggestions"),
    [
        ("last mont", ("last month",)), ("yesterdy", ("yesterday",)), ("", ()), ("last 0 days", None),
        ("last 99999 days", None),
        ("2026-02-30", ()), (5, ()), (None, ()), (datetime(2026, 1, 1, tzinfo=UTC), ()), (("2026-01-02", "2026-01-01"), ()),
        (("2026-01-01T10:00", "2026-01-01T10:00"), ()), (("2026-01-01",), ()), (("x", "2026-01-01"), ()),
        ((datetime(2026, 1, 1), datetime(2026, 1, 2)), ()), (("2026-01-01", date.max), ()),
    ],
)
def test_what_is_no_period_is_refused(bad: Any, suggestions: tuple[str, ...] | None) -> None:
    """Malformed with the near names; a period that holds nothing is a mistake."""
    with pytest.raises(Malformed) as caught:
        period(bad, local("2026-11-21"), HELSINKI)
    assert caught.value.field == "period"
    assert suggestions is None or caught.value.suggestions == suggestions


def test_the_calendar_ends() -> None:
    """Where a name would lead out of the years 1 to 9999, it is refused."""
    with pytest.raises(Malformed):
        period("last year", datetime(1, 6, 1, tzinfo=UTC), ZoneInfo("UTC"))
    with pytest.raises(Malformed):
        period("this year", datetime(9999, 6, 1, tzinfo=UTC), ZoneInfo("UTC"))
