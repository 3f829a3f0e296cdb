"""What a filter looks at: the names it reads, and its text with personal constants hidden."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from custcrm.filters.checking.conditions import names_to_check
from custcrm.filters.checking.names import (
    Computed,
    EntryRecord,
    EntryValue,
    Names,
    Plain,
    WholeMap,
    collection_at,
    metric_value,
    resolve,
)
from custcrm.filters.checking.segments import segment_node
from custcrm.filters.syntax.nodes import (
    Aggregate,
    Between,
    Compare,
    Field,
    In,
    Listed,
    Literal,
    Node,
    Segment,
    TextTest,
    children,
    rebuilt,
)
from custcrm.filters.syntax.to_text import path_text
from custcrm.filters.types.declarations import Declarations

HIDDEN = Literal("…")


def names_read(schema: Declarations, node: Node, within: tuple[str, ...] = ()) -> frozenset[str]:
    """Return the names that a checked tree reads, as written: `visits`, `tags.VIP`, `sales.total`, a metric's own."""
    return frozenset(path_text(path) for path in _paths(names_to_check(schema, within), node))


def _paths(names: Names, node: Node) -> Iterator[tuple[str, ...]]:
    match node:
        case Field(path):
            yield (*names.within, *path)
        case Aggregate(_, path, where):
            yield (*names.within, *path)
            if where is not None:
                inner, (_, rest) = names.of(node), _collection(names, node)
                begun = (*names.within, *path[: len(path) - len(rest)])
                yield from ((*begun, *each[len(inner.within) :]) for each in _paths(inner, where))
        case Segment():
            yield from _paths(names, segment_node(names, node))
        case _:
            for part in children(node):
                yield from _paths(names, part)


def version_read(schema: Declarations, node: Node, within: tuple[str, ...] = ()) -> int:
    """Return the version of the language since which all that a checked tree reads is what it is; of segments, their names."""
    return max(_versions(Names(schema, within), node), default=1)


def _versions(names: Names, node: Node) -> Iterator[int]:
    match node:
        case Field((name,)) if not names.within and name in names.schema.metrics:
            yield from _versions(names, metric_value(names.schema, name))
        case Aggregate(_, path, where):
            name, rest = _collection(names, node)
            is_through = len(path) - len(rest) > 1  # COUNT(sales.lines), which the first version of the language has not
            yield 2 if is_through else names.fields[name].version
            if where is not None:
                yield from _versions(names.of(node), where)
        case _:
            for part in children(node):
                yield from _versions(names, part)


def _collection(names: Names, node: Aggregate) -> tuple[str, tuple[str, ...]]:
    return cast("tuple[str, tuple[str, ...]]", collection_at(names.fields, node.path))


def discreet(schema: Declarations, node: Node, within: tuple[str, ...] = ()) -> Node:
    """Return the tree with `'…'` for each constant that stands beside a personal field."""
    return cast("Node", _discreet(Names(schema, within), node))


def _discreet(names: Names, node: Any) -> Any:
    if isinstance(node, Aggregate):
        where = None if node.where is None else _discreet(names.of(node), node.where)
        return Aggregate(node.op, node.path, where)
    parts = children(node)
    if isinstance(node, Compare | Between | In | TextTest) and any(_is_personal(names, part) for part in parts):
        if isinstance(node, In) and isinstance(node.items, Listed):
            return In(_hidden(node.value), (HIDDEN,))
        return rebuilt(node, [_hidden(part) for part in parts])
    return rebuilt(node, [_discreet(names, part) for part in parts])


def _hidden(node: Any) -> Any:
    if isinstance(node, Literal):
        return HIDDEN
    return rebuilt(node, [_hidden(part) for part in children(node)])


def _is_personal(names: Names, node: Node) -> bool:
    match node:
        case Field(path):
            return _marked(names, path)
        case Aggregate():
            name, rest = _collection(names, node)
            records = names.fields[name]
            return records.personal or any(records.fields[each].personal for each in rest)
        case _:
            return any(_is_personal(names, part) for part in children(node))


def _marked(names: Names, path: tuple[str, ...]) -> bool:
    """Tell whether the schema says that a name is personal; so is all of a personal map."""
    match resolve(names, path, None):
        case Plain(_, kind):
            return kind.personal
        case EntryValue(name, _, _, kind):
            return kind.personal or names.fields[name].personal
        case EntryRecord(name) | WholeMap(name):
            return bool(names.fields[name].personal)
        case Computed(_, metric):
            return metric.personal
        case _:
            return False
