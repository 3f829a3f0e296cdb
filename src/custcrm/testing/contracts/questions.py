"""The laws of a store about questions: the customers that the Python target gives, their values, and how texts are found."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custcrm.filters.ir.nodes import Shown
from custcrm.records import AccountEntry, Customer, CustomerAccount, Membership, MembershipChange, Sale
from custcrm.records.programs import Access
from custcrm.records.sales import SaleKind
from custcrm.storage.customer_facts import facts
from custcrm.storage.protocol import Reader, Store
from custcrm.storage.questions import Order, Question, Verdict
from custcrm.testing.bases import LONG_AGO, NOW, Base, bases, some_id
from custcrm.testing.contracts.records import ON_ONE_STORE, customer, entry, put, tag
from custcrm.testing.parity import Asked, assert_parity, counted, rolled_back
from custcrm.testing.questions import SCHEMA, orders, questions, shown, verdicts
from custcrm.values.errors import Reason
from custcrm.values.money import Money

LAST_YEAR = NOW - timedelta(days=365)


def value(text: str) -> Shown:
    """Return what a store is asked for to show a value."""
    return SCHEMA.parse_value(text).lowered


def question(text: str, as_of: Any = None) -> Question:
    """Return a question asked now, or about the past."""
    return Question(SCHEMA.parse(text), NOW if as_of is None else as_of, as_of is not None)


def sale(number: int, owner: int, total: str, **values: Any) -> Sale:
    """Return a sale to customer `owner`."""
    given = {"customer_id": some_id(owner), "id": some_id(number), "occurred_at": LONG_AGO, "recorded_at": NOW}
    return Sale(total=Money(total, "EUR"), **{**given, **values})


class QuestionLaws:
    """One filter means one set of customers, whatever the store."""

    def test_caseless_texts_are_found_by_their_copies(self, store: Store) -> None:
        """In any case and composition, beside other columns and after what changed, by what equals the fold."""
        names = ["Ann", "ANN", "\u00c5sa", "A\u030asa", "Straße", "STRASSE"]
        put(store, *(customer(10 + number, first_name=name) for number, name in enumerate(names)))
        for wanted, count in (("ann", 2), ("\u00e5sa", 2), ("strasse", 2), ("Ann", 0), (["ann", "strasse"], 4)):
            with store.read() as reader:
                assert reader.count_records(Customer, {"first_name_folded": wanted}) == count
                found = [each.id for each in reader.find(Customer, {"first_name_folded": wanted, "kind": "person"})]
            assert len(found) == count and found == sorted(found)
        with store.write() as writer:
            writer.replace(customer(10, first_name="Ben"))
            writer.remove(Customer, some_id(11))
        with store.read() as reader:
            assert reader.count_records(Customer, {"first_name_folded": "ann"}) == 0
            assert next(reader.find(Customer, {"id": some_id(10), "first_name_folded": "ben"})).first_name == "Ben"

    def test_find_by_how_texts_begin(self, store: Store) -> None:
        """Code point by code point, beside other columns, in any order; nothing is a pattern, and a missing text begins not."""
        last = "\U0010ffff"
        names = ["", "Ab", "Abc", "ab", "a%c", "a_c", "\ud7ff", "\ue000", last, last * 2, "e", "\u00e9", "e\u0301", None]
        put(store, *(customer(10 + number, first_name=name) for number, name in enumerate(names)))
        texts = [name for name in names if name is not None]
        with store.read() as reader:
            for beginning in [*texts, "A", "a%", "a_", "b"]:
                found = reader.find(Customer, {"kind": "person"}, beginning={"first_name": beginning}, order=("first_name",))
                assert [each.first_name for each in found] == sorted(text for text in texts if text.startswith(beginning))
            folded = reader.find(Customer, beginning={"first_name_folded": "ab"}, order=("first_name_folded",), limit=2)
            assert [each.first_name for each in folded] == ["Ab", "ab"]

    @ON_ONE_STORE
    @given(base=bases(), asked=questions(), rules=verdicts())
    def test_ids_are_those_of_the_python_target(
        self, store: Store, base: Base, asked: Question, rules: Verdict
    ) -> None:
        """A customer is given exactly when the filter is true of the customer's facts, now and as of any instant."""
        with rolled_back(store) as writer:
            writer.add(base)
            ids = writer.ids(asked)
            rows = {each.id: facts(writer, each.id, asked) for each in writer.find(Customer)}
            assert ids == [each for each, row in rows.items() if row is not None and row.matches(asked.filter)]
            assert writer.count(asked) == len(ids)
            refusals = writer.refusals(asked, rules)
            assert dict(refusals) == {each: _refusals(rows[each], rules) for each in ids}

    @ON_ONE_STORE
    @given(
        base=bases(),
        asked=st.builds(
            Asked, questions(overflowing=True), st.lists(shown(), max_size=3), orders(),
            verdicts(overflowing=True), st.none() | st.integers(0, 3)
        ),
    )
    def test_answers_and_deeds_are_those_of_the_memory_store(self, store: Store, base: Base, asked: Asked) -> None:
        """Ids, pages, rows, tallies, frozen targets and written rows equal those of the memory store."""
        assert_parity(store, base, asked)

    @ON_ONE_STORE
    @given(base=bases(), asked=questions(), rules=verdicts())
    def test_tally_counts_first_refusals(self, store: Store, base: Base, asked: Question, rules: Verdict) -> None:
        """Tally counts each customer once: by the first of its refusals, or as eligible."""
        with rolled_back(store) as writer:
            writer.add(base)
            firsts = [next(iter(reasons), None) for reasons in writer.refusals(asked, rules).values()]
            assert counted(writer.tally(asked, rules)) == {each: firsts.count(each) for each in firsts}

    @ON_ONE_STORE
    @given(base=bases(), asked=questions())
    def test_a_filter_and_its_not_split_the_base(self, store: Store, base: Base, asked: Question) -> None:
        """Everybody is in exactly one of a filter and its NOT."""
        with rolled_back(store) as writer:
            writer.add(base)
            other = Question(~asked.filter, asked.as_of, asked.past)
            everybody = [each.id for each in writer.find(Customer)]
            assert sorted([*writer.ids(asked), *writer.ids(other)]) == everybody

    def test_ids_come_in_pages(self, store: Store) -> None:
        """`after` and `limit` page through the ids in order, also past an id that is not there."""
        put(store, customers=7)
        with store.read() as reader:
            everybody = question("TRUE")
            assert reader.ids(everybody) == [some_id(number) for number in range(1, 8)]
            assert reader.ids(everybody, limit=3) == [some_id(1), some_id(2), some_id(3)]
            assert reader.ids(everybody, after=some_id(3), limit=3) == [some_id(4), some_id(5), some_id(6)]
            assert reader.ids(question(f"id <> '{some_id(5)}'"), after=some_id(4)) == [some_id(6), some_id(7)]
            assert reader.ids(question(f"id IN ('{some_id(6)}', '{some_id(2)}', 'x')")) == [some_id(2), some_id(6)]
            assert reader.ids(everybody, after=some_id(0), limit=1) == [some_id(1)]
            assert reader.ids(everybody, limit=0) == []

    # rows ---------------------------------------------------------------------------------------

    def test_rows_give_physical_values(self, store: Store) -> None:
        """Money is minor units, an instant is aware, a ratio is a pair, a choice is a text, what is missing is None."""
        put(store, sale(11, 1, "10.00"), sale(12, 1, "5.01"), tag(13, value="a"), entry(14))
        wanted = "sales_total", "average_check", "last_sale_at", "tags.VIP", "kind", "loyalty_eligible", "sales_count"
        with store.read() as reader:
            (first, second, _) = reader.rows(question("TRUE"), [value(text) for text in wanted])
        assert first[0] == some_id(1)
        assert first[1] == 1501 and first[2][0] / first[2][1] == 750.5
        assert first[3] == LONG_AGO and first[3].utcoffset() is not None
        assert first[4:] == ("a", "person", True, 2)
        assert second == (some_id(2), 0, None, None, None, "person", True, 0)

    @ON_ONE_STORE
    @given(base=bases(), asked=questions(), columns=st.lists(shown(), max_size=3), order=orders())
    def test_rows_of_one_customer_are_the_row_of_all(
        self, store: Store, base: Base, asked: Question, columns: list[Shown], order: list[Order]
    ) -> None:
        """`only` gives the row that all rows hold of this customer, and none where the question does not give the customer."""
        with rolled_back(store) as writer:
            writer.add(base)
            rows = {row[0]: _exact(row) for row in writer.rows(asked, columns)}
            for each in [*(each.id for each in writer.find(Customer)), some_id(999)]:
                wanted = [rows[each]] if each in rows else []
                assert [_exact(row) for row in writer.rows(asked, columns, only=each)] == wanted
                assert [_exact(row) for row in writer.rows(asked, columns, only=each, order=order, limit=5)] == wanted
                assert list(writer.rows(asked, columns, only=each, after=each)) == []

    def test_rows_are_sorted_with_missing_values_last(self, store: Store) -> None:
        """Missing comes last in both directions unless `missing_first`; equal values in id order; exact ratios."""
        sales = [(2, "1.00"), (2, "1.00"), (2, "1.01"), (3, "1.00"), (5, "1.00"), (6, "2.00")]
        put(store, *(sale(20 + number, owner, total) for number, (owner, total) in enumerate(sales)), customers=6)
        with store.read() as reader:
            def sorted_by(*order: Order, limit: int | None = None) -> list[int]:
                rows = reader.rows(question("TRUE"), [], order=order, limit=limit)
                return [int(each[-3:], 16) for (each,) in rows]

            average = value("average_check")
            assert sorted_by(Order(average)) == [3, 5, 2, 6, 1, 4]
            assert sorted_by(Order(average, descending=True)) == [6, 2, 3, 5, 1, 4]
            assert sorted_by(Order(average, missing_first=True)) == [1, 4, 3, 5, 2, 6]
            assert sorted_by(Order(average, descending=True, missing_first=True), limit=3) == [1, 4, 6]
            assert sorted_by(Order(value("sales_count")), Order(average, descending=True)) == [1, 4, 6, 3, 5, 2]
            assert sorted_by() == [1, 2, 3, 4, 5, 6]

    @pytest.mark.parametrize("descending", [False, True])
    def test_rows_with_equal_values_are_in_id_order(self, store: Store, descending: bool) -> None:
        """What a sort leaves tied comes in id order in both directions, whatever was written first; also under a limit."""
        shuffled = [17, 12, 19, 14, 11, 18, 13, 16, 15, 20]
        put(store, *(customer(each, country="FI", first_name="Ann") for each in shuffled), customers=0)
        wanted = sorted(some_id(each) for each in shuffled)
        with store.read() as reader:
            for word in ("country", "first_name", "sales_count"):
                order = [Order(value(word), descending=descending)]
                assert [row[0] for row in reader.rows(question("TRUE"), [], order=order)] == wanted
                assert [row[0] for row in reader.rows(question("TRUE"), [], order=order, limit=4)] == wanted[:4]

    def test_elapsed_time_sorts_as_it_is_shown(self, store: Store) -> None:
        """Fewer years come before more, though the date that they are counted from is later."""
        born = [customer(4 + number, birth_date=NOW.date() - timedelta(days=400 * number)) for number in range(3)]
        put(store, *born, customers=0)
        with store.read() as reader:
            rows = list(reader.rows(question("TRUE"), [], order=[Order(value("age"))]))
        assert rows == [(some_id(4),), (some_id(5),), (some_id(6),)]

    # refunds ------------------------------------------------------------------------------------

    def test_metrics_are_of_what_remains_after_refunds(self, store: Store) -> None:
        """Sums and counts take refunds off, averages are by the sales that remain; `sales` and `refunds` keep both."""
        refund = {"kind": SaleKind.REFUND, "counts": 0, "refund_of": some_id(11)}
        put(
            store, sale(11, 1, "10.00", units=2), sale(12, 1, "4.00", units=1), sale(13, 2, "3.00"),
            sale(14, 1, "-1.00", **refund), sale(15, 1, "-9.00", **{**refund, "units": -2, "counts": -1}),
            sale(16, 2, "-3.00", **{**refund, "kind": SaleKind.CHARGEBACK, "counts": -1, "occurred_at": NOW}),
        )  # fmt: skip
        wanted = ("sales_count", "sales_total", "units_total", "average_check", "COUNT(sales)", "COUNT(refunds)",
                  "SUM(refunds.total)", "AVG(sales.total)")
        with store.read() as reader:
            def told(owner: int, as_of: Any = None) -> tuple[Any, ...]:
                asked = question("TRUE", as_of)
                [(_, *values)] = map(_exact, reader.rows(asked, [value(text) for text in wanted], only=some_id(owner)))
                return tuple(values)

            assert told(1) == (1, 400, 1, 400, 2, 2, -1000, 700)
            assert told(2) == (0, 0, 0, None, 1, 1, -300, 300)
            assert told(2, LAST_YEAR) == (1, 300, 0, 300, 1, 0, 0, 300)
            assert told(3) == (0, 0, 0, None, 0, 0, 0, None)
            assert reader.ids(question("EXISTS(refunds WHERE kind = 'chargeback')")) == [some_id(2)]
            assert reader.ids(question("average_check DOES NOT EXIST")) == [some_id(2), some_id(3)]

    # time ---------------------------------------------------------------------------------------

    def test_a_tag_holds_from_since_until_just_before_until(self, store: Store) -> None:
        """Since ≤ as_of < until, now and in the past."""
        ended = tag(13, owner=2, since=LAST_YEAR, until=NOW)
        put(store, tag(11, since=LAST_YEAR, until=NOW, value="a"), tag(12, since=NOW, value="b"), ended)
        with store.read() as reader:
            assert reader.ids(question("tags.VIP = 'b'")) == [some_id(1)]
            assert reader.ids(question("tags.VIP = 'a'", NOW - timedelta(microseconds=1))) == [some_id(1)]
            assert reader.ids(question("tags.VIP EXISTS")) == [some_id(1)]
            assert reader.ids(question("tags.VIP EXISTS", LAST_YEAR)) == [some_id(1), some_id(2)]
            assert reader.ids(question("tags.VIP EXISTS", LAST_YEAR - timedelta(microseconds=1))) == []

    def test_the_past_is_looked_up_in_the_history(self, store: Store) -> None:
        """A question about the past has a program's access and category from the last change until then."""
        member = Membership(
            customer_id=some_id(1), program="gold", access=Access.FULL, category="Regulars", joined_at=LAST_YEAR
        )  # fmt: skip
        put(store, member, _change(11, LAST_YEAR, Access.NONE), _change(12, NOW - timedelta(days=9), Access.FULL))
        with store.read() as reader:
            assert _has(reader, "programs.gold.access = 'full'")
            assert _has(reader, "programs.gold.access = 'none'", NOW - timedelta(days=10))
            assert _has(reader, "programs.gold.access = 'full'", NOW - timedelta(days=9))
            assert _has(reader, "programs.gold.category = 'New Customers'", NOW)
            assert _has(reader, "programs.gold EXISTS", LAST_YEAR)
            assert not _has(reader, "programs.gold EXISTS", LAST_YEAR - timedelta(seconds=1))
            assert _has(reader, "programs.gold.joined_at EXISTS", NOW)

    def test_an_account_is_there_from_its_opening_on(self, store: Store) -> None:
        """A question about the past has no account that was opened later; now it stands, also where the clock went back."""
        wallet = CustomerAccount(
            customer_id=some_id(1), account="wallet", program="gold", opened_at=LAST_YEAR, credit_limit=Money("5", "EUR")
        )  # fmt: skip
        paid = AccountEntry(
            customer_id=some_id(1), id=some_id(11), account="wallet", program="gold", kind="replenish",
            amount=Money("20", "EUR"), occurred_at=LAST_YEAR,
        )  # fmt: skip
        put(store, wallet, paid)
        words = [value(f"accounts.wallet.{name}") for name in ("balance", "credit_limit", "opened_at")]
        before = question("TRUE", LAST_YEAR - timedelta(microseconds=1))
        with store.read() as reader:
            assert list(reader.rows(question("accounts.wallet EXISTS"), words)) == [(some_id(1), 2000, 500, LAST_YEAR)]
            assert list(reader.rows(question("accounts.wallet EXISTS", LAST_YEAR), words)) != []
            assert list(reader.rows(before, words, only=some_id(1))) == [(some_id(1), None, None, None)]
            assert not _has(reader, "accounts.wallet EXISTS", before.as_of)
            assert some_id(1) in reader.ids(Question(SCHEMA.parse("accounts.wallet EXISTS"), before.as_of))

    def test_later_records_are_not_seen(self, store: Store) -> None:
        """What occurred after as_of is not counted; a lot counts until just before it expires."""
        put(store, sale(11, 1, "1.00"), sale(12, 1, "1.00", occurred_at=NOW), entry(13, expires_at=NOW), entry(14))
        with store.read() as reader:
            assert _has(reader, "sales_count = 2", NOW)
            assert _has(reader, "sales_count = 1", NOW - timedelta(microseconds=1))
            assert _has(reader, "SUM(points_entries.delta WHERE NOT expires_at <= now()) = 10")


def _exact(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a row with its pairs as ratios."""
    return tuple(Fraction(*value) if isinstance(value, tuple) else value for value in row)


def _has(reader: Reader, text: str, as_of: Any = None) -> bool:
    return some_id(1) in reader.ids(question(text, as_of))


def _change(number: int, occurred_at: Any, access: Access) -> MembershipChange:
    return MembershipChange(
        customer_id=some_id(1), id=some_id(number), program="gold", change="access", access=access,
        category="New Customers", occurred_at=occurred_at,
    )  # fmt: skip


def _refusals(row: Any, rules: Verdict) -> tuple[Reason, ...]:
    return tuple(reason for reason, rule in rules.rules if not row.matches(rule))
