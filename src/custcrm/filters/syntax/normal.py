"""The normal form behind equality and hash of filters: what is written differently and means the same at a glance.

NOT at the leaves, groups sorted and without repetition, constants on the right. Not a prover: two
filters with the same people may differ.
"""

from __future__ import annotations

import hashlib
from typing import Any, cast

from custcrm.filters.syntax.nodes import (
    FALSE,
    TRUE,
    Aggregate,
    And,
    Anniversary,
    Arithmetic,
    Clock,
    Compare,
    Condition,
    Field,
    In,
    Listed,
    Literal,
    Node,
    Not,
    Or,
    Segment,
    Value,
    children,
    conjunction,
    disjunction,
    negation,
    rebuilt,
)
from custcrm.filters.syntax.operators import COMPARISONS
from custcrm.filters.syntax.to_text import canonical


def normal(node: Condition) -> Condition:
    """Return the normal form of a checked condition."""
    return _normal(node, positive=True)


def hash_text(node: Condition, version: int = 1) -> str:
    """Return the version of the language that the condition needs, and the SHA-256 of the normal form's canonical text."""
    return f"{version}:{hashlib.sha256(canonical(normal(node)).encode()).hexdigest()}"


def _normal(node: Condition, *, positive: bool) -> Condition:
    match node:
        case Not(arg):
            return _normal(arg, positive=not positive)
        case And(args) | Or(args):
            parts = [_normal(arg, positive=positive) for arg in args]
            return _group(parts, all_of=isinstance(node, And) == positive)
        case Literal(value):
            return TRUE if bool(value) == positive else FALSE
    leaf = _leaf(node)
    if isinstance(leaf, Literal):
        return TRUE if bool(leaf.value) == positive else FALSE
    return leaf if positive else negation(leaf)


def _group(parts: list[Condition], *, all_of: bool) -> Condition:
    """Return the And or Or of normal conditions: flat, each once, in the order of their texts."""
    empty, absorbing = (TRUE, FALSE) if all_of else (FALSE, TRUE)
    if absorbing in parts:
        return absorbing
    kind = And if all_of else Or
    flat = [each for part in parts for each in (part.args if isinstance(part, kind) else (part,)) if each != empty]
    distinct = {canonical(each): each for each in flat}
    return (conjunction if all_of else disjunction)(distinct[text] for text in sorted(distinct))


def _leaf(node: Condition) -> Condition:
    match node:
        case Compare(op, left, right):
            left, right = _value(left), _value(right)
            if _is_constant(left) and not _is_constant(right):
                left, right, op = right, left, COMPARISONS[op].mirrored
            return Compare(op, left, right)
        case In(value, items):
            distinct = {canonical(item): item for item in map(_value, items)}
            if len(distinct) > 1:
                kind = Listed if isinstance(items, Listed) else tuple
                return In(_value(value), kind(distinct[text] for text in sorted(distinct)))
            return _leaf(Compare("=", value, next(iter(distinct.values())))) if distinct else FALSE
        case Field() | Segment():
            return node
        case _:
            return cast("Condition", _inside(node))


def _value(node: Value) -> Any:
    return node if isinstance(node, Literal | Field | Clock | Anniversary) else _inside(node)


def _inside(node: Any) -> Any:
    """Return a node whose parts are in normal form."""
    if isinstance(node, Aggregate):
        where = None if node.where is None else normal(node.where)
        return Aggregate(node.op, node.path, None if where == TRUE else where)
    return rebuilt(node, [_value(part) for part in children(node)])  # type: ignore[arg-type]  # of a value or leaf: values


def _is_constant(node: Node) -> bool:
    """Tell whether no field takes part."""
    match node:
        case Literal() | Clock():
            return True
        case Arithmetic(_, left, right):
            return _is_constant(left) and _is_constant(right)
        case _:
            return False
