"""The `type` errors of the language: which operand does not fit, and what to write instead."""

from __future__ import annotations

from collections.abc import Sequence

from custcrm.filters.checking.misnamed import listed
from custcrm.filters.checking.names import Names
from custcrm.filters.checking.remedies import ORDERS, moved, moved_by, rewritten
from custcrm.filters.checking.sorts import NOUNS, NUMERIC, Domain
from custcrm.filters.syntax.constants import write_number
from custcrm.filters.syntax.errors import FilterError, advised, write_instead
from custcrm.filters.syntax.nodes import Arithmetic, Field, Literal, Node, Value
from custcrm.filters.syntax.operators import TEXT_TESTS
from custcrm.filters.syntax.spellings import loose_number, span_refused
from custcrm.filters.syntax.to_text import path_text


def subject(node: Node, domain: Domain | None = None) -> str:
    """Name a value in a message: a field by its path, anything else by what it is."""
    if isinstance(node, Field):
        return path_text(node.path)
    return "this" if domain is None else NOUNS[domain.sort]


def type_error(
    node: Node, message: str, *, public: str | None = None, suggestions: Sequence[str] = ()
) -> FilterError:
    """Return a `type` error at a node, with what to write there instead."""
    told = message + write_instead(suggestions)
    return FilterError("type", told, span=node.span, public=public or message, suggestions=suggestions)


def does_not_meet(  # two values, each with its domain, and the operator between them
    names: Names, left: Value, a: Domain, right: Value, b: Domain, op: str
) -> FilterError:
    """Return the error for two sides that cannot be compared, at the constant that does not fit, else at the right."""
    if a.constant and not b.constant:
        left, a, right, b = right, b, left, a
    name = subject(left, a)
    is_what = "" if name == NOUNS[a.sort] else f" is {NOUNS[a.sort]} and"
    message = f"{name}{is_what} cannot be compared with {NOUNS[b.sort]}"
    if a.sort == "text" and b.sort in NUMERIC and op in ORDERS:
        message += "; in single quotes it would compare as a text, where '10' comes before '9'"
    suggestions = rewritten(names, right, a, op)
    if not suggestions and a.sort == "elapsed":
        return type_error(right, f"{message}; it counts {a.unit}, so write a number of {a.unit}", public=message)
    if not suggestions and a.sort in ("date", "instant") and (refused := span_refused(moved_by(right))):
        return type_error(right, f"{message}; {refused}", public=message)
    if not suggestions and a.sort in ("date", "instant"):
        example = "; a day is written DATE('2026-01-31'), a time before now ago('30 days')"
        return type_error(right, message + example, public=message)
    if not b.constant and "money" in (a.sort, b.sort) and (a.sort in NUMERIC or b.sort in NUMERIC):
        message += "; divide the amount by the number, and compare that with a constant"
    if a.sort == "choice":
        message += f"; it is {listed(a.choices)}"
    if not suggestions and b.sort == "boolean" and a.sort == "text":
        message += "; whether there is one is asked with EXISTS"
    return type_error(right, message, suggestions=suggestions)


def not_taken(node: Value, domain: Domain, operator: str) -> FilterError:
    """Return the error for an operator that does not take a value of this sort."""
    words = TEXT_TESTS[operator].words if operator in TEXT_TESTS else operator.upper()
    name, what = subject(node, domain), NOUNS[domain.sort]
    if name == what:
        return type_error(node, f"{words} does not apply to {what}")
    return type_error(node, f"{name} is {what}; {words} does not apply to it")


def not_computed(node: Arithmetic, side: Value, domain: Domain) -> FilterError:
    """Return the error for arithmetic with a value of this sort; times are moved by ago and from_now."""
    if domain.sort in ("date", "instant", "moment", "clock_moment"):
        message = "times are not computed with; they are moved by ago and from_now, e.g. ago('30 days')"
        refused = span_refused(moved_by(node))
        return type_error(node, message if refused is None else f"{message}; {refused}", suggestions=moved(node))
    error = not_taken(side, domain, node.op)
    number = loose_number(side.value) if isinstance(side, Literal) and isinstance(side.value, str) else None
    return error if number is None else advised(error, (write_number(number),), side.span)


def too_many_decimals(node: Node, currency: str | None, places: int) -> FilterError:
    """Return the error for an amount that the currency cannot hold."""
    return type_error(node, f"amounts in {currency} have {places} decimals", public="an amount with too many decimals")


def not_a_condition(node: Node, message: str, suggestions: Sequence[str] = ()) -> FilterError:
    """Return the error for a value where a condition was wanted, with what to write there instead."""
    told = message + write_instead(suggestions)
    return FilterError("not_a_condition", told, public=told, span=node.span, suggestions=suggestions)
