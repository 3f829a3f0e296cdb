"""Whose a write() is: that of the thread and the asyncio task which began it, and of nobody else.

A call falls into a write() when its thread is in one, or its context is (`contextvars`, which tasks and `asyncio.to_thread`
inherit). The owner is in it by both, and in the same task. Anybody else who falls into it gets MisusedTransaction, and so
does the owner from then on: what two of them write would stand or fall together, though neither knows of the other.
The names to know are `Custody`, which a store has one of, `Held`, one write() under way, and `Turn`.
"""

from __future__ import annotations

import sys
from asyncio import _get_running_loop, current_task
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from operator import attrgetter
from os import getpid
from threading import Lock, get_ident, local
from types import FrameType, TracebackType
from typing import Any, Final, Generic, Protocol, TypeVar
from weakref import WeakSet, ref

from custcrm.storage import forks, protocol
from custcrm.values.errors import MisusedTransaction, Unavailable

R = TypeVar("R")

TAKEN: Final = (
    "this call falls into a transaction that another thread or asyncio task has begun: it did nothing, and that transaction is "
    "rolled back; begin, fill and end a transaction in one function, as asyncio.to_thread(work) runs it"
)
SPOILT: Final = (
    "this transaction was used or left in another thread or asyncio task than it was begun in: it is rolled back, and nothing "
    "of it is kept; begin, fill and end a transaction in one function, as asyncio.to_thread(work) runs it"
)


class Writing(Protocol):
    """What a store does within a write(): its writer."""

    def nested(self, depth: int, /) -> AbstractContextManager[None]:
        """Undo what is done within, should an exception leave it; `depth` counts from 1."""

    def end(self) -> None:
        """Let nothing be asked or changed any more."""


W = TypeVar("W", bound=Writing)


class Held(Generic[W]):
    """One write() under way: its writer, whose it is, and whether it may still be kept."""

    def __init__(self, custody: Custody[W], make: Callable[[Held[W]], W], free: Callable[[], None]) -> None:
        task = _current_task()
        self.custody = custody
        self.writer = make(self)
        self.is_spoilt = False
        self.is_over = False
        self._process = forks.generation()
        self._task = task and ref(task)  # weakly: whoever forgets a task with a write() in it is to lose both
        self._free = free
        self._depth = 0
        self._callers: list[FrameType | None] = []  # of the blocks within that are not left yet
        self._undecided = Lock()  # for the first who spoils it or settles it
        self._unfreed = Lock()

    def require_here(self) -> None:
        """Raise Closed in a child process, which has copies of what its parent is in the midst of."""
        forks.require_same(self._process)

    def is_mine(self) -> bool:
        """Tell whether this call is the owner's, in the process that has begun it."""
        if self not in _HERE.held or not _is_marked(self):
            return False
        task = _current_task()
        return self._task is None if task is None else self._task is not None and self._task() is task

    def is_left_behind(self) -> bool:
        """Tell whether it is over, and this call within a block in it that is not left yet, as of a second generator."""
        frame: FrameType | None = sys._getframe()  # noqa: SLF001 (the traceback of a call that does not fail)
        while frame is not None and frame not in self._callers:
            frame = frame.f_back
        return frame is not None

    def mark_left_behind(self) -> None:
        """Let calls within the blocks in it that are not left yet be refused, now that it is over."""
        if self._depth:
            _LEFT_BEHIND.add(self)

    def is_whole(self) -> bool:
        """Tell whether this call is the owner's, and nobody else has called within."""
        return not self.is_spoilt and self.is_mine()

    def check(self) -> None:
        """Raise MisusedTransaction unless it is whole, Closed in a child. After its end the writer speaks for itself."""
        self.require_here()
        if self.is_spoilt or not (self.is_mine() or self._unfreed.locked()):
            known = self.is_spoilt
            self.spoil()
            raise MisusedTransaction(SPOILT if known else TAKEN)

    def spoil(self) -> None:
        """Let nothing of it be kept. In its thread it is rolled back at once; for another one it may be in use just now."""
        if self._undecided.acquire(blocking=False):
            self.is_spoilt = True
        if self.is_spoilt and self in _HERE.held:
            _HERE.held = tuple(each for each in _HERE.held if each is not self)
            self.end()

    def abandon(self) -> None:
        """Roll back what nobody can end properly any more."""
        if self._undecided.acquire(blocking=False):
            self.is_spoilt = True
        if self.is_spoilt:
            self.end()

    def settle(self) -> None:
        """Let nobody fall into it any more, as all of it is kept now; MisusedTransaction where that cannot be."""
        self.check_leaving(0)
        if not self._undecided.acquire(blocking=False):
            raise MisusedTransaction(SPOILT)
        self.is_over = True

    def check_leaving(self, depth: int) -> None:
        """Raise MisusedTransaction unless its owner leaves the innermost of its blocks, and it is whole; Closed in a child."""
        self.require_here()
        if self._depth != depth or not self.is_whole():
            self.spoil()
            raise MisusedTransaction(SPOILT)

    def end(self) -> None:
        """Roll back what is not committed, and free connection and turn: once, whoever comes first, in any thread."""
        if self._unfreed.acquire(blocking=False):
            try:
                self.writer.end()
            finally:
                self._free()

    @contextmanager
    def joined(self) -> Iterator[W]:
        """Be in a write() within this one: an exception undoes what was done within."""
        self._depth += 1
        depth = self._depth
        self._callers.append(caller := _caller())
        try:
            with self.left_properly(depth), self.writer.nested(depth):
                yield self.writer
                self.check_leaving(depth)
        finally:
            self._depth -= 1
            self._callers.remove(caller)

    @contextmanager
    def left_properly(self, depth: int) -> Iterator[None]:
        """Say MisusedTransaction of what an error leaves in a wrong way; what only stops the program passes as it is."""
        try:
            yield
        except MisusedTransaction:
            raise
        except Exception as error:
            try:
                self.check_leaving(depth)
            except MisusedTransaction as misused:
                raise misused from error
            raise

    def confine(self, found: Iterator[R]) -> Iterator[R]:
        """Yield what is found, to the owner alone as long as the write() is under way."""
        self.check()
        for each in found:
            yield each
            self.check()


class Custody(Generic[W]):
    """Knows in which write() of one store a call is, and lets nobody into another's."""

    def current(self) -> Held[W] | None:
        """Return the write() that this call is in, None outside of one.

        MisusedTransaction where it falls into another's, Closed in a child process within its parent's: half of what the
        block does would else be done by each.
        """
        if any(each.custody is self and each.is_left_behind() for each in tuple(_LEFT_BEHIND)):
            raise MisusedTransaction(SPOILT)
        if not _HERE.held and not _WITHIN.get():
            return None
        for held in (*_HERE.held, *(mark.held for mark in _WITHIN.get())):
            if held.custody is self and not held.is_over:
                held.require_here()
        here = self._under_way(_HERE.held)
        within = self._under_way([mark.held for mark in _WITHIN.get()])
        if here is within and (here is None or here.is_whole()):
            return here
        known = within is not None and within.is_spoilt
        for each in (here, within):
            if each is not None:
                each.spoil()
        raise MisusedTransaction(SPOILT if known else TAKEN)

    @contextmanager
    def hold(self, make: Callable[[Held[W]], W], free: Callable[[], None]) -> Iterator[Held[W]]:
        """Begin a write(): it is that of whoever calls. `free` gives back what it has taken, and is called once.

        Where nobody can be in its context any more, so that it cannot end properly, it ends at once: a server has begun it
        in a call of its own, or the task or thread is gone.
        """
        held = Held(self, make, free)
        try:
            with held.left_properly(0):
                _HERE.held = (*(each for each in _HERE.held if not each.is_over), held)
                _WITHIN.set((*_WITHIN.get(), _Mark(held)))
                yield held
        finally:
            held.is_over = True
            held.mark_left_behind()
            try:
                held.end()
            finally:
                _forget(held)

    def confine(self, found: Iterator[R], require_open: Callable[[], object]) -> Iterator[R]:
        """Yield what is found, of a store that is still open; within a write(), to its owner alone."""
        held = self.current()
        return _while_open(found if held is None else held.confine(found), require_open)

    def _under_way(self, found: tuple[Held[Any], ...] | list[Held[Any]]) -> Held[W] | None:
        for each in found:
            if each.custody is self and not each.is_over:
                return each
        return None


class Turn:
    """One after the other in this process. Another thread may give it back than has taken it, and nobody waits for ever."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._thread: int | None = None

    def is_here(self) -> bool:
        """Tell whether this thread has taken it."""
        return self._thread == get_ident()

    def take(self, seconds: float) -> bool:
        """Wait for it so long at most, and tell whether it is taken."""
        taken = self._lock.acquire(timeout=seconds)
        if taken:
            self._thread = get_ident()
        return taken

    def give_back(self) -> None:
        """Let the next one have it."""
        self._thread = None
        self._lock.release()

    def __enter__(self) -> None:
        if not self.take(protocol.WAIT_SECONDS):
            raise Unavailable(
                f"another transaction of this process has not ended within {protocol.WAIT_SECONDS} seconds; it may be waiting "
                "for this call: wait for nobody within a transaction"
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give_back()


class _Mark:
    """What contexts know of a write(). It goes with the last context in which anybody can be within it."""

    __slots__ = ("held", "process")

    def __init__(self, held: Held[Any]) -> None:
        self.held = held
        self.process = getpid()

    def __del__(self) -> None:
        # A child process frees the contexts of its parent's threads before it is told that it is one: see its own number.
        if self.process == getpid() and not (self.held.is_over or sys.is_finalizing()):
            self.held.abandon()


class _OfThread(local):
    """What this thread is in the midst of, in all stores."""

    held: tuple[Held[Any], ...] = ()


_HELD: Final = attrgetter("held")
_HERE: Final = _OfThread()
_WITHIN: Final[ContextVar[tuple[_Mark, ...]]] = ContextVar("custcrm_transactions", default=())


_LEFT_BEHIND: Final[WeakSet[Held[Any]]] = WeakSet()
"""Those that were left before a block within them."""


def _caller() -> FrameType | None:
    """Return what entered the block, outside of this library."""
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 (the traceback of a call that does not fail)
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in {"custcrm", "contextlib"}:
        frame = frame.f_back
    return frame


def _is_marked(held: Held[Any]) -> bool:
    """Tell whether this context is in a write()."""
    return held in map(_HELD, _WITHIN.get())


def _forget(held: Held[Any]) -> None:
    """Take a write() that is over from this thread and context; others ignore it."""
    _HERE.held = tuple(each for each in _HERE.held if each is not held)
    if _is_marked(held):
        _WITHIN.set(tuple(mark for mark in _WITHIN.get() if mark.held is not held))


def _while_open(found: Iterator[R], require_open: Callable[[], object]) -> Iterator[R]:
    require_open()
    for each in found:
        yield each
        require_open()


def _current_task() -> Any:
    loop = _get_running_loop()
    return None if loop is None else current_task(loop)
