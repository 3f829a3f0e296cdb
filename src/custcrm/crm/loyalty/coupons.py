"""`crm.coupons`: issuing, redeeming and all that happens to a coupon. The terms of a series are `crm.series`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, overload

from attrs import frozen

from custcrm.actions import single
from custcrm.actions.action import Action
from custcrm.actions.coupons import codes, guests, redeeming, restoring, series, stacking
from custcrm.actions.coupons import issuing as actions
from custcrm.actions.coupons.redemptions import series_by_name, uses_of
from custcrm.actions.coupons.stacking import Redeemed
from custcrm.actions.coupons.usable import usable
from custcrm.business import Business, CustomerRef, customer_id
from custcrm.crm.loyalty import quoting
from custcrm.crm.loyalty.checkout import CouponRef, Lines, checkout_of
from custcrm.records import Coupon, CouponSeries, FreeCode, GuestRedemption, Redemption, Sale
from custcrm.records.coupons import CouponState
from custcrm.rules import coupons as rules
from custcrm.rules.benefits import Quote
from custcrm.storage.protocol import Writer
from custcrm.values.errors import Malformed, Reason
from custcrm.values.identifiers import identifiers
from custcrm.values.money import Amount
from custcrm.values.periods import SpanLike, span
from custcrm.values.shapes import several


@frozen
class Coupons:
    """Coupons of one business. A series is never oversold, and no coupon is used more often than it allows."""

    _business: Business

    # series -------------------------------------------------------------------------------------

    def add_series(
        self,
        name: str,
        *,
        program: str,
        kind: str = "check_modifier",
        title: str = "",
        description: str = "",
        titles: Mapping[str, str] | None = None,
        descriptions: Mapping[str, str] | None = None,
        capacity: int | None = None,
        per_customer: int | None = None,
        per_coupon: int = 1,
        valid_from: Any = None,
        valid: Any = None,
        issue_from: datetime | date | str | None = None,
        issue_until: datetime | date | str | None = None,
        codes: str = "unique",
        shared_code: str | None = None,
        alphabet: str | None = None,
        code_length: int | None = None,
        guessable: bool = False,
        benefit: Mapping[str, Any] | None = None,
        budget: Amount | None = None,
        stackable: bool = False,
        transferable: bool = False,
        revoke_frees: bool = True,
        restore_on_cancel: bool = True,
        key: str | None = None,
    ) -> CouponSeries:
        """Add a series: at most `capacity` coupons, `per_customer` to each, each redeemed `per_coupon` times.

        Coupons are valid `valid_from` a span after issue, a first good day or an instant, else at once. `valid` is a span from
        then, or a last good day. Codes are unique, or one is `shared` by all. `benefit` is what a coupon
        gives: {"percent": 10, "at_most": "20.00", "category": "wine"}, {"amount": "5.00"}, {"product": "Coffee"} or
        {"text": "A tasting"}. `budget` is what all redemptions may cost. Malformed where codes could be guessed; those of
        fewer than 40 bits are made with `guessable=True`. With a `key` it is done once.
        """
        told = {
            "program": program, "kind": kind, "title": title, "description": description, "titles": titles,
            "descriptions": descriptions, "capacity": capacity, "per_customer": per_customer, "per_coupon": per_coupon,
            "valid_from": valid_from, "valid": valid, "issue_from": issue_from, "issue_until": issue_until, "codes": codes,
            "shared_code": shared_code, "alphabet": alphabet, "code_length": code_length, "guessable": guessable,
            "benefit": benefit, "budget": budget,
            "stackable": stackable, "transferable": transferable, "revoke_frees": revoke_frees,
            "restore_on_cancel": restore_on_cancel,
        }
        return series.added(self._business, name, told, key=key)

    def left(self, series: str, *, customer: CustomerRef | None = None) -> int | None:
        """Return how many coupons the series can still issue, altogether or to one customer; None when it is unlimited."""
        return actions.left(self._business, series, None if customer is None else self._business.existing(customer).id)

    # issuing ------------------------------------------------------------------------------------

    def issue(
        self, customer: CustomerRef, series: str, *, valid_from: Any = None, text: str = "", notify: bool = True,
        key: str | None = None,
    ) -> Coupon:
        """Issue one coupon to the customer, valid from when the series says or `valid_from`; once, where a key is given."""
        business = self._business
        performed = single.perform(
            business,
            lambda: actions.issuing(business, series, allow_partial=False, text=text, notify=notify, valid_from=valid_from),
            customer_id(customer), key=key,
        )
        return performed.of(Coupon)

    def revoke(self, coupon: CouponRef, *, reason: str, key: str | None = None) -> Coupon:
        """Take a coupon back from its customer; refused with revoked or already_redeemed.

        Its place is free again, in the series and for the customer, unless the series says otherwise or it was used before.
        """
        found = self._find(coupon)
        if not isinstance(found, Coupon):
            raise Malformed("nobody holds this code; see crm.series.revoke_code", field="coupon")
        return self._changed(found, lambda: actions.revoking(found, reason=reason), key)

    # using --------------------------------------------------------------------------------------

    @overload
    def redeem(
        self, coupon: CouponRef, *, customer: CustomerRef | None = ..., identity: None = ..., reference: str | None = ...,
        sale: Sale | None = ..., lines: Lines | None = ..., discount: Amount | None = ..., terminal: str | None = ...,
        key: str | None = ...,
    ) -> Coupon: ...

    @overload
    def redeem(
        self, coupon: CouponRef, *, customer: None = ..., identity: str, reference: str | None = ..., sale: Sale | None = ...,
        lines: Lines | None = ..., discount: Amount | None = ..., terminal: str | None = ..., key: str | None = ...,
    ) -> GuestRedemption: ...

    def redeem(
        self,
        coupon: CouponRef,
        *,
        customer: CustomerRef | None = None,
        identity: str | None = None,
        reference: str | None = None,
        sale: Sale | None = None,
        lines: Lines | None = None,
        discount: Amount | None = None,
        terminal: str | None = None,
        key: str | None = None,
    ) -> Coupon | GuestRedemption:
        """Redeem a coupon; once, where a key is given. Refused with every reason that applies, in the documented order.

        Told again for the same order without a key, it is the first use, and nothing more is taken off.

        `customer` is who brings it: a free code becomes theirs, of a shared code their coupon is used, or issued on the spot.
        A guest has an `identity` instead, any text that tells one from another, and the limit per customer holds for it.
        `reference` names the order, or `sale` is it. `lines`, the whole bill, let the benefit be quoted, of what coupons that
        were redeemed for the order before have left; `discount` tells what was granted. That is booked on the budget.
        """
        use = checkout_of(
            self._business, customer, reference=reference, sale=sale, lines=lines, discount=discount, terminal=terminal,
            is_guest=identity is not None,
        )
        found = self._find(coupon)
        if identity is not None:
            return guests.redeem_as_guest(self._business, found, identity, use, key=key)

        def redeem(writer: Writer) -> Coupon:
            done = redeeming.redeem(self._business, found, use, key=key)
            redeemed = writer.get(Coupon, done.customer_id, done.coupon_id)
            assert redeemed is not None, "a redemption has its coupon"
            return redeemed

        return self._business.transact(redeem)

    def redeem_all(
        self,
        coupons: Sequence[CouponRef],
        *,
        customer: CustomerRef | None = None,
        identity: str | None = None,
        reference: str | None = None,
        sale: Sale | None = None,
        lines: Lines | None = None,
        terminal: str | None = None,
        key: str | None = None,
    ) -> Redeemed:
        """Redeem several coupons for one order, all or none, and tell the part of each, as `quote` does beforehand.

        They must be stackable, and each is refused for the reasons that `redeem` has; `details` tell which `coupon` it is, from
        1. Without a `reference` the deed is the
        order: what was redeemed carries a reference that is made. Once, where a key is given.
        """
        use = checkout_of(
            self._business, customer, reference=reference, sale=sale, lines=lines, terminal=terminal,
            is_guest=identity is not None,
        )
        with self._business.reading() as reader:
            told = enumerate(several(coupons, field="coupons"), 1)
            found = [codes.find_coupon(reader, each, number) for number, each in told]
        return stacking.redeem_all(self._business, found, use, identity, key=key)

    def why(
        self,
        coupon: CouponRef,
        *,
        customer: CustomerRef | None = None,
        identity: str | None = None,
        reference: str | None = None,
        sale: Sale | None = None,
        lines: Lines | None = None,
        discount: Amount | None = None,
    ) -> tuple[Reason, ...]:
        """Return every reason why redeeming would be refused now, none when it would not be; nothing is written."""
        business, found = self._business, self._find(coupon)
        use = checkout_of(
            business, customer, reference=reference, sale=sale, lines=lines, discount=discount, is_guest=identity is not None
        )
        with business.reading() as reader:
            if identity is not None:
                return guests.why_as_guest(business, reader, found, identity, use)
            return redeeming.why(business, reader, found, use)

    def reserve(
        self,
        coupon: CouponRef,
        *,
        reference: str,
        for_: SpanLike = redeeming.LASTING,
        customer: CustomerRef | None = None,
        key: str | None = None,
    ) -> Coupon:
        """Keep a coupon for the order `reference`, for 15 minutes unless said otherwise; then it is free again by itself.

        Only with this reference can it be redeemed meanwhile. Refused as redeeming would be.
        """
        business, found = self._business, self._find(coupon)
        lasting = span(for_)
        if not lasting.count:
            raise Malformed("a coupon is reserved for some time, e.g. '15 minutes'", field="for_")
        use = checkout_of(business, customer, reference=reference)
        owner = redeeming.holder(found, use.customer, guests=False)

        def reserve(writer: Writer) -> Coupon:
            done = single.perform(business, lambda: redeeming.reserving(business, found, use, lasting), owner, key=key)
            return redeeming.as_it_is(writer, done.of(Coupon)) if key is None else redeeming.reserved_under(writer, owner, key)

        return business.transact(reserve)

    def release(self, coupon: CouponRef, *, reference: str | None = None, key: str | None = None) -> Coupon:
        """Let a reserved coupon go, whatever it was reserved for or only for `reference`; refused with not_reserved.

        Once, where a key is given.
        """
        found = self._coupon(coupon)
        return self._changed(found, lambda: redeeming.releasing(found, reference), key)

    def restore(
        self,
        coupon: CouponRef | None = None,
        *,
        reference: str | Sequence[str] | None = None,
        reason: str = "",
        key: str | None = None,
    ) -> tuple[Redemption | GuestRedemption, ...]:
        """Take redemptions back because their order was cancelled, and return them: those of a coupon, of a reference, or both.

        What they cost is back on the budget. Refused with not_redeemed when there are none, with not_restored when the series
        does not allow it (`restore_on_cancel`).
        """
        references = () if reference is None else identifiers(reference, field="reference")
        which = restoring.Which(wanted=None if coupon is None else self._find(coupon), references=references)
        return restoring.restore(self._business, which, reason=reason, key=key)

    # asking -------------------------------------------------------------------------------------

    def available(self, customer: CustomerRef, *, as_of: Any = None) -> list[Coupon]:
        """Return the customer's coupons that can be redeemed, now or then; oldest first.

        Not those that are used up, expired, revoked, reserved or not valid yet, of a paused series, or of a program in which
        the customer may not redeem. What an order brings, such as other coupons for it, is asked when it is done; see `why`.
        """
        with self._business.reading() as reader:
            return list(usable(self._business, reader, customer_id(customer), self._business.asked_at(as_of)))

    def of(self, customer: CustomerRef) -> Sequence[Coupon]:
        """Return all coupons the customer ever had, oldest first."""
        with self._business.reading() as reader:
            return tuple(reader.find(Coupon, {"customer_id": customer_id(customer)}))

    def redemptions(self, coupon: CouponRef) -> tuple[Redemption | GuestRedemption, ...]:
        """Return all uses of a coupon or free code, also those that were taken back, oldest first."""
        found = self._find(coupon)
        if isinstance(found, CouponSeries):
            raise Malformed("many use a shared code; ask of one customer's coupon", field="coupon")
        with self._business.reading() as reader:
            return tuple(sorted(uses_of(reader, found), key=lambda use: (use.redeemed_at, use.id)))

    def state(self, coupon: CouponRef, *, as_of: Any = None) -> CouponState:
        """Return the state of a coupon or a code now or at another time; `free` is a code that nobody holds."""
        at, found = self._business.asked_at(as_of), self._find(coupon)
        if isinstance(found, CouponSeries):
            raise Malformed("a shared code has no state; ask of one customer's coupon", field="coupon")
        with self._business.reading() as reader:
            uses, terms = uses_of(reader, found), series_by_name(reader, [found.series])[found.series]
        return self._state(found, uses, terms, at)

    def quote(self, coupon: CouponRef | CouponSeries | Sequence[CouponRef | CouponSeries], lines: Lines) -> Quote:
        """Return what a coupon takes off the lines, and what is then to be paid for each; nothing is written.

        It goes by the benefit of its series. Several must be stackable: products come first, then percentages, then amounts,
        each of what those before left. A text is the code of a coupon, or names a series.
        """
        return quoting.quote(self._business, coupon, lines)

    # inside -------------------------------------------------------------------------------------

    def _find(self, coupon: CouponRef) -> codes.Redeemable:
        with self._business.reading() as reader:
            return codes.find_coupon(reader, coupon)

    def _coupon(self, coupon: CouponRef) -> Coupon:
        found = self._find(coupon)
        if not isinstance(found, Coupon):
            raise Malformed("nobody holds this code; name a coupon", field="coupon")
        return found

    def _changed(self, coupon: Coupon, action: Callable[[], Action], key: str | None = None) -> Coupon:
        """Do the action to the coupon's customer, and return the coupon as it is after it."""

        def change(writer: Writer) -> Coupon:
            single.perform(self._business, action, coupon.customer_id, key=key)
            return redeeming.as_it_is(writer, coupon)

        return self._business.transact(change)

    def _state(
        self, found: Coupon | FreeCode, uses: rules.Uses, terms: CouponSeries, at: datetime | None
    ) -> CouponState:
        coupon = rules.unheld(found) if isinstance(found, FreeCode) else found
        at = rules.present(coupon, uses, self._business.now()) if at is None else at
        if isinstance(found, FreeCode):
            return rules.state_of_free(found, uses, at, per_coupon=terms.per_coupon)
        return rules.state(coupon, uses, at, per_coupon=terms.per_coupon)
