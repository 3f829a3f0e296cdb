"""How the operands of AND and OR are put, so that SQLite's parser takes them: `put_deepest_first`, `join_balanced`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import sqlalchemy as sa

from custcrm.filters.ir.moments import below
from custcrm.filters.ir.nodes import All, Any, Column, Condition, Constant, Entry, Moment, Negated, Some
from custcrm.filters.targets.sql.phrases import Parenthesized

Clause: TypeAlias = sa.ColumnElement[bool]

WIDEST: Final = 100
"""Operands of one flat AND or OR; more are put into groups. SQLite takes 1,000, and fewer when they are nested."""

_PLAIN: Final = (Constant, Column, Entry, Moment)
"""Values with no condition inside."""


def put_deepest_first(args: tuple[Condition, ...]) -> Sequence[Condition]:
    """Return the operands with the deepest first: SQLite's parser keeps all that stands open before an operand."""
    return args if all(_is_flat(arg) for arg in args) else sorted(args, key=_depth, reverse=True)


def _is_flat(node: Condition) -> bool:
    if isinstance(node, Negated):
        return _is_flat(node.leaf)
    return not isinstance(node, All | Any | Some) and all(isinstance(child, _PLAIN) for child in below(node))


def _depth(node: object) -> int:
    return max((1 + _depth(child) for child in below(node)), default=0)


def join_balanced(join: Callable[..., Clause], clauses: Sequence[Clause]) -> Clause:
    """Join clauses with AND or OR, many of them as a balanced tree."""
    while len(clauses) > WIDEST:
        groups = (clauses[start : start + WIDEST] for start in range(0, len(clauses), WIDEST))
        clauses = [Parenthesized(join(*group)) for group in groups]
    return join(*clauses)
