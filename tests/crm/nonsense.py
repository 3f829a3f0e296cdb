"""What no argument means, drawn by a `Random`: more of it, and deeper, than a table can hold. The name to know is `drawn`."""

import enum
import math
from collections import ChainMap, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import custcrm

SECRET: Final = "Qvzx"
"""Stands in texts that are given for what is personal: no error may tell it."""

PERSONAL: Final = frozenset({
    "first_name", "last_name", "company_name", "email", "phone", "card_number", "birth_date", "value", "any", "text", "summary",
    "agreed", "identity", "attributes", "title", "short_description", "notice",
})


class Text(str):
    """A text of a class of its own."""

    __slots__ = ()


class Number(enum.IntEnum):
    """A number of a class of its own."""

    FIVE = 5


class Sly:
    """Equals nothing, not even itself, and cannot be hashed."""

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


def deep(levels: int, *, of: Callable[[Any], Any]) -> Any:
    """Return something nested so often."""
    value: Any = "x"
    for _ in range(levels):
        value = of(value)
    return value


def cyclic() -> list[Any]:
    """Return a list that holds itself."""
    value: list[Any] = []
    value.append(value)
    return value


MAKERS: Final[Sequence[Callable[[Random], Any]]] = (
    lambda draw: draw.choice([None, ..., NotImplemented, object(), custcrm, Sly(), b"", b"\xff",
        bytearray(b"x")]),
    lambda draw: draw.choice([True, False, 0, -1, 1, Number.FIVE, 2**31, 2**63, -(2**63) - 1, 10**30, 10**400, -(10**5000)]),
    lambda draw: draw.choice([math.nan, math.inf, -math.inf, -0.0, 1.5, 1e308, 5e-324, complex(1, 1), Fraction(1, 3)]),
    lambda draw: Decimal(draw.choice(["NaN", "sNaN", "Infinity", "-Infinity", "1E+999999", "1E-999999", "-0", "0.001",
        "1E+20"])),
    lambda draw: draw.choice(["", " ", "\t\n", "\0", "\ud800", "\udfff x", "\u2028", "\ufeff", "\u202e", "x" * 201,
        "x" * 20_000]),
    lambda draw: draw.choice(["5", "-1", "1e9", "NaN", "null", "None", "true", "=1+1", "%s", "{name}", "';--", "../..", "a@b"]),
    lambda draw: draw.choice(["2026-02-30", "0001-01-01", "9999-12-31", "9999-12-31T23:59:59+00:00", "24:00", "yesterday"]),
    lambda draw: draw.choice(["1 fortnight", "-1 day", "99999999999 years", "P1D", "1 day 1 day", "0 days", "1.5 days"]),
    lambda draw: f"{SECRET}{draw.choice(['', '@', chr(0), chr(0xD800), ' ' * 300, 'x' * 20_000, '@example', '.0'])}",
    lambda draw: draw.choice([datetime(1, 1, 1), datetime(9999, 12, 31), datetime(2026, 1, 1),
        datetime.max.replace(tzinfo=UTC)]),
    lambda draw: draw.choice([datetime.min.replace(tzinfo=timezone(timedelta(hours=23))), date.max, date.min, time(1), UTC]),
    lambda draw: draw.choice([timedelta.max, timedelta.min, timedelta(0), timedelta(days=1)]),
    lambda draw: draw.choice([[], (), {}, set(), frozenset("ab"), range(3), deque("ab"), [None], {"": None}, {1: 1},
        {None: {}}]),
    lambda draw: draw.choice([(each for each in "ab"), iter([1]), MappingProxyType({"a": 1}), ChainMap({}), map(str, [1])]),
    lambda draw: deep(draw.choice([5, 300, 5_000]), of=draw.choice([lambda each: [each], lambda each: {"a": each}])),
    lambda draw: cyclic(),
    lambda draw: draw.choice([Path("/"), UUID(int=0), Text("x"), Text(""), custcrm.Money(1, "SEK"), ValueError("x")]),
    lambda draw: custcrm.Money(draw.choice([0, -1, 9 * 10**16, -9 * 10**16]), "EUR"),
    lambda draw: "[" * draw.choice([1, 100, 5_000]),
    lambda draw: "(" * draw.choice([1, 100, 5_000]) + "sales_count > 0",
)


def drawn(draw: Random, strangers: Sequence[Any]) -> Any:
    """Return nonsense; `strangers` are what belongs to another store."""
    if strangers and draw.random() < 0.1:
        return draw.choice(strangers)
    made = draw.choice(MAKERS)(draw)
    chance = draw.random()
    if chance < 0.1:
        return [made]
    if chance < 0.15:
        return {draw.choice(["a", "", "id", "first_name"]): made}
    return made


def inside(draw: Random, value: Any, nonsense: Any) -> Any:
    """Return a sensible value in which something is nonsense, or nonsense where it holds nothing."""
    if isinstance(value, Mapping) and value:
        name = draw.choice(sorted(value, key=str))
        if draw.random() < 0.1:
            return {**value, draw.choice(["no such", "", "id"]): nonsense}
        return {**value, name: inside(draw, value[name], nonsense)}
    if isinstance(value, list | tuple) and value:
        at = draw.randrange(len(value))
        return type(value)([*value[:at], inside(draw, value[at], nonsense), *value[at + 1 :]])
    return nonsense
