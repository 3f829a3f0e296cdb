"""LIKE patterns as pieces between `%` signs: `pieces` reads one, `matches` tries it on a text.

A piece is a tuple of literal texts and None, which is exactly one code point: `'a_b%'` is `(("a", None, "b"), ())`. The
text is searched greedily from left to right, so no pattern of a stranger can make it back-track.
"""

from __future__ import annotations

from typing import Final, TypeAlias
from typing import Literal as OneOf

from custcrm.filters.syntax.operators import TextOp

Piece: TypeAlias = tuple[str | None, ...]
Pieces: TypeAlias = tuple[Piece, ...]

ESCAPED: Final = frozenset("%_\\")
"""What a backslash makes literal; before anything else it is itself."""


def pieces(pattern: str) -> Pieces:
    """Read a LIKE pattern: `%` any run, `_` one code point; a backslash before `%`, `_` or itself makes it literal."""
    found: list[Piece] = []
    piece: list[str | None] = []
    literal: list[str] = []
    for character, special in _tokens(pattern):
        if not special:
            literal.append(character)
            continue
        piece += _end_literal(literal)
        if character == "_":
            piece.append(None)
        else:
            found.append(tuple(piece))
            piece = []
    return (*found, (*piece, *_end_literal(literal)))


def matches(pattern: Pieces, text: str) -> bool:
    """Tell whether the whole text matches the pieces."""
    first, *middle = pattern
    if not middle:
        return _length(first) == len(text) and _stands(first, text, 0)
    *middle, last = middle
    start, end = _length(first), len(text) - _length(last)
    if start > end or not (_stands(first, text, 0) and _stands(last, text, end)):
        return False
    for piece in middle:
        start = _find_piece(piece, text, start, end)
        if start < 0:
            return False
    return True


def simplify_pattern(pattern: Pieces) -> tuple[OneOf["equals"], str] | tuple[TextOp, str] | None:
    """Return the simpler test that a pattern comes to, with its one literal text, or None: `'A%'` is `starts_with 'A'`."""
    texts = ["".join(part for part in piece if part) if None not in piece else None for piece in pattern]
    match texts:
        case [str(text)]:
            return "equals", text
        case [str(text), ""]:
            return "starts_with", text
        case ["", str(text)]:
            return "ends_with", text
        case ["", str(text), ""]:
            return "contains", text
        case _:
            return None


def literal(pattern: Pieces) -> str:
    """Return the one literal text of pieces that are no pattern."""
    return "".join(part for piece in pattern for part in piece if part)


def _tokens(pattern: str) -> list[tuple[str, bool]]:
    """Return each character, and whether it is a wild card."""
    tokens = []
    escaped = False
    for position, character in enumerate(pattern):
        if escaped:
            tokens.append((character, False))
            escaped = False
        elif character == "\\" and pattern[position + 1 : position + 2] in ESCAPED:
            escaped = True
        else:
            tokens.append((character, character in "%_"))
    return tokens


def _end_literal(literal: list[str]) -> list[str]:
    text = "".join(literal)
    literal.clear()
    return [text] if text else []


def _length(piece: Piece) -> int:
    return sum(1 if part is None else len(part) for part in piece)


def _stands(piece: Piece, text: str, start: int) -> bool:
    """Tell whether the piece stands at `start`, where the text is long enough for it."""
    for part in piece:
        if part is None:
            start += 1
        elif text.startswith(part, start):
            start += len(part)
        else:
            return False
    return True


def _find_piece(piece: Piece, text: str, start: int, end: int) -> int:
    """Return where the leftmost piece within `start` … `end` stops, or -1; its longest literal leads the search."""
    length = _length(piece)
    anchor = max((part for part in piece if part), key=len, default=None)
    if anchor is None:
        return start + length if start + length <= end else -1
    before = _length(piece[: piece.index(anchor)])
    while True:
        place = text.find(anchor, start + before, end)
        if place < 0 or place - before + length > end:
            return -1
        if _stands(piece, text, place - before):
            return place - before + length
        start = place - before + 1
