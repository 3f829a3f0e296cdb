"""Statements about customers: a question, and what is asked of those it gives. Built once per condition, executed often.

The time is bound at each execution: a `Statement` knows the moments of all its conditions and resolves them. Statements are
kept by lowered conditions, never by filters: equal filters of two schemas may mean different days, and a segment may change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final, TypeAlias, TypeGuard

import sqlalchemy as sa
from attrs import define, field, frozen

from custcrm.filters.filter import Filter
from custcrm.filters.ir.moments import resolve
from custcrm.filters.ir.nodes import Column, Condition, Moment, Shown
from custcrm.filters.targets.sql.arithmetic import is_wide
from custcrm.filters.targets.sql.compile import compile_condition, compile_value
from custcrm.filters.targets.sql.phrases import IsNotTrue, IsTrue, OnPostgreSQL, SortedBy, Truncated
from custcrm.filters.targets.sql.source import Element
from custcrm.filters.types.types import Date
from custcrm.storage.questions import Order, Question, Verdict
from custcrm.storage.sql.sources import AS_OF, CustomerSource
from custcrm.storage.sql.types import TEXT, bind_text
from custcrm.values.birthdays import YearlessDate
from custcrm.values.errors import Reason

Rules: TypeAlias = tuple[tuple[Reason, Condition], ...]

STATEMENTS: Final = 512
"""Statements kept of each kind: a compiled one is some kilobytes."""


@frozen
class Statement:
    """What the engine runs, the moments that it needs, and for a query what makes one value of two cells, by column."""

    executable: sa.Executable
    needed: Mapping[str, Moment]
    joins: tuple[Callable[[Any, Any], Any] | None, ...] = ()

    def moments(self, question: Question, **others: Any) -> dict[str, Any]:
        """Return the parameters for one execution; those that are None are left out."""
        given = {name: value for name, value in others.items() if value is not None}
        return {**parameters(self.needed, question.as_of, question.filter), **given}

    def shown(self, row: Iterable[Any]) -> tuple[Any, ...]:
        """Return a row with the cells put together that make one value."""
        if not any(self.joins):
            return tuple(row)
        cells = iter(row)
        return (next(cells), *(join(next(cells), next(cells)) if join else next(cells) for join in self.joins))


def parameters(needed: Mapping[str, Moment], as_of: datetime, filter: Filter) -> dict[str, Any]:
    """Return the values of moments, and `as_of` itself."""
    schema = filter.schema
    resolved = {
        name: resolve(moment, as_of, zone=schema.zone, feb29=schema.feb29) for name, moment in needed.items()
    }
    return {AS_OF: as_of, **resolved}


@define
class Asking:
    """One statement being built: conditions and values over one source, and the moments among them."""

    source: CustomerSource
    needed: dict[str, Moment] = field(factory=dict)

    def condition(self, condition: Condition) -> sa.ColumnElement[bool]:
        """Return the clause of a condition."""
        compiled = compile_condition(condition, self.source)
        self.needed.update(compiled.moments)
        return compiled.clause

    def value(self, shown: Any) -> Element:
        """Return the expression of a value."""
        compiled = compile_value(shown, self.source)
        self.needed.update(compiled.moments)
        return compiled.clause

    def reason(self, rules: Rules) -> Element:
        """Return the first reason that refuses, NULL when none does: one CASE in precedence order."""
        if not rules:
            return sa.cast(sa.null(), TEXT)
        return sa.case(*((IsNotTrue(self.condition(rule)), bind_text(reason)) for reason, rule in rules))


def rules_of(verdict: Verdict) -> Rules:
    """Return what the rules of a verdict mean."""
    return tuple((reason, rule.lowered) for reason, rule in verdict.rules)


@lru_cache(STATEMENTS)
def count(asked: Condition, past: bool) -> Statement:
    """Return the query for the number of customers."""
    asking = Asking(CustomerSource(past))
    where = asking.condition(asked)
    return Statement(sa.select(sa.func.count()).select_from(asking.source.joined()).where(where), asking.needed)


@lru_cache(STATEMENTS)
def ids(asked: Condition, past: bool, *, paged: bool, limited: bool) -> Statement:
    """Return the query for the ids in order."""
    asking = Asking(CustomerSource(past))
    where = asking.condition(asked)
    key = asking.source.customers.c.id
    query = sa.select(key).select_from(asking.source.joined()).where(where)
    return Statement(_page(query, key, paged, limited).order_by(key), asking.needed)


@lru_cache(STATEMENTS)
def tally(asked: Condition, past: bool, rules: Rules) -> Statement:
    """Return the query for how many each reason refuses first."""
    asking = Asking(CustomerSource(past))
    judged = refused(asking, asked, rules).subquery()
    query = sa.select(judged.c.reason, sa.func.count()).group_by(judged.c.reason)
    return Statement(query, asking.needed)


@lru_cache(STATEMENTS)
def refusals(asked: Condition, past: bool, rules: Rules) -> Statement:
    """Return the query for what each rule says about each customer."""
    asking = Asking(CustomerSource(past))
    where = asking.condition(asked)
    key = asking.source.customers.c.id
    said = [IsTrue(asking.condition(rule)) for _, rule in rules]
    query = sa.select(key, *said).select_from(asking.source.joined()).where(where)
    return Statement(query.order_by(key), asking.needed)


@lru_cache(STATEMENTS)
def rows(
    asked: Condition,
    past: bool,
    columns: tuple[Shown, ...],
    order: tuple[Order, ...],
    *,
    paged: bool,
    limited: bool,
    one: bool = False,
) -> Statement:
    """Return the query for values of each customer, or of the `one` whose id is given."""
    asking = Asking(CustomerSource(past))
    where = asking.condition(asked)
    key = asking.source.customers.c.id
    cells = [cell for shown in columns for cell in _cells(asking, shown)]
    keys = [asking.value(part) for each in order for part in _parts_of(each.value)]
    inner = sa.select(
        key.label("id"),
        *(cell.label(f"cell_{place}") for place, cell in enumerate(cells)),
        *(cell.label(f"key_{place}") for place, cell in enumerate(keys)),
    ).select_from(asking.source.joined()).where(where)
    if one:
        inner = inner.where(key == sa.bindparam("only", type_=TEXT))
    joins = tuple(_join(shown) for shown in columns)
    if not order:
        return Statement(_page(inner, key, paged, limited).order_by(key), asking.needed, joins)
    # Named once and then sorted by: a ratio is looked at several times.
    named = inner.subquery()
    query = sa.select(named.c.id, *(named.c[f"cell_{place}"] for place in range(len(cells))))
    query = query.order_by(*_sort_keys(named, order), named.c.id)
    return Statement(_page(query, named.c.id, paged, limited), asking.needed, joins)


def refused(asking: Asking, asked: Condition, rules: Rules) -> sa.Select[Any]:
    """Select the id and the first refusing reason of each customer."""
    where = asking.condition(asked)
    reason = asking.reason(rules)
    key = asking.source.customers.c.id
    return sa.select(key.label("id"), reason.label("reason")).select_from(asking.source.joined()).where(where)


def _page(query: sa.Select[Any], key: Element, paged: bool, limited: bool) -> sa.Select[Any]:
    if paged:
        query = query.where(key > sa.bindparam("after", type_=TEXT))
    return query.limit(sa.bindparam("limit", type_=sa.BigInteger())) if limited else query


def _parts_of(shown: Shown) -> tuple[Any, ...]:
    return (shown.value,) if shown.over is None else (shown.value, shown.over)


def _cells(asking: Asking, shown: Shown) -> list[Element]:
    """Return what is selected for a value: of a birth date also month and day, which may be all that is known."""
    cells = [asking.value(part) for part in _parts_of(shown)]
    return [*cells, asking.source.month_day(shown.value.name)] if _is_yearless(shown) else cells


def _join(shown: Shown) -> Callable[[Any, Any], Any] | None:
    if _is_yearless(shown):
        return _birth_date
    return None if shown.over is None else _pair


def _is_yearless(shown: Shown) -> TypeGuard[Any]:
    value = shown.value
    return shown.kind == "date" and isinstance(value, Column) and isinstance(value.type, Date) and value.type.yearless


def _birth_date(day: date | None, month_day: int | None) -> date | YearlessDate | None:
    return YearlessDate(*divmod(month_day, 100)) if day is None and month_day is not None else day


def _pair(numerator: Any, denominator: Any) -> tuple[Any, Any] | None:
    """Return a ratio; one that misses a part, or divides by nothing, is missing."""
    return None if numerator is None or not denominator else Fraction(numerator, denominator).as_integer_ratio()


# sorting -----------------------------------------------------------------------------------------


def _sort_keys(named: sa.Subquery, order: tuple[Order, ...]) -> Iterable[Element]:
    place = 0
    for each in order:
        parts = [named.c[f"key_{place + index}"] for index in range(len(_parts_of(each.value)))]
        place += len(parts)
        for one in _keys(each.value, *parts):
            ordered = one.desc() if each.backwards else one.asc()
            yield ordered.nulls_first() if each.missing_first else ordered.nulls_last()


def _keys(shown: Shown, number: Element, over: Element | None = None) -> list[Element]:
    """Return what sorts as a value does; of a number that SQLite may not hold in 64 bits one text there."""
    keys = [number] if over is None else _ratio(number, over)
    if not any(map(is_wide, _parts_of(shown))):
        return keys
    divisor: Element = sa.literal_column("1") if over is None else over
    return [SortedBy(number, divisor, keys[0], type_=TEXT), *(OnPostgreSQL(key, type_=key.type) for key in keys[1:])]


STEP: Final = 1_000_000_000
"""Nine digits of a fraction at a time: whole numbers stay within 64 bits while the divisor is below 9 × 10⁹."""


def _ratio(numerator: Element, denominator: Element) -> list[Element]:
    """Return keys that sort as the exact ratio does: its floor, then 18 digits, enough for divisors to 9 × 10⁸."""
    divisor = sa.func.nullif(denominator, 0, type_=sa.BigInteger())
    rest = (numerator % divisor + divisor) % divisor  # of the floor, also below nought
    first = rest * STEP
    return [_whole(numerator - rest, divisor), _whole(first, divisor), _whole(first % divisor * STEP, divisor)]


def _whole(number: Element, divisor: Element) -> Element:
    return Truncated(number, divisor, type_=sa.BigInteger())
