"""Run the comparisons: `python -m benchmarks [filters sql deeds loyalty imports packages] [--customers N] [--rows N]`."""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import deeds, filters, imports, loyalty, sql

ALL = ("filters", "sql", "deeds", "loyalty", "imports", "packages")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", default=ALL, metavar="name", help=f"which of {', '.join(ALL)} (all)")
    parser.add_argument("--customers", type=int, default=1_000_000, help="customers of the base; ten sales each (1000000)")
    parser.add_argument("--rows", type=int, default=200_000, help="rows of the filter comparison (200000)")
    parser.add_argument("--folder", type=Path, help="keep the base here, to use it again")
    options = parser.parse_args()
    postgresql = "CUSTCRM_POSTGRES_URL" in os.environ
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
          f"PostgreSQL {'as given' if postgresql else 'not given (CUSTCRM_POSTGRES_URL)'}, {os.cpu_count()} cores")
    print("× is ours ÷ theirs in time, best of the rounds, taking turns in one process")
    with TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        runs = {
            "filters": lambda: filters.run(options.rows),
            "sql": lambda: sql.run(folder, options.customers, postgresql=postgresql),
            "deeds": lambda: deeds.run(folder, options.customers, postgresql=postgresql),
            "loyalty": lambda: loyalty.run(folder, min(options.customers, 200_000), postgresql=postgresql),
            "imports": lambda: imports.run(folder, min(options.customers, 50_000), postgresql=postgresql),
            "packages": imports.packages,
        }
        for name in options.names:
            runs[name]()


main()
