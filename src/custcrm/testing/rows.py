"""Rows that fit a schema of filters, drawn from the pools of `samples`. The name to know is `rows`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from custcrm.filters.schema import Schema
from custcrm.filters.types import types as t
from custcrm.testing.samples import DAYS, DECIMALS, FAR_NUMBERS, INSTANTS, KEYS, NUMBERS, TEXTS
from custcrm.values.birthdays import YearlessDate
from custcrm.values.money import Money

Fields: TypeAlias = Mapping[str, Any]
ALL_NUMBERS: Final[tuple[Decimal, ...]] = (*map(Decimal, NUMBERS), *DECIMALS)


def rows(schema: Schema) -> SearchStrategy[dict[str, Any]]:
    """Draw a row as a mapping that fits the schema: keys may be absent, values None."""
    return _record(schema.types, schema.currency, top=True)


def _record(fields: Fields, currency: str | None, *, top: bool = False) -> SearchStrategy[dict[str, Any]]:
    values = {name: _held(kind, currency, top=top) for name, kind in fields.items()}
    return st.fixed_dictionaries({}, optional=values)


def _held(kind: Any, currency: str | None, *, top: bool = False) -> SearchStrategy[Any]:
    match kind:
        case t.Collection(fields):
            return st.lists(_record(fields, currency), max_size=3)
        case t.Map(value, keys=keys):
            names = st.sampled_from(tuple(keys) if keys else KEYS)
            of_record = isinstance(value, Mapping)
            held = _record(value, currency) if of_record else _scalar(value, currency)
            return st.dictionaries(names, held, max_size=2)
        case _:
            return _scalar(kind, currency, top=top)


def _scalar(kind: Any, currency: str | None, *, top: bool = False) -> SearchStrategy[Any]:
    pool: Sequence[Any]
    match kind:
        case t.Text():
            pool = TEXTS
        case t.Choice(values):
            pool = values
        case t.Integer():
            pool = (*NUMBERS, *FAR_NUMBERS) if top else NUMBERS
        case t.Number(places=places):
            pool = [each for each in ALL_NUMBERS if each == round(each, places)]
        case t.Money():
            pool = [Money(each, currency or "EUR") for each in ALL_NUMBERS]
        case t.Boolean():
            pool = (True, False)
        case t.Date(yearless=True):
            pool = (*DAYS, YearlessDate(2, 29), YearlessDate(11, 22))
        case t.Date():
            pool = DAYS
        case t.Instant():
            pool = INSTANTS
        case _:
            raise TypeError(f"no values for {kind}")
    return st.sampled_from([*pool, None])
