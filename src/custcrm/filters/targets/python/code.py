"""Python code for lowered filters, built from `ast` nodes and never from text: `condition` and `operand`.

A condition becomes one expression. Values are bound by `:=` where they are first read, and reused wherever that reading
has certainly happened; every value carries its guards, so that no operator meets None.

    visits > 3 AND visits < 9       (v1 := row.visits) is not None and v1 > 3 and v1 < 9
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence
from typing import Final, TypeGuard

from attrs import evolve, frozen

from custcrm.filters.ir import patterns
from custcrm.filters.ir.nodes import (
    All,
    Always,
    Any,
    Calculation,
    Choose,
    Column,
    Condition,
    Constant,
    Entry,
    Folded,
    HasEntry,
    Leaf,
    Matches,
    Member,
    Moment,
    MonthDay,
    Negated,
    Present,
    Some,
    Test,
    Total,
    Unscaled,
    Value,
)
from custcrm.filters.ir.whole import may_be_too_wide
from custcrm.filters.syntax.operators import TEXT_TESTS
from custcrm.filters.targets.python import nodes
from custcrm.filters.targets.python.access import Access, Known, Record, ValueCode
from custcrm.filters.targets.python.arithmetic import calculated, compared, narrowed, unscaled
from custcrm.filters.targets.python.shapes import bind, compare, is_between, is_in, is_present, join_tests, load, loop, name_of
from custcrm.filters.types.types import Date, Instant, Money, Text
from custcrm.values.periods import YearlessDate
from custcrm.values.texts import fold

NOTHING: Final[Known] = {}
_AND: Final = ast.And()
_OR: Final = ast.Or()


@frozen
class ConditionCode:
    """A condition as code, and what has certainly been read when it turned out true, and when false."""

    test: ast.expr
    if_true: Known
    if_false: Known


# conditions ----------------------------------------------------------------------------------------


def condition(access: Access, node: Condition, record: Record, known: Known = NOTHING) -> ConditionCode:
    """Return the code of a condition on a record, where `known` has been read before."""
    match node:
        case Always(truth):
            return ConditionCode(nodes.Constant(truth), known, known)
        case All(args):
            return _all(access, args, record, known)
        case Any(args):
            return _any(access, args, record, known)
        case Negated(leaf):
            positive = _leaf(access, leaf, record, known)
            return ConditionCode(nodes.UnaryOp(ast.Not(), positive.test), positive.if_false, positive.if_true)
        case _:
            return _leaf(access, node, record, known)


def _all(access: Access, args: Sequence[Condition], record: Record, known: Known) -> ConditionCode:
    branches: list[ConditionCode] = []
    for arg in args:
        branches.append(condition(access, arg, record, known))
        known = branches[-1].if_true
    first = branches[0]
    return ConditionCode(join_tests(_AND, [each.test for each in branches]), known, _common(first.if_true, first.if_false))


def _any(access: Access, args: Sequence[Condition], record: Record, known: Known) -> ConditionCode:
    branches: list[ConditionCode] = []
    for arg in args:
        branches.append(condition(access, arg, record, known))
        known = branches[-1].if_false
    first = branches[0]
    return ConditionCode(join_tests(_OR, [each.test for each in branches]), _common(first.if_true, first.if_false), known)


def _common(one: Known, other: Known) -> Known:
    return one if one is other else {key: name for key, name in one.items() if key in other}


def _leaf(access: Access, node: Leaf, record: Record, known: Known) -> ConditionCode:
    match node:
        case Test():
            return _test(access, node, record, known)
        case Member():
            return _member(access, node, record, known)
        case Matches():
            return _matches(access, node, record, known)
        case Present(value):
            return _presence(access, value, record, known)
        case HasEntry():
            code, after = access.has_entry(node, record, known)
            return ConditionCode(code, after, after)
        case Some(collection, where):
            return ConditionCode(_some(access, collection, where, record), known, known)
        case MonthDay():
            return _month_day(access, node, record, known)


def _guarded(operand: ValueCode, test: ast.expr) -> ConditionCode:
    return ConditionCode(join_tests(_AND, [*operand.guards, test]), operand.known, operand.certain)


def _test(access: Access, node: Test, record: Record, known: Known) -> ConditionCode:
    left, right = node.left, node.right
    if node.op == "=" and isinstance(right, Constant | Moment) and _takes_none(left, access):
        read, known = access.read(left, record, known, named=False)
        return ConditionCode(compare(read, "=", access.refer_to(right)), known, known)
    if may_be_too_wide(left, right):
        sides = (or_none(access, side, record, known) for side in (left, right))
        return ConditionCode(compared(access, node, *sides), known, known)
    in_utc = node.op == "=" or not isinstance(right, Constant | Moment)
    one = operand(access, left, record, known, in_utc=in_utc, refusing=_refuses_by_itself(node))
    other = operand(access, right, record, one.known, in_utc=in_utc)
    test = join_tests(_AND, [*one.guards, *other.guards, compare(one.value, node.op, other.value)])
    return ConditionCode(test, other.known, one.certain if one.guards else other.certain)


def _refuses_by_itself(node: Test) -> bool:
    """Whether Python compares nothing but the right type with the constant, so that no test of the type is needed."""
    ordered = node.op != "=" and isinstance(node.right, Constant | Moment)
    return ordered and isinstance(node.left, Column | Entry) and isinstance(node.left.type, Text | Date | Instant)


def _takes_none(node: Value, access: Access) -> TypeGuard[Column]:
    """Whether `==` and `in` are simply false for a missing value, and there is no wrong one."""
    return isinstance(node, Column) and access.trusts() and not isinstance(node.type, Instant | Money)


def _member(access: Access, node: Member, record: Record, known: Known) -> ConditionCode:
    items = access.constant(frozenset(node.items))
    if _takes_none(node.value, access):
        read, known = access.read(node.value, record, known, named=False)
        return ConditionCode(is_in(read, items), known, known)
    one = operand(access, node.value, record, known, in_utc=True)
    return _guarded(one, is_in(narrowed(access, node.value, one.value), items))


def _matches(access: Access, node: Matches, record: Record, known: Known) -> ConditionCode:
    text = operand(access, node.value, record, known, refusing=node.test in ("starts_with", "ends_with"))
    if node.test == "like":
        return _guarded(text, access.call(patterns.matches, access.constant(node.pieces), text.value))
    piece = nodes.Constant(patterns.literal(node.pieces))
    return _guarded(text, _text_test(access, TEXT_TESTS[node.test].holds, text.value, piece))


def _text_test(access: Access, holds: Callable[[str, str], bool], text: ast.expr, piece: ast.expr) -> ast.expr:
    """Return `holds(text, piece)`, as `piece in text` or `text.startswith(piece)` where it is that: a call costs more."""
    if holds is operator.contains:
        return is_in(piece, text)
    name = getattr(holds, "__name__", "")
    if getattr(str, name, None) is holds:
        return nodes.Call(nodes.Attribute(text, name, ast.Load()), [piece], [])
    return access.call(holds, text, piece)


def _presence(access: Access, value: Value, record: Record, known: Known) -> ConditionCode:
    one = operand(access, value, record, known, yearless=True)
    return ConditionCode(join_tests(_AND, one.guards), one.known, one.certain)


def _some(access: Access, collection: str, where: Condition | None, record: Record) -> ast.expr:
    if where is None:
        return compare(access.count(collection, record), ">", nodes.Constant(0))
    records = access.records(collection, record)
    inner = access.inside(record, collection)
    return access.call(any, nodes.GeneratorExp(condition(access, where, inner).test, [loop(inner.name, records)]))


def _month_day(access: Access, node: MonthDay, record: Record, known: Known) -> ConditionCode:
    number = access.fresh("d")
    read = access.month_day(node.value, record)
    if read is not None:
        one = ValueCode((is_present(bind(number, read)),), load(number), known, known)
    else:
        one = operand(access, node.value, record, known, yearless=True)
        month, day = (nodes.Attribute(one.value, part, ast.Load()) for part in ("month", "day"))
        computed = nodes.BinOp(nodes.BinOp(month, ast.Mult(), nodes.Constant(100)), ast.Add(), day)
        one = evolve(one, guards=(*one.guards, compare(bind(number, computed), ">", nodes.Constant(0))))
    ranges = [is_between(access.refer_to(low), load(number), access.refer_to(high)) for low, high in node.ranges]
    return _guarded(one, join_tests(_OR, ranges))


# values --------------------------------------------------------------------------------------------


def operand(
    access: Access,
    node: Value,
    record: Record,
    known: Known = NOTHING,
    *,
    yearless: bool = False,
    in_utc: bool = False,
    refusing: bool = False,
) -> ValueCode:
    """Return the code of a value of a record.

    With `yearless` a date without a year counts as present. With `in_utc` instants can be compared by `==` and with
    each other, which datetimes of one zone with two offsets cannot. With `refusing` what is done with the value is an
    error for one of another type, so that nothing else need look at it.
    """
    match node:
        case Constant() | Moment():
            return ValueCode((), access.refer_to(node), known, known)
        case Column() | Entry():
            return _read_plain(access, node, record, known, yearless=yearless, in_utc=in_utc, refusing=refusing)
        case Total(op):
            total = _total(access, node, record)
            return ValueCode((), total, known, known) if op in {"count", "sum"} else _maybe(access, total, known)
        case Choose(test, then, otherwise):
            branch = condition(access, test, record, known)
            chosen = (or_none(access, each, record, known) for each in (then, otherwise))
            read = _common(branch.if_true, branch.if_false)
            return _maybe(access, nodes.IfExp(branch.test, *chosen), read)
        case Folded(case, accent, value):
            one = operand(access, value, record, known)
            folded = access.call(fold, one.value, nodes.Constant(case), nodes.Constant(accent))
            return evolve(one, value=folded)
        case Unscaled(value, places):
            return unscaled(access, operand(access, value, record, known), places)
        case Calculation():
            return calculated(access, node, known, lambda leaf, before: operand(access, leaf, record, before))


def or_none(
    access: Access, node: Value | None, record: Record, known: Known = NOTHING, *, yearless: bool = False
) -> ast.expr:
    """Return the code of a value that is None where it is missing."""
    if node is None:
        return nodes.Constant(None)
    one = operand(access, node, record, known, yearless=yearless)
    return nodes.IfExp(join_tests(_AND, one.guards), one.value, nodes.Constant(None)) if one.guards else one.value


def _read_plain(
    access: Access, node: Column | Entry, record: Record, known: Known, *, yearless: bool, in_utc: bool, refusing: bool
) -> ValueCode:
    guards: list[ast.expr] = []
    certain = known
    if isinstance(node, Entry):
        guards, certain, known = access.entry_guards(node, record, known)
    read, known = access.read(node, record, known, named=True)
    value = name_of(read)
    certain = certain if guards else known
    checked = ("checked", record.name, node)
    if refusing or checked in known:
        guards.append(is_present(read))
    else:
        guards.append(access.fits(node, read))
        known = {**known, checked: value.id}
    if isinstance(node.type, Date) and node.type.yearless and not yearless:
        kind = nodes.Attribute(value, "__class__", ast.Load())
        guards.append(nodes.Compare(kind, [ast.IsNot()], [access.helper(YearlessDate)]))
    return ValueCode(tuple(guards), access.physical(node, record, value, in_utc=in_utc), certain, known)


def _maybe(access: Access, code: ast.expr, known: Known) -> ValueCode:
    name = access.fresh("v")
    return ValueCode((is_present(bind(name, code)),), load(name), known, known)


def _total(access: Access, node: Total, record: Record) -> ast.expr:
    if node.op == "count" and node.value is None and node.where is None:
        return access.count(node.collection, record)
    records = access.records(node.collection, record)
    inner = access.inside(record, node.collection)
    tests, known = [], NOTHING
    if node.where is not None:
        branch = condition(access, node.where, inner)
        tests, known = [branch.test], branch.if_true
    element: ast.expr = nodes.Constant(1)
    if node.value is not None:
        one = operand(access, node.value, inner, known, in_utc=True)
        tests += one.guards
        element = element if node.op == "count" else one.value
    return _reduced(access, node, nodes.ListComp(element, [loop(inner.name, records, tests)]))


def _reduced(access: Access, node: Total, elements: ast.expr) -> ast.expr:
    match node.op:
        case "count":
            return access.call(len, elements)
        case "sum":
            return access.call(sum, elements)
        case "min" | "max":
            default = nodes.Keyword("default", nodes.Constant(None))
            return nodes.Call(access.helper(min if node.op == "min" else max), [elements], [default])
