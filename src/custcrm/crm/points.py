"""`crm.points`: crediting points to one customer, and what there is."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from custcrm.actions import eligibility, single
from custcrm.actions.points import crediting
from custcrm.business import Business, customer_id
from custcrm.filters.syntax import Field
from custcrm.records import PointsEntry, Program
from custcrm.selection import CustomerRef
from custcrm.storage.deeds import Question
from custcrm.storage.rows import facts
from custcrm.values.errors import NotFound, Reason, Refusal


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
    ) -> PointsEntry:
        """Credit one lot and return its entry; once, where a key is given (a receipt's number, a job's id).

        `expires`: a span from now ("30 days"), a last good day, or the first instant that is too late. Refused with reasons
        not_a_member, blacklisted, no_access, not_eligible.
        """
        business = self._business
        performed = single.perform(
            business,
            lambda: crediting(
                business, program, points, expires=expires, terminal=terminal, text=text, notify=notify
            ),
            customer_id(customer), key=key,
        )
        return performed.of(PointsEntry)

    def balance(self, customer: CustomerRef, program: str, *, as_of: Any = None) -> int:
        """Return the points of all lots that are not expired, now or at an earlier or later time."""
        return self._asked(customer, program, "points", as_of)

    def available(self, customer: CustomerRef, program: str, *, as_of: Any = None) -> int:
        """Return the points that can be spent now: the balance with full access, else 0."""
        return self._asked(customer, program, "available", as_of)

    def _asked(self, customer: CustomerRef, program: str, what: str, as_of: Any) -> int:
        business = self._business
        business.known(Program, program, "program")
        at = business.asked_at(as_of)
        entry = business.shown(Field(("programs", program, what)))
        [(_, member), *_] = eligibility.member(business.schema, program)
        with business.reading() as reader:
            row = facts(reader, customer_id(customer), Question(member, at or business.now(), at is not None))
            if row is None:
                raise NotFound("no customer has this id")
            value = row.value(entry)
        if value is None:
            raise Refusal(Reason.NOT_A_MEMBER, details={"program": program})
        return int(value)
