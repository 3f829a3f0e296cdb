"""Email addresses: checked, never changed. The name to know is `email`."""

import re
from functools import lru_cache
from typing import Final

from custcrm.values.errors import Malformed
from custcrm.values.texts import checked, trimmed

LONGEST: Final = 320
"""Parts of 64 and 255 and the @; the validator, which is stricter, need not read pages."""

REMEMBERED: Final = 4_096
"""Verdicts to keep: most customers of a shop share some dozens of domains, beside local parts of some dozen lengths."""

_PLAIN = re.compile(r"[\w!#$%&'*+\-/=?^`{|}~]+(?:\.[\w!#$%&'*+\-/=?^`{|}~]+)*", re.ASCII)
"""A dot-atom of RFC 5322, section 3.2.3. Of such a local part only its length matters to the validator."""


def email(address: object, *, field: str = "email") -> str:
    """Return the address as given, byte for byte, only without white space at both ends.

    Raises `Malformed` where the syntax is wrong; the message does not repeat the address. Whether anybody reads it is
    not asked. Quoted local parts, address literals and domains without a dot are refused.
    """
    given = trimmed(checked(address, field=field))
    if len(given) > LONGEST or "\r" in given or "\n" in given:
        raise Malformed(f"{field} must be one address on one line, like name@example.org", field=field)
    local, _, domain = given.partition("@")
    is_valid = _is_domain(domain, len(local)) if _PLAIN.fullmatch(local) else _is_address(given)
    if not is_valid:
        raise Malformed(f"{field} is not an email address; write it like name@example.org", field=field)
    return given


@lru_cache(REMEMBERED)
def _is_domain(domain: str, beside: int) -> bool:
    """Tell whether the domain makes an address with a plain local part of that length: the whole has a limit too."""
    return _is_address(f"{'a' * beside}@{domain}")


def _is_address(address: str) -> bool:
    import email_validator  # lazily: it brings a DNS library, and embedders of the language check no address

    try:
        # The normalised form is thrown away: it lower-cases the domain, and identity is byte for byte.
        email_validator.validate_email(address, check_deliverability=False, test_environment=True)
    except email_validator.EmailNotValidError:
        # The validator's sentence may quote parts of the address, so it goes no further.
        return False
    return True
