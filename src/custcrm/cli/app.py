"""The commands and their options; what they do is in the modules beside this one, imported when a command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from custcrm.cli.failures import FOUND, reported
from custcrm.cli.output import Output
from custcrm.values import phones

app = typer.Typer(
    name="custcrm",
    help="Ask for customers in one small language, and act on exactly those people.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
importing = typer.Typer(no_args_is_help=True, help="Take customers or sales in from a CSV file.")
app.add_typer(importing, name="import")

Filter = Annotated[str, typer.Argument(help="A filter, e.g. \"sales_total > 500\".", show_default=False)]
Source = Annotated[Path, typer.Argument(help="The CSV file.", show_default=False)]
Store = Annotated[
    str | None, typer.Option(envvar="CUSTCRM_STORE", help="A path (a SQLite file) or a URL.", show_default=False)
]
Schema = Annotated[
    str | None, typer.Option(envvar="CUSTCRM_SCHEMA", help="The PostgreSQL schema of the store.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="The same facts as JSON lines.")]
Trace = Annotated[bool, typer.Option("--traceback", help="Show where an error came from.")]
Currency = Annotated[str | None, typer.Option(help="Of a new store, e.g. EUR.")]
Timezone = Annotated[str | None, typer.Option(help="Of a new store, e.g. Europe/Helsinki.")]
Country = Annotated[str | None, typer.Option(help="Of a new store: whose local phone numbers are read, e.g. FI.")]
Phones = Annotated[
    phones.Phones | None,
    typer.Option(help="Which numbers are kept: of ranges in use, or of a possible length.", show_default=False),
]
Maps = Annotated[list[str] | None, typer.Option("--map", metavar="HEADER=COLUMN", help="What a header cell means.")]
Ignore = Annotated[list[str] | None, typer.Option(metavar="HEADER", help="A header cell to leave out.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Write nothing; tell what would happen to each row.")]
Refused = Annotated[Path | None, typer.Option(help="Write the refused rows, with reasons, to this CSV file.")]
Encoding = Annotated[str | None, typer.Option(help="The file's encoding, where it is not found.")]
Delimiter = Annotated[str | None, typer.Option(help="The character between cells, where it is not found.")]
DecimalMark = Annotated[str, typer.Option("--decimal", help="The mark in amounts: '.' or ','.")]
Atomic = Annotated[bool, typer.Option("--atomic", help="All of the file, or nothing; others wait until it is done.")]
Key = Annotated[str | None, typer.Option(help="Take the file in once under this key; again, it goes on where it was stopped.")]
Labels = Annotated[list[str] | None, typer.Option("--label", metavar="KEY", help="A tag whose cells are a yes or a no.")]
Channels = Annotated[
    list[str] | None, typer.Option("--channel", metavar="NAME", help="A channel of the app's own.", show_default=False)
]
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="Ask as things stood then: an ISO time, or a date, when that day was over.")
]


@app.command()
def demo(
    store: Annotated[Path, typer.Option(help="The SQLite file to make.")] = Path("cdnow-demo.db"),
    json: Json = False,
    traceback: Trace = False,
) -> None:
    """Show everything on real purchases: import, segments, explanation, points, coupons, messages, a CSV."""
    with reported(show_traceback=traceback):
        from custcrm.cli.demo import run

        run(store, Output.here(as_json=json))


@importing.command()
def customers(
    source: Source,
    store: Store = None,
    schema: Schema = None,
    currency: Currency = None,
    timezone: Timezone = None,
    country: Country = None,
    phones: Phones = None,
    map: Maps = None,
    ignore: Ignore = None,
    dry_run: DryRun = False,
    refused: Refused = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    decimal: DecimalMark = ".",
    atomic: Atomic = False,
    key: Key = None,
    label: Labels = None,
    json: Json = False,
    traceback: Trace = False,
) -> None:
    """Add customers, and update those who are there already."""
    with reported(show_traceback=traceback):
        from custcrm.cli.imports import Intake, run
        from custcrm.cli.stores import Settings

        intake = Intake(source, map, ignore, encoding, delimiter, decimal, dry_run, refused, atomic, key, label or None)
        run("customers", intake, store, Settings(currency, timezone, country, phones, schema), Output.here(as_json=json))


@importing.command()
def sales(
    source: Source,
    store: Store = None,
    schema: Schema = None,
    currency: Currency = None,
    timezone: Timezone = None,
    country: Country = None,
    phones: Phones = None,
    map: Maps = None,
    ignore: Ignore = None,
    dry_run: DryRun = False,
    refused: Refused = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    decimal: DecimalMark = ".",
    atomic: Atomic = False,
    key: Key = None,
    json: Json = False,
    traceback: Trace = False,
) -> None:
    """Record sales of customers who are there already; each external id once."""
    with reported(show_traceback=traceback):
        from custcrm.cli.imports import Intake, run
        from custcrm.cli.stores import Settings

        intake = Intake(source, map, ignore, encoding, delimiter, decimal, dry_run, refused, atomic, key)
        run("sales", intake, store, Settings(currency, timezone, country, phones, schema), Output.here(as_json=json))


@app.command()
def select(
    filter: Filter,
    store: Store = None,
    schema: Schema = None,
    count: Annotated[bool, typer.Option("--count", help="Only how many.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Write CSV; the export is recorded.")] = False,
    columns: Annotated[str | None, typer.Option(help="Values to show, with commas between.")] = None,
    sort: Annotated[str | None, typer.Option(help="Values to sort by, each with ASC or DESC.")] = None,
    as_of: AsOf = None,
    program: Annotated[str | None, typer.Option(help="Count only what happened in this program.")] = None,
    point_of_sale: Annotated[str | None, typer.Option(help="Count only what happened there.")] = None,
    terminal: Annotated[str | None, typer.Option(help="Count only what happened there.")] = None,
    json: Json = False,
    traceback: Trace = False,
) -> None:
    """Show the customers that a filter gives; without columns nothing personal."""
    with reported(show_traceback=traceback):
        from custcrm.cli.questions import Asked
        from custcrm.cli.questions import select as answer
        from custcrm.cli.stores import existing

        with existing(store, schema) as crm:
            asked = Asked(filter, as_of, program, point_of_sale, terminal)
            answer(crm, asked, Output.here(as_json=json), count=count, csv=csv, columns=columns, sort=sort)


@app.command()
def explain(
    filter: Filter,
    store: Store = None,
    schema: Schema = None,
    email: Annotated[str | None, typer.Option(help="Whom, by exact email.")] = None,
    id: Annotated[str | None, typer.Option(help="Whom, by id.")] = None,
    external_id: Annotated[
        str | None, typer.Option(metavar="SYSTEM=ID", help="Whom, by another system's id.")
    ] = None,
    as_of: AsOf = None,
    json: Json = False,
    traceback: Trace = False,
) -> None:
    """Tell why a filter gives a customer, or why not."""
    with reported(show_traceback=traceback):
        from custcrm.cli.questions import Asked
        from custcrm.cli.questions import explain as answer
        from custcrm.cli.stores import existing

        with existing(store, schema) as crm:
            answer(crm, Asked(filter, as_of), Output.here(as_json=json), email=email, id=id, external_id=external_id)


@app.command()
def verify(
    store: Store = None, schema: Schema = None, channel: Channels = None, json: Json = False, traceback: Trace = False
) -> None:
    """Check a store against its promises; nothing is written. The exit code is 1 where something is found."""
    with reported(show_traceback=traceback):
        from custcrm.cli.stores import existing
        from custcrm.cli.verifying import check

        with existing(store, schema) as crm:
            kept = check(crm, channel or (), Output.here(as_json=json))
    raise typer.Exit(0 if kept else FOUND)


@app.command()
def migrate(store: Store = None, schema: Schema = None, json: Json = False, traceback: Trace = False) -> None:
    """Bring a store made by an earlier version up to date."""
    with reported(show_traceback=traceback):
        from custcrm.cli.stores import migrate as bring_up_to_date

        bring_up_to_date(store, schema, Output.here(as_json=json))
