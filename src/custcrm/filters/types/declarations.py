"""What a schema says: the names that filters may use, with their types, and what metrics and segments stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo
from types import MappingProxyType
from typing import Any, Final, TypeAlias, cast, get_args

from custcrm.filters.types.annotations import declared
from custcrm.filters.types.types import Collection, Elapsed, Map, Metric, Money, Scalar
from custcrm.values.errors import Malformed
from custcrm.values.money import exponent
from custcrm.values.periods import Feb29
from custcrm.values.places import zone

Segments: TypeAlias = Mapping[str, Any] | Callable[[str], Any]
"""What each saved filter is, by name: a text, or a tree of `syntax`; a function says None where there is none."""

LONGEST_NAME: Final = 255
"""Code points in a field's name: far above any column name, far below what an error message could not show."""


class Declarations:
    """What a `Schema` says, for all that reads, checks and compiles filters; see there for the arguments.

    `read_definitions` remembers what the texts of metrics and derived fields were read as. Only `checking` writes it.
    """

    def __init__(
        self,
        fields: Mapping[str, Any],
        *,
        timezone: str,
        currency: str | None,
        feb29: Feb29,
        metrics: Mapping[str, str | Metric | Elapsed],
        segments: Segments,
        noun: str,
    ) -> None:
        self.types: Mapping[str, Scalar | Map | Collection] = MappingProxyType(
            {_checked_name(name): declared(name, given) for name, given in fields.items()}
        )
        self.metrics: Mapping[str, Metric | Elapsed] = MappingProxyType(
            {_checked_name(name): Metric(value=each) if isinstance(each, str) else each for name, each in metrics.items()}
        )
        self.segments: Segments = segments
        self.timezone = timezone
        self.zone: tzinfo = zone(timezone)
        self.currency = currency
        self.exponent = exponent(currency) if currency else 0
        self.feb29: Feb29 = feb29
        self.noun = noun
        self.read_definitions: dict[tuple[str, ...], Any] = {}
        self._check()

    def _check(self) -> None:
        """Refuse now what could only fail later: a name with two meanings, money without currency."""
        if both := self.types.keys() & self.metrics.keys():
            raise Malformed(f"{min(both)!r} is a field and a metric; rename one", field="metrics")
        if self.feb29 not in get_args(Feb29):
            raise Malformed("feb29 is 'feb28' or 'mar1'", field="feb29", suggestions=get_args(Feb29))
        if self.currency is None and (name := _first_money("", self.types)):
            raise Malformed(f"{name} is Money; give the schema a currency", field="currency")


def _checked_name(name: object) -> str:
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
