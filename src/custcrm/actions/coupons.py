"""Issuing coupons of a series: never more than it has, never more to one customer than it allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from custcrm.actions import eligibility, messages
from custcrm.actions.deed import Cost, Deed, Moment, Problem, Reserve
from custcrm.business import Business
from custcrm.filters import syntax as s
from custcrm.filters.lowered import Shown
from custcrm.messaging.templates import COUPON_ISSUED, text_or_default
from custcrm.records import Coupon, CouponSeries, Program
from custcrm.storage.deeds import CustomerKey, Effect, Given, NewId, Of, Source, Staged, Template, Verdict
from custcrm.storage.protocol import Reader
from custcrm.values.errors import Reason
from custcrm.values.periods import expiry

ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Letters and digits of a code: 32, without 0, O, 1 and I, which people confuse."""

CODE_LENGTH: Final = 12
"""Characters of a code: 60 random bits, so guessing one of a million codes takes a million million tries."""

_BITS: Final = 5


def issuing(business: Business, series: str, *, allow_partial: bool, text: str, notify: bool) -> Deed:
    """Issue one coupon of the series (FEATURES C35, C36)."""
    found = business.known(CouponSeries, series, "coupon series")
    program = business.known(Program, found.program, "program")
    told = messages.notice_text(text_or_default(text, COUPON_ISSUED), "code")
    code: Source = Staged("code") if found.codes == "unique" else Given(None)

    def effects(moment: Moment) -> tuple[Effect, ...]:
        coupon = Template(
            record=Coupon,
            values={
                "customer_id": CustomerKey(), "id": NewId(0), "series": Given(series), "code": code,
                "ordinal": Given(None) if found.per_customer is None else Of(_next_ordinal(business, series)),
                "issued_at": Given(moment.now), "expires_at": Given(expires_at(found, moment.now, business)),
                "actor": Given(moment.actor), "applied_id": Given(moment.applied_id),
            },
        )
        shown = code if found.codes == "unique" else Given(found.shared_code)
        return (coupon, *messages.notice(business, program, moment, told, notify=notify, effect=1, code=shown))

    return Deed(
        action="issue_coupons",
        title=f"issue_coupons {series}",
        arguments={"series": series, "allow_partial": allow_partial, "text": text, "notify": notify},
        verdict=Verdict(
            eligibility.may_receive_coupon(business.schema, found.program, series, found.per_customer)
        ),
        effects=effects,
        cost=lambda business, question, eligible: Cost(coupons=eligible),
        reserve=Reserve(
            record=CouponSeries, key=(series,), left=lambda reader: left(reader, series), partial=allow_partial
        ),
        problems=lambda now: _closed(found, now),
        stage=_codes(business.random_bits) if found.codes == "unique" else lambda count: {},
    )


def left(reader: Reader, series: str) -> int | None:
    """Return how many coupons the series can still issue; None when it is unlimited."""
    found = reader.get(CouponSeries, series)
    return None if found is None or found.capacity is None else found.capacity - found.issued


def new_code(random_bits: Callable[[int], int]) -> str:
    """Return a code that nobody can guess."""
    bits = random_bits(_BITS * CODE_LENGTH)
    return "".join(ALPHABET[bits >> _BITS * at & 31] for at in range(CODE_LENGTH))


def expires_at(series: CouponSeries, issued_at: datetime, business: Business) -> datetime | None:
    """Return the first instant at which a coupon issued now is no longer valid."""
    if series.valid is not None:
        return expiry(series.valid, issued_at, business.zone, field="valid")
    return series.valid_until


def _codes(random_bits: Callable[[int], int]) -> Callable[[int], dict[str, Sequence[str]]]:
    return lambda count: {"code": [new_code(random_bits) for _ in range(count)]}


def _closed(series: CouponSeries, now: datetime) -> tuple[Problem, ...]:
    opens, closes = series.issue_from, series.issue_until
    if (opens is None or opens <= now) and (closes is None or now < closes):
        return ()
    return (Problem(Reason.SERIES_CLOSED, {"series": series.name}),)


def _next_ordinal(business: Business, series: str) -> Shown:
    counted = s.Aggregate("count", ("coupons",), s.Compare("=", s.Field(("series",)), s.Literal(series)))
    return business.shown(s.Arithmetic("+", counted, s.Literal(1)))
