"""How people write numbers, days and instants elsewhere, read where it is plain what was meant.

The language itself knows one spelling of each (`constants`); these serve the remedies that errors tell: `loose_number`,
`loose_days`, `loose_instant`.
"""

import re
from datetime import UTC, date, datetime, tzinfo
from typing import Final

from custcrm.filters.syntax.constants import Number, day, iso, number
from custcrm.values.errors import Malformed

CURRENCY: Final = "(?:[€$£¥]|EUR|USD|GBP|SEK|NOK|DKK|CHF|JPY|PLN)"
"""What stands before or behind an amount elsewhere."""
BLANK: Final = " _\u00a0\u202f"
"""What parts thousands beside comma and point."""

_GROUPED: Final = re.compile(rf"[0-9]{{1,3}}(?:([,{BLANK}])[0-9]{{3}})(?:\1[0-9]{{3}})*(?:\.[0-9]+)?")
_POINTED: Final = re.compile(
    rf"[0-9]{{1,3}}(?:([.{BLANK}])[0-9]{{3}})(?:\1[0-9]{{3}})*,[0-9]+|[0-9]{{1,3}}(?:\.[0-9]{{3}}){{2,}}"
)
_COMMA: Final = re.compile("[0-9]+,[0-9]+")
_AMOUNT: Final = re.compile(rf"\s*{CURRENCY}?\s*([+-]?)\s*([0-9.](?:.*[0-9])?)\s*{CURRENCY}?\s*", re.DOTALL)
_YEAR_FIRST: Final = re.compile("([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})|([0-9]{4})([0-9]{2})([0-9]{2})")
_YEAR_LAST: Final = re.compile("([0-9]{1,2})([-/.])([0-9]{1,2})[-/.]([0-9]{4})")
_INSTANT: Final = re.compile(
    "([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]{1,6})?)?) ?(Z|[+-][0-9]{2}:[0-9]{2})?"
)


def loose_number(text: str) -> Number | None:
    """Return the number of `1,000`, `1 000.50`, `1.000,50`, `99,95`, `€100` or `100 EUR`; None where it is none or two."""
    amount = _AMOUNT.fullmatch(text)
    if amount is None:
        return None
    sign, digits = amount.groups()
    if _GROUPED.fullmatch(digits):
        digits = re.sub(f"[,{BLANK}]", "", digits)
    elif _POINTED.fullmatch(digits):
        digits = re.sub(f"[.{BLANK}]", "", digits).replace(",", ".")
    elif _COMMA.fullmatch(digits):
        digits = digits.replace(",", ".")
    try:
        return number(digits, negative=sign == "-")
    except Malformed:
        return None


def loose_days(text: str) -> tuple[date, ...]:
    """Return the days that a text may mean: two where day and month could be either, none where it is no day."""
    text = text.strip()
    if match := _YEAR_FIRST.fullmatch(text):
        return _days([[each for each in match.groups() if each is not None]])
    if match := _YEAR_LAST.fullmatch(text):
        first, mark, second, year = match.groups()
        orders = [[year, second, first]] if mark == "." else [[year, second, first], [year, first, second]]
        return _days(orders)
    return ()


def _days(orders: list[list[str]]) -> tuple[date, ...]:
    found: dict[date, None] = {}
    for year, month, number_ in orders:
        try:
            found[day(f"{year}-{month:0>2}-{number_:0>2}")] = None
        except Malformed:
            continue  # not a day in this order
    return tuple(found)


def loose_instant(text: str, zone: tzinfo | None) -> datetime | None:
    """Return the instant that a text means, a local one in `zone`; None where it is none, or local without a zone."""
    match = _INSTANT.fullmatch(text.strip())
    if match is None:
        return None
    try:
        when = datetime.fromisoformat(f"{match[1]}T{match[2]}{match[3] or ''}")
        if when.tzinfo is None:
            when = when.replace(tzinfo=zone)
        return None if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None  # no such time, or none that the calendar holds


def written_day(on: date) -> str:
    """Return a day as the language writes it."""
    return f"DATE('{on.isoformat()}')"


def written_instant(when: datetime) -> str:
    """Return an instant as the language writes it."""
    return f"TIMESTAMP('{iso(when)}')"
