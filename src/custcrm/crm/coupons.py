"""`crm.coupons`: series of coupons, and issuing them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from attrs import frozen

from custcrm.actions import coupons as deeds
from custcrm.actions import single
from custcrm.business import Business, customer_id
from custcrm.records import Coupon, CouponSeries, Program
from custcrm.records.coupons import CouponState
from custcrm.rules import coupons as rules
from custcrm.selection import CustomerRef
from custcrm.storage.protocol import Taken
from custcrm.values.errors import Conflict, Malformed, NotFound
from custcrm.values.identifiers import key_name
from custcrm.values.periods import expiry, span
from custcrm.values.texts import checked

CODES: Final = ("unique", "shared")
LARGEST_COUNT: Final = 10**12
"""Coupons of one series, or of one customer: far below 64 bits."""


@frozen
class Coupons:
    """Coupons of one business. A series is never oversold."""

    _business: Business

    def add_series(
        self,
        name: str,
        *,
        program: str,
        capacity: int | None = None,
        per_customer: int | None = None,
        valid: Any = None,
        title: str = "",
        codes: str = "unique",
        issue_from: datetime | date | str | None = None,
        issue_until: datetime | date | str | None = None,
    ) -> CouponSeries:
        """Add a series: at most `capacity` coupons, `per_customer` to each, valid for a span from issue or until a day."""
        business = self._business
        business.known(Program, program, "program")
        if codes not in CODES:
            raise Malformed("codes are unique or shared", field="codes", suggestions=CODES)
        length, until = _validity(business, valid)
        opens = business.instant(issue_from, field="issue_from")
        closes = business.instant(issue_until, field="issue_until")
        if opens is not None and closes is not None and closes <= opens:
            raise Malformed("issue_until lies before issue_from; nothing could be issued", field="issue_until")
        series = CouponSeries(
            name=key_name(name, "coupon series"), program=program, title=title, codes=codes,
            shared_code=deeds.new_code(business.random_bits) if codes == "shared" else None,
            capacity=_count(capacity, "capacity"), per_customer=_count(per_customer, "per_customer"),
            valid=length, valid_until=until, issue_from=opens, issue_until=closes, created_at=business.now(),
        )
        with business.store.write() as writer:
            try:
                writer.add([series])
            except Taken:
                raise Conflict(f"there is a coupon series named {series.name!r} already") from None
        return series

    def left(self, series: str) -> int | None:
        """Return how many coupons the series can still issue; None when it is unlimited."""
        self._business.known(CouponSeries, series, "coupon series")
        with self._business.reading() as reader:
            return deeds.left(reader, series)

    def issue(
        self, customer: CustomerRef, series: str, *, text: str = "", notify: bool = True, key: str | None = None
    ) -> Coupon:
        """Issue one coupon to the customer; once, where a key is given."""
        business = self._business
        performed = single.perform(
            business, lambda: deeds.issuing(business, series, allow_partial=False, text=text, notify=notify),
            customer_id(customer), key=key,
        )
        return performed.of(Coupon)

    def available(self, customer: CustomerRef, *, as_of: Any = None) -> list[Coupon]:
        """Return the customer's coupons that can be redeemed now, or could be then, oldest first."""
        business = self._business
        at = business.asked_at(as_of) or business.now()
        with business.reading() as reader:
            coupons = list(reader.find(Coupon, {"customer_id": customer_id(customer)}))
        return [each for each in coupons if each.issued_at <= at and rules.state(each, at) is CouponState.ISSUED]

    def of(self, customer: CustomerRef) -> Sequence[Coupon]:
        """Return all coupons the customer ever had, oldest first."""
        with self._business.reading() as reader:
            return tuple(reader.find(Coupon, {"customer_id": customer_id(customer)}))

    def state(self, coupon: Coupon | str, *, as_of: Any = None) -> CouponState:
        """Return the state of a coupon (a record or a code) now or at another time."""
        business = self._business
        return rules.state(self._found(coupon), business.asked_at(as_of) or business.now())

    def _found(self, coupon: Coupon | str) -> Coupon:
        with self._business.reading() as reader:
            if isinstance(coupon, Coupon):
                found = reader.get(Coupon, coupon.customer_id, coupon.id)
            else:
                found = next(reader.find(Coupon, {"code": checked(coupon, field="code")}), None)
        if found is None:
            raise NotFound("no coupon has this code")
        return found


def _validity(business: Business, valid: Any) -> tuple[str | None, datetime | None]:
    """Return a span as text, or the end of the last good day."""
    if valid is None:
        return None, None
    try:
        return str(span(valid)), None
    except Malformed:
        return None, expiry(valid, business.now(), business.zone, field="valid")


def _count(value: int | None, name: str) -> int | None:
    if value is not None and (type(value) is not int or not 1 <= value <= LARGEST_COUNT):
        raise Malformed(f"{name} is a whole number from 1 on, or None for no limit", field=name)
    return value
