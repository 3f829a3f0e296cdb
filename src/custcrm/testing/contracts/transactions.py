"""The laws of a store about transactions: all or nothing, also within one another, and seen only when done."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from custcrm.records import RECORDS, CouponSeries, Customer, TagAssignment
from custcrm.storage.protocol import Fault, Reader, Store, Writer
from custcrm.storage.questions import Question
from custcrm.testing.bases import NOW, Base, bases, some_id
from custcrm.testing.contracts.records import ON_ONE_STORE, THREADS, customer, put, tag
from custcrm.testing.parity import rolled_back
from custcrm.testing.questions import SCHEMA
from custcrm.values.errors import Closed, Taken


def everything(reader: Reader) -> list[Any]:
    """Return all records of a store."""
    found: list[Any] = []
    for record in RECORDS:
        found += reader.find(record)
    return found


def _add(store: Store, record: Any) -> None:
    with store.write() as writer:
        writer.add([record])


class TransactionLaws:
    """A write() is done wholly or not at all, and others see it only when it is done."""

    @ON_ONE_STORE
    @given(base=bases(), data=st.data())
    def test_an_exception_undoes_everything(self, store: Store, base: Base, data: st.DataObject) -> None:
        """After any adds, replaces, puts, removes, reserves and effects, an exception leaves the store as it was."""
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

    def test_what_fails_inside_a_write_undoes_itself_alone(self, store: Store) -> None:
        """An exception that leaves an inner write() undoes its work; the outer one goes on from before it, and commits."""
        put(store, customer(4, email="a@x.fi"))
        with store.write() as outer:
            outer.add([tag(11)])
            outer.reserve(CouponSeries, ("welcome",), 2)
            before = everything(outer)
            with rolled_back(store) as inner:
                inner.add([tag(12), customer(5, email="b@x.fi")])
                inner.replace(customer(4, email="c@x.fi"))
                inner.remove(TagAssignment, some_id(1), some_id(11))
                inner.reserve(CouponSeries, ("welcome",), 3)
                with store.write() as innermost:
                    innermost.add([tag(13)])
            assert everything(outer) == before
            with store.write() as inner:
                inner.add([customer(6, email="b@x.fi")])
                with rolled_back(store) as innermost:
                    innermost.add([tag(14)])
                inner.add([tag(15)])
            after = everything(outer)
            assert [each.id for each in after if isinstance(each, TagAssignment)] == [some_id(11), some_id(15)]
        with store.read() as reader:
            assert everything(reader) == after

    def test_a_refused_change_leaves_nothing_and_the_write_goes_on(self, store: Store) -> None:
        """Who catches Taken within the write() goes on; nothing of the refused call is there, and the rest is committed."""
        put(store, customer(4, email="a@x.fi"))
        clashing = customer(7, email="a@x.fi")
        with store.write() as writer:
            writer.add([tag(11)])
            before = everything(writer)
            for records in ([customer(5), customer(6), clashing], [tag(12), customer(5), clashing], [clashing]):
                for change in (writer.add, writer.put):
                    with pytest.raises(Taken):
                        change(records)
                    assert everything(writer) == before
            with pytest.raises(Taken):
                writer.put([customer(1, country="SE"), customer(2, email="a@x.fi")])
            with pytest.raises(Taken):
                writer.add([customer(5), customer(1)])
            with pytest.raises(Taken):
                writer.replace(customer(1, email="a@x.fi"))
            assert everything(writer) == before
            writer.add([customer(5), customer(7)])
            after = everything(writer)
        with store.read() as reader:
            assert everything(reader) == after

    def test_a_store_knows_who_is_writing(self, store: Store) -> None:
        """is_writing is true within a write() of this thread, also an inner one, and of no other."""
        put(store)
        assert not store.is_writing()
        with store.write(), ThreadPoolExecutor(1) as pool:
            with store.write(), store.read():
                assert store.is_writing()
            with rolled_back(store):
                pass
            assert store.is_writing()
            assert not pool.submit(store.is_writing).result()
        assert not store.is_writing()
        with rolled_back(store):
            pass
        with store.read():
            assert not store.is_writing()

    def test_a_view_shows_what_was_written_before_it(self, store: Store) -> None:
        """While a find or rows of one read() is under way, the thread writes, and its next read() shows that."""
        put(store)
        with store.read() as reader:
            found, shown = reader.find(Customer), reader.rows(Question(SCHEMA.parse("TRUE"), NOW), ())
            assert (next(found).id, *next(shown)) == (some_id(1), some_id(1))
            for number in (11, 12):
                with store.write() as writer:
                    writer.add([tag(number)])
                with store.read() as later:
                    assert later.count_records(TagAssignment) == number - 10
            assert [each.id for each in found] == [row[0] for row in shown] == [some_id(2), some_id(3)]

    def test_a_snapshot_is_one_moment(self, store: Store) -> None:
        """Two questions of one snapshot get one answer, whoever commits in between; nothing is wrong with what was written."""
        put(store, customer(8))
        faults: list[Fault] = []
        with ThreadPoolExecutor(1) as pool:
            with store.snapshot(faults.append) as reader:
                before = everything(reader)
                writing = pool.submit(_add, store, customer(9))
                wait([writing], timeout=1)  # a store that has one view at a time lets the writer wait
                assert everything(reader) == before and reader.get(Customer, some_id(9)) is None
            writing.result()
        with store.snapshot(faults.append) as reader:
            assert reader.get(Customer, some_id(9)) is not None
        with pytest.raises(Closed):
            list(reader.find(Customer))
        assert faults == []

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

    @pytest.mark.parametrize("read", range(3))
    def test_what_is_half_read_ends_with_the_store(self, store: Store, read: int) -> None:
        """However much of what a store confines is read when it is closed, what is left of it raises Closed."""
        found = store.confine(iter(range(3)))
        assert [next(found) for _ in range(read)] == list(range(read))
        store.close()
        with pytest.raises(Closed):
            next(found)

    def test_migrating_again_does_nothing(self, store: Store) -> None:
        """A store that is set up has a version, and migrating it changes neither that nor its records."""
        put(store)
        version = store.version()
        assert version is not None
        assert store.migrate()[:2] == (version, version)
        with store.read() as reader:
            assert reader.count_records(Customer) == 3
        assert store.describe()

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
