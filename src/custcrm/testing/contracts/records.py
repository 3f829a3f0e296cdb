"""The laws of a store about single records: what goes in comes out, by key, by columns, in order and in pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custcrm.records import (
    RECORDS,
    Category,
    Coupon,
    CouponSeries,
    Customer,
    ExternalId,
    PointsEntry,
    Sale,
    TagAssignment,
)
from custcrm.records.customers import CustomerKind, CustomerStatus
from custcrm.records.declaration import declaration
from custcrm.storage.columns import key_of, tuple_reader
from custcrm.storage.protocol import Store
from custcrm.testing.bases import LONG_AGO, NOW, Base, bases, setting, some_id
from custcrm.testing.parity import rolled_back
from custcrm.values.birthdays import YearlessDate
from custcrm.values.errors import NotFound, Taken
from custcrm.values.money import Money

ON_ONE_STORE = settings(
    suppress_health_check=[
        HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large,
        HealthCheck.differing_executors,
    ],
    deadline=None,
)
"""Examples share the store: each is rolled back."""

THREADS: Final = 8
"""Threads that use a store at once."""


FAR_OFF: Final = NOW + timedelta(days=36_500)


def customer(number: int, **values: Any) -> Customer:
    """Return a customer with the id of this number."""
    return Customer(**{"id": some_id(number), "signed_up_at": LONG_AGO, "created_at": LONG_AGO, **values})


def tag(number: int, owner: int = 1, **values: Any) -> TagAssignment:
    """Return a tag of customer `owner`, since long ago and with a far end, so that there may be many of a key."""
    given = {"customer_id": some_id(owner), "id": some_id(number), "key": "VIP", "since": LONG_AGO, "until": FAR_OFF}
    return TagAssignment(**{**given, **values})


def entry(number: int, owner: int = 1, **values: Any) -> PointsEntry:
    """Return 10 points credited to customer `owner` in gold."""
    given = {"customer_id": some_id(owner), "id": some_id(number), "program": "gold", "kind": "credit", "delta": 10}
    return PointsEntry(**{**given, "lot_id": some_id(number), "occurred_at": LONG_AGO, **values})


def put(store: Store, *records: Any, customers: int = 3) -> None:
    """Add records, after what they refer to and customers 1 … n."""
    with store.write() as writer:
        writer.add([*setting(), *map(customer, range(1, customers + 1)), *records])


class RecordLaws:
    """A store keeps records exactly, finds them by any columns, and never has two of one key."""

    @ON_ONE_STORE
    @given(base=bases())
    def test_what_is_added_is_read_back_equal(self, store: Store, base: Base) -> None:
        """add, then get by the key, gives an equal record of the same class, for every kind of record."""
        with rolled_back(store) as writer:
            assert writer.add(base) == len(base)
            for record in base:
                found = writer.get(type(record), *key_of(record))
                assert found == record and type(found) is type(record)

    @ON_ONE_STORE
    @given(base=bases())
    def test_find_without_conditions_gives_all_in_key_order(self, store: Store, base: Base) -> None:
        """find(record) yields every record once, ascending by key; count_records counts them."""
        with rolled_back(store) as writer:
            writer.add(base)
            for record in RECORDS:
                wanted = sorted((each for each in base if type(each) is record), key=key_of)
                assert list(writer.find(record)) == wanted
                assert writer.count_records(record) == len(wanted)

    def test_get_gives_none_for_an_unknown_key(self, store: Store) -> None:
        """Get and hold of a key that nobody has give None."""
        put(store)
        with store.write() as writer:
            assert writer.get(Customer, some_id(99)) is None
            assert writer.get(TagAssignment, some_id(1), some_id(99)) is None
            assert writer.hold(Customer, some_id(99)) is None

    def test_values_are_the_columns_of_what_find_yields(self, store: Store) -> None:
        """What values gives of each record, in key order, is what its columns hold, of whatever kind."""
        put(store, tag(11, value="a"), tag(12, value=None), tag(13, owner=2, value="b", since=NOW))
        columns = ("value", "id", "since", "until", "source")
        with store.read() as reader:
            asked: list[dict[str, Any]] = [{}, {"customer_id": some_id(1)}, {"value": ["b", None]}, {"id": []}]
            for where in asked:
                found = map(tuple_reader(TagAssignment, columns), reader.find(TagAssignment, where))
                assert reader.values(TagAssignment, columns, where) == list(found)

    def test_find_by_value_by_absence_and_by_several(self, store: Store) -> None:
        """A value is equal, None is missing, a list is one of (a None in it: or missing), an empty list is none."""
        put(store, tag(11, value="a"), tag(12, value="b"), tag(13, value=None), tag(14, owner=2, value="a"))
        with store.read() as reader:
            def found(**where: Any) -> list[str]:
                assert reader.count_records(TagAssignment, where) == len(list(reader.find(TagAssignment, where)))
                return [each.id for each in reader.find(TagAssignment, where)]

            assert found(value="a") == [some_id(11), some_id(14)]
            assert found(value="A") == []
            assert found(value=None) == [some_id(13)]
            assert found(value=["a", "b"], customer_id=some_id(1)) == [some_id(11), some_id(12)]
            assert found(value={"b", None}) == [some_id(12), some_id(13)]
            assert found(value=()) == []
            assert found(customer_id=[some_id(2), some_id(1)], key="VIP") == [some_id(each) for each in (11, 12, 13, 14)]
            assert found(id=some_id(12), customer_id=some_id(2)) == []

    def test_find_speaks_of_columns(self, store: Store) -> None:
        """Money, birth dates and choices are found by their columns: minor units, month × 100 + day, the text."""
        born = customer(4, birth_date=YearlessDate(2, 29), kind=CustomerKind.COMPANY)
        rich = customer(5, credit_limit=Money("12.50", "EUR"))
        put(store, born, rich)
        with store.read() as reader:
            assert list(reader.find(Customer, {"birth_date_month_day": 229, "kind": "company"})) == [born]
            assert list(reader.find(Customer, {"birth_date": None, "birth_date_month_day": 229})) == [born]
            assert list(reader.find(Customer, {"credit_limit": 1250, "credit_limit_currency": "EUR"})) == [rich]

    @pytest.mark.parametrize("descending", [False, True])
    def test_equal_values_are_told_apart_by_the_key(self, store: Store, descending: bool) -> None:
        """What an order leaves tied comes in the order of the key, whatever was written first; also page by page."""
        shuffled = [17, 12, 19, 14, 11, 18, 13, 16, 15, 20]
        tied = [customer(each, country="FI" if each % 2 else "SE") for each in shuffled]
        put(store, *tied, *(entry(each, owner=each, expires_at=NOW) for each in shuffled), customers=0)
        wanted = sorted(some_id(each) for each in shuffled)
        by_country = sorted(wanted, key=lambda each: int(each[-2:], 16) % 2 == 0)
        for order, of, key in (("country",), Customer, by_country), (("expires_at",), PointsEntry, wanted):
            whole = key[::-1] if descending else key
            with store.read() as reader:
                found: list[Any] = list(reader.find(of, order=order, descending=descending))
                first: list[Any] = list(reader.find(of, order=order, descending=descending, limit=4))
            assert [each.id for each in found] == whole
            assert [each.id for each in first] == whole[:4]

    def test_texts_are_found_byte_for_byte(self, store: Store) -> None:
        """Another case, a space or an accent is another text: nothing is folded."""
        emails = ["Ann@x.fi", "ann@x.fi", "ann@X.fi", "ánn@x.fi"]
        put(store, *(customer(10 + number, email=email) for number, email in enumerate(emails)))
        with store.read() as reader:
            for email in emails:
                assert [each.email for each in reader.find(Customer, {"email": email})] == [email]
            assert reader.count_records(Customer, {"email": "ANN@x.fi"}) == 0

    def test_order_puts_missing_values_last_and_descending_is_the_reverse(self, store: Store) -> None:
        """`order` sorts by its columns, a missing value after all others; `descending` gives exactly the reverse."""
        later = NOW + timedelta(days=1)
        put(store, entry(11, expires_at=later), entry(12), entry(13, expires_at=NOW), entry(14, expires_at=NOW))
        with store.read() as reader:
            order = ("expires_at", "id")
            wanted = [some_id(each) for each in (13, 14, 11, 12)]
            where = {"customer_id": some_id(1), "program": "gold"}
            assert [each.id for each in reader.find(PointsEntry, where, order=order)] == wanted
            backwards = reader.find(PointsEntry, where, order=order, descending=True)
            assert [each.id for each in backwards] == wanted[::-1]

    @ON_ONE_STORE
    @given(
        base=bases(),
        size=st.integers(1, 3),
        descending=st.booleans(),
        by=st.sampled_from(
            [(Customer, ()), (Sale, ("occurred_at", "id")), (PointsEntry, ("expires_at", "delta", "id")), (TagAssignment, ())]
        ),
    )
    def test_pages_put_together_are_the_whole(
        self, store: Store, base: Base, size: int, descending: bool, by: tuple[type, tuple[str, ...]]
    ) -> None:
        """Pages of `limit`, each `after` the last one's values, give what find gives at once, in any order."""
        record, order = by
        read = tuple_reader(record, order or declaration(record).key)
        with rolled_back(store) as writer:
            writer.add(base)
            whole: list[Any] = list(writer.find(record, order=order, descending=descending))
            paged: list[Any] = []
            after, page = None, [None]
            while page:
                page = list(writer.find(record, order=order, descending=descending, after=after, limit=size))
                assert len(page) <= size
                paged += page
                after = read(page[-1]) if page else None
            assert paged == whole

    def test_find_with_an_index_pages_in_its_order(self, store: Store) -> None:
        """Records of one status are paged by id, as an outbox does."""
        coupons = [
            Coupon(customer_id=some_id(1 + number % 3), id=some_id(20 - number), series="welcome", issued_at=LONG_AGO)
            for number in range(9)
        ]
        put(store, *coupons)
        with store.read() as reader:
            where, order = {"series": "welcome"}, ("issued_at", "id")
            first = list(reader.find(Coupon, where, order=order, limit=4))
            rest = list(reader.find(Coupon, where, order=order, after=(first[-1].issued_at, first[-1].id)))
            assert [each.id for each in first + rest] == sorted(each.id for each in coupons)

    # keys and unique columns ---------------------------------------------------------------------

    def test_a_key_is_taken_once(self, store: Store) -> None:
        """A second record of a key is refused as Taken, which names its class and holds no values."""
        put(store, tag(11))
        with pytest.raises(Taken) as caught, store.write() as writer:
            writer.add([tag(11, value="secret")])
        assert caught.value.record is TagAssignment
        assert "secret" not in str(caught.value) and "secret" not in repr(caught.value)

    @pytest.mark.parametrize("others", [0, 80])
    def test_unique_columns_are_taken_once(self, store: Store, others: int) -> None:
        """The same unique values are refused with the names of the columns, however many are added; nothing of them stays."""
        put(store, customer(4, email="a@x.fi"), _external(1))
        many = [customer(100 + number) for number in range(others)]
        for clashing, columns in (customer(5, email="a@x.fi"), ("email",)), (_external(2), ("system", "external_id")):
            with pytest.raises(Taken) as caught, store.write() as writer:
                writer.add([*many, customer(6), clashing])
            assert caught.value.record is type(clashing)
            assert caught.value.columns in {columns, ()}
        with store.read() as reader:
            assert reader.count_records(Customer) == 4
            assert reader.count_records(ExternalId) == 1

    def test_missing_values_are_never_taken(self, store: Store) -> None:
        """Unique columns bind only where all of them are there."""
        put(store, customer(4, email=None), customer(5, email=None))
        coupon = Coupon(customer_id=some_id(1), id=some_id(11), series="welcome", ordinal=None, issued_at=LONG_AGO)
        with store.write() as writer:
            writer.add([coupon, evolve(coupon, id=some_id(12))])
        with store.read() as reader:
            assert reader.count_records(Coupon) == 2

    def test_a_unique_value_is_free_again(self, store: Store) -> None:
        """What a record gives up by replace or remove, another may have, in the same write."""
        put(store, customer(4, email="a@x.fi"), customer(5, email="b@x.fi"))
        with store.write() as writer:
            writer.replace(customer(4, email="c@x.fi"))
            writer.remove(Customer, some_id(5))
            writer.add([customer(6, email="a@x.fi"), customer(7, email="b@x.fi")])
        with store.read() as reader:
            assert [each.id for each in reader.find(Customer, {"email": "a@x.fi"})] == [some_id(6)]

    def test_one_record_of_a_kind_is_open(self, store: Store) -> None:
        """Where a record declares what only one may be open of, a second open one is Taken; with an end there may be many."""
        ended = [tag(number) for number in (11, 12)]
        put(store, *ended, tag(13, until=None), tag(14, key="Regular", until=None), tag(15, owner=2, until=None))
        for clashing in (tag(16, until=None), evolve(ended[0], until=None)):
            with pytest.raises(Taken) as caught, store.write() as writer:
                writer.put([clashing])
            assert caught.value.record is TagAssignment
            assert caught.value.columns in {("customer_id", "key"), ()}
        with store.write() as writer:
            writer.replace(tag(13, until=NOW))
            writer.add([tag(17, until=None)])
        with store.read() as reader:
            found = reader.find(TagAssignment, {"customer_id": some_id(1), "key": "VIP", "until": None})
            assert [each.id for each in found] == [some_id(17)]

    # changing -----------------------------------------------------------------------------------

    def test_replace_puts_the_record_in_its_place(self, store: Store) -> None:
        """Replace changes the record of the key, found by its new values only; of an unknown key it is NotFound."""
        put(store)
        changed = customer(2, country="FI", status=CustomerStatus.INACTIVE, phone="+358401234567")
        with store.write() as writer:
            writer.replace(changed)
            assert writer.get(Customer, some_id(2)) == changed
            assert list(writer.find(Customer, {"phone": "+358401234567"})) == [changed]
            writer.replace(customer(2))
            assert list(writer.find(Customer, {"phone": "+358401234567"})) == []
            writer.replace(changed)
            assert list(writer.find(Customer, {"phone": "+358401234567"})) == [changed]
        with pytest.raises(NotFound), store.write() as writer:
            writer.replace(customer(99))

    def test_replace_may_not_take_anothers_unique_value(self, store: Store) -> None:
        """Replace with a unique value of another record is Taken."""
        put(store, customer(4, email="a@x.fi"), customer(5, email="b@x.fi"))
        with pytest.raises(Taken), store.write() as writer:
            writer.replace(customer(5, email="a@x.fi"))
        with store.read() as reader:
            assert [each.id for each in reader.find(Customer, {"email": ["a@x.fi", "b@x.fi"]})] == [some_id(4), some_id(5)]

    def test_put_adds_or_replaces(self, store: Store) -> None:
        """Put leaves exactly the given records under their keys."""
        put(store)
        records = [Category(program="gold", name="Regulars", created_at=NOW), customer(2, country="SE"), customer(9)]
        with store.write() as writer:
            writer.put(records)
            writer.put(records)
            assert [writer.get(type(each), *key_of(each)) for each in records] == records
            assert writer.count_records(Customer) == 4

    def test_replace_and_put_leave_counters_alone(self, store: Store) -> None:
        """Only reserve changes a counter, so a record read before may be written after."""
        put(store)
        with store.write() as writer:
            before = writer.get(CouponSeries, "welcome")
            assert before is not None
            assert writer.reserve(CouponSeries, ("welcome",), 3)
            writer.replace(evolve(before, title="Welcome"))
            writer.put([evolve(before, title="Welcome back")])
            after = writer.get(CouponSeries, "welcome")
            assert after == evolve(before, title="Welcome back", issued=3)

    def test_remove_tells_whether_there_was_anything(self, store: Store) -> None:
        """Remove takes the record out of everything, and tells whether it was there."""
        put(store, tag(11))
        with store.write() as writer:
            assert writer.remove(TagAssignment, some_id(1), some_id(11)) is True
            assert writer.remove(TagAssignment, some_id(1), some_id(11)) is False
            assert list(writer.find(TagAssignment, {"customer_id": some_id(1)})) == []

    def test_what_is_found_does_not_move_under_the_reader(self, store: Store) -> None:
        """Each record of a find may be changed or removed while the rest is being read."""
        put(store, *(tag(number, value="old") for number in range(11, 31)))
        with store.write() as writer:
            for each in list(writer.find(TagAssignment, {"value": "old"})):
                writer.replace(evolve(each, value="new"))
            assert writer.count_records(TagAssignment, {"value": "new"}) == 20


def _external(owner: int) -> ExternalId:
    return ExternalId(customer_id=some_id(owner), system="shop", external_id="17", recorded_at=NOW)
