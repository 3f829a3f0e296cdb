"""Coupons that their customer can use now, or could then: what is listed can be redeemed. The name to know is `usable`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from custcrm.actions import eligibility
from custcrm.actions.coupons.redemptions import series_by_name, uses_by_coupon
from custcrm.business import Business
from custcrm.records import Coupon
from custcrm.rules import coupons as rules
from custcrm.storage.customer_facts import facts
from custcrm.storage.protocol import Reader
from custcrm.storage.questions import Question


def usable(business: Business, reader: Reader, customer: str, as_of: datetime | None = None) -> Sequence[Coupon]:
    """Return the customer's coupons that nothing stands against but what an order brings, oldest first.

    The customer may redeem in the program of each, its series is not paused, and it is neither reserved nor used up. Of a pause
    that is over nothing is known afterwards.
    """
    now = business.now() if as_of is None else as_of
    row = facts(reader, customer, Question(business.everyone(), now, as_of is not None))
    if row is None:
        return ()
    coupons = [each for each in reader.find(Coupon, {"customer_id": customer}) if as_of is None or each.issued_at <= as_of]
    uses = uses_by_coupon(reader, coupons)
    terms = series_by_name(reader, (each.series for each in coupons))
    programs = {each.program for each in terms.values()}
    allowed = {
        program for program in programs
        if all(row.matches(rule) for _, rule in eligibility.may_redeem_coupon(business.schema, program))
    }

    def can_be_used(coupon: Coupon) -> bool:
        series = terms[coupon.series]
        at = rules.present(coupon, uses[coupon.id], now) if as_of is None else as_of
        return series.program in allowed and rules.is_usable(series, coupon, uses[coupon.id], at)

    return [each for each in coupons if can_be_used(each)]
