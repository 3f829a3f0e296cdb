"""Parts of an SMS: against another library, and the laws of the standard."""

import pytest
import smsutil  # type: ignore[import-untyped]
from hypothesis import assume, given
from hypothesis import strategies as st

from custcrm.messaging import sms
from custcrm.messaging.sms import Encoding, Parts, forces_ucs2, parts

basic = st.sampled_from(sorted(sms.BASIC))
gsm = basic | st.sampled_from(sorted(sms.EXTENSION))
characters = gsm | st.sampled_from("🍷ж漢çä\U0001f1eb\U0001f1ee") | st.characters(exclude_categories=["Cs"])
long_texts = st.builds(lambda text, times: text * times, st.text(gsm | characters, max_size=40), st.integers(1, 12))
texts = st.text(gsm, max_size=400) | st.text(characters, max_size=200) | long_texts


def _bytes(text: str) -> int:
    return len(text.encode("utf-16-le"))


@given(text=texts)
def test_another_library_counts_the_same_parts(text):
    """The oracle, smsutil, splits every text into as many parts, of as many units.

    It lets the escape character through as a letter; in GSM-7 it only announces one of the extension, so ours takes UCS-2.
    """
    assume("\x1b" not in text)
    split, ours = smsutil.split(text), parts(text)
    per_unit = 1 if ours.encoding is Encoding.GSM_7 else 2
    assert (len(split.parts), split.total_bytes) == (ours.count, ours.units * per_unit)


@given(text=texts)
def test_the_encoding_is_ucs2_exactly_when_a_character_forces_it(text):
    """A text is GSM-7 if and only if no character forces UCS-2, and that one alone forces it too."""
    forcing = forces_ucs2(text)
    assert (parts(text).encoding is Encoding.UCS_2) == (forcing is not None)
    if forcing is not None:
        assert forcing in text
        assert parts(forcing).encoding is Encoding.UCS_2
        assert parts(text[: text.index(forcing)]).encoding is Encoding.GSM_7


@given(text=texts)
def test_units_are_what_the_encoding_needs(text):
    """UCS-2 units are those of UTF-16; GSM-7 units are the characters, extended ones twice."""
    match parts(text):
        case Parts(Encoding.UCS_2, units, _):
            assert units == _bytes(text) // 2
        case Parts(Encoding.GSM_7, units, _):
            assert units == len(text) + sum(character in sms.EXTENSION for character in text)


@given(text=texts)
def test_parts_are_enough_and_not_more_than_needed(text):
    """Units fit into the parts, of which each but the last has at most one unit of room left."""
    ours = parts(text)
    size = (sms.WHOLE if ours.count == 1 else sms.SPLIT)[ours.encoding]
    assert ours.units <= ours.count * size
    assert ours.count == 1 or ours.units > (ours.count - 1) * (size - 1)


@given(text=texts, more=texts)
def test_more_text_never_takes_fewer_parts(text, more):
    """A text takes at most as many parts as any that begins with it."""
    assert parts(text).count <= parts(text + more).count


@pytest.mark.feature("V30")
@pytest.mark.parametrize(
    ("text", "encoding", "units", "count"),
    [
        ("", Encoding.GSM_7, 0, 1),
        ("a" * 160, Encoding.GSM_7, 160, 1),
        ("a" * 161, Encoding.GSM_7, 161, 2),
        ("a" * 306, Encoding.GSM_7, 306, 2),
        ("a" * 307, Encoding.GSM_7, 307, 3),
        ("€" + "a" * 159, Encoding.GSM_7, 161, 2),
        ("{" * 80, Encoding.GSM_7, 160, 1),
        ("a" * 152 + "€" + "a" * 152, Encoding.GSM_7, 306, 3),  # the euro sign is not split
        ("ж" * 70, Encoding.UCS_2, 70, 1),
        ("ж" * 71, Encoding.UCS_2, 71, 2),
        ("ж" * 134, Encoding.UCS_2, 134, 2),
        ("ж" * 135, Encoding.UCS_2, 135, 3),
        ("🍷", Encoding.UCS_2, 2, 1),
        ("🍷" * 35, Encoding.UCS_2, 70, 1),
        ("\uffff" * 70, Encoding.UCS_2, 70, 1),  # the last of one unit
        ("\U00010000" * 35, Encoding.UCS_2, 70, 1),  # the first of two
        ("{" * 68 + "🍷", Encoding.UCS_2, 70, 1),  # a brace is one unit here
        ("ж" * 66 + "🍷" + "ж" * 66, Encoding.UCS_2, 134, 3),  # the emoji is not split
    ],
)
def test_parts_at_their_limits(text, encoding, units, count):
    """160 septets or 70 units in one part, 153 or 67 in each of several, and no character split."""
    assert parts(text) == Parts(encoding, units, count)


def test_the_alphabet_is_whole():
    """GSM-7 has 127 characters beside its escape, and ten by escape; none of them twice."""
    assert (len(sms.BASIC), len(sms.EXTENSION), sms.BASIC & sms.EXTENSION) == (127, 10, frozenset())
