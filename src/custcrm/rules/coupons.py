"""What a coupon is at an instant, and why it cannot be used: of its own instants and of its uses.

A use is a Redemption of the coupon, or a GuestRedemption of its code. `state` is the coupon at some time; `present` is the
time by which it is judged now, `refusals` why it cannot be redeemed then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from hmac import digest
from typing import Any, Final, TypeAlias

from attrs import evolve

from custcrm.records import Coupon, CouponSeries, FreeCode, GuestRedemption, Redemption
from custcrm.records.coupons import CouponState
from custcrm.values.errors import Reason, Refusal
from custcrm.values.phones import digits_of, lookup_key
from custcrm.values.texts import fold_case

Use: TypeAlias = Redemption | GuestRedemption
Uses: TypeAlias = Collection[Redemption | GuestRedemption]

PRECEDENCE: Final = (
    Reason.NOT_A_MEMBER, Reason.BLACKLISTED, Reason.NO_ACCESS, Reason.LIMITED_ACCESS, Reason.NOT_ELIGIBLE, Reason.INACTIVE,
    Reason.NOT_HOLDER, Reason.CUSTOMER_LIMIT, Reason.SERIES_PAUSED, Reason.SERIES_CLOSED, Reason.SERIES_CAPACITY,
    Reason.ALREADY_REDEEMED, Reason.REVOKED, Reason.EXPIRED, Reason.NOT_YET_VALID, Reason.RESERVED, Reason.NOT_STACKABLE,
    Reason.NO_BENEFIT, Reason.OVER_BUDGET,
)
"""Why a coupon cannot be redeemed, in the order in which it is told: who, then whether it is theirs, then the coupon."""


def state(coupon: Coupon, uses: Uses, at: datetime, *, per_coupon: int) -> CouponState:
    """Return what the coupon was at an instant; `uses` are all that were ever made of it.

    Revoked once that has happened; redeemed while as many uses stand as the series allows; expired once its time is over;
    pending until that begins; else reserved while it is, or issued.
    """
    if coupon.revoked_at is not None and coupon.revoked_at <= at:
        return CouponState.REVOKED
    if len(standing(uses, at)) >= per_coupon:
        return CouponState.REDEEMED
    if coupon.expires_at is not None and coupon.expires_at <= at:
        return CouponState.EXPIRED
    if is_pending(coupon, at):
        return CouponState.PENDING
    return CouponState.RESERVED if is_reserved(coupon, at) else CouponState.ISSUED


def state_of_free(code: FreeCode, uses: Uses, at: datetime, *, per_coupon: int) -> CouponState:
    """Return what a code was that no customer has taken: free, or revoked, redeemed by guests, expired or pending."""
    found = state(unheld(code), uses, at, per_coupon=per_coupon)
    return CouponState.FREE if found is CouponState.ISSUED else found


def unheld(code: FreeCode) -> Coupon:
    """Return a free code as the coupon that it would be, of nobody."""
    return Coupon(
        customer_id="", id="", series=code.series, code=code.code, issued_at=code.created_at, valid_from=code.valid_from,
        expires_at=code.expires_at, revoked_at=code.revoked_at,
    )


def standing(uses: Uses, at: datetime | None = None) -> tuple[Use, ...]:
    """Return the uses that had been made at an instant and were not taken back by then; without one, those that stand."""
    if at is None:
        return tuple(use for use in uses if use.restored_at is None)
    return tuple(
        use for use in uses if use.redeemed_at <= at and (use.restored_at is None or at < use.restored_at)
    )


def is_usable(series: CouponSeries, coupon: Coupon, uses: Uses, at: datetime) -> bool:
    """Tell whether the coupon could be used at an instant, as far as it and its series go: issued, and not paused."""
    is_paused = series.paused_at is not None and series.paused_at <= at
    return not is_paused and state(coupon, uses, at, per_coupon=series.per_coupon) is CouponState.ISSUED


def is_pending(coupon: Coupon, at: datetime) -> bool:
    """Tell whether the coupon is not valid yet."""
    return coupon.valid_from is not None and at < coupon.valid_from


def is_reserved(coupon: Coupon, at: datetime) -> bool:
    """Tell whether the coupon was set aside for an order: until the time given for that is over."""
    begun = coupon.reserved_at is None or coupon.reserved_at <= at
    return coupon.reserved_until is not None and begun and at < coupon.reserved_until


def present(coupon: Coupon, uses: Uses, now: datetime) -> datetime:
    """Return the instant by which a coupon is judged now: never before the last that happened to it.

    The clocks of several servers differ, and one may be set back; what another wrote counts all the same.
    """
    happened = [coupon.issued_at, coupon.reserved_at, coupon.revoked_at]
    happened += [each for use in uses for each in (use.redeemed_at, use.restored_at)]
    return max([now, *(each for each in happened if each is not None)])


def refusals(
    series: CouponSeries, coupon: Coupon, uses: Uses, *, at: datetime, references: Collection[str], beside: Iterable[bool]
) -> set[Reason]:
    """Return every reason why the coupon itself cannot be redeemed: `at` is its present.

    `references` are the names of what it is wanted for, `beside` tells of each other coupon used for that whether it may be
    combined.
    """
    others = tuple(beside)
    held_back = is_reserved(coupon, at) and coupon.reserved_for not in references
    reasons = {
        Reason.SERIES_PAUSED: series.paused_at is not None,
        Reason.NOT_YET_VALID: is_pending(coupon, at),
        Reason.ALREADY_REDEEMED: len(standing(uses)) >= series.per_coupon,
        Reason.REVOKED: coupon.revoked_at is not None,
        Reason.EXPIRED: coupon.expires_at is not None and coupon.expires_at <= at,
        Reason.RESERVED: held_back,
        Reason.NOT_STACKABLE: bool(others) and not (series.stackable and all(others)),
    }
    return {reason for reason, applies in reasons.items() if applies}


def refusal(reasons: Iterable[Reason], **details: Any) -> Refusal:
    """Return the refusal for these reasons, in the order of `PRECEDENCE`."""
    return Refusal(*ordered(reasons), details=details)


def ordered(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Return reasons in the order in which they are told."""
    return tuple(sorted(set(reasons), key=PRECEDENCE.index))


def obstacle(reason: Reason, series: CouponSeries, coupon: Coupon, uses: Uses) -> Mapping[str, Any]:
    """Return what of a coupon or its series stands in the way, for the details of a refusal; instants as ISO text."""
    first = min(standing(uses), key=lambda use: (use.redeemed_at, use.id), default=None)
    found: Mapping[Reason, Mapping[str, Any]] = {
        Reason.ALREADY_REDEEMED: {"redeemed_at": first and first.redeemed_at, "reference": first and first.reference},
        Reason.REVOKED: {"revoked_at": coupon.revoked_at},
        Reason.EXPIRED: {"expires_at": coupon.expires_at},
        Reason.NOT_YET_VALID: {"valid_from": coupon.valid_from},
        Reason.RESERVED: {"reserved_until": coupon.reserved_until},
        Reason.NOT_HOLDER: {"holder": coupon.customer_id or None},
        Reason.CUSTOMER_LIMIT: {"limit": series.per_customer},
        Reason.SERIES_PAUSED: {"paused_at": series.paused_at},
        Reason.SERIES_CLOSED: {"issue_from": series.issue_from, "issue_until": series.issue_until},
        Reason.NO_BENEFIT: {name: series.benefit.get(name) for name in ("product", "category")},
    }
    told = ((name, value) for name, value in found.get(reason, {}).items() if value is not None)
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in told}


# what changes a coupon ---------------------------------------------------------------------------


def reserved(coupon: Coupon, *, at: datetime, until: datetime, reference: str, references: Collection[str]) -> Coupon:
    """Return the coupon set aside for `reference`, one of its `references`; once more for the same goes on from when it was."""
    goes_on = is_reserved(coupon, at) and coupon.reserved_for in references
    since = coupon.reserved_at if goes_on else at
    return evolve(coupon, reserved_at=since, reserved_until=until, reserved_for=reference)


def released(coupon: Coupon, at: datetime) -> Coupon:
    """Return the coupon no longer set aside from `at` on; that it was stays to be seen."""
    return evolve(coupon, reserved_until=at) if is_reserved(coupon, at) else coupon


def revoked(coupon: Coupon, uses: Uses, series: CouponSeries, *, at: datetime, reason: str) -> Coupon | Refusal:
    """Return the coupon revoked, or why it cannot be: it is already, or all its uses have been made.

    One that gives its place back counts for its customer no more: it has no `ordinal` from now on.
    """
    reasons = {Reason.REVOKED} if coupon.revoked_at is not None else set()
    if len(standing(uses)) >= series.per_coupon:
        reasons.add(Reason.ALREADY_REDEEMED)
    if reasons:
        return refusal(reasons, series=series.name, **obstacle(ordered(reasons)[0], series, coupon, uses))
    done = evolve(coupon, revoked_at=at, reason=reason)
    return without_place(done) if is_freed(series, uses) else done


def is_freed(series: CouponSeries, uses: Uses) -> bool:
    """Tell whether a revoked coupon has no place, in the series or for its customer: by the series' policy, if no use stands.

    So the place comes back when it is revoked, or later, when the last of its uses is taken back.
    """
    return series.revoke_frees and not standing(uses)


def without_place(coupon: Coupon) -> Coupon:
    """Return the coupon that gave its place back: it counts for its customer no more."""
    return evolve(coupon, ordinal=None)


# guests ------------------------------------------------------------------------------------------


def guest(identity: str, key: str) -> str:
    """Return what a guest is known by: a keyed hash, from which nobody gets the email or phone that was given."""
    return digest(bytes.fromhex(key), identity.encode(), sha256).hex()


def identity_of_guest(given: str, country: str | None) -> str:
    """Return what a guest gives as it is compared: a phone number as it is dialled, an email without case, all else as it is.

    An email is otherwise the same letter by letter alone; for a limit, who writes it in another case is nobody else. What is
    written as a number and is none of the country's is its digits.
    """
    if "@" in given:
        return fold_case(given)
    return lookup_key(given, country) or digits_of(given) or given


def identities(given: str, country: str | None) -> tuple[str, ...]:
    """Return what a guest may be known by who gives this: as it is compared, and as it was given, by which older ones are."""
    return tuple(dict.fromkeys((identity_of_guest(given, country), given)))


def coupons_of_person(series: CouponSeries, coupons: Iterable[Coupon], guests: Iterable[Use]) -> int:
    """Return how many coupons of a series with a limit somebody has begun, as a customer and as a guest.

    What a guest used of a code that the customer has taken since is of that coupon, and counts with it.
    """
    counted = [each for each in coupons if each.ordinal is not None]
    own = {each.code for each in counted if each.code is not None}
    made = [use for use in guests if isinstance(use, GuestRedemption) and use.code not in own]
    if series.codes == "unique":
        return len(counted) + guest_coupons(series, made)
    by_identity = {use.identity: [each for each in made if each.identity == use.identity] for use in made}
    return len(counted) + sum(guest_coupons(series, mine) for mine in by_identity.values())


def guest_needs_another(series: CouponSeries, mine: Uses, code: str) -> bool:
    """Tell whether a guest begins a further coupon of the series with this code; `mine` are the guest's uses of the series.

    A unique code is a coupon; of a shared code each coupon has as many uses as the series allows one.
    """
    made = [use for use in standing(mine) if isinstance(use, GuestRedemption)]
    if series.codes == "shared":
        return len(made) % series.per_coupon == 0
    return code not in {use.code for use in made}


def guest_coupons(series: CouponSeries, mine: Uses) -> int:
    """Return how many coupons of the series a guest has begun to use."""
    made = [use for use in standing(mine) if isinstance(use, GuestRedemption)]
    return -(-len(made) // series.per_coupon) if series.codes == "shared" else len({use.code for use in made})


def guest_ordinal(series: CouponSeries, mine: Uses) -> int | None:
    """Return the number of a guest's next use of a series with a limit: the least that is not in use."""
    if series.per_customer is None:
        return None
    taken = {use.ordinal for use in mine if isinstance(use, GuestRedemption)}
    return next(number for number in range(1, len(taken) + 2) if number not in taken)
