"""What a store of tables keeps beside a text so that it is found folded: engines fold otherwise than Python, or not at all.

The folds of a text are CASEI, ACCENTI and both. An engine can turn the letters of ASCII into small ones, which are the folds of
most texts; of every other text all three are kept, as JSON. The names to know are `kept_of` and `copies_of`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from operator import itemgetter
from typing import Any, Final

from custcrm.records.declaration import Copy, declaration
from custcrm.values.texts import fold_accents, fold_case

FOLDS: Final[tuple[tuple[bool, bool], ...]] = ((True, False), (False, True), (True, True))
"""The folds in the order in which they are kept: whether case, and whether accents are left out."""

_quoted: Final = json.encoder.encode_basestring  # as JSON has it, with letters beyond ASCII as they are
_IOTA: Final = "\u0345"  # the one mark that is a letter without case
_SMALL: Final = {capital: capital + 32 for capital in range(ord("A"), ord("Z") + 1)}


def folds_of(text: str | None) -> str | None:
    """Return the three folds of a text as a list in JSON; None where they are the text itself, with small letters of ASCII."""
    return None if text is None or text.isascii() else _folds_beside(text, fold_case(text))


def _folds_beside(text: str, without_case: str) -> str | None:
    without_accents = fold_accents(text)
    if without_accents.isascii() and _IOTA not in text:  # most of them, as José
        both = without_accents.lower()
    else:
        both = fold_accents(without_case)
        if without_accents == text and without_case == both == text.translate(_SMALL):
            return None
    return f"[{_quoted(without_case)},{_quoted(without_accents)},{_quoted(both)}]"


def kept_of(copy: Copy, text: str | None) -> str | None:
    """Return what a copy of the text holds."""
    if copy.whole:
        return None if text is None else fold_case(text)
    return folds_of(text)


@cache
def copies_of(record: type) -> Callable[[tuple[Any, ...]], tuple[str | None, ...]]:
    """Return the function from such a record's row to the copies that are kept beside it, in the order of the declaration."""
    about = declaration(record)
    folded = [copy.of for copy in about.copies if not copy.whole]
    if not folded:
        return lambda row: ()
    whole = [folded.index(copy.of) for copy in about.copies if copy.whole]
    places = [about.names.index(name) for name in folded]
    texts = itemgetter(*places) if len(places) > 1 else lambda row: (row[places[0]],)
    nothing: tuple[str | None, ...] = (None,) * len(places)

    def copies(row: tuple[Any, ...]) -> tuple[str | None, ...]:
        found = texts(row)
        # Most rows are of ASCII: asked of all texts together, that takes less than of each.
        if "".join(filter(None, found)).isascii():
            return (*[None if (text := found[at]) is None else text.lower() for at in whole], *nothing) if whole else nothing
        small, folds = [*found], [*nothing]
        for at, text in enumerate(found):
            if text is not None:
                small[at] = without_case = fold_case(text)
                folds[at] = None if text.isascii() else _folds_beside(text, without_case)
        return (*[small[at] for at in whole], *folds)

    return copies
