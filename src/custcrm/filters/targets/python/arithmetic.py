"""Python code for whole-number arithmetic: `calculated`, `unscaled`, and `compared`, `narrowed` where 38 digits may not do.

Python's whole numbers are exact at any size, so a step is the operator itself. What it comes to is looked at only
where, by what goes in, it may be wider than 38 digits.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Final, TypeAlias, assert_never

from attrs import evolve

from custcrm.filters.ir import whole
from custcrm.filters.ir.nodes import Calculation, Test, Value
from custcrm.filters.targets.python import nodes, values
from custcrm.filters.targets.python.access import Access, Known, ValueCode
from custcrm.filters.targets.python.shapes import bind, load

Leaf: TypeAlias = Callable[[Value, Known], ValueCode]
"""Returns the code of a value that is no calculation, where something has been read before."""

_STEPS: Final[dict[str, ast.operator]] = {"+": ast.Add(), "-": ast.Sub(), "*": ast.Mult()}


def calculated(access: Access, node: Calculation, known: Known, leaf: Leaf) -> ValueCode:
    """Return the code of a calculation."""
    left = _term(access, node.left, known, leaf)
    if node.op == "sign":
        return evolve(left, value=access.call(whole.sign, left.value))
    right = _term(access, node.right, left.known, leaf)
    certain = left.certain if left.guards else right.certain
    guards = (*left.guards, *right.guards)
    match node.op:
        case "+" | "-" | "*":
            return ValueCode(guards, nodes.BinOp(left.value, _STEPS[node.op], right.value), certain, right.known)
        case "DIV" | "%":
            divisor, again = _name_once(access, right.value)
            is_not_zero = nodes.Compare(divisor, [ast.NotEq()], [nodes.Constant(0)])
            divide = access.call(whole.div if node.op == "DIV" else whole.rem, left.value, again)
            return ValueCode((*guards, is_not_zero), divide, certain, right.known)
        case _:
            assert_never(node.op)


def unscaled(access: Access, number: ValueCode, places: int) -> ValueCode:
    """Return the code of `number × 10^places`."""
    return evolve(number, value=access.call(values.to_whole, number.value, nodes.Constant(places)))


def compared(access: Access, node: Test, left: ast.expr, right: ast.expr) -> ast.expr:
    """Return the code that compares two numbers, each None where it is missing and an error where it is too wide."""
    return access.call(values.compares, nodes.Constant(node.op), left, right, *_limits(node.left, node.right))


def narrowed(access: Access, node: Value, number: ast.expr) -> ast.expr:
    """Return the code of a number or None, which is an error where it is too wide."""
    if not whole.may_be_too_wide(node):
        return number
    return access.call(whole.narrow, number, *_limits(node))


def _limits(*numbers: Value) -> tuple[ast.expr, ast.expr]:
    return nodes.Constant(10 ** whole.digits(*numbers)), nodes.Constant(whole.label(*numbers))


def _term(access: Access, node: Value, known: Known, leaf: Leaf) -> ValueCode:
    return calculated(access, node, known, leaf) if isinstance(node, Calculation) else leaf(node, known)


def _name_once(access: Access, code: ast.expr) -> tuple[ast.expr, ast.expr]:
    """Return the code of a number where it is computed, and where it is used again."""
    if isinstance(code, ast.Name | ast.Constant):
        return code, code
    name = access.fresh("w")
    return bind(name, code), load(name)
