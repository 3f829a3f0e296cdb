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

DIGITS: Final = 38
"""Digits before the decimals that a number may have; one of more is the error `overflow`. Engines share no wider decimals."""
BEYOND: Final = 10**DIGITS
MOST_DECIMALS: Final = 900
"""Decimals that a calculation may bring along; with them a number has no more than the 1,000 digits of PostgreSQL's types."""
WORD: Final = 2**63
"""A bound for whole numbers of 64 bits, either way."""
MOST_DIGITS: Final = 40
"""Digits before the point of a Decimal that a row may hold: more than any that is meant, few enough to compute with."""
MOST_RECORDS: Final = 2**40
"""No row has more records of its own than this: a bound for COUNT."""


def may_be_too_wide(*numbers: Value) -> bool:
    """Tell whether some of the values, which are compared with each other, is a number that may be too wide."""
    limit = 10 ** digits(*numbers)
    return any(most(number) >= limit for number in numbers)


def digits(*numbers: Value) -> int:
    """Return how many digits numbers may have which are compared with each other: 38, and the decimals that are in them.

    Whole numbers stand for decimals: with two factors of six places one is 10^12, and 38 digits may stand before them.
    """
    return DIGITS + min(max(map(_decimals, numbers)), MOST_DECIMALS)


def _decimals(node: Value) -> int:
    match node:
        case Unscaled(_, places):
            return places
        case Calculation("*", left, right):
            return _decimals(left) + _decimals(right)
        case Calculation(_, left, right):
            return max(_decimals(left), _decimals(right))
        case Choose(_, then, otherwise):
            return max(_decimals(then), 0 if otherwise is None else _decimals(otherwise))
        case Total(_, _, value) if value is not None:
            return _decimals(value)
        case _:
            return 0


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


def narrow(number: int | None, limit: int, what: str) -> int | None:
    """Return a number below a limit, either way; a wider one is the error `overflow`, never a wrong number and never none."""
    if number is None or -limit < number < limit:
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
    if len({name for _, names in used for name in names}) == 1 and (power := max(_power(node) for node, _ in used)) > 1:
        return f"{shown} ^ {power}"
    return f"a calculation with {shown}" if shown else "a calculation"


def _power(node: Value) -> int:
    """Return how many factors of a product are no constants."""
    match node:
        case Calculation("*", left, right):
            return _power(left) + _power(right)
        case _:
            return 0 if isinstance(node, Constant) else 1


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
