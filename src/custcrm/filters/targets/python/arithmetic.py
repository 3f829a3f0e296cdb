"""Python code for whole-number arithmetic, missing where it would leave 64 bits: `calculated`, `unscaled`, `summand`.

`ir.nodes.Calculation` says when a step is missing. Each step is guarded by the same step in binary64 on its operands,
which are exact and have passed their own guards.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Final, TypeAlias, assert_never

from attrs import evolve

from custcrm.filters.ir.nodes import LARGEST, Calculation, Value
from custcrm.filters.targets.python import nodes, values
from custcrm.filters.targets.python.access import Access, Known, ValueCode
from custcrm.filters.targets.python.shapes import bind, is_between, load

Leaf: TypeAlias = Callable[[Value, Known], ValueCode]
"""Returns the code of a value that is no calculation, where something has been read before."""

_STEPS: Final[dict[str, ast.operator]] = {"+": ast.Add(), "-": ast.Sub(), "*": ast.Mult()}


def calculated(access: Access, node: Calculation, known: Known, leaf: Leaf) -> ValueCode:
    """Return the code of a calculation."""
    left = _term(access, node.left, known, leaf)
    if node.op == "sign":
        return evolve(left, value=access.call(values.sign, left.value))
    right = _term(access, node.right, left.known, leaf)
    certain = left.certain if left.guards else right.certain
    match node.op:
        case "+" | "-" | "*":
            guards, value = _step(access, _STEPS[node.op], left.value, right.value)
        case "%":
            guards, value = _remainder(access, left.value, right.value)
        case "DIV":
            guards, value = _quotient(access, left.value, right.value)
        case _:
            assert_never(node.op)
    return ValueCode((*left.guards, *right.guards, *guards), value, certain, right.known)


def unscaled(access: Access, number: ValueCode, places: int) -> ValueCode:
    """Return the code of `number × 10^places`, missing beyond ±LARGEST."""
    name = access.fresh("w")
    scaled = access.call(values.to_whole, number.value, nodes.Constant(places))
    return evolve(number, guards=(*number.guards, _fits(bind(name, scaled))), value=load(name))


def summand(access: Access, number: ast.expr, places: int, what: str) -> ast.expr:
    """Return the code of `number × 10^places` as a part of the sum `what`, which is an error beyond ±LARGEST."""
    return access.call(values.summand, number, nodes.Constant(places), nodes.Constant(what))


def _term(access: Access, node: Value, known: Known, leaf: Leaf) -> ValueCode:
    return calculated(access, node, known, leaf) if isinstance(node, Calculation) else leaf(node, known)


def _step(access: Access, op: ast.operator, left: ast.expr, right: ast.expr) -> tuple[list[ast.expr], ast.expr]:
    first, left = _name_once(access, left)
    second, right = _name_once(access, right)
    return [_fits(nodes.BinOp(_real(first), op, second))], nodes.BinOp(left, op, right)


def _remainder(access: Access, left: ast.expr, right: ast.expr) -> tuple[list[ast.expr], ast.expr]:
    second, right = _name_once(access, right)
    return [_is_not_zero(second)], access.call(values.rem, left, right)


def _quotient(access: Access, left: ast.expr, right: ast.expr) -> tuple[list[ast.expr], ast.expr]:
    second, right = _name_once(access, right)
    first, left = _name_once(access, left)
    fits = _fits(nodes.BinOp(_real(first), ast.Div(), right))
    return [_is_not_zero(second), fits], access.call(values.div, left, right)


def _is_not_zero(divisor: ast.expr) -> ast.expr:
    return nodes.Compare(divisor, [ast.NotEq()], [nodes.Constant(0)])


def _name_once(access: Access, code: ast.expr) -> tuple[ast.expr, ast.expr]:
    """Return the code of a number where it is computed, and where it is used again."""
    if isinstance(code, ast.Name | ast.Constant):
        return code, code
    name = access.fresh("w")
    return bind(name, code), load(name)


def _real(number: ast.expr) -> ast.expr:
    """Return a whole number in binary64, which what it meets then becomes too."""
    return nodes.BinOp(number, ast.Mult(), nodes.Constant(1.0))


def _fits(number: ast.expr) -> ast.expr:
    return is_between(nodes.Constant(-LARGEST), number, nodes.Constant(LARGEST))
