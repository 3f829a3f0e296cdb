"""The shapes of what callers give, told from nonsense at the door: `mapping`, `several`, `flag` and
`whole_number`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from custcrm.values.errors import Malformed


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


def whole_number(value: object, least: int, most: int | None, *, field: str, rule: str | None = None) -> int:
    """Return a whole number from `least` to `most` (None: without end) as it is; another value is `Malformed`.

    `rule` is the sentence for people, where "… is a whole number from 1 to 10" does not tell enough. True is no number.

    >>> whole_number(3, 1, 10, field="points")
    3
    """
    if type(value) is not int or value < least or (most is not None and value > most):
        end = "on" if most is None else f"to {most:,}"
        raise Malformed(rule or f"{field} is a whole number from {least:,} {end}", field=field)
    return value
