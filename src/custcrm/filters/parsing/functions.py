"""The functions of the language, one table for text and JSON: `call` makes the node of a name and its arguments.

The table is closed. What CQL2 has and this language leaves out is refused by name, with what to write instead.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Final, TypeAlias, cast

from custcrm.filters.syntax.constants import day, timestamp
from custcrm.filters.syntax.errors import NOT_A_VALUE, FilterError, did_you_mean, quote_name
from custcrm.filters.syntax.kinds import kind_of
from custcrm.filters.syntax.nodes import (
    Aggregate,
    Anniversary,
    Clock,
    Condition,
    Field,
    Literal,
    Node,
    Place,
    Segment,
    TextTest,
    Value,
    folded,
)
from custcrm.filters.syntax.operators import AGGREGATES, FUNCTIONS, TEXT_TESTS, ClockName, written_name
from custcrm.values.errors import Malformed
from custcrm.values.periods import Span
from custcrm.values.spelling import nearest

Complain: TypeAlias = Callable[[str, str, int | None], FilterError]
"""Makes the error of a kind and message about one argument (None: the function); only the caller knows the place."""
Args: TypeAlias = Sequence[Node]
Maker: TypeAlias = Callable[[str, Args, Complain, Place | None], Node]

_LEFT_OUT: Final = (
    ("held", "HELD is not part of this language yet"),
    ("t_after", "temporal functions are not part of this language; for T_AFTER(a, b) write a > b"),
    ("t_before", "temporal functions are not part of this language; for T_BEFORE(a, b) write a < b"),
    ("t_equals", "temporal functions are not part of this language; for T_EQUALS(a, b) write a = b"),
    ("t_.*", "temporal functions are not part of this language; compare the ends with <, <=, = …"),
    ("interval", "intervals are not part of this language; compare the ends with <, <=, = …"),
    ("upper|lower|ucase|lcase|toupper|tolower", "the case is ignored by CASEI, on both sides: CASEI(a) = CASEI('Anna')"),
    ("unaccent", "accents are ignored by ACCENTI, on both sides: ACCENTI(a) = ACCENTI('José')"),
    ("year|month|day|date_part|datepart|extract|date_trunc|strftime",
     "parts of dates are not part of this language; write a BETWEEN DATE('2026-01-01') AND DATE('2026-12-31')"),
    ("datediff|date_diff|dateadd|date_add|date_sub|age|timestampdiff",
     "dates are not computed with; compare with ago('30 days') or from_now('30 days')"),
    ("current_date|curdate", "the day asked about is written today()"),
    ("current_timestamp|getdate|sysdate|localtimestamp", "the time asked about is written now()"),
    ("is_?null|coalesce|ifnull|nvl|is_?empty", "whether a value is missing is asked with DOES NOT EXIST"),
    ("cast|convert|to_number|to_date|int|float",
     "values are not converted; constants are written 5, 'text', DATE('2026-01-31')"),
    ("len|length|char_length|trim|ltrim|rtrim|concat|substr|substring|replace",
     "texts are not computed with; compare them with LIKE, CONTAINS, STARTS WITH or ENDS WITH"),
    ("i?if|case|switch|decode", "there is no IF; a filter is one condition, its parts joined by AND and OR"),
    ("regexp?.*|rlike|matches", "there are no regular expressions; compare with LIKE, CONTAINS, STARTS WITH or ENDS WITH"),
    ("a_.*", "array functions are not part of this language; for a collection write EXISTS(sales WHERE …)"),
    ("s_.*", "spatial functions are not part of this language"),
    (
        "point|linestring|polygon|multipoint|multilinestring|multipolygon|geometrycollection|bbox|envelope",
        "spatial values are not part of this language",
    ),
)

_SAME: Final = {
    "count": "countifs?|count_if|number_of|n", "sum": "sumifs?|sum_if|total", "avg": "av[ae]ra?ge(?:ifs?)?|averageifs?|mean",
    "max": "maximum|maxifs?|latest|last|highest|greatest|largest", "min": "minimum|minifs?|earliest|first|lowest|smallest",
    "exists": "any|some|has", "today": "curdate|current_day", "now": "utcnow|current_time",
}
"""What functions of the language are called elsewhere."""


def is_known(name: str) -> bool:
    """Tell whether there is a function of this name, given in lower case."""
    return name in FUNCTION_MAKERS


def unknown(name: str, span: Place | None = None) -> FilterError:
    """Return the error for a name, as it was written, that is no function of the language."""
    lower = name.lower()
    for pattern, message in _LEFT_OUT:
        if re.fullmatch(pattern, lower):
            return FilterError("left_out", message, span=span)
    meant = [known for known, pattern in _SAME.items() if re.fullmatch(pattern, lower)]
    near = tuple(written_name(known) for known in meant or nearest(lower, FUNCTION_MAKERS))
    message = f"no function {quote_name(name)}{did_you_mean(near)}"
    return FilterError("unknown_function", message, span=span, suggestions=near)


def call(name: str, args: Args, complain: Complain, span: Place | None = None) -> Node:
    """Return the node of a known function, named in lower case, and its arguments."""
    return FUNCTION_MAKERS[name](name, args, complain, span)


def _make_aggregate(name: str, args: Args, complain: Complain, span: Place | None) -> Node:
    takes_field = AGGREGATES[name].takes_field
    takes = f"{written_name(name)} takes {'a field of a collection' if takes_field else 'a collection'}"
    if not 1 <= len(args) <= 2 or not isinstance(args[0], Field):
        example = f"{written_name(name)}({'sales.total' if takes_field else 'sales'} WHERE total > 5)"
        raise complain("arguments", f"{takes} and, if need be, a condition: {example}", 0 if args else None)
    where = args[1] if len(args) == 2 else None
    if where is not None and kind_of(where) == "value":
        raise complain("not_a_condition", f"{takes} and a condition, not a value", 1)
    return Aggregate(AGGREGATES[name].name, args[0].path, cast("Condition | None", where), span=span)


def _make_fold(name: str, args: Args, complain: Complain, span: Place | None) -> Node:
    (text,) = _require_values(name, args, complain, FUNCTIONS[name].takes)
    return folded(text, case=name == "casei", accent=name == "accenti", span=span)


def _make_text_test(name: str, args: Args, complain: Complain, span: Place | None) -> Node:
    text, piece = _require_values(name, args, complain, ("text", "'piece'"))
    return TextTest(TEXT_TESTS[name].name, text, piece, span=span)


def _make_moment(name: str, args: Args, complain: Complain, span: Place | None) -> Node:
    read: Callable[[str], date] = day if name == "date" else timestamp
    text = _require_text(name, args, complain)
    try:
        return Literal(read(text), span=span)
    except Malformed as error:
        raise complain("date", str(error), 0) from None


def _make_moved_clock(name: str, args: Args, complain: Complain, span: Place | None) -> Node:
    text = _require_text(name, args, complain)
    try:
        return Clock(cast("ClockName", name), Span.parse(text), span=span)
    except Malformed as error:
        raise complain("span", str(error), 0) from None


def _make_clock(name: str, args: Args, complain: Complain, span: Place | None) -> Node:
    _require_values(name, args, complain, FUNCTIONS[name].takes)
    return Clock(cast("ClockName", name), span=span)


def _make_anniversary(name: str, args: Args, complain: Complain, span: Place | None) -> Node:
    if len(args) != 1 or not isinstance(args[0], Field):
        raise complain("arguments", f"{written_name(name)} takes one date field: {_show_call(name)}", 0 if args else None)
    return Anniversary(args[0], span=span)


def _make_segment(name: str, args: Args, complain: Complain, span: Place | None) -> Node:
    return Segment(_require_text(name, args, complain), span=span)


def _require_values(name: str, args: Args, complain: Complain, names: Sequence[str]) -> Sequence[Value]:
    """Return the arguments, which must be as many values as are named."""
    if len(args) != len(names):
        takes = f"{written_name(name)} takes {', '.join(names) or 'nothing'}"
        raise complain("arguments", f"{takes}: {written_name(name)}({', '.join(names)})", None)
    for index, arg in enumerate(args):
        if kind_of(arg) == "condition":
            raise complain("not_a_value", NOT_A_VALUE, index)
    return cast("Sequence[Value]", args)


def _require_text(name: str, args: Args, complain: Complain) -> str:
    """Return the text that must be the one argument."""
    if len(args) == 1 and isinstance(args[0], Literal) and isinstance(args[0].value, str):
        return args[0].value
    raise complain("arguments", f"{written_name(name)} takes one text: {_show_call(name)}", 0 if args else None)


def _show_call(name: str) -> str:
    return f"{written_name(name)}({', '.join(FUNCTIONS[name].takes)})"


FUNCTION_MAKERS: Final[Mapping[str, Maker]] = MappingProxyType(
    {
        **dict.fromkeys(AGGREGATES, _make_aggregate),
        **dict.fromkeys(("casei", "accenti"), _make_fold),
        **dict.fromkeys((name for name, row in TEXT_TESTS.items() if row.is_function), _make_text_test),
        **dict.fromkeys(("date", "timestamp"), _make_moment),
        **dict.fromkeys(("ago", "from_now"), _make_moved_clock),
        **dict.fromkeys(("today", "now"), _make_clock),
        "anniversary": _make_anniversary,
        "segment": _make_segment,
    }
)
