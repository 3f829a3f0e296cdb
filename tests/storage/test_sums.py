"""The sums that the memory store keeps say what its records add up to, whatever came and went."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custcrm.records import PointsEntry
from custcrm.storage.memory import MemoryStore
from custcrm.storage.memory import table as memory_table
from custcrm.storage.memory.table import Table
from custcrm.values.errors import Taken

NOW = datetime(2026, 11, 21, tzinfo=UTC)
DAYS = st.integers(0, 3).map(lambda days: NOW + timedelta(days=days))
ENTRIES = st.builds(
    PointsEntry,
    customer_id=st.sampled_from("ab"), id=st.sampled_from("0123456789"), program=st.sampled_from(["club", "wine"]),
    kind=st.just("credit"), delta=st.integers(-2, 2), lot_id=st.sampled_from("xyz"), occurred_at=DAYS,
    expires_at=st.none() | DAYS,
)
ASKED: tuple[tuple[dict[str, Any], tuple[str, ...], dict[str, Any]], ...] = (
    ({"customer_id": "a", "program": "club"}, ("expires_at", "lot_id"), {"expires_at": NOW + timedelta(days=1)}),
    ({"customer_id": "a", "program": "club", "expires_at": None}, ("expires_at", "lot_id"), {}),
    ({"customer_id": ["b", "a"], "program": "club"}, ("customer_id", "expires_at", "lot_id"), {"expires_at": NOW}),
    ({"customer_id": ["a", "b"], "program": "wine", "expires_at": None, "lot_id": "x"}, ("customer_id",), {}),
    ({"customer_id": ["a", "b"], "lot_id": ["x", "z"]}, ("lot_id", "customer_id"), {}),
    ({"customer_id": ["a", "b"]}, ("program",), {}),
    ({"customer_id": "b"}, (), {}),
    ({"program": "club"}, ("lot_id",), {}),
    ({}, ("customer_id", "program"), {"occurred_at": NOW}),
)


@given(st.lists(ENTRIES | st.tuples(st.sampled_from("ab"), st.sampled_from("0123456789")), max_size=30))
def test_kept_sums_are_those_of_the_records(changes):
    """After every change a table that keeps sums answers as one that adds all records up."""
    kept, plain = Table(PointsEntry), Table(PointsEntry)
    many = memory_table.MANY
    for change in changes:
        for table in (kept, plain):
            table.set(*(((change.customer_id, change.id), change) if isinstance(change, PointsEntry) else (change, None)))
        for where, by, beyond in ASKED:
            for latest in (None, "occurred_at"):
                answers = []
                for table, memory_table.MANY in ((kept, 0), (plain, many)):
                    answers.append(list(table.totals(where, by, "delta", latest, beyond)))
                assert answers[0] == answers[1]
    assert many == memory_table.MANY


def test_sums_of_several_customers_come_in_the_order_that_is_asked_for():
    """Rows are sorted by the columns as they are named, also where the customer is not the first of them."""
    store = MemoryStore()
    with store.write() as writer:
        for number, (customer, lot) in enumerate([("a", "y"), ("b", "x"), ("c", "x")]):
            writer.add([PointsEntry(customer_id=customer, id=str(number), program="club", kind="credit", delta=1,
                                    lot_id=lot, occurred_at=NOW)])
        rows = list(writer.totals(PointsEntry, {"customer_id": ["c", "b", "a"]}, by=("lot_id", "customer_id"), of="delta"))
    assert rows == [("x", "b", 1), ("x", "c", 1), ("y", "a", 1)]


def test_what_is_undone_is_undone_in_the_sums():
    """A write that fails leaves the sums as they were."""
    store, asked = MemoryStore(), {"customer_id": "a", "program": "club"}

    def entry(number: int, delta: int) -> PointsEntry:
        return PointsEntry(customer_id="a", id=f"{number:04}", program="club", kind="credit", delta=delta,
                           lot_id=f"{number % 300:04}", occurred_at=NOW)

    def total() -> int:
        with store.read() as reader:
            return sum(row[1] for row in reader.totals(PointsEntry, asked, by=("lot_id",), of="delta", latest="occurred_at"))

    with store.write() as writer:
        writer.add(entry(number, 10) for number in range(300))
    assert total() == 3_000
    with pytest.raises(Taken), store.write() as writer:
        writer.add(entry(number, -10) for number in [*range(300, 500), 0])
    assert total() == 3_000
    with store.write() as writer:
        writer.add(entry(number, -10) for number in range(300, 500))
    assert total() == 1_000
