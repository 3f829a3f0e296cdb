"""Which encoding bytes are in that do not say so: a guess, which a person must look at. The name to know is `guess`.

`charset-normalizer` tells which encodings the bytes may be in. Of short lists of names that leaves several, which it cannot
tell apart (a Finnish Å is a Polish Ĺ), so what looks odd in words, and then where the business is, decides between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import regex

PAGES: Final = (
    ("cp1252", "iso8859-15", "mac-roman", "cp850"),
    ("cp1250", "iso8859-2", "cp852", "mac-latin2"),
    ("cp1257", "iso8859-13", "cp775"),
    ("cp1251", "koi8-r", "koi8-u", "cp866", "iso8859-5", "mac-cyrillic"),
    ("cp1253", "iso8859-7", "cp737"),
    ("cp1254", "iso8859-9", "cp857"),
    ("cp1255",),
    ("cp1256",),
    ("cp1258",),
    ("cp874",),
    ("cp932", "euc_jp"),
    ("gb18030",),
    ("cp950",),
    ("cp949",),
)
"""The encodings that spreadsheets, tills and older systems write, a line for each region; the likeliest first."""

CONSIDERED: Final = tuple(page for pages in PAGES for page in pages)
WIDE: Final = frozenset(page for pages in PAGES[-4:] for page in pages)
"""Encodings in which a letter takes several bytes."""

_REGIONS: Final = (
    "", "AL BA CZ HR HU ME PL RO SI SK", "EE LT LV", "BG BY KG KZ MK MN RS RU TJ UA", "CY GR", "AZ TR", "IL",
    "AE BH DZ EG IQ JO KW LB LY MA OM QA SA SD SY TN YE", "VN", "TH", "JP", "CN SG", "HK MO TW", "KR",
)  # fmt: skip
_HOME: Final = {country: PAGES[at] for at, countries in enumerate(_REGIONS) for country in countries.split()}
"""What is written where; in all other countries, and where none is known, the first line."""

_ODD: Final = regex.compile(
    r"""[\x80-\x9F]                                                                 # a control character
    |(?<=\p{L})[^\x00-\x7F\p{L}\p{M}\u2019\u2013\u2014\u00B7](?=\p{L})         # a sign within a word: M„kinen
    |[[\p{S}\p{N}\u00B6\u2020\u2021]--[\x00-\x7F\u00B0]](?=\p{L})               # before one: £ucja, †ke
    |(?<=[\p{L}--[mM]])[\p{No}\p{Sc}\p{Sk}](?!\p{L})                             # after one, but of m²: Wisniewsk¹
    |(?<=\p{L})[\p{Lu}--[A-Z]](?=\p{Ll})|(?<=\p{Ll})[\p{Lu}--[A-Z]]             # a capital within a word: MŠkinen
    |[\p{Ll}--[a-z]](?=\p{Lu})
    |[\p{L}--\p{Latin}](?=[A-Za-z])                                              # two scripts in a word: KДS
    |(?<=[A-Za-z])[[\p{L}\p{M}]--[\p{Latin}\p{Inherited}]]""",
    regex.VERBOSE | regex.VERSION1,
)
_FOREIGN: Final = regex.compile(r"[^\x00-\x7F]")


def guess(sample: bytes, country: str | None) -> str | None:
    """Return the codec that the bytes are most probably in, None where they are no text in any that is considered.

    The one with the least odd words, of those the one that is written in the country of the business, else the likeliest.
    Encodings of several bytes a letter, in which any two bytes may be a word, are considered at home, else only where no other
    one is possible.
    """
    home = _HOME.get(country or "", PAGES[0])
    narrow = [page for page in CONSIDERED if page not in WIDE]
    possible = _possible(sample, CONSIDERED if home[0] in WIDE else narrow) or _possible(sample, CONSIDERED)
    odd = {page: _oddness(sample.decode(page)) for page in possible}
    if odd and min(odd.values()):
        # The library gives up on short lists of capitals and signs, in what is written here too.
        odd |= {page: _oddness(text) for page in home if (text := _decoded(sample, page)) is not None}
    order = (*home, *CONSIDERED)
    return min(odd, key=lambda page: (odd[page], order.index(page)), default=None)


def _decoded(sample: bytes, page: str) -> str | None:
    try:
        return sample.decode(page)
    except UnicodeDecodeError:
        return None


def _possible(sample: bytes, pages: Sequence[str]) -> list[str]:
    """Return the pages in which the library takes the bytes for a text."""
    import charset_normalizer

    names = {page.replace("-", "_"): page for page in pages}
    found = charset_normalizer.from_bytes(
        sample, cp_isolation=list(names), preemptive_behaviour=False, enable_fallback=False
    )
    # Pages that give the same text are one match of the library, under the name of one of them.
    return [names[name] for each in found for name in each.could_be_from_charset if name in names]


def _oddness(text: str) -> int:
    """Return the share of odd signs among those that are not ASCII, in steps of two percent: a few do stand beside letters."""
    return round(50 * len(_ODD.findall(text)) / max(1, len(_FOREIGN.findall(text))))
