"""Reports: every transaction of a period in order of time, all balances in one call, what is owed and when it lapses."""

import csv
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import custcrm
from custcrm import Malformed, Money, NotFound
from custcrm.records import Export
from custcrm.reports import KINDS
from custcrm.testing import ManualClock


@pytest.fixture
def shop(crm, people, clock):
    """Two points of sale with a till each, accounts and coupons; then a day's business at noon, one and two o'clock."""
    crm.programs.add("wine")
    for place, program in (("Harbour", "club"), ("Station", "wine")):
        crm.points_of_sale.add(place, program=program)
        crm.terminals.add(f"{place} till", point_of_sale=place)
    crm.accounts.add("wallet", program="club")
    crm.coupons.add_series("welcome", program="club", capacity=10)
    anna, ben = people["Anna"], people["Ben"]
    sale = crm.sales.record(anna, "30.00", terminal="Harbour till", external_id="r-1", units=3)
    crm.sales.record(ben, "7.50", terminal="Station till", document="S 2")
    crm.points.credit(anna, "club", 100, terminal="Harbour till", expires="30 days")
    crm.points.credit(anna, "club", 50, terminal="Harbour till")
    clock.advance("1 hour")
    crm.points.spend(anna, "club", 120, reference="r-2")
    crm.accounts.replenish(anna, "wallet", "20.00", terminal="Harbour till")
    coupon = crm.coupons.issue(anna, "welcome")
    clock.advance("1 hour")
    crm.coupons.redeem(coupon, reference="r-3", terminal="Harbour till")
    crm.accounts.spend(anna, "wallet", "4.00")
    crm.sales.refund(sale, "10.00")
    return crm


def kinds(log):
    return [line.kind for line in log]


@pytest.mark.feature("C25")
def test_every_transaction_of_a_day_in_order_of_time(shop, people, clock):
    """Sales, refunds, points, accounts and coupons; a spend over two lots is one line; times are the business zone's."""
    lines = list(shop.reports.transaction_log())
    assert kinds(lines) == [
        "sale", "sale", "points_credit", "points_credit", "points_spend", "account_replenish", "refund", "account_spend",
        "coupon_redeemed",
    ]
    assert [line.occurred_at for line in lines] == sorted(line.occurred_at for line in lines)
    assert lines[0].occurred_at.isoformat() == "2026-11-21T12:00:00+02:00"
    by = {line.kind: line for line in lines}
    assert (lines[0].money, lines[0].units, lines[0].reference, lines[0].terminal) == (
        Money("30.00", "EUR"), 3, "r-1", "Harbour till",
    )
    assert (lines[1].program, lines[1].point_of_sale, lines[1].reference) == ("wine", "Station", "S 2")
    assert (by["points_spend"].points, by["points_spend"].reference, by["points_spend"].terminal) == (-120, "r-2", "api")
    assert by["refund"].money == Money("-10.00", "EUR")
    assert (by["account_spend"].money, by["coupon_redeemed"].reference) == (Money("-4.00", "EUR"), "r-3")
    assert {line.customer_id for line in lines} == {people["Anna"].id, people["Ben"].id}
    assert "Anna" not in repr(lines) + repr(shop.reports.transaction_log())


@pytest.mark.feature("C25")
def test_the_log_is_narrowed_by_place_and_kind(shop):
    """By program, point of sale, terminal, kinds and families of kinds; what is unknown is told with its near names."""
    log = shop.reports.transaction_log
    assert kinds(log(program="wine")) == ["sale"]
    assert kinds(log(point_of_sale="Harbour", kinds="points")) == ["points_credit", "points_credit"]
    assert kinds(log(terminal="Station till")) == ["sale"]
    assert kinds(log(terminal="api")) == ["points_spend", "account_spend"]
    assert kinds(log(kinds=["refund", "coupons"])) == ["refund", "coupon_redeemed"]
    assert kinds(log(program="club", terminal="Harbour till", kinds="sales")) == ["sale", "refund"]
    with pytest.raises(NotFound) as missing:
        log(terminal="Harbor till")
    assert missing.value.suggestions == ("Harbour till",)
    for wrong in ("sale s", "point", [], ["refunds", 3]):
        with pytest.raises(Malformed):
            log(kinds=wrong)


@pytest.mark.feature("C25", "E08")
def test_a_period_is_half_open_and_local(shop, people, clock):
    """A transaction of midnight belongs to the day that begins; the hour is the business zone's, not the server's."""
    log = shop.reports.transaction_log
    clock.advance("10 hours")                               # midnight in Helsinki
    shop.sales.record(people["Eve"], 1)
    assert kinds(log()) == ["sale"]
    assert len(kinds(log(period="yesterday"))) == 9
    assert len(kinds(log(period="last 2 days"))) == 10
    assert len(kinds(log(period="2026-11-21"))) == 9
    assert len(kinds(log(period=("2026-11-21", "2026-11-22")))) == 10
    assert kinds(log(period=("2026-11-21T12:00", "2026-11-21T13:00"))) == ["sale", "sale", "points_credit", "points_credit"]
    assert kinds(log(period=("2026-11-21T13:00", "2026-11-21T14:00"))) == ["points_spend", "account_replenish"]
    assert kinds(log(period="last month")) == []
    with pytest.raises(Malformed):
        log(period="last mont")


@pytest.mark.feature("C25")
def test_totals_are_by_kind(shop):
    """How many of each kind, and what they come to; refunds and spends are negative, so all money adds up."""
    totals = shop.reports.transaction_log().totals
    assert list(totals) == [kind for kind in KINDS if kind in totals]
    assert (totals["sale"].count, totals["sale"].money, totals["sale"].units) == (2, Money("37.50", "EUR"), 3)
    assert (totals["refund"].count, totals["refund"].money) == (1, Money("-10.00", "EUR"))
    assert totals["points_credit"].points + totals["points_spend"].points == 30
    assert totals["account_replenish"].money + totals["account_spend"].money == Money("16.00", "EUR")
    assert totals["coupon_redeemed"].count == 1 and totals["coupon_redeemed"].points is None


@pytest.mark.feature("C25", "E05")
def test_the_log_leaves_as_csv(shop, people, tmp_path):
    """A row for each line with all its columns; no text becomes a formula; the export is recorded."""
    shop.sales.record(people["Eve"], 1, document="=1+1")
    target = tmp_path / "log.csv"
    assert shop.reports.transaction_log(kinds="sales").to_csv(target) == 4
    rows = list(csv.DictReader(target.read_text(encoding="utf-8").splitlines()))
    assert (rows[0]["kind"], rows[0]["money"], rows[0]["terminal"]) == ("sale", "30.00", "Harbour till")
    assert "'=1+1" in {row["reference"] for row in rows}
    with shop._business.reading() as reader:
        [export] = reader.find(Export)
    assert (export.rows, "customer_id" in export.columns["columns"]) == (4, True)
    assert "points_spend" in str(shop.reports.transaction_log())


def test_what_a_guest_redeemed_is_in_the_log(crm, people):
    """A guest has no customer; a redemption that was given back says when."""
    crm.coupons.add_series("flyer", program="club", codes="shared", shared_code="HELLO", per_customer=2)
    crm.coupons.redeem("HELLO", identity="040 555 5555")
    coupon = crm.coupons.issue(people["Anna"], "flyer")
    crm.coupons.redeem(coupon, reference="o-1")
    crm.coupons.restore(coupon, reference="o-1")
    lines = {line.customer_id: line for line in crm.reports.transaction_log(kinds="coupons")}
    assert set(lines) == {None, people["Anna"].id}
    assert lines[None].restored_at is None
    assert lines[people["Anna"].id].restored_at == lines[people["Anna"].id].occurred_at


@pytest.mark.feature("E06")
def test_all_balances_in_one_call(crm, people, tmp_path):
    """Name or company name, business ID, email, card number and balance of every member, and nothing else; the sum below."""
    shop = crm.customers.add(
        kind="company", first_name="Not", company_name="Wine Oy", registry_code="1234567-8", card_number="77",
    )
    crm.customers.update(people["Anna"], last_name="Virtanen")
    crm.select("kind = 'company'").join("club").apply(key="j")
    for each, points in ((people["Anna"], 100), (people["Ben"], 50), (shop, 7)):
        crm.points.credit(each, "club", points)
    report = crm.reports.point_balances("club")
    assert report.columns == (
        "Full name or company name", "Business ID", "Email", "Customer card number", "Point balance",
    )
    rows = [tuple(row.values()) for row in report]
    assert rows == [
        ("Anna Virtanen", None, "Anna@example.org", None, 100), ("Ben", None, "Ben@example.org", None, 50),
        ("Chloe", None, "Chloe@example.org", None, 0), ("Dan", None, "Dan@example.org", None, 0),
        ("Wine Oy", "1234567-8", None, "77", 7),
    ]
    assert report.total == 157 and str(report).endswith("total 157")
    assert "Anna" not in repr(report)
    assert report.to_csv(tmp_path / "b.csv", delimiter=";") == 5
    assert (tmp_path / "b.csv").read_text(encoding="utf-8").splitlines()[-1] == "Wine Oy;1234567-8;;77;7"
    some = crm.reports.point_balances("club", crm.select("kind = 'company'"))
    assert [row["Point balance"] for row in some] == [7]
    with pytest.raises(NotFound):
        crm.reports.point_balances("clubb")
    with pytest.raises(Malformed):
        crm.reports.point_balances("club", custcrm.open().select())


@pytest.mark.feature("E06")
def test_a_program_may_have_any_name(crm):
    """Names are data: quotes and dots in them reach no filter text."""
    crm.programs.add("Bob's \"club\".x")
    ann = crm.customers.add(first_name="Ann")
    crm.programs.join(ann, "Bob's \"club\".x")
    crm.points.credit(ann, "Bob's \"club\".x", 3)
    assert crm.reports.point_balances("Bob's \"club\".x").total == 3
    assert crm.reports.points_liability("Bob's \"club\".x").points == 3


@pytest.mark.feature("X18")
def test_what_is_owed_and_when_it_lapses(crm, people, clock):
    """By the month of a lot's last good day in the business zone; what is spent, expired or another program's is not owed."""
    anna, ben = people["Anna"], people["Ben"]
    crm.programs.add("wine")
    crm.programs.join(anna, "wine")
    crm.points.credit(anna, "club", 100, expires="2026-12-31")      # its last good day
    crm.points.credit(anna, "club", 40, expires="2027-01-01")
    crm.points.credit(anna, "club", 10)
    crm.points.credit(ben, "club", 7, expires="2 days")
    crm.points.credit(anna, "wine", 1_000)
    owed = crm.reports.points_liability("club")
    assert (owed.points, owed.customers, owed.debt, owed.debtors) == (157, 2, 0, 0)
    assert owed.expiring == {"2026-11": 7, "2026-12": 100, "2027-01": 40, None: 10}
    assert list(owed.expiring) == ["2026-11", "2026-12", "2027-01", None]
    assert crm.select("first_name = 'Anna'").points_liability("club").points == 150
    before = clock()
    clock.advance("1 second")
    crm.points.spend(anna, "club", 30)
    clock.advance("3 days")
    owed = crm.reports.points_liability("club")
    assert owed.expiring == {"2026-12": 70, "2027-01": 40, None: 10}
    assert "120 points of 1" in str(owed)
    past = crm.select(as_of=before).points_liability("club")
    assert (past.points, past.as_of) == (157, before)
    assert crm.select("first_name = 'Anna'", as_of="2027-01-01T00:00+02:00").points_liability("club").expiring == {
        "2027-01": 40, None: 10,
    }
    with pytest.raises(NotFound):
        crm.select().points_liability("clubb")


@pytest.mark.feature("X18")
def test_a_debt_is_taken_out_of_what_expires_soonest(crm, people, clock):
    """What a reversal could not take is no claim of ours on a month's points twice: the rest of the lots is what is owed."""
    anna, ben = people["Anna"], people["Ben"]
    for each in (anna, ben):
        crm.programs.set_access(each, "club", "full")
        credit = crm.points.credit(each, "club", 60)
        crm.points.spend(each, "club", 50)
        crm.points.reverse(credit)
    owed = crm.reports.points_liability("club")
    assert (owed.points, owed.customers, owed.debt, owed.debtors) == (0, 0, 100, 2)
    crm.points.credit(anna, "club", 70, expires="30 days")
    crm.points.credit(anna, "club", 50)
    owed = crm.reports.points_liability("club")
    assert crm.points.balance(anna, "club") == 70
    assert (owed.points, owed.customers, owed.debt, owed.debtors) == (70, 1, 50, 1)
    assert owed.expiring == {"2026-12": 20, None: 50}
    assert crm.select(as_of=clock()).points_liability("club").expiring == owed.expiring
    assert crm.select("first_name = 'Anna'").points_liability("club").expiring == owed.expiring


@pytest.mark.feature("X18")
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 50), st.sampled_from([None, 1, 20, 40, 70])), max_size=12),
       st.integers(0, 60))
@settings(max_examples=25)
def test_what_is_owed_is_the_sum_of_balances(credits, later):
    """Law: over any customers, now and as of then, the points owed less the debts are the balances; months add up to them."""
    clock = ManualClock("2026-11-21T12:00+02:00")
    crm = custcrm.open(currency="EUR", timezone="Europe/Helsinki", clock=clock)
    crm.programs.add("club")
    people = crm.customers.add_all([{"first_name": f"P{number}"} for number in range(5)])
    crm.select().join("club").apply(key="join")
    for who, points, span in credits:
        entry = crm.points.credit(people[who], "club", points, expires=span and f"{span} days")
        if points % 3 == 0:
            if available := crm.points.available(people[who], "club"):
                crm.points.spend(people[who], "club", min(points, available))
            crm.points.reverse(entry)
        clock.advance("1 hour")
    clock.advance(f"{later} days")
    for selection in (crm.select(), crm.select("first_name = 'P1'"), crm.select(as_of=clock())):
        owed = selection.points_liability("club")
        balances = [crm.points.balance(each, "club") for each in selection]
        assert owed.points == sum(owed.expiring.values()) == sum(each for each in balances if each > 0)
        assert owed.debt == -sum(each for each in balances if each < 0)
        assert (owed.customers, owed.debtors) == (sum(each > 0 for each in balances), sum(each < 0 for each in balances))
    assert Decimal(crm.reports.point_balances("club").total) == sum(crm.points.balance(each, "club") for each in people)


@pytest.mark.feature("C25")
def test_every_kind_of_transaction_is_in_the_log(shop, people, clock):
    """Whatever moves money, points or units has its kind: corrections, transfers, expiries and chargebacks too."""
    anna, ben = people["Anna"], people["Ben"]
    shop.points.adjust(anna, "club", -5, reason="counted twice")
    shop.points.reverse(shop.points.credit(anna, "club", 7))
    shop.points.credit(anna, "club", 3, expires="1 hour")
    shop.points.transfer(anna, ben, "club")
    shop.accounts.adjust(anna, "wallet", "-1.00", reason="counted twice")
    shop.accounts.reverse(shop.accounts.replenish(anna, "wallet", 2))
    shop.sales.chargeback(shop.sales.record(anna, 3))
    clock.advance("2 hours")
    assert shop.points.expire() > 0
    log = shop.reports.transaction_log()
    assert set(kinds(log)) == set(log.totals) == set(KINDS)
    assert log.totals["points_transfer"].points == 0
    moved = sum(total.points for total in log.totals.values() if total.points is not None)
    assert moved == sum(shop.points.balance(each, "club") for each in (anna, ben))
