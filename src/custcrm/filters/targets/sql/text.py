"""Text tests in SQL: LIKE, CONTAINS, STARTS WITH, ENDS WITH, exact to the code point on SQLite and PostgreSQL."""

from __future__ import annotations

import sys
from typing import Any as Anything
from typing import Final, assert_never

import sqlalchemy as sa

from custcrm.filters.ir import patterns
from custcrm.filters.ir.nodes import Choose, Column, Constant, Entry, Folded, Matches, Value
from custcrm.filters.targets.sql.phrases import (
    ByCodePoint,
    Contains,
    EndsWith,
    Exactly,
    Like,
    LongLike,
    StartsWith,
    StartsWithLast,
)
from custcrm.filters.targets.sql.source import Element
from custcrm.filters.types.types import Choice, Text

LONGEST_GLOB: Final = 50_000
"""SQLite's limit for the pattern of GLOB, in bytes."""

_GLOB: Final = str.maketrans({special: f"[{special}]" for special in "*?["})
_LIKE: Final = str.maketrans({special: f"\\{special}" for special in "%_\\"})
_BEFORE_SURROGATES: Final = 0xD7FF
_AFTER_SURROGATES: Final = 0xE000


def is_text(node: Value) -> bool:
    """Tell whether a value is a text, by its type."""
    match node:
        case Constant(value):
            return isinstance(value, str)
        case Column(type=kind) | Entry(type=kind):
            return isinstance(kind, Text | Choice)
        case Choose(_, then, _):
            return is_text(then)
        case _:
            return isinstance(node, Folded)


def exactly(text: Element) -> Element:
    """Return a text that is compared for equality, byte by byte."""
    return ordered(text) if _has_collation(text) else Exactly(text, type_=text.type)


def ordered(text: Element) -> Element:
    """Return a text that is compared by order of code points."""
    return ByCodePoint(text, type_=text.type)


def _has_collation(text: Element) -> bool:
    """Tell whether the column is known to have a collation that may call two different texts equal."""
    return getattr(text.type, "collation", None) not in (None, "C", "POSIX", "BINARY")


def matches(node: Matches, text: Element) -> sa.ColumnElement[bool]:
    """Return whether the text matches, NULL where it is missing."""
    if _has_collation(text):
        text = ordered(text)
    literal = patterns.literal(node.pieces)
    match node.test:
        case "like":
            return _like(node.pieces, text)
        case "contains":
            return Contains(text, _bind_text(literal)) if literal else text.is_not(None)
        case "starts_with":
            return _starts_with(literal, text)
        case "ends_with":
            length = sa.bindparam(None, len(literal), sa.Integer(), unique=True)
            return EndsWith(text, _bind_text(literal), length) if literal else text.is_not(None)
        case _:
            assert_never(node.test)


def _starts_with(literal: str, text: Element) -> sa.ColumnElement[bool]:
    if not literal:
        return text.is_not(None)
    after = successor(literal)
    if after is None:
        return StartsWithLast(text, _bind_text(literal))
    return StartsWith(text, _bind_text(literal), _bind_text(after))


def successor(prefix: str) -> str | None:
    """Return the first text, by code point, after all that start with the prefix; None when there is none."""
    kept = prefix.rstrip(chr(sys.maxunicode))
    if not kept:
        return None
    last = ord(kept[-1])
    return kept[:-1] + chr(_AFTER_SURROGATES if last == _BEFORE_SURROGATES else last + 1)


def _like(pieces: patterns.Pieces, text: Element) -> sa.ColumnElement[bool]:
    glob = "*".join("".join("?" if part is None else part.translate(_GLOB) for part in piece) for piece in pieces)
    pattern = "%".join("".join("_" if part is None else part.translate(_LIKE) for part in piece) for piece in pieces)
    phrase = Like if len(glob.encode()) <= LONGEST_GLOB else LongLike
    return phrase(text, _bind_text(glob), _bind_text(pattern))


def _bind_text(value: str) -> sa.BindParameter[Anything]:
    return sa.bindparam(None, value, type_=sa.Text(), unique=True)
