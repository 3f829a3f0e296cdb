"""The laws of a store about what threads want at once: counters, holds and claims, one at a time and never over a limit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from attrs import evolve

from custcrm.records import CouponSeries, Customer, PointsEntry, TagAssignment
from custcrm.storage.protocol import Store
from custcrm.testing.bases import NOW, some_id
from custcrm.testing.contracts.records import THREADS, entry, put, tag


class LimitLaws:
    """What there is once is given once, whoever asks."""

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

    def test_many_are_held_in_key_order(self, store: Store) -> None:
        """hold_all holds those of the keys that are there: threads that name them in other orders lose no change."""
        put(store)
        wanted = [some_id(3), some_id(99), some_id(1), some_id(3)]

        def work(thread: int) -> None:
            with store.write() as writer:
                writer.hold_all(Customer, [])
                writer.hold_all(Customer, wanted if thread % 2 else wanted[::-1])
                for each in writer.find(Customer, {"id": wanted}):
                    writer.replace(evolve(each, credit_limit=None, payment_terms_days=(each.payment_terms_days or 0) + 1))

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(work, range(THREADS)))
        with store.read() as reader:
            assert reader.values(Customer, ["payment_terms_days"], {"id": wanted}) == [(THREADS,), (THREADS,)]

    def test_many_are_held_from_the_first_key_on(self, store: Store) -> None:
        """Who waits for the first of many holds none after it, so that the one who has it may hold them too."""
        put(store)
        first, last = some_id(1), some_id(3)

        def hold() -> None:
            with store.write() as writer:
                writer.hold_all(Customer, [last, first])

        with ThreadPoolExecutor(1) as pool:
            with store.write() as writer:
                writer.hold(Customer, first)
                other = pool.submit(hold)
                wait([other], timeout=0.2)
                writer.hold(Customer, last)
            other.result()

    @pytest.mark.parametrize("claimed", [1, 1_000])
    def test_who_claims_a_key_decides_alone(self, store: Store, claimed: int) -> None:
        """claim, look, then add if it is absent: of all threads one adds, and the others see what it added."""
        put(store)
        keys = [f"key {number}" for number in range(claimed)]

        def decide(thread: int) -> int:
            added = 0
            for turn in range(4):
                with store.write() as writer:
                    writer.claim("receipts", keys if thread % 2 else keys[:1])
                    if not writer.count_records(TagAssignment, {"key": f"{turn}"}):
                        writer.add([tag(100 + 10 * thread + turn, key=f"{turn}")])
                        added += 1
            return added

        with ThreadPoolExecutor(THREADS) as pool:
            assert sum(pool.map(decide, range(THREADS))) == 4

    def test_a_key_may_be_claimed_again(self, store: Store) -> None:
        """A writer may claim what it has claimed, no keys, and any text; the claims end with the write()."""
        put(store)
        for _ in range(2):
            with store.write() as writer:
                for keys in ([], ["a", "a"], {"b", "a"}, ["", "ä\0", "\ud800"]):
                    writer.claim("emails", keys)
                with store.write() as inner:
                    inner.claim("emails", ["c"])

    def test_keys_may_be_claimed_in_any_order(self, store: Store) -> None:
        """Two who claim the same keys, each in an order of its own, wait for each other and never for ever."""

        def claim(*keys: str) -> None:
            with store.write() as writer:
                writer.claim("emails", keys)

        with ThreadPoolExecutor(2) as pool:
            with store.write() as writer:
                writer.claim("emails", ["b"])
                waiting = []
                for keys in ("b", "a"), ("a", "b"):  # the first waits for b before the second has a
                    waiting.append(pool.submit(claim, *keys))
                    wait(waiting, timeout=0.2)
            for each in waiting:
                each.result()
