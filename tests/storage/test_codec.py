"""Rows made of records and records made of rows."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custcrm.records import RECORDS
from custcrm.records.codec import PLAIN, Form, decoder, defaults, encoder, from_columns
from custcrm.records.customers import Customer, CustomerStatus
from custcrm.records.declaration import declaration
from custcrm.records.journal import Applied
from custcrm.records.sales import Sale
from custcrm.storage.sql.types import POSTGRESQL, SQLITE
from custcrm.values.birthdays import YearlessDate
from custcrm.values.money import Money

NOW = datetime(2026, 11, 21, 12, 30, 0, 5, tzinfo=UTC)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
instants = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
values = {
    "text": texts,
    "integer": st.integers(-(2**63) + 1, 2**63 - 1),
    "boolean": st.booleans(),
    "instant": instants,
    "json": st.dictionaries(texts, texts | st.integers() | st.lists(texts, max_size=2), max_size=3),
}
births = st.none() | st.dates() | st.builds(YearlessDate, st.integers(1, 12), st.integers(1, 28))


@st.composite
def records(draw, record):
    """Draw a record of any class: each column as its declaration allows."""
    columns = declaration(record).columns
    drawn = {}
    for column in columns:
        strategy = values.get(column.kind, st.none())
        if column.values:
            strategy = st.sampled_from(column.values)
        elif column.name.endswith("_currency"):
            strategy = st.just("EUR")
        elif column.name.endswith("_month_day"):
            strategy = st.none()
        drawn[column.name] = draw(st.none() | strategy if column.nullable else strategy)
    for name, value in drawn.items():
        if name.endswith("_currency") and drawn[name.removesuffix("_currency")] is not None:
            drawn[name] = "EUR"
        elif name.endswith("_currency") and value is not None:
            drawn[name] = None
    made = from_columns(record, drawn)
    return attrs.evolve(made, birth_date=draw(births)) if record is Customer else made


@pytest.mark.parametrize("form", [PLAIN, SQLITE, POSTGRESQL], ids=["plain", "sqlite", "postgresql"])
@given(data=st.data())
def test_a_record_comes_back_from_its_row(form: Form, data: st.DataObject) -> None:
    """Decoding what was encoded gives an equal record, in every form and for every class."""
    record = data.draw(st.sampled_from(RECORDS).flatmap(records))
    cls: Any = type(record)
    row = encoder(cls, form)(record)
    assert len(row) == len(declaration(cls).columns)
    assert decoder(cls, form)(row) == record


@given(data=st.data())
def test_a_row_has_plain_values(data: st.DataObject) -> None:
    """A row has nothing but plain values: no Money, no enum, no birth date without its year."""
    record = data.draw(st.sampled_from(RECORDS).flatmap(records))
    cls: Any = type(record)
    assert {type(cell) for cell in encoder(cls)(record)} <= {
        str, int, bool, date, datetime, dict, type(None),
    }


@given(first=instants, second=instants)
def test_instants_keep_their_order_on_sqlite(first: datetime, second: datetime) -> None:
    """An earlier instant is a smaller number, to the microsecond, whatever zone it is given in."""
    write = SQLITE.writes["instant"]
    assert (write(first) < write(second)) == (first < second)
    assert write(first.astimezone(timezone(timedelta(hours=5)))) == write(first)


def test_values_of_fixed_shape_are_flat() -> None:
    """Money is two columns; a birth date is the date, where it has a year, and month × 100 + day."""
    customer = Customer(id="c", signed_up_at=NOW, created_at=NOW, credit_limit=Money("7.50", "EUR"))
    for birth, columns in ((YearlessDate(2, 29), (None, 229)), (date(1980, 3, 1), (date(1980, 3, 1), 301))):
        born = attrs.evolve(customer, birth_date=birth)
        row = dict(zip(declaration(Customer).names, encoder(Customer)(born), strict=True))
        assert (row["birth_date"], row["birth_date_month_day"]) == columns
        assert (row["credit_limit"], row["credit_limit_currency"]) == (750, "EUR")
        assert from_columns(Customer, row) == born


def test_columns_left_out_have_their_default() -> None:
    """A column left out of `from_columns` has the attribute's default, else it is None; an unknown one is an error."""
    sale = from_columns(Sale, {"customer_id": "c", "total": 250, "total_currency": "EUR"})
    assert (sale.source, sale.units, sale.total, sale.occurred_at) == ("in_store", 0, Money("2.50", "EUR"), None)
    assert from_columns(Customer, {"status": "inactive"}).status is CustomerStatus.INACTIVE
    assert defaults(Customer)["kind"] == "person"
    with pytest.raises(KeyError, match="colour"):
        from_columns(Sale, {"colour": "red"})


def test_records_do_not_share_a_default() -> None:
    """A mapping made by default belongs to its record alone."""
    first, second = (from_columns(Applied, {"key": key}) for key in "ab")
    assert first.arguments == second.arguments == {}
    assert first.arguments is not second.arguments
