"""Email addresses: checked, never changed. The name to know is `email`."""

from typing import Final

from custcrm.values.errors import Malformed
from custcrm.values.texts import checked

LONGEST: Final = 320
"""Parts of 64 and 255 and the @; the validator, which is stricter, need not read pages."""


def email(address: object, *, field: str = "email") -> str:
    """Return the address as given, byte for byte, only without white space at both ends (DESIGN 7).

    Raises `Malformed` where the syntax is wrong; the message does not repeat the address. Whether anybody reads it is
    not asked. Quoted local parts, address literals and domains without a dot are refused.
    """
    import email_validator  # lazily: it brings a DNS library, and embedders of the language check no address

    given = checked(address, field=field).strip()
    if len(given) > LONGEST or any(character in given for character in "\r\n"):
        raise Malformed(f"{field} must be one address on one line, like name@example.org", field=field)
    try:
        # The normalised form is thrown away: it lower-cases the domain, and identity is byte for byte.
        email_validator.validate_email(given, check_deliverability=False, test_environment=True)
    except email_validator.EmailNotValidError:
        # `from None`: the validator's sentence may quote parts of the address.
        raise Malformed(f"{field} is not an email address; write it like name@example.org", field=field) from None
    return given
