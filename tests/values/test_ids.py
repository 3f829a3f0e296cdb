"""Ids are UUIDv7, ascending, and never the same."""

import random
import secrets
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custcrm.values.clock import system_clock
from custcrm.values.ids import IdSource, is_id, number_prefix, numbered

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
numbers = st.integers(0, 2**48 - 1)


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 40)), max_size=8), st.integers())
def test_ids_ascend_whatever_the_clock_does(steps: list[tuple[int, int]], seed: int) -> None:
    """Law: each id is canonical, a UUID of version 7, and greater than all before it, also when the clock goes back."""
    now = NOON
    source = IdSource(lambda: now, random.Random(seed).getrandbits)
    made = [source.new()]
    for milliseconds, count in steps:
        now += timedelta(milliseconds=milliseconds)
        made += source.many(count)
    assert made == sorted(set(made))
    assert all(map(is_id, made))
    assert {(uuid.UUID(text).version, uuid.UUID(text).variant) for text in made} == {(7, uuid.RFC_4122)}


def test_the_time_stands_in_front() -> None:
    """The first 48 bits are the milliseconds of the clock."""
    text = IdSource(lambda: NOON, secrets.randbits).new()
    assert uuid.UUID(text).int >> 80 == int(NOON.timestamp() * 1000)


def test_threads_share_a_source() -> None:
    """Law: no id is given twice, however many threads ask."""
    source = IdSource(system_clock, secrets.randbits)
    with ThreadPoolExecutor(8) as pool:
        made = [text for part in pool.map(source.many, [500] * 40) for text in part]
    assert len(set(made)) == 20_000


def test_the_counter_runs_over_into_time() -> None:
    """More ids than a millisecond has numbers still ascend."""
    source = IdSource(lambda: NOON, lambda bits: 2**bits - 1)
    source._next = source._reserve(1) | (2**22 - 1)
    a, b = source.many(2)
    assert a < b and is_id(b)
    assert uuid.UUID(b).int >> 80 == (uuid.UUID(a).int >> 80) + 1


@given(st.integers(0, 15), st.integers(0, 15), numbers, numbers)
def test_numbered_ids_are_ordered_by_effect_and_number(e: int, f: int, n: int, m: int) -> None:
    """Law: valid UUIDv7 beginning with the apply's 24 characters, ordered and distinct as (effect, number) are."""
    apply_id = IdSource(lambda: NOON, secrets.randbits).new()
    a, b = numbered(apply_id, e, n), numbered(apply_id, f, m)
    assert is_id(a) and a[:22] == apply_id[:22]
    assert a == number_prefix(apply_id, e) + f"{n:012x}"
    assert ((a < b), (a == b)) == ((e, n) < (f, m), (e, n) == (f, m))


def test_applies_of_one_moment_number_apart() -> None:
    """Law: two applies of one process never share a prefix, not even in one millisecond."""
    applies = IdSource(lambda: NOON, secrets.randbits).many(5_000)
    assert len({number_prefix(text, 0) for text in applies}) == 5_000


@pytest.mark.parametrize(("effect", "number"), [(-1, 0), (16, 0), (0, -1), (0, 2**48)])
def test_numbers_beyond_their_bits_are_refused(effect: int, number: int) -> None:
    """An id never silently runs into its neighbour."""
    with pytest.raises(ValueError, match=r"effects|48 bits"):
        numbered("019aa5f0-0000-7000-8000-000000000000", effect, number)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "019AA5F0-0000-7000-8000-000000000000",
        "019aa5f0-0000-4000-8000-000000000000",
        "019aa5f0-0000-7000-c000-000000000000",
        "019aa5f0-0000-7000-8000-000000000000\n",
        "019aa5f0000070008000000000000000",
        7,
    ],
)
def test_other_spellings_are_no_ids(text: object) -> None:
    """One id has one spelling."""
    assert not is_id(text)
