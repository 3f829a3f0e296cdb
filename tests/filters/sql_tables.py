"""Tables for the SQL target: every type of column, a map of texts, a map of records, and nested collections."""

import enum
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any as Anything

import sqlalchemy as sa

from custcrm.filters.ir.nodes import Column, Condition, Entry
from custcrm.filters.targets.sql.compile import TableSource, compile_condition
from custcrm.filters.types import types


class Kind(enum.Enum):
    PERSON = "person"
    COMPANY = "company"


METADATA = sa.MetaData()
PEOPLE = sa.Table(
    "people",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("country", sa.Text, index=True),
    sa.Column("kind", sa.Enum(Kind)),
    sa.Column("visits", sa.Integer, index=True),  # 32 bits on PostgreSQL
    sa.Column("spent", sa.BigInteger),
    sa.Column("ratio", sa.Numeric(20, 6)),
    sa.Column("vip", sa.Boolean),
    sa.Column("born", sa.Date),
    sa.Column("seen_at", sa.DateTime),  # keeps no zone: UTC
    sa.Column("synced_at", sa.DateTime(timezone=True)),
    sa.Column("rank", sa.BigInteger, nullable=False, server_default="0"),
)
TAGS = sa.Table(
    "tags",
    METADATA,
    sa.Column("person_id", sa.ForeignKey("people.id"), primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text),
)
PROGRAMS = sa.Table(
    "programs",
    METADATA,
    sa.Column("person_id", sa.ForeignKey("people.id"), primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("points", sa.Integer),
)
SALES = sa.Table(
    "sales",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("person_id", sa.ForeignKey("people.id"), index=True),
    sa.Column("total", sa.BigInteger),
    sa.Column("occurred_at", sa.DateTime(timezone=True)),
    sa.Column("place", sa.Text),
)
LINES = sa.Table(
    "lines",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("sale_id", sa.ForeignKey("sales.id"), index=True),
    sa.Column("quantity", sa.Integer),
    sa.Column("category", sa.Text),
)
OTHERS = {"tags": TAGS, "programs": PROGRAMS, "sales": SALES, "lines": LINES}
SOURCE = TableSource(PEOPLE, OTHERS)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


AS_OF = instant("2026-11-21T12:00")

# What a bare sa.DateTime keeps is written without its zone.
ROWS: list[dict[str, Anything]] = [
    {
        "id": 1, "name": "Anna", "country": "FI", "kind": Kind.PERSON, "visits": 5, "spent": 480_00,
        "ratio": Decimal("12.5"), "vip": True, "born": date(1980, 2, 29),
        "seen_at": datetime(2026, 11, 20, 8), "synced_at": instant("2026-11-20T08:00"), "rank": 1,
    },
    {
        "id": 2, "name": "anna", "country": "SE", "kind": Kind.COMPANY, "visits": 2_147_483_647, "spent": -70,
        "ratio": Decimal("-0.000001"), "vip": False, "born": date(2001, 12, 31),
        "seen_at": datetime(2025, 1, 1), "synced_at": instant("2025-01-01T00:00"), "rank": 2,
    },
    {
        "id": 3, "name": "", "country": "", "kind": None, "visits": 0, "spent": 9_223_372_036_854_775_807,
        "ratio": Decimal(0), "vip": None, "born": date(1999, 1, 1),
        "seen_at": datetime(1, 1, 1), "synced_at": instant("0001-01-01T00:00"), "rank": 3,
    },
    {
        "id": 4, "name": None, "country": None, "kind": None, "visits": None, "spent": None, "ratio": None,
        "vip": None, "born": None, "seen_at": None, "synced_at": None, "rank": 4,
    },
]  # fmt: skip
IDS = {1, 2, 3, 4}
TAG_ROWS: list[dict[str, Anything]] = [
    {"person_id": 1, "key": "VIP", "value": None},
    {"person_id": 1, "key": "affiliation", "value": "CUSTOMER"},
    {"person_id": 3, "key": "affiliation", "value": "GUEST"},
]
PROGRAM_ROWS: list[dict[str, Anything]] = [
    {"person_id": 1, "key": "gold", "points": 120},
    {"person_id": 2, "key": "gold", "points": None},
]
SALE_ROWS: list[dict[str, Anything]] = [
    {"id": 1, "person_id": 1, "total": 400_00, "occurred_at": instant("2026-11-01T10:00"), "place": "Harbour"},
    {"id": 2, "person_id": 1, "total": 80_00, "occurred_at": instant("2024-05-01T10:00"), "place": "Station"},
    {"id": 3, "person_id": 2, "total": None, "occurred_at": instant("2026-01-01T10:00"), "place": None},
]
LINE_ROWS: list[dict[str, Anything]] = [
    {"id": 1, "sale_id": 1, "quantity": 2, "category": "Red"},
    {"id": 2, "sale_id": 1, "quantity": 5, "category": None},
    {"id": 3, "sale_id": 3, "quantity": 1, "category": "Red"},
]
FILLED: dict[sa.Table, list[dict[str, Anything]]] = {
    PEOPLE: ROWS,
    TAGS: TAG_ROWS,
    PROGRAMS: PROGRAM_ROWS,
    SALES: SALE_ROWS,
    LINES: LINE_ROWS,
}


def fill(connection: sa.Connection) -> None:
    """Create the tables and their rows."""
    METADATA.create_all(connection)
    for table, rows in FILLED.items():
        connection.execute(table.insert(), rows)


def column(name: str) -> Column:
    """Return a field by its column, of people or of a collection."""
    return Column(name, TYPES[name])


def tag(key: str) -> Entry:
    return Entry("tags", key, None, types.Text())


TYPES: dict[str, types.Scalar] = {
    "name": types.Text(),
    "country": types.Text(),
    "kind": types.Choice(Kind),
    "visits": types.Integer(),
    "spent": types.Money(),
    "ratio": types.Number(places=6),
    "vip": types.Boolean(),
    "born": types.Date(),
    "seen_at": types.Instant(),
    "synced_at": types.Instant(),
    "rank": types.Integer(),
    "total": types.Money(),
    "occurred_at": types.Instant(),
    "place": types.Text(),
    "quantity": types.Integer(),
    "category": types.Text(),
}

Ask = Callable[[sa.ColumnElement[bool]], set[int]]


def asker(connection: sa.Connection) -> Ask:
    """Return a function that gives the ids of the people for whom a clause is true."""
    return lambda clause: set(connection.scalars(sa.select(PEOPLE.c.id).where(clause)))


def clause(condition: Condition, *, certain: bool = False) -> sa.ColumnElement[bool]:
    """Return a condition on people as a clause."""
    return compile_condition(condition, SOURCE, certain=certain).clause
