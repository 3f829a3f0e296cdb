"""The PostgreSQL store: the contract of every store, and what only a server can show."""

import secrets
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import psycopg
import pytest
from attrs import evolve

from custcrm.filters.syntax.errors import FilterError
from custcrm.records.coupons import CouponSeries
from custcrm.records.customers import Customer
from custcrm.records.journal import Applied
from custcrm.records.sales import Sale
from custcrm.storage.protocol import Store, Writer
from custcrm.storage.questions import Question
from custcrm.storage.sql import open_store
from custcrm.storage.sql.postgresql import LOCKED_EACH
from custcrm.storage.transacting import transact
from custcrm.testing.contracts.store import StoreContract
from custcrm.values.errors import Malformed, OutcomeUnknown, Taken, Unavailable
from custcrm.values.money import Money
from custcrm.vocabulary import schema
from tests.storage.test_sqlite import UNKEEPABLE

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SCHEMA = schema(currency="EUR", timezone="UTC")
TOO_WIDE = "sales_total * 1000000000000000 * 1000000000000000 > 5"


@pytest.fixture
def store(postgresql_store: str) -> Iterator[Store]:
    store = open_store(postgresql_store)
    yield store
    store.close()


class TestContract(StoreContract):
    @pytest.fixture
    def store(self, postgresql_store: str) -> Iterator[Store]:
        store = open_store(postgresql_store)
        yield store
        store.close()


def customer(name: str) -> Customer:
    return Customer(id=name, email=f"{name}@example.org", signed_up_at=NOW, created_at=NOW)


def applied(key: str) -> Applied:
    return Applied(key=key, id=key, action="credit", content="", as_of=NOW, eligible=0, done=0)


def write(store: Store, records: Sequence[object]) -> None:
    with store.write() as writer:
        writer.add(records)


def too_much(customer_id: str) -> list[Sale]:
    """Return sales whose sum does not fit in 64 bits."""
    total = Money.from_minor(2**62, "EUR")
    return [
        Sale(customer_id=customer_id, id=str(number), occurred_at=NOW, recorded_at=NOW, total=total)
        for number in range(2)
    ]


def disconnect(url: str) -> None:
    """End all other connections to the database, as a server that restarts does."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                           " WHERE datname = current_database() AND pid <> pg_backend_pid()")


def test_the_old_scheme_means_psycopg_too(postgres_url: str) -> None:
    """`postgres://` is `postgresql://`."""
    store = open_store(postgres_url.replace("postgresql:", "postgres:"))
    assert store.describe() == "PostgreSQL"
    store.close()


@pytest.mark.parametrize("count", [1, 49, 50, 300])
def test_rows_are_the_same_by_insert_and_by_copy(store: Store, count: int) -> None:
    """Few rows go by INSERT and many by COPY; what is read back is equal."""
    people = [customer(f"{number:03}") for number in range(count)]
    write(store, people)
    with store.read() as reader:
        assert list(reader.find(Customer)) == people


def test_a_clash_in_a_copy_names_columns_and_leaves_nothing(store: Store) -> None:
    """COPY fails whole, tells what clashed without values, and the transaction goes on."""
    people = [customer(f"{number:03}") for number in range(60)]
    with store.write() as writer:
        with pytest.raises(Taken) as clash:
            writer.add([*people, Customer(id="last", email="007@example.org", signed_up_at=NOW, created_at=NOW)])
        writer.add([customer("after")])
    assert (clash.value.record, clash.value.columns) == (Customer, ("email",))
    assert "007" not in str(clash.value)
    with store.read() as reader:
        assert [each.id for each in reader.find(Customer)] == ["after"]


def test_threads_reserve_exactly_the_capacity(store: Store) -> None:
    """Guarded updates of many connections give out exactly the capacity under READ COMMITTED."""
    write(store, [CouponSeries(name="spring", program="club", capacity=40, created_at=NOW)])
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


def test_who_holds_a_record_is_waited_for(store: Store) -> None:
    """A second hold of the same record gives it as the first holder left it."""
    write(store, [customer("anna")])
    seen: list[Customer | None] = []

    def second() -> None:
        with store.write() as writer:
            seen.append(writer.hold(Customer, "anna"))

    with store.write() as writer:
        assert writer.hold(Customer, "anna")
        other = threading.Thread(target=second)
        other.start()
        other.join(0.2)
        assert not seen
        changed = Customer(id="anna", email="other@example.org", signed_up_at=NOW, created_at=NOW)
        writer.replace(changed)
    other.join()
    assert seen == [changed]


def test_of_two_that_wait_for_each_other_one_begins_again(store: Store) -> None:
    """A deadlock gives one of the two up; it is begun again, and both are done."""
    write(store, [customer("anna"), customer("ben")])
    attempts: list[str] = []
    both_have_one = threading.Barrier(2)

    def hold(first: str, second: str) -> str:
        def work(writer: Writer) -> str:
            attempts.append(first)
            writer.hold(Customer, first)
            if attempts.count(first) == 1:
                both_have_one.wait()
            writer.hold(Customer, second)
            return first

        return transact(store, work, random_bits=secrets.randbits)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(hold, ("anna", "ben"), ("ben", "anna"))) == ["anna", "ben"]
    assert len(attempts) == 3


def test_a_lost_connection_is_unavailable_and_made_anew(store: Store, postgresql_store: str) -> None:
    """A connection that breaks within a write() undoes it; the next call has a new connection."""

    def interrupted() -> None:
        with store.write() as writer:
            writer.add([customer("anna")])
            disconnect(postgresql_store)
            writer.add([customer("ben")])

    with pytest.raises(Unavailable):
        interrupted()
    with store.read() as reader:
        assert reader.count_records(Customer) == 0


def test_a_connection_lost_within_an_inner_write_is_unavailable(store: Store, postgresql_store: str) -> None:
    """There is no savepoint left to go back to: what is told is that the store cannot be reached, and all is undone."""

    def interrupted(people: Sequence[Customer]) -> None:
        with store.write() as writer:
            writer.add([customer("anna")])
            with store.write():
                disconnect(postgresql_store)
                writer.add(people)

    for people in ([customer("ben")], [customer("ben"), customer("chloe")]):
        with pytest.raises(Unavailable):
            interrupted(people)
    with store.read() as reader:
        assert reader.count_records(Customer) == 0


def test_an_inner_write_brings_back_a_transaction_that_failed(store: Store) -> None:
    """A question that fails leaves PostgreSQL's transaction useless; going back to the savepoint mends it."""

    def fails() -> None:
        with store.write() as inner:
            inner.add([customer("ben"), *too_much("ben")])
            inner.count(Question(SCHEMA.parse(TOO_WIDE), NOW))

    with store.write() as writer:
        writer.add([customer("anna")])
        with pytest.raises(FilterError):
            fails()
        writer.add([customer("chloe")])
    with store.read() as reader:
        assert [each.id for each in reader.find(Customer)] == ["anna", "chloe"]


MANY, TOO_MANY = ([f"key {number}" for number in range(count)] for count in (1_000, 5_000))


def test_who_claims_a_key_is_waited_for(store: Store) -> None:
    """A second claim of a key waits for the first writer to end, however many either claims; other keys and scopes do not.

    Past some thousands of keys the scope is claimed whole.
    """
    waits: list[bool] = []

    def waiting(mine: Sequence[str], scope: str, keys: Sequence[str]) -> bool:
        def second() -> None:
            with store.write() as writer:
                writer.claim(scope, keys)

        with store.write() as writer:
            writer.claim("emails", mine)
            other = threading.Thread(target=second)
            other.start()
            other.join(0.3)
            waits.append(other.is_alive())
        other.join()
        return waits[-1]

    assert waiting(["a", "b"], "emails", ["c", "b"])
    assert not waiting(["a", "b"], "emails", ["c", "d"])
    assert not waiting(["a"], "receipts", ["a"])
    assert not waiting(["a"], "emails", MANY)
    assert not waiting(MANY, "emails", ["a"])
    assert waiting(["key 7"], "emails", MANY)
    assert waiting(MANY, "emails", ["a", "key 7"])
    assert waiting(MANY, "emails", MANY[::-1])
    assert not waiting(MANY, "receipts", MANY)
    assert waiting(["a"], "emails", TOO_MANY)
    assert waiting(TOO_MANY, "emails", ["a"])


def test_claims_leave_room_in_a_server(store: Store, postgresql_store: str) -> None:
    """However many keys a writer claims, at once or bit by bit, and however many do so: a server's locks do not run out."""

    def locks() -> int:
        with psycopg.connect(postgresql_store) as connection:
            [(found,)] = connection.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        return int(found)

    def claim(scope: str) -> int:
        with store.write() as writer:
            for part in range(4):
                writer.claim(scope, [f"{part} {key}" for key in MANY])
            writer.claim(scope, TOO_MANY)
            return locks()

    with ThreadPoolExecutor(6) as pool:
        most = max(pool.map(claim, [f"scope {number}" for number in range(6)] * 2))
    assert len(MANY) < most < 2 * LOCKED_EACH + 50


@pytest.mark.parametrize("count", [50, 1_000])
def test_opposite_orders_of_claims_do_not_stop_each_other(store: Store, count: int) -> None:
    """Who claims the same keys in other orders waits for one another, and nobody for ever: nothing is begun again."""

    def claim(number: int) -> int:
        keys = sorted(MANY[:count], key=lambda key: (hash((number, key)), key))
        with store.write() as writer:
            writer.claim("emails", keys)
            return 1

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(claim, range(30))) == 30


@pytest.mark.parametrize("record", [*UNKEEPABLE.values(), evolve(customer("nul"), country="secret\0")], ids=repr)
@pytest.mark.parametrize("others", [0, 1, 60])
def test_what_a_server_cannot_keep_is_malformed(store: Store, record: object, others: int) -> None:
    """A text or number beyond its column is Malformed and not repeated, by INSERT and COPY; the write() goes on."""
    with store.write() as writer:
        writer.add([customer("anna")])
        with pytest.raises(Malformed) as refused:
            writer.add([*(customer(f"{number}") for number in range(others)), record])
        assert "secret" not in str(refused.value)
    with store.read() as reader:
        assert [each.id for each in reader.find(Customer)] == ["anna"]


def test_a_connection_lost_while_committing_leaves_the_outcome_open(store: Store, postgresql_store: str) -> None:
    """Nobody can tell whether the commit was done, so the error says so, with the key that settles it."""

    def interrupted() -> None:
        with store.write() as writer:
            writer.add([applied("spring")])
            disconnect(postgresql_store)

    with pytest.raises(OutcomeUnknown) as unknown:
        interrupted()
    assert unknown.value.key == "spring"
    write(store, [applied("spring")])


@pytest.mark.parametrize("store", ["sqlite", "postgresql"], indirect=False)
def test_a_number_that_is_too_wide_is_told(store: str, request: pytest.FixtureRequest) -> None:
    """A number of more than 38 digits is the error `overflow` on both engines, never a wrong number and never none."""
    opened = open_store(request.getfixturevalue(f"{store}_store"))
    write(opened, [customer("anna"), *too_much("anna")])
    with opened.read() as reader, pytest.raises(FilterError) as overflow:
        reader.count(Question(SCHEMA.parse(TOO_WIDE), NOW))
    assert overflow.value.kind == "overflow"
    opened.close()
