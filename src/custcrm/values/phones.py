"""Phone numbers: as typed, and in E.164 for comparing and dialling. The names to know are `phone` and `lookup_key`."""

from typing import Final

import attrs

from custcrm.values.errors import Malformed
from custcrm.values.identifiers import trimmed
from custcrm.values.texts import checked

LONGEST: Final = 64
"""Code points of a number as people type it, with an extension and a remark."""


@attrs.frozen(repr=False)
class Phone:
    """A number as somebody typed it and as networks know it, `+358401234567`."""

    as_typed: str
    e164: str

    def __repr__(self) -> str:
        return "<Phone>"  # a number is personal


def phone(text: object, country: str | None, *, field: str = "phone") -> Phone:
    """Read a phone number; without a leading + it is one of `country` (ISO 3166 code, "FI").

    Raises `Malformed`, without the number in its message, unless the number is possible: its country code exists and
    it has a length that country uses. It need not be in a known range (new ranges appear before libraries learn
    of them), but a number that can be dialled only inside its own town is refused.
    """
    typed = trimmed(checked(text, field=field))
    key = lookup_key(typed, country)
    if key is not None:
        return Phone(typed, key)
    if country is None and not typed.startswith("+") and any(character.isdigit() for character in typed):
        raise Malformed(f"{field} needs a country: begin with + and its code, or say country='FI'", field=field)
    raise Malformed(f"{field} is not a phone number; write it like '+358 40 123 4567'", field=field)


def lookup_key(text: str, country: str | None) -> str | None:
    """Return the E.164 form of a number in any spelling, or None when it is none; the country must be known."""
    import phonenumbers  # 0.1 s to import

    if country is not None and country not in phonenumbers.SUPPORTED_REGIONS:
        raise Malformed(f"{country!r} is no ISO 3166 country code; write two capitals, e.g. 'FI'", field="country")
    if len(text) > LONGEST:
        return None
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
