"""What a coupon is worth: a benefit as data, and what it takes off the lines of a sale.

`parse` reads a benefit as people write it, `to_json` and `from_json` are how a series keeps it. `quote` is what one takes off,
`quote_all` what several do together, as a `Quote`. Exact throughout: whole minor units, and rounding half-even where a part of
one arises.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, Literal

from attrs import frozen

from custcrm.rules.alike import Line, alike, parted
from custcrm.values.errors import Malformed
from custcrm.values.identifiers import identifier
from custcrm.values.money import Money, apportion, round_ratio
from custcrm.values.shapes import whole_number
from custcrm.values.spelling import nearest, quoted
from custcrm.values.texts import checked, is_blank

Kind = Literal["product", "percent", "amount", "text"]

ORDER: Final[tuple[Kind, ...]] = ("product", "percent", "amount", "text")
"""Which benefits come first when several are combined: what costs nothing is not discounted as well, and a percentage is of
the prices, not of what an amount has left of them."""

FIELDS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "percent": ("percent", "at_most", "category", "product"),
    "amount": ("amount", "category", "product"),
    "text": ("text",),
    "product": ("product", "quantity"),
}
"""What a benefit of each kind is told by. The first field that is given tells the kind."""

TEXT_LIMIT: Final = 200
"""Characters of a product or category, as in the lines of sales."""
DECIMALS: Final = 6
"""Of a percentage."""
LARGEST_QUANTITY: Final = 10**6


@frozen(kw_only=True)
class Benefit:
    """What a coupon gives. `product` and `category` restrict a percentage or an amount to such lines.

    `percent` is exact text. A `product` benefit is up to `quantity` of it free of charge; a `text` is for people to act upon.
    """

    kind: Kind
    currency: str
    amount: Money | None = None
    percent: str | None = None
    at_most: Money | None = None
    product: str | None = None
    category: str | None = None
    quantity: int = 1
    text: str = ""


# reading and keeping -----------------------------------------------------------------------------


def parse(given: Mapping[str, Any], *, currency: str, amount: Callable[..., Money]) -> Benefit:
    """Read a benefit; `amount(value, field=…)` reads money. Malformed says which field, and what to write.

    {"amount": "5.00"} · {"percent": 10, "at_most": "20.00", "category": "wine"} · {"product": "Coffee", "quantity": 1} ·
    {"text": "A free tasting"}
    """
    if not isinstance(given, Mapping):
        raise Malformed("a benefit is a mapping, e.g. {'percent': 10}", field="benefit")
    kind = next((each for each in FIELDS if given.get(each) is not None), None)
    if kind is None:
        for name in given:
            if near := nearest(name, (each for names in FIELDS.values() for each in names)):
                raise Malformed(f"a benefit has no {quoted(name)}", field=f"benefit.{name}", suggestions=near)
        raise Malformed("a benefit has a percent, an amount, a product or a text", field="benefit", suggestions=ORDER)
    for name in given:
        if name not in FIELDS[kind]:
            word: object = name
            place = f"benefit.{name}" if isinstance(word, str) else "benefit"
            near = nearest(name, FIELDS[kind])
            raise Malformed(f"a benefit with {kind} has no {quoted(name)}", field=place, suggestions=near)
    at_most = given.get("at_most")
    return Benefit(
        kind=kind, currency=currency,
        amount=_positive(amount, given["amount"], "amount") if kind == "amount" else None,
        percent=_percent(given["percent"]) if kind == "percent" else None,
        at_most=None if at_most is None else _positive(amount, at_most, "at_most"),
        product=_name(given, "product"), category=_name(given, "category"), quantity=_quantity(given.get("quantity", 1)),
        text=_check_text(given["text"]) if kind == "text" else "",
    )


def to_json(benefit: Benefit) -> dict[str, Any]:
    """Return the benefit as a series keeps it: texts, and money in minor units beside its currency."""
    found: dict[str, Any] = {"kind": benefit.kind, "currency": benefit.currency}
    found |= {name: money.minor for name in ("amount", "at_most") if (money := getattr(benefit, name)) is not None}
    found |= {name: text for name in ("percent", "product", "category", "text") if (text := getattr(benefit, name))}
    return found | ({"quantity": benefit.quantity} if benefit.kind == "product" else {})


def from_json(kept: Mapping[str, Any]) -> Benefit | None:
    """Return the benefit that a series keeps, None where it has none."""
    if not kept:
        return None
    money = {
        name: Money.from_minor(int(kept[name]), kept["currency"]) for name in ("amount", "at_most") if name in kept
    }
    return Benefit(**{**kept, **money})


def _positive(amount: Callable[..., Money], value: Any, name: str) -> Money:
    money = amount(value, field=f"benefit.{name}")
    if money.minor <= 0:
        raise Malformed(f"{name} is more than nought", field=f"benefit.{name}")
    return money


def _percent(value: Any) -> str:
    """Return a percentage as exact text."""
    if isinstance(value, bool | float):
        raise Malformed("a percentage is exact; write '12.5' or Decimal('12.5')", field="benefit.percent")
    try:
        number = Decimal(value)
    except (ArithmeticError, ValueError, TypeError):
        raise Malformed("a percentage is a number, e.g. '12.5'", field="benefit.percent") from None
    if not (number.is_finite() and 0 < number <= 100 and round(number, DECIMALS) == number):
        message = f"a percentage is more than 0 and at most 100, with up to {DECIMALS} decimals"
        raise Malformed(message, field="benefit.percent")
    return f"{number.normalize():f}"


def _name(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is None:
        return None
    return identifier(value, field=f"benefit.{name}", limit=TEXT_LIMIT)


def _check_text(value: Any) -> str:
    if is_blank(checked(value, field="benefit.text")):
        raise Malformed("a text says what the coupon gives", field="benefit.text")
    return str(value)


def _quantity(value: Any) -> int:
    return whole_number(value, 1, LARGEST_QUANTITY, field="benefit.quantity")


# quoting -----------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Quote:
    """What coupons take off the lines of a sale: the `discount` altogether, and its `parts`, one for each coupon as asked.

    `shares` are what is then to be paid for each line, as `crm.sales.details` tells it of a sale.
    """

    discount: Money
    parts: tuple[Money, ...]
    shares: tuple[Money, ...]


def quote(benefit: Benefit, lines: Iterable[Line]) -> Money:
    """Return what the benefit takes off the lines: never more than they cost, never less than nought."""
    return quote_all([benefit], lines, currency=benefit.currency).discount


def quote_all(benefits: Sequence[Benefit | None], lines: Iterable[Line], *, currency: str) -> Quote:
    """Return what several benefits take off the lines together, in the order of `ORDER`, each of what those before left.

    Of one kind those about a product or a category come first, so that what they are about is not taken before. It does not
    matter in which order they are given, nor on how many lines the same goods stand. None is a coupon without one: it takes
    nothing off.
    """
    told = tuple(lines)
    costs = [_minor(line.amount, currency) for line in told]
    asked = alike(told)
    left = [each.amount.minor for each in asked]
    parts = [0] * len(benefits)
    found = [(at, benefit) for at, benefit in enumerate(benefits) if benefit is not None]
    for at, benefit in sorted(found, key=lambda each: turn(each[1])):
        taken = take_off(benefit, asked, left)
        left = [rest - part for rest, part in zip(left, taken, strict=True)]
        parts[at] = sum(taken)
    discount, *each = (Money.from_minor(minor, currency) for minor in (sum(parts), *parts))
    off = parted(asked, [one.amount.minor - rest for one, rest in zip(asked, left, strict=True)], told)
    shares = (Money.from_minor(cost - part, currency) for cost, part in zip(costs, off, strict=True))
    return Quote(discount=discount, parts=tuple(each), shares=tuple(shares))


def turn(benefit: Benefit | None) -> tuple[int, int, str]:
    """Return by what benefits stand in the order in which they take their parts; None, which takes none, comes last."""
    if benefit is None:
        return len(ORDER), 0, ""
    about = (benefit.product is None) + (benefit.category is None)
    return ORDER.index(benefit.kind), about, json.dumps(to_json(benefit), sort_keys=True)


def _minor(amount: Money, currency: str) -> int:
    if amount.currency != currency:
        raise Malformed(f"a line is in {amount.currency}, the benefit in {currency}; they do not mix", field="lines")
    return amount.minor


def take_off(benefit: Benefit, lines: Sequence[Line], left: Sequence[int]) -> list[int]:
    """Return what a benefit takes off each line, of what is `left` of it in minor units.

    Returned goods, negative lines, lower what there is.
    """
    bearing, of = meant(benefit, lines, left), _of(benefit, lines, left)
    there = max(0, min(of, sum(left)))
    match benefit.kind:
        case "product":
            return [part for part, _ in _pieces(benefit.quantity, lines, bearing, there)]
        case "percent":
            wanted = _share(benefit, of)
        case "amount":
            wanted = benefit.amount.minor if benefit.amount is not None else 0
        case _:
            wanted = 0
    return apportion(min(wanted, there), bearing)


def free_pieces(benefit: Benefit, lines: Sequence[Line], left: Sequence[int]) -> list[int]:
    """Return how many pieces of each line a benefit gives free of charge, of what is `left` of it in minor units."""
    if benefit.kind != "product":
        return [0] * len(lines)
    there = max(0, min(_of(benefit, lines, left), sum(left)))
    return [pieces for _, pieces in _pieces(benefit.quantity, lines, meant(benefit, lines, left), there)]


def meant(benefit: Benefit, lines: Sequence[Line], left: Sequence[int]) -> list[int]:
    """Return of each line what is left of it where the benefit is about it and it can bear any, else nought."""
    return [max(rest, 0) if _is_meant(benefit, line) else 0 for line, rest in zip(lines, left, strict=True)]


def _of(benefit: Benefit, lines: Sequence[Line], left: Sequence[int]) -> int:
    return max(0, sum(rest for line, rest in zip(lines, left, strict=True) if _is_meant(benefit, line)))


def _is_meant(benefit: Benefit, line: Line) -> bool:
    return benefit.product in (None, line.product) and benefit.category in (None, line.category)


def _share(benefit: Benefit, of: int) -> int:
    part = Fraction(benefit.percent or 0) * of / 100
    wanted = round_ratio(part.numerator, part.denominator)
    return wanted if benefit.at_most is None else min(wanted, benefit.at_most.minor)


def _pieces(quantity: int, lines: Sequence[Line], bearing: Sequence[int], there: int) -> list[tuple[int, int]]:
    """Return of each line what so many pieces take off it, the dearest first in whatever order they stand, and how many of them
    are free of charge by that: none where there was not as much as they cost.
    """
    found = [(0, 0)] * len(lines)
    bought = [at for at, rest in enumerate(bearing) if rest and lines[at].quantity > 0]
    for at in sorted(bought, key=lambda at: (-Fraction(bearing[at], lines[at].quantity), -lines[at].quantity)):
        pieces = min(quantity, lines[at].quantity)
        cost = round_ratio(bearing[at] * pieces, lines[at].quantity)
        off = min(cost, there)
        found[at] = off, pieces if off == cost else 0
        quantity, there = quantity - pieces, there - off
    return found
