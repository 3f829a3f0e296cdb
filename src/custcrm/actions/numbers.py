"""Whose a phone number is, in whatever spelling: as the business reads it, or as it is dialled in its owner's own country.

The name to know is `owners_of_number`; `own_numbers` and `further_numbers` are its two halves.
"""

from __future__ import annotations

from collections.abc import Mapping

from custcrm.records import ContactPoint, Customer
from custcrm.storage.protocol import Reader
from custcrm.values.phones import lookup_key, lookup_keys


def owners_of_number(reader: Reader, typed: str, country: str | None) -> set[str]:
    """Return the ids of all whose number this is, the first or a further one; `country` is the one it is read in."""
    number, abroad = lookup_key(typed, country), lookup_keys(typed)
    ids = {each.id for each in reader.find(Customer, {"phone": number})} if number is not None else set()
    return ids | own_numbers(reader, abroad).keys() | further_numbers(reader, number, abroad)


def own_numbers(reader: Reader, abroad: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return whose first number this is in their own country, by customer: the country and the number."""
    found = reader.find(Customer, {"phone": sorted(set(abroad.values()))}) if abroad else ()
    return {each.id: (each.country, each.phone) for each in found
            if each.country is not None and each.phone is not None and abroad.get(each.country) == each.phone}


def further_numbers(reader: Reader, number: str | None, abroad: Mapping[str, str]) -> set[str]:
    """Return whose further number this is: as the business reads it, or as one of the owner's own country."""
    values = sorted({each for each in (number, *abroad.values()) if each is not None})
    points = list(reader.find(ContactPoint, {"kind": "phone", "value": values})) if values else []
    countries = dict(reader.values(Customer, ("id", "country"), {"id": sorted({each.customer_id for each in points})}))
    return {
        each.customer_id for each in points
        if each.value in (number, abroad.get(countries.get(each.customer_id) or ""))
    }
