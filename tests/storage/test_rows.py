"""One customer of any store, for single calls and explanations."""

from datetime import timedelta

import pytest

from custcrm.records import Membership, Sale, SaleLine
from custcrm.records.programs import Access
from custcrm.storage.customer_facts import explain, facts
from custcrm.storage.memory import MemoryStore
from custcrm.storage.questions import Question
from custcrm.testing.bases import LONG_AGO, NOW, some_id
from custcrm.testing.contracts.records import customer, put
from custcrm.testing.questions import SCHEMA
from custcrm.values.birthdays import YearlessDate
from custcrm.values.errors import NotFound
from custcrm.values.money import Money

EVERYBODY = Question(SCHEMA.parse("TRUE"), NOW)


@pytest.fixture
def store():
    store = MemoryStore()
    total = Money("12.50", "EUR")
    put(
        store,
        customer(4, birth_date=YearlessDate(2, 29), credit_limit=total),
        Sale(customer_id=some_id(4), id=some_id(10), occurred_at=LONG_AGO, total=total, recorded_at=NOW),
        Sale(customer_id=some_id(4), id=some_id(11), occurred_at=LONG_AGO, total=total, recorded_at=NOW),
        SaleLine(
            customer_id=some_id(4), sale_id=some_id(11), number=0, occurred_at=LONG_AGO, category="Red",
            price=total, amount=total,
        ),
    )
    return store


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("EXISTS(sales WHERE EXISTS(lines WHERE category = 'Red'))", True),
        ("COUNT(sales WHERE EXISTS(lines)) = 1", True),
        ("birth_date EXISTS AND NOT birth_date < today()", True),
        ("ANNIVERSARY(birth_date) BETWEEN DATE('2026-02-28') AND DATE('2026-02-28')", True),
        ("credit_limit = 12.5 AND sales_total = 25", True),
        ("programs.gold EXISTS OR tags.VIP EXISTS OR attributes.x EXISTS", False),
    ],
)
def test_a_single_customer_is_asked_like_all(store, text, truth):
    """What a filter says of one customer's facts is what it says of the customer among all."""
    rule = SCHEMA.parse(text)
    with store.read() as reader:
        row = facts(reader, some_id(4), EVERYBODY)
        assert row is not None
        assert row.matches(rule) is truth
        assert (some_id(4) in reader.ids(Question(rule, NOW))) is truth


def test_again_sees_what_was_written_since(store):
    """Facts are read once; again() reads them anew."""
    joined = Membership(customer_id=some_id(4), program="gold", access=Access.FULL, joined_at=NOW)
    member = SCHEMA.parse("programs.gold EXISTS")
    with store.write() as writer:
        row = facts(writer, some_id(4), EVERYBODY)
        assert row is not None
        assert not row.matches(member)
        writer.add([joined])
        writer.replace(customer(4, country="FI"))
        assert not row.matches(member)
        assert row.again().matches(member)
        assert row.again().customer.country == "FI"


def test_explain_tells_each_condition(store):
    """Explain gives values and verdicts of the customer's facts; an unknown customer is NotFound."""
    question = Question(SCHEMA.parse("sales_count > 1 AND tags.VIP EXISTS"), NOW + timedelta(days=1), past=True)
    with store.read() as reader:
        told = explain(reader, question, some_id(4))
        assert not told.matched
        assert [each.verdict for each in told.conditions] == [True, False]
        assert told.conditions[0].value == 2
        assert [each.field for each in told.deciding] == ["tags.VIP"]
        with pytest.raises(NotFound):
            explain(reader, question, some_id(99))
        assert facts(reader, some_id(99), question) is None
