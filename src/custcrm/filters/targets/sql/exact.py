"""What SQLite computes by functions of ours, on connections that a store has prepared: whole numbers beyond its 64 bits.

Such a number is a text of digits there; within 64 bits it is an integer, and no function is called. `FUNCTIONS` are those
that a connection needs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias, cast

from custcrm.filters.ir.whole import WORD, step
from custcrm.filters.syntax.operators import COMPARISONS, CompareOp

Held: TypeAlias = int | str | None
"""A whole number in SQLite: an integer, or the digits of one beyond 64 bits."""

TOO_WIDE: Final = -WORD
"""What `compare` says of a number wider than 38 digits: the one integer of which SQLite's abs() is an error."""

_SHIFT: Final = 10**39
_STEPS: Final = 10**18
"""Parts of one in the keys of ratios: enough to tell apart all that divisors to 9 × 10⁸ can make."""


def held(number: int | None) -> Held:
    """Return a number as SQLite holds it."""
    return number if number is None or -WORD <= number < WORD else str(number)


def computed(first: Held, *others_and_op: Held) -> Held:
    """Return steps of one operator, from left to right; the operator comes last."""
    *others, op = others_and_op
    number = _number(first)
    for other in others:
        number = step(str(op), number, _number(other))
    return held(number)


def compared(left: Held, right: Held, op: str, digits: int) -> int | None:
    """Return 1 or 0, None where a side is missing; `TOO_WIDE` when either has more digits."""
    a, b, limit = _number(left), _number(right), 10**digits
    if any(number is not None and abs(number) >= limit for number in (a, b)):
        return TOO_WIDE
    return None if a is None or b is None else int(COMPARISONS[cast("CompareOp", op)].holds(a, b))


def sorted_by(number: Held, over: Held) -> str | None:
    """Return a text that sorts as `number / over` does: its floor, then 18 decimals."""
    a, b = _number(number), _number(over)
    if a is None or not b:
        return None
    floor, rest = divmod(a, b)
    return f"{floor + _SHIFT:040d}.{rest * _STEPS // b:018d}"


def _number(value: Held | float) -> int | None:
    return None if value is None else int(value)


FUNCTIONS: Final[tuple[tuple[str, int, Callable[..., Any]], ...]] = (
    ("custcrm_step", -1, computed),
    ("custcrm_compare", 4, compared),
    ("custcrm_sorted", 2, sorted_by),
)
"""Name, number of arguments (-1: any), function; all give the same for the same.

The operator is the last argument: what is nested deepest stands first, where SQLite's parser has least to keep.
"""
