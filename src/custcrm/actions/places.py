"""Where a transaction is booked, and what it refers to: the same for points, accounts, coupons and sales."""

from __future__ import annotations

from typing import Final

from custcrm.business import Business
from custcrm.records import PointOfSale, Terminal
from custcrm.records.programs import API
from custcrm.values.errors import Malformed
from custcrm.values.identifiers import identifier, optional

REFERENCE_LIMIT: Final = 200
"""Characters of a reference: the receipt, order or coupon that a transaction belongs to."""


def booked_at(business: Business, terminal: str | None) -> dict[str, str]:
    """Return terminal and point of sale, as columns: of the terminal given, else the one acting, else the virtual one."""
    name = business.terminal if terminal is None else identifier(terminal, field="terminal")
    if name is None or name == API:
        return {"terminal": API}
    found = business.known(Terminal, name, "terminal")
    return {"terminal": found.name, "point_of_sale": found.point_of_sale}


def place_of(business: Business, terminal: str | None, point_of_sale: str | None) -> tuple[str | None, str | None]:
    """Return point of sale and its program for a terminal or a point of sale."""
    if terminal is not None:
        till = business.known(Terminal, terminal, "terminal")
        terminal, stands_at = till.name, till.point_of_sale
        point_of_sale = optional(point_of_sale, field="point_of_sale")
        if point_of_sale not in (None, stands_at):
            raise Malformed(f"terminal {terminal!r} stands at {stands_at!r}", field="point_of_sale")
        point_of_sale = stands_at
    if point_of_sale is None:
        return None, None
    place = business.known(PointOfSale, point_of_sale, "point of sale")
    return place.name, place.program


def reference_of(reference: str | None) -> str | None:
    """Return a reference, trimmed: what the points belong to, such as a receipt's number."""
    return optional(reference, field="reference", limit=REFERENCE_LIMIT)
