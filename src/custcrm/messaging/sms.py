"""SMS: in how many parts a text is sent, which is what it costs (3GPP TS 23.038, 23.040). The name to know is `parts`.

A text of GSM-7 characters alone has septets, any other one UTF-16 units. A text that does not fit one part is sent in
several shorter ones, as each then carries a header; no character is ever split over two of them.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from attrs import frozen

BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The GSM-7 default alphabet but for its escape, which is no character of a text."""

EXTENSION: Final = frozenset("\f^{}\\[~]|€")
"""Characters that GSM-7 writes as an escape and another septet."""

_GSM_7: Final = BASIC | EXTENSION
_LAST_OF_ONE_UNIT: Final = "\uffff"


class Encoding(StrEnum):
    """How a text's characters are sent."""

    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


WHOLE: Final = {Encoding.GSM_7: 160, Encoding.UCS_2: 70}
"""Units of a text that is sent in one part: 140 bytes of 7-bit or 16-bit units."""

SPLIT: Final = {Encoding.GSM_7: 153, Encoding.UCS_2: 67}
"""Units of each part of a longer text: the header that joins the parts takes 6 of the 140 bytes."""


@frozen
class Parts:
    """What a text takes: `units` of its encoding (septets, or UTF-16 units), in `count` parts."""

    encoding: Encoding
    units: int
    count: int


def parts(text: str) -> Parts:
    """Return in how many parts a text is sent.

        parts("Hei")            # Parts(Encoding.GSM_7, units=3, count=1)
        parts("!" * 70 + "🍷")  # Parts(Encoding.UCS_2, units=72, count=2)

    An empty text takes one, as it is a message all the same.
    """
    encoding = Encoding.GSM_7 if _GSM_7.issuperset(text) else Encoding.UCS_2
    widths = list(_widths(text, encoding))
    units = sum(widths)
    return Parts(encoding, units, 1 if units <= WHOLE[encoding] else _filled(widths, SPLIT[encoding]))


def forces_ucs2(text: str) -> str | None:
    """Return the first character that GSM-7 has not, so that a part holds 70 instead of 160; None when it has all."""
    return next((character for character in text if character not in _GSM_7), None)


def _widths(text: str, encoding: Encoding) -> Iterable[int]:
    if encoding is Encoding.GSM_7:
        return (2 if character in EXTENSION else 1 for character in text)
    return (2 if character > _LAST_OF_ONE_UNIT else 1 for character in text)


def _filled(widths: Iterable[int], size: int) -> int:
    """Count the parts of `size` units that characters fill in order, none of them split."""
    count, room = 1, size
    for width in widths:
        if width > room:
            count, room = count + 1, size
        room -= width
    return count
