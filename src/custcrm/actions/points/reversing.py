"""Taking points back, and moving them to another customer.

The rules are in `rules.points`; here is what they look at. The names to know are `reversing` and `transferring`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from custcrm.actions.action import Action, Booked, Booking, Occasion, Turn
from custcrm.actions.points.lots import debt_of, latest_of, open_lots
from custcrm.actions.points.points import points_amount, telling
from custcrm.business import Business
from custcrm.records import Membership, PointsEntry, Program
from custcrm.records.points import DEBT
from custcrm.rules import points as rules
from custcrm.rules.points import PointsSpend
from custcrm.rules.points_history import PointsLine
from custcrm.storage.protocol import Reader, Writer
from custcrm.storage.questions import Verdict
from custcrm.values.errors import Malformed, NotFound, Reason, Refusal
from custcrm.values.periods import Span, move
from custcrm.values.texts import checked

Reversible: TypeAlias = PointsEntry | PointsSpend | PointsLine


def reversing(business: Business, what: Reversible, points: int | None = None, reason: str = "") -> Action:
    """Take back a credit or points added by hand, or return what was spent or taken away; all that is left, or a part.

    A correction: it is for every customer, whatever the access. The entries keep sale, rule, terminal and
    reference of what they reverse.
    """
    if not isinstance(what, PointsEntry | PointsSpend | PointsLine):
        raise Malformed("give the entry of a credit, a spend or a line of the history", field="what")
    _check_kind(what.kind)
    amount = None if points is None else points_amount(points)
    id_ = what.spend_id or what.id if isinstance(what, PointsEntry) else what.id
    checked(reason, field="reason")

    def book(writer: Writer, occasion: Occasion, turns: Sequence[Turn]) -> Booked:
        [turn] = turns
        reversed_ = _reverse(business, writer, occasion, turn.customer_id, id_, amount, reason)
        return Booked(refused={turn.customer_id: reversed_}) if isinstance(reversed_, Refusal) else Booked(added=reversed_)

    return Action(
        name="reverse_points",
        title="reverse_points",
        arguments={"reverses": id_, "points": points, "reason": reason},
        verdict=Verdict(),
        effects=lambda occasion: (Booking((PointsEntry,), book),),
    )


def _check_kind(kind: str) -> None:
    if kind not in rules.REVERSIBLE:
        raise Malformed(f"what was {kind} cannot be reversed; a credit, a spend or an adjustment can", field="what")


def _reverse(
    business: Business, writer: Reader, occasion: Occasion, customer_id: str, id_: str, points: int | None, reason: str
) -> tuple[PointsEntry, ...] | Refusal:
    mine = {"customer_id": customer_id}
    credit = writer.get(PointsEntry, customer_id, id_)
    if credit and credit.spend_id:  # what is stored counts: this is one entry of a spend
        id_, credit = credit.spend_id, None
    what = [credit] if credit else list(writer.find(PointsEntry, {**mine, "spend_id": id_}))
    if not what:
        raise NotFound("the customer has no such points entry")
    first = what[0]
    _check_kind(first.kind)
    program = business.known(Program, first.program, "program")
    told = telling(
        occasion, customer_id, first.program, "reverse", business.ids.new(), reverses=id_, reason=reason,
        terminal=first.terminal, point_of_sale=first.point_of_sale, sale_id=first.sale_id, rule=first.rule, offer=first.offer,
        reference=first.reference,
    )
    new_id, before = business.ids.new, list(writer.find(PointsEntry, {**mine, "reverses": id_}))
    if credit:
        return rules.reverse_credit(
            credit, points, told, new_id, own=list(writer.find(PointsEntry, {**mine, "lot_id": id_})), before=before,
            lots=open_lots(writer, [customer_id], first.program, occasion.now)[customer_id],
            debt=debt_of(writer, customer_id, first.program), policy=program.reversal,
        )
    return rules.reverse_spend(
        what, points, told, new_id, before=before, latest=_find_latest(writer, customer_id, {each.lot_id for each in what}),
        shortfalls=writer.find(PointsEntry, {**mine, "program": first.program, "kind": "reverse"}),
        until=_grace(business, program, occasion.now),
    )


def _find_latest(reader: Reader, customer_id: str, lots: Iterable[str]) -> Mapping[str, datetime]:
    latest: dict[str, datetime] = {}
    for entry in reader.find(PointsEntry, {"customer_id": customer_id, "lot_id": list(lots)}):
        latest[entry.lot_id] = max(entry.occurred_at, latest.get(entry.lot_id, entry.occurred_at))
    return latest


def _grace(business: Business, program: Program, now: datetime) -> datetime | None:
    return None if program.reversal_grace is None else move(now, Span.parse(program.reversal_grace), business.zone)


def transferring(business: Business, target: str, program: str, *, reason: str = "") -> Action:
    """Move all of a customer's open lots, and a debt, to a member of the program; access plays no part."""
    program = business.known(Program, program, "program").name
    checked(reason, field="reason")

    def book(writer: Writer, occasion: Occasion, turns: Sequence[Turn]) -> Booked:
        [turn] = turns
        if writer.get(Membership, target, program) is None:
            return Booked(refused={turn.customer_id: Refusal(Reason.NOT_A_MEMBER, details={"program": program})})
        lots = list(open_lots(writer, [turn.customer_id], program, occasion.now)[turn.customer_id])
        debt = debt_of(writer, turn.customer_id, program)
        told = telling(occasion, turn.customer_id, program, "transfer", business.ids.new(), reason=reason)
        there = latest_of(writer, target, program, [DEBT, *(lot.id for lot in lots)])
        return Booked(added=rules.transfer(lots, debt, told, target, business.ids.new, there=there))

    return Action(
        name="transfer_points",
        title=f"transfer_points {program}",
        arguments={"target": target, "program": program, "reason": reason},
        verdict=Verdict(),
        effects=lambda occasion: (Booking((PointsEntry,), book),),
    )
