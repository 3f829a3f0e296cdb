"""The strategies that ship: what they draw can be shown when a law fails."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custcrm.records import Customer
from custcrm.testing import bases, questions, strategies
from custcrm.testing.bases import Base
from custcrm.testing.numbers import REGIONS, DrawnNumber, phone_numbers
from custcrm.testing.parity import Asked

CHARACTERS = 6_000
"""A law takes a few of these; hypothesis warns from 30,000 characters on, and its warning hides what failed."""

SHIPPED = {
    "base": bases.bases(),
    "question": questions.questions(),
    "asked": st.builds(Asked, questions.questions(), st.lists(questions.shown(), max_size=4), questions.orders()),
    "verdict": questions.verdicts(),
    "filter": strategies.filters(strategies.demo_schema()),
    "number": phone_numbers(),
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


@given(bases.bases())
def test_a_base_has_numbers_that_a_store_would_keep(base):
    """Law: the phones of drawn customers are valid, as those are that come through a door."""
    phones = {record.phone for record in base if isinstance(record, Customer) and record.phone is not None}
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(phone)) for phone in phones)


@given(phone_numbers(["FI", "SE"]))
def test_numbers_are_those_of_the_regions_asked_for(number: DrawnNumber):
    """Law: each is a valid number of its own region."""
    assert number.region in ("FI", "SE") and {"FI", "SE"} < {*REGIONS}
    code = phonenumbers.parse(number.national, number.region).country_code
    assert number.e164.startswith(f"+{code}") and code == {"FI": 358, "SE": 46}[number.region]
    assert phonenumbers.is_valid_number(phonenumbers.parse(number.e164))
