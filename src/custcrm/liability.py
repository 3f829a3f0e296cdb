"""Points liability: what a program owes to some customers, and when it lapses by time alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, Final, TypeAlias, cast

from attrs import field, frozen

from custcrm.business import Business
from custcrm.filters.syntax.nodes import TRUE
from custcrm.records import PointsEntry
from custcrm.records.points import DEBT
from custcrm.rules.lots import owed
from custcrm.storage.protocol import Reader
from custcrm.storage.questions import Question
from custcrm.values.periods import day_of

PAGE: Final = 1_000
"""Customers whose lots are asked for together."""

Sum: TypeAlias = tuple[str, datetime | None, int]
"""Customer, expiry, and the points of the customer's entries with that expiry."""

Sums: TypeAlias = Callable[[Mapping[str, Any]], Iterator[Sum]]
"""How entries add up, customer by customer; sums of 0 are left out."""

_INSTANT: Final = timedelta(microseconds=1)


@frozen(kw_only=True)
class Liability:
    """Points that `customers` are owed, and the `debt` of the `debtors`, as they stood at `as_of`.

    `expiring` says how much of the points is lost at the latest in which month ("2026-12", the business time zone's; a lot's
    last good instant counts) unless spent before; None stands for what never expires. Its sum is `points`. A customer's debt
    is taken out of what expires soonest, as a spend would be. Of the points, `pending` are those that nobody can spend yet.
    """

    program: str
    as_of: datetime
    points: int
    pending: int
    customers: int
    debt: int
    debtors: int
    expiring: Mapping[str | None, int] = field(hash=False)

    def __str__(self) -> str:
        lines = [f"{self.points:,} points of {self.customers:,} customers; {self.debt:,} owed by {self.debtors:,}"]
        lines += [f"  {'pending':>7}  {self.pending:>12,}, of these"] if self.pending else []
        lines += [f"  {month or 'never'}  {points:>12,}" for month, points in self.expiring.items()]
        return "\n".join(lines)


def liability(business: Business, question: Question, program: str) -> Liability:
    """Return what the program owes to the customers asked for, as it is or was then."""
    debt = debtors = customers = pending = 0
    months: Counter[str | None] = Counter()
    with business.reading() as reader:
        for left, waiting in _balances(reader, question, program):
            if left.get(None, 0) < 0:
                debtors, debt = debtors + 1, debt - left[None]
                continue
            customers += bool(left)
            pending += min(waiting, sum(left.values()))
            for expires_at, points in left.items():
                months[_month(expires_at, business.zone)] += points
    ordered = sorted(months, key=lambda month: (month is None, month))
    return Liability(
        program=program, as_of=question.as_of, points=months.total(), pending=pending, customers=customers, debt=debt,
        debtors=debtors, expiring={month: months[month] for month in ordered},
    )


def _month(expires_at: datetime | None, zone: tzinfo) -> str | None:
    return None if expires_at is None else day_of(expires_at - _INSTANT, zone).isoformat()[:7]


def _balances(reader: Reader, question: Question, program: str) -> Iterator[tuple[dict[datetime | None, int], int]]:
    """Yield what each customer who has had points is owed, and how much of what they have is pending."""
    if question.filter.node == TRUE:  # everyone: one walk through the entries
        yield from _owed(reader, question, {"program": program})
        return
    after: str | None = None
    while ids := reader.ids(question, after=after, limit=PAGE):
        yield from _owed(reader, question, {"program": program, "customer_id": ids})
        after = ids[-1]


def _owed(
    reader: Reader, question: Question, where: Mapping[str, str | Sequence[str]]
) -> Iterator[tuple[dict[datetime | None, int], int]]:
    pending = _pending(reader, question, where)
    sums = _then(reader, question.as_of) if question.past else _now(reader)
    debts = {customer_id: -points for customer_id, _, points in sums({**where, "lot_id": DEBT})}
    for customer_id, group in groupby(sums(where), key=itemgetter(0)):
        lots = {end: points for _, end, points in group if end is None or end > question.as_of}
        if debt := debts.get(customer_id, 0):
            lots[None] = lots.get(None, 0) + debt  # the debt's own lot is among those that never expire
        yield owed(lots, debt), pending.get(customer_id, 0)


def _pending(reader: Reader, question: Question, where: Mapping[str, str | Sequence[str]]) -> Mapping[str, int]:
    """Return the points that cannot be spent yet, by customer: they are over only after that."""
    if not question.past:
        return dict(reader.totals(PointsEntry, where, by=("customer_id",), of="delta", beyond={"valid_from": question.as_of}))
    found = Counter[str]()
    for entry in reader.find(PointsEntry, where):
        if entry.valid_from is not None and entry.occurred_at <= question.as_of < entry.valid_from:
            found[entry.customer_id] += entry.delta
    return found


def _now(reader: Reader) -> Sums:
    """Return how all entries there are add up."""
    by = ("customer_id", "expires_at")
    return lambda where: cast("Iterator[Sum]", reader.totals(PointsEntry, where, by=by, of="delta"))


def _then(reader: Reader, as_of: datetime) -> Sums:
    """Return how the entries up to an instant add up."""

    def sums(where: Mapping[str, Any]) -> Iterator[Sum]:
        for customer_id, entries in groupby(reader.find(PointsEntry, where), key=attrgetter("customer_id")):
            points: Counter[datetime | None] = Counter()
            for entry in entries:
                points[entry.expires_at] += entry.delta if entry.occurred_at <= as_of else 0
            yield from ((customer_id, expires_at, total) for expires_at, total in points.items() if total)

    return sums
