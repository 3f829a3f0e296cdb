"""The way of a file: read in batches, a decision for each, all of it written in one transaction or nothing at all.

A decision is made against the store as it was before the file and never reads what the file itself wrote, so a dry run, which
only decides, gives the same verdicts. The name to know is `take_in`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

from attrs import frozen

from custcrm.actions.progress import Progress, show_progress
from custcrm.business import Business
from custcrm.importing.columns import Columns, Row
from custcrm.importing.report import ImportReport, RowReason, RowVerdict
from custcrm.importing.source import CsvSource, Line
from custcrm.records import Import
from custcrm.storage.protocol import Reader, Writer
from custcrm.values.errors import Malformed

BATCH: Final = 1_000
"""Rows that are looked up and written together: few statements, and lists that every engine takes."""


class Refused(Exception):
    """This row cannot be taken: why, the column it is about, and a sentence without the cell's content. Never leaves here."""

    def __init__(self, reason: RowReason, field: str | None = None, message: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.message = message


@frozen
class Decision:
    """What becomes of some rows: their verdicts, the records to add and to change for them, and what to remember of them."""

    verdicts: Sequence[RowVerdict]
    fresh: Sequence[Any]
    changed: Sequence[Any] = ()
    remember: Callable[[], None] = lambda: None


class Decide(Protocol):
    """Decides about a batch of rows; knows what the file held before."""

    def __call__(self, rows: Sequence[Row], reader: Reader, writer: Writer | None) -> Decision:
        """Return what becomes of the rows, against the store as it was before the file.

        With a writer, what they are about is claimed and held first, and read after that.
        """


def take_in(
    business: Business,
    kind: str,
    source: CsvSource,
    columns: Columns,
    decide: Decide,
    *,
    id: str,
    dry_run: bool,
    progress: Progress,
) -> ImportReport:
    """Take the file in, keep an Import record of it, and return the report. All of it or nothing is applied."""
    show = show_progress(progress)
    verdicts: list[RowVerdict] = []
    opened: AbstractContextManager[Any] = business.store.read() if dry_run else business.store.write()
    with opened as store:
        for batch, line in _batches(source.rows()):
            decision, misfits = _decided(decide, columns, batch, store, None if dry_run else store)
            if not dry_run:
                _write(store, decision)
            decision.remember()
            verdicts += sorted([*decision.verdicts, *misfits], key=lambda verdict: verdict.line) if misfits \
                else decision.verdicts
            show(min(line, source.lines - 1), source.lines)
        report = ImportReport.of(id, tuple(verdicts), source, dry_run=dry_run)
        if not dry_run:
            store.add([_record(business, kind, report)])
    show(source.lines, source.lines)
    return report


def _decided(
    decide: Decide, columns: Columns, batch: Sequence[Line], reader: Reader, writer: Writer | None
) -> tuple[Decision, Sequence[RowVerdict]]:
    """Decide about a batch; rows that do not fit the header are refused before."""
    rows, misfits = [], []
    for line, cells in batch:
        row = columns.row(line, cells)
        if row is None:
            message = f"the row has {len(cells)} cells, the header {len(columns.targets)}"
            misfits.append(RowVerdict(line, "refused", RowReason.BAD_ROW, None, None, message))
        else:
            rows.append(row)
    return decide(rows, reader, writer), misfits


def _write(writer: Any, decision: Decision) -> None:
    if decision.changed:
        writer.put(decision.changed)
    if decision.fresh:
        writer.add(decision.fresh)


def _record(business: Business, kind: str, report: ImportReport) -> Import:
    return Import(
        id=report.id, kind=kind, counts=dict(report.counts), actor=business.actor, occurred_at=business.now()
    )


def _batches(lines: Iterator[Line]) -> Iterator[tuple[list[Line], int]]:
    """Yield the rows in batches, each with the line of its last row."""
    batch: list[Line] = []
    for line in lines:
        batch.append(line)
        if len(batch) == BATCH:
            yield batch, line[0]
            batch = []
    if batch:
        yield batch, batch[-1][0]


def refused(row: Row, why: Refused) -> RowVerdict:
    """Return the verdict of a row that cannot be taken."""
    return RowVerdict(row.line, "refused", why.reason, why.field, None, why.message)


def misread(error: Malformed, reason: RowReason) -> Refused:
    """Return the refusal for a cell that cannot be read; of the error's sentence, the part that says what is wrong."""
    return Refused(reason, error.field, str(error.args[0]).partition("; ")[0])


def once(seen: Mapping[Any, int], key: Any, column: str, field: str | None) -> None:
    """Refuse a row that names what an earlier row of the file has named."""
    if key in seen:
        raise Refused(RowReason.DUPLICATE_IN_FILE, field, f"same {_spelled(column)} as line {seen[key]}")


def _spelled(column: str) -> str:
    name, point, key = column.partition(".")
    return f"id in {key}" if point else name.replace("_", " ")
