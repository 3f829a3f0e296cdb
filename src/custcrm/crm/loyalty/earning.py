"""`crm.earning`: the rules by which sales of a program earn points."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from attrs import evolve, frozen

from custcrm.actions.keys import Request, once
from custcrm.actions.points import earning as actions
from custcrm.actions.points.earning import DryRun
from custcrm.actions.points.lots import of_sale
from custcrm.business import Business
from custcrm.filters import Filter
from custcrm.records import EarningRule, PointsEntry, Program, Sale
from custcrm.records.earning import Earns, Rounding
from custcrm.storage.protocol import Writer
from custcrm.values.errors import Conflict, Malformed, NotFound, Taken
from custcrm.values.identifiers import identifier
from custcrm.values.money import Money
from custcrm.values.periods import PeriodLike
from custcrm.values.shapes import flag, several
from custcrm.values.spelling import nearest


@frozen
class Earning:
    """Rules are added and ended, never changed or deleted: each credit names the rule that gave it."""

    _business: Business

    def add(
        self,
        program: str,
        name: str,
        *,
        per: Earns | str = Earns.MONEY,
        points: int = 1,
        amount: Money | str | int | Decimal = 1,
        factor: str | int | Decimal | None = None,
        category: str | None = None,
        filter: str | Filter | None = None,
        minimum: Money | str | int | Decimal | None = None,
        rounding: Rounding | str = Rounding.DOWN,
        valid_from: Any = None,
        expires: Any = None,
        starts: datetime | date | str | None = None,
        ends: datetime | date | str | None = None,
        key: str | None = None,
    ) -> EarningRule:
        """Add a rule to a program, and return it: from now on, or from `starts` until `ends`.

        `per` money gives `points` for each `amount` spent (also for a part of it), units for each unit, visit for the sale
        itself; a multiplier raises what the others give by its `factor` ("1.5"), and where several apply the highest counts.
        `category` counts the lines of that category; `filter` says for which customers, as they are before the sale; `minimum`
        is the least total of a sale. A part of a point is rounded down, half_even or up. With `valid_from`, a span from the
        sale or an instant, the points are pending until then. `expires` is a span from when they are valid: from the sale,
        unless `valid_from` says later. As `ends` a day is in, and an instant is the first at which the rule no longer holds.
        With a `key` it is done once.
        """
        told: dict[str, Any] = {
            "per": per, "points": points, "amount": amount, "factor": factor, "category": category, "filter": filter,
            "minimum": minimum, "rounding": rounding, "expires": expires, "starts": starts, "ends": ends,
            # Keys of rules from before there were pending points stand for the same content.
            **({} if valid_from is None else {"valid_from": valid_from}),
        }
        rule = self.rule(program, name, **told)

        def add(writer: Writer) -> Sequence[EarningRule]:
            try:
                writer.add([rule])
            except Taken:
                raise Conflict(f"program {program!r} has a rule named {rule.name!r} already; choose another name") from None
            return [rule]

        request = Request(
            action="add_rule", arguments={**told, "program": program, "name": name, "filter": rule.filter}, key=key
        )
        [added] = once(self._business, request, add)
        return added

    def rule(
        self,
        program: str,
        name: str = "tried",
        *,
        per: Earns | str = Earns.MONEY,
        points: int = 1,
        amount: Money | str | int | Decimal = 1,
        factor: str | int | Decimal | None = None,
        category: str | None = None,
        filter: str | Filter | None = None,
        minimum: Money | str | int | Decimal | None = None,
        rounding: Rounding | str = Rounding.DOWN,
        valid_from: Any = None,
        expires: Any = None,
        starts: datetime | date | str | None = None,
        ends: datetime | date | str | None = None,
    ) -> EarningRule:
        """Return a rule as `add` would make it, to be tried by `dry_run`; it is not kept."""
        return actions.rule(
            self._business, program, name, per=per, points=points, amount=amount, factor=factor, category=category,
            filter=filter, minimum=minimum, rounding=rounding, valid_from=valid_from, expires=expires, starts=starts,
            ends=ends,
        )

    def of(self, program: str, *, ended: bool = False) -> Sequence[EarningRule]:
        """Return the rules of a program by name: those that hold or will, with `ended` all that ever were."""
        business = self._business
        program = business.known(Program, program, "program").name
        flag(ended, field="ended")
        with business.reading() as reader:
            return tuple(
                reader.find(EarningRule, {"program": program}) if ended else actions.current(reader, program, business.now())
            )

    def end(self, program: str, name: str, *, key: str | None = None) -> EarningRule:
        """End a rule now; sales made before earn by it still, also when they are told later. An ended one stays as it is."""
        business = self._business
        program = business.known(Program, program, "program").name
        name = identifier(name, field="name")

        def end(writer: Writer) -> Sequence[EarningRule]:
            rule, now = writer.hold(EarningRule, program, name), business.now()
            if rule is None:
                names = [each.name for each in writer.find(EarningRule, {"program": program})]
                raise NotFound(f"program {program!r} has no rule {name!r}", suggestions=nearest(name, names))
            if rule.ends_at is None or now < rule.ends_at:
                # By a clock that was set back it may not have begun yet: then it never holds.
                rule = evolve(rule, ends_at=now if rule.starts_at is None else max(now, rule.starts_at))
                writer.replace(rule)
            return [rule]

        [ended] = once(business, Request(action="end_rule", arguments={"program": program, "name": name}, key=key), end)
        return ended

    def dry_run(
        self, program: str, *, period: PeriodLike = "last month", rules: EarningRule | Sequence[EarningRule] | None = None
    ) -> DryRun:
        """Return what rules would have given for the program's sales of a period, had they been in force; nothing is written.

        `rules` are those to try, kept or made by `rule`, in the place of the program's own: `[*of("club"), new]` tries one
        more. Each sale is looked at as the customer was just before it. Refunds are not taken off.
        """
        program = self._business.known(Program, program, "program").name
        tried = [rules] if isinstance(rules, EarningRule) else None if rules is None else several(rules, field="rules")
        if not all(isinstance(each, EarningRule) for each in tried or ()):
            raise Malformed("rules are given as records, as crm.earning.rule and crm.earning.of return them", field="rules")
        return actions.tried(self._business, program, period, tried)

    def of_sale(self, sale: Sale) -> Sequence[PointsEntry]:
        """Return the points that a sale earned, and what its refunds took back of them, in order.

        What expired is of a lot and of no sale: it is not among them, nor what a refund made of it.
        """
        if not isinstance(sale, Sale):
            raise Malformed(f"a sale is given as its record, not {type(sale).__name__}", field="sale")
        with self._business.reading() as reader:
            return of_sale(reader, sale)
