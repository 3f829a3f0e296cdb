"""Points: which lots an action moves, and by how much. Records in, records or a refusal out; no store, no clock.

`spend`, `reverse_credit`, `reverse_spend`, `transfer` and `expire` give the entries to write. Each takes `told`, an entry that
says what all of them say (customer, program, kind, terminal …) and whose `occurred_at` is now, and `new_id`. A lot's time never
runs backwards: an entry is dated now, or like the lot's latest entry where that is later (clocks of servers differ).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Final, TypeAlias

from attrs import evolve, frozen

from custcrm.records import PointsEntry
from custcrm.records.points import DEBT
from custcrm.records.programs import Reversal
from custcrm.rules.lots import Lot, lot_of, pending_first
from custcrm.values.errors import Reason, Refusal

NewId: TypeAlias = Callable[[], str]

REVERSIBLE: Final = frozenset({"credit", "spend", "adjust"})
"""Kinds of what can be reversed."""


@frozen
class LotUse:
    """What an action took from a lot, or gave back to it: `credit_id` is the credit that brought the lot, or "debt"."""

    credit_id: str
    points: int


@frozen(kw_only=True)
class PointsSpend:
    """What one action moved over its lots: a spend, points removed by hand, a reversal or a transfer.

    `delta` is the whole, negative where points went away; `lots` says which lots, in the order they were moved. `shortfall`
    are points that a reversal could not take, or below nought: that came back and make such good. History shows it as one line.
    """

    id: str
    kind: str
    delta: int
    lots: tuple[LotUse, ...]
    occurred_at: datetime
    customer_id: str
    program: str
    terminal: str = "api"
    point_of_sale: str | None = None
    offer: str | None = None
    reference: str | None = None
    reverses: str | None = None
    shortfall: int = 0

    def __repr__(self) -> str:
        return f"<PointsSpend {self.id} {self.kind} {self.delta}>"


def movement(entries: Iterable[PointsEntry]) -> PointsSpend:
    """Return the entries of one `spend_id`, of one customer, as what they are together."""
    mine = sorted(entries, key=lambda each: each.id)
    first = mine[0]
    assert first.spend_id is not None, "only entries that move lots together are one movement"
    return PointsSpend(
        id=first.spend_id, kind=first.kind, delta=sum(each.delta for each in mine),
        lots=tuple(LotUse(each.lot_id, abs(each.delta)) for each in mine if each.delta),
        occurred_at=max(each.occurred_at for each in mine), customer_id=first.customer_id, program=first.program,
        terminal=first.terminal, point_of_sale=first.point_of_sale, offer=first.offer, reference=first.reference,
        reverses=first.reverses, shortfall=sum(each.shortfall for each in mine),
    )


# spending ----------------------------------------------------------------------------------------


def spend(
    lots: Iterable[Lot], points: int, told: PointsEntry, new_id: NewId, *, debt: Lot | None = None, pending: bool = False
) -> tuple[PointsEntry, ...] | Refusal:
    """Take points from open lots, which come soonest expiry first, then oldest; read no more than it takes.

    What is owed is paid first, from the soonest lots: so what there is is never more than the balance. Pending lots are left
    alone; with `pending`, for a correction, they are taken first.
    """
    owed, now = -debt.points if debt else 0, told.occurred_at
    usable = pending_first(lots, now) if pending else (lot for lot in lots if not lot.is_pending(now))
    taken, missing = _take(usable, owed + points, now)
    if missing:
        return _too_few(told.program, points, max(0, points - missing))
    paid, spent = _split(taken, owed)
    return (*(_settled(paid, debt, told, new_id) if debt else ()), *(_out(lot, use, told, new_id) for lot, use in spent))


def _take(lots: Iterable[Lot], points: int, now: datetime) -> tuple[list[tuple[Lot, int]], int]:
    """Return what to take from which lots, and how much is missing then."""
    taken: list[tuple[Lot, int]] = []
    if points <= 0:
        return taken, 0
    for lot in lots:
        if lot.points <= 0 or not lot.is_open(now):
            continue
        use = min(lot.points, points)
        taken.append((lot, use))
        points -= use
        if not points:
            break
    return taken, points


def _split(taken: Sequence[tuple[Lot, int]], first: int) -> tuple[list[tuple[Lot, int]], list[tuple[Lot, int]]]:
    """Part what is taken: so many points first, and what follows."""
    before: list[tuple[Lot, int]] = []
    after: list[tuple[Lot, int]] = []
    for lot, use in taken:
        part = min(use, first)
        first -= part
        if part:
            before.append((lot, part))
        if use > part:
            after.append((lot, use - part))
    return before, after


def _settled(
    paid: Sequence[tuple[Lot, int]], debt: Lot, told: PointsEntry, new_id: NewId
) -> Iterator[PointsEntry]:
    """Pay a debt: what leaves the lots comes to the lot of the debt; the balance stays."""
    paying = evolve(told, kind="reverse", reverses=DEBT, spend_id=None, offer=None, reference=None, reason="")
    then = debt.time(told.occurred_at)
    for lot, use in paid:
        out = _out(lot, use, paying, new_id)
        then = max(then, out.occurred_at)
        yield out
    owed = sum(use for _, use in paid)
    yield evolve(paying, id=new_id(), lot_id=DEBT, expires_at=None, delta=owed, occurred_at=then)


def _out(lot: Lot, points: int, told: PointsEntry, new_id: NewId) -> PointsEntry:
    return _on(lot, -points, told, new_id)


def _on(lot: Lot, delta: int, told: PointsEntry, new_id: NewId) -> PointsEntry:
    return evolve(
        told, id=new_id(), lot_id=lot.id, valid_from=lot.valid_from, expires_at=lot.expires_at, delta=delta,
        occurred_at=lot.time(told.occurred_at),
    )


def _too_few(program: str, asked: int, available: int) -> Refusal:
    return Refusal(Reason.NOT_ENOUGH_POINTS, details={"program": program, "asked": asked, "available": available})


# reversing ---------------------------------------------------------------------------------------


def reverse_credit(
    credit: PointsEntry,
    points: int | None,
    told: PointsEntry,
    new_id: NewId,
    *,
    own: Collection[PointsEntry],
    before: Iterable[PointsEntry],
    lots: Iterable[Lot],
    debt: Lot | None,
    policy: Reversal,
) -> tuple[PointsEntry, ...] | Refusal:
    """Take a credit back, all that is left of it or some points.

    First from its own lot, where that has expired too: these points are gone already, whether the expiry was written down or
    not. Then from pending lots, then from other open ones, soonest first; for what is still missing the policy decides. `own`
    are all entries of its lot, `before` those that reversed it earlier, `lots` the open lots, `debt` the lot of the debt if
    ever there was one.
    """
    asked = _amount_to_take(points, left_to_reverse(credit.delta, before))
    if isinstance(asked, Refusal):
        return asked
    lot, now = lot_of(own), told.occurred_at
    gone: list[PointsEntry] = []
    if not lot.is_open(now):
        gone = _back_from_expiry(lot, own, asked, told, new_id)
    wanted = asked + sum(each.delta for each in gone if each.kind != "expire")
    owed = -debt.points if debt and policy is not Reversal.DEBT else 0
    mine = (lot,) if lot.is_open(now) else ()
    others = pending_first((each for each in lots if each.id != lot.id), now)
    taken, _ = _take(chain(mine, others), wanted + owed, now)
    taken, _ = _split(taken, min(wanted, max(0, sum(use for _, use in taken) - owed)))
    short = wanted - sum(use for _, use in taken)
    if short and policy is Reversal.REFUSE:
        return _too_few(told.program, asked, asked - short)
    entries = [*gone, *(_out(each, use, told, new_id) for each, use in taken)]
    if short and policy is Reversal.DEBT:
        entries.append(_out(debt or Lot(DEBT, None, 0, now), short, told, new_id))
    elif short:
        entries.append(evolve(_on(lot, 0, told, new_id), shortfall=short))
    return tuple(entries)


def left_to_reverse(points: int, before: Iterable[PointsEntry]) -> int:
    """Return what is left of what an action moved after these reversals of it: of points that were taken, less than nought."""
    return points + sum(each.delta - each.shortfall for each in before)


def _amount_to_take(points: int | None, left: int) -> int | Refusal:
    wanted = left if points is None else points
    if left <= 0 or wanted > left:
        return Refusal(Reason.ALREADY_REVERSED, details={"left": left} if points is None else {"asked": points, "left": left})
    return wanted


def _back_from_expiry(
    lot: Lot, own: Iterable[PointsEntry], asked: int, told: PointsEntry, new_id: NewId
) -> list[PointsEntry]:
    """Take from a lot that has expired; what was written down as expired is then reversed instead."""
    written = -sum(each.delta for each in own if each.kind == "expire")
    use = min(asked, lot.points + written)
    unwritten = max(0, use - lot.points)
    entries = [evolve(_on(lot, unwritten, told, new_id), kind="expire", spend_id=None, reverses=None)] if unwritten else []
    return [*entries, _out(lot, use, told, new_id)] if use else entries


def reverse_spend(
    spent: Iterable[PointsEntry],
    points: int | None,
    told: PointsEntry,
    new_id: NewId,
    *,
    before: Iterable[PointsEntry],
    latest: Mapping[str, datetime],
    shortfalls: Iterable[PointsEntry],
    until: datetime | None = None,
) -> tuple[PointsEntry, ...] | Refusal:
    """Give back what was spent or removed by hand, to its lots with their expiry; the last taken first, where it is a part.

    `before` are the entries that gave some back earlier, `latest` says when each lot's last entry happened. With `until` (the
    program's grace), points that would expire before come as a lot of their own that lasts until then. `shortfalls` are what
    reversals in the program have missed and made good: what was missed after this spend was spent by then, so points that come
    back make it good first. Such points stay away: an entry of nothing, with the shortfall below nought.
    """
    taken = sorted(spent, key=lambda each: each.id, reverse=True)
    given = sum(each.delta - each.shortfall for each in before)
    asked = _amount_to_take(points, -sum(each.delta for each in taken) - given)
    if isinstance(asked, Refusal):
        return asked
    parts = [(Lot(each.lot_id, each.expires_at, 0, latest[each.lot_id], each.valid_from), -each.delta) for each in taken]
    _, rest = _split(parts, given)
    back, _ = _split(rest, asked)
    return tuple(_given_back(back, told, new_id, until, missing_since(shortfalls, str(told.reverses))))


def missing_since(entries: Iterable[PointsEntry], since: str) -> int:
    """Return the points that reversals have missed after a spend of this id, and that nothing has made good yet.

    What came back of a spend has made good the oldest that was missed after it. Before and after are told by ids.
    """
    told = [(str(each.spend_id if each.shortfall > 0 else each.reverses), each.shortfall) for each in entries if each.shortfall]
    good, missing = 0, 0
    for id_, points in sorted(told):
        if points < 0:
            good -= points
            continue
        used = min(points, good)
        good -= used
        missing += points - used if id_ > since else 0
    return missing


def _given_back(
    back: Iterable[tuple[Lot, int]], told: PointsEntry, new_id: NewId, until: datetime | None, missing: int
) -> Iterator[PointsEntry]:
    for lot, points in back:
        renewed = until is not None and lot.expires_at is not None and lot.expires_at < until
        # What is over as soon as it is back is worth nothing, and makes nothing good.
        kept = min(points, missing) if renewed or lot.is_open(told.occurred_at) else 0
        missing -= kept
        if kept:
            yield evolve(_on(lot, 0, told, new_id), shortfall=-kept)
        if points > kept and renewed:
            fresh = new_id()
            yield evolve(told, id=fresh, lot_id=fresh, valid_from=lot.valid_from, expires_at=until, delta=points - kept)
        elif points > kept:
            yield _on(lot, points - kept, told, new_id)


# moving and expiring -----------------------------------------------------------------------------


def transfer(
    lots: Iterable[Lot],
    debt: Lot | None,
    told: PointsEntry,
    target: str,
    new_id: NewId,
    *,
    there: Mapping[str, datetime],
) -> tuple[PointsEntry, ...]:
    """Move all open lots to another customer, with their ids (so their age) and expiry, and the debt too.

    `there` has the latest entry of each lot that the target has had before: a debt, or a lot that comes back.
    """
    moved = [lot for lot in lots if lot.is_open(told.occurred_at)]
    pairs = [(_out(lot, lot.points, told, new_id), lot) for lot in (*moved, *((debt,) if debt else ())) if lot.points]
    return tuple(
        entry
        for out, lot in pairs
        for entry in (out, _into(lot, out, target, new_id(), there.get(lot.id)))
    )


def _into(lot: Lot, out: PointsEntry, target: str, id_: str, latest: datetime | None) -> PointsEntry:
    """Return the entry that brings a lot which leaves another customer."""
    at = out.occurred_at if latest is None else max(out.occurred_at, latest)
    return evolve(out, id=id_, customer_id=target, delta=lot.points, occurred_at=at)


def expire(lots: Iterable[Lot], told: PointsEntry, new_id: NewId) -> tuple[PointsEntry, ...]:
    """Write down what time has done: the rest of each lot that is over leaves it, when it was over."""
    return tuple(
        evolve(_out(lot, lot.points, told, new_id), occurred_at=max(lot.expires_at, lot.latest))
        for lot in lots
        if lot.points and lot.expires_at is not None and lot.expires_at <= told.occurred_at
    )
