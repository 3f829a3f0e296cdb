"""Reports that are read off the records themselves, so that none can be stale: transactions in order of time, point balances.

The names to know are `TransactionLog` and `PointBalances`; `crm.reports` makes both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import groupby, takewhile
from operator import attrgetter
from os import PathLike
from typing import Any, Final

from attrs import evolve, field, frozen
from attrs import fields as columns_of

from custcrm.business import Business
from custcrm.filters import Filter
from custcrm.filters.syntax.nodes import Exists, Field
from custcrm.records import AccountEntry, GuestRedemption, PointsEntry, Redemption, Sale
from custcrm.records.customers import full_name
from custcrm.records.programs import API
from custcrm.selection import Selection
from custcrm.storage.protocol import Reader
from custcrm.values.errors import Malformed
from custcrm.values.money import Money
from custcrm.values.periods import Period, local
from custcrm.values.shapes import several
from custcrm.values.spelling import nearest
from custcrm.values.texts import checked
from custcrm.view import Row, View, ahead

# the transaction log --------------------------------------------------------------------------------


@frozen(kw_only=True, repr=False)
class Transaction:
    """One line of the log: what happened at `occurred_at`, in the business time zone, and what moved.

    Of a points movement over several lots there is one line, and `id` is what its entries share. A guest has no
    `customer_id`. `restored_at`: when a redemption was given back.
    """

    occurred_at: datetime
    kind: str
    customer_id: str | None
    program: str | None
    point_of_sale: str | None
    terminal: str | None
    money: Money | None = None
    points: int | None = None
    units: int | None = None
    reference: str | None = None
    actor: str = ""
    restored_at: datetime | None = None
    id: str

    def __repr__(self) -> str:
        return f"<Transaction {self.id} {self.kind}>"


@frozen(kw_only=True)
class Total:
    """What the transactions of one kind come to; None where nothing of that sort moved."""

    count: int = 0
    money: Money | None = None
    points: int | None = None
    units: int | None = None

    def plus(self, line: Transaction) -> Total:
        """Return the total with one more transaction."""
        return Total(
            count=self.count + 1, money=_sum(self.money, line.money), points=_sum(self.points, line.points),
            units=_sum(self.units, line.units),
        )


def _sum(total: Any, more: Any) -> Any:
    return total if more is None else more if total is None else total + more


@frozen(kw_only=True)
class _Source:
    """Where transactions of a family are kept: the record, its column of time, and what a record says as a line.

    `named` is the line's kind for each kind of the record; the only one of a record without kinds is under "".
    """

    record: type
    at: str
    named: Mapping[str, str] = field(hash=False)
    line: Callable[[Any], Mapping[str, Any]] = field(hash=False)


SOURCES: Final[Mapping[str, tuple[_Source, ...]]] = {
    "sales": (
        _Source(
            record=Sale, at="occurred_at", named={"sale": "sale", "refund": "refund", "chargeback": "chargeback"},
            line=lambda sale: {
                "money": sale.total, "units": sale.units, "reference": sale.external_id or sale.document or sale.refund_of,
            },
        ),
    ),
    "points": (
        _Source(
            record=PointsEntry, at="occurred_at",
            named={kind: f"points_{kind}" for kind in ("credit", "spend", "adjust", "reverse", "transfer", "expire")},
            line=lambda entry: {
                "points": entry.delta, "reference": entry.reference, "actor": entry.actor, "id": entry.spend_id or entry.id,
            },
        ),
    ),
    "accounts": (
        _Source(
            record=AccountEntry, at="occurred_at",
            named={kind: f"account_{kind}" for kind in ("replenish", "spend", "adjust", "reverse")},
            line=lambda entry: {
                "money": entry.amount, "units": entry.units, "reference": entry.reference, "actor": entry.actor,
            },
        ),
    ),
    "coupons": tuple(
        _Source(
            record=record, at="redeemed_at", named={"": "coupon_redeemed"},
            line=lambda used: {
                "money": used.discount, "reference": used.reference, "actor": used.actor, "restored_at": used.restored_at,
            },
        )
        for record in (Redemption, GuestRedemption)
    ),
}
"""The families of transactions, and their records."""

KINDS: Final = tuple(dict.fromkeys(kind for sources in SOURCES.values() for each in sources for kind in each.named.values()))
"""All kinds of transactions."""

LINE: Final = tuple(each.name for each in columns_of(Transaction))

_INSTANT: Final = timedelta(microseconds=1)


def _just_before(start: datetime) -> tuple[datetime] | None:
    """Return after what to read so that `start` is the first; None from the first day of the calendar, which has no before."""
    return None if start - datetime.min.replace(tzinfo=UTC) < _INSTANT else (start - _INSTANT,)


@frozen(kw_only=True, eq=False, repr=False)
class TransactionLog:
    """The transactions of a period in order of time: iterate for lines, `totals` for sums by kind, `to_csv` for a file.

    Nothing is kept: each time it is read it is as it is then. `places` are the program, point of sale and terminal that it is
    narrowed to.
    """

    period: Period
    places: Mapping[str, str]
    kinds: tuple[str, ...]
    _business: Business

    def __iter__(self) -> Iterator[Transaction]:
        return self._business.store.confine(ahead(self._each()))

    def _each(self) -> Iterator[Transaction]:
        with self._business.reading() as reader:
            wanted = [each for sources in SOURCES.values() for each in sources]
            streams = [self._lines(reader, each) for each in wanted if set(self.kinds) & set(each.named.values())]
            yield from merge(*streams, key=attrgetter("occurred_at"))

    @property
    def totals(self) -> Mapping[str, Total]:
        """What each kind comes to, in the order of `KINDS`; kinds of which there is nothing are left out."""
        found: dict[str, Total] = {}
        for line in self:
            found[line.kind] = found.get(line.kind, Total()).plus(line)
        return {kind: found[kind] for kind in KINDS if kind in found}

    def to_csv(self, target: str | PathLike[str], *, delimiter: str = ",", bom: bool = False, raw: bool = False) -> int:
        """Write the lines as CSV, as a View does, and return their number; the export is recorded."""
        return self._table.to_csv(target, delimiter=delimiter, bom=bom, raw=raw)

    @property
    def _table(self) -> View:
        return View(LINE, self._business, lambda: ({name: getattr(line, name) for name in LINE} for line in self))

    def _lines(self, reader: Reader, source: _Source) -> Iterator[Transaction]:
        where: dict[str, Any] = dict(self.places)
        some = [kind for kind, name in source.named.items() if name in self.kinds]
        if len(some) < len(source.named):
            where["kind"] = some
        if source.record is Sale and where.get("terminal") == API:
            where["terminal"] = [API, None]  # where no till is named, a sale keeps none
        at, end, zone = attrgetter(source.at), self.period.end, self._business.zone
        found: Any = reader.find(source.record, where, order=(source.at,), after=_just_before(self.period.start))
        for _, same in groupby(takewhile(lambda each: at(each) < end, found), key=lambda each: (at(each), _holder(each))):
            lines: dict[tuple[str, str], Transaction] = {}
            for each in same:
                line = _line(source, each)
                known = lines.get((line.id, line.kind))
                both = line if known is None else evolve(known, points=_sum(known.points, line.points))
                lines[line.id, line.kind] = both
            for line in lines.values():
                restored = line.restored_at and local(line.restored_at, zone)
                yield evolve(line, occurred_at=local(line.occurred_at, zone), restored_at=restored)

    def __str__(self) -> str:
        return str(self._table)

    def __repr__(self) -> str:
        where = "".join(f" {name} {value!r}" for name, value in self.places.items())
        return f"<TransactionLog {self.period.start.isoformat()} to {self.period.end.isoformat()}{where}>"


def _holder(each: Any) -> str | None:
    return None if isinstance(each, GuestRedemption) else each.customer_id


def _line(source: _Source, each: Any) -> Transaction:
    kind = source.named[""] if "" in source.named else source.named[each.kind]
    said: dict[str, Any] = {
        "occurred_at": getattr(each, source.at), "kind": kind, "customer_id": _holder(each), "program": each.program,
        "point_of_sale": each.point_of_sale, "terminal": each.terminal, "id": each.id,
    }
    return Transaction(**{**said, **source.line(each)})


def kinds_asked(kinds: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the kinds of transactions that these words mean: kinds, or families of them; None is all."""
    if kinds is None:
        return KINDS
    found: list[str] = []
    for word in [kinds] if isinstance(kinds, str) else several(kinds, field="kinds"):
        checked(word, field="kinds")
        if word in SOURCES:
            found += [kind for each in SOURCES[word] for kind in each.named.values()]
        elif word in KINDS:
            found.append(word)
        else:
            known = (*SOURCES, *KINDS)
            message = f"kinds are {', '.join(known)}"
            raise Malformed(message, field="kinds", suggestions=nearest(word, known))
    if not found:
        raise Malformed("say which kinds, or leave them out for all", field="kinds")
    return tuple(dict.fromkeys(found))


# point balances -------------------------------------------------------------------------------------


NAME, BALANCE = "Full name or company name", "Point balance"
COLUMNS: Final[Mapping[str, str]] = {
    "Business ID": "registry_code", "Email": "email", "Customer card number": "card_number",
}
"""What stands between the name and the balance: title → field."""


@frozen(eq=False, repr=False)
class PointBalances:
    """The points of every member of a program, with who they are: iterate for rows, `total`, `to_csv`."""

    program: str
    view: View

    @classmethod
    def of(cls, members: Selection, business: Business, program: str) -> PointBalances:
        """Return the report about these customers, those who are members; nothing is read yet."""
        asked = members.narrowed(Filter.of(business.schema, Exists(Field(("programs", program)))))
        return cls(program, View((NAME, *COLUMNS, BALANCE), business, lambda: _balances(asked, business, program)))

    @property
    def columns(self) -> tuple[str, ...]:
        """The titles of the columns."""
        return self.view.columns

    def __iter__(self) -> Iterator[Row]:
        return iter(self.view)

    @property
    def total(self) -> int:
        """The sum of all balances; debts count against it."""
        return sum(row[BALANCE] for row in self)

    def to_csv(self, target: str | PathLike[str], *, delimiter: str = ",", bom: bool = False, raw: bool = False) -> int:
        """Write the rows as CSV, as a View does, and return their number; the export is recorded."""
        return self.view.to_csv(target, delimiter=delimiter, bom=bom, raw=raw)

    def __str__(self) -> str:
        return f"{self.view}\ntotal {self.total:,}"

    def __repr__(self) -> str:
        return f"<PointBalances {self.program}>"


def _balances(members: Selection, business: Business, program: str) -> Iterator[Row]:
    named = ("kind", "first_name", "last_name", "company_name")
    asked = [Field((name,)) for name in (*named, *COLUMNS.values())]
    shown = [business.shown(each) for each in (*asked, Field(("programs", program, "points")))]
    question = members.question()

    def ask() -> Iterator[tuple[Any, ...]]:
        with business.reading() as reader:
            yield from reader.rows(question, shown)

    for _, kind, first, last, company, *about, points in ahead(ask()):
        name = full_name(kind, first, last, company)
        yield {NAME: name, **dict(zip(COLUMNS, about, strict=True)), BALANCE: points}
