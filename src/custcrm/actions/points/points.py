"""Crediting, spending and adjusting points: for one customer, or for each of a selection.

What a rule of `rules.points` decides, such as which lots a spend uses, is a booking; the rest is written as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from custcrm.actions import eligibility
from custcrm.actions.action import Action, Booked, Booking, Cost, Occasion, Turn
from custcrm.actions.customers.memberships import confirming
from custcrm.actions.keys import expiry_as_given
from custcrm.actions.messages import messages
from custcrm.actions.places import booked_at, reference_of
from custcrm.actions.points.lots import debts, open_lots
from custcrm.business import Business
from custcrm.messaging.templates import POINTS_CREDITED, text_or_default
from custcrm.records import CouponSeries, PointsEntry, Program
from custcrm.rules import points as rules
from custcrm.rules.lots import lifetime
from custcrm.storage.effects import CustomerKey, Effect, Given, NewId, Source, Template
from custcrm.storage.protocol import Writer
from custcrm.storage.questions import Verdict
from custcrm.values.errors import Malformed, Refusal
from custcrm.values.identifiers import optional
from custcrm.values.periods import beginning, expiry
from custcrm.values.shapes import flag, whole_number
from custcrm.values.texts import checked, is_blank

LARGEST: Final = 10**12
"""Points of one credit: sums of a million of them stay within 64 bits."""



def crediting(
    business: Business,
    program: str,
    points: int,
    *,
    expires: Any,
    terminal: str | None,
    text: str,
    notify: bool,
    reference: str | None = None,
    valid_from: Any = None,
) -> Action:
    """Credit one lot of points, pending until `valid_from` and expiring at `expires` if given."""
    found = business.known(Program, program, "program")
    program, reference, terminal = found.name, reference_of(reference), optional(terminal, field="terminal")
    amount = points_amount(points)
    shared = {**booked_at(business, terminal), "reference": reference, "text": text}
    _check_lifetime(business, valid_from, expires)
    told = messages.notice_text(text_or_default(text, POINTS_CREDITED), "points", "balance")

    def effects(occasion: Occasion) -> tuple[Effect, ...]:
        entry = _opening(business, occasion, "credit", program, amount, (valid_from, expires), shared)
        return (entry, *messages.notice(business, found, occasion, told, notify=notify, effect=1, points=amount))

    return Action(
        name="credit_points",
        title=f"credit_points {program} {amount}",
        arguments={
            "program": program, "points": amount, "expires": expiry_as_given(expires), "terminal": terminal, "text": text,
            "notify": flag(notify, field="notify"),
            # Keys of credits from before there were references, or pending points, stand for the same content.
            **({} if reference is None else {"reference": reference}),
            **({} if valid_from is None else {"valid_from": expiry_as_given(valid_from)}),
        },
        verdict=Verdict(eligibility.may_earn(business.schema, program)),
        about={"program": program},
        effects=effects,
        cost=lambda business, question, eligible: Cost(points=eligible * amount),
    )


def spending(
    business: Business,
    program: str,
    points: int,
    *,
    terminal: str | None = None,
    offer: str | None = None,
    reference: str | None = None,
) -> Action:
    """Spend points from the lots that expire soonest, for the coupon series `offer` if given; it confirms participation."""
    program = business.known(Program, program, "program").name
    amount = points_amount(points)
    reference, terminal = reference_of(reference), optional(terminal, field="terminal")
    if offer is not None:
        offer = business.known(CouponSeries, offer, "coupon series").name
    shared = {**booked_at(business, terminal), "offer": offer, "reference": reference}
    return Action(
        name="spend_points",
        title=f"spend_points {program} {amount}",
        arguments={"program": program, "points": amount, "terminal": terminal, "offer": offer, "reference": reference},
        verdict=Verdict(eligibility.may_spend(business.schema, program)),
        about={"program": program},
        foreseen=Verdict(eligibility.has_points(business.schema, program, amount, of="available")),
        effects=lambda occasion: (
            _taking(business, "spend", program, amount, shared), confirming(business, program, occasion)
        ),
        cost=lambda business, question, eligible: Cost(points=-eligible * amount),
    )


def adjusting(business: Business, program: str, points: int, *, reason: str, expires: Any = None) -> Action:
    """Correct points by hand, up or down, with a reason.

    Up is a lot of its own, and for whoever may earn; down is taken from the lots, pending ones first and then as a spend is,
    for any member who is not blacklisted.
    """
    program = business.known(Program, program, "program").name
    amount = points_change(points)
    if is_blank(checked(reason, field="reason")):
        raise Malformed("points that are changed by hand need a reason", field="reason")
    if amount < 0 and expires is not None:
        raise Malformed("points that are taken away do not expire; leave expires out", field="expires")
    _check_lifetime(business, None, expires)
    shared = {**booked_at(business, None), "reason": reason}
    up, schema = amount > 0, business.schema

    def effects(occasion: Occasion) -> tuple[Effect | Booking, ...]:
        if up:
            return (_opening(business, occasion, "adjust", program, amount, (None, expires), shared),)
        return (_taking(business, "adjust", program, -amount, shared, pending=True),)

    return Action(
        name="adjust_points",
        title=f"adjust_points {program} {amount}",
        arguments={"program": program, "points": amount, "reason": reason, "expires": expiry_as_given(expires)},
        verdict=Verdict(eligibility.may_earn(schema, program) if up else eligibility.member(schema, program)),
        about={"program": program},
        foreseen=Verdict() if up else Verdict(eligibility.has_points(schema, program, -amount, of="points")),
        effects=effects,
        cost=lambda business, question, eligible: Cost(points=eligible * amount),
    )


def _opening(
    business: Business, occasion: Occasion, kind: str, program: str, points: int, life: tuple[Any, Any],
    shared: Mapping[str, Any],
) -> Template:
    """Return the effect that brings a lot, of a life as told (valid_from, expires); Malformed when it would be over already."""
    valid_from, ends = lifetime(*life, since=occasion.now, now=occasion.now, zone=business.zone)
    if ends is not None and ends <= occasion.now:
        raise Malformed("expires lies in the past; points would never count", field="expires")
    values: dict[str, Source] = {
        "customer_id": CustomerKey(), "id": NewId(0), "lot_id": NewId(0), "program": Given(program), "kind": Given(kind),
        "delta": Given(points), "occurred_at": Given(occasion.now), "valid_from": Given(valid_from), "expires_at": Given(ends),
        "actor": Given(occasion.actor), "applied_id": Given(occasion.applied_id),
    }
    return Template(record=PointsEntry, values=values | {name: Given(value) for name, value in shared.items()})


def _taking(
    business: Business, kind: str, program: str, points: int, shared: Mapping[str, Any], *, pending: bool = False
) -> Booking:
    """Return the booking that takes points from the lots of each customer; the entries of one share a `spend_id`."""

    def book(writer: Writer, occasion: Occasion, turns: Sequence[Turn]) -> Booked:
        ids = [turn.customer_id for turn in turns]
        lots, owed = open_lots(writer, ids, program, occasion.now), debts(writer, ids, program)
        added: list[PointsEntry] = []
        refused: dict[str, Refusal] = {}
        for id_ in ids:
            told = telling(occasion, id_, program, kind, business.ids.new(), **shared)
            spent = rules.spend(lots.get(id_, ()), points, told, business.ids.new, debt=owed.get(id_), pending=pending)
            if isinstance(spent, Refusal):
                refused[id_] = spent
            else:
                added.extend(spent)
        return Booked(added=added, refused=refused)

    return Booking((PointsEntry,), book)


def telling(
    occasion: Occasion, customer_id: str, program: str, kind: str, spend_id: str | None, **shared: Any
) -> PointsEntry:
    """Return what the entries of one action have in common, as an entry that no lot has yet: see `rules.points`."""
    return PointsEntry(
        customer_id=customer_id, id="", program=program, kind=kind, delta=0, lot_id="", spend_id=spend_id,
        occurred_at=occasion.now, actor=occasion.actor, applied_id=occasion.applied_id or None, **shared,
    )


# what callers give -------------------------------------------------------------------------------


def points_amount(points: object) -> int:
    """Return a count of points, checked: a whole number from 1 on."""
    return whole_number(points, 1, LARGEST, field="points", message=f"points are a whole number from 1 to {LARGEST:,}")


def points_change(points: object) -> int:
    """Return how many points to add, or to take away (less than 0), checked: 0 is no change."""
    message = f"points are a whole number up to {LARGEST:,}, negative to take some away"
    change = whole_number(points, -LARGEST, LARGEST, field="points", message=message)
    if change == 0:
        raise Malformed(message, field="points")
    return change


def _check_lifetime(business: Business, valid_from: Any, expires: Any) -> None:
    """Check how validity and expiry are told. Whether it is past is asked when it is done first: a key repeats it for ever."""
    now = business.now()
    if valid_from is not None:
        beginning(valid_from, now, business.zone)
    if expires is not None:
        expiry(expires, now, business.zone)
