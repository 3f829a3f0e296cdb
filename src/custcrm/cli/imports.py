"""`custcrm import`: a file into the store, and what became of its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import attrs
from attrs import frozen

from custcrm.cli.output import Output
from custcrm.importing import ImportReport
from custcrm.importing.report import explained
from custcrm.values.errors import Malformed


@frozen
class Intake:
    """What a command was told about the file."""

    source: Path
    map: Sequence[str] | None
    ignore: Sequence[str] | None
    encoding: str | None
    delimiter: str | None
    decimal: str
    dry_run: bool
    refused: Path | None
    atomic: bool
    key: str | None
    labels: Sequence[str] | None = None

    @property
    def columns(self) -> dict[str, str]:
        """The columns by header cell; Malformed for what is not HEADER=COLUMN."""
        pairs = [each.rpartition("=") for each in self.map or ()]
        if not all(header and column for header, _, column in pairs):
            raise Malformed("a mapping is HEADER=COLUMN, e.g. --map \"E-mail=email\"", field="map")
        return {header: column for header, _, column in pairs}


def take_in(import_csv: Callable[..., ImportReport], intake: Intake, output: Output) -> None:
    """Take the file in and show the report: each row that was not simply taken in a dry run, else the counts."""
    told = {} if intake.labels is None else {"labels": intake.labels}
    with output.progress(intake.source.name) as progress:
        report = import_csv(
            intake.source, columns=intake.columns, ignore=intake.ignore or (), dry_run=intake.dry_run,
            progress=progress, encoding=intake.encoding, delimiter=_character(intake.delimiter), decimal=intake.decimal,
            atomic=intake.atomic, key=intake.key, **told,
        )
    written = ": done before under this key, nothing was written now" if report.repeated else ""
    if intake.refused is not None and not report.repeated:
        report.write_refused(intake.refused)
        written = f" (written to {intake.refused})"
    if output.as_json:
        _as_json(report, output)
        return
    if intake.dry_run:
        _show(report, output)
    else:
        print("".join([report.doubts and f"{report.doubts}\n", report.summary, written]))


def _show(report: ImportReport, output: Output) -> None:
    if not output.terminal:
        print(report)
        return
    print(report.title)
    if report.doubts:
        print(report.doubts)
    told = [(row.line, row.verdict, explained(row)) for row in report if row.reason is not None]
    if told:
        output.table(["line", "verdict", "reason"], told)
    print(report.summary)


def _as_json(report: ImportReport, output: Output) -> None:
    for row in report:
        output.say("", **attrs.asdict(row))
    facts = {
        "counts": report.counts, "rows": len(report.rows), "source": report.source.description, "dry_run": report.dry_run,
        "repeated": report.repeated,
    }
    if report.is_encoding_guessed:
        facts["samples"] = [{"line": line, "value": value} for line, value in report.samples]
    output.say("", **facts)


def _character(delimiter: str | None) -> str | None:
    """Return the delimiter; a tab is hard to type, so its usual names do."""
    return "\t" if delimiter in ("\\t", "tab") else delimiter
