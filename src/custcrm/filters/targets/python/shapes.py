"""The few shapes of `ast` that the Python target is made of."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Final

from custcrm.filters.targets.python import nodes

_OPERATORS: Final[dict[str, type[ast.cmpop]]] = {
    "=": ast.Eq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
}


def load(name: str) -> ast.Name:
    """Return a name as it is read."""
    return nodes.Name(name, ast.Load())


def name_of(read: ast.expr) -> ast.Name:
    """Return the name that a reading is, or has been bound to."""
    if isinstance(read, ast.NamedExpr):
        return load(read.target.id)
    assert isinstance(read, ast.Name)
    return read


def compare(left: ast.expr, op: str, right: ast.expr) -> ast.expr:
    """Return a comparison by one of the language's operators."""
    return nodes.Compare(left, [_OPERATORS[op]()], [right])


def is_present(read: ast.expr) -> ast.expr:
    """Return `read is not None`."""
    return nodes.Compare(read, [ast.IsNot()], [nodes.Constant(None)])


def join_tests(op: ast.boolop, tests: Sequence[ast.expr]) -> ast.expr:
    """Return tests joined by `and` or `or`; one is itself, none is `and`'s True."""
    return nodes.BoolOp(op, [*tests]) if len(tests) > 1 else tests[0] if tests else nodes.Constant(isinstance(op, ast.And))


def get_key(owner: ast.expr, key: str) -> ast.expr:
    """Return `owner.get(key)`."""
    return nodes.Call(nodes.Attribute(owner, "get", ast.Load()), [nodes.Constant(key)], [])


def bind(name: str, code: ast.expr) -> ast.expr:
    """Return `(name := code)`."""
    return nodes.NamedExpr(nodes.Name(name, ast.Store()), code)


def is_between(low: ast.expr, value: ast.expr, high: ast.expr) -> ast.expr:
    """Return `low <= value <= high`."""
    return nodes.Compare(low, [ast.LtE(), ast.LtE()], [value, high])


def is_in(value: ast.expr, values: ast.expr) -> ast.expr:
    """Return `value in values`."""
    return nodes.Compare(value, [ast.In()], [values])


def loop(name: str, over: ast.expr, tests: Sequence[ast.expr] = ()) -> ast.comprehension:
    """Return `for name in over if …` for a comprehension."""
    return ast.comprehension(nodes.Name(name, ast.Store()), over, [join_tests(ast.And(), tests)] if tests else [], 0)
