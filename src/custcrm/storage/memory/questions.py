"""Questions to the memory store: the generated Python target, run over its customers in id order.

`Questions` is asked under the store's lock, one question at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache, partial
from operator import attrgetter
from typing import Any, Final, TypeAlias

from custcrm.filters import Filter
from custcrm.filters.ir.moments import moments_in
from custcrm.filters.ir.nodes import All, Column, Condition, Constant, Member, Moment, Shown, Test
from custcrm.filters.targets.python.compile import CompiledFilter, CompiledValue, compile_filter, compile_value
from custcrm.records.customers import Customer
from custcrm.storage.customer_facts import REMEMBERED, ReadMany, Sight, access, resolved
from custcrm.storage.effects import Slice
from custcrm.storage.memory.table import NOTHING, Table
from custcrm.storage.questions import Order, Question, Verdict
from custcrm.values.birthdays import YearlessDate
from custcrm.values.errors import Reason

PAGE: Final = 4_096
"""Customers to try at once for a question that wants only the first ones."""


_Filter: TypeAlias = tuple[CompiledFilter, tuple[Moment, ...]]
_Value: TypeAlias = tuple[CompiledValue, tuple[Moment, ...]]


class Questions:
    """The customers of some tables, as an answerer of filters."""

    def __init__(self, tables: Mapping[type, Table]) -> None:
        self._tables = tables
        self._as_of = datetime.max.replace(tzinfo=UTC)
        self._access = {past: access(self._sight(past=past)) for past in (False, True)}
        self._filter = lru_cache(REMEMBERED)(self._compile_filter)
        self._value = lru_cache(REMEMBERED)(self._compile_value)

    def customers(
        self, question: Question, *, after: str | None = None, limit: int | None = None, only: str | None = None
    ) -> list[Customer]:
        """Return the customers asked for, in id order."""
        select = self.select(question.filter, question)
        candidates = self._one(only, after) if only is not None else self._candidates(question.filter.lowered, after)
        if limit is None:
            return select(candidates)
        found: list[Customer] = []
        for start in range(0, len(candidates), PAGE):
            found += select(candidates[start : start + PAGE])
            if len(found) >= limit:
                break
        return found[:limit]

    def rows(
        self,
        question: Question,
        columns: Sequence[Shown],
        order: Sequence[Order],
        after: str | None,
        limit: int | None,
        only: str | None,
    ) -> list[tuple[Any, ...]]:
        """Return what `Reader.rows` yields."""
        if not order:
            return list(self._show(self.customers(question, after=after, limit=limit, only=only), question, columns))
        customers = self.customers(question, only=only)
        for each in reversed(order):
            customers = _sort_by(customers, self.value(each.value, question), each)
        return list(self._show(customers[:limit], question, columns))

    def tally(self, question: Question, verdict: Verdict) -> Counter[Reason | None]:
        """Count the customers by the first rule that is not true of them."""
        remaining, counts = self.customers(question), Counter[Reason | None]()
        for reason, rule in verdict.rules:
            passed = self.select(rule, question)(remaining)
            counts[reason] += len(remaining) - len(passed)
            remaining = passed
        counts[None] = len(remaining)
        return +counts

    def verdicts(self, question: Question, verdict: Verdict) -> Iterator[tuple[str, Reason | None]]:
        """Yield each customer's id, in order, with the first reason that refuses."""
        asked = self.customers(question)
        reasons: dict[str, Reason] = {}
        remaining = asked
        for reason, rule in verdict.rules:
            passed = self.select(rule, question)(remaining)
            kept = {customer.id for customer in passed}
            reasons.update((customer.id, reason) for customer in remaining if customer.id not in kept)
            remaining = passed
        return ((customer.id, reasons.get(customer.id)) for customer in asked)

    def refusals(self, question: Question, verdict: Verdict) -> dict[str, tuple[Reason, ...]]:
        """Return all rules that are not true, for each customer."""
        asked = self.customers(question)
        passed = [
            (reason, {customer.id for customer in self.select(rule, question)(asked)}) for reason, rule in verdict.rules
        ]
        return {each.id: tuple(reason for reason, ids in passed if each.id not in ids) for each in asked}

    # one filter, one value ------------------------------------------------------------------------

    def select(self, rule: Filter, question: Question) -> Callable[[Sequence[Customer]], list[Customer]]:
        """Return a function that keeps those of whom the filter is true, asked as the question is."""
        compiled, moments = self._filter(rule.lowered, rule.schema.currency, question.past)
        self._as_of = question.as_of
        return partial(_select, compiled, resolved(moments, rule.schema, question.as_of))

    def value(self, shown: Shown, question: Question) -> Callable[[Customer], Any]:
        """Return a function to a customer's value, asked as the question is; a ratio as an exact Fraction."""
        schema = question.filter.schema
        compiled, moments = self._value(shown, schema.currency, question.past)
        return self._read_value(compiled, question.as_of, resolved(moments, schema, question.as_of))

    def value_at(self, shown: Shown, part: Slice) -> Callable[[Customer], Any]:
        """Return the same for a value of an effect."""
        compiled, moments = self._value(shown, part.schema.currency, False)
        return self._read_value(compiled, part.as_of, resolved(moments, part.schema, part.as_of))

    def _read_value(self, compiled: CompiledValue, as_of: datetime, moments: tuple[Any, ...]) -> Callable[[Customer], Any]:
        self._as_of = as_of
        return lambda customer: compiled.of(customer, moments)

    def _sight(self, *, past: bool) -> Sight:
        return Sight(
            own=lambda column: column,
            facts=lambda record: self._facts(record, "id"),
            beside=lambda record: self._facts(record, "customer_id"),
            owner=self._owner,
            as_of=lambda _: self._as_of,
            past=past,
        )

    def _facts(self, record: type, key: str) -> ReadMany:
        parts, whose = self._tables[record].parts, attrgetter(key)
        return lambda row: parts.get(whose(row), NOTHING).values()

    def _owner(self, record: type) -> Callable[[Any, tuple[Any, ...]], Any | None]:
        records = self._tables[record].records
        return lambda _, key: records.get(key)

    def _compile_filter(self, condition: Condition, currency: str | None, past: bool) -> _Filter:
        return compile_filter(condition, self._access[past], currency=currency), moments_in(condition)

    def _compile_value(self, shown: Shown, currency: str | None, past: bool) -> _Value:
        return compile_value(shown, self._access[past], currency=currency), moments_in(shown)

    def _show(
        self, customers: Sequence[Customer], question: Question, columns: Sequence[Shown]
    ) -> Iterator[tuple[Any, ...]]:
        values = [self.value(column, question) for column in columns]
        return ((customer.id, *(_as_pair(value(customer)) for value in values)) for customer in customers)

    def _one(self, id_: str, after: str | None) -> list[Customer]:
        found = self._tables[Customer].records.get((id_,))
        return [] if found is None or (after is not None and id_ <= after) else [found]

    def _candidates(self, condition: Condition, after: str | None) -> Sequence[Customer]:
        ranked = self._tables[Customer].ranked
        assert ranked is not None
        named = named_ids(condition)
        if named is None:
            return ranked.after(after)
        records = self._tables[Customer].records
        wanted = sorted(each for each in named if (each,) in records and (after is None or after < each))
        return [records[each,] for each in wanted]


def named_ids(condition: Condition) -> frozenset[Any] | None:
    """Return the ids outside which the condition cannot be true, None when it names none."""
    for each in condition.args if isinstance(condition, All) else (condition,):
        match each:
            case Test("=", Column("id"), Constant(value)):
                return frozenset({value})
            case Member(Column("id"), items):
                return frozenset(items)
    return None


def _sort_by(customers: list[Customer], value: Callable[[Customer], Any], order: Order) -> list[Customer]:
    """Sort by one value, leaving equal ones in their order."""
    known = [(_with_year(value(customer)), customer) for customer in customers]
    present = [(found, customer) for found, customer in known if found is not None]
    missing = [customer for found, customer in known if found is None]
    present.sort(key=lambda pair: pair[0], reverse=order.backwards)
    ranked = [customer for _, customer in present]
    return [*missing, *ranked] if order.missing_first else [*ranked, *missing]


def _with_year(value: Any) -> Any:
    """Return what can be sorted by; a date without its year counts as missing there."""
    return None if isinstance(value, YearlessDate) else value


def _as_pair(value: Any) -> Any:
    return (value.numerator, value.denominator) if isinstance(value, Fraction) else value


def _select(compiled: CompiledFilter, moments: tuple[Any, ...], customers: Sequence[Customer]) -> list[Customer]:
    return compiled.select(customers, moments)
