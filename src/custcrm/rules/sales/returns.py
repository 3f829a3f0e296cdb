"""Goods that come back: which of those that were sold, how many are left, and what was paid for them.

The names to know are `Goods`, which are lines of a sale that nothing tells apart, and `bring_back`. Goods are told by product,
and where that is not enough by category, and by price.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import partial
from typing import TypeAlias

from attrs import evolve, frozen

from custcrm.records import Sale, SaleLine
from custcrm.values.errors import Malformed, Reason, Refusal
from custcrm.values.money import Money, round_ratio
from custcrm.values.spelling import nearest

Words: TypeAlias = frozenset[str]
"""The names that a line was told by."""

Brought: TypeAlias = tuple[SaleLine, int]
"""A line that came back, positive, and what was paid for it, in minor units."""


@frozen(kw_only=True)
class Goods:
    """Lines of a sale that are alike in product, category and price of a piece; `line` is the first of them.

    `quantity`, `amount` and `paid` are of all of them as sold, the last two in minor units; `back` and `back_amount` are what
    came back of that.
    """

    line: SaleLine
    quantity: int
    amount: int
    paid: int
    back: int = 0
    back_amount: int = 0

    @property
    def left(self) -> int:
        """How many there are still."""
        return self.quantity - self.back

    @property
    def left_amount(self) -> int:
        """What these come to, in minor units."""
        return self.amount - self.back_amount

    def paid_for(self, amount: int) -> int:
        """Return what was paid for goods that come to this amount, after what came back: all of them come to all that was."""
        if not self.amount:
            return 0
        shares = [round_ratio(self.paid * each, self.amount) for each in (self.back_amount, self.back_amount + amount)]
        return shares[1] - shares[0]

    def without(self, quantity: int, amount: int) -> Goods:
        """Return them after so many more came back."""
        return evolve(self, back=self.back + quantity, back_amount=self.back_amount + amount)


def goods(lines: Iterable[SaleLine], paid: Iterable[int]) -> list[Goods]:
    """Return what a sale was of, in the order of its lines; `paid` is the share of each line."""
    found: dict[_Alike, Goods] = {}
    for line, share in zip(lines, paid, strict=True):
        before = found.get(_alike(line), Goods(line=line, quantity=0, amount=0, paid=0))
        found[_alike(line)] = evolve(
            before, quantity=before.quantity + line.quantity, amount=before.amount + line.amount.minor,
            paid=before.paid + share,
        )
    return list(found.values())


def bring_back(sale: Sale, rest: list[Goods], told: Iterable[tuple[SaleLine, Words]]) -> list[Brought]:
    """Return the lines that come back, with the category, price and amount of what was sold where none was told.

    Malformed where nobody can tell which goods are meant, or the sale had none of them, Refusal OVER_REFUND where more is told
    than is left of them.
    """
    done: list[Brought] = []
    for number, (line, words) in enumerate(told, 1):
        if line.quantity < 0 or line.amount.minor < 0:
            raise Malformed("what came back is told without a minus", field=f"lines[{number}]")
        found = _meant(rest, line, words, number)
        if not found:
            _check_sold(rest, line, number)
            raise over(sale, line.quantity, 0)
        for each in found:
            back = _complete(sale, line if len(found) == 1 else evolve(line, quantity=each.left), words, each)
            done.append((back, each.paid_for(back.amount.minor)))
            rest = [one.without(back.quantity, back.amount.minor) if one is each else one for one in rest]
    return done


def settle(rest: list[Goods], lines: Iterable[SaleLine]) -> tuple[list[int], list[Goods]]:
    """Return what was paid for each of the lines of a refund, which are negative, and what is left after it."""
    shares: list[int] = []
    for line in lines:
        share, quantity, amount = 0, -line.quantity, -line.amount.minor
        for each in sorted(rest, key=partial(_distance, line)):
            if _distance(line, each)[0] or not (quantity or amount):
                break
            taken = min(quantity, max(each.left, 0)), min(amount, max(each.left_amount, 0))
            share += each.paid_for(taken[1])
            rest = [one.without(*taken) if one is each else one for one in rest]
            quantity, amount = quantity - taken[0], amount - taken[1]
        shares.append(share)
    return shares, rest


def leftover(rest: Iterable[Goods], lines: Iterable[SaleLine]) -> list[SaleLine]:
    """Return what is left of the lines of a sale, as positive lines: as sold, or one for goods of which some came back."""
    whole = {_alike(each.line): each for each in rest}
    left = [line for line in lines if not _is_touched(whole[_alike(line)])]
    left += [
        evolve(each.line, quantity=each.left, amount=Money.from_minor(each.left_amount, each.line.amount.currency))
        for each in whole.values() if _is_touched(each)
    ]
    return sorted((line for line in left if line.quantity or line.amount), key=lambda line: line.number)


def over(sale: Sale, asked: Money | int, rest: Money | int) -> Refusal:
    """Return the refusal of who asks for more than is left."""
    shown = {name: str(each) if isinstance(each, Money) else each for name, each in (("asked", asked), ("left", rest))}
    return Refusal(Reason.OVER_REFUND, details={"sale": sale.id, **shown})


# inside ---------------------------------------------------------------------------------------------

_Alike: TypeAlias = tuple[str | None, str | None, Fraction]


def _alike(line: SaleLine) -> _Alike:
    return line.product, line.category, _piece(line)


def _piece(line: SaleLine) -> Fraction:
    """Return what a piece of it costs, in minor units; of what has no quantity, what it costs altogether."""
    return Fraction(line.amount.minor, line.quantity or 1)


def _is_touched(each: Goods) -> bool:
    return bool(each.back or each.back_amount)


def _distance(line: SaleLine, each: Goods) -> tuple[bool, bool, bool, Fraction]:
    """Return how far goods are from being those that a line of a refund brought: others, too few, of another price."""
    other = (line.product, line.category) != (each.line.product, each.line.category)
    few = each.left < -line.quantity or each.left_amount < -line.amount.minor
    return other, few, line.price != each.line.price, abs(_piece(line) - _piece(each.line))


def _meant(rest: Sequence[Goods], line: SaleLine, words: Words, number: int) -> list[Goods]:
    """Return the goods that a told line means: one, or all that there are of a product sold at several prices."""
    found = [
        each for each in rest
        if (each.left or each.left_amount) and each.line.product == line.product
        and line.category in (None, each.line.category)
    ]
    if len({each.line.category for each in found}) > 1:
        raise Malformed("the product was sold in several categories; tell which", field=f"lines[{number}].category")
    for word, told in (("price", lambda each: each.line.price == line.price), ("amount", lambda each: _costs(each, line))):
        if len(found) > 1 and word in words:
            found = [each for each in found if told(each)] or found
    if len(found) > 1 and ("amount" in words or line.quantity != sum(each.left for each in found)):
        raise _several(found, number)
    return found


def _check_sold(rest: Sequence[Goods], line: SaleLine, number: int) -> None:
    """Raise Malformed where the sale had no such goods; else they came back already."""
    categories = [each.line.category for each in rest if each.line.product == line.product]
    if not categories:
        known = {each.line.product: each.line.product.casefold() for each in rest if each.line.product is not None}
        near = nearest((line.product or "").casefold(), known.values())
        meant = [name for name, folded in known.items() if folded in near or folded == (line.product or "").casefold()]
        what = "no line without a product" if line.product is None else f"no line of product {line.product!r}"
        raise Malformed(f"the sale has {what}", field=f"lines[{number}].product", suggestions=meant)
    if line.category not in (None, *categories):
        known_categories = sorted({each for each in categories if each is not None})
        raise Malformed(
            f"the sale has no line of the product in category {line.category!r}", field=f"lines[{number}].category",
            suggestions=known_categories,
        )


def _costs(each: Goods, line: SaleLine) -> bool:
    return _piece(each.line) == _piece(line)


def _several(found: Sequence[Goods], number: int) -> Malformed:
    """Return the error that says how to tell apart what was sold at several prices."""
    prices = list(dict.fromkeys(str(each.line.price.amount) for each in found))
    if len(prices) > 1:
        word, values = "price", prices
    else:
        word, values = "amount", [f"{each.line.amount.amount} for {each.line.quantity}" for each in found]
    message = f"the product was sold at several prices; tell the {word} of those that came back: {', '.join(values)}"
    return Malformed(message, field=f"lines[{number}].{word}")


def _complete(sale: Sale, line: SaleLine, words: Words, of: Goods) -> SaleLine:
    """Return one line that came back: these goods, for the amount that was told, else their part of what is left."""
    if line.quantity > max(of.left, 0):
        raise over(sale, line.quantity, max(of.left, 0))
    if "amount" not in words and ("price" not in words or line.price == of.line.price):
        minor = round_ratio(of.left_amount * line.quantity, of.left) if of.left else 0
        line = evolve(line, price=of.line.price, amount=Money.from_minor(minor, line.amount.currency))
    elif "price" not in words:
        line = evolve(line, price=of.line.price)
    if line.amount.minor > of.left_amount:
        raise over(sale, line.amount, Money.from_minor(of.left_amount, line.amount.currency))
    return evolve(line, category=of.line.category)
