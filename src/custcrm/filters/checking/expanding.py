"""Putting definitions in their place: `expand` rewrites a checked tree to fields, entries and collections alone.

Metrics and segments give way to what they stand for; only Elapsed metrics stay, for they are no expression of the
language.

    expand(schema, check(schema, parse("average_check > 100")))     # the tree of AVG(sales.total) > 100
"""

from __future__ import annotations

from typing import Any

from custcrm.filters.checking.conditions import names_to_check
from custcrm.filters.checking.names import Names, metric_value
from custcrm.filters.checking.segments import segment_node
from custcrm.filters.syntax.errors import LimitExceeded
from custcrm.filters.syntax.limits import CONDITIONS, check_limits, exceeded
from custcrm.filters.syntax.nodes import Aggregate, And, Field, Node, Or, Segment, children, rebuilt
from custcrm.filters.types.declarations import Declarations
from custcrm.filters.types.types import Metric


def expand(schema: Declarations, node: Any) -> Any:
    """Return a checked tree with metrics and segments replaced by what they stand for; itself when it has none."""
    return _expand(names_to_check(schema), node, {}) if schema.metrics or schema.segments else node


def _expand(names: Names, node: Node, seen: dict[Node, Node]) -> Node:
    """Expand a node; each definition once, so that definitions that double each other share their parts."""
    match node:
        case Field(path) if len(path) == 1 and isinstance(names.schema.metrics.get(path[0]), Metric):
            if node not in seen:
                seen[node] = _expand(names, metric_value(names.schema, path[0]), seen)
            return seen[node]
        case Segment():
            if node not in seen:
                seen[node] = _expand(names, segment_node(names, node), seen)
            return seen[node]
    parts = children(node)
    others = [_expand_inside(names, node, part, seen) for part in parts]
    if all(map(_same, parts, others)):
        return node
    made = rebuilt(node, others)
    if isinstance(made, And | Or) and len(made.args) > CONDITIONS:  # flattened, so sharing no longer keeps it small
        raise exceeded("conditions")
    return made


def _same(one: object, other: object) -> bool:
    return one is other


def _expand_inside(names: Names, node: Node, part: Node, seen: dict[Node, Node]) -> Node:
    """Expand a child; inside WHERE names are the record's own, so there is nothing to expand."""
    return part if isinstance(node, Aggregate) else _expand(names, part, seen)


def check_sizes(schema: Declarations, node: Node, *, text: str | None = None) -> Node:
    """Refuse a checked tree that is too large, by itself or with its definitions in place; return it with these."""
    check_limits(node, text=text)
    full: Node = expand(schema, node)
    if full is not node:
        check_expanded(full)
    return full


def check_expanded(node: Node) -> None:
    """Measure what metrics and segments stand for; their places are in other texts, so the error has none."""
    try:
        check_limits(node)
    except LimitExceeded as error:
        message = f"{error.message}, with its metrics and segments"
        raise LimitExceeded(error.limit, error.allowed, message) from None
