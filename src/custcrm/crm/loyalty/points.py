"""`crm.points`: what customers earn and spend, what there is, and the proof of it."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from custcrm.actions import single
from custcrm.actions.keys import claim_key
from custcrm.actions.points.expiring import write_expiries_down
from custcrm.actions.points.lots import open_lots
from custcrm.actions.points.points import adjusting, crediting, spending
from custcrm.actions.points.reversing import Reversible, reversing, transferring
from custcrm.actions.progress import Progress, show_progress
from custcrm.business import Business, CustomerRef, customer_id, hold_customer
from custcrm.filters.syntax.nodes import Field
from custcrm.records import CouponSeries, Customer, Membership, PointsEntry, Program, Sale
from custcrm.rules import points_history as rules
from custcrm.rules.points import PointsSpend, movement
from custcrm.rules.points_history import Expiring, PointsLine, Proof
from custcrm.storage.protocol import Reader, Writer
from custcrm.storage.questions import Question
from custcrm.values.errors import Malformed, NotFound, Reason, Refusal
from custcrm.values.periods import SpanLike, move, span


@frozen
class Points:
    """Points of one customer in one program: whole numbers in immutable entries; no balance needs a job."""

    _business: Business

    def credit(
        self,
        customer: CustomerRef,
        program: str,
        points: int,
        *,
        expires: Any = None,
        terminal: str | None = None,
        text: str = "",
        notify: bool = True,
        key: str | None = None,
        reference: str | None = None,
        valid_from: Any = None,
    ) -> PointsEntry:
        """Credit one lot and return its entry; once, where a key is given (a receipt's number, a job's id).

        `valid_from`: a span from now ("14 days"), a first good day, or an instant; until then the points are pending: in the
        balance, and not to be spent. `expires`: a span from when they are valid ("30 days"), a last good day, or the first
        instant that is too late. Refused with reasons not_a_member, blacklisted, no_access, not_eligible.
        """
        business = self._business
        performed = single.perform(
            business,
            lambda: crediting(
                business, program, points, expires=expires, terminal=terminal, text=text, notify=notify, reference=reference,
                valid_from=valid_from,
            ),
            customer_id(customer), key=key,
        )
        return performed.of(PointsEntry)

    def spend(
        self,
        customer: CustomerRef,
        program: str,
        points: int,
        *,
        terminal: str | None = None,
        offer: str | None = None,
        reference: str | None = None,
        key: str | None = None,
    ) -> PointsSpend:
        """Spend points: of the lots that expire soonest first, then of the oldest; the result names them.

        `offer` is the coupon series they are spent for. Refused with reasons not_a_member, blacklisted, no_access,
        limited_access, not_eligible; and not_enough_points, with how many there are.
        """
        business = self._business
        performed = single.perform(
            business, lambda: spending(business, program, points, terminal=terminal, offer=offer, reference=reference),
            customer_id(customer), key=key,
        )
        return _movement(performed, customer_id(customer))

    def adjust(
        self,
        customer: CustomerRef,
        program: str,
        points: int,
        *,
        reason: str,
        expires: Any = None,
        key: str | None = None,
    ) -> PointsEntry | PointsSpend:
        """Add points by hand, or take some away (less than 0); who did it and why is kept.

        Up gives the entry of a new lot, and is refused as a credit is. Down gives what it took from which lots, as a spend
        does; it is refused for who is no member or blacklisted, and beyond the balance.
        """
        performed = single.perform(
            self._business, lambda: adjusting(self._business, program, points, reason=reason, expires=expires),
            customer_id(customer), key=key,
        )
        return performed.of(PointsEntry) if points > 0 else _movement(performed, customer_id(customer))

    def reverse(
        self, what: Reversible, *, points: int | None = None, reason: str = "", key: str | None = None
    ) -> PointsSpend:
        """Take back a credit, or return what was spent; all that is left of it, or so many points. Whatever the access.

        What is spent already of a credit is owed, recorded as a shortfall or refused, as the program's `reversal` says. Points
        of a spend go back to their lots with their expiry, or live for the program's `reversal_grace`. Refused with
        already_reversed when less is left than is asked for.
        """
        action = reversing(self._business, what, points, reason)
        performed = single.perform(self._business, lambda: action, what.customer_id, key=key)
        return _movement(performed, what.customer_id)

    def transfer(
        self, source: CustomerRef, target: CustomerRef, program: str, *, reason: str = "", key: str | None = None
    ) -> PointsSpend | None:
        """Move all open lots, with their age and expiry, and what is owed, to another member; None when there is nothing."""
        giver, taker = customer_id(source), customer_id(target)
        if giver == taker:
            raise Malformed("points move from one customer to another, not to the same", field="target")
        business = self._business

        def move(writer: Writer) -> single.Performed:
            if key is not None:
                claim_key(writer, key)
            for each in sorted((giver, taker)):
                hold_customer(writer, each)
            return single.perform(business, lambda: transferring(business, taker, program, reason=reason), giver, key=key)

        performed = business.transact(move)
        return _movement(performed, giver) if performed.records else None

    def expire(self, program: str | None = None, *, progress: Progress = False, key: str | None = None) -> int:
        """Write down what has expired by now, and return how many lots that are; again does nothing more. Once, under a key.

        No balance and no history changes: time alone decides. It is for who reads the entries elsewhere.
        """
        return write_expiries_down(self._business, program, show_progress(progress), key=key)

    # asking -------------------------------------------------------------------------------------

    def balance(self, customer: CustomerRef, program: str, *, as_of: Any = None) -> int:
        """Return the points of all lots that are not expired, now or at an earlier or later time; less than 0: owed."""
        return self._read_value(customer, program, "points", as_of)

    def available(self, customer: CustomerRef, program: str, *, as_of: Any = None) -> int:
        """Return the points that can be spent now: of who may spend the balance less what is pending; never less than 0.

        To spend takes full access and the mark `loyalty_eligible`; who lacks one has 0.
        """
        return self._read_value(customer, program, "available", as_of)

    def pending(self, customer: CustomerRef, program: str, *, as_of: Any = None) -> int:
        """Return the points that are in the balance and cannot be spent yet: their `valid_from` is still to come."""
        return self._read_value(customer, program, "pending", as_of)

    def expiring(
        self, customer: CustomerRef, program: str, *, within: SpanLike = "30 days", as_of: Any = None
    ) -> tuple[Expiring, ...]:
        """Return which points expire within a span unless they are spent before, soonest first."""
        business, id_ = self._business, customer_id(customer)
        at = business.asked_at(as_of)
        now = at or business.now()
        until = move(now, span(within), business.zone)
        with business.reading() as reader:
            program = self._check_member(reader, id_, program)
            lots = open_lots(reader, [id_], program, now)[id_]
            if at is not None:
                lots = rules.lots_at(_entries(reader, id_, program), at)
            return rules.expiring(lots, now, until)

    def history(self, customer: CustomerRef, program: str, *, as_of: Any = None) -> list[PointsLine]:
        """Return what happened to the points, one line for each action, oldest first; the deltas sum up to the balance.

        What has expired by then has a line, whether it was written down or not.
        """
        business, id_ = self._business, customer_id(customer)
        at = business.asked_at(as_of) or business.now()
        with business.reading() as reader:
            program = self._check_member(reader, id_, program)
            entries = _entries(reader, id_, program)
            offers = {each.offer for each in entries if each.offer}
            sales = {each.sale_id for each in entries if each.sale_id}
            return rules.history(
                entries, at,
                titles={each.name: each.title or each.name for each in reader.find(CouponSeries, {"name": offers})},
                sources={each.id: each.source for each in reader.find(Sale, {"customer_id": id_, "id": sales})},
            )

    def prove(self, customer: CustomerRef, program: str, *, as_of: Any = None) -> Proof:
        """Return the proof of the balance: what each lot brought, each entry that touched it, and what is left of it."""
        business, id_ = self._business, customer_id(customer)
        at = business.asked_at(as_of) or business.now()
        with business.reading() as reader:
            program = self._check_member(reader, id_, program)
            return rules.prove(id_, program, _entries(reader, id_, program), at)

    # inside -------------------------------------------------------------------------------------

    def _read_value(self, customer: CustomerRef, program: str, what: str, as_of: Any) -> int:
        business, id_ = self._business, customer_id(customer)
        program = business.known(Program, program, "program").name
        at = business.asked_at(as_of)
        wanted = business.shown(Field(("programs", program, what)))
        with business.reading() as reader:
            question = Question(business.everyone(), at or business.now(), at is not None)
            row = next(iter(reader.rows(question, [wanted], only=id_)), None)
        if row is None:
            raise NotFound("no customer has this id")
        if row[1] is None:
            raise Refusal(Reason.NOT_A_MEMBER, details={"program": program})
        return int(row[1])

    def _check_member(self, reader: Reader, id_: str, program: str) -> str:
        """Return the name of the program that the customer is a member of; Refusal where it is none of theirs."""
        program = self._business.known(Program, program, "program").name
        if reader.get(Membership, id_, program) is None:
            if reader.get(Customer, id_) is None:
                raise NotFound("no customer has this id")
            raise Refusal(Reason.NOT_A_MEMBER, details={"program": program})
        return program


def _movement(performed: single.Performed, mine: str) -> PointsSpend:
    """Return what an action moved of this customer's lots, now or when its key was first used."""
    return movement(
        each for each in performed.records
        if isinstance(each, PointsEntry) and each.spend_id is not None and each.customer_id == mine
    )


def _entries(reader: Reader, id_: str, program: str) -> list[PointsEntry]:
    return list(reader.find(PointsEntry, {"customer_id": id_, "program": program}))
