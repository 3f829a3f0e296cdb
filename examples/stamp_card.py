"""A café: a stamp a visit, ten for a coffee, a budget for coffees, guests with a flyer, and the proof of it all."""

from pathlib import Path
from tempfile import TemporaryDirectory

import custcrm
from custcrm import Crm, Refusal
from custcrm.testing import ManualClock

FULL_CARD = 10


def set_up(crm: Crm) -> None:
    crm.programs.add("stamps", title="Coffee card", reversal="floor")
    crm.points_of_sale.add("Corner", program="stamps")
    crm.terminals.add("Corner till", point_of_sale="Corner")
    crm.earning.add("stamps", "a stamp a visit", per="visit")
    coffee = {"product": "Coffee"}
    crm.coupons.add_series("card", program="stamps", title="A coffee on the house", valid="60 days", benefit=coffee)
    crm.coupons.add_series("flyer", program="stamps", capacity=100, per_customer=1, benefit=coffee, budget="6.40")


def sell(till: Crm, customer_id: str, receipt: str) -> int:
    """Sell a coffee; a full card becomes a coupon. All of it or nothing, and a repeated receipt changes nothing."""
    with till.transaction():
        till.sales.record(customer_id, "3.20", external_id=receipt)
        if till.points.available(customer_id, "stamps") >= FULL_CARD:
            till.points.spend(customer_id, "stamps", FULL_CARD, offer="card", reference=receipt)
            till.coupons.issue(customer_id, "card")
    return till.points.balance(customer_id, "stamps")


def give(till: Crm, code: str, order: str, guest: str | None = None) -> str:
    """Give a coffee for a code, or say every reason why not."""
    try:
        till.coupons.redeem(code, identity=guest, reference=order, lines=[{"product": "Coffee", "price": "3.20"}])
    except Refusal as refusal:
        return ", ".join(refusal.reasons)
    return "enjoy"


def main(folder: Path) -> None:
    clock = ManualClock("2026-11-02T08:30+02:00")
    with custcrm.open(folder / "cafe.db", currency="EUR", timezone="Europe/Helsinki", clock=clock) as crm:
        set_up(crm)
        till = crm.acting_as("barista", terminal="Corner till")
        anna = crm.customers.add(first_name="Anna").id
        crm.programs.join(anna, "stamps")

        for number in range(1, FULL_CARD):
            assert sell(till, anna, f"r-{number}") == number
            clock.advance("1 day")
        assert sell(till, anna, "r-9") == 9                     # the button was pressed twice
        assert sell(till, anna, "r-10") == 0
        [coupon] = crm.coupons.available(anna)
        assert [give(till, str(coupon.code), order) for order in ("o-1", "o-2")] == ["enjoy", "already_redeemed"]

        first, second, third = crm.series.generate("flyer", 3)
        assert give(till, first, "o-3", guest="ben@example.org") == "enjoy"
        assert give(till, second, "o-4", guest="ben@example.org") == "customer_limit"      # one for each guest
        assert give(till, second, "o-5", guest="chloe@example.org") == "enjoy"
        assert give(till, third, "o-6", guest="dan@example.org") == "over_budget"          # two coffees were planned

        crm.sales.refund("r-4", reason="it was cold")           # its stamp has gone into the coffee: nothing below nought
        proof = crm.points.prove(anna, "stamps")
        assert proof.balance == crm.points.balance(anna, "stamps") == 0 and not proof.faults()
        assert [entry.shortfall for entry in crm.earning.of_sale(crm.sales.details("r-4").sale)] == [0, 1]
        log = crm.reports.transaction_log(terminal="Corner till", period="today", kinds="coupons")
        assert str(log.totals["coupon_redeemed"].money) == "9.60 EUR"


with TemporaryDirectory() as name:
    main(Path(name))
