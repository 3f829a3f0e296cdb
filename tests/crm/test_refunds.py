"""Refunds, chargebacks and cancelling: what is left is right at any time and in any place, and nobody gains points."""

import threading
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import custcrm
from custcrm import Conflict, Malformed, Money, NotFound, Refusal
from custcrm.testing import ManualClock


def euros(text) -> Money:
    return Money(text, "EUR")


@pytest.fixture
def till(crm, people):
    """Stand a till at the harbour and another at the station, both of the club."""
    for place in ("Harbour", "Station"):
        crm.points_of_sale.add(place, program="club")
        crm.terminals.add(f"{place} till", point_of_sale=place)
    return "Harbour till"


@pytest.fixture
def anna(people):
    return people["Anna"]


def holds(crm, anna, text, **how) -> bool:
    return anna.id in crm.select(text, **how).ids()


@pytest.mark.feature("V32", "T11")
def test_a_full_refund_of_the_only_sale_leaves_nothing(crm, anna, till, clock):
    """Spend, count and units are nought, the average is missing; before it they were what they were, in every scope alike."""
    before, where = clock(), custcrm.at(program="club")
    sale = crm.sales.record(anna, "50.00", units=3, terminal=till)
    clock.advance("1 day")
    refund = crm.sales.refund(sale, reason="broken")
    assert (refund.total, refund.units, refund.counts) == (euros("-50.00"), -3, -1)
    assert (refund.kind, refund.refund_of, refund.reason) == ("refund", sale.id, "broken")
    clock.advance("1 day")
    nothing = (
        "sales_count = 0 AND sales_total = 0 AND lifetime_spend = 0 AND average_check DOES NOT EXIST"
        " AND average_basket DOES NOT EXIST AND units_total = 0"
    )
    for scope in (None, where, custcrm.at(point_of_sale="Harbour"), custcrm.at(terminal=till)):
        assert holds(crm, anna, f"{nothing} AND units_12_months = 0", scope=scope)
        was = "sales_count = 1 AND sales_total = 50 AND average_check = 50 AND units_total = 3"
        assert holds(crm, anna, was, scope=scope, as_of=before)
        assert holds(crm, anna, nothing, scope=scope, as_of=refund.occurred_at)
    assert holds(crm, anna, "COUNT(sales) = 1 AND COUNT(refunds) = 1 AND days_since_last_sale = 2")
    assert not holds(crm, anna, "sales_count = 1")


@pytest.mark.feature("V32", "T11")
def test_a_partial_refund_lowers_the_average_and_not_the_number(crm, anna, clock):
    """The number of sales falls with the last of a sale; what is left is spread over those that count."""
    first, second = crm.sales.record(anna, 100, units=4), crm.sales.record(anna, 50, units=1)
    clock.advance("1 day")
    part = crm.sales.refund(first, "40", units=1)
    assert (part.total, part.units, part.counts) == (euros("-40.00"), -1, 0)
    assert holds(crm, anna, "sales_count = 2 AND sales_total = 110 AND average_check = 55 AND units_total = 4")
    assert holds(crm, anna, "sales_count = 2 AND sales_total = 150 AND units_total = 5", as_of=second.occurred_at)
    rest = crm.sales.refund(first)
    assert (rest.total, rest.units, rest.counts) == (euros("-60.00"), -3, -1)
    assert holds(crm, anna, "sales_count = 1 AND sales_total = 50 AND average_check = 50 AND units_total = 1")
    crm.sales.chargeback(second, "50")
    assert holds(crm, anna, "sales_count = 0 AND sales_total = 0 AND average_check DOES NOT EXIST AND units_total = 0")
    assert holds(crm, anna, "COUNT(refunds WHERE kind = 'chargeback') = 1 AND COUNT(refunds) = 3 AND COUNT(sales) = 2")


@pytest.mark.feature("V32")
def test_more_than_is_left_is_refused(crm, anna):
    """By name and numbers; and nothing is written."""
    sale = crm.sales.record(anna, 100)
    crm.sales.refund(sale, "99.50")
    for asked, shown in (("0.51", "0.51 EUR"), (100, "100.00 EUR")):
        with pytest.raises(Refusal) as caught:
            crm.sales.refund(sale, asked)
        assert caught.value.reasons == ("over_refund",)
        assert caught.value.details == {"sale": sale.id, "asked": shown, "left": "0.50 EUR"}
    crm.sales.refund(sale)
    for again in (crm.sales.refund, crm.sales.chargeback, crm.sales.cancel):
        with pytest.raises(Refusal, match="over_refund"):
            again(sale)
    assert holds(crm, anna, "sales_total = 0 AND COUNT(refunds) = 2")


@pytest.mark.feature("V32")
def test_two_tills_cannot_take_back_the_same(crm, anna):
    """Whoever comes second finds what the first has left."""
    sale, outcomes = crm.sales.record(anna, 100), []
    start = threading.Barrier(4)

    def take() -> None:
        start.wait()
        try:
            outcomes.append(crm.sales.refund(sale, 60).counts)
        except Refusal as refusal:
            outcomes.append(refusal.reason)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes)) == ["0", *["over_refund"] * 3]
    assert holds(crm, anna, "sales_total = 40 AND sales_count = 1")


@pytest.mark.feature("I09", "V32")
def test_a_refund_with_an_external_id_is_recorded_once(crm, anna):
    """Told again it is the known one, whole or in part; told otherwise, or as a sale, it is a conflict."""
    sale, other = crm.sales.record(anna, 100, external_id="r-1"), crm.sales.record(anna, 100)
    part = crm.sales.refund("r-1", 30, external_id="r-2")
    assert crm.sales.refund(sale, "30.00", external_id="r-2") == part
    rest = crm.sales.refund(sale, external_id="r-3")
    assert crm.sales.refund(sale, external_id="r-3") == crm.sales.refund(sale, 70, external_id="r-3") == rest
    for told in (
        lambda: crm.sales.refund(sale, 31, external_id="r-2"), lambda: crm.sales.refund(sale, external_id="r-2"),
        lambda: crm.sales.refund(other, 30, external_id="r-2"), lambda: crm.sales.chargeback(sale, 30, external_id="r-2"),
        lambda: crm.sales.refund(sale, external_id="r-1"), lambda: crm.sales.record(anna, -30, external_id="r-2"),
        lambda: crm.sales.refund(sale, 30, external_id="r-2", occurred_at="2030-01-01"),
        lambda: crm.sales.refund(sale, 30, external_id="r-2", units=1),
    ):
        with pytest.raises(Conflict):
            told()
    assert holds(crm, anna, "sales_total = 100 AND COUNT(refunds) = 2")


@pytest.mark.feature("C25")
def test_a_refund_stands_where_the_sale_stood_or_at_the_terminal_told(crm, anna, till):
    """The program stays the sale's; the place is that of the terminal that paid out."""
    sale = crm.sales.record(anna, 100, terminal=till, source="api")
    mine = crm.sales.refund(sale, 10)
    assert (mine.program, mine.point_of_sale, mine.terminal, mine.source) == ("club", "Harbour", till, "api")
    theirs = crm.sales.refund(sale, 10, terminal="Station till")
    assert (theirs.program, theirs.point_of_sale, theirs.terminal) == ("club", "Station", "Station till")
    assert holds(crm, anna, "sales_total = 90", scope=custcrm.at(point_of_sale="Harbour"))
    assert holds(crm, anna, "sales_total = 80", scope=custcrm.at(program="club"))
    assert holds(crm, anna, "COUNT(refunds) = 1 AND COUNT(sales) = 0", scope=custcrm.at(terminal="Station till"))
    with pytest.raises(NotFound):
        crm.sales.refund(sale, 10, terminal="Statoin till")


@pytest.mark.feature("C32")
def test_money_goes_back_to_the_blacklisted_too(crm, anna, till):
    """A refund asks nothing of the membership, as money must go back."""
    sale = crm.sales.record(anna, 100, terminal=till)
    crm.programs.set_access(anna, "club", "blacklisted")
    crm.sales.refund(sale, 40)
    crm.sales.cancel(sale)
    assert holds(crm, anna, "sales_total = 0")


@pytest.mark.feature("I12", "V32")
def test_products_net_by_category(crm, anna):
    """Lines come back as told, as sold where all comes back, and the rest where some has before; what was sold stays so."""
    sale = crm.sales.record(anna, "45.00", lines=[
        {"product": "w-1", "category": "Red", "quantity": 3, "price": "10.00"},
        {"product": "w-2", "category": "White", "quantity": 1, "price": "15.00"},
    ])
    part = crm.sales.refund(sale, lines=[{"product": "w-1"}])
    assert (part.total, part.units) == (euros("-10.00"), -1)
    red = "SUM(lines.{0} WHERE category = 'Red') - SUM(refunds.lines.{0} WHERE category = 'Red')"
    assert holds(crm, anna, f"{red.format('quantity')} = 2 AND {red.format('amount')} = 20")
    with pytest.raises(Refusal, match="over_refund"):
        crm.sales.refund(sale, lines=[{"product": "w-1", "quantity": 3}])
    with pytest.raises(Malformed):
        crm.sales.refund(sale, lines=[{"prodcut": "w-1"}])
    crm.sales.cancel(sale)
    for category in ("Red", "White"):
        of = f"WHERE category = '{category}'"
        assert holds(crm, anna, f"SUM(refunds.lines.quantity {of}) = SUM(lines.quantity {of})")
        assert holds(crm, anna, f"SUM(refunds.lines.amount {of}) = SUM(lines.amount {of}) AND EXISTS(lines {of})")
    other = crm.sales.record(anna, 5, lines=[{"product": "w-3", "category": "Red", "price": 5}])
    crm.sales.refund(other)
    [line] = crm.sales.details(other).lines
    assert (line.product, line.quantity, line.amount) == ("w-3", 1, euros("5.00"))


def test_lines_may_come_one_by_one(crm, anna):
    """What gives lines only once does: with a key too, which asks what they are."""
    sale = crm.sales.record(anna, "20.00", lines=[{"product": "Tea", "price": "10.00", "quantity": 2}])
    for key in (None, "once"):
        assert crm.sales.refund(sale, lines=(each for each in [{"product": "Tea"}]), key=key).total == euros("-10.00")


def test_what_cannot_be_refunded(crm, anna):
    """A refund, a sale nobody knows, a kind nobody knows, an amount that is guessed."""
    sale = crm.sales.record(anna, 100)
    refund = crm.sales.refund(sale, 1)
    for bad in (
        lambda: crm.sales.refund(refund), lambda: crm.sales.refund(sale, 1, kind="sale"), lambda: crm.sales.refund(sale, 1.5),
        lambda: crm.sales.refund(sale, 1, occurred_at="2020-01-01"), lambda: crm.sales.refund(sale, 0),
    ):
        with pytest.raises(Malformed):
            bad()
    for unknown in ("r-9", custcrm.Sale(customer_id=anna.id, id="x", occurred_at=sale.occurred_at, total=sale.total,
                                        recorded_at=sale.recorded_at)):
        with pytest.raises(NotFound):
            crm.sales.refund(unknown)
    assert holds(crm, anna, "sales_total = 99")


def test_a_refund_that_is_dated_ahead_moves_no_other(crm, anna, clock):
    """The next one is made when it is made; more than a day ahead of the clock none is dated."""
    sale = crm.sales.record(anna, 100)
    ahead = crm.sales.refund(sale, 10, occurred_at=clock() + timedelta(hours=20))
    assert crm.sales.refund(sale, 10).occurred_at == clock() < ahead.occurred_at
    with pytest.raises(Malformed) as caught:
        crm.sales.refund(sale, 10, occurred_at=clock() + timedelta(hours=25))
    assert caught.value.field == "occurred_at"
    assert holds(crm, anna, "sales_total = 90", as_of=clock()) and holds(crm, anna, "sales_count = 1 AND sales_total = 90")
    crm.sales.refund(sale)
    assert crm.sales.details(sale).left == euros("0.00")


# points ---------------------------------------------------------------------------------------------


def spent_and_refunded(opened, policy):
    """Earn 100 on an order, spend them, and return the crm, the customer and the order."""
    crm = opened()
    crm.programs.add("club", reversal=policy)
    crm.earning.add("club", "base", amount="1.00")
    anna = crm.customers.add(first_name="Anna")
    crm.programs.join(anna, "club")
    order = crm.sales.record(anna, 100, program="club")
    crm.points.spend(anna, "club", 100)
    return crm, anna, order


@pytest.mark.feature("V11", "X19")
@pytest.mark.parametrize(("policy", "balance", "shortfall"), [("debt", -100, 0), ("floor", 0, 100)])
def test_points_spent_before_the_refund_are_owed_or_missed(opened, policy, balance, shortfall):
    """Earn 100, spend 100, refund: minus 100, or 0 with a shortfall of 100; never 100."""
    crm, anna, order = spent_and_refunded(opened, policy)
    crm.sales.refund(order)
    assert crm.points.balance(anna, "club") == balance and crm.points.available(anna, "club") == 0
    assert sum(each.shortfall for each in crm.earning.of_sale(order)) == shortfall


@pytest.mark.feature("V11", "X19")
@pytest.mark.parametrize("policy", ["debt", "floor"])
@pytest.mark.parametrize("undone", ["reverse", "cancel"])
def test_a_cycle_of_two_sales_gains_nothing(opened, policy, undone):
    """Buy, spend the points on a second sale, refund the first, undo the second: no points without a sale, however often."""
    crm = opened(currency="EUR", timezone="Europe/Helsinki")
    crm.programs.add("club", reversal=policy)
    crm.earning.add("club", "base", amount="1.00")
    anna = crm.customers.add(first_name="Anna")
    crm.programs.join(anna, "club")
    for turn in range(3):
        first = crm.sales.record(anna, 100, program="club")
        second = crm.sales.record(anna, "0.50", program="club", external_id=f"B{turn}")
        spent = crm.points.spend(anna, "club", 100, reference=f"B{turn}")
        crm.sales.refund(first, 60)
        crm.sales.refund(first)
        if undone == "reverse":
            crm.points.reverse(spent)
        else:
            crm.sales.cancel(second)
        assert crm.points.balance(anna, "club") == crm.points.available(anna, "club") == 0


@pytest.mark.feature("V32")
def test_goods_come_back_for_what_was_paid(crm, anna):
    """With a coupon a line brings its share and keeps its amount; units alone bring theirs; the last ones bring the rest."""
    goods = [{"product": "A", "price": "10"}, {"product": "B", "price": "5", "quantity": 2}, {"product": "C", "price": "1"}]
    sale = crm.sales.record(anna, "10.00", lines=goods)
    first = crm.sales.refund(sale, lines=[{"product": "A"}])
    assert (first.total, first.units) == (euros("-4.76"), -1)             # 10 × 10 / 21
    second = crm.sales.refund(sale, lines=[{"product": "B", "price": "5"}, {"product": "C"}])
    assert second.total == euros("-2.86")                                 # 10 × 16 / 21 = 7.62
    assert holds(crm, anna, "sales_count = 1 AND SUM(lines.amount) - SUM(refunds.lines.amount) = 5")
    last = crm.sales.refund(sale, lines=[{"product": "B"}])
    assert (last.total, last.counts) == (euros("-2.38"), -1)
    assert holds(crm, anna, "sales_total = 0 AND sales_count = 0 AND units_total = 0")
    assert holds(crm, anna, "SUM(lines.amount) = 21 AND SUM(refunds.lines.amount) = 21")
    free = crm.sales.record(anna, 0, lines=goods)
    assert crm.sales.refund(free, lines=[{"product": "A"}]).total == euros("0.00")
    plain = crm.sales.record(anna, "10.00", units=3)
    assert [crm.sales.refund(plain, units=1).total for _ in range(3)] == [euros("-3.33"), euros("-3.34"), euros("-3.33")]
    assert crm.sales.refund(crm.sales.record(anna, "10.00", units=3), "10.00", units=1).total == euros("-10.00")


@pytest.mark.feature("V11", "X19")
def test_a_shortfall_counts_as_taken_back(opened):
    """Half and then the other half miss no more points than were earned."""
    crm, anna, order = spent_and_refunded(opened, "floor")
    crm.sales.refund(order, 50)
    crm.sales.refund(order, 50)
    assert [each.shortfall for each in crm.earning.of_sale(order)] == [0, 50, 50]
    crm.points.credit(anna, "club", 10)
    assert crm.points.balance(anna, "club") == 10


@pytest.mark.feature("V11", "X19")
def test_a_program_may_refuse_to_take_goods_back_without_their_points(opened):
    """Under `refuse` the refund is refused as a whole, and stands once the points are there."""
    crm, anna, order = spent_and_refunded(opened, "refuse")
    for back in (crm.sales.refund, crm.sales.cancel, crm.sales.chargeback):
        with pytest.raises(Refusal) as caught:
            back(order)
        assert caught.value.reason == "not_enough_points"
    assert holds(crm, anna, "sales_total = 100 AND COUNT(refunds) = 0")
    crm.points.credit(anna, "club", 100)
    crm.sales.refund(order)
    assert crm.points.balance(anna, "club") == 0 and holds(crm, anna, "sales_total = 0")


@pytest.mark.feature("V11")
def test_points_fall_with_the_sale(crm, anna, till):
    """What stays is the share of what is left, rounded down; what was reversed by hand counts; the entries name the sale."""
    crm.earning.add("club", "base", amount="1.00")
    crm.earning.add("club", "visit", per="visit", points=10)
    sale = crm.sales.record(anna, "33.00", terminal=till)
    assert crm.points.balance(anna, "club") == 43
    crm.sales.refund(sale, "1.00")
    assert crm.points.balance(anna, "club") == 41                       # 43 × 32 / 33 = 41.7
    crm.points.reverse(crm.earning.of_sale(sale)[0], points=5)
    assert crm.points.balance(anna, "club") == 36
    crm.sales.refund(sale, "1.00")
    assert crm.points.balance(anna, "club") == 36                       # 43 × 31 / 33 = 40.4: fewer are left already
    crm.sales.refund(sale, "11.00")
    assert crm.points.balance(anna, "club") == 26
    crm.sales.chargeback(sale)
    assert crm.points.balance(anna, "club") == 0
    assert sum(each.delta for each in crm.earning.of_sale(sale)) == 0


@settings(max_examples=40)
@pytest.mark.feature("X19", "V11")
@given(st.data())
def test_no_cycle_of_buying_and_refunding_gains_points(data):
    """Whatever is bought and given back in parts: the points kept are the share of what is left, and none when nothing is."""
    crm = custcrm.open(currency="EUR", clock=ManualClock("2026-11-21T12:00+02:00"))
    crm.programs.add("club", reversal=data.draw(st.sampled_from(["debt", "floor"])))
    crm.earning.add("club", "base", points=data.draw(st.integers(1, 9)), amount="0.70", rounding="down")
    crm.earning.add("club", "visit", per="visit", points=data.draw(st.integers(1, 20)))
    anna = crm.customers.add(first_name="Anna")
    crm.programs.join(anna, "club")
    open_sales, most = [], 0
    for cents in data.draw(st.lists(st.integers(1, 10_000), min_size=1, max_size=3)):
        sale = crm.sales.record(anna, Money.from_minor(cents, "EUR"), program="club")
        earned, left = sum(each.delta for each in crm.earning.of_sale(sale)), cents
        for part in data.draw(st.lists(st.integers(1, 10_000), max_size=4)):
            if left:
                crm.sales.refund(sale, Money.from_minor(min(part, left), "EUR"))
                left -= min(part, left)
        kept = sum(each.delta for each in crm.earning.of_sale(sale))
        assert kept == earned * left // cents
        most += kept
        open_sales += [sale] if left else []
    assert crm.points.balance(anna, "club") == most
    for sale in open_sales:
        crm.sales.cancel(sale)
    assert crm.points.balance(anna, "club") == 0
    assert holds(crm, anna, "sales_total = 0 AND sales_count = 0 AND average_check DOES NOT EXIST")


# cancelling ------------------------------------------------------------------------------------------


@pytest.mark.feature("V11", "V32")
def test_a_cancelled_sale_is_as_if_it_had_not_been(crm, anna, till):
    """Money, units, points earned, points and account money that were spent for it: all as before."""
    crm.earning.add("club", "base", amount="1.00")
    crm.points.credit(anna, "club", 80)
    crm.accounts.add("wallet", program="club")
    crm.accounts.replenish(anna, "wallet", 50)
    sale = crm.sales.record(anna, 100, terminal=till, external_id="order-7")
    crm.points.spend(anna, "club", 80, reference=sale.id)
    crm.points.spend(anna, "club", 60, reference="order-7")
    crm.points.spend(anna, "club", 5, reference="order-8")
    crm.accounts.spend(anna, "wallet", 20, reference=sale.id)
    refund = crm.sales.cancel(sale, reason="never picked up")
    assert (refund.total, refund.counts, refund.reason) == (euros("-100.00"), -1, "never picked up")
    assert crm.points.balance(anna, "club") == 75 and crm.accounts.balance(anna, "wallet") == euros("50.00")
    assert holds(crm, anna, "sales_total = 0 AND sales_count = 0")


def test_a_cancel_takes_what_refunds_have_left(crm, anna, till):
    """Points that were returned by hand do not come back twice."""
    crm.earning.add("club", "base", amount="1.00")
    crm.points.credit(anna, "club", 80)
    sale = crm.sales.record(anna, 100, terminal=till)
    spend = crm.points.spend(anna, "club", 80, reference=sale.id)
    crm.sales.refund(sale, 30)
    crm.points.reverse(spend)
    assert crm.points.balance(anna, "club") == 150
    assert crm.sales.cancel(sale).total == euros("-70.00")
    assert crm.points.balance(anna, "club") == 80


@pytest.mark.parametrize("parts", [(30,), (10, 25), (100,)])
def test_a_cancel_takes_what_partial_reversals_have_left(crm, anna, till, parts):
    """Of points, and of what an account paid, that were given back in part by hand before, the rest goes, and no more."""
    crm.earning.add("club", "base", amount="1.00")
    crm.accounts.add("wallet", program="club")
    crm.accounts.replenish(anna, "wallet", 200)
    sale = crm.sales.record(anna, 100, terminal=till)
    [earned] = crm.sales.details(sale).points
    paid = crm.accounts.spend(anna, "wallet", 100, reference=sale.id)
    for part in parts:
        crm.points.reverse(earned, points=part, reason="by hand")
        crm.accounts.reverse(paid, amount=part, reason="by hand")
    assert crm.points.balance(anna, "club") == 100 - sum(parts)
    crm.sales.cancel(sale)
    assert (crm.points.balance(anna, "club"), crm.accounts.balance(anna, "wallet")) == (0, euros(200))


@pytest.mark.feature("V19", "I12")
def test_a_cancel_restores_coupons_where_their_series_allow_it(crm, anna, till):
    """Others stay redeemed and the cancel goes through; a refund and a chargeback restore none."""
    crm.coupons.add_series("back", program="club", benefit={"amount": "5.00"}, stackable=True)
    crm.coupons.add_series("gone", program="club", restore_on_cancel=False, stackable=True)
    sales = [crm.sales.record(anna, 100, terminal=till) for _ in range(3)]
    coupons = []
    for sale in sales:
        coupons.append([crm.coupons.issue(anna, series) for series in ("back", "gone")])
        for coupon in coupons[-1]:
            crm.coupons.redeem(coupon, reference=sale.id, discount="5.00")
    [first, second, third] = sales
    crm.sales.cancel(first, reason="never picked up")
    crm.sales.refund(second)
    crm.sales.chargeback(third)
    states = [[str(crm.coupons.state(coupon)) for coupon in pair] for pair in coupons]
    assert states == [["issued", "redeemed"], ["redeemed", "redeemed"], ["redeemed", "redeemed"]]
    details = crm.sales.details(second)
    assert [(each.series, each.discount) for each in details.discounts] == [("back", euros("5.00")), ("gone", euros("5.00"))]
    assert (details.left, len(details.refunds)) == (euros("0.00"), 1)


@pytest.mark.feature("I11")
def test_all_sales_of_a_customer_are_listed_in_order_of_time(crm: custcrm.Crm) -> None:
    """Date, value, place and source of each; a refund stands among them, and other customers' sales do not."""
    crm.points_of_sale.add("Harbour")
    anna, ben = crm.customers.add(first_name="Anna"), crm.customers.add(first_name="Ben")
    later = crm.sales.record(anna, "20", occurred_at="2026-03-02T10:00Z", point_of_sale="Harbour")
    earlier = crm.sales.record(anna, "10", occurred_at="2026-03-01T10:00Z", source="api")
    crm.sales.record(ben, "5")
    refund = crm.sales.refund(later, "5")
    assert list(crm.sales.of(anna)) == [earlier, later, refund]
    assert [(str(each.total.amount), each.point_of_sale, each.source) for each in crm.sales.of(anna)][:2] == [
        ("10.00", None, "api"), ("20.00", "Harbour", "in_store"),
    ]


@pytest.mark.feature("C26")
def test_accounts_of_a_customer(crm: custcrm.Crm) -> None:
    """Accounts that a customer has opened are listed by name; one that nobody opened for them is not."""
    crm.programs.add("club")
    crm.accounts.add("wallet", program="club")
    crm.accounts.add("cups", program="club", kind="goods")
    anna = crm.customers.add(first_name="Anna")
    crm.programs.join(anna, "club")
    assert list(crm.accounts.of(anna)) == []
    crm.accounts.replenish(anna, "wallet", "10")
    assert [each.account for each in crm.accounts.of(anna)] == ["wallet"]


@pytest.mark.feature("C26")
def test_cancelling_after_a_refund_gives_an_account_no_more_than_is_left(crm: custcrm.Crm) -> None:
    """What a refund or chargeback gave back before is not paid into the account a second time."""
    crm.programs.add("club")
    crm.accounts.add("wallet", program="club")
    anna = crm.customers.add(first_name="Anna")
    crm.programs.join(anna, "club")
    crm.accounts.replenish(anna, "wallet", "50")
    sale = crm.sales.record(anna, "20", program="club", external_id="order 7")
    crm.accounts.spend(anna, "wallet", "20", reference="order 7")
    crm.sales.chargeback(sale, "15")
    crm.sales.cancel(sale)
    assert crm.accounts.balance(anna, "wallet") == Money("35", "EUR")


@pytest.mark.feature("V11", "C26")
def test_a_cancel_gives_back_to_whoever_paid(crm, people) -> None:
    """A friend's points, wallet and coupon come back to the friend, as the buyer's own do; nobody else's are touched."""
    anna, eve = people["Anna"], people["Eve"]
    crm.programs.join(eve, "club")
    crm.accounts.add("wallet", program="club")
    crm.accounts.add("cups", program="club", kind="goods")
    crm.coupons.add_series("gift", program="club", transferable=True)
    coupons = {}
    for each in (anna, eve):
        crm.points.credit(each, "club", 50)
        crm.accounts.replenish(each, "wallet", 50)
        crm.accounts.replenish(each, "cups", 5)
        coupons[each.id] = crm.coupons.issue(each, "gift")
    sale = crm.sales.record(anna, 60, program="club", external_id="order 9")
    for each, reference in ((anna, sale.id), (eve, "order 9"), (eve, "order 10")):
        crm.points.spend(each, "club", 10, reference=reference)
        crm.accounts.spend(each, "wallet", 20, reference=reference)
        crm.accounts.spend(each, "cups", 2, reference=reference)
    crm.coupons.redeem(coupons[eve.id], customer=anna, sale=sale)
    fay = crm.customers.add(first_name="Fay")       # who has brought nothing but points
    crm.programs.join(fay, "club")
    crm.points.credit(fay, "club", 50)
    crm.points.spend(fay, "club", 10, reference=sale.id)
    crm.sales.refund(sale, 25)
    crm.sales.cancel(sale)
    assert [crm.points.balance(each, "club") for each in (anna, eve, fay)] == [50, 40, 50]
    assert [crm.accounts.balance(each, "cups") for each in (anna, eve)] == [5, 3]
    assert [crm.accounts.balance(each, "wallet") for each in (anna, eve)] == [euros(45), euros(30)]    # of 35, newest first
    assert crm.coupons.state(coupons[eve.id]) == "issued"


def test_cancelling_under_an_external_id_happens_once(crm: custcrm.Crm) -> None:
    """A retry after a lost answer gives the same refund, and moves nothing."""
    crm.programs.add("club")
    crm.earning.add("club", "visit", per="visit", points=3)
    anna = crm.customers.add(first_name="Anna")
    crm.programs.join(anna, "club")
    sale = crm.sales.record(anna, "20", program="club", external_id="order 8")
    first = crm.sales.cancel(sale, external_id="cancel 8")
    assert crm.sales.cancel(sale, external_id="cancel 8") == first
    assert (crm.points.balance(anna, "club"), len(crm.sales.of(anna))) == (0, 2)


@pytest.mark.feature("I12")
def test_details_show_a_coupon_that_somebody_else_held(crm: custcrm.Crm) -> None:
    """A discount belongs to the sale, whoever's coupon it was."""
    crm.programs.add("club")
    crm.coupons.add_series("gift", program="club", transferable=True)
    anna, ben = crm.customers.add(first_name="Anna"), crm.customers.add(first_name="Ben")
    for each in (anna, ben):
        crm.programs.join(each, "club")
    coupon = crm.coupons.issue(ben, "gift")
    sale = crm.sales.record(anna, "20", program="club")
    crm.coupons.redeem(coupon, customer=anna, reference=sale.id, discount="5")
    assert [each.discount for each in crm.sales.details(sale).discounts] == [Money("5", "EUR")]


@pytest.mark.feature("V32")
def test_goods_that_come_back_without_their_sale_are_a_refund(crm: custcrm.Crm) -> None:
    """A negative total nets what was spent and counts as no sale; it earns nothing, and told again it is the same."""
    crm.programs.add("club")
    crm.earning.add("club", "visit", per="visit", points=3)
    anna = crm.customers.add(first_name="Anna")
    crm.programs.join(anna, "club")
    crm.sales.record(anna, "50", program="club", units=5)
    back = crm.sales.record(anna, "-20", program="club", units=-2, external_id="back 1")
    assert (back.kind, back.counts, back.refund_of) == ("refund", 0, None)
    assert crm.sales.record(anna, "-20", program="club", units=-2, external_id="back 1") == back
    [row] = crm.select().view(["sales_count", "sales_total", "average_check", "units_total"])
    assert list(row.values()) == [1, Money("30", "EUR"), Money("30", "EUR"), 3]
    assert crm.select("COUNT(refunds) = 1 AND COUNT(sales) = 1").count() == 1
    assert crm.points.balance(anna, "club") == 3
    with pytest.raises(Malformed):
        crm.sales.refund(back)


@pytest.mark.feature("X19")
def test_points_by_the_unit_go_with_the_units(crm: custcrm.Crm) -> None:
    """Returning the cheap units takes the points of those units back, however little money goes back."""
    crm.programs.add("club")
    crm.earning.add("club", "pieces", per="units", points=10)
    anna = crm.customers.add(first_name="Anna")
    crm.programs.join(anna, "club")
    lines = [{"product": "Pen", "quantity": 2, "price": "1"}, {"product": "Desk", "price": "28"}]
    sale = crm.sales.record(anna, "30", program="club", lines=lines)
    assert crm.points.balance(anna, "club") == 30
    crm.sales.refund(sale, lines=[{"product": "Pen", "quantity": 2}])
    assert crm.points.balance(anna, "club") == 10


def test_an_expiry_that_was_written_down_is_of_no_sale(crm, people, clock):
    """Law: the points of a sale are what it earned and what refunds took back, whether expiries were written down or not."""
    anna = people["Anna"]
    crm.earning.add("club", "euros", expires="10 days")
    told = []
    for is_written in (False, True):
        sale = crm.sales.record(anna, "100.00", program="club")
        clock.advance("11 days")
        if is_written:
            crm.points.expire()
        crm.sales.refund(sale, "40.00")
        told += [[(each.kind, each.delta) for each in found]
                 for found in (crm.earning.of_sale(sale), crm.sales.details(sale).points)]
    assert told == [[("credit", 100), ("reverse", -40)]] * 4
