"""Goods that are alike: lines of a sale that nothing tells apart, however a till writes them. Know `alike` and `parted`.

Two lines of one coffee each are the same purchase as one line of two. So whatever is taken off lines is taken off goods, and
each line has its part of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol

from attrs import evolve, frozen

from custcrm.values.money import Money, apportion


class Line(Protocol):
    """A line of a sale, such as `SaleLine`: `amount` is for all `quantity` of it, after other discounts."""

    @property
    def product(self) -> str | None:
        """The product's name or number."""

    @property
    def category(self) -> str | None:
        """The product's category."""

    @property
    def quantity(self) -> int:
        """How many."""

    @property
    def amount(self) -> Money:
        """What they cost together."""


@frozen(kw_only=True)
class Alike:
    """Goods of one product, category and price of a piece, at the `places` of their lines; what came back is apart."""

    product: str | None
    category: str | None
    quantity: int
    amount: Money
    places: tuple[int, ...]


def alike(lines: Sequence[Line]) -> list[Alike]:
    """Return what the lines are of, in the order in which each first stands."""
    found: dict[object, Alike] = {}
    for at, line in enumerate(lines):
        piece = Fraction(line.amount.minor, line.quantity) if line.quantity else line.amount.minor
        name = line.product, line.category, piece, line.quantity > 0, line.amount.minor > 0, not line.quantity
        if before := found.get(name):
            found[name] = evolve(
                before, quantity=before.quantity + line.quantity, amount=before.amount + line.amount,
                places=(*before.places, at),
            )
        else:
            found[name] = Alike(
                product=line.product, category=line.category, quantity=line.quantity, amount=line.amount, places=(at,)
            )
    return list(found.values())


def parted(goods: Sequence[Alike], off: Sequence[int], lines: Sequence[Line]) -> list[int]:
    """Return what is taken off each line of what is taken off goods, in minor units and in proportion to what they cost."""
    found = [0] * len(lines)
    for each, minor in zip(goods, off, strict=True):
        parts = apportion(minor, [abs(lines[at].amount.minor) for at in each.places])
        for at, part in zip(each.places, parts, strict=True):
            found[at] = part
    return found
