"""One customer: the same action, its rules and its effects, in one transaction and without a plan.

The rules are asked of the customer's own facts by the Python target, and the effects are built for one by `effects.build`, so a
single call decides and writes exactly what a bulk apply would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from attrs import frozen

from custcrm.actions.action import Action, Booking, Occasion, Turn
from custcrm.actions.eligibility import obstacle
from custcrm.actions.keys import Request
from custcrm.business import Business, hold_customer
from custcrm.filters.ir.nodes import Shown
from custcrm.records import Applied
from custcrm.records.codec import from_columns
from custcrm.records.declaration import declaration
from custcrm.storage.customer_facts import Facts
from custcrm.storage.effects import Change, Effect, Template, build, changed, customer_values, matching
from custcrm.storage.protocol import Writer
from custcrm.storage.questions import Question
from custcrm.values.errors import NotFound, Refusal

R = TypeVar("R")


@frozen
class Performed:
    """The records that an action wrote for its customer, now or when its key was first used."""

    records: tuple[Any, ...]

    def of(self, record: type[R]) -> R:
        """Return the one of this class; NotFound where it is gone since: its customer was deleted."""
        found = next((each for each in self.records if isinstance(each, record)), None)
        if found is None:
            raise NotFound("what was done under this key is no longer there")
        return found


def perform(
    business: Business, action: Callable[[], Action], customer_id: str, *, key: str | None = None
) -> Performed:
    """Do the action to one customer; once, where a key is given.

    Raises NotFound, Refusal with every reason that applies, or KeyConflict. The action is made inside the transaction, so that
    what it looks up holds.
    """

    def do(writer: Writer) -> Performed:
        made = action()
        request = Request(action=made.name, arguments=made.arguments, about={"customer": customer_id}, key=key)
        if done := request.claim(writer):
            return _repeated(writer, made, customer_id, done)
        # Actions to one customer, and those that draw on one limit, wait here for each other; the clock is read after that,
        # as what others wrote meanwhile would else lie in the future and not count.
        customer = hold_customer(writer, customer_id)
        if made.reserve:
            writer.hold(made.reserve.record, *made.reserve.key)
        now, applied_id = business.now(), business.ids.new()
        row = Facts(customer, Question(business.everyone(), now), writer)
        _refuse(row, made)
        if made.reserve:
            made.reserve.take(writer, 1)
        request.keep(business, writer, applied_id, now, done=1, reserved=1 if made.reserve else 0)
        return Performed(tuple(_effects(writer, made, row, Occasion(now=now, applied_id=applied_id, actor=business.actor))))

    return business.transact(do)


def _refuse(row: Facts, action: Action) -> None:
    reasons = dict.fromkeys(reason for reason, rule in action.verdict.rules if not row.matches(rule))
    if reasons:
        raise Refusal(*reasons, details=obstacle(next(iter(reasons)), row.customer, action.about))
    for problem in action.problems(row.question.as_of):
        raise Refusal(problem.reason, details=problem.details)


def _repeated(writer: Writer, action: Action, customer_id: str, done: Applied) -> Performed:
    """Return what was written for the customer when the key was first used, as it is now."""
    occasion = Occasion(now=done.as_of, applied_id=done.id, actor=done.actor)
    written = [
        record
        for effect in action.effects(occasion)
        if not isinstance(effect, Change)
        for record in (effect.records if isinstance(effect, Booking) else (effect.record,))
    ]
    mine = {"customer_id": customer_id, "applied_id": done.id}
    kept: list[Any] = []
    for record in dict.fromkeys(written):
        if "applied_id" in declaration(record).names:
            kept.extend(writer.find(record, mine))
    return Performed(tuple(kept))


def _effects(writer: Writer, action: Action, row: Facts, occasion: Occasion) -> Iterator[Any]:
    """Write what the action writes, in order, each effect seeing those before it; yield the new records."""
    staged = {name: values[0] for name, values in action.stage(1).items()}
    for effect in action.effects(occasion):
        if isinstance(effect, Booking):
            yield from _book(writer, effect, row.customer.id, occasion)
            row = row.again()
            continue
        if effect.verdict.rules:
            row = row.again()
        if not _is_wanted(effect, row):
            continue
        values = build(
            effect.values, customer_id=row.customer.id, applied_id=occasion.applied_id, number=1,
            shown=_read_values(writer, effect, row), staged=staged,
        )
        if isinstance(effect, Template):
            record: Any = from_columns(effect.record, values)
            writer.add([record])
            yield record
        else:
            found: list[Any] = list(writer.find(effect.record, matching(effect, row.customer.id)))
            for record in changed(effect, found, values, as_of=occasion.now, applied_id=occasion.applied_id):
                writer.replace(record)


def _book(writer: Writer, booking: Booking, customer_id: str, occasion: Occasion) -> Sequence[Any]:
    """Write what a booking comes to, and return it; or raise its refusal."""
    booked = booking.book(writer, occasion, (Turn(customer_id),))
    for refusal in booked.refused.values():
        raise refusal
    writer.add(booked.added)
    writer.put(booked.replaced)
    return (*booked.added, *booked.replaced)


def _read_values(writer: Writer, effect: Effect, row: Facts) -> dict[Shown, Any]:
    """Return the customer's values that an effect asks for, as they are now: the store need not read all facts for them."""
    wanted = customer_values(effect.values)
    if not wanted:
        return {}
    [(_, *values)] = writer.rows(row.question, wanted, only=row.customer.id)
    return dict(zip(wanted, values, strict=True))


def _is_wanted(effect: Effect, row: Facts) -> bool:
    """Tell whether the effect is for an eligible customer, and its own rules allow it."""
    refused_only = isinstance(effect, Template) and effect.reasons
    return not refused_only and all(row.matches(rule) for _, rule in effect.verdict.rules)
