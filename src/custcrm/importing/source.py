"""A CSV file as it is: its encoding and delimiter found or told, its rows with the line each begins on.

Nothing is guessed that could be wrong silently: UTF-8 is believed only when the whole file is, quotes are read strictly, and
what cannot be read names its line. The name to know is `CsvSource`.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Collection, Iterator
from io import TextIOWrapper
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import IO, Any, Final, TypeAlias

from attrs import evolve, field, frozen

from custcrm.values.errors import Malformed
from custcrm.values.identifiers import trimmed
from custcrm.values.texts import checked

DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
"""What may stand between cells, with the names that people know."""

SAMPLE_ROWS: Final = 20
"""Rows after the header that must agree with a delimiter."""

_BLOCK: Final = 1 << 20
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NAMES: Final = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8 with BOM", "utf-16": "UTF-16", "cp1252": "Windows-1252"}
_SINGLE_BYTE: Final = "cp1252"
"""What spreadsheets in western Europe write when they do not write UTF-8."""

_LETTER: Final = re.compile("[^\x00-\x7f]")
_BAD_BYTE: Final = re.compile("[\udc80-\udcff]")
"""How a byte that is no UTF-8 is read with `surrogateescape`."""

Line: TypeAlias = tuple[int, list[str], str]
"""The line on which a row begins, its cells, and its text as it stands in the file, with its line end."""


@frozen(kw_only=True)
class CsvSource:
    """A file that has been looked at. `lines` counts its lines, for progress; a cell may span several."""

    path: Path
    encoding: str
    delimiter: str
    header: tuple[str, ...]
    lines: int
    header_text: str = field(default="", repr=False)

    @classmethod
    def look(
        cls,
        source: str | PathLike[str],
        *,
        encoding: str | None = None,
        delimiter: str | None = None,
        words: Collection[str] = (),
    ) -> CsvSource:
        """Find out how the file is written; `words` are cells that its header probably has.

        Raises Malformed for an empty file, a file that is not in the encoding, and an unknown encoding or delimiter.
        """
        if not isinstance(source, str | PathLike):
            raise Malformed(f"a file is named by its path, not by a {type(source).__name__}", field="source")
        path = Path(source)
        told = None if encoding is None else _codec(encoding)
        with _opened(path) as file:
            found = _encoding(file, told)
            file.seek(0)
            lines = _count_lines(file)
        sample = list(islice(_texts(path, found), _sample_lines(SAMPLE_ROWS)))
        if not any(text.strip() for text in sample):
            raise Malformed("the file is empty; its first line names the columns", field="source")
        parted = _delimiter(sample, words) if delimiter is None else _told_delimiter(delimiter)
        look = cls(path=path, encoding=found, delimiter=parted, header=(), lines=lines)
        _, header, text = next(look._all())
        return evolve(look, header=tuple(trimmed(cell) for cell in header), header_text=text)

    @property
    def description(self) -> str:
        """How the file is written, in words: 'UTF-8, comma'."""
        delimiter = DELIMITERS.get(self.delimiter, repr(self.delimiter))
        return f"{_NAMES.get(self.encoding, self.encoding)}, {delimiter}"

    def rows(self) -> Iterator[Line]:
        """Yield the rows after the header; Malformed, with the line, where the file cannot be read."""
        return islice(self._all(), 1, None)

    def _all(self) -> Iterator[Line]:
        taken: list[str] = []
        reader = csv.reader(_noted(_texts(self.path, self.encoding), taken), delimiter=self.delimiter, strict=True)
        line = 1
        try:
            for cells in reader:
                if cells:
                    yield line, cells, "".join(taken)
                taken.clear()
                line = reader.line_num + 1
        except csv.Error as error:
            raise _unreadable(line, f"cannot be read as CSV ({error})") from None


def _noted(texts: Iterator[str], taken: list[str]) -> Iterator[str]:
    """Yield the texts, and note each that is taken."""
    for text in texts:
        taken.append(text)
        yield text


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise Malformed(f"{path} cannot be read: {error.strerror}", field="source") from None
    except ValueError:  # a NUL, or half a character
        raise Malformed("source is no path that a file can have", field="source") from None


def _texts(path: Path, encoding: str) -> Iterator[str]:
    """Yield the file's lines with their ends, cut at CR, LF and CR LF alone; Malformed names a line that is not text."""
    line = 0
    with _opened(path) as file, TextIOWrapper(file, encoding=encoding, newline="") as texts:
        try:
            for line, text in enumerate(texts, 1):
                if "\0" in text:
                    raise _unreadable(line, "contains a NUL character; is it a text file, or UTF-16 without its mark?")
                yield text
        except UnicodeError:
            # The wrapper decodes ahead in blocks: the line is found by decoding again, one at a time.
            raise _undecodable(path, encoding, line) from None


def _undecodable(path: Path, encoding: str, read: int) -> Malformed:
    name = _NAMES.get(encoding, encoding)
    line, byte = _bad_byte(path, encoding) or (read + 1, None)
    where = "" if byte is None else f" at byte {byte:,}"
    return _unreadable(line, f"is not {name}{where}; mend it, or say which encoding the file has")


def _bad_byte(path: Path, encoding: str) -> tuple[int, int] | None:
    """Return the first line with bytes that are no text, and which byte of it, from 1; None where lines cannot be told apart
    before decoding.
    """
    if encoding == "utf-16":
        return None
    with _opened(path) as file:
        for line, raw in enumerate(file, 1):
            try:
                raw.decode(encoding)
            except UnicodeDecodeError as error:
                return line, error.start + 1
            except UnicodeError:
                return None
    return None


def _unreadable(line: int, why: str) -> Malformed:
    return Malformed(f"line {line} {why}", field="source")


# encoding ----------------------------------------------------------------------------------------


def _codec(name: str) -> str:
    try:
        return codecs.lookup(checked(name, field="encoding")).name
    except LookupError:
        raise Malformed(f"no encoding {name!r}; write utf-8, utf-16 or cp1252", field="encoding") from None


def _encoding(file: IO[bytes], told: str | None) -> str:
    """Return the encoding told, or by its mark, else UTF-8 if the whole file is, else one byte a letter.

    A file that has more letters in UTF-8 than bytes that are none is a broken UTF-8 file, wherever they stand, and no other
    encoding: reading it as one would spoil every name.
    """
    start = file.read(4)
    for mark, encoding in _MARKS:
        if start.startswith(mark) and told in (None, encoding.removesuffix("-sig"), encoding):
            return encoding
    if told is not None:
        return told
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    letters = wrong = 0
    for block in iter(lambda: file.read(_BLOCK), b""):
        text = decoder.decode(block)
        if not text.isascii():
            bad = len(_BAD_BYTE.findall(text))
            letters, wrong = letters + len(_LETTER.findall(text)) - bad, wrong + bad
    return "utf-8" if letters >= wrong else _SINGLE_BYTE


def _count_lines(file: IO[bytes]) -> int:
    return sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK), b"")) + 1


# delimiter ---------------------------------------------------------------------------------------


def _told_delimiter(delimiter: str) -> str:
    if len(checked(delimiter, field="delimiter")) != 1 or delimiter in '"\r\n':
        raise Malformed("a delimiter is one character, such as ',' or ';'", field="delimiter")
    return delimiter


def _sample_lines(rows: int) -> int:
    """Lines to read for so many rows, when cells may span a few."""
    return 10 * rows


def _delimiter(sample: list[str], words: Collection[str]) -> str:
    """Return the delimiter by which the header has most known words; then, rows of one width; then, most columns."""
    return max(DELIMITERS, key=lambda delimiter: _fit(sample, delimiter, words))


def _fit(sample: list[str], delimiter: str, words: Collection[str]) -> tuple[int, bool, int]:
    rows: list[list[str]] = []
    reader: Any = csv.reader(iter(sample), delimiter=delimiter, strict=True)
    try:
        rows.extend(row for row in islice(reader, SAMPLE_ROWS) if row)
    except csv.Error:
        # The sample may end within a quoted cell; that is no fault after a row that could be read.
        if not rows:
            return 0, False, 0
    widths = {len(row) for row in rows}
    known = sum(cell.strip() in words for cell in rows[0])
    return known, len(widths) == 1, len(rows[0])
