"""The errors for names that mean nothing where they stand, each with its remedy: which are near, and what has one.

What stands for something is found by `names.resolve`, which raises them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from custcrm.filters.checking.sorts import domain_of_type
from custcrm.filters.syntax.constants import quoted
from custcrm.filters.syntax.errors import MOST_TOLD, FilterError, did_you_mean, quote_name, write_instead
from custcrm.filters.syntax.nodes import Place
from custcrm.filters.syntax.operators import AGGREGATES
from custcrm.filters.syntax.to_text import path_text
from custcrm.filters.types.types import Collection, Map
from custcrm.values.spelling import nearest

SHOWN_FIELDS: Final = 8
"""Fields of a record that an error lists."""


def listed(choices: Sequence[str]) -> str:
    """Return the values of a closed list as a message shows them."""
    return in_part([quoted(each) for each in choices])


def in_part(names: Sequence[str]) -> str:
    """Return the first of some names as a message lists them."""
    return ", ".join(names[:SHOWN_FIELDS]) + (" …" if len(names) > SHOWN_FIELDS else "")


def unknown_value(
    message: str, typed: str, candidates: Iterable[str], place: Place | None, *, prefix: tuple[str, ...] | None = None,
    rest: tuple[str, ...] = (),
) -> FilterError:
    """Return the error for a key or choice that is not one of the candidates, with the nearest as it would be typed.

    Where none is near, the message lists them. A key stands in a path between `prefix` and `rest`.
    """
    spelled = {each: quoted(each) if prefix is None else path_text((*prefix, each, *rest)) for each in candidates}
    suggestions = [spelled[each] for each in alike(typed, spelled)]
    told = did_you_mean(suggestions) or (f"; one of {in_part(tuple(spelled.values()))}" if spelled else "")
    return FilterError(
        "unknown_value",
        message + told,
        public=f"a value that is not one of those allowed{did_you_mean(suggestions)}",
        span=place,
        expected=tuple(spelled.values()),
        suggestions=suggestions,
    )


def alike(typed: str, candidates: Iterable[str]) -> Sequence[str]:
    """Return those of the candidates that differ from what was typed in their case alone, else the nearest ones."""
    candidates = list(candidates)
    return [each for each in candidates if each.casefold() == typed.casefold()] or nearest(typed, candidates)


def no_field(
    name: str, candidates: Iterable[str], place: Place | None, where: str = "", *, prefix: tuple[str, ...] = ()
) -> FilterError:
    """Return the error for a name that is none of the candidates, with the nearest as they would be typed behind `prefix`."""
    suggestions = [path_text((*prefix, each)) for each in alike(name, candidates)]
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
    """Return the error for a name that the records of collections or maps have, with how it is asked of them.

    `metrics` are those that are made of it.
    """
    suggestions, shown = list(metrics), list(metrics)
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


def no_key(name: str, field: str, keys: Sequence[str], place: Place | None) -> FilterError:
    """Return the error for a map whose key was left out: `programs.points`."""
    ways = tuple(path_text((name, key, field)) for key in keys)
    told = " or ".join(ways[:MOST_TOLD]) or f"{name}.KEY.{path_text((field,))}"
    message = f"{name} has {field} under each of its keys; write {told}"
    return FilterError("unknown_value", message, public=message, span=place, suggestions=ways)


def owner_named(name: str, where: str, rest: tuple[str, ...], place: Place | None) -> FilterError:
    """Return the error for a field with its owner in front, as other languages write it: `customer.country`."""
    ways = (path_text(rest),)
    message, public = f"no field {quote_name(name)}; {where} stand alone", "a field that does not exist"
    return FilterError("unknown_field", message + write_instead(ways), public=public, span=place, suggestions=ways)


def not_inside(name: str, collection: str, offered: Sequence[str], place: Place | None) -> FilterError:
    """Return the error for a name that nothing has, inside WHERE, with what the records have."""
    told = f"inside {collection}: {in_part(offered)}"
    message, public = f"no field {quote_name(name)}; {told}", f"a field that does not exist; {told}"
    return FilterError("unknown_field", message, public=public, span=place, expected=tuple(offered))


def out_of_scope(name: str, owner: str, collection: str, offered: Sequence[str], place: Place | None) -> FilterError:
    """Return the error for a name of the row inside WHERE, where the records of a collection have their own."""
    message = f"{quote_name(name)} belongs to {owner}; inside {collection}: {in_part(offered)}"
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
