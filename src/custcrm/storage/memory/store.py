"""A store in memory: dicts and sorted indexes, one transaction at a time. The name to know is `MemoryStore`.

It is the engine of notebooks and tests, and the reference for every other store: `custcrm.testing.StoreContract`
compares them with it. Nothing outlives the process.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from threading import get_ident
from typing import Any, Final, TypeVar

import attrs

from custcrm.filters.ir.nodes import Shown
from custcrm.records.declaration import declaration
from custcrm.records.journal import Applied
from custcrm.storage import forks
from custcrm.storage.columns import tuple_reader
from custcrm.storage.custody import Custody, Held, Turn
from custcrm.storage.effects import Change, Slice, Template
from custcrm.storage.memory import setwise
from custcrm.storage.memory.contents import Contents
from custcrm.storage.memory.table import Key, Table, with_counter
from custcrm.storage.migrations import VERSION
from custcrm.storage.protocol import Migrated, Reader, Tell, Writer
from custcrm.storage.questions import Order, Question, Verdict
from custcrm.values.errors import Closed, NotFound, Reason, Taken

R = TypeVar("R")

_AT_ONCE: Final[AbstractContextManager[None]] = nullcontext()


class MemoryStore:
    """Keeps records in this process's memory; a child has a copy. Transactions and questions take turns, in any thread."""

    def __init__(self) -> None:
        self._turn = Turn()
        self._custody = Custody[MemoryWriter]()
        self._contents: Contents | None = Contents()
        self._paused: tuple[int, bool] | None = None
        self._gone = "this store was closed; what it kept in memory is gone"
        forks.watch(self, before=MemoryStore._pause, parent=MemoryStore._resume, child=MemoryStore._begin_anew)

    def _pause(self) -> None:
        """Let other threads end what they are in the midst of, so that a child process gets a whole copy."""
        if self._turn.is_here():
            self._paused = get_ident(), False
        elif self._turn.take(forks.PATIENCE):
            self._paused = get_ident(), True

    def _resume(self) -> None:
        if self._paused is not None and self._paused[0] == get_ident():
            taken, self._paused = self._paused[1], None
            if taken:
                self._turn.give_back()

    def _begin_anew(self) -> None:
        """Begin with a copy of what the parent had committed; with none where a thread was still changing it."""
        if self._paused is None or self._paused[0] != get_ident():
            self._contents = None
            self._gone = "this process was forked while a thread was writing, so it has no whole copy of what was in memory"
        elif self._contents is not None:
            self._contents.end()
        self._turn, self._paused = Turn(), None

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Open a view: of one moment for each question. Inside a write(): that one."""
        if (held := self._custody.current()) is not None:
            yield held.writer
            return
        reader = MemoryReader(self._open(), self._take_turn)
        try:
            yield reader
        finally:
            reader.end()

    @contextmanager
    def snapshot(self, tell: Tell) -> Iterator[Reader]:  # noqa: ARG002 - what is in memory cannot be damaged
        """Open a view of one moment: writers wait until it ends. The records are kept as they are."""
        with self._take_turn(), self.read() as reader:
            yield reader

    @contextmanager
    def write(self) -> Iterator[Writer]:
        """Open a transaction, or join the one that this call is in; an exception undoes what was done within."""
        if (held := self._custody.current()) is not None:
            with held.joined() as joined:
                yield joined
            return
        with ExitStack() as begun:
            begun.enter_context(self._turn)
            contents = self._open()
            begun.callback(contents.end)
            with self._custody.hold(partial(MemoryWriter, contents), begun.close) as held:
                yield held.writer
                held.settle()
                contents.undo.clear()

    def is_writing(self) -> bool:
        """Tell whether this call is within a write() of this store."""
        return self._custody.current() is not None

    def confine(self, found: Iterator[R]) -> Iterator[R]:
        """Yield what is found, as long as the store is open; within a write(), to its owner alone."""
        return self._custody.confine(found, self._open)

    def version(self) -> int | None:
        """Return the schema's version: records in memory are always this library's."""
        self._open()
        return VERSION

    def migrate(self) -> Migrated:
        """Do nothing: there is no older schema in memory."""
        self._open()
        return Migrated(VERSION, VERSION)

    def describe(self) -> str:
        """Return 'memory'."""
        return "memory"

    def close(self) -> None:
        """Let go of all records."""
        self._contents = None

    def _take_turn(self) -> AbstractContextManager[None]:
        """Keep others out while a question is answered; within a write(), or another question of this thread, they are out."""
        return self._turn if self._custody.current() is None and not self._turn.is_here() else _AT_ONCE

    def _open(self) -> Contents:
        if self._contents is None:
            raise Closed(self._gone)
        return self._contents


class MemoryReader:
    """See `storage.protocol.Reader`. Answers are complete when given, so later writes do not change them."""

    def __init__(self, contents: Contents, asking: Callable[[], AbstractContextManager[None]]) -> None:
        self._live: Contents | None = contents
        self._asking = asking

    @property
    def _contents(self) -> Contents:
        if self._live is None:
            raise Closed("this view of the store has ended; ask within its `with` block")
        return self._live

    def end(self) -> None:
        """Let nothing be asked any more."""
        self._live = None

    def get(self, record: type[R], *key: Any) -> R | None:
        """Return the record of that key, or None."""
        with self._asking():
            return self._contents.tables[record].records.get(key)

    def find(
        self,
        record: type[R],
        where: Mapping[str, Any] | None = None,
        *, beginning: Mapping[str, str] | None = None,
        order: Sequence[str] = (),
        descending: bool = False,
        after: Sequence[Any] | None = None,
        limit: int | None = None,
    ) -> Iterator[R]:
        """Yield records whose columns equal `where`: see the protocol."""
        with self._asking():
            find = self._contents.tables[record].find
            return self._confine(find(where or {}, order, beginning=beginning, descending=descending, after=after, limit=limit))

    def values(self, record: type, columns: Sequence[str], where: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Return the values of these columns of what `find` would yield."""
        return list(map(tuple_reader(record, tuple(columns)), self.find(record, where)))

    def count_records(self, record: type, where: Mapping[str, Any] | None = None) -> int:
        """Count what `find` would yield."""
        with self._asking():
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
        with self._asking():
            return self._confine(self._contents.tables[record].totals(where or {}, tuple(by), of, latest, beyond or {}))

    def count(self, question: Question) -> int:
        """Count the customers."""
        with self._asking():
            return len(self._contents.questions.customers(question))

    def ids(self, question: Question, *, after: str | None = None, limit: int | None = None) -> list[str]:
        """Return the customers' ids in order."""
        with self._asking():
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
        with self._asking():
            return self._confine(self._contents.questions.rows(question, columns, order, after, limit, only))

    def tally(self, question: Question, verdict: Verdict) -> Mapping[Reason | None, int]:
        """Count the customers by the first reason that refuses them; None counts the eligible."""
        with self._asking():
            return self._contents.questions.tally(question, verdict)

    def refusals(self, question: Question, verdict: Verdict) -> Mapping[str, tuple[Reason, ...]]:
        """Return for each customer all reasons that refuse, in precedence order."""
        with self._asking():
            return self._contents.questions.refusals(question, verdict)

    def _confine(self, found: Iterable[R]) -> Iterator[R]:
        """Yield what is found to whom it is for: that of a view, to anybody."""
        return iter(found)


class MemoryWriter(MemoryReader):
    """See `storage.protocol.Writer`."""

    def __init__(self, contents: Contents, held: Held[MemoryWriter]) -> None:
        super().__init__(contents, lambda: _AT_ONCE)
        self._held = held

    @property
    def _contents(self) -> Contents:
        self._held.check()
        return super()._contents

    def add(self, records: Iterable[Any]) -> int:
        """Insert records; Taken when a key or unique columns are there already."""
        added = 0
        with self._contents.undone_on_error():
            for record in records:
                table = self._contents.tables[type(record)]
                if (key := table.key_of(record)) in table.records:
                    raise Taken(type(record), table.key)
                self._set(table, key, record)
                added += 1
        return added

    def replace(self, record: Any) -> None:
        """Put the record in the place of the one with its key; NotFound when there is none."""
        table = self._contents.tables[type(record)]
        if (key := table.key_of(record)) not in table.records:
            raise NotFound(f"no {type(record).__name__} with this key")
        self._set(table, key, record)

    def put(self, records: Iterable[Any]) -> None:
        """Insert each record, or put it in the place of the one with its key."""
        with self._contents.undone_on_error():
            for record in records:
                self._set(table := self._contents.tables[type(record)], table.key_of(record), record)

    def remove(self, record: type, *key: Any) -> bool:
        """Remove the record of that key; tell whether it was there."""
        table = self._contents.tables[record]
        return key in table.records and self._contents.set(table, key, None)

    def hold(self, record: type[R], *key: Any) -> R | None:
        """Return the record as it is now; the store's lock keeps all others away."""
        return self.get(record, *key)

    def hold_all(self, record: type, keys: Collection[str]) -> None:
        """Do nothing: the store's lock keeps all others away."""

    def claim(self, scope: str, keys: Collection[str]) -> None:
        """Do nothing: the store's lock keeps all others away."""

    def reserve(self, record: type, key: Sequence[Any], n: int) -> bool:
        """Add n to the record's counter if it stays within its limit; giving back has none, but stops at nought."""
        counter, table = declaration(record).counter, self._contents.tables[record]
        if counter is None:
            raise TypeError(f"{record.__name__} declares no counter")
        if (held := table.records.get(tuple(key))) is None:
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
        self.add(frozen := setwise.freeze(self._contents.questions, applied, question, verdict, limit))
        return setwise.tally(frozen)

    def stage(self, applied_id: str, name: str, values: Iterable[tuple[int, str]]) -> None:
        """Keep a text for target numbers until this write() ends."""
        self._contents.stage((applied_id, name), values)

    def hold_each(self, part: Slice, *, changing: bool = True) -> int:  # noqa: ARG002
        """Return how many of the part's targets are there: the writer holds everything."""
        return setwise.count_eligible(self._contents.tables, part)

    def refuse_each(self, verdict: Verdict, part: Slice) -> Mapping[str | None, int]:
        """Give those of the part whom a rule refuses the first such reason; return counts by reason."""
        self.put(late := setwise.refuse_each(self._contents, verdict, part))
        return setwise.tally(late)

    def add_for_each(self, template: Template, part: Slice) -> int:
        """Write the template's record for each target of the part; return how many."""
        return self.add(list(setwise.write_each(self._contents, template, part)))

    def change_for_each(self, change: Change, part: Slice) -> int:
        """Change the matching records of each target of the part; return how many records changed."""
        self.put(records := list(setwise.change_each(self._contents, change, part)))
        return len(records)

    @contextmanager
    def nested(self, _: int, /) -> Iterator[None]:
        """Undo what is done within, should an exception leave it; where all is undone, nothing is left to do."""
        contents, begun = self._contents, len(self._contents.undo)
        try:
            yield
        except BaseException:
            if self._held.is_whole():
                contents.undo_from(begun)
            raise

    def _confine(self, found: Iterable[R]) -> Iterator[R]:
        return self._held.confine(iter(found))

    def _set(self, table: Table, key: Key, record: Any) -> None:
        if clash := table.clash(record):
            raise Taken(table.record, clash)
        self._contents.set(table, key, with_counter(record, table.records.get(key)))
