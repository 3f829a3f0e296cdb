"""What lowered conditions are built of: `every`, `some`, `opposite`, one `test`, and the `Operand` of a comparison."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias
from typing import Literal as OneOf

from attrs import frozen

from custcrm.filters.ir.nodes import All, Always, Any, Condition, Constant, Moment, Negated, Present, Test, Value
from custcrm.filters.ir.quantities import Numeric
from custcrm.filters.syntax.nodes import (
    Clock,
)
from custcrm.filters.syntax.operators import COMPARISONS, CompareOp
from custcrm.filters.types.types import Sort

NEVER: Final = Always(False)
ALWAYS: Final = Always(True)
Unit: TypeAlias = OneOf["years", "days"]


@frozen
class Operand:
    """A lowered value with its sort: a `Numeric` for numbers and money, a `Clock` as long as its type is open.

    For `elapsed` the value is the date or instant that is counted from, `since` says which of the two, `unit` what is
    counted.
    """

    sort: Sort
    value: Value | Numeric | Clock
    unit: Unit = "days"
    since: Sort = "date"


# groups ------------------------------------------------------------------------------------------


def every(args: Iterable[Condition]) -> Condition:
    """Return the conjunction, flattened and without constants."""
    flat: list[Condition] = []
    for arg in args:
        if not isinstance(arg, Always):
            flat.extend(arg.args if isinstance(arg, All) else (arg,))
        elif not arg.truth:
            return NEVER
    return All(tuple(flat)) if len(flat) > 1 else flat[0] if flat else ALWAYS


def some(args: Iterable[Condition]) -> Condition:
    """Return the disjunction, flattened and without constants."""
    flat: list[Condition] = []
    for arg in args:
        if not isinstance(arg, Always):
            flat.extend(arg.args if isinstance(arg, Any) else (arg,))
        elif arg.truth:
            return ALWAYS
    return Any(tuple(flat)) if len(flat) > 1 else flat[0] if flat else NEVER


def opposite(condition: Condition) -> Condition:
    """Return the complement, with NOT over leaves only."""
    match condition:
        case Always(truth):
            return Always(not truth)
        case All(args):
            return some(opposite(arg) for arg in args)
        case Any(args):
            return every(opposite(arg) for arg in args)
        case Negated(leaf):
            return leaf
        case _:
            return Negated(condition)


# one test ---------------------------------------------------------------------------------------


def test(op: CompareOp, left: Value, right: Value) -> Condition:
    """Return a Test with a constant on the right, or what two constants come to."""
    if isinstance(left, Constant):
        if isinstance(right, Constant):
            return Always(COMPARISONS[op].holds(left.value, right.value))
        left, right, op = right, left, COMPARISONS[op].mirrored
    return Test(op, left, right)


def there(value: Value) -> Condition:
    """Return the condition that a value is present."""
    return ALWAYS if isinstance(value, Constant | Moment) else Present(value)
