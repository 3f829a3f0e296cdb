"""What generated code calls: whole numbers of decimals, and refusals of values that an operator would take for another thing.

A refusal is a TypeError; the caller then reads the rows again with care, and names the row and the field.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Never

from custcrm.filters.ir.whole import MOST_DIGITS, narrow
from custcrm.filters.syntax.operators import COMPARISONS, CompareOp
from custcrm.filters.targets.python.rows import utc


def to_whole(value: Decimal | int, places: int) -> int:
    """Return `value × 10^places`, which is whole; raises TypeError for a value with more decimals."""
    if isinstance(value, int):
        return value * _power(places)
    if value.adjusted() > MOST_DIGITS:
        raise TypeError("a number beyond 64 bits")
    numerator, denominator = value.as_integer_ratio()
    scaled, rest = divmod(numerator * _power(places), denominator)
    if rest:
        raise TypeError(f"a number with more than {places} decimals")
    return scaled


def _power(places: int) -> int:
    return int(10**places)


def compares(op: CompareOp, left: int | None, right: int | None, what: str) -> bool:
    """Compare two numbers that may be wider than 38 digits, which is the error `overflow` of either; none is false."""
    left, right = narrow(left, what), narrow(right, what)
    return left is not None and right is not None and COMPARISONS[op].holds(left, right)


def choice(value: object) -> str:
    """Return a text as it is."""
    if isinstance(value, str):
        return value
    raise TypeError("not a text")


def refuse_unless_text(value: object) -> bool:
    """Return False for a text; anything else does not belong beside the constant it was not equal to."""
    return choice(value) is None


def refuse(value: object) -> Never:
    """Refuse a value."""
    raise TypeError(f"{type(value).__name__} does not belong here")


def in_utc(value: object) -> datetime:
    """Return an aware datetime in UTC."""
    instant = utc(value)
    if instant is None:
        raise TypeError("not an aware datetime")
    return instant
