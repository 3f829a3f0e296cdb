"""What customers bought, and where."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from attrs import frozen

from custcrm.records.declaration import FOLDED, INTERNAL, CustomerId, Ref, record
from custcrm.values.money import Money


class SaleKind(StrEnum):
    """A purchase, or what took one back."""

    SALE = "sale"
    REFUND = "refund"
    CHARGEBACK = "chargeback"


@record(
    "sales",
    key="customer_id id",
    unique=("external_id",),
    index=("customer_id occurred_at total units counts kind point_of_sale terminal program", "occurred_at"),
    moments={"occurred_at": "purchase"},
    shown="total",
)
@frozen(kw_only=True)
class Sale:
    """One purchase, or a refund or chargeback of one (`refund_of`), whose total and units are negative.

    `counts` is 1 for a sale, -1 for the refund that takes the last of one back, else 0: so sums over all of them are what
    remains. `external_id` is the receipt's or order's own number; a sale with one is recorded once.
    """

    customer_id: CustomerId
    id: str
    kind: SaleKind = SaleKind.SALE
    occurred_at: datetime
    total: Money
    units: int = 0
    counts: int = 1
    refund_of: str | None = None
    program: Annotated[str | None, Ref("programs"), FOLDED] = None
    point_of_sale: Annotated[str | None, Ref("points_of_sale"), FOLDED] = None
    terminal: Annotated[str | None, Ref("terminals"), FOLDED] = None
    source: Annotated[str, FOLDED] = "in_store"
    document: Annotated[str | None, FOLDED] = None
    external_id: Annotated[str | None, FOLDED] = None
    reason: Annotated[str, INTERNAL] = ""
    recorded_at: datetime


@record("sale_lines", key="customer_id sale_id number", index=("customer_id category occurred_at quantity amount",))
@frozen(kw_only=True)
class SaleLine:
    """One line of a sale: `amount` is the line's total after discounts; the category is the product's at the time."""

    customer_id: CustomerId
    sale_id: str
    number: int
    occurred_at: datetime
    product: Annotated[str | None, FOLDED] = None
    category: Annotated[str | None, FOLDED] = None
    quantity: int = 1
    price: Money
    amount: Money
