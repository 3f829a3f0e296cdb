"""A coupon before it is used: found with all that decides on it, and every reason that it is refused for.

The names to know are `Use`, what it is wanted for, `Asking`, who asks when, and `Case`, what `judged` finds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Final, TypeVar

from attrs import evolve, field, frozen

from custcrm.actions import eligibility
from custcrm.actions.coupons.codes import Thing, closed, expires_at, left, places_of, thing
from custcrm.actions.coupons.issuing import next_ordinal
from custcrm.actions.coupons.redemptions import all_references, series_by_name, uses_by_coupon, uses_of
from custcrm.business import Business
from custcrm.records import Coupon, CouponSeries, FreeCode, GuestRedemption, Redemption, SeriesBudget
from custcrm.rules import benefits
from custcrm.rules import coupons as rules
from custcrm.storage.customer_facts import Facts, facts
from custcrm.storage.protocol import Reader, Writer
from custcrm.storage.questions import Question
from custcrm.values.errors import NotFound, Reason
from custcrm.values.money import Money

R = TypeVar("R")

REFERENCES: Final = "coupon_reference"
"""The scope in which references are claimed, so that two coupons for one order see each other."""


@frozen(kw_only=True)
class Use:
    """What a coupon is wanted for: the order, who brings it, where, and what it takes off, told or to be quoted of lines.

    `buyer`: the reference is the id of a sale of this customer.
    """

    reference: str | None = None
    buyer: str | None = None
    customer: str | None = None
    discount: Money | None = None
    lines: Sequence[benefits.Line] | None = None
    terminal: str
    point_of_sale: str | None = None

    def told(self) -> Mapping[str, Any]:
        """Return it as a key remembers it."""
        lines = [[each.product, each.category, each.quantity, each.amount.minor] for each in self.lines or ()]
        return {
            "reference": self.reference, "customer": self.customer, "discount": self.discount and self.discount.minor,
            "lines": lines, "terminal": self.terminal,
        }

    def cost(self, series: CouponSeries) -> Money | None:
        """Return what the use takes off, None where nobody can tell."""
        benefit = benefits.from_json(series.benefit)
        if self.lines is None or benefit is None:
            return self.discount
        return benefits.quote(benefit, self.lines)


@frozen(kw_only=True)
class Asking:
    """A question about a coupon; with a writer it is about to be answered by writing, and the customer is held.

    `owner` holds the coupon, or would; None for a guest.
    """

    business: Business
    reader: Reader
    use: Use
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
        whose = (self.owner, self.use.customer, self.use.buyer)
        told = () if self.use.reference is None else (self.use.reference,)
        return all_references(self.reader, told, (each for each in whose if each is not None))

    def held(self, record: type[R], *key: Any) -> R | None:
        """Return a record, kept from others where something is to be written."""
        return self.reader.get(record, *key) if self.writer is None else self.writer.hold(record, *key)

    def series(self, name: str) -> CouponSeries:
        """Return the terms of a coupon."""
        found = self.reader.get(CouponSeries, name)
        if found is None:
            raise NotFound("the coupon's series is gone")
        return found


@frozen(kw_only=True)
class Case:
    """A coupon with what decides on it.

    `made`: it is to be written, as nobody held it yet; `taken` is the free code that it comes from; else it `takes_place` in
    its series. `references` are the names of the order, `at` is the instant by which it is judged.
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


def judged(asking: Asking, wanted: Thing) -> Case:
    """Return the coupon of a customer that is meant, with every reason why it cannot be used now."""
    owner = asking.owner
    assert owner is not None, "guests have rules of their own"
    match wanted:
        case Coupon():
            case = _held(asking, wanted)
        case FreeCode():
            case = _free(asking, wanted, owner)
        case _:
            case = _shared(asking, wanted, owner)
    reasons = case.reasons | by_cost(asking, case.series)
    for customer in dict.fromkeys((owner, asking.use.customer or owner)):
        reasons |= _barred(_facts(asking, customer), case.series)
    if asking.use.customer not in {None, case.coupon.customer_id} and not case.series.transferable:
        reasons.add(Reason.NOT_HOLDER)
    return evolve(case, reasons=reasons, references=asking.references)


def refuse(asking: Asking, series: CouponSeries, reasons: set[Reason]) -> None:
    """Raise the refusal for the reasons, if there are any; its details are of the first."""
    if not reasons:
        return
    details: dict[str, Any] = {"series": series.name}
    match rules.ordered(reasons)[0]:
        case Reason.OVER_BUDGET:
            details |= {"needed": str(asking.use.cost(series)), "left": str(_budget_left(asking.reader, series))}
        case Reason.SERIES_CAPACITY:
            details |= places_of(series.name).shortage(1, left(asking.reader, series.name))
    raise rules.refusal(reasons, **details)


# what is meant -----------------------------------------------------------------------------------


def _held(asking: Asking, coupon: Coupon) -> Case:
    found = asking.held(Coupon, coupon.customer_id, coupon.id)
    if found is None:
        raise NotFound("the coupon is gone, and its customer")
    return _case(asking, asking.series(found.series), found, uses_of(asking.reader, found))


def _free(asking: Asking, code: FreeCode, owner: str) -> Case:
    """Return the coupon that a free code becomes when a customer takes it."""
    free = asking.held(FreeCode, code.code)
    if free is None:
        raise NotFound("no coupon has this code")
    series = asking.series(free.series)
    if free.taken_at is not None:  # since it was looked up
        coupon = thing(asking.reader, free.code)
        if not isinstance(coupon, Coupon):
            raise NotFound("the coupon is gone, and its customer")
        case = _held(asking, coupon)
        return case if coupon.customer_id == owner else evolve(case, reasons={*case.reasons, Reason.NOT_HOLDER})
    row = _facts(asking, owner)
    coupon = evolve(
        rules.unheld(free), customer_id=owner, id=asking.business.ids.new(), issued_at=max(asking.now, free.created_at),
        ordinal=_ordinal(asking, row, series), actor=asking.business.actor,
    )
    case = _case(asking, series, coupon, uses_of(asking.reader, free))
    return evolve(case, reasons=case.reasons | _beyond_limit(row, series), made=True, taken=free)


def _shared(asking: Asking, series: CouponSeries, owner: str) -> Case:
    """Return the customer's coupon of a series with one code for all, or the one that is issued on the spot."""
    coupons = sorted(
        asking.reader.find(Coupon, {"customer_id": owner, "series": series.name}),
        key=lambda each: each.reserved_for not in asking.references,  # what was kept for this goes first
    )
    uses = uses_by_coupon(asking.reader, coupons)
    cases = [_case(asking, series, coupon, uses[coupon.id]) for coupon in coupons]
    for case in cases:
        if not case.reasons:
            return case
    row = _facts(asking, owner)
    coupon = Coupon(
        customer_id=owner, id=asking.business.ids.new(), series=series.name, ordinal=_ordinal(asking, row, series),
        issued_at=asking.now, expires_at=expires_at(series, asking.now, asking.business), actor=asking.business.actor,
    )
    another = _case(asking, series, coupon, ())
    reasons = another.reasons | _beyond_limit(row, series) | no_place(asking, series)
    if reasons and cases:  # why not another one, and why not the last one
        return evolve(cases[-1], reasons=cases[-1].reasons | reasons)
    return evolve(another, reasons=reasons, made=True, takes_place=True)


def _case(asking: Asking, series: CouponSeries, coupon: Coupon, uses: rules.Uses) -> Case:
    at = rules.present(coupon, uses, asking.now)
    reasons = rules.refusals(
        series, coupon, uses, at=at, references=asking.references, beside=beside(asking, series, uses)
    )
    return Case(series=series, coupon=coupon, uses=uses, reasons=reasons, at=at)


# reasons -----------------------------------------------------------------------------------------


def beside(asking: Asking, series: CouponSeries, uses: rules.Uses) -> list[bool]:
    """Return for each other coupon that is used for the same reference whether it may be combined.

    A second use of the same coupon is combined with the first, unless there is none left anyway.
    """
    if not asking.references:
        return []
    where = {"reference": asking.references, "restored_at": None}
    found: list[rules.Use] = [*asking.reader.find(Redemption, where), *asking.reader.find(GuestRedemption, where)]
    if len(rules.standing(uses)) >= series.per_coupon:
        own = {use.id for use in uses}
        found = [use for use in found if use.id not in own]
    terms = series_by_name(asking.reader, (use.series for use in found)) if found else {}
    return [terms[use.series].stackable for use in found]


def no_place(asking: Asking, series: CouponSeries) -> set[Reason]:
    """Return why the series issues no further coupon: it is closed, its time is over, or none is left."""
    reason = closed(series, asking.now)
    full = {Reason.SERIES_CAPACITY} if left(asking.reader, series.name) == 0 else set()
    return full if reason is None else {reason, *full}


def by_cost(asking: Asking, series: CouponSeries) -> set[Reason]:
    """Return what speaks against the discount: that the budget does not cover it, or that the lines get none."""
    budget, cost = _budget_left(asking.reader, series), asking.use.cost(series)
    if cost is None:
        return set()
    if asking.use.lines is not None and not cost and series.benefit.get("kind") != "text":
        return {Reason.NO_BENEFIT} if series.benefit else set()
    return {Reason.OVER_BUDGET} if budget is not None and budget < cost else set()


def _budget_left(reader: Reader, series: CouponSeries) -> Money | None:
    found = reader.get(SeriesBudget, series.name)
    return None if found is None else Money.from_minor(found.budget - found.spent, found.currency)


def _facts(asking: Asking, customer_id: str) -> Facts:
    found = facts(asking.reader, customer_id, Question(asking.business.everyone(), asking.now))
    if found is None:
        raise NotFound("no customer has this id")
    return found


def _barred(row: Facts, series: CouponSeries) -> set[Reason]:
    schema = row.question.filter.schema
    return {reason for reason, rule in eligibility.may_redeem_coupon(schema, series.program) if not row.matches(rule)}


def _beyond_limit(row: Facts, series: CouponSeries) -> set[Reason]:
    rule = eligibility.below_limit(row.question.filter.schema, series.name, series.per_customer)
    return {reason for reason, below in rule if not row.matches(below)}


def _ordinal(asking: Asking, row: Facts, series: CouponSeries) -> int | None:
    if series.per_customer is None:
        return None
    return int(row.value(next_ordinal(asking.business, series.name)))
