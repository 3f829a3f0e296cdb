"""Taking sales back: refunds, chargebacks, cancelling, and the points that go with them. The rules are in `rules.refunds`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from attrs import frozen

from custcrm.actions import single
from custcrm.actions.accounts import reversing as account_reversing
from custcrm.actions.action import Action
from custcrm.actions.coupons.redemptions import discounts_of, references, uses_for
from custcrm.actions.coupons.restoring import restore_cancelled, whose_uses
from custcrm.actions.keys import Request, once
from custcrm.actions.places import place_of
from custcrm.actions.points.lots import of_sale
from custcrm.actions.points.reversing import reversing as points_reversing
from custcrm.actions.sales.sales import SCOPE
from custcrm.business import Business
from custcrm.records import AccountEntry, Customer, EarningRule, GuestRedemption, PointsEntry, Redemption, Sale, SaleLine
from custcrm.records.earning import Earns
from custcrm.records.sales import SaleKind
from custcrm.rules.sales import refunds as rules
from custcrm.rules.sales.sales import lines as lines_of
from custcrm.rules.sales.shares import taken_off
from custcrm.storage.protocol import Reader, Writer
from custcrm.values.errors import Conflict, NotFound, Reason, Refusal
from custcrm.values.identifiers import identifier, optional
from custcrm.values.money import Money
from custcrm.values.shapes import one_of
from custcrm.values.texts import checked

KINDS = (SaleKind.REFUND, SaleKind.CHARGEBACK)

TEXT_LIMIT = 200
"""Characters of an external id, as of a sale's."""


@frozen(kw_only=True)
class SaleDetails:
    """A sale and all that belongs to it: `discounts` are the redemptions of coupons for it, `points` what it earned and gave
    back; `left` is what its refunds have left of the total. `shares` tells what was paid for each of the `lines`, or paid back.
    """

    sale: Sale
    lines: tuple[SaleLine, ...]
    shares: tuple[Money, ...]
    discounts: tuple[Redemption | GuestRedemption, ...]
    refunds: tuple[Sale, ...]
    points: tuple[PointsEntry, ...]
    left: Money


def details(business: Business, sale: Sale | str) -> SaleDetails:
    """Return a sale and what belongs to it."""
    with business.reading() as reader:
        kept = find_sale(reader, sale)
        about = find_known(reader, kept)
        refunded = None if kept.refund_of is None else reader.get(Sale, kept.customer_id, kept.refund_of)
        shares = rules.paid(about) if refunded is None else rules.paid(find_known(reader, refunded), kept)
        return SaleDetails(
            sale=kept, lines=tuple(about.lines), shares=tuple(shares), refunds=tuple(about.refunds),
            discounts=tuple(uses_for(reader, references(kept))),  # the coupon may be somebody else's
            points=of_sale(reader, kept),
            left=rules.left(kept, about.refunds).total,
        )


def find_sale(reader: Reader, sale: Sale | str) -> Sale:
    """Return the sale given as a record or by its external id, as it is stored; NotFound when there is none."""
    if isinstance(sale, Sale):
        kept = reader.get(Sale, sale.customer_id, sale.id)
    else:
        kept = next(reader.find(Sale, {"external_id": identifier(sale, field="sale", limit=TEXT_LIMIT)}), None)
    if kept is None:
        raise NotFound("no sale has this external id; a sale without one is given as a record")
    return kept


def find_known(reader: Reader, sale: Sale) -> rules.Known:
    """Return what is known of a sale: its lines, what coupons took off it, its refunds and their lines."""
    refunds = sorted(
        reader.find(Sale, {"customer_id": sale.customer_id, "refund_of": sale.id}), key=lambda each: (each.recorded_at, each.id)
    )
    lines: list[SaleLine] = list(
        reader.find(SaleLine, {"customer_id": sale.customer_id, "sale_id": [sale.id, *(each.id for each in refunds)]})
    )
    sold = [line for line in lines if line.sale_id == sale.id]
    return rules.Known(
        sale=sale, refunds=refunds, lines=sold,
        returned=[line for each in refunds for line in lines if line.sale_id == each.id],
        discounts=discounts_of(reader, [sale])[sale.id] if taken_off(sold, sale.total) else (),
    )


def read_refund(business: Business, sale: Sale, told: Mapping[str, Any]) -> rules.Asked:
    """Return what is asked for, read from what `crm.sales.refund` takes."""
    kind, amount, lines = told["kind"], told["amount"], told["lines"]
    external_id = told["external_id"]
    return rules.Asked(
        kind=one_of(kind, KINDS, field="kind"), amount=None if amount is None else business.amount(amount), units=told["units"],
        lines=None if lines is None else lines_of(
            lines, customer_id=sale.customer_id, sale_id="", at=sale.occurred_at, amount=business.amount
        ),
        words=[frozenset(line) for line in lines or ()],
        occurred_at=business.instant(told["occurred_at"], field="occurred_at"),
        terminal=optional(told["terminal"], field="terminal"), reason=checked(told["reason"], field="reason"),
        external_id=optional(external_id, field="external_id", limit=TEXT_LIMIT),
    )


def refund(business: Business, sale: Sale | str, told: Mapping[str, Any], *, key: str | None = None) -> Sale:
    """Take some or all of a sale back, and its share of the points earned; once, where an external id is given."""

    def take_back(writer: Writer) -> Sequence[Sale]:
        held = find_sale(writer, sale)
        what = read_refund(business, held, told)
        before = _again(writer, held, what)
        return [before or _refund(business, writer, held, what)]

    request = Request(action="refund_sale", arguments=told, about={"sale": sale}, key=key)
    [refunded] = once(business, request, take_back)
    return refunded


def cancel(
    business: Business, sale: Sale | str, reason: str, external_id: str | None = None, *, key: str | None = None
) -> Sale:
    """Take back what is left of a sale as if it had never been: the points spent for it and its coupons come back as well."""

    def take_back(writer: Writer) -> Sequence[Sale]:
        held = find_sale(writer, sale)
        name = optional(external_id, field="external_id", limit=TEXT_LIMIT)
        what = rules.Asked(reason=checked(reason, field="reason"), external_id=name)
        before = _again(writer, held, what)
        if before is not None:
            return [before]
        people = {held.customer_id, *whose_uses(writer, references(held)), *_payers(writer, held)}
        for each in sorted(people):
            writer.hold(Customer, each)
        # First: points that come back cover those that were earned.
        _return_payments(business, writer, held, people, what.reason)
        refunded = _refund(business, writer, held, what)
        restore_cancelled(business, writer, references(held), reason=what.reason)
        return [refunded]

    told = {"reason": reason, "external_id": external_id}
    [done] = once(business, Request(action="cancel_sale", arguments=told, about={"sale": sale}, key=key), take_back)
    return done


def _again(writer: Writer, sale: Sale, what: rules.Asked) -> Sale | None:
    """Return the refund that is known by the external id already, if any; Conflict when it is another."""
    if what.external_id is None:
        return None
    writer.claim(SCOPE, [what.external_id])
    before = next(writer.find(Sale, {"external_id": what.external_id}), None)
    different = rules.differences(before, sale, what) if before else ()
    if before and different:
        raise Conflict(
            f"{before.kind} {before.id} has this external id and differs in {', '.join(different)}; it is recorded once"
        )
    return before


def _refund(business: Business, writer: Writer, sale: Sale, what: rules.Asked) -> Sale:
    writer.hold(Customer, sale.customer_id)
    place = (sale.terminal, sale.point_of_sale)
    if what.terminal is not None:
        place = (what.terminal, place_of(business, what.terminal, None)[0])
    done = rules.refund(find_known(writer, sale), what, id=business.ids.new(), now=business.now(), place=place)
    writer.add([done.refund, *done.lines])
    _reverse_earned(business, writer, sale, done.left, what.reason)
    return done.refund


def _reverse_earned(business: Business, writer: Writer, sale: Sale, left: rules.Left, reason: str) -> None:
    """Take back the points that the sale earned and may not keep; what was reversed of them before counts."""
    mine = {"customer_id": sale.customer_id}
    credits_ = list(writer.find(PointsEntry, {**mine, "sale_id": sale.id, "kind": "credit"}))
    if not credits_:
        return
    rest = {each.id: each.delta for each in credits_}
    for entry in writer.find(PointsEntry, {**mine, "reverses": list(rest)}):
        rest[str(entry.reverses)] += entry.delta - entry.shortfall
    of_units = {each.name for each in writer.find(EarningRule, {"program": sale.program}) if each.per is Earns.UNITS}
    for by_units in (False, True):
        alike = [each for each in credits_ if (each.rule in of_units) is by_units]
        back = rules.points_back([(each.delta, rest[each.id]) for each in alike], sale, left, of_units=by_units)
        for credit, points in zip(alike, back, strict=True):
            if points:
                single.perform(business, partial(points_reversing, business, credit, points, reason), sale.customer_id)


def _payers(reader: Reader, sale: Sale) -> set[str]:
    """Return the customers whose points or accounts paid for the sale."""
    points, accounts = reader.find(PointsEntry, _paid_for(sale)), reader.find(AccountEntry, _paid_for(sale))
    return {*(each.customer_id for each in points), *(each.customer_id for each in accounts)}


def _paid_for(sale: Sale) -> dict[str, Any]:
    return {"kind": "spend", "reference": references(sale)}


def _return_payments(business: Business, writer: Writer, sale: Sale, held: Collection[str], reason: str) -> None:
    """Give back the points and what accounts paid for the sale, as far as that has not been done, to those who are held."""
    paid = {**_paid_for(sale), "customer_id": sorted(held)}
    spends = {(each.customer_id, each.spend_id): each for each in writer.find(PointsEntry, paid)}
    for spend in spends.values():
        _give_back(business, spend.customer_id, points_reversing(business, spend, None, reason))
    due = rules.left(sale, find_known(writer, sale).refunds).total.minor  # what a refund gave back before is not given twice
    for entry in sorted(writer.find(AccountEntry, paid), key=lambda each: (each.occurred_at, each.id), reverse=True):
        if entry.amount is None:
            _give_back(business, entry.customer_id, account_reversing(business, entry, reason=reason))
            continue
        returned = {"customer_id": entry.customer_id, "reverses": entry.id}
        undone = next(writer.totals(AccountEntry, returned, of="amount"), (0,))[0]
        back = min(due, -entry.amount.minor - undone)
        due -= back
        if back > 0:
            amount = Money.from_minor(back, business.currency)
            _give_back(business, entry.customer_id, account_reversing(business, entry, amount=amount, reason=reason))


def _give_back(business: Business, customer: str, action: Action) -> None:
    try:
        single.perform(business, lambda: action, customer)
    except Refusal as no:
        if no.reason is not Reason.ALREADY_REVERSED:  # what was given back by hand is not given twice
            raise
