"""What is owed once a debt is paid, against a ledger that takes point by point."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from custcrm.rules.lots import owed

DAYS = [datetime(2026, 12, number, tzinfo=UTC) for number in (1, 5, 9)]
lots = st.dictionaries(st.sampled_from([None, *DAYS]), st.integers(0, 20))


@given(lots, st.integers(0, 40))
def test_a_debt_is_paid_out_of_what_expires_soonest(points: dict[datetime | None, int], debt: int):
    """Law: one point of debt takes the soonest point there is; what is left is the balance, and nothing beside a debt."""
    never = DAYS[-1] + timedelta(days=1)
    one_by_one = sorted((end or never) for end, count in points.items() for _ in range(count))
    left = owed(points, debt)
    assert sum(left.values()) == sum(points.values()) - debt
    expected = [None if end == never else end for end in one_by_one[debt:]]
    if debt <= len(one_by_one):
        assert [end for end, count in left.items() for _ in range(count)] == expected
    else:
        assert left == {None: len(one_by_one) - debt}


def test_an_example():
    """100 to expire in December and 50 for ever, with a debt of 30: 70 and 50; with one of 200: nothing is owed."""
    [end, *_] = DAYS
    assert owed({None: 50, end: 100}, 30) == {end: 70, None: 50}
    assert owed({None: 50, end: 100}, 200) == {None: -50}
    assert owed({}, 0) == {}
