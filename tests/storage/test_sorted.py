"""How the memory store keeps things sorted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custcrm.storage.memory import order as memory_order
from custcrm.storage.memory.order import Ranked, SortedKeys, sortable

_KEYS = st.tuples(st.sampled_from("abc"), st.integers(0, 40) | st.none())
_DEEDS = st.lists(st.tuples(st.booleans(), _KEYS), max_size=200)


@given(_DEEDS, _KEYS)
def test_sorted_keys_are_a_sorted_set(deeds, start):
    """After any additions and removals the keys are those of a set, sorted, missing values last, from any point on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory_order, "PIECE", 8)
        kept, wanted = SortedKeys(), set()
        for adding, key in deeds:
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
    """SortedKeys.remove of an unknown key is a KeyError."""
    with pytest.raises(KeyError):
        SortedKeys().remove((1,))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), max_size=60), st.integers(-1, 21))
def test_ranked_records_are_a_sorted_dict(deeds, start):
    """Keys and records run in step, in key order, and `after` gives those past a key, there or not."""
    kept, wanted = Ranked(), {}
    for turn, (adding, key) in enumerate(deeds):
        if adding:
            wanted[key] = turn
            kept.put(key, turn)
        elif key in wanted:
            del wanted[key]
            kept.remove(key)
    assert list(zip(kept.keys, kept.records, strict=True)) == sorted(wanted.items())
    assert kept.after(start) == [record for key, record in sorted(wanted.items()) if key > start]
    assert kept.after(None) == kept.records
