"""Joining a program, and changing access and category in it."""

from __future__ import annotations

from custcrm.actions import eligibility
from custcrm.actions.deed import Deed, Moment
from custcrm.business import Business
from custcrm.filters.lowered import Shown
from custcrm.filters.syntax import Field
from custcrm.records import Category, Membership, MembershipChange, Program
from custcrm.records.programs import NEW_CUSTOMERS, Access
from custcrm.storage.deeds import Change, CustomerKey, Effect, Given, NewId, Of, Source, Template, Verdict
from custcrm.values.errors import Malformed, NotFound
from custcrm.values.spelling import nearest
from custcrm.values.texts import checked


def access_of(text: Access | str) -> Access:
    """Read an access type; Malformed with the near ones otherwise."""
    try:
        return Access(text)
    except ValueError:
        known = [access.value for access in Access]
        message = f"access is one of {', '.join(known)}"
        raise Malformed(message, field="access", suggestions=nearest(str(text), known)) from None


def joining(business: Business, program: str, access: Access | str | None = None) -> Deed:
    """Make a customer a member; access is the program's default unless said (FEATURES C28)."""
    found = business.known(Program, program, "program")
    given = found.default_access if access is None else access_of(access)

    def effects(moment: Moment) -> tuple[Effect, ...]:
        member: dict[str, Source] = {
            "customer_id": CustomerKey(), "program": Given(program), "access": Given(given.value),
            "category": Given(NEW_CUSTOMERS), "joined_at": Given(moment.now),
        }
        return (
            Template(record=Membership, values=member),
            _noted(moment, program, "joined", "", access=Given(given.value), category=Given(NEW_CUSTOMERS)),
        )

    return Deed(
        action="join",
        title=f"join {program}",
        arguments={"program": program, "access": access and str(access)},
        verdict=Verdict(eligibility.may_join(business.schema, program)),
        effects=effects,
    )


def access_change(business: Business, program: str, access: Access | str, reason: str = "") -> Deed:
    """Change what a member may do (FEATURES C29–C34). Nothing is credited back."""
    business.known(Program, program, "program")
    given = access_of(access)
    checked(reason, field="reason")

    def effects(moment: Moment) -> tuple[Effect, ...]:
        category = Of(_entry(business, program, "category"))
        return (
            _noted(moment, program, "access", reason, access=Given(given.value), category=category),
            Change(record=Membership, match={"program": program}, values={"access": Given(given.value)}),
        )

    return Deed(
        action="set_access",
        title=f"set_access {program} {given.value}",
        arguments={"program": program, "access": given.value, "reason": reason},
        verdict=Verdict(eligibility.member(business.schema, program)[:1]),
        effects=effects,
    )


def category_change(business: Business, program: str, category: str, reason: str = "") -> Deed:
    """Move a member to a category of the program (FEATURES C27)."""
    business.known(Program, program, "program")
    with business.reading() as reader:
        known = [each.name for each in reader.find(Category, {"program": program})]
    checked(reason, field="reason")
    checked(category, field="category")
    if category not in known:
        raise NotFound(f"program {program!r} has no category {category!r}", suggestions=nearest(category, known))

    def effects(moment: Moment) -> tuple[Effect, ...]:
        access = Of(_entry(business, program, "access"))
        return (
            _noted(moment, program, "category", reason, access=access, category=Given(category)),
            Change(record=Membership, match={"program": program}, values={"category": Given(category)}),
        )

    return Deed(
        action="set_category",
        title=f"set_category {program} {category}",
        arguments={"program": program, "category": category, "reason": reason},
        verdict=Verdict(eligibility.member(business.schema, program)[:1]),
        effects=effects,
    )


def _entry(business: Business, program: str, field: str) -> Shown:
    return business.shown(Field(("programs", program, field)))


def _noted(moment: Moment, program: str, change: str, reason: str, *, access: Source, category: Source) -> Template:
    """Keep the membership as it is from now on in its history; stands before a change, so it can copy the rest."""
    return Template(
        record=MembershipChange,
        values={
            "customer_id": CustomerKey(), "id": NewId(0), "program": Given(program), "change": Given(change),
            "access": access, "category": category, "occurred_at": Given(moment.now), "actor": Given(moment.actor),
            "reason": Given(reason), "applied_id": Given(moment.applied_id),
        },
    )
