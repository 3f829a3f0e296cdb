"""Applying a plan: once, whatever happens.

The first transaction writes an Applied record under the key, freezes the targets and reserves what they draw on; then batches
of targets follow, each with its bookkeeping in one transaction. What fits one batch is one transaction altogether. A crash at
any point and an apply again with the same key: nobody twice, nobody missed.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from attrs import evolve, field, frozen

from custcrm.actions.action import Booking, Doing, Moment, Turn
from custcrm.business import Business, customer_id
from custcrm.records import Applied, Target
from custcrm.storage.effects import Change, Slice, Template
from custcrm.storage.protocol import Writer
from custcrm.storage.questions import Question
from custcrm.values.errors import Conflict, KeyConflict, Malformed, NotFound, Reason, Refusal
from custcrm.values.shapes import flag
from custcrm.values.texts import checked

if TYPE_CHECKING:
    from custcrm.actions.plan import Plan

Progress: TypeAlias = bool | Callable[[int, int], None]

BATCH: Final = 20_000
"""Targets of one transaction: large enough for set-based speed, small enough to show progress and to let others write."""

PIECE: Final = 1_000
"""Customers whose records a booking looks at together."""

KEYS: Final = "key"
"""The scope in which idempotency keys are claimed: one for apply and single calls alike."""

KEY_LIMIT: Final = 200
"""Characters of an idempotency key."""


@frozen(repr=False)
class Result:
    """What an apply did. Equal to every later result of the same key; `repeated` tells that nothing was done this time."""

    key: str
    applied: int
    skipped: Mapping[Reason, int]
    repeated: bool = field(default=False, eq=False)
    changed_since_plan: int = field(default=0, eq=False)
    _id: str = field(default="", alias="id")
    _business: Business | None = field(default=None, eq=False, alias="business")

    def outcome(self, customer: Any) -> str:
        """Return 'applied', the reason that refused the customer, or 'not_selected'."""
        assert self._business is not None
        with self._business.reading() as reader:
            target = next(reader.find(Target, {"customer_id": customer_id(customer), "applied_id": self._id}), None)
        if target is None:
            return "not_selected"
        return target.reason or "applied"

    def __repr__(self) -> str:
        return f"<Result key={self.key!r}: {self.applied} applied>"


def apply(plan: Plan, *, key: str, exactly: bool, progress: Progress) -> Result:
    """Apply the plan under the key, or resume, or repeat the result; see `Plan.apply`."""
    key = idempotency_key(key)
    business, show = plan.business, progress_shown(progress)
    with business.store.write() as writer:
        writer.claim(KEYS, [key])
        applied = writer.hold(Applied, key)
        repeated = applied is not None and applied.done == applied.eligible
        if applied is None:
            applied = _begin(plan, key, exactly, writer)
        elif applied.content != plan.content():
            raise KeyConflict(key)
        if applied.done < applied.eligible <= BATCH:
            applied = _batch(plan, applied, writer)
    while applied.done < applied.eligible:
        show(applied.done, applied.eligible)
        applied = _next_batch(plan, key)
    show(applied.done, applied.eligible)
    return _result(plan, applied, repeated=repeated)


def idempotency_key(key: str) -> str:
    """Return the key, checked: a text of 1 to 200 characters of the caller's choosing."""
    if not checked(key, field="key", limit=KEY_LIMIT).strip():
        raise Malformed("a key names what is done once, e.g. 'spring-2026'", field="key")
    return key


def _begin(plan: Plan, key: str, exactly: bool, writer: Writer) -> Applied:
    """Freeze the targets and reserve what they draw on; whatever is raised here leaves nothing, not even the key."""
    business, deed = plan.business, plan.deed
    limit = _limit(plan, writer)
    now = business.now()  # after the wait for others that issue: what they wrote counts
    for problem in deed.problems(now):
        raise Refusal(problem.reason, details=problem.details)
    applied = Applied(
        key=key, id=business.ids.new(), action=deed.action, content=plan.content(), arguments=deed.arguments,
        actor=business.actor, as_of=now, eligible=0, done=0,
    )
    writer.add([applied])
    question = Question(plan.selection.acting().filter, now)
    counts = writer.freeze(applied, question, deed.planned, limit=limit)
    eligible = counts.get(None, 0)
    skipped = {reason: count for reason, count in counts.items() if reason is not None and count}
    _refuse(plan, eligible, skipped, exactly=exactly)
    if deed.reserve and not writer.reserve(deed.reserve.record, deed.reserve.key, eligible):
        left = deed.reserve.left(writer)
        raise Refusal(Reason.SERIES_CAPACITY, details={"series": deed.reserve.key[0], "needed": eligible, "left": left})
    applied = evolve(applied, eligible=eligible, reserved=eligible if deed.reserve else 0, skipped=skipped)
    writer.replace(applied)
    moment = _moment(applied)
    for effect in deed.effects(moment):
        if isinstance(effect, Template) and effect.reasons:
            writer.add_for_each(effect, Slice(applied.id, 1, eligible, now, business.schema))
    return applied


def _limit(plan: Plan, writer: Writer) -> int | None:
    """Return how many there can be, when a partial issue was asked for; the counted record is held until the end."""
    reserve = plan.deed.reserve
    if reserve is None:
        return None
    writer.hold(reserve.record, *reserve.key)
    return reserve.left(writer) if reserve.partial else None


def _refuse(plan: Plan, eligible: int, skipped: Mapping[str, int], *, exactly: bool) -> None:
    needs = plan.deed.arguments.get("needs")
    missing = skipped.get(Reason.MISSING_VALUE, 0)
    if needs and missing:
        raise Refusal(Reason.MISSING_VALUE, details={"field": needs[0], "customers": missing})
    if exactly and (eligible != plan.eligible or skipped != plan.skipped):
        raise Conflict(f"the plan had {plan.eligible} eligible customers, now there are {eligible}; plan again")


def _next_batch(plan: Plan, key: str) -> Applied:
    """Do one more batch in a transaction of its own; another process may have done some meanwhile."""
    with plan.business.store.write() as writer:
        applied = writer.hold(Applied, key)
        if applied is None:
            raise NotFound("the apply was removed while it ran")
        return _batch(plan, applied, writer) if applied.done < applied.eligible else applied


def _batch(plan: Plan, applied: Applied, writer: Writer) -> Applied:
    first, last = applied.done + 1, min(applied.done + BATCH, applied.eligible)
    part = Slice(applied.id, first, last, applied.as_of, plan.business.schema)
    for name, values in plan.deed.stage(last - first + 1).items():
        writer.stage(applied.id, name, zip(range(first, last + 1), values, strict=True))
    if plan.deed.holds or any(isinstance(each, Change | Booking) for each in plan.deed.effects(_moment(applied))):
        writer.hold_each(part)
    # Who is in stays as it was frozen; a customer's values, such as the count of coupons, are those of now: after the wait
    # for others that change the same customers.
    part = evolve(part, as_of=max(applied.as_of, plan.business.now()))
    refused = applied.refused
    for effect in plan.deed.effects(evolve(_moment(applied), done_at=part.as_of)):
        applied = _perform(effect, part, applied, writer)
    applied = evolve(_give_back(plan, applied, applied.refused - refused, writer), done=last)
    writer.replace(applied)
    return applied


def _give_back(plan: Plan, applied: Applied, refused: int, writer: Writer) -> Applied:
    """Free the places that were reserved for those whom a booking has refused."""
    reserve = plan.deed.reserve
    if reserve is None or not refused:
        return applied
    writer.reserve(reserve.record, reserve.key, -refused)
    return evolve(applied, reserved=applied.reserved - refused)


def _perform(effect: Doing, part: Slice, applied: Applied, writer: Writer) -> Applied:
    match effect:
        case Booking():
            return _book(effect, part, applied, writer)
        case Change():
            writer.change_for_each(effect, part)
        case Template() if not effect.reasons:
            writer.add_for_each(effect, part)
    return applied


def _book(booking: Booking, part: Slice, applied: Applied, writer: Writer) -> Applied:
    """Book for each target of the part, as things are now; who can no longer have it is refused, and counted so."""
    mine, size = {"applied_id": applied.id}, part.last - part.first + 1
    targets = list(writer.find(Target, mine, order=("number",), after=(part.first - 1,), limit=size))
    moment = evolve(_moment(applied), now=part.as_of, done_at=part.as_of)
    skipped = Counter(applied.skipped)
    for at in range(0, len(targets), PIECE):
        piece = {each.customer_id: each for each in targets[at : at + PIECE] if each.reason is None}
        if not piece:
            continue
        booked = booking.book(writer, moment, [Turn(each.customer_id, each.number) for each in piece.values()])
        writer.add(booked.added)
        writer.put([*booked.replaced, *(evolve(piece[who], reason=no.reason.value) for who, no in booked.refused.items())])
        skipped.update(no.reason.value for no in booked.refused.values())
    refused = skipped.total() - sum(applied.skipped.values())
    return evolve(applied, refused=applied.refused + refused, skipped=dict(skipped))


def _moment(applied: Applied) -> Moment:
    return Moment(now=applied.as_of, applied_id=applied.id, actor=applied.actor)


def _result(plan: Plan, applied: Applied, *, repeated: bool) -> Result:
    skipped = {Reason(reason): int(count) for reason, count in applied.skipped.items()}
    done = applied.eligible - applied.refused
    changed = 0 if repeated else abs(done - plan.eligible)
    return Result(applied.key, done, skipped, repeated, changed, id=applied.id, business=plan.business)


def progress_shown(progress: Progress) -> Callable[[int, int], None]:
    """Return what is told how far it is: a bar on stderr, the caller's own function, or nothing."""
    if callable(progress):
        return progress
    return _bar if flag(progress, field="progress") else lambda done, total: None


def _bar(done: int, total: int) -> None:
    width = 30
    filled = width * done // total if total else width
    end = "\n" if done == total else ""
    sys.stderr.write(f"\r[{'#' * filled}{' ' * (width - filled)}] {done:,} of {total:,}{end}")
    sys.stderr.flush()
