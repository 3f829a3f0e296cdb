"""Texts: what may be stored, what counts as blank, and the folds of the filter language."""

import unicodedata
from typing import Final

from custcrm.values.errors import Malformed

LONGEST: Final = 10_000
"""Code points in one stored text, unless its field says otherwise: a long note, not a file."""


def checked(text: object, *, field: str, limit: int = LONGEST) -> str:
    """Return `text` unchanged when it can be stored and sent as it is.

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
    return text


def is_blank(text: str | None) -> bool:
    """Tell whether a text is missing, empty or only white space."""
    return text is None or not text.strip()


def fold_case(text: str) -> str:
    """Return the text without differences of case: CASEI."""
    return text.casefold()


def fold_accents(text: str) -> str:
    """Return the text without accents, NFC of NFD without the characters of category Mn: ACCENTI."""
    if text.isascii():
        return text
    letters = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(c for c in letters if unicodedata.category(c) != "Mn"))


def fold(text: str, case: bool, accent: bool) -> str:
    """Return the text folded as asked; both together are ACCENTI(CASEI(text)), in whichever order they were written."""
    if case:
        text = fold_case(text)
    return fold_accents(text) if accent else text
