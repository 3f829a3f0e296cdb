"""Definitions: the metrics and derived fields of a schema, each read and checked once.

`check_definitions` refuses a schema whose definitions are wrong or circular; `derived_value` gives what a derived field
is under a key. What they were read as is remembered by the schema, where `names.metric_value` finds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, cast

from custcrm.filters.checking.conditions import check, check_value
from custcrm.filters.checking.expanding import check_expanded, expand
from custcrm.filters.checking.names import WHERE, metric_domain, metric_value
from custcrm.filters.checking.sorts import domain_of_type
from custcrm.filters.parsing.parser import parse, parse_value
from custcrm.filters.syntax.constants import quoted
from custcrm.filters.syntax.limits import DEPTH, check_limits, nested_too_deep
from custcrm.filters.syntax.nodes import Aggregate, Arithmetic, Condition, Field, Node, Segment, Value, children
from custcrm.filters.syntax.to_text import quoted_segment
from custcrm.filters.types.declarations import Declarations
from custcrm.filters.types.types import Collection, Derived, Elapsed, Map
from custcrm.values.errors import Malformed

_KEY: Final = re.compile(r"\.:key\b|':key'|:key\b")
ANY_KEY: Final = "key"
"""Stands for the key when the definitions of an open map are checked."""

DEFINITIONS: Final = 1_024
"""Texts of definitions that are kept as trees."""


# the schema's own --------------------------------------------------------------------------------


def check_definitions(schema: Declarations) -> None:
    """Raise `FilterError` or `Malformed` when a metric or a derived field is wrong, or refers to itself."""
    for name in _in_order(schema):
        _read_metric(schema, name)
    for name, kind in schema.types.items():
        if isinstance(kind, Collection):
            _read_where(schema, (name,), kind)
    for name, metric in schema.metrics.items():
        domain = metric_domain(schema, name)
        check_expanded(expand(schema, metric_value(schema, name)))
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


def _read_where(schema: Declarations, within: tuple[str, ...], records: Collection) -> None:
    """Read and check the condition on a collection's records, and those on the records within them."""
    if records.where is not None:
        found = check(schema, _condition(records.where), within=within, text=records.where)
        check_limits(found, text=records.where)
        schema.read_definitions[(*within, WHERE)] = found
    for name, kind in records.fields.items():
        if isinstance(kind, Collection):
            _read_where(schema, (*within, name), kind)


def _has_ratio(node: Node) -> bool:
    if isinstance(node, Aggregate):
        return node.op == "avg"
    return (isinstance(node, Arithmetic) and node.op == "/") or any(map(_has_ratio, children(node)))


_FITTING: Final = {("integer", "number"), ("text", "choice"), ("choice", "text")}


def _derived(schema: Declarations) -> Iterator[tuple[str, str, str, Derived]]:
    """Yield each derived field of each map, with one key to try it with."""
    for name, kind in schema.types.items():
        if not isinstance(kind, Map) or not isinstance(kind.value, Mapping):
            continue
        key = ANY_KEY if kind.keys is None else next(iter(kind.keys), None)
        for field, each in kind.value.items():
            if isinstance(each, Derived) and key is not None:
                yield name, key, field, each


def _in_order(schema: Declarations) -> list[str]:
    """Return the metrics so that each comes after those it refers to; Malformed where they refer to each other in a circle."""
    graph = {name: _references(each) for name, each in _texts(schema)}
    levels: dict[str, int] = {}
    for start in graph:
        _visit(graph, start, [], levels)
    return [name for name in levels if name in schema.metrics]


def _read_metric(schema: Declarations, name: str) -> None:
    """Read and check the text of a metric whose own metrics have been read."""
    metric = schema.metrics[name]
    text = metric.since if isinstance(metric, Elapsed) else metric.value
    schema.read_definitions[(name,)] = check_value(schema, _value(text), text=text)


def _visit(graph: Mapping[str, tuple[str, ...]], name: str, path: list[str], levels: dict[str, int]) -> None:
    """Note in `levels` how many levels of definitions each name is."""
    if name in path:
        circle = " → ".join((*path[path.index(name) :], name))
        raise Malformed(f"metrics refer to each other: {circle}", field="metrics")
    if name not in levels and len(path) <= DEPTH:
        for other in graph.get(name, ()):
            _visit(graph, other, [*path, name], levels)
        levels[name] = 1 + max((levels[other] for other in graph.get(name, ())), default=0) if name in graph else 0
    if len(path) + levels.get(name, 0) > DEPTH:
        raise nested_too_deep("metrics")


def _texts(schema: Declarations) -> Iterator[tuple[str, tuple[str, ...]]]:
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


# derived fields ----------------------------------------------------------------------------------


def derived_value(schema: Declarations, name: str, key: str, field: str) -> tuple[Value, Condition | None]:
    """Return the checked expression of a derived field under a key, and the condition it depends on."""
    place = (name, key, field)
    found = schema.read_definitions.get(place)
    if found is None:
        derived = schema.types[name].value[field]  # type: ignore[union-attr]  # a map, as its caller has resolved
        text = _for_key(derived.value, key)
        value = check_value(schema, _value(text), text=text)[0]
        when = None
        if derived.when is not None:
            text = _for_key(derived.when, key)
            when = check(schema, _condition(text), text=text)
        found = expand(schema, value), None if when is None else expand(schema, when)
        for each in filter(None, found):
            check_expanded(each)
        schema.read_definitions[place] = found
    return cast("tuple[Value, Condition | None]", found)


# Definitions are constants of a program, and schemas are made anew whenever a program is added.
_value: Final = lru_cache(maxsize=DEFINITIONS)(parse_value)
_condition: Final = lru_cache(maxsize=DEFINITIONS)(parse)


def _for_key(text: str, key: str) -> str:
    """Put a key into a definition: as a quoted segment of a path, elsewhere as a text constant."""
    return _KEY.sub(lambda found: f".{quoted_segment(key)}" if found[0][0] == "." else quoted(key), text)
