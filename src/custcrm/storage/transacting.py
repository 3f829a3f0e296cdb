"""A transaction that is begun again where the store gave it up for another one. The name to know is `transact`.

All that writes goes through it; only an application's own transaction, which cannot be run again by us, does not.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from custcrm.storage.protocol import Store, Writer
from custcrm.values.errors import Contended

R = TypeVar("R")

ATTEMPTS: Final = 10
"""How often a transaction is begun before Contended is raised; a server takes a second to see that two wait for each other."""

FIRST_WAIT: Final = 0.01
LONGEST_WAIT: Final = 0.5
"""Seconds of the longest wait after the first attempt, which doubles with each further one, and the most it comes to."""

_JITTER_BITS: Final = 16


def transact(store: Store, work: Callable[[Writer], R], *, random_bits: Callable[[int], int]) -> R:
    """Do the work in a transaction and return what it returns: in the one under way, or else in one of its own.

    One of its own is begun again from the start, after a short wait of random length, where the store gave it up for another
    one; so `work` may be called several times, and keeps nothing from a call that failed. In one under way that is Contended:
    whoever began that one repeats all of it.
    """
    if not store.is_writing():
        for attempt in range(ATTEMPTS - 1):
            try:
                with store.write() as writer:
                    return work(writer)
            except Contended:
                pass
            longest = min(FIRST_WAIT * 2**attempt, LONGEST_WAIT)
            time.sleep(longest * random_bits(_JITTER_BITS) / 2**_JITTER_BITS)
    with store.write() as writer:
        return work(writer)
