"""How the Python target reads a row, as data: `Mappings`, `Objects`, or `Bound` to a store's own access.

What a field of a plain row may hold, by its type:

| type | value |
|---|---|
| Text, Choice | `str`; a Choice also a member of an Enum whose values are texts |
| Integer | `int` of any size, or a whole `float` or `Decimal` |
| Number | `Decimal` of no more decimals than its places, and of 41 digits before them; `int` |
| Money | `Money` of the schema's currency, or major units as `Decimal` or `int` (25.90 euros, never cents) |
| Boolean | `bool` |
| Date | `date`; with `yearless=True` also `YearlessDate` |
| Instant | aware `datetime`, of any zone |
| Map | a mapping; a map of records has rows of the same kind as values |
| Collection | a list or tuple of rows |

None, an absent key, NaN and NaT are missing. Anything else is an error of the row: `careful` readers find and name it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Context, Decimal, Inexact, InvalidOperation
from enum import Enum
from functools import cache
from typing import Any, Final, TypeAlias

from attrs import field, frozen

from custcrm.filters.ir.nodes import Column, Entry, HasEntry
from custcrm.filters.ir.whole import MOST_DIGITS
from custcrm.filters.types.types import Boolean, Choice, Date, Instant, Integer, Money, Number, Scalar, Text
from custcrm.values.errors import Malformed
from custcrm.values.money import Money as Amount
from custcrm.values.money import parse_amount
from custcrm.values.periods import YearlessDate, clipped

Reader: TypeAlias = Callable[[Any], Any]


@frozen
class Mappings:
    """Rows are mappings, read with `get`; so are their records."""


@frozen
class Objects:
    """Rows are objects, read by attribute; so are their records."""


@frozen(kw_only=True)
class Bound:
    """A store's own access: each function is asked once, when a filter is compiled, and gives a reader of rows.

    `within` names the collection whose records are read, `sales` or `sales.lines`, None for the row itself. A reader
    returns the physical value of `ir.nodes` (Money: minor units), or None where it is missing. `column` may return a text
    instead: the attribute that holds what an object row would hold, which is then read without a call. `records` gives a
    sized collection. `month_day` reads month × 100 + day; without it they are computed from the date. `count` reads how
    many records there are; without it they are counted.
    """

    column: Callable[[Column, str | None], str | Reader]
    entry: Callable[[Entry], Reader]
    has_entry: Callable[[HasEntry], Callable[[Any], bool]]
    records: Callable[[str, str | None], Callable[[Any], Collection[Any]]]
    month_day: Callable[[Column, str | None], Callable[[Any], int | None]] | None = None
    count: Callable[[str, str | None], Callable[[Any], int]] | None = None


Rows: TypeAlias = Mappings | Objects | Bound


def rows_of(row: object) -> Mappings | Objects:
    """Return how a plain row is read."""
    return Mappings() if isinstance(row, Mapping) else Objects()


@frozen
class WrongValue(Exception):
    """A row holds something else than the schema says; never shows what."""

    name: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"field '{self.name}': expected {self.expected}, found {self.found}"


def careful(currency: str | None) -> Bound:
    """Return access to plain rows of either kind that checks every value; a wrong one raises `WrongValue`."""
    return Bound(
        column=lambda column, within: _column(column, within, currency),
        entry=lambda entry: _entry(entry, currency),
        has_entry=lambda entry: _has_entry(entry, currency),
        records=lambda name, within: lambda row: _records(row, name, _qualified(name, within)),
        count=lambda name, within: lambda row: _count(row, name, _qualified(name, within)),
    )


def _column(column: Column, within: str | None, currency: str | None) -> Reader:
    name, check = _qualified(column.name, within), _check(column.type, currency)
    return lambda row: _check_value(_read(row, column.name, name), name, check)


def _entry(entry: Entry, currency: str | None) -> Reader:
    name = ".".join(filter(None, (entry.map, entry.key, entry.field)))
    check = _check(entry.type, currency)

    def read(row: Any) -> Any:
        value = _map(row, entry.map).get(entry.key)
        if entry.field is not None:
            value = None if _is_missing(value) else _read(value, entry.field, name)
        return _check_value(value, name, check)

    return read


def _has_entry(entry: HasEntry, currency: str | None) -> Callable[[Any], bool]:
    name = f"{entry.map}.{entry.key}"
    check = Check("a record", _record) if entry.type is None else _check(entry.type, currency)

    def read(row: Any) -> bool:
        entries = _map(row, entry.map)
        if entry.key not in entries:
            return False
        _check_value(entries[entry.key], name, check)
        return True

    return read


def _qualified(name: str, within: str | None) -> str:
    return name if within is None else f"{within}.{name}"


def _read(row: Any, key: str, name: str) -> Any:
    if isinstance(row, Mapping):
        return row.get(key)
    try:
        return getattr(row, key)
    except AttributeError:
        raise WrongValue(name, "an attribute of this name", f"{_article(type(row).__name__)} without it") from None


def _map(row: Any, name: str) -> Mapping[str, Any]:
    value = _read(row, name, name)
    if _is_missing(value):
        return {}
    if not isinstance(value, Mapping):
        raise WrongValue(name, "a mapping", _kind(value))
    return value


def _records(row: Any, key: str, name: str) -> Collection[Any]:
    value = _read(row, key, name)
    if _is_missing(value):
        return ()
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Collection):
        raise WrongValue(name, "a list of records", _kind(value))
    return value


def _count(row: Any, key: str, name: str) -> int:
    records = _records(row, key, name)
    for record in records:
        if not is_record(record):
            raise WrongValue(name, "a list of records", f"one with {_kind(record)} in it")
    return len(records)


def is_record(value: object) -> bool:
    """Tell whether a value may be a record: a mapping or an object, not what is itself the value of some field."""
    return not isinstance(value, _VALUES) or hasattr(value, "_fields")


_VALUES: Final = (
    *(str, bytes, bytearray, int, float, complex, Decimal, Amount, date, time, timedelta, YearlessDate),
    *(list, tuple, set, frozenset, range, type(None)),
)
"""Classes of what is no record; a named tuple is one."""


def _record(value: object) -> object:
    return value if is_record(value) else None


def _check_value(value: Any, name: str, check: Check) -> Any:
    if _is_missing(value):
        return None
    checked = check.read(value)
    if checked is None:
        raise WrongValue(name, check.expected, _kind(value))
    return checked


def _is_missing(value: Any) -> bool:
    if value is None or isinstance(value, str):
        return value is None
    if isinstance(value, Decimal):
        return value.is_nan()
    try:
        return bool(value != value)  # noqa: PLR0124 - NaN and NaT differ from themselves
    except (TypeError, ValueError):
        return False


@frozen
class Check:
    """What a type expects, in words, and how a value becomes physical; `read` gives None for what does not fit."""

    expected: str
    read: Callable[[Any], Any] = field(repr=False)


def _check(kind: Scalar, currency: str | None) -> Check:
    match kind:
        case Date(yearless=True):
            return Check("a date", lambda value: value if isinstance(value, YearlessDate) else _date(value))
        case Money():
            return Check(f"an amount in {currency or 'money'}", lambda value: _minor(value, currency))
        case Number(places=places):
            return Check(f"a Decimal of at most {places} decimals", lambda value: _number(value, places))
        case _:
            return _CHECKS[type(kind)]


def _read_text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _choice(value: object) -> str | None:
    return _read_text(value.value if isinstance(value, Enum) else value)


def _integer(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, Decimal):
            quantize, unit = decimals(0)
            return int(quantize(value, unit))
        return int(value) if isinstance(value, float) and value.is_integer() else operator.index(value)
    except (TypeError, ArithmeticError):
        return None


def _number(value: object, places: int) -> Decimal | int | None:
    """Return a number with no more decimals than places; trailing zeros beyond them do not count."""
    if not isinstance(value, Decimal):
        return _integer(value)
    quantize, unit = decimals(places)
    try:
        quantize(value, unit)
    except ArithmeticError:
        return None
    return value


@cache
def decimals(places: int) -> tuple[Callable[[Decimal, Decimal], Decimal], Decimal]:
    """Return a function and its second argument, which write a Decimal with that many decimals.

    ArithmeticError for one that has more, that is infinite, or that has more than 41 digits before them.
    """
    context = Context(prec=MOST_DIGITS + 1 + places, traps=[Inexact, InvalidOperation])
    return context.quantize, Decimal((0, (1,), -places))


def _minor(value: Any, currency: str | None) -> int | None:
    if isinstance(value, Amount):
        return value.minor if currency in {None, value.currency} else None
    if currency is None or isinstance(value, str):
        return None
    try:
        return parse_amount(value, currency).minor
    except Malformed:
        return None


def _boolean(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _date(value: object) -> date | None:
    return value if isinstance(value, date) and not isinstance(value, datetime) else None


def utc(value: Any) -> datetime | None:
    """Return an aware datetime in UTC, clipped to the calendar; None for anything else."""
    if not isinstance(value, datetime) or value.utcoffset() is None:
        return None
    return clipped(value)


_CHECKS: Final[dict[type, Check]] = {
    Text: Check("a text", _read_text),
    Choice: Check("one of its texts", _choice),
    Integer: Check("a whole number", _integer),
    Boolean: Check("True or False", _boolean),
    Date: Check("a date", _date),
    Instant: Check("a datetime with a time zone", utc),
}

_KINDS: Final[dict[type, str]] = {
    str: "a text",
    int: "a whole number",
    float: "a float",
    date: "a date",
    bool: "a truth value",
    Amount: "money of another currency",
}


def _kind(value: object) -> str:
    """Return what a value is, never the value."""
    if isinstance(value, datetime):
        return "a datetime" if value.tzinfo else "a datetime without one"
    return _KINDS.get(type(value)) or _article(type(value).__name__)


def _article(noun: str) -> str:
    return f"{'an' if noun[:1] in 'aeiouAEIOU' else 'a'} {noun}"
