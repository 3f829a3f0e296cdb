"""What was paid for a line: points, refunds and receipts go by it, and none by a price that nobody paid."""

import pytest

from custcrm import Malformed, Money, Refusal


def euros(text) -> Money:
    return Money(text, "EUR")


def line(product, price, category=None, **more) -> dict:
    return {"product": product, "category": category, "price": price, **more}


@pytest.fixture
def anna(people):
    return people["Anna"]


def sell(crm, anna, total, *lines, number, coupon=None):
    """Redeem a coupon of a series for an order, then record the order."""
    if coupon:
        crm.coupons.redeem(crm.coupons.issue(anna, coupon), reference=number, lines=list(lines))
    return crm.sales.record(anna, total, program="club", lines=list(lines), external_id=number)


def earned(crm, sale) -> dict[str, int]:
    return {each.rule: each.delta for each in crm.earning.of_sale(sale)}


def test_nobody_earns_by_a_price_that_was_not_paid(crm, anna):
    """Rules of categories count what was paid for their lines: together no more than the sale came to, of a free one none."""
    for category in ("Red", "White"):
        crm.earning.add("club", category, category=category)
    goods = line("A", "10", "Red"), line("B", "10", "White")
    half = sell(crm, anna, "15.00", *goods, number="o-1")
    assert sum(earned(crm, half).values()) == 14                        # 7.50 and 7.50, each rounded down
    free = sell(crm, anna, "0.00", *goods, number="o-2")
    assert earned(crm, free) == {}
    tried = crm.earning.dry_run("club", period="today")
    assert (tried.by_rule, tried.earning) == ({"Red": 7, "White": 7}, 1)


def test_a_coupon_lowers_what_its_own_lines_earn(crm, anna):
    """And no others: half off the red wine leaves the white one's points alone; a dry run says the same."""
    for category in ("Red", "White"):
        crm.earning.add("club", category, category=category)
    crm.earning.add("club", "twice", per="multiplier", factor="2", category="White")
    crm.coupons.add_series("half", program="club", benefit={"percent": 50, "category": "Red"})
    sale = sell(crm, anna, "15.00", line("A", "10", "Red"), line("B", "10", "White"), number="o-1", coupon="half")
    assert earned(crm, sale) == {"Red": 5, "White": 20}
    assert crm.earning.dry_run("club", period="today").by_rule == {"Red": 5, "White": 20}


def test_units_that_nobody_paid_for_earn_nothing(crm, anna):
    """A free coffee is no stamp; lines without prices, and what no line tells of, are units as ever."""
    crm.earning.add("club", "stamps", per="units", points=1)
    crm.earning.add("club", "coffee", per="units", points=1, category="Hot")
    crm.coupons.add_series("cup", program="club", benefit={"product": "Coffee"})
    goods = line("Coffee", "3", "Hot"), line("Bun", "2", "Food", quantity=2)
    assert earned(crm, sell(crm, anna, "4.00", *goods, number="o-1", coupon="cup")) == {"stamps": 2}
    unpriced = {"product": "Coffee", "category": "Hot", "quantity": 2}
    assert earned(crm, sell(crm, anna, "6.00", unpriced, number="o-2")) == {"stamps": 2, "coffee": 2}


@pytest.mark.parametrize("first", ["A", "B"])
def test_a_refund_of_a_line_brings_what_was_paid_for_it(crm, anna, first):
    """Half off one line: that line brings half, the other its price, in any order, whenever the coupon was redeemed."""
    crm.coupons.add_series("half", program="club", benefit={"percent": 50, "product": "A"})
    goods = line("A", "40"), line("B", "40")
    before = sell(crm, anna, "60.00", *goods, number="o-1", coupon="half")
    after = sell(crm, anna, "60.00", *goods, number="o-2")
    crm.coupons.redeem(crm.coupons.issue(anna, "half"), sale=after)     # nobody told how much it was: as its benefit says
    for sale in (before, after):
        brought = {each: crm.sales.refund(sale, lines=[{"product": each}]).total for each in sorted("AB", reverse=first == "B")}
        assert brought == {"A": euros("-20.00"), "B": euros("-40.00")}
        assert crm.sales.details(sale).left == euros("0.00")


def test_restoring_a_coupon_changes_nothing_that_was_paid(crm, anna):
    """Between the refunds of a sale: those that follow bring what they would have brought."""
    crm.coupons.add_series("half", program="club", benefit={"percent": 50, "product": "A"})
    sale = sell(crm, anna, "100.00", *(line(each, "40") for each in "ABC"), number="o-1", coupon="half")
    assert crm.sales.refund(sale, lines=[{"product": "B"}]).total == euros("-40.00")
    crm.coupons.restore(reference="o-1")
    assert crm.sales.refund(sale, lines=[{"product": "A"}]).total == euros("-20.00")
    assert crm.sales.details(sale).shares == (euros("20.00"), euros("40.00"), euros("40.00"))


def test_after_a_goodwill_refund_lines_bring_what_is_left(crm, anna):
    """Never more than that, and never an error for it: both lines, or one after the other."""
    for number, parts in enumerate(([["A", "B"]], [["A"], ["B"]], [["B"], ["A"]])):
        sale = sell(crm, anna, "20.00", line("A", "10"), line("B", "10"), number=f"o-{number}")
        crm.sales.refund(sale, "5.00", reason="a scratch")
        brought = [crm.sales.refund(sale, lines=[{"product": each} for each in part]).total for part in parts]
        assert sum(brought, euros("5.00")) == euros("-10.00")
        assert crm.sales.details(sale).left == euros("0.00")
        with pytest.raises(Refusal, match="over_refund"):
            crm.sales.refund(sale, lines=[{"product": "A"}])


def test_what_was_sold_at_several_prices_is_told_apart(crm, anna):
    """By the price, or by the amount where that differs; the error says how. All of it needs no telling."""
    sale = sell(crm, anna, "45.00", line("A", "10"), line("A", "20", quantity=2), line("B", "5", amount="0"), number="o-1")
    with pytest.raises(Malformed) as caught:
        crm.sales.refund(sale, lines=[{"product": "A"}])
    assert caught.value.field == "lines[1].price" and str(caught.value).endswith("10.00, 20.00")
    assert crm.sales.refund(sale, lines=[{"product": "A", "price": "20"}]).total == euros("-18.00")     # 45 of 50
    assert crm.sales.refund(sale, lines=[{"product": "A", "quantity": 2}]).total == euros("-27.00")
    reduced = sell(crm, anna, "18.00", line("A", "10"), line("A", "10", amount="8"), number="o-2")
    with pytest.raises(Malformed) as caught:
        crm.sales.refund(reduced, lines=[{"product": "A", "price": "10"}])
    assert caught.value.field == "lines[1].amount" and str(caught.value).endswith("10.00 for 1, 8.00 for 1")
    assert crm.sales.refund(reduced, lines=[{"product": "A", "amount": "8"}]).total == euros("-8.00")
    assert crm.sales.refund(reduced, lines=[{"product": "A"}]).total == euros("-10.00")


def test_receipts_tell_what_was_paid_for_each_line(crm, anna):
    """Of a sale, and of its refunds what was paid back; each comes to the total where lines tell all of it."""
    crm.coupons.add_series("half", program="club", benefit={"percent": 50, "product": "A"})
    sale = sell(crm, anna, "55.00", line("A", "40"), line("B", "40", quantity=2, amount="40"), number="o-1", coupon="half")
    assert crm.sales.details(sale).shares == (euros("18.33"), euros("36.67"))       # 20 by the coupon, 5 off both
    part = crm.sales.refund(sale, lines=[{"product": "A"}, {"product": "B"}])
    assert crm.sales.details(part).shares == (euros("-18.33"), euros("-18.34"))
    assert sum(crm.sales.details(part).shares, euros(0)) == part.total
    less = crm.sales.refund(sale, "10.00", lines=[{"product": "B"}])
    assert crm.sales.details(less).shares == (euros("-10.00"),)
    back = crm.sales.record(anna, "-15.00", lines=[line("A", "-10"), line("B", "-10")])
    assert crm.sales.details(back).shares == (euros("-7.50"), euros("-7.50"))
    more = crm.sales.record(anna, "25.00", lines=[line("A", "10"), line("B", "10")])
    assert crm.sales.details(more).shares == (euros("10.00"), euros("10.00")), "what no line tells of is of none"


def test_a_quote_tells_what_the_sale_will(crm, anna):
    """What is to be paid for each line is what was paid for it, and what comes back."""
    crm.coupons.add_series("half", program="club", benefit={"percent": "33.3", "product": "A"}, stackable=True)
    crm.coupons.add_series("five", program="club", benefit={"amount": "5.01"}, stackable=True)
    goods = [line("A", "39.99"), line("B", "0.01"), line("A", "7.77", quantity=3)]
    coupons = [crm.coupons.issue(anna, each) for each in ("five", "half")]
    quote = crm.coupons.quote(coupons, goods)
    assert sum(quote.parts, euros(0)) == quote.discount and quote.parts[0] == euros("5.01")
    for coupon, part in zip(coupons, quote.parts, strict=True):
        crm.coupons.redeem(coupon, reference="o-1", discount=part)
    sale = sell(crm, anna, sum(quote.shares, euros(0)), *goods, number="o-1")
    assert crm.sales.details(sale).shares == quote.shares
    assert crm.sales.refund(sale, lines=[{"product": "A", "price": "39.99"}]).total == -quote.shares[0]
