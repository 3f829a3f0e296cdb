"""Customers as they are known: their addresses, tags, consents and memberships."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Final

from custcrm.records import (
    Consent,
    ContactPoint,
    Customer,
    Membership,
    MembershipChange,
    TagAssignment,
)
from custcrm.values.errors import CrmError
from custcrm.values.places import country, locale, zone
from custcrm.values.texts import trimmed
from custcrm.verifying.dossiers import Dossier, grouped
from custcrm.verifying.ground import Ground
from custcrm.verifying.report import Findings, ids_of, shared_ids

_EMAIL: Final = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+|\".*\"@[^\s@]+\.[^\s@]+")
"""What the validator lets through has at least this shape."""
_PHONE: Final = re.compile(r"\+[1-9][0-9]{3,14}")
"""E.164: a plus, and at most fifteen digits."""

_PLACES: Final[Mapping[str, Callable[[str], object]]] = {"country": country, "locale": locale, "time_zone": zone}


@lru_cache(1_000)
def _is_read(read: Callable[[str], object], value: str) -> bool:
    try:
        read(value)
    except CrmError:
        return False
    return True


def check_people(dossier: Dossier, ground: Ground, found: Findings) -> None:
    """Look at one customer."""
    if dossier.customer is None and dossier.id not in ground.illegible:
        for record in dict.fromkeys(map(type, dossier)):
            facts = [each for each in dossier if type(each) is record]
            found.add("references", record, shared_ids(dossier.id, facts), f"{len(facts)} name a customer who is not there")
    if dossier.customer is not None:
        found.look("references")
        _check_customer(dossier.customer, found)
    _check_contacts(dossier, found)
    _check_tags(dossier, found)
    _check_consents(dossier, found)
    _check_memberships(dossier, ground, found)


def _check_customer(customer: Customer, found: Findings) -> None:
    found.look("contacts")
    _check_shape("email", customer, customer.email, found)
    _check_shape("phone", customer, customer.phone, found)
    for name, read in _PLACES.items():
        value = getattr(customer, name)
        if value is not None and not _is_read(read, value):
            found.add("contacts", Customer, ids_of(customer), f"the {name} is none that there is")


def _check_contacts(dossier: Dossier, found: Findings) -> None:
    for point in dossier.of(ContactPoint):
        found.look("contacts")
        _check_shape(point.kind, point, point.value, found)


def _check_shape(kind: str, record: object, value: str | None, found: Findings) -> None:
    shape = {"email": _EMAIL, "phone": _PHONE}.get(kind)
    if value is None or (shape is not None and shape.fullmatch(value) and value == trimmed(value)):
        return
    wanted = {"email": "no email address", "phone": "no number in E.164"}.get(kind, "neither an email nor a phone")
    found.add("contacts", type(record), ids_of(record), f"the {kind} is {wanted}")


def _check_tags(dossier: Dossier, found: Findings) -> None:
    for key, tags in grouped(dossier.of(TagAssignment), "key").items():
        found.look("tags")
        open_ = [tag for tag in tags if tag.until is None]
        if len(open_) > 1:
            found.add("tags", TagAssignment, shared_ids(dossier.id, open_), f"{len(open_)} are open for the key {key!r}")
        else:
            _check_intervals(dossier.id, key, tags, found)


def _check_intervals(owner: str, key: str, tags: Iterable[TagAssignment], found: Findings) -> None:
    """Find two that hold at one instant. One that ends before it begins never held: it was set by a clock ahead of another."""
    held = sorted((tag for tag in tags if tag.until is None or tag.since < tag.until), key=lambda tag: (tag.since, tag.id))
    for number, after in enumerate(held[1:], 1):
        before = held[number - 1]
        if before.until is None or after.since < before.until:
            both = shared_ids(owner, (before, after))
            found.add("tags", TagAssignment, both, f"two hold at {after.since.isoformat()} for the key {key!r}")


def _check_consents(dossier: Dossier, found: Findings) -> None:
    answers = sorted(dossier.of(Consent), key=lambda each: (each.channel, each.purpose))
    for (channel, purpose), said in groupby(answers, key=lambda each: (each.channel, each.purpose)):
        found.look("consents")
        open_ = [each for each in said if each.until is None]
        if len(open_) > 1:
            text = f"{len(open_)} answers are open for {purpose} by {channel}"
            found.add("consents", Consent, shared_ids(dossier.id, open_), text)


def _check_memberships(dossier: Dossier, ground: Ground, found: Findings) -> None:
    changes = grouped(dossier.of(MembershipChange), "program")
    memberships = {each.program: each for each in dossier.of(Membership)}
    for program, membership in memberships.items():
        found.look("memberships")
        ids = (dossier.id, program)
        if (program, membership.category) not in ground.categories:
            found.add("memberships", Membership, ids, f"the program has no category {membership.category!r}")
        if program not in changes:
            found.add("memberships", Membership, ids, "no change tells how it came to be")
        elif not _is_last(membership, changes[program]):
            stands = f"{membership.access.value}, {membership.category}"
            found.add("memberships", Membership, ids, f"it stands as {stands}; its last change says otherwise")
    for each in dossier.of(MembershipChange):
        if (each.program, each.category) not in ground.categories:
            found.add("memberships", MembershipChange, ids_of(each), f"the program has no category {each.category!r}")
    for program in changes.keys() - memberships.keys():
        found.add("memberships", MembershipChange, shared_ids(dossier.id, changes[program]), "there is no such membership")


def _is_last(membership: Membership, changes: Sequence[MembershipChange]) -> bool:
    """Tell whether it stands as its last change: by time, or by id where a clock was set back between two of them."""
    lasts = (max(changes, key=lambda each: (each.occurred_at, each.id)), max(changes, key=lambda each: each.id))
    stands = (membership.access, membership.category, membership.kept_until)
    return any(stands == (last.access, last.category, last.kept_until) for last in lasts)
