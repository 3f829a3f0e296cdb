"""The laws of a store about whose a write() is: its thread's and its asyncio task's, and of nobody else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context, copy_context
from typing import Any, Final, Self

import pytest

from custcrm.records import Customer, TagAssignment
from custcrm.storage.protocol import Store, Writer
from custcrm.storage.questions import Question
from custcrm.testing.bases import NOW, some_id
from custcrm.testing.contracts.records import customer, put, tag
from custcrm.testing.questions import SCHEMA
from custcrm.values.errors import Closed, MisusedTransaction

PATIENCE: Final = 30
"""Seconds until a call in another thread counts as stuck."""


def read(store: Store) -> None:
    """Ask one question."""
    with store.read() as reader:
        reader.get(Customer, some_id(1))


def write(store: Store) -> None:
    """Add a tag."""
    with store.write() as writer:
        writer.add([tag(90)])


def _write_and_undo(store: Store) -> None:
    with contextlib.suppress(ZeroDivisionError), store.write() as writer:
        writer.add([tag(90)])
        raise ZeroDivisionError


DOORS: Final[dict[str, Callable[[Store], object]]] = {
    "read": read, "write": write, "undo": _write_and_undo, "is_writing": lambda store: store.is_writing(),
}  # fmt: skip
OF_EACH_DOOR: Final = pytest.mark.parametrize("door", DOORS)

USES: Final[dict[str, Callable[[Writer], object]]] = {
    "get": lambda writer: writer.get(Customer, some_id(1)),
    "find": lambda writer: list(writer.find(Customer)),
    "rows": lambda writer: list(writer.rows(Question(SCHEMA.parse("TRUE"), NOW), ())),
    "add": lambda writer: writer.add([tag(91)]),
    "hold": lambda writer: writer.hold(Customer, some_id(1)),
}  # fmt: skip


def told(error: type[BaseException] = MisusedTransaction) -> pytest.RaisesExc[BaseException]:
    """Expect this error of the block."""
    return pytest.raises(error)


class InThread:
    """A thread of a server's pool, which runs each call within a context of its own."""

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(1)
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def run(self, call: Callable[..., Any], *arguments: Any, context: Context | None = None) -> Any:
        """Return what the call gives there, or raise what it raises; within a copy of this thread's context if not said."""
        return self._pool.submit((context or copy_context()).run, call, *arguments).result(PATIENCE)


def assert_works(store: Store, *, kept: int = 0) -> None:
    """Assert that so many tags are kept, and that this thread and others write and read at once."""
    with store.read() as reader:
        assert reader.count_records(TagAssignment) == kept
    assert not store.is_writing()
    put_and_remove(store, 95)
    with InThread() as thread:
        thread.run(put_and_remove, store, 96, context=Context())


def put_and_remove(store: Store, number: int) -> None:
    """Add a tag, then take it away: two transactions."""
    with store.write() as writer:
        writer.add([tag(number)])
    with store.write() as writer:
        assert writer.remove(TagAssignment, some_id(1), some_id(number))


@contextmanager
def dependency(store: Store) -> Iterator[Writer]:
    """Be what a web app has one function for and a server enters and leaves: a write() round a request."""
    with store.write() as writer:
        writer.add([tag(11)])
        yield writer


class CustodyLaws:
    """A write() belongs to the thread and task that began it; whoever else falls into it is told so, and so is its owner."""

    @OF_EACH_DOOR
    def test_another_task_does_not_fall_into_a_write(self, store: Store, door: str) -> None:
        """While its owner awaits, a task of the same thread gets MisusedTransaction, and its next call works."""
        put(store)

        async def owner(begun: asyncio.Event, other: asyncio.Event) -> None:
            with told(), store.write() as writer:
                writer.add([tag(11)])
                begun.set()
                await other.wait()
                for use in DOORS.values():
                    with told():
                        use(store)
                writer.add([tag(12)])

        async def requests() -> None:
            begun, other = asyncio.Event(), asyncio.Event()
            task = asyncio.create_task(owner(begun, other))
            await begun.wait()
            with told():
                DOORS[door](store)
            assert_works(store)
            other.set()
            await task
            assert_works(store)

        asyncio.run(requests())

    @OF_EACH_DOOR
    def test_a_task_begun_within_a_write_is_not_in_it(self, store: Store, door: str) -> None:
        """It gets MisusedTransaction while the write() is under way, and is outside when that has ended."""
        put(store)

        async def child() -> object:
            return DOORS[door](store)

        async def requests() -> None:
            with told(), store.write(), told():
                await asyncio.create_task(child())
            with store.write() as writer:
                writer.add([tag(12)])
                later = asyncio.create_task(child())
            await later

        asyncio.run(requests())
        assert_works(store, kept=2 if door == "write" else 1)

    @OF_EACH_DOOR
    def test_a_thread_given_the_context_is_not_in_it(self, store: Store, door: str) -> None:
        """`asyncio.to_thread` within a write() gets MisusedTransaction, and the owner does when it leaves."""
        put(store)

        async def request() -> None:
            with told(), store.write() as writer:
                writer.add([tag(11)])
                with told():
                    await asyncio.to_thread(DOORS[door], store)

        asyncio.run(request())
        assert_works(store)

    def test_a_whole_write_in_a_thread_is_right(self, store: Store) -> None:
        """`asyncio.to_thread` of a function that begins, fills and ends one works, many at once."""
        put(store)

        async def requests() -> None:
            await asyncio.gather(*(asyncio.to_thread(_put_and_keep, store, number) for number in range(20, 28)))

        asyncio.run(requests())
        assert_works(store, kept=8)

    @pytest.mark.parametrize("use", USES)
    def test_a_writer_is_used_by_its_owner_alone(self, store: Store, use: str) -> None:
        """What another thread or task does with it raises MisusedTransaction, and nothing is kept."""
        put(store)
        with InThread() as thread:
            for context in (Context(), None):
                with told(), store.write() as writer:
                    writer.add([tag(11)])
                    with told():
                        thread.run(USES[use], writer, context=context)
        assert_works(store)

    @pytest.mark.parametrize("begin", [
        lambda reader: reader.find(Customer),
        lambda reader: reader.rows(Question(SCHEMA.parse("TRUE"), NOW), ()),
    ], ids=["find", "rows"])  # fmt: skip
    @pytest.mark.parametrize("started", [True, False])
    def test_what_is_found_within_a_write_is_read_by_its_owner_alone(
        self, store: Store, begin: Callable[[Any], Iterator[Any]], *, started: bool
    ) -> None:
        """The next record of an iterator of a write() is for its owner: elsewhere it is MisusedTransaction."""
        put(store)
        with InThread() as thread:
            for view in (store.read, store.write):
                with told(), store.write(), view() as reader:
                    found = begin(reader)
                    if started:
                        next(found)
                    with told():
                        thread.run(next, found, context=Context())
        assert_works(store)

    def test_a_view_is_nobodys(self, store: Store) -> None:
        """A read() outside of a write() is begun, read and ended in any threads, by any tasks."""
        put(store)
        with InThread() as one, InThread() as two, InThread() as three:
            view = store.read()
            reader = one.run(view.__enter__)
            found = two.run(reader.find, Customer)
            assert three.run(next, found).id == some_id(1)
            assert one.run(lambda: [each.id for each in found]) == [some_id(2), some_id(3)]
            two.run(view.__exit__, None, None, None)
            with pytest.raises(Closed):
                three.run(reader.get, Customer, some_id(1))
            three.run(_put_and_keep, store, 20)
        assert_works(store, kept=1)


def _put_and_keep(store: Store, number: int) -> None:
    with store.write() as writer:
        writer.add([tag(number)])
        with store.write() as inner:
            inner.replace(customer(2, country="SE"))
