"""Comparisons of days, instants, anniversaries and counts of time: each a bound on the date or instant itself.

An instant beside a day is compared with the first instants of days, and `age` or `days_since_…` with a date, so that
indexes serve: docs/language.md, Time.
"""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import Final, assert_never, cast
from typing import Literal as OneOf

from custcrm.filters.ir.logic import NEVER, Operand, Unit, every, test, there
from custcrm.filters.ir.nodes import Condition, Constant, Moment, MonthDay, Plain, Present, Test, Value
from custcrm.filters.ir.quantities import Numeric
from custcrm.filters.syntax.nodes import (
    Clock,
)
from custcrm.filters.syntax.operators import COMPARISONS, CompareOp
from custcrm.filters.types.declarations import Declarations
from custcrm.values.periods import anniversary_ranges, start_of_day

# days and instants -------------------------------------------------------------------------------


def day_value(value: Value | Numeric | Clock) -> Plain:
    """Return a date: a Clock as a Moment of days."""
    return _moment("today", value) if isinstance(value, Clock) else cast("Plain", value)


def instant_value(value: Value | Numeric | Clock) -> Plain:
    """Return an instant: a Clock as a Moment of instants."""
    return _moment("now", value) if isinstance(value, Clock) else cast("Plain", value)


def _moment(kind: OneOf["now", "today"], clock: Clock) -> Moment:
    return Moment(kind, sign=-1 if clock.name == "ago" else 1, length=clock.length)


def compare_times(schema: Declarations, op: CompareOp, left: Operand, right: Operand) -> Condition:
    """Compare dates, instants and relative ones: as dates beside a date, else as instants."""
    sorts = (left.sort, right.sort)
    if sorts == ("date", "instant"):
        return compare_times(schema, COMPARISONS[op].mirrored, right, left)
    if sorts == ("instant", "date"):
        return _against_day(schema, op, cast("Value", left.value), cast("Constant | Moment", right.value))
    if left.sort == "date":
        return test(op, day_value(left.value), day_value(right.value))
    return test(op, instant_value(left.value), instant_value(right.value))


def _against_day(schema: Declarations, op: CompareOp, value: Value, day: Constant | Moment) -> Condition:
    """Compare an instant with the day as [start, end): `occurred_at = DATE('2026-11-30')` is the whole day."""
    match op:
        case "=":
            return every([_at_or_after(value, _start(schema, day, 0)), _before(value, _start(schema, day, 1))])
        case "<":
            return _before(value, _start(schema, day, 0))
        case "<=":
            return _before(value, _start(schema, day, 1))
        case ">":
            return _at_or_after(value, _start(schema, day, 1))
        case ">=":
            return _at_or_after(value, _start(schema, day, 0))


def _start(schema: Declarations, day: Constant | Moment, days: int) -> Constant | Moment | None:
    """Return the first instant of a day, some days later; None beyond the calendar, which is as good as infinite."""
    if isinstance(day, Moment):
        return Moment("day_start", sign=day.sign, length=day.length, days=days)
    try:
        return Constant(start_of_day(cast("date", day.value) + timedelta(days=days), schema.zone))
    except OverflowError:
        return None


def _before(value: Value, bound: Constant | Moment | None) -> Condition:
    return there(value) if bound is None else test("<", value, bound)


def _at_or_after(value: Value, bound: Constant | Moment | None) -> Condition:
    return NEVER if bound is None else test(">=", value, bound)


# anniversaries and counts of time ----------------------------------------------------------------


def anniversary_within(schema: Declarations, value: Operand, low: Operand, high: Operand) -> Condition:
    """Return the condition that an anniversary falls on a day from `low` to `high`, both in."""
    first, last = (_day_of_window(each) for each in (low, high))
    subject = cast("Plain", value.value)
    if isinstance(first, date) and isinstance(last, date):
        ranges = anniversary_ranges(first, last, schema.feb29)
        return MonthDay(subject, tuple((Constant(a), Constant(b)) for a, b in ranges)) if ranges else NEVER
    return MonthDay(
        subject,
        tuple(
            (
                Moment("month_day_low", index=index, first=first, last=last),
                Moment("month_day_high", index=index, first=first, last=last),
            )
            for index in range(2)
        ),
    )


def _day_of_window(operand: Operand) -> Moment | date:
    day = day_value(operand.value)
    return cast("date", day.value) if isinstance(day, Constant) else cast("Moment", day)


LARGEST_COUNT: Final[dict[Unit, int]] = {"years": 20_000, "days": 8_000_000}
"""Beyond these no count of time lies, whatever the year of as_of."""


def compare_elapsed(op: CompareOp, value: Operand, right: Operand) -> Condition:
    """Compare a count of years or days with a constant: a bound on the date that it is counted from."""
    count = cast("Fraction", right.value)
    match op:
        case "=" if count.denominator != 1:
            return NEVER
        case "=":
            return every([_counts_at_least(value, int(count)), _counts_less_than(value, int(count) + 1)])
        case "<":
            return _counts_less_than(value, ceil(count))
        case "<=":
            return _counts_less_than(value, floor(count) + 1)
        case ">":
            return _counts_at_least(value, floor(count) + 1)
        case ">=":
            return _counts_at_least(value, ceil(count))
        case _:
            assert_never(op)


def _counts_at_least(value: Operand, count: int) -> Condition:
    if count > LARGEST_COUNT[value.unit]:
        return NEVER
    if count < -LARGEST_COUNT[value.unit]:
        return has_count(value)
    if value.since == "instant":
        return Test("<", cast("Value", value.value), Moment("day_bound_start", count=count))
    return Test("<" if count > 0 else "<=", cast("Value", value.value), _day_bound(value, count))


def _counts_less_than(value: Operand, count: int) -> Condition:
    if count > LARGEST_COUNT[value.unit]:
        return has_count(value)
    if count < -LARGEST_COUNT[value.unit]:
        return NEVER
    if value.since == "instant":
        return Test(">=", cast("Value", value.value), Moment("day_bound_start", count=count))
    return Test(">=" if count > 0 else ">", cast("Value", value.value), _day_bound(value, count))


def _day_bound(value: Operand, count: int) -> Moment:
    """Return the last day that is `count` ago, or, of days in the past, the day after it.

    So a bound that would lie beyond either end of the calendar keeps no date of the calendar on the wrong side.
    """
    return Moment("birth_bound" if value.unit == "years" else "day_bound", count=count, days=int(count > 0))


def has_count(value: Operand) -> Condition:
    """Return the condition that a count of time has a value: a date without a year has none."""
    if value.since == "instant":
        return Present(cast("Value", value.value))
    return Test(">=", cast("Value", value.value), Constant(date.min))

