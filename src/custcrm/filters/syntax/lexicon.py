"""What names and words are made of, for reading and for writing: letters and reserved words."""

import re
from typing import Final

# CQL2's identifierStart (without `:`, U+1680, U+FEFF and full-width punctuation) and identifierPart.
NAME_START: Final = (
    "A-Z_a-z\xc0-\xd6\xd8-\xf6\xf8-\u02ff\u0370-\u037d\u037f-\u167f\u1681-\u1ffe\u200c\u200d\u2070-\u218f\u2c00-\u2fef"
    "\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufefe\uff00\uff10-\uff19\uff21-\uff3a\uff3f\uff41-\uff5a\uff66-\ufffd"
    "\U00010000-\U000effff"
)
NAME_PART: Final = NAME_START + "0-9\u0300-\u036f\u203f-\u2040"
NAME: Final = f"[{NAME_START}][{NAME_PART}]*+"

RESERVED: Final = frozenset(
    {"AND", "OR", "NOT", "IN", "IS", "NULL", "LIKE", "BETWEEN", "DIV", "TRUE", "FALSE", "WHERE"}
)
"""Words that are no name, in any case; written in double quotes they are."""


_PLAIN_NAME: Final = re.compile(NAME)
_PLAIN_PART: Final = re.compile(f"[{NAME_PART}]++")


def is_plain(segment: str, *, first: bool) -> bool:
    """Tell whether a segment of a path can be written without quotes."""
    return (_PLAIN_NAME if first else _PLAIN_PART).fullmatch(segment) is not None
