"""Sorted keeping for the memory store: `SortedKeys` for an index, `Ranked` for records in key order.

Both search by bisection. An index takes keys anywhere, so it is kept in short pieces; records mostly come in key order
(their ids do), so one list serves, and gives a question all customers without a walk.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Any, Final

PIECE: Final = 1_000
"""Keys in a piece before it is cut in two: short enough to insert into, long enough that there are few."""


class _Missing:
    """Comes after every value, as missing values do in every order of a store."""

    __slots__ = ()

    def __lt__(self, other: object) -> bool:
        return False

    def __gt__(self, other: object) -> bool:
        return other is not self

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


def sortable(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the values as a key to sort by, the missing ones last."""
    return tuple(MISSING if value is None else value for value in values) if None in values else values


class SortedKeys:
    """Distinct tuples in ascending order."""

    def __init__(self) -> None:
        self._pieces: list[list[tuple[Any, ...]]] = [[]]
        self._lasts: list[tuple[Any, ...]] = []  # of all pieces but the last one

    def add(self, key: tuple[Any, ...]) -> None:
        """Put a key in its place."""
        at = bisect_left(self._lasts, key)
        piece = self._pieces[at]
        if not piece or piece[-1] < key:
            piece.append(key)
        else:
            insort(piece, key)
        if len(piece) > PIECE:
            self._cut(at)

    def remove(self, key: tuple[Any, ...]) -> None:
        """Take a key out; KeyError when it is not there."""
        at = bisect_left(self._lasts, key)
        piece = self._pieces[at]
        place = bisect_left(piece, key)
        if place == len(piece) or piece[place] != key:
            raise KeyError(key)
        del piece[place]
        if not piece and len(self._pieces) > 1:
            self._pieces.pop(at)
            self._lasts.pop(min(at, len(self._lasts) - 1))

    def starting(self, prefix: tuple[Any, ...], after: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the keys that begin with `prefix`, in order; only those whose next values come after `after`."""
        low, length = prefix + after, len(prefix)
        skipped = len(low)
        first = bisect_left(self._lasts, low)
        for piece in self._pieces[first:]:
            for key in piece[bisect_left(piece, low) :]:
                if key[:length] != prefix:
                    return
                if not after or key[:skipped] != low:
                    yield key

    def _cut(self, at: int) -> None:
        piece = self._pieces[at]
        half = len(piece) // 2
        self._pieces[at : at + 1] = [piece[:half], piece[half:]]
        self._lasts.insert(at, piece[half - 1])


class Ranked:
    """Records by their key, in key order: `keys` and `records` run in step."""

    def __init__(self) -> None:
        self.keys: list[Any] = []
        self.records: list[Any] = []

    def put(self, key: Any, record: Any) -> None:
        """Put the record in its place, or in that of the one with its key."""
        if not self.keys or self.keys[-1] < key:
            self.keys.append(key)
            self.records.append(record)
            return
        at = bisect_left(self.keys, key)
        if self.keys[at] == key:
            self.records[at] = record
        else:
            self.keys.insert(at, key)
            self.records.insert(at, record)

    def remove(self, key: Any) -> None:
        """Take the record of a key out, which is there."""
        at = bisect_left(self.keys, key)
        del self.keys[at], self.records[at]

    def after(self, key: Any | None) -> list[Any]:
        """Return the records whose keys come after `key`, all when it is None."""
        if key is None:
            return self.records
        at = bisect_left(self.keys, key)
        return self.records[at + (at < len(self.keys) and self.keys[at] == key) :]
