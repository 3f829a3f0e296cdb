"""A shorter filter with exactly the same answers: `simplify`.

Only what two-valued logic allows for every row, values missing or not: TRUE and FALSE, repetition, absorption, a
condition beside its complement, and tests of one value against constants that contain or exclude each other.
"""

from collections.abc import Iterable
from typing import Any, Final, TypeAlias, cast

from attrs import evolve

from custcrm.filters.syntax.nodes import (
    FALSE,
    TRUE,
    Aggregate,
    And,
    Between,
    Compare,
    Condition,
    In,
    Literal,
    Not,
    Or,
    Value,
    children,
    conjunction,
    disjunction,
    negation,
    rebuilt,
)
from custcrm.filters.syntax.normal import normal
from custcrm.filters.syntax.operators import COMPARISONS
from custcrm.filters.syntax.to_text import canonical
from custcrm.filters.tools import intervals
from custcrm.filters.tools.intervals import Extent, extent_of_test

Tests: TypeAlias = list[tuple[Condition, Extent]]
"""Conditions that test one value, each with the extent of its positive form."""

ROUNDS: Final = 8
"""Passes over the tree at most; each that changes anything makes it smaller, and two are nearly always enough."""


def simplify(node: Condition) -> Condition:
    """Return an equivalent condition that is as short or shorter; the author's own words where nothing is gained."""
    for _ in range(ROUNDS):
        shorter = _condition(node)
        if shorter == node:
            break
        node = shorter
    return node


def _condition(node: Condition) -> Condition:
    match node:
        case And(args):
            return _group(map(_condition, args), all_of=True)
        case Or(args):
            return _group(map(_condition, args), all_of=False)
        case Not(arg):
            inner = _condition(arg)
            return _truth(not inner.value) if isinstance(inner, Literal) else negation(inner)
        case Aggregate(where=where) if where is not None:
            some = _value(node)
            return FALSE if some.where == FALSE else some
        case _:
            return _leaf(node)


def _leaf(node: Condition) -> Condition:
    """Return a test in its shortest form, and the conditions inside its aggregates too."""
    node = cast("Condition", rebuilt(node, [_value(part) for part in children(node)]))
    match node:
        case In(_, ()):
            return FALSE
        case Compare(op, Literal() as left, right) if not isinstance(right, Literal):
            return _leaf(Compare(COMPARISONS[op].mirrored, right, left))
        case Compare("=", Literal(left), Literal(right)) if type(left) is type(right):
            return _truth(left == right)
        case Between(value, Literal(low), Literal(high)) if type(low) is type(high) and low == high:
            return Compare("=", value, Literal(low))
    about = extent_of_test(node)
    if about is None:
        return node
    value, extent = about
    if extent.is_empty:
        return FALSE
    if isinstance(node, In):
        return intervals.conditions(value, extent)[0]
    return node


def _value(node: Any) -> Any:
    if isinstance(node, Aggregate):
        where = None if node.where is None else simplify(node.where)
        return Aggregate(node.op, node.path, None if where == TRUE else where)
    below = children(node)
    return rebuilt(node, [_value(part) for part in below]) if below else node


def _truth(truth: object) -> Condition:
    return TRUE if truth else FALSE


# groups ------------------------------------------------------------------------------------------


def _group(args: Iterable[Condition], *, all_of: bool) -> Condition:
    """Return the And (Or) of simple conditions."""
    kind, join = (And, conjunction) if all_of else (Or, disjunction)
    neutral, absorbing = (TRUE, FALSE) if all_of else (FALSE, TRUE)
    flat = (part for arg in args for part in (arg.args if isinstance(arg, kind) else (arg,)))
    parts = {_key(part): part for part in flat if part != neutral}
    if _key(absorbing) in parts or any(_key(negation(part)) in parts for part in parts.values()):
        return absorbing
    merged = _merge_tests(_absorbed(parts, all_of=all_of), all_of=all_of)
    return absorbing if absorbing in merged else join(merged)


def _key(node: Condition) -> str:
    """Return the text by which conditions are the same."""
    return canonical(normal(node))


def _absorbed(parts: dict[str, Condition], *, all_of: bool) -> list[Condition]:
    """Use each part on the others: beside `a`, `a OR b` goes, and `NOT a OR b` is `b`; in an Or the same with AND."""
    for key, part in list(parts.items()):
        arms = _arms(part, all_of=all_of)
        others = parts.keys() - {key}
        if any(_key(arm) in others for arm in arms):
            del parts[key]
            continue
        left = [arm for arm in arms if _key(negation(arm)) not in others]
        if len(left) < len(arms):
            del parts[key]
            shorter = (disjunction if all_of else conjunction)(left)
            parts[_key(shorter)] = shorter
    return list(parts.values())


def _arms(part: Condition, *, all_of: bool) -> list[Condition]:
    """Return the conditions of which an And's part asks for one (an Or's part for all), none for other parts."""
    match part:
        case Or(args) if all_of:
            return list(args)
        case And(args) if not all_of:
            return list(args)
        case Not(And(args)) if all_of:
            return list(map(negation, args))
        case Not(Or(args)) if not all_of:
            return list(map(negation, args))
        case _:
            return []


def _merge_tests(parts: list[Condition], *, all_of: bool) -> list[Condition]:
    """Merge the tests of each value against constants.

    NOT a AND NOT b is the complement of a OR b, so the negative tests of an And merge as the positive ones of an Or.
    """
    for value, tests in _by_value(parts).items():
        for negated in (False, True):
            same = [test for test in tests if isinstance(test[0], Not) == negated]
            if same:
                merged = _intersection(same) if all_of != negated else _union(same)
                parts = _replaced(parts, same, _tests(value, merged, negated=negated))
    for value, tests in _by_value(parts).items():
        parts = _crossed(parts, value, tests, all_of=all_of)
    return parts


def _by_value(parts: list[Condition]) -> dict[Value, Tests]:
    """Return the tests against constants by the value that they test, where the constants are of one kind."""
    found: dict[Value, Tests] = {}
    for part in parts:
        about = extent_of_test(part.arg if isinstance(part, Not) else part)
        if about is not None:
            found.setdefault(about[0], []).append((part, about[1]))
    return {value: tests for value, tests in found.items() if len({extent.kind for _, extent in tests} - {None}) < 2}


def _tests(value: Value, merged: list[Extent], *, negated: bool) -> list[Condition]:
    made: list[Condition] = []
    for extent in merged:
        made += [FALSE] if extent.is_empty else intervals.conditions(value, extent)
    return [TRUE if node == FALSE else negation(node) for node in made] if negated else made


def _replaced(parts: list[Condition], tests: Tests, new: list[Condition]) -> list[Condition]:
    """Return the parts with these tests replaced, in the place of the first of them, when the new ones are fewer."""
    if len(new) >= len(tests):
        return parts
    old = [test for test, _ in tests]
    at = parts.index(old[0])
    rest = [part for part in parts if part not in old]
    return [*rest[:at], *new, *rest[at:]]


def _intersection(tests: Tests) -> list[Extent]:
    extent = Extent(kind=None)
    for _, each in tests:
        extent = intervals.intersection(extent, each)
    return [extent]


def _union(tests: Tests) -> list[Extent]:
    """Return extents of which none holds another; each comes from one test, or is a list."""
    union: list[Extent] = []
    for _, merged in tests:
        apart = []
        for each in union:
            one = intervals.union(each, merged)
            if one is None:
                apart.append(each)
            else:
                merged = one  # noqa: PLW2901  # it grows while it swallows others
        union = [*apart, merged]
    return union


def _crossed(parts: list[Condition], value: Value, tests: Tests, *, all_of: bool) -> list[Condition]:
    """Weigh the tests that all must hold (in an Or: the negatives, by De Morgan) against the complements of others."""
    firm = [test for test in tests if isinstance(test[0], Not) != all_of]
    if not firm or len(firm) == len(tests):
        return parts
    (extent,) = _intersection(firm)
    needless = []
    for part, other in (test for test in tests if test not in firm):
        if intervals.is_within(extent, other):
            return [FALSE if all_of else TRUE]
        if extent.items is not None:
            extent = evolve(extent, items=tuple(item for item in extent.items if not other.holds(item)))
            needless.append(part)
        elif intervals.intersection(extent, other).is_empty:
            needless.append(part)
    parts = [part for part in parts if part not in needless]
    if extent.items is None or not needless:
        return parts
    new = _tests(value, [extent], negated=not all_of)
    return [part if part != firm[0][0] else new[0] for part in parts]
