"""What may be stored, and the folds of the language."""

import unicodedata
from typing import Final

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from custcrm.values import texts
from custcrm.values.errors import Malformed
from custcrm.values.identifiers import key_name
from custcrm.values.texts import checked, fold, fold_accents, fold_case, is_blank, trimmed

NO_GLYPH = regex.compile(
    r"[\p{Default_Ignorable_Code_Point}\p{White_Space}\p{Cc}\u2800]|[\p{Cf}--\p{Prepended_Concatenation_Mark}]", regex.V1)
"""By Unicode's properties: what nobody sees. Cf has signs that are seen, of Arabic numbers."""


def test_what_has_no_glyph_is_blank() -> None:
    """Law: of all characters, those which show nothing are blank, and no others."""
    different = [hex(at) for at in range(0x110000) if is_blank(chr(at)) != bool(NO_GLYPH.fullmatch(chr(at)))]
    assert different == []


@given(st.text(st.sampled_from(" \t\u3164\u2800\u200b\x1b\ufe0f\U000e0067")), st.text(st.characters(codec="utf-8")))
def test_a_trimmed_text_begins_and_ends_with_what_is_seen(blank: str, text: str) -> None:
    """Law: trimmed once is trimmed, from the first glyph to the last it is untouched, and blanks round it say nothing."""
    kept = trimmed(text)
    assert trimmed(kept) == kept and kept in text
    assert trimmed(blank + text) == kept and trimmed(text + " " + blank) == kept
    seen = [at for at, each in enumerate(text) if not NO_GLYPH.fullmatch(each)]
    assert (text[seen[0] : seen[-1] + 1] if seen else "") == kept[: seen[-1] + 1 - seen[0] if seen else None]


@pytest.mark.parametrize("text", ["Anna \u2764\ufe0f", "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
                                  "\u845b\U000e0100", "\u0600\u0661"])
def test_how_the_last_character_looks_is_kept(text: str) -> None:
    """A red heart, a flag, a form of a name's letter, the sign of an Arabic number; a plain letter has no other look."""
    assert trimmed(f" {text}\u200b") == text
    assert trimmed("r1\ufe0f") == "r1"


@given(st.text())
def test_accents_are_folded_as_defined(text: str) -> None:
    """Law: ACCENTI(x) is NFC of NFD(x) without characters of category Mn, ASCII or not."""
    letters = [c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn"]
    assert fold_accents(text) == unicodedata.normalize("NFC", "".join(letters))


@given(st.text(), st.booleans(), st.booleans())
def test_fold_is_case_first(text: str, case: bool, accent: bool) -> None:
    """Law: both folds together are ACCENTI(CASEI(x))."""
    expected = fold_case(text) if case else text
    assert fold(text, case, accent) == (fold_accents(expected) if accent else expected)


@given(st.text())
def test_case_is_folded_as_defined(text: str) -> None:
    """Law: CASEI(x) is NFC of the case fold of NFD(x); so texts that differ in how letters are composed have one fold."""
    decomposed = unicodedata.normalize("NFD", text)
    assert fold_case(text) == unicodedata.normalize("NFC", decomposed.casefold())
    assert fold_case(text) == fold_case(decomposed) == fold_case(unicodedata.normalize("NFC", text))


SECOND: Final = sorted({
    unicodedata.normalize("NFD", chr(at))[-1] for at in range(0x110000)
    if len(parts := unicodedata.decomposition(chr(at)).split()) == 2 and not parts[0].startswith("<")
})
"""What may become one letter with the one before it."""
MIXED: Final = st.text(st.one_of(
    st.characters(max_codepoint=0x2FF, exclude_categories=["Cs"]),
    st.characters(min_codepoint=0x370, max_codepoint=0x52F),
    st.characters(min_codepoint=0x1E00, max_codepoint=0x1FFF),
    st.sampled_from(SECOND), st.sampled_from("\u0345\u0483\u20ac\u1100\u1161\u11a8\uac00"),
))  # fmt: skip
"""Texts of letters that fold one by one, with marks and letters among them that do not."""


def test_letters_that_fold_by_themselves_have_no_part_in_others() -> None:
    """Law: of each, whatever it is folded to begins a letter of its own, so that a text of them folds letter by letter."""
    alone = [chr(at) for first, last in texts._ALONE for at in range(first, last + 1)]
    second = set(SECOND)
    for letter in alone:
        for folded in (letter, unicodedata.normalize("NFD", letter), fold_case(letter), fold_accents(letter)):
            assert folded and not unicodedata.combining(folded[0]) and folded[0] not in second, ascii(letter)


@given(MIXED)
def test_letters_are_folded_by_themselves_as_beside_others(text: str) -> None:
    """Law: the definitions hold of texts in which some letters are folded one by one, and others cannot be."""
    letters = unicodedata.normalize("NFD", text)
    assert fold_case(text) == unicodedata.normalize("NFC", letters.casefold())
    without = "".join(c for c in letters if unicodedata.category(c) != "Mn")
    assert fold_accents(text) == unicodedata.normalize("NFC", without)


@given(st.text(), st.sampled_from([(True, False), (False, True), (True, True)]))
def test_what_is_folded_stays_as_it_is(text: str, which: tuple[bool, bool]) -> None:
    """Law: a fold is its own fold, so that a constant that was folded once is found."""
    assert fold(fold(text, *which), *which) == fold(text, *which)


def test_fold_reads_names_alike() -> None:
    """José, JOSE and Jose meet."""
    assert {fold(name, True, True) for name in ("José", "JOSE", "Jose\u0301")} == {"jose"}


@pytest.mark.parametrize(("one", "other"), [("Straße", "STRASSE"), ("σίσυφος", "ΣΊΣΥΦΟΣ"), ("ﬁn", "FIN"), ("ǰ", "J\u030c")])
def test_case_is_folded_and_not_only_lowered(one: str, other: str) -> None:
    """What Unicode calls the same but for case is the same, also where a capital is two letters or two small ones are one."""
    assert fold_case(one) == fold_case(other)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=50))
def test_storable_text_is_returned_unchanged(text: str) -> None:
    """Law: checking never changes a text."""
    assert checked(text, field="note") is text


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x\udfffy", b"bytes", None, 5, "x" * 11])
def test_what_no_store_keeps_is_refused(text: object) -> None:
    """NUL, halves of characters, other types and too long texts are Malformed, and not repeated."""
    with pytest.raises(Malformed) as caught:
        checked(text, field="note", limit=10)
    assert caught.value.field == "note"
    assert str(caught.value).isprintable()


def test_blank() -> None:
    """Blank is missing, empty or only white space (V28)."""
    assert all(map(is_blank, [None, "", " \t\n\u00a0"]))
    assert not is_blank(" x ")


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, "a\nb", "a\tb", "a\u200bb", "a\u2028b", 7])
def test_keys_are_short_and_visible(name: object) -> None:
    """A key has 1 to 64 characters on one line."""
    with pytest.raises(Malformed) as caught:
        key_name(name, "program")
    assert caught.value.field == "name"


def test_keys_keep_their_spelling() -> None:
    """Only white space at the ends goes."""
    assert key_name("  Harbour till ", "terminal") == "Harbour till"
    assert key_name("é" * 64, "program") == "é" * 64
