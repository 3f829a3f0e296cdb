"""The errors for names that mean nothing where they stand, each with its remedy: which are near, and what has one.

What stands for something is found by `names.resolve`, which raises them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from custcrm.filters.checking.sorts import domain_of_type
from custcrm.filters.syntax.errors import FilterError, did_you_mean, quote_name
from custcrm.filters.syntax.nodes import Place
from custcrm.filters.syntax.operators import AGGREGATES
from custcrm.filters.syntax.to_text import path_text
from custcrm.filters.types.types import Collection, Map
from custcrm.values.spelling import nearest

SHOWN_FIELDS: Final = 8
"""Fields of a record that an error lists."""
MOST_TOLD: Final = 4
"""Ways to ask for what records of several collections have, in one message."""


def unknown_value(
    message: str, typed: str, candidates: Iterable[str], place: Place | None, *, prefix: tuple[str, ...] | None = None
) -> FilterError:
    """Return the error for a key or choice that is not one of the candidates, with the nearest as it would be typed."""
    candidates = list(candidates)
    near = [each for each in candidates if each.casefold() == typed.casefold()] or nearest(typed, candidates)
    suggestions = [quote_name(each) if prefix is None else path_text((*prefix, each)) for each in near]
    return FilterError(
        "unknown_value",
        message + did_you_mean(suggestions),
        public=f"a value that is not one of those allowed{did_you_mean(suggestions)}",
        span=place,
        suggestions=suggestions,
    )


def no_field(
    name: str, candidates: Iterable[str], place: Place | None, where: str = "", *, prefix: tuple[str, ...] = ()
) -> FilterError:
    """Return the error for a name that is none of the candidates, with the nearest as they would be typed behind `prefix`."""
    suggestions = [path_text((*prefix, each)) for each in nearest(name, candidates)]
    hint = f"; did you mean {' or '.join(map(quote_name, suggestions))}?" if suggestions else ""
    space = "" if not where or where.startswith(";") else " "
    return FilterError(
        "unknown_field",
        f"no field {quote_name(name)}{space}{where}{hint}",
        public=f"a field that does not exist{hint}",
        span=place,
        suggestions=suggestions,
    )


def kept_by(fields: Mapping[str, Any], field: str) -> list[str]:
    """List the collections and maps whose records have a field."""
    return [
        name for name, kind in fields.items()
        if (isinstance(kind, Collection) and not kind.hidden and field in kind.fields)
        or (isinstance(kind, Map) and isinstance(kind.value, Mapping) and field in kind.value)
    ]


def kept_elsewhere(
    field: str, kept: Mapping[str, Any], metrics: Iterable[str], place: Place | None
) -> FilterError:
    """Return the error for a name that the records of collections or maps have, with how it is asked of them."""
    metrics = [each for each in metrics if field in each.split("_")]
    suggestions, shown = metrics[:2], metrics[:2]
    for name, kind in kept.items():
        if isinstance(kind, Map):
            keys = list(kind.keys or ())[:SHOWN_FIELDS]
            suggestions += [path_text((name, key, field)) for key in keys]
            shown += [path_text((name, key, field)) for key in keys] or [f"{name}.KEY.{path_text((field,))}"]
        else:
            totals = _totals(name, kind, field)
            suggestions += totals
            shown += [f"EXISTS({path_text((name,))} WHERE {path_text((field,))} …)", *totals]
    told = " or ".join(shown[:MOST_TOLD])
    message = f"no field {quote_name(field)}; {' and '.join(kept)} {'has' if len(kept) == 1 else 'have'} one: write {told}"
    return FilterError(
        "unknown_field", message, public=f"a field that does not exist; write {told}", span=place, suggestions=suggestions
    )


def _totals(collection: str, kind: Collection, field: str) -> list[str]:
    """Return the values over all records of a collection: the sum of a number, or the last time."""
    declared = kind.fields[field]
    sort = None if isinstance(declared, Collection | Map) else domain_of_type(declared).sort
    total = {"date": "MAX", "instant": "MAX", "integer": "SUM", "number": "SUM", "money": "SUM"}.get(sort or "")
    return [f"{total}({path_text((collection, field))})"] if total else []


def out_of_scope(name: str, owner: str, collection: str, offered: Sequence[str], place: Place | None) -> FilterError:
    """Return the error for a name of the row inside WHERE, where the records of a collection have their own."""
    listed = ", ".join(offered[:SHOWN_FIELDS]) + (" …" if len(offered) > SHOWN_FIELDS else "")
    message = f"{quote_name(name)} belongs to {owner}; inside {collection}: {listed}"
    return FilterError("out_of_scope", message, public=message, span=place, expected=tuple(offered))


def too_long(fields: Mapping[str, Any], path: tuple[str, ...], place: Place | None) -> FilterError:
    """Return the error for a path through what has no parts, or through a collection."""
    name, kind = path[0], fields.get(path[0])
    if isinstance(kind, Collection):
        both, message = ".".join(path[:2]), f"{name} is a collection; its records are counted, summed or searched"
        of, rest = (path[:2], path[2:]) if both in fields else (path[:1], path[1:])
        if (declared := fields[".".join(of)].fields.get(rest[0])) is None:
            return FilterError("unknown_field", message, span=place)
        sort = None if isinstance(declared, Collection | Map) or len(rest) > 1 else domain_of_type(declared).sort
        latest = [f"MAX({path_text(path)})"] if sort in AGGREGATES["max"].takes else []
        message += "; write " + " or ".join([*latest, f"EXISTS({path_text(of)} WHERE {path_text(rest)} …)"])
        return FilterError("unknown_field", message, span=place, suggestions=latest)
    return no_field(path_text(path), (), place, f"; {path_text((name,))} has no parts")
