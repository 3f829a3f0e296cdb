"""Names: what a path stands for at its place in a filter, and the error with its remedy when it stands for nothing.

`Names` is the place, `resolve` the question; the answer is one of the frozen `Referent` kinds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias, cast

from attrs import evolve, field, frozen

from custcrm.filters.checking.misnamed import (
    alike,
    kept_by,
    kept_elsewhere,
    no_field,
    no_key,
    not_inside,
    out_of_scope,
    owner_named,
    too_long,
    unknown_value,
)
from custcrm.filters.checking.sorts import Domain
from custcrm.filters.syntax.errors import FilterError, quote_name
from custcrm.filters.syntax.nodes import Aggregate, Condition, Node, Place, Value, walk
from custcrm.filters.syntax.to_text import path_text
from custcrm.filters.types.declarations import Declarations
from custcrm.filters.types.types import Collection, Derived, Elapsed, Map, Metric, Scalar

Check: TypeAlias = "Callable[[Names, Node], Condition]"

WHERE: Final = "WHERE"
"""Marks the condition of a collection among a schema's definitions."""


def _refuse_to_check(_: Names, __: Node) -> Condition:
    raise AssertionError("these names were made to look something up, not to check a tree")


@frozen
class Names:
    """The names in force: the schema's own, or those of the records of the collection that `within` leads to.

    While a tree is checked, `check` is the function that checks a condition below, a WHERE or a segment; `text` is what
    the nodes' places refer to, None when they came from JSON or Python. `active` are the segments that are being read,
    outermost first, `segments` those that have been, `heights` how many levels of segments each is. `depth` counts the
    AND, OR and NOT around, from segment to segment.
    """

    schema: Declarations
    within: tuple[str, ...] = ()
    text: str | None = None
    check: Check = field(default=_refuse_to_check, eq=False, kw_only=True)
    active: tuple[str, ...] = ()
    segments: dict[str, Condition] = field(factory=dict, eq=False)
    heights: dict[str, int] = field(factory=dict, eq=False)
    depth: int = 0

    @property
    def fields(self) -> Mapping[str, Any]:
        """The fields of the row or record at hand."""
        return self._fields_at(len(self.within))

    def inside(self, collection: str) -> Names:
        """Return the names inside WHERE of a collection."""
        return evolve(self, within=(*self.within, collection))

    def of(self, node: Aggregate) -> Names:
        """Return the names inside WHERE of an aggregate that has been checked."""
        return self.inside(cast("tuple[str, Any]", collection_at(self.fields, node.path))[0])

    def below(self) -> Names:
        """Return the names one level further down the tree."""
        return evolve(self, depth=self.depth + 1)

    def outside(self) -> Iterable[tuple[str, Mapping[str, Any]]]:
        """Yield whose fields are hidden here, innermost first, and these fields."""
        for depth in range(len(self.within) - 1, 0, -1):
            yield f"the record of {self.within[depth - 1]}", self._fields_at(depth)
        if self.within:
            yield f"the {self.schema.noun}", {**self.schema.types, **self.schema.metrics}

    def _fields_at(self, depth: int) -> Mapping[str, Any]:
        fields: Mapping[str, Any] = self.schema.types
        for name in self.within[:depth]:
            fields = fields[name].fields
        return fields


@frozen
class Plain:
    """A field of the row or record at hand."""

    name: str
    type: Scalar


@frozen
class EntryValue:
    """A value under a key of a map: the entry's own, or a field of its record."""

    map: str
    key: str
    field: str | None = None
    type: Scalar | Derived = None  # type: ignore[assignment]  # always given; attrs wants a default after one


@frozen
class EntryRecord:
    """A whole record under a key of a map: it exists or not."""

    map: str
    key: str


@frozen
class WholeMap:
    """A map itself."""

    name: str
    map: Map


@frozen
class WholeCollection:
    """A collection itself."""

    name: str
    collection: Collection


@frozen
class Computed:
    """A metric."""

    name: str
    metric: Metric | Elapsed


def collection_at(fields: Mapping[str, Any], path: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    """Return the collection that an aggregate's path begins with, by its name among the fields, and the rest of the path.

    `sales.lines` is the collection of that name where there is one: the lines of all sales.
    """
    if not isinstance(fields.get(path[0]), Collection):
        return None
    both = ".".join(path[:2])
    return (both, path[2:]) if isinstance(fields.get(both), Collection) else (path[0], path[1:])


def spelled(fields: Mapping[str, Any], path: tuple[str, ...]) -> tuple[str, ...]:
    """Return a path as it is written: a collection named `sales.lines`, beside `sales`, is reached by that path."""
    outer, dot, inner = path[0].partition(".")
    is_path = dot and isinstance(fields.get(path[0]), Collection) and isinstance(fields.get(outer), Collection)
    return (outer, inner, *path[1:]) if is_path else path


def kept_records(names: Names) -> Condition | None:
    """Return the checked condition on the records of the collection that the names are inside of: its `where`."""
    return cast("Condition | None", names.schema.read_definitions.get((*names.within, WHERE)))


def metric_value(schema: Declarations, name: str) -> Value:
    """Return the checked expression of a metric; for an Elapsed one that of `since`."""
    return cast("Value", schema.read_definitions[(name,)][0])


def metric_domain(schema: Declarations, name: str) -> Domain:
    """Return the domain of a metric's expression; for an Elapsed one that of `since`."""
    return cast("Domain", schema.read_definitions[(name,)][1])


Referent: TypeAlias = Plain | EntryValue | EntryRecord | WholeMap | WholeCollection | Computed


def resolve(names: Names, path: tuple[str, ...], place: Place | None) -> Referent:
    """Return what a path stands for, or raise `unknown_field`, `unknown_value` or `out_of_scope`."""
    first = path[0]
    kind = names.fields.get(first)
    if isinstance(kind, Map):
        return _in_map(first, kind, path, place)
    if isinstance(kind, Collection) and (found := collection_at(names.fields, path)) and not found[1]:
        return WholeCollection(found[0], names.fields[found[0]])
    if len(path) == 1:
        if kind is not None:
            return Plain(first, kind)
        if not names.within and (metric := names.schema.metrics.get(first)):
            return Computed(first, metric)
    elif kind is not None or (not names.within and first in names.schema.metrics):
        raise too_long(names.fields, path, place)
    raise _unknown(names, path, place)


def _in_map(name: str, declared: Map, path: tuple[str, ...], place: Place | None) -> Referent:
    if len(path) == 1:
        return WholeMap(name, declared)
    key, typed, record = path[1], declared.keys, declared.value
    if typed is not None and key not in typed:
        if isinstance(record, Mapping) and key in record and len(path) == 2:
            raise no_key(name, key, tuple(typed), place)
        raise unknown_value(f"no {path_text((name, key))}", key, typed, place, prefix=(name,), rest=path[2:])
    if len(path) == 2:
        if isinstance(record, Mapping):
            return EntryRecord(name, key)
        return EntryValue(name, key, None, typed[key] if isinstance(typed, Mapping) else record)
    if isinstance(record, Mapping) and len(path) == 3:
        if path[2] not in record:
            raise no_field(path[2], record, place, f"in {path_text(path[:2])}", prefix=path[:2])
        return EntryValue(name, key, path[2], record[path[2]])
    raise no_field(path_text(path), (), place, "; a key with dots is written in double quotes")


def _unknown(names: Names, path: tuple[str, ...], place: Place | None) -> FilterError:
    """Return the best explanation for a first segment that means nothing here."""
    first = path[0]
    if (rest := _without_owner(names, path)) is not None:
        where = f"inside {names.within[-1]} fields" if names.within else f"fields of the {names.schema.noun}"
        return owner_named(first, where, rest, place)
    for owner, hidden in names.outside():
        if first in hidden:
            return out_of_scope(first, owner, names.within[-1], _offered(names), place)
    if place and names.text and names.text[place[0] : place[0] + 1] == '"':
        return FilterError(
            "unknown_field",
            f"no field {quote_name(first)}; texts take single quotes: {quote_name(first)}",
            public="a field that does not exist; texts take single quotes",
            span=place,
            suggestions=(quote_name(first),),
        )
    where = f"inside {'.'.join(names.within)}" if names.within else ""
    error = no_field(first, _offered(names), place, where)
    if not error.suggestions and len(path) == 1 and (kept := kept_by(names.fields, first)):
        return kept_elsewhere(first, {name: names.fields[name] for name in kept}, _made_of(names, first), place)
    if not error.suggestions and names.within:
        return not_inside(first, names.within[-1], _offered(names), place)
    rest = path[1:]
    error.suggestions = tuple(path_text((*_split(each), *rest)) if rest else each for each in error.suggestions)
    return error


def _split(name: str) -> tuple[str, ...]:
    return (name[1:-1].replace('""', '"'),) if name.startswith('"') else (name,)


def _without_owner(names: Names, path: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the rest of `customer.country`, or within sales of `sales.total`, where whose it is was said in front."""
    owner = tuple(names.within[-1].split(".")) if names.within else ()
    rest = path[len(owner) :] if owner and path[: len(owner)] == owner else path[1:]
    if not rest or alike(path[0], _offered(names)):
        return None
    try:
        resolve(names, rest, None)
    except FilterError:
        return None
    return rest


def _made_of(names: Names, field: str) -> list[str]:
    """List the metrics that have the word in their name and are computed of such a field: `sales_total` of `total`."""
    if names.within:
        return []
    return [
        name for name in names.schema.metrics
        if field in name.split("_") and (name,) in names.schema.read_definitions and any(
            isinstance(each, Aggregate) and each.path[-1] == field for each in walk(metric_value(names.schema, name))
        )
    ]


def _offered(names: Names) -> list[str]:
    """List the names that an error may suggest."""
    own = [name for name, kind in names.fields.items() if not (isinstance(kind, Collection) and kind.hidden)]
    return own if names.within else [*own, *names.schema.metrics]


_PATH_IN_CALL: Final = re.compile(r'\s*\(\s*((?:"(?:[^"]|"")*"|[^\s",()"])+)')


def path_place(names: Names, place: Place | None) -> Place | None:
    """Return where the path of `COUNT(path …)` stands inside the aggregate's own place; that place when in doubt."""
    if names.text is None or place is None:
        return place
    opened = names.text.find("(", *place)
    found = _PATH_IN_CALL.match(names.text, opened) if opened >= 0 else None
    return found.span(1) if found else place


def argument_place(names: Names, place: Place | None) -> Place | None:
    """Return where the argument of `SEGMENT('name')` stands inside the call's own place; that place when in doubt."""
    if names.text is None or place is None:
        return place
    inside = names.text[slice(*place)].partition("(")[2].rpartition(")")[0].strip()
    start = names.text.find(inside, place[0]) if inside else -1
    return (start, start + len(inside)) if start >= 0 else place

