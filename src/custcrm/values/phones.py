"""Phone numbers: as typed, and in E.164 for comparing and dialling. The names to know are `phone` and `lookup_key`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import attrs

from custcrm.values import places
from custcrm.values.errors import Malformed
from custcrm.values.texts import checked, trimmed

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

Phones: TypeAlias = Literal["valid", "possible"]
"""Which numbers are kept: those of ranges that are in use, or all that have a length which their country uses."""

PHONES: Final[tuple[Phones, ...]] = ("valid", "possible")

FEWEST: Final = 4
MOST: Final = 20
"""Digits of a number: E.164 has 15 at most, and in front of them stands what is dialled from abroad."""
LONGEST: Final = 64
"""Code points of a number as people type it, with an extension and a remark."""


_NO_REGION: Final = "001"
"""What the library calls the region of a country code without a country, such as +800."""

_WRITTEN = re.compile(r"[0-9\s+()\-./\u2010-\u2013]*")
_EXTENSION = re.compile(r"[0-9)]\s*[,;]?\s*(?:ext\b|extn\b|x|\#|;ext=)\s*[.:=]?\s*[0-9]{1,11}$", re.IGNORECASE)
_DECIMAL = re.compile(r"[+-]?[0-9]+\.[0-9]+|.*\.0|[^.]*\.00")
"""A number with a fraction, or anything with noughts behind a point, which a spreadsheet appends; pairs between points may end
in two."""
_SCIENTIFIC = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?E[+-]?[0-9]+", re.IGNORECASE)
_YEAR, _MONTH, _DAY = "(?:1[6-9]|2[01])[0-9]{2}", "(?:1[0-2]|0?[1-9])", "(?:3[01]|[12][0-9]|0?[1-9])"
_DATE = re.compile(
    rf"""(?:{_YEAR}[-./]{_DAY}[-./]{_DAY}|{_DAY}[-./]{_DAY}[-./]{_YEAR})[T\s/-].*
    |{_YEAR}[-./]{_MONTH}|{_MONTH}[-./]{_YEAR}
    |{_YEAR}[-./](?:[0-2][0-9]{{2}}|3[0-5][0-9]|36[0-6])
    |(?:{_DAY}[-./]){{4}}{_YEAR}""",
    re.VERBOSE,
)
"""What is a date when it is written plainly: a day with a time or another day after it; a month; a day by its number in the
year; days of one year on end."""

_DATE_OR_NATIONAL = re.compile(
    rf"""{_YEAR}[-./ ]{_DAY}[-./ ]{_DAY}|{_DAY}[-./ ]{_YEAR}[-./ ]{_DAY}|{_DAY}[-./ ]{_DAY}[-./ ]{_YEAR}
    |{_DAY}(?P<mark>[./]){_DAY}(?P=mark)[0-9]{{2}}""",
    re.VERBOSE,
)
"""What is a date unless its country writes numbers so: day, month and year in any order, with two digits for the year in one of
them. Pairs between hyphens are numbers of several countries, those between points of one, and one parts pairs and four digits
by blanks."""

_TWO_OF_MONTH, _TWO_OF_DAY = "(?:1[0-2]|0[1-9])", "(?:3[01]|[12][0-9]|0[1-9])"
_IDENTITY = re.compile(
    rf"""(?:{_TWO_OF_DAY}\.?{_TWO_OF_MONTH}\.?[0-9]{{2}}|(?:(?:1[89]|20)?[0-9]{{2}}{_TWO_OF_MONTH}{_TWO_OF_DAY}))
    (?:[-+][0-9]{{4,5}}|[-+A-FU-Y][0-9]{{3}}[0-9A-Z])""",
    re.IGNORECASE | re.VERBOSE,
)
"""A day of birth without marks, one mark, and a few digits: by what many countries know their people."""

_MARKS = re.compile(r"\s*([-./])[-./\s]*")
_BLANKS = re.compile(r"\s+")


@attrs.frozen(repr=False)
class Phone:
    """A number as somebody typed it and as networks know it, `+358401234567`."""

    as_typed: str
    e164: str

    def __repr__(self) -> str:
        return "<Phone>"  # a number is personal


def phone(text: object, country: str | None, *, phones: Phones = "valid", field: str = "phone") -> Phone:
    """Read a phone number; without a leading + it is one of `country` (ISO 3166 code, "FI").

    Raises `Malformed`, without the number in its message, unless it is written with digits, spaces and `+ ( ) - . /` alone, is
    no date, no decimal number and has no extension, and is valid: it lies in a range that its country's numbering plan gives
    to subscribers or services, of any kind, premium and free ones too. Whether somebody answers is not asked: numbers set
    aside for fiction are as valid as their range. Short ones (112) and those dialled only inside one town are refused.

    `phones="possible"` also takes what has merely a length that its country uses: new ranges are in use before a library
    learns of them.
    """
    typed = trimmed(checked(text, field=field))
    wrong = _mistaken(typed, country)
    if wrong is not None:
        raise Malformed(f"{field} {wrong}; write it like '+358 40 123 4567'", field=field)
    number = _parsed(typed, country)
    if number is not None:
        if phones == "valid":
            _refuse_invalid(number, country, field)
        return Phone(typed, _e164(number))
    if country is None and not typed.startswith("+") and any(character.isdigit() for character in typed):
        raise Malformed(f"{field} needs a country: begin with + and its code, or say country='FI'", field=field)
    raise Malformed(f"{field} is not a phone number; write it like '+358 40 123 4567'", field=field)


def lookup_key(text: str, country: str | None) -> str | None:
    """Return the E.164 form of a number in any spelling, or None when it is none; the country must be known.

    That it is possible is enough, so that every number is found that any store keeps.
    """
    number = _parsed(trimmed(text), country)
    return None if number is None else _e164(number)


def lookup_keys(text: str) -> Mapping[str, str]:
    """Return what a number without + is in each country where it can be one, by country; nothing for one with +."""
    import phonenumbers

    if trimmed(text).startswith("+") or not _WRITTEN.fullmatch(trimmed(text)):
        return {}
    keys = ((each, lookup_key(text, each)) for each in sorted(places.COUNTRIES & phonenumbers.SUPPORTED_REGIONS))
    return {country: key for country, key in keys if key is not None}


def dialled_at_home(number: str, country: str) -> tuple[str, ...]:
    """Return the digits by which a number in E.164 is dialled within the country; none where it is none of the country's.

    With and without what is dialled in front of it at home, or from abroad.
    """
    import phonenumbers

    found = _parsed(number, None)
    about = phonenumbers.PhoneMetadata.metadata_for_region(country)
    if found is None or about is None or about.country_code != found.country_code:
        return ()
    inside, code = phonenumbers.national_significant_number(found), str(found.country_code)
    national = phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.NATIONAL)
    ways = (national, *(f"{front}{inside}" for front in (about.national_prefix or "", "", code, f"00{code}", f"011{code}")))
    return tuple(dict.fromkeys(digits for way in ways if (digits := digits_of(way)) and lookup_key(way, country) == number))


def digits_of(text: str) -> str | None:
    """Return the digits of what is written as a phone number, of whatever country, with its + if it has one; else None."""
    typed = trimmed(text)
    digits = "".join(filter(str.isdigit, typed))
    if _mistaken(typed, None) is not None or not FEWEST <= len(digits) <= MOST:
        return None
    return f"+{digits}" if typed.startswith("+") else digits


def _parsed(typed: str, country: str | None) -> PhoneNumber | None:
    """Return the number that a text is, if it is possible: its country code exists, and its country has numbers so long."""
    import phonenumbers  # 0.1 s to import

    if country is not None:
        places.country(country)
    if len(typed) > LONGEST or _mistaken(typed, country) is not None:
        return None
    try:
        number = phonenumbers.parse(typed, country)
    except phonenumbers.NumberParseException:
        return None
    possible = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    return number if possible or phonenumbers.is_valid_number(number) else None


def _refuse_invalid(number: PhoneNumber, country: str | None, field: str) -> None:
    """Refuse a number in a range that is not in use, with one of its region that would be."""
    import phonenumbers

    if phonenumbers.is_valid_number(number):
        return
    code = number.country_code or 0
    regions = phonenumbers.region_codes_for_country_code(code)
    region = country if country in regions else regions[0]
    one = phonenumbers.example_number(region) or phonenumbers.example_number_for_non_geo_entity(code)
    like = f", which has numbers like {_e164(one)!r}" if one is not None else ""
    whose = f"+{code}" if region == _NO_REGION else f"{region} (+{code})"
    raise Malformed(
        f"{field} is no valid number of {whose}{like}; a store opened with phones='possible' takes it all the same", field=field
    )


def _e164(number: PhoneNumber) -> str:
    import phonenumbers

    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _mistaken(typed: str, country: str | None) -> str | None:
    """Return what a text is that a library would dial all the same, None for what may be a number.

    Letters would be dialled by their keys, and points and slashes dropped, so that a spreadsheet's number, a date or an
    identity code would be somebody's phone.
    """
    if len(typed) > LONGEST:
        return None
    if _EXTENSION.search(typed):
        return "has an extension, which cannot be kept; leave it out"
    plain = _plain(typed)
    if _SCIENTIFIC.fullmatch(typed) or _DECIMAL.fullmatch(plain):
        return "reads as a decimal number, as a spreadsheet writes it"
    if _DATE.fullmatch(plain) or (_DATE_OR_NATIONAL.fullmatch(plain) and not _is_national(typed, country)):
        return "reads as a date"
    if _IDENTITY.fullmatch(plain):
        return "reads as an identity code"
    if not _WRITTEN.fullmatch(typed):
        return "is not a phone number: it is written with digits, spaces and + ( ) - . / alone"
    return None


def _is_national(typed: str, country: str | None) -> bool:
    """Tell whether a text is, sign for sign, how a number is written in its country: 20.12.34 in New Caledonia."""
    import phonenumbers

    if country is None:
        return False
    try:
        number = phonenumbers.parse(typed, country)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL) == typed


def _plain(typed: str) -> str:
    """Return a text with a hyphen for each kind of dash and one mark or blank for several, without parentheses, blanks round
    marks, and marks at its ends: a date is one however it is set.
    """
    dashed = "".join("-" if _is_dash(each) else " " if each in "()" else each for each in typed)
    return _BLANKS.sub(" ", _MARKS.sub(r"\1", dashed)).strip("-./ ")


def _is_dash(character: str) -> bool:
    return character == "\N{MINUS SIGN}" or unicodedata.category(character) == "Pd"
