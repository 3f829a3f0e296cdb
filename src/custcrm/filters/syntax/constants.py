"""Constants: which values the language can hold, read from text and from Python, and how they are written.

`number`, `day` and `timestamp` read the text forms, `constant` takes a Python value, `write_constant` gives the canonical
text. All raise `Malformed`; the caller knows the place and the kind of error.
"""

import calendar
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Final, TypeAlias

from custcrm.filters.syntax.nodes import INTEGER_MAX, INTEGER_MIN, Literal, Place, Scalar, literal
from custcrm.values.errors import Malformed
from custcrm.values.money import Money

DIGITS: Final = 15
"""Significant digits, and decimals, of a number that is no integer: what survives JSON readers with binary64."""
INTEGER_DIGITS: Final = 19

_NUMBER: Final = re.compile(r"([0-9]*)\.?([0-9]*)(?:[eE]([+-]?[0-9]{1,3}))?")
_DAY: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_TIMESTAMP: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,6})?Z")

Number: TypeAlias = int | Decimal


def number(text: str, *, negative: bool = False) -> Number:
    """Return the exact value of a number as the language writes it, without sign: `5`, `12.5`, `.5`, `1.50E1`.

    An integer within 64 bits, or at most 15 significant digits and 15 decimals.
    """
    if len(text) < INTEGER_DIGITS and text.isdecimal() and text.isascii():  # most of them
        return -int(text) if negative else int(text)
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise Malformed("not a number")
    whole, fraction, exponent = match[1], match[2], int(match[3] or 0)
    digits = (whole + fraction).lstrip("0")
    significant = digits.rstrip("0")
    if not significant:
        return 0
    scale = exponent - len(fraction) + len(digits) - len(significant)
    if scale >= 0:
        return _read_whole(significant, scale, negative)
    if len(significant) > DIGITS or -scale > DIGITS:
        raise Malformed("a number has at most 15 digits and 15 decimals")
    value = Decimal(int(significant)).scaleb(scale)
    return -value if negative else value


def _read_whole(digits: str, zeros: int, negative: bool) -> int:
    value = int(digits) * 10**zeros if len(digits) + zeros <= INTEGER_DIGITS else INTEGER_MAX + 2
    value = -value if negative else value
    if not INTEGER_MIN <= value <= INTEGER_MAX:
        raise Malformed("the number is beyond 64 bits")
    return value


def day(text: str) -> date:
    """Return the day of `YYYY-MM-DD`: a real day of the years 1 to 9999."""
    match = _DAY.fullmatch(text)
    if match is None:
        raise Malformed("a date is written YYYY-MM-DD")
    year, month, number_ = int(match[1]), int(match[2]), int(match[3])
    if year == 0:
        raise Malformed("the calendar begins with the year 0001")
    if not 1 <= month <= 12:
        raise Malformed("a year has 12 months")
    if not 1 <= number_ <= (last := calendar.monthrange(year, month)[1]):
        raise Malformed(f"{calendar.month_name[month]} {year} has {last} days")
    return date(year, month, number_)


def timestamp(text: str) -> datetime:
    """Return the instant of `YYYY-MM-DDThh:mm:ss[.ffffff]Z`, in UTC."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise Malformed("a timestamp is written YYYY-MM-DDThh:mm:ssZ, in UTC")
    on = day(match[1])
    hour, minute, second = (int(part) for part in match[2].split(":"))
    if hour > 23 or minute > 59 or second > 59:
        raise Malformed("a day has the times 00:00:00 to 23:59:59")
    micro = int((match[3] or ".")[1:].ljust(6, "0"))
    return datetime(on.year, on.month, on.day, hour, minute, second, micro, tzinfo=UTC)


def constant(value: object, span: Place | None = None) -> Literal:
    """Return the Literal of a Python value: str, int, Decimal, bool, date, aware datetime, or an Enum of these.

    Refuses float (write a Decimal), a naive datetime, None, text that no database keeps, and numbers that the text form
    cannot say.
    """
    return literal(_scalar(value), span)


def _scalar(value: object) -> Scalar:
    match value:
        case Enum():
            return _scalar(value.value)
        case bool():
            return value
        case str():
            return _check_text(str.__str__(value))
        case int():
            return _integer(int(value))
        case Decimal():
            return _decimal(value)
        case datetime():
            return _instant(value)
        case date():
            return date(value.year, value.month, value.day)
        case None:
            raise Malformed("nothing equals None; ask whether the value exists")
        case float():
            raise Malformed("a float is not exact; give a Decimal, or the number as an int")
    if type(value) is Money:
        raise Malformed("an amount is given as a Decimal or an int, in major units")
    raise Malformed(f"a constant is a text, number, bool, date or aware datetime, not {type(value).__name__}")


def _check_text(text: str) -> str:
    if at := unstorable(text):
        raise Malformed(f"the text contains {at}")
    return text


def unstorable(text: str) -> str | None:
    """Name the character of a text that no database keeps, NUL or half of a surrogate pair, if there is one."""
    if "\0" in text:
        return "a NUL character"
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "half a character (a lone surrogate)"
    return None


def _integer(value: int) -> int:
    if not INTEGER_MIN <= value <= INTEGER_MAX:
        raise Malformed("the number is beyond 64 bits")
    return value


def _decimal(value: Decimal) -> Number:
    if not value.is_finite():
        raise Malformed("a number is finite")
    sign, digits, exponent = value.as_tuple()
    if abs(int(exponent)) > 999:  # what `number` reads; far beyond what it takes
        raise Malformed("a number has at most 19 digits")
    return number(f"{''.join(map(str, digits))}e{exponent}", negative=bool(sign))


def _instant(value: datetime) -> datetime:
    if value.utcoffset() is None:
        raise Malformed("a datetime without a time zone could mean any; add tzinfo")
    try:
        value = value.astimezone(UTC)
    except OverflowError:
        raise Malformed("the calendar ends with the years 1 and 9999") from None
    return datetime(
        value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond, tzinfo=UTC
    )


def quoted(text: str) -> str:
    """Return a text as the language writes it: in straight single quotes, quotes doubled."""
    return "'" + text.replace("'", "''") + "'"


def write_number(value: Number) -> str:
    """Return a number without exponent and without zeros at the end of its decimals."""
    if isinstance(value, int):
        return str(value)
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def iso(value: date) -> str:
    """Return a date as `2026-01-31`, an instant as `2026-01-31T09:00:00.5Z`."""
    if not isinstance(value, datetime):
        return value.isoformat()
    text = value.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


def write_constant(value: Scalar) -> str:
    """Return a constant as canonical text."""
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case str():
            return quoted(value)
        case int() | Decimal():
            return write_number(value)
        case datetime():
            return f"TIMESTAMP('{iso(value)}')"
    return f"DATE('{iso(value)}')"
