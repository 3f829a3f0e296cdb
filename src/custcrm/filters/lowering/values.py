"""The values' half of `lowering`: each value of a checked tree as an operand of comparisons.

Numbers become quantities, metrics what they stand for, derived fields a choice; relative dates stay open until
compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any as Anything
from typing import Final, TypeAlias, assert_never, cast

from attrs import evolve, field, frozen

from custcrm.filters.checking.definitions import derived_value
from custcrm.filters.checking.expanding import expand
from custcrm.filters.checking.names import (
    Computed,
    EntryValue,
    Names,
    Plain,
    collection_at,
    kept_records,
    metric_domain,
    metric_value,
    resolve,
)
from custcrm.filters.checking.scopes import Scope, narrow_to_scope
from custcrm.filters.checking.sorts import domain_of_clock, domain_of_type
from custcrm.filters.ir.logic import ALWAYS, Operand, every
from custcrm.filters.ir.nodes import (
    Choose,
    Column,
    Condition,
    Constant,
    Entry,
    Folded,
    HasEntry,
    Moment,
    Negated,
    Test,
    TextValue,
    Total,
    Unscaled,
    Value,
)
from custcrm.filters.ir.quantities import Numeric, Quantity, divided, multiplied, plus, power, times, truncated
from custcrm.filters.lowering.times import day_value, instant_value
from custcrm.filters.syntax.nodes import Aggregate, Anniversary, Arithmetic, Clock, Field, Fold, Literal, Node
from custcrm.filters.types.declarations import Declarations
from custcrm.filters.types.types import Collection, Date, Derived, Elapsed, Integer, Money, Number, Scalar, Sort
from custcrm.values.texts import fold

Lower: TypeAlias = "Callable[[Environment, Node], Condition]"


@frozen
class Environment:
    """Where a node stands: the names in force, the scope that applies to metrics, and how a condition below is lowered."""

    names: Names
    scope: Scope
    lower: Lower = field(eq=False)

    @property
    def schema(self) -> Declarations:
        """The schema of the names."""
        return self.names.schema


def records_at(env: Environment, node: Aggregate) -> tuple[str, Collection, tuple[str, ...], Condition | None]:
    """Return the collection of an aggregate, by name and declared, the rest of its path, and the condition on its records."""
    name, rest = cast("tuple[str, tuple[str, ...]]", collection_at(env.names.fields, node.path))
    records = cast("Collection", env.names.fields[name])
    return name, records, rest, _where(env, node, name, records)


def _where(env: Environment, node: Aggregate, name: str, records: Collection) -> Condition | None:
    """Return the condition on the records: those known at as_of, that are of the collection and satisfy WHERE."""
    parts: list[Condition] = []
    if records.at is not None:
        parts.append(_reached(records, records.at))
    if records.until is not None:
        parts.append(Negated(_reached(records, records.until)))
    inner = evolve(env, names=env.names.inside(name))
    if (kept := kept_records(inner.names)) is not None:
        parts.append(inner.lower(inner, kept))
    if node.where is not None:
        parts.append(inner.lower(inner, node.where))
    condition = every(parts)
    return None if condition == ALWAYS else condition


def _reached(records: Collection, name: str) -> Test:
    """Return the test that the time in a record's field has come."""
    kind = records.fields[name]
    return Test("<=", Column(name, kind), Moment("today") if isinstance(kind, Date) else Moment("now"))


def operand_at(env: Environment, node: Node) -> Operand:
    """Return what a checked value means in its environment."""
    return _VALUES[type(node)](env, node)


def _literal(_: Environment, node: Literal) -> Operand:
    match node.value:
        case bool() as value:
            return Operand("boolean", Constant(value))
        case int() | Decimal() as number:
            return Operand("number", Fraction(number))
        case str() as text:
            return Operand("text", Constant(text))
        case datetime() as instant:
            return Operand("instant", Constant(instant))
        case date() as day:
            return Operand("date", Constant(day))


def _clock(_: Environment, node: Clock) -> Operand:
    sort = domain_of_clock(node).sort
    match sort:
        case "date":
            return Operand(sort, day_value(node))
        case "instant":
            return Operand(sort, instant_value(node))
        case _:
            return Operand(sort, node)


def _field(env: Environment, node: Field) -> Operand:
    found = resolve(env.names, node.path, None)
    match found:
        case Plain(name, kind):
            return _of_type(Column(name, kind), kind)
        case EntryValue(name, key, inner, Derived() as derived):
            return _derived(env, name, key, cast("str", inner), derived)
        case EntryValue(name, key, inner, kind):
            scalar = cast("Scalar", kind)
            return _of_type(Entry(name, key, inner, scalar), scalar)
        case Computed(name, Elapsed(unit=unit)):
            since = narrow_to_scope(env.schema, expand(env.schema, metric_value(env.schema, name)), env.scope)
            start = operand_at(env, since).value
            return Operand("elapsed", start, cast("Anything", unit), metric_domain(env.schema, name).sort)
    raise AssertionError(f"{node.path} has been checked to be a single value")


def _of_type(value: Column | Entry | Choose | Total, kind: Scalar) -> Operand:
    """Return a physical value as an operand: numbers with their scale, anything else as it stands."""
    match kind:
        case Number(places=places):
            return Operand("number", Quantity(Unscaled(value, places), Fraction(1, 10**places)))
        case Integer() | Money():
            return Operand(domain_of_type(kind).sort, Quantity(value))
        case _:
            return Operand(domain_of_type(kind).sort, value)


def _derived(env: Environment, name: str, key: str, inner: str, derived: Derived) -> Operand:
    """Return a derived field: missing without its entry, `otherwise` where its condition does not hold."""
    expression, when = derived_value(env.schema, name, key, inner)
    operand = operand_at(env, expression)
    if not isinstance(operand.value, Quantity):
        value = physical(operand)
        choice = value if when is None else Choose(env.lower(env, when), value, None)
        return evolve(operand, value=Choose(HasEntry(name, key), choice, None))
    number, factor = operand.value.number, operand.value.factor
    if when is not None:
        otherwise = None
        if derived.otherwise is not None:
            scale = env.schema.exponent if operand.sort == "money" else 0
            other = derived.otherwise * 10**scale / factor
            number, factor = multiplied(number, other.denominator, None), factor / other.denominator
            otherwise = Constant(other.numerator)
        number = Choose(env.lower(env, when), number, otherwise)
    return evolve(operand, value=Quantity(Choose(HasEntry(name, key), number, None), factor))


def physical(operand: Operand) -> Value:
    """Return the one value of an operand that is no number; a clock's is an instant."""
    value = operand.value
    return instant_value(value) if isinstance(value, Clock) else cast("Value", value)


def _fold(env: Environment, node: Fold) -> Operand:
    value = cast("TextValue", operand_at(env, node.value).value)
    if isinstance(value, Constant):
        return Operand("text", Constant(fold(cast("str", value.value), node.case, node.accent)))
    return Operand("text", Folded(node.case, node.accent, value))


def _anniversary(env: Environment, node: Anniversary) -> Operand:
    return Operand("anniversary", operand_at(env, node.field).value)


_ARITHMETIC: Final[Mapping[str, Callable[[Numeric, Numeric], Numeric]]] = {
    "+": plus,
    "-": lambda a, b: plus(a, b, "-"),
    "*": times,
    "/": divided,
    "DIV": lambda a, b: truncated("DIV", a, b),
    "%": lambda a, b: truncated("%", a, b),
    "^": lambda a, b: power(a, int(cast("Fraction", b))),
}


def _arithmetic(env: Environment, node: Arithmetic) -> Operand:
    left, right = operand_at(env, node.left), operand_at(env, node.right)
    a, b = cast("Numeric", left.value), cast("Numeric", right.value)
    amounts = (left.sort, right.sort).count("money")
    if amounts == 1 and node.op in ("+", "-"):  # the other one is a constant in major units
        scale = 10**env.schema.exponent
        a, b = (a * scale if isinstance(a, Fraction) else a), (b * scale if isinstance(b, Fraction) else b)
    is_money = amounts == 1 or (amounts == 2 and node.op in ("+", "-"))
    return Operand("money" if is_money else "number", _ARITHMETIC[node.op](a, b))


def _aggregate(env: Environment, node: Aggregate) -> Operand:
    name, records, rest, where = records_at(env, node)
    match node.op:
        case "count":
            return Operand("number", Quantity(Total("count", name, None, where)))
        case "min" | "max":
            column = _column(records, *rest)
            return _of_type(Total(node.op, name, column, where), column.type)
        case "sum":
            return _summed(name, _column(records, *rest), where)
        case "avg":
            summed = _summed(name, _column(records, *rest), where)
            count = Total("count", name, _column(records, *rest), where)
            if records.weight is not None:
                count = Total("sum", name, _column(records, records.weight), where)
            return evolve(summed, value=evolve(cast("Quantity", summed.value), over=count, divisors=(count,)))
        case "exists":
            raise AssertionError("EXISTS has been checked to be a condition")
        case _:
            assert_never(node.op)


def _column(records: Collection, name: str) -> Column:
    return Column(name, cast("Scalar", records.fields[name]))


def _summed(collection: str, column: Column, where: Condition | None) -> Operand:
    places = column.type.places if isinstance(column.type, Number) else 0
    summed = Total("sum", collection, Unscaled(column, places) if isinstance(column.type, Number) else column, where)
    sort: Sort = "money" if isinstance(column.type, Money) else "number"
    return Operand(sort, Quantity(summed, Fraction(1, 10**places)))


_VALUES: Final[dict[type, Callable[[Environment, Anything], Operand]]] = {
    Field: _field,
    Literal: _literal,
    Clock: _clock,
    Fold: _fold,
    Aggregate: _aggregate,
    Arithmetic: _arithmetic,
    Anniversary: _anniversary,
}
