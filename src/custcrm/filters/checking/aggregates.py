"""Aggregates: COUNT, SUM, AVG, MIN, MAX and EXISTS over the records of a collection: `check_aggregate`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from attrs import evolve

from custcrm.filters.checking.misnamed import alike
from custcrm.filters.checking.names import (
    Computed,
    EntryRecord,
    EntryValue,
    Names,
    Plain,
    Referent,
    WholeCollection,
    WholeMap,
    collection_at,
    metric_domain,
    path_place,
    resolve,
    spelled,
)
from custcrm.filters.checking.sorts import Domain, domain_of_type
from custcrm.filters.syntax.errors import MOST_TOLD, FilterError, advised, did_you_mean, quote_name
from custcrm.filters.syntax.nodes import Aggregate
from custcrm.filters.syntax.operators import AGGREGATES
from custcrm.filters.syntax.to_text import path_text
from custcrm.filters.types.types import Collection, Derived, Map, Sort

_COUNT: Final = Domain("integer")


def check_aggregate(names: Names, node: Aggregate) -> tuple[Aggregate, Domain]:
    """Check COUNT(collection …) or SUM(collection.field …), its WHERE with the record's own names."""
    counting = not AGGREGATES[node.op].takes
    node = evolve(node, path=spelled(names.fields, node.path))
    found = collection_at(names.fields, node.path)
    if found is None or len(found[1]) > (not counting):
        raise _no_collection(names, node, node.path if counting or len(node.path) < 2 else node.path[:-1])
    collection, field = found
    domain = _COUNT if counting else _aggregated(names, node, collection, *field)
    where = None if node.where is None else names.check(names.inside(collection), node.where)
    return evolve(node, where=where), domain


def _no_collection(names: Names, node: Aggregate, path: tuple[str, ...]) -> FilterError:
    """Return the error of an aggregate over a path that leads to no collection, or beyond a field of one."""
    place, op, takes = path_place(names, node.span), node.op.upper(), AGGREGATES[node.op].takes
    what = "a field of a collection" if takes else "a collection"
    if near := _collections_for(names, node):
        ways = " or ".join(f"{op}({each})" for each in near[:MOST_TOLD])
        return FilterError("unknown_field", f"{op} takes {what}; write {ways}", span=place, suggestions=near)
    if near := _alike(names, node):
        hint = did_you_mean(near)
        message, public = f"no {quote_name(path_text(node.path))}{hint}", f"a path that leads to no collection{hint}"
        return FilterError("unknown_field", message, public=public, span=place, suggestions=near)
    found = resolve(names, path[:1], place)  # unknown names first
    if isinstance(found, WholeCollection) and node.op == "count":
        _, rest = cast("tuple[str, tuple[str, ...]]", collection_at(names.fields, path))
        ways = f"{path_text(path[: len(path) - len(rest)])} WHERE {path_text(rest)} EXISTS"
        suggestions = (ways,) if node.where is None else ()
        return FilterError("arguments", f"COUNT takes a collection; write COUNT({ways})", span=place, suggestions=suggestions)
    message = f"{op} takes {what}, and {path_text(node.path)} is none"
    if isinstance(found, WholeMap) and len(node.path) == 1:
        return FilterError("arguments", f"{message}; what is under a key is asked with {found.name}.KEY EXISTS", span=place)
    sort = _sort_of(names, resolve(names, node.path, place))
    if node.where is None and (sort in takes if takes else node.op == "exists" and sort is not None):
        way = path_text(node.path) if takes else f"{path_text(node.path)} EXISTS"
        return FilterError("arguments", f"{message}; write {way}", public=message, span=node.span, suggestions=(way,))
    return FilterError("arguments", f"{message}, as in {op}({_sample(names.fields, takes)})" if takes else message, span=place)


def _sort_of(names: Names, found: Referent) -> Sort | None:
    """Return the sort of a single value, "text" for a record under a key, None for what EXISTS does not stand behind."""
    match found:
        case Plain(type=kind) | EntryValue(type=kind):
            return domain_of_type(kind.type if isinstance(kind, Derived) else kind).sort
        case Computed(name):
            return metric_domain(names.schema, name).sort
        case EntryRecord():
            return "text"
    return None


def _alike(names: Names, node: Aggregate) -> list[str]:
    """List the paths that the aggregate takes and that are spelled nearly like its own, segment by segment."""
    near = (path for path in _taken(names.fields, node) if len(path) == len(node.path) and all(map(_is_alike, node.path, path)))
    return [path_text(path) for path in near]


def _is_alike(typed: str, name: str) -> bool:
    return typed == name or bool(alike(typed, (name,)))


def _taken(fields: Mapping[str, Any], node: Aggregate) -> Iterable[tuple[str, ...]]:
    """Yield the paths that an aggregate takes: collections as they are written, or their fields of a fitting sort."""
    takes = AGGREGATES[node.op].takes
    for name, kind in fields.items():
        if not isinstance(kind, Collection) or (kind.hidden and "." not in name):
            continue
        path = spelled(fields, (name,))
        if not takes:
            yield path
            continue
        for field, each in kind.fields.items():
            if not isinstance(each, Collection) and domain_of_type(each).sort in takes:
                yield (*path, field)


def _collections_for(names: Names, node: Aggregate) -> list[str]:
    """List what may have been meant by `COUNT(*)` and by `SUM(total)`, where the collection was not said."""
    found = ((name, each) for name, each in names.fields.items() if isinstance(each, Collection) and "." not in name)
    shown = {name: each for name, each in found if not each.hidden}
    takes = AGGREGATES[node.op].takes
    if len(node.path) > 1 or node.path[0] in names.fields:
        return []
    if node.path == ("*",):
        fields = ((name, *_fitting(each, takes)[:1]) if takes else (name,) for name, each in shown.items())
        return [path_text(path) for path in fields if len(path) > bool(takes)]
    fitting = ((name, each.fields.get(node.path[0])) for name, each in shown.items())
    return [
        path_text((name, *node.path)) for name, each in fitting
        if takes and each is not None and not isinstance(each, Collection | Map) and domain_of_type(each).sort in takes
    ]


def _sample(fields: Mapping[str, Any], takes: tuple[Sort, ...]) -> str:
    """Return the first field of a collection that fits, as an example."""
    shown = ((name, kind) for name, kind in fields.items() if isinstance(kind, Collection) and not kind.hidden)
    return next((f"{name}.{each}" for name, kind in shown for each in _fitting(kind, takes)), "COLLECTION.FIELD")


def _aggregated(names: Names, node: Aggregate, collection: str, field: str | None = None) -> Domain:
    """Return the domain of SUM, AVG, MIN or MAX over a field of the collection's records."""
    place = path_place(names, node.span)
    op = node.op.upper()
    if field is None:
        ways = [path_text((*node.path, each)) for each in _fitting(names.fields[collection], AGGREGATES[node.op].takes)]
        told = " or ".join(f"{op}({each})" for each in ways[:MOST_TOLD]) or f"{op}({path_text(node.path)}.FIELD)"
        message = f"{op} takes a field of {path_text(node.path)}; write {told}"
        raise FilterError("arguments", message, span=place, suggestions=ways)
    try:
        found = resolve(names.inside(collection), (field,), place)
    except FilterError as error:
        raise advised(error, [path_text((*node.path[:-1], each)) for each in error.suggestions], place) from None
    if not isinstance(found, Plain):
        raise FilterError("arguments", f"{op} takes a single value of each record", span=place)
    domain = domain_of_type(found.type)
    takes = AGGREGATES[node.op].takes
    if domain.sort not in takes:
        wanted = "numbers, money, dates or instants" if "date" in takes else "numbers or money"
        raise FilterError("type", f"{op} takes {wanted}", span=place)
    return Domain("number") if node.op == "avg" and domain.sort != "money" else domain


def _fitting(records: Collection, wanted: tuple[Sort, ...]) -> list[str]:
    return [
        name for name, kind in records.fields.items()
        if not isinstance(kind, Collection) and domain_of_type(kind).sort in wanted
    ]
