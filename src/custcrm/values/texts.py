"""Texts: what may be stored, what counts as blank, and the folds of the filter language."""

import unicodedata
from collections.abc import Callable
from typing import Final

from custcrm.values.errors import Malformed

LONGEST: Final = 10_000
"""Code points in one stored text, unless its field says otherwise: a long note, not a file."""


_INVISIBLE: Final = (
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x2800, 0x2800), (0x3164, 0x3164), (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0x13430, 0x1343F), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
"""The property Default_Ignorable_Code_Point of Unicode, what else of category Cf has no glyph, and braille without a dot."""


def _characters(*ranges: tuple[int, int]) -> str:
    return "".join(chr(each) for first, last in ranges for each in range(first, last + 1))


_SPACES: Final = "".join(filter(str.isspace, _characters((0, 0x3000))))
_BLANK: Final = _SPACES + _characters((0, 0x1F), (0x7F, 0x9F), *_INVISIBLE)
"""What shows nothing: white space, controls (Cc), and what is invisible."""
_NOTHING: Final = frozenset(_BLANK)
_LOOKS: Final = _characters((0x180B, 0x180D), (0x180F, 0x180F), (0xFE00, 0xFE0F), (0xE0020, 0xE007F), (0xE0100, 0xE01EF))
"""What is invisible and says how the character before it looks: variation selectors, and tags of flags."""


def checked(text: object, *, field: str, limit: int = LONGEST) -> str:
    """Return `text` unchanged when it can be stored and sent as it is; one of a class of its own as a plain `str`.

    Raises `Malformed` for anything but a `str`, for NUL and lone surrogates (no database keeps them), and beyond
    `limit` code points. The message does not repeat the text.
    """
    if not isinstance(text, str):
        raise Malformed(f"{field} must be a text, not {type(text).__name__}", field=field)
    if len(text) > limit:
        raise Malformed(f"{field} has {len(text):,} characters; at most {limit:,} are allowed", field=field)
    if "\0" in text:
        raise Malformed(f"{field} contains a NUL character; remove it", field=field)
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise Malformed(f"{field} contains half a character (a lone surrogate); decode it again", field=field)
    return text if type(text) is str else str.__str__(text)


def trimmed(text: str) -> str:
    r"""Return a text without what has no glyph at its ends: white space, controls, what takes no place, fillers.

    What changes the look of the last character, such as an emoji's colour or a flag's letters, is part of it.

    >>> trimmed(" till 1\u200b ")
    'till 1'
    """
    if not text or (text[0] not in _NOTHING and text[-1] not in _NOTHING):
        return text
    seen = text.rstrip(_BLANK)
    behind = text[len(seen):]
    looks = 0 if seen[-1:].isascii() else len(behind) - len(behind.lstrip(_LOOKS))
    return (seen + behind[:looks]).lstrip(_BLANK) if seen else ""


def is_blank(text: str | None) -> bool:
    """Tell whether a text is missing, or shows nothing: it is empty, or has no character with a glyph."""
    return text is None or not trimmed(text)


class _Composed(Exception):
    """A letter folds otherwise beside others: it may be a mark, or become one with what stands before it."""


class _LetterByLetter(dict[int, str]):
    """What each letter folds to by itself, known once it was met: to look it up takes less than to fold each text."""

    def __init__(self, fold: Callable[[str], str]) -> None:
        self._fold = fold

    def __missing__(self, code: int) -> str:
        if not any(first <= code <= last for first, last in _ALONE):
            raise _Composed
        folded = self[code] = self._fold(chr(code))
        return folded


_ALONE: Final = ((0, 0x2FF), (0x370, 0x482), (0x48A, 0x52F), (0x1E00, 0x2027))
"""Latin, Greek, Cyrillic, punctuation: no marks, nor what joins the letter before it, so that texts fold letter by letter."""


def _without_case(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def _without_accents(text: str) -> str:
    letters = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(c for c in letters if unicodedata.category(c) != "Mn"))


_CASELESS: Final = _LetterByLetter(_without_case)
_ACCENTLESS: Final = _LetterByLetter(_without_accents)


def fold_case(text: str) -> str:
    """Return the text without differences of case, nor of how its letters are composed: CASEI, NFC of what NFD case-folds to.

    Unicode, section 3.13, calls texts with the same fold canonical caseless matches.
    """
    if text.isascii():
        return text.lower()
    try:
        return text.translate(_CASELESS)
    except _Composed:
        return _without_case(text)


def fold_accents(text: str) -> str:
    """Return the text without accents, NFC of NFD without the characters of category Mn: ACCENTI."""
    if text.isascii():
        return text
    try:
        return text.translate(_ACCENTLESS)
    except _Composed:
        return _without_accents(text)


def fold(text: str, case: bool = False, accent: bool = False) -> str:
    """Return the text as CASEI gives it (`case`), as ACCENTI does (`accent`), or as both: the accents of the text without case.

    >>> fold("José ÅSTRÖM", case=True), fold("José", accent=True), fold("José ÅSTRÖM", case=True, accent=True)
    ('josé åström', 'Jose', 'jose astrom')
    """
    if case:
        text = fold_case(text)
    return fold_accents(text) if accent else text
