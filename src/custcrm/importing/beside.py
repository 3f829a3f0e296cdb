"""What stands in front of rows that were refused, in the file that they are written to: why, and how their file was read.

Line and reason are a cell of each row. What was found out by the whole file, and cannot be by a few of its rows, is told by a
heading, so that they are read as they were: `refused_encoding=Windows-1251`, and `refused_labels=VIP,"a, b"` for the tags
without value. An import skips these columns. Know `Beside`, `is_beside`, `said_encoding` and `said_labels`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Final

from attrs import frozen

REFUSED_LINE: Final = "refused_line"
REFUSED_REASON: Final = "refused_reason"
_ENCODING: Final = "refused_encoding="
_LABELS: Final = "refused_labels="
_BETWEEN: Final = ","
"""What parts the keys in a heading, whatever parts the cells of the file."""
_SAID: Final = re.compile(
    rb'"?refused_line"?([^"\r\n])"?refused_reason"?\1(?:"refused_encoding=([^"]*)"|refused_encoding=(.*?)(?=\1|[\r\n]|\Z))'
)
"""How the header begins, before it is known in which encoding: in all that are guessed these letters are ASCII."""

START: Final = 1_000
"""Bytes of a file in which its encoding is said."""


def is_beside(heading: str) -> bool:
    """Tell whether a column is one that was put in front of refused rows."""
    return heading in (REFUSED_LINE, REFUSED_REASON) or heading.startswith((_ENCODING, _LABELS))


def encoding_heading(name: str) -> str:
    """Return the heading that says in which encoding the file is, of which its few rows may look like another one."""
    return _ENCODING + name


def said_encoding(start: bytes) -> str | None:
    """Return the name of the encoding that the `START` of a file says, None where it says none."""
    found = _SAID.match(start)
    return None if found is None else (found[2] or found[3] or b"").decode("ascii", "replace")


def labels_heading(keys: Collection[str]) -> str:
    """Return the heading that says of which keys the tags are labels."""
    return _LABELS + _BETWEEN.join(_quoted(key, _BETWEEN) for key in sorted(keys))


def said_labels(header: Sequence[str]) -> frozenset[str] | None:
    """Return the keys that a header says are labels, None where it says nothing of it."""
    told = [heading.removeprefix(_LABELS) for heading in header if heading.startswith(_LABELS)]
    return frozenset(key for each in told for key, _ in _cells(each, _BETWEEN) if key) if told else None


@frozen
class Beside:
    """Puts cells under these `headings` in front of the rows of a file, whose rows have so many `cells`.

    The first `earlier` of those are such cells already, of an earlier time, and make room; `reasons` are what a row is refused
    for.
    """

    delimiter: str
    headings: Sequence[str]
    reasons: Collection[str]
    cells: int
    earlier: int

    @classmethod
    def of(cls, header: Sequence[str], headings: Iterable[str], *, delimiter: str, reasons: Collection[str]) -> Beside:
        """Return what puts cells in front of the rows of a file with this header."""
        earlier = 0
        if tuple(header[:2]) == (REFUSED_LINE, REFUSED_REASON):
            earlier = next((at for at, each in enumerate(header) if not is_beside(each)), len(header))
        return cls(delimiter, (REFUSED_LINE, REFUSED_REASON, *headings), reasons, len(header), earlier)

    def header(self, text: str) -> str:
        """Return the header without its line end, letter for letter, behind the headings."""
        return self._behind(self.headings, text)

    def row(self, text: str, line: int, reason: str) -> str:
        """Return a row without its line end, letter for letter, behind what is told of it."""
        return self._behind([str(line), reason, *[""] * (len(self.headings) - 2)], text)

    def _behind(self, told: Sequence[str], text: str) -> str:
        cells = (_quoted(each, self.delimiter) for each in told)
        return self.delimiter.join([*cells, text[self._start(text) :].rstrip("\r\n")])

    def _start(self, text: str) -> int:
        """Return where a row's own cells begin: behind those of an earlier time, if it has them."""
        found = list(_cells(text.rstrip("\r\n"), self.delimiter)) if self.earlier else []
        if len(found) == self.cells:
            own = self.earlier
        elif len(found) > 1 and self._is_told(found[0][0], found[1][0]):
            own = 2 + sum(1 for _ in takewhile(lambda each: not each[0], found[2 : self.earlier]))
        else:
            own = 0  # somebody may have put in a row without them
        return found[own][1] if own < len(found) else 0

    def _is_told(self, line: str, reason: str) -> bool:
        return (not line or line.isdecimal()) and (not reason or reason in self.reasons)


def _quoted(cell: str, delimiter: str) -> str:
    """Return a cell as it is written between these delimiters."""
    if any(each in cell for each in (delimiter, '"', "\r", "\n")):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _cells(text: str, delimiter: str) -> Iterator[tuple[str, int]]:
    """Yield the cells of a row that can be read, of any length, and where each begins."""
    mark = re.escape(delimiter)
    for found in re.finditer(rf'(?:^|{mark})("(?:[^"]|"")*"|[^"{mark}][^{mark}]*|)', text):
        cell = found[1]
        yield (cell[1:-1].replace('""', '"') if cell.startswith('"') else cell), found.start(1)
