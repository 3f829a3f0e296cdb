"""`custcrm demo`: the whole library on real purchases in a few seconds. Every figure is asked of the engine.

The name to know is `run`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

import custcrm
from custcrm.cli.cdnow import SEED, SYSTEM, Files, write_files
from custcrm.cli.output import Output
from custcrm.crm import Crm
from custcrm.importing import ImportReport
from custcrm.selection import Plan, Selection
from custcrm.values.errors import Conflict

CURRENCY: Final = "USD"
TIMEZONE: Final = "America/New_York"
TODAY: Final = date(1998, 7, 1)
"""The day after the last purchase: the demo's clock stands still where it begins."""

SEGMENTS: Final = {
    "big spenders": "sales_total > 500",
    "regulars": "sales_count >= 10",
    "one purchase": "sales_count = 1",
    "active": "last_sale_at >= ago('3 months')",
    "lapsed and good": "sales_total > 200 AND last_sale_at < ago('6 months')",
}
WON_BACK: Final = "lapsed and good"
PROGRAM: Final = "club"
POINTS: Final = 100
EXPIRES: Final = "30 days"
KEY: Final = "demo-win-back"
SERIES: Final = "come-back"
CAPACITY: Final = 100
EXPLAINED: Final = "02761"
CSV: Final = "lapsed-and-good.csv"
TEXT: Final = "Hello {first_name|friend}, {points} points and a coupon wait for you until the end of July. We miss you!"

_MADE_BY_DEMO: Final = "CDNOW, made by custcrm demo"
"""Title of the program in a file that the demo may overwrite."""


def run(store: Path, output: Output) -> None:
    """Make the store and show what can be asked of it and done with it."""
    _clear(store)
    now = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=ZoneInfo(TIMEZONE))
    with TemporaryDirectory() as folder, custcrm.open(
        store, currency=CURRENCY, timezone=TIMEZONE, country="US", clock=lambda: now, actor="custcrm demo"
    ) as crm:
        crm.programs.add(PROGRAM, title=_MADE_BY_DEMO)
        files = write_files(Path(folder))
        _introduce(store, crm, files, now, output)
        _import("Customers", crm.customers.import_csv, files.customers, {}, output)
        _import("Sales", crm.sales.import_csv, files.sales, {"line": "external_id"}, output)
        _segments(crm, output)
        _explanation(crm, output)
        lapsed = crm.select("SEGMENT(:name)", {"name": WON_BACK})
        _points(crm, lapsed, output)
        _coupons(crm, lapsed, output)
        _message(crm, lapsed & crm.select(f"programs.{PROGRAM}.access = 'full'"), output)
        _take_away(lapsed, store.with_name(CSV), output)
    output.say(f'Next:   custcrm select "sales_count > 20" --store {store}', store=str(store))


def _clear(store: Path) -> None:
    """Make room for the demo's file: an earlier one of its own goes, anything else stays."""
    if not store.exists():
        return
    if not _is_ours(store):
        raise Conflict(f"{store} was not made by the demo; choose another file with --store")
    for name in (store.name, f"{store.name}-wal", f"{store.name}-shm"):
        store.with_name(name).unlink(missing_ok=True)


def _is_ours(store: Path) -> bool:
    # Opening it as a store would set one up in any SQLite file: it is only looked at.
    try:
        with closing(sqlite3.connect(f"file:{quote(str(store))}?mode=ro", uri=True)) as connection:
            titles = connection.execute("SELECT title FROM custcrm_programs WHERE name = ?", [PROGRAM]).fetchall()
    except sqlite3.Error:
        return False
    return titles == [(_MADE_BY_DEMO,)]


def _introduce(store: Path, crm: Crm, files: Files, now: datetime, output: Output) -> None:
    at = now.replace(tzinfo=None).isoformat(timespec="minutes")
    output.say(
        f"CDNOW, 1/10 sample: real purchases {files.first} to {files.last}. "
        f"Names, emails and phones are invented (seed {SEED}).",
        purchases_from=files.first, purchases_to=files.last, seed=SEED,
    )
    output.say(
        f"{'Store':<13}{store} (SQLite, {crm.currency}, {crm.timezone}, at {at})",
        store=str(store), currency=crm.currency, timezone=str(crm.timezone), at=at,
    )


def _import(
    label: str, import_csv: Callable[..., ImportReport], source: Path, columns: dict[str, str], output: Output
) -> None:
    with output.progress(label) as progress:
        counts = import_csv(source, columns=columns, progress=progress).counts
    added, refused = counts.get("added", 0), counts.get("refused", 0)
    output.done(label, f"{added:,} added, {refused:,} refused", imported=label.lower(), added=added, refused=refused)


def _segments(crm: Crm, output: Output) -> None:
    for name, filter_text in SEGMENTS.items():
        crm.segments.add(name, filter_text)
    counted = [(name, crm.select("SEGMENT(:name)", {"name": name}).count(), text) for name, text in SEGMENTS.items()]
    output.say("")
    if output.terminal or output.as_json:
        output.table(["segment", "people", "filter"], counted)
    else:
        print(f"{'segment':<15}    {'people':>6}   filter")
        for name, people, text in counted:
            print(f"{name:<15}    {people:>6,}   {text}")
    output.say("")


def _explanation(crm: Crm, output: Output) -> None:
    customer = crm.customers.find_by_external_id(SYSTEM, EXPLAINED)
    assert customer is not None, "the customer is in the data"
    explanation = crm.select(SEGMENTS["active"]).explain(customer)
    lines = str(explanation).split("\n")
    output.say("\n".join([f'explain {EXPLAINED} in "active": {lines[0]}', *lines[1:]]),
               explained=EXPLAINED, segment="active", matched=explanation.matched, why=lines[1:])


def _points(crm: Crm, lapsed: Selection, output: Output) -> None:
    crm.select().join(PROGRAM).apply(key="demo-join")
    crm.programs.set_access(lapsed.ids()[0], PROGRAM, "blacklisted", reason="shows a refusal")
    plan = lapsed.credit_points(PROGRAM, POINTS, expires=EXPIRES)
    skipped = ", ".join(f"{reason} {count:,}" for reason, count in plan.skipped.items())
    output.say(
        f'plan    credit {POINTS} points in {PROGRAM}, expiring in {EXPIRES}, to "{WON_BACK}"\n'
        f"        {plan.eligible:,} eligible, {sum(plan.skipped.values()):,} skipped ({skipped}), "
        f"cost {plan.cost.points:,} points",
        plan="credit_points", eligible=plan.eligible, skipped=plan.skipped, points=plan.cost.points,
    )
    result, again = plan.apply(key=KEY), plan.apply(key=KEY)
    output.say(f"apply   key {KEY}: {result.applied:,} credited", apply=KEY, applied=result.applied)
    same = again.repeated and again == result
    what = "nothing new, the same result" if same else f"{again.applied:,} credited once more"
    output.say(f"again   key {KEY}: {what}", again=KEY, repeated=same)


def _coupons(crm: Crm, lapsed: Selection, output: Output) -> None:
    crm.coupons.add_series(SERIES, program=PROGRAM, capacity=CAPACITY, per_customer=1, valid=EXPIRES)
    issued = lapsed.issue_coupons(SERIES).apply(key="demo-coupons").applied
    left = crm.coupons.left(SERIES)
    output.say(f"coupons {SERIES}: {issued:,} issued, {left:,} left", coupons=SERIES, issued=issued, left=left)


def _message(crm: Crm, members: Selection, output: Output) -> None:
    plan: Plan = members.send_message(TEXT.replace("{points}", str(POINTS)), channel="sms")
    planned = plan.apply(key="demo-message").applied
    waiting = crm.outbox.waiting()
    place = "in the outbox" if waiting == planned else f"{waiting:,} in the outbox"
    parts = plan.cost.sms_parts
    output.say(f"message {planned:,} planned, {parts:,} SMS parts, {place}", planned=planned, sms_parts=parts, waiting=waiting)


def _take_away(lapsed: Selection, target: Path, output: Output) -> None:
    columns = [f"external_ids.{SYSTEM}", "first_name", "email", "sales_count", "sales_total", "last_sale_at"]
    rows = lapsed.view(columns, sort=["sales_total DESC"]).to_csv(target)
    output.say(f"wrote   {target.name} ({rows:,} rows)", wrote=target.name, rows=rows)
