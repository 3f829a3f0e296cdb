"""Ids: canonical UUIDv7 texts that sort by creation (RFC 9562). The names to know are `IdSource` and `numbered`."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from threading import Lock
from typing import Final

from custcrm.values.clock import Clock

# An id reads tttttttt-tttt-7ccc-vccr-rrrrrrrrrrrr: 48 bits of milliseconds; a counter of 22 bits in c and, below the
# two variant bits, in v; 52 random bits in r. The counter stands before the nibble and the tail that `numbered`
# replaces, so two applies of one process never share a prefix, however quick the second one follows.
_COUNTER_BITS: Final = 22
_SEED_BITS: Final = 21  # begins in the lower half, so a millisecond has two million numbers left
_RANDOM_BITS: Final = 52
_RANDOM_DIGITS: Final = _RANDOM_BITS // 4
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

_TAILS: Final = tuple(f"{0x800 | tail:03x}" for tail in range(0x400))

_CANONICAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

PREFIX_LENGTH: Final = 24
"""Characters of an id before its last 48 bits, the hyphen included."""
EFFECTS: Final = 16
"""Effects of one action whose ids can be told apart by the low four bits of the fourth group."""
LARGEST_NUMBER: Final = 2**48 - 1


class IdSource:
    """Make ids, each greater than all before it in this process; safe to share by threads.

    `clock` gives the time, `random_bits(n)` a random integer of n bits. When the clock stands still or goes back the
    counter runs on, and over into the following milliseconds, so the order holds.
    """

    def __init__(self, clock: Clock, random_bits: Callable[[int], int]) -> None:
        self._clock = clock
        self._random_bits = random_bits
        self._lock = Lock()
        self._next = 0  # milliseconds and counter as one number

    def begin_anew(self) -> None:
        """Wait for nobody in a process that was forked from the one that made this: the lock may have been held there."""
        self._lock = Lock()

    def new(self) -> str:
        """Return one new id."""
        return self.many(1)[0]

    def many(self, count: int) -> list[str]:
        """Return `count` new ids in ascending order."""
        if count < 1:
            return []
        first = self._reserve(count)
        digits = f"{self._random_bits(_RANDOM_BITS * count):0{_RANDOM_DIGITS * count}x}"
        return [_spell(first + at, digits[at * _RANDOM_DIGITS : (at + 1) * _RANDOM_DIGITS]) for at in range(count)]

    def _reserve(self, count: int) -> int:
        now = max(0, (self._clock() - _EPOCH) // _MILLISECOND)
        fresh = now << _COUNTER_BITS | self._random_bits(_SEED_BITS)
        with self._lock:
            first = max(self._next, fresh)
            self._next = first + count
        return first


def is_id(text: object) -> bool:
    """Tell whether a value is an id in its one canonical spelling."""
    return isinstance(text, str) and _CANONICAL.fullmatch(text) is not None


def number_prefix(prefix_id: str, effect: int) -> str:
    """Return the first 24 characters of all ids which effect 0–15 of the apply `prefix_id` makes.

    The target's number as 12 hexadecimal digits completes it; SQL appends them.
    """
    if not 0 <= effect < EFFECTS:
        raise ValueError(f"an action has at most {EFFECTS} effects with ids, not effect {effect}")
    return f"{prefix_id[: PREFIX_LENGTH - 2]}{effect:x}-"


def numbered(prefix_id: str, effect: int, number: int) -> str:
    """Return the id which an effect of the apply `prefix_id` gives to the target of this number (0 to 2**48 - 1)."""
    if not 0 <= number <= LARGEST_NUMBER:
        raise ValueError(f"a target's number has 48 bits, {number} has more")
    return f"{number_prefix(prefix_id, effect)}{number:012x}"


@lru_cache(maxsize=2)  # neighbours share all but the last ten bits
def _head(position: int) -> str:
    time = f"{position >> 12:012x}"
    return f"{time[:8]}-{time[8:]}-7{position & 0xFFF:03x}-"


def _spell(position: int, random: str) -> str:
    return f"{_head(position >> 10)}{_TAILS[position & 0x3FF]}{random[0]}-{random[1:]}"
