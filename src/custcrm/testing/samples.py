"""A schema with every type of the filter language, and values for its rows and filters; know `demo_schema`.

Rows and filters draw from the same small pools, so that they meet. Each pool begins with its simplest value.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from custcrm.filters.schema import Schema
from custcrm.filters.types import types as t
from custcrm.values.periods import Span

TEXTS: Final = ("FI", "", "Anna", "anna", "José", "JOSE", "50%_off", "a\\b", "İß", "line\nbreak", "🎉")
PATTERNS: Final = ("%", "A%", "%a", "_nn%", "50\\%\\__ff", "%o_e%", "a\\b", "%\n%", "", "J%s_", "%n%n%")
KEYS: Final = ("VIP", "USER_AFFILIATION", "Family member")
NUMBERS: Final = (0, 1, 2, 3, -1, 7, 12, 100)
DECIMALS: Final = tuple(map(Decimal, ("0", "0.5", "1", "2.25", "-1.01", "12.5", "3.33")))
FAR_NUMBERS: Final = (10**6, 2**63 - 1, -(2**63))
DAYS: Final = tuple(
    map(
        date.fromisoformat,
        (
            "2026-11-21",
            "2026-01-01",
            "2025-12-31",
            "2024-02-29",
            "2000-02-29",
            "1999-11-22",
            "2026-02-28",
            "2026-03-29",
            "0001-01-01",
            "9999-12-31",
        ),
    )
)
INSTANTS: Final = tuple(
    map(
        datetime.fromisoformat,
        (
            "2026-11-21T10:00:00+00:00",
            "2026-11-20T21:59:59.999999+00:00",
            "2026-11-20T22:00:00+00:00",
            "2026-03-29T00:59:59+00:00",  # Helsinki: an hour is left out
            "2026-03-29T01:00:00+00:00",
            "2026-10-25T00:30:00+00:00",  # and here one comes twice
            "2025-11-21T10:00:00+00:00",
            "2024-02-29T12:00:00+00:00",
            "0001-01-01T00:00:00+00:00",
            "9999-12-31T23:59:59.999999+00:00",
        ),
    )
)
AS_OF: Final = tuple(
    datetime.fromisoformat(each).replace(tzinfo=UTC)
    for each in ("2026-11-21T10:00", "2026-03-29T01:00", "2024-02-29T11:00", "2027-02-28T22:30", "2026-12-31T21:59")
)
SPANS: Final = tuple(map(Span.parse, ("1 day", "7 days", "2 weeks", "1 month", "12 months", "18 years", "0 days")))
EXACT_SPANS: Final = tuple(map(Span.parse, ("1 hour", "90 minutes", "3600 seconds")))


def demo_schema() -> Schema:
    """Return a schema that has every type: fields, maps and collections of a shop, and a Number, a second Date and metrics."""
    line = t.Collection({"category": t.Text(), "quantity": t.Integer(), "price": t.Money()})
    sale = {
        "occurred_at": t.Instant(),
        "total": t.Money(),
        "units": t.Integer(),
        "point_of_sale": t.Text(),
        "lines": line,
    }
    return Schema(
        {
            "visits": int,
            "country": str,
            "sales_total": t.Money(),
            "birth_date": t.Date(yearless=True),
            "last_sale_at": datetime,
            "accepts_marketing": bool,
            "kind": t.Choice("person", "company"),
            "rating": t.Number(places=2),
            "joined": date,
            "credit": t.Money(),
            "first_name": t.Text(personal=True),
            "email": t.Text(personal=True),
            "phone": t.Text(personal=True),
            "and": str,
            "tags": dict[str, str],
            "attributes": dict[str, str],
            "programs": t.Map({"access": t.Choice("full", "limited", "none"), "points": int}, keys=("gold", "silver")),
            "sales": t.Collection(sale, at="occurred_at", scopes=("point_of_sale",)),
            "notes": [{"day": date, "score": t.Number(places=1), "text": str}],
        },
        currency="EUR",
        timezone="Europe/Helsinki",
        metrics={
            "age": t.Elapsed(unit="years", since="birth_date"),
            "days_since_last_sale": t.Elapsed(unit="days", since="MAX(sales.occurred_at)"),
            "sales_count": "COUNT(sales)",
            "average_check": "AVG(sales.total)",
        },
        segments={"regulars": "sales_count >= 2", "quiet": "NOT SEGMENT('regulars') AND phone DOES NOT EXIST"},
    )
