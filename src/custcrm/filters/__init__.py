"""The filter engine on its own: your fields, your rows or tables, one small language.

`Schema` gives names their types, `schema.parse` reads a `Filter`, which is asked of dictionaries, objects and SQL
tables. The names are resolved when they are first used; nothing here loads a database or another part of custcrm than
its values.

Read `types`, `syntax`, `parsing`, `checking`, `ir`, `lowering`, `targets` in the order in which a filter passes them, then
`tools`; on top `filter`, `builder` with `words`, and `schema`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from custcrm.filters.builder import Fields, Value
    from custcrm.filters.filter import Expression, Filter
    from custcrm.filters.schema import Schema
    from custcrm.filters.syntax.errors import FilterError, LimitExceeded
    from custcrm.filters.tools.explanation import ConditionVerdict, Explanation
    from custcrm.filters.types.types import (
        Boolean,
        Choice,
        Collection,
        Date,
        Derived,
        Elapsed,
        Instant,
        Integer,
        Map,
        Metric,
        Money,
        Number,
        Text,
    )
    from custcrm.filters.words import FALSE, TRUE, ago, from_now, now, segment, today
    from custcrm.values.texts import fold

_HOMES = {
    "custcrm.filters.builder": "Fields Value",
    "custcrm.filters.syntax.errors": "FilterError LimitExceeded",
    "custcrm.filters.tools.explanation": "ConditionVerdict Explanation",
    "custcrm.filters.filter": "Expression Filter",
    "custcrm.filters.schema": "Schema",
    "custcrm.filters.types.types": "Boolean Choice Collection Date Derived Elapsed Instant Integer Map Metric Money "
    "Number Text",
    "custcrm.filters.words": "FALSE TRUE ago from_now now segment today",
    "custcrm.values.texts": "fold",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [
    "FALSE", "TRUE", "Boolean", "Choice", "Collection", "ConditionVerdict", "Date", "Derived", "Elapsed", "Explanation",
    "Expression", "Fields", "Filter", "FilterError", "Instant", "Integer", "LimitExceeded", "Map", "Metric", "Money",
    "Number", "Schema", "Text", "Value", "ago", "fold", "from_now", "now", "segment", "today",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
