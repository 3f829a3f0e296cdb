"""What sort of value an expression is, and which sorts meet, as data: docs/language.md, Types.

`Domain` is the sort; `comparable` says whether two may be compared, `ORDERED` which have an order.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final

from attrs import frozen

from custcrm.filters.syntax.nodes import Clock
from custcrm.filters.syntax.nodes import Scalar as Constant
from custcrm.filters.syntax.operators import ArithmeticOp
from custcrm.filters.types.types import Boolean, Choice, Date, Instant, Integer, Money, Number, Scalar, Sort, Text


@frozen
class Domain:
    """The sort of a value; `constant` when no field takes part, `choices` for a closed list, `value` of
    constant arithmetic, `unit` of a count of time: years or days.

    `moment` is ago or from_now in days or longer, a Date or an Instant as the other side wants; `clock_moment` is one
    in hours, minutes or seconds, an Instant.
    """

    sort: Sort
    constant: bool = False
    choices: tuple[str, ...] = ()
    value: Fraction | None = None
    unit: str = ""


NOUNS: Final[dict[Sort, str]] = {
    "text": "a text",
    "integer": "a number",
    "number": "a number",
    "money": "an amount of money",
    "boolean": "true or false",
    "date": "a date",
    "instant": "a point in time",
    "choice": "one of a list",
    "elapsed": "a count of time",
    "anniversary": "an anniversary",
    "moment": "a relative date",
    "clock_moment": "a relative time",
}
NUMERIC: Final = frozenset({"integer", "number"})
ORDERED: Final = frozenset(NOUNS) - {"boolean", "choice", "anniversary"}
"""Sorts with `<`; an anniversary has BETWEEN alone."""

_SORTS: Final[dict[type, Sort]] = {
    Text: "text",
    Integer: "integer",
    Number: "number",
    Money: "money",
    Boolean: "boolean",
    Date: "date",
    Instant: "instant",
}
_DOMAINS: Final = {kind: Domain(sort) for kind, sort in _SORTS.items()}
_OF_CLOCK: Final = {"today": Domain("date", True), "now": Domain("instant", True)}
_MOMENT: Final = Domain("moment", True)
_CLOCK_MOMENT: Final = Domain("clock_moment", True)


def domain_of_type(kind: Scalar) -> Domain:
    """Return the domain of a field's values."""
    return Domain("choice", choices=kind.values) if isinstance(kind, Choice) else _DOMAINS[type(kind)]


def domain_of_constant(value: Constant) -> Domain:
    """Return the domain of a literal."""
    return _LITERALS[type(value)]


_LITERALS: Final = {
    str: Domain("text", True),
    bool: Domain("boolean", True),
    int: Domain("integer", True),
    Decimal: Domain("number", True),
    date: Domain("date", True),
    datetime: Domain("instant", True),
}


def domain_of_clock(clock: Clock) -> Domain:
    """Return the domain of ago, from_now, today or now."""
    if clock.length is None:
        return _OF_CLOCK[clock.name]
    return _MOMENT if clock.length.is_calendar else _CLOCK_MOMENT


def comparable(left: Domain, right: Domain) -> bool:
    """Tell whether `=` takes the two, in either order."""
    return _meets(left, right) or _meets(right, left)


def _meets(left: Domain, right: Domain) -> bool:
    other = right.sort
    match left.sort:
        case "text":
            return other == "text"
        case "integer" | "number":
            return other in NUMERIC
        case "money":
            return other == "money" or (right.constant and other in NUMERIC)
        case "boolean":
            return other == "boolean"
        case "date":
            return other in ("date", "moment")
        case "instant":
            return other in ("instant", "moment", "clock_moment") or (other == "date" and right.constant)
        case "choice":
            return (other == "text" and right.constant) or (other == "choice" and left.choices == right.choices)
        case "elapsed":
            return right.constant and other in NUMERIC
        case "anniversary":
            return other == "moment" or (other == "date" and right.constant)
        case "moment" | "clock_moment":
            return other in ("moment", "clock_moment")


# numbers known when the filter is read -----------------------------------------------------------

LARGEST_BITS: Final = 4_096
"""Bits of an exact constant: far beyond any number that a filter can mean, and cheap to compute with."""


class NotComputable(ArithmeticError):
    """A constant that has no value (a zero divisor) or one too large; the message says which."""


def computed(op: ArithmeticOp, a: Fraction, b: Fraction) -> Fraction:
    """Return the exact result for two constants.

    Raises `NotComputable` for a zero divisor and for values of thousands of digits.
    """
    if op in ("/", "%", "DIV") and b == 0:
        raise NotComputable("division by zero")
    if op == "^" and _bits(a) * abs(int(b)) > LARGEST_BITS:
        raise NotComputable("the number is too large")
    value = _COMPUTED[op](a, b)
    if _bits(value) > LARGEST_BITS:
        raise NotComputable("the number is too large")
    return value


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def _divided(a: Fraction, b: Fraction) -> Fraction:
    """Divide truncating toward zero."""
    return Fraction(int(a / b))


_COMPUTED: Final[dict[ArithmeticOp, Callable[[Fraction, Fraction], Fraction]]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": lambda a, b: Fraction(a ** int(b)),
    "DIV": _divided,
    "%": lambda a, b: a - b * _divided(a, b),
}
