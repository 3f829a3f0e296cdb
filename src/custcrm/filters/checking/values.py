"""What sort of value an expression is, found while its names and operators are checked: `check_operand`.

Fields, arithmetic, aggregates, folds and clocks; `conditions` is the other half. docs/language.md, Types, has the table.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final, cast

from attrs import evolve

from custcrm.filters.checking.aggregates import check_aggregate
from custcrm.filters.checking.mismatches import not_a_condition, not_computed, not_taken, subject, too_many_decimals, type_error
from custcrm.filters.checking.misnamed import in_part
from custcrm.filters.checking.names import (
    Computed,
    EntryRecord,
    EntryValue,
    Names,
    Plain,
    Referent,
    WholeMap,
    metric_domain,
    resolve,
)
from custcrm.filters.checking.sorts import (
    NUMERIC,
    Domain,
    NotComputable,
    computed,
    domain_of_clock,
    domain_of_constant,
    domain_of_type,
)
from custcrm.filters.syntax.errors import FilterError, not_a_value
from custcrm.filters.syntax.nodes import Aggregate, Anniversary, Arithmetic, Clock, Field, Fold, Literal, Node, Value
from custcrm.filters.syntax.to_text import path_text
from custcrm.filters.types.types import Derived, Elapsed


def value_of(node: Value, domain: Domain) -> Fraction:
    """Return the exact value of a constant number that has been checked."""
    return domain.value if domain.value is not None else Fraction(cast("Literal", node).value)  # type: ignore[arg-type]


def check_amount(names: Names, node: Value, domain: Domain) -> None:
    """Refuse a constant beside money that has more decimals than the currency."""
    if not domain.constant or domain.sort not in NUMERIC:
        return
    if (value_of(node, domain) * 10**names.schema.exponent).denominator != 1:
        raise too_many_decimals(node, names.schema.currency, names.schema.exponent)


def check_operand(names: Names, node: Node) -> tuple[Value, Domain]:
    """Return the value as it is meant under these names, and its domain."""
    check_one = _VALUES.get(type(node))
    if check_one is None:
        raise not_a_value(node.span)
    return check_one(names, node)


def _literal(_: Names, node: Literal) -> tuple[Value, Domain]:
    return node, domain_of_constant(node.value)


def _clock(_: Names, node: Clock) -> tuple[Value, Domain]:
    return node, domain_of_clock(node)


def check_field(names: Names, node: Field, *, as_condition: bool = False) -> tuple[Value, Domain]:
    """Return a field that has a single value, and its domain."""
    found = resolve(names, node.path, node.span)
    match found:
        case Plain(_, kind):
            return node, domain_of_type(kind)
        case EntryValue(type=kind):
            return node, domain_of_type(kind.type if isinstance(kind, Derived) else kind)
        case Computed(name, metric):
            if isinstance(metric, Elapsed):
                return node, Domain("elapsed", unit=metric.unit)
            # A name stands here, whatever its definition: only what is written as a constant is checked as one.
            return node, evolve(metric_domain(names.schema, name), constant=False, value=None)
    raise _no_single_value(names, node, found, as_condition=as_condition)


def _no_single_value(names: Names, node: Field, found: Referent, *, as_condition: bool) -> FilterError:
    path, ways = path_text(node.path), tuple[str, ...]()
    match found:
        case EntryRecord() if as_condition:
            message, ways = f"{path} is a whole record", (f"{path} EXISTS",)
        case EntryRecord(name):
            message = f"{path} is a whole record; name one of its fields: {in_part(tuple(names.fields[name].value))}"
        case WholeMap():
            message = f"{path} is a map; name one of its keys, {path}.KEY"
        case _:
            message, ways = f"{path} is a collection", (f"{'EXISTS' if as_condition else 'COUNT'}({path})",)
    return not_a_condition(node, message, ways) if as_condition else type_error(node, message, suggestions=ways)


def _fold(names: Names, node: Fold) -> tuple[Value, Domain]:
    value, domain = check_operand(names, node.value)
    if domain.sort != "text":
        raise not_taken(value, domain, "CASEI" if node.case else "ACCENTI")
    return Fold(node.case, node.accent, value, span=node.span), domain


def _anniversary(names: Names, node: Anniversary) -> tuple[Value, Domain]:
    value, domain = check_field(names, node.field)
    if domain.sort != "date" or isinstance(resolve(names, node.field.path, node.field.span), Computed):
        raise type_error(value, f"{path_text(node.field.path)} is not a date field; ANNIVERSARY takes one")
    return node, Domain("anniversary")


def _arithmetic(names: Names, node: Arithmetic) -> tuple[Value, Domain]:
    left, a = check_operand(names, node.left)
    right, b = check_operand(names, node.right)
    for side, domain in ((left, a), (right, b)):
        if domain.sort not in NUMERIC and domain.sort != "money":
            raise not_computed(node, side, domain)
    checked = Arithmetic(node.op, left, right, span=node.span)
    if node.op == "^":
        _check_power(left, a, right)
    if a.constant and b.constant:
        return checked, _constant_domain(checked, a, b)
    if node.op in ("/", "%", "DIV") and b.constant and value_of(right, b) == 0:
        raise FilterError("number", "division by zero", span=right.span)
    return checked, _ARITHMETIC[node.op](names, checked, a, b)


def _constant_domain(node: Arithmetic, a: Domain, b: Domain) -> Domain:
    if node.op in ("%", "DIV"):
        _check_whole(node, a, b)
    try:
        value = computed(node.op, value_of(node.left, a), value_of(node.right, b))
    except NotComputable as error:
        place = node.right if str(error).startswith("division") else node
        raise FilterError("number", str(error), span=place.span) from None
    return Domain("integer" if value.denominator == 1 else "number", constant=True, value=value)


def _sum(names: Names, node: Arithmetic, a: Domain, b: Domain) -> Domain:
    if "money" not in (a.sort, b.sort):
        return _number(a, b)
    for side, domain in ((node.left, a), (node.right, b)):
        if domain.sort != "money" and not domain.constant:
            message = f"{subject(side)} is a number that is computed; only a constant or another amount adds up with money"
            raise type_error(side, message)
        check_amount(names, side, domain)
    return Domain("money")


def _product(_: Names, node: Arithmetic, a: Domain, b: Domain) -> Domain:
    if a.sort == b.sort == "money":
        raise type_error(node.right, "money cannot be multiplied by money")
    return Domain("money") if "money" in (a.sort, b.sort) else _number(a, b)


def _quotient(_: Names, node: Arithmetic, a: Domain, b: Domain) -> Domain:
    if b.sort == "money" and a.sort != "money":
        raise type_error(node.right, "a number cannot be divided by money")
    return Domain("money") if a.sort == "money" and b.sort != "money" else Domain("number")


def _whole_result(_: Names, node: Arithmetic, a: Domain, b: Domain) -> Domain:
    _check_whole(node, a, b)
    return Domain("integer")


def _check_whole(node: Arithmetic, a: Domain, b: Domain) -> None:
    for side, domain in ((node.left, a), (node.right, b)):
        if domain.sort != "integer" and not (domain.constant and value_of(side, domain).denominator == 1):
            raise type_error(side, f"{node.op} takes whole numbers")


def _power(_: Names, __: Arithmetic, a: Domain, ___: Domain) -> Domain:
    return Domain(a.sort)


def _check_power(left: Value, a: Domain, right: Value) -> None:
    if a.sort == "money":
        raise type_error(left, "money has no powers")
    exponent = right.value if isinstance(right, Literal) else None
    if type(exponent) is not int or not 0 <= exponent <= 9:
        raise type_error(right, "an exponent is a whole number from 0 to 9")


def _number(a: Domain, b: Domain) -> Domain:
    return Domain("integer" if a.sort == b.sort == "integer" else "number")


_ARITHMETIC: Final[dict[str, Callable[[Names, Arithmetic, Domain, Domain], Domain]]] = {
    "+": _sum,
    "-": _sum,
    "*": _product,
    "/": _quotient,
    "%": _whole_result,
    "DIV": _whole_result,
    "^": _power,
}

def _aggregate_value(names: Names, node: Aggregate) -> tuple[Value, Domain]:
    if node.op == "exists":
        raise not_a_value(node.span)
    return check_aggregate(names, node)


_VALUES: Final[dict[type, Callable[[Names, Any], tuple[Value, Domain]]]] = {
    Field: check_field,
    Literal: _literal,
    Clock: _clock,
    Fold: _fold,
    Aggregate: _aggregate_value,
    Arithmetic: _arithmetic,
    Anniversary: _anniversary,
}
