"""What a memory store keeps, and how the write() under way is undone. The name to know is `Contents`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from attrs import define, field

from custcrm.records import RECORDS
from custcrm.storage.memory.questions import Questions
from custcrm.storage.memory.table import Key, Table


@define(eq=False)
class Contents:
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
        """Undo what is changed within, should it fail."""
        begun = len(self.undo)
        try:
            yield
        except BaseException:
            self.undo_from(begun)
            raise

    def undo_from(self, begun: int) -> None:
        """Undo changes, last first, until so many are left."""
        while len(self.undo) > begun:
            self.undo.pop()()

    def end(self) -> None:
        """Undo what is not kept, and forget what was staged."""
        self.undo_from(0)
        self.staged.clear()
