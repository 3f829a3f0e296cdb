"""Importing files against parsing them and a raw executemany; import times of the packages in fresh processes.

The raw side is what somebody writes for one known file: `csv.DictReader`, folded names, dates and amounts read without a
check, one executemany into the same table of the same store, with the same pragmas, in one transaction. It checks no cell,
looks for nobody who is there already and keeps no verdicts; whose sale it is, it knows from one SELECT before. Opening the
store is on both sides, making it on neither. An import of ours is a transaction for each thousand rows, so that others come
between, each synced to disk; `atomic` it is one, as the raw side is. What tills wait beside one is told by `beside`.

A second line has the checks by hand on the other side: addresses by email-validator, dates in a time zone, amounts to the cent,
who and what is there already, a verdict for each row; without encodings, phones, dry runs, going on and others beside it.
"""

from __future__ import annotations

import csv
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from email_validator import EmailNotValidError, validate_email

import custcrm
from benchmarks import beside, folds
from benchmarks.compare import Line, best, heading

STANDARD = "import attrs, cattrs, decimal, datetime, zoneinfo, uuid; import dateutil.relativedelta"
SMALL = "import attrs, decimal, datetime, zoneinfo, ast"

PRAGMAS = ("foreign_keys = ON", "synchronous = FULL", "cache_size = -65536", "secure_delete = ON")
"""Those of our own connections."""
SHOPS = 5
SALES_EACH = 10

_CUSTOMERS = (
    "INSERT INTO custcrm_customers (id, kind, status, first_name, last_name, email, country, loyalty_eligible,"
    " coupon_eligible, signed_up_at, created_at, email_folded, first_name_folded, last_name_folded)"
    " VALUES (?, 'person', 'active', ?, ?, ?, ?, 1, 1, 1, 1, ?, ?, ?)"
)
_SALES = (
    "INSERT INTO custcrm_sales (customer_id, id, occurred_at, total, total_currency, units, kind, counts, program,"
    " point_of_sale, source, external_id, reason, recorded_at)"
    " VALUES (?, ?, ?, ?, 'EUR', ?, 'sale', 1, 'club', ?, 'in_store', ?, '', 1)"
)


def run(folder: Path, rows: int, *, postgresql: bool = False) -> None:
    heading(f"Import of {rows:,} rows from CSV into SQLite, against csv and a raw executemany into the same table")
    people, sales = folder / "people.csv", folder / "sales.csv"
    _write(people, ("first_name", "last_name", "email", "country"), (_person(n) for n in range(rows)))
    _write(sales, ("external_id", "occurred_at", "total", "units", "email", "point_of_sale"),
           (_sale(n, rows // SALES_EACH) for n in range(rows)))
    empty, filled = folder / "empty.db", folder / "filled.db"
    custcrm.open(empty, currency="EUR").close()
    with custcrm.open(filled, currency="EUR") as crm:
        crm.programs.add("club")
        for shop in range(SHOPS):
            crm.points_of_sale.add(f"shop {shop}", program="club")
        crm.customers.add_all([{"email": f"n{n}@example.org"} for n in range(rows // SALES_EACH)])
    _compare("customers.import_csv", empty, lambda crm: crm.customers.import_csv(people), _CUSTOMERS, people, _raw_people, rows)
    _compare("the same, against checks by hand", empty, lambda crm: crm.customers.import_csv(people), _CUSTOMERS, people,
             _checked_people, rows, raw="csv, checks, executemany", target="")
    _compare("the same, atomic", empty, lambda crm: crm.customers.import_csv(people, atomic=True), _CUSTOMERS, people,
             _raw_people, rows)
    _compare("sales.import_csv", filled, lambda crm: crm.sales.import_csv(sales), _SALES, sales, _raw_sales, rows)
    _compare("the same, against checks by hand", filled, lambda crm: crm.sales.import_csv(sales), _SALES, sales,
             _checked_sales, rows, raw="csv, checks, executemany", target="")
    _compare("the same, atomic", filled, lambda crm: crm.sales.import_csv(sales, atomic=True), _SALES, sales, _raw_sales, rows)
    folds.run(folder)
    places = {"sqlite": str(folder / "beside.db")}
    if postgresql:
        places["postgresql"] = os.environ["CUSTCRM_POSTGRES_URL"]
    beside.run(folder, places)


def _compare(
    what: str,
    store: Path,
    load: Callable[[custcrm.Crm], Any],
    statement: str,
    file: Path,
    read: Callable[[sqlite3.Connection, Iterable[dict[str, str]]], Iterator[tuple[Any, ...]]],
    rows: int,
    *,
    raw: str = "csv + executemany",
    target: str = "× ≤ 3",
) -> None:
    """Load the file into copies of the store both ways."""
    copy = store.with_name("copy.db")

    def fresh() -> None:
        for suffix in ("", "-wal", "-shm"):
            copy.with_name(copy.name + suffix).unlink(missing_ok=True)
        shutil.copy(store, copy)

    def ours() -> None:
        with custcrm.open(copy) as crm:
            assert load(crm).counts == {"added": rows}

    def theirs() -> None:
        with closing(sqlite3.connect(copy)) as opened, file.open(encoding="utf-8", newline="") as source:
            for pragma in PRAGMAS:
                opened.execute(f"PRAGMA {pragma}")
            with opened:
                opened.executemany(statement, read(opened, csv.DictReader(source)))

    mine, by_hand = best(ours, theirs, rounds=3, before=fresh)
    print(Line(what, mine, by_hand, raw, target))


def _raw_people(_: sqlite3.Connection, rows: Iterable[dict[str, str]]) -> Iterator[tuple[Any, ...]]:
    for n, row in enumerate(rows):
        first, last, email = row["first_name"], row["last_name"], row["email"]
        yield _id(n), first, last, email, row["country"], email.casefold(), first.casefold(), last.casefold()


def _raw_sales(raw: sqlite3.Connection, rows: Iterable[dict[str, str]]) -> Iterator[tuple[Any, ...]]:
    customers = dict(raw.execute("SELECT email, id FROM custcrm_customers").fetchall())
    for n, row in enumerate(rows):
        at = int(datetime.fromisoformat(row["occurred_at"]).replace(tzinfo=UTC).timestamp() * 1_000_000)
        yield (customers[row["email"]], _id(n), at, int(Decimal(row["total"]) * 100), int(row["units"]),
               row["point_of_sale"], row["external_id"])


def _checked_people(raw: sqlite3.Connection, rows: Iterable[dict[str, str]]) -> Iterator[tuple[Any, ...]]:
    there = {email for (email,) in raw.execute("SELECT email FROM custcrm_customers")}
    verdicts: list[tuple[int, str, str]] = []
    for n, row in enumerate(rows):
        first, last, email, country = (row[name].strip() for name in ("first_name", "last_name", "email", "country"))
        try:
            validate_email(email, check_deliverability=False)
        except EmailNotValidError:
            verdicts.append((n + 2, "refused", "bad_email"))
            continue
        if email in there or not (len(country) == 2 and country.isupper()):
            verdicts.append((n + 2, "refused", "duplicate or bad_value"))
            continue
        there.add(email)
        verdicts.append((n + 2, "added", ""))
        yield _id(n), first, last, email, country, email.casefold(), first.casefold(), last.casefold()


def _checked_sales(raw: sqlite3.Connection, rows: Iterable[dict[str, str]]) -> Iterator[tuple[Any, ...]]:
    customers = dict(raw.execute("SELECT email, id FROM custcrm_customers").fetchall())
    there = {number for (number,) in raw.execute("SELECT external_id FROM custcrm_sales")}
    shops = {name for (name,) in raw.execute("SELECT name FROM custcrm_points_of_sale")}
    zone, verdicts = ZoneInfo("UTC"), list[tuple[int, str, str]]()
    for n, row in enumerate(rows):
        number, shop, customer = row["external_id"].strip(), row["point_of_sale"].strip(), customers.get(row["email"].strip())
        try:
            at = datetime.fromisoformat(row["occurred_at"].strip())
            cents, units = Decimal(row["total"].strip()) * 100, int(row["units"])
        except (ValueError, ArithmeticError):
            verdicts.append((n + 2, "refused", "bad_value"))
            continue
        if customer is None or not number or number in there or shop not in shops or cents != int(cents):
            verdicts.append((n + 2, "refused", "unknown or known"))
            continue
        there.add(number)
        verdicts.append((n + 2, "added", ""))
        at = at if at.tzinfo else at.replace(tzinfo=zone)
        yield customer, _id(n), int(at.astimezone(UTC).timestamp() * 1_000_000), int(cents), units, shop, number


def _id(n: int) -> str:
    return f"019aa5e2-0000-7000-8000-{n:012x}"


def _person(n: int) -> tuple[str, ...]:
    return f"N{n}", f"L{n}", f"n{n}@example.org", "FI"


def _sale(n: int, customers: int) -> tuple[str, ...]:
    # Every sale has an instant of its own; prices repeat.
    at = f"2026-{1 + n % 9:02}-{1 + n % 28:02}T{n % 24:02}:{n // 24 % 60:02}:{n // 1440 % 60:02}"
    return f"R{n}", at, f"{n * 7 % 10_000 / 100:.2f}", str(1 + n % 4), f"n{n % customers}@example.org", f"shop {n % SHOPS}"


def _write(file: Path, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(header)
        writer.writerows(rows)


def packages() -> None:
    heading("Import time, each in a fresh process")
    for what, against, target in (
        ("import custcrm", STANDARD, "× ≤ 1.5"),
        ("import custcrm.filters", SMALL, "× ≤ 1.3"),
    ):
        ours, theirs = best(lambda: _fresh(what), lambda: _fresh(against), rounds=9)
        bare = best(lambda: _fresh("pass"), rounds=9)[0]
        print(Line(what, ours - bare, theirs - bare, against.removeprefix("import ")[:34], target))


def _fresh(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)
