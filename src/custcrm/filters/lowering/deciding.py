"""What is asked first where a part of a filter may be the error `overflow`. The name to know is `settle`.

Engines ask the operands of AND and OR in an order of their own, and stop where one decides. So where one may be an error,
the order is settled here, and every target keeps it: those that cannot be one stand first, then the others as they were
written; one that stands behind an operand which decides is not computed. All records of a collection are asked, whichever
comes first: EXISTS counts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any as Anything
from typing import Final, TypeVar, cast

import attrs

from custcrm.filters.ir.nodes import (
    All,
    Any,
    Calculation,
    Choose,
    Condition,
    Constant,
    Folded,
    Matches,
    Member,
    MonthDay,
    Negated,
    Present,
    Shown,
    Some,
    Test,
    Total,
    Unscaled,
    Value,
)
from custcrm.filters.ir.whole import may_overflow

_Root = TypeVar("_Root", Condition, Shown)

_HOLDERS: Final = (Negated, Test, Member, Matches, Present, MonthDay, Folded, Unscaled, Calculation, Total, Choose, Shown)
"""Nodes that hold others in their fields, one in each."""


def settle(root: _Root) -> _Root:
    """Return a condition or what is shown with its parts in the order in which they are asked."""
    return cast("_Root", _settled(root)) if may_overflow(root) else root


def _settled(node: Condition | Value | Shown) -> Condition | Value | Shown:
    match node:
        case All(args):
            return All(_put_last(args))
        case Any(args):
            return Any(_put_last(args))
        case Some(collection, where) if where is not None and may_overflow(where):
            return Test(">", Total("count", collection, None, cast("Condition", _settled(where))), Constant(0))
        case _ if isinstance(node, _HOLDERS):
            held: dict[str, Anything] = {each.name: getattr(node, each.name) for each in attrs.fields(type(node))}
            parts = {name: _settled(part) for name, part in held.items() if attrs.has(type(part))}
            return cast("Value", attrs.evolve(cast("Anything", node), **parts))
        case _:
            return node


def _put_last(args: Sequence[Condition]) -> tuple[Condition, ...]:
    return tuple(cast("Condition", _settled(arg)) for arg in sorted(args, key=may_overflow))
