"""What generated code calls: exact whole numbers, and refusals of values that an operator would take for another thing.

A refusal is a TypeError; the caller then reads the rows again with care, and names the row and the field.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Never

from custcrm.filters.ir.nodes import LARGEST
from custcrm.filters.syntax.errors import FilterError
from custcrm.filters.syntax.nodes import INTEGER_MAX, INTEGER_MIN
from custcrm.filters.targets.python.rows import MOST_DIGITS, utc


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


def summand(value: Decimal | int, places: int, what: str) -> int:
    """Return `value × 10^places` to be summed; one beyond ±LARGEST is the error `overflow`."""
    scaled = to_whole(value, places)
    if -LARGEST <= scaled <= LARGEST:
        return scaled
    raise FilterError("overflow", f"{what} exceeds 64 bits")


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


def within_64_bits(total: int, what: str) -> int:
    """Return a sum that fits 64 bits; a larger one is the error `overflow`, never a wrong number."""
    if INTEGER_MIN <= total <= INTEGER_MAX:
        return total
    raise FilterError("overflow", f"{what} exceeds 64 bits")


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
