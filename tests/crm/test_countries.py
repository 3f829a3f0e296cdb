"""Countries, zones and languages at every door; a number is one of the customer's own country."""

from typing import Any

import pytest

import custcrm
from custcrm import Malformed

SPELLED = "070-174 06 05"


def test_a_number_is_one_of_the_customers_country(crm: custcrm.Crm) -> None:
    """Given beside it or known of the customer, else the store's; a change of country reads no number anew."""
    assert crm.customers.add(first_name="Åsa", country="SE", phone=SPELLED).phone == "+46701740605"
    [bo] = crm.customers.add_all([{"first_name": "Bo", "country": "SE"}])
    assert crm.customers.update(bo, phone=SPELLED).phone == "+46701740605"
    assert crm.customers.add_contact_point(bo, "phone", "070-174 06 06").value == "+46701740606"
    moved = crm.customers.update(bo, country="FI")
    assert moved.phone == "+46701740605"
    assert crm.customers.update(moved, phone="040 1234567").phone == "+358401234567"
    assert crm.customers.update(moved, phone=SPELLED, country="SE").phone == "+46701740605"


def test_a_cell_is_read_by_the_rows_country(crm: custcrm.Crm, tmp_path: Any) -> None:
    """In a file as in a call, whatever the order of its columns."""
    path = tmp_path / "people.csv"
    path.write_text(f"email,phone,country\na@example.org,{SPELLED},SE\nb@example.org,040 1234567,\n", encoding="utf-8")
    assert crm.customers.import_csv(path).counts == {"added": 2}
    phones = [getattr(crm.customers.find_by_email(f"{each}@example.org"), "phone", None) for each in "ab"]
    assert phones == ["+46701740605", "+358401234567"]


def test_a_cell_is_read_by_the_country_that_is_known(crm: custcrm.Crm, tmp_path: Any) -> None:
    """A file without countries does not give a Swede a Finnish number."""
    crm.customers.add(email="a@example.org", country="SE")
    path = tmp_path / "people.csv"
    path.write_text(f"email,phone\na@example.org,{SPELLED}\n", encoding="utf-8")
    assert crm.customers.import_csv(path).counts == {"updated": 1}
    assert getattr(crm.customers.find_by_email("a@example.org"), "phone", None) == "+46701740605"
    assert crm.customers.import_csv(path).counts == {"unchanged": 1}


def test_a_caller_is_found_by_any_spelling_whatever_their_country(crm: custcrm.Crm) -> None:
    """Who has the number here, and whoever has it in their own country: none, one or several, never the first."""
    swede = crm.customers.add(first_name="Åsa", country="SE", phone=SPELLED)
    norse = crm.customers.add(first_name="Ola", country="NO", phone="+4740612345")
    for spelled in (SPELLED, "0701740605", "+46 70 174 06 05", "0046701740605"):
        assert [each.customer.id for each in crm.customers.identify_caller(spelled)] == [swede.id]
        assert crm.customers.search(phone=spelled).ids() == [swede.id]
    finn = crm.customers.add(first_name="Eve", phone="+358701740605")
    found = sorted([swede.id, finn.id])
    assert [each.customer.id for each in crm.customers.identify_caller(SPELLED)] == found
    assert crm.customers.search(phone=SPELLED).ids() == found
    assert crm.customers.search(phone="406 12 345").ids() == [norse.id]
    assert crm.customers.identify_caller("2026-11-21") == () and crm.customers.search(phone="no").ids() == []


@pytest.mark.parametrize(("field", "given", "kept"), [
    ("country", " SE ", "SE"), ("locale", "FI", "fi"), ("locale", "pt-br", "pt-BR"), ("locale", "ZH-hant-tw", "zh-Hant-TW"),
    ("locale", "sl-ROZAJ-biske-1994", "sl-rozaj-biske-1994"), ("locale", "de-DE-u-co-phonebk", "de-DE-u-co-phonebk"),
    ("locale", "en-x-Shop", "en-x-shop"), ("time_zone", "Europe/Stockholm", "Europe/Stockholm"),
])
def test_what_is_well_formed_is_kept_in_its_canonical_case(crm: custcrm.Crm, field: str, given: str, kept: str) -> None:
    anna = crm.customers.add(first_name="Anna", **{field: given})
    assert getattr(anna, field) == getattr(crm.customers.update(anna, **{field: given}), field) == kept


@pytest.mark.parametrize(("field", "given", "meant"), [
    ("country", "Finland", ()), ("country", "fi", ("FI",)), ("country", "UK", ("GB",)), ("country", "XX", ()),
    ("time_zone", "Helsinki", ("Europe/Helsinki",)), ("time_zone", "Europe/Helsinky", ("Europe/Helsinki",)),
    ("time_zone", "Factory", ()), ("time_zone", "localtime", ()), ("time_zone", "right/Europe/Helsinki", ("Europe/Helsinki",)),
    ("locale", "fi_FI", ("fi-FI",)), ("locale", "Finnish language", ()), ("locale", "f", ()),
])
def test_what_is_none_is_refused_at_every_door(
    crm: custcrm.Crm, tmp_path: Any, field: str, given: str, meant: tuple[str, ...]
) -> None:
    """Adding, adding many, changing, importing; with what was probably meant."""
    anna = crm.customers.add(first_name="Anna")
    for call in (
        lambda: crm.customers.add(first_name="Eve", **{field: given}), lambda: crm.customers.update(anna, **{field: given}),
        lambda: crm.customers.add_all([{"first_name": "Eve", field: given}]),
    ):
        with pytest.raises(Malformed) as error:
            call()
        assert (error.value.field, error.value.suggestions[:1]) == (field, meant)
    path = tmp_path / "people.csv"
    path.write_text(f"email,{field}\na@example.org,{given}\n", encoding="utf-8")
    [row] = crm.customers.import_csv(path)
    assert (row.verdict, row.field) == ("refused", field)


def test_a_store_is_opened_with_what_is_known() -> None:
    with pytest.raises(Malformed) as error:
        custcrm.open(country="suomi")
    assert error.value.field == "country"
