"""What a customer is told by, claimed: an email, a card number, another system's id. Know
`claim_identities`, then `refuse_taken`.

Whoever gives one to a customer, by a call or from a file, claims it first, all of them at once, and then holds customers, in
the order of their ids; the clock is read after that. So two who tell of one address at the same time wait for each other,
whichever way they come, and never for ever.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from custcrm.records import ContactPoint, Customer, ExternalId
from custcrm.storage.protocol import Reader, Writer
from custcrm.values.errors import Conflict, EmailTaken, Taken

PLAIN: Final = ("email", "card_number")
"""Columns of a customer that one customer has; an email may be a further one."""

EXTERNAL_IDS: Final = "external_ids"

_SCOPE: Final = "identity"
"""One scope for all kinds, so that there is no order among them to keep."""


def claim_identities(writer: Writer, named: Iterable[tuple[str, str]]) -> None:
    """Wait until nobody else adds or changes who has these, and keep others waiting until the transaction ends.

    They are column and value: ("email", "anna@example.org"), ("external_ids.shop", "17").
    """
    writer.claim(_SCOPE, sorted({f"{column} {value}" for column, value in named}))


def identities_of(
    email: str | None, card_number: str | None, external_ids: Mapping[str, str] | None = None
) -> list[tuple[str, str]]:
    """Return what a customer is told by, of what there is, as column and value."""
    named = [(name, value) for name, value in zip(PLAIN, (email, card_number), strict=True) if value is not None]
    return [*named, *((f"{EXTERNAL_IDS}.{system}", each) for system, each in (external_ids or {}).items())]


def find_by_email(reader: Reader, email: str) -> Customer | None:
    """Return the customer with exactly this email, the first one or a further one."""
    found = next(reader.find(Customer, {"email": email}), None)
    if found is not None:
        return found
    point = next(reader.find(ContactPoint, {"kind": "email", "value": email}), None)
    return None if point is None else reader.get(Customer, point.customer_id)


def refuse_taken(writer: Writer, customers: Sequence[Customer], external_ids: Sequence[ExternalId] = ()) -> None:
    """Refuse what the customers are to be told by and another one has, or two of them: EmailTaken, Taken, Conflict.

    Whoever asks has claimed all of it. Of several, an email is told first, then a card number, then an external id.
    """
    mine = {each.id for each in customers}
    emails = _once([each.email for each in customers], "email")
    cards = _once([each.card_number for each in customers], "card_number")
    ids = defaultdict[str, list[str]](list)
    for each in external_ids:
        ids[each.system].append(each.external_id)
    for several in ids.values():
        _once(several, "external_id")
    for holder in _holders_of_emails(writer, emails):
        if holder not in mine:
            raise EmailTaken(holder)
    for customer in writer.find(Customer, {"card_number": cards}) if cards else ():
        if customer.id not in mine:
            raise Taken(Customer, ("card_number",), customer.id)
    for system, several in ids.items():
        for found in writer.find(ExternalId, {"system": system, "external_id": several}):
            if found.customer_id not in mine:
                raise Taken(ExternalId, ("system", "external_id"), found.customer_id)


def _holders_of_emails(reader: Reader, emails: Sequence[str]) -> Iterator[str]:
    if emails:
        yield from (each.id for each in reader.find(Customer, {"email": emails}))
        yield from (each.customer_id for each in reader.find(ContactPoint, {"kind": "email", "value": emails}))


def _once(values: Iterable[str | None], what: str) -> list[str]:
    given = [each for each in values if each is not None]
    if len(set(given)) < len(given):
        raise Conflict(f"two of the customers have the same {what}")
    return given
