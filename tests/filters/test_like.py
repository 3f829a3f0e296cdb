"""LIKE: pieces and greedy matching say what the table of prefixes says, and never take long."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from custcrm.filters.ir import patterns as like
from tests.filters.reference import TEXT_MEANINGS

LETTERS = st.text("ab%_\\", max_size=8)


@given(LETTERS, st.text("ab%_\\", max_size=10))
@example("a%a", "a")
@example("%ab%b", "ab")
@example("a%%_b", "aab")
def test_pieces_match_what_the_pattern_means(pattern: str, text: str) -> None:
    """Greedy search of the pieces is the same as trying every split of the text."""
    assert like.matches(like.pieces(pattern), text) == TEXT_MEANINGS["like"](text, pattern)


@given(LETTERS, st.text("ab", max_size=10))
def test_a_plainer_test_means_the_same(pattern: str, text: str) -> None:
    """What `simplify_pattern` calls a prefix, a suffix, a part or the whole is just that."""
    found = like.simplify_pattern(like.pieces(pattern))
    if found is not None:
        test, literal = found
        plainly = text == literal if test == "equals" else TEXT_MEANINGS[test](text, literal)
        assert plainly == like.matches(like.pieces(pattern), text)


@pytest.mark.parametrize(
    ("pattern", "pieces"),
    [
        ("", ((),)),
        ("%", ((), ())),
        ("A%", (("A",), ())),
        ("50\\%\\__%", (("50%_", None), ())),
        ("a\\b\\", (("a\\b\\",),)),
        ("\\\\%", (("\\",), ())),
        ("_🎉", ((None, "🎉"),)),
    ],
)
def test_pieces_of(pattern: str, pieces: like.Pieces) -> None:
    """A backslash escapes %, _ and itself; elsewhere, and at the end, it is a backslash."""
    assert like.pieces(pattern) == pieces


def test_a_strangers_pattern_takes_no_time() -> None:
    """No pattern back-tracks: thirty runs over 10,000 letters are a matter of milliseconds."""
    pattern = like.pieces("%a" * 30 + "_b%c")
    start = time.process_time()
    assert not like.matches(pattern, "a" * 10_000)
    assert time.process_time() - start < 1
