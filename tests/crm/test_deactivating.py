"""A customer who was deactivated: every door that gives or takes is shut, and what puts right what was stays open."""

from collections.abc import Callable
from typing import Any, Final

import pytest

import custcrm
from custcrm import Refusal

STOPPED: Final[dict[str, Callable[[custcrm.Crm, custcrm.Customer, dict[str, Any]], Any]]] = {
    "join": lambda crm, anna, had: crm.programs.join(anna, "other"),
    "credit": lambda crm, anna, had: crm.points.credit(anna, "club", 5),
    "adjust up": lambda crm, anna, had: crm.points.adjust(anna, "club", 5, reason="queue"),
    "spend": lambda crm, anna, had: crm.points.spend(anna, "club", 5),
    "replenish": lambda crm, anna, had: crm.accounts.replenish(anna, "wallet", 5),
    "pay": lambda crm, anna, had: crm.accounts.spend(anna, "wallet", 5),
    "issue": lambda crm, anna, had: crm.coupons.issue(anna, "hello"),
    "reserve": lambda crm, anna, had: crm.coupons.reserve(had["coupon"], reference="o", for_="1 hour"),
    "redeem": lambda crm, anna, had: crm.coupons.redeem(had["coupon"]),
    "redeem a free code": lambda crm, anna, had: crm.coupons.redeem(had["code"], customer=anna),
    "inbox": lambda crm, anna, had: crm.inbox.add(anna, title="Hi"),
}
MANY: Final[dict[str, Callable[[custcrm.Selection], custcrm.Plan]]] = {
    "join": lambda who: who.join("other"),
    "credit": lambda who: who.credit_points("club", 5),
    "adjust up": lambda who: who.adjust_points("club", 5, reason="queue"),
    "spend": lambda who: who.spend_points("club", 5),
    "replenish": lambda who: who.replenish("wallet", 5),
    "pay": lambda who: who.spend_account("wallet", 5),
    "issue": lambda who: who.issue_coupons("hello"),
    "message": lambda who: who.send_message("Hi", channel="sms", purpose="service"),
    "inbox": lambda who: who.send_to_inbox("Hi"),
}
OPEN: Final[dict[str, Callable[[custcrm.Crm, custcrm.Customer, dict[str, Any]], Any]]] = {
    "buy": lambda crm, anna, had: crm.sales.record(anna, 7, program="club"),
    "refund": lambda crm, anna, had: crm.sales.refund(had["sale"], 1),
    "cancel": lambda crm, anna, had: crm.sales.cancel(had["other sale"]),
    "adjust down": lambda crm, anna, had: crm.points.adjust(anna, "club", -1, reason="twice"),
    "reverse": lambda crm, anna, had: crm.points.reverse(had["credit"]),
    "correct": lambda crm, anna, had: crm.accounts.adjust(anna, "wallet", 1, reason="cents"),
    "revoke": lambda crm, anna, had: crm.coupons.revoke(had["coupon"], reason="left"),
    "access": lambda crm, anna, had: crm.programs.set_access(anna, "club", "limited"),
    "category": lambda crm, anna, had: crm.programs.set_category(anna, "club", "Gold"),
    "data": lambda crm, anna, had: crm.customers.update(anna, last_name="A"),
    "tag": lambda crm, anna, had: crm.tags.set(anna, "left"),
    "opt out": lambda crm, anna, had: crm.consents.deny(anna, "sms", evidence="letter"),
}


@pytest.fixture
def anna(crm):
    """Somebody who has had everything, and was deactivated."""
    for name in ("club", "other"):
        crm.programs.add(name, categories=["Gold"])
    crm.earning.add("club", "euros")
    crm.accounts.add("wallet", program="club")
    crm.coupons.add_series("hello", program="club")
    made = crm.customers.add(first_name="Anna", phone="040 123 4567", email="anna@example.org")
    crm.programs.join(made, "club")
    return made


@pytest.fixture
def had(crm, anna):
    """Give her all that, and return what she had."""
    [code] = crm.series.generate("hello", 1)
    found = {
        "sale": crm.sales.record(anna, 20, program="club"), "other sale": crm.sales.record(anna, 10, program="club"),
        "credit": crm.points.credit(anna, "club", 30), "paid": crm.accounts.replenish(anna, "wallet", 9),
        "coupon": crm.coupons.issue(anna, "hello"), "code": code,
    }
    crm.customers.deactivate(anna, reason="moved away")
    return found


@pytest.mark.feature("T37")
def test_every_door_that_gives_or_takes_is_shut(crm, anna, had):
    """One by one and in bulk it is refused as inactive, and nothing is written; activated, each goes through."""
    told: dict[str, tuple[str, ...]] = {}
    for name, call in STOPPED.items():
        try:
            call(crm, anna, had)
            told[name] = ()
        except Refusal as refusal:
            told[name] = tuple(map(str, refusal.reasons))
    assert told == dict.fromkeys(STOPPED, ("inactive",))
    skipped = {name: make(crm.select()).skipped for name, make in MANY.items()}
    assert skipped == {name: {"inactive": 1} for name in MANY}
    assert all(make(crm.select()).apply(key=name).applied == 0 for name, make in MANY.items())
    assert (crm.points.balance(anna, "club"), crm.points.available(anna, "club")) == (60, 0)
    assert (str(crm.accounts.balance(anna, "wallet")), str(crm.accounts.available(anna, "wallet"))) == ("9.00 EUR", "0.00 EUR")
    assert crm.coupons.why(had["coupon"]) == ("inactive",)
    crm.customers.activate(anna)
    assert (crm.points.available(anna, "club"), str(crm.accounts.available(anna, "wallet"))) == (60, "9.00 EUR")
    for name, call in STOPPED.items():
        if name != "reserve":                           # by then it could be redeemed for that order alone
            call(crm, anna, had)


@pytest.mark.feature("T37")
def test_what_puts_right_what_was_stays_open(crm, anna, had, tmp_path):
    """Money goes back, mistakes are mended, sales are recorded and earn nothing; an import changes and does not activate."""
    for call in OPEN.values():
        call(crm, anna, had)
    assert not crm.earning.of_sale(crm.sales.record(anna, 100, program="club"))
    guests = tmp_path / "guests.csv"
    guests.write_text("email,first_name\nanna@example.org,Anne\n", "utf-8")
    crm.customers.import_csv(guests)
    assert (crm.customers.get(anna).first_name, crm.customers.get(anna).status) == ("Anne", "inactive")
    sold = tmp_path / "sales.csv"
    sold.write_text("external_id,email,total,occurred_at\nr9,anna@example.org,5.00,2026-11-20\n", "utf-8")
    crm.sales.import_csv(sold)
    assert crm.select("sales_count = 4").ids() == [anna.id]
