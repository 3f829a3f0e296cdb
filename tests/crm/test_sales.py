"""Sales: the till knows its place, an external id is recorded once, blacklisted customers are refused."""

from datetime import timedelta

import pytest

import custcrm
from custcrm import Conflict, Malformed, Money, NotFound, Refusal


@pytest.fixture
def till(crm):
    crm.programs.add("club")
    crm.points_of_sale.add("Harbour", program="club")
    crm.terminals.add("till", point_of_sale="Harbour")
    return crm.customers.add(first_name="Anna")


@pytest.mark.feature("I09", "I11", "I12")
def test_a_sale_names_all_three_places_and_keeps_its_lines(crm, till):
    """The terminal gives point of sale and program; lines give units and category questions."""
    sale = crm.sales.record(till, "30.00", terminal="till", source="api", lines=[
        {"product": "w-1", "category": "Red", "quantity": 2, "price": "10.00"},
        {"product": "w-2", "category": "White", "price": "10.00", "amount": "9.00"},
    ])
    assert (sale.program, sale.point_of_sale, sale.terminal, sale.source, sale.units) == ("club", "Harbour", "till", "api", 3)
    assert crm.select("EXISTS(sales WHERE EXISTS(lines WHERE category = 'Red' AND quantity = 2))").count() == 1
    assert crm.select("SUM(lines.quantity WHERE category = 'White') = 1 AND SUM(lines.amount) = 29").count() == 1
    assert crm.select("units_total = 3 AND units_12_months = 3").count() == 0     # now is not before now
    assert crm.select("units_total = 3").count() == 1


@pytest.mark.feature("I09")
def test_a_sale_with_an_external_id_is_recorded_once(crm, till):
    """The same facts again give the known sale; other facts are a conflict, and nothing changes."""
    sale = crm.sales.record(till, "25.90", external_id="r-1", occurred_at="2026-11-01")
    assert crm.sales.record(till, "25.90", external_id="r-1", occurred_at="2026-11-01") == sale
    with pytest.raises(Conflict) as caught:
        crm.sales.record(till, "26.90", external_id="r-1", occurred_at="2026-11-01")
    assert "total" in str(caught.value)
    assert crm.select("sales_count = 1 AND sales_total = 25.90").count() == 1


def test_many_sales_are_told_as_mappings(crm, till):
    """Twice the same receipt in one call is one sale; a misspelt or missing word is named, and nothing is recorded."""
    row = {"customer": till, "total": "1.00", "external_id": "r-1"}
    first, again = crm.sales.record_all([row, dict(row)])
    assert first == again
    assert crm.sales.record(till, "1.00", external_id="r-1") == first       # no time told: the same time
    assert crm.select("sales_count = 1").count() == 1
    for bad, field in (
        ({**row, "ocurred_at": "2026-01-01"}, "ocurred_at"), ({"total": 1}, "customer"), ({"customer": till}, "total"),
    ):
        with pytest.raises(Malformed) as caught:
            crm.sales.record_all([{"customer": till, "total": 5}, bad])
        assert caught.value.field == field
    assert crm.select("sales_count = 1").count() == 1


@pytest.mark.feature("C32")
def test_a_blacklisted_member_cannot_buy_in_that_program(crm, till):
    """Sales of the program are refused, others are not; a sale needs no membership."""
    crm.sales.record(till, 1, terminal="till")
    crm.programs.join(till, "club", access="blacklisted")
    with pytest.raises(Refusal) as caught:
        crm.sales.record(till, 1, terminal="till")
    assert caught.value.reason == "blacklisted"
    crm.sales.record(till, 1)
    assert crm.select("sales_count = 2").count() == 1


@pytest.mark.parametrize("total", [1.5, "1.005", "x", True, Money("1", "USD"), None])
def test_an_amount_is_never_guessed(crm, till, total):
    """Floats, cents beyond the currency's, other currencies: refused, and nothing recorded."""
    with pytest.raises(Malformed):
        crm.sales.record(till, total)
    assert crm.select("sales_count > 0").count() == 0


ABSURD = {
    "total": {"total": "10000000000.01"},
    "a return's total": {"total": "-10000000000.01"},
    "a price": {"total": "1.00", "lines": [{"price": "10000000000.01", "amount": "1.00"}]},
    "an amount": {"total": "1.00", "lines": [{"price": "1.00", "amount": "10000000000.01"}]},
    "a price times a quantity": {"total": "1.00", "lines": [{"price": "10.01", "quantity": 10**9}]},
}


@pytest.mark.parametrize("told", ABSURD.values(), ids=ABSURD)
def test_two_absurd_sales_do_not_block_everybody(crm, till, told):
    """An amount beyond 10^12 minor units is Malformed where it is told, so that no sum of anybody's can fail by it."""
    crm.sales.record(till, "10000000000.00")
    for _ in range(2):
        with pytest.raises(Malformed, match=r"is at most 10,000,000,000\.00 EUR, up or down"):
            crm.sales.record(till, told["total"], lines=told.get("lines"))
    assert crm.select("sales_total = 10000000000").count() == 1


def test_a_sale_is_dated_from_1900_to_a_day_ahead(opened, clock):
    """In the store's zone and to the instant; what is refused is not recorded. A sale that is known is the known one."""
    now = [clock()]
    crm = opened(currency="EUR", timezone="Europe/Helsinki", clock=lambda: now[0])
    anna = crm.customers.add(first_name="Anna")
    ahead, second = clock() + timedelta(days=1), timedelta(seconds=1)
    for at in ("1900-01-01", ahead):
        assert crm.sales.record(anna, "1", occurred_at=at)
    known = crm.sales.record(anna, "1", occurred_at=ahead, external_id="r-1")
    for at in ("1899-12-31T23:59:59", "1066-10-14", ahead + second, "2062-11-21"):
        with pytest.raises(Malformed) as caught:
            crm.sales.record(anna, "1", occurred_at=at)
        assert caught.value.field == "occurred_at"
    now[0] -= timedelta(days=2)
    assert crm.sales.record(anna, "1", occurred_at=ahead, external_id="r-1") == known
    assert len(crm.sales.of(anna)) == 3


def test_unknown_customers_and_places_are_not_found(crm, till):
    """A sale belongs to somebody, and happened somewhere that is there."""
    with pytest.raises(NotFound):
        crm.sales.record("01900000-0000-7000-8000-000000000000", 1)
    with pytest.raises(NotFound) as caught:
        crm.sales.record(till, 1, terminal="tlil")
    assert caught.value.suggestions == ("till",)
    with pytest.raises(Malformed):
        crm.sales.record(till, 1, terminal="till", point_of_sale="Station")


def test_settings_are_kept_in_the_store(opened, where):
    """Currency and time zone need not be said again; another value is a conflict."""
    opened(currency="SEK", timezone="Europe/Stockholm").close()
    if where is None:
        return
    assert (opened().currency, str(opened().timezone)) == ("SEK", "Europe/Stockholm")
    with pytest.raises(Conflict):
        opened(currency="EUR")


def test_use_after_close_is_an_error(opened):
    """Close is idempotent; whatever comes after it says so."""
    crm = opened()
    crm.close()
    crm.close()
    with pytest.raises(custcrm.Closed):
        crm.select().count()
