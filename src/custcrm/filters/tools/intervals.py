"""Which constants a test of one value lets through: `Extent`, an interval or a list, and how two of them meet.

Used to simplify filters. Constants are compared with constants of one kind only, so every extent lies in one order:
numbers by value, texts by code point, days and instants by time (days also for an instant beside dates).
"""

from typing import Any, assert_never

from attrs import evolve, frozen

from custcrm.filters.syntax.nodes import (
    Anniversary,
    Between,
    Compare,
    Condition,
    Exists,
    In,
    Listed,
    Literal,
    Value,
)
from custcrm.filters.syntax.operators import COMPARISONS, CompareOp


@frozen(kw_only=True)
class Extent:
    """The constants for which a test holds: those between `low` and `high`, or just the `items`.

    A bound is (constant, whether it is in), None without one; `items` are distinct. `kind` is the kind of the
    constants; None for EXISTS, the extent of everything that is present.
    """

    kind: str | None
    low: tuple[Any, bool] | None = None
    high: tuple[Any, bool] | None = None
    items: tuple[Any, ...] | None = None

    def holds(self, value: Any) -> bool:
        """Tell whether the test holds for a constant of this kind."""
        if self.items is not None:
            return value in self.items
        above = self.low is None or value > self.low[0] or (self.low[1] and value == self.low[0])
        below = self.high is None or value < self.high[0] or (self.high[1] and value == self.high[0])
        return above and below

    @property
    def is_empty(self) -> bool:
        """Whether the test holds for nothing at all."""
        if self.items is not None:
            return not self.items
        if self.low is None or self.high is None:
            return False
        return self.low[0] > self.high[0] or (self.low[0] == self.high[0] and not (self.low[1] and self.high[1]))


def extent_of_test(node: Condition) -> tuple[Value, Extent] | None:
    """Return the value that a positive test is about and its extent; None when it is no test against constants."""
    match node:
        case Exists(value):
            return value, Extent(kind=None)
        case Compare(op, Literal(constant), right) if not isinstance(right, Literal):
            return _extent(right, _compared(COMPARISONS[op].mirrored, constant))
        case Compare(op, left, Literal(constant)):
            return _extent(left, _compared(op, constant))
        case Between(value, Literal(low), Literal(high)) if _kind(low) == _kind(high):
            return _extent(value, Extent(kind=_kind(low), low=(low, True), high=(high, True)))
        case In(value, items) if items and all(isinstance(item, Literal) for item in items):
            constants = tuple(dict.fromkeys(item.value for item in items if isinstance(item, Literal)))
            kinds = {_kind(constant) for constant in constants}
            return _extent(value, Extent(kind=kinds.pop(), items=constants)) if len(kinds) == 1 else None
    return None


def _extent(value: Value, extent: Extent) -> tuple[Value, Extent] | None:
    """Anniversaries have no order; a constant is no value to be tested."""
    return None if isinstance(value, Anniversary | Literal) else (value, extent)


def _compared(op: CompareOp, constant: Any) -> Extent:
    match op:
        case "=":
            return Extent(kind=_kind(constant), items=(constant,))
        case "<" | "<=":
            return Extent(kind=_kind(constant), high=(constant, op == "<="))
        case ">" | ">=":
            return Extent(kind=_kind(constant), low=(constant, op == ">="))
        case _:
            assert_never(op)


def _kind(constant: Any) -> str:
    return "number" if type(constant).__name__ in ("int", "Decimal") else type(constant).__name__


def conditions(value: Value, extent: Extent) -> tuple[Condition, ...]:
    """Return the fewest tests that together have an extent which is not empty."""
    if extent.kind is None:
        return (Exists(value),)
    if extent.items is not None:
        items = Listed(map(Literal, extent.items))
        return (Compare("=", value, items[0]) if len(items) == 1 else In(value, items),)
    low, high = extent.low, extent.high
    if low and high and low[1] and high[1]:
        return (Between(value, Literal(low[0]), Literal(high[0])),)
    tests: list[Condition] = []
    if low:
        tests.append(Compare(">=" if low[1] else ">", value, Literal(low[0])))
    if high:
        tests.append(Compare("<=" if high[1] else "<", value, Literal(high[0])))
    return tuple(tests)


def intersection(one: Extent, other: Extent) -> Extent:
    """Return what lies in both."""
    if one.kind is None or other.kind is None:
        return other if one.kind is None else one
    for listed, by in ((one, other), (other, one)):
        if listed.items is not None:
            return evolve(listed, items=tuple(item for item in listed.items if by.holds(item)))
    low = max(filter(None, (one.low, other.low)), key=lambda bound: (bound[0], not bound[1]), default=None)
    high = min(filter(None, (one.high, other.high)), key=lambda bound: (bound[0], bound[1]), default=None)
    narrow = Extent(kind=one.kind, low=low, high=high)
    if low and high and low[0] == high[0] and not narrow.is_empty:
        return Extent(kind=one.kind, items=(low[0],))
    return narrow


def is_within(inner: Extent, outer: Extent) -> bool:
    """Tell whether all of one lies in the other."""
    if outer.kind is None or inner.is_empty:
        return True
    if inner.kind is None:
        return False
    if inner.items is not None:
        return all(map(outer.holds, inner.items))
    return outer.items is None and intersection(inner, outer) == inner


def union(one: Extent, other: Extent) -> Extent | None:
    """Return the single extent of what lies in either, when there is one."""
    if is_within(one, other):
        return other
    if is_within(other, one):
        return one
    if one.items is not None and other.items is not None:
        return evolve(one, items=tuple(dict.fromkeys((*one.items, *other.items))))
    return None
