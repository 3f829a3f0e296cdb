"""The laws of a store about how a write() is left: by its owner, from within, or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from contextlib import AbstractContextManager
from contextvars import Context, copy_context
from threading import Thread

import pytest

from custcrm.storage.memory import MemoryStore
from custcrm.storage.protocol import Store, Writer
from custcrm.testing.contracts.custody import InThread, assert_works, dependency, put_and_remove, read, told, write
from custcrm.testing.contracts.records import put, tag
from custcrm.values.errors import MisusedTransaction


class LeavingLaws:
    """A write() that is left elsewhere than it was begun, in a wrong order or never, is undone, and stops nobody."""

    @pytest.mark.parametrize("error", [None, ValueError()], ids=["done", "failed"])
    def test_a_write_left_in_another_thread_is_undone(self, store: Store, error: Exception | None) -> None:
        """It is MisusedTransaction there, whether by an error or not; no thread waits for anything afterwards."""
        put(store)
        with InThread() as one, InThread() as two:
            for context in (None, copy_context()):
                request = dependency(store)
                one.run(request.__enter__, context=context)
                with told() as caught:
                    two.run(request.__exit__, error and type(error), error, None)
                assert caught.value.__cause__ is error
                for thread in (one, two):
                    thread.run(assert_works, store)

    def test_a_write_left_in_another_task_is_undone(self, store: Store) -> None:
        """Tasks of one thread: the one that ends it gets MisusedTransaction, and everybody's next call works."""
        put(store)

        async def begin(request: AbstractContextManager[Writer]) -> None:
            request.__enter__()

        async def end(request: AbstractContextManager[Writer]) -> None:
            with told():
                request.__exit__(None, None, None)
            assert_works(store)

        async def requests() -> None:
            request = dependency(store)
            await asyncio.create_task(begin(request))
            await asyncio.create_task(end(request))
            assert_works(store)

        asyncio.run(requests())

    def test_what_another_thread_left_open_is_not_fallen_into(self, store: Store) -> None:
        """A pool's thread in which a request's write() was begun: the next request there is told, and the one after works."""
        put(store)
        for keep in (False, True):
            context = copy_context()
            with InThread() as one, InThread() as two:
                request = dependency(store)
                one.run(request.__enter__, context=context)
                if not keep:
                    context = Context()  # nobody can be in that context any more: what it held is given up at once
                    two.run(put_and_remove, store, 20)
                with told():
                    one.run(write, store)
                one.run(assert_works, store)
                with told():
                    two.run(request.__exit__, None, None, None)
                one.run(assert_works, store)

    def test_a_write_whose_thread_has_ended_is_undone(self, store: Store) -> None:
        """Nobody waits for it, and ending it later is MisusedTransaction."""
        put(store)
        request = dependency(store)
        thread = Thread(target=request.__enter__)
        thread.start()
        thread.join()
        assert_works(store)
        with told():
            request.__exit__(None, None, None)
        assert_works(store)

    def test_a_write_that_is_forgotten_is_undone(self, store: Store) -> None:
        """A generator that nobody ends, collected wherever: nothing of it is kept, and nobody waits for it."""
        put(store)
        with InThread() as one:
            for context in (copy_context(), Context()):
                requests = [dependency(store)]
                one.run(requests[0].__enter__, context=context)
                requests.clear()
                gc.collect()
                with contextlib.suppress(MisusedTransaction):  # of what was left open there
                    one.run(read, store)
                one.run(assert_works, store)

    @pytest.mark.parametrize("stop", [KeyboardInterrupt, GeneratorExit, asyncio.CancelledError, SystemExit])
    def test_what_stops_the_program_passes_as_it_is(self, store: Store, stop: type[BaseException]) -> None:
        """It undoes a write() as errors do, also a misused one, and stays what it was."""
        put(store)
        with told(stop), store.write() as writer, store.write():
            writer.add([tag(11)])
            raise stop
        with InThread() as thread:
            with told(stop), store.write() as writer, store.write():
                writer.add([tag(11)])
                with told():
                    thread.run(read, store)
                raise stop
            request = dependency(store)
            thread.run(request.__enter__)
            assert not request.__exit__(stop, stop(), None)
        assert_works(store)

    def test_blocks_end_from_within(self, store: Store) -> None:
        """A write() left before one within it is MisusedTransaction, and so is whatever is done in both afterwards."""
        put(store)
        for first in (0, 1):
            blocks = [store.write(), store.write(), store.write()]
            for block in blocks:
                block.__enter__().add([tag(11 + blocks.index(block))])
            for block in (blocks[first], *reversed([each for each in blocks if each is not blocks[first]])):
                with told():
                    block.__exit__(None, None, None)
            assert_works(store)

    def test_stores_have_nothing_to_do_with_each_other(self, store: Store) -> None:
        """Blocks of two stores may end in any order, and the misuse of one is none of the other."""
        put(store)
        other = MemoryStore()
        put(other)
        mine, theirs = store.write(), other.write()
        for block in (mine, theirs):
            block.__enter__().add([tag(11)])
        for block in (mine, theirs):
            block.__exit__(None, None, None)
        with InThread() as thread, store.write() as writer:
            with told(), other.write(), told():
                thread.run(write, other)
            writer.add([tag(12)])
        assert_works(store, kept=2)
        assert_works(other, kept=1)
