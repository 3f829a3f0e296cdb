"""What a filter may speak of: `Schema` gives names their types, and reads filters from text, JSON and screens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast, get_args

from custcrm.filters.types.annotations import declared, fields_of
from custcrm.filters.types.types import Collection, Elapsed, Map, Metric, Money, Scalar
from custcrm.values.errors import Malformed
from custcrm.values.money import exponent
from custcrm.values.periods import Feb29, zone

if TYPE_CHECKING:  # these modules read schemas; a schema calls them only when it is asked something
    from custcrm.filters.builder import Fields
    from custcrm.filters.filter import Expression, Filter
    from custcrm.filters.tools.screen import Condition

Segments: TypeAlias = "Mapping[str, str | Filter] | Callable[[str], str | Filter | None]"

LONGEST_NAME: Final = 255
"""Code points in a field's name: far above any column name, far below what an error message could not show."""


class Schema:
    """The names that filters may use, and what they mean: immutable, equal only to itself.

    `fields` maps names to Python types (`str int Decimal bool date datetime`, an `Enum`, `dict[str, T]`, `[{…}]`) or
    to the types of this package. `metrics` are named values in the language, or `Elapsed`; `segments` are named
    filters, or a function that finds one (None: there is none). Days begin in `timezone`; amounts are in `currency`,
    without which there are no Money fields. `noun` says what a row is, for messages.

        schema = Schema({"country": str, "visits": int, "orders": [{"total": int}]})
        schema.parse("country = 'FI' AND COUNT(orders) > 2").select(rows)
    """

    def __init__(
        self,
        fields: Mapping[str, Any],
        *,
        timezone: str = "UTC",
        currency: str | None = None,
        feb29: Feb29 = "feb28",
        metrics: Mapping[str, str | Metric | Elapsed] | None = None,
        segments: Segments | None = None,
        noun: str = "row",
    ) -> None:
        self.types: Mapping[str, Scalar | Map | Collection] = MappingProxyType(
            {_named(name): declared(name, given) for name, given in fields.items()}
        )
        self.metrics: Mapping[str, Metric | Elapsed] = MappingProxyType(
            {
                _named(name): Metric(value=each) if isinstance(each, str) else each
                for name, each in (metrics or {}).items()
            }
        )
        self.segments: Segments = segments if callable(segments) else MappingProxyType(dict(segments or {}))
        self.timezone = timezone
        self.zone: tzinfo = zone(timezone)
        self.currency = currency
        self.exponent = exponent(currency) if currency else 0
        self.feb29: Feb29 = feb29
        self.noun = noun
        self._definitions: dict[tuple[str, ...], Any] = {}
        self._checked_declarations()

    @classmethod
    def of(cls, record: type, *, leave_out: Sequence[str] = (), **options: Any) -> Schema:
        """Return the schema of an attrs class or a dataclass, its types read from the annotations.

        Optional fields may be missing, a tuple or list of such classes is a collection, `dict[str, T]` a map. The
        options are those of `Schema`.
        """
        return cls(fields_of(record, leave_out), **options)

    def evolve(self, **changes: Any) -> Schema:
        """Return a schema that differs in the given options of `Schema`; the others stay."""
        options: dict[str, Any] = {
            "fields": self.types,
            "timezone": self.timezone,
            "currency": self.currency,
            "feb29": self.feb29,
            "metrics": self.metrics,
            "segments": self.segments,
            "noun": self.noun,
        }
        return type(self)(**options | changes)

    @cached_property
    def fields(self) -> Fields:
        """The fields as Python expressions: `schema.fields.visits > 3`."""
        from custcrm.filters.builder import Fields

        return Fields(self)

    def parse(self, text: str, values: Mapping[str, Any] | None = None) -> Filter:
        """Read a filter from text, `values` given beside it for `:name`; `FilterError` shows place and remedy."""
        from custcrm.filters.filter import Filter
        from custcrm.filters.parsing.parser import parse

        return Filter.of(self, parse(text, values), text=text)

    def from_json(self, data: Mapping[str, Any] | str) -> Filter:
        """Read a filter from CQL2 JSON, decoded or as text; `FilterError` points at the part that is wrong."""
        from custcrm.filters.filter import Filter
        from custcrm.filters.syntax.to_json import meaning

        return meaning(data, partial(Filter.of, self))

    def parse_value(self, text: str, values: Mapping[str, Any] | None = None) -> Expression:
        """Read one value or condition, for a column or a sort key: `"SUM(sales.total)"`, `"sales_count > 3"`."""
        from custcrm.filters.filter import Expression
        from custcrm.filters.parsing.parser import parse_value

        return Expression.of(self, parse_value(text, values), text=text)

    def conditions(self) -> list[Condition]:
        """Return what a screen may offer: each field with its label and the operators that fit it."""
        from custcrm.filters.tools.screen import conditions

        return list(conditions(self))

    def from_conditions(self, rows: Sequence[Mapping[str, Any]]) -> Filter:
        """Read the flat list that a screen sends back; AND binds before OR. `FilterError` names a wrong row."""
        from custcrm.filters.tools.screen import from_conditions

        return from_conditions(self, rows)

    def _checked_declarations(self) -> None:
        """Refuse now what could only fail later: a name with two meanings, money without currency, wrong metrics."""
        if both := self.types.keys() & self.metrics.keys():
            raise Malformed(f"{min(both)!r} is a field and a metric; rename one", field="metrics")
        if self.feb29 not in get_args(Feb29):
            raise Malformed("feb29 is 'feb28' or 'mar1'", field="feb29", suggestions=get_args(Feb29))
        if self.currency is None and (name := _first_money("", self.types)):
            raise Malformed(f"{name} is Money; give the schema a currency", field="currency")
        if self.metrics or any(isinstance(kind, Map) for kind in self.types.values()):
            from custcrm.filters.checking.definitions import check_definitions

            check_definitions(self)

    def __repr__(self) -> str:
        return f"<Schema of {len(self.types)} fields and {len(self.metrics)} metrics>"


def _named(name: object) -> str:
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise Malformed(f"a field is named by a text of 1 to {LONGEST_NAME} visible characters", field="fields")
    return name


def _first_money(prefix: str, fields: Mapping[str, Any]) -> str | None:
    """Return the path of the first Money field, however deep, or None."""
    for name, kind in fields.items():
        path = f"{prefix}{name}"
        if isinstance(kind, Money):
            return path
        inner = kind.fields if isinstance(kind, Collection) else _map_values(kind) if isinstance(kind, Map) else {}
        if found := _first_money(f"{path}.", inner):
            return found
    return None


def _map_values(kind: Map) -> Mapping[str, Any]:
    typed = cast("Mapping[str, Any]", kind.keys) if isinstance(kind.keys, Mapping) else {}
    record = kind.value if isinstance(kind.value, Mapping) else {"": kind.value}
    return {**typed, **{key: getattr(each, "type", each) for key, each in record.items()}}
