"""A coupon's state at an instant, from its own instants."""

from __future__ import annotations

from datetime import datetime

from custcrm.records import Coupon
from custcrm.records.coupons import CouponState


def state(coupon: Coupon, at: datetime) -> CouponState:
    """Return the state: revoked or redeemed once that has happened, expired once its time is over, else reserved or issued."""
    if coupon.revoked_at is not None and coupon.revoked_at <= at:
        return CouponState.REVOKED
    if coupon.expires_at is not None and coupon.expires_at <= at:
        return CouponState.EXPIRED
    if coupon.reserved_until is not None and at < coupon.reserved_until:
        return CouponState.RESERVED
    return CouponState.ISSUED
