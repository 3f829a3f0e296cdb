"""How long a till in another process waits while a file is imported: `python -m benchmarks.beside PLACE STOP DEED` is a till.

One till adds customers, another credits points to one; each call's time counts that was under way during the import.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import custcrm

ROWS = 20_000
REST_SECONDS = 0.01
DEEDS = ("add", "credit")


def run(folder: Path, places: dict[str, str]) -> None:
    """Import customers, then the same with another name each, beside two tills."""
    print(f"\nWhat tills of other processes wait beside an import of {ROWS:,} rows; targets: median 100 ms, longest 1 s")
    for dialect, place in places.items():
        with custcrm.open(place) as crm:
            program = f"beside {uuid4()}"
            crm.programs.add(program)
            prefix = uuid4().hex[:8]
            for what, name in (("newcomers", "L"), ("changes", "M")):
                file = folder / f"{what}.csv"
                _write(file, prefix, name)
                _beside(f"{dialect}, {what}", place, program, folder / uuid4().hex, lambda: crm.customers.import_csv(file))


def _write(file: Path, prefix: str, name: str) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(("first_name", "last_name", "email", "external_ids.shop"))
        writer.writerows((f"N{n}", f"{name}{n}", f"{prefix}{n}@example.org", f"{prefix}{n}") for n in range(ROWS))


def _beside(what: str, place: str, program: str, stop: Path, load: Callable[[], Any]) -> None:
    command = [sys.executable, "-m", "benchmarks.beside", place, program, str(stop)]
    tills = [subprocess.Popen([*command, deed], stdout=subprocess.PIPE, text=True) for deed in DEEDS]
    for till in tills:
        assert till.stdout is not None and till.stdout.readline()
    begun = time.time()
    load()
    ended = time.time()
    stop.touch()
    for deed, till in zip(DEEDS, tills, strict=True):
        calls: list[tuple[float, float]] = json.loads(till.communicate()[0])
        waits = sorted(end - start for start, end in calls if end > begun and start < ended)
        middle, late, most = (waits[int(part * (len(waits) - 1))] * 1e3 for part in (0.5, 0.95, 1))
        print(f"  {what + ', ' + deed:<40} {middle:>8.1f} ms (median) {late:>8.1f} ms (p95) {most:>8.1f} ms (longest)"
              f"   {len(waits)} calls in {ended - begun:.1f} s")


def _till(place: str, program: str, stop: Path, deed: str) -> None:
    calls = []
    with custcrm.open(place) as crm:
        anna = crm.customers.add(first_name="Anna")
        crm.programs.join(anna, program)
        print("ready", flush=True)
        while not stop.exists():
            start = time.time()
            if deed == "add":
                crm.customers.add(first_name="Ben", email=f"{uuid4()}@example.org")
            else:
                crm.points.credit(anna, program, 1)
            calls.append((start, time.time()))
            time.sleep(REST_SECONDS)
    print(json.dumps(calls))


if __name__ == "__main__":
    _till(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4])
