"""Issuing coupons of a series, and revoking them: never more than the series has, never more to one customer than it allows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from attrs import evolve

from custcrm.actions import eligibility
from custcrm.actions.action import Action, Booked, Booking, Cost, Doing, Occasion, Problem, Turn
from custcrm.actions.coupons import codes, limits
from custcrm.actions.coupons.redemptions import series_by_name, uses_by_coupon, uses_of
from custcrm.actions.keys import expiry_as_given
from custcrm.actions.messages import messages
from custcrm.business import Business, among
from custcrm.filters.ir.nodes import Shown
from custcrm.filters.syntax import nodes as s
from custcrm.messaging.templates import COUPON_ISSUED, text_or_default
from custcrm.records import Applied, Coupon, CouponSeries, FreeCode, GuestRedemption, Program
from custcrm.rules import coupons as rules
from custcrm.storage.customer_facts import facts
from custcrm.storage.effects import CustomerKey, Given, NewId, Of, Source, Staged, Template
from custcrm.storage.protocol import Writer
from custcrm.storage.questions import Question, Verdict
from custcrm.values.errors import Malformed, NotFound, Reason, Refusal
from custcrm.values.shapes import flag
from custcrm.values.texts import checked


def issuing(
    business: Business, series: str, *, allow_partial: bool, text: str, notify: bool, valid_from: Any = None
) -> Action:
    """Issue one coupon of the series, valid from when the series says, or `valid_from`."""
    found = business.known(CouponSeries, series, "coupon series")
    series = found.name
    program = business.known(Program, found.program, "program")
    told = messages.notice_text(text_or_default(text, COUPON_ISSUED), "code")
    unique = found.codes == "unique"
    codes.lifetime(found, business.now(), business, valid_from)  # what is Malformed is told before it is applied
    code: Source = Staged("code") if unique else Given(None)

    def effects(occasion: Occasion) -> tuple[Doing, ...]:
        begins, ends = codes.lifetime(found, occasion.now, business, valid_from)
        coupon = Template(
            record=Coupon,
            values={
                "customer_id": CustomerKey(), "id": NewId(0), "series": Given(series), "code": code,
                "ordinal": Given(None) if found.per_customer is None else Of(next_ordinal(business, series)),
                "issued_at": Given(occasion.now), "valid_from": Given(begins), "expires_at": Given(ends),
                "actor": Given(occasion.actor), "applied_id": Given(occasion.applied_id),
            },
        )
        shown = code if unique else Given(found.shared_code)
        notice = messages.notice(business, program, occasion, told, notify=notify, effect=1, code=shown)
        return (*_last_word(business, found, occasion), coupon, *notice)

    return Action(
        name="issue_coupons",
        title=f"issue_coupons {series}",
        arguments={
            "series": series, "allow_partial": flag(allow_partial, field="allow_partial"), "text": text,
            "notify": flag(notify, field="notify"),
            **({} if valid_from is None else {"valid_from": expiry_as_given(valid_from)}),
        },
        verdict=Verdict(
            eligibility.may_receive_coupon(business.schema, found.program, series, found.per_customer)
        ),
        about={"program": found.program, "series": series, "limit": found.per_customer},
        effects=effects,
        cost=lambda business, question, eligible: Cost(coupons=eligible),
        reserve=codes.places_of(series, partial=allow_partial),
        problems=lambda now: _problems(business, series, now),
        stage=lambda count: {"code": codes.fresh(business, found, count)} if unique else {},
    )


def left(business: Business, series: str, customer: str | None) -> int | None:
    """Return how many coupons the series can still issue, altogether or to one customer; None when it is unlimited."""
    found = business.known(CouponSeries, series, "coupon series")
    with business.reading() as reader:
        there = codes.left(reader, found.name)
        if customer is None or found.per_customer is None:
            return there
        row = facts(reader, customer, Question(business.everyone(), business.now()))
        assert row is not None, "the customer exists"
        had = int(row.value(business.shown(eligibility.coupons_counted(found.name))))
        had = limits.begun(business, reader, found, [customer]).get(customer, had)
    mine = max(0, found.per_customer - had)
    return mine if there is None else min(mine, there)


def next_ordinal(business: Business, series: str) -> Shown:
    """Return the value of a customer that numbers the next coupon of a series with a limit."""
    return business.shown(s.Arithmetic("+", eligibility.coupons_had(series), s.Literal(1)))


def _problems(business: Business, series: str, now: datetime) -> tuple[Problem, ...]:
    """Return why nothing can be issued now: by the terms as they are when it is asked, since they may be changed."""
    with business.reading() as reader:
        found = reader.get(CouponSeries, series)
    reason = None if found is None else codes.closed(found, now, business)
    return () if found is None or reason is None else (Problem(reason, codes.obstacle(reason, found, now, business)),)


def _last_word(business: Business, series: CouponSeries, occasion: Occasion) -> tuple[Booking, ...]:
    """Return the booking that refuses who has reached the limit since the targets were frozen, or with what a guest has begun.

    The place is given back. One transaction holds the series from the freeze on, so that nobody else issues meanwhile, and
    needs none where no guest has come.
    """
    rules_now = Verdict(eligibility.below_limit(business.schema, series.name, series.per_customer))
    if not rules_now.rules or not (_has_batches(business, occasion.applied_id) or _has_guests(business, series)):
        return ()

    def book(writer: Writer, occasion: Occasion, turns: Sequence[Turn]) -> Booked:
        writer.hold(CouponSeries, series.name)
        customers = [turn.customer_id for turn in turns]
        found = writer.refusals(Question(among(business.everyone(), customers), occasion.now), rules_now)
        reached = [*(id_ for id_, reasons in found.items() if reasons), *limits.reached(business, writer, series, customers)]
        had = {"series": series.name, "limit": series.per_customer}
        return Booked(refused={id_: Refusal(Reason.CUSTOMER_LIMIT, details={"customer": id_, **had}) for id_ in reached})

    return (Booking((), book),)


def _has_guests(business: Business, series: CouponSeries) -> bool:
    with business.reading() as reader:
        return any(reader.find(GuestRedemption, {"series": series.name}, limit=1))


def _has_batches(business: Business, applied_id: str) -> bool:
    with business.reading() as reader:
        applied = next(reader.find(Applied, {"id": applied_id}), None)
    return applied is not None and applied.eligible > business.batch


# revoking ----------------------------------------------------------------------------------------


def revoking(coupon: Coupon, *, reason: str) -> Action:
    """Revoke one coupon of the customer."""
    checked(reason, field="reason")

    def book(writer: Writer, occasion: Occasion, _: Sequence[Turn]) -> Booked:
        held = writer.hold(Coupon, coupon.customer_id, coupon.id)
        if held is None:
            raise NotFound("the coupon is gone, and its customer")
        done = _revoke(writer, [held], occasion, reason)[held.id]
        return Booked(refused={coupon.customer_id: done}) if isinstance(done, Refusal) else Booked(replaced=[done])

    return Action(
        name="revoke_coupon",
        title=f"revoke_coupon {coupon.series}",
        arguments={"coupon": coupon.id, "reason": reason},
        verdict=Verdict(),
        effects=lambda occasion: (Booking((), book),),
    )


def revoking_all(business: Business, series: str, *, reason: str) -> Action:
    """Revoke what each customer holds of a series and has not used up."""
    series = business.known(CouponSeries, series, "coupon series").name
    checked(reason, field="reason")

    def book(writer: Writer, occasion: Occasion, turns: Sequence[Turn]) -> Booked:
        held: dict[str, list[Coupon]] = {turn.customer_id: [] for turn in turns}
        for coupon in writer.find(Coupon, {"customer_id": list(held), "series": series, "revoked_at": None}):
            held[coupon.customer_id].append(coupon)
        done = _revoke(writer, [coupon for each in held.values() for coupon in each], occasion, reason)
        replaced = [each for each in done.values() if isinstance(each, Coupon)]
        refused: dict[str, Refusal] = {}
        for id_ in held.keys() - {each.customer_id for each in replaced}:
            why = [each.reason for coupon in held[id_] if isinstance(each := done[coupon.id], Refusal)]
            refused[id_] = rules.refusal(why or [Reason.UNCHANGED], customer=id_, series=series)
        return Booked(replaced=replaced, refused=refused)

    return Action(
        name="revoke_coupons",
        title=f"revoke_coupons {series}",
        arguments={"series": series, "reason": reason},
        verdict=Verdict(eligibility.holds_coupon(business.schema, series)),
        effects=lambda occasion: (Booking((), book),),
    )


def _revoke(
    writer: Writer, coupons: Sequence[Coupon], occasion: Occasion, reason: str
) -> dict[str, Coupon | Refusal]:
    """Return what becomes of each coupon, by id, and give the places of the revoked ones back where the series says so."""
    uses = uses_by_coupon(writer, coupons)
    found: dict[str, Coupon | Refusal] = {}
    freed: dict[str, int] = {}
    series = series_by_name(writer, (coupon.series for coupon in coupons))
    for coupon in coupons:
        terms = series[coupon.series]
        at = rules.present(coupon, uses[coupon.id], occasion.done_at)
        done = found[coupon.id] = rules.revoked(coupon, uses[coupon.id], terms, at=at, reason=reason)
        if isinstance(done, Coupon):
            freed[coupon.series] = freed.get(coupon.series, 0) + rules.is_freed(terms, uses[coupon.id])
    for name, places in freed.items():
        writer.reserve(CouponSeries, (name,), -places)
    return found


def revoked_code(writer: Writer, code: str, now: datetime) -> FreeCode | Refusal:
    """Revoke a code that nobody holds, and give its place back where the series says so."""
    free = writer.hold(FreeCode, code)
    series = None if free is None else writer.get(CouponSeries, free.series)
    assert free is not None and series is not None, "codes and series are never removed"
    if free.taken_at is not None:  # since it was looked up; its place is the coupon's
        raise Malformed("the code is not free; revoke the coupon", field="code")
    uses = uses_of(writer, free)
    unheld = rules.unheld(free)
    done = rules.revoked(unheld, uses, series, at=rules.present(unheld, uses, now), reason="")
    if isinstance(done, Refusal):
        return done
    if rules.is_freed(series, uses):
        writer.reserve(CouponSeries, (series.name,), -1)
    revoked = evolve(free, revoked_at=done.revoked_at)
    writer.replace(revoked)
    return revoked
