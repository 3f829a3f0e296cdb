"""The SQLite store: the contract of every store, and what only a file and its processes can show."""

import pickle
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event

import custcrm
from custcrm.records.coupons import CouponSeries
from custcrm.records.customers import Attribute, Customer, TagAssignment
from custcrm.records.points import PointsEntry
from custcrm.storage.protocol import Store
from custcrm.storage.questions import Question
from custcrm.storage.sql import open_store
from custcrm.storage.sql.engine import open_engine
from custcrm.storage.sql.store import SqlStore
from custcrm.testing.contracts.store import StoreContract
from custcrm.values.errors import Closed, Conflict, Malformed, Taken
from custcrm.vocabulary import schema

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


@pytest.fixture
def store(sqlite_store: Path) -> Iterator[Store]:
    store = open_store(sqlite_store)  # it lies at `path`
    yield store
    store.close()


class TestContract(StoreContract):
    @pytest.fixture
    def store(self, sqlite_store: Path) -> Iterator[Store]:
        store = open_store(sqlite_store)
        yield store
        store.close()


def customer(name: str) -> Customer:
    return Customer(id=name, email=f"{name}@example.org", signed_up_at=NOW, created_at=NOW)


def series(**values: object) -> CouponSeries:
    return CouponSeries(name="spring", program="club", created_at=NOW, **values)  # type: ignore[arg-type]


def test_what_was_written_is_there_when_opened_again(path: Path) -> None:
    """A store closed and opened again has the same records."""
    first = open_store(path)
    with first.write() as writer:
        writer.add([customer("anna")])
    first.close()
    first.close()
    second = open_store(f"sqlite:///{path}")
    with second.read() as reader:
        assert reader.get(Customer, "anna") == customer("anna")
    assert second.describe() == "SQLite"
    second.close()


def test_nothing_can_be_asked_after_close(path: Path) -> None:
    """Use after close raises Closed."""
    store = open_store(path)
    store.close()
    for door in (store.read, store.write):
        with pytest.raises(Closed), door():
            pass


@pytest.mark.parametrize("address", ["sqlite://", ":memory:", "mysql://secret@somewhere/shop", "://secret"])
def test_other_addresses_are_malformed(address: str) -> None:
    """Only files and PostgreSQL are stores; the message repeats nothing of the address."""
    with pytest.raises(Malformed) as refused:
        open_store(address)
    assert "secret" not in str(refused.value)


def test_a_reader_sees_one_moment_while_another_writes(store: Store) -> None:
    """Readers neither wait for a writer nor see what is committed after they began."""
    everybody = Question(schema(currency="EUR", timezone="UTC").parse("TRUE"), NOW)
    with store.read() as reader:
        assert reader.count(everybody) == 0
        other = threading.Thread(target=write, args=(store, [customer("anna")]))
        other.start()
        other.join()
        assert reader.count(everybody) == 0
        assert reader.count_records(Customer) == 0
    with store.read() as reader:
        assert reader.count(everybody) == 1


def test_a_clash_names_columns_but_no_values(store: Store) -> None:
    """Taken tells record and columns; its text, and what caused it, hold nothing personal."""
    write(store, [customer("anna")])
    with pytest.raises(Taken) as clash, store.write() as writer:
        writer.add([Customer(id="ben", email="anna@example.org", signed_up_at=NOW, created_at=NOW)])
    assert (clash.value.record, clash.value.columns) == (Customer, ("email",))
    assert clash.value.__cause__ is None
    assert clash.value.__suppress_context__
    assert "anna" not in str(clash.value)


def test_a_clash_can_be_sent_to_another_process() -> None:
    """Taken survives pickling, and says in people's words what is there already."""
    for clash in (Taken(TagAssignment, ("customer_id", "id")), Taken(Customer)):
        again = pickle.loads(pickle.dumps(clash))
        assert (type(again), again.record, again.columns, str(again)) == (Taken, clash.record, clash.columns, str(clash))
    assert str(Taken(Customer, ("card_number",))) == "another customer with the same card_number is there already"
    assert str(Taken(TagAssignment)).startswith("another tag assignment with")


UNKEEPABLE = {
    "surrogate": Customer(id="secret", country="secret\ud800", signed_up_at=NOW, created_at=NOW),
    "64 bits": PointsEntry(
        customer_id="anna", id="secret", program="club", kind="credit", delta=2**63, lot_id="secret", occurred_at=NOW
    ),
    "huge": PointsEntry(
        customer_id="anna", id="secret", program="club", kind="credit", delta=2**70, lot_id="secret", occurred_at=NOW
    ),
    "type": PointsEntry(
        customer_id="anna", id="secret", program="club", kind="credit", delta="secret",  # type: ignore[arg-type]
        lot_id="secret", occurred_at=NOW,
    ),
}
"""Records that no SQL store can keep."""


@pytest.mark.parametrize("name", UNKEEPABLE)
def test_what_a_file_cannot_keep_is_malformed(store: Store, name: str) -> None:
    """A text or number beyond its column is Malformed and not repeated; nothing of the call stays, and the write() goes on."""
    record = UNKEEPABLE[name]
    with store.write() as writer:
        writer.add([customer("anna")])
        for records in ([record], [customer("ben"), record]):
            for change in (writer.add, writer.put):
                with pytest.raises(Malformed) as refused:
                    change(records)
                assert "secret" not in str(refused.value)
    with store.read() as reader:
        assert [each.id for each in reader.find(Customer)] == ["anna"]
        with pytest.raises(Malformed):
            reader.get(Customer, "\ud800")


def test_facts_belong_to_a_customer(store: Store) -> None:
    """A customer with facts cannot be removed, so that no fact is left alone."""
    write(store, [customer("anna"), Attribute(customer_id="anna", key="k", value="v", recorded_at=NOW)])
    with pytest.raises(Conflict), store.write() as writer:
        writer.remove(Customer, "anna")


def test_the_log_is_written_ahead_and_the_rest_is_overwritten(path: Path, store: Store) -> None:
    """The file is in WAL mode, and so it stays for whoever opens it."""
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_what_is_cleared_is_overwritten_whatever_the_build_does(path: Path) -> None:
    """A text that was replaced is nowhere in the file after a checkpoint, also where SQLite itself would leave it there."""
    engine = open_engine(path)
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA secure_delete = OFF"), insert=True)
    store = SqlStore(engine)
    store.migrate()
    secret = "a street that nobody is to know " * 200
    write(store, [customer("anna"), Attribute(customer_id="anna", key="k", value=secret, recorded_at=NOW)])
    with store.write() as writer:
        writer.remove(Attribute, "anna", "k")
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    assert b"nobody is to know" not in path.read_bytes()


def test_no_error_of_the_driver_shows_a_value(path: Path) -> None:
    """Also one that is not translated, of a mistake in a statement, holds nothing of what was bound."""
    engine = open_engine(path)
    with pytest.raises(sa.exc.OperationalError) as raised, engine.connect() as connection:
        connection.execute(sa.text("INSERT INTO nowhere VALUES (:name)"), {"name": "Anna Virtanen"})
    engine.dispose()
    assert "Anna" not in str(raised.value) and "Anna" not in repr(raised.value)


def test_threads_take_turns_and_lose_nothing(store: Store) -> None:
    """Reservations of many threads give out exactly the capacity; none fails because the file is busy."""
    write(store, [series(capacity=40)])
    taken: list[bool] = []

    def reserve() -> None:
        for _ in range(10):
            with store.write() as writer:
                taken.append(writer.reserve(CouponSeries, ("spring",), 1))

    threads = [threading.Thread(target=reserve) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(taken), sum(taken)) == (80, 40)


PROCESS = """
import sys
from custcrm.records.coupons import CouponSeries
from custcrm.storage.sql import open_store
store = open_store(sys.argv[1])
taken = 0
for _ in range(int(sys.argv[2])):
    with store.write() as writer:
        taken += writer.reserve(CouponSeries, ("spring",), 1)
print(taken)
store.close()
"""

KILLED = """
import sys, time
from tests.storage.test_sqlite import customer
from custcrm.storage.sql import open_store
store = open_store(sys.argv[1])
with store.write() as writer:
    writer.add([customer("anna")])
with store.write() as writer:
    writer.add([customer(f"c{number}") for number in range(5_000)])
    print("written", flush=True)
    time.sleep(60)
"""


def test_processes_take_turns_and_lose_nothing(path: Path, store: Store) -> None:
    """Two processes on one file give out exactly the capacity."""
    write(store, [series(capacity=50)])
    command = [sys.executable, "-c", PROCESS, str(path), "40"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sum(int(each.communicate(timeout=60)[0]) for each in both) == 50
    with store.read() as reader:
        assert reader.count_records(CouponSeries, {"issued": 50}) == 1


def test_who_writes_in_batches_lets_others_come_between(path: Path, store: Store) -> None:
    """Whoever wants to write comes next after the batch under way, or soon: not after all of them. A store for each, as if in
    processes of their own.
    """
    batches, done, begun = 40, [], threading.Event()

    def load() -> None:
        for _ in range(batches):
            with store.write():
                begun.set()
                time.sleep(0.05)
            done.append(1)

    other, loading = open_store(path), threading.Thread(target=load)
    loading.start()
    begun.wait()
    with other.write() as writer:
        before = len(done)
        writer.add([customer("anna")])
    loading.join()
    other.close()
    assert before < batches // 2


def test_two_processes_may_set_up_one_file(path: Path) -> None:
    """A new file opened by several processes at once is set up once."""
    command = [sys.executable, "-c", PROCESS, str(path), "0"]
    several = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [each.communicate(timeout=60)[0].strip() for each in several] == ["0"] * 3


def test_a_killed_process_leaves_what_it_committed(path: Path) -> None:
    """Killed within a write(), a process has written nothing of it, and all that it committed before."""
    command = [sys.executable, "-c", KILLED, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "written\n"
        process.send_signal(signal.SIGKILL)
    store = open_store(path)
    with store.read() as reader:
        assert [each.id for each in reader.find(Customer)] == ["anna"]
    write(store, [customer("ben")])
    store.close()


def write(store: Store, records: Sequence[object]) -> None:
    with store.write() as writer:
        writer.add(records)


DEEP = ["{} = 1", "country = 'FI' OR (kind = 'person' AND {} = 1)", "EXISTS(sales WHERE total > 9 OR {} = 1)"]


@pytest.mark.parametrize("form", DEEP)
def test_the_longest_calculation_is_not_too_deep(tmp_path: Path, form: str) -> None:
    """A condition of as many operators as one may have is asked and applied, however deep it stands in the statement."""
    factor = "units" if "EXISTS" in form else "sales_count"
    text = form.format(" * ".join([factor] * 17))
    with custcrm.open(tmp_path / "shop.db", currency="EUR") as crm:
        anna = crm.customers.add(first_name="Anna")
        crm.sales.record(anna, "5.00", units=1)
        assert crm.select(text).count() == 1
        assert crm.select(text).tag("x").apply(key="x").applied == 1
