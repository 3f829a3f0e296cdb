"""Sales from a file: recorded once, for exactly the customer who is named."""

import pytest

import custcrm
from custcrm import Malformed, Money
from custcrm.importing.sales import BATCH
from custcrm.testing import ManualClock

SALES = """\
external_id,email,occurred_at,total,units
r-1,anna@example.org,2026-10-01 12:30,480.00,3
r-2,anna@example.org,2026-10-02,99.90,
r-3,Anna@example.org,2026-11-16,5.00,1
"""


@pytest.fixture
def anna(crm):
    return crm.customers.add(
        first_name="Anna", email="anna@example.org", card_number="77", external_ids={"shop": "1"}
    )


def verdicts(report):
    return [(row.line, row.verdict, row.reason) for row in report]


def test_a_sale_is_recorded_once(crm, anna, file):
    """Told again with the same facts it is unchanged, and with others refused: a sale never changes."""
    path = file(SALES)
    assert verdicts(crm.sales.import_csv(path)) == [
        (2, "added", None), (3, "added", None), (4, "refused", "unknown_customer"),
    ]
    assert crm.sales.import_csv(path).counts == {"unchanged": 2, "refused": 1}
    other = file(SALES.replace("480.00", "480.01"))
    assert verdicts(crm.sales.import_csv(other))[0] == (2, "refused", "conflict")
    [row] = crm.select("sales_count = 2").view(["sales_total", "units_total"])
    assert row == {"sales_total": Money("579.90", "EUR"), "units_total": 3}


def test_only_what_a_file_tells_is_compared(crm, anna, file):
    """A sale that the till recorded with more facts is the same sale to a file that tells fewer."""
    crm.points_of_sale.add("Harbour")
    crm.sales.record(anna, "10.00", occurred_at="2026-10-01", units=4, point_of_sale="Harbour", external_id="r-1")
    report = crm.sales.import_csv(file("external_id,email,occurred_at,total\nr-1,anna@example.org,2026-10-01,10.00\n"))
    assert verdicts(report) == [(2, "unchanged", None)]


@pytest.mark.parametrize("column", ["email", "external_ids.shop", "card_number", "customer_id"])
def test_each_identity_finds_the_customer(crm, anna, file, column):
    """A sale names its customer by email, another system's id, card number or our id."""
    known = {"email": "anna@example.org", "external_ids.shop": "1", "card_number": "77", "customer_id": anna.id}
    lines = [f"r-{n},{each},2026-10-01,1.00" for n, each in enumerate([known[column], "nobody", ""])]
    text = "\n".join([f"external_id,{column},occurred_at,total", *lines])
    report = crm.sales.import_csv(file(text))
    assert verdicts(report) == [
        (2, "added", None), (3, "refused", "unknown_customer"), (4, "refused", "missing_identity"),
    ]
    assert next(iter(report)).customer_id == anna.id


def test_identities_must_agree(crm, anna, file):
    """A row that names two customers is refused; one that is unknown beside one that is known is not."""
    crm.customers.add(email="ben@example.org")
    lines = ["r-1,ben@example.org,77,2026-10-01,1", "r-2,new@example.org,77,2026-10-01,1"]
    text = "\n".join(["external_id,email,card_number,occurred_at,total", *lines])
    assert verdicts(crm.sales.import_csv(file(text))) == [(2, "refused", "conflict"), (3, "added", None)]


def test_places_are_looked_up(crm, anna, file):
    """A terminal knows its point of sale and program; unknown places are refused by name of the column."""
    crm.programs.add("gold")
    crm.points_of_sale.add("Harbour", program="gold")
    crm.points_of_sale.add("Hill")
    crm.terminals.add("Till 1", point_of_sale="Harbour")
    rows = [
        ("Till 1", "", ""), ("Till 9", "", ""), ("", "Nowhere", ""), ("", "", "silver"), ("Till 1", "Hill", ""),
        ("", "Hill", ""),
    ]
    lines = [f"r-{n},anna@example.org,2026-10-01,1,{','.join(row)}" for n, row in enumerate(rows)]
    report = crm.sales.import_csv(
        file("\n".join(["external_id,email,occurred_at,total,terminal,point_of_sale,program", *lines]))
    )
    assert [row.reason for row in report] == [
        None, "unknown_terminal", "unknown_point_of_sale", "unknown_program", "conflict", None,
    ]
    assert crm.select("COUNT(sales WHERE program = 'gold' AND point_of_sale = 'Harbour') = 1").count() == 1


def test_who_is_blacklisted_buys_nothing_in_the_program(crm, anna, file):
    """A sale in a program that has blacklisted the customer is refused, others are taken."""
    ben = crm.customers.add(email="ben@example.org")
    crm.programs.add("gold")
    crm.programs.join(anna, "gold", access="blacklisted")
    crm.programs.join(ben, "gold")
    text = "".join(
        f"{n},{email},2026-10-01,1,{program}\n"
        for n, (email, program) in enumerate(
            [("anna@example.org", "gold"), ("anna@example.org", ""), ("ben@example.org", "gold")])
    )
    report = crm.sales.import_csv(file("external_id,email,occurred_at,total,program\n" + text))
    assert verdicts(report) == [(2, "refused", "blacklisted"), (3, "added", None), (4, "added", None)]


def test_who_is_blacklisted_is_so_in_the_whole_file(crm, anna, file):
    """Law: what was looked up for one batch of rows is true for the next, and each program is looked up for itself."""
    crm.programs.add("gold")
    crm.programs.add("blue")
    crm.programs.join(anna, "gold", access="blacklisted")
    text = "".join(f"{n},anna@example.org,2026-10-01,1,{'gold' if n % 2 else 'blue'}\n" for n in range(BATCH + 10))
    report = crm.sales.import_csv(file("external_id,email,occurred_at,total,program\n" + text))
    assert [row.reason for row in report] == [None, "blacklisted"] * (BATCH // 2 + 5)


@pytest.mark.parametrize(
    ("cells", "reason", "field"),
    [
        ("r-1,anna@example.org,,1.00,", "missing_value", "occurred_at"),
        ("r-1,anna@example.org,2026-10-01,,", "missing_value", "total"),
        (",anna@example.org,2026-10-01,1.00,", "missing_value", "external_id"),
        ("r-1,anna@example.org,yesterday,1.00,", "bad_date", "occurred_at"),
        ("r-1,anna@example.org,1899-12-31T23:59:59,1.00,", "bad_date", "occurred_at"),
        ("r-1,anna@example.org,3026-10-01,1.00,", "bad_date", "occurred_at"),
        ("r-1,anna@example.org,2026-10-01,1.005,", "bad_amount", "total"),
        ("r-1,anna@example.org,2026-10-01,1.00,1.5", "bad_value", "units"),
    ],
)
def test_a_row_that_cannot_be_a_sale_is_refused(crm, anna, file, cells, reason, field):
    """What is missing or cannot be read is named, with its column."""
    [row] = crm.sales.import_csv(file(f"external_id,email,occurred_at,total,units\n{cells}\n"))
    assert (row.verdict, row.reason, row.field) == ("refused", reason, field)


def test_missing_columns_are_told_at_once(crm, file):
    """All columns that a file of sales needs are named together."""
    with pytest.raises(Malformed, match=r"external_id.*occurred_at.*total.*customer_id"):
        crm.sales.import_csv(file("units\n1\n"))


def test_a_dry_run_records_nothing(crm, anna, file):
    """Verdicts are those of the import; nothing is written; a second row of one receipt is refused."""
    text = SALES + "r-1,anna@example.org,2026-10-01 12:30,480.00,3\n"
    dry = crm.sales.import_csv(file(text), dry_run=True)
    assert crm.select("sales_count > 0").count() == 0
    real = crm.sales.import_csv(file(text))
    assert list(dry) == list(real)
    assert verdicts(real)[-1] == (5, "refused", "duplicate_in_file")


def test_postgresql_takes_the_same(postgresql_store, file):
    """Customers and sales come in on PostgreSQL with the same verdicts, and again unchanged."""
    pytest.importorskip("psycopg")
    with custcrm.open(postgresql_store, timezone="Europe/Helsinki", clock=ManualClock("2026-11-21T12:00+02:00")) as crm:
        people = file("".join(["email,tags.level\n", *(f"a{n}@example.org,{n % 3}\n" for n in range(1_100))]))
        assert crm.customers.import_csv(people).counts == {"added": 1_100}
        assert crm.customers.import_csv(people).counts == {"unchanged": 1_100}
        text = "".join(f"{n},a{n}@example.org,2026-10-01,{n}.50\n" for n in range(1_100))
        sales = file("external_id,email,occurred_at,total\n" + text, "sales.csv")
        assert crm.sales.import_csv(sales).counts == {"added": 1_100}
        assert crm.sales.import_csv(sales).counts == {"unchanged": 1_100}
