"""A small schema with everything in it, and rows that meet its corners."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from custcrm.filters import (
    Choice,
    Collection,
    Date,
    Derived,
    Elapsed,
    Instant,
    Integer,
    Map,
    Metric,
    Money,
    Number,
    Schema,
    Text,
)

SALES = Collection(
    {
        "occurred_at": Instant(),
        "total": Money(),
        "weight": Number(places=3),
        "point_of_sale": Text(),
        "lines": Collection({"category": Text(), "quantity": Integer(), "price": Money()}),
    },
    at="occurred_at",
    scopes=("point_of_sale",),
)
ENTRIES = Collection({"program": Text(), "delta": Integer(), "expires_at": Instant()}, hidden=True)
PROGRAMS = Map(
    {
        "access": Choice("full", "limited", "none"),
        "joined_at": Instant(),
        "points": Derived(value="SUM(points_entries.delta WHERE program = :key)", type=Integer()),
        "available": Derived(
            value="SUM(points_entries.delta WHERE program = ':key' AND NOT expires_at <= now())",
            type=Integer(),
            when="programs.:key.access = 'full'",
            otherwise=0,
        ),
    },
    keys=("gold", "silver club"),
)
SEGMENTS = {
    "finns": "country = 'FI'",
    "regular finns": "SEGMENT('finns') AND visits >= 3",
    "a": "SEGMENT('b')",
    "b": "visits > 1 OR SEGMENT('a')",
}

shop = Schema(
    {
        "name": Text(personal=True),
        "country": str,
        "and": str,
        "visits": int,
        "weight": Number(places=3),
        "rate": Decimal,
        "credit": Money(),
        "birth_date": Date(yearless=True),
        "joined": date,
        "last_seen": Instant(),
        "marketing": bool,
        "kind": Choice("person", "company"),
        "tags": Map(),
        "attributes": Map(Text(), keys={"size": Integer(), "since": Date(), "shop": Text()}),
        "programs": PROGRAMS,
        "sales": SALES,
        "points_entries": ENTRIES,
    },
    currency="EUR",
    timezone="Europe/Helsinki",
    noun="customer",
    metrics={
        "sales_count": "COUNT(sales)",
        "sales_total": "SUM(sales.total)",
        "average_check": Metric(value="AVG(sales.total)", label="Average check"),
        "double_average": "average_check * 2",
        "last_sale_at": "MAX(sales.occurred_at)",
        "age": Elapsed(unit="years", since="birth_date"),
        "days_since_last_sale": Elapsed(unit="days", since="last_sale_at"),
    },
    segments=SEGMENTS,
)

AS_OF = datetime(2026, 11, 21, 12, tzinfo=UTC)


def sale(day: str, total: str | None, point_of_sale: str | None = None, **others: Any) -> dict[str, Any]:
    return {
        "occurred_at": datetime.fromisoformat(day).replace(tzinfo=UTC),
        "total": None if total is None else Decimal(total),
        "point_of_sale": point_of_sale,
        **others,
    }


ANNA: dict[str, Any] = {
    "name": "Anna",
    "country": "FI",
    "visits": 5,
    "weight": Decimal("1.250"),
    "rate": Decimal("0.5"),
    "credit": Decimal("20.00"),
    "birth_date": date(2000, 2, 29),
    "joined": date(2025, 11, 21),
    "last_seen": datetime(2026, 11, 20, 22, 30, tzinfo=UTC),  # already the 21st in Helsinki
    "marketing": True,
    "kind": "person",
    "tags": {"VIP": None, "region": "north"},
    "attributes": {"size": 42},
    "programs": {"gold": {"access": "full"}, "silver club": {"access": "limited"}},
    "points_entries": [
        {"program": "gold", "delta": 100, "expires_at": None},
        {"program": "gold", "delta": 50, "expires_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"program": "silver club", "delta": 7, "expires_at": None},
    ],
    "sales": [
        sale("2026-01-10", "400.00", "Harbour", lines=[{"category": "Red", "quantity": 2, "price": Decimal("9.90")}]),
        sale("2026-10-02", "180.01", "Station", lines=[]),
        sale("2026-12-24", "1000.00", "Harbour"),  # later than AS_OF: not seen
    ],
}
BEN: dict[str, Any] = {
    "name": "Ben",
    "country": "PT",
    "visits": 0,
    "weight": Decimal(-2),
    "credit": Decimal("-0.01"),
    "birth_date": date(1980, 11, 22),
    "last_seen": datetime(2026, 11, 21, 22, 0, tzinfo=UTC),  # the first instant of the 22nd in Helsinki
    "marketing": False,
    "kind": "company",
    "programs": {"gold": {"access": None}},
    "sales": [sale("2026-11-01", None, "Station"), sale("2026-02-01", "7.50", None)],
}
NOBODY: dict[str, Any] = {}
ROWS = [ANNA, BEN, NOBODY, {"visits": -3, "country": "", "tags": {"VIP": "x"}, "rate": Decimal("2.5")}]


def matching(text: str) -> list[int]:
    """Return the places of the rows that a text selects."""
    filtered = shop.parse(text)
    return [place for place, row in enumerate(ROWS) if filtered.matches(row, as_of=AS_OF)]
