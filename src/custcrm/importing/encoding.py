"""The encoding of a file: told, said by the file, or a guess that is named as one. Know `find_encoding` and `spelled`."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from itertools import chain
from typing import IO, Final

import regex
from attrs import frozen

from custcrm.importing.beside import START, said_encoding
from custcrm.importing.guessing import CONSIDERED, WIDE, guess
from custcrm.values.errors import Malformed
from custcrm.values.texts import checked

SAMPLE: Final = 20_000
"""Bytes of lines that are not ASCII from which an encoding is guessed; the library looks at a part of them."""
MIXED: Final = 10
"""A file is in two encodings where more than one of so many of its letters is UTF-8 and no text in the other one."""

_BLOCK: Final = 1 << 20
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_ORDER: Final = re.compile("-(sig|le|be)$")
_NAMES: Final = {
    "utf-8": "UTF-8", "utf-8-sig": "UTF-8 with BOM", "utf-16": "UTF-16", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16",
}
MARK: Final = "\ufeff"
"""What a file may begin with, to say in which encoding it is; no part of its text."""
_SPELLED: Final = (
    (re.compile(r"cp(125[0-9])"), r"Windows-\1"),
    (re.compile(r"iso8859-([0-9]+)"), r"ISO-8859-\1"),
    (re.compile(r"mac-(.*)"), lambda found: f"Mac {found[1].title()}"),
    (re.compile(r"(koi8-.|euc_.*|gb.*)"), lambda found: found[1].upper().replace("_", "-")),
)

_OF_NO_FILES: Final = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "charmap"})
"""Codecs of single names, of Python's own source, and of a table that is given apart: no file is written in one."""

_LETTER: Final = re.compile("[^\x00-\x7f]")
_BAD_BYTE: Final = re.compile("[\udc80-\udcff]")
"""How a byte that is no UTF-8 is read with `surrogateescape`."""
_UTF8: Final = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_ASCII: Final = bytes(range(128))
_WORD: Final = regex.compile(r"[\p{L}\p{M}]+")


@frozen
class Encoding:
    """A codec by its name in Python, whether it is a guess, and the mark of the file, where the codec leaves it to us."""

    name: str
    is_guess: bool = False
    mark: str = ""


def spelled(codec: str) -> str:
    """Return the name of a codec as people know it: 'Windows-1252'."""
    if codec in _NAMES:
        return _NAMES[codec]
    for pattern, name in _SPELLED:
        if (found := pattern.fullmatch(codec)) is not None:
            return found.expand(name) if isinstance(name, str) else name(found)
    return codec


def told_encoding(name: str) -> str:
    """Return the codec of an encoding that was told; Malformed for one that there is not."""
    try:
        "".encode(checked(name, field="encoding"))
        codec = codecs.lookup(name).name
    except (LookupError, UnicodeError):  # there is none, it is none of texts, or it is the one that refuses everything
        codec = ""
    if not codec or codec in _OF_NO_FILES:
        raise Malformed(f"no encoding {name!r}; write utf-8, utf-16 or cp1252", field="encoding")
    return codec


def find_encoding(file: IO[bytes], told: str | None, country: str | None) -> Encoding:
    """Return the encoding told, or by its mark, else UTF-8 if the whole file is, else a guess from a part of it.

    A file of refused rows says how its source was read, so that telling it again says nothing new: it may have been saved as
    UTF-8 since. Another one that has more letters in UTF-8 than bytes that are none is a broken UTF-8 file, wherever they
    stand, and no other encoding: reading it as one would spoil every name. Malformed for a file of which nothing can be
    guessed, and for one that is in two encodings.
    """
    start = file.read(START)
    for mark, encoding in _MARKS:
        if start.startswith(mark) and told in (None, _ORDER.sub("", encoding), encoding):
            return Encoding(encoding, mark="" if encoding == "utf-8-sig" else MARK)
    said = said_encoding(start)
    if told is not None and said != spelled(told):
        return Encoding(told)
    if _is_utf8(file, mostly=said is None):
        return Encoding("utf-8")
    if told is not None:
        return Encoding(told)
    guessed = _guessed(file, country) if said is None else told_encoding(said)
    if guessed not in WIDE:
        _refuse_mixed(file, guessed)
    return Encoding(guessed, is_guess=True)


def _guessed(file: IO[bytes], country: str | None) -> str:
    sample = _sample(file)
    if b"\0" in sample:
        raise Malformed("the file contains NUL characters; is it a text file, or UTF-16 without its mark?", field="source")
    guessed = guess(sample, country)
    if guessed is None:
        names = ", ".join(map(spelled, CONSIDERED))
        raise Malformed(
            f"the file is in no encoding that is known here: UTF-8, UTF-16 and {names} were considered; is it a text file? "
            "say its encoding=", field="source",
        )
    return guessed


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the file from its start; no block ends between a CR and its LF."""
    file.seek(0)
    held = b""
    for block in iter(lambda: file.read(_BLOCK), b""):
        whole = held + block
        held = b"\r" if whole.endswith(b"\r") else b""
        if len(whole) > len(held):
            yield whole.removesuffix(held)
    if held:
        yield held


def _line_ends(block: bytes) -> int:
    """Return how many lines end: by LF, CR, or CR LF, which is one."""
    return block.count(b"\n") + block.count(b"\r") - block.count(b"\r\n")


def _is_utf8(file: IO[bytes], *, mostly: bool) -> bool:
    """Tell whether the file is UTF-8, or only `mostly`: more of it is than is not."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    letters = wrong = 0
    for block in chain(_blocks(file), [b""]):
        text = decoder.decode(block, final=not block)
        if not text.isascii():
            bad = len(_BAD_BYTE.findall(text))
            letters, wrong = letters + len(_LETTER.findall(text)) - bad, wrong + bad
    return letters >= wrong if mostly else not wrong


def _sample(file: IO[bytes]) -> bytes:
    """Return the first lines with bytes that are not ASCII."""
    file.seek(0)
    lines: list[bytes] = []
    room = SAMPLE
    for line in iter(lambda: file.readline(_BLOCK), b""):
        if not line.isascii():
            lines.append(line)
            room -= len(line)
        if room <= 0:
            break
    return b"".join(lines)


def _refuse_mixed(file: IO[bytes], guessed: str) -> None:
    """Refuse a file some of whose letters are in UTF-8: what they read as in the encoding guessed is no word."""
    letters = strange = lines = first = 0
    for block in _blocks(file):
        letters += len(block.translate(None, _ASCII))
        for found in _UTF8.finditer(block):
            if not _WORD.fullmatch(found[0].decode(guessed, "replace")):
                first = first or lines + _line_ends(block[: found.start()]) + 1
                letters, strange = letters - len(found[0]), strange + 1
        lines += _line_ends(block)
    if strange * MIXED > letters + strange:
        raise Malformed(
            f"line {first} is UTF-8, while most of the file seems to be {spelled(guessed)}; mend it, or say which encoding "
            "the file has", field="source",
        )
