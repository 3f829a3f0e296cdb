"""Emails are kept byte for byte; phones are kept as typed, and comparable."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import custcrm.values
from custcrm.values.emails import email
from custcrm.values.errors import Malformed
from custcrm.values.phones import Phone, lookup_key, phone

blanks = st.text(" \t\r\n\u00a0", max_size=3)


@given(st.from_regex(r"[A-Za-z0-9_+-]{1,20}@[A-Za-z][A-Za-z0-9]{0,10}\.(fi|Org|COM)", fullmatch=True), blanks, blanks)
def test_an_email_is_kept_byte_for_byte(address: str, before: str, after: str) -> None:
    """Law: only white space at the ends goes; case, also of the domain, stays."""
    assert email(before + address + after) == address


def test_unicode_is_not_normalised() -> None:
    """Two spellings of é are two addresses, each kept."""
    for address in ("rene\u0301@example.org", "ren\u00e9@example.org"):
        assert email(address).encode() == address.encode()


@pytest.mark.parametrize("address", ["a@example.org", "a@shop.test", "a+b@example.com", "O'Hara@sub.example.org"])
def test_addresses_for_examples_are_fine(address: str) -> None:
    """Syntax only: nobody is asked whether the domain exists."""
    assert email(address) == address


@pytest.mark.parametrize(
    "address",
    ["", "ann", "ann@", "@x.fi", "a b@x.fi", "a@x.fi\r\nBcc: b@x.fi", "a\0@x.fi", "a@x.fi\0", "a@x..fi", None],
)
def test_what_is_no_address_is_refused_without_repeating_it(address: str | None) -> None:
    """Malformed, with the field's name and not the address."""
    with pytest.raises(Malformed) as caught:
        email(address, field="contact")
    assert caught.value.field == "contact"
    assert not address or address not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    "typed", ["040 123 4567", "+358 40 123 4567", "(040) 123-4567", "00358401234567", "+358401234567"]
)
def test_any_spelling_finds_one_number(typed: str) -> None:
    """Law: as typed is kept, E.164 is the same for every spelling."""
    assert phone(f" {typed} ", "FI") == Phone(typed, "+358401234567")
    assert lookup_key(typed, "FI") == "+358401234567"


def test_a_local_number_needs_a_country() -> None:
    """Without a country only + numbers are understood, and the message says so."""
    assert phone("+358 40 123 4567", None).e164 == "+358401234567"
    assert lookup_key("040 123 4567", None) is None
    with pytest.raises(Malformed, match="country") as caught:
        phone("040 123 4567", None)
    assert caught.value.field == "phone"
    with pytest.raises(Malformed, match="ISO 3166"):
        phone("040 123 4567", "Finland")


@pytest.mark.parametrize("typed", ["not a number", "", "77", "+999 123456", "+358 40 123 4567 8901 2345", "1" * 100])
def test_what_is_no_number_is_refused_without_repeating_it(typed: str) -> None:
    """Malformed at the door, None in look-up."""
    assert lookup_key(typed, "FI") is None
    with pytest.raises(Malformed) as caught:
        phone(typed, "FI")
    assert not typed or typed not in str(caught.value)


def test_a_number_of_one_town_is_refused() -> None:
    """Seven digits of an American number reach nobody from elsewhere."""
    assert lookup_key("253-0000", "US") is None


def test_a_phone_prints_nothing_personal() -> None:
    """A repr may land in a log."""
    assert repr(phone("040 123 4567", "FI")) == "<Phone>"


def test_the_language_can_be_embedded_without_the_rest() -> None:
    """Law: no value module loads phonenumbers or email_validator before it is used."""
    modules = [path.stem for path in Path(custcrm.values.__file__).parent.glob("[a-z]*.py")]
    assert "phones" in modules
    code = (
        "import sys\n"
        + "".join(f"import custcrm.values.{name}\n" for name in modules)
        + "sys.exit(bool({'phonenumbers', 'email_validator', 'sqlalchemy', 'cattrs'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
