"""Forks: what a child process makes anew, and what it leaves alone because it is its parent's.

A child of `os.fork` (a web server that loads the app before it forks, `multiprocessing` with "fork") begins with copies of its
parent's locks, open or held, and with its connections. The names to know are `watch` and `generation`.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Any, Final, TypeVar

from attrs import Factory, define, frozen

from custcrm.values.errors import Closed

T = TypeVar("T")

PATIENCE: Final = 1.0
"""Seconds that a fork waits for other threads to end what they are in the midst of; nearly every transaction is shorter."""


@frozen
class _Watch:
    """What is called on an owner: in the parent before a fork, in the parent after it, and in the child."""

    before: Callable[[Any], object] | None
    parent: Callable[[Any], object] | None
    child: Callable[[Any], object] | None


@define
class _Process:
    """Which process this is, counted from the one that imported the library; and who is told of the next fork."""

    generation: int = 0
    watched: dict[weakref.ref[Any], _Watch] = Factory(dict)


_PROCESS: Final = _Process()


def generation() -> int:
    """Return a number that a child process has greater than its parent: what was begun under another is not this process's."""
    return _PROCESS.generation


def require_same(begun: int) -> None:
    """Raise Closed in a child process for what was begun, under that generation, in its parent."""
    if begun != _PROCESS.generation:
        raise Closed("this block was entered before the process was forked and is its parent's; leave it, or fork outside")


def watch(
    owner: T,
    *,
    child: Callable[[T], object],
    before: Callable[[T], object] | None = None,
    parent: Callable[[T], object] | None = None,
) -> None:
    """Call functions on the owner, for as long as it lives, before a fork, after it in the parent, and first in the child.

    The owner is not kept alive. In the child no other thread is there any more, but what another thread held is still held.
    """
    _PROCESS.watched[weakref.ref(owner, _forget)] = _Watch(before, parent, child)


def _forget(gone: weakref.ref[Any]) -> None:
    _PROCESS.watched.pop(gone, None)


def _call(which: Callable[[_Watch], Callable[[Any], object] | None]) -> None:
    for reference, each in list(_PROCESS.watched.items()):
        owner, function = reference(), which(each)
        if owner is not None and function is not None:
            function(owner)


def _in_child() -> None:
    _PROCESS.generation += 1
    _call(lambda each: each.child)


if hasattr(os, "register_at_fork"):  # not on Windows, where no process is forked
    os.register_at_fork(
        before=lambda: _call(lambda each: each.before),
        after_in_parent=lambda: _call(lambda each: each.parent),
        after_in_child=_in_child,
    )
