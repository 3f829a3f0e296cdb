"""Who is meant by a name, an address or a number. The names to know are `condition_of` and `callers`.

An email and a phone number are looked for in the customers' own fields and among their further ones alike: the number in any
spelling, the email letter by letter, or by `any` without case and by a part of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from custcrm.actions.numbers import further_numbers, own_numbers, owners_of_number
from custcrm.business import Business
from custcrm.filters.syntax import nodes as s
from custcrm.records import ContactPoint
from custcrm.storage.protocol import Reader
from custcrm.values.errors import Malformed
from custcrm.values.identifiers import identifier
from custcrm.values.phones import lookup_key, lookup_keys
from custcrm.values.texts import LONGEST, checked, fold_case

MATCHES: Final = {"prefix": "starts_with", "contains": "contains", "exact": "="}
NAMES: Final = ("first_name", "last_name", "company_name")
FEW: Final = 1_000
"""Further emails whose owners a condition lists; where more are found it looks at those of every customer."""


def condition_of(business: Business, wanted: Mapping[str, str], match: str) -> s.Condition:
    """Return the condition that all the criteria hold of a customer: names, email, phone, card_number, any."""
    if checked(match, field="match") not in MATCHES:
        raise Malformed("match is prefix, contains or exact", field="match", suggestions=tuple(MATCHES))
    if not wanted:
        raise Malformed("say what to search for, e.g. last_name='Virtanen'; crm.select() gives everyone")
    return s.conjunction([_criterion(business, name, text, match) for name, text in wanted.items()])


def callers(business: Business, reader: Reader, phone: str) -> Collection[str]:
    """Return the ids of all whose number this is, in any spelling."""
    return owners_of_number(reader, _wanted(phone, "phone"), business.country)


def _criterion(business: Business, name: str, text: str, match: str) -> s.Condition:
    match name:
        case "phone":
            return s.disjunction(_numbers(business, _wanted(text, "phone")))
        case "email":
            return _email(business, text)
        case "any":
            return _anywhere(business, text, match)
        case "card_number":
            return _equals(name, text)
        case _:
            return _match_name(name, text, match)


def _numbers(business: Business, wanted: str) -> list[s.Condition]:
    """Return conditions, one of which holds of those whose number this is; none where it is no number."""
    number, abroad = lookup_key(wanted, business.country), lookup_keys(wanted)
    if number is None and not abroad:
        return []
    with business.reading() as reader:
        own, further = own_numbers(reader, abroad), further_numbers(reader, number, abroad)
    parts = [] if number is None else [_equals("phone", number)]
    parts += [s.conjunction([_equals("phone", key), _equals("country", at)]) for at, key in sorted(set(own.values()))]
    return [*parts, *_is_one_of(further)]


def _email(business: Business, text: str) -> s.Condition:
    with business.reading() as reader:
        found = reader.find(ContactPoint, {"kind": "email", "value": _wanted(text, "email")})
        further = {each.customer_id for each in found}
    return s.disjunction([_equals("email", text), *_is_one_of(further)])


def _anywhere(business: Business, text: str, match: str) -> s.Condition:
    text = _wanted(text, "any")
    own = [*(_match_name(name, text, match) for name in (*NAMES, "email")), _equals("card_number", text)]
    return s.disjunction([*own, *_further_emails(business, text, match), *_numbers(business, text)])


# further addresses: asked before, by an index; a condition would look at those of every customer -----------------------


def _further_emails(business: Business, text: str, match: str) -> list[s.Condition]:
    """Return the condition that a further email, without case, begins with, contains or equals the text."""
    wanted = {"value_folded": fold_case(text)}
    if match != "contains":
        where, beginning = (wanted, None) if match == "exact" else (None, wanted)
        with business.reading() as reader:
            found = list(reader.find(ContactPoint, where, beginning=beginning, order=("value_folded",), limit=FEW + 1))
        if len(found) <= FEW:
            return _is_one_of({each.customer_id for each in found if each.kind == "email"})
    is_email = s.Compare("=", s.Field(("kind",)), s.Literal("email"))
    return [s.Aggregate("exists", ("contact_points",), s.conjunction([is_email, _match_name("value", text, match)]))]


# conditions --------------------------------------------------------------------------------------


def _is_one_of(ids: Collection[str]) -> list[s.Condition]:
    return [s.In(s.Field(("id",)), tuple(map(s.Literal, sorted(ids))))] if ids else []


def _wanted(text: str, name: str) -> str:
    """Return what is searched for, trimmed; a blank would be everybody, and is Malformed."""
    return identifier(text, field=name, limit=LONGEST)


def _equals(name: str, text: str) -> s.Condition:
    return s.Compare("=", s.Field((name,)), s.Literal(_wanted(text, name)))


def _match_name(name: str, text: str, match: str) -> s.Condition:
    """Return the condition that a name, without case, begins with, contains or equals the text."""
    value = s.folded(s.Field((name,)), case=True)
    wanted = s.Literal(fold_case(_wanted(text, name)))
    if match == "exact":
        return s.Compare("=", value, wanted)
    return s.TextTest(MATCHES[match], value, wanted)  # type: ignore[arg-type]
