"""The `type` errors of the language: which operand does not fit, and what to write instead."""

from __future__ import annotations

from datetime import date

from custcrm.filters.checking.sorts import NOUNS, Domain
from custcrm.filters.syntax.constants import day, number, quoted, write_number
from custcrm.filters.syntax.errors import FilterError
from custcrm.filters.syntax.nodes import Field, Literal, Node, Value
from custcrm.filters.syntax.operators import TEXT_TESTS
from custcrm.filters.syntax.to_text import path_text
from custcrm.values.errors import Malformed


def subject(node: Node, domain: Domain | None = None) -> str:
    """Name a value in a message: a field by its path, anything else by what it is."""
    if isinstance(node, Field):
        return path_text(node.path)
    return "this" if domain is None else NOUNS[domain.sort]


def type_error(node: Node, message: str, *, public: str | None = None, suggestion: str | None = None) -> FilterError:
    """Return a `type` error at a node."""
    suggestions = () if suggestion is None else (suggestion,)
    hint = f"; write {suggestion}" if suggestion else ""
    return FilterError("type", message + hint, span=node.span, public=public or message, suggestions=suggestions)


def does_not_meet(left: Value, a: Domain, right: Value, b: Domain) -> FilterError:
    """Return the error for two sides that cannot be compared, at the constant that does not fit, else at the right."""
    if a.constant and not b.constant:
        left, a, right, b = right, b, left, a
    name = subject(left, a)
    is_what = "" if name == NOUNS[a.sort] else f" is {NOUNS[a.sort]} and"
    return type_error(
        right,
        f"{name}{is_what} cannot be compared with {NOUNS[b.sort]}",
        suggestion=_rewritten(right, a) if isinstance(right, Literal) else None,
    )


def not_taken(node: Value, domain: Domain, operator: str) -> FilterError:
    """Return the error for an operator that does not take a field of this sort."""
    words = TEXT_TESTS[operator].words if operator in TEXT_TESTS else operator.upper()
    name = subject(node, domain)
    is_what = "" if name == NOUNS[domain.sort] else f" is {NOUNS[domain.sort]};"
    return type_error(node, f"{name}{is_what} {words} does not apply to it")


def too_many_decimals(node: Node, currency: str | None, places: int) -> FilterError:
    """Return the error for an amount that the currency cannot hold."""
    return type_error(node, f"amounts in {currency} have {places} decimals", public="an amount with too many decimals")


def _rewritten(literal: Literal, wanted: Domain) -> str | None:
    """Write a constant as the other side would take it, where that is plainly what was meant."""
    value = literal.value
    try:
        match wanted.sort:
            case "integer" | "number" | "money" | "elapsed" if isinstance(value, str):
                return write_number(number(value.strip()))
            case "date" | "instant" | "anniversary" if isinstance(value, str):
                return f"DATE({quoted(day(value.strip()[:10]).isoformat())})"
            case "boolean" if isinstance(value, str) and value.strip().upper() in ("TRUE", "FALSE"):
                return value.strip().upper()
            case "text" if not isinstance(value, bool | str | date):
                return quoted(write_number(value))
    except Malformed:
        return None  # it is no number and no day, so there is nothing to suggest
    return None


def not_a_condition(node: Node, remedy: str) -> FilterError:
    """Return the error for a value where a condition was wanted."""
    return FilterError("not_a_condition", remedy, span=node.span)
