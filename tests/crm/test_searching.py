"""Finding customers by what is at hand: their own addresses and numbers, and further ones, alike."""

from typing import Final

import pytest

import custcrm
from custcrm.crm.people import searching

NUMBERS: Final = {"anna": "040 123 4567", "ben": "+358 40 123 4568", "chloe": "040 612 345 678", "dan": "040 612 3456"}
SPELLINGS: Final = ("0401234567", "040 123 4568", "+358401234568", "00358 40 1234568", "040 6123456", "+46 40 612 34 56", "5")


@pytest.fixture
def people(crm: custcrm.Crm) -> dict[str, custcrm.Customer]:
    """Anna has a number of her own, the others a further one; Chloe and Dan in Sweden and in Norway."""
    countries = {"chloe": "DE", "dan": "SE"}
    made = {}
    for name, number in NUMBERS.items():
        made[name] = crm.customers.add(first_name=name, email=f"{name}@example.org", country=countries.get(name))
        if name == "anna":
            crm.customers.update(made[name], phone=number)
        else:
            crm.customers.add_contact_point(made[name], "phone", number)
    crm.customers.add_contact_point(made["ben"], "email", "Ben@work.example.org")
    return made


@pytest.mark.parametrize("spelled", SPELLINGS)
def test_whoever_may_be_calling_is_found_by_the_number(
    crm: custcrm.Crm, people: dict[str, custcrm.Customer], spelled: str
) -> None:
    """`search` by a phone finds those whom `identify_caller` does, and so does `any`, which of nobody else has the number."""
    calling = [match.customer.id for match in crm.customers.identify_caller(spelled)]
    assert crm.customers.search(phone=spelled).ids() == calling
    assert crm.customers.search(any=spelled).ids() == calling


def test_numbers_are_somebodys(crm: custcrm.Crm, people: dict[str, custcrm.Customer]) -> None:
    """The spellings above find all four between them, so that the law is about somebody."""
    found = {each for spelled in SPELLINGS for each in crm.customers.search(phone=spelled).ids()}
    assert {people[name].id for name in ("anna", "ben", "dan")} <= found


def test_a_further_email_is_found_as_the_first_is(crm: custcrm.Crm, people: dict[str, custcrm.Customer]) -> None:
    """Byte for byte by `email`, wholly by `any`, and by a filter in any way."""
    ben = [people["ben"].id]
    assert crm.customers.search(email="Ben@work.example.org").ids() == ben
    assert crm.customers.search(any=" Ben@work.example.org ").ids() == ben
    assert crm.customers.search(email="ben@work.example.org").ids() == []
    assert crm.select("EXISTS(contact_points WHERE CASEI(value) STARTS WITH 'ben@work.')").ids() == ben
    assert crm.customers.search(first_name="ben", email="Ben@work.example.org").ids() == ben
    assert crm.customers.search(first_name="anna", email="Ben@work.example.org").ids() == []


ADDRESSES: Final = ("Ben@Work.example.org", "\u00c5SA.Stra\u00dfe@example.org", "50%_off@example.org")
PARTS: Final = (
    "ben", "BEN@WORK", "ben@work.example.org", "EN@W", "work.example", "@EXAMPLE.ORG", "\u00e5sa", "A\u030aSA.STRASSE", "asa",
    "stra\u00dfe@", "STRASSE@EXAMPLE", "50%_", "%", "_", "50\\%", "o", "nobody", "\U0010ffff",
)  # fmt: skip


@pytest.mark.parametrize("few", [1_000, 0])
@pytest.mark.parametrize("match", ["prefix", "contains", "exact"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_any_finds_a_further_email_as_it_finds_the_first(
    crm: custcrm.Crm, monkeypatch: pytest.MonkeyPatch, address: str, match: str, few: int
) -> None:
    """Law: by the same part, in any case and composition, whether it stands with the customer or further; few or many."""
    monkeypatch.setattr(searching, "FEW", few)
    someone = crm.customers.add(card_number="7", email=address)
    crm.customers.add(first_name="Nobody else", card_number="8")
    asked = (*PARTS, address, address.swapcase(), address[:3], address[3:])
    first = {part: crm.customers.search(any=part, match=match).ids() for part in asked}
    crm.customers.update(someone, email=None)
    crm.customers.add_contact_point(someone, "email", address)
    crm.customers.add_contact_point(someone, "phone", "+358401234567")
    further = {part: crm.customers.search(any=part, match=match).ids() for part in asked}
    assert [part for part in asked if further[part] != first[part]] == []
    assert [someone.id] in first.values()


def test_a_segment_of_folded_texts_works_wherever_it_was_saved(crm: custcrm.Crm) -> None:
    """What can be saved can be asked: without case, without accents, and both, of names, tags and further addresses."""
    jose = crm.customers.add(first_name="JOSÉ")
    crm.tags.set(jose, "city", "Åbo")
    crm.segments.add("josés", "ACCENTI(CASEI(first_name)) = 'jose' AND ACCENTI(tags.city) = 'Abo'")
    assert crm.select("SEGMENT('josés')").ids() == [jose.id]
