"""The shapes of what callers give, told from nonsense at the door: `mapping`, `several`, `flag` and
`whole_number`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from custcrm.values.errors import Malformed
from custcrm.values.spelling import nearest

K = TypeVar("K", bound=str)


def mapping(value: object, *, field: str) -> Mapping[str, Any]:
    """Return a mapping whose names are texts, as it is; anything else is `Malformed`."""
    if not isinstance(value, Mapping):
        raise Malformed(f"{field} must be a mapping, not {type(value).__name__}", field=field)
    for name in value:
        if not isinstance(name, str):
            raise Malformed(f"{field} has a name that is no text but {type(name).__name__}", field=field)
    return value


def several(value: object, *, field: str) -> list[Any]:
    """Return the items of a list or another iterable; a text, a mapping or what has no items is `Malformed`."""
    if isinstance(value, str | bytes | bytearray | Mapping) or not isinstance(value, Iterable):
        raise Malformed(f"{field} must be a list, even of one, not {type(value).__name__}", field=field)
    return list(value)


def flag(value: object, *, field: str) -> bool:
    """Return True or False as it is; what is only as good as true is `Malformed`."""
    if not isinstance(value, bool):
        raise Malformed(f"{field} is True or False, not {type(value).__name__}", field=field)
    return value


def whole_number(value: object, least: int, most: int | None, *, field: str, message: str | None = None) -> int:
    """Return a whole number from `least` to `most` (None: or more) as it is; another value is `Malformed`.

    Neither True nor a member of an IntEnum is one: what is kept and computed with is a plain int. The sentence says the
    range, unless a `message` says it better.

    >>> whole_number(3, 1, 10, field="count")
    3
    """
    if type(value) is not int or value < least or (most is not None and value > most):
        end = "on" if most is None else f"to {most:,}"
        raise Malformed(message or f"{field} is a whole number from {least:,} {end}", field=field)
    return value


def one_of(value: object, known: Iterable[K], *, field: str, message: str | None = None) -> K:
    """Return the one of the `known` words that a value is, of an enum its member; another value is `Malformed`.

    >>> one_of("gold", ("silver", "gold"), field="metal")
    'gold'
    """
    words = tuple(known)
    for word in words if isinstance(value, str) else ():
        if word == value:
            return word
    raise Malformed(
        message or f"{field} is one of {', '.join(words)}", field=field, suggestions=nearest(value, map(str, words))
    )
