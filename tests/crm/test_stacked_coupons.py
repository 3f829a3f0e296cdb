"""Several coupons for one bill: they take what their quote says, one by one or at once, and each is used once for it."""

from itertools import permutations

import pytest

from custcrm import Conflict, KeyConflict, Malformed, Money, Refusal
from custcrm.records import GuestRedemption, Redemption
from tests.crm.test_coupons import at_once, reasons, records

BILL = [
    {"product": "Merlot", "category": "Red", "quantity": 2, "price": "15.00", "amount": "30.00"},
    {"product": "Cheese", "category": "Food", "quantity": 1, "price": "9.99", "amount": "9.99"},
    {"product": "Coffee", "category": "Food", "quantity": 3, "price": "2.00", "amount": "6.00"},
]
BENEFITS = {
    "coffee": {"product": "Coffee", "quantity": 1},
    "half": {"percent": 50, "category": "Food"},
    "third": {"percent": "33.3", "at_most": "12.00"},
    "five": {"amount": "5.00", "category": "Food"},
    "forty": {"amount": "40.00"},
}


@pytest.fixture
def anna(people):
    return people["Anna"]


@pytest.fixture
def codes(crm, people):
    """Return a free code of a stackable series for each benefit, by the name of the series."""
    for name, benefit in BENEFITS.items():
        crm.coupons.add_series(name, program="club", stackable=True, benefit=benefit, per_coupon=3)
    return {name: crm.series.generate(name, 1)[0] for name in BENEFITS}


def granted(crm):
    """Return what the uses that stand took off, in cents."""
    uses = [*records(crm, Redemption), *records(crm, GuestRedemption)]
    return sum(use.discount.minor for use in uses if use.restored_at is None)


def test_coupons_for_one_bill_take_no_more_than_it(crm, people, anna):
    """50 % of 100.00 and then 60.00 off leave nothing to pay, and nothing below that, in either order and for guests too."""
    for name, benefit in (("half", {"percent": 50}), ("sixty", {"amount": "60.00"})):
        crm.coupons.add_series(name, program="club", stackable=True, benefit=benefit, budget="1000.00")
    for order, first, second in (("o-1", "half", "sixty"), ("o-2", "sixty", "half"), ("o-3", "half", "sixty")):
        whose = {"identity": "somebody"} if order == "o-3" else {"customer": anna}
        before = granted(crm)
        for name in (first, second):
            crm.coupons.redeem(crm.series.generate(name, 1)[0], reference=order, lines=[{"amount": "100.00"}], **whose)
        assert granted(crm) - before == 10_000
    left = crm.series.budget_left("half") + crm.series.budget_left("sixty")
    assert left == Money("1700.00", "EUR")
    [more] = crm.series.generate("half", 1)
    assert reasons(crm.coupons.redeem, more, customer=anna, reference="o-1", lines=[{"amount": "100.00"}]) == ("no_benefit",)


def test_in_whatever_order_coupons_are_redeemed_they_take_what_their_quote_says(crm, anna, codes):
    """Every pair and three of them, in every order; one for which nothing is left takes nothing."""
    for number in (2, 3):
        for turn, names in enumerate(permutations(BENEFITS, number)):
            order, told = f"{number} {turn}", crm.coupons.quote([codes[name] for name in names], BILL)
            for name in names:
                why = reasons(crm.coupons.redeem, codes[name], customer=anna, reference=order, lines=BILL)
                assert why in {(), ("no_benefit",)}
            assert granted(crm) == told.discount.minor, names
            assert sum(use.discount.minor for use in crm.coupons.restore(reference=order)) == told.discount.minor


def test_what_a_till_granted_by_hand_counts_as_that(crm, anna, codes):
    """A discount that is told, or of a coupon without a benefit, leaves less for those after it, never more."""
    crm.coupons.add_series("plain", program="club", stackable=True)
    [plain] = crm.series.generate("plain", 1)
    crm.coupons.redeem(plain, customer=anna, reference="o-1", discount="44.99")
    crm.coupons.redeem(codes["forty"], customer=anna, reference="o-1", lines=BILL)
    assert granted(crm) == 4_599
    crm.coupons.redeem(codes["half"], customer=anna, reference="o-2", discount="0")
    crm.coupons.redeem(codes["five"], customer=anna, reference="o-2", lines=BILL)
    assert granted(crm) == 4_599 + 500


def test_redeemed_again_for_one_order_it_is_the_first_use(crm, anna, people, codes):
    """Told twice, as a sale is: the same use, and nothing more is taken off; by coupon, code, sale and guest."""
    crm.coupons.add_series("shared", program="club", codes="shared", shared_code="ALL", per_customer=2, stackable=True)
    sale = crm.sales.record(anna, "45.99", program="club", external_id="r-1")
    for code in (codes["five"], "ALL"):
        first = crm.coupons.redeem(code, customer=anna, reference="r-1", lines=BILL)
        made = [use.id for use in crm.coupons.redemptions(first)]
        for again in (code, first):
            assert crm.coupons.why(again, customer=anna, sale=sale) == ()
            assert crm.coupons.redeem(again, customer=anna, sale=sale, lines=BILL).id == first.id
        assert [use.id for use in crm.coupons.redemptions(first)] == made
    guest = crm.coupons.redeem(codes["half"], identity="guest", reference="o-2", lines=BILL)
    assert crm.coupons.redeem(codes["half"], identity="guest", reference="o-2", lines=BILL) == guest
    assert crm.coupons.why(codes["half"], identity="guest", reference="o-2") == ()
    assert len(records(crm, Redemption)) == 2 and len(records(crm, GuestRedemption)) == 1
    crm.coupons.redeem(codes["five"], customer=anna, reference="o-3", discount="1.00")
    with pytest.raises(Conflict):
        crm.coupons.redeem(codes["five"], customer=anna, reference="o-3", discount="2.00")
    crm.coupons.restore(reference="r-1")
    again = crm.coupons.redeem(codes["five"], customer=anna, reference="r-1", lines=BILL)
    assert [use.restored_at is None for use in crm.coupons.redemptions(again)] == [False, True, True]


def test_redeemed_at_once_for_one_order_it_is_used_once(crm, anna, codes):
    """Two tills that tell the same at the same time get the same."""
    found = at_once(4, lambda number: crm.coupons.redeem(codes["five"], customer=anna, reference="o-1", lines=BILL))
    assert {coupon.code for coupon in found} == {codes["five"]}
    assert len(records(crm, Redemption)) == 1 and granted(crm) == 500


@pytest.mark.parametrize("who", ["customer", "guest"])
def test_several_at_once_are_one_deed_with_the_part_of_each(crm, anna, codes, who):
    """All or none; the parts are those of the quote, whatever the order they are named in; once under a key."""
    names = ["forty", "coffee", "third"]
    asked, whose = [codes[name] for name in names], {"customer": anna} if who == "customer" else {"identity": "g"}
    told = crm.coupons.quote(asked, BILL)
    done = crm.coupons.redeem_all(asked, reference="o-1", lines=BILL, key="k", **whose)
    assert (done.discount, done.parts) == (told.discount, told.parts)
    assert [use.series for use in done.redemptions] == names and [use.discount for use in done.redemptions] == list(done.parts)
    assert {use.reference for use in done.redemptions} == {"o-1"}
    assert crm.coupons.redeem_all(asked, reference="o-1", lines=BILL, key="k", **whose) == done
    assert crm.coupons.redeem_all(asked, reference="o-1", lines=BILL, **whose) == done
    with pytest.raises(KeyConflict):
        crm.coupons.redeem_all(asked[:2], reference="o-1", lines=BILL, key="k", **whose)
    crm.coupons.add_series("alone", program="club", benefit={"amount": "1.00"})
    [alone] = crm.series.generate("alone", 1)
    before = granted(crm)
    assert reasons(crm.coupons.redeem_all, [codes["five"], alone], reference="o-2", lines=BILL, **whose) == ("not_stackable",)
    assert granted(crm) == before
    for wrong in ([], [asked[0], asked[0]]):
        with pytest.raises((Malformed, Refusal)):
            crm.coupons.redeem_all(wrong, reference="o-3", lines=BILL, **whose)
    assert granted(crm) == before


def test_without_a_reference_the_deed_is_the_order(crm, anna, codes):
    """What is redeemed together is restored together."""
    done = crm.coupons.redeem_all([codes["five"], codes["third"]], customer=anna, lines=BILL, key="k")
    [reference] = {use.reference for use in done.redemptions}
    assert reference and crm.coupons.redeem_all([codes["five"], codes["third"]], customer=anna, lines=BILL, key="k") == done
    assert len(crm.coupons.restore(reference=reference)) == 2


def test_one_coupon_is_quoted_once_and_one_that_is_used_up_not_at_all(crm, anna):
    """By record, code and shared code; two coupons of one series are two."""
    crm.coupons.add_series("five", program="club", stackable=True, benefit={"amount": "5.00"}, valid="30 days")
    crm.coupons.add_series("all", program="club", stackable=True, codes="shared", shared_code="ALL", benefit={"amount": "5.00"})
    one, two = (crm.coupons.issue(anna, "five") for _ in range(2))
    [free] = crm.series.generate("five", 1)
    for twice in ([one, one], [one, one.code], [free, free], ["ALL", "ALL"]):
        assert reasons(crm.coupons.quote, twice, BILL) == ("already_redeemed",)
    assert crm.coupons.quote([one, two, free, "ALL"], BILL).discount == Money("20.00", "EUR")
    assert crm.coupons.quote(["five", "five"], BILL).discount == Money("10.00", "EUR")
    crm.coupons.redeem(one)
    crm.coupons.revoke(two, reason="r")
    assert reasons(crm.coupons.quote, one, BILL) == ("already_redeemed",)
    assert reasons(crm.coupons.quote, [two, free], BILL) == ("revoked",)
