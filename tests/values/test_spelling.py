"""Suggestions are the nearest names, and never far ones."""

from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from custcrm.values.spelling import LONGEST, nearest

names = st.text("abcd", min_size=1, max_size=9)


def alignment(a: str, b: str) -> int:
    """Return the optimal string alignment distance straight from its recursive definition."""

    @cache
    def upto(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        best = min(upto(i - 1, j) + 1, upto(i, j - 1) + 1, upto(i - 1, j - 1) + (a[i - 1] != b[j - 1]))
        if i > 1 and j > 1 and a[i - 2 : i] == b[j - 1] + b[j - 2]:
            best = min(best, upto(i - 2, j - 2) + 1)
        return best

    return upto(len(a), len(b))


@given(names, st.lists(names, max_size=12, unique=True), st.integers(1, 4))
def test_nearest_is_the_definition(name: str, candidates: list[str], limit: int) -> None:
    """Law: the candidates within 1 … a third of the length, sorted by distance, ties in the given order."""
    near = [(alignment(name, other), at, other) for at, other in enumerate(candidates)]
    expected = [other for far, _, other in sorted(near) if 1 <= far <= max(1, len(name) // 3)]
    assert nearest(name, candidates, limit=limit) == tuple(expected[:limit])


def test_examples() -> None:
    """Two neighbours swapped are one slip; a stranger and the very name itself are no suggestions."""
    assert nearest("contry", ["city", "coutnry", "country", "counter"]) == ("country", "coutnry")
    assert nearest("ab", ["ba", "xy", "ab"]) == ("ba",)
    assert nearest("zzz", ["country"]) == ()
    assert nearest("birthdate", ["brthdatexy", "birthdatexy"], limit=1) == ("birthdatexy",)
    assert nearest("x" * (LONGEST + 1), ["x" * LONGEST]) == ()
