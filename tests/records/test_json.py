"""Records as JSON: nothing is lost, nothing is guessed."""

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custcrm.records import Customer, Sale, Setting
from custcrm.records.json import from_json, to_json
from custcrm.values.birthdays import YearlessDate
from custcrm.values.errors import Malformed
from custcrm.values.money import Money

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
ID = "019aa5e2-0000-7000-8000-000000000001"


@given(
    born=st.none() | st.dates(date(1, 1, 1), date(9999, 12, 31)) | st.just(YearlessDate(2, 29)),
    name=st.none() | st.text(max_size=10),
    limit=st.none() | st.integers(-10**12, 10**12).map(lambda minor: Money.from_minor(minor, "EUR")),
    eligible=st.booleans(),
)
def test_a_customer_survives_json(born, name, limit, eligible):
    """from_json(to_json(x)) == x, through real JSON text."""
    customer = Customer(
        id=ID, first_name=name, birth_date=born, credit_limit=limit, loyalty_eligible=eligible, signed_up_at=NOW,
        created_at=NOW,
    )
    data = to_json(customer)
    assert from_json(Customer, json.loads(json.dumps(data))) == customer


def test_amounts_are_texts_and_instants_have_an_offset():
    """A float can never slip in, and nobody has to guess a zone."""
    data = to_json(Sale(customer_id=ID, id=ID, occurred_at=NOW, total=Money("12.50", "EUR"), recorded_at=NOW))
    assert data["total"] == {"amount": "12.50", "currency": "EUR"}
    assert data["occurred_at"] == "2026-11-21T10:00:00+00:00"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"units": "3"}, "units"),
        ({"units": 3.0}, "units"),
        ({"occurred_at": "2026-11-21T10:00:00"}, "occurred_at"),
        ({"total": {"amount": 12.5, "currency": "EUR"}}, "total"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_reading_is_strict_and_names_the_attribute(change, named):
    """No text becomes a number, no float an amount; the error names attributes and shows no value."""
    data = to_json(Sale(customer_id=ID, id=ID, occurred_at=NOW, total=Money("12.50", "EUR"), recorded_at=NOW))
    with pytest.raises(Malformed) as caught:
        from_json(Sale, {**data, **change})
    assert named in str(caught.value) and "12.5" not in str(caught.value)


def test_only_records_have_this_form():
    """A class that is no record is a mistake of the caller."""
    with pytest.raises(TypeError):
        to_json(object())
    assert to_json(Setting(name="a", value="b")) == {"name": "a", "value": "b"}
