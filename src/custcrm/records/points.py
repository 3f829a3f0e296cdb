"""Loyalty points: immutable entries, each touching one lot."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from attrs import frozen

from custcrm.records.declaration import FOLDED, INTERNAL, CustomerId, Ref, Words, record
from custcrm.records.programs import API

DEBT: Final = "debt"
"""The lot that holds what a reversal could not take: one for each customer and program, and it never expires."""


@record(
    "points_entries",
    key="customer_id id",
    index=("customer_id program expires_at lot_id valid_from delta occurred_at", "occurred_at", "applied_id"),
    sparse=("reference",),
    moments={"occurred_at": "points_entry"},
    shown="program kind delta",
)
@frozen(kw_only=True)
class PointsEntry:
    """One immutable line that touches one lot and carries its expiry, and from when it can be spent if that is later.

    A credit opens a lot of its own id; a spend over three lots is three entries of one `spend_id`. The balance at any time is
    the sum of `delta` over lots not expired then. `reverses` names the credit's id or the spend's `spend_id` that a reversal
    takes back; `shortfall` are points that it could not take. `offer` is the coupon series that the points were spent for,
    `sale_id` the sale that earned them, by the earning rule `rule`.
    """

    customer_id: CustomerId
    id: str
    program: Annotated[str, Ref("programs"), FOLDED]
    kind: Annotated[str, Words(("credit", "spend", "adjust", "reverse", "transfer", "expire"))]
    delta: int
    lot_id: str
    spend_id: str | None = None
    occurred_at: datetime
    valid_from: datetime | None = None
    expires_at: datetime | None = None
    terminal: Annotated[str, Ref("terminals", (API,)), FOLDED] = API
    point_of_sale: Annotated[str | None, Ref("points_of_sale"), FOLDED] = None
    sale_id: str | None = None
    rule: Annotated[str | None, FOLDED] = None
    offer: Annotated[str | None, Ref("coupon_series"), FOLDED] = None
    reverses: str | None = None
    shortfall: int = 0
    reference: Annotated[str | None, FOLDED] = None
    text: Annotated[str, INTERNAL] = ""
    reason: Annotated[str, INTERNAL] = ""
    actor: Annotated[str, INTERNAL] = ""
    applied_id: str | None = None
