"""The functions of the language, one table for text and JSON: `call` makes the node of a name and its arguments.

The table is closed. What CQL2 has and this language leaves out is refused by name, with what to write instead.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Final, TypeAlias, cast

from custcrm.filters.syntax.constants import day, timestamp
from custcrm.filters.syntax.errors import FilterError, did_you_mean, shown
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
from custcrm.filters.syntax.operators import AggregateOp, ClockName, TextOp, written_name
from custcrm.values.errors import Malformed
from custcrm.values.periods import Span
from custcrm.values.spelling import nearest

Complain: TypeAlias = Callable[[str, str, int | None], FilterError]
"""Makes the error of a kind and message about one argument (None: the function); only the caller knows the place."""
Args: TypeAlias = Sequence[Node]
Maker: TypeAlias = Callable[[str, Args, Complain, Place | None], Node]

AGGREGATES: Final = ("count", "sum", "avg", "min", "max", "exists")

_LEFT_OUT: Final = (
    ("held", "HELD is not part of this language yet"),
    ("t_after", "temporal functions are not part of this language; for T_AFTER(a, b) write a > b"),
    ("t_before", "temporal functions are not part of this language; for T_BEFORE(a, b) write a < b"),
    ("t_equals", "temporal functions are not part of this language; for T_EQUALS(a, b) write a = b"),
    ("t_.*", "temporal functions are not part of this language; compare the ends with <, <=, = …"),
    ("interval", "intervals are not part of this language; compare the ends with <, <=, = …"),
    ("a_.*", "array functions are not part of this language; for a collection write EXISTS(sales WHERE …)"),
    ("s_.*", "spatial functions are not part of this language"),
    (
        "point|linestring|polygon|multipoint|multilinestring|multipolygon|geometrycollection|bbox|envelope",
        "spatial values are not part of this language",
    ),
)


def is_known(name: str) -> bool:
    """Tell whether there is a function of this name, given in lower case."""
    return name in FUNCTION_MAKERS


def unknown(name: str, span: Place | None = None) -> FilterError:
    """Return the error for a name, as it was written, that is no function of the language."""
    lower = name.lower()
    for pattern, message in _LEFT_OUT:
        if re.fullmatch(pattern, lower):
            return FilterError("left_out", message, span=span)
    near = tuple(written_name(known) for known in nearest(lower, FUNCTION_MAKERS))
    message = f"no function {shown(name)}{did_you_mean(near)}"
    return FilterError("unknown_function", message, span=span, suggestions=near)


def call(name: str, args: Args, complain: Complain, span: Place | None = None) -> Node:
    """Return the node of a known function, named in lower case, and its arguments."""
    return FUNCTION_MAKERS[name](name, args, complain, span)


def _aggregate(name: str, args: Args, complain: Complain, span: Place | None) -> Node:
    wanted = "a collection" if name in ("count", "exists") else "a field of a collection"
    if not 1 <= len(args) <= 2 or not isinstance(args[0], Field):
        example = "(sales WHERE total > 5)" if name in ("count", "exists") else "(sales.total WHERE total > 5)"
        message = f"{written_name(name)} takes {wanted} and, if need be, a condition: {written_name(name)}{example}"
        raise complain("arguments", message, 0 if args else None)
    where = args[1] if len(args) == 2 else None
    if where is not None and kind_of(where) == "value":
        raise complain("not_a_condition", f"{written_name(name)} takes {wanted} and a condition, not a value", 1)
    return Aggregate(cast("AggregateOp", name), args[0].path, cast("Condition | None", where), span=span)


def _values(name: str, args: Args, complain: Complain, *names: str) -> Sequence[Value]:
    """Return the arguments, which must be as many values as are named."""
    if len(args) != len(names):
        takes = f"takes {', '.join(names)}" if names else "takes nothing"
        raise complain("arguments", f"{written_name(name)} {takes}: {written_name(name)}({', '.join(names)})", None)
    for index, arg in enumerate(args):
        if kind_of(arg) == "condition":
            raise complain("not_a_value", "a condition stands where a value is expected", index)
    return cast("Sequence[Value]", args)


def _fold(name: str, args: Args, complain: Complain, span: Place | None) -> Node:
    (text,) = _values(name, args, complain, "text")
    return folded(text, case=name == "casei", accent=name == "accenti", span=span)


def _text_test(name: str, args: Args, complain: Complain, span: Place | None) -> Node:
    text, piece = _values(name, args, complain, "text", "'piece'")
    return TextTest(cast("TextOp", name), text, piece, span=span)


def _text_argument(name: str, args: Args, complain: Complain, example: str) -> str:
    if len(args) == 1 and isinstance(args[0], Literal) and isinstance(args[0].value, str):
        return args[0].value
    raise complain("arguments", f"{written_name(name)} takes one text: {written_name(name)}('{example}')", 0 if args else None)


def _moment_constant(name: str, args: Args, complain: Complain, span: Place | None) -> Node:
    read: Callable[[str], date] = day if name == "date" else timestamp
    text = _text_argument(name, args, complain, "2026-01-31" if name == "date" else "2026-01-31T09:00:00Z")
    try:
        return Literal(read(text), span=span)
    except Malformed as error:
        raise complain("date", str(error), 0) from None


def _moved_clock(name: str, args: Args, complain: Complain, span: Place | None) -> Node:
    text = _text_argument(name, args, complain, "12 months")
    try:
        return Clock(cast("ClockName", name), Span.parse(text), span=span)
    except Malformed as error:
        raise complain("span", str(error), 0) from None


def _clock(name: str, args: Args, complain: Complain, span: Place | None) -> Node:
    _values(name, args, complain)
    return Clock(cast("ClockName", name), span=span)


def _anniversary(name: str, args: Args, complain: Complain, span: Place | None) -> Node:
    if len(args) != 1 or not isinstance(args[0], Field):
        message = f"{written_name(name)} takes one date field: {written_name(name)}(birth_date)"
        raise complain("arguments", message, 0 if args else None)
    return Anniversary(args[0], span=span)


def _segment(name: str, args: Args, complain: Complain, span: Place | None) -> Node:
    return Segment(_text_argument(name, args, complain, "lapsed vips"), span=span)


FUNCTION_MAKERS: Final[Mapping[str, Maker]] = MappingProxyType(
    {
        **dict.fromkeys(AGGREGATES, _aggregate),
        **dict.fromkeys(("casei", "accenti"), _fold),
        **dict.fromkeys(("contains", "starts_with", "ends_with"), _text_test),
        **dict.fromkeys(("date", "timestamp"), _moment_constant),
        **dict.fromkeys(("ago", "from_now"), _moved_clock),
        **dict.fromkeys(("today", "now"), _clock),
        "anniversary": _anniversary,
        "segment": _segment,
    }
)
