"""Scopes: a filter asked within one program, point of sale or terminal, as a rewriting of the filter.

`narrow_to_scope` adds `dimension = value` to every aggregate over a collection that declares the dimension, once; collections
without it, fields and maps stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

from custcrm.filters.checking.expanding import expand
from custcrm.filters.checking.names import collection_at, metric_value
from custcrm.filters.syntax.nodes import (
    Aggregate,
    And,
    Compare,
    Condition,
    Field,
    Literal,
    Node,
    children,
    conjunction,
    rebuilt,
)
from custcrm.filters.types.declarations import Declarations
from custcrm.filters.types.types import Collection, Elapsed
from custcrm.values.errors import Malformed
from custcrm.values.spelling import nearest

Scope: TypeAlias = tuple[tuple[str, str], ...]
"""Dimensions and their values, by name."""


def scope_of(schema: Declarations, dimensions: Mapping[str, str | None]) -> Scope:
    """Return the scope of the dimensions that are given; one that no collection declares is `Malformed`."""
    known = sorted(dimensions_of(schema.types))
    for name, value in dimensions.items():
        if name not in known:
            raise Malformed(f"no collection has the dimension {name!r}", field=name, suggestions=nearest(name, known))
        if value is not None and not isinstance(value, str):
            raise Malformed(f"{name} is named by a text, not by {type(value).__name__}", field=name)
    return tuple((name, value) for name, value in sorted(dimensions.items()) if value is not None)


def dimensions_of(fields: Mapping[str, Any]) -> set[str]:
    """Return the dimensions that some collection declares, nested ones included."""
    found: set[str] = set()
    for kind in fields.values():
        if isinstance(kind, Collection):
            found |= {*kind.scopes, *dimensions_of(kind.fields)}
    return found


def narrow_to_scope(schema: Declarations, node: Any, scope: Scope) -> Any:
    """Return an expanded tree narrowed to the scope; the same tree when nothing in it has these dimensions."""
    return _narrow_below(schema.types, node, scope) if scope else node


def is_felt(schema: Declarations, node: Node, scope: Scope) -> bool:
    """Tell whether the scope narrows an Elapsed metric of an expanded tree; then the filter must remember it."""
    if isinstance(node, Field):
        if len(node.path) > 1 or not isinstance(schema.metrics.get(node.path[0]), Elapsed):
            return False
        since = expand(schema, metric_value(schema, node.path[0]))
        return narrow_to_scope(schema, since, scope) is not since
    return not isinstance(node, Aggregate) and any(is_felt(schema, part, scope) for part in children(node))


def _narrow_below(fields: Mapping[str, Any], node: Node, scope: Scope) -> Node:
    if isinstance(node, Aggregate):
        name, _ = cast("tuple[str, Any]", collection_at(fields, node.path))
        return _narrowed(fields[name], node, scope)
    parts = children(node)
    others = [_narrow_below(fields, part, scope) for part in parts]
    return rebuilt(node, others) if any(a is not b for a, b in zip(parts, others, strict=True)) else node


def _narrowed(records: Collection, node: Aggregate, scope: Scope) -> Aggregate:
    where: Any = None if node.where is None else _narrow_below(records.fields, node.where, scope)
    present = where.args if isinstance(where, And) else (where,)
    added: list[Condition] = [
        condition
        for name, value in scope
        if name in records.scopes and (condition := Compare("=", Field((name,)), Literal(value))) not in present
    ]
    if added:
        where = conjunction([*(() if where is None else (where,)), *added])
    return node if where is node.where else Aggregate(node.op, node.path, where, span=node.span)
