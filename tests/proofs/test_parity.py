"""Every store answers and writes what memory does: the law of the store contract, with as many examples as one waits for."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custcrm.storage.sql import open_store
from custcrm.testing import assert_parity
from custcrm.testing.bases import Base, bases
from custcrm.testing.parity import Asked
from custcrm.testing.questions import orders, questions, shown, verdicts

SHORT, LONG = 10, 2_000  # the short form stands in tests/storage already


def test_a_store_does_what_memory_does(address: str, long: bool) -> None:
    """Generated bases × questions × columns × orders × verdicts: the same answers, targets and rows."""
    store = open_store(address)

    @settings(
        max_examples=LONG if long else SHORT, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(
        base=bases(),
        asked=st.builds(
            Asked, questions(overflowing=True), st.lists(shown(), max_size=4), orders(),
            verdicts(overflowing=True), st.none() | st.integers(0, 4)
        ),
    )
    def law(base: Base, asked: Asked) -> None:
        assert_parity(store, base, asked)

    try:
        law()
    finally:
        store.close()
