"""What callers tell of the use of a coupon: the order, who brings it, where, and what it takes off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from custcrm.actions.coupons.judging import Checkout
from custcrm.actions.places import booked_at, reference_of
from custcrm.business import Business, CustomerRef, customer_id
from custcrm.records import Coupon, FreeCode, Sale, SaleLine
from custcrm.rules.sales.sales import lines as lines_of
from custcrm.values.errors import Malformed
from custcrm.values.money import Amount, Money
from custcrm.values.shapes import mapping, several

CouponRef: TypeAlias = Coupon | FreeCode | str
"""A coupon as a record, or by its code: a coupon's own, a free one, or the code that a series shares."""

Lines: TypeAlias = Iterable[SaleLine | Mapping[str, Any]]
"""Lines of a sale: as `crm.sales.record` takes them, or as they were recorded."""


def checkout_of(
    business: Business,
    customer: CustomerRef | None,
    *,
    reference: str | None = None,
    sale: Sale | None = None,
    lines: Lines | None = None,
    discount: Amount | None = None,
    terminal: str | None = None,
    is_guest: bool = False,
) -> Checkout:
    """Read what a coupon is wanted for. A sale is the reference, and tells customer and terminal unless they are given."""
    if is_guest and customer is not None:
        raise Malformed("a guest is no customer; give customer= or identity=", field="identity")
    if not isinstance(sale, Sale | None):
        raise Malformed(f"a sale is given as its record, not {type(sale).__name__}", field="sale")
    if sale is not None and reference is not None:
        raise Malformed("the sale is the reference; give one of them", field="reference")
    if discount is not None and lines is not None:
        raise Malformed("the discount follows from the lines; give one of them", field="discount")
    buyer = None
    if sale is not None:
        reference, buyer, terminal = sale.id, sale.customer_id, sale.terminal if terminal is None else terminal
        customer = sale.customer_id if customer is None and not is_guest else customer
    till = booked_at(business, terminal)
    return Checkout(
        reference=reference_of(reference), buyer=buyer, customer=None if customer is None else customer_id(customer),
        discount=None if discount is None else _read_discount(business, discount),
        lines=None if lines is None else sale_lines(business, lines),
        terminal=till["terminal"], point_of_sale=till.get("point_of_sale"),
    )


def sale_lines(business: Business, lines: Lines) -> list[SaleLine]:
    """Read the lines of a sale that need not be recorded yet."""
    now = business.now()

    def read(line: SaleLine | Mapping[str, Any]) -> SaleLine:
        if isinstance(line, SaleLine):
            return line
        told = mapping(line, field="lines")
        if told.get("price") is None and told.get("amount") is None:
            raise Malformed("a line has a price or an amount; else nobody knows what to take off", field="lines")
        [made] = lines_of([line], customer_id="", sale_id="", at=now, amount=business.amount)
        return made

    return [read(line) for line in several(lines, field="lines")]


def _read_discount(business: Business, discount: Amount) -> Money:
    granted = business.amount(discount, field="discount")
    if granted.minor < 0:
        raise Malformed("a discount is not negative", field="discount")
    return granted
