"""What a filter may speak of: `Schema` gives names their types, and reads filters from text, JSON and screens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any, TypeAlias, cast

from attrs import field, frozen

from custcrm.filters.builder import Fields
from custcrm.filters.checking.definitions import check_definitions
from custcrm.filters.filter import Expression, Filter
from custcrm.filters.parsing.json import meaning
from custcrm.filters.parsing.parser import parse, parse_value
from custcrm.filters.syntax.nodes import Condition as ConditionNode
from custcrm.filters.tools.mending import understood
from custcrm.filters.tools.screen import Condition, conditions, from_conditions
from custcrm.filters.types.annotations import fields_of
from custcrm.filters.types.declarations import Declarations
from custcrm.filters.types.types import Elapsed, Metric
from custcrm.values.periods import Feb29

Segment: TypeAlias = str | Filter | None
Segments: TypeAlias = Mapping[str, str | Filter] | Callable[[str], Segment]


class Schema(Declarations):
    """The names that filters may use, and what they mean: immutable, equal to every schema that was made of the same.

    `fields` maps names to Python types (`str int Decimal bool date datetime`, an `Enum`, `dict[str, T]`, `[{…}]`) or
    to the types of this package. `metrics` are named values in the language, or `Elapsed`; `segments` are named
    filters, or a function that finds one (None: there is none); where that can be iterated, for the names, an error
    suggests near ones. Days begin in `timezone`; amounts are in `currency`, without which there are no Money fields.
    `noun` says what a row is, for messages.

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
        super().__init__(
            fields, timezone=timezone, currency=currency, feb29=feb29, metrics=metrics or {},
            segments=_segments_as_nodes(segments or {}), noun=noun,
        )
        check_definitions(self)

    @classmethod
    def of(cls, record: type, *, leave_out: Sequence[str] = (), **options: Any) -> Schema:
        """Return the schema of an attrs class or a dataclass, its types read from the annotations.

        Optional fields may be missing, a tuple or list of such classes is a collection, `dict[str, T]` a map. The
        options are those of `Schema`.
        """
        return cls(fields_of(record, leave_out), **options)

    def evolve(self, **changes: Any) -> Schema:
        """Return a schema that differs in the given options of `Schema`; the others stay."""
        return type(self)(**self._options() | changes)

    def _options(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in ("timezone", "currency", "feb29", "noun")}
        segments: Any = self.segments
        segments = segments.find if isinstance(segments, _Found) else dict(segments)
        return given | {"fields": dict(self.types), "metrics": dict(self.metrics), "segments": segments}

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, Schema):
            return self is other or NotImplemented
        # Segments first: where two stores have the same words, these tell them apart without a look at each word.
        return self.segments == other.segments and self._options() == other._options()

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        found: Any = self.segments
        said = found if callable(found) else len(found)
        return hash((self.timezone, self.currency, self.feb29, self.noun, said, *self.types, *self.metrics))

    def __copy__(self) -> Schema:
        """Return the schema itself: it is immutable."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Schema:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what the schema was made of; segments that are a function as that function says."""
        return _made_again, (type(self), self._options())

    @cached_property
    def fields(self) -> Fields:
        """The fields as Python expressions: `schema.fields.visits > 3`."""
        return Fields(self)

    def parse(self, text: str, values: Mapping[str, Any] | None = None) -> Filter:
        """Read a filter from text, `values` given beside it for `:name`; `FilterError` shows place and remedy."""
        return understood(lambda each: Filter.of(self, parse(each, values), text=each), text)

    def from_json(self, data: Mapping[str, Any] | str) -> Filter:
        """Read a filter from CQL2 JSON, decoded or as text; `FilterError` points at the part that is wrong."""
        return meaning(data, partial(Filter.of, self))

    def parse_value(self, text: str, values: Mapping[str, Any] | None = None) -> Expression:
        """Read one value or condition, for a column or a sort key: `"SUM(sales.total)"`, `"sales_count > 3"`."""
        return understood(lambda each: Expression.of(self, parse_value(each, values), text=each), text)

    def conditions(self) -> list[Condition]:
        """Return what a screen may offer: each field with its label and the operators that fit it."""
        return list(conditions(self))

    def from_conditions(self, rows: Sequence[Mapping[str, Any]]) -> Filter:
        """Read the flat list that a screen sends back; AND binds before OR. `FilterError` names a wrong row."""
        return Filter.of(self, from_conditions(self, rows))

    def __repr__(self) -> str:
        return f"<Schema of {len(self.types)} fields and {len(self.metrics)} metrics>"


def _segments_as_nodes(given: Segments) -> Mapping[str, str | ConditionNode] | Callable[[str], str | ConditionNode | None]:
    """Return the segments with the tree of each that is given as a Filter: what checks and compiles knows trees only."""
    if callable(given):
        listed: object = given
        return _Found(given, listed if isinstance(listed, Iterable) else ())
    return MappingProxyType({name: _as_node(each) for name, each in given.items()})


@frozen
class _Found:
    """A function that finds segments, their trees instead of filters; iterating gives the names where it does that too."""

    find: Callable[[str], Segment]
    _names: Iterable[str] = field(eq=False)

    def __hash__(self) -> int:
        try:
            return hash(self.find)
        except TypeError:  # an object that can be called and changed
            return 0

    def __call__(self, name: str) -> str | ConditionNode | None:
        return cast("str | ConditionNode | None", _as_node(self.find(name)))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)


def _made_again(kind: type[Schema], options: dict[str, Any]) -> Schema:
    return kind(**options)


def _as_node(segment: Any) -> Any:
    return segment.node if isinstance(segment, Filter) else segment
