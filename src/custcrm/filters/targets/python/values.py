"""What generated code calls: whole numbers of decimals, and refusals of values that an operator would take for another thing.

A refusal is a TypeError; the caller then reads the rows again with care, and names the row and the field.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from custcrm.filters.ir.whole import MOST_DIGITS, narrow
from custcrm.filters.syntax.operators import COMPARISONS, CompareOp
from custcrm.filters.targets.python.rows import decimals, is_record, utc
from custcrm.filters.types.types import Boolean, Choice, Date, Instant, Integer, Money, Number, Scalar, Text
from custcrm.values.birthdays import YearlessDate
from custcrm.values.money import Money as Amount

Classes: TypeAlias = tuple[tuple[type, ...], tuple[type, ...]]


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


def compares(op: CompareOp, left: int | None, right: int | None, limit: int, what: str) -> bool:
    """Compare two numbers that may be too wide, which is the error `overflow` of either; none is false."""
    left, right = narrow(left, limit, what), narrow(right, limit, what)
    return left is not None and right is not None and COMPARISONS[op].holds(left, right)


def admission(kind: Scalar, currency: str | None) -> Callable[[object], bool]:
    """Return what a value is asked by that is not plainly one of its type: see `admit`."""
    match kind:
        case Instant():
            return _admit_instant
        case Number(places=places):
            return partial(_admit_number, *decimals(places))
        case Money() if currency is not None:
            return partial(admit, (), ())
        case _:
            return partial(admit, *classes_of(kind))


def classes_of(kind: Scalar) -> Classes:
    """Return the classes of a type's values, and the subclasses of theirs that are something else."""
    kinds, but = _CLASSES[type(kind)]
    return ((*kinds, YearlessDate), but) if isinstance(kind, Date) and kind.yearless else (kinds, but)


_CLASSES: Final[Mapping[type, Classes]] = MappingProxyType({
    Text: ((str,), ()),
    Choice: ((str,), ()),
    Integer: ((int,), (bool,)),
    Number: ((int, Decimal), (bool,)),
    Money: ((Amount,), ()),
    Boolean: ((bool,), ()),
    Date: ((date,), (datetime,)),
})


def admit(kinds: tuple[type, ...], but: tuple[type, ...], value: object) -> bool:
    """Return True for a value of a subclass of its type's classes, False for NaN and NaT, which are missing.

    Anything else is refused: an operator would take it for another thing, or for nothing.
    """
    if value != value:  # noqa: PLR0124 - NaN and NaT differ from themselves
        return False
    if isinstance(value, kinds) and not isinstance(value, but):
        return True
    raise TypeError("a value of another type")


def _admit_number(quantize: Callable[[Decimal, Decimal], Decimal], unit: Decimal, value: object) -> bool:
    fits = admit(*_CLASSES[Number], value)
    if fits and isinstance(value, Decimal):
        quantize(value, unit)
    return fits


def _admit_instant(value: object) -> bool:
    if value != value:  # noqa: PLR0124 - as above
        return False
    if isinstance(value, datetime) and value.utcoffset() is not None:
        return True
    raise TypeError("no aware datetime")


def has_record(entries: Mapping[str, object], key: str) -> bool:
    """Tell whether a map of records has a key, with a record or without one."""
    if key not in entries.keys():  # noqa: SIM118 - a text and a list have no keys, but may contain it
        return False
    value = entries[key]
    if value is None or value != value or is_record(value):  # noqa: PLR0124 - as above
        return True
    raise TypeError("no record")


def count_of(value: object) -> int:
    """Return how many records a collection has; nothing else looks at them."""
    records = records_of(value)
    if not all(map(is_record, records)):
        raise TypeError("no records")
    return len(records)


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
