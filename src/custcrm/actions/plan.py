"""Plans: who, who not and why, and what it costs, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from custcrm.actions.action import Cost, Deed, Problem, content
from custcrm.business import Business, customer_id
from custcrm.filters import Filter
from custcrm.storage.customer_facts import facts
from custcrm.storage.questions import Verdict
from custcrm.values.errors import NotFound, Reason

if TYPE_CHECKING:
    from custcrm.actions.applying import Progress, Result
    from custcrm.selection import CustomerRef, Selection


@frozen(eq=False, repr=False)
class Plan:
    """What an action would do to a selection. Nothing has been written; `apply` does it once under a key.

    `eligible` and `skipped` count customers, `customers()` gives them; `problems` stop the whole. `moves` tells of an action
    that puts customers into classes how many go to each.
    """

    _business: Business
    _deed: Deed
    selection: Selection
    _acting: Selection
    eligible: int
    skipped: Mapping[Reason, int]
    cost: Cost
    problems: tuple[Problem, ...] = ()
    left: int | None = None
    moves: Mapping[str, int] = field(factory=dict)

    @classmethod
    def of(cls, business: Business, deed: Deed, selection: Selection) -> Plan:
        """Evaluate the selection and the action's rules in one pass."""
        acting = selection.acting()
        question = acting.question()
        with business.reading() as reader:
            counts = dict(reader.tally(question, deed.planned))
            left = deed.reserve.left(reader) if deed.reserve else None
        problems = [*deed.problems(question.as_of)]
        eligible = counts.pop(None, 0)
        missing = counts.get(Reason.MISSING_VALUE, 0)
        if missing and deed.arguments.get("needs"):
            problems.append(Problem(Reason.MISSING_VALUE, {"field": deed.arguments["needs"][0], "customers": missing}))
        if deed.reserve and left is not None and left < eligible:
            if deed.reserve.partial:
                counts[Reason.SERIES_CAPACITY] = eligible - left
                eligible = left
            else:
                details = {"series": deed.reserve.key[0], "needed": eligible, "left": left}
                problems.append(Problem(Reason.SERIES_CAPACITY, details))
        skipped = {reason: count for reason, count in counts.items() if reason is not None and count}
        targets = evolve(question, filter=passing(question.filter, deed.planned))
        return cls(business, deed, selection, acting, eligible, skipped, deed.cost(business, targets, eligible),
                   tuple(problems), left if deed.reserve and deed.reserve.partial else None,
                   deed.moves(business, targets))

    def customers(self, reason: Reason | str | None = None) -> Selection:
        """Return the customers who are eligible, or those skipped for a reason, as a selection."""
        asked, rules = self._acting.filter, self._deed.planned.rules
        if reason is None or reason == Reason.SERIES_CAPACITY:
            eligible = self._acting.narrowed(passing(asked, self._deed.planned))
            return eligible if self.left is None else self._first(eligible, beyond=reason is not None)
        for at, (each, _) in enumerate(rules):
            if each == reason:
                same = [rule for other, rule in rules[at:] if other == reason]
                return self._acting.narrowed(
                    passing(asked, Verdict(rules[:at])) & ~passing(same[0], Verdict(tuple((each, r) for r in same)))
                )
        return self._acting.narrowed(asked & ~asked)

    def _first(self, eligible: Selection, *, beyond: bool) -> Selection:
        """Return the eligible that a partial issue reaches, or those beyond it."""
        from custcrm.selection import among

        ids = eligible.ids()
        return eligible.narrowed(among(eligible.filter, ids[self.left:] if beyond else ids[: self.left]))

    def verdict(self, customer: CustomerRef) -> str:
        """Return 'eligible', the reason that refuses the customer, or 'not_selected'."""
        question = self._acting.question()
        with self._business.reading() as reader:
            row = facts(reader, customer_id(customer), question)
            if row is None:
                raise NotFound("no customer has this id")
            if not row.matches(question.filter):
                return "not_selected"
            refused = next((reason for reason, rule in self._deed.planned.rules if not row.matches(rule)), None)
        if refused is None and self.left is not None and customer in self.customers(Reason.SERIES_CAPACITY):
            return Reason.SERIES_CAPACITY.value
        return refused.value if refused else "eligible"

    def preview(self, customer: CustomerRef) -> str:
        """Return what the customer would read."""
        if self._deed.preview is None:
            return ""
        return self._deed.preview(self._business, customer_id(customer))

    def apply(self, *, key: str, exactly: bool = False, progress: Progress = False) -> Result:
        """Do it, once under this key; again with the same key and content gives the same result for ever.

        Eligibility is decided anew now; `exactly=True` refuses when the counts by reason are no longer those of the plan.
        `progress` is True for a bar on stderr, or is called with (done, total). Raises Refusal where `problems` stand,
        KeyConflict where the key was used for something else.
        """
        from custcrm.actions.applying import apply

        return apply(self, key=key, exactly=exactly, progress=progress)

    @property
    def business(self) -> Business:
        """The business that the plan was made for."""
        return self._business

    @property
    def deed(self) -> Deed:
        """The action with its arguments."""
        return self._deed

    def content(self) -> str:
        """Return the hash that an idempotency key stands for."""
        as_of = self.selection.as_of
        asked = self.selection.filter
        told: dict[str, Any] = {
            "filter": asked.hash_text, "scope": dict(asked.scope), "as_of": as_of and as_of.isoformat(),
        }
        return content(self._deed, told)

    def __str__(self) -> str:
        lines = [f"{self._deed.title}: {self.eligible:,} eligible, {sum(self.skipped.values()):,} skipped"]
        lines += [f"  {count:>8,}  go to {name}" for name, count in self.moves.items()]
        lines += [f"  {count:>8,}  {reason}" for reason, count in self.skipped.items()]
        lines += [f"  problem: {problem.reason} {dict(problem.details)}" for problem in self.problems]
        return "\n".join(lines)

    def __repr__(self) -> str:
        skipped = sum(self.skipped.values())
        return f"<Plan {self._deed.title}: {self.eligible} eligible, {skipped} skipped, {len(self.problems)} problems>"


def passing(asked: Filter, verdict: Verdict) -> Filter:
    """Return the filter of those asked for whom no rule refuses."""
    for _, rule in verdict.rules:
        asked = asked & rule
    return asked
