"""Segments: what a saved filter stands for where a filter names it, each read and checked once: `segment_node`."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from custcrm.filters.checking.misnamed import unknown_value
from custcrm.filters.checking.names import Names, argument_place
from custcrm.filters.parsing.parser import parse
from custcrm.filters.syntax.constants import quoted
from custcrm.filters.syntax.errors import FilterError, LimitExceeded, quote_name
from custcrm.filters.syntax.limits import DEPTH, nested_too_deep
from custcrm.filters.syntax.nodes import Condition, Segment, is_node, walk


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
        found = schema.segments(name) if callable(schema.segments) else schema.segments.get(name)
        if found is None:
            # A function that finds segments may also be one that lists their names.
            listed = [str(each) for each in schema.segments] if isinstance(schema.segments, Iterable) else []
            raise unknown_value(f"no segment {quoted(name)}", name, listed, argument_place(names, node.span))
        text = found if isinstance(found, str) else None
        inner = evolve(names, text=text, active=(*names.active, name))
        try:
            _check_height(inner, 0)
            condition = names.check(inner, found if is_node(found) else parse(found))
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
    inside = "" if error.kind == "segment_cycle" else f"in segment {quote_name(node.name)}: "
    place = argument_place(names, node.span)
    if isinstance(error, LimitExceeded):
        return LimitExceeded(error.limit, error.allowed, error.message, span=place)
    return FilterError(error.kind, inside + error.message, public=error.public, span=place)
