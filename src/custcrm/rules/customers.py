"""Making and changing customers: what each field accepts, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from attrs import evolve

from custcrm.records import Activity, Attribute, ContactPoint, Customer, ExternalId
from custcrm.records.activities import ACCOUNT_CHANGED
from custcrm.records.customers import CustomerKind, CustomerStatus
from custcrm.values import places
from custcrm.values.birthdays import birth_date
from custcrm.values.emails import email
from custcrm.values.errors import Conflict, Malformed
from custcrm.values.identifiers import identified, identifier, optional
from custcrm.values.money import Money
from custcrm.values.phones import Phone
from custcrm.values.places import zone
from custcrm.values.shapes import flag, one_of, whole_number
from custcrm.values.spelling import nearest
from custcrm.values.texts import checked, is_blank, trimmed

LARGEST: Final = 10**9
"""Of a whole number that describes a customer."""
TEXT_LIMIT: Final = 1_000
"""Characters of a name or another short text of a customer."""
PURPOSE_LIMIT: Final = 200
"""Characters of what a further address is for."""

_NOT_GIVEN: Final = frozenset({"id", "status", "created_at", "phone_as_typed"})
GIVEN: Final = tuple(name for name in Customer.__annotations__ if name not in _NOT_GIVEN)
"""Fields that callers may give; the others follow."""

ReadAmount = Callable[..., Money]
"""Reads an amount as the business does."""
ReadPhone = Callable[[object, str | None], Phone]
"""Reads a phone number as the business does, as one of a customer's own country where that is known."""


def new_customer(
    id: str, given: Mapping[str, Any], *, now: datetime, phone: ReadPhone, amount: ReadAmount
) -> Customer:
    """Return the customer that these fields describe; Malformed names the field that is wrong."""
    return made(id, read(given, phone=phone, amount=amount), now=now)


def made(id: str, fields: Mapping[str, Any], *, now: datetime) -> Customer:
    """Return the customer of these checked values, as `read` gives them."""
    return Customer(**{"id": id, "signed_up_at": now, "created_at": now, **fields})


def changed_customer(
    before: Customer, changes: Mapping[str, Any], *, phone: ReadPhone, amount: ReadAmount
) -> Customer:
    """Return the customer with the changes: None clears."""
    own = None if "country" in changes else before.country
    return evolve(before, **read(changes, phone=phone, amount=amount, country=own))


def read(
    given: Mapping[str, Any], *, phone: ReadPhone, amount: ReadAmount, country: str | None = None
) -> dict[str, Any]:
    """Return checked field values for what was given, with everything that follows from them.

    A phone number without + is one of the country given beside it, else of the customer's own told here.
    """
    fields: dict[str, Any] = {}
    for name, value in given.items():
        if name in _READERS:
            fields[name] = _READERS[name](name, value)
        elif name == "phone":
            own = places.country(given["country"]) if given.get("country") else country
            fields |= numbered(value, own, phone=phone)
        elif name == "credit_limit":
            fields[name] = None if value is None else amount(value, field=name)
        else:
            raise Malformed(f"a customer has no field {name!r}", field=name, suggestions=nearest(name, GIVEN))
    return fields


def numbered(value: Any, country: str | None, *, phone: ReadPhone) -> dict[str, str | None]:
    """Return the fields of a phone number, which is one of the customer's own `country` where that is known."""
    if value is None:
        return {"phone": None, "phone_as_typed": None}
    number = phone(value, country)
    return {"phone": number.e164, "phone_as_typed": number.as_typed}


def _email(name: str, value: Any) -> str | None:
    return None if value is None else email(value, field=name)


def _birth_date(name: str, value: Any) -> Any:
    return None if value is None else birth_date(value, field=name)


def _read_text(name: str, value: Any) -> str | None:
    return None if value is None else trimmed(checked(value, field=name, limit=TEXT_LIMIT)) or None


def _card_number(name: str, value: Any) -> str | None:
    return optional(value, field=name, limit=TEXT_LIMIT)


def _optional(read_one: Callable[..., str]) -> Callable[[str, Any], str | None]:
    """Return the reader of a field that may be left empty."""
    return lambda name, value: None if value is None or is_blank(checked(value, field=name)) else read_one(value, field=name)


def _time_zone(value: Any, *, field: str) -> str:
    name = trimmed(value)
    zone(name, field=field)
    return name


def _kind(name: str, value: Any) -> CustomerKind:
    return one_of(value, CustomerKind, field=name)


def _read_whole_number(name: str, value: Any) -> int | None:
    return None if value is None else whole_number(value, -LARGEST, LARGEST, field=name)


def _instant(name: str, value: Any) -> datetime:
    if isinstance(value, datetime) and value.utcoffset() is not None:
        return value
    raise Malformed(f"{name} is an aware datetime", field=name)


def _flag(name: str, value: Any) -> bool:
    return flag(value, field=name)


_READERS: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    **dict.fromkeys((name for name in GIVEN if name not in ("phone", "credit_limit")), _read_text),
    "kind": _kind, "card_number": _card_number, "country": _optional(places.country),
    "locale": _optional(places.locale), "time_zone": _optional(_time_zone), "email": _email, "birth_date": _birth_date,
    "payment_terms_days": _read_whole_number, "loyalty_eligible": _flag, "coupon_eligible": _flag, "signed_up_at": _instant,
}
"""How the fields are read that need nothing but their value."""


def check_identity(customer: Customer, external_ids: Mapping[str, str]) -> None:
    """Refuse a customer of whom nothing is known: a name, an email, a phone, a card or another system's id is needed."""
    if not (customer.full_name or customer.email or customer.phone or customer.card_number or external_ids):
        raise Malformed("a customer needs at least one of name, email, phone, card number or external id")


def attributes(customer_id: str, values: Mapping[str, str], now: datetime) -> list[Attribute]:
    """Return the records of an app's own values."""
    return [
        Attribute(customer_id=customer_id, key=key,
                  value=checked(value, field=f"attributes.{key}"),
                  recorded_at=now)
        for key, value in identified(values, field="attributes").items()
    ]


def external_ids(customer_id: str, ids: Mapping[str, str], now: datetime) -> list[ExternalId]:
    """Return the records of what other systems call the customer."""
    return [
        ExternalId(customer_id=customer_id, system=system,
                   external_id=identifier(each, field=f"external_ids.{system}"), recorded_at=now)
        for system, each in identified(ids, field="external_ids").items()
    ]


def contact_point(
    id: str, owner: Customer, kind: str, value: str, purpose: str, now: datetime, phone: ReadPhone
) -> ContactPoint:
    """Return a further address: an email as given, a phone or mobile as E.164."""
    if kind not in ("email", "phone"):
        raise Malformed("a contact point is an email or a phone", field="kind", suggestions=("email", "phone"))
    compared = email(value) if kind == "email" else phone(value, owner.country).e164
    return ContactPoint(
        customer_id=owner.id, id=id, kind=kind, value=compared, as_typed=trimmed(value),
        purpose=checked(purpose, field="purpose", limit=PURPOSE_LIMIT),
        recorded_at=now,
    )


def whom(by_external_id: Sequence[str], by_email: str | None, by_card: str | None, *, told: Collection[str]) -> str | None:
    """Return the customer whom a row of an import is about: by external id, else by exact email.

    The card number decides only where neither was `told`: beside an unknown email it may as well have changed hands. Conflict
    when external ids name different customers.
    """
    if len(set(by_external_id)) > 1:
        raise Conflict("the external ids belong to different customers")
    if by_external_id:
        return by_external_id[0]
    if by_email is not None or "email" in told:
        return by_email
    return None if "external_ids" in told else by_card


def filled(before: Customer, fields: Mapping[str, Any]) -> Customer:
    """Return the customer with the filled cells of an import; the same number in another spelling changes nothing."""
    if fields.get("phone") == before.phone:
        fields = {name: value for name, value in fields.items() if name not in ("phone", "phone_as_typed")}
    return evolve(before, **fields)


def account_changed(
    id: str, before: Customer, after: Customer, now: datetime, actor: str, *, import_id: str | None = None
) -> Activity:
    """Return the entry of the feed that keeps what changed, field by field, and which import changed it."""
    differ = (name for name in GIVEN if getattr(before, name) != getattr(after, name))
    diff = {name: [_plain_value(getattr(before, name)), _plain_value(getattr(after, name))] for name in differ}
    by = {} if import_id is None else {"import": import_id}
    return Activity(
        customer_id=after.id, id=id, kind=ACCOUNT_CHANGED, occurred_at=now, recorded_at=now, actor=actor,
        source="import" if by else "manual", payload={"changed": diff, **by},
    )


def replaced_by(import_id: str, entries: Iterable[Activity], names: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Yield what an import has replaced in some fields, from entries of the feed: field, what was there, customer id."""
    for entry in entries:
        if entry.kind == ACCOUNT_CHANGED and entry.payload.get("import") == import_id:
            for name in names:
                before, _ = entry.payload["changed"].get(name, (None, None))
                if before is not None:
                    yield name, before, entry.customer_id


def with_status(customer: Customer, status: CustomerStatus) -> Customer:
    """Return the customer active or inactive; one who was erased is neither again."""
    if customer.status is CustomerStatus.ERASED:
        raise Conflict("the customer was erased, which cannot be undone; add the customer anew")
    return evolve(customer, status=status)


def status_changed(id: str, before: Customer, after: Customer, now: datetime, actor: str, reason: str) -> Activity:
    """Return the entry of the feed that keeps who changed the status, and why."""
    return Activity(
        customer_id=after.id, id=id, kind=ACCOUNT_CHANGED, occurred_at=now, recorded_at=now, actor=actor, summary=reason,
        payload={"changed": {"status": [before.status.value, after.status.value]}},
    )


def _plain_value(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int) else str(value)
