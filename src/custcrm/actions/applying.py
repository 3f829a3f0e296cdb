"""Applying a plan: once, whatever happens.

The first transaction writes an Applied record under the key, freezes the targets and reserves what they draw on; then batches
of targets follow, each with its bookkeeping in one transaction. What fits one batch is one transaction altogether. A crash at
any point and an apply again with the same key: nobody twice, nobody missed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import evolve, field, frozen

from custcrm.actions.action import Action, Booking, Doing, Occasion, Reserve, Turn
from custcrm.actions.keys import Request
from custcrm.actions.progress import Progress, going_on, show_progress
from custcrm.business import Business, customer_id
from custcrm.filters import Filter
from custcrm.records import Applied, Target
from custcrm.storage.effects import Change, Slice, Template
from custcrm.storage.protocol import Writer
from custcrm.storage.questions import Question
from custcrm.values.errors import Conflict, NotFound, Reason, Refusal, Unfinished

PIECES: Final = 20
"""Parts of a batch whose customers a booking looks at together: a thousand each, in a batch of 20,000."""


@frozen(kw_only=True)
class Intent:
    """What is to be applied: an action to chosen customers under a key, and what was counted when it was planned.

    `chosen` is asked when the apply begins. `exactly`: only if the counts by reason are still those of the intent.
    """

    business: Business
    action: Action
    chosen: Callable[[], Filter]
    request: Request
    eligible: int
    skipped: Mapping[Reason, int]
    exactly: bool = False


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


def apply(intent: Intent, progress: Progress) -> Result:
    """Apply the intent under its key, or resume, or repeat the result; see `Plan.apply`."""
    business, show = intent.business, show_progress(progress)

    def begin(writer: Writer) -> tuple[Applied, bool]:
        applied = intent.request.claim(writer)
        repeated = applied is not None and applied.is_finished
        if applied is None:
            applied = _begin(intent, writer)
        if applied.done < applied.eligible <= business.batch:
            applied = _batch(intent, applied, writer)
        return applied, repeated

    applied, repeated = business.transact(begin)
    with going_on(lambda why: _unfinished(applied, why)):
        while not applied.is_finished:
            show(applied.done, applied.eligible)
            applied = _next_batch(intent, applied)
        show(applied.done, applied.eligible)
    return _result(intent, applied, repeated=repeated)


def _begin(intent: Intent, writer: Writer) -> Applied:
    """Freeze the targets and reserve what they draw on; whatever is raised here leaves nothing, not even the key."""
    business, action = intent.business, intent.action
    limit = _limit(action.reserve, writer)
    now = business.now()  # after the wait for others that issue: what they wrote counts
    for problem in action.problems(now):
        raise Refusal(problem.reason, details=problem.details)
    applied = intent.request.keep(business, writer, business.ids.new(), now)
    assert applied is not None, "an apply has a key"
    counts = writer.freeze(applied, Question(intent.chosen(), now), action.planned, limit=limit)
    eligible = counts.get(None, 0)
    skipped = {reason: count for reason, count in counts.items() if reason is not None and count}
    _refuse(intent, eligible, skipped)
    if action.reserve:
        action.reserve.take(writer, eligible)
    applied = evolve(applied, eligible=eligible, reserved=eligible if action.reserve else 0, skipped=skipped)
    writer.replace(applied)
    for effect in action.effects(_occasion(applied)):
        if isinstance(effect, Template) and effect.reasons and not effect.in_turn:
            writer.add_for_each(effect, Slice(applied.id, 1, eligible, now, business.schema))
    return applied


def _limit(reserve: Reserve | None, writer: Writer) -> int | None:
    """Return how many there can be, when a partial issue was asked for; the counted record is held until the end."""
    if reserve is None:
        return None
    writer.hold(reserve.record, *reserve.key)
    return reserve.left(writer) if reserve.partial else None


def _refuse(intent: Intent, eligible: int, skipped: Mapping[str, int]) -> None:
    needs = intent.action.arguments.get("needs")
    missing = skipped.get(Reason.MISSING_VALUE, 0)
    if needs and missing:
        raise Refusal(Reason.MISSING_VALUE, details={"field": needs[0], "customers": missing})
    if intent.exactly and (eligible != intent.eligible or skipped != intent.skipped):
        raise Conflict(f"the plan had {intent.eligible} eligible customers, now there are {eligible}; plan again")


def _next_batch(intent: Intent, before: Applied) -> Applied:
    """Do one more batch in a transaction of its own; another process may have done some meanwhile."""

    def batch(writer: Writer) -> Applied:
        applied = writer.hold(Applied, before.key)
        if applied is None:
            raise NotFound("the apply was removed while it ran")
        return applied if applied.is_finished else _batch(intent, applied, writer)

    return intent.business.transact(batch)


def _unfinished(applied: Applied, why: str) -> Unfinished:
    return Unfinished(applied.done, applied.eligible, key=applied.key, why=why)


def _batch(intent: Intent, applied: Applied, writer: Writer) -> Applied:
    first, last = applied.done + 1, min(applied.done + intent.business.batch, applied.eligible)
    part = Slice(applied.id, first, last, applied.as_of, intent.business.schema)
    for name, values in intent.action.stage(last - first + 1).items():
        writer.stage(applied.id, name, zip(range(first, last + 1), values, strict=True))
    changing = intent.action.holds or any(
        isinstance(each, Change | Booking) for each in intent.action.effects(_occasion(applied))
    )
    gone = last - first + 1 - writer.hold_each(part, changing=changing)
    # Who is in stays as it was frozen; a customer's values, such as the count of coupons, are those of now: after the wait
    # for others that change the same customers.
    part = evolve(part, as_of=max(applied.as_of, intent.business.now()))
    refused = applied.refused
    # Whom the action's rules refuse by now does not get it: blacklisted, opted out, a member already.
    late = {str(reason): count for reason, count in writer.refuse_each(intent.action.verdict, part).items()}
    applied = _refuse_late(applied, Counter(late) + Counter({Reason.DELETED.value: gone}))
    for effect in intent.action.effects(evolve(_occasion(applied), done_at=part.as_of)):
        applied = _perform(effect, part, applied, writer, -(-intent.business.batch // PIECES))
    applied = evolve(_give_back(intent, applied, applied.refused - refused, writer), done=last)
    writer.replace(applied)
    return applied


def _refuse_late(applied: Applied, late: Counter[str]) -> Applied:
    """Count those of the batch, by reason, who were eligible at the freeze and are not by now."""
    if not late:
        return applied
    skipped = Counter(applied.skipped) + late
    return evolve(applied, refused=applied.refused + late.total(), skipped=dict(skipped))


def _give_back(intent: Intent, applied: Applied, refused: int, writer: Writer) -> Applied:
    """Free the places that were reserved for those who were refused when their turn came."""
    reserve = intent.action.reserve
    if reserve is None or not refused:
        return applied
    writer.reserve(reserve.record, reserve.key, -refused)
    return evolve(applied, reserved=applied.reserved - refused)


def _perform(effect: Doing, part: Slice, applied: Applied, writer: Writer, together: int) -> Applied:
    match effect:
        case Booking():
            return _book(effect, part, applied, writer, together)
        case Change():
            writer.change_for_each(effect, part)
        case Template() if effect.in_turn or not effect.reasons:
            writer.add_for_each(effect, part)
    return applied


def _book(booking: Booking, part: Slice, applied: Applied, writer: Writer, together: int) -> Applied:
    """Book for the targets of the part, so many `together`, as things are now; who can no longer have it is refused."""
    mine, size = {"applied_id": applied.id}, part.last - part.first + 1
    found = writer.find(Target, mine, order=("number",), after=(part.first - 1,), limit=size)
    targets = [each for each in found if each.number <= part.last]  # those of the deleted are gone: others may follow the part
    occasion = evolve(_occasion(applied), now=part.as_of, done_at=part.as_of)
    skipped = Counter(applied.skipped)
    for at in range(0, len(targets), together):
        piece = {each.customer_id: each for each in targets[at : at + together] if each.reason is None}
        if not piece:
            continue
        booked = booking.book(writer, occasion, [Turn(each.customer_id, each.number) for each in piece.values()])
        writer.add(booked.added)
        writer.put([*booked.replaced, *(evolve(piece[who], reason=no.reason.value) for who, no in booked.refused.items())])
        skipped.update(no.reason.value for no in booked.refused.values())
    refused = skipped.total() - sum(applied.skipped.values())
    return evolve(applied, refused=applied.refused + refused, skipped=dict(skipped))


def _occasion(applied: Applied) -> Occasion:
    return Occasion(now=applied.as_of, applied_id=applied.id, actor=applied.actor)


def _result(intent: Intent, applied: Applied, *, repeated: bool) -> Result:
    skipped = {Reason(reason): int(count) for reason, count in applied.skipped.items()}
    done = applied.eligible - applied.refused
    changed = 0 if repeated else abs(done - intent.eligible)
    return Result(applied.key, done, skipped, repeated, changed, id=applied.id, business=intent.business)
