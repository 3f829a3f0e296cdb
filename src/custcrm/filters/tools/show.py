"""What people see of a value: `shown_value` from what a target gave, `seen` as text. Exact until here, rounded here."""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, assert_never

from custcrm.filters.ir.nodes import Shown
from custcrm.filters.syntax.constants import quoted
from custcrm.filters.syntax.nodes import And, Field, In, Listed, Node, Not, Or
from custcrm.filters.syntax.to_text import canonical
from custcrm.filters.types.declarations import Declarations
from custcrm.values.birthdays import YearlessDate, age
from custcrm.values.money import LARGEST, Money, round_ratio
from custcrm.values.periods import day_of, local

RATIO_PLACES: Final = 6
"""Decimals of a ratio of plain numbers; a ratio of money has the currency's."""
ID: Final = Field(("id",))
"""What tells one row from all others."""
LONGEST_SEEN: Final = 40
"""Characters of a text that one line of an explanation has room for."""


def shown_value(shown: Shown, physical: Any, schema: Declarations, as_of: datetime) -> Any:
    """Return the value that people see: Money, Decimal, an instant in the business zone; None where it is missing.

    An amount beyond the 64 bits of Money, which only a calculation comes to, is a Decimal in major units.

    `physical` is what a target gave: a whole number is divided by 10^scale, a `Fraction` is rounded half-even.
    """
    if physical is None:
        return None
    match shown.kind:
        case "money":
            minor = round_ratio(*(Fraction(physical) / 10**shown.scale).as_integer_ratio())
            if abs(minor) > LARGEST:  # more than Money holds, and still exact
                return Decimal(f"{minor}E-{schema.exponent}")
            return Money.from_minor(minor, schema.currency or "")
        case "number" | "integer":
            return _number(physical, shown.scale)
        case "instant":
            return local(physical, schema.zone)
        case "years":
            today = day_of(as_of, schema.zone)
            return None if isinstance(physical, YearlessDate) else age(physical, today, schema.feb29)
        case "days":
            since = day_of(physical, schema.zone) if isinstance(physical, datetime) else physical
            return (day_of(as_of, schema.zone) - since).days
        case "text" | "boolean" | "date" | "choice":
            return physical
        case _:
            assert_never(shown.kind)


def seen(value: Any) -> str:
    """Return a value as one short line shows it: amounts without currency, instants at midnight without their time."""
    match value:
        case None:
            return "missing"
        case bool():
            return str(value).upper()
        case str():
            return quoted(value if len(value) <= LONGEST_SEEN else value[:LONGEST_SEEN] + "…")
        case Money():
            return str(value.amount)
        case Decimal():
            return format(value, "f")
        case datetime():
            local = value.replace(tzinfo=None)
            return str(local.date()) if local.time() == time.min else local.isoformat(" ", _precision(local))
        case _:
            return str(value)


def brief(node: Node, noun: str) -> str:
    """Return the text of a condition to be read: rows that are fixed by their ids are counted, `1,663 fixed customers`."""
    match node:
        case And(args) | Or(args):
            word, other = (" AND ", Or) if isinstance(node, And) else (" OR ", And)
            texts = (brief(arg, noun) for arg in args)
            return word.join(f"({text})" if isinstance(arg, other) else text for arg, text in zip(args, texts, strict=True))
        case Not(And() | Or() as arg):
            return f"NOT ({brief(arg, noun)})"
        case Not(arg) if fixed(arg) is not None:
            return f"NOT {brief(arg, noun)}"
        case _:
            ids = fixed(node)
            return canonical(node) if ids is None else told_fixed(ids, noun)


def fixed(node: Node) -> int | None:
    """Return how many rows a condition fixes by their ids, as our own code lists them; None where it does not."""
    if isinstance(node, In) and isinstance(node.items, Listed) and node.value == ID:
        return len(node.items)
    return None


def told_fixed(count: int, noun: str) -> str:
    """Return how people are told of so many rows that are fixed by their ids."""
    return f"{count:,} fixed {noun}{'' if count == 1 else 's'}"


def _number(physical: int | Decimal | Fraction, scale: int) -> int | Decimal:
    if isinstance(physical, Decimal):
        return physical
    exact = Fraction(physical) / 10**scale
    if exact.denominator == 1:
        return int(exact)
    places = max(scale, RATIO_PLACES)
    rounded = round_ratio(*(exact * 10**places).as_integer_ratio())
    return Decimal(f"{rounded}E-{places}").normalize()


def _precision(local: datetime) -> str:
    return "microseconds" if local.microsecond else "seconds" if local.second else "minutes"
