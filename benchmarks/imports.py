"""Importing a file against parsing it and a raw executemany; import times of the packages in fresh processes."""

from __future__ import annotations

import csv
import sqlite3
import subprocess
import sys
from pathlib import Path

import custcrm
from benchmarks.compare import Line, best, heading

STANDARD = "import attrs, cattrs, decimal, datetime, zoneinfo, uuid; import dateutil.relativedelta"
SMALL = "import attrs, decimal, datetime, zoneinfo, ast"


def run(folder: Path, rows: int) -> None:
    file = folder / "people.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["first_name", "last_name", "email", "country"])
        writer.writerows([f"N{n}", f"L{n}", f"n{n}@example.org", "FI"] for n in range(rows))
    heading(f"Import of {rows:,} customers from CSV into SQLite, against csv and a raw executemany into the same table")
    times = {"ours": 0, "theirs": 0}

    def ours() -> None:
        times["ours"] += 1
        with custcrm.open(folder / f"ours-{times['ours']}.db") as crm:
            assert crm.customers.import_csv(file).counts == {"added": rows}

    def theirs() -> None:
        times["theirs"] += 1
        place = folder / f"theirs-{times['theirs']}.db"
        custcrm.open(place).close()
        raw = sqlite3.connect(place)
        with file.open(encoding="utf-8", newline="") as source, raw:
            raw.executemany(
                "INSERT INTO customers (id, kind, status, first_name, last_name, email, country, loyalty_eligible,"
                " coupon_eligible, signed_up_at, created_at, email_folded, first_name_folded, last_name_folded)"
                " VALUES (?, 'person', 'active', ?, ?, ?, ?, 1, 1, 1, 1, ?, ?, ?)",
                ((f"019aa5e2-0000-7000-8000-{n:012x}", row["first_name"], row["last_name"], row["email"], row["country"],
                  row["email"].casefold(), row["first_name"].casefold(), row["last_name"].casefold())
                 for n, row in enumerate(csv.DictReader(source))),
            )
        raw.close()

    mine, raw = best(ours, theirs, rounds=2)
    print(Line("import_csv", mine, raw, "csv + executemany", "× ≤ 3"))


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
