"""The types that a schema gives to its fields.

A closed union of frozen declarations. Each has a `label` for people and `personal`, which keeps compared values out
of a filter's repr. `Elapsed` and `Metric` declare only metrics; `Derived` only fields of a map's record.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, TypeAlias
from typing import Literal as OneOf

from attrs import field, frozen

from custcrm.values.errors import Malformed

DEFAULT_PLACES: Final = 6
"""Decimals of a bare `Decimal`: exact through arithmetic, and far from 64 bits for everyday numbers."""
MAX_PLACES: Final = 9


@frozen(kw_only=True)
class Text:
    """A text, compared by code points."""

    label: str = ""
    personal: bool = False


@frozen(kw_only=True)
class Integer:
    """A whole number of 64 bits."""

    label: str = ""
    personal: bool = False


def _places(_: object, __: object, places: int) -> None:
    if not 0 <= places <= MAX_PLACES:
        raise Malformed(f"a Number has 0 to {MAX_PLACES} places, not {places}")


@frozen(kw_only=True)
class Number:
    """A decimal number with a fixed count of decimal places."""

    places: int = field(default=DEFAULT_PLACES, validator=_places)
    label: str = ""
    personal: bool = False


@frozen(kw_only=True)
class Money:
    """An amount in the schema's currency, kept in whole minor units; written in major units."""

    label: str = ""
    personal: bool = False


@frozen(kw_only=True)
class Boolean:
    """True or false; the one type that is a condition by itself."""

    label: str = ""
    personal: bool = False


@frozen(kw_only=True)
class Date:
    """A calendar day; with `yearless=True` the year may be unknown (birth dates)."""

    label: str = ""
    personal: bool = False
    yearless: bool = False


@frozen(kw_only=True)
class Instant:
    """A point in time: an aware datetime."""

    label: str = ""
    personal: bool = False


@frozen(init=False)
class Choice:
    """One of a closed list of texts: `Choice("FI", "SE", label="Country")`, or an `Enum` class with text values."""

    values: tuple[str, ...]
    label: str = field(kw_only=True, default="")
    personal: bool = field(kw_only=True, default=False)

    def __init__(self, *values: str | type[Enum], label: str = "", personal: bool = False) -> None:
        listed = [each for value in values for each in (value if isinstance(value, type) else (value,))]
        texts = tuple(value.value if isinstance(value, Enum) else value for value in listed)
        if not texts or not all(isinstance(text, str) for text in texts) or len(set(texts)) < len(texts):
            raise Malformed("a Choice takes one or more different texts, or an Enum class whose values are texts")
        self.__attrs_init__(texts, label=label, personal=personal)


@frozen(kw_only=True)
class Elapsed:
    """A whole count of years or days from a date until today: `Elapsed(unit="years", since="birth_date")`.

    `since` is a value in the filter language, of type Date (years) or Date or Instant (days).
    """

    unit: str = field()
    since: str
    label: str = ""
    personal: bool = False

    @unit.validator
    def _known(self, _: object, unit: str) -> None:
        if unit not in ("years", "days"):
            raise Malformed("Elapsed counts 'years' or 'days'", suggestions=("years", "days"))


@frozen(kw_only=True)
class Derived:
    """A field of a map's record that is a value in the filter language; `:key` stands for the entry's key.

    Missing where the entry does not exist. With `when`, a condition that may name `:key` too, the value is `otherwise`
    where the condition does not hold: `Derived(value="SUM(…)", when="programs.:key.access = 'full'", otherwise=0)`.
    """

    value: str
    type: Scalar
    when: str | None = None
    otherwise: int | None = None
    label: str = ""
    personal: bool = False


@frozen(kw_only=True)
class Metric:
    """A named value in the filter language, with a label: `Metric(value="AVG(sales.total)", label="Average check")`.

    A schema takes the bare text as well.
    """

    value: str
    label: str = ""
    personal: bool = False


@frozen
class Map:
    """Named values, `Map(Text())`, or records by name, `Map({"access": Choice(…), "points": Integer()},
    keys=("gold",))`.

    With `keys` the map is closed: another key is an error. `keys` may also be a mapping that types each key.
    """

    value: Any = field(factory=Text)
    keys: Any = field(kw_only=True, default=None)
    label: str = field(kw_only=True, default="")
    personal: bool = field(kw_only=True, default=False)


@frozen
class Collection:
    """The row's own records: `Collection({"total": Money(), "lines": Collection({…})}, at="occurred_at")`.

    `at` names the Instant or Date field that says when a record became true; later records are not seen. `until` names
    the one that says since when it is true no more; those that have ended are not seen either. `scopes` names the fields
    that a scope narrows. `where` is a condition in the filter language, on the record's own fields: records of which it is
    not true are not of this collection. `weight` names the Integer field that says how many records one counts for in an
    average. `version` is that of the language since which the collection is what it is: filters that read it have another
    hash than before. A `hidden` collection serves metrics and derived fields, and is not offered by name in errors.

    A collection named `sales.lines`, beside `sales` with its `lines`, has the lines of all of them: `COUNT(sales.lines)`.
    """

    fields: Mapping[str, Any] = field(hash=False)
    at: str | None = field(kw_only=True, default=None)
    until: str | None = field(kw_only=True, default=None)
    scopes: tuple[str, ...] = field(kw_only=True, default=())
    where: str | None = field(kw_only=True, default=None)
    weight: str | None = field(kw_only=True, default=None)
    version: int = field(kw_only=True, default=1)
    label: str = field(kw_only=True, default="")
    personal: bool = field(kw_only=True, default=False)
    hidden: bool = field(kw_only=True, default=False)


Scalar: TypeAlias = Text | Integer | Number | Money | Boolean | Date | Instant | Choice
Type: TypeAlias = Scalar | Elapsed | Derived | Map | Collection
Sort: TypeAlias = OneOf[
    "text",
    "integer",
    "number",
    "money",
    "boolean",
    "date",
    "instant",
    "choice",
    "elapsed",
    "anniversary",
    "moment",
    "clock_moment",
]
"""What sort of value there is: of each type, and of counts of time, anniversaries and relative times, which have none."""
