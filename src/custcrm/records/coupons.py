"""Coupon series and the coupons issued from them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from attrs import frozen

from custcrm.records.declaration import INTERNAL, Counter, CustomerId, Ref, record


class CouponState(StrEnum):
    """Where a coupon is in its life, at some instant."""

    ISSUED = "issued"
    RESERVED = "reserved"
    REDEEMED = "redeemed"
    EXPIRED = "expired"
    REVOKED = "revoked"


@record("coupon_series", key="name", counter=Counter("issued", "capacity"))
@frozen(kw_only=True)
class CouponSeries:
    """The terms of a coupon.

    `valid` is a span from issue as text ("30 days"), `valid_until` a fixed end; capacity None is unlimited. `issued` is guarded
    by `reserve` and never set otherwise. `codes`: unique, or shared with `shared_code`.
    """

    name: str
    program: Annotated[str, Ref("programs")]
    title: str = ""
    description: str = ""
    codes: str = "unique"
    shared_code: str | None = None
    capacity: int | None = None
    issued: int = 0
    per_customer: int | None = None
    valid: str | None = None
    valid_until: datetime | None = None
    issue_from: datetime | None = None
    issue_until: datetime | None = None
    revoke_frees: bool = True
    restore_on_cancel: bool = True
    created_at: datetime


@record(
    "coupons",
    key="customer_id id",
    unique=("code", "customer_id series ordinal"),
    index=("customer_id series issued_at", "series issued_at", "applied_id"),
    moments={
        "issued_at": "coupon_issued", "redeemed_at": "coupon_redeemed",
        "revoked_at": "coupon_revoked", "expires_at": "coupon_expired",
    },
)
@frozen(kw_only=True)
class Coupon:
    """One piece of a series. Its state at any time follows from its instants.

    `code` is unique; a shared code stands on the series, and the coupon's own `code` is then None. `ordinal` counts the
    customer's coupons of a series with a limit.
    """

    customer_id: CustomerId
    id: str
    series: Annotated[str, Ref("coupon_series")]
    code: str | None = None
    ordinal: int | None = None
    issued_at: datetime
    expires_at: datetime | None = None
    reserved_until: datetime | None = None
    redeemed_at: datetime | None = None
    revoked_at: datetime | None = None
    reference: str | None = None
    reason: Annotated[str, INTERNAL] = ""
    actor: Annotated[str, INTERNAL] = ""
    applied_id: str | None = None
