"""Python code for whole-number arithmetic, missing where it would leave 64 bits: `calculated`, `unscaled`, `summand`.

`lowered.Calculation` says when a step is missing. Each step is guarded by the same step in binary64 on its operands,
which are exact and have passed their own guards.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Final, TypeAlias

from attrs import evolve

from custcrm.filters.ir.nodes import LARGEST, Calculation, Value
from custcrm.filters.targets.python import values
from custcrm.filters.targets.python.access import Access, Known, Operand
from custcrm.filters.targets.python.shapes import bind, load, within

Leaf: TypeAlias = Callable[[Value, Known], Operand]
"""Returns the code of a value that is no calculation, where something has been read before."""

_STEPS: Final[dict[str, ast.operator]] = {"+": ast.Add(), "-": ast.Sub(), "*": ast.Mult()}


def calculated(access: Access, node: Calculation, known: Known, leaf: Leaf) -> Operand:
    """Return the code of a calculation."""
    left = _term(access, node.left, known, leaf)
    if node.op == "sign":
        return evolve(left, value=access.called(values.sign, left.value))
    right = _term(access, node.right, left.known, leaf)
    certain = left.certain if left.guards else right.certain
    if node.op in _STEPS:
        guards, value = _step(access, _STEPS[node.op], left.value, right.value)
    else:
        guards, value = _division(access, node.op, left.value, right.value)
    return Operand((*left.guards, *right.guards, *guards), value, certain, right.known)


def unscaled(access: Access, number: Operand, places: int) -> Operand:
    """Return the code of `number × 10^places`, missing beyond ±LARGEST."""
    name = access.fresh("w")
    scaled = access.called(values.whole, number.value, ast.Constant(places))
    return evolve(number, guards=(*number.guards, _fits(bind(name, scaled))), value=load(name))


def summand(access: Access, number: ast.expr, places: int, what: str) -> ast.expr:
    """Return the code of `number × 10^places` as a part of the sum `what`, which is an error beyond ±LARGEST."""
    return access.called(values.summand, number, ast.Constant(places), ast.Constant(what))


def _term(access: Access, node: Value, known: Known, leaf: Leaf) -> Operand:
    return calculated(access, node, known, leaf) if isinstance(node, Calculation) else leaf(node, known)


def _step(access: Access, op: ast.operator, left: ast.expr, right: ast.expr) -> tuple[list[ast.expr], ast.expr]:
    first, left = _named(access, left)
    second, right = _named(access, right)
    return [_fits(ast.BinOp(_real(first), op, second))], ast.BinOp(left, op, right)


def _division(access: Access, op: str, left: ast.expr, right: ast.expr) -> tuple[list[ast.expr], ast.expr]:
    second, right = _named(access, right)
    guards: list[ast.expr] = [ast.Compare(second, [ast.NotEq()], [ast.Constant(0)])]
    if op == "%":
        return guards, access.called(values.rem, left, right)
    first, left = _named(access, left)
    return [*guards, _fits(ast.BinOp(_real(first), ast.Div(), right))], access.called(values.div, left, right)


def _named(access: Access, code: ast.expr) -> tuple[ast.expr, ast.expr]:
    """Return the code of a number where it is computed, and where it is used again."""
    if isinstance(code, ast.Name | ast.Constant):
        return code, code
    name = access.fresh("w")
    return bind(name, code), load(name)


def _real(number: ast.expr) -> ast.expr:
    """Return a whole number in binary64, which what it meets then becomes too."""
    return ast.BinOp(number, ast.Mult(), ast.Constant(1.0))


def _fits(number: ast.expr) -> ast.expr:
    return within(ast.Constant(-LARGEST), number, ast.Constant(LARGEST))
