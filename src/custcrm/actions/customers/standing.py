"""How a member stands with the tiers of a program: since when, until when, and what is missing. Know `standing`."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from math import ceil, floor
from typing import Any, Final

from attrs import field, frozen

from custcrm.business import Business
from custcrm.filters import Filter
from custcrm.filters.syntax import nodes as s
from custcrm.filters.syntax.operators import COMPARISONS
from custcrm.filters.tools.explanation import ConditionVerdict
from custcrm.records import Category, Membership, MembershipChange
from custcrm.records.programs import NEW_CUSTOMERS
from custcrm.rules import tiers as rules
from custcrm.storage.customer_facts import explain
from custcrm.storage.protocol import Reader
from custcrm.storage.questions import Question
from custcrm.values.money import Money, exponent

AT_LEAST: Final = frozenset({">", ">="})
"""Comparisons of which it can be said how much is missing."""


@frozen(kw_only=True)
class Unmet:
    """A condition that is not met: as the rule has it, what the value is, and how much more it takes (`short`).

    `short` is told of a number or an amount that has to reach a bound; of all else it is None.
    """

    condition: str
    value: Any = field(repr=False)
    short: Money | Decimal | int | None = None

    def __str__(self) -> str:
        return self.condition if self.short is None else f"{self.condition}: {self.short} short"


@frozen(kw_only=True)
class TierStanding:
    """A member's category, `since` when it is theirs and `until` when it is kept whatever the rules say; None: it is not kept.

    `missing_to_stay` are the fewest conditions that have to come true for the rule of their tier to be met; none: it is.
    `next` is the tier above, None where there is none; `missing_to_rise` is what its rule lacks.
    """

    customer_id: str
    program: str
    category: str
    since: datetime
    until: datetime | None
    missing_to_stay: tuple[Unmet, ...] = ()
    next: str | None = None
    missing_to_rise: tuple[Unmet, ...] = ()


def standing(business: Business, membership: Membership, at: datetime | None) -> TierStanding:
    """Return how a member stands, whose membership is as it was at the instant, or as it is where there is none."""
    now, program = at or business.now(), membership.program
    mine = {"customer_id": membership.customer_id, "program": program}
    with business.reading() as reader:
        changes = [each for each in reader.find(MembershipChange, mine) if at is None or each.occurred_at <= at]
        tiers = rules.ruled(reader.find(Category, {"program": program}))
        names = [each.name for each in tiers]
        own = names.index(membership.category) if membership.category in names else None
        above = _above(membership.category, names)
        asked = Question(business.everyone(), now, at is not None)

        def lacks(place: int | None) -> tuple[Unmet, ...]:
            if place is None:
                return ()
            rule = business.parse(str(tiers[place].filter))
            return _missing(business, reader, rule, asked, membership.customer_id)

        return TierStanding(
            customer_id=membership.customer_id, program=program, category=membership.category,
            since=rules.since(changes) or membership.joined_at,
            until=_until(membership, own is not None and rules.keeps(tiers, own) is not None, now),
            missing_to_stay=lacks(own), next=None if above is None else names[above], missing_to_rise=lacks(above),
        )


def _above(category: str, tiers: list[str]) -> int | None:
    """Return the place of the next tier up; what is given by hand is not left by a rule."""
    if category == NEW_CUSTOMERS:
        return len(tiers) - 1 if tiers else None
    return tiers.index(category) - 1 if category in tiers[1:] else None


def _until(membership: Membership, keeps: bool, now: datetime) -> datetime | None:
    until = membership.kept_until
    return until if keeps and until is not None and now < until else None


def _missing(business: Business, reader: Reader, rule: Filter, asked: Question, customer_id: str) -> tuple[Unmet, ...]:
    question = Question(rule, asked.as_of, asked.past)
    explained = explain(reader, question, customer_id)
    if explained.matched:
        return ()
    change = explained.nearest_change
    return tuple(
        Unmet(condition=each.text, value=each.value, short=_short(business, each))
        for each in (explained.deciding if change is None else change)
    )


def _short(business: Business, verdict: ConditionVerdict) -> Money | Decimal | int | None:
    """Return how far a value is from a bound that it has to reach, where the condition has one."""
    match business.parse(verdict.text).node:
        case s.Compare(op, s.Literal(bound), value) if not isinstance(value, s.Literal):
            op = COMPARISONS[op].mirrored
        case s.Compare(op, value, s.Literal(bound)) if not isinstance(value, s.Literal):
            pass
        case _:
            return None
    if op not in AT_LEAST or isinstance(bound, bool) or not isinstance(bound, int | Decimal):
        return None
    match verdict.value:
        case Money(currency=currency) as amount:
            minor = Decimal(bound).scaleb(exponent(currency))
            return Money.from_minor(_least(op, minor), currency) - amount
        case int() as number if not isinstance(number, bool):
            return _least(op, Decimal(bound)) - number
        case Decimal() as number:
            return bound - number
    return None


def _least(op: str, bound: Decimal) -> int:
    """Return the least whole number that is at least the bound, or more than it."""
    return ceil(bound) if op == ">=" else floor(bound) + 1
