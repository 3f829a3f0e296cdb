"""How the operands of AND and OR are put: `put_deepest_first`, `join_balanced` so that SQLite's parser takes them.

`ask_in_turn` keeps their order where one of them may be an error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import sqlalchemy as sa

from custcrm.filters.ir.moments import below
from custcrm.filters.ir.nodes import All, Any, Column, Condition, Constant, Entry, Moment, Negated, Some
from custcrm.filters.ir.whole import may_overflow
from custcrm.filters.targets.sql.phrases import IsNotTrue, Parenthesized

Clause: TypeAlias = sa.ColumnElement[bool]

WIDEST: Final = 100
"""Operands of one flat AND or OR; more are put into groups. SQLite takes 1,000, and fewer when they are nested."""

_PLAIN: Final = (Constant, Column, Entry, Moment)
"""Values with no condition inside."""


def ask_in_turn(node: All | Any, certain: Callable[[Condition], Clause]) -> Clause | None:
    """Return operands of which one may be the error `overflow` as CASE, the only thing in SQL that keeps an order.

    Each is computed only where none before it decides: see `lowering.deciding`. None where no operand may be one.
    """
    late = [arg for arg in node.args if may_overflow(arg)]
    if not late:
        return None
    first = tuple(arg for arg in node.args if not may_overflow(arg))
    before = [first[0] if len(first) == 1 else type(node)(first)] if first else []
    *others, last = [certain(arg) for arg in (*before, *late)]
    decided = sa.true() if isinstance(node, Any) else sa.false()
    asked = [each if isinstance(node, Any) else IsNotTrue(each) for each in others]
    in_turn = sa.case(*((each, decided) for each in asked), else_=last)
    return in_turn if isinstance(node, Any) or not first else sa.and_(certain(before[0]), in_turn)  # indexes see it


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
