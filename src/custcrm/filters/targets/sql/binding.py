"""Bound parameters: how constants and moments reach the database. The names to know are `Binding` and `ListParameter`.

A value is bound with the type of the column it meets where that type has an encoding of its own (a TypeDecorator, an
Enum), else with the plain type of its kind: whole numbers as 64 bits, so that a small column may meet a large constant.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any as Anything
from typing import Final, TypeAlias

import sqlalchemy as sa
from attrs import define, field
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from custcrm.filters.ir.nodes import Moment, Physical

SqlType: TypeAlias = TypeEngine[Anything]

LISTED_ONE_BY_ONE: Final = Decimal
"""Decimals are listed as parameters of their own: a float read back from JSON text may miss the column's by one bit."""


class Instants(sa.TypeDecorator[datetime]):
    """An aware instant for a DateTime column, in UTC; without its zone for a column that keeps none."""

    impl = sa.DateTime
    cache_ok = True

    def __init__(self, timezone: bool) -> None:
        super().__init__(timezone=timezone)
        self.timezone = timezone

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the instant as the column keeps it."""
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc if self.timezone else utc.replace(tzinfo=None)


class Whole(sa.TypeDecorator[int]):
    """A whole number of any size: NUMERIC on PostgreSQL; on SQLite an integer, or the digits of one beyond 64 bits."""

    impl = sa.Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> SqlType:
        """Return the type that carries the number."""
        return dialect.type_descriptor(sa.BigInteger() if dialect.name == "sqlite" else sa.Numeric())

    def process_result_value(self, value: Anything, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Return the number as Python's."""
        return None if value is None else int(value)


class ListParameter(sa.TypeDecorator[Anything]):
    """A list of values as one parameter: an array on PostgreSQL, JSON text on SQLite.

    A parameter each would change the statement with the length of the list, and 10,000 come near the limits of both.
    """

    impl = sa.Text
    cache_ok = True

    def __init__(self, item: SqlType) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> SqlType:
        """Return the type that carries the list."""
        return dialect.type_descriptor(sa.ARRAY(self.item) if dialect.name == "postgresql" else sa.Text())

    def process_bind_param(self, value: Anything, dialect: Dialect) -> Anything:
        """Return the list as the driver takes it, each value as its own type encodes it."""
        if dialect.name == "postgresql":
            return list(value)
        encode = self.item.dialect_impl(dialect).bind_processor(dialect)
        return json.dumps([encode(each) for each in value] if encode else list(value), ensure_ascii=False)


class Digits(sa.TypeDecorator[int]):
    """A whole number of any size in a list: its digits on SQLite, a NUMERIC on PostgreSQL."""

    impl = sa.Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> SqlType:
        """Return the type that carries the number."""
        return dialect.type_descriptor(sa.Text() if dialect.name == "sqlite" else sa.Numeric())

    def process_bind_param(self, value: int | None, dialect: Dialect) -> Anything:
        """Return the number as the list holds it."""
        return str(value) if dialect.name == "sqlite" else value


def listed_digits(numbers: Iterable[int]) -> sa.BindParameter[Anything]:
    """Return one parameter that holds whole numbers of any size."""
    return sa.bindparam(None, list(numbers), type_=ListParameter(Digits()), unique=True)


_PLAIN: Final[dict[type, SqlType]] = {
    str: sa.Text(),
    int: sa.BigInteger(),
    Decimal: sa.Numeric(),
    bool: sa.Boolean(),
    date: sa.Date(),
}
_ZONED: Final = Instants(timezone=True)
_UNZONED: Final = Instants(timezone=False)

_MOMENTS: Final[dict[str, type]] = {
    "now": datetime,
    "today": date,
    "day_start": datetime,
    "birth_bound": date,
    "day_bound": date,
    "day_bound_start": datetime,
    "month_day_low": int,
    "month_day_high": int,
}


@define
class Binding:
    """Makes parameters, and keeps account of the moments among them.

    With `resolve`, moments are constants like any other; without, each is a parameter by name, to be bound at
    execution. The name follows from the moment, so that filters which share a statement share it.
    """

    resolve: Callable[[Moment], date | datetime | int] | None = None
    moments: dict[str, Moment] = field(factory=dict)

    def constant(self, value: Physical, beside: SqlType | None = None) -> sa.BindParameter[Anything]:
        """Return a parameter that holds the value, for comparison with an expression of the type `beside`."""
        return sa.bindparam(None, _spelled(value, beside), type_=bind_type(type(value), beside), unique=True)

    def moment(self, moment: Moment, beside: SqlType | None = None) -> sa.BindParameter[Anything]:
        """Return the parameter of a moment."""
        if self.resolve is not None:
            return self.constant(self.resolve(moment), beside)
        type_ = bind_type(_MOMENTS[moment.kind], beside)
        told = f"{moment!r} {type_!r} {getattr(type_, 'timezone', None)}"  # one moment may be bound as several types
        name = f"{moment.kind}_{blake2b(told.encode(), digest_size=6).hexdigest()}"
        self.moments[name] = moment
        return sa.bindparam(name, type_=type_)

    def listed(self, values: Iterable[Physical], beside: SqlType) -> sa.BindParameter[Anything]:
        """Return one parameter that holds all the values, which are of one kind."""
        items = [_spelled(value, beside) for value in values]
        return sa.bindparam(None, items, type_=ListParameter(bind_type(_kind(items), beside)), unique=True)


def bind_type(kind: type, beside: SqlType | None) -> SqlType:
    """Return the type with which a value of a kind is bound."""
    if isinstance(beside, sa.TypeDecorator | sa.Enum):
        return beside
    if kind is datetime:
        return _UNZONED if isinstance(beside, sa.DateTime) and not beside.timezone else _ZONED
    return _PLAIN[kind]


def _spelled(value: Physical, beside: SqlType | None) -> Anything:
    """Return the value as the column's Python type: an Enum column takes its class's members."""
    return beside.enum_class(value) if isinstance(beside, sa.Enum) and beside.enum_class else value


def _kind(items: list[Anything]) -> type:
    kinds = {type(item) for item in items}
    return Decimal if Decimal in kinds else kinds.pop()
