"""`crm.programs`, `crm.points_of_sale`, `crm.terminals`: where loyalty happens, and who takes part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from attrs import evolve, frozen

from custcrm.actions import single
from custcrm.actions.action import Action
from custcrm.actions.customers import memberships
from custcrm.actions.customers.memberships import access_change, access_of, category_change, joining
from custcrm.actions.customers.standing import TierStanding, standing
from custcrm.actions.keys import Request, once
from custcrm.business import Business, CustomerRef, customer_id, hold_customer
from custcrm.records import (
    Category,
    Customer,
    Membership,
    MembershipChange,
    PointOfSale,
    Program,
    Terminal,
)
from custcrm.records.programs import NEW_CUSTOMERS, OFF, Access, Reversal
from custcrm.storage.protocol import Writer
from custcrm.values.errors import Conflict, Malformed, NotFound, Reason, Refusal, Taken
from custcrm.values.identifiers import identifier, key_name
from custcrm.values.periods import SpanLike
from custcrm.values.shapes import one_of, several

Named = TypeVar("Named", Program, PointOfSale, Terminal)

@frozen
class Programs:
    """Loyalty programs, named by a key that never changes."""

    _business: Business

    def add(
        self,
        name: str,
        *,
        title: str = "",
        default_access: Access | str = Access.FULL,
        categories: Sequence[str] = (),
        notifications: str = OFF,
        reversal: Reversal | str = Reversal.DEBT,
        reversal_grace: SpanLike | None = None,
        key: str | None = None,
    ) -> Program:
        """Add a program; its first category is always "New Customers". `notifications` is the channel of transactions.

        `reversal` says what becomes of points that are taken back and spent already: debt, floor or refuse. Points that come
        back from a reversed spend live at least `reversal_grace`. With a `key` it is done once.
        """
        business = self._business
        now = business.now()
        given = {
            "title": title, "default_access": default_access, "notifications": notifications, "reversal": reversal,
            "reversal_grace": reversal_grace,
        }
        program = Program(name=key_name(name, "program"), created_at=now, **memberships.settings(business, given))
        asked = several(categories, field="categories")
        names = dict.fromkeys([NEW_CUSTOMERS, *(key_name(each, "category", field="categories") for each in asked)])
        request = Request(action="add_program", arguments={**given, "name": name, "categories": list(names)}, key=key)
        added = _add(
            business, request, program, *(Category(program=program.name, name=each, created_at=now) for each in names)
        )
        business.words.forget()
        return added

    def update(self, program: str, *, key: str | None = None, **changes: Any) -> Program:
        """Change settings of a program and return it: absent means leave, None means as a new program has it.

        What can change: title, default_access, notifications, reversal, reversal_grace. With a `key` it is done once.
        """
        business = self._business
        told = memberships.settings(business, changes)
        program = business.known(Program, program, "program").name

        def update(writer: Writer) -> Sequence[Program]:
            held = writer.hold(Program, program)
            assert held is not None, "a program is never removed"
            changed = evolve(held, **told)
            writer.replace(changed)
            return [changed]

        request = Request(action="update_program", arguments=changes, about={"program": program}, key=key)
        [updated] = once(business, request, update)
        return updated

    def list(self) -> Sequence[Program]:
        """Return all programs."""
        with self._business.reading() as reader:
            return tuple(reader.find(Program))

    def join(
        self, customer: CustomerRef, program: str, *, access: Access | str | None = None, key: str | None = None
    ) -> Membership:
        """Make the customer a member; who is one already stays as they are (with another access asked for: Refusal).

        Once, where a key is given.
        """

        def unless_member(refusal: Refusal) -> bool:
            if refusal.reason is not Reason.ALREADY_A_MEMBER:
                return False
            return access in (None, self.membership(customer, program).access)

        told = {"program": program, "access": None if access is None else access_of(access).value}
        return self._perform(
            Request(action="join", arguments=told, about={"customer": customer_id(customer)}, key=key),
            lambda: joining(self._business, program, access), customer, program, unless_member,
        )

    def membership(self, customer: CustomerRef, program: str, *, as_of: Any = None) -> Membership:
        """Return the membership as it is, or as it was at an earlier time; Refusal `not_a_member` when there is none."""
        business = self._business
        at, id_ = business.asked_at(as_of), customer_id(customer)
        program = identifier(program, field="program")
        with business.reading() as reader:
            found = reader.get(Membership, id_, program)
            if found is not None and at is not None:
                changes = reader.find(MembershipChange, {"customer_id": id_, "program": program})
                then = max((each for each in changes if each.occurred_at <= at), default=None,
                           key=lambda each: (each.occurred_at, each.id))
                found = None if then is None else evolve(
                    found, access=then.access, category=then.category, kept_until=then.kept_until
                )
            if found is None and reader.get(Customer, id_) is None:
                raise NotFound("no customer has this id")
        if found is None:
            program = business.known(Program, program, "program").name
            raise Refusal(Reason.NOT_A_MEMBER, details={"program": program})
        return found

    def tier(self, customer: CustomerRef, program: str | None = None, *, as_of: Any = None) -> TierStanding:
        """Return the member's category: since when, until when it is kept, and what is missing to stay and to rise.

        Of the program given, else the one acted in, else the only one there is. What is missing is told as things stand;
        nobody moves before `reclassify`. Refusal `not_a_member` where they are none.
        """
        business = self._business
        program = business.program if program is None else program
        if program is None:
            names = [each.name for each in self.list()]
            if len(names) != 1:
                raise Malformed("say which program is meant; there is more than one, or none", field="program")
            [program] = names
        return standing(business, self.membership(customer, program, as_of=as_of), business.asked_at(as_of))

    def history(self, customer: CustomerRef, program: str) -> Sequence[MembershipChange]:
        """Return how the membership came to be as it is, oldest first: what changed, when, by whom and why."""
        business = self._business
        where = {"customer_id": business.existing(customer).id, "program": business.known(Program, program, "program").name}
        with business.reading() as reader:
            return tuple(reader.find(MembershipChange, where, order=("occurred_at",)))

    def set_access(
        self, customer: CustomerRef, program: str, access: Access | str, *, reason: str = "", key: str | None = None
    ) -> Membership:
        """Change what the member may do; what was earned before can be used once access is full, nothing is credited back.

        Once, where a key is given.
        """
        told = {"program": program, "access": access, "reason": reason}
        return self._perform(
            Request(action="set_access", arguments=told, about={"customer": customer_id(customer)}, key=key),
            lambda: access_change(self._business, program, access, reason), customer, program,
        )

    def set_category(
        self, customer: CustomerRef, program: str, category: str, *, reason: str = "", key: str | None = None
    ) -> Membership:
        """Move the member to a category of the program; once, where a key is given."""
        told = {"program": program, "category": category, "reason": reason}
        return self._perform(
            Request(action="set_category", arguments=told, about={"customer": customer_id(customer)}, key=key),
            lambda: category_change(self._business, program, category, reason), customer, program,
        )

    def confirm_participation(
        self, customer: CustomerRef, program: str, *, evidence: str, key: str | None = None
    ) -> Membership:
        """Keep that the member confirmed taking part, and by what: redemption, app_identification, portal_identification.

        Points that are redeemed (`crm.points.spend`) confirm it by themselves, where nothing has before. Once, where a key is
        given.
        """
        one_of(evidence, memberships.EVIDENCE, field="evidence")
        program = identifier(program, field="program")
        business, id_ = self._business, customer_id(customer)

        def confirm(writer: Writer) -> Sequence[Membership]:
            hold_customer(writer, id_)  # first: who changes the membership otherwise holds the customer, and no more
            found = writer.get(Membership, id_, program)
            if found is None:
                raise Refusal(Reason.NOT_A_MEMBER, details={"program": program})
            confirmed = evolve(found, confirmed_at=business.now(), confirmed_by=evidence)
            writer.replace(confirmed)
            return [confirmed]

        told = {"program": program, "evidence": evidence}
        request = Request(action="confirm_participation", arguments=told, about={"customer": id_}, key=key)
        [confirmed] = once(business, request, confirm)
        return confirmed

    def _perform(
        self, request: Request, action: Callable[[], Action], customer: CustomerRef, program: str,
        unless: Callable[[Refusal], bool] = lambda refusal: False,
    ) -> Membership:
        """Do the action and return the membership as it is then; `unless` says which refusal is none."""
        id_ = customer_id(customer)

        def change(writer: Writer) -> Sequence[Membership]:
            try:
                single.perform(self._business, action, id_)
            except Refusal as refusal:
                if not unless(refusal):
                    raise
            found = writer.get(Membership, id_, identifier(program, field="program"))
            assert found is not None, "the action refuses who is no member"
            return [found]

        [membership] = once(self._business, request, change)
        return membership


@frozen
class PointsOfSale:
    """Shops, sites, tasting rooms: where sales are made."""

    _business: Business

    def add(self, name: str, *, program: str | None = None, key: str | None = None) -> PointOfSale:
        """Add a point of sale, of a program if given; once, where a key is given."""
        business = self._business
        if program is not None:
            program = business.known(Program, program, "program").name
        place = PointOfSale(name=key_name(name, "point of sale"), program=program, created_at=business.now())
        return _add(business, Request(action="add_point_of_sale", arguments={"name": name, "program": program}, key=key), place)

    def list(self) -> Sequence[PointOfSale]:
        """Return all points of sale."""
        with self._business.reading() as reader:
            return tuple(reader.find(PointOfSale))


@frozen
class Terminals:
    """Tills and devices: each stands at one point of sale."""

    _business: Business

    def add(self, name: str, *, point_of_sale: str, key: str | None = None) -> Terminal:
        """Add a terminal; once, where a key is given."""
        business = self._business
        point_of_sale = business.known(PointOfSale, point_of_sale, "point of sale").name
        terminal = Terminal(name=key_name(name, "terminal"), point_of_sale=point_of_sale, created_at=business.now())
        told = {"name": name, "point_of_sale": point_of_sale}
        return _add(business, Request(action="add_terminal", arguments=told, key=key), terminal)

    def list(self) -> Sequence[Terminal]:
        """Return all terminals."""
        with self._business.reading() as reader:
            return tuple(reader.find(Terminal))


def _add(business: Business, request: Request, named: Named, *more: Category) -> Named:
    def add(writer: Writer) -> Sequence[Named]:
        try:
            writer.add([named, *more])
        except Taken:
            raise Conflict(f"there is a {type(named).__name__} named {named.name!r} already") from None
        return [named]

    [added] = once(business, request, add)
    return added
