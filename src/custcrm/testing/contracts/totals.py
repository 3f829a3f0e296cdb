"""The laws of a store about sums by groups: what the open lots of points and the balances of accounts are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from custcrm.records import AccountEntry, PointsEntry, Sale
from custcrm.storage.columns import reader as column
from custcrm.storage.columns import tuple_reader
from custcrm.storage.protocol import Reader, Store
from custcrm.testing.bases import INSTANTS, LONG_AGO, NOW, Base, bases, some_id
from custcrm.testing.contracts.records import ON_ONE_STORE, entry, put
from custcrm.testing.parity import rolled_back
from custcrm.values.money import Money

_WHERE = st.fixed_dictionaries(
    {},
    optional={
        "customer_id": st.sampled_from([some_id(1), [some_id(2), some_id(1)], [], {some_id(1), some_id(99)}]),
        "program": st.sampled_from(["gold", ("gold", "silver"), "unknown"]),
        "point_of_sale": st.sampled_from([None, "Harbour", [None, "Airport"]]),
        "terminal": st.sampled_from(["api", "till 1", ["till 1", "till 2"]]),
    },
)
_BY = ("customer_id", "program", "point_of_sale", "kind")
_SHAPES = st.one_of(
    *(
        st.tuples(st.just(record), st.lists(st.sampled_from((*_BY, *more)), unique=True), st.sampled_from(of))
        for record, more, of in [
            (PointsEntry, ("expires_at", "lot_id"), ["delta"]),
            (AccountEntry, ("account", "occurred_at"), ["amount", "units"]),
            (Sale, ("refund_of",), ["total", "units", "counts"]),
        ]
    )
)


class TotalLaws:
    """A sum is that of the records that find gives."""

    @ON_ONE_STORE
    @given(
        base=bases(),
        shape=_SHAPES,
        where=_WHERE,
        latest=st.none() | st.just("occurred_at"),
        beyond=st.none() | st.fixed_dictionaries({}, optional={"occurred_at": st.sampled_from(INSTANTS)}),
    )
    def test_totals_are_the_sums_of_what_is_found(
        self,
        store: Store,
        base: Base,
        shape: tuple[type, list[str], str],
        where: Mapping[str, Any],
        latest: str | None,
        beyond: Mapping[str, Any] | None,
    ) -> None:
        """For any groups and conditions: the sums of find's records, missing ones aside, without those that are nought."""
        record, by, of = shape
        with rolled_back(store) as writer:
            writer.add(base)
            found = list(writer.totals(record, where, by=by, of=of, latest=latest, beyond=beyond))
            assert found == naive_totals(writer, record, where, by, of, latest, beyond or {})

    def test_open_lots_are_the_groups_that_are_left(self, store: Store) -> None:
        """Of a customer's lots those with something left come in the order of expiry; what never expires comes last."""
        soon, later = NOW + timedelta(days=1), NOW + timedelta(days=2)
        put(
            store,
            *(entry(11, expires_at=later), entry(12, delta=5), entry(13, expires_at=soon), entry(14, expires_at=soon)),
            *(entry(15, lot_id=some_id(13), delta=-10, expires_at=soon), entry(16, lot_id=some_id(12), delta=-2)),
            *(entry(17, owner=2, expires_at=soon), entry(18, program="silver", expires_at=soon), entry(19, expires_at=NOW)),
        )
        mine = {"customer_id": some_id(1), "program": "gold"}
        by = ("expires_at", "lot_id")
        with store.read() as reader:
            dated = list(reader.totals(PointsEntry, mine, by=by, of="delta", beyond={"expires_at": NOW}))
            open_ended = list(reader.totals(PointsEntry, {**mine, "expires_at": None}, by=by, of="delta"))
            everything = list(reader.totals(PointsEntry, mine, by=by, of="delta", latest="occurred_at"))
        assert dated == [(soon, some_id(14), 10), (later, some_id(11), 10)]
        assert open_ended == [(None, some_id(12), 3)]
        assert everything == [(*group, LONG_AGO) for group in [(NOW, some_id(19), 10), *dated, *open_ended]]

    def test_a_sum_without_groups_is_one_or_none(self, store: Store) -> None:
        """Without `by` there is one row, none where the sum is nought or nothing is found; debts are summed too."""
        put(store, entry(11, delta=-30), entry(12, occurred_at=NOW), entry(13, owner=2), entry(14, owner=2, delta=-10))
        with store.read() as reader:
            def total(owner: int, **how: Any) -> list[tuple[Any, ...]]:
                return list(reader.totals(PointsEntry, {"customer_id": some_id(owner)}, of="delta", **how))

            assert total(1) == [(-20,)]
            assert total(1, latest="occurred_at") == [(-20, NOW)]
            assert total(2) == total(3) == []
            assert total(1, beyond={"delta": 9}) == [(10,)]

    def test_what_is_missing_adds_nothing(self, store: Store) -> None:
        """A record without the summed column is not in the sum, and a group of such records is not there."""
        def line(number: int, **values: Any) -> AccountEntry:
            given = {"customer_id": some_id(1), "id": some_id(number), "program": "gold", "kind": "replenish"}
            return AccountEntry(occurred_at=LONG_AGO, **{**given, **values})

        five = line(11, account="a", amount=Money("5", "EUR"))
        put(store, five, line(12, account="a", units=3), line(13, account="b", units=2))
        with store.read() as reader:
            assert list(reader.totals(AccountEntry, by=["account"], of="amount")) == [("a", 500)]
            assert list(reader.totals(AccountEntry, by=["account"], of="units")) == [("a", 3), ("b", 2)]

    def test_totals_are_of_what_was_written_so_far(self, store: Store) -> None:
        """Within a write() they see what it has written."""
        put(store, entry(11))
        with store.write() as writer:
            writer.add([entry(12, delta=-4, lot_id=some_id(11))])
            assert list(writer.totals(PointsEntry, by=["lot_id"], of="delta")) == [(some_id(11), 6)]
            writer.add([entry(13, delta=-6, lot_id=some_id(11))])
            assert list(writer.totals(PointsEntry, by=["lot_id"], of="delta")) == []


def naive_totals(
    reader: Reader,
    record: type,
    where: Mapping[str, Any],
    by: Sequence[str],
    of: str,
    latest: str | None,
    beyond: Mapping[str, Any],
) -> list[tuple[Any, ...]]:
    """Return what `Reader.totals` should yield, by looking at each record."""
    read, amount, last = tuple_reader(record, tuple(by)), column(record, of), column(record, latest or of)
    groups: dict[tuple[Any, ...], list[Any]] = {}
    found: list[Any] = list(reader.find(record, where))
    for each in found:
        if all((value := column(record, name)(each)) is not None and value > low for name, low in beyond.items()):
            groups.setdefault(read(each), []).append(each)
    sums = {group: sum(amount(each) or 0 for each in members) for group, members in groups.items()}
    rows = [
        (*group, total, max(map(last, groups[group]))) if latest else (*group, total) for group, total in sums.items() if total
    ]
    return sorted(rows, key=lambda row: [(value is None, value) for value in row[: len(by)]])
