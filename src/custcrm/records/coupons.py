"""Coupon series, the coupons issued from them, and their redemptions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from attrs import Factory, frozen

from custcrm.records.declaration import FOLDED, INTERNAL, Counter, CustomerId, Ref, Words, record
from custcrm.records.programs import API
from custcrm.values.money import Money

SHARING: Final = ("unique", "shared")

KINDS: Final = ("check_modifier", "certificate", "external", "prepaid")
"""What coupons of a series are to people; custcrm treats all alike."""

ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Letters and digits of a code: 32, without 0, O, 1 and I, which people confuse."""

CODE_LENGTH: Final = 12
"""Characters of a code: 60 random bits, so guessing one of a million codes takes a million million tries."""


class CouponState(StrEnum):
    """Where a coupon is in its life, at some instant; `free` is a code that nobody holds yet, `pending` one not valid yet."""

    FREE = "free"
    PENDING = "pending"
    ISSUED = "issued"
    RESERVED = "reserved"
    REDEEMED = "redeemed"
    EXPIRED = "expired"
    REVOKED = "revoked"


@record("coupon_series", key="name", counter=Counter("issued", "capacity"))
@frozen(kw_only=True)
class CouponSeries:
    """The terms of a coupon.

    `valid_from` is a span from issue as text ("14 days") or an instant as ISO text; `valid` is a span from then, `valid_until`
    a fixed end. While it is paused, since `paused_at`, nothing of it is issued or redeemed. Capacity None is unlimited.
    `issued` is guarded by `reserve` and never set otherwise. `codes`: unique, or shared with `shared_code`. `per_customer`
    limits the coupons of one customer, `per_coupon` the redemptions of one coupon. `benefit` is data (see `rules.benefits`).
    `transferable`: whoever brings the code may redeem it. `titles` and `descriptions` are by locale.
    """

    name: str
    program: Annotated[str, Ref("programs")]
    kind: Annotated[str, Words(KINDS)] = "check_modifier"
    title: str = ""
    description: str = ""
    titles: Mapping[str, Any] = Factory(dict)
    descriptions: Mapping[str, Any] = Factory(dict)
    codes: Annotated[str, Words(SHARING)] = "unique"
    shared_code: str | None = None
    alphabet: str = ALPHABET
    code_length: int = CODE_LENGTH
    capacity: int | None = None
    issued: int = 0
    per_customer: int | None = None
    per_coupon: int = 1
    valid_from: str | None = None
    valid: str | None = None
    valid_until: datetime | None = None
    issue_from: datetime | None = None
    issue_until: datetime | None = None
    benefit: Mapping[str, Any] = Factory(dict)
    stackable: bool = False
    transferable: bool = False
    revoke_frees: bool = True
    restore_on_cancel: bool = True
    paused_at: datetime | None = None
    created_at: datetime


@record("series_budgets", key="series", counter=Counter("spent", "budget"))
@frozen(kw_only=True)
class SeriesBudget:
    """What the redemptions of a series may cost altogether, in minor units; `spent` is guarded by `reserve`."""

    series: Annotated[str, Ref("coupon_series")]
    budget: int
    currency: str
    spent: int = 0


@record(
    "coupons",
    key="customer_id id",
    unique=("code", "customer_id series ordinal"),
    index=("customer_id series issued_at", "series issued_at", "applied_id"),
    moments={"issued_at": "coupon_issued", "revoked_at": "coupon_revoked", "expires_at": "coupon_expired"},
    shown="series",
)
@frozen(kw_only=True)
class Coupon:
    """One piece of a series, held by a customer. Its state at any time follows from its instants and its redemptions.

    `code` is unique; a shared code stands on the series, and the coupon's own `code` is then None. `ordinal` counts the
    customer's coupons of a series with a limit; one that was revoked and gave its place back has none. It is reserved for
    `reserved_for` (an order) until `reserved_until`.
    """

    customer_id: CustomerId
    id: str
    series: Annotated[str, Ref("coupon_series"), FOLDED]
    code: str | None = None
    ordinal: int | None = None
    issued_at: datetime
    valid_from: datetime | None = None
    expires_at: datetime | None = None
    reserved_at: datetime | None = None
    reserved_until: datetime | None = None
    reserved_for: str | None = None
    revoked_at: datetime | None = None
    reason: Annotated[str, INTERNAL] = ""
    actor: Annotated[str, INTERNAL] = ""
    applied_id: str | None = None


@record(
    "redemptions",
    key="customer_id id",
    index=("customer_id coupon_id redeemed_at", "reference", "redeemed_at", "applied_id"),
    moments={"redeemed_at": "coupon_redeemed", "restored_at": "coupon_restored"},
    shown="series",
)
@frozen(kw_only=True)
class Redemption:
    """One use of a coupon; `restored_at` when what it was used for was cancelled. `reference` names the sale or order."""

    customer_id: CustomerId
    id: str
    coupon_id: str
    series: Annotated[str, Ref("coupon_series"), FOLDED]
    program: Annotated[str, Ref("programs"), FOLDED]
    redeemed_at: datetime
    restored_at: datetime | None = None
    reference: Annotated[str | None, FOLDED] = None
    discount: Money | None = None
    terminal: Annotated[str, Ref("terminals", (API,)), FOLDED] = API
    point_of_sale: Annotated[str | None, Ref("points_of_sale"), FOLDED] = None
    reason: Annotated[str, INTERNAL] = ""
    actor: Annotated[str, INTERNAL] = ""
    applied_id: str | None = None


@record("free_codes", key="code", index=("series created_at",), shown="series", secret=True)
@frozen(kw_only=True)
class FreeCode:
    """A code of a series that was made to be handed out: nobody's until a customer takes it or a guest redeems it."""

    code: str
    series: Annotated[str, Ref("coupon_series")]
    created_at: datetime
    valid_from: datetime | None = None
    expires_at: datetime | None = None
    taken_at: datetime | None = None
    revoked_at: datetime | None = None
    actor: Annotated[str, INTERNAL] = ""


@record(
    "guest_redemptions",
    key="id",
    unique=("series identity ordinal",),
    index=("code", "reference", "redeemed_at"),
    shown="series",
)
@frozen(kw_only=True)
class GuestRedemption:
    """A use of a code by somebody who is no customer: `identity` is a keyed hash of what tells one guest from another.

    `ordinal` counts the guest's redemptions of a series with a limit; a restored one has none.
    """

    id: str
    series: Annotated[str, Ref("coupon_series")]
    program: Annotated[str, Ref("programs")]
    identity: Annotated[str, INTERNAL]
    ordinal: int | None = None
    code: str
    redeemed_at: datetime
    restored_at: datetime | None = None
    reference: str | None = None
    discount: Money | None = None
    terminal: Annotated[str, Ref("terminals", (API,))] = API
    point_of_sale: Annotated[str | None, Ref("points_of_sale")] = None
    actor: Annotated[str, INTERNAL] = ""
    applied_id: str | None = None
