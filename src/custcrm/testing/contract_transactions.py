"""The laws of a store about transactions: all or nothing, one at a time, and never over a limit."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from custcrm.records import RECORDS, CouponSeries, Customer, PointsEntry, TagAssignment
from custcrm.storage.deeds import Question
from custcrm.storage.protocol import Reader, Store, Taken, Writer
from custcrm.testing.contract_records import ON_ONE_STORE, customer, entry, put, tag
from custcrm.testing.facts import NOW, bases, some_id
from custcrm.testing.parity import rolled_back
from custcrm.testing.questions import SCHEMA
from custcrm.values.errors import Closed

THREADS: Final = 8


def everything(reader: Reader) -> list[Any]:
    """Return all records of a store."""
    found: list[Any] = []
    for record in RECORDS:
        found += reader.find(record)
    return found


class TransactionLaws:
    """A write() is done wholly or not at all, and others see it only when it is done."""

    @ON_ONE_STORE
    @given(base=bases(), data=st.data())
    def test_an_exception_undoes_everything(self, store: Store, base: list[Any], data: st.DataObject) -> None:
        """After any adds, replaces, puts, removes, reserves and deeds, an exception leaves the store as it was."""
        with rolled_back(store) as writer:
            writer.add(base)
            for change in data.draw(st.lists(st.sampled_from(_CHANGES), max_size=8)):
                change(writer)
        with store.read() as reader:
            assert everything(reader) == []

    def test_an_exception_restores_what_was_there(self, store: Store) -> None:
        """What was committed before stays, with its old values, unique values and counter."""
        put(store, customer(4, email="a@x.fi"), tag(11))
        with store.read() as reader:
            before = everything(reader)
        with rolled_back(store) as writer:
            writer.replace(customer(4, email="b@x.fi"))
            writer.remove(TagAssignment, some_id(1), some_id(11))
            writer.add([customer(5, email="a@x.fi"), tag(12)])
            writer.reserve(CouponSeries, ("welcome",), 2)
        with store.read() as reader:
            assert everything(reader) == before
            assert [each.id for each in reader.find(Customer, {"email": "a@x.fi"})] == [some_id(4)]
            assert reader.count_records(Customer, {"email": "b@x.fi"}) == 0
        with store.write() as writer:
            writer.add([customer(5, email="b@x.fi")])

    def test_a_refused_record_leaves_nothing_half_done(self, store: Store) -> None:
        """Taken, on its way out of the write(), undoes also what this write() did before."""
        put(store)

        def attempt() -> None:
            with store.write() as writer:
                writer.add([tag(11)])
                writer.add([tag(12), customer(1)])

        with pytest.raises(Taken):
            attempt()
        with store.read() as reader:
            assert reader.count_records(TagAssignment) == 0

    def test_a_nested_write_joins(self, store: Store) -> None:
        """A write() inside another commits with the outer one, sees its changes, and falls with it."""
        put(store)
        with store.write() as outer:
            outer.add([tag(11)])
            with store.write() as inner:
                assert inner.count_records(TagAssignment) == 1
                inner.add([tag(12)])
            assert outer.count_records(TagAssignment) == 2
        with rolled_back(store), store.write() as inner:
            inner.add([tag(13)])
        with store.read() as reader:
            assert [each.id for each in reader.find(TagAssignment)] == [some_id(11), some_id(12)]

    def test_a_read_inside_a_write_sees_it(self, store: Store) -> None:
        """A read() in a write() of the same thread sees what has been written so far."""
        put(store)
        with store.write() as writer:
            writer.add([tag(11)])
            with store.read() as reader:
                assert reader.count_records(TagAssignment) == 1
                assert reader.ids(Question(SCHEMA.parse("tags.VIP EXISTS"), NOW)) == [some_id(1)]
            writer.add([tag(12)])

    def test_a_view_ends_with_its_block(self, store: Store) -> None:
        """A reader or writer used after its `with` block raises Closed; nothing is written outside a write()."""
        put(store)
        with store.read() as reader:
            pass
        with store.write() as writer:
            pass
        for use in (
            lambda: reader.get(Customer, some_id(1)),
            lambda: writer.get(Customer, some_id(1)),
            lambda: writer.add([tag(11)]),
            lambda: reader.count(Question(SCHEMA.parse("TRUE"), NOW)),
        ):
            with pytest.raises(Closed):
                use()
        with store.read() as reader:
            assert reader.count_records(TagAssignment) == 0

    def test_nothing_works_after_close(self, store: Store) -> None:
        """After close(), read() and write() raise Closed; closing again does nothing."""
        put(store)
        store.close()
        store.close()
        with pytest.raises(Closed), store.read():
            pass
        with pytest.raises(Closed), store.write():
            pass

    def test_migrating_again_does_nothing(self, store: Store) -> None:
        """A store that is set up has a version, and migrating it changes neither that nor its records."""
        put(store)
        version = store.version()
        assert version is not None
        assert store.migrate() == (version, version)
        with store.read() as reader:
            assert reader.count_records(Customer) == 3
        assert store.describe()

    # limits -------------------------------------------------------------------------------------

    def test_a_counter_stays_within_its_limit(self, store: Store) -> None:
        """Reserve adds whole or not at all, gives back, never goes below nought, and without a limit always fits."""
        put(store, CouponSeries(name="open", program="gold", created_at=NOW))
        with store.write() as writer:
            def reserve(n: int, name: str = "welcome") -> bool:
                return writer.reserve(CouponSeries, (name,), n)

            assert [reserve(7), reserve(4), reserve(3), reserve(1)] == [True, False, True, False]
            assert [reserve(-2), reserve(3), reserve(2), reserve(-11)] == [True, False, True, False]
            assert [reserve(10**9, "open"), reserve(1, "unknown")] == [True, False]
            series = writer.get(CouponSeries, "welcome")
            assert series is not None and series.issued == 10

    def test_giving_back_is_always_possible(self, store: Store) -> None:
        """Where the limit was lowered below what is used, reserve still takes a negative n, and no positive one."""
        put(store)
        with store.write() as writer:
            writer.reserve(CouponSeries, ("welcome",), 8)
            series = writer.get(CouponSeries, "welcome")
            assert series is not None
            writer.replace(evolve(series, capacity=5))
            assert not writer.reserve(CouponSeries, ("welcome",), 1)
            assert writer.reserve(CouponSeries, ("welcome",), -2)

    def test_threads_together_never_pass_a_limit(self, store: Store) -> None:
        """Eight threads that reserve one at a time get exactly what there is."""
        put(store)

        def take(_: int) -> int:
            taken = 0
            for _ in range(4):
                with store.write() as writer:
                    taken += writer.reserve(CouponSeries, ("welcome",), 1)
            return taken

        with ThreadPoolExecutor(THREADS) as pool:
            assert sum(pool.map(take, range(THREADS))) == 10
        with store.read() as reader:
            series = reader.get(CouponSeries, "welcome")
            assert series is not None and series.issued == 10

    def test_who_holds_a_record_keeps_others_away(self, store: Store) -> None:
        """hold, look, then write: threads that spend from one balance never overspend it."""
        put(store, entry(11, delta=10))

        def spend(thread: int) -> int:
            spent = 0
            for turn in range(3):
                with store.write() as writer:
                    writer.hold(Customer, some_id(1))
                    if sum(each.delta for each in writer.find(PointsEntry, {"customer_id": some_id(1)})) >= 1:
                        writer.add([entry(100 + 10 * thread + turn, kind="spend", delta=-1)])
                        spent += 1
            return spent

        with ThreadPoolExecutor(THREADS) as pool:
            assert sum(pool.map(spend, range(THREADS))) == 10

    def test_others_do_not_see_an_unfinished_write(self, store: Store) -> None:
        """What a thread reads while another one writes is all of that write() or nothing."""
        put(store, customers=0)

        def write(batch: int) -> None:
            with store.write() as writer:
                writer.add([customer(1 + 10 * batch + number) for number in range(5)])
                writer.add([customer(6 + 10 * batch + number) for number in range(5)])

        def count(_: int) -> int:
            with store.read() as reader:
                return reader.count_records(Customer)

        with ThreadPoolExecutor(THREADS) as pool:
            writes = [pool.submit(write, batch) for batch in range(THREADS)]
            counts = list(pool.map(count, range(20)))
            for each in writes:
                each.result()
        assert all(each % 10 == 0 for each in counts)
        assert count(0) == 10 * THREADS


def _remove_all(writer: Writer) -> None:
    for each in list(writer.find(TagAssignment)):
        writer.remove(TagAssignment, each.customer_id, each.id)


def _close_all(writer: Writer) -> None:
    for each in list(writer.find(TagAssignment)):
        writer.replace(evolve(each, until=NOW))


def _rename(writer: Writer) -> None:
    for each in list(writer.find(Customer)):
        writer.replace(evolve(each, email=None if each.email else f"{each.id}@x.fi", country="NO"))


def _reserve(writer: Writer) -> None:
    writer.reserve(CouponSeries, ("welcome",), 1)


def _put(writer: Writer) -> None:
    writer.put([customer(1, country="DK"), customer(999)])


_CHANGES: Final[tuple[Callable[[Writer], None], ...]] = (_remove_all, _close_all, _rename, _reserve, _put)
