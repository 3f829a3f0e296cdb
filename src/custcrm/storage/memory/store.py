"""A store in memory: dicts and sorted indexes behind one lock. The name to know is `MemoryStore`.

It is the engine of notebooks and tests, and the reference for every other store: `custcrm.testing.StoreContract`
compares them with it. Nothing outlives the process.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from threading import RLock, get_ident
from typing import Any, TypeVar

import attrs
from attrs import define, field

from custcrm.filters.ir.nodes import Shown
from custcrm.records import RECORDS
from custcrm.records.declaration import declaration
from custcrm.records.journal import Applied
from custcrm.storage.effects import Change, Slice, Template
from custcrm.storage.memory import setwise
from custcrm.storage.memory.questions import Questions
from custcrm.storage.memory.table import Key, Table
from custcrm.storage.migrations import VERSION
from custcrm.storage.protocol import Reader, Taken, Writer
from custcrm.storage.questions import Order, Question, Verdict
from custcrm.values.errors import Closed, NotFound, Reason

R = TypeVar("R")

@define(eq=False)
class _Contents:
    """All that a store keeps, and what the write() under way may have to undo."""

    tables: Mapping[type, Table] = field(factory=lambda: {record: Table(record) for record in RECORDS})
    questions: Questions = field(init=False)
    undo: list[Callable[[], object]] = field(factory=list)
    staged: dict[tuple[str, str], dict[int, str]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.questions = Questions(self.tables)

    def set(self, table: Table, key: Key, record: Any | None) -> bool:
        """Put or remove a record, and remember how it was; tell whether one was there."""
        before = table.set(key, record)
        self.undo.append(partial(table.set, key, before))
        return before is not None

    def stage(self, named: tuple[str, str], values: Iterable[tuple[int, str]]) -> None:
        """Keep texts for target numbers, and remember which were there."""
        texts = self.staged.setdefault(named, {})
        for number, value in values:
            before = texts.get(number)
            self.undo.append(partial(texts.pop, number) if before is None else partial(texts.update, {number: before}))
            texts[number] = value

    @contextmanager
    def undone_on_error(self) -> Iterator[None]:
        """Undo what is changed within, last first, should it fail."""
        begun = len(self.undo)
        try:
            yield
        except BaseException:
            while len(self.undo) > begun:
                self.undo.pop()()
            raise


class MemoryStore:
    """Keeps records in this process's memory. Readers and writers take turns, whichever thread they are in."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._contents: _Contents | None = _Contents()
        self._writer: MemoryWriter | None = None
        self._writing: int | None = None

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Open a consistent view: the lock is held until it ends. Inside a write() of this thread: that one."""
        with self._lock:
            if self._writer is not None:
                yield self._writer
                return
            reader = MemoryReader(self._open())
            try:
                yield reader
            finally:
                reader.end()

    @contextmanager
    def write(self) -> Iterator[Writer]:
        """Open a transaction, or join the one that this thread is in; an exception undoes what was done within."""
        with self._lock:
            if self._writer is not None:
                with self._open().undone_on_error():
                    yield self._writer
                return
            contents = self._open()
            self._writer = writer = MemoryWriter(contents)
            self._writing = get_ident()
            try:
                with contents.undone_on_error():
                    yield writer
            finally:
                self._writer = self._writing = None
                writer.end()
                contents.undo.clear()
                contents.staged.clear()

    def is_writing(self) -> bool:
        """Tell whether this thread is within a write() of this store."""
        return self._writing == get_ident()

    def version(self) -> int | None:
        """Return the schema's version: records in memory are always this library's."""
        self._open()
        return VERSION

    def migrate(self) -> tuple[int, int]:
        """Do nothing: there is no older schema in memory."""
        self._open()
        return VERSION, VERSION

    def describe(self) -> str:
        """Return 'memory'."""
        return "memory"

    def close(self) -> None:
        """Let go of all records."""
        with self._lock:
            self._contents = None

    def _open(self) -> _Contents:
        if self._contents is None:
            raise Closed("this store was closed; what it kept in memory is gone")
        return self._contents


class MemoryReader:
    """See `storage.protocol.Reader`. Answers are complete when given, so later writes do not change them."""

    def __init__(self, contents: _Contents) -> None:
        self._live: _Contents | None = contents

    @property
    def _contents(self) -> _Contents:
        if self._live is None:
            raise Closed("this view of the store has ended; ask within its `with` block")
        return self._live

    def end(self) -> None:
        """Let nothing be asked any more."""
        self._live = None

    def get(self, record: type[R], *key: Any) -> R | None:
        """Return the record of that key, or None."""
        return self._contents.tables[record].records.get(key)

    def find(
        self,
        record: type[R],
        where: Mapping[str, Any] | None = None,
        *,
        order: Sequence[str] = (),
        descending: bool = False,
        after: Sequence[Any] | None = None,
        limit: int | None = None,
    ) -> Iterator[R]:
        """Yield records whose columns equal `where`: see the protocol."""
        table = self._contents.tables[record]
        return iter(table.find(where or {}, order, descending=descending, after=after, limit=limit))

    def count_records(self, record: type, where: Mapping[str, Any] | None = None) -> int:
        """Count what `find` would yield."""
        return self._contents.tables[record].count(where or {})

    def totals(
        self,
        record: type,
        where: Mapping[str, Any] | None = None,
        *,
        by: Sequence[str] = (),
        of: str,
        latest: str | None = None,
        beyond: Mapping[str, Any] | None = None,
    ) -> Iterator[tuple[Any, ...]]:
        """Yield sums by groups: see the protocol."""
        table = self._contents.tables[record]
        return iter(table.totals(where or {}, tuple(by), of, latest, beyond or {}))

    def count(self, question: Question) -> int:
        """Count the customers."""
        return len(self._contents.questions.customers(question))

    def ids(self, question: Question, *, after: str | None = None, limit: int | None = None) -> list[str]:
        """Return the customers' ids in order."""
        return [customer.id for customer in self._contents.questions.customers(question, after=after, limit=limit)]

    def rows(
        self,
        question: Question,
        columns: Sequence[Shown],
        *,
        order: Sequence[Order] = (),
        after: str | None = None,
        limit: int | None = None,
        only: str | None = None,
    ) -> Iterator[tuple[Any, ...]]:
        """Yield (id, value, …) per customer: see the protocol."""
        return iter(self._contents.questions.rows(question, columns, order, after, limit, only))

    def tally(self, question: Question, verdict: Verdict) -> Mapping[Reason | None, int]:
        """Count the customers by the first reason that refuses them; None counts the eligible."""
        return self._contents.questions.tally(question, verdict)

    def refusals(self, question: Question, verdict: Verdict) -> Mapping[str, tuple[Reason, ...]]:
        """Return for each customer all reasons that refuse, in precedence order."""
        return self._contents.questions.refusals(question, verdict)


class MemoryWriter(MemoryReader):
    """See `storage.protocol.Writer`."""

    def add(self, records: Iterable[Any]) -> int:
        """Insert records; Taken when a key or unique columns are there already."""
        added = 0
        with self._contents.undone_on_error():
            for record in records:
                table = self._contents.tables[type(record)]
                key = table.key_of(record)
                if key in table.records:
                    raise Taken(type(record), table.key)
                self._set(table, key, record)
                added += 1
        return added

    def replace(self, record: Any) -> None:
        """Put the record in the place of the one with its key; NotFound when there is none."""
        table = self._contents.tables[type(record)]
        key = table.key_of(record)
        if key not in table.records:
            raise NotFound(f"no {type(record).__name__} with this key")
        self._set(table, key, record)

    def put(self, records: Iterable[Any]) -> None:
        """Insert each record, or put it in the place of the one with its key."""
        with self._contents.undone_on_error():
            for record in records:
                table = self._contents.tables[type(record)]
                self._set(table, table.key_of(record), record)

    def remove(self, record: type, *key: Any) -> bool:
        """Remove the record of that key; tell whether it was there."""
        table = self._contents.tables[record]
        return key in table.records and self._contents.set(table, key, None)

    def hold(self, record: type[R], *key: Any) -> R | None:
        """Return the record as it is now; the store's lock keeps all others away."""
        return self.get(record, *key)

    def hold_all(self, record: type[R], keys: Collection[str]) -> list[R]:
        """Return the records of these keys, in key order."""
        found = (self.get(record, key) for key in sorted(set(keys)))
        return [each for each in found if each is not None]

    def claim(self, scope: str, keys: Collection[str]) -> None:
        """Do nothing: the store's lock keeps all others away."""

    def reserve(self, record: type, key: Sequence[Any], n: int) -> bool:
        """Add n to the record's counter if it stays within its limit; giving back has none, but stops at nought."""
        counter, table = declaration(record).counter, self._contents.tables[record]
        if counter is None:
            raise TypeError(f"{record.__name__} declares no counter")
        held = table.records.get(tuple(key))
        if held is None:
            return False
        used, limit = getattr(held, counter.used) + n, getattr(held, counter.limit)
        if used < 0 or (n > 0 and limit is not None and used > limit):
            return False
        self._contents.set(table, tuple(key), attrs.evolve(held, **{counter.used: used}))
        return True

    def freeze(
        self, applied: Applied, question: Question, verdict: Verdict, *, limit: int | None = None
    ) -> Mapping[str | None, int]:
        """Store a Target for every customer asked for; return counts by reason: see the protocol."""
        frozen = setwise.freeze(self._contents.questions, applied, question, verdict, limit)
        self.add(frozen)
        return setwise.tally(frozen)

    def stage(self, applied_id: str, name: str, values: Iterable[tuple[int, str]]) -> None:
        """Keep a text for target numbers until this write() ends."""
        self._contents.stage((applied_id, name), values)

    def hold_each(self, part: Slice) -> None:
        """Do nothing: the writer holds everything."""

    def add_for_each(self, template: Template, part: Slice) -> int:
        """Write the template's record for each target of the part; return how many."""
        contents = self._contents
        return self.add(list(setwise.write_each(contents.tables, contents.questions, contents.staged, template, part)))

    def change_for_each(self, change: Change, part: Slice) -> int:
        """Change the matching records of each target of the part; return how many records changed."""
        contents = self._contents
        records = list(setwise.change_each(contents.tables, contents.questions, contents.staged, change, part))
        self.put(records)
        return len(records)

    def _set(self, table: Table, key: Key, record: Any) -> None:
        if clash := table.clash(record):
            raise Taken(table.record, clash)
        self._contents.set(table, key, _with_counter(record, table.records.get(key)))


def _with_counter(record: R, before: R | None) -> R:
    """Return the record with the counter as it stood: only `reserve` changes one."""
    kind: type = type(record)
    counter = declaration(kind).counter
    if counter is None or before is None:
        return record
    return attrs.evolve(record, **{counter.used: getattr(before, counter.used)})  # type: ignore[misc]
