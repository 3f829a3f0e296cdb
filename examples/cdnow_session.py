"""An analyst's session: who are CDNOW's customers, who is slipping away, and what changed within a month."""

from datetime import date
from importlib.resources import files

import custcrm
from custcrm.testing import ManualClock

crm = custcrm.open(currency="USD", timezone="America/New_York", clock=ManualClock("1998-07-01T00:00-04:00"))


def load() -> None:
    """Add the customers and their purchases: fixed columns of id, number, day, units and dollars."""
    text = files("custcrm").joinpath("example_data/cdnow_sample.txt").read_text(encoding="ascii")
    lines = [line for line in text.splitlines() if line]
    numbers = sorted({line[1:6] for line in lines})
    people = crm.customers.add_all([{"external_ids": {"cdnow": number}} for number in numbers])
    by_number = dict(zip(numbers, people, strict=True))
    crm.sales.record_all([
        {
            "customer": by_number[line[1:6]],
            "occurred_at": date(int(line[12:16]), int(line[16:18]), int(line[18:20])),
            "units": int(line[21:23]),
            "total": line[24:31].strip(),
        }
        for line in lines
    ])


load()
assert crm.select().count() == 2_357

# Segments: a name for each question.
SEGMENTS = {
    "big spenders": "sales_total > 500",
    "regulars": "sales_count >= 10",
    "one purchase": "sales_count = 1",
    "active": "last_sale_at >= ago('3 months')",
    "lapsed and good": "sales_total > 200 AND last_sale_at < ago('6 months')",
}
for name, text in SEGMENTS.items():
    crm.segments.add(name, text)
    print(f"{crm.select('SEGMENT(:name)', {'name': name}).count():>6,}  {name}")
assert crm.select("SEGMENT('regulars')").count() == 111

# What each condition costs.
good = crm.select("sales_total > 100 AND sales_count >= 3 AND last_sale_at >= ago('3 months')")
print(good.waterfall())
assert [step.remaining for step in good.waterfall()][-1] == good.count()

# The best of the lapsed, with what they bought in the year before.
best = crm.select("SEGMENT('lapsed and good')").view({
    "number": "external_ids.cdnow",
    "sales": "sales_count",
    "spent": "sales_total",
    "average": "average_check",
    "days ago": "days_since_last_sale",
    "a year": "SUM(sales.total WHERE occurred_at >= ago('12 months'))",
}, sort=["spent DESC"])
print(best)
assert best.to_csv("lapsed-and-good.csv") == 79

# Active at the end of May and no longer, and the other way round: the same question at the end of two days.
then, now = (crm.select("SEGMENT('active')", as_of=day).freeze() for day in ("1998-05-31", "1998-06-30"))
assert then.count() + len(set(now.ids()) - set(then.ids())) - len(set(then.ids()) - set(now.ids())) == now.count()

# Why is one of them not active?
[customer] = crm.select("external_ids.cdnow = '02761'")
print(crm.select("SEGMENT('active')").explain(customer))
