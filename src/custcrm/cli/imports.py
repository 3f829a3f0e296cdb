"""`custcrm import`: a file into the store, and what became of its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import attrs
from attrs import evolve, frozen

from custcrm.actions.progress import Progress
from custcrm.cli.output import Output
from custcrm.cli.stores import Settings, importable
from custcrm.crm import Crm
from custcrm.files import require_writable
from custcrm.importing import ImportReport
from custcrm.importing.report import explained
from custcrm.values.errors import Malformed

Noun: TypeAlias = Literal["customers", "sales"]

SHOWN: Final = 10
"""Refused rows that are told of where they are written to no file."""


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


def run(noun: Noun, intake: Intake, store: str | None, settings: Settings, output: Output) -> None:
    """Take a file of customers or sales into a store, which is made if it is not there and the file can be read."""
    if intake.refused is not None:
        require_writable(intake.refused)

    def trial(empty: Crm) -> None:
        _import(empty, noun, evolve(intake, dry_run=True), False)

    with importable(store, settings, trial, dry_run=intake.dry_run) as crm:
        with output.progress(intake.source.name) as progress:
            report = _import(crm, noun, intake, progress)
        _tell(report, intake, output)


def _import(crm: Crm, noun: Noun, intake: Intake, progress: Progress) -> ImportReport:
    told: dict[str, Any] = {} if intake.labels is None else {"labels": intake.labels}
    verb: Callable[..., ImportReport] = crm.customers.import_csv if noun == "customers" else crm.sales.import_csv
    return verb(
        intake.source, columns=intake.columns, ignore=intake.ignore or (), dry_run=intake.dry_run,
        progress=progress, encoding=intake.encoding, delimiter=_character(intake.delimiter), decimal=intake.decimal,
        atomic=intake.atomic, key=intake.key, **told,
    )


def _tell(report: ImportReport, intake: Intake, output: Output) -> None:
    """Show the report: each row that was not simply taken in a dry run, else the counts."""
    written = ": done before under this key, nothing was written now" if report.repeated else ""
    if intake.refused is not None and report.write_refused(intake.refused):
        written = f" (written to {intake.refused}){written}"
    if output.as_json:
        _as_json(report, output)
        return
    if intake.dry_run:
        _show(report, output)
    else:
        untold = [] if intake.refused is not None or report.repeated else _first_refused(report)
        print("\n".join([*report.doubts.splitlines(), *untold, f"{report.summary}{written}"]))


def _first_refused(report: ImportReport) -> list[str]:
    """Return a line for each of the first rows that were refused, and how many more there are."""
    lines = [f"line {row.line}  {explained(row)}" for row in report.refused[:SHOWN]]
    more = len(report.refused) - len(lines)
    return [*lines, f"and {more:,} more; --refused FILE writes all of them"] if more else lines


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
