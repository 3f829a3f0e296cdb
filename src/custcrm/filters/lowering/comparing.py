"""Comparisons, decided once for every target: bare columns beside constants, ratios multiplied out.

`compare` takes two operands and gives a lowered condition; `member` does the same for a list of constants. What can
be known when the filter is read (a bound beyond 64 bits, a constant beside a constant) is settled here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any as Anything
from typing import Final, cast

from custcrm.filters.checking.sorts import NUMERIC
from custcrm.filters.ir.logic import NEVER, Operand, every, some, test
from custcrm.filters.ir.nodes import Always, Column, Condition, Constant, Entry, Member, Physical, Test, Unscaled, Value
from custcrm.filters.ir.quantities import Numeric, Quantity, beyond, guarded, multiplied
from custcrm.filters.ir.quantities import is_present as is_number_present
from custcrm.filters.ir.whole import most
from custcrm.filters.lowering.times import anniversary_within, compare_elapsed, compare_times
from custcrm.filters.syntax.nodes import (
    Clock,
)
from custcrm.filters.syntax.operators import COMPARISONS, CompareOp
from custcrm.filters.types.declarations import Declarations
from custcrm.filters.types.types import Sort


def compare(schema: Declarations, op: CompareOp, left: Operand, right: Operand) -> Condition:
    """Return the condition that both are present and the comparison holds."""
    if left.sort in _RIGHT_FIRST and right.sort not in _RIGHT_FIRST:
        left, right, op = right, left, COMPARISONS[op].mirrored
    sorts = {left.sort, right.sort}
    if "elapsed" in sorts:
        return compare_elapsed(*_first(left, right, "elapsed", op))
    if "anniversary" in sorts:
        _, value, day = _first(left, right, "anniversary", op)
        return anniversary_within(schema, value, day, day)
    if sorts & _TIMES:
        return compare_times(schema, op, left, right)
    if sorts & (NUMERIC | {"money"}):
        scale = 10**schema.exponent if "money" in sorts else 1
        return _compare_numbers(op, _in_minor(left, scale), _in_minor(right, scale))
    return test(op, cast("Value", left.value), cast("Value", right.value))


_TIMES: Final = frozenset({"date", "instant", "moment", "clock_moment"})
_RIGHT_FIRST: Final = frozenset({"moment", "clock_moment"})
"""Clock values go to the right, where a constant goes."""


def _first(left: Operand, right: Operand, sort: Sort, op: CompareOp) -> tuple[CompareOp, Operand, Operand]:
    return (op, left, right) if left.sort == sort else (COMPARISONS[op].mirrored, right, left)


def member(schema: Declarations, value: Operand, items: Iterable[Operand]) -> Condition:
    """Return the condition that a value equals some item; constants of its own type become one list."""
    subject = _bare(value.value)
    listed: list[Physical] = []
    others: list[Condition] = []
    take = _taker(schema, value)
    for item in items:
        physical = take(item)
        if physical is not None:
            listed.append(physical)
            continue
        condition = compare(schema, "=", value, item)
        match condition:
            case Test("=", left, Constant(physical)) if left == subject:
                listed.append(physical)
            case _:
                others.append(condition)
    return some([*_one_list(subject, listed), *others])


def _taker(schema: Declarations, value: Operand) -> Callable[[Operand], Physical | None]:
    """Return the short way for the constants of long lists beside a plain column; None sends one the long way."""
    subject = value.value
    if value.sort in ("text", "choice") and not isinstance(subject, Constant):
        return lambda item: item.value.value if isinstance(item.value, Constant) else None
    if not isinstance(subject, Quantity) or not isinstance(_bare(subject), Column | Entry):
        return lambda _: None
    places = subject.number.places if isinstance(subject.number, Unscaled) else 0
    scale = 10 ** (schema.exponent if value.sort == "money" else places)

    def take(item: Operand) -> Physical | None:
        number = item.value
        if not isinstance(number, Fraction) or scale % number.denominator:
            return None
        unscaled = number.numerator * (scale // number.denominator)
        return None if beyond(unscaled) else decimal(unscaled, places) if places else unscaled

    return take


def _one_list(value: Anything, listed: list[Physical]) -> list[Condition]:
    distinct = tuple(dict.fromkeys(listed))
    if len(distinct) > 1:
        return [Member(value, distinct)]
    return [Test("=", value, Constant(each)) for each in distinct]


def _bare(value: Value | Numeric | Clock) -> object:
    """Return the value as it stands on the left of a test with a constant."""
    if isinstance(value, Quantity):
        return value.number.value if isinstance(value.number, Unscaled) else value.number
    return value


# numbers -----------------------------------------------------------------------------------------


def _in_minor(operand: Operand, scale: int) -> Numeric:
    """Return a number; a constant beside money in minor units."""
    value = cast("Numeric", operand.value)
    return value * scale if isinstance(value, Fraction) and operand.sort != "money" else value


def _compare_numbers(op: CompareOp, a: Numeric, b: Numeric) -> Condition:
    if isinstance(a, Fraction):
        if isinstance(b, Fraction):
            return Always(COMPARISONS[op].holds(a, b))
        a, b, op = b, a, COMPARISONS[op].mirrored
    if isinstance(b, Fraction):
        return _against_constant(op, a, b / a.factor)
    divisors = guarded(dict.fromkeys((*a.divisors, *b.divisors)))
    if isinstance(a.number, Unscaled) and isinstance(b.number, Unscaled) and (a.factor, a.over) == (b.factor, b.over):
        return every([*divisors, test(op, a.number.value, b.number.value)])
    ratio = a.factor / b.factor
    over, under = (None, None) if a.over == b.over else (b.over, a.over)
    left, right = multiplied(a.number, ratio.numerator, over), multiplied(b.number, ratio.denominator, under)
    return every([*divisors, test(op, left, right)])


_BESIDE_A_FRACTION: Final[Mapping[CompareOp, CompareOp]] = {"<": "<=", "<=": "<=", ">": ">", ">=": ">"}
"""What a comparison of whole numbers with a fraction is with the whole number below: x > 2.5 is x > 2, x < 2.5 is x <= 2."""


def _against_constant(op: CompareOp, a: Quantity, bound: Fraction) -> Condition:
    """Compare `number / over` with a constant, adjusting the constant rather than the column.

    So that the answer is exact, and an index of the column serves:

        visits > 2.5            visits > 2                          no whole number lies between
        visits = 2.5            never
        price > 1.005           price > 1.00                        of a Number with two places
        AVG(sales.total) > 2.5  2 * SUM(sales.total) > 5 * COUNT    multiplied out: nothing is divided, nothing rounded
    """
    if side := _side(a.number, bound):
        holds = op != "=" and (op in ("<", "<=")) == (side > 0)
        return every(is_number_present(a)) if holds else NEVER
    if a.over is not None:
        left, right = multiplied(a.number, bound.denominator, None), multiplied(a.over, bound.numerator, None)
        compared = test(op, a.number, Constant(0)) if bound == 0 else test(op, left, right)
        return every([*guarded(a.divisors), compared])
    if bound.denominator != 1:
        if op == "=":
            return NEVER
        op = _BESIDE_A_FRACTION[op]
    nearest = floor(bound)
    if isinstance(a.number, Unscaled):
        compared = test(op, a.number.value, Constant(decimal(nearest, a.number.places)))
    else:
        compared = test(op, a.number, Constant(nearest))
    return every([*guarded(a.divisors), compared])


def _side(number: Value, bound: Fraction) -> int:
    """Tell whether a bound lies above (1) or below (-1) all that a number, or a ratio of it, can be; 0 where it does not."""
    if isinstance(number, Column | Entry):  # what a field holds has 64 bits, and a constant beside it is bound as such
        return beyond(bound)
    return 0 if abs(bound) <= most(number) else 1 if bound > 0 else -1


def decimal(unscaled: int, places: int) -> Decimal:
    """Return `unscaled ÷ 10^places` exactly, without zeros at the end, whatever the decimal context is."""
    while places and unscaled % 10 == 0:
        unscaled, places = unscaled // 10, places - 1
    return Decimal(f"{unscaled}E-{places}") if places else Decimal(unscaled)
