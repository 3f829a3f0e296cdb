"""A coupon before it is used: which one a code means, and every reason why it cannot be used now.

`judge` takes an `Inquiry` (who asks, when, for which `Checkout`) and gives a `Candidate`: the coupon with its reasons. No
reason, and it may be used. Nothing is written here. An example: WELCOME is the code of a series for everybody, and Anna has
no coupon of it. Her candidate is a coupon that does not exist yet: it is `made` when it is used, and then `takes_place`
among those that the series may issue. If the series ended yesterday, the reasons are {series_closed}.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Final, TypeVar

from attrs import evolve, field, frozen

from custcrm.actions import eligibility
from custcrm.actions.coupons.codes import Redeemable, closed, find_coupon, left, lifetime, places_of, series_of
from custcrm.actions.coupons.issuing import next_ordinal
from custcrm.actions.coupons.limits import begun_by_taker, hold_limit
from custcrm.actions.coupons.redemptions import all_references, series_by_name, uses_by_coupon, uses_of
from custcrm.business import Business
from custcrm.records import Coupon, CouponSeries, FreeCode, GuestRedemption, Redemption, SeriesBudget
from custcrm.rules import benefits
from custcrm.rules import coupons as rules
from custcrm.rules.alike import Line
from custcrm.rules.sales import shares
from custcrm.storage.customer_facts import Facts, facts
from custcrm.storage.protocol import Reader, Writer
from custcrm.storage.questions import Question
from custcrm.values.errors import Conflict, NotFound, Reason
from custcrm.values.money import Money

R = TypeVar("R")

REFERENCES: Final = "coupon_reference"
"""The scope in which references are claimed, so that two coupons for one order see each other."""


@frozen(kw_only=True)
class Checkout:
    """The order that a coupon is brought for: its reference, who brings it, where, and what the coupon takes off.

    What it takes off is the `discount`, or is quoted of the `lines` by the benefit of the series (see `Inquiry.cost`).
    With a `buyer`, the reference is the id of a sale of this customer.
    """

    reference: str | None = None
    buyer: str | None = None
    customer: str | None = None
    discount: Money | None = None
    lines: Sequence[Line] | None = None
    terminal: str
    point_of_sale: str | None = None

    def told(self) -> Mapping[str, Any]:
        """Return it as a key remembers it."""
        lines = [[each.product, each.category, each.quantity, each.amount.minor] for each in self.lines or ()]
        return {
            "reference": self.reference, "customer": self.customer, "discount": self.discount and self.discount.minor,
            "lines": lines, "terminal": self.terminal,
        }


@frozen(kw_only=True)
class Inquiry:
    """The question whether a coupon can be used now, for a checkout.

    With a `writer`, the coupon is used next if the answer is yes: what is looked at is held, and nobody changes it meanwhile.
    `owner` has the coupon, or gets it by this use; None for a guest.
    """

    business: Business
    reader: Reader
    checkout: Checkout
    owner: str | None
    now: datetime
    writer: Writer | None = None

    @cached_property
    def references(self) -> tuple[str, ...]:
        """All names of the order, none without one: a sale has two. They are claimed where something is to be written."""
        found = self._references()
        if self.writer is not None and found:
            self.writer.claim(REFERENCES, sorted(found))
            found = self._references()  # the sale may have been recorded while we waited
        return found

    def _references(self) -> tuple[str, ...]:
        whose = (self.owner, self.checkout.customer, self.checkout.buyer)
        told = () if self.checkout.reference is None else (self.checkout.reference,)
        return all_references(self.reader, told, (each for each in whose if each is not None))

    def held(self, record: type[R], *key: Any) -> R | None:
        """Return a record, kept from others where something is to be written."""
        return self.reader.get(record, *key) if self.writer is None else self.writer.hold(record, *key)

    @cached_property
    def granted(self) -> tuple[rules.Use, ...]:
        """The uses that stand for the order already, of any coupons."""
        if not self.references:
            return ()
        where = {"reference": self.references, "restored_at": None}
        return (*self.reader.find(Redemption, where), *self.reader.find(GuestRedemption, where))

    def cost(self, series: CouponSeries) -> Money | None:
        """Return what the use takes off, None where nobody can tell: of lines, what those that were granted before leave."""
        benefit = benefits.from_json(series.benefit)
        lines = self.checkout.lines
        if lines is None or benefit is None:
            return self.checkout.discount
        terms = series_by_name(self.reader, (use.series for use in self.granted))
        return shares.further(benefit, shares.discounts(self.granted, terms), lines)

    def series(self, name: str) -> CouponSeries:
        """Return the terms of a coupon."""
        found = self.reader.get(CouponSeries, name)
        if found is None:
            raise NotFound("the coupon's series is gone")
        return found


@frozen(kw_only=True)
class Candidate:
    """The coupon that is meant, with all `reasons` why it cannot be used; none, and it can.

    `made`: nobody has it yet, and it is written when it is used. It then comes from a free code, which is `taken`, or it is a
    further coupon of a series with one code for all, and `takes_place` among those that the series may issue. `references`
    are the names of the order, `at` is the instant by which it is judged.
    """

    series: CouponSeries
    coupon: Coupon
    uses: rules.Uses = ()
    reasons: set[Reason] = field(factory=set)
    made: bool = False
    taken: FreeCode | None = None
    takes_place: bool = False
    references: tuple[str, ...] = ()
    at: datetime


def judge(inquiry: Inquiry, wanted: Redeemable) -> Candidate:
    """Return the coupon of a customer that is meant, with every reason why it cannot be used now.

    There are reasons of the coupon (it has expired), of its series (it is closed), of the checkout (over the budget) and of
    people: who owns the coupon and who brings it must both be allowed to redeem.
    """
    owner = inquiry.owner
    assert owner is not None, "guests have rules of their own"
    if inquiry.writer is not None and not isinstance(wanted, Coupon):
        hold_limit(inquiry.writer, series_of(wanted))
    match wanted:
        case Coupon():
            candidate = _judge_held(inquiry, wanted)
        case FreeCode():
            candidate = _judge_free(inquiry, wanted, owner)
        case _:
            candidate = _judge_shared(inquiry, wanted, owner)
    reasons = candidate.reasons | refusals_by_cost(inquiry, candidate.series)
    for customer in dict.fromkeys((owner, inquiry.checkout.customer or owner)):
        reasons |= _refusals_of_owner(_facts(inquiry, customer), candidate.series)
    if not _may_bring(inquiry, candidate.series):
        reasons.add(Reason.NOT_HOLDER)
    return evolve(candidate, reasons=reasons, references=inquiry.references)


def find_made(inquiry: Inquiry, wanted: Redeemable) -> Redemption | None:
    """Return the owner's use of the coupon that stands for the order already, None where there is none.

    Who tells it again gets it, as of a sale that is told again; Conflict where another discount was granted then.
    """
    found = find_coupon(inquiry.reader, wanted) if isinstance(wanted, FreeCode) else wanted
    mine = [use for use in inquiry.granted if isinstance(use, Redemption) and use.customer_id == inquiry.owner]
    match found:
        case Coupon():
            made = [use for use in mine if use.coupon_id == found.id]
        case CouponSeries():
            made = [use for use in mine if use.series == found.name]
        case _:
            made = []  # free still
    if not made or not _may_bring(inquiry, inquiry.series(series_of(found))):
        return None
    check_same(made[0], inquiry.checkout)
    return made[0]


def check_same(use: rules.Use, checkout: Checkout) -> None:
    """Raise Conflict where a use that is told again was made with another discount."""
    if checkout.discount is not None and checkout.discount != use.discount:
        raise Conflict("the coupon was redeemed for this with another discount; a use is made once, and never changed")


def refuse(inquiry: Inquiry, series: CouponSeries, reasons: set[Reason], coupon: Coupon, uses: rules.Uses) -> None:
    """Raise the refusal for the reasons, if there are any; its details are of the first."""
    if not reasons:
        return
    first = rules.ordered(reasons)[0]
    details: dict[str, Any] = {"series": series.name, **rules.obstacle(first, series, coupon, uses)}
    match first:
        case Reason.OVER_BUDGET:
            details |= {"needed": str(inquiry.cost(series)), "left": str(_budget_left(inquiry.reader, series))}
        case Reason.SERIES_CAPACITY:
            details |= places_of(series.name).shortage(1, left(inquiry.reader, series.name))
        case Reason.NOT_STACKABLE:
            details["beside"] = ", ".join(sorted({use.series for use in inquiry.granted}))
    for who in dict.fromkeys((inquiry.owner, inquiry.checkout.customer)):
        row = None if who is None else _facts(inquiry, who)
        if row is not None and first in _refusals_of_owner(row, series):
            details |= eligibility.obstacle(first, row.customer, {"program": series.program, "series": series.name})
            break
    raise rules.refusal(reasons, **details)


# what is meant -----------------------------------------------------------------------------------


def _judge_held(inquiry: Inquiry, coupon: Coupon) -> Candidate:
    found = inquiry.held(Coupon, coupon.customer_id, coupon.id)
    if found is None:
        raise NotFound("the coupon is gone, and its customer")
    return _case(inquiry, inquiry.series(found.series), found, uses_of(inquiry.reader, found))


def _judge_free(inquiry: Inquiry, code: FreeCode, owner: str) -> Candidate:
    """Return the coupon that a free code becomes when a customer takes it."""
    free = inquiry.held(FreeCode, code.code)
    if free is None:
        raise NotFound("no coupon has this code")
    series = inquiry.series(free.series)
    if free.taken_at is not None:  # since it was looked up
        coupon = find_coupon(inquiry.reader, free.code)
        if not isinstance(coupon, Coupon):
            raise NotFound("the coupon is gone, and its customer")
        candidate = _judge_held(inquiry, coupon)
        return candidate if coupon.customer_id == owner else evolve(candidate, reasons={*candidate.reasons, Reason.NOT_HOLDER})
    row = _facts(inquiry, owner)
    limited = _refusals_by_limit(inquiry, series, owner, free.code)
    coupon = evolve(
        rules.unheld(free), customer_id=owner, id=inquiry.business.ids.new(), issued_at=max(inquiry.now, free.created_at),
        ordinal=_ordinal(inquiry, row, series), actor=inquiry.business.actor,
    )
    candidate = _case(inquiry, series, coupon, uses_of(inquiry.reader, free))
    return evolve(candidate, reasons=candidate.reasons | limited, made=True, taken=free)


def _judge_shared(inquiry: Inquiry, series: CouponSeries, owner: str) -> Candidate:
    """Return the customer's coupon of a series with one code for all, or the one that is issued on the spot."""
    coupons = sorted(
        inquiry.reader.find(Coupon, {"customer_id": owner, "series": series.name}),
        key=lambda each: each.reserved_for not in inquiry.references,  # what was kept for this goes first
    )
    uses = uses_by_coupon(inquiry.reader, coupons)
    candidates = [_case(inquiry, series, coupon, uses[coupon.id]) for coupon in coupons]
    for candidate in candidates:
        if not candidate.reasons:
            return candidate
    row = _facts(inquiry, owner)
    begins, ends = lifetime(series, inquiry.now, inquiry.business)
    coupon = Coupon(
        customer_id=owner, id=inquiry.business.ids.new(), series=series.name, ordinal=_ordinal(inquiry, row, series),
        issued_at=inquiry.now, valid_from=begins, expires_at=ends, actor=inquiry.business.actor,
    )
    another = _case(inquiry, series, coupon, ())
    reasons = another.reasons | _refusals_by_limit(inquiry, series, owner) | refusals_to_issue(inquiry, series)
    if reasons and candidates:  # why not another one, and why not the last one
        return evolve(candidates[-1], reasons=candidates[-1].reasons | reasons)
    return evolve(another, reasons=reasons, made=True, takes_place=True)


def _case(inquiry: Inquiry, series: CouponSeries, coupon: Coupon, uses: rules.Uses) -> Candidate:
    at = rules.present(coupon, uses, inquiry.now)
    reasons = rules.refusals(
        series, coupon, uses, at=at, references=inquiry.references, beside=others_combine(inquiry, series, uses)
    )
    return Candidate(series=series, coupon=coupon, uses=uses, reasons=reasons, at=at)


# reasons -----------------------------------------------------------------------------------------


def others_combine(inquiry: Inquiry, series: CouponSeries, uses: rules.Uses) -> list[bool]:
    """Return for each coupon that is used for the same order already whether it may be combined with others.

    Uses of this coupon for the order count too; not where it is used up, which is a reason of its own.
    """
    found = inquiry.granted
    if len(rules.standing(uses)) >= series.per_coupon:
        own = {use.id for use in uses}
        found = tuple(use for use in found if use.id not in own)
    terms = series_by_name(inquiry.reader, (use.series for use in found)) if found else {}
    return [terms[use.series].stackable for use in found]


def refusals_to_issue(inquiry: Inquiry, series: CouponSeries) -> set[Reason]:
    """Return why the series issues no further coupon: it is closed, its time is over, or none is left."""
    reason = closed(series, inquiry.now, inquiry.business)
    full = {Reason.SERIES_CAPACITY} if left(inquiry.reader, series.name) == 0 else set()
    return full if reason is None else {reason, *full}


def refusals_by_cost(inquiry: Inquiry, series: CouponSeries) -> set[Reason]:
    """Return what speaks against the discount: that the budget does not cover it, or that the lines get none."""
    budget, cost = _budget_left(inquiry.reader, series), inquiry.cost(series)
    if cost is None:
        return set()
    if inquiry.checkout.lines is not None and not cost and series.benefit.get("kind") != "text":
        return {Reason.NO_BENEFIT} if series.benefit else set()
    return {Reason.OVER_BUDGET} if budget is not None and budget < cost else set()


def _budget_left(reader: Reader, series: CouponSeries) -> Money | None:
    found = reader.get(SeriesBudget, series.name)
    return None if found is None else Money.from_minor(found.budget - found.spent, found.currency)


def _may_bring(inquiry: Inquiry, series: CouponSeries) -> bool:
    return series.transferable or inquiry.checkout.customer in {None, inquiry.owner}


def _facts(inquiry: Inquiry, customer_id: str) -> Facts:
    found = facts(inquiry.reader, customer_id, Question(inquiry.business.everyone(), inquiry.now))
    if found is None:
        raise NotFound("no customer has this id")
    return found


def _refusals_of_owner(row: Facts, series: CouponSeries) -> set[Reason]:
    schema = row.question.filter.schema
    return {reason for reason, rule in eligibility.may_redeem_coupon(schema, series.program) if not row.matches(rule)}


def _refusals_by_limit(inquiry: Inquiry, series: CouponSeries, owner: str, code: str | None = None) -> set[Reason]:
    """Return whether the owner, who takes a free code or another coupon, has begun all that the series allows."""
    if series.per_customer is None:
        return set()
    had = begun_by_taker(inquiry.business, inquiry.reader, series, owner, code)
    return {Reason.CUSTOMER_LIMIT} if had >= series.per_customer else set()


def _ordinal(inquiry: Inquiry, row: Facts, series: CouponSeries) -> int | None:
    if series.per_customer is None:
        return None
    return int(row.value(next_ordinal(inquiry.business, series.name)))
