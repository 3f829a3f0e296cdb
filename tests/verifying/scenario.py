"""A shop that has done everything once: each record of ours is in its store, and all of it by the public verbs."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import custcrm
from custcrm.crm import Crm
from custcrm.testing import ManualClock, RecordingChannel
from tests.batches import in_batches

PEOPLE = 12
CSV = """email,first_name,tags.VIP,consents.email
New@example.org,New,yes,yes
N1@example.org,Benny,,
"""
RULE = "sales_total > 50"


def opened(place: str | None) -> Crm:
    """Open the store with a clock that `live` moves."""
    clock = ManualClock("2026-11-21T12:00+02:00")
    return custcrm.open(
        place, currency="EUR", timezone="Europe/Helsinki", country="FI", clock=clock, channels={"sms": RecordingChannel()}
    )


def live(crm: Crm) -> list[str]:
    """Do everything, and return the ids of the customers."""
    clock: Any = crm._business.clock
    _lay_down(crm)
    clock.advance("1 day")
    rows: list[dict[str, Any]] = [{
        "first_name": f"N{n}", "email": f"N{n}@example.org", "phone": f"+3584012340{n:02}", "card_number": f"card {n}",
        "birth_date": "1980-02-29" if n % 2 else "--05-06", "external_ids": {"shop": f"s{n}"},
        "attributes": {"size": str(n)}, "credit_limit": 5 * n,
    } for n in range(PEOPLE)]
    people = [each.id for each in crm.customers.add_all(rows)]
    for number, each in enumerate(people[:-1]):
        crm.programs.join(each, "club", access="limited" if number == 3 else "full")
        crm.consents.grant(each, "sms", evidence="form")
    clock.advance("1 hour")
    _live_as_one(crm, clock, people)
    clock.advance("1 hour")
    _live_as_many(crm, clock, people)
    clock.advance("1 hour")
    _take_back(crm, clock, people)
    return people


def _lay_down(crm: Crm) -> None:
    crm.programs.add("club", categories=["Gold"], notifications="sms", reversal_grace="3 days")
    crm.categories.add("club", "Regulars", rule=RULE, rank=1)
    crm.points_of_sale.add("Harbour", program="club")
    crm.terminals.add("till 1", point_of_sale="Harbour")
    crm.senders.add("Shop", program="club")
    crm.segments.add("good", RULE)
    crm.earning.add("club", "euros", points=1, amount="1.00", expires="1 year")
    crm.earning.add("club", "double", per="multiplier", factor=2, filter="sales_count > 3")
    crm.accounts.add("wallet", program="club", credit_limit="5.00")
    crm.accounts.add("stamps", program="club", kind="goods")
    crm.coupons.add_series(
        "welcome", program="club", capacity=100, per_customer=2, valid="30 days", benefit={"percent": 10, "at_most": "20.00"},
        budget="500.00",
    )
    crm.coupons.add_series("flyer", program="club", capacity=50)
    crm.coupons.add_series("autumn", program="club", codes="shared", shared_code="AUTUMN26", per_customer=1, per_coupon=2)


def _live_as_one(crm: Crm, clock: Any, people: list[str]) -> None:
    anna, ben, chloe, *_ = people
    crm.tags.set(anna, "VIP")
    crm.tags.set(ben, "size", "M")
    clock.advance("1 minute")
    crm.tags.set(ben, "size", "L")
    crm.consents.deny(ben, "sms", evidence="phone call")
    crm.programs.set_access(chloe, "club", "limited", reason="asked")
    crm.programs.set_category(anna, "club", "Gold")
    crm.customers.add_contact_point(anna, "phone", "040 999 8877")
    lines = [{"product": "Red", "category": "Wine", "quantity": 2, "price": "30.00"}, {"product": "Bag", "price": "1.00"}]
    for number, each in enumerate(people[:6]):
        crm.sales.record(each, "61.00", terminal="till 1", program="club", external_id=f"r{number}", lines=lines, units=3)
    crm.points.credit(anna, "club", 100, expires="2 days", key="a gift")
    crm.points.credit(anna, "club", 50, notify=False)
    crm.points.spend(anna, "club", 120, offer="welcome", reference="order 1")
    crm.points.adjust(ben, "club", -5, reason="by hand")
    crm.accounts.replenish(anna, "wallet", 20, reference="r1")
    crm.accounts.spend(anna, "wallet", 24)
    crm.accounts.replenish(ben, "stamps", 7)
    crm.accounts.open(chloe, "wallet", credit_limit=50)
    coupon, other = crm.coupons.issue(anna, "welcome"), crm.coupons.issue(ben, "welcome")
    crm.coupons.reserve(coupon, reference="order 2")
    crm.coupons.redeem(coupon, reference="order 2", discount="3.00")
    crm.coupons.revoke(other, reason="mistake")
    codes = crm.series.generate("flyer", 6, key="print")
    crm.coupons.redeem(codes[0], customer=anna, reference="order 3")
    crm.coupons.redeem(codes[1], identity="guest@example.org", reference="order 4")
    crm.series.revoke_code(codes[2])
    crm.coupons.redeem("AUTUMN26", customer=ben, reference="order 5")
    crm.coupons.redeem("AUTUMN26", identity="guest@example.org", reference="order 6")
    crm.activities.log_visit(anna, point_of_sale="Harbour")
    crm.activities.log_call(ben, status="spoke", summary="About wine")
    crm.activities.log_job(chloe, status="booked")
    crm.points.credit(chloe, "club", 5, terminal="till 1", notify=False)


def _live_as_many(crm: Crm, clock: Any, people: list[str]) -> None:
    small, club = in_batches(crm, 4), "programs.club EXISTS"
    small.select(club).credit_points("club", 10, notify=False).apply(key="credit")
    small.select().issue_coupons("welcome").apply(key="coupons")
    small.select().spend_points("club", 30).apply(key="spend")
    small.select(club).replenish("wallet", 5).apply(key="replenish")
    small.select(club).spend_account("wallet", 4).apply(key="pay")
    small.select().send_message("Hello {first_name|you}", channel="sms", sender="Shop").apply(key="message")
    small.select().send_to_inbox("News", text="Long").apply(key="inbox")
    small.select().tag("autumn", "2026").apply(key="tag")
    small.select(club).set_category("club", "Gold").apply(key="category")
    clock.advance("1 minute")
    crm.categories.reclassify("club").apply(key="tiers")
    small.select("tags.VIP EXISTS").untag("VIP").apply(key="untag")
    crm.outbox.dispatch()
    for item in crm.inbox.of(people[0]):
        for surface in ("app", "web_ordering", "email"):
            crm.inbox.open(item, surface=surface)
    with TemporaryDirectory() as folder:
        file = Path(folder, "people.csv")
        file.write_text(CSV, encoding="utf-8")
        assert crm.customers.import_csv(file, key="people").counts == {"added": 1, "updated": 1}


def _take_back(crm: Crm, clock: Any, people: list[str]) -> None:
    anna, ben, chloe, dan, *_ = people
    crm.sales.refund("r0", 10)
    crm.sales.refund("r1", lines=[{"product": "Red", "quantity": 1}])
    crm.sales.cancel("r2", reason="came back")
    crm.coupons.restore(reference="order 2")
    crm.coupons.restore(reference="order 6")
    with crm._business.store.read() as reader:
        spend = next(reader.find(custcrm.PointsEntry, {"customer_id": anna, "kind": "spend"}))
        paid = next(reader.find(custcrm.AccountEntry, {"customer_id": anna, "kind": "spend"}))
    crm.points.reverse(spend, points=60)
    crm.accounts.reverse(paid, amount=3)
    clock.advance("3 days")
    crm.points.expire("club", key="night")
    crm.points.transfer(ben, dan, "club")
    crm.customers.delete(crm.customers.add(first_name="Gone").id)
    crm.customers.deactivate(chloe, reason="moved")
    for item in crm.inbox.of(ben):
        crm.inbox.remove(item, reason="mistake")
    with TemporaryDirectory() as folder:
        crm.select("tags.size EXISTS").view(["id"]).to_csv(Path(folder, "sizes.csv"))
