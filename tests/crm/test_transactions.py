"""Transactions in web apps: whose one is, what becomes of it where it gets into other hands, and that the next call works.

The ways in which it gets there are those of real servers: tasks of one event loop, `asyncio.to_thread`, and a dependency that
one thread of a pool enters and another one leaves.
"""

import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from custcrm import FilterError, MisusedTransaction, Unavailable
from custcrm.storage import protocol

MANY = 8
"""Tasks, threads or clients at once."""
ROUNDS = 4
PATIENCE = 20
"""Seconds until a call counts as one that never ends."""


class Declined(Exception):
    """What an app raises to give up what it has begun."""


def names(crm) -> set[str]:
    return {each.first_name for each in crm.select()}


def kept_as_told(crm, told: set[str]) -> dict[str, int]:
    """Count what was told to be done and is not there, and what is there and was told to have failed."""
    there = names(crm)
    return {"lost": len(told - there), "stored though declined": len(there - told)}


NOTHING_AMISS = {"lost": 0, "stored though declined": 0}


def soon(call):
    """Return what the call gives in a thread of its own, which is not waited for for ever."""
    found: list[object] = []

    def run() -> None:
        try:
            found.append(call())
        except Exception as error:  # noqa: BLE001 (it is returned)
            found.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return found[0] if found else "never came back"


def works_everywhere(crm, pool=None) -> None:
    """Assert that the next call of this thread, of a new one and of each of the pool's writes and finds what it wrote."""

    def write() -> bool:
        added = crm.customers.add(first_name="next")
        return crm.customers.get(added.id) == added and not crm._business.store.is_writing()

    assert soon(write) is True
    assert write() is True
    if pool is not None:
        meet = threading.Barrier(pool._max_workers)

        def each() -> bool:
            meet.wait(PATIENCE)
            return write()

        assert [pool.submit(each) for _ in range(pool._max_workers)][-1].result(PATIENCE) is True


async def pause() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def by_tasks(crm, stored: set[str]) -> None:
    """Be a service whose requests await within a transaction; put into `stored` what was answered as done."""

    async def request(number: int) -> None:
        mine = {f"{number} first", f"{number} second"}
        with contextlib.suppress(Exception):
            with crm.acting_as(f"user {number}").transaction():
                crm.customers.add(first_name=f"{number} first")
                await pause()
                crm.customers.add(first_name=f"{number} second")
                await pause()
                if number % 3 == 0:
                    raise Declined
            stored.update(mine)

    for start in range(0, MANY * ROUNDS, MANY):
        await asyncio.gather(*(request(start + number) for number in range(MANY)))


@pytest.mark.feature("X40")
def test_tasks_do_not_share_a_transaction(crm):
    """With eight tasks that await in the midst: what was answered as done is there, what raised is not; nobody is stuck."""
    stored: set[str] = set()
    asyncio.run(by_tasks(crm, stored))
    assert kept_as_told(crm, stored) == NOTHING_AMISS
    works_everywhere(crm)


@pytest.mark.feature("X40")
def test_threads_have_transactions_of_their_own(crm):
    """With eight threads: what was answered as done is there, what raised is not."""
    stored: set[str] = set()
    start = threading.Barrier(MANY)

    def requests(worker: int) -> None:
        start.wait(PATIENCE)
        for turn in range(ROUNDS):
            mine = {f"{worker} {turn} first", f"{worker} {turn} second"}
            with contextlib.suppress(Declined):
                with crm.transaction():
                    for name in sorted(mine):
                        crm.customers.add(first_name=name)
                    if turn % 3 == 0:
                        raise Declined
                stored.update(mine)

    with ThreadPoolExecutor(MANY) as pool:
        list(pool.map(requests, range(MANY)))
        assert kept_as_told(crm, stored) == NOTHING_AMISS
        assert len(stored) == 2 * MANY * (ROUNDS - 2)
        works_everywhere(crm, pool)


def entered_and_left(crm, enter, leave) -> object:
    """Enter a transaction in one thread and leave it in another as a server does, and return what came of leaving it."""

    @contextlib.contextmanager
    def dependency():
        with crm.transaction():
            crm.customers.add(first_name="within")
            yield

    request = dependency()
    enter.submit(copy_context().run, request.__enter__).result(PATIENCE)
    left = leave.submit(copy_context().run, request.__exit__, None, None, None)
    return left.exception(PATIENCE)


@pytest.mark.feature("X40")
def test_a_transaction_left_in_another_thread_stops_nobody(crm):
    """One thread of a pool enters it, another one leaves it: nothing of it is kept, and all threads go on working."""
    with ThreadPoolExecutor(1) as enter, ThreadPoolExecutor(1) as leave:
        for _ in range(ROUNDS):
            assert isinstance(entered_and_left(crm, enter, leave), RuntimeError)
            assert soon(lambda: names(crm)) == set()
        works_everywhere(crm, enter)
        works_everywhere(crm, leave)


def told(error=MisusedTransaction):
    return pytest.raises(error)


def as_raised(call) -> type | None:
    """Return the class of what the call raises."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 (its class is returned)
        return type(error)
    return None


@pytest.mark.feature("X40")
@pytest.mark.parametrize(
    "begin",
    [
        lambda crm: iter(crm.select()),
        lambda crm: iter(crm.select().view(["first_name"])),
        lambda crm: iter(crm.reports.transaction_log(period="today")),
        lambda crm: iter(crm.reports.point_balances("club")),
    ],
    ids=["selection", "view", "transactions", "points"],
)
@pytest.mark.parametrize("within", [True, False], ids=["within", "outside"])
def test_what_is_iterated_within_a_transaction_is_its_owners(crm, people, begin, within):
    """Begun within one, the next row in another thread is MisusedTransaction; begun outside, any thread has it."""
    for each in ("Anna", "Ben"):
        crm.points.credit(people[each], "club", 5)
    with ThreadPoolExecutor(1) as pool:
        if within:
            with told(), crm.transaction():
                rows = begin(crm)
                next(rows)
                assert pool.submit(as_raised, lambda: next(rows)).result(PATIENCE) is MisusedTransaction
        else:
            rows = begin(crm)
            next(rows)
            assert pool.submit(as_raised, lambda: next(rows)).result(PATIENCE) is None
            rows.close()
        works_everywhere(crm, pool)


@pytest.mark.feature("X40")
def test_a_block_that_is_left_behind_writes_nothing(crm):
    """Of two generators of one thread whose blocks are left in the wrong order, nothing is kept; other calls go on."""

    def block(name):
        with crm.transaction():
            crm.customers.add(first_name=name)
            yield
            crm.customers.add(first_name=f"{name} again")

    outer, inner = block("outer"), block("inner")
    next(outer)
    next(inner)
    assert as_raised(lambda: next(outer)) is MisusedTransaction
    assert soon(lambda: names(crm)) == set()
    told_within = as_raised(lambda: next(inner))
    assert names(crm) == set()
    assert told_within is MisusedTransaction
    works_everywhere(crm)


@pytest.mark.feature("X40")
def test_another_face_is_the_same_store(crm):
    """What one face has begun, another one of the same store joins in its thread, and falls into in another task."""
    maija, pekka = crm.acting_as("maija"), crm.acting_as("pekka")
    with told(Declined), maija.transaction():
        pekka.customers.add(first_name="Anna")
        raise Declined
    assert names(crm) == set()

    async def requests() -> None:
        with told(), maija.transaction():
            maija.customers.add(first_name="Anna")
            with told():
                await asyncio.to_thread(pekka.select().count)

    asyncio.run(requests())
    assert names(crm) == set()
    works_everywhere(crm)


def test_a_thread_that_a_transaction_waits_for_does_not_wait_for_ever(opened, monkeypatch):
    """Within a transaction somebody waits for a thread that wants the same: that one is told Unavailable after a while."""
    monkeypatch.setattr(protocol, "WAIT_SECONDS", 1)
    crm = opened()
    crm.programs.add("club")
    anna = crm.customers.add(first_name="Anna")
    crm.programs.join(anna, "club")
    with ThreadPoolExecutor(1) as pool:
        with crm.transaction():
            crm.points.credit(anna, "club", 1)
            for key in (None, "key", "key"):
                found = pool.submit(as_raised, lambda key=key: crm.points.credit(anna, "club", 10, key=key)).result(PATIENCE)
                assert found is Unavailable
        assert crm.points.balance(anna, "club") == 1
        assert pool.submit(crm.points.credit, anna, "club", 10, key="key").result(PATIENCE).delta == 10
        works_everywhere(crm, pool)


def test_nothing_is_lost_in_silence_after_a_question_that_fails(crm):
    """Law: a block in which a question failed, and that goes on all the same, is kept, or its end says that it is not."""
    anna = crm.customers.add(first_name="Anna")
    crm.sales.record(anna, "9999999999.99")
    told = {"Anna", "Ben"}
    try:
        with crm.transaction():
            crm.customers.add(first_name="Ben")
            with pytest.raises(FilterError):
                crm.select(f"sales_total{4 * ' * 1000000000'} > 1").count()
    except MisusedTransaction:
        told.remove("Ben")
    assert names(crm) == told
    crm.customers.add(first_name="Chloe")
    assert names(crm) == told | {"Chloe"}
