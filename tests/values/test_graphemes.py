"""Previews cut between what people take for characters."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custcrm.values.errors import Malformed
from custcrm.values.graphemes import preview

FAMILY = "👩‍👩‍👧"


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("", 3, ""), ("abc", 3, "abc"), ("abcd", 3, "abc…"), ("e\u0301e\u0301e\u0301", 2, "e\u0301e\u0301…"),
        (FAMILY * 3, 2, FAMILY * 2 + "…"), ("🇫🇮🇸🇪", 2, "🇫🇮🇸🇪"), ("🇫🇮🇸🇪", 1, "🇫🇮…"),
        ("a\r\nb", 2, "a\r\n…"), ("한국어", 1, "한…"),
    ],
)
def test_a_cluster_is_never_cut(text: str, most: int, shown: str) -> None:
    """Accents, flags and joined emoji count one and stay whole; an ellipsis says that there is more."""
    assert preview(text, most) == shown


@given(st.text(max_size=30), st.integers(1, 30))
def test_a_preview_is_a_beginning(text: str, most: int) -> None:
    """Law: the text itself, or a proper beginning of at most so many clusters; a longer preview begins like a shorter one."""
    shown = preview(text, most)
    assert shown == text or (text.startswith(shown[:-1]) and shown.endswith("…") and len(shown) <= len(text))
    assert preview(text, most + 1).startswith(shown.removesuffix("…") if shown != text else text)


@pytest.mark.parametrize("most", [0, -1, 1.0, True, "3", None])
def test_a_length_is_a_whole_number(most: Any) -> None:
    """Nothing can be shown in no character."""
    with pytest.raises(Malformed):
        preview("abc", most)
