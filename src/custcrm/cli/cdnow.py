"""The example data: real purchases of CDNOW's customers, and people invented for them. The name to know is `write_files`.

The purchases are read from `custcrm/example_data`, whose README tells where they come from. They hold no names, emails or
phones: those here are made from a fixed seed, of the addresses and numbers that are set aside for examples.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any, Final

from attrs import frozen

SEED: Final = 1
SYSTEM: Final = "cdnow"
"""What the customers' numbers in the data are ids of."""

_FIRST_NAMES: Final = (
    "Alice Amy Ann Ben Beth Carl Carol Clara Dan David Diane Emma Eric Frank Fred George Grace Helen Henry Irene Jack Jane "
    "Joan John Julia Karen Kate Laura Lee Leo Linda Lucy Mark Martha Mary Max Nancy Neil Nina Nora Oscar Paul Peter Rachel "
    "Ralph Rose Ruth Sam Sarah Simon Susan Ted Thomas Tina Vera Victor Walter Wendy"
)
_LAST_NAMES: Final = (
    "Adams Allen Baker Barnes Bell Bennett Brooks Brown Butler Carter Clark Cole Cook Cooper Cox Davis Dixon Ellis Evans "
    "Fisher Foster Fox Gray Green Hall Harris Hayes Hill Hughes James Jones Kelly King Lewis Long Martin Mason Miller Moore "
    "Morris Murphy Myers Nelson Palmer Parker Perry Porter Price Reed Rice Ross Shaw Stone Taylor Turner Walker Ward Wood"
)
_AREA_CODES: Final = (
    "201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 301 302 303 304 305 307 308 309 310 312 313 314 315"
)
_FICTIONAL: Final = 100
"""Numbers 555-0100 to 555-0199 of every area are set aside for fiction."""


@frozen
class Purchase:
    """One line of the data; `number` counts lines from 1, the only thing that tells equal ones apart."""

    number: int
    customer: str
    day: date
    units: int
    total: str


@frozen
class Files:
    """The CSV files to import, and the days of the first and last purchase."""

    customers: Path
    sales: Path
    first: date
    last: date


def write_files(folder: Path) -> Files:
    """Write customers and sales as CSV files into a folder."""
    purchases = _purchases()
    since: dict[str, date] = {}
    for purchase in purchases:
        since.setdefault(purchase.customer, purchase.day)
    customers, sales = folder / "customers.csv", folder / "sales.csv"
    _write(customers, _people(since))
    _write(sales, (
        {
            "line": each.number, f"external_ids.{SYSTEM}": each.customer, "occurred_at": each.day, "units": each.units,
            "total": each.total,
        }
        for each in purchases
    ))
    days = [each.day for each in purchases]
    return Files(customers, sales, min(days), max(days))


def _purchases() -> Sequence[Purchase]:
    text = files("custcrm").joinpath("example_data/cdnow_sample.txt").read_text(encoding="ascii")
    return [_purchase(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _purchase(number: int, line: str) -> Purchase:
    day = line[12:20]
    return Purchase(
        number, line[1:6], date(int(day[:4]), int(day[4:6]), int(day[6:])), int(line[21:23]), line[24:31].strip()
    )


def _people(since: Mapping[str, date]) -> Iterable[Mapping[str, Any]]:
    random = Random(SEED)  # noqa: S311 (people who do not exist, the same each time)
    first_names, last_names, areas = _FIRST_NAMES.split(), _LAST_NAMES.split(), _AREA_CODES.split()
    for at, (customer, day) in enumerate(since.items()):
        first, last = random.choice(first_names), random.choice(last_names)
        area, number = divmod(at, _FICTIONAL)
        yield {
            f"external_ids.{SYSTEM}": customer,
            "first_name": first,
            "last_name": last,
            "email": f"{first}.{last}.{customer}@example.org",
            "phone": f"+1 {areas[area]} 555 {_FICTIONAL + number:04}",
            "signed_up_at": day,
            "consents.sms": "yes",
        }


def _write(file: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    rows = list(rows)
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, list(rows[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)
