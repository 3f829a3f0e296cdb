"""What one customer has and another one asks for: refused, with whose it is, and nothing personal."""

from collections.abc import Callable
from typing import Any

import pytest

import custcrm

HELD = {"email": "secret@example.org", "card_number": "secret-77", "external_ids": {"till": "secret-5"}}

DOORS: dict[str, Callable[[custcrm.Crm, custcrm.Customer, dict[str, Any]], object]] = {
    "add": lambda crm, _, told: crm.customers.add(first_name="Ben", **told),
    "add under a key": lambda crm, _, told: crm.customers.add(first_name="Ben", key="once", **told),
    "add many": lambda crm, _, told: crm.customers.add_all([{"first_name": "Carl"}, {"first_name": "Ben", **told}]),
    "update": lambda crm, ben, told: crm.customers.update(ben, **told),
    "further address": lambda crm, ben, told: crm.customers.add_contact_point(ben, "email", told["email"]),
}

CASES = [
    (door, name)
    for door in DOORS for name in HELD
    if (door != "update" or name != "external_ids") and (door != "further address" or name == "email")
]  # fmt: skip


@pytest.mark.parametrize(("door", "name"), CASES)
def test_what_is_taken_says_whose_it_is(crm: custcrm.Crm, door: str, name: str) -> None:
    """Law: at every door, what another customer has is a Conflict that names that customer, and no value."""
    anna, ben = crm.customers.add(first_name="Anna", **HELD), crm.customers.add(first_name="Ben")  # type: ignore[arg-type]
    with pytest.raises(custcrm.Conflict) as caught:
        DOORS[door](crm, ben, {name: HELD[name]})
    assert anna.id in str(caught.value)
    assert "secret" not in f"{caught.value!r} {caught.value}"
    assert isinstance(caught.value, custcrm.Taken)
    assert caught.value.customer_id == anna.id
    assert crm.customers.get(ben.id) == ben
    assert crm.select().count() == 2


@pytest.mark.parametrize("name", sorted(HELD))
def test_two_rows_of_one_call_may_not_be_told_alike(crm: custcrm.Crm, name: str) -> None:
    """Law: what two of the customers of one call have in common is a Conflict that says what it is; none of them is kept."""
    with pytest.raises(custcrm.Conflict, match=f"two of the customers have the same {name.rstrip('s')}"):
        crm.customers.add_all([{"first_name": each, name: HELD[name]} for each in ("Anna", "Ben")])
    assert crm.select().count() == 0


def test_what_is_ones_own_is_not_taken(crm: custcrm.Crm) -> None:
    """Who is told again by what they have, or gives it up for another, is in nobody's way."""
    anna = crm.customers.add(first_name="Anna", **HELD)  # type: ignore[arg-type]
    assert crm.customers.update(anna, email=HELD["email"], card_number=HELD["card_number"], last_name="Aho").id == anna.id
    crm.customers.update(anna, email=None, card_number=None)
    ben = crm.customers.add(first_name="Ben", email=HELD["email"], card_number=HELD["card_number"])  # type: ignore[arg-type]
    assert crm.customers.find_by_email("secret@example.org") == ben
