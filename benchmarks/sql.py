"""The SQL target against hand-written SQL over customers and sales; counting on SQLite and PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

import custcrm
from benchmarks.base import Base, filled
from benchmarks.compare import Line, best, heading

QUESTIONS = {
    "five conditions and an aggregate": (
        "kind = 'person' AND country IN ('FI', 'SE') AND email EXISTS AND last_name STARTS WITH 'B' "
        "AND loyalty_eligible AND sales_total > 500",
        """SELECT count(*) FROM custcrm_customers c WHERE kind = 'person' AND country IN ('FI', 'SE') AND email IS NOT NULL
           AND {starts} AND {eligible}
           AND (SELECT coalesce(sum(total), 0) FROM custcrm_sales s
                WHERE s.customer_id = c.id AND s.occurred_at <= {now}) > 50000""",
    ),
    "sales_count > 5 AND sales_total > 500": (
        "sales_count > 5 AND sales_total > 500",
        """SELECT count(*) FROM custcrm_customers c
           WHERE (SELECT count(*) FROM custcrm_sales s WHERE s.customer_id = c.id AND s.occurred_at <= {now}) > 5
           AND (SELECT coalesce(sum(total), 0) FROM custcrm_sales s
                WHERE s.customer_id = c.id AND s.occurred_at <= {now}) > 50000""",
    ),
}
PARTS = {
    "sqlite": {"starts": "substr(last_name, 1, 1) = 'B'", "eligible": "loyalty_eligible", "now": ":now_micros"},
    "postgresql": {"starts": "starts_with(last_name, 'B')", "eligible": "loyalty_eligible", "now": ":now"},
}


def run(folder: Path, customers: int, *, postgresql: bool) -> None:
    places = {"sqlite": str(folder / "bench.db")}
    if postgresql:
        places["postgresql"] = os.environ["CUSTCRM_POSTGRES_URL"]
    for dialect, place in places.items():
        base = filled(place, dialect, customers)
        heading(f"SQL target on {dialect}, {base.customers:,} customers, {base.sales:,} sales, against hand-written SQL")
        for name, (text, sql) in QUESTIONS.items():
            _compare(base, name, text, sql.format(**PARTS[dialect]))
        _scoped(base)
        base.close()


def _compare(base: Base, name: str, text: str, sql: str) -> None:
    asked = base.crm.select(text)
    hand = _hand(base, sql)
    assert asked.count() == hand(), (asked.count(), hand())
    ours, theirs = best(asked.count, hand, rounds=3)
    print(Line(name, ours, theirs, "hand-written SQL", "× ≤ 1.1"))


def _scoped(base: Base) -> None:
    whole = base.crm.select("sales_total > 500")
    scoped = base.crm.select("sales_total > 500", scope=custcrm.at(point_of_sale="shop 1"))
    ours, theirs = best(scoped.count, whole.count, rounds=3)
    print(Line("sales_total > 500 at one point of sale", ours, theirs, "unscoped", "× ≤ 1.3"))


def _hand(base: Base, sql: str) -> Callable[[], int]:
    statement = sa.text(sql)
    values = {"now": base.now, "now_micros": round(base.now.timestamp() * 1e6)}
    used = {name: value for name, value in values.items() if f":{name} " in sql or f":{name})" in sql}

    def count() -> int:
        with base.engine.connect() as connection:
            return int(connection.scalar(statement, used) or 0)

    return count
