"""Actions for many customers on the memory store: frozen targets; templates and changes, one customer at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

from attrs import evolve

from custcrm.records.codec import from_columns
from custcrm.records.customers import Customer
from custcrm.records.journal import Applied, Target
from custcrm.storage.effects import (
    OVER_LIMIT,
    Change,
    Slice,
    Source,
    Staged,
    Template,
    build,
    changed,
    customer_values,
    matching,
)
from custcrm.storage.memory.contents import Contents
from custcrm.storage.memory.questions import Questions
from custcrm.storage.memory.table import Key, Table
from custcrm.storage.questions import Question, Verdict
from custcrm.values.errors import Reason

Texts = Mapping[tuple[str, str], Mapping[int, str]]
"""What was staged, by apply and name, for each target number."""


def freeze(
    questions: Questions, applied: Applied, question: Question, verdict: Verdict, limit: int | None
) -> list[Target]:
    """Return a target for every customer asked for, in id order."""
    eligible, refused, over = count(1), count(-1, -1), count(-OVER_LIMIT - 1, -1)
    left = float("inf") if limit is None else limit

    def target(customer_id: str, reason: Reason | None) -> Target:
        nonlocal left
        if reason is not None:
            number = next(refused)
        elif left > 0:
            left, number = left - 1, next(eligible)
        else:
            reason, number = Reason.SERIES_CAPACITY, next(over)
        return Target(applied_id=applied.id, number=number, customer_id=customer_id, reason=reason and str(reason))

    return [target(*each) for each in questions.verdicts(question, verdict)]


def tally(frozen: list[Target]) -> Counter[str | None]:
    """Count targets by reason."""
    return Counter(target.reason for target in frozen)


def write_each(contents: Contents, template: Template, part: Slice) -> Iterator[Any]:
    """Yield the record of the template for each target of the part whom its own rules allow."""
    allowed = [contents.questions.select(rule, Question(rule, part.as_of)) for _, rule in template.verdict.rules]
    columns = _builder(contents.questions, contents.staged, template.values, part)
    for target, customer in _targets(contents.tables, part, template.reasons, in_turn=template.in_turn):
        if all(rule([customer]) for rule in allowed):
            yield from_columns(template.record, columns(target, customer))


def change_each(contents: Contents, change: Change, part: Slice) -> Iterator[Any]:
    """Yield the records of each eligible target of the part that match, as they become."""
    columns = _builder(contents.questions, contents.staged, change.values, part)
    allowed = [contents.questions.select(rule, Question(rule, part.as_of)) for _, rule in change.verdict.rules]
    for target, customer in _targets(contents.tables, part, ()):
        if not all(rule([customer]) for rule in allowed):
            continue
        if found := contents.tables[change.record].find(matching(change, customer.id)):
            values = columns(target, customer)
            yield from changed(change, found, values, as_of=part.as_of, applied_id=part.applied_id)


def count_eligible(tables: Mapping[type, Table], part: Slice) -> int:
    """Count the part's eligible targets."""
    return sum(1 for _ in _eligible(tables[Target].part(part.applied_id), part))


def refuse_each(contents: Contents, verdict: Verdict, part: Slice) -> list[Target]:
    """Return the part's eligible targets whom a rule refuses by now, as they become: each with the first such reason."""
    remaining = {customer.id: (target, customer) for target, customer in _targets(contents.tables, part, ())}
    late: list[Target] = []
    for reason, rule in verdict.rules:
        allowed = contents.questions.select(rule, Question(rule, part.as_of))([customer for _, customer in remaining.values()])
        passed = {each.id: remaining[each.id] for each in allowed}
        late += [evolve(target, reason=str(reason)) for key, (target, _) in remaining.items() if key not in passed]
        remaining = passed
    return late


def _targets(
    tables: Mapping[type, Table], part: Slice, reasons: tuple[Reason, ...], *, in_turn: bool = False
) -> Iterator[tuple[Target, Customer]]:
    """Yield the part's eligible targets in number order; with reasons those of the apply, or the part, refused for these."""
    held, customers = tables[Target].part(part.applied_id), tables[Customer].records
    for key in _refused(held, reasons, part if in_turn else None) if reasons else _eligible(held, part):
        target = held[key]
        customer = customers.get((target.customer_id,))
        if customer is not None:
            yield target, customer


def _eligible(held: Mapping[Key, Target], part: Slice) -> Iterator[Key]:
    return (key for key in _of_part(held, part) if held[key].reason is None)


def _of_part(held: Mapping[Key, Target], part: Slice) -> Iterator[Key]:
    keys = ((part.applied_id, number) for number in range(max(part.first, 1), part.last + 1))
    return (key for key in keys if key in held)


def _refused(held: Mapping[Key, Target], reasons: tuple[Reason, ...], part: Slice | None) -> list[Key]:
    keys = held if part is None else _of_part(held, part)
    return sorted((key for key in keys if held[key].reason in reasons), reverse=part is None)


def _builder(
    questions: Questions, staged: Texts, values: Mapping[str, Source], part: Slice
) -> Callable[[Target, Customer], dict[str, Any]]:
    """Return a function to the columns of one target."""
    shown = {each: questions.value_at(each, part) for each in customer_values(values)}
    names = [source.name for source in values.values() if isinstance(source, Staged)]
    texts = {name: staged.get((part.applied_id, name), {}) for name in names}

    def columns(target: Target, customer: Customer) -> dict[str, Any]:
        return build(
            values,
            customer_id=customer.id,
            applied_id=part.applied_id,
            number=target.number,
            shown={each: value(customer) for each, value in shown.items()},
            staged={name: each.get(target.number) for name, each in texts.items()},
            reason=target.reason,
        )

    return columns
