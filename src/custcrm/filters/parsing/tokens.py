"""The words and signs of a text, read on demand from left to right. The names to know are `Tokens` and `Token`.

Nothing here raises but the limit of tokens: what cannot be read is a token of kind `bad`, and the parser, which knows
what it expected there, makes the error. All patterns are linear: repetition is possessive where one could look back.
"""

import re
import unicodedata
from typing import Final, NamedTuple, TypeAlias
from typing import Literal as OneOf

from custcrm.filters.syntax.constants import unstorable
from custcrm.filters.syntax.lexicon import NAME, NAME_PART, RESERVED
from custcrm.filters.syntax.limits import SEGMENTS, TOKENS, exceeded

# CQL2's white space.
_SPACE: Final = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_QUOTED: Final = '"(?:[^"]++|"")++"'

Kind: TypeAlias = OneOf["word", "name", "path", "number", "string", "value", "sign", "doesnt", "end", "bad"]


class Token(NamedTuple):
    """One word or sign: `text` is a word in capitals, a sign, a number's digits, or what a string, value or error says.

    `path` holds the segments of a name or path. A `bad` token has the kind of its error in `path`.
    """

    kind: Kind
    text: str
    start: int
    end: int
    path: tuple[str, ...] = ()


_NEXT: Final = re.compile(
    rf"""
    [{_SPACE}]*+
    (?: (?P<doesnt> [dD][oO][eE][sS][nN]['\u2019][tT](?![{NAME_PART}]) )
      | (?P<name>   {NAME} (?!\.) )
      | (?P<path>   (?:{NAME}|{_QUOTED}) (?:\.(?:[{NAME_PART}]++|{_QUOTED}))*+ )
      | (?P<number> (?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?[0-9]{{1,3}}+(?![0-9]))?+ )
      | (?P<string> '(?:[^']++|'')*+' )
      | (?P<value>  :{NAME} )
      | (?P<comment> -- | // | /\* )
      | (?P<sign>   <> | != | <= | >= | [=<>+\-*/%^(),] )
      | (?P<end>    \Z )
      | (?P<bad>    . )
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_TOUCHING: Final = re.compile(rf"[{NAME_PART}.]++|['\"]")
_SEGMENT: Final = re.compile(rf'\.?(?:"((?:[^"]++|"")*+)"|([{NAME_PART}]++))')

_LOOKALIKES: Final = {
    **dict.fromkeys("‘’‚‛′`´", "texts are written in straight single quotes: 'FI'"),
    **dict.fromkeys("“”„‟″«»", "texts are written in straight single quotes, names in straight double ones"),
    **dict.fromkeys("−–—‐‑‒", "minus is the hyphen of the keyboard: -"),
    **dict.fromkeys("×∗·", "times is written *"),
    **dict.fromkeys("÷∕⁄", "divided by is written /"),
    "≠": "not equal is written <>",
    "≤": "at most is written <=",
    "≥": "at least is written >=",
    "!": "not is written NOT, not equal <>",
    "&": "and is written AND",
    "|": "or is written OR",
    "#": "there are no comments",
    ";": "a filter is one condition, without ;",
    "[": "lists are written in parentheses: ('a', 'b')",
    "{": "groups are written in parentheses",
    "\\": "a quote inside a text is doubled: 'O''Hara'",
    ":": "a value given beside the text is written :name",
    "\u200b": "a zero-width space stands here; remove it",
    "\ufeff": "a byte order mark stands here; remove it",
    "\0": "a NUL character stands here; remove it",
}


class Tokens:
    """The tokens of a text, one after the other; `end` for ever after the last."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._left = TOKENS

    def next(self) -> Token:
        """Return the next token; raise `LimitExceeded` after 32,000."""
        match = _NEXT.match(self._text, self._at)
        assert match is not None  # the last alternatives take any character, and the end
        kind = str(match.lastgroup)
        start, end = match.span(kind)
        self._at = end
        self._left -= 1
        if self._left < 0 and kind != "end":
            raise exceeded("tokens", (start, end), self._text)
        piece = self._text[start:end]
        match kind:
            case "sign":
                return Token("sign", "<>" if piece == "!=" else piece, start, end)
            case "name":
                return self._read_name(piece, start, end)
            case "string" | "number" | "path":
                return self._read_delimited(kind, piece, start, end)
            case "value":
                return Token("value", piece[1:], start, end)
            case "doesnt" | "end":
                return Token(kind, "", start, end)
            case "comment":
                return _make_bad("character", "there are no comments; two minus signs need a space between them", start, end)
        return self._refuse_character(piece, start)

    def _read_name(self, piece: str, start: int, end: int) -> Token:
        # ASCII only: 'ı'.upper() is 'I', which would make a Turkish name a word.
        word = piece.upper() if piece.isascii() else ""
        if word in RESERVED:
            return Token("word", word, start, end, (piece,))
        return Token("name", word, start, end, (piece,))

    def _read_delimited(self, kind: OneOf["string", "number", "path"], piece: str, start: int, end: int) -> Token:
        if kind != "number" and (character := unstorable(piece)):
            return _make_bad("character", f"{character} stands in the quotes; remove it", start, end)
        if _TOUCHING.match(self._text, end):
            return self._refuse_number(start, end) if kind == "number" else self._refuse_touched(start, end)
        if kind == "string":
            return Token(kind, piece[1:-1].replace("''", "'"), start, end)
        if kind == "number":
            return Token(kind, piece, start, end)
        path = segments(piece)
        if len(path) > SEGMENTS:
            return _make_bad("syntax", "a path has at most 8 segments", start, end)
        return Token(kind, "", start, end, path)

    def _refuse_touched(self, start: int, end: int) -> Token:
        """Return the error for a string or name which something touches that cannot belong to it."""
        rest = _TOUCHING.match(self._text, end)
        stop = rest.end() if rest else end
        if self._text[start] == "'":
            return _make_bad("syntax", "the text ends before this; a quote inside a text is doubled: 'it''s'", end, stop)
        return _make_bad("syntax", "a name ends before this; single dots join names, texts follow an operator", end, stop)

    def _refuse_number(self, start: int, end: int) -> Token:
        rest = _TOUCHING.match(self._text, end)
        stop = rest.end() if rest else end
        digits = self._text[start:stop].replace("_", "")
        advice = f"; write {digits}" if digits.isascii() and digits.isdigit() else ""
        return _make_bad("number", f"not a number{advice}", start, stop)

    def _refuse_character(self, character: str, start: int) -> Token:
        if character == "'":
            return _make_bad("unterminated", "the text that starts here has no closing quote", start, len(self._text))
        if character == '"':
            if self._text.startswith('""', start):
                return _make_bad("syntax", "a name has one or more characters", start, start + 2)
            return _make_bad("unterminated", "the name that starts here has no closing quote", start, len(self._text))
        return _make_bad("character", _advise_on(character), start, start + 1)


def _advise_on(character: str) -> str:
    if character in _LOOKALIKES:
        return _LOOKALIKES[character]
    if "\ud800" <= character <= "\udfff":
        return "half a character (a lone surrogate) stands here; decode the text again"
    ascii_form = unicodedata.normalize("NFKC", character)
    if ascii_form != character and ascii_form.isascii() and ascii_form.isprintable():
        return f"write the ASCII character {ascii_form}"
    return "this character has no meaning outside of quotes"


def _make_bad(kind: str, message: str, start: int, end: int) -> Token:
    return Token("bad", message, start, end, (kind,))


def segments(text: str) -> tuple[str, ...]:
    """Return the segments of a written path: `tags."Family member"` is `("tags", "Family member")`."""
    return tuple(
        match[1].replace('""', '"') if match[1] is not None else match[2] for match in _SEGMENT.finditer(text)
    )


def is_path(text: str) -> bool:
    """Tell whether the whole text is one path, as JSON's `property` holds it; one reserved word counts as a name."""
    match = _NEXT.match(text)
    return (
        match is not None
        and match.lastgroup in ("name", "path")
        and match.span(match.lastgroup) == (0, len(text))
        and len(segments(text)) <= SEGMENTS
        and unstorable(text) is None
    )
