"""Near spellings: what somebody who typed an unknown name probably meant. Know `nearest` and `quoted`."""

from collections.abc import Iterable
from typing import Final

LONGEST: Final = 64
"""Longer names get no suggestion: the distance costs the product of the lengths, and nobody mistypes a page."""


def nearest(name: object, candidates: Iterable[str], *, limit: int = 3) -> tuple[str, ...]:
    """Return the up to `limit` candidates nearest to `name`, best first, equally near ones in the order given.

    Near is an optimal string alignment distance (insert, delete, replace, swap of two neighbours cost 1) of at least 1
    and at most a third of the name's length, but 1 for the shortest names.
    Nothing is near to what is no text.
    """
    if not isinstance(name, str) or len(name) > LONGEST:
        return ()
    most = max(1, len(name) // 3)
    letters = set(name)
    found: list[tuple[int, str]] = []
    for candidate in dict.fromkeys(candidates):
        # Two cheap lower bounds of the distance spare nearly all of the tables.
        if abs(len(candidate) - len(name)) > most or len(letters.difference(candidate)) > most:
            continue
        distance = _distance(name, candidate, most)
        if 1 <= distance <= most:
            found.append((distance, candidate))
            found.sort(key=lambda pair: pair[0])
            del found[limit:]
            if len(found) == limit:
                most = found[-1][0] - 1  # from here on only a nearer one gets in
    return tuple(candidate for _, candidate in found)


def quoted(name: object) -> str:
    """Return how an error shows a name that was given: in quotes; what is no text is shown by its type alone."""
    return repr(name) if isinstance(name, str) else f"of type {type(name).__name__}"


def _distance(a: str, b: str, most: int) -> int:
    """Return the optimal string alignment distance of two texts, or any number above `most` when it is more."""
    same = 0
    while same < min(len(a), len(b)) and a[same] == b[same]:
        same += 1
    a, b = a[same:], b[same:]  # a common beginning costs nothing
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            cost = last[j - 1] if x == y else 1 + min(last[j - 1], last[j], row[j - 1])
            if i > 1 and j > 1 and x == b[j - 2] and y == a[i - 2]:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:  # no way from here, nor by a swap, is shorter
            return most + 1
        before, last = last, row
    return last[-1]
