"""The strategies that ship: what they draw can be shown when a law fails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custcrm.records import Customer
from custcrm.testing import bases, questions, strategies
from custcrm.testing.bases import Base
from custcrm.testing.parity import Asked

CHARACTERS = 6_000
"""A law takes a few of these; hypothesis warns from 30,000 characters on, and its warning hides what failed."""

SHIPPED = {
    "base": bases.bases(),
    "question": questions.questions(),
    "asked": st.builds(Asked, questions.questions(), st.lists(questions.shown(), max_size=4), questions.orders()),
    "verdict": questions.verdicts(),
    "filter": strategies.filters(strategies.demo_schema()),
    "row": strategies.rows(strategies.demo_schema()),
}


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_drawn_has_a_short_repr(name):
    """A page of text at most, whatever is drawn."""

    @given(SHIPPED[name])
    def law(drawn):
        assert len(repr(drawn)) < CHARACTERS

    law()


@given(bases.bases())
def test_a_base_counts_itself_and_prints_whole(base):
    """It is a sequence of records; its repr tells how many customers there are, print() gives each record a line."""
    lines = str(base).splitlines()
    customers = sum(isinstance(record, Customer) for record in base)
    assert lines == [repr(record) for record in base] and len(base) == len(lines)
    assert repr(base) == f"<Base of {customers} customers, {len(base) - customers} other records>"
    assert Base(base[:1]) == Base([base[0]])
