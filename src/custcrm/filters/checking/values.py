"""What sort of value an expression is, found while its names and operators are checked: `check_operand`.

Fields, arithmetic, aggregates, folds and clocks; `conditions` is the other half. docs/language.md, Types, has the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, Final, cast

from attrs import evolve

from custcrm.filters.checking.mismatches import not_a_condition, not_computed, not_taken, subject, too_many_decimals, type_error
from custcrm.filters.checking.misnamed import MOST_TOLD
from custcrm.filters.checking.names import (
    Computed,
    EntryRecord,
    EntryValue,
    Names,
    Plain,
    Referent,
    WholeCollection,
    WholeMap,
    collection_at,
    metric_domain,
    path_place,
    resolve,
    spelled,
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
from custcrm.filters.syntax.operators import AGGREGATES
from custcrm.filters.syntax.to_text import path_text
from custcrm.filters.types.types import Collection, Derived, Elapsed, Map, Sort


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
                return node, Domain("elapsed")
            # A name stands here, whatever its definition: only what is written as a constant is checked as one.
            return node, evolve(metric_domain(names.schema, name), constant=False, value=None)
    raise _no_single_value(node, found, as_condition=as_condition)


def _no_single_value(node: Field, found: Referent, *, as_condition: bool) -> FilterError:
    path = path_text(node.path)
    match found:
        case EntryRecord():
            message = f"{path} is a whole record; write {path} EXISTS, or name one of its fields"
        case WholeMap():
            message = f"{path} is a map; name one of its keys, {path}.KEY"
        case _:
            message = f"{path} is a collection; write EXISTS({path}) or COUNT({path})"
    return not_a_condition(node, message) if as_condition else type_error(node, message)


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

_COUNT: Final = Domain("integer")


def check_aggregate(names: Names, node: Aggregate) -> tuple[Aggregate, Domain]:
    """Check COUNT(collection …) or SUM(collection.field …), its WHERE with the record's own names."""
    counting = not AGGREGATES[node.op].takes
    node = evolve(node, path=spelled(names.fields, node.path))
    found = collection_at(names.fields, node.path)
    if found is None or len(found[1]) > (not counting):
        raise _no_collection(names, node, node.path if counting or len(node.path) < 2 else node.path[:-1])
    collection, field = found
    domain = _COUNT if counting else _aggregated(names, node, collection, *field)
    where = None if node.where is None else names.check(names.inside(collection), node.where)
    return evolve(node, where=where), domain


def _no_collection(names: Names, node: Aggregate, path: tuple[str, ...]) -> FilterError:
    """Return the error of an aggregate over a path that leads to no collection, or beyond a field of one."""
    place = path_place(names, node.span)
    if near := _collections_for(names, node):
        what = "a field of a collection" if AGGREGATES[node.op].takes else "a collection"
        ways = " or ".join(f"{node.op.upper()}({each})" for each in near[:MOST_TOLD])
        message = f"{node.op.upper()} takes {what}; write {ways}"
        return FilterError("unknown_field", message, span=place, suggestions=near)
    found = resolve(names, path[:1], place)  # unknown names first
    if isinstance(found, WholeCollection) and node.op == "count":
        _, rest = cast("tuple[str, tuple[str, ...]]", collection_at(names.fields, path))
        of = path[: len(path) - len(rest)]
        message = f"COUNT takes a collection; write COUNT({path_text(of)} WHERE {path_text(rest)} EXISTS)"
    elif not AGGREGATES[node.op].takes:
        message = f"{node.op.upper()} takes a collection, and {path_text(node.path)} is none"
    else:
        message = f"{node.op.upper()} takes a field of a collection, as in {node.op.upper()}({_sample(names.fields)})"
    return FilterError("arguments", message, span=place)


def _collections_for(names: Names, node: Aggregate) -> list[str]:
    """List what may have been meant by `COUNT(*)` and by `SUM(total)`, where the collection was not said."""
    found = ((name, each) for name, each in names.fields.items() if isinstance(each, Collection) and "." not in name)
    shown = {name: each for name, each in found if not each.hidden}
    takes = AGGREGATES[node.op].takes
    if len(node.path) > 1 or node.path[0] in names.fields:
        return []
    if node.path == ("*",):
        return [path_text((name, _first(each, takes))) if takes else path_text((name,)) for name, each in shown.items()]
    fitting = ((name, each.fields.get(node.path[0])) for name, each in shown.items())
    return [
        path_text((name, *node.path)) for name, each in fitting
        if takes and each is not None and not isinstance(each, Collection | Map) and domain_of_type(each).sort in takes
    ]


def _sample(fields: Mapping[str, Any]) -> str:
    collections = (name for name, kind in fields.items() if isinstance(kind, Collection) and not kind.hidden)
    return f"{next(collections, 'collection')}.field"


def _aggregated(names: Names, node: Aggregate, collection: str, field: str | None = None) -> Domain:
    """Return the domain of SUM, AVG, MIN or MAX over a field of the collection's records."""
    place = path_place(names, node.span)
    op = node.op.upper()
    if field is None:
        example = path_text((*node.path, _first(names.fields[collection], AGGREGATES[node.op].takes)))
        message = f"{op} takes a field of {path_text(node.path)}; write {op}({example})"
        raise FilterError("arguments", message, span=place, suggestions=(example,) if not example.endswith(".field") else ())
    found = resolve(names.inside(collection), (field,), place)
    if not isinstance(found, Plain):
        raise FilterError("arguments", f"{op} takes a single value of each record", span=place)
    domain = domain_of_type(found.type)
    takes = AGGREGATES[node.op].takes
    if domain.sort not in takes:
        wanted = "numbers, money, dates or instants" if "date" in takes else "numbers or money"
        raise FilterError("type", f"{op} takes {wanted}", span=place)
    return Domain("number") if node.op == "avg" and domain.sort != "money" else domain


def _first(records: Collection, wanted: tuple[Sort, ...]) -> str:
    fitting: Iterable[str] = (
        name
        for name, kind in records.fields.items()
        if not isinstance(kind, Collection) and domain_of_type(kind).sort in wanted
    )
    return next(iter(fitting), "field")


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
