"""What a refund or chargeback takes back of a sale: never more than is left of it. The name to know is `refund`.

A refund is a row of sales with a negative total, so sums over both are what remains. All of it is decided here, from the sale,
its earlier refunds and the lines of both; `left` says what there is still to take.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from attrs import evolve, field, frozen

from custcrm.records import Sale, SaleLine
from custcrm.records.sales import SaleKind
from custcrm.rules.sales.returns import Brought, Goods, bring_back, goods, leftover, over, settle
from custcrm.rules.sales.sales import LARGEST_QUANTITY, check_not_ahead
from custcrm.rules.sales.shares import Discount, shares
from custcrm.values.errors import Malformed
from custcrm.values.money import Money, apportion, round_ratio
from custcrm.values.shapes import whole_number


@frozen(kw_only=True)
class Asked:
    """What is to be taken back: `amount` None is the rest, or what was paid for the lines or the units.

    `lines` are as told, positive; `words` are the names that each of them was told by.
    """

    kind: SaleKind = SaleKind.REFUND
    amount: Money | None = None
    units: int | None = None
    lines: Sequence[SaleLine] | None = None
    words: Sequence[frozenset[str]] = ()
    occurred_at: datetime | None = None
    terminal: str | None = None
    reason: str = ""
    external_id: str | None = None


@frozen(kw_only=True)
class Left:
    """What is left of a sale: money, units, and whether it counts as a sale still (1) or no longer (0)."""

    total: Money
    units: int
    counts: int


@frozen(kw_only=True)
class Known:
    """What is known of a sale: its lines, the discounts of coupons for it, its refunds so far and their lines, as they came."""

    sale: Sale
    lines: Sequence[SaleLine] = ()
    refunds: Sequence[Sale] = ()
    returned: Sequence[SaleLine] = ()
    discounts: Sequence[Discount] = ()


@frozen
class Refunded:
    """A refund and its lines, all negative, and what is left of the sale after it."""

    refund: Sale
    lines: Sequence[SaleLine] = field(factory=tuple)
    left: Left = field(kw_only=True)


def left(sale: Sale, refunds: Sequence[Sale]) -> Left:
    """Return what is left of a sale after these refunds."""
    return Left(
        total=sum((each.total for each in refunds), sale.total),
        units=sale.units + sum(each.units for each in refunds),
        counts=sale.counts + sum(each.counts for each in refunds),
    )


def refund(known: Known, asked: Asked, *, id: str, now: datetime, place: tuple[str | None, str | None]) -> Refunded:
    """Return the refund; `place` is its terminal and point of sale.

    Refusal OVER_REFUND when more is asked for than is left, of money, units or a product; Malformed for what can never be a
    refund. It counts -1 when it takes the last money back (of a sale of nought: the last units).
    """
    sale, before = known.sale, left(known.sale, known.refunds)
    if sale.kind is not SaleKind.SALE or sale.total.minor < 0:
        raise Malformed("only a sale can be refunded, not what took one back", field="sale")
    at = _moment(known, asked.occurred_at, now)
    rest = settle(_sold(known), known.returned)[1]
    told = None if asked.lines is None else bring_back(sale, rest, zip(asked.lines, asked.words, strict=True))
    amount = _amount(known, before, asked, told)
    units = _units(sale, before, asked, told, whole=amount == before.total)
    last = amount == before.total and (amount.minor > 0 or units == before.units)
    counts = -before.counts if last else 0
    if not (amount or units or counts):
        raise Malformed("a refund takes back money or units", field="amount")
    lines = [line for line, _ in told] if told is not None else leftover(rest, known.lines) if last else []
    terminal, point_of_sale = place
    made = Sale(
        customer_id=sale.customer_id, id=id, kind=asked.kind, occurred_at=at, total=-amount, units=-units, counts=counts,
        refund_of=sale.id, program=sale.program, point_of_sale=point_of_sale, terminal=terminal, source=sale.source,
        external_id=asked.external_id, reason=asked.reason, recorded_at=now,
    )
    after = Left(total=before.total - amount, units=before.units - units, counts=before.counts + counts)
    return Refunded(made, _negative(lines, made), left=after)


def paid(known: Known, refund: Sale | None = None) -> list[Money]:
    """Return what was paid for each line of the sale, or what was paid back for each line of one of its refunds.

    Of what a refund took back without its lines, or more than was paid for them, nothing is of a line.
    """
    currency = known.sale.total.currency
    if refund is None:
        found = shares(known.lines, known.discounts, known.sale.total)
        return [Money.from_minor(minor, currency) for minor in found]
    rest = _sold(known)
    for each in known.refunds:
        brought, rest = settle(rest, [line for line in known.returned if line.sale_id == each.id])
        if each.id == refund.id:
            return [Money.from_minor(-minor, currency) for minor in apportion(min(-each.total.minor, sum(brought)), brought)]
    return []


def differences(known: Sale, sale: Sale, asked: Asked) -> tuple[str, ...]:
    """Return in what a refund that is told again differs from the one known by its external id; lines are not compared."""
    names = [] if (known.refund_of, known.kind) == (sale.id, asked.kind) else ["sale"]
    if asked.amount is not None and asked.amount != -known.total:
        names.append("amount")
    if asked.amount is None and asked.lines is None and known.counts == 0 and asked.units is None:
        names.append("amount")  # the rest was asked for, and this one left some
    units = None if asked.units is None else -asked.units
    told = {"units": units, "occurred_at": asked.occurred_at, "terminal": asked.terminal}
    return (*names, *(name for name, value in told.items() if value is not None and value != getattr(known, name)))


def points_kept(earned: int, total: Money, left: Left) -> int:
    """Return how many of the points that a sale earned stay when `left` is left of it: their share, rounded down."""
    if not left.counts:
        return 0
    return earned * left.total.minor // total.minor if total.minor > 0 else earned


def points_back(credits_: Sequence[tuple[int, int]], sale: Sale, left: Left, *, of_units: bool = False) -> list[int]:
    """Return what to reverse of each credit of a sale, (points, those not reversed yet): the last ones first.

    Points `of_units` keep no more than the share of the units that are left.
    """
    earned = sum(points for points, _ in credits_)
    kept = points_kept(earned, sale.total, left)
    if of_units and sale.units > 0:
        kept = min(kept, earned * max(0, left.units) // sale.units)
    more = max(0, sum(rest for _, rest in credits_) - kept)
    back: list[int] = []
    for _, rest in reversed(credits_):
        back.append(min(rest, more))
        more -= back[-1]
    return back[::-1]


# inside ---------------------------------------------------------------------------------------------


def _sold(known: Known) -> list[Goods]:
    return goods(known.lines, shares(known.lines, known.discounts, known.sale.total))


def _moment(known: Known, told: datetime | None, now: datetime) -> datetime:
    """Return when it happened: now, or as told, and not before the sale.

    What is told follows earlier refunds, so that at any time the sale counts while money of it is left. One of those that is
    dated ahead moves no other into its future.
    """
    sold = known.sale.occurred_at
    if told is None:
        return max(now, sold)
    if told < max((each.occurred_at for each in known.refunds if each.occurred_at <= now), default=sold) or told < sold:
        raise Malformed("a refund is not before its sale, nor before an earlier refund of it", field="occurred_at")
    check_not_ahead(told, max(now, sold))
    return told


def _amount(known: Known, before: Left, asked: Asked, told: Sequence[Brought] | None) -> Money:
    sale = known.sale
    amount = asked.amount
    if amount is None and told is not None:
        paid = sum(paid for _, paid in told)  # an amount that came back without lines may have left less than was paid for them
        amount = Money.from_minor(min(paid, before.total.minor), sale.total.currency)
    if amount is None and asked.units is not None:
        amount = _paid_for(_told_units(sale, before, asked.units), before)
    if amount is None and not before.counts:
        raise over(sale, sale.total, before.total)
    if amount is None:
        amount = before.total
    if amount.minor < 0:
        raise Malformed("a refund's amount is told without a minus", field="amount")
    if amount > before.total:
        raise over(sale, amount, before.total)
    return amount


def _units(sale: Sale, before: Left, asked: Asked, told: Sequence[Brought] | None, *, whole: bool) -> int:
    if asked.units is None and told is None:
        return before.units if whole else 0
    if asked.units is None:  # a sale's units need not be those of its lines
        return min(sum(line.quantity for line, _ in told or ()), max(before.units, 0))
    return _told_units(sale, before, asked.units)


def _told_units(sale: Sale, before: Left, units: int) -> int:
    message = f"units are a whole number from 0 to {LARGEST_QUANTITY:,}"
    if whole_number(units, 0, LARGEST_QUANTITY, field="units", message=message) > max(before.units, 0):
        raise over(sale, units, before.units)
    return units


def _paid_for(units: int, before: Left) -> Money:
    """Return the share of units in the money that is left, rounded half-even; the last units take the rest."""
    return Money.from_minor(round_ratio(before.total.minor * units, before.units) if units else 0, before.total.currency)


def _negative(lines: Sequence[SaleLine], refund: Sale) -> list[SaleLine]:
    return [
        evolve(line, sale_id=refund.id, number=number, occurred_at=refund.occurred_at, quantity=-line.quantity,
               amount=-line.amount)
        for number, line in enumerate(lines, 1)
    ]
