"""What a refusal tells: of every reason what stands in the way, and of several coupons which."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import pytest

import custcrm
from custcrm import Reason

LINES = [{"product": "Bread", "price": "10.00"}]
NEVER_RAISED = {Reason.NO_CONSENT, Reason.NOT_CONFIRMED, Reason.SUPPRESSED, Reason.NO_ADDRESS, Reason.DELETED, Reason.UNCHANGED}
"""Reasons of messages that are kept as rejected, and of customers within bulk actions: they are counted, and never raised."""


class Shop:
    """A shop in which each reason can be met."""

    def __init__(self, crm: custcrm.Crm, people: dict[str, custcrm.Customer], clock: Any) -> None:
        self.crm, self.people, self.anna, self.clock = crm, people, people["Anna"], clock
        crm.accounts.add("wallet", program="club")

    def series(self, name: str, **terms: Any) -> str:
        return self.crm.coupons.add_series(name, program="club", **terms).name

    def coupon(self, name: str, **terms: Any) -> custcrm.Coupon:
        return self.crm.coupons.issue(self.anna, self.series(name, **terms))

    def used(self, name: str, **terms: Any) -> custcrm.Coupon:
        return self.crm.coupons.redeem(self.coupon(name, **terms), reference="o-1")

    def sold(self) -> custcrm.Sale:
        return self.crm.sales.record(self.anna, "10.00", lines=LINES, program="club")


Deed = Callable[[Shop], object]


def _after(first: Callable[[Shop], object], then: Deed) -> Deed:
    """Do something that is not refused, then what is."""
    return lambda shop: (first(shop), then(shop))


def _credit(name: str) -> Deed:
    return lambda shop: shop.crm.points.credit(shop.people[name], "club", 5)


def _redeem(make: Callable[[Shop], Any], **told: Any) -> Deed:
    return lambda shop: shop.crm.coupons.redeem(make(shop), **{"reference": "o-2", **told})


def _issue(**terms: Any) -> Deed:
    return lambda shop: shop.crm.coupons.issue(shop.anna, shop.series("terms", **terms))


def _twice_limited(shop: Shop) -> object:
    shop.coupon("one", per_customer=1)
    return shop.crm.coupons.issue(shop.anna, "one")


def _twice_a_guest(shop: Shop) -> object:
    codes = shop.crm.series.generate(shop.series("g", per_customer=1), 2)
    return [shop.crm.coupons.redeem(each, identity="guest") for each in codes]


def _paused(shop: Shop) -> object:
    coupon = shop.coupon("rest")
    shop.crm.series.pause("rest")
    return shop.crm.coupons.redeem(coupon)


def _gone(shop: Shop) -> custcrm.Coupon:
    coupon = shop.coupon("short", valid="1 day")
    shop.clock.advance("2 days")
    return coupon


def _reserved(shop: Shop) -> custcrm.Coupon:
    return shop.crm.coupons.reserve(shop.coupon("kept"), reference="o-9")


def _reversed(shop: Shop) -> object:
    credit = shop.crm.points.credit(shop.anna, "club", 5)
    shop.crm.points.reverse(credit)
    return shop.crm.points.reverse(credit)


def _message(shop: Shop) -> object:
    plan = shop.crm.select("first_name = 'Anna'").send_message("Hi {last_name}", channel="email", purpose="service")
    return plan.apply(key="hi")


DEEDS: dict[Reason, list[Deed]] = {
    Reason.NOT_A_MEMBER: [_credit("Eve"), lambda shop: shop.crm.coupons.redeem(shop.coupon("t", transferable=True),
                                                                               customer=shop.people["Eve"])],
    Reason.BLACKLISTED: [_credit("Dan"), lambda shop: shop.crm.sales.record(shop.people["Dan"], "1", program="club")],
    Reason.NO_ACCESS: [_credit("Chloe"), lambda shop: shop.crm.accounts.replenish(shop.people["Chloe"], "wallet", "5")],
    Reason.LIMITED_ACCESS: [lambda shop: shop.crm.points.spend(shop.people["Ben"], "club", 1),
                            lambda shop: shop.crm.accounts.spend(shop.people["Ben"], "wallet", "5")],
    Reason.NOT_ELIGIBLE: [
        _after(lambda shop: shop.crm.customers.update(shop.anna, loyalty_eligible=False), _credit("Anna")),
        _after(lambda shop: shop.crm.customers.update(shop.anna, coupon_eligible=False), _issue()),
    ],
    Reason.INACTIVE: [_after(lambda shop: shop.crm.customers.deactivate(shop.anna), deed) for deed in (
        _credit("Anna"), _issue(), lambda shop: shop.crm.inbox.add(shop.anna, title="t"),
        lambda shop: shop.crm.accounts.replenish(shop.anna, "wallet", "5"),
    )],
    Reason.NOT_ENOUGH_POINTS: [lambda shop: shop.crm.points.spend(shop.anna, "club", 1)],
    Reason.NOT_ENOUGH_FUNDS: [lambda shop: shop.crm.accounts.spend(shop.anna, "wallet", "1")],
    Reason.ALREADY_REVERSED: [_reversed],
    Reason.OVER_REFUND: [lambda shop: shop.crm.sales.refund(shop.sold(), "10.01"),
                         lambda shop: shop.crm.sales.refund(shop.sold(), lines=[{"product": "Bread", "quantity": 2}])],
    Reason.NOT_HOLDER: [_after(lambda shop: shop.crm.programs.set_access(shop.people["Ben"], "club", "full"),
                               lambda shop: shop.crm.coupons.redeem(shop.coupon("a"), customer=shop.people["Ben"])),
                        _redeem(lambda shop: shop.coupon("b"), identity="guest")],
    Reason.CUSTOMER_LIMIT: [_twice_limited, _twice_a_guest],
    Reason.SERIES_PAUSED: [_paused, _after(lambda shop: shop.crm.series.pause(shop.series("p")),
                                           lambda shop: shop.crm.coupons.issue(shop.anna, "p"))],
    Reason.SERIES_CLOSED: [_issue(issue_until="2026-11-20"), _issue(issue_from="2026-12-20"),
                           lambda shop: shop.crm.series.generate(shop.series("late", issue_until="2026-11-20"), 1)],
    Reason.SERIES_CAPACITY: [_after(lambda shop: shop.coupon("full", capacity=1),
                                    lambda shop: shop.crm.coupons.issue(shop.anna, "full")),
                             lambda shop: shop.crm.series.generate(shop.series("few", capacity=1), 2)],
    Reason.ALREADY_A_MEMBER: [lambda shop: shop.crm.programs.join(shop.anna, "club", access="limited")],
    Reason.ALREADY_REDEEMED: [_redeem(lambda shop: shop.used("u")),
                              _redeem(lambda shop: shop.used("k"), reference="o-1", key="k"),
                              lambda shop: shop.crm.coupons.revoke(shop.used("v"), reason="x"),
                              lambda shop: shop.crm.coupons.quote(shop.used("q"), LINES)],
    Reason.REVOKED: [_redeem(lambda shop: shop.crm.coupons.revoke(shop.coupon("r"), reason="x"))],
    Reason.EXPIRED: [_redeem(_gone), _issue(valid="2026-11-20")],
    Reason.NOT_YET_VALID: [_redeem(lambda shop: shop.coupon("next", valid_from="1 day"))],
    Reason.RESERVED: [_redeem(_reserved)],
    Reason.NOT_RESERVED: [lambda shop: shop.crm.coupons.release(shop.coupon("n")),
                          lambda shop: shop.crm.coupons.release(_reserved(shop), reference="o-3")],
    Reason.NOT_STACKABLE: [_after(lambda shop: shop.used("x"), _redeem(lambda shop: shop.coupon("y"), reference="o-1"))],
    Reason.NO_BENEFIT: [_redeem(lambda shop: shop.coupon("w", benefit={"product": "Wine"}), lines=LINES)],
    Reason.OVER_BUDGET: [_redeem(lambda shop: shop.coupon("b", benefit={"amount": "5"}, budget="3"), lines=LINES)],
    Reason.NOT_REDEEMED: [lambda shop: shop.crm.coupons.restore(shop.coupon("s")),
                          lambda shop: shop.crm.coupons.restore(reference="o-4")],
    Reason.NOT_RESTORED: [lambda shop: shop.crm.coupons.restore(shop.used("z", restore_on_cancel=False))],
    Reason.FINANCIAL_RECORDS: [_after(Shop.sold, lambda shop: shop.crm.customers.delete(shop.anna))],
    Reason.MISSING_VALUE: [_message],
}
"""Deeds that are refused for a reason."""


def test_all_reasons_are_met() -> None:
    """Whoever adds a reason says here how it is met."""
    assert set(DEEDS) | NEVER_RAISED | {Reason.NOT_TAGGED} == set(Reason)


@pytest.mark.parametrize("reason", DEEDS)
def test_every_refusal_tells_what_stands_in_the_way(crm, people, clock, reason: Reason) -> None:
    """Law: details are never empty, are texts, numbers and amounts, and tell nobody's name, nor the orders of others."""
    for number, deed in enumerate(DEEDS[reason]):
        with pytest.raises(custcrm.Refusal) as caught, crm.transaction():
            deed(Shop(crm, people, clock))
        refusal = caught.value
        assert refusal.reason == reason
        assert refusal.details, (reason, number)
        assert all(isinstance(value, str | int | custcrm.Money) for value in refusal.details.values())
        assert not any(secret in str(refusal) for secret in ("Anna", "example.org", "o-9"))


@pytest.mark.parametrize(("reason", "name"), [
    (Reason.ALREADY_REDEEMED, "redeemed_at"), (Reason.REVOKED, "revoked_at"), (Reason.EXPIRED, "expires_at"),
    (Reason.NOT_YET_VALID, "valid_from"), (Reason.RESERVED, "reserved_until"), (Reason.SERIES_PAUSED, "paused_at"),
])
def test_what_time_decides_is_told_with_its_instant(crm, people, clock, reason: Reason, name: str) -> None:
    """A screen can say until when, or since when."""
    with pytest.raises(custcrm.Refusal) as caught, crm.transaction():
        DEEDS[reason][0](Shop(crm, people, clock))
    assert datetime.fromisoformat(str(caught.value.details[name])).tzinfo is not None


def test_of_several_coupons_the_refused_one_is_told(crm, people) -> None:
    """By its place from 1, for whatever it is refused, by redeem_all and quote alike."""
    anna = people["Anna"]
    crm.coupons.add_series("off", program="club", stackable=True, benefit={"amount": "1.00"})
    first, second = (crm.coupons.issue(anna, "off") for _ in range(2))
    crm.coupons.revoke(second, reason="x")
    redeemed = partial(crm.coupons.redeem_all, customer=anna, lines=LINES)
    for deed in (redeemed, partial(crm.coupons.quote, lines=LINES)):
        for told in ([first, second], [first, first]):
            with pytest.raises(custcrm.Refusal) as caught:
                deed(told)
            assert caught.value.details["coupon"] == 2
    with pytest.raises(custcrm.NotFound, match=r"coupons\[2\]"):
        crm.coupons.redeem_all([first, "NOPE"], customer=anna, lines=LINES)


def test_goods_that_were_not_sold_are_no_over_refund(crm, people) -> None:
    """They are told as what they are, with what was meant; goods that came back already are over_refund."""
    lines = [{"product": "Bread", "category": "Bakery", "price": "10.00"}]
    sale = crm.sales.record(people["Anna"], "10.00", lines=lines)
    for told, meant in (({"product": "bread"}, ("Bread",)), ({"product": "Braed"}, ("Bread",)), ({"product": "Wine"}, ()),
                        ({"product": "Bread", "category": "Red"}, ("Bakery",))):
        with pytest.raises(custcrm.CrmError) as caught:
            crm.sales.refund(sale, lines=[told])
        assert isinstance(caught.value, custcrm.Malformed), told
        assert caught.value.suggestions == meant
    crm.sales.refund(sale, lines=[{"product": "Bread"}])
    with pytest.raises(custcrm.Refusal, match="over_refund"):
        crm.sales.refund(sale, lines=[{"product": "Bread"}])


def test_advice_names_what_the_verb_takes(crm, people) -> None:
    """A guest cannot reserve, so nobody is told to say `identity=`; and a benefit that is misspelt is told what was meant."""
    crm.coupons.add_series("flyer", program="club")
    [code] = crm.series.generate("flyer", 1)
    with pytest.raises(custcrm.Malformed, match="say customer=") as caught:
        crm.coupons.reserve(code, reference="o-1")
    assert "identity=" not in str(caught.value)
    with pytest.raises(custcrm.Malformed, match="did you mean 'percent'"):
        crm.coupons.add_series("half", program="club", benefit={"precent": 12})
