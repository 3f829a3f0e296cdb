"""What generated code calls: whole numbers of decimals, and refusals of values that an operator would take for another thing.

A refusal is a TypeError; the caller then reads the rows again with care, and names the row and the field.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

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


def admit(kinds: tuple[type, ...], but: tuple[type, ...], value: object) -> bool:
    """Return True for a value of a subclass of its type's classes, False for NaN and NaT, which are missing.

    Anything else is refused: an operator would take it for another thing, or for nothing.
    """
    if value != value:  # noqa: PLR0124 - NaN and NaT differ from themselves
        return False
    if isinstance(value, kinds) and not isinstance(value, but):
        return True
    raise TypeError("a value of another type")


def admit_instant(value: object) -> bool:
    """Do the same for an Instant, which is aware."""
    if value != value:  # noqa: PLR0124 - as above
        return False
    if isinstance(value, datetime) and value.utcoffset() is not None:
        return True
    raise TypeError("no aware datetime")


def records_of(value: object) -> Collection[Any]:
    """Return the records of a collection, none where it is missing."""
    if type(value) is list or type(value) is tuple:
        return value
    if value is None or value != value:  # noqa: PLR0124 - as above
        return ()
    if isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping):
        return value
    raise TypeError("no list of records")


def in_utc(value: object) -> datetime:
    """Return an aware datetime in UTC."""
    instant = utc(value)
    if instant is None:
        raise TypeError("not an aware datetime")
    return instant
