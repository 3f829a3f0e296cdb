"""Who may: the rules of all actions, each a filter with the reason that it refuses for.

The first that applies is the reason that is told: not_a_member, blacklisted, no_access, limited_access, the action's own, then
inactive, no_consent, not_confirmed, suppressed, no_address, missing_value. Rules are constants of a schema: each is made and
compiled once. Of a coupon that is used all reasons are told; `rules.coupons.PRECEDENCE` is the same order, with those of
coupons.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias

from custcrm.filters import Filter, Schema
from custcrm.filters.syntax import nodes as s
from custcrm.messaging.protocol import address_field
from custcrm.records.customers import Customer, CustomerStatus
from custcrm.records.programs import Access
from custcrm.values.errors import Reason

Rules: TypeAlias = tuple[tuple[Reason, Filter], ...]

CONTACT_REASONS: Final = (
    Reason.NO_CONSENT, Reason.NOT_CONFIRMED, Reason.SUPPRESSED, Reason.NO_ADDRESS, Reason.MISSING_VALUE,
)
"""Refusals for which a rejected message is kept, at no cost."""

COUPONS_EVER: Final = "coupons_ever"
"""The word for a customer's coupons that no time hides."""

PLACEHOLDER_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("first_name", "last_name", "company_name"),
    "first_name": ("first_name",),
    "last_name": ("last_name",),
    "company_name": ("company_name",),
    "email": ("email",),
    "phone": ("phone",),
    "card_number": ("card_number",),
}
"""Fields of which a placeholder needs one, where it has no fallback."""


def obstacle(reason: Reason, customer: Customer, about: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what stands in a customer's way, for the details of a refusal: by id, and by what the rule is `about`."""
    found = {"customer": customer.id, **about}
    if reason is not Reason.CUSTOMER_LIMIT:
        found.pop("limit", None)
    if reason is Reason.INACTIVE:
        found["status"] = str(customer.status)
    if reason is Reason.NOT_ELIGIBLE:
        found["mark"] = "coupon_eligible" if "series" in about else "loyalty_eligible"
    return found


@lru_cache(maxsize=256)
def member(schema: Schema, program: str) -> Rules:
    """Must be in the program, and not blacklisted there."""
    return (
        (Reason.NOT_A_MEMBER, Filter.of(schema, s.Exists(s.Field(("programs", program))))),
        (Reason.BLACKLISTED, _access_is_not(schema, program, Access.BLACKLISTED)),
    )


@lru_cache(maxsize=256)
def _may_collect(schema: Schema, program: str) -> Rules:
    return (*member(schema, program), (Reason.NO_ACCESS, _access_is_not(schema, program, Access.NONE)))


@lru_cache(maxsize=256)
def _may_redeem(schema: Schema, program: str) -> Rules:
    return (*_may_collect(schema, program), (Reason.LIMITED_ACCESS, _access_is_not(schema, program, Access.LIMITED)))


@lru_cache(maxsize=256)
def may_pay_in(schema: Schema, program: str) -> Rules:
    """May have an account replenished: full and limited access; it is the customer's own, so no mark is needed."""
    return (*_may_collect(schema, program), *active(schema))


@lru_cache(maxsize=256)
def may_take_out(schema: Schema, program: str) -> Rules:
    """May spend from an account: full access."""
    return (*_may_redeem(schema, program), *active(schema))


@lru_cache(maxsize=256)
def may_earn(schema: Schema, program: str) -> Rules:
    """May be credited points: full and limited access, and marked as eligible for loyalty."""
    return (*_may_collect(schema, program), _is_marked(schema, "loyalty_eligible"), *active(schema))


@lru_cache(maxsize=256)
def may_spend(schema: Schema, program: str) -> Rules:
    """May spend points: full access, and marked as eligible for loyalty."""
    return (*_may_redeem(schema, program), _is_marked(schema, "loyalty_eligible"), *active(schema))


@lru_cache(maxsize=256)
def has_points(schema: Schema, program: str, points: int, *, of: str) -> Rules:
    """Must have so many points, as far as can be told beforehand; `of` is what is looked at: points or available."""
    enough = s.Compare(">=", s.Field(("programs", program, of)), s.Literal(points))
    return ((Reason.NOT_ENOUGH_POINTS, Filter.of(schema, enough)),)


@lru_cache(maxsize=256)
def is_member(schema: Schema, program: str) -> Rules:
    """Must be in the program, whatever the access: corrections are always possible."""
    return member(schema, program)[:1]


@lru_cache(maxsize=256)
def has_no_account(schema: Schema, account: str) -> Rules:
    """Must not have the account yet."""
    return ((Reason.UNCHANGED, Filter.of(schema, s.Not(s.Exists(s.Field(("accounts", account)))))),)


def has_funds(
    schema: Schema, account: str, *, of: tuple[str, str], least: s.Scalar, common: s.Scalar, unopened: bool
) -> Rules:
    """Must have enough on the account, as far as can be told beforehand: `rules.accounts.allowed` as a filter.

    `of` names the words for the balance and for a limit of the customer's own. With that limit there must be `least`; with the
    account's own, the balance must be `common`. `unopened`: who does not have the account yet may use its limit.
    """
    balance, own = (s.Field(("accounts", account, word)) for word in of)
    with_own = s.Compare(">=", s.Arithmetic("+", balance, own), s.literal(least))
    with_common = s.conjunction([s.Not(s.Exists(own)), s.Compare(">=", balance, s.literal(common))])
    enough = [with_own, with_common]
    if unopened:
        enough.append(s.Not(s.Exists(s.Field(("accounts", account)))))
    return ((Reason.NOT_ENOUGH_FUNDS, Filter.of(schema, s.disjunction(enough))),)


@lru_cache(maxsize=256)
def may_receive_coupon(schema: Schema, program: str, series: str, per_customer: int | None) -> Rules:
    """May be issued a coupon: any access but none and blacklisted, marked as eligible, and below the series' limit."""
    mark = _is_marked(schema, "coupon_eligible")
    return (*_may_collect(schema, program), mark, *active(schema), *below_limit(schema, series, per_customer))


@lru_cache(maxsize=256)
def may_redeem_coupon(schema: Schema, program: str) -> Rules:
    """May redeem coupons: full access alone, and marked as eligible."""
    return (*_may_redeem(schema, program), _is_marked(schema, "coupon_eligible"), *active(schema))


@lru_cache(maxsize=256)
def below_limit(schema: Schema, series: str, per_customer: int | None) -> Rules:
    """Must have had fewer coupons of the series than it allows one; no rule where it allows any number."""
    if per_customer is None:
        return ()
    return ((Reason.CUSTOMER_LIMIT, Filter.of(schema, s.Compare("<", coupons_counted(series), s.Literal(per_customer)))),)


@lru_cache(maxsize=256)
def holds_coupon(schema: Schema, series: str) -> Rules:
    """Must hold a coupon of the series that is not revoked."""
    held = _coupons(series, s.negation(s.Exists(s.Field(("revoked_at",)))))
    return ((Reason.UNCHANGED, Filter.of(schema, s.Compare(">", held, s.Literal(0)))),)


def coupons_counted(series: str) -> s.Aggregate:
    """Return the number of a customer's coupons that count for the limit of a series that has one.

    These have an ordinal, which a coupon loses when its place is given back (`rules.coupons.is_freed`). Whenever they were
    issued: a clock that was set back must not let anybody have more.
    """
    return _coupons(series, s.Exists(s.Field(("ordinal",))))


def coupons_had(series: str) -> s.Aggregate:
    """Return the number of coupons of the series that a customer ever had."""
    return _coupons(series)


def _coupons(series: str, *which: s.Condition) -> s.Aggregate:
    return s.Aggregate("count", (COUPONS_EVER,), s.conjunction([_equals("series", series), *which]))


@lru_cache(maxsize=256)
def may_join(schema: Schema, program: str) -> Rules:
    """Must not be in the program yet, and be a customer with whom we deal."""
    [(_, is_member), *_] = member(schema, program)
    return ((Reason.ALREADY_A_MEMBER, ~is_member), *active(schema))


@lru_cache(maxsize=256)
def not_confirmed(schema: Schema, program: str) -> Rules:
    """Must not have confirmed yet that they take part."""
    return ((Reason.UNCHANGED, Filter.of(schema, s.Not(s.Exists(s.Field(("programs", program, "confirmed_at")))))),)


@lru_cache(maxsize=256)
def tagged(schema: Schema, key: str) -> Rules:
    """Must have the tag."""
    return ((Reason.NOT_TAGGED, Filter.of(schema, s.Exists(s.Field(("tags", key))))),)


@lru_cache(maxsize=256)
def active(schema: Schema) -> Rules:
    """Must be a customer with whom we deal: neither deactivated nor erased."""
    return ((Reason.INACTIVE, Filter.of(schema, _equals("status", CustomerStatus.ACTIVE.value))),)


@lru_cache(maxsize=256)
def contactable(
    schema: Schema, channel: str, purpose: str, *, confirmed_in: str | None = None, needs: tuple[str, ...] = ()
) -> Rules:
    """May be sent a message.

    That takes an active customer, consent for marketing, participation confirmed where the sender wants it, an address, and
    every value that the text has no fallback for.
    """
    rules: list[tuple[Reason, Filter]] = [*active(schema)]
    if purpose == "marketing":
        asked = s.conjunction([_equals("channel", channel), _equals("purpose", purpose), s.Field(("granted",))])
        rules.append((Reason.NO_CONSENT, Filter.of(schema, s.Aggregate("exists", ("consents",), asked))))
    if confirmed_in is not None:
        confirmed = s.Exists(s.Field(("programs", confirmed_in, "confirmed_at")))
        rules.append((Reason.NOT_CONFIRMED, Filter.of(schema, confirmed)))
    address = address_field(channel)
    if address is not None:
        rules.append((Reason.NO_ADDRESS, Filter.of(schema, s.Exists(s.Field((address,))))))
    rules.extend((Reason.MISSING_VALUE, has_value(schema, name)) for name in needs)
    return tuple(rules)


def has_value(schema: Schema, placeholder: str) -> Filter:
    """Return the filter of those who have what a placeholder shows."""
    fields = PLACEHOLDER_FIELDS[placeholder]
    return Filter.of(schema, s.disjunction(s.Exists(s.Field((name,))) for name in fields))


def _access_is_not(schema: Schema, program: str, access: Access) -> Filter:
    return Filter.of(schema, s.Not(s.Compare("=", s.Field(("programs", program, "access")), s.Literal(access.value))))


def _is_marked(schema: Schema, mark: str) -> tuple[Reason, Filter]:
    return (Reason.NOT_ELIGIBLE, Filter.of(schema, s.Field((mark,))))


def _equals(name: str, text: str) -> s.Compare:
    return s.Compare("=", s.Field((name,)), s.Literal(text))
