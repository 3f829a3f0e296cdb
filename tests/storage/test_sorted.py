"""How the memory store keeps things sorted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custcrm.storage.memory.order import Ranked, SortedKeys, sortable

_KEYS = st.tuples(st.sampled_from("abc"), st.integers(0, 40) | st.none())
_CHANGES = st.lists(st.tuples(st.booleans(), _KEYS), max_size=200)


@given(_CHANGES, _KEYS)
def test_sorted_keys_are_a_sorted_set(changes, start):
    """After any additions and removals the keys are those of a set, sorted, missing values last, from any point on."""
    kept, wanted = SortedKeys(), set()
    for adding, key in changes:
        if adding and key not in wanted:
            wanted.add(key)
            kept.add(sortable(key))
        elif not adding and key in wanted:
            wanted.remove(key)
            kept.remove(sortable(key))
    ordered = sorted(map(sortable, wanted))
    assert list(kept.starting(())) == ordered
    same = [key for key in ordered if key[0] == start[0]]
    assert list(kept.starting(start[:1])) == same
    after = sortable(start[1:])
    assert list(kept.starting(start[:1], after)) == [key for key in same if after < key[1:]]


def test_a_key_that_is_not_there_cannot_be_removed():
    """SortedKeys.remove of an unknown key is a ValueError."""
    with pytest.raises(ValueError, match="not in list"):
        SortedKeys().remove((1,))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), max_size=60), st.integers(-1, 21))
def test_ranked_records_are_a_sorted_dict(changes, start):
    """Keys and records run in step, in key order, and `after` gives those past a key, there or not."""
    kept, wanted = Ranked(), {}
    for turn, (adding, key) in enumerate(changes):
        if adding:
            wanted[key] = turn
            kept.put(key, turn)
        elif key in wanted:
            del wanted[key]
            kept.remove(key)
    assert list(zip(kept.keys, kept.records, strict=True)) == sorted(wanted.items())
    assert kept.after(start) == [record for key, record in sorted(wanted.items()) if key > start]
    assert kept.after(None) == kept.records
