"""Who may: the rules of all actions, each a filter with the reason that it refuses for.

Order is precedence (DESIGN 7): not_a_member, blacklisted, no_access, limited_access, the action's own, then no_consent,
not_confirmed, suppressed, no_address, missing_value. Rules are constants of a schema: each is made and compiled once.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, TypeAlias

from custcrm.filters import Filter, Schema
from custcrm.filters import syntax as s
from custcrm.messaging.protocol import address_field
from custcrm.records.programs import Access
from custcrm.values.errors import Reason

Rules: TypeAlias = tuple[tuple[Reason, Filter], ...]

CONTACT_REASONS: Final = (
    Reason.NO_CONSENT, Reason.NOT_CONFIRMED, Reason.SUPPRESSED, Reason.NO_ADDRESS, Reason.MISSING_VALUE,
)
"""Refusals for which a rejected message is kept, at no cost."""

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


@lru_cache(maxsize=256)
def member(schema: Schema, program: str) -> Rules:
    """Must be in the program, and not blacklisted there."""
    return (
        (Reason.NOT_A_MEMBER, Filter.of(schema, s.Exists(s.Field(("programs", program))))),
        (Reason.BLACKLISTED, _access_is_not(schema, program, Access.BLACKLISTED)),
    )


@lru_cache(maxsize=256)
def may_earn(schema: Schema, program: str) -> Rules:
    """May be credited points: full and limited access, and marked as eligible for loyalty (FEATURES C29–C32, E27)."""
    return (
        *member(schema, program),
        (Reason.NO_ACCESS, _access_is_not(schema, program, Access.NONE)),
        (Reason.NOT_ELIGIBLE, Filter.of(schema, s.Field(("loyalty_eligible",)))),
    )


@lru_cache(maxsize=256)
def may_receive_coupon(schema: Schema, program: str, series: str, per_customer: int | None) -> Rules:
    """May be issued a coupon: any access but none and blacklisted, marked as eligible, and below the series' limit."""
    rules: Rules = (
        *member(schema, program),
        (Reason.NO_ACCESS, _access_is_not(schema, program, Access.NONE)),
        (Reason.NOT_ELIGIBLE, Filter.of(schema, s.Field(("coupon_eligible",)))),
    )
    if per_customer is None:
        return rules
    held = s.conjunction([_equals("series", series), s.negation(s.Exists(s.Field(("revoked_at",))))])
    counted = s.Aggregate("count", ("coupons",), held)
    return (*rules, (Reason.CUSTOMER_LIMIT, Filter.of(schema, s.Compare("<", counted, s.Literal(per_customer)))))


@lru_cache(maxsize=256)
def may_join(schema: Schema, program: str) -> Rules:
    """Must not be in the program yet."""
    [(_, is_member), *_] = member(schema, program)
    return ((Reason.ALREADY_A_MEMBER, ~is_member),)


@lru_cache(maxsize=256)
def tagged(schema: Schema, key: str) -> Rules:
    """Must have the tag."""
    return ((Reason.NOT_TAGGED, Filter.of(schema, s.Exists(s.Field(("tags", key))))),)


@lru_cache(maxsize=256)
def contactable(
    schema: Schema, channel: str, purpose: str, *, confirmed_in: str | None = None, needs: tuple[str, ...] = ()
) -> Rules:
    """May be sent a message (DESIGN 7).

    That takes consent for marketing, participation confirmed where the sender wants it, an address, and every value that the
    text has no fallback for.
    """
    rules: list[tuple[Reason, Filter]] = []
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


def _equals(name: str, text: str) -> s.Compare:
    return s.Compare("=", s.Field((name,)), s.Literal(text))
