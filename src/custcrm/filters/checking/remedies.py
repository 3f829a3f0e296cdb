"""What to write instead: constants and bare words as the side that they are compared with would take them.

`rewritten` serves two sides that do not meet, `unquoted` a name that means nothing beside a value. Each text stands for
the place of the error, and is told only where it is plain what was meant.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final

from custcrm.filters.checking.names import Names
from custcrm.filters.checking.sorts import Domain
from custcrm.filters.syntax.constants import quoted, write_number
from custcrm.filters.syntax.errors import FilterError, did_you_mean, quote_name
from custcrm.filters.syntax.nodes import Arithmetic, Clock, Field, Literal, Node, Scalar
from custcrm.filters.syntax.spellings import loose_days, loose_instant, loose_number, written_day, written_instant
from custcrm.values.errors import Malformed
from custcrm.values.periods import Span
from custcrm.values.spelling import nearest

_YES: Final = {"true": "TRUE", "yes": "TRUE", "1": "TRUE", "false": "FALSE", "no": "FALSE", "0": "FALSE"}
_DAYS: Final = {
    "today": "today()", "now": "now()", "yesterday": "ago('1 day')", "tomorrow": "from_now('1 day')",
    "current_date": "today()", "current_timestamp": "now()", "sysdate": "now()",
}
_NUMBERS: Final = frozenset({"integer", "number", "money", "elapsed"})
TIMES: Final = frozenset({"date", "instant", "anniversary"})
"""Sorts that are compared with days and with times before now."""
ORDERS: Final = frozenset({"<", "<=", ">", ">=", "between"})
"""Operators that ask for an order."""


def source(names: Names, node: Node) -> str | None:
    """Return a node as its author wrote it, None where it came without a text."""
    return None if names.text is None or node.span is None else names.text[slice(*node.span)]


def rewritten(names: Names, node: Node, wanted: Domain, op: str) -> tuple[str, ...]:
    """Return how a constant would be written for a side of the wanted sort: nothing where it has no such meaning."""
    if isinstance(node, Arithmetic):
        return _calculated_day(node) if wanted.sort in TIMES else ()
    if not isinstance(node, Literal):
        return ()
    value = node.value
    if wanted.sort in _NUMBERS:
        return _number(names, value, wanted) if isinstance(value, str) else ()
    if wanted.sort in TIMES:
        return _moment(names, value, wanted)
    if wanted.sort == "boolean":
        found = _YES.get(str(value).strip().casefold())
        return () if found is None else (found,)
    if wanted.sort == "text" and op not in ORDERS and isinstance(value, int | Decimal) and not isinstance(value, bool):
        written = source(names, node)  # +358… and 0401… are what was meant, not the number that they make
        return (quoted(written or write_number(value)),)
    return ()


def _number(names: Names, text: str, wanted: Domain) -> tuple[str, ...]:
    value = loose_number(text)
    if value is None:
        return ()
    exact = Fraction(value) * 10**names.schema.exponent
    return () if wanted.sort == "money" and exact.denominator != 1 else (write_number(value),)


def _moment(names: Names, value: Scalar, wanted: Domain) -> tuple[str, ...]:
    if isinstance(value, date):  # an instant beside a date
        return (written_day(value.astimezone(names.schema.zone).date()),) if isinstance(value, datetime) else ()
    if isinstance(value, bool | Decimal):
        return ()
    text = str(value).strip()
    if days := loose_days(text):
        return tuple(map(written_day, days))
    if (when := loose_instant(text, names.schema.zone)) is not None:
        return (written_instant(when) if wanted.sort == "instant" else written_day(when.astimezone(names.schema.zone).date()),)
    if text.casefold() in _DAYS:
        return (_DAYS[text.casefold()],)
    return () if isinstance(value, int) else _ago(text)


def _ago(text: str) -> tuple[str, ...]:
    try:
        return (f"ago('{Span.parse(text)}')",)
    except Malformed:
        return ()  # no span either


def _calculated_day(node: Arithmetic) -> tuple[str, ...]:
    """Return the day of `2011-10-01` or `10/01/2011`, which without quotes is a sum or a quotient."""
    match node:
        case Arithmetic("-" | "/" as mark, Arithmetic(inner, Literal(first), Literal(second)), Literal(third)) if inner == mark:
            return tuple(map(written_day, loose_days(mark.join(map(str, (first, second, third))))))
    return ()


def moved(node: Arithmetic) -> tuple[str, ...]:
    """Return how `now() - 30` and `today() + '2 weeks'` are written: a bare number counts days."""
    match node:
        case Arithmetic("-" | "+" as sign, Clock("now" | "today", None), Literal(int() as days)) if type(days) is int:
            length = f"{days} day{'' if days == 1 else 's'}"
        case Arithmetic("-" | "+" as sign, Clock("now" | "today", None), Literal(str() as length)):
            pass
        case _:
            return ()
    try:
        return (f"{'ago' if sign == '-' else 'from_now'}('{Span.parse(length)}')",)
    except Malformed:
        return ()  # no span


def unquoted(names: Names, node: Node, wanted: Domain, op: str, error: FilterError) -> FilterError:
    """Return the error for a name that means nothing beside a value: a text without quotes, most likely."""
    written = source(names, node) or (".".join(node.path) if isinstance(node, Field) else "")
    if not isinstance(node, Field) or error.kind != "unknown_field" or written.startswith('"'):
        return error
    if op != "=" and wanted.sort in ("choice", "boolean"):
        return error  # which no other operator takes
    near, message = error.suggestions, f"no field {quote_name(written)}{did_you_mean(error.suggestions)}"
    if wanted.sort == "text":
        return _about(error, f"{message}; a text takes single quotes: {quoted(written)}", (*near, quoted(written)))
    if wanted.sort == "choice":
        alike = [each for each in wanted.choices if each.casefold() == written.casefold()]
        near = tuple(quoted(each) for each in alike or nearest(written, wanted.choices))
        return _about(error, f"no field {quote_name(written)}; a value takes single quotes{did_you_mean(near)}", near)
    meant = rewritten(names, Literal(written), wanted, "=") if wanted.sort != "boolean" or written.isalpha() else ()
    return _about(error, f"no field {quote_name(written)}; write {meant[0]}", meant) if meant else error


def _about(error: FilterError, message: str, suggestions: tuple[str, ...]) -> FilterError:
    return FilterError(error.kind, message, public=error.public, span=error.span, suggestions=suggestions)
