"""What an error suggests, tried out: `understood` reads a text, and what it raises suggests only what is understood.

Whoever finds a mistake sees a part of the matter: the parser knows no fields, a name not what it is compared with. So each
suggestion is put in its place and read; where that leads to a mistake right there, what is suggested of it is followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeVar

from custcrm.filters.syntax.errors import FilterError, advised

LONGEST: Final = 8_192
"""Characters of a text whose remedies are tried out: reading it a few times more takes no time that anybody notices."""
STEPS: Final = 3
"""Mistakes that are mended one behind the other in the same place: a name, what it is compared with, how that is written."""
MOST: Final = 24
"""Texts that are read for one error."""

Read = TypeVar("Read")


class _Mended(NamedTuple):
    """A text to put in a place; `whole` says that nothing else is wrong then, else there is a mistake somewhere else."""

    start: int
    end: int
    instead: str
    whole: bool


def understood(read: Callable[[str], Read], text: str) -> Read:
    """Return what a text is read as; the `FilterError` of one that is not understood suggests what is."""
    try:
        return read(text)
    except FilterError as error:
        if not error.suggestions or error.span is None or error.text != text or len(text) > LONGEST:
            raise
        raise _mended(error, _Trial(read, text)) from None


def _mended(error: FilterError, trial: _Trial) -> FilterError:
    mends = list(dict.fromkeys(trial.mends(error, STEPS)))
    mends = [each for each in mends if each.whole] or mends
    if not mends:
        return advised(error, (), error.span) if error.plain is None else _mended(error.plain, trial)
    start, end = min(each.start for each in mends), max(each.end for each in mends)
    texts = [error.text[start : each.start] + each.instead + error.text[each.end : end] for each in mends]
    found = advised(error, tuple(dict.fromkeys(texts)), (start, end))
    found.plain = None
    return found


class _Trial:
    """One text, and how often it may still be read with something else in a place."""

    def __init__(self, read: Callable[[str], object], text: str) -> None:
        self._read = read
        self._text = text
        self._left = MOST

    def mends(self, error: FilterError, steps: int) -> Iterator[_Mended]:
        """Yield what mends an error of the text, each suggestion followed to where it is understood."""
        for each in error.suggestions:
            yield from self._follow(error.position, error.end, each, steps)

    def _follow(self, start: int, end: int, instead: str, steps: int) -> Iterator[_Mended]:
        text = self._text[:start] + instead + self._text[end:]
        if text == self._text or self._left == 0:
            return
        self._left -= 1
        try:
            self._read(text)
        except FilterError as later:
            stop = start + len(instead)
            if later.text != text or later.span is None or not _touches(text, (start, stop), later.span):
                yield _Mended(start, end, instead, whole=False)
            elif steps > 1:
                first, last = min(start, later.position), max(stop, later.end)
                for each in later.suggestions:
                    mended = text[first : later.position] + each + text[later.end : last]
                    yield from self._follow(first, end + last - stop, mended, steps - 1)
            return
        yield _Mended(start, end, instead, whole=True)


def _touches(text: str, place: tuple[int, int], other: tuple[int, int]) -> bool:
    """Tell whether another place overlaps a place of a text, or follows it with nothing but blanks between.

    Where something was left out, what stood before it is looked at as well.
    """
    is_behind = other[1] > place[0] or (place[0] == place[1] == other[1])
    return is_behind and not text[place[1] : other[0]].strip()
