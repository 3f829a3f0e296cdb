"""Which numbers are kept: those in use, told apart by the numbering plans of all regions, or all that are possible."""

from collections.abc import Callable, Iterator
from typing import Any

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import custcrm
from custcrm import Conflict, Malformed
from custcrm.testing.numbers import REGIONS, DrawnNumber, phone_numbers
from custcrm.values.phones import lookup_key, phone

UNUSED = "+358 1 234 5678"
"""Of a length that Finland uses, in a range that it gives to nobody."""
Opened = Callable[..., custcrm.Crm]

_E164 = phonenumbers.PhoneNumberFormat.E164


def reads(typed: str, country: str | None, **strictness: Any) -> str | None:
    """Return what a text is kept as; None where it is refused."""
    try:
        return phone(typed, country, **strictness).e164
    except Malformed:
        return None


def examples() -> Iterator[tuple[str, phonenumbers.PhoneNumber]]:
    kinds = phonenumbers.PhoneNumberType.values()
    for region in REGIONS:
        yield from ((region, one) for kind in kinds
                    if (one := phonenumbers.example_number_for_type(region, kind)) is not None)


def test_every_number_that_a_region_has_is_kept() -> None:
    """Law: an example of each kind of number of each region is itself in each spelling, local and foreign."""
    form, seen = phonenumbers.PhoneNumberFormat, 0
    for region, one in examples():
        e164 = phonenumbers.format_number(one, _E164)
        assert reads(e164, None) == e164
        assert reads(phonenumbers.format_number(one, form.INTERNATIONAL), "FI") == e164
        assert reads(phonenumbers.format_number(one, form.NATIONAL), region) == e164
        seen += 1
    assert seen > 1_000
    for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS:
        shared = phonenumbers.example_number_for_non_geo_entity(code)
        assert shared is not None and reads(phonenumbers.format_number(shared, _E164), None) is not None


@given(phone_numbers())
def test_any_valid_number_is_kept_in_any_spelling(number: DrawnNumber) -> None:
    """Law: what lies in a range that a region gives out is kept as E.164, however it is written."""
    assert reads(number.e164, None) == number.e164 == reads(number.international, "FI")
    assert reads(number.national, number.region) == number.e164


def wrong(number: DrawnNumber, how: str, at: int) -> str:
    """Return the number with one digit after the country code removed, doubled or replaced."""
    code = len(str(phonenumbers.parse(number.e164).country_code)) + 1
    place = code + at % (len(number.e164) - code)
    before, digit, after = number.e164[:place], number.e164[place], number.e164[place + 1 :]
    return before + {"removed": "", "added": digit * 2, "replaced": str((int(digit) + 1) % 10)}[how] + after


@given(phone_numbers(), st.sampled_from(["removed", "added", "replaced"]), st.integers(0, 20))
@example(DrawnNumber("FI", "+358401234567", "040 1234567", "+358 40 1234567"), "removed", 0)
def test_a_digit_too_few_or_too_many_is_refused(number: DrawnNumber, how: str, at: int) -> None:
    """Law: with a digit removed, added or replaced it is kept if, and only if, that is a valid number too."""
    typed = wrong(number, how, at)
    parsed = phonenumbers.parse(typed)
    valid, kept = phonenumbers.is_valid_number(parsed), phonenumbers.format_number(parsed, _E164)
    possible = phonenumbers.is_possible_number_with_reason(parsed) == phonenumbers.ValidationResult.IS_POSSIBLE
    assert reads(typed, None) == (kept if valid else None)
    assert reads(typed, None, phones="possible") == (kept if valid or possible else None)


def test_a_number_of_nobody_is_refused_at_every_door(crm: custcrm.Crm, tmp_path: Any) -> None:
    """Adding, adding many, changing, a further number, a file: nobody is written to under a number that is not given out."""
    anna = crm.customers.add(first_name="Anna")
    path = tmp_path / "people.csv"
    path.write_text(f"email,phone\na@example.org,{UNUSED}\n", encoding="utf-8")
    [row] = crm.customers.import_csv(path)
    assert (row.verdict, row.reason, row.field) == ("refused", "bad_phone", "phone")
    for call in (
        lambda: crm.customers.add(phone=UNUSED), lambda: crm.customers.add_all([{"phone": UNUSED}]),
        lambda: crm.customers.update(anna, phone=UNUSED), lambda: crm.customers.add_contact_point(anna, "phone", UNUSED),
    ):
        with pytest.raises(Malformed, match=r"no valid number of FI \(\+358\), which has numbers like '\+358[0-9]+'") as error:
            call()
        assert error.value.field == "phone" and UNUSED not in str(error.value) and "+35812345678" not in str(error.value)
    assert crm.select("phone EXISTS").count() == 0


@pytest.mark.parametrize("phones", ["valid", "possible"])
def test_a_date_or_an_identity_code_is_nobodys_number_at_any_door(
    opened: Opened, where: str | None, tmp_path: Any, phones: str
) -> None:
    """In a file whose columns are mixed up it would be somebody's phone, who is written to."""
    crm, path = opened(country="FI", phones=phones), tmp_path / "people.csv"
    ben = crm.customers.add(first_name="Ben")
    cells = ["2024\u201301\u201331", "2024. 01. 31.", "(31.1.2024)", "2024-01", "2024-031", "31.1.24", "040590-1239"]
    path.write_text("email,phone\n" + "".join(f"n{at}@example.org,{each}\n" for at, each in enumerate(cells)), encoding="utf-8")
    reasons = [row.reason for row in crm.customers.import_csv(path)]
    kept = sorted(each.phone or "" for each in crm.select("phone EXISTS"))
    assert reasons == ["bad_phone"] * len(cells), f"taken for phones: {kept}"
    for cell in cells:
        for call in (lambda told: crm.customers.add(phone=told), lambda told: crm.customers.update(ben, phone=told),
                     lambda told: crm.customers.add_contact_point(ben, "phone", told)):
            with pytest.raises(Malformed, match=r"reads as (a date|an identity code)"):
                call(cell)
        assert crm.customers.identify_caller(cell) == ()


def test_how_a_country_writes_its_numbers_is_no_date() -> None:
    """New Caledonia parts pairs with points."""
    assert reads("20.12.34", "NC") == "+687201234" and reads("20.12.34", "FI") is None


def test_a_store_that_takes_possible_numbers_says_so_once(opened: Opened, where: str | None, tmp_path: Any) -> None:
    """It is kept like the country: whoever opens the store later keeps and finds the same numbers."""
    crm = opened(country="FI")
    with pytest.raises(Malformed):
        crm.customers.add(phone=UNUSED)
    if where is None:
        crm = opened(country="FI", phones="possible")
    else:
        opened(phones="possible")
        crm = opened()
        with pytest.raises(Conflict, match="phones 'possible'"):
            opened(phones="valid")
    anna = crm.customers.add(phone=UNUSED)
    crm.customers.add_contact_point(anna, "phone", "01 234 5679")
    path = tmp_path / "people.csv"
    path.write_text("email,phone\na@example.org,01 234 5670\nb@example.org,1234\n", encoding="utf-8")
    assert [row.verdict for row in crm.customers.import_csv(path)] == ["added", "refused"]
    assert anna.phone == "+35812345678" and anna.phone_as_typed == UNUSED
    for spelled in (UNUSED, "01 2345678", "0035812345678"):
        assert crm.customers.search(phone=spelled).ids() == [anna.id]
        assert [each.customer.id for each in crm.customers.identify_caller(spelled)] == [anna.id]
    assert [each.customer.id for each in crm.customers.identify_caller("012345679")] == [anna.id]


def test_a_number_of_before_is_found_though_none_is_added(crm: custcrm.Crm) -> None:
    """Looking up asks no more of a number than that it is possible: a range may have been given up."""
    assert lookup_key(UNUSED, None) == "+35812345678"
    assert crm.customers.search(phone=UNUSED).ids() == [] and crm.customers.identify_caller(UNUSED) == ()


def test_a_cell_is_judged_by_the_country_that_is_known(opened: Opened, tmp_path: Any) -> None:
    """A number that only a Finn can have is a Finn's, though the store's country has no such number."""
    crm = opened(country="NO")
    finn = crm.customers.add(email="a@example.org", country="FI")
    path = tmp_path / "people.csv"
    path.write_text("email,phone\na@example.org,040 123 4567\nb@example.org,040 123 4567\n", encoding="utf-8")
    first, second = crm.customers.import_csv(path)
    assert (first.verdict, first.reason, crm.customers.get(finn.id).phone) == ("updated", None, "+358401234567")
    assert (second.verdict, second.reason) == ("refused", "bad_phone")
    path.write_text("email,phone,country\na@example.org,040 123 4567,NO\n", encoding="utf-8")
    assert [(row.verdict, row.reason) for row in crm.customers.import_csv(path)] == [("refused", "bad_phone")]
    path.write_text("email,phone,country\na@example.org,+47 406 12 345,NO\n", encoding="utf-8")
    assert [(row.verdict, row.reason) for row in crm.customers.import_csv(path)] == [("updated", None)]


def test_strictness_is_one_of_two_words() -> None:
    with pytest.raises(Malformed) as error:
        custcrm.open(phones="any")
    assert error.value.field == "phones"
