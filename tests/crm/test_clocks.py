"""Clocks of an app's own: what is none, what fails, and what stands at the ends of time."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

import custcrm

BROKEN: dict[str, Any] = {
    "raises": lambda: 1 // 0, "nothing": lambda: None, "a number": lambda: 5, "a day": lambda: date(2026, 1, 1),
    "naive": lambda: datetime(2026, 1, 1), "an argument": lambda now: now, "no function": 5,
    "year 1": lambda: datetime.min.replace(tzinfo=UTC), "year 9999": lambda: datetime.max.replace(tzinfo=UTC),
    "before year 1": lambda: datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
    "after year 9999": lambda: datetime.max.replace(tzinfo=timezone(-timedelta(hours=14))),
}  # fmt: skip

ENDS = {
    "the first": datetime(1, 1, 2, tzinfo=UTC), "the last": datetime(9999, 12, 30, 23, 59, 59, tzinfo=UTC),
    "long ago": datetime(1600, 2, 29, tzinfo=UTC), "long ahead": datetime(9000, 2, 28, tzinfo=UTC),
}

DEEDS: dict[str, Callable[[custcrm.Crm, custcrm.Customer], object]] = {
    "add": lambda crm, _: crm.customers.add(first_name="Ben"),
    "credit": lambda crm, anna: crm.points.credit(anna, "club", 5),
    "credit for a year": lambda crm, anna: crm.points.credit(anna, "club", 5, expires="1 year"),
    "sale": lambda crm, anna: crm.sales.record(anna, total="5"),
    "balance": lambda crm, anna: crm.points.balance(anna, "club"),
    "today": lambda crm, _: crm.select("birth_date < today()").count(),
    "ago": lambda crm, _: crm.select("created_at > ago('3 years')").count(),
    "anniversary": lambda crm, _: crm.select("ANNIVERSARY(birth_date) = today()").count(),
    "last month": lambda crm, _: list(crm.reports.transaction_log(period="last month")),
    "this year": lambda crm, _: list(crm.reports.transaction_log(period="this year")),
    "verify": lambda crm, _: crm.verify(),
}


@pytest.mark.parametrize("clock", BROKEN)
def test_what_is_no_clock_is_malformed(where: str | None, clock: str) -> None:
    """Law: what gives no instant that can be used is Malformed at the argument `clock`, when a store is opened with it."""
    with pytest.raises(custcrm.CrmError) as caught:
        custcrm.open(where, clock=BROKEN[clock])
    assert isinstance(caught.value, custcrm.Malformed)
    assert caught.value.field == "clock"


def test_a_clock_that_fails_later_is_told_then(where: str | None) -> None:
    """Law: a clock that fails in the midst is Malformed then, what befell it its cause, and nothing is written."""
    moments = [datetime(2026, 1, 1, tzinfo=UTC)] * 50
    with custcrm.open(where, clock=moments.pop) as crm:
        crm.customers.add(first_name="Anna")
        moments.clear()
        with pytest.raises(custcrm.CrmError) as caught:
            crm.customers.add(first_name="Ben")
        assert isinstance(caught.value.__cause__, IndexError)
        moments.extend([datetime(2026, 1, 2, tzinfo=UTC)] * 50)
        assert crm.select().count() == 1


@pytest.mark.parametrize("at", ENDS)
@pytest.mark.parametrize("timezone", ["Europe/Helsinki", "America/New_York"])
def test_at_the_ends_of_time_a_deed_is_done_or_refused(where: str | None, at: str, timezone: str) -> None:
    """Law: wherever a clock may stand, each call answers or raises an error of ours."""
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    with custcrm.open(where, timezone=timezone, clock=lambda: now[0]) as crm:
        crm.programs.add("club")
        anna = crm.customers.add(first_name="Anna", birth_date="1980-02-29")
        crm.programs.join(anna, "club")
        now[0] = ENDS[at]
        for deed in DEEDS.values():
            try:
                deed(crm, anna)
            except custcrm.CrmError as error:
                assert str(error)  # noqa: PT017 (one of ours will do; any other one fails the test)
