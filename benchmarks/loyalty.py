"""Ten thousand lots of one customer; issuing coupons against executemany and COPY; spending in bulk; how all of it grows.

The raw side of issuing is what somebody writes for one known series: a SELECT of those who may have one brings the ids to
Python, codes are cut from random bytes, and one executemany (SQLite) or COPY (PostgreSQL) writes the rows, with the same
indexes and pragmas, in one transaction. It keeps no targets, no reasons and no key, and cannot be resumed or repeated.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from uuid import uuid4

import psycopg
import sqlalchemy as sa

import custcrm
from benchmarks.base import NOW, Base, filled
from benchmarks.compare import Line, best, heading
from custcrm.records import PointsEntry
from custcrm.records.coupons import ALPHABET, CODE_LENGTH

LOTS = 10_000
USED_UP = 9 * LOTS // 10
EACH = 10
CALLS = 50
PROGRAM = "lots"
LETTERS = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))
ELIGIBLE = """SELECT c.id FROM custcrm_customers c JOIN custcrm_memberships m ON m.customer_id = c.id AND m.program = 'club'
    WHERE m.access NOT IN ('blacklisted', 'none') AND c.coupon_eligible ORDER BY c.id"""
COLUMNS = ("customer_id", "id", "series", "code", "issued_at", "expires_at", "reason", "actor")


def run(folder: Path, customers: int, *, postgresql: bool) -> None:
    _lots_of_one("memory", None)
    _lots_of_one("sqlite", str(folder / "lots.db"))
    _many("sqlite", str(folder / "loyalty.db"), customers)
    if postgresql:
        with _database() as url:
            _lots_of_one("postgresql", url)
        with _database() as url:
            _many("postgresql", url, customers)


@contextmanager
def _database() -> Iterator[str]:
    """Give an empty database beside the one that the other comparisons fill."""
    given = os.environ["CUSTCRM_POSTGRES_URL"]
    name = f"loyalty_{uuid4().hex}"
    with psycopg.connect(given, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    url = sa.make_url(given).set(database=name).render_as_string(hide_password=False)
    try:
        yield url
    finally:
        with psycopg.connect(given, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


# one customer --------------------------------------------------------------------------------------


def _lots_of_one(store: str, place: str | None) -> None:
    """Tell how long single calls take for a customer with so many lots; however many of them are used up."""
    print(f"\nOne customer with {LOTS:,} lots on {store}, each {EACH} points; target ≤ 10 ms a call")
    crm = custcrm.open(place, currency="EUR", clock=lambda: NOW)
    crm.programs.add(PROGRAM)
    for lots in (LOTS // 100, LOTS // 10):
        _told(f"{lots:,} lots", crm, _with_lots(crm, PROGRAM, lots), PROGRAM)
    customer = _with_lots(crm, PROGRAM, LOTS)
    _told(f"{LOTS:,} lots", crm, customer, PROGRAM)
    start = perf_counter()
    crm.points.spend(customer, PROGRAM, USED_UP * EACH)
    print(f"  one spend over {USED_UP:,} lots{'':<23} {(perf_counter() - start) * 1e3:>10.1f} ms")
    _told(f"{LOTS:,} lots, {USED_UP:,} used up", crm, customer, PROGRAM)
    crm.close()


def _with_lots(crm: custcrm.Crm, program: str, lots: int) -> str:
    customer = crm.customers.add(first_name="Many")
    crm.programs.join(customer, program)
    ids = crm._business.ids.many(lots)
    with crm._business.store.write() as writer:
        writer.add(
            PointsEntry(
                customer_id=customer.id, id=each, lot_id=each, program=program, kind="credit", delta=EACH, occurred_at=NOW,
                expires_at=None if at % 2 else NOW + timedelta(days=1 + at),
            )
            for at, each in enumerate(ids)
        )
    return customer.id


def _told(what: str, crm: custcrm.Crm, customer: str, program: str) -> None:
    calls: dict[str, Callable[[], Any]] = {
        "spend": lambda: crm.points.spend(customer, program, 3),
        "spend over 5 lots": lambda: crm.points.spend(customer, program, 5 * EACH),
        "balance": lambda: crm.points.balance(customer, program),
        "available": lambda: crm.points.available(customer, program),
        "expiring": lambda: crm.points.expiring(customer, program),
    }
    for name, call in calls.items():
        times = []
        for _ in range(CALLS if "over" not in name else CALLS // 5):
            start = perf_counter()
            call()
            times.append((perf_counter() - start) * 1e3)
        shown = f"{what}: {name}"
        print(f"  {shown:<46} {min(times):>10.2f} ms (best) {median(times):>8.2f} ms (median) {max(times):>8.2f} ms (longest)")


# many customers ------------------------------------------------------------------------------------


def _many(dialect: str, place: str, customers: int) -> None:
    base = filled(place, dialect, customers, sales_each=0)
    _issue(base, dialect, place)
    _spend(base, dialect)
    base.close()


def _issue(base: Base, dialect: str, place: str) -> None:
    crm = base.crm
    for series in ("ours", "theirs"):
        crm.coupons.add_series(series, program="club", valid="30 days")
    plan = crm.select("TRUE").issue_coupons("ours", notify=False)
    against, target = ("executemany", "× ≤ 2.5") if dialect == "sqlite" else ("COPY", "× ≤ 2")
    heading(f"Issue {plan.eligible:,} coupons on {dialect}, against {against} that reads the ids and makes the codes")
    raw = _by_executemany(place) if dialect == "sqlite" else _by_copy(place)

    def apply() -> None:
        plan.apply(key=str(uuid4()))

    ours, theirs = best(apply, raw, rounds=3)
    print(Line("apply", ours, theirs, against, target))


def _rows(ids: list[str], now: Any, ends: Any) -> Iterator[tuple[Any, ...]]:
    letters = os.urandom(CODE_LENGTH * len(ids)).translate(LETTERS).decode()
    prefix, numbers = str(uuid4())[:24], count()
    for at, id_ in zip(range(0, len(letters), CODE_LENGTH), ids, strict=True):
        yield id_, f"{prefix}{next(numbers):012x}", "theirs", letters[at : at + CODE_LENGTH], now, ends, "", ""


def _by_executemany(place: str) -> Callable[[], None]:
    insert = f"INSERT INTO custcrm_coupons ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
    now = round(NOW.timestamp() * 1e6)

    def issue() -> None:
        connection = sqlite3.connect(place, isolation_level=None)
        for pragma in ("foreign_keys = ON", "synchronous = FULL", "cache_size = -65536", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN IMMEDIATE")
        ids = [each for each, in connection.execute(ELIGIBLE)]
        connection.execute("UPDATE custcrm_coupon_series SET issued = issued + ? WHERE name = 'theirs'", (len(ids),))
        connection.executemany(insert, _rows(ids, now, now + 30 * 86_400_000_000))
        connection.execute("COMMIT")
        connection.close()

    return issue


def _by_copy(place: str) -> Callable[[], None]:
    def issue() -> None:
        with psycopg.connect(place) as connection:
            ids = [each for each, in connection.execute(ELIGIBLE)]
            connection.execute("UPDATE custcrm_coupon_series SET issued = issued + %s WHERE name = 'theirs'", (len(ids),))
            with connection.cursor().copy(f"COPY custcrm_coupons ({', '.join(COLUMNS)}) FROM STDIN") as copy:
                for row in _rows(ids, NOW, NOW + timedelta(days=30)):
                    copy.write_row(row)

    return issue


def _spend(base: Base, dialect: str) -> None:
    """Tell how long a spend in bulk takes, for a hundredth, a tenth and all of those who may."""
    crm = base.crm
    crm.select("TRUE").credit_points("club", 1_000, expires="90 days", notify=False).apply(key=str(uuid4()))
    crm.select("TRUE").credit_points("club", 1_000, notify=False).apply(key=str(uuid4()))
    who = crm.select("programs.club.access = 'full'")
    ids = who.ids()
    heading(f"Spend points of many customers on {dialect}: two lots each, and one spend that takes of both")
    for part in (100, 10, 1):
        chosen = crm.select("TRUE") & ids[: len(ids) // part] if part > 1 else who
        plan = chosen.spend_points("club", 900 if part > 1 else 1_100)
        start = perf_counter()
        done = plan.apply(key=str(uuid4())).applied
        seconds = perf_counter() - start
        print(f"  {done:>10,} customers {seconds * 1e3:>14.0f} ms {seconds / max(1, done) * 1e6:>10.1f} µs each")
