"""What a sale is made of: when it was made, totals, lines, and when two reports tell of the same sale."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from custcrm.records import Sale, SaleLine
from custcrm.records.sales import SaleKind
from custcrm.values.errors import Malformed
from custcrm.values.money import Money
from custcrm.values.shapes import mapping, several, whole_number
from custcrm.values.spelling import nearest
from custcrm.values.texts import checked, trimmed

TEXT_LIMIT: Final = 200
"""Characters of a product or category."""
LARGEST_QUANTITY: Final = 10**9
LARGEST: Final = 10**12
"""Minor units of a sale's total, or of a price or an amount on its lines, up or down: as for entries of accounts, sums of
a million of them stay within 64 bits."""

FIRST_YEAR: Final = 1900
"""Before it a date is a mistake: the year of a birth, or a calendar's first day that stands for none."""
AHEAD: Final = timedelta(days=1)
"""How far ahead of ours the clock of a till may be, and how much a till may err about its zone."""

LINE_FIELDS: Final = ("product", "category", "quantity", "price", "amount")

SAME: Final = (
    "kind", "refund_of", "customer_id", "occurred_at", "total", "units", "program", "point_of_sale", "terminal", "source",
    "document",
)
"""Two sales of one external id are the same sale when these are equal."""


def check_moment(at: datetime, now: datetime, zone: tzinfo) -> None:
    """Raise Malformed where a sale cannot have been made then: before 1900 there, or more than a day ahead of now."""
    if at < datetime(FIRST_YEAR, 1, 1, tzinfo=zone):
        raise Malformed(f"a sale is not made before {FIRST_YEAR}; tell when it was", field="occurred_at")
    check_not_ahead(at, now)


def check_not_ahead(at: datetime, now: datetime) -> None:
    """Raise Malformed where a sale, or what took one back, is dated more than a day ahead of now."""
    if at - now > AHEAD:
        raise Malformed("a sale is dated at most a day ahead; tell it when it has been made", field="occurred_at")


def about_total(total: Money) -> dict[str, Any]:
    """Return what a sale's total says of it: goods that come back without their sale are a refund, and count as no sale."""
    returned = bounded(total, field="total").minor < 0
    return {"total": total, "kind": SaleKind.REFUND if returned else SaleKind.SALE, "counts": 0 if returned else 1}


def bounded(amount: Money, *, field: str, times: int = 1) -> Money:
    """Return so many times an amount; Malformed for one that no shop means, and that sums could not hold."""
    if abs(amount.minor * times) <= LARGEST:
        return amount if times == 1 else amount * times
    largest = Money.from_minor(LARGEST, amount.currency)
    raise Malformed(f"{field} is at most {largest.amount:,} {amount.currency}, up or down", field=field)


def lines(
    given: Sequence[Mapping[str, Any]], *, customer_id: str, sale_id: str, at: datetime, amount: Callable[..., Money]
) -> list[SaleLine]:
    """Return the lines of a sale: price for each, amount for the line (quantity × price unless given)."""
    return [
        _line(line, number, customer_id=customer_id, sale_id=sale_id, at=at, amount=amount)
        for number, line in enumerate(several(given, field="lines"), 1)
    ]


def _line(
    given: Mapping[str, Any], number: int, *, customer_id: str, sale_id: str, at: datetime, amount: Callable[..., Money]
) -> SaleLine:
    for name in mapping(given, field=f"lines[{number}]"):
        if name not in LINE_FIELDS:
            raise Malformed(f"a line has no {name!r}", field=f"lines[{number}]", suggestions=nearest(name, LINE_FIELDS))
    quantity = whole_number(
        given.get("quantity", 1), -LARGEST_QUANTITY, LARGEST_QUANTITY, field=f"lines[{number}].quantity"
    )
    of_price, of_amount, total = f"lines[{number}].price", f"lines[{number}].amount", given.get("amount")
    price = bounded(amount(given.get("price", 0), field=of_price), field=of_price)
    return SaleLine(
        customer_id=customer_id, sale_id=sale_id, number=number, occurred_at=at,
        product=_read_text(given, "product", number), category=_read_text(given, "category", number),
        quantity=quantity, price=price,
        amount=bounded(price, field=of_amount, times=quantity) if total is None
        else bounded(amount(total, field=of_amount), field=of_amount),
    )


def _read_text(given: Mapping[str, Any], name: str, number: int) -> str | None:
    value = given.get(name)
    return None if value is None else trimmed(checked(value, field=f"lines[{number}].{name}", limit=TEXT_LIMIT)) or None


def differences(known: Sale, told: Sale, names: Collection[str] = SAME) -> tuple[str, ...]:
    """Return the fields in which a sale that is told again differs from the one that is known; only `names` were told."""
    return tuple(name for name in SAME if name in names and getattr(known, name) != getattr(told, name))
