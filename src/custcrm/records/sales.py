"""What customers bought, and where."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from attrs import frozen

from custcrm.records.declaration import CustomerId, Ref, record
from custcrm.values.money import Money


@record(
    "sales",
    key="customer_id id",
    unique=("external_id",),
    index=("customer_id occurred_at total units point_of_sale terminal program",),
    moments={"occurred_at": "purchase"},
    shown="total",
)
@frozen(kw_only=True)
class Sale:
    """One purchase. `external_id` is the receipt's or order's own number; a sale with one is recorded once."""

    customer_id: CustomerId
    id: str
    occurred_at: datetime
    total: Money
    units: int = 0
    program: Annotated[str | None, Ref("programs")] = None
    point_of_sale: Annotated[str | None, Ref("points_of_sale")] = None
    terminal: Annotated[str | None, Ref("terminals")] = None
    source: str = "in_store"
    document: str | None = None
    external_id: str | None = None
    recorded_at: datetime


@record("sale_lines", key="customer_id sale_id number", index=("customer_id category occurred_at quantity",))
@frozen(kw_only=True)
class SaleLine:
    """One line of a sale: `amount` is the line's total after discounts; the category is the product's at the time."""

    customer_id: CustomerId
    sale_id: str
    number: int
    occurred_at: datetime
    product: str | None = None
    category: str | None = None
    quantity: int = 1
    price: Money
    amount: Money
