"""Emails are kept byte for byte; phones are kept as typed, and comparable."""

import subprocess
import sys
import unicodedata
from datetime import date
from pathlib import Path

import email_validator
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import custcrm.values
from custcrm.testing.numbers import DrawnNumber, phone_numbers
from custcrm.values.emails import email
from custcrm.values.errors import Malformed
from custcrm.values.phones import Phone, Phones, lookup_key, phone

blanks = st.text(" \t\r\n\u00a0", max_size=3)

# Addresses near the edges: of what characters may stand where, and of the lengths of a label (63), a local part (64), a
# domain (253) and the whole (254), which counts in UTF-8, in ASCII and after normalisation.
pieces = st.text("aZ0._-+'!\"@<>[] \u00e9\u0301\u4e2d\uff0e", max_size=6)
local_parts = st.one_of(pieces, st.from_regex(r"[\w!#$%&'*+/=?^`{|}~-]{1,8}(\.\w{1,4}){0,2}", fullmatch=True),
                        st.integers(60, 68).map(lambda length: "l" * length))
domains = st.one_of(
    pieces,
    st.sampled_from(["example.org", "Example.ORG", "x.fi.", "x", "localhost", "a_b.fi", "-x.fi", "x-.fi", "xn--caf-dma.fi",
                     "xn--a.fi", "b\u00fccher.example", "\u4e2d" * 20 + ".fi", "[127.0.0.1]", "x.test", "@x.fi", "x.fi<y>"]),
    st.builds(lambda label, more, rest: ".".join(["d" * label, *["e" * 61] * more, "f" * rest, "fi"]),
              st.integers(60, 64), st.integers(0, 3), st.integers(1, 63)),
)


def validator_takes(address: str) -> bool:
    try:
        email_validator.validate_email(address, check_deliverability=False, test_environment=True)
    except email_validator.EmailNotValidError:
        return False
    return True


def we_take(address: str) -> bool:
    try:
        return email(address) == address
    except Malformed:
        return False


@settings(max_examples=300)
@given(local_parts, domains)
@example("l" * 64, ".".join(["d" * 63, "e" * 63, "f" * 58, "fi"]))
@example("l" * 64, ".".join(["d" * 63, "e" * 63, "f" * 59, "fi"]))
@example("a\n", "x.fi")
@example("a.", "x.fi")
@example("\u0661", "x.fi")
def test_the_validator_judges_every_address(local: str, domain: str) -> None:
    """Law: what is an address is what the validator takes, though it is not asked about each; also when asked again."""
    address = f"{local}@{domain}".strip()
    for spelling in (address, f"b{address}", address):
        expected = "\n" not in spelling and validator_takes(spelling)
        assert we_take(spelling) == expected


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


@pytest.mark.parametrize(("typed", "why"), [
    ("2026-11-21", "date"), ("21.11.2026", "date"), ("11/21/2026", "date"), ("1.2.2026", "date"), ("2026/01/31 10:00", "date"),
    ("401234567.0", "decimal"), ("0.5", "decimal"), ("3.58E+11", "decimal"), ("3,58401E+11", "decimal"),
    ("040 123 4567 x12", "extension"), ("040 1234567;ext=3", "extension"), ("0401234567 ext. 12", "extension"),
    ("131052-308T", "identity"), ("1-800-FLOWERS", "digits"), ("00100 Helsinki", "digits"), ("040 123 4567 (home)", "digits"),
    ("\uff10\uff14\uff10 1234567", "digits"),
])
def test_what_a_library_would_dial_all_the_same_is_refused_by_name(typed: str, why: str) -> None:
    """Dates, a spreadsheet's numbers, identity codes, letters and extensions: none is somebody's number."""
    assert lookup_key(typed, "FI") is None
    with pytest.raises(Malformed, match=why) as caught:
        phone(typed, "FI")
    assert caught.value.field == "phone" and typed not in str(caught.value)


DASHES = [chr(at) for at in range(0x110000) if unicodedata.category(chr(at)) == "Pd"] + ["\u2212"]
days = st.dates(date(1600, 1, 1), date(2199, 12, 31))
marks = st.builds(lambda before, mark, after: before + mark + after, st.sampled_from(["", " ", "\u00a0"]),
                  st.sampled_from([".", "/", *DASHES]), st.sampled_from(["", " "]))
frames = st.sampled_from(["{}", "({})", "{}.", " {} ", "({}).", "{} -"])


@given(days, marks, frames, st.sampled_from([
    "{y:04}|{m:02}|{d:02}", "{y}|{m}|{d}", "{d}|{m}|{y}", "{m:02}|{d:02}|{y}", "{y}|{m:02}", "{m:02}|{y}", "{y}|{n:03}",
    "{d}|{m}|-{d}|{m}|{y}", "{y}|{m}|{d}/{y}|{m}|{d}",
]))
@example(date(2024, 1, 31), "\u2013", "{}", "{y:04}|{m:02}|{d:02}")
@example(date(2024, 1, 31), "-", "{}", "{y}|{m:02}")
@example(date(2024, 1, 31), ". ", "{}.", "{y:04}|{m:02}|{d:02}")
def test_a_date_is_nobodys_phone_however_it_is_set(day: date, mark: str, frame: str, order: str) -> None:
    """Law: with any dash, blanks round the marks, parentheses, a mark behind it, and where it is a month, or some days."""
    told = order.replace("|", mark).format(y=day.year, m=day.month, d=day.day, n=day.timetuple().tm_yday)
    typed = frame.format(told)
    taken = {country: key for country in ("FI", "SE", "DE", "LU", "AT") if (key := lookup_key(typed, country)) is not None}
    assert taken == {}, f"{typed!r} is somebody's phone"
    with pytest.raises(Malformed, match=r"reads as a (date|decimal)"):
        phone(typed, "FI", phones="possible")


parts = st.sampled_from([*"./-", " ", ". ", " / ", "\u2013", "\u00a0", "  "])


@given(days, st.permutations(["{y}", "{m}", "{d}"]), parts, parts, st.sampled_from(["valid", "possible"]))
@example(date(1999, 12, 31), ["{y}", "{d}", "{m}"], "/", "/", "possible")
@example(date(1999, 12, 31), ["{d}", "{y}", "{m}"], "-", ".", "possible")
@example(date(1999, 12, 31), ["{d}", "{m}", "{y}"], ".", " ", "possible")
def test_a_date_is_nobodys_phone_in_any_order(day: date, order: list[str], first: str, second: str, phones: Phones) -> None:
    """Law: year, month and day in each of their six orders, with whatever marks or blanks between them, in either setting."""
    typed = f"{order[0]}{first}{order[1]}{second}{order[2]}".format(y=day.year, m=day.month, d=day.day)
    taken = {country: key for country in ("FI", "SE", "DE", "LU", "AT") if (key := lookup_key(typed, country)) is not None}
    assert taken == {}, f"{typed!r} is somebody's phone"
    with pytest.raises(Malformed, match=r"reads as a date"):
        phone(typed, "FI", phones=phones)


def test_a_country_that_writes_its_numbers_like_dates_keeps_them() -> None:
    """Haiti parts them by blanks: sign for sign so it is a number there, and with + everywhere."""
    assert lookup_key("28 12 2026", "HT") == lookup_key("+509 28 12 2026", "FI") == "+50928122026"
    assert lookup_key("28 12 2026", "FI") is None


@given(phone_numbers(), st.sampled_from([".0", ".00", ". 0", " .0", ".0)", ".0 "]), st.sampled_from(["valid", "possible"]))
@example(DrawnNumber("FI", "+35840123456", "040 123456", "+358 40 123456"), ".0", "valid")
def test_a_number_with_a_fraction_is_nobodys_phone(number: DrawnNumber, end: str, phones: Phones) -> None:
    """Law: what a spreadsheet puts behind a number is no digit of it, however the number itself is parted."""
    for spelled, country in ((number.international, None), (number.national, number.region), (number.e164, None)):
        if "." in spelled or not set(spelled) <= set("0123456789+() -/"):
            continue
        typed = spelled + end
        assert lookup_key(typed, country) is None, f"{typed!r} is somebody's phone"
        with pytest.raises(Malformed, match=r"reads as a decimal number"):
            phone(typed, country, phones=phones)


def test_a_number_in_pairs_may_end_in_noughts() -> None:
    """Between points, as in France: only what stands behind the one point is a fraction."""
    assert lookup_key("01.42.34.56.00", "FR") == "+33142345600"


@given(days, st.sampled_from("./"), st.sampled_from(["{d}|{m}|{y:02}", "{m}|{d}|{y:02}", "{d:02}|{m:02}|{y:02}."]))
@example(date(2024, 1, 31), ".", "{d}|{m}|{y:02}")
def test_a_date_with_two_digits_for_its_year_is_nobodys_phone(day: date, mark: str, order: str) -> None:
    """Law: with points or slashes; pairs between hyphens are the numbers of small countries."""
    typed = order.replace("|", mark).format(y=day.year % 100, m=day.month, d=day.day)
    assert lookup_key(typed, "FI") is None, f"{typed!r} is somebody's phone"


@given(days, st.sampled_from(["-", "+", "\u2013"]), st.integers(0, 9999), st.sampled_from([
    "{d:02}{m:02}{y:02}", "{d:02}.{m:02}.{y:02}", "{y:02}{m:02}{d:02}", "{c:02}{y:02}{m:02}{d:02}",
]))
@example(date(1990, 5, 4), "-", 1239, "{d:02}{m:02}{y:02}")
def test_an_identity_code_is_nobodys_phone(day: date, mark: str, number: int, order: str) -> None:
    """Law: a day of birth, a mark and four digits, as several countries write them."""
    day = day.replace(year=1900 + day.year % 100, day=min(day.day, 28))
    typed = order.format(c=19, y=day.year % 100, m=day.month, d=day.day) + f"{mark}{number:04}"
    taken = {country: key for country in ("FI", "SE", "DE", "US", "AT") if (key := lookup_key(typed, country)) is not None}
    assert taken == {}, f"{typed!r} is somebody's phone"


@pytest.mark.parametrize("typed", ["040.123.4567", "(040) 123-4567", "+358 (40) 123/45.67", "040/1234567", "+358.40.1234567"])
def test_marks_between_digits_say_nothing(typed: str) -> None:
    """People part their numbers as they like."""
    assert lookup_key(typed, "FI") == "+358401234567"


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
