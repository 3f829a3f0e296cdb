"""All records of one class in memory, with the declared indexes. The name to know is `Table`.

Records are frozen, so they are kept as they are. Facts lie together by the first column of their key, the customer;
what the key does not find, a `unique` or an `index` may; else all records are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

import attrs

from custcrm.records.declaration import declaration
from custcrm.storage.columns import reader, tuple_reader
from custcrm.storage.memory.order import Ranked, SortedKeys, sortable
from custcrm.storage.memory.sums import KeptSums, Totals

R = TypeVar("R")
Key = tuple[Any, ...]
MANY: Final = 200
"""Records of one customer from which on sums are kept: fewer are added up as quickly."""
NOTHING: Final[Mapping[Key, Any]] = {}


class Table:
    """Records of one class by key. It checks nothing: `clash` tells beforehand."""

    def __init__(self, record: type) -> None:
        declared = declaration(record)
        self.record = record
        self.key = declared.key
        self.key_of: Callable[[Any], Key] = tuple_reader(record, declared.key)
        self.records: dict[Key, Any] = {}
        self.parts: dict[Any, dict[Key, Any]] = {}  # by the key's first column, where it has more
        self.ranked = Ranked() if len(self.key) == 1 else None
        self._uniques = tuple(Unique(record, columns) for columns in declared.unique)
        self._open = Unique(record, declared.one_open, only_open=True) if declared.one_open else None
        self._clashing = (*self._uniques, self._open) if self._open else self._uniques
        by = (*declared.index, *((name,) for name in declared.sparse))
        self._indexes = [Index(record, columns) for columns in by if columns[0] != self.key[0]]
        self._caseless = dict.fromkeys(declared.without_case)  # those that nobody has asked for yet
        self._sums: dict[Key, dict[Any, KeptSums]] = {}  # by what was asked, then by the key's first column

    def part(self, first: Any) -> Mapping[Key, Any]:
        """Return the records whose key begins with this value, by key; a customer's own facts."""
        return self.parts.get(first, NOTHING)

    def clash(self, record: Any) -> tuple[str, ...]:
        """Return the first declared unique columns in which another record has the same values, else ()."""
        key = self.key_of(record)
        for unique in self._clashing:
            if unique.holder(record) not in {None, key}:
                return unique.columns
        return ()

    def set(self, key: Key, record: Any | None) -> Any | None:
        """Put the record under its key, None: take it away; return what was there."""
        before = self.records.pop(key, None) if record is None else self.records.get(key)
        if record is not None:
            self.records[key] = record
        self._place(key, record, before)
        for unique in self._clashing:
            unique.move(key, before, record)
        for index in self._indexes:
            index.move(key, before, record)
        for sums in self._sums.values():
            if key[0] in sums:
                sums[key[0]].move(before, record)
        return before

    def _place(self, key: Key, record: Any | None, before: Any | None) -> None:
        if self.ranked is not None:
            if record is not None:
                self.ranked.put(key[0], record)
            elif before is not None:
                self.ranked.remove(key[0])
        elif record is not None:
            self.parts.setdefault(key[0], {})[key] = record
        elif before is not None:
            part = self.parts[key[0]]
            del part[key]
            if not part:
                del self.parts[key[0]]

    def find(
        self,
        where: Mapping[str, Any],
        order: Sequence[str] = (),
        *,
        beginning: Mapping[str, str] | None = None,
        descending: bool = False,
        after: Sequence[Any] | None = None,
        limit: int | None = None,
    ) -> list[Any]:
        """Return what `Reader.find` yields."""
        chosen = _read_choices(where)
        wanted = _predicate(self.record, chosen, beginning or {})
        if not descending and (sequence := self._in_order(chosen, tuple(order), after)) is not None:
            return list(islice(filter(wanted, sequence), limit))
        found = [record for record in self._candidates(chosen) if wanted(record)]
        found.sort(key=self.key_of)
        read = tuple_reader(self.record, (*order,) or self.key)
        return _sort_by(found, lambda each: sortable(read(each)), after, descending=descending)[:limit]

    def count(self, where: Mapping[str, Any]) -> int:
        """Count what `find` would give."""
        chosen = _read_choices(where)
        return sum(map(_predicate(self.record, chosen, {}), self._candidates(chosen))) if where else len(self.records)

    def totals(
        self, where: Mapping[str, Any], by: tuple[str, ...], of: str, latest: str | None, beyond: Mapping[str, Any]
    ) -> Iterator[tuple[Any, ...]]:
        """Return what `Reader.totals` yields."""
        chosen = _read_choices(where)
        asked = Totals(self.record, chosen, by, of, latest, beyond)
        if not asked.by_customer:
            return iter(asked.counted(self._candidates(chosen)))
        return (row for each in sorted(chosen[self.key[0]]) for row in self._totals_of(each, asked))

    def _totals_of(self, first: Any, asked: Totals) -> Iterable[tuple[Any, ...]]:
        """Return one customer's sums: of all records where these are few, else as they are kept."""
        part = self.part(first)
        if len(part) < MANY:
            return asked.counted(part.values())
        kept = self._sums.setdefault(asked.shape, {})
        if first not in kept:
            kept[first] = KeptSums(asked.read, part.values())
        return asked.looked_up(kept[first], first)

    def _in_order(self, chosen: Choices, order: tuple[str, ...], after: Sequence[Any] | None) -> Iterable[Any] | None:
        """Return candidates that lie in the wanted order already, from `after` on; None when there is no such order."""
        if not chosen and self.ranked is not None and order in {(), self.key}:
            return self.ranked.after(after[0] if after else None)
        for index in self._indexes if order else ():
            if (prefix := index.prefix(chosen)) and index.columns[len(prefix) :][: len(order)] == order:
                return map(self.records.__getitem__, index.starting(prefix, tuple(after or ())))
        return None

    def _candidates(self, chosen: Choices) -> Iterable[Any]:
        """Return the fewest records that are easily found and hold all that are wanted."""
        first = chosen.get(self.key[0])
        if first is not None and self.ranked is not None:
            return [self.records[value,] for value in first if (value,) in self.records]
        if first is not None:
            if len(first) == 1 and (key := _single_values(chosen, self.key)) is not None:
                return [self.records[key]] if key in self.records else []
            return [record for value in first for record in self.part(value).values()]
        for unique in self._uniques:
            if (values := _single_values(chosen, unique.columns)) is not None:
                key = unique.taken.get(values)
                return [] if key is None else [self.records[key]]
        self._follow_caseless(chosen)
        for index in self._indexes:
            if prefixes := index.prefixes(chosen):
                return [self.records[key] for prefix in prefixes for key in index.starting(prefix)]
        return self.records.values()

    def _follow_caseless(self, chosen: Choices) -> None:
        """Make the index of a text without case when it is first asked for: whoever never asks pays for none."""
        for name in [each for each in self._caseless if each in chosen]:
            del self._caseless[name]
            index = Index(self.record, (name,))
            for key, record in self.records.items():
                index.move(key, None, record)
            self._indexes.insert(0, index)


class Unique:
    """Which key has which values of unique columns; holds where all of them are present.

    With `only_open`, of the records that have no `until` yet.
    """

    def __init__(self, record: type, columns: tuple[str, ...], *, only_open: bool = False) -> None:
        self.columns = columns
        self.taken: dict[Key, Key] = {}
        self._values = tuple_reader(record, columns)
        self._only_open = only_open

    def holder(self, record: Any) -> Key | None:
        """Return the key of the record that has these values, if any."""
        values = self._read(record)
        return None if values is None else self.taken.get(values)

    def move(self, key: Key, before: Any | None, after: Any | None) -> None:
        """Follow a record that has changed, come (`before` None) or gone."""
        old, new = (each and self._read(each) for each in (before, after))
        if old == new:
            return
        if old is not None:
            self.taken.pop(old, None)
        if new is not None:
            self.taken[new] = key

    def _read(self, record: Any) -> Key | None:
        """Return the values of a record that must be the only one to have them."""
        if self._only_open and record.until is not None:
            return None
        values = self._values(record)
        return None if None in values else values


class Index:
    """Keys of records sorted by columns; records without the first of them are left out."""

    def __init__(self, record: type, columns: tuple[str, ...]) -> None:
        self.columns = columns
        self._entries = SortedKeys()
        self._read = tuple_reader(record, columns)

    def move(self, key: Key, before: Any | None, after: Any | None) -> None:
        """Follow a record that has changed, come (`before` None) or gone."""
        old, new = (each and self._read(each) for each in (before, after))
        if old == new:
            return
        if old is not None and old[0] is not None:
            self._entries.remove((*sortable(old), *key))
        if new is not None and new[0] is not None:
            self._entries.add((*sortable(new), *key))

    def prefix(self, chosen: Choices) -> Key:
        """Return the one value wanted of each of the first columns, as far as there is one."""
        values: list[Any] = []
        for column in self.columns:
            wanted = chosen.get(column)
            if wanted is None or len(wanted) != 1 or wanted[0] is None:
                break
            values.append(wanted[0])
        return tuple(values)

    def prefixes(self, chosen: Choices) -> Sequence[Key]:
        """Return the beginnings of the entries of wanted records; none when the index does not help."""
        if prefix := self.prefix(chosen):
            return (prefix,)
        first = chosen.get(self.columns[0])
        return () if not first or None in first else [(value,) for value in first]

    def starting(self, prefix: Key, after: Key = ()) -> Iterator[Key]:
        """Yield the keys of records whose columns begin so, in the order of the columns after these, past `after`."""
        length = len(self.columns)
        return (entry[length:] for entry in self._entries.starting(prefix, sortable(after)))


Choices = Mapping[str, tuple[Any, ...]]
"""For each column the values that are wanted, each once."""


def _read_choices(where: Mapping[str, Any]) -> Choices:
    return {
        column: tuple(dict.fromkeys(value)) if isinstance(value, list | tuple | set | frozenset) else (value,)
        for column, value in where.items()
    }


def _single_values(chosen: Choices, columns: tuple[str, ...]) -> Key | None:
    """Return the one present value wanted of each of the columns, None when there is not one of each."""
    values = [chosen.get(column, ()) for column in columns]
    return tuple(value[0] for value in values) if all(len(each) == 1 and None not in each for each in values) else None


def _predicate(record: type, chosen: Choices, beginning: Mapping[str, str]) -> Callable[[Any], bool]:
    tests = [(reader(record, column), frozenset(values)) for column, values in chosen.items()]
    if not beginning:
        return lambda each: all(read(each) in values for read, values in tests)
    begins = [(reader(record, column), text) for column, text in beginning.items()]
    return lambda each: all(read(each) in values for read, values in tests) and all(
        (value := read(each)) is not None and value.startswith(text) for read, text in begins
    )


def _sort_by(
    found: list[Any], value: Callable[[Any], Key], after: Sequence[Any] | None, *, descending: bool
) -> list[Any]:
    """Sort records that are in key order by a value, and leave out those up to `after`; `descending` is the reverse."""
    found.sort(key=value)
    if descending:
        found.reverse()
    if after is None:
        return found
    seen = sortable(tuple(after))
    return [each for each in found if (value(each) < seen if descending else seen < value(each))]


def with_counter(record: R, before: R | None) -> R:
    """Return the record with the counter as it stood: only `reserve` changes one."""
    kind: type = type(record)
    counter = declaration(kind).counter
    if counter is None or before is None:
        return record
    return attrs.evolve(record, **{counter.used: getattr(before, counter.used)})  # type: ignore[misc]
