"""How people write numbers, days and instants elsewhere, read where it is plain what was meant.

The language itself knows one spelling of each (`constants`); these serve the remedies that errors tell: `loose_number`,
`loose_days`, `loose_instant`, `loose_span`.
"""

import re
from datetime import UTC, date, datetime, tzinfo
from fractions import Fraction
from typing import Final, get_args

from custcrm.filters.syntax.constants import Number, day, iso, number
from custcrm.values.errors import Malformed
from custcrm.values.spans import SPAN_TEXT, Span, Unit
from custcrm.values.spelling import nearest

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

_UNITS: Final[tuple[Unit, ...]] = get_args(Unit)
_SHORT: Final[dict[str, tuple[Unit, ...]]] = {
    **dict.fromkeys(("s", "sec", "secs"), ("second",)), **dict.fromkeys(("min", "mins"), ("minute",)),
    **dict.fromkeys(("h", "hr", "hrs"), ("hour",)), "d": ("day",), **dict.fromkeys(("w", "wk", "wks"), ("week",)),
    **dict.fromkeys(("mo", "mon", "mos", "mth", "mths"), ("month",)), **dict.fromkeys(("y", "yr", "yrs"), ("year",)),
    "m": ("month", "minute"),
}
_FINER: Final[dict[Unit, tuple[int, Unit]]] = {
    "year": (12, "month"), "week": (7, "day"), "hour": (60, "minute"), "minute": (60, "second"),
}
"""How many of which finer unit make exactly one: a month has no number of days, nor a day of hours where clocks change."""
_WORDS: Final = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_PIECE: Final = re.compile(rf"(?:([0-9]{{1,6}}(?:[.][0-9]{{1,2}})?)[ -]*|(an?|{'|'.join(_WORDS)}) +)([a-z]*)")
_SPAN: Final = re.compile(rf"{_PIECE.pattern}(?:(?: *, *| +and +| *){_PIECE.pattern})?")
_ROUND_SPAN: Final = re.compile("^(?:(?:the +)?(?:last|past) +)| +ago$")


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


def loose_span(text: str) -> tuple[Span, ...]:
    """Return the spans that a text may mean: `30d`, `a month`, `1.5 years`, `1 year 2 months`; a bare number counts days.

    Two where the unit could be either, `12m`; none where it is no span, or one beyond 200 years.
    """
    text = _ROUND_SPAN.sub("", text.strip().casefold())
    if not _SPAN.fullmatch(text):
        return ()
    pieces = [(_counted(match[1] or match[2]), _units(match[3])) for match in _PIECE.finditer(text)]
    try:
        if len(pieces) == 1:
            return tuple(made for unit in pieces[0][1] if (made := _whole(pieces[0][0], unit)) is not None)
        return _both(pieces[0], pieces[1])
    except Malformed:
        return ()  # too long


def _both(first: tuple[Fraction, tuple[Unit, ...]], second: tuple[Fraction, tuple[Unit, ...]]) -> tuple[Span, ...]:
    """Return the span of two pieces of which the second is counted in the next finer unit."""
    for unit in first[1]:
        times, finer = _FINER.get(unit, (0, unit))
        if times and finer in second[1]:
            made = _whole(first[0] * times + second[0], finer)
            return () if made is None else (made,)
    return ()


def _counted(written: str) -> Fraction:
    return Fraction(_WORDS.index(written) if written in _WORDS else 1 if written in ("a", "an") else written)


def _units(written: str) -> tuple[Unit, ...]:
    if not written:
        return ("day",)
    if written in _SHORT:
        return _SHORT[written]
    whole = written.removesuffix("s")
    return (whole,) if whole in _UNITS else nearest(whole, _UNITS, limit=1)  # type: ignore[return-value]  # units all


def _whole(count: Fraction, unit: Unit) -> Span | None:
    """Return a span of a count that may have decimals, in the next finer unit if need be; None where that is not exact."""
    if count.denominator == 1:
        return Span(int(count), unit)
    times, finer = _FINER.get(unit, (1, unit))
    return Span(int(count * times), finer) if (count * times).denominator == 1 else None


def span_refused(text: str) -> str | None:
    """Return why a text that is written as a span is none: it goes beyond 200 years."""
    if not SPAN_TEXT.fullmatch(text):
        return None
    try:
        Span.parse(text)
    except Malformed as error:
        return str(error)
    return None


def written_day(on: date) -> str:
    """Return a day as the language writes it."""
    return f"DATE('{on.isoformat()}')"


def written_instant(when: datetime) -> str:
    """Return an instant as the language writes it."""
    return f"TIMESTAMP('{iso(when)}')"
