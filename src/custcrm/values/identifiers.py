"""What things are known by: keys that people give to programs or series, and ids, references and codes from elsewhere.

White space round an identifier says nothing: it is taken off where one is stored and where one is looked up, and what is blank
is none (`values/texts.py` says what that is). The names to know are `identifier` and `key_name`.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, Final

from custcrm.values.errors import Malformed
from custcrm.values.shapes import mapping, several
from custcrm.values.texts import checked, trimmed

LONGEST: Final = 64
"""Code points of a key: it stands in columns, filters and till receipts."""

LIMIT: Final = 200
"""Code points of what other systems call something: an order's number, an id, a card."""

_UNPRINTABLE = frozenset({"Cc", "Cf", "Zl", "Zp"})


def identifier(text: object, *, field: str, limit: int = LIMIT) -> str:
    """Return what something is known by, trimmed; case and spelling are kept.

    Raises `Malformed` for what is no text, too long, or blank: a blank is nobody's id, and one who looks for it looks for
    nothing.
    """
    name = trimmed(checked(text, field=field))
    if not name:
        raise Malformed(f"{field} is blank; give what it is known by, or leave it out", field=field)
    return checked(name, field=field, limit=limit)


def optional(text: object, *, field: str, limit: int = LIMIT) -> str | None:
    """Return an identifier that may be left out: None stays None."""
    return None if text is None else identifier(text, field=field, limit=limit)


def identifiers(texts: object, *, field: str, limit: int = LIMIT) -> tuple[str, ...]:
    """Return several identifiers, given as a list or as one text."""
    told: Iterable[Any] = [texts] if isinstance(texts, str) else several(texts, field=field)
    return tuple(identifier(each, field=field, limit=limit) for each in told)


def identified(values: object, *, field: str, limit: int = LIMIT) -> Mapping[str, Any]:
    """Return a mapping by identifiers; two names that are one when trimmed are `Malformed`."""
    told = mapping(values, field=field)
    found = {identifier(name, field=field, limit=limit): value for name, value in told.items()}
    if len(found) < len(told):
        raise Malformed(f"{field} has a name twice: white space round a name says nothing", field=field)
    return found


def key_name(text: object, what: str, *, field: str = "name") -> str:
    """Return the key for `what` ("program", "series" …), trimmed, spelling kept; `field` is the argument that gives it.

    Raises `Malformed` unless it has 1 to 64 characters, none of them a control, format or line separator character.
    """
    name = trimmed(checked(text, field=field))
    if not name:
        raise Malformed(f"the name of a {what} is blank; give it one of 1 to {LONGEST} characters", field=field)
    if len(name) > LONGEST:
        raise Malformed(f"a {what} is named by 1 to {LONGEST} characters, not {len(name)}", field=field)
    if any(unicodedata.category(character) in _UNPRINTABLE for character in name):
        raise Malformed(f"the name of a {what} contains an invisible character; write it on one line", field=field)
    return name
