"""What to write instead: constants and bare words as the side that they are compared with would take them.

`rewritten` serves two sides that do not meet, `unquoted` a name that means nothing beside a value. Each text stands for
the place of the error, and is told only where it is plain what was meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final

from custcrm.filters.checking.misnamed import alike
from custcrm.filters.checking.names import EntryValue, Names, Plain, resolve
from custcrm.filters.checking.sorts import Domain
from custcrm.filters.syntax.constants import quoted, write_number
from custcrm.filters.syntax.errors import FilterError, did_you_mean, quote_name, write_instead
from custcrm.filters.syntax.nodes import Arithmetic, Clock, Compare, Field, In, Listed, Literal, Node, Scalar, TextTest
from custcrm.filters.syntax.spellings import loose_days, loose_instant, loose_number, loose_span, written_day, written_instant
from custcrm.filters.syntax.to_text import path_text
from custcrm.filters.types.types import Choice, Map
from custcrm.values.periods import Span, Unit
from custcrm.values.spelling import nearest

_YES: Final = {"true": "TRUE", "yes": "TRUE", "1": "TRUE", "false": "FALSE", "no": "FALSE", "0": "FALSE"}
_DAYS: Final = {
    "today": "today()", "now": "now()", "yesterday": "ago('1 day')", "tomorrow": "from_now('1 day')",
    "current_date": "today()", "current_timestamp": "now()", "sysdate": "now()",
}
_COUNTED: Final[Mapping[str, Mapping[Unit, Fraction]]] = {
    "days": {"day": Fraction(1), "week": Fraction(7)}, "years": {"year": Fraction(1), "month": Fraction(1, 12)},
}
"""What each unit comes to in a count of time, where that is exact."""
_NOTHING: Final = frozenset({"none", "null", "nil", "undefined", "nan", "nat", "na"})
"""How other languages write that there is no value."""
_NUMBERS: Final = frozenset({"integer", "number", "money", "elapsed"})
MENDED: Final = 20
"""Values of a list that one error mends together; a longer one is mended one by one."""
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
        return _count_of(wanted.unit, loose_span(text))
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
    if isinstance(value, int) or text.isdecimal():
        return ()  # a year, or days: nobody can know
    return tuple(f"ago('{span}')" for span in loose_span(text))


def _count_of(unit: str, spans: Iterable[Span]) -> tuple[str, ...]:
    """Return spans as the whole number that a count of `days` or `years` is compared with."""
    each_is = _COUNTED.get(unit, {})
    counts = (Fraction(span.count) * each_is[span.unit] for span in spans if span.unit in each_is)
    return tuple(str(count.numerator) for count in counts if count.denominator == 1)


def _calculated_day(node: Arithmetic) -> tuple[str, ...]:
    """Return the day of `2011-10-01` or `10/01/2011`, which without quotes is a sum or a quotient."""
    match node:
        case Arithmetic("-" | "/" as mark, Arithmetic(inner, Literal(first), Literal(second)), Literal(third)) if inner == mark:
            return tuple(map(written_day, loose_days(mark.join(map(str, (first, second, third))))))
    return ()


def moved(node: Arithmetic) -> tuple[str, ...]:
    """Return how `now() - 30` and `today() + '2 weeks'` are written: a bare number counts days."""
    match node:
        case Arithmetic("-" | "+" as sign, Clock("now" | "today", None)) if length := moved_by(node):
            return tuple(f"{'ago' if sign == '-' else 'from_now'}('{span}')" for span in loose_span(length))
    return ()


def moved_by(node: Node) -> str:
    """Return the span by which times are moved where that is a constant: a bare number counts days."""
    match node:
        case Arithmetic(right=Literal(int() as days)) if type(days) is int:
            return f"{days} days"
        case Arithmetic(right=Literal(str() as length)) | Literal(str() as length):
            return length
    return ""


def presence_meant(names: Names, node: Node, *, negated: bool) -> FilterError | None:
    """Return the error for a test that can only ask whether something is there; None where it may be right.

    `tags = 'VIP'` asks for a key of a map, `tags IN ('a', 'b')` for one of several, `country = None` whether there is a
    value. `negated` says that the test itself is, as `<>` and NOT IN are.
    """
    match node:
        case Compare("=", Field(path) as field, Field((word,)) as nothing) if word.casefold() in _NOTHING:
            if word in names.fields or word in _choices(names, field) or (source(names, nothing) or "").startswith('"'):
                return None
            return _presence(node, "null", "nothing equals a missing value", [path], is_there=negated)
        case Compare("=", Field((name,)), Literal(str() as key)) | Compare("=", Literal(str() as key), Field((name,))):
            keys = [key]
        case TextTest("contains" | "like", Field((name,)), Literal(str() as key)) if "%" not in key:
            keys = [key]
        case In(Field((name,)), items) if not isinstance(items, Listed):
            keys = [each.value for each in items if isinstance(each, Literal) and isinstance(each.value, str)]
        case _:
            return None
    if not 0 < len(keys) <= MENDED or not isinstance(names.fields.get(name), Map):
        return None
    message = f"{name} is a map; name one of its keys, {name}.KEY"
    return _presence(node, "type", message, [(name, key) for key in keys], is_there=not negated)


def _choices(names: Names, field: Field) -> tuple[str, ...]:
    match resolve(names, field.path, field.span):
        case Plain(_, Choice(values)) | EntryValue(type=Choice(values)):
            return values
    return ()


def _presence(
    node: Node, kind: str, message: str, paths: Sequence[tuple[str, ...]], *, is_there: bool
) -> FilterError:
    tests = [f"{path_text(path)} {'EXISTS' if is_there else 'DOES NOT EXIST'}" for path in paths]
    joined = (" OR " if is_there else " AND ").join(tests)
    instead = (joined if len(tests) == 1 else f"({joined})",)
    return FilterError(kind, message + write_instead(instead), public=message, span=node.span, suggestions=instead)


def unquoted(names: Names, node: Node, wanted: Domain, op: str, error: FilterError) -> FilterError:
    """Return the error for a name that means nothing beside a value: a text without quotes, most likely."""
    written = source(names, node) or (".".join(node.path) if isinstance(node, Field) else "")
    if not isinstance(node, Field) or error.kind != "unknown_field":
        return error
    if written.startswith('"'):
        return _in_double_quotes(names, node, wanted, op, error)
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


def _in_double_quotes(names: Names, node: Field, wanted: Domain, op: str, error: FilterError) -> FilterError:
    """Return the error for a constant in double quotes, as other languages write texts."""
    if wanted.sort == "text" or len(node.path) > 1:
        return error
    meant = rewritten(names, Literal(node.path[0]), wanted, op)
    if wanted.sort == "choice" and op == "=":
        meant = tuple(map(quoted, alike(node.path[0], wanted.choices)))
    message = f"no field {quote_name(node.path[0])}; names take double quotes{write_instead(meant)}"
    return _about(error, message, meant) if meant else error


def _about(error: FilterError, message: str, suggestions: tuple[str, ...]) -> FilterError:
    return FilterError(error.kind, message, public=error.public, span=error.span, suggestions=suggestions)
