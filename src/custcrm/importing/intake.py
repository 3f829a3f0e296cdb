"""The way of a file: read in batches, a decision for each, committed batch by batch or all at once.

A decision is made against the store as it was before the file and never reads what the file itself wrote, so a dry run, which
only decides, gives the same verdicts, and it does not matter where one transaction ends and the next begins. What was decided
is remembered when it is committed: a batch whose transaction was given up is decided again. The names to know are `Intake` and
`take_in`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, Final, Protocol

from attrs import evolve, frozen

from custcrm.actions.keys import Request, idempotency_key
from custcrm.actions.progress import Progress, going_on, show_progress
from custcrm.business import Business
from custcrm.importing.book import IMPORT, Book, taken_in
from custcrm.importing.columns import Columns, Row
from custcrm.importing.holders import identities
from custcrm.importing.reading import reason_of
from custcrm.importing.refused import RefusedRows
from custcrm.importing.report import ImportReport, RowReason, RowVerdict
from custcrm.importing.source import CsvSource, Piece
from custcrm.records import Import
from custcrm.storage.protocol import Reader, Writer
from custcrm.values.errors import Conflict, Malformed, Unfinished
from custcrm.values.shapes import flag

BATCH: Final = 1_000
"""Rows that are looked up and written together: few statements, lists that every engine takes, and a short wait for others."""
CELLS: Final = 200_000
"""Cells of them: rows of more than two hundred are taken by fewer, so that memory does not grow with their number."""


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


@frozen
class ReadRow:
    """A row whose cells have been read: what they say, or why it cannot be taken; and what it names a customer by."""

    row: Row
    told: Mapping[str, Any] | Refused
    named: Sequence[tuple[str, str]]


class Desk(Protocol):
    """Decides about the rows of a file, and knows what the file held before."""

    def read(self, row: Row) -> Mapping[str, Any]:
        """Return what the cells of a row say, whatever is in the store; Malformed or Refused where they say nothing."""

    def decide(self, rows: Sequence[ReadRow], reader: Reader, writer: Writer | None) -> Decision:
        """Return what becomes of the rows, against the store as it was before the file.

        With a writer, what they are about is claimed and held first, and read after that.
        """


@frozen
class Batch:
    """Rows of the file, read, and the verdicts of those that do not fit the header.

    The first of them begins on the line `first`, the last on `last`; `texts` are all of them as they stand in the file.
    """

    first: int
    last: int
    texts: Sequence[str]
    rows: Sequence[ReadRow]
    misfits: Sequence[RowVerdict]

    def decide(self, desk: Desk, reader: Reader, writer: Writer | None) -> Decision:
        """Return what becomes of them, in their order."""
        decision = desk.decide(self.rows, reader, writer)
        if not self.misfits:
            return decision
        return evolve(decision, verdicts=sorted([*decision.verdicts, *self.misfits], key=lambda verdict: verdict.line))


@frozen(kw_only=True)
class Intake:
    """A file, and how it is taken in, at most `size` rows at a time. `open_desk` returns who decides about its rows, for an
    import of that id.

    `labels` are the keys of the tags without value, where the file has columns of tags.
    """

    business: Business
    kind: str
    source: CsvSource
    columns: Columns
    open_desk: Callable[[str], Desk]
    request: Request
    dry_run: bool
    atomic: bool
    progress: Progress
    labels: Collection[str] | None = None
    size: int = BATCH

    @property
    def batch(self) -> int:
        """Rows of a batch."""
        return min(self.size, self.business.batch)

    @property
    def rows_at_once(self) -> int:
        """Rows that are read and decided about together: a batch, or less of very wide rows."""
        return max(1, min(self.batch, CELLS // len(self.columns.targets)))


def take_in(intake: Intake) -> ImportReport:
    """Take the file in, keep an Import record of it, and return the report.

    A file that fits one batch, an `atomic` one, and one within the application's own transaction is one transaction; else each
    batch is one. Where it cannot go on once it is begun, Unfinished tells how far it is.
    """
    business = intake.business
    flag(intake.atomic, field="atomic")
    if flag(intake.dry_run, field="dry_run"):
        with business.store.read() as reader:
            return _foresee_under_key(intake, reader)
    rows = sum(1 for _ in intake.source.rows())
    book = Book(business=business, kind=intake.kind, request=intake.request, rows=rows)
    if intake.atomic or rows <= intake.batch or business.store.is_writing():
        return business.transact(lambda writer: _Run(intake, book).go(lambda work: work(writer)))
    return _Run(intake, book).go(business.transact, batchwise=True)


def request(kind: str, source: CsvSource, told: Mapping[str, Any], key: str | None) -> Request:
    """Return what is asked for under a key: to take in what is in this file, read in this way; of which name is no matter."""
    if key is None:
        return Request(action=IMPORT, arguments={})
    return Request(action=IMPORT, arguments={"kind": kind, **told, "file": source.digest()}, key=idempotency_key(key))


def _foresee_under_key(intake: Intake, reader: Reader) -> ImportReport:
    """Return what taking the file in would, which is done once under its key; KeyConflict for another content."""
    begun, now = intake.request.foresee(reader), _foresee(intake, reader)
    if begun is None or not begun.is_finished or (kept := reader.get(Import, begun.id)) is None:
        return now
    return evolve(now, id=kept.id, counts=kept.counts, repeated=True)


def _foresee(intake: Intake, reader: Reader) -> ImportReport:
    """Decide about all rows and return the report; nothing is written."""
    id_, show = intake.business.ids.new(), show_progress(intake.progress)
    desk, verdicts, kept = intake.open_desk(id_), list[RowVerdict](), RefusedRows(intake.labels)
    for batch in _batches(intake, desk):
        decision = batch.decide(desk, reader, None)
        decision.remember()
        kept.keep(_texts_of_refused(batch, decision))
        verdicts += decision.verdicts
        show(min(batch.last, intake.source.lines - 1), intake.source.lines)
    show(intake.source.lines, intake.source.lines)
    return ImportReport.of(id_, tuple(verdicts), intake.source, kept, dry_run=True)


@frozen
class _Run:
    """One go through the file, from its first row; a transaction that is given up and begun again is another go."""

    intake: Intake
    book: Book

    def go(self, transact: Callable[[Callable[[Writer], Any]], Any], *, batchwise: bool = False) -> ImportReport:
        """Take the rows in, each batch by `transact`; those that an earlier go under the key has done are not done again."""
        intake, source, show = self.intake, self.intake.source, show_progress(self.intake.progress)
        kept, is_begun = transact(self.book.begin)
        if is_begun and taken_in(kept) == self.book.rows:
            return self._again()
        desk, verdicts, refused_rows = intake.open_desk(kept.id), list[RowVerdict](), RefusedRows(intake.labels)
        with going_on(lambda why: self._unfinished(kept, why)) if batchwise else nullcontext():
            for batch in _batches(intake, desk, kept.done):
                decision, kept = transact(partial(self._step, desk, batch, kept.id))
                decision.remember()
                refused_rows.keep(_texts_of_refused(batch, decision))
                verdicts += decision.verdicts
                show(min(batch.last, source.lines - 1), source.lines)
            show(source.lines, source.lines)
        return evolve(ImportReport.of(kept.id, tuple(verdicts), source, refused_rows, dry_run=False), counts=kept.counts)

    def _again(self) -> ImportReport:
        """Return the counts of then, and the rows with the verdicts that they would have now."""
        with self.intake.business.reading() as reader:
            return evolve(_foresee_under_key(self.intake, reader), dry_run=False)

    def _step(self, desk: Desk, batch: Batch, id: str, writer: Writer) -> tuple[Decision, Import]:
        """Take a batch in; of one that is done already, only decide, for the rows to come."""
        kept = self.book.look_again(writer, id)
        if kept.done >= batch.last:
            return batch.decide(desk, writer, None), kept
        if kept.done >= batch.first:
            raise Conflict("somebody else takes this file in under the same key, in batches of another size")
        decision = batch.decide(desk, writer, writer)
        if decision.changed:
            writer.put(decision.changed)
        if decision.fresh:
            writer.add(decision.fresh)
        return decision, self.book.note(writer, kept, decision.verdicts, batch.last)

    def _unfinished(self, kept: Import, why: str) -> Unfinished:
        key = self.intake.request.key
        if kept.done:
            why = f"the rows up to line {kept.done} are taken in{'; ' if why else ''}{why}"
        if key is not None and self.intake.source.is_changed():
            key, why = None, f"{why}, as it was or under another key"
        return Unfinished(taken_in(kept), self.book.rows, key=key, why=why)


def _texts_of_refused(batch: Batch, decision: Decision) -> list[tuple[int, str]]:
    """Return line and text of the rows that were not taken."""
    told = zip(batch.texts, decision.verdicts, strict=True)
    return [(verdict.line, text) for text, verdict in told if verdict.verdict == "refused"]


def _batches(intake: Intake, desk: Desk, done: int = 0) -> Iterator[Batch]:
    """Yield the rows in batches; one ends with the line that is `done`.

    Rows are read before the transaction begins in which they are decided about, so that it is short.
    """
    for piece in intake.source.pieces(intake.rows_at_once, done):
        yield _read(intake.columns, desk, piece)


def _read(columns: Columns, desk: Desk, piece: Piece) -> Batch:
    rows, misfits = [], []
    for line, _, cells in piece.rows:
        row = columns.row(line, cells)
        if row is None:
            message = f"the row has {len(cells)} cells, the header {len(columns.targets)}"
            misfits.append(RowVerdict(line, "refused", RowReason.BAD_ROW, None, None, message))
        else:
            rows.append(ReadRow(row, _told(desk, row), identities(row)))
    return Batch(piece.rows[0][0], piece.rows[-1][0], piece.texts, rows, misfits)


def _told(desk: Desk, row: Row) -> Mapping[str, Any] | Refused:
    try:
        return desk.read(row)
    except Malformed as error:
        return misread(error)
    except Refused as why:
        return why


def refused(row: Row, why: Refused) -> RowVerdict:
    """Return the verdict of a row that cannot be taken."""
    return RowVerdict(row.line, "refused", why.reason, why.field, None, why.message)


def misread(error: Malformed) -> Refused:
    """Return the refusal for a cell that cannot be read; of the error's sentence, the part that says what is wrong."""
    return Refused(reason_of(error), error.field, str(error.args[0]).partition("; ")[0])


def once(seen: Mapping[Any, int], key: Any, column: str, field: str | None) -> None:
    """Refuse a row that names what an earlier row of the file has named."""
    if key in seen:
        raise Refused(RowReason.DUPLICATE_IN_FILE, field, f"same {_spelled(column)} as line {seen[key]}")


def _spelled(column: str) -> str:
    name, point, key = column.partition(".")
    return f"id in {key}" if point else name.replace("_", " ")
