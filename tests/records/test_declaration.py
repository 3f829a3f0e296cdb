"""What follows from a record's declaration."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custcrm.records import Customer, MembershipChange, TagAssignment
from custcrm.records.declaration import bounds_of, is_in_force
from custcrm.records.programs import Access

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NEAR = st.integers(-2, 2).map(lambda microseconds: NOW + timedelta(microseconds=microseconds))


@given(since=NEAR, until=st.none() | NEAR, at=NEAR)
def test_a_record_is_in_force_from_since_until_just_before_until(since, until, at) -> None:
    """Since <= at < until, and a missing until never comes; what has ended is not in force, whenever it began."""
    tag = TagAssignment(customer_id="anna", id="1", key="VIP", since=since, until=until)
    assert is_in_force(tag, at) == (since <= at and (until is None or at < until))
    assert bounds_of(TagAssignment).has_ended(tag, at) == (until is not None and until <= at)
    assert is_in_force(tag, at) == (since <= at and not bounds_of(TagAssignment).has_ended(tag, at))


def test_a_record_without_an_end_stays_in_force() -> None:
    """A change of a membership tells from its instant on: a later one only comes after it."""
    change = MembershipChange(
        customer_id="anna", id="1", program="club", change="joined", access=Access.FULL, category="", occurred_at=NOW
    )
    assert [is_in_force(change, NOW + timedelta(days=days)) for days in (-1, 0, 9_000)] == [False, True, True]


def test_a_record_that_bounds_no_time_cannot_be_asked() -> None:
    """TypeError, which names the class."""
    with pytest.raises(TypeError, match="Customer"):
        bounds_of(Customer)
