"""What points, accounts, sales and coupons must come to: a small model, written from the design and not from the code.

Lots, lists and whole numbers; no records, no store, no filters. Every verb takes `now` and either moves the model or raises
`Refused`. Ids are the library's own, because "the oldest" of lots made in one instant is told by them, and "after".

Time: whatever is done now stands at now, or with the latest entry of its lot or account, where that one is later (a clock set
back must not put a taking before the giving). So a lot that was used at its very end is over, whatever the clock says now.
What can be spent is the sum of all entries, also of those that a clock set back sees in the future; what is shown at an instant
are the entries up to then.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

NEVER = datetime.max.replace(tzinfo=UTC)
ACCESS_REASONS = {"full": (), "limited": (), "none": ("no_access",), "blacklisted": ("blacklisted",), None: ("not_a_member",)}


class Refused(Exception):
    """A rule said no, for these reasons; `details` are the numbers that the refusal must name."""

    def __init__(self, *reasons: str, **details: int) -> None:
        super().__init__(*reasons)
        self.reasons, self.details = reasons, details


def may_earn(access: str | None) -> None:
    if ACCESS_REASONS[access]:
        raise Refused(*ACCESS_REASONS[access])


def may_spend(access: str | None) -> None:
    may_earn(access)
    if access == "limited":
        raise Refused("limited_access")


# points --------------------------------------------------------------------------------------------


@dataclass
class Lot:
    """What one credit brought: dated entries, the expiry of all of them, and what was written off when it was over.

    Before `valid`, by the clock, it counts and cannot be spent.
    """

    id: str
    expires: datetime | None = None
    valid: datetime | None = None
    entries: list[tuple[datetime, int]] = field(default_factory=list)
    written_off: int = 0

    @property
    def rest(self) -> int:
        return sum(delta for _, delta in self.entries)

    def time(self, now: datetime) -> datetime:
        return max([now, *(at for at, _ in self.entries)])

    def counts(self, now: datetime) -> bool:
        return self.expires is None or self.time(now) < self.expires

    def waits(self, now: datetime) -> bool:
        return self.valid is not None and now < self.valid

    def move(self, delta: int, now: datetime) -> None:
        self.entries.append((self.time(now), delta))


@dataclass
class Credit:
    """What can be reversed of a credit: `left` of it is not taken back yet."""

    lot: Lot
    left: int


@dataclass
class Spend:
    """What can be reversed of a spend: from which lots how much, in the order it was taken, and how much is given back."""

    uses: list[tuple[Lot, int]]
    given: int = 0

    @property
    def points(self) -> int:
        return sum(use for _, use in self.uses)


@dataclass
class Purse:
    """The points of one customer in one program with this reversal policy."""

    policy: str
    grace: timedelta | None = None
    lots: dict[str, Lot] = field(default_factory=dict)
    debt: Lot = field(default_factory=lambda: Lot("debt"))
    missed: list[tuple[str, int]] = field(default_factory=list)
    made_good: list[tuple[str, int]] = field(default_factory=list)

    def open(self, now: datetime) -> list[Lot]:
        """Return the lots that count, in the order of their use: soonest expiry first, then oldest."""
        usable = [lot for lot in self.lots.values() if lot.rest > 0 and lot.counts(now)]
        return sorted(usable, key=lambda lot: (lot.expires or NEVER, lot.id))

    def standing(self, now: datetime) -> int:
        """Everything that counts, the debt too: below nought only by debt."""
        return sum(lot.rest for lot in self.open(now)) + self.debt.rest

    def shown(self, at: datetime) -> int:
        """Return the balance as it is shown for an instant."""
        standing = [lot for lot in (*self.lots.values(), self.debt) if lot.expires is None or at < lot.expires]
        return sum(delta for lot in standing for when, delta in lot.entries if when <= at)

    def waiting(self, at: datetime) -> int:
        """Return what is shown as pending for an instant: of what counts then, what cannot be spent yet."""
        lots = [lot for lot in self.lots.values() if lot.waits(at) and (lot.expires is None or at < lot.expires)]
        return sum(delta for lot in lots for when, delta in lot.entries if when <= at)

    @property
    def shortfall(self) -> int:
        """What taking back has missed and nothing has made good yet."""
        return sum(self.missing().values())

    def missing(self) -> dict[str, int]:
        """Return what is missing by the deed that missed it: what came back of a spend makes good the oldest after it."""
        left = dict(sorted(self.missed))
        for since, came in self.made_good:
            good = came
            for deed, points in left.items():
                use = min(good, points) if deed > since else 0
                left[deed], good = points - use, good - use
            assert not good, "more was made good than was missing"
        return left

    def credit(
        self, lot_id: str, points: int, expires: datetime | None, now: datetime, valid: datetime | None = None
    ) -> Credit:
        lot = self.lots[lot_id] = Lot(lot_id, expires, valid)
        lot.move(points, now)
        return Credit(lot, points)

    def spend(self, points: int, now: datetime, *, correcting: bool = False) -> Spend:
        """Debts are paid first, when the lots pay them; then points go, and never more than there are.

        Who spends leaves alone what waits; who corrects takes it first.
        """
        lots = self.waiting_first(now) if correcting else [lot for lot in self.open(now) if not lot.waits(now)]
        available = max(0, sum(lot.rest for lot in lots) + self.debt.rest)
        if points > available:
            raise Refused("not_enough_points", asked=points, available=available)
        owed = -self.debt.rest
        if owed:
            paid = [lot.entries[-1][0] for lot, _ in self._take(owed, now, lots)]
            self.debt.move(owed, max(paid))
        return Spend(self._take(points, now, lots))

    def waiting_first(self, now: datetime) -> list[Lot]:
        return sorted(self.open(now), key=lambda lot: not lot.waits(now))

    def _take(self, points: int, now: datetime, lots: list[Lot]) -> list[tuple[Lot, int]]:
        """Take so many points, or as many as there are."""
        uses = []
        for lot in lots:
            use = min(points, lot.rest)
            if use:
                lot.move(-use, now)
                uses.append((lot, use))
                points -= use
        return uses

    def reverse_credit(self, credit: Credit, points: int | None, now: datetime, id_: str) -> int:
        """Take back a credit or a part of it, by the deed of this id; return what the balance lost by it."""
        if credit.left == 0 or (points or 0) > credit.left:
            raise Refused("already_reversed")
        asked = points or credit.left
        lot, gone = credit.lot, 0
        if not lot.counts(now):
            gone = min(asked, lot.rest + lot.written_off)
        there = sum(each.rest for each in self.open(now))
        short = max(0, asked - gone - there)
        if short and self.policy == "refuse":
            raise Refused("not_enough_points", asked=asked, available=asked - short)
        if gone:
            back = max(0, gone - lot.rest)
            lot.written_off -= back
            lot.move(back - gone, now)
        mine = [lot] if lot in self.open(now) else []
        self._take(asked - gone - short, now, [*mine, *(each for each in self.waiting_first(now) if each is not lot)])
        credit.left -= asked
        if short and self.policy == "debt":
            self.debt.move(-short, now)
            return asked - gone
        if short:
            self.missed.append((id_, short))
            lot.move(0, now)  # the shortfall is an entry too
        return asked - gone - short

    def reverse_spend(self, spend: Spend, points: int | None, now: datetime, new_lots: list[str], id_: str) -> None:
        """Give back to the lots, the last taken first; with a grace, what would be over too soon comes as a lot of its own.

        What was missed after this spend, of this id, is made good first, by points that would count when they are back.
        """
        left = spend.points - spend.given
        if left == 0 or (points or 0) > left:
            raise Refused("already_reversed")
        wanted, skip = points or left, spend.given
        spend.given += wanted
        missing = sum(each for deed, each in self.missing().items() if deed > id_)
        for lot, use in reversed(spend.uses):
            passed = min(skip, use)
            back = min(use - passed, wanted)
            skip, wanted = skip - passed, wanted - back
            if not back:
                continue
            renewed = self.grace is not None and lot.expires is not None and lot.expires < now + self.grace
            withheld = min(back, missing) if renewed or lot.counts(now) else 0
            if withheld:
                self.made_good.append((id_, withheld))
                lot.move(0, now)
                back, missing = back - withheld, missing - withheld
            if back and renewed and self.grace is not None:
                self.credit(new_lots.pop(0), back, now + self.grace, now, lot.valid)
            elif back:
                lot.move(back, now)

    def transfer(self, target: Purse, now: datetime) -> None:
        """Everything that counts goes to the target: lots with their age and expiry, and the debt."""
        for lot in self.open(now):
            moved = target.lots.setdefault(lot.id, Lot(lot.id, lot.expires, lot.valid))
            _pass_on(lot, moved, now)
        if self.debt.rest:
            _pass_on(self.debt, target.debt, now)

    def expire(self, now: datetime) -> None:
        """Write down what time has done; no balance changes by it. Who has nothing expired that can be seen now has to wait."""
        over = [lot for lot in self.lots.values() if lot.expires is not None and lot.expires <= now]
        if not sum(delta for lot in over for at, delta in lot.entries if at <= now):
            return
        for lot in over:
            if lot.rest:
                lot.written_off += lot.rest
                lot.move(-lot.rest, lot.expires or now)


def _pass_on(lot: Lot, to: Lot, now: datetime) -> None:
    points = lot.rest
    lot.move(-points, now)
    to.move(points, lot.entries[-1][0])


# accounts ------------------------------------------------------------------------------------------


@dataclass
class Paid:
    """An entry of an account and how much of it is taken back."""

    change: int
    undone: int = 0


@dataclass
class Account:
    """The account of one customer: entries may take it down to `-limit`, by being spent, corrected or reversed.

    It is there since it was opened, by its first entry if not before; at an earlier time it is shown as empty.
    """

    limit: int = 0
    opened: datetime | None = None
    entries: list[tuple[datetime, int]] = field(default_factory=list)

    def open(self, now: datetime) -> None:
        self.opened = self.opened or now

    @property
    def balance(self) -> int:
        return sum(change for _, change in self.entries)

    def shown(self, at: datetime) -> int:
        if self.opened is None or at < self.opened:
            return 0
        return sum(change for when, change in self.entries if when <= at)

    def replenish(self, amount: int, now: datetime) -> Paid:
        """Paying in stands at now, whatever came before: what is more can never take an account below anything."""
        self.open(now)
        self.entries.append((now, amount))
        return Paid(amount)

    def change(self, amount: int, now: datetime) -> Paid:
        """Take, or correct up or down."""
        available = max(0, self.balance + self.limit)
        if -amount > available and amount < 0:
            raise Refused("not_enough_funds", asked=-amount, available=available)
        self.open(now)
        self.entries.append((max([now, *(at for at, _ in self.entries)]), amount))
        return Paid(amount)

    def reverse(self, paid: Paid, amount: int | None, now: datetime) -> None:
        left = abs(paid.change) - paid.undone
        if left == 0 or (amount or 0) > left:
            raise Refused("already_reversed")
        asked = amount or left
        self.change(-asked if paid.change > 0 else asked, now)
        paid.undone += asked


# sales ---------------------------------------------------------------------------------------------


@dataclass
class Sale:
    """A sale in minor units and the credit that it earned, if any: one point for each whole unit of money."""

    total: int
    credit: Credit | None
    earned: int
    left: int

    def refund(self, purse: Purse, amount: int | None, now: datetime, id_: str) -> int:
        """Give money back and take back the points of that share: what stays is rounded down. Return what the balance lost."""
        if self.left == 0 or (amount or 0) > self.left:
            raise Refused("over_refund")
        after = self.left - (amount or self.left)
        lost = 0
        if self.credit is not None:
            kept = self.earned * after // self.total if after else 0
            taken = self.earned - self.credit.left
            if self.earned - kept > taken:
                lost = purse.reverse_credit(self.credit, self.earned - kept - taken, now, id_)
        self.left = after
        return lost


# coupons -------------------------------------------------------------------------------------------


@dataclass
class Use:
    """One redemption, for an order or for nothing in particular."""

    reference: str | None
    stands: bool = True


@dataclass
class Coupon:
    """One piece: who holds it, until when it is good, what it was used for, and for what it is reserved.

    `happened` is the last that happened to it: it is never judged by an earlier time than that, whatever the clock says.
    """

    holder: int
    happened: datetime
    expires: datetime | None
    uses: list[Use] = field(default_factory=list)
    reserved_for: str | None = None
    reserved_until: datetime | None = None
    revoked: bool = False
    freed: bool = False

    @property
    def used(self) -> int:
        return sum(use.stands for use in self.uses)

    def now(self, now: datetime) -> datetime:
        return max(now, self.happened)

    def is_reserved(self, now: datetime) -> bool:
        return self.reserved_until is not None and self.now(now) < self.reserved_until

    def happens(self, now: datetime) -> None:
        self.happened = self.now(now)

    def is_over(self, now: datetime) -> bool:
        return self.expires is not None and self.now(now) >= self.expires

    def is_told_again(self, reference: str | None) -> bool:
        """Whether it was used for the order already, and that stands."""
        return reference is not None and any(use.stands and use.reference == reference for use in self.uses)

    def release(self, now: datetime) -> None:
        if self.is_reserved(now):
            self.reserved_until = self.now(now)


@dataclass
class Series:
    """The terms, and all coupons of them."""

    capacity: int | None = None
    per_customer: int | None = None
    per_coupon: int = 1
    valid: timedelta | None = None
    revoke_frees: bool = True
    restore_on_cancel: bool = True
    stackable: bool = False
    coupons: list[Coupon] = field(default_factory=list)

    def held(self, holder: int | None = None) -> int:
        """Count the places that are taken, in the series or by one customer: for both, revoking frees one in the same way."""
        return sum(holder in (None, each.holder) and not each.freed for each in self.coupons)

    @property
    def left(self) -> int | None:
        return None if self.capacity is None else self.capacity - self.held()

    def issue(self, holder: int, access: str | None, now: datetime) -> Coupon:
        reasons = list(ACCESS_REASONS[access])
        if self.per_customer is not None and self.held(holder) >= self.per_customer:
            reasons.append("customer_limit")
        if reasons:
            raise Refused(*reasons)
        if self.left == 0:
            raise Refused("series_capacity")
        coupon = Coupon(holder, now, None if self.valid is None else now + self.valid)
        self.coupons.append(coupon)
        return coupon

    def state(self, coupon: Coupon, now: datetime) -> str:
        if coupon.revoked:
            return "revoked"
        if coupon.used >= self.per_coupon:
            return "redeemed"
        if coupon.is_over(now):
            return "expired"
        return "reserved" if coupon.is_reserved(now) else "issued"

    def revoke(self, coupon: Coupon, now: datetime) -> None:
        """One that was used in part can still be revoked, but its place stays taken."""
        used_up = coupon.used >= self.per_coupon
        reasons = [*(["already_redeemed"] if used_up else []), *(["revoked"] if coupon.revoked else [])]
        if reasons:
            raise Refused(*reasons)
        coupon.happens(now)
        coupon.revoked = True
        coupon.freed = self.revoke_frees and not coupon.used


@dataclass
class Till:
    """Where coupons of several series are used: only here it is seen which of them are used for the same order."""

    series: list[Series]

    def why_not(self, series: Series, coupon: Coupon, access: str | None, now: datetime, reference: str | None) -> list[str]:
        """Every reason that a coupon cannot be used for, in the order of the policy tables; none told again for an order."""
        return [] if coupon.is_told_again(reference) else self._reasons(series, coupon, access, now, reference)

    def _reasons(self, series: Series, coupon: Coupon, access: str | None, now: datetime, reference: str | None) -> list[str]:
        used_up = coupon.used >= series.per_coupon
        beside = [
            each.stackable for each in self.series for other in each.coupons for use in other.uses
            if use.stands and reference is not None and use.reference == reference and not (used_up and other is coupon)
        ]
        tests = (
            ("limited_access", access == "limited"),
            ("already_redeemed", used_up),
            ("revoked", coupon.revoked),
            ("expired", coupon.is_over(now)),
            ("reserved", coupon.is_reserved(now) and (reference is None or coupon.reserved_for != reference)),
            ("not_stackable", bool(beside) and not (series.stackable and all(beside))),
        )
        return [*ACCESS_REASONS[access], *(reason for reason, holds in tests if holds)]

    def _admit(self, series: Series, coupon: Coupon, access: str | None, now: datetime, reference: str | None) -> None:
        reasons = self._reasons(series, coupon, access, now, reference)
        if reasons:
            raise Refused(*reasons)

    def redeem(
        self, series: Series, coupon: Coupon, access: str | None, now: datetime, reference: str | None, *, keyed: bool = False
    ) -> None:
        """Told again for an order without a key it is the first use."""
        if not keyed and coupon.is_told_again(reference):
            return
        self._admit(series, coupon, access, now, reference)
        coupon.release(now)
        coupon.happens(now)
        coupon.uses.append(Use(reference))

    def reserve(
        self, series: Series, coupon: Coupon, access: str | None, now: datetime, reference: str, length: timedelta
    ) -> None:
        """Once more for the same order goes on; it happened when it was first reserved."""
        self._admit(series, coupon, access, now, reference)
        until = coupon.now(now) + length
        if not coupon.is_reserved(now):
            coupon.happens(now)
        coupon.reserved_for, coupon.reserved_until = reference, until

    def release(self, coupon: Coupon, now: datetime, reference: str | None) -> None:
        if not coupon.is_reserved(now) or reference not in (None, coupon.reserved_for):
            raise Refused("not_reserved")
        coupon.release(now)

    def restore(self, series: Series, coupon: Coupon, now: datetime, reference: str | None) -> None:
        used = [use for use in coupon.uses if use.stands and reference in (None, use.reference)]
        if not used:
            raise Refused("not_redeemed")
        if not series.restore_on_cancel:
            raise Refused("not_restored")
        for use in used:
            use.stands = False
        coupon.happens(now)
        coupon.freed |= coupon.revoked and series.revoke_frees and not coupon.used


def counted(entries: list[tuple[Any, datetime, int]]) -> dict[Any, tuple[int, int]]:
    """Return of each lot, from its entries as stored (lot, when, change): their sum, and the least that it ever was.

    By time: what stands at one instant counts together, because no instant lies between.
    """
    changes: dict[Any, dict[datetime, int]] = {}
    for lot, at, change in entries:
        mine = changes.setdefault(lot, {})
        mine[at] = mine.get(at, 0) + change
    result = {}
    for lot, mine in changes.items():
        running, least = 0, 0
        for at in sorted(mine):
            running += mine[at]
            least = min(least, running)
        result[lot] = (running, least)
    return result
