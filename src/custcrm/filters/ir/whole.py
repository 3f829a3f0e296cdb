"""Whole numbers as every target computes with them: exact at any size, and not wider than 38 digits where one is asked for.

`step` is one step of a calculation; `most` bounds a value by what is known of it before any row is read, so that targets
test only what may go beyond; `narrow` is that test.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from custcrm.filters.ir.moments import walk
from custcrm.filters.ir.nodes import (
    Calculation,
    Choose,
    Column,
    Condition,
    Constant,
    Entry,
    Member,
    Shown,
    Test,
    Total,
    Unscaled,
    Value,
)
from custcrm.filters.syntax.errors import FilterError

BEYOND: Final = 10**38
"""The first number, either way, that is the error `overflow`: decimals of 38 digits are the widest that engines share."""
WORD: Final = 2**63
"""A bound for whole numbers of 64 bits, either way."""
MOST_DIGITS: Final = 40
"""Digits before the point of a Decimal that a row may hold: more than any that is meant, few enough to compute with."""
MOST_RECORDS: Final = 2**40
"""No row has more records of its own than this: a bound for COUNT."""


def may_be_too_wide(*numbers: Value) -> bool:
    """Tell whether some value is a number that may be wider than 38 digits."""
    return any(most(number) >= BEYOND for number in numbers)


def may_overflow(root: Condition | Value | Shown) -> bool:
    """Tell whether what a condition or value asks of a row may be the error `overflow`."""
    return any(_asks_too_much(node) for node in walk(root))


def _asks_too_much(node: object) -> bool:
    match node:
        case Test(_, left, right):
            return may_be_too_wide(left, right)
        case Member(value):
            return may_be_too_wide(value)
        case _:
            return False


def div(left: int, right: int) -> int:
    """Divide and truncate toward zero."""
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def rem(left: int, right: int) -> int:
    """Return what `div` leaves, with the sign of the dividend."""
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def sign(number: int) -> int:
    """Return -1, 0 or 1."""
    return (number > 0) - (number < 0)


_STEPS: Final[Mapping[str, Callable[[int, int], int]]] = MappingProxyType(
    {"+": operator.add, "-": operator.sub, "*": operator.mul, "DIV": div, "%": rem, "sign": lambda number, _: sign(number)}
)


def step(op: str, left: int | None, right: int | None) -> int | None:
    """Return one step; None where an operand is missing or the divisor is zero."""
    if left is None or right is None or (right == 0 and op in ("DIV", "%")):
        return None
    return _STEPS[op](left, right)


def most(node: Value) -> int:
    """Return a bound for the absolute value of a number."""
    match node:
        case Constant(int(number)):
            return abs(number)
        case Calculation(op, left, right):
            return most_of_step(op, most(left), most(right))
        case Choose(_, then, otherwise):
            return max(most(then), 0 if otherwise is None else most(otherwise))
        case Total("count"):
            return MOST_RECORDS
        case Total("sum", _, value):
            return MOST_RECORDS * (1 if value is None else most(value))
        case Unscaled(_, places):
            return int(10 ** (MOST_DIGITS + 1 + places))
        case _:
            return WORD


def most_of_step(op: str, left: int, right: int) -> int:
    """Return a bound for the result of a step on numbers with these bounds."""
    match op:
        case "*":
            return left * right
        case "+" | "-":
            return left + right
        case "sign":
            return 1
        case _:  # a quotient or a rest is not larger than what is divided
            return left


def narrow(number: int | None, what: str) -> int | None:
    """Return a number of at most 38 digits; a wider one is the error `overflow`, never a wrong number and never none."""
    if number is None or -BEYOND < number < BEYOND:
        return number
    raise too_wide(what)


def too_wide(what: str) -> FilterError:
    """Return the error for a number that goes beyond 38 digits."""
    return FilterError("overflow", f"{what} goes beyond 38 digits")


def label(*nodes: Value) -> str:
    """Return the name of a field or total, or of what is computed the fields that go in, for errors: never a value."""
    used = [(node, names) for node in nodes if (names := tuple(_names(node)))]
    shown = ", ".join(dict.fromkeys(name for _, names in used for name in names))
    if len(used) == 1 and isinstance(used[0][0], Column | Entry | Unscaled | Total):
        return shown
    return f"a calculation with {shown}" if shown else "a calculation"


def _names(node: Value | None) -> Iterator[str]:
    match node:
        case Column(name):
            yield name
        case Entry(map, key, field):
            yield ".".join(filter(None, (map, key, field)))
        case Unscaled(value):
            yield from _names(value)
        case Total(op, collection, value):
            yield f"{op.upper()}({'.'.join((collection, *_names(value)))})"
        case Calculation(_, left, right):
            yield from _names(left)
            yield from _names(right)
        case Choose(_, then, otherwise):
            yield from _names(then)
            yield from _names(otherwise)
