"""Points that sales earn: the rules of a program, what a sale is credited, and what rules would have given.

The names to know are `rule`, `credited` and `tried`. What a rule gives is decided by `rules.earning`; here are the customers'
facts that it depends on. Who may earn is asked as things are now, the filter of a rule as they were before the sale.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice, takewhile
from typing import Any, Final, TypeAlias

from attrs import field, frozen

from custcrm.actions import eligibility
from custcrm.actions.coupons.redemptions import discounts_of
from custcrm.business import Business
from custcrm.filters import Filter
from custcrm.records import EarningRule, PointsEntry, Program, Sale, SaleLine
from custcrm.records.earning import Earns, Rounding
from custcrm.records.programs import API
from custcrm.records.sales import SaleKind
from custcrm.rules import earning as rules
from custcrm.rules.lots import lifetime
from custcrm.rules.sales.shares import Discount, taken_off
from custcrm.storage.customer_facts import Facts
from custcrm.storage.facts_of_many import MOST, Gathered
from custcrm.storage.protocol import Reader
from custcrm.storage.questions import Question
from custcrm.values.errors import Malformed
from custcrm.values.identifiers import key_name, optional
from custcrm.values.money import Money
from custcrm.values.periods import PeriodLike, beginning, period, span
from custcrm.values.shapes import one_of, whole_number
from custcrm.values.spans import SPAN_TEXT

MOST_POINTS: Final = 10**6
"""Points of one rule for each amount, unit or visit."""
_POINTS: Final = f"points of a rule are a whole number from 1 to {MOST_POINTS:,}"

LARGEST_FACTOR: Final = 1_000

CATEGORY_LIMIT: Final = 200
"""Characters of a category, as in the lines of sales."""

_FACTOR = re.compile(r"[0-9]{1,4}(\.[0-9]{1,6})?")

_SHORTEST: Final = timedelta(microseconds=1)
_FIRST: Final = datetime.min.replace(tzinfo=UTC)

Told: TypeAlias = tuple[Sale, Sequence[SaleLine]]
"""A sale and its lines."""


def rule(
    business: Business,
    program: str,
    name: str,
    *,
    per: Earns | str,
    points: int,
    amount: Money | str | int | Decimal,
    factor: str | int | Decimal | None,
    category: str | None,
    filter: str | Filter | None,
    minimum: Money | str | int | Decimal | None,
    rounding: Rounding | str,
    valid_from: Any,
    expires: Any,
    starts: datetime | date | str | None,
    ends: datetime | date | str | None,
) -> EarningRule:
    """Return a rule that is checked, and kept nowhere yet."""
    now, what = business.now(), one_of(per, Earns, field="per")
    begins = business.instant(starts, field="starts") or now
    until = business.ending(ends, field="ends")
    if until is not None and until <= begins:
        raise Malformed("ends is not after starts; the rule would never hold", field="ends")
    multiplies = what is Earns.MULTIPLIER
    for told, of in ((expires, "expires"), (valid_from, "valid_from")):
        if multiplies and told is not None:
            raise Malformed(f"a multiplier gives no points of its own that could have {of}", field=of)
    return EarningRule(
        program=business.known(Program, program, "program").name, name=key_name(name, "earning rule"), per=what,
        points=0 if multiplies else whole_number(points, 1, MOST_POINTS, field="points", message=_POINTS),
        amount=_amount(business, amount, "amount", least=1) if what is Earns.MONEY else None,
        factor=_factor(factor, multiplies=multiplies),
        category=optional(category, field="category", limit=CATEGORY_LIMIT),
        filter=None if filter is None else str(business.parse_saved(filter, "a rule's filter", field="filter")),
        minimum=None if minimum is None else _amount(business, minimum, "minimum", least=0),
        rounding=one_of(rounding, Rounding, field="rounding"), valid_from=_validity(business, valid_from),
        expires=None if expires is None else str(span(expires)),
        starts_at=begins, ends_at=until, created_at=now, actor=business.actor,
    )


def current(reader: Reader, program: str, now: datetime) -> list[EarningRule]:
    """Return the rules of a program that have not ended, by name."""
    return [each for each in reader.find(EarningRule, {"program": program}) if each.ends_at is None or now < each.ends_at]


# sales as they are recorded --------------------------------------------------------------------------


@frozen(eq=False)
class Earning:
    """The rules that sales of one call meet: of each program those in force for a sale, and their filters, read once."""

    business: Business
    known: Mapping[str, Sequence[EarningRule]]
    _filters: dict[str, Filter] = field(factory=dict, init=False)

    def of(self, sale: Sale) -> list[EarningRule]:
        """Return the rules in force for the sale."""
        return rules.in_force(self.known.get(sale.program or "", ()), sale.occurred_at)

    def asks(self, sale: Sale) -> bool:
        """Tell whether what the sale earns depends on what the customer did before."""
        return any(each.filter is not None for each in self.of(sale))

    def filter(self, text: str) -> Filter:
        """Return the filter of that text."""
        if text not in self._filters:
            self._filters[text] = self.business.parse(text)
        return self._filters[text]


def of_programs(business: Business, reader: Reader, programs: Iterable[str | None]) -> Earning:
    """Return the rules of these programs."""
    known: dict[str, list[EarningRule]] = {}
    wanted = sorted({each for each in programs if each is not None})
    for each in reader.find(EarningRule, {"program": wanted}) if wanted else ():
        known.setdefault(each.program, []).append(each)
    return Earning(business, known)


def credited(earning: Earning, sales: Sequence[Told], gathered: Gathered, now: datetime) -> Iterator[PointsEntry]:
    """Yield the credits of new sales, which are not among the customers' facts yet; at most one of each customer's.

    They are credited now, also those of a sale told for a later time: what can be spent is in the balance. When they are valid
    and when they expire goes by the time of the sale.
    """
    business = earning.business
    off = discounts_of(gathered.reader, [sale for sale, lines in sales if earning.of(sale) and taken_off(lines, sale.total)])
    for sale, lines in sales:
        applying = earning.of(sale)
        today = Question(business.everyone(), now)
        if not applying or not _may_earn(business, gathered.facts(sale.customer_id, today), str(sale.program)):
            continue
        before = Question(business.everyone(), sale.occurred_at, past=sale.occurred_at != now)
        for each in _given(earning, applying, (sale, lines), off.get(sale.id, ()), gathered.facts(sale.customer_id, before)):
            id_ = business.ids.new()
            valid_from, expires_at = lifetime(
                each.valid_from, each.expires, since=sale.occurred_at, now=now, zone=business.zone
            )
            yield PointsEntry(
                customer_id=sale.customer_id, id=id_, lot_id=id_, program=str(sale.program), kind="credit", delta=each.points,
                occurred_at=now, valid_from=valid_from, expires_at=expires_at,
                terminal=sale.terminal or API, point_of_sale=sale.point_of_sale, sale_id=sale.id, rule=each.rule,
                reference=sale.external_id, actor=business.actor,
            )


def _may_earn(business: Business, row: Facts | None, program: str) -> bool:
    return row is not None and all(row.matches(who) for _, who in eligibility.may_earn(business.schema, program))


def _given(
    earning: Earning, applying: Sequence[EarningRule], told: Told, off: Sequence[Discount], row: Facts | None
) -> list[rules.Earned]:
    return rules.earned(applying, *told, lambda text: row is not None and row.matches(earning.filter(text)), off)


# rules tried on past sales ---------------------------------------------------------------------------


@frozen(kw_only=True)
class DryRun:
    """What rules would have given: how many `sales` were looked at, how many of them were `earning` and for how many
    `customers`, the `points` altogether and `by_rule`. Nothing was written.
    """

    since: datetime
    until: datetime
    sales: int
    earning: int
    customers: int
    points: int
    by_rule: Mapping[str, int] = field(hash=False)


def tried(
    business: Business, program: str, asked: PeriodLike, tried_rules: Sequence[EarningRule] | None
) -> DryRun:
    """Return what the rules would have given for the sales of a period, whatever the dates of the rules."""
    now = business.now()
    within = period(asked, now, business.zone)
    with business.reading() as reader:
        if tried_rules is None:
            tried_rules = current(reader, program, now)
        earning = Earning(business, {program: tried_rules})
        sales, customers, by_rule, earned = 0, set[str](), Counter[str](), 0
        for sale, lines, off, gathered in _sold(reader, program, within.start, within.end):
            sales += 1
            points = _would_earn(earning, tried_rules, (sale, lines), off, gathered)
            by_rule.update(points)
            if points:
                earned += 1
                customers.add(sale.customer_id)
    return DryRun(
        since=within.start, until=within.end, sales=sales, earning=earned, customers=len(customers), points=by_rule.total(),
        by_rule={each.name: by_rule[each.name] for each in tried_rules if each.per is not Earns.MULTIPLIER},
    )


def _would_earn(
    earning: Earning, tried_rules: Sequence[EarningRule], told: Told, off: Sequence[Discount], gathered: Gathered
) -> dict[str, int]:
    """Return the points by rule, as the customer was just before the sale."""
    sale, _ = told
    business, without = earning.business, _from_on(sale)
    question = Question(business.everyone(), sale.occurred_at, past=True)
    row = gathered.facts(sale.customer_id, question, without=without)
    if not tried_rules or not _may_earn(business, row, str(sale.program)):
        return {}
    return {each.rule: each.points for each in _given(earning, tried_rules, told, off, row)}


def _from_on(sale: Sale) -> Callable[[Any], bool]:
    """Return what tells facts of this sale, and of those recorded later for the same instant, from what was before it."""
    def is_later(record: Any) -> bool:
        match record:
            case Sale():
                told = record.id
            case SaleLine():
                told = record.sale_id
            case PointsEntry(sale_id=str() as told):
                pass
            case _:
                return False
        return told == sale.id or bool((record.occurred_at, told) >= (sale.occurred_at, sale.id))

    return is_later


def _sold(
    reader: Reader, program: str, since: datetime, until: datetime
) -> Iterator[tuple[Sale, Sequence[SaleLine], Sequence[Discount], Gathered]]:
    """Yield the sales of a program in a period, in order of time, with their lines and what coupons took off them.

    Facts are read for many customers.
    """
    after = None if since - _FIRST < _SHORTEST else (since - _SHORTEST,)
    found = reader.find(Sale, {"program": program, "kind": SaleKind.SALE.value}, order=("occurred_at",), after=after)
    wanted = takewhile(lambda sale: sale.occurred_at < until, found)
    while page := list(islice(wanted, MOST)):
        gathered = Gathered(reader, {sale.customer_id for sale in page})
        sold = [
            (sale, [line for line in gathered.of(SaleLine, sale.customer_id) if line.sale_id == sale.id]) for sale in page
        ]
        off = discounts_of(reader, [sale for sale, lines in sold if taken_off(lines, sale.total)])
        for sale, lines in sold:
            yield sale, lines, off.get(sale.id, ()), gathered


# what a rule is told by ------------------------------------------------------------------------------


def _amount(business: Business, told: Any, name: str, *, least: int) -> Money:
    amount = business.amount(told, field=name)
    if amount.minor < least:
        raise Malformed(f"{name} is {'more than 0' if least else 'not less than 0'}", field=name)
    return amount


def _validity(business: Business, told: Any) -> str | None:
    """Return from when a rule's points can be spent as it is kept: a span as its text, else the instant as ISO text."""
    if told is None:
        return None
    at = beginning(told, business.now(), business.zone)
    is_told_whole = isinstance(told, date) or (isinstance(told, str) and SPAN_TEXT.fullmatch(told) is None)
    return at.isoformat() if is_told_whole else str(span(told))


def _factor(told: str | int | Decimal | None, *, multiplies: bool) -> str | None:
    """Return a multiplier's factor as exact text."""
    if told is None and not multiplies:
        return None
    if not multiplies:
        raise Malformed("a factor is a multiplier's; write per='multiplier'", field="factor")
    text = str(told).strip() if isinstance(told, str | int | Decimal) and not isinstance(told, bool) else ""
    if not _FACTOR.fullmatch(text) or not 1 < Decimal(text) <= LARGEST_FACTOR:
        raise Malformed(f"a factor is more than 1 and at most {LARGEST_FACTOR:,}, told as '2' or '1.5'", field="factor")
    return text
