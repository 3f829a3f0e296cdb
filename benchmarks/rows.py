"""Customers as rows, and the three filters of the measured facts, hand-written and in the language."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

from attrs import field, frozen

from custcrm.filters import Schema

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
YEAR_AGO = datetime(2025, 11, 21, 12, tzinfo=UTC)
BORN = date(1980, 1, 1)

SCHEMA = Schema({
    "id": int, "country": str, "sales_count": int, "sales_total": int, "accepts_marketing": bool, "email": str,
    "last_sale": datetime, "birth_date": date, "tags": dict[str, str],
})

FILTERS = {
    "F1": "sales_count > 5",
    "F2": "sales_count > 5 AND country = 'FI' AND last_sale EXISTS",
    "F3": """((country IN ('FI', 'SE', 'NO') AND sales_count >= 3 AND sales_total > 20000)
        OR (country = 'DE' AND tags.USER_AFFILIATION = 'CUSTOMER')) AND accepts_marketing
        AND (email STARTS WITH 'a' OR email STARTS WITH 'm')
        AND (last_sale >= ago('12 months') OR birth_date < DATE('1980-01-01'))""",
}


@frozen
class Row:
    id: int
    country: str | None
    sales_count: int
    sales_total: int
    accepts_marketing: bool
    email: str | None
    last_sale: datetime | None
    birth_date: date | None
    tags: dict[str, str] = field(factory=dict)


def make(count: int) -> list[Row]:
    chance = random.Random(1)
    countries = ["FI", "SE", "NO", "DE", "EE", None]
    return [
        Row(
            n, chance.choice(countries), chance.randrange(12), chance.randrange(60_000), chance.random() < 0.5,
            f"{chance.choice('abcdemnop')}{n}@example.org" if chance.random() < 0.95 else None,
            NOW - timedelta(days=chance.randrange(1500)) if chance.random() < 0.9 else None,
            date(1940, 1, 1) + timedelta(days=chance.randrange(25_000)) if chance.random() < 0.8 else None,
            {"USER_AFFILIATION": "CUSTOMER"} if chance.random() < 0.3 else {},
        )
        for n in range(count)
    ]


def hand_objects(name: str, rows: list[Row]) -> list[Row]:
    """The best a person writes for objects, missing values respected."""
    if name == "F1":
        return [r for r in rows if r.sales_count is not None and r.sales_count > 5]
    if name == "F2":
        return [r for r in rows if r.sales_count is not None and r.sales_count > 5 and r.country == "FI"
                and r.last_sale is not None]
    return [
        r for r in rows
        if ((r.country in ("FI", "SE", "NO") and r.sales_count >= 3 and r.sales_total > 20000)
            or (r.country == "DE" and r.tags.get("USER_AFFILIATION") == "CUSTOMER"))
        and r.accepts_marketing
        and r.email is not None and (r.email.startswith("a") or r.email.startswith("m"))
        and ((r.last_sale is not None and r.last_sale >= YEAR_AGO) or (r.birth_date is not None and r.birth_date < BORN))
    ]


def hand_dicts(name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The best a person writes for dictionaries in which keys may be absent."""
    if name == "F1":
        return [r for r in rows if (n := r.get("sales_count")) is not None and n > 5]
    if name == "F2":
        return [r for r in rows if (n := r.get("sales_count")) is not None and n > 5 and r.get("country") == "FI"
                and r.get("last_sale") is not None]
    return [
        r for r in rows
        if ((r.get("country") in ("FI", "SE", "NO") and (n := r.get("sales_count")) is not None and n >= 3
             and (t := r.get("sales_total")) is not None and t > 20000)
            or (r.get("country") == "DE" and r.get("tags", {}).get("USER_AFFILIATION") == "CUSTOMER"))
        and r.get("accepts_marketing")
        and (e := r.get("email")) is not None and (e.startswith("a") or e.startswith("m"))
        and (((s := r.get("last_sale")) is not None and s >= YEAR_AGO)
             or ((b := r.get("birth_date")) is not None and b < BORN))
    ]
