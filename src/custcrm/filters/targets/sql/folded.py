"""Folded texts of plain tables: which column holds which fold of which text. The names to know are `read_folded`, `Folds`.

A table of your own says so to `to_sql`: `folded={"CASEI(first_name)": "first_name_small", "ACCENTI(visits.place)": "plain"}`.
The column stands in the table of the text, and holds what `custcrm.filters.fold` gives for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any as Anything
from typing import TypeAlias

from custcrm.filters.parsing.parser import parse_value
from custcrm.filters.syntax.errors import FilterError, quote_name
from custcrm.filters.syntax.nodes import Field, Fold
from custcrm.filters.types.declarations import Declarations
from custcrm.filters.types.types import Collection, Map, Text

Folds: TypeAlias = Mapping[tuple[tuple[str, ...], bool, bool], str]
"""Columns, by the path of the text from the row (of a map's value, the map's), and whether case and accents are left out."""


def read_folded(schema: Declarations, given: Mapping[str, str]) -> Folds:
    """Return the columns of folds; `FilterError("target")` names what is no fold of a text of the schema."""
    found: dict[tuple[tuple[str, ...], bool, bool], str] = {}
    for written, column in given.items():
        match parse_value(written):
            case Fold(case, accent, Field(path)) if isinstance(_at(schema, path), Text):
                found[path, case, accent] = column
            case _:
                raise FilterError(
                    "target", f"folded: {quote_name(written)} is not CASEI, ACCENTI or both of a text of the schema"
                )
    return found


def _at(schema: Declarations, path: tuple[str, ...]) -> Anything:
    """Return the type of what stands there: of a map, that of its values."""
    found: Anything = schema.types.get(path[0])
    for name in path[1:]:
        held = found.fields if isinstance(found, Collection) else found.value if isinstance(found, Map) else None
        found = held.get(name) if isinstance(held, Mapping) else None
    return found.value if isinstance(found, Map) else found
