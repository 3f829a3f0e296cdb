"""One customer: the same deed, its rules and its effects, in one transaction and without a plan.

The rules are asked of the customer's own facts by the Python target, and the effects are built for one by `effects.build`, so a
single call decides and writes exactly what a bulk apply would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from attrs import frozen

from custcrm.actions.action import Booking, Deed, Moment, Turn, content
from custcrm.actions.applying import KEYS, idempotency_key
from custcrm.business import Business
from custcrm.filters.ir.nodes import Shown
from custcrm.records import Applied, Customer
from custcrm.records.codec import from_columns
from custcrm.records.declaration import declaration
from custcrm.storage.customer_facts import Facts
from custcrm.storage.effects import Change, Effect, Template, build, changed, customer_values, matching
from custcrm.storage.protocol import Writer
from custcrm.storage.questions import Question
from custcrm.values.errors import KeyConflict, NotFound, Reason, Refusal

R = TypeVar("R")


@frozen
class Performed:
    """The records that a deed wrote for its customer, now or when its key was first used."""

    records: tuple[Any, ...]

    def of(self, record: type[R]) -> R:
        """Return the one of this class; NotFound where it is gone since: its customer was deleted."""
        found = next((each for each in self.records if isinstance(each, record)), None)
        if found is None:
            raise NotFound("what was done under this key is no longer there")
        return found


def perform(
    business: Business, deed: Callable[[], Deed], customer_id: str, *, key: str | None = None
) -> Performed:
    """Do the deed to one customer; once, where a key is given.

    Raises NotFound, Refusal with every reason that applies, or KeyConflict. The deed is made inside the transaction, so that
    what it looks up holds.
    """
    with business.store.write() as writer:
        made = deed()
        if key is not None:
            writer.claim(KEYS, [idempotency_key(key)])
        done = None if key is None else writer.hold(Applied, key)
        if done is not None:
            return _repeated(writer, made, customer_id, done)
        # Deeds to one customer, and those that draw on one limit, wait here for each other; the clock is read after that,
        # as what others wrote meanwhile would else lie in the future and not count.
        customer = writer.hold(Customer, customer_id)
        if customer is None:
            raise NotFound("no customer has this id")
        if made.reserve:
            writer.hold(made.reserve.record, *made.reserve.key)
        now, applied_id = business.now(), business.ids.new()
        row = Facts(customer, Question(business.everyone(), now), writer)
        _refuse(row, made)
        if made.reserve and not writer.reserve(made.reserve.record, made.reserve.key, 1):
            raise Refusal(Reason.SERIES_CAPACITY, details={"series": made.reserve.key[0], "needed": 1, "left": 0})
        if key is not None:
            writer.add([_applied(business, made, key, customer_id, applied_id, now)])
        return Performed(tuple(_effects(writer, made, row, Moment(now=now, applied_id=applied_id, actor=business.actor))))


def _refuse(row: Facts, deed: Deed) -> None:
    reasons = dict.fromkeys(reason for reason, rule in deed.verdict.rules if not row.matches(rule))
    if reasons:
        raise Refusal(*reasons)
    for problem in deed.problems(row.question.as_of):
        raise Refusal(problem.reason, details=problem.details)


def _repeated(writer: Writer, deed: Deed, customer_id: str, done: Applied) -> Performed:
    """Return what the key stands for, or say that it stands for something else."""
    if done.content != _content(deed, customer_id):
        raise KeyConflict(done.key)
    moment = Moment(now=done.as_of, applied_id=done.id, actor=done.actor)
    written = [
        record
        for effect in deed.effects(moment)
        if not isinstance(effect, Change)
        for record in (effect.records if isinstance(effect, Booking) else (effect.record,))
    ]
    mine = {"customer_id": customer_id, "applied_id": done.id}
    kept: list[Any] = []
    for record in dict.fromkeys(written):
        if "applied_id" in declaration(record).names:
            kept.extend(writer.find(record, mine))
    return Performed(tuple(kept))


def _content(deed: Deed, customer_id: str) -> str:
    return content(deed, {"customer": customer_id})


def _applied(
    business: Business, deed: Deed, key: str, customer_id: str, applied_id: str, now: datetime
) -> Applied:
    return Applied(
        key=key, id=applied_id, action=deed.action, content=_content(deed, customer_id), arguments=deed.arguments,
        actor=business.actor, as_of=now, eligible=1, done=1, reserved=1 if deed.reserve else 0,
    )


def _effects(writer: Writer, deed: Deed, row: Facts, moment: Moment) -> Iterator[Any]:
    """Write what the deed writes, in order, each effect seeing those before it; yield the new records."""
    staged = {name: values[0] for name, values in deed.stage(1).items()}
    for effect in deed.effects(moment):
        if isinstance(effect, Booking):
            yield from _book(writer, effect, row.customer.id, moment)
            row = row.again()
            continue
        if effect.verdict.rules:
            row = row.again()
        if not _wanted(effect, row):
            continue
        values = build(
            effect.values, customer_id=row.customer.id, applied_id=moment.applied_id, number=1,
            shown=_shown(writer, effect, row), staged=staged,
        )
        if isinstance(effect, Template):
            record: Any = from_columns(effect.record, values)
            writer.add([record])
            yield record
        else:
            found: list[Any] = list(writer.find(effect.record, matching(effect, row.customer.id)))
            for record in changed(effect, found, values, as_of=moment.now, applied_id=moment.applied_id):
                writer.replace(record)


def _book(writer: Writer, booking: Booking, customer_id: str, moment: Moment) -> Sequence[Any]:
    """Write what a booking comes to, and return it; or raise its refusal."""
    booked = booking.book(writer, moment, (Turn(customer_id),))
    for refusal in booked.refused.values():
        raise refusal
    writer.add(booked.added)
    writer.put(booked.replaced)
    return (*booked.added, *booked.replaced)


def _shown(writer: Writer, effect: Effect, row: Facts) -> dict[Shown, Any]:
    """Return the customer's values that an effect asks for, as they are now: the store need not read all facts for them."""
    wanted = customer_values(effect.values)
    if not wanted:
        return {}
    [(_, *values)] = writer.rows(row.question, wanted, only=row.customer.id)
    return dict(zip(wanted, values, strict=True))


def _wanted(effect: Effect, row: Facts) -> bool:
    """Tell whether the effect is for an eligible customer, and its own rules allow it."""
    refused_only = isinstance(effect, Template) and effect.reasons
    return not refused_only and all(row.matches(rule) for _, rule in effect.verdict.rules)
