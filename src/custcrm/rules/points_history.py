"""Points as people read them: the lines of a history, what expires soon, and the proof of a balance.

All from immutable entries up to an instant. What has expired is told by time alone: whether it was written down makes no
difference. The names to know are `history`, `expiring` and `prove`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from attrs import field, frozen

from custcrm.records import PointsEntry
from custcrm.records.points import DEBT
from custcrm.rules.lots import Lot, lot_of, opens_a_lot
from custcrm.rules.points import LotUse, movement

LABELS: Final[Mapping[str, str]] = {
    "credit": "earned", "spend": "spent", "expire": "expired", "reverse": "reversed", "transfer": "transferred",
}
"""What a kind is called; what was changed by hand is "manually added" or "manually removed"."""


@frozen(kw_only=True)
class PointsLine:
    """One line of a history.

    `id` is that of the entry or of the whole spend; an expiry has the id of its lot. `description` is where it happened or the
    title of the offer, `origin` the terminal's kind: terminal, api, or the source of the sale. `status` of what brought a lot
    is pending, open, used, expired or reversed, of anything else done or reversed; `valid_from` and `expires_at` are that
    lot's. `shortfall` are points that a reversal could not
    take, or below nought: that came back and make such good. `reason` and `actor` are internal: not for the customer's eyes.
    """

    customer_id: str
    program: str
    id: str
    kind: str
    label: str
    delta: int
    occurred_at: datetime
    description: str
    status: str
    origin: str
    lots: tuple[LotUse, ...]
    point_of_sale: str | None = None
    terminal: str | None = None
    offer: str | None = None
    reference: str | None = None
    sale_id: str | None = None
    shortfall: int = 0
    reason: str = ""
    actor: str = ""
    valid_from: datetime | None = None
    expires_at: datetime | None = None

    def __repr__(self) -> str:
        return f"<PointsLine {self.id} {self.kind} {self.delta}>"


@frozen
class Expiring:
    """Points that expire at one instant, unless they are spent before; those that are pending can be spent `valid_from`."""

    points: int
    expires_at: datetime
    valid_from: datetime | None = None


def by_lot(entries: Iterable[PointsEntry], at: datetime) -> dict[str, list[PointsEntry]]:
    """Return what had happened to each lot by an instant, in order of time; lots in the order they are spent."""
    lots: defaultdict[str, list[PointsEntry]] = defaultdict(list)
    for entry in sorted(entries, key=_order):
        if entry.occurred_at <= at:
            lots[entry.lot_id].append(entry)
    return dict(sorted(lots.items(), key=lambda each: _age(each[1][0])))


def _order(entry: PointsEntry) -> tuple[Any, ...]:
    """Return when an entry counts: of one instant, what brings a lot comes first."""
    return entry.occurred_at, not opens_a_lot(entry), entry.id


def _age(entry: PointsEntry) -> tuple[Any, ...]:
    expires = entry.expires_at
    return expires is None, 0 if expires is None else expires.timestamp(), entry.lot_id


def _lost(entries: Sequence[PointsEntry], at: datetime) -> tuple[int, datetime] | None:
    """Return what time has taken from a lot by an instant, and when; None where there was nothing left, or it still counts."""
    told = [each for each in entries if each.kind != "expire" and each.delta]
    expires_at = entries[0].expires_at
    rest = sum(each.delta for each in told)
    if not rest or expires_at is None or at < expires_at:
        return None
    return rest, max(expires_at, *(each.occurred_at for each in told))


# history -----------------------------------------------------------------------------------------


def history(
    entries: Iterable[PointsEntry], at: datetime, *, titles: Mapping[str, str], sources: Mapping[str, str]
) -> list[PointsLine]:
    """Return the lines up to an instant, oldest first; their deltas sum up to the balance then.

    `titles` are those of the offers by name, `sources` those of the sales by id.
    """
    lots = by_lot(entries, at)
    seen = sorted((each for lot in lots.values() for each in lot), key=lambda each: (each.occurred_at, each.id))
    statuses, reversed_ = _Statuses(lots, at), _reversed(seen)
    groups: dict[str, list[PointsEntry]] = {}
    for entry in seen:
        if entry.kind != "expire":
            groups.setdefault(DEBT if entry.reverses == DEBT else entry.spend_id or entry.id, []).append(entry)
    lines = [
        _line(id_, group, statuses.of(group, reversed_.get(id_, 0)), titles, sources)
        for id_, group in groups.items()
        if id_ != DEBT or sum(each.delta for each in group) != 0
    ]
    # At one instant: what expires then is gone before anything else; what came to a lot that was over expires after that.
    expired, late = _expiries(lots, at)
    return sorted([*expired, *lines, *late], key=lambda line: line.occurred_at)


def _reversed(entries: Iterable[PointsEntry]) -> dict[str, int]:
    """Return how many points of each credit and spend were reversed."""
    found: defaultdict[str, int] = defaultdict(int)
    for entry in entries:
        if entry.reverses is not None:
            found[entry.reverses] += abs(entry.delta) + abs(entry.shortfall)
    return found


@frozen
class _Statuses:
    """What has become of a line."""

    _lots: Mapping[str, Sequence[PointsEntry]]
    _at: datetime

    def of(self, group: Sequence[PointsEntry], taken_back: int) -> str:
        """Return the status of the entries of one line."""
        first = group[0]
        if taken_back and taken_back >= abs(sum(each.delta for each in group)):
            return "reversed"
        if first.id != first.lot_id or first.kind == "reverse":
            return "done"
        lot = self._lots[first.lot_id]
        if _lost(lot, self._at):
            return "expired"
        if not sum(each.delta for each in lot if each.kind != "expire"):
            return "used"
        return "pending" if lot_of(lot).is_pending(self._at) else "open"


def _line(
    id_: str, group: Sequence[PointsEntry], status: str, titles: Mapping[str, str], sources: Mapping[str, str]
) -> PointsLine:
    first, delta = group[0], sum(each.delta for each in group)
    terminal = None if first.terminal == "api" else first.terminal
    title = titles.get(first.offer, first.offer) if first.offer else None
    label = ("manually added" if delta > 0 else "manually removed") if first.kind == "adjust" else LABELS[first.kind]
    source = sources.get(first.sale_id) if first.sale_id else None
    brings = first.spend_id is None and opens_a_lot(first)
    return PointsLine(
        customer_id=first.customer_id, program=first.program, id=id_, kind=first.kind, label=label, delta=delta,
        occurred_at=group[-1].occurred_at, status=status, lots=_uses(group),
        description=title or first.point_of_sale or terminal or first.reference or "",
        origin=source or ("terminal" if terminal else "api"), point_of_sale=first.point_of_sale, terminal=terminal,
        offer=first.offer, reference=first.reference, sale_id=first.sale_id,
        shortfall=sum(each.shortfall for each in group), reason=first.reason, actor=first.actor,
        valid_from=first.valid_from if brings else None, expires_at=first.expires_at if brings else None,
    )


def _uses(group: Sequence[PointsEntry]) -> tuple[LotUse, ...]:
    if group[0].spend_id is not None:
        return movement(group).lots
    return tuple(LotUse(each.lot_id, abs(each.delta)) for each in group)


def _expiries(lots: Mapping[str, Sequence[PointsEntry]], at: datetime) -> tuple[list[PointsLine], list[PointsLine]]:
    """Return the lines of what expired in its time, and of what came to a lot when its time was over."""
    found: tuple[list[PointsLine], list[PointsLine]] = ([], [])
    for id_, entries in lots.items():
        if lost := _lost(entries, at):
            points, when = lost
            first, late = entries[0], any(each.occurred_at == when and each.delta and each.kind != "expire" for each in entries)
            found[late].append(PointsLine(
                customer_id=first.customer_id, program=first.program, id=id_, kind="expire", label=LABELS["expire"],
                delta=-points, occurred_at=when, description="", status="done", origin="api", lots=(LotUse(id_, points),),
            ))
    return found


def lots_at(entries: Iterable[PointsEntry], at: datetime) -> Iterator[Lot]:
    """Yield the lots as they stood at an instant."""
    return (lot_of(lot) for lot in by_lot(entries, at).values())


def expiring(lots: Iterable[Lot], now: datetime, until: datetime) -> tuple[Expiring, ...]:
    """Return what expires after now and up to `until`, soonest first, by instant; what is pending by when it is valid too."""
    found: defaultdict[tuple[datetime, datetime], int] = defaultdict(int)
    for lot in lots:
        if lot.expires_at is not None and now < lot.expires_at <= until:
            found[lot.expires_at, max(now, lot.valid_from or now)] += lot.points
    return tuple(
        Expiring(points, expires_at, valid_from if valid_from > now else None)
        for (expires_at, valid_from), points in sorted(found.items()) if points
    )


# proof -------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class LotProof:
    """What one lot brought, each entry that touched it, and what is left of it; the lot "debt" holds what is owed.

    It can be spent from `valid_from`, where that is later than it was brought, until just before `expires_at`.
    """

    id: str
    valid_from: datetime | None
    expires_at: datetime | None
    entries: tuple[PointsEntry, ...] = field(repr=False)
    brought: int
    spent: int
    adjusted: int
    reversed: int
    transferred: int
    expired: int
    rest: int

    @property
    def uses(self) -> tuple[PointsEntry, ...]:
        """The entries after the one that brought the lot."""
        return tuple(each for each in self.entries if not opens_a_lot(each))


@frozen(kw_only=True)
class Proof:
    """The balance of a customer in a program at an instant, lot by lot. `print` it to see all of them."""

    customer_id: str
    program: str
    as_of: datetime
    lots: tuple[LotProof, ...] = field(repr=False)

    @property
    def balance(self) -> int:
        """The sum of what is left of the lots."""
        return sum(lot.rest for lot in self.lots)

    def faults(self) -> tuple[str, ...]:
        """Return what cannot be, as sentences; none, or the records were changed from outside."""
        return tuple(fault for lot in self.lots for fault in _faults(lot))

    def __str__(self) -> str:
        titles = ("lot", "valid", "expires", *COLUMNS)
        rows = [(lot.id, *_dates(lot), *(str(getattr(lot, name)) for name in COLUMNS)) for lot in self.lots]
        totals = ("balance", "", _day(self.as_of), *(str(sum(getattr(lot, name) for lot in self.lots)) for name in COLUMNS))
        table = [titles, *rows, totals]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) if at < 3 else cell.rjust(width)
                      for at, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
            for row in table
        )


COLUMNS: Final = ("brought", "spent", "adjusted", "reversed", "transferred", "expired", "rest")
"""Columns of a printed proof: each row's first ones sum up to its last."""


def prove(customer_id: str, program: str, entries: Iterable[PointsEntry], at: datetime) -> Proof:
    """Return the proof of the balance at an instant, from all entries of the customer in the program."""
    lots = tuple(_proved(id_, lot, at) for id_, lot in by_lot(entries, at).items())
    return Proof(customer_id=customer_id, program=program, as_of=at, lots=lots)


def _proved(id_: str, entries: Sequence[PointsEntry], at: datetime) -> LotProof:
    lost = _lost(entries, at)
    sums: defaultdict[str, int] = defaultdict(int)
    for entry in entries:
        sums["brought" if opens_a_lot(entry) else entry.kind] += entry.delta
    expired = -lost[0] if lost else 0
    told = sum(total for kind, total in sums.items() if kind != "expire")
    return LotProof(
        id=id_, valid_from=entries[0].valid_from, expires_at=entries[0].expires_at, entries=tuple(entries),
        brought=sums["brought"], spent=sums["spend"],
        adjusted=sums["adjust"], reversed=sums["reverse"], transferred=sums["transfer"], expired=expired, rest=told + expired,
    )


def _faults(lot: LotProof) -> Iterator[str]:
    if not lot.brought and lot.id != DEBT:
        yield f"lot {lot.id} was never brought"
    if len({(each.valid_from, each.expires_at, each.program) for each in lot.entries}) > 1:
        yield f"the entries of lot {lot.id} disagree about its validity, expiry or program"
    if any(each.kind == "spend" and lot.valid_from is not None and each.occurred_at < lot.valid_from for each in lot.entries):
        yield f"lot {lot.id} was spent before it was valid"
    rest, instants = 0, {each.occurred_at for each in lot.entries}
    below: datetime | None = None
    for at in sorted(instants):
        rest += sum(each.delta for each in lot.entries if each.occurred_at == at)
        wrong = rest > 0 if lot.id == DEBT else rest < 0
        below = at if wrong and below is None else below
    if below is not None:
        yield f"lot {lot.id} was {'above' if lot.id == DEBT else 'below'} nought at {below.isoformat()}"


def _dates(lot: LotProof) -> tuple[str, str]:
    return "at once" if lot.valid_from is None else _day(lot.valid_from), _day(lot.expires_at)


def _day(instant: datetime | None) -> str:
    return "never" if instant is None else instant.isoformat(sep=" ", timespec="minutes")
