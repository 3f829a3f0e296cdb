"""Sorted keeping for the memory store: `SortedKeys` for an index, `Ranked` for records in key order.

An index takes keys anywhere, so it is a sorted list in short pieces. Records mostly come in key order (their ids do), so one
list serves, searched by bisection, and gives a question all customers without a walk.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, Final


class _Missing:
    """Comes after every value, as missing values do in every order of a store."""

    __slots__ = ()

    def __lt__(self, other: object) -> bool:
        return False

    def __gt__(self, other: object) -> bool:
        return other is not self and other is not LAST

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


def sortable(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the values as a key to sort by, the missing ones last."""
    return tuple(MISSING if value is None else value for value in values) if None in values else values


class _Last(_Missing):
    """Comes after every value, the missing ones too."""

    __slots__ = ()

    def __gt__(self, other: object) -> bool:
        return True


LAST: Final = _Last()


class SortedKeys:
    """Distinct tuples in ascending order."""

    def __init__(self) -> None:
        from sortedcontainers import SortedList  # type: ignore[import-untyped]

        self._keys: Any = SortedList()

    def add(self, key: tuple[Any, ...]) -> None:
        """Put a key in its place."""
        self._keys.add(key)

    def remove(self, key: tuple[Any, ...]) -> None:
        """Take a key out; ValueError when it is not there."""
        self._keys.remove(key)

    def starting(self, prefix: tuple[Any, ...], after: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the keys that begin with `prefix`, in order; only those whose next values come after `after`."""
        found: Iterator[tuple[Any, ...]] = self._keys.irange((*prefix, *after, LAST) if after else prefix, (*prefix, LAST))
        return found


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
