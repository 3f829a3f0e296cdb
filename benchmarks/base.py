"""A customer base of any size, made quickly: ten sales for each customer, half of them members of a club."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from time import perf_counter
from typing import Any

import sqlalchemy as sa
from attrs import frozen

import custcrm
from custcrm.records import Customer, Membership, Sale
from custcrm.records.programs import Access
from custcrm.values.ids import IdSource
from custcrm.values.money import Money

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CHUNK = 20_000


@frozen
class Base:
    crm: custcrm.Crm
    engine: sa.Engine
    now: datetime
    customers: int
    sales: int

    def close(self) -> None:
        self.engine.dispose()
        self.crm.close()


def filled(place: str, dialect: str, customers: int, *, sales_each: int = 10) -> Base:
    """Return a base of that size at the place, made anew unless it is there."""
    crm = custcrm.open(place, currency="EUR", clock=lambda: NOW)
    url = f"sqlite:///{place}" if dialect == "sqlite" else place.replace("postgresql://", "postgresql+psycopg://")
    engine = sa.create_engine(url)
    if dialect == "sqlite":     # the hand-written ways get what we give ourselves
        sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=FULL"))
    if crm.select().count() == 0:
        start = perf_counter()
        _fill(crm, customers, sales_each)
        with engine.begin() as connection:
            connection.execute(sa.text("ANALYZE"))
        print(f"  (filled {dialect} in {perf_counter() - start:.0f} s)")
    return Base(crm, engine, NOW, customers, customers * sales_each)


def _fill(crm: custcrm.Crm, customers: int, sales_each: int) -> None:
    crm.programs.add("club")
    for number in range(5):
        crm.points_of_sale.add(f"shop {number}", program="club")
    chance = random.Random(1)
    ids = IdSource(lambda: NOW, chance.getrandbits)
    store = crm._business.store
    names = ids.many(customers)
    for records in (_customers(names, chance), _members(names), _sales(names, ids, chance, sales_each)):
        while chunk := list(islice(records, CHUNK)):
            with store.write() as writer:
                writer.add(chunk)


def _customers(names: list[str], chance: random.Random) -> Iterator[Any]:
    countries = ("FI", "SE", "NO", "DE", "EE")
    for number, each in enumerate(names):
        yield Customer(
            id=each, first_name=f"N{number}", last_name=f"{chance.choice('ABCDE')}son {number}",
            email=f"n{number}@example.org" if number % 20 else None, country=chance.choice(countries),
            phone=f"+35840{number:07}", signed_up_at=NOW - timedelta(days=number % 1000), created_at=NOW,
        )


def _members(names: list[str]) -> Iterator[Any]:
    kinds = (Access.FULL, Access.LIMITED, Access.FULL, Access.BLACKLISTED)
    for number, each in enumerate(names):
        if number % 3:
            yield Membership(customer_id=each, program="club", access=kinds[number % 4], joined_at=NOW)


def _sales(names: list[str], ids: IdSource, chance: random.Random, each_has: int) -> Iterator[Any]:
    for each in names:
        for sale in sorted(ids.many(chance.randrange(2 * each_has + 1))):
            yield Sale(
                customer_id=each, id=sale, occurred_at=NOW - timedelta(minutes=chance.randrange(1_500_000)),
                total=Money.from_minor(chance.randrange(20_000), "EUR"), units=chance.randrange(5), program="club",
                point_of_sale=f"shop {chance.randrange(5)}", recorded_at=NOW,
            )
