"""Sales: recording them and what they earn, taking them back. The names to know are `record`, `refund` and `cancel`.

Whoever writes here claims external ids first and then holds customers, in the order of their ids; the clock is read after that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from attrs import evolve

from custcrm.actions import eligibility
from custcrm.actions.keys import Request, once
from custcrm.actions.places import place_of
from custcrm.actions.points import earning
from custcrm.business import Business, customer_id
from custcrm.records import Customer, Program, Sale, SaleLine
from custcrm.rules.sales import sales as rules
from custcrm.storage.facts_of_many import MOST, Gathered
from custcrm.storage.protocol import Writer
from custcrm.storage.questions import Question
from custcrm.values.errors import Conflict, Malformed, NotFound, Reason, Refusal
from custcrm.values.identifiers import optional
from custcrm.values.shapes import mapping, several, whole_number
from custcrm.values.spelling import nearest

LARGEST_UNITS: Final = 10**9
"""Units of one sale."""

FIELDS: Final = (
    "customer", "total", "occurred_at", "lines", "units", "terminal", "point_of_sale", "program", "source", "document",
    "external_id",
)
"""What a sale is told by; the first two always."""

SCOPE: Final = "sale"
"""The scope in which external ids of sales and refunds are claimed."""


def record(business: Business, rows: Iterable[Mapping[str, Any]], *, key: str | None = None) -> list[Sale]:
    """Record sales, each a mapping of FIELDS, and credit what they earn; all or none. A known external id is recorded once."""
    now = business.now()
    told = [_check_row(row, number) for number, row in enumerate(several(rows, field="rows"), 1)]
    made = [_read_sale(business, row, id_, now) for id_, row in zip(business.ids.many(len(told)), told, strict=True)]
    request = Request(action="record_sales", arguments={"rows": told}, key=key)
    return list(once(business, request, lambda writer: _record(business, writer, told, made, now)))


def _record(
    business: Business, writer: Writer, told: Sequence[Mapping[str, Any]], made: Sequence[earning.Told], now: datetime
) -> list[Sale]:
    """Write the sales that are not known by their external ids yet, and return all as they are kept."""
    recorded: list[Sale] = []
    fresh: list[earning.Told] = []
    known = _find_known(writer, [sale for sale, _ in made])
    rewarding = earning.of_programs(business, writer, [sale.program for sale, _ in made])
    earners = {sale.customer_id for sale, _ in made if sale.external_id not in known and rewarding.of(sale)}
    if earners:
        for earner in sorted(earners):
            writer.hold(Customer, earner)
        made = _move_to_now(made, now, business.now())
    for (sale, lines), row in zip(made, told, strict=True):
        if sale.external_id is not None and sale.external_id in known:
            recorded.append(_check_same(known[sale.external_id], sale, row))
            continue
        rules.check_moment(sale.occurred_at, sale.recorded_at, business.zone)
        recorded.append(sale)
        fresh.append((sale, lines))
        known[sale.external_id] = sale
    for at in range(0, len(fresh), MOST):
        _add(business, writer, rewarding, fresh[at : at + MOST])
    return recorded


def _move_to_now(made: Sequence[earning.Told], before: datetime, now: datetime) -> list[earning.Told]:
    """Return the sales with those of `before` made now: others may have written about the customers while we waited."""
    def moved(sale: Sale, lines: Sequence[SaleLine]) -> earning.Told:
        if sale.occurred_at != before:
            return sale, lines
        return evolve(sale, occurred_at=now, recorded_at=now), [evolve(line, occurred_at=now) for line in lines]

    return [moved(sale, lines) for sale, lines in made]


def _add(business: Business, writer: Writer, rewarding: earning.Earning, fresh: Sequence[earning.Told]) -> None:
    """Write sales that nobody knows yet, and their credits; a sale sees those of its customer that were told before it."""
    now = business.now()
    for turn, told in enumerate(_turns(fresh, rewarding)):
        gathered = Gathered(writer, {sale.customer_id for sale, _ in told})
        if not turn:
            for sale, _ in fresh:
                _allow(business, gathered, sale, now)
        credits_ = list(earning.credited(rewarding, told, gathered, now))
        writer.add([each for sale, lines in told for each in (sale, *lines)])
        writer.add(credits_)


def _turns(fresh: Sequence[earning.Told], rewarding: earning.Earning) -> list[list[earning.Told]]:
    """Return the sales in turns, in each at most one of a customer where what it earns depends on those before."""
    turns: list[list[earning.Told]] = [[]]
    latest: dict[str, int] = {}
    for sale, lines in fresh:
        before = latest.get(sale.customer_id, -1)
        turn = before + 1 if rewarding.asks(sale) else max(before, 0)
        latest[sale.customer_id] = turn
        if turn == len(turns):
            turns.append([])
        turns[turn].append((sale, lines))
    return turns


def _read_sale(business: Business, row: Mapping[str, Any], id_: str, now: datetime) -> earning.Told:
    """Return the records of a sale as told; nothing is looked up about the customer yet."""
    owner = customer_id(row["customer"])
    at = business.instant(row.get("occurred_at"), field="occurred_at") or now
    terminal, told = optional(row.get("terminal"), field="terminal"), row.get("lines")
    if terminal is None and row.get("point_of_sale") is None:
        terminal = business.terminal
    place, program = place_of(business, terminal, row.get("point_of_sale"))
    if row.get("program") is not None:
        program = business.known(Program, row["program"], "program").name
    lines = rules.lines(() if told is None else told, customer_id=owner, sale_id=id_, at=at, amount=business.amount)
    total, units = business.amount(row["total"], field="total"), row.get("units")
    least = -LARGEST_UNITS if total.minor < 0 else 0
    if units is not None:
        message = f"units are a whole number from {least:,} to {LARGEST_UNITS:,}"
        whole_number(units, least, LARGEST_UNITS, field="units", message=message)
    sale = Sale(
        customer_id=owner, id=id_, occurred_at=at, **rules.about_total(total),
        units=sum(line.quantity for line in lines) if units is None else units,
        program=program or business.program, point_of_sale=place, terminal=terminal,
        source=_read_text(row.get("source"), "source") or "in_store", document=_read_text(row.get("document"), "document"),
        external_id=_read_text(row.get("external_id"), "external_id"), recorded_at=now,
    )
    return sale, lines


def _find_known(writer: Writer, sales: Sequence[Sale]) -> dict[str | None, Sale]:
    wanted = [sale.external_id for sale in sales if sale.external_id is not None]
    if not wanted:
        return {}
    writer.claim(SCOPE, wanted)
    return {sale.external_id: sale for sale in writer.find(Sale, {"external_id": wanted})}


def _allow(business: Business, gathered: Gathered, sale: Sale, now: datetime) -> None:
    """Refuse a sale to nobody, and one in a program where the customer is blacklisted."""
    row = gathered.facts(sale.customer_id, Question(business.everyone(), now))
    if row is None:
        raise NotFound("no customer has this id")
    if sale.program is None:
        return
    [_, (reason, rule)] = eligibility.member(business.schema, sale.program)
    if not row.matches(rule):
        raise Refusal(reason, details={"program": sale.program})
    assert reason is Reason.BLACKLISTED


def _check_same(known: Sale, told: Sale, row: Mapping[str, Any]) -> Sale:
    if row.get("occurred_at") is None:  # a repeated call that named no time means the same time
        told = evolve(told, occurred_at=known.occurred_at)
    different = rules.differences(known, told)
    if different:
        raise Conflict(
            f"sale {known.id} has this external id and differs in {', '.join(different)}; "
            "a sale is recorded once and never changed"
        )
    return known


def _check_row(row: Mapping[str, Any], number: int) -> Mapping[str, Any]:
    """Return a told sale; Malformed when it lacks what a sale needs, or says what no sale has."""
    for name in mapping(row, field=f"rows[{number}]"):
        if name not in FIELDS:
            raise Malformed(f"sale {number} has no {name!r}", field=name, suggestions=nearest(name, FIELDS))
    for name in FIELDS[:2]:
        if row.get(name) is None:
            raise Malformed(f"sale {number} needs a {name}", field=name)
    return row


def _read_text(value: Any, field: str) -> str | None:
    return optional(value, field=field)
