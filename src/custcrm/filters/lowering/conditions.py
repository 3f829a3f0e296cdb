"""From a checked tree to the small core that targets compile: `lower` a condition, `lower_value` what is shown.

What a node means is decided here and in `comparing`, `times` and `ir.quantities`, once; `ir.nodes` says what comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any as Anything
from typing import Final, cast

from custcrm.filters.checking.names import EntryRecord, EntryValue, Names, resolve
from custcrm.filters.checking.scopes import Scope
from custcrm.filters.ir import patterns
from custcrm.filters.ir.logic import ALWAYS, Operand, every, opposite, some, test, there
from custcrm.filters.ir.nodes import Always, Choose, Condition, Constant, HasEntry, Matches, Shown, Some, TextValue
from custcrm.filters.ir.quantities import Quantity, guarded, is_present, multiplied
from custcrm.filters.lowering.comparing import compare, member
from custcrm.filters.lowering.deciding import settle
from custcrm.filters.lowering.times import anniversary_within, has_count
from custcrm.filters.lowering.values import Environment, operand_at, physical, records_at
from custcrm.filters.syntax.kinds import kind_of
from custcrm.filters.syntax.nodes import (
    Aggregate,
    And,
    Between,
    Clock,
    Compare,
    Exists,
    Field,
    In,
    Literal,
    Node,
    Not,
    Or,
    TextTest,
)
from custcrm.filters.syntax.operators import TEXT_TESTS, TextOp
from custcrm.filters.types.declarations import Declarations
from custcrm.filters.types.types import Scalar


def lower(schema: Declarations, node: Node, scope: Scope = ()) -> Condition:
    """Return what an expanded condition means; `scope` is what narrows Elapsed metrics, which no rewriting reaches."""
    return settle(condition_at(Environment(Names(schema), scope, condition_at), node))


def lower_value(schema: Declarations, node: Node, scope: Scope = ()) -> Shown:
    """Return what an expanded value shows; a condition shows whether it is true."""
    env = Environment(Names(schema), scope, condition_at)
    if kind_of(node) == "condition":
        return settle(Shown("boolean", Choose(condition_at(env, node), Constant(True), Constant(False))))
    return settle(_show(operand_at(env, node)))


# conditions --------------------------------------------------------------------------------------


def condition_at(env: Environment, node: Node) -> Condition:
    """Return what a checked condition means in its environment."""
    return _CONDITIONS[type(node)](env, node)


def _and(env: Environment, node: And) -> Condition:
    return every(condition_at(env, arg) for arg in node.args)


def _or(env: Environment, node: Or) -> Condition:
    return some(condition_at(env, arg) for arg in node.args)


def _not(env: Environment, node: Not) -> Condition:
    return opposite(condition_at(env, node.arg))


def _compare(env: Environment, node: Compare) -> Condition:
    return compare(env.schema, node.op, operand_at(env, node.left), operand_at(env, node.right))


def _between(env: Environment, node: Between) -> Condition:
    value, low, high = (operand_at(env, each) for each in (node.value, node.low, node.high))
    if value.sort == "anniversary":
        return anniversary_within(env.schema, value, low, high)
    return every([compare(env.schema, ">=", value, low), compare(env.schema, "<=", value, high)])


def _in(env: Environment, node: In) -> Condition:
    items = (operand_at(env, item) for item in node.items)
    return member(env.schema, operand_at(env, node.value), items)


def _text_test(env: Environment, node: TextTest) -> Condition:
    value = cast("TextValue", operand_at(env, node.value).value)
    pattern = cast("str", cast("Constant", operand_at(env, node.pattern).value).value)
    if node.test != "like":
        return _matches(node.test, value, pattern)
    pieces = patterns.pieces(pattern)
    match patterns.simplify_pattern(pieces):
        case None if isinstance(value, Constant):
            return Always(patterns.matches(pieces, cast("str", value.value)))
        case None:
            return Matches("like", value, pieces)
        case "equals", text:
            return test("=", value, Constant(text))
        case simpler, text:
            return _matches(simpler, value, text)


def _matches(name: TextOp, value: TextValue, text: str) -> Condition:
    if isinstance(value, Constant):
        return Always(TEXT_TESTS[name].holds(cast("str", value.value), text))
    return Matches(name, value, ((text,),))


def _exists(env: Environment, node: Exists) -> Condition:
    if isinstance(node.value, Field):
        found = resolve(env.names, node.value.path, None)
        if isinstance(found, EntryRecord):
            return HasEntry(found.map, found.key)
        if isinstance(found, EntryValue) and found.field is None:
            return HasEntry(found.map, found.key, cast("Scalar", found.type))
    operand = operand_at(env, node.value)
    match operand.value:
        case Clock():
            return ALWAYS
        case Quantity() | Fraction():
            return every(is_present(operand.value))
        case value:
            return has_count(operand) if operand.sort == "elapsed" else there(value)


def _exists_aggregate(env: Environment, node: Aggregate) -> Condition:
    name, _, _, where = records_at(env, node)
    return Some(name, where)


def _constant_condition(_: Environment, node: Literal) -> Condition:
    return Always(bool(node.value))


_CONDITIONS: Final[dict[type, Callable[[Environment, Anything], Condition]]] = {
    Compare: _compare,
    And: _and,
    Or: _or,
    Not: _not,
    Exists: _exists,
    In: _in,
    Between: _between,
    TextTest: _text_test,
    Aggregate: _exists_aggregate,
    Literal: _constant_condition,
}


# what a value shows ------------------------------------------------------------------------------


def _show(operand: Operand) -> Shown:
    match operand.value:
        case Quantity() as quantity:
            return _show_quantity(operand, quantity)
        case Fraction() as number:
            over = None if number.denominator == 1 else Constant(number.denominator)
            return Shown("number" if over else "integer", Constant(number.numerator), over)
        case _:
            value = physical(operand)
    if operand.sort == "elapsed":
        return Shown(operand.unit, value)
    return Shown(_KINDS[operand.sort], value)


_KINDS: Final[Mapping[str, Anything]] = {
    "text": "text",
    "boolean": "boolean",
    "date": "date",
    "instant": "instant",
    "choice": "choice",
    "anniversary": "date",
    "moment": "instant",
    "clock_moment": "instant",
}


def _show_quantity(operand: Operand, quantity: Quantity) -> Shown:
    """Return a number to show: whole ÷ 10^scale ÷ over; the ratio is exact, rounding is for who prints it."""
    factor = quantity.factor
    scale, rest = 0, factor.denominator
    while rest % 10 == 0:
        scale, rest = scale + 1, rest // 10
    value = multiplied(quantity.number, factor.numerator, None)
    over = quantity.over if rest == 1 else multiplied(quantity.over or Constant(1), rest, None)
    others = tuple(each for each in quantity.divisors if each != quantity.over)
    if others:
        value = Choose(every(guarded(others)), value, None)
    if operand.sort == "money":
        return Shown("money", value, over, scale)
    return Shown("number" if scale or over is not None else "integer", value, over, scale)

