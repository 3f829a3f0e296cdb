"""What names stand for: metrics, derived fields and segments, each read and checked once, and put in its place.

`expanded` rewrites a checked tree so that it speaks of fields, entries and collections alone; only Elapsed metrics
stay, for they are no expression of the language. `check_definitions` refuses a schema whose definitions are wrong or
circular.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, cast

from attrs import evolve

from custcrm.filters.checking.conditions import check, check_under, check_value
from custcrm.filters.checking.names import Names, argument_place, unknown_value
from custcrm.filters.checking.sorts import Domain, domain_of_type
from custcrm.filters.parsing.parser import parse, parse_value
from custcrm.filters.syntax.constants import quoted
from custcrm.filters.syntax.errors import FilterError, LimitExceeded, shown
from custcrm.filters.syntax.limits import CONDITIONS, DEPTH, check_limits, exceeded, nested_too_deep
from custcrm.filters.syntax.nodes import (
    Aggregate,
    And,
    Arithmetic,
    Condition,
    Field,
    Node,
    Or,
    Segment,
    Value,
    children,
    rebuilt,
    walk,
)
from custcrm.filters.syntax.to_text import quoted_segment
from custcrm.filters.types.declarations import Schema
from custcrm.filters.types.types import Derived, Elapsed, Map, Metric
from custcrm.values.errors import Malformed

_KEY: Final = re.compile(r"\.:key\b|':key'|:key\b")
ANY_KEY: Final = "key"
"""Stands for the key when the definitions of an open map are checked."""

DEFINITIONS: Final = 1_024
"""Texts of definitions that are kept as trees."""

Definition = tuple[Value, Domain]


# metrics and derived fields ----------------------------------------------------------------------


def metric_value(schema: Schema, name: str) -> Value:
    """Return the checked expression of a metric; for an Elapsed one that of `since`."""
    return _definition(schema, name)[0]


def metric_domain(schema: Schema, name: str) -> Domain:
    """Return the domain of a metric's expression; for an Elapsed one that of `since`."""
    return _definition(schema, name)[1]


def _definition(schema: Schema, name: str) -> Definition:
    found = schema._definitions.get((name,))  # noqa: SLF001  # the schema's own memory of what was read
    if found is None:
        metric = schema.metrics[name]
        text = metric.since if isinstance(metric, Elapsed) else metric.value
        found = check_value(schema, _value(text), text=text)
        schema._definitions[(name,)] = found  # noqa: SLF001
    return cast("Definition", found)


def derived_value(schema: Schema, name: str, key: str, field: str) -> tuple[Value, Condition | None]:
    """Return the checked expression of a derived field under a key, and the condition it depends on."""
    place = (name, key, field)
    found = schema._definitions.get(place)  # noqa: SLF001
    if found is None:
        derived = schema.types[name].value[field]  # type: ignore[union-attr]  # a map, as its caller has resolved
        text = _for_key(derived.value, key)
        value = check_value(schema, _value(text), text=text)[0]
        when = None
        if derived.when is not None:
            text = _for_key(derived.when, key)
            when = check(schema, _condition(text), text=text)
        found = expanded(schema, value), None if when is None else expanded(schema, when)
        for each in filter(None, found):
            check_expanded(each)
        schema._definitions[place] = found  # noqa: SLF001
    return cast("tuple[Value, Condition | None]", found)


# Definitions are constants of a program, and schemas are made anew whenever a program is added.
_value: Final = lru_cache(maxsize=DEFINITIONS)(parse_value)
_condition: Final = lru_cache(maxsize=DEFINITIONS)(parse)


def _for_key(text: str, key: str) -> str:
    """Put a key into a definition: as a quoted segment of a path, elsewhere as a text constant."""
    return _KEY.sub(lambda found: f".{quoted_segment(key)}" if found[0][0] == "." else quoted(key), text)


# segments ----------------------------------------------------------------------------------------


def segment_node(names: Names, node: Segment) -> Condition:
    """Return the checked condition of a segment; an unknown one is `unknown_value`, a circle `segment_cycle`."""
    name, schema = node.name, names.schema
    if name in names.active:
        circle = " → ".join((*names.active[names.active.index(name) :], name))
        raise FilterError(
            "segment_cycle", f"segments refer to each other: {circle}", public="segments refer to each other",
            span=argument_place(names, node.span),
        )
    if name not in names.segments:
        from custcrm.filters.filter import Filter

        found = schema.segments(name) if callable(schema.segments) else schema.segments.get(name)
        if found is None:
            known = () if callable(schema.segments) else schema.segments
            raise unknown_value(f"no segment {quoted(name)}", name, known, argument_place(names, node.span))
        text = None if isinstance(found, Filter) else found
        inner = evolve(names, text=text, active=(*names.active, name))
        try:
            _check_height(inner, 0)
            condition = check_under(inner, found.node if isinstance(found, Filter) else parse(found))
            names.segments[name] = condition
            names.heights[name] = 1 + max(
                (names.heights[each.name] for each in walk(condition) if isinstance(each, Segment)), default=0
            )
        except FilterError as error:
            raise error if names.active else _about_segment(names, node, error) from None
    _check_height(names, names.heights[name])
    return names.segments[name]


def _check_height(names: Names, height: int) -> None:
    """Refuse a chain of segments that is too long, in whatever order they are read."""
    if len(names.active) + height > DEPTH:
        raise nested_too_deep("segments")


def _about_segment(names: Names, node: Segment, error: FilterError) -> FilterError:
    """Return an error found inside a segment as one about the place that names the segment."""
    inside = "" if error.kind == "segment_cycle" else f"in segment {shown(node.name)}: "
    place = argument_place(names, node.span)
    if isinstance(error, LimitExceeded):
        return LimitExceeded(error.limit, error.allowed, error.message, span=place)
    return FilterError(error.kind, inside + error.message, public=error.public, span=place)


# putting definitions in their place --------------------------------------------------------------


def expanded(schema: Schema, node: Any) -> Any:
    """Return a checked tree with metrics and segments replaced by what they stand for; itself when it has none."""
    return _expanded(Names(schema), node, {}) if schema.metrics or schema.segments else node


def _expanded(names: Names, node: Node, seen: dict[Node, Node]) -> Node:
    """Expand a node; each definition once, so that definitions that double each other share their parts."""
    match node:
        case Field(path) if len(path) == 1 and isinstance(names.schema.metrics.get(path[0]), Metric):
            if node not in seen:
                seen[node] = _expanded(names, metric_value(names.schema, path[0]), seen)
            return seen[node]
        case Segment():
            if node not in seen:
                seen[node] = _expanded(names, segment_node(names, node), seen)
            return seen[node]
    parts = children(node)
    others = [_expanded_inside(names, node, part, seen) for part in parts]
    if all(map(_same, parts, others)):
        return node
    made = rebuilt(node, others)
    if isinstance(made, And | Or) and len(made.args) > CONDITIONS:  # flattened, so sharing no longer keeps it small
        raise exceeded("conditions")
    return made


def _same(one: object, other: object) -> bool:
    return one is other


def _expanded_inside(names: Names, node: Node, part: Node, seen: dict[Node, Node]) -> Node:
    """Expand a child; inside WHERE names are the record's own, so there is nothing to expand."""
    return part if isinstance(node, Aggregate) else _expanded(names, part, seen)


def check_expanded(node: Node) -> None:
    """Measure what metrics and segments stand for; their places are in other texts, so the error has none."""
    try:
        check_limits(node)
    except LimitExceeded as error:
        message = f"{error.message}, with its metrics and segments"
        raise LimitExceeded(error.limit, error.allowed, message) from None


# definitions -------------------------------------------------------------------------------------


def check_definitions(schema: Schema) -> None:
    """Raise `FilterError` or `Malformed` when a metric or a derived field is wrong, or refers to itself."""
    _check_circles(schema)
    for name, metric in schema.metrics.items():
        domain = metric_domain(schema, name)
        check_expanded(expanded(schema, metric_value(schema, name)))
        wanted = ("date", "instant") if isinstance(metric, Elapsed) and metric.unit == "days" else ("date",)
        if isinstance(metric, Elapsed) and (domain.sort not in wanted or domain.constant):
            raise Malformed(f"{name} counts {metric.unit} since {metric.since}, which is no {' or '.join(wanted)}")
    for name, key, field, derived in _derived(schema):
        value, _ = derived_value(schema, name, key, field)
        found, declared = check_value(schema, value)[1].sort, domain_of_type(derived.type).sort
        if found != declared and (found, declared) not in _FITTING:
            raise Malformed(f"{name}.{field} is declared as {declared}, and its value is {found}")
        if _has_ratio(value):
            raise Malformed(f"{name}.{field} is a ratio; make it a metric, or divide where it is used")
        if derived.otherwise is not None and declared not in ("integer", "number", "money"):
            raise Malformed(f"{name}.{field} is no number, so it cannot be {derived.otherwise} otherwise")


def _has_ratio(node: Node) -> bool:
    if isinstance(node, Aggregate):
        return node.op == "avg"
    return (isinstance(node, Arithmetic) and node.op == "/") or any(map(_has_ratio, children(node)))


_FITTING: Final = {("integer", "number"), ("text", "choice"), ("choice", "text")}


def _derived(schema: Schema) -> Iterator[tuple[str, str, str, Derived]]:
    """Yield each derived field of each map, with one key to try it with."""
    for name, kind in schema.types.items():
        if not isinstance(kind, Map) or not isinstance(kind.value, Mapping):
            continue
        key = ANY_KEY if kind.keys is None else next(iter(kind.keys), None)
        for field, each in kind.value.items():
            if isinstance(each, Derived) and key is not None:
                yield name, key, field, each


def _check_circles(schema: Schema) -> None:
    """Walk from definition to definition, depth first."""
    graph = {name: _references(each) for name, each in _texts(schema)}
    done: dict[str, int] = {}
    for start in graph:
        _visit(graph, start, [], done)


def _visit(graph: Mapping[str, tuple[str, ...]], name: str, path: list[str], done: dict[str, int]) -> None:
    """Note in `done` how many levels of definitions each name is."""
    if name in path:
        circle = " → ".join((*path[path.index(name) :], name))
        raise Malformed(f"metrics refer to each other: {circle}", field="metrics")
    if name not in done and len(path) <= DEPTH:
        for other in graph.get(name, ()):
            _visit(graph, other, [*path, name], done)
        done[name] = 1 + max((done[other] for other in graph.get(name, ())), default=0) if name in graph else 0
    if len(path) + done.get(name, 0) > DEPTH:
        raise nested_too_deep("metrics")


def _texts(schema: Schema) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, metric in schema.metrics.items():
        yield name, (metric.since if isinstance(metric, Elapsed) else metric.value,)
    for name, key, field, derived in _derived(schema):
        texts = (derived.value, derived.when)
        yield f"{name}.{field}", tuple(_for_key(text, key) for text in texts if text is not None)


def _references(texts: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for text in texts:
        pending: list[Node] = [_value(text)]
        while pending:
            match node := pending.pop():
                case Segment():
                    raise Malformed("a metric refers to no segment; segments refer to metrics", field="metrics")
                case Field(path):
                    found.append(path[0] if len(path) == 1 else f"{path[0]}.{path[-1]}")
                case Aggregate():
                    pass  # inside WHERE names are the record's own
                case _:
                    pending.extend(children(node))
    return tuple(found)
