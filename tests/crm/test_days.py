"""What a day means: at every door that takes one, as a start it begins, as an end and as `as_of` it is over."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import sqlalchemy as sa
import typer
from attrs import frozen

import custcrm
from custcrm.cli.app import app
from custcrm.cli.questions import Asked
from custcrm.records import Opening, TagAssignment
from custcrm.values.errors import Malformed
from tests.public_names import public_names

DAY = date(2026, 11, 23)
FIRST = datetime(2026, 11, 22, 22, tzinfo=UTC)
NEXT = FIRST + timedelta(days=1)
LAST = NEXT - timedelta(microseconds=1)
"""In Helsinki: the first instant of the day, the first of the next day, and the last of the day."""

SPELLINGS = (DAY, "2026-11-23")
NUMBERS = count()
"""For names and keys, which are used once."""


class Clock:
    """A clock that is set to any instant, to the microsecond."""

    def __init__(self) -> None:
        self.now = FIRST - timedelta(days=2)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@frozen
class Shop:
    """A shop and two of its customers, on the day before the day before DAY."""

    crm: custcrm.Crm
    anna: custcrm.Customer
    ben: custcrm.Customer
    coupon: custcrm.Coupon
    message: custcrm.InboxMessage
    folder: Path


Door: TypeAlias = Callable[[Shop, Any], Any]


@pytest.fixture
def shop(crm: custcrm.Crm, tmp_path: Path) -> Shop:
    crm.programs.add("club", categories=["A", "B", "C"])
    crm.accounts.add("wallet", program="club")
    crm.coupons.add_series("s", program="club")
    anna, ben = crm.customers.add(first_name="Anna", email="anna@example.org"), crm.customers.add(first_name="Ben")
    for each in (anna, ben):
        crm.programs.join(each, "club")
    return Shop(crm, anna, ben, crm.coupons.issue(anna, "s"), crm.inbox.add(ben, title="Hello"), tmp_path)


@pytest.fixture
def lively(shop: Shop, clock: Clock) -> Shop:
    """Make it the same shop after DAY: of Anna one more of everything is known at FIRST, at LAST and at NEXT."""
    crm, anna = shop.crm, shop.anna
    deeds: list[Callable[[], object]] = [
        lambda: crm.coupons.reserve(shop.coupon, reference="r", for_="3 days"),
        lambda: crm.coupons.redeem(shop.coupon, reference="r"),
        lambda: crm.coupons.restore(shop.coupon, reason="cancelled"),
    ]
    for category, at, deed in zip("ABC", (FIRST, LAST, NEXT), deeds, strict=True):
        clock.now = at
        crm.sales.record(anna, "1.00")
        crm.points.credit(anna, "club", 10, expires="60 days")
        crm.points.credit(anna, "club", 1, valid_from="30 days")
        crm.accounts.replenish(anna, "wallet", "5.00")
        crm.tags.set(anna, "step", category)
        crm.programs.set_category(anna, "club", category)
        crm.coupons.issue(anna, "s")
        crm.inbox.add(anna, title=category)
        deed()
    return shop


# what is asked about a day ---------------------------------------------------------------------------

NOW = "joined_at <= now() AND joined_at > ago('1 day')"


def engine(ask: Callable[[Any, Any], Any]) -> Door:
    """Return a door of the filter engine alone, over rows of which one is of FIRST, one of LAST and one of NEXT."""
    schema = custcrm.filters.Schema({"joined_at": datetime}, timezone="Europe/Helsinki")
    return lambda _, when: ask(schema.parse(NOW), when)


ROWS = [{"joined_at": each} for each in (FIRST, LAST, NEXT)]
TABLE = sa.table("t", sa.column("joined_at", sa.DateTime(timezone=True)))

ASKED: dict[str, Door] = {
    "custcrm.Crm.select as_of": lambda b, when: [
        dict(row) for row in b.crm.select(as_of=when).view(["id", "sales_count", "programs.club.points", "tags.step"])
    ],
    "custcrm.filters.Filter.select as_of": engine(lambda rule, when: rule.select(ROWS, as_of=when)),
    "custcrm.filters.Filter.matches as_of": engine(lambda rule, when: [rule.matches(row, as_of=when) for row in ROWS]),
    "custcrm.filters.Filter.explain as_of": engine(lambda rule, when: [rule.explain(row, as_of=when).matched for row in ROWS]),
    "custcrm.filters.Filter.instant as_of": engine(lambda rule, when: rule.instant(when)),
    "custcrm.filters.Filter.to_sql as_of": engine(lambda rule, when: rule.to_sql(TABLE, as_of=when).compile().params),
    "custcrm.filters.Expression.value as_of": engine(
        lambda rule, when: [rule.schema.parse_value(NOW).value(row, as_of=when) for row in ROWS]
    ),
    "crm.accounts.available as_of": lambda b, when: b.crm.accounts.available(b.anna, "wallet", as_of=when),
    "crm.accounts.balance as_of": lambda b, when: b.crm.accounts.balance(b.anna, "wallet", as_of=when),
    "crm.coupons.available as_of": lambda b, when: b.crm.coupons.available(b.anna, as_of=when),
    "crm.coupons.state as_of": lambda b, when: b.crm.coupons.state(b.coupon, as_of=when),
    "crm.inbox.of as_of": lambda b, when: b.crm.inbox.of(b.anna, as_of=when),
    "crm.offers.available as_of": lambda b, when: b.crm.offers.available(b.anna, as_of=when),
    "crm.offers.of as_of": lambda b, when: b.crm.offers.of(b.anna, as_of=when),
    "crm.points.available as_of": lambda b, when: b.crm.points.available(b.anna, "club", as_of=when),
    "crm.points.balance as_of": lambda b, when: b.crm.points.balance(b.anna, "club", as_of=when),
    "crm.points.expiring as_of": lambda b, when: b.crm.points.expiring(b.anna, "club", within="90 days", as_of=when),
    "crm.points.history as_of": lambda b, when: b.crm.points.history(b.anna, "club", as_of=when),
    "crm.points.prove as_of": lambda b, when: b.crm.points.prove(b.anna, "club", as_of=when),
    "crm.points.pending as_of": lambda b, when: b.crm.points.pending(b.anna, "club", as_of=when),
    "crm.programs.tier as_of": lambda b, when: b.crm.programs.tier(b.anna, "club", as_of=when),
    "crm.programs.membership as_of": lambda b, when: b.crm.programs.membership(b.anna, "club", as_of=when),
    "crm.tags.of as_of": lambda b, when: b.crm.tags.of(b.anna, as_of=when),
    "custcrm --as-of": lambda b, when: [
        dict(row) for row in Asked("id EXISTS", str(when)).of(b.crm).view(["id", "sales_count"])
    ],
}


@pytest.mark.parametrize("door", ASKED)
def test_a_day_is_asked_about_when_it_is_over(lively: Shop, door: str) -> None:
    """As `as_of` a day is its last instant in the business zone: all of it is seen, and nothing of the next day."""
    first, last, following = (ASKED[door](lively, at) for at in (FIRST, LAST, NEXT))
    assert first != last != following
    assert [ASKED[door](lively, day) for day in SPELLINGS] == [last, last]


@pytest.mark.parametrize("timezone", ["America/New_York", "UTC", "Europe/Helsinki", "Pacific/Kiritimati"])
def test_the_years_of_as_of_are_those_of_the_zone(timezone: str) -> None:
    """The first day of 1900 and the last of 2200 can be asked about everywhere, the days beside them nowhere."""
    rule = custcrm.filters.Schema({"visits": int}, timezone=timezone).parse("visits > 0")
    assert [rule.instant(day) < rule.instant("2000-01-01") for day in ("1900-01-01", "2200-12-31")] == [True, False]
    for day in ("1899-12-31", "2201-01-01"):
        with pytest.raises(Malformed):
            rule.instant(day)


# where something ends ---------------------------------------------------------------------------------


def written(b: Shop, record: type) -> Any:
    """Return the last record of Anna's of a class."""
    with b.crm._business.reading() as reader:
        return max(reader.find(record, {"customer_id": b.anna.id}), key=lambda each: each.id)


def of_anna(b: Shop) -> custcrm.Selection:
    return b.crm.select("first_name = 'Anna'")


def series(b: Shop, **terms: Any) -> custcrm.CouponSeries:
    return b.crm.coupons.add_series(f"series {next(NUMBERS)}", program="club", **terms)


def told(b: Shop, plan: custcrm.Plan, record: type) -> Any:
    """Return what a plan wrote about Anna."""
    plan.apply(key=f"key {next(NUMBERS)}")
    return written(b, record)


def bounds(period: Any) -> tuple[datetime | None, datetime | None]:
    return period.since, period.until


def tagged(b: Shop, day: Any) -> Any:
    """Return the tag that is set until the day."""
    b.crm.tags.set(b.anna, "t", until=day)
    return written(b, TagAssignment)


ENDS: dict[str, Door] = {
    "custcrm.Selection.adjust_points expires": lambda b, day: told(
        b, of_anna(b).adjust_points("club", 5, reason="gift", expires=day), custcrm.PointsEntry).expires_at,
    "custcrm.Selection.credit_points expires": lambda b, day: told(
        b, of_anna(b).credit_points("club", 5, expires=day), custcrm.PointsEntry).expires_at,
    "custcrm.Selection.send_to_inbox ends": lambda b, day: told(
        b, of_anna(b).send_to_inbox("Hello", ends=day), custcrm.InboxMessage).ends_at,
    "custcrm.Selection.tag until": lambda b, day: told(b, of_anna(b).tag("t", until=day), TagAssignment).until,
    "crm.accounts.statement until": lambda b, day: b.crm.accounts.statement(b.anna, "wallet", until=day).until,
    "crm.coupons.add_series valid": lambda b, day: series(b, valid=day).valid_until,
    "crm.coupons.add_series issue_until": lambda b, day: series(b, issue_until=day).issue_until,
    "crm.series.change issue_until": lambda b, day: b.crm.series.change("s", issue_until=day).issue_until,
    "crm.earning.add ends": lambda b, day: b.crm.earning.add("club", f"rule {next(NUMBERS)}", ends=day).ends_at,
    "crm.earning.rule ends": lambda b, day: b.crm.earning.rule("club", ends=day).ends_at,
    "crm.inbox.add ends": lambda b, day: b.crm.inbox.add(b.anna, title="x", ends=day).ends_at,
    "crm.points.adjust expires": lambda b, day: (
        b.crm.points.adjust(b.anna, "club", 5, reason="gift", expires=day), written(b, custcrm.PointsEntry))[1].expires_at,
    "crm.points.credit expires": lambda b, day: (
        b.crm.points.credit(b.anna, "club", 5, expires=day), written(b, custcrm.PointsEntry))[1].expires_at,
    "crm.tags.set until": lambda b, day: tagged(b, day).until,
}


@pytest.mark.parametrize("door", ENDS)
def test_a_day_is_in_what_it_ends(shop: Shop, door: str) -> None:
    """As an end a day is over: the first instant that is no longer in is the first of the next day."""
    assert [ENDS[door](shop, day) for day in (*SPELLINGS, NEXT)] == [NEXT] * 3


# where something begins or happens ----------------------------------------------------------------------


def imported(b: Shop, day: Any) -> Any:
    """Return the sale of a file in whose cell the day stands."""
    path = b.folder / f"{next(NUMBERS)}.csv"
    path.write_text(f"external_id,occurred_at,total,email\n{path.stem},{day},1.00,anna@example.org\n", encoding="utf-8")
    assert b.crm.sales.import_csv(path).counts == {"added": 1}
    return written(b, custcrm.Sale)


def sale(b: Shop, **facts: Any) -> custcrm.Sale:
    return b.crm.sales.record(b.anna, "10.00", **facts)


def instant_of(terms: Any) -> datetime:
    """Return from when what is given is valid: terms keep it as text, as it may be a span."""
    return datetime.fromisoformat(terms.valid_from)


BEGINS: dict[str, Door] = {
    "custcrm.Selection.send_to_inbox distributed": lambda b, day: told(
        b, of_anna(b).send_to_inbox("Hello", distributed=day), custcrm.InboxMessage).distributed_at,
    "crm.accounts.statement since": lambda b, day: b.crm.accounts.statement(b.anna, "wallet", since=day).since,
    "crm.activities.log_call occurred_at": lambda b, day: b.crm.activities.log_call(
        b.anna, status="spoke", occurred_at=day).occurred_at,
    "crm.activities.log_job occurred_at": lambda b, day: b.crm.activities.log_job(
        b.anna, status="completed", occurred_at=day).occurred_at,
    "crm.activities.log_visit occurred_at": lambda b, day: b.crm.activities.log_visit(b.anna, occurred_at=day).occurred_at,
    "crm.coupons.add_series issue_from": lambda b, day: series(b, issue_from=day).issue_from,
    "crm.coupons.add_series valid_from": lambda b, day: instant_of(series(b, valid_from=day)),
    "crm.coupons.issue valid_from": lambda b, day: b.crm.coupons.issue(b.anna, "s", valid_from=day).valid_from,
    "custcrm.Selection.issue_coupons valid_from": lambda b, day: told(
        b, of_anna(b).issue_coupons("s", valid_from=day), custcrm.Coupon).valid_from,
    "crm.points.credit valid_from": lambda b, day: (
        b.crm.points.credit(b.anna, "club", 5, valid_from=day), written(b, custcrm.PointsEntry))[1].valid_from,
    "custcrm.Selection.credit_points valid_from": lambda b, day: told(
        b, of_anna(b).credit_points("club", 5, valid_from=day), custcrm.PointsEntry).valid_from,
    "crm.earning.add valid_from": lambda b, day: instant_of(b.crm.earning.add("club", f"rule {next(NUMBERS)}", valid_from=day)),
    "crm.earning.rule valid_from": lambda b, day: instant_of(b.crm.earning.rule("club", valid_from=day)),
    "crm.earning.add starts": lambda b, day: b.crm.earning.add("club", f"rule {next(NUMBERS)}", starts=day).starts_at,
    "crm.earning.rule starts": lambda b, day: b.crm.earning.rule("club", starts=day).starts_at,
    "crm.inbox.add distributed": lambda b, day: b.crm.inbox.add(b.anna, title="x", distributed=day).distributed_at,
    "crm.inbox.open at": lambda b, day: (
        b.crm.inbox.open(b.crm.inbox.add(b.anna, title="x"), at=day), written(b, Opening))[1].opened_at,
    "crm.offers.open at": lambda b, day: (
        b.crm.offers.open(b.crm.coupons.issue(b.anna, "s"), at=day), written(b, Opening))[1].opened_at,
    "crm.sales.record occurred_at": lambda b, day: sale(b, occurred_at=day).occurred_at,
    "crm.sales.refund occurred_at": lambda b, day: b.crm.sales.refund(
        sale(b, occurred_at="2026-11-01"), "1.00", occurred_at=day).occurred_at,
    "crm.sales.chargeback occurred_at": lambda b, day: b.crm.sales.chargeback(
        sale(b, occurred_at="2026-11-01"), "1.00", occurred_at=day).occurred_at,
    # told among other facts
    "crm.sales.record_all": lambda b, day: b.crm.sales.record_all(
        [{"customer": b.anna, "total": "1.00", "occurred_at": day}])[0].occurred_at,
    "crm.sales.import_csv": lambda b, day: imported(b, day).occurred_at,
    "crm.customers.add": lambda b, day: b.crm.customers.add(first_name="Chloe", signed_up_at=day).signed_up_at,
    "crm.customers.add_all": lambda b, day: b.crm.customers.add_all(
        [{"first_name": "Chloe", "signed_up_at": day}])[0].signed_up_at,
    "crm.customers.update": lambda b, day: b.crm.customers.update(b.anna, signed_up_at=day).signed_up_at,
}


@pytest.mark.parametrize("door", BEGINS)
def test_a_day_is_in_what_it_begins(shop: Shop, clock: Clock, door: str) -> None:
    """As a start a day begins, and what happens on a bare day happened when it began."""
    clock.now = FIRST - timedelta(hours=1)
    assert [BEGINS[door](shop, day) for day in (*SPELLINGS, FIRST)] == [FIRST] * 3


# both -------------------------------------------------------------------------------------------------

PERIODS: dict[str, Door] = {
    "crm.accounts.statement period": lambda b, period: bounds(b.crm.accounts.statement(b.anna, "wallet", period)),
    "crm.earning.dry_run period": lambda b, period: bounds(b.crm.earning.dry_run("club", period=period)),
    "crm.reports.transaction_log period": lambda b, period: (
        b.crm.reports.transaction_log(period=period).period.start, b.crm.reports.transaction_log(period=period).period.end),
}


@pytest.mark.parametrize("door", PERIODS)
def test_a_day_is_a_period(shop: Shop, door: str) -> None:
    """A day is a period by itself, and so is a pair of the same day twice: it begins with the day and ends with it."""
    periods = [*SPELLINGS, *((day, day) for day in SPELLINGS), (FIRST, NEXT)]
    assert [PERIODS[door](shop, period) for period in periods] == [(FIRST, NEXT)] * 5


def test_from_a_day_until_the_same_day_is_that_day(shop: Shop, clock: Clock) -> None:
    """A window whose first and last day are one is open on that day, from its first instant to its last."""
    shop.crm.coupons.add_series("one day", program="club", issue_from=DAY, issue_until=DAY)
    shop.crm.earning.add("club", "one day", per="visit", starts=DAY, ends=DAY)
    points: list[int] = []
    for at, is_open in ((FIRST - timedelta(hours=1), False), (FIRST, True), (LAST, True), (NEXT, False)):
        clock.now = at
        assert (not shop.crm.select("first_name = 'Ben'").issue_coupons("one day").problems) is is_open
        shop.crm.sales.record(shop.ben, "1.00", program="club")
        points.append(shop.crm.points.balance(shop.ben, "club"))
    assert points == [0, 1, 2, 2]
    with pytest.raises(Malformed):
        shop.crm.coupons.add_series("no day", program="club", issue_from=DAY, issue_until="2026-11-22")


# completeness -------------------------------------------------------------------------------------------

PARAMETER = re.compile(r"\b(\w+): '([^']*)'")
TAKES_A_DAY = re.compile(r"\b(?:date|When|PeriodLike)\b|^Any\b")
NO_DAY = frozenset({"row", "table", "collections", "changes", "options", "more", "customer", "keys"})
"""Arguments of any kind that are not about time; what of `more` and `changes` is about it stands in BEGINS."""
SPANS: dict[str, Door] = {
    "crm.earning.add expires": lambda b, day: b.crm.earning.add("club", f"rule {next(NUMBERS)}", expires=day),
    "crm.earning.rule expires": lambda b, day: b.crm.earning.rule("club", expires=day),
}
"""What takes lengths of time alone."""


@pytest.mark.parametrize("door", SPANS)
def test_a_day_is_no_span(shop: Shop, door: str) -> None:
    """Where a length of time counts from each sale a day means nothing, and is refused."""
    for day in SPELLINGS:
        with pytest.raises(Malformed):
            SPANS[door](shop, day)


def test_every_door_that_takes_a_day_stands_in_a_table() -> None:
    """Of every argument that may be a day these tables say whether it begins, ends or is asked about."""
    verbs = [line for line in public_names() if re.match(r"crm\.|custcrm\.(?:Crm|Selection|filters\.\w+)\.", line)]
    doors = {
        f"{line.partition('(')[0]} {name}"
        for line in verbs for name, kind in PARAMETER.findall(line.partition(") -> ")[0])
        if TAKES_A_DAY.search(kind) and name not in NO_DAY
    }
    listed = {*ASKED, *ENDS, *BEGINS, *PERIODS, *SPANS}
    assert len(doors) > 40
    assert doors - listed == set()
    assert {each for each in listed - doors if " " in each} == {"custcrm --as-of"}


def test_the_command_line_has_one_option_that_takes_a_day() -> None:
    """Options that speak of a date or a time are --as-of, which the table has."""
    pending, found = [typer.main.get_command(app)], set()
    while pending:
        command: Any = pending.pop()
        pending += getattr(command, "commands", {}).values()
        said = {each.opts[-1]: getattr(each, "help", None) or "" for each in command.params}
        found |= {option for option, text in said.items() if re.search(r"\b(?:date|time|day)\b", text)}
    assert found == {"--as-of"}
