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

_TO_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_SMALL: Final = {capital: capital + 32 for capital in range(ord("A"), ord("Z") + 1)}


def folds_of(text: str | None) -> str | None:
    """Return the three folds of a text as a list in JSON; None where they are the text itself, with small letters of ASCII."""
    if text is None or text.isascii():
        return None
    without_case = fold_case(text)
    folds = [without_case, fold_accents(text), fold_accents(without_case)]
    small = text.translate(_SMALL)
    return None if folds == [small, text, small] else _TO_JSON(folds)


def kept_of(copy: Copy, text: str | None) -> str | None:
    """Return what a copy of the text holds."""
    if copy.whole:
        return None if text is None else fold_case(text)
    return folds_of(text)


@cache
def copies_of(record: type) -> Callable[[tuple[Any, ...]], tuple[str | None, ...]]:
    """Return the function from such a record's row to the copies that are kept beside it, in the order of the declaration."""
    about = declaration(record)
    whole = [(copy, about.names.index(copy.of)) for copy in about.copies if copy.whole]
    folded = [about.names.index(copy.of) for copy in about.copies if not copy.whole]
    if not folded:
        return lambda row: ()
    nothing = (None,) * len(folded)
    texts = itemgetter(*folded, folded[0])  # of one place too, it gives a tuple

    def copies(row: tuple[Any, ...]) -> tuple[str | None, ...]:
        found = texts(row)[:-1]
        # Most rows are of ASCII: asked of all texts together, that takes less than of each.
        plain = "".join([text for text in found if text is not None]).isascii()
        folds = nothing if plain else tuple([folds_of(text) for text in found])
        return (*[kept_of(copy, row[place]) for copy, place in whole], *folds) if whole else folds

    return copies
