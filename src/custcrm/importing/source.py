"""A CSV file as it is: its encoding and delimiter found or told, its rows with the line each begins on.

Nothing is guessed that could be wrong silently: UTF-8 is believed only when the whole file is, an encoding that is guessed
is named as a guess with samples, quotes are read strictly, and what cannot be read names its line. A file is read several
times; one that changes meanwhile is read no further. The name to know is `CsvSource`.
"""

from __future__ import annotations

import csv
import stat
from codecs import BOM_UTF8, getincrementaldecoder
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import file_digest
from io import BufferedReader, IncrementalNewlineDecoder, TextIOWrapper
from itertools import chain, islice, tee
from os import PathLike
from pathlib import Path
from typing import Any, Final, TypeAlias

from attrs import field, frozen

from custcrm.importing.beside import REFUSED_LINE, REFUSED_REASON
from custcrm.importing.encoding import MARK, find_encoding, spelled, told_encoding
from custcrm.values.errors import Malformed
from custcrm.values.formulas import told_delimiter
from custcrm.values.texts import trimmed

DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
"""What may stand between cells, with the names that people know."""

SAMPLE_ROWS: Final = 20
"""Rows after the header that must agree with a delimiter."""

SAMPLES: Final = 3
"""Values that are shown of a file whose encoding is a guess."""
SEEN: Final = 1_000
"""Lines with letters that are not ASCII of which these are chosen."""
SHOWN: Final = 40
"""Characters of a value that are shown: enough for a name."""

_BLOCK: Final = 1 << 20
_SMALL_BLOCK: Final = 1 << 16

Line: TypeAlias = tuple[int, int, list[str]]
"""A row: the line on which it begins, the one on which it ends, and its cells."""

State: TypeAlias = tuple[int, int, int, int]
"""Device, inode, size and time of the last change of a file: another one means that it was written to, or replaced."""


@frozen
class Piece:
    """Rows of a file that follow one another, and each as it stands in the file, with its line end."""

    rows: Sequence[Line] = field(repr=False)
    texts: Sequence[str] = field(repr=False)


@frozen(kw_only=True)
class CsvSource:
    """A file that has been looked at. `lines` counts its lines, for progress: by CR, LF and CR LF; a cell may span several.

    Where the encoding `is_guessed`, `samples` are a few values with the letters that it is about, each with its line. `state`
    is how the file was when it was looked at.
    """

    path: Path
    state: State = field(repr=False, eq=False)
    encoding: str
    delimiter: str
    header: tuple[str, ...]
    lines: int
    header_text: str = field(default="", repr=False)
    mark: str = field(default="", repr=False)
    is_guessed: bool = False
    samples: tuple[tuple[int, str], ...] = field(default=(), repr=False)

    @classmethod
    def look(
        cls,
        source: str | PathLike[str],
        *,
        encoding: str | None = None,
        delimiter: str | None = None,
        words: Collection[str] = (),
        country: str | None = None,
    ) -> CsvSource:
        """Find out how the file is written; `words` are cells that its header probably has, `country` is where it is probably
        from.

        Raises Malformed for an empty file, a file that is not in the encoding, and an unknown encoding or delimiter.
        """
        if not isinstance(source, str | PathLike):
            raise Malformed(f"a file is named by its path, not by a {type(source).__name__}", field="source")
        path = Path(source)
        told = None if encoding is None else told_encoding(encoding)
        state = _state(path)
        with _opened(path) as file:
            found = find_encoding(file, told, country)
        lines = _count_lines(path, found.name)
        filled = (text for text in _texts(path, found.name) if text.strip())
        sample = list(islice(filled, _sample_lines(SAMPLE_ROWS)))
        if not sample:
            raise Malformed("the file is empty; its first line names the columns", field="source")
        parted = _delimiter(sample, {*words, REFUSED_LINE, REFUSED_REASON}) if delimiter is None else told_delimiter(delimiter)
        samples = _samples(_texts(path, found.name), parted) if found.is_guess else ()
        (_, _, header), text = next(_read(_texts(path, found.name), parted))
        return cls(
            path=path, state=state, encoding=found.name, delimiter=parted, header=tuple(trimmed(cell) for cell in header),
            lines=lines, header_text=text, mark=found.mark, is_guessed=found.is_guess, samples=samples,
        )

    @property
    def description(self) -> str:
        """How the file is written, in words: 'UTF-8, comma'; 'Windows-1252 (a guess), comma'."""
        delimiter = DELIMITERS.get(self.delimiter, repr(self.delimiter))
        return f"{spelled(self.encoding)}{' (a guess)' if self.is_guessed else ''}, {delimiter}"

    def rows(self) -> Iterator[Line]:
        """Yield the rows after the header; Malformed, with the line, where the file cannot be read.

        Who reads to the end has read what was looked at: a file that changed is Malformed too, at the end if not before.
        """
        return (row for row, _ in self._rows())

    def pieces(self, size: int, done: int = 0) -> Iterator[Piece]:
        """Yield the rows after the header in pieces of `size`; one ends with the row that begins on the line `done`.

        Errors are those of `rows`; of a file that changed, no piece is yielded that was read since.
        """
        rows, texts = list[Line](), list[str]()
        for row, text in self._rows():
            rows.append(row)
            texts.append(text)
            if len(rows) == size or row[0] == done:
                self.require_unchanged()
                yield Piece(rows, texts)
                rows, texts = [], []
        if rows:
            yield Piece(rows, texts)

    def digest(self) -> str:
        """Return the SHA-256 of the file; Malformed for one that changed."""
        with _opened(self.path) as file:
            found = file_digest(file, "sha256").hexdigest()
        self.require_unchanged()
        return found

    def require_unchanged(self) -> None:
        """Raise Malformed where the file is not the one that was looked at, or was written to since."""
        if _state(self.path) != self.state:
            raise Malformed("the file changed while it was read; let nothing write to it, and import it again", field="source")

    def is_changed(self) -> bool:
        """Tell whether the file is another one than was looked at."""
        try:
            self.require_unchanged()
        except Malformed:
            return True
        return False

    def _rows(self) -> Iterator[tuple[Line, str]]:
        try:
            yield from islice(_read(_texts(self.path, self.encoding), self.delimiter), 1, None)
        except Malformed:
            self.require_unchanged()  # it explains a line that cannot be read
            raise
        self.require_unchanged()


def _read(texts: Iterator[str], delimiter: str) -> Iterator[tuple[Line, str]]:
    """Yield the rows of these lines, each with its text, but for blank ones, which are not kept."""
    read, behind = tee(texts)
    reader = csv.reader(read, delimiter=delimiter, strict=True)
    begin = 1
    try:
        for cells in reader:
            end = reader.line_num
            text = "".join(islice(behind, end - begin + 1))
            if cells:
                yield (begin, end, cells), text
            begin = end + 1
    except csv.Error as error:
        raise _unreadable(begin, _why(error)) from None


def _why(error: csv.Error) -> str:
    """Return what is wrong with a row: how long a cell may be is a setting of the process."""
    if str(error).startswith("field larger than"):
        limit = csv.field_size_limit()
        return f"has a cell of more than {limit:,} characters (csv.field_size_limit); is a quote not closed? Else raise it"
    return f"cannot be read as CSV ({error})"


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    """Open the file; Malformed where it cannot be opened, or read to its end."""
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise _no_file(path, error) from None


def _state(path: Path) -> State:
    """Return how the file is now; Malformed for what is none, such as a pipe, which would be waited for."""
    try:
        found = path.stat()
    except OSError as error:
        raise _no_file(path, error) from None
    except ValueError:  # a NUL, or half a character
        raise Malformed("source is no path that a file can have", field="source") from None
    if stat.S_ISDIR(found.st_mode):
        raise Malformed(f"{path} is a folder; name a file in it", field="source")
    if not stat.S_ISREG(found.st_mode):
        raise Malformed(f"{path} is a pipe or a device, which is read only once; write it to a file first", field="source")
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _no_file(path: Path, error: OSError) -> Malformed:
    return Malformed(f"{path} cannot be read: {error.strerror}", field="source")


def _texts(path: Path, encoding: str) -> Iterator[str]:
    """Yield the file's lines with their ends, cut at CR, LF and CR LF alone; Malformed names a line that is not text."""
    with _opened(path) as file, TextIOWrapper(file, encoding=encoding, newline="") as texts:
        try:
            yield from (first.removeprefix(MARK) for first in islice(texts, 1))
            yield from texts
        except UnicodeError:
            raise _undecodable(path, encoding) from None


def _undecodable(path: Path, encoding: str) -> Malformed:
    name = spelled(encoding)
    line, byte = _bad_byte(path, encoding) or (_decoded_lines(path, encoding) + 1, None)
    where = "" if byte is None else f" at byte {byte:,}"
    return _unreadable(line, f"is not {name}{where}; mend it, or say which encoding the file has")


def _decoded_lines(path: Path, encoding: str) -> int:
    """Return how many lines end before what is no text: it is looked for byte by byte in the block that it is in."""
    decoder, ends, lines = getincrementaldecoder(encoding)(), IncrementalNewlineDecoder(None, translate=True), 0
    with _opened(path) as file, suppress(UnicodeError):
        for block in iter(lambda: file.read(_SMALL_BLOCK), b""):
            state = decoder.getstate()
            try:
                lines += ends.decode(decoder.decode(block)).count("\n")
            except UnicodeError:
                decoder.setstate(state)
                for byte in block:
                    lines += ends.decode(decoder.decode(bytes([byte]))).count("\n")
    return lines + ends.decode("", final=True).count("\n")


def _bad_byte(path: Path, encoding: str) -> tuple[int, int] | None:
    """Return the first line with bytes that are no text, and which byte of it, from 1; None where lines cannot be told apart
    before decoding.
    """
    if "\n".encode(encoding).removeprefix(BOM_UTF8) != b"\n":
        return None
    with _opened(path) as file, TextIOWrapper(file, encoding="latin-1", newline="") as raw:  # each byte is a character
        for line, text in enumerate(raw, 1):
            try:
                text.encode("latin-1").decode(encoding)
            except UnicodeDecodeError as error:
                return line, error.start + 1
            except UnicodeError:
                return None
    return None


def _unreadable(line: int, why: str) -> Malformed:
    return Malformed(f"line {line} {why}", field="source")


def _samples(texts: Iterable[str], delimiter: str) -> tuple[tuple[int, str], ...]:
    """Return a few cells that show as many of the letters that are not ASCII as can be, each with its line."""
    told = islice(((line, text) for line, text in enumerate(texts, 1) if not text.isascii()), SEEN)
    cells = [(line, _excerpt(cell)) for line, text in told for cell in text.replace('"', "").split(delimiter)]
    left = [(line, cell, {letter for letter in cell if not letter.isascii()}) for line, cell in cells]
    chosen: list[tuple[int, str]] = []
    shown: set[str] = set()
    for _ in range(SAMPLES):
        line, cell, letters = max(left, key=lambda each: len(each[2] - shown), default=(0, "", set[str]()))
        if not letters - shown:
            break
        chosen.append((line, cell))
        shown |= letters
    return tuple(sorted(chosen))


def _excerpt(cell: str) -> str:
    """Return a cell, or as much of it as is shown, with the first letter that is not ASCII."""
    cell = cell.strip(" \t\r\n")
    at = next((at for at, letter in enumerate(cell) if not letter.isascii()), 0)
    start = max(0, at - SHOWN + 1)
    return cell[start : start + SHOWN]


def _count_lines(path: Path, encoding: str) -> int:
    """Return how many lines there are; the last one needs no end. Malformed names a line that is not text."""
    decoder = IncrementalNewlineDecoder(getincrementaldecoder(encoding)("replace"), translate=True)
    lines, last = 0, "\n"
    try:
        with _opened(path) as file:
            for block in chain(iter(lambda: file.read(_BLOCK), b""), [b""]):
                text = decoder.decode(block, final=not block)
                if (nul := text.find("\0")) >= 0:
                    line = lines + text.count("\n", 0, nul) + 1
                    raise _unreadable(line, "contains a NUL character; is it a text file, or UTF-16 without its mark?")
                lines += text.count("\n")
                last = text[-1:] or last
    except UnicodeError:
        raise _undecodable(path, encoding) from None
    return lines if last == "\n" else lines + 1


# delimiter ---------------------------------------------------------------------------------------


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
