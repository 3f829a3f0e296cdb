"""Keys that people give to programs, points of sale, terminals and series. The name to know is `key_name`."""

import unicodedata
from typing import Final

from custcrm.values.errors import Malformed
from custcrm.values.texts import checked

LONGEST: Final = 64
"""Code points of a key: it stands in columns, filters and till receipts."""

_UNPRINTABLE = frozenset({"Cc", "Cf", "Zl", "Zp"})


def key_name(text: object, what: str) -> str:
    """Return the key for `what` ("program", "series" …), trimmed, spelling kept.

    Raises `Malformed` unless it has 1 to 64 characters, none of them a control, format or line separator character.
    """
    name = checked(text, field=what).strip()
    if not 1 <= len(name) <= LONGEST:
        raise Malformed(f"a {what} is named by 1 to {LONGEST} characters, not {len(name)}", field=what)
    if any(unicodedata.category(character) in _UNPRINTABLE for character in name):
        raise Malformed(f"the name of a {what} contains an invisible character; write it on one line", field=what)
    return name
