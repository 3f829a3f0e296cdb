"""What a sale earns by the rules of its program, exactly. The name to know is `earned`.

Each rule that is no multiplier gives points of its own: for money, for units, or for the visit. A rule of a category counts the
lines of that category, by what was paid for them. Multipliers raise what these give; where several apply, to each line the
highest alone. Everything is a fraction until the end, and is rounded once for each rule, as the rule says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from math import ceil, floor
from typing import Final

from attrs import frozen

from custcrm.records import EarningRule, Sale, SaleLine
from custcrm.records.earning import Earns, Rounding
from custcrm.records.sales import SaleKind
from custcrm.rules.sales.shares import Discount, Paid, paid_for
from custcrm.values.errors import Malformed
from custcrm.values.money import round_ratio

MOST: Final = 10**12
"""Points that one rule may give for one sale: what one credit holds."""

ROUNDED: Final[Mapping[Rounding, Callable[[Fraction], int]]] = {
    Rounding.DOWN: floor,
    Rounding.HALF_EVEN: lambda exact: round_ratio(exact.numerator, exact.denominator),
    Rounding.UP: ceil,
}


@frozen
class Earned:
    """Points that one rule gives for a sale, always more than none, with the rule's `expires` and `valid_from`."""

    rule: str
    points: int
    expires: str | None = None
    valid_from: str | None = None


@frozen
class Part:
    """The share of one category in a sale: what was paid for it, in minor units, and units."""

    money: int
    units: int


def in_force(rules: Iterable[EarningRule], at: datetime) -> list[EarningRule]:
    """Return the rules that hold for a sale made at this time."""
    return [
        rule for rule in rules
        if (rule.starts_at is None or rule.starts_at <= at) and (rule.ends_at is None or at < rule.ends_at)
    ]


def earned(
    rules: Iterable[EarningRule],
    sale: Sale,
    lines: Sequence[SaleLine],
    matches: Callable[[str], bool],
    discounts: Sequence[Discount] = (),
) -> list[Earned]:
    """Return what the rules give for the sale, by name of rule; those that give nothing are left out.

    Whether rules are in force is for the caller (`in_force`). `discounts` are those of coupons for the sale. `matches` tells
    whether the customer met a filter before the sale; it is asked only where a rule depends on it. What took money back, told
    as a sale below nought or as a refund, earns nothing whatever the rule.
    """
    if sale.kind is not SaleKind.SALE or sale.total.minor < 0:
        return []
    applying = [rule for rule in rules if _applies(rule, sale, matches)]
    multipliers = [rule for rule in applying if rule.per is Earns.MULTIPLIER]
    parts = _parts(sale, lines, paid_for(lines, discounts, sale.total))
    given = [
        Earned(rule.name, _points(rule, parts, multipliers), rule.expires, rule.valid_from)
        for rule in sorted(applying, key=lambda rule: rule.name) if rule.per is not Earns.MULTIPLIER
    ]
    return [each for each in given if each.points]


def factor(multipliers: Sequence[EarningRule], category: str | None) -> Fraction:
    """Return the highest factor of those that apply to a category (None: to what is in none), 1 where none does."""
    wanted = [Fraction(rule.factor) for rule in multipliers if rule.factor and rule.category in (None, category)]
    return max(wanted, default=Fraction(1))


# inside ---------------------------------------------------------------------------------------------


def _applies(rule: EarningRule, sale: Sale, matches: Callable[[str], bool]) -> bool:
    if rule.minimum is not None and sale.total < rule.minimum:
        return False
    return rule.filter is None or matches(rule.filter)


def _parts(sale: Sale, lines: Sequence[SaleLine], paid: Sequence[Paid]) -> dict[str | None, Part]:
    """Return the sale by category; under None what lies in no category, and what the lines do not tell of.

    Units that nobody paid for count nowhere.
    """
    parts: dict[str | None, Part] = {}
    free = sum(line.quantity for line in lines) - sum(each.units for each in paid)
    for each in paid:
        if each.category is not None:
            before = parts.get(each.category, Part(0, 0))
            parts[each.category] = Part(before.money + each.money, before.units + each.units)
    told = list(parts.values())
    parts[None] = Part(
        sale.total.minor - sum(part.money for part in told), sale.units - free - sum(part.units for part in told)
    )
    return parts


def _shares(rule: EarningRule, parts: Mapping[str | None, Part]) -> list[tuple[str | None, Fraction]]:
    """Return the points that the rule gives before multipliers, by category."""
    if rule.per is Earns.VISIT:
        bought = rule.category is None or (rule.category in parts and parts[rule.category].units > 0)
        return [(rule.category, Fraction(rule.points))] if bought else []
    counted = [(name, part) for name, part in parts.items() if rule.category in (None, name)]
    if rule.per is Earns.UNITS:
        return [(name, Fraction(rule.points * part.units)) for name, part in counted]
    each = rule.amount.minor if rule.amount is not None else 1
    return [(name, Fraction(rule.points * part.money, each)) for name, part in counted]


def _points(rule: EarningRule, parts: Mapping[str | None, Part], multipliers: Sequence[EarningRule]) -> int:
    exact = sum((share * factor(multipliers, category) for category, share in _shares(rule, parts)), Fraction())
    points = ROUNDED[rule.rounding](max(exact, Fraction()))
    if points > MOST:
        raise Malformed(f"rule {rule.name!r} gives more than {MOST:,} points; mend the rule or the total", field="total")
    return points
