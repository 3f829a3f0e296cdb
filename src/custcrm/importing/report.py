"""What became of a file: a verdict for each row, and their counts. Reasons and fields, never a cell's content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from os import PathLike
from typing import Final

from attrs import field, frozen

from custcrm.files import written_whole
from custcrm.importing.beside import Beside, encoding_heading, labels_heading
from custcrm.importing.encoding import spelled
from custcrm.importing.refused import RefusedRows
from custcrm.importing.source import CsvSource

_VERDICTS: Final = ("added", "updated", "unchanged", "refused")


class RowReason(StrEnum):
    """Why a row was refused, or, for `consent_kept`, what of it was not taken."""

    BAD_ROW = "bad_row"
    BAD_VALUE = "bad_value"
    BAD_EMAIL = "bad_email"
    BAD_PHONE = "bad_phone"
    BAD_DATE = "bad_date"
    BAD_AMOUNT = "bad_amount"
    MISSING_IDENTITY = "missing_identity"
    MISSING_VALUE = "missing_value"
    DUPLICATE_IN_FILE = "duplicate_in_file"
    EMAIL_TAKEN = "email_taken"
    CARD_NUMBER_TAKEN = "card_number_taken"
    UNKNOWN_CUSTOMER = "unknown_customer"
    UNKNOWN_TERMINAL = "unknown_terminal"
    UNKNOWN_POINT_OF_SALE = "unknown_point_of_sale"
    UNKNOWN_PROGRAM = "unknown_program"
    BLACKLISTED = "blacklisted"
    CONFLICT = "conflict"
    CONSENT_KEPT = "consent_kept"


_REASONS: Final = frozenset(RowReason)


@frozen
class RowVerdict:
    """One row: `verdict` is added, updated, unchanged or refused; `line` is where it begins in the file.

    A refused row has a `reason` (see `RowReason`), the `field` it is about, and a `message` for people. `customer_id` is whom
    the row is about; missing when refused, and when a dry run would have added the customer.
    """

    line: int
    verdict: str
    reason: str | None = None
    field: str | None = None
    customer_id: str | None = None
    message: str = ""


@frozen(kw_only=True)
class ImportReport:
    """The verdicts of one file, in its order: iterate for rows, `counts` for numbers, `print` for a look.

    Where the import was done before under the same key it is `repeated`: nothing was written, and the counts are those of then.
    Where it went on after it had stopped, the counts are of all of it. Either way rows that were done before have the verdict
    that they would have now: most of them are unchanged, and those that were refused are refused again.
    """

    id: str
    counts: Mapping[str, int] = field(hash=False)
    dry_run: bool = False
    repeated: bool = False
    rows: tuple[RowVerdict, ...] = field(repr=False)
    source: CsvSource = field(repr=False)
    _kept: RefusedRows = field(factory=RefusedRows, repr=False, eq=False)

    @classmethod
    def of(
        cls, id: str, rows: tuple[RowVerdict, ...], source: CsvSource, kept: RefusedRows, *, dry_run: bool
    ) -> ImportReport:
        """Return the report of these verdicts."""
        return cls(id=id, counts=add_up(rows), dry_run=dry_run, rows=rows, source=source, kept=kept)

    def __iter__(self) -> Iterator[RowVerdict]:
        return iter(self.rows)

    @property
    def refused(self) -> tuple[RowVerdict, ...]:
        """The rows that were not taken."""
        return tuple(row for row in self.rows if row.verdict == "refused")

    @property
    def encoding(self) -> str:
        """The encoding that the file was read in: 'UTF-8', 'Windows-1252'."""
        return spelled(self.source.encoding)

    @property
    def is_encoding_guessed(self) -> bool:
        """Whether the file said nothing of its encoding, so that somebody should look at the `samples`."""
        return self.source.is_guessed

    @property
    def samples(self) -> tuple[tuple[int, str], ...]:
        """A few values with letters that would be others in another encoding, each with its line; none unless it is a guess."""
        return self.source.samples

    @property
    def doubts(self) -> str:
        """What a person should look at where the encoding is a guess, with the samples, line by line; else nothing."""
        if not self.is_encoding_guessed:
            return ""
        asked = f"{self.encoding} is a guess: are these spelled right? If not, import the file again and say its encoding="
        return "\n".join([asked, *(f"{line:>4}  {value!r}" for line, value in self.samples)])

    @property
    def title(self) -> str:
        """What the file was found to be: 'people.csv: UTF-8, comma, 4 rows'."""
        nothing = "; nothing written (dry run)" if self.dry_run else ""
        rows = sum(self.counts.values())
        return f"{self.source.path.name}: {self.source.description}, {rows:,} rows{nothing}"

    @property
    def summary(self) -> str:
        """The counts in words: '2 added, 2 refused'."""
        if not self.counts:
            return "no rows"
        would = "would be " if self.dry_run else ""
        return ", ".join(
            f"{count:,} {would if verdict in ('added', 'updated') else ''}{verdict}" for verdict, count in self.counts.items()
        )

    def write_refused(self, target: str | PathLike[str]) -> int:
        """Write the refused rows as they were, with line and reason beside them, and return how many.

        They were kept when they were refused, so the source may have changed since, and may be the target itself. Encoding,
        delimiter, quotes and the number of cells are the source's. Line and reason stand in front, so that a row that was cut
        off stays so: what is written behind it would be the cells that it lacks. Mend the file and import it again as it is,
        with the same arguments: its encoding, and which tags are labels, were found out by the whole file, and are told by
        headings in front. The columns in front are skipped. The file appears whole or not at all; see `custcrm.files`.
        """
        reasons = {row.line: row.reason for row in self.refused}
        source = self.source
        beside = Beside.of(source.header, self._headings(), delimiter=source.delimiter, reasons=_REASONS)
        ending = _line_end(source.header_text) or "\r\n"
        with written_whole(target, encoding=source.encoding) as file:
            file.write(source.mark + beside.header(source.header_text) + ending)
            for line, text in self._kept:
                file.write(beside.row(text, line, str(reasons[line])) + ending)
        return len(reasons)

    def _headings(self) -> Iterator[str]:
        """Yield what the file of refused rows says of the whole file, where its rows alone may say something else."""
        if not self.source.encoding.startswith("utf-"):
            yield encoding_heading(self.encoding)
        if self._kept.labels is not None:
            yield labels_heading(self._kept.labels)

    def __str__(self) -> str:
        lines = [self.title, *self.doubts.splitlines()]
        told = [row for row in self.rows if row.reason is not None]
        if told:
            lines.append("line  verdict   reason")
            lines += [f"{row.line:>4}  {row.verdict:<8}  {explained(row)}" for row in told]
        return "\n".join([*lines, self.summary])


def add_up(rows: Iterable[RowVerdict], counted: Mapping[str, int] | None = None) -> dict[str, int]:
    """Return how many rows have which verdict, together with those counted before."""
    met = Counter(counted or {})
    met.update(row.verdict for row in rows)
    return {verdict: met[verdict] for verdict in _VERDICTS if met[verdict]}


def explained(row: RowVerdict) -> str:
    """Return reason and message of a row in one line: 'bad_phone: phone is not a phone number'."""
    return f"{row.reason}: {row.message}" if row.message else str(row.reason or "")


def _line_end(text: str) -> str:
    return text[len(text.rstrip("\r\n")) :]
