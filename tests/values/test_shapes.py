"""The shapes of what callers give: numbers and words are told from nonsense at the door."""

from enum import IntEnum, StrEnum

import pytest

from custcrm.values.errors import Malformed
from custcrm.values.shapes import one_of, whole_number


class Count(IntEnum):
    SIX = 6


class Metal(StrEnum):
    SILVER = "silver"
    GOLD = "gold"


@pytest.mark.parametrize("value", [True, 6.0, "6", None, Count.SIX, 0, 11])
def test_only_plain_numbers_of_the_range_are_whole_numbers(value: object) -> None:
    """What is kept and computed with is an int and nothing that only counts as one; the sentence says both ends."""
    with pytest.raises(Malformed, match="count is a whole number from 1 to 10"):
        whole_number(value, 1, 10, field="count")


def test_a_word_nearly_right_is_suggested_as_it_is_written() -> None:
    """The suggestion is the word itself, also where the words are members of an enum."""
    with pytest.raises(Malformed) as caught:
        one_of("gol", Metal, field="metal")
    assert caught.value.suggestions == ("gold",)
    assert [type(each) for each in caught.value.suggestions] == [str]
    assert one_of("gold", Metal, field="metal") is Metal.GOLD
