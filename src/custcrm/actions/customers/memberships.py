"""Joining a program, and changing access and category in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import evolve, fields

from custcrm.actions import eligibility
from custcrm.actions.action import Action, Occasion
from custcrm.business import Business
from custcrm.filters.ir.nodes import Shown
from custcrm.filters.syntax.nodes import Field
from custcrm.records import Category, Membership, MembershipChange, Program
from custcrm.records.programs import NEW_CUSTOMERS, OFF, Access, Reversal
from custcrm.rules.contacting import check_channel
from custcrm.rules.tiers import keep_of, kept_until
from custcrm.storage.effects import Change, CustomerKey, Effect, Given, NewId, Of, Source, Template
from custcrm.storage.questions import Verdict
from custcrm.values.errors import Malformed, NotFound
from custcrm.values.identifiers import identifier
from custcrm.values.periods import span
from custcrm.values.shapes import one_of
from custcrm.values.spelling import nearest
from custcrm.values.texts import checked

TITLE: Final = 200
"""Characters of a program's title."""

STANDING: Final = ("access", "category", "kept_until")
"""What of a membership changes, and its history tells."""

REDEMPTION: Final = "redemption"
EVIDENCE: Final = (REDEMPTION, "app_identification", "portal_identification")
"""What confirms that a customer takes part."""


def access_of(text: Access | str) -> Access:
    """Read an access type; Malformed with the near ones otherwise."""
    return one_of(text, Access, field="access")


def settings(business: Business, told: Mapping[str, Any]) -> dict[str, Any]:
    """Read settings of a program; None is what a new program has."""
    for name in told:
        if name not in _SETTINGS:
            known = ", ".join(_SETTINGS)
            raise Malformed(f"a program has no setting {name!r}; there are {known}", field=name,
                            suggestions=nearest(name, list(_SETTINGS)))
    return {
        name: _STANDING[name] if value is None else _SETTINGS[name](business, value) for name, value in told.items()
    }


def _notifications(business: Business, channel: Any) -> str:
    return OFF if channel == OFF else check_channel(channel, business.channels, field="notifications")


_SETTINGS: Final[Mapping[str, Callable[[Business, Any], Any]]] = {
    "title": lambda business, text: checked(text, field="title", limit=TITLE),
    "default_access": lambda business, text: access_of(text),
    "notifications": _notifications,
    "reversal": lambda business, text: one_of(text, Reversal, field="reversal"),
    "reversal_grace": lambda business, length: str(span(length)),
}
_STANDING: Final[Mapping[str, Any]] = {each.name: each.default for each in fields(Program)}


def joining(business: Business, program: str, access: Access | str | None = None) -> Action:
    """Make a customer a member; access is the program's default unless said."""
    found = business.known(Program, program, "program")
    program = found.name
    given = found.default_access if access is None else access_of(access)
    may = Verdict(eligibility.may_join(business.schema, program))

    def effects(occasion: Occasion) -> tuple[Effect, ...]:
        member: dict[str, Source] = {
            "customer_id": CustomerKey(), "program": Given(program), "access": Given(given.value),
            "category": Given(NEW_CUSTOMERS), "joined_at": Given(occasion.done_at),
        }
        joined = noted(occasion, program, "joined", "", access=Given(given.value), category=Given(NEW_CUSTOMERS))
        # Who has joined between the freeze and a later batch stays as they are; the note stands first, as it asks the same.
        return (evolve(joined, verdict=may), Template(record=Membership, values=member, verdict=may))

    return Action(
        name="join",
        title=f"join {program}",
        arguments={"program": program, "access": None if access is None else given.value},
        verdict=may,
        about={"program": program},
        effects=effects,
        holds=True,
    )


def access_change(business: Business, program: str, access: Access | str, reason: str = "") -> Action:
    """Change what a member may do. Nothing is credited back."""
    program = business.known(Program, program, "program").name
    return _changing(business, program, "access", access_of(access).value, reason)


def category_change(business: Business, program: str, category: str, reason: str = "") -> Action:
    """Move a member to a category of the program; a tier that is kept is kept from then on, as one that was reached."""
    program = business.known(Program, program, "program").name
    with business.reading() as reader:
        known = list(reader.find(Category, {"program": program}))
    checked(reason, field="reason")
    category = identifier(category, field="category")
    names = [each.name for each in known]
    if category not in names:
        raise NotFound(f"program {program!r} has no category {category!r}", suggestions=nearest(category, names))
    return _changing(business, program, "category", category, reason, keep=keep_of(known, category))


def _changing(
    business: Business, program: str, field: str, value: str, reason: str, *, keep: str | None = None
) -> Action:
    """Give a member another access or category; the history keeps both as they are from now on."""
    checked(reason, field="reason")

    def effects(occasion: Occasion) -> tuple[Effect, ...]:
        now: dict[str, Source] = {each: Of(entry_of(business, program, each)) for each in STANDING}
        given: dict[str, Source] = {field: Given(value)}
        if field == "category":
            given["kept_until"] = Given(kept_until(keep, occasion.done_at, business.zone))
        return (
            noted(occasion, program, field, reason, **{**now, **given}),
            Change(record=Membership, match={"program": program}, values=given),
        )

    return Action(
        name=f"set_{field}",
        title=f"set_{field} {program} {value}",
        arguments={"program": program, field: value, "reason": reason},
        verdict=Verdict(eligibility.is_member(business.schema, program)),
        about={"program": program},
        effects=effects,
    )


def confirming(business: Business, program: str, occasion: Occasion) -> Change:
    """Keep that who redeems points takes part, unless something has confirmed it before."""
    return Change(
        record=Membership,
        match={"program": program},
        values={"confirmed_at": Given(occasion.done_at), "confirmed_by": Given(REDEMPTION)},
        verdict=Verdict(eligibility.not_confirmed(business.schema, program)),
    )


def entry_of(business: Business, program: str, field: str) -> Shown:
    """Return what a membership has now, as a value."""
    return business.shown(Field(("programs", program, field)))


def noted(
    occasion: Occasion, program: str, change: str, reason: str, *, access: Source, category: Source,
    kept_until: Source = Given(None),  # noqa: B008 (frozen)
) -> Template:
    """Keep the membership as it is from now on in its history."""
    return Template(
        record=MembershipChange,
        values={
            "customer_id": CustomerKey(), "id": NewId(0), "program": Given(program), "change": Given(change),
            "access": access, "category": category, "kept_until": kept_until, "occurred_at": Given(occasion.done_at),
            "actor": Given(occasion.actor), "reason": Given(reason), "applied_id": Given(occasion.applied_id),
        },
    )
