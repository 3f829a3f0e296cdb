"""What was paid for each line of a sale: its share. Know `shares`, `paid_for`, `further`, `Discount` and `discounts`.

Lines tell what goods cost, a sale what was paid. Where less was paid than the lines come to, somebody took something off, and
each discount is spread over the lines that it is about: a coupon's over those of its product or category, any other over all.
Everything that asks what was paid for a line asks here: what sales earn, refunds, benefits of further coupons, receipts. On how
many lines the same goods stand makes no difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import frozen

from custcrm.records import CouponSeries, Redemption
from custcrm.rules.alike import Alike, Line, alike, parted
from custcrm.rules.benefits import Benefit, free_pieces, from_json, meant, quote, quote_all, take_off, turn
from custcrm.rules.coupons import Use
from custcrm.values.money import Money, apportion

_LAST: Final = datetime.max.replace(tzinfo=UTC)


@frozen
class Discount:
    """What one coupon took off: the `amount`, None where nobody told, of the lines that its `benefit` is about.

    Without a benefit it is about all lines; without an amount it is what the benefit takes off.
    """

    amount: Money | None = None
    benefit: Benefit | None = None


@frozen
class Paid:
    """What was paid for goods of a category, in minor units, and for how many; of goods that came back less than nought."""

    category: str | None
    money: int
    units: int


def shares(lines: Sequence[Line], discounts: Iterable[Discount] = (), total: Money | None = None) -> list[int]:
    """Return what was paid for each line, in minor units; without a total, what these discounts leave to be paid.

    Where the total is less than the lines come to, each discount in turn takes what it may of the difference, and what is left
    of that is spread over all lines. Then the shares come to the total exactly. A discount is spread in proportion to what is
    left of each line that it is about, pieces free of charge by their prices; parts of a minor unit go to the largest
    remainders. Returned goods, lines below nought, bear nothing. Where the total is not less, each line was paid as it stands,
    and the rest is of no line.
    """
    sign, goods = _sign(total), alike(lines)
    left, _ = _left(goods, discounts, total)
    off = parted(goods, [sign * each.amount.minor - rest for each, rest in zip(goods, left, strict=True)], lines)
    return [line.amount.minor - sign * part for line, part in zip(lines, off, strict=True)]


def paid_for(lines: Sequence[Line], discounts: Iterable[Discount], total: Money) -> list[Paid]:
    """Return what was paid for the goods of a sale, by which it earns, and for how many of them something was.

    Pieces that a coupon gave free of charge were not paid for, nor was what all of its price was taken off. Returned goods pay:
    they lower what was paid for the goods of their category, and what is over for all others in proportion.
    """
    goods = alike(lines)
    left, free = _left(goods, discounts, total)
    paid = [max(rest, 0) for rest in left]
    back = Counter[str | None]()
    for each, rest in zip(goods, left, strict=True):
        back[each.category] -= min(rest, 0)
    for category in back:
        own = [rest if each.category == category else 0 for each, rest in zip(goods, paid, strict=True)]
        lowered = min(back[category], sum(own))
        _take(apportion(lowered, own), paid)
        back[category] -= lowered
    _take(apportion(min(back.total(), sum(paid)), paid), paid)
    return [
        Paid(each.category, money, _units(each, money, none))
        for each, money, none in zip(goods, paid, free, strict=True)
    ]


def taken_off(lines: Iterable[Line], total: Money) -> int:
    """Return by how much less was paid than the lines come to, in minor units; nought where it was not less."""
    return max(0, _sign(total) * (sum(line.amount.minor for line in lines) - total.minor))


def discounts(uses: Iterable[Use], series: Mapping[str, CouponSeries], recorded_at: datetime | None = None) -> list[Discount]:
    """Return what the uses of coupons for one order took off it, in the order in which they are spread.

    That is the order of `benefits.turn`. A use that was taken back before the sale was recorded took nothing off it; one that
    was taken back later did, as what was paid is not changed by that: it comes after those that stand, unless its coupon has
    been used for the order again.
    """
    counted: list[Use] = []
    coupons: set[tuple[str, ...]] = set()
    for use in sorted(uses, key=lambda use: _turn(use, series)):
        coupon = (use.coupon_id,) if isinstance(use, Redemption) else (use.series, use.code, use.identity)
        back = use.restored_at
        if back is None or (recorded_at is not None and back >= recorded_at and coupon not in coupons):
            counted.append(use)
            coupons.add(coupon)
    return [Discount(use.discount, _benefit(use, series)) for use in counted]


def further(benefit: Benefit, granted: Sequence[Discount], lines: Sequence[Line]) -> Money:
    """Return what a benefit takes off lines of which others were granted their discounts already.

    It brings what was granted up to what `benefits.quote_all` says of all of them, so that coupons used one by one take what
    they take together, in whatever order, and never more than the lines come to. A discount that is not its benefit's is one of
    all lines, for what it is; where less was granted than a benefit gives, this one makes up for nothing: it takes no more than
    it does alone.
    """
    before = quote_all([each.benefit for each in granted], lines, currency=benefit.currency)
    told = [part if each.amount is None else each.amount for each, part in zip(granted, before.parts, strict=True)]
    other = sum(amount.minor for each, amount in zip(granted, told, strict=True) if not _is_computed(each.benefit))
    known = [benefit, *(each.benefit for each in granted if _is_computed(each.benefit))]
    by_hand = Benefit(kind="amount", currency=benefit.currency, amount=Money.from_minor(other, benefit.currency))
    together = quote_all([*known, by_hand], lines, currency=benefit.currency).discount
    rest = together.minor - sum(amount.minor for amount in told)
    return Money.from_minor(max(0, min(rest, quote(benefit, lines).minor)), benefit.currency)


# inside ---------------------------------------------------------------------------------------------


def _units(goods: Alike, money: int, free: int) -> int:
    """Return for how many of the goods something was paid; of what costs nothing, and of what came back, all are told."""
    if goods.amount.minor <= 0:
        return goods.quantity
    return max(0, goods.quantity - free) if money else 0


def _left(goods: Sequence[Alike], discounts: Iterable[Discount], total: Money | None) -> tuple[list[int], list[int]]:
    """Return what was paid for goods, of what came back as if it were sold, and how many of them were free of charge."""
    sign = _sign(total)
    left = [sign * each.amount.minor for each in goods]
    free = [0] * len(goods)
    off = sum(max(rest, 0) for rest in left) if total is None else taken_off(goods, total)
    for discount in _together(list(discounts), goods):
        parts = _spread(discount, goods, left, off)
        if discount.benefit is not None and any(parts) and parts == take_off(discount.benefit, goods, left):
            free = [sum(each) for each in zip(free, free_pieces(discount.benefit, goods, left), strict=True)]
        off -= _take(parts, left)
    if total is not None:
        _take(apportion(off, [max(rest, 0) for rest in left]), left)
    return left, free


def _together(told: list[Discount], lines: Sequence[Line]) -> list[Discount]:
    """Return discounts as a quote parts them, where they come to what it says: used one by one, each had what others left."""
    benefits = [each.benefit for each in told if each.amount is not None and each.benefit is not None]
    if len(told) < 2 or len(benefits) < len(told) or not all(map(_is_computed, benefits)):
        return told
    quoted = quote_all(benefits, lines, currency=benefits[0].currency)
    if quoted.discount.minor != sum(each.amount.minor for each in told if each.amount is not None):
        return told
    parted = map(Discount, quoted.parts, benefits)
    return sorted(parted, key=lambda each: turn(each.benefit))


def _sign(total: Money | None) -> int:
    return -1 if total is not None and total.minor < 0 else 1  # of what came back, all is below nought


def _is_computed(benefit: Benefit | None) -> bool:
    return benefit is not None and benefit.kind != "text"


def _take(parts: Sequence[int], left: list[int]) -> int:
    """Take the parts off what is left of the lines, and return their sum."""
    for at, part in enumerate(parts):
        left[at] -= part
    return sum(parts)


def _spread(discount: Discount, lines: Sequence[Line], left: Sequence[int], most: int) -> list[int]:
    """Return what each line bears of a discount: as its benefit says where it was that much, else by what is left of each."""
    if discount.benefit is None or discount.benefit.kind == "text":
        bearing, taken = [max(rest, 0) for rest in left], None
    else:
        bearing, taken = meant(discount.benefit, lines, left), take_off(discount.benefit, lines, left)
    wanted = sum(taken or ()) if discount.amount is None else discount.amount.minor
    wanted = min(wanted, most, sum(bearing))
    return taken if taken is not None and sum(taken) == wanted else apportion(wanted, bearing)


def _turn(use: Use, series: Mapping[str, CouponSeries]) -> tuple[timedelta, tuple[int, int, str], datetime, str]:
    since = timedelta.min if use.restored_at is None else _LAST - use.restored_at  # the last that was taken back comes first
    return since, turn(_benefit(use, series)), use.redeemed_at, use.id


def _benefit(use: Use, series: Mapping[str, CouponSeries]) -> Benefit | None:
    return from_json(series[use.series].benefit) if use.series in series else None
