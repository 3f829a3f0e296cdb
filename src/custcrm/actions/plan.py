"""Plans: who, who not and why, and what it costs, before anything is written.

A plan takes what makes a selection as it comes: `PlanOf` is generic over it, and `custcrm.Plan` is the plan of a `Selection`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Generic, Protocol, Self, TypeVar

from attrs import evolve, field, frozen

from custcrm.actions.action import Action, Cost, Problem
from custcrm.actions.applying import Intent, Result, apply
from custcrm.actions.keys import Request, idempotency_key
from custcrm.actions.progress import Progress
from custcrm.business import Business, CustomerRef, among, customer_id
from custcrm.filters import Filter
from custcrm.storage.customer_facts import facts
from custcrm.storage.questions import Question, Verdict
from custcrm.values.errors import NotFound, Reason


class Chosen(Protocol):
    """What a plan needs of the customers that it is for: a filter, asked at a time, that can be narrowed."""

    @property
    def filter(self) -> Filter:
        """The filter that gives the customers."""

    @property
    def as_of(self) -> datetime | None:
        """The instant it is asked at, None for now."""

    def __contains__(self, customer: object) -> bool:
        """Tell whether a customer is one of them."""

    def ids(self) -> list[str]:
        """Return the ids of the customers, in id order."""

    def acting(self) -> Self:
        """Return whom an action is about."""

    def question(self) -> Question:
        """Return what a store is asked."""

    def narrowed(self, by: Filter) -> Self:
        """Return those of the customers whom another filter gives as well."""


Selection = TypeVar("Selection", bound=Chosen)


@frozen(eq=False, repr=False)
class PlanOf(Generic[Selection]):
    """See `custcrm.Plan`."""

    _business: Business
    _action: Action = field(alias="deed")
    selection: Selection
    _acting: Selection
    eligible: int
    skipped: Mapping[Reason, int]
    cost: Cost
    problems: tuple[Problem, ...] = ()
    left: int | None = None
    moves: Mapping[str, int] = field(factory=dict)

    @classmethod
    def _counted(cls, business: Business, action: Action, selection: Selection) -> Self:
        """Evaluate the selection and the action's rules in one pass."""
        acting = selection.acting()
        question = acting.question()
        with business.reading() as reader:
            counts = dict(reader.tally(question, action.planned))
            left = action.reserve.left(reader) if action.reserve else None
        problems = [*action.problems(question.as_of)]
        eligible = counts.pop(None, 0)
        missing = counts.get(Reason.MISSING_VALUE, 0)
        if missing and action.arguments.get("needs"):
            problems.append(Problem(Reason.MISSING_VALUE, {"field": action.arguments["needs"][0], "customers": missing}))
        if action.reserve and left is not None and left < eligible:
            if action.reserve.partial:
                counts[Reason.SERIES_CAPACITY] = eligible - left
                eligible = left
            else:
                problems.append(Problem(Reason.SERIES_CAPACITY, action.reserve.shortage(eligible, left)))
        skipped = {reason: count for reason, count in counts.items() if reason is not None and count}
        targets = evolve(question, filter=passing(question.filter, action.planned))
        return cls(business, action, selection, acting, eligible, skipped, action.cost(business, targets, eligible),
                   tuple(problems), left if action.reserve and action.reserve.partial else None,
                   action.moves(business, targets))

    def customers(self, reason: Reason | str | None = None) -> Selection:
        """Return the customers who are eligible, or those skipped for a reason, as a selection."""
        asked, rules = self._acting.filter, self._action.planned.rules
        if reason is None or reason == Reason.SERIES_CAPACITY:
            eligible = self._acting.narrowed(passing(asked, self._action.planned))
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
            refused = next((reason for reason, rule in self._action.planned.rules if not row.matches(rule)), None)
        if refused is None and self.left is not None and customer in self.customers(Reason.SERIES_CAPACITY):
            return Reason.SERIES_CAPACITY.value
        return refused.value if refused else "eligible"

    def preview(self, customer: CustomerRef) -> str:
        """Return what the customer would read."""
        if self._action.preview is None:
            return ""
        return self._action.preview(self._business, customer_id(customer))

    def apply(self, *, key: str, exactly: bool = False, progress: Progress = False) -> Result:
        """Do it, once under this key; again with the same key and content gives the same result for ever.

        Eligibility is decided anew now; `exactly=True` refuses when the counts by reason are no longer those of the plan.
        `progress` is True for a bar on stderr, or is called with (done, total). Raises Refusal where `problems` stand,
        KeyConflict where the key was used for something else.
        """
        intent = Intent(
            business=self._business, action=self._action, chosen=lambda: self.selection.acting().filter,
            request=evolve(self._request(), key=idempotency_key(key)), eligible=self.eligible, skipped=self.skipped,
            exactly=exactly,
        )
        return apply(intent, progress)

    @property
    def business(self) -> Business:
        """The business that the plan was made for."""
        return self._business

    @property
    def deed(self) -> Action:
        """The action with its arguments."""
        return self._action

    def content(self) -> str:
        """Return the hash that an idempotency key stands for."""
        return self._request().content

    def _request(self) -> Request:
        asked, as_of = self.selection.filter, self.selection.as_of
        about = {"filter": asked.hash_text, "scope": dict(asked.scope), "as_of": as_of and as_of.isoformat()}
        return Request(action=self._action.name, arguments=self._action.arguments, about=about)

    def __str__(self) -> str:
        lines = [f"{self._action.title}: {self.eligible:,} eligible, {sum(self.skipped.values()):,} skipped"]
        lines += [f"  {count:>8,}  go to {name}" for name, count in self.moves.items()]
        lines += [f"  {count:>8,}  {reason}" for reason, count in self.skipped.items()]
        lines += [f"  problem: {problem.reason} {dict(problem.details)}" for problem in self.problems]
        return "\n".join(lines)

    def __repr__(self) -> str:
        skipped = sum(self.skipped.values())
        return f"<Plan {self._action.title}: {self.eligible} eligible, {skipped} skipped, {len(self.problems)} problems>"


def passing(asked: Filter, verdict: Verdict) -> Filter:
    """Return the filter of those asked for whom no rule refuses."""
    for _, rule in verdict.rules:
        asked = asked & rule
    return asked
