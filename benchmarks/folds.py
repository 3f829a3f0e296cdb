"""What an import pays for the folded copies of texts: the same import, in the same process, with the copies and without them.

Without, the columns are there and stay empty; the copies without case of names and emails, by which customers are searched for,
are written on both sides. Times are those of the processor for this process, in which other work on the machine does not count;
those of the wall are told beside them. The median of the rounds of either is told, which take turns.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from statistics import median
from time import perf_counter
from typing import Any

import custcrm
from benchmarks.compare import Line, heading
from custcrm.records.declaration import declaration
from custcrm.storage.folding import copies_of
from custcrm.storage.sql import encoding

ROUNDS = 9
ROWS = 20_000
ALPHABET = "äöåéüñçøß"

NAMES: dict[str, Callable[[int], bool]] = {
    "names of ASCII": lambda _: False, "half of the names accented": lambda n: n % 2 == 0, "all names accented": lambda _: True,
}


def run(folder: Path) -> None:
    heading(f"Import of {ROWS:,} customers into SQLite with folded copies, against none: user time, median of {ROUNDS}")
    for what, accented in NAMES.items():
        file = folder / "named.csv"
        file.write_text("first_name,last_name,email\n" + "".join(map(_row, range(ROWS), map(accented, range(ROWS)))), "utf-8")
        with_copies, without = _measure(lambda: _load(folder / "named.db", file))
        wall = f"none (wall × {with_copies[1] / without[1]:.3f})"
        print(Line(what, with_copies[0], without[0], wall, "× ≤ 1.10"))


def _row(n: int, accented: bool) -> str:
    letter = ALPHABET[n % len(ALPHABET)] if accented else "a"
    return f"Jos{letter} M{n % 5_000},L{letter}nd{letter} {n},n{n}@example.org\n"


def _load(store: Path, file: Path) -> tuple[float, float]:
    """Import the file into a new store, and return the times of that, of the processor and of the wall."""
    for suffix in ("", "-wal", "-shm"):
        store.with_name(store.name + suffix).unlink(missing_ok=True)
    with custcrm.open(store) as crm:
        gc.collect()
        user, wall = getrusage(RUSAGE_SELF).ru_utime, perf_counter()
        assert crm.customers.import_csv(file).counts == {"added": ROWS}
        return getrusage(RUSAGE_SELF).ru_utime - user, perf_counter() - wall


def _measure(load: Callable[[], tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the median times with the copies, and without."""
    load()
    found: list[list[tuple[float, float]]] = [[], []]
    for _ in range(ROUNDS):
        found[0].append(load())
        with _unfolded():
            found[1].append(load())
    return [(median(user for user, _ in times), median(wall for _, wall in times)) for times in found]


@contextmanager
def _unfolded() -> Iterator[None]:
    """Let stores write no folds of texts, and the copies without case as they do."""
    encoding.copies_of = _copies_without_folds
    encoding.encode.cache_clear()
    try:
        yield
    finally:
        encoding.copies_of = copies_of
        encoding.encode.cache_clear()


def _copies_without_folds(record: type) -> Callable[[tuple[Any, ...]], tuple[str | None, ...]]:
    about = declaration(record)
    whole = sum(copy.whole for copy in about.copies)
    nothing = (None,) * (len(about.copies) - whole)
    if not whole:
        return lambda row: nothing
    places = [about.names.index(copy.of) for copy in about.copies if copy.whole]
    fold = custcrm.filters.fold
    return lambda row: (*[row[place] and fold(row[place], case=True) for place in places], *nothing)
