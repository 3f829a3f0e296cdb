"""How a command answers: tables with borders in a terminal, aligned text when piped, JSON lines when asked for.

The name to know is `Output`.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from custcrm.filters.syntax.errors import visible
from custcrm.values.money import Money
from custcrm.view import plain_text

MEASURED: Final = 1_000
"""Rows by which the widths of piped columns are chosen; later ones may stand out, but all can be streamed."""

_BAR: Final = 16


@frozen
class Output:
    """Where and how answers go. `terminal`: somebody is looking."""

    as_json: bool
    terminal: bool

    @classmethod
    def here(cls, *, as_json: bool) -> Output:
        """Return the output of this process."""
        return cls(as_json=as_json, terminal=sys.stdout.isatty() and not as_json)

    def say(self, text: str, **facts: Any) -> None:
        """Write a text, or its facts as one JSON line; a text without facts is for people only."""
        if not self.as_json:
            print(text)
        elif facts:
            print(json.dumps({name: _to_json(value) for name, value in facts.items()}, ensure_ascii=False))

    def table(self, titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Write rows of values under their titles."""
        if self.as_json:
            for row in rows:
                self.say("", **dict(zip(titles, row, strict=True)))
        elif self.terminal:
            _bordered(titles, rows)
        else:
            _aligned(titles, rows)

    def csv(self, file: Path) -> None:
        """Hand a CSV file on as it is, byte for byte."""
        sys.stdout.flush()
        with file.open("rb") as source:
            shutil.copyfileobj(source, sys.stdout.buffer)
        sys.stdout.buffer.flush()

    @contextmanager
    def progress(self, label: str) -> Iterator[Callable[[int, int], None]]:
        """Give a function of (done, total) that moves a bar; without a terminal there is none."""
        if not (self.terminal and sys.stderr.isatty()):
            yield lambda done, total: None
            return
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(label, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)

    def done(self, label: str, text: str, **facts: Any) -> None:
        """Write what was done under a label, in a terminal with its full bar."""
        full = f"[{'#' * _BAR}] 100 %" if self.terminal else ""
        self.say(f"{label:<13}{f'{text:<62}{full}' if full else text}", **facts)


def _to_json(value: Any) -> Any:
    """Return a value as JSON has it: amounts, numbers with decimals and times as text."""
    if value is None or isinstance(value, bool | int | str | list | dict):
        return value
    return dict(value) if isinstance(value, Mapping) else _to_line(value)


def _to_line(value: Any) -> str:
    """Return a value as one line of text."""
    return visible(plain_text(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal | Money) and not isinstance(value, bool)


def _rights(width: int, rows: Sequence[Sequence[Any]]) -> list[bool]:
    """Tell for each column whether it holds numbers, which stand right."""
    return [
        any(_is_number(row[at]) for row in rows) and all(row[at] is None or _is_number(row[at]) for row in rows)
        for at in range(width)
    ]


def _bordered(titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    listed = list(rows)
    table = Table()
    for title, right in zip(titles, _rights(len(titles), listed), strict=True):
        table.add_column(Text(title), justify="right" if right else "left")
    for row in listed:
        table.add_row(*(Text(_to_line(value)) for value in row))
    Console().print(table)


def _aligned(titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    rows = iter(rows)
    first = list(islice(rows, MEASURED))
    rights = _rights(len(titles), first)
    shown = [[_to_line(value) for value in row] for row in first]
    widths = [max(map(len, column)) for column in zip(titles, *shown, strict=True)]
    for cells in chain([list(titles)], shown, ([_to_line(value) for value in row] for row in rows)):
        line = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(cells, widths, rights, strict=True)
        )
        print("  ".join(line).rstrip())
