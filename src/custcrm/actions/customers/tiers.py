"""Tiers: categories that members get by a rule, a filter; and putting all of them where the rules say.

Of the tiers whose filter is true the one of the highest rank wins; who meets none falls back to the starting category. A
category without a rule is given by hand: it is neither given nor taken here. The name to know is `reclassifying`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from attrs import evolve, frozen

from custcrm.actions import eligibility
from custcrm.actions.action import Action, Occasion
from custcrm.actions.customers.memberships import entry_of, noted
from custcrm.actions.keys import Request, once
from custcrm.business import Business
from custcrm.filters import Filter, LimitExceeded
from custcrm.filters.ir.logic import some
from custcrm.filters.ir.nodes import Choose, Condition, Constant, Shown, Value
from custcrm.filters.syntax import nodes as s
from custcrm.records import Category, Membership, Program
from custcrm.records.programs import NEW_CUSTOMERS
from custcrm.storage.effects import Change, Effect, Of
from custcrm.storage.protocol import Writer
from custcrm.storage.questions import Question, Verdict
from custcrm.values.errors import Conflict, Malformed, NotFound, Reason
from custcrm.values.identifiers import identifier, key_name
from custcrm.values.shapes import whole_number
from custcrm.values.spelling import nearest
from custcrm.values.texts import checked

TIERS: Final = 20
"""Tiers of a program: who moves is asked of each tier with all higher ones, so the question grows with the square."""

LARGEST_RANK: Final = 10**6


@frozen
class Tier:
    """A category with its rule."""

    name: str
    filter: Filter


@frozen
class Tiers:
    """The tiers of a program, the highest first."""

    business: Business
    program: str
    tiers: Sequence[Tier]

    @classmethod
    def of(cls, business: Business, program: str) -> Tiers:
        """Return the tiers as their rules are now."""
        program = business.known(Program, program, "program").name
        with business.reading() as reader:
            ruled = [(each, each.filter) for each in reader.find(Category, {"program": program}) if each.filter is not None]
        ruled.sort(key=lambda each: -each[0].rank)
        return cls(business, program, tuple(Tier(each.name, business.parse(text)) for each, text in ruled))

    def due(self) -> Iterator[Tier]:
        """Yield each category with the filter of those who belong there: no higher tier is theirs."""
        for at, tier in enumerate(self.tiers):
            higher = (s.negation(each.filter.node) for each in self.tiers[:at])
            yield Tier(tier.name, self._filter(s.conjunction([tier.filter.node, *higher])))
        none = (s.negation(each.filter.node) for each in self.tiers)
        yield Tier(NEW_CUSTOMERS, self._filter(s.conjunction(none)))

    def moving(self) -> Filter:
        """Return the filter of those who are in one of these categories and belong in another."""
        return self._filter(s.disjunction(
            s.conjunction([self._is_in(tier.name), s.negation(tier.filter.node)]) for tier in self.due()
        ))

    def category(self) -> Shown:
        """Return where a customer belongs, as a value."""
        return Shown("text", _first_met([(tier.filter.lowered, tier.name) for tier in self.tiers]))

    def moves(self, question: Question) -> Mapping[str, int]:
        """Count how many of those asked for, who all move, go to each category."""
        with self.business.reading() as reader:
            counts = {
                tier.name: reader.count(evolve(question, filter=question.filter & tier.filter)) for tier in self.due()
            }
        return {name: count for name, count in counts.items() if count}

    def check(self) -> None:
        """Raise Malformed where the rules are too large to be asked of all members together."""
        member = s.Exists(s.Field(("programs", self.program)))
        moving = self.moving()
        for tier in self.due():
            self._filter(s.conjunction([member, moving.node, tier.filter.node]))

    def _is_in(self, category: str) -> s.Condition:
        return s.Compare("=", s.Field(("programs", self.program, "category")), s.Literal(category))

    def _filter(self, node: s.Condition) -> Filter:
        try:
            return Filter.of(self.business.schema, node)
        except LimitExceeded:
            message = f"the rules of program {self.program!r} are too large together; shorten one, or have fewer tiers"
            raise Malformed(message, field="rule") from None


def reclassifying(business: Business, program: str, reason: str = "") -> Action:
    """Give the members the category that the rules say; who has it already is unchanged."""
    checked(reason, field="reason")
    tiers = Tiers.of(business, program)
    program = tiers.program
    rules = ((Reason.UNCHANGED, tiers.moving()),)

    def effects(occasion: Occasion) -> tuple[Effect, ...]:
        # One change for all tiers, so that a rule may ask for the category itself; the history is written of what came of it.
        access, category = (Of(entry_of(business, program, name)) for name in ("access", "category"))
        return (
            Change(
                record=Membership, match={"program": program}, values={"category": Of(tiers.category())},
                verdict=Verdict(rules),
            ),
            noted(occasion, program, "category", reason, access=access, category=category),
        )

    return Action(
        name="reclassify",
        title=f"reclassify {program}",
        arguments={"program": program, "reason": reason},
        verdict=Verdict((*eligibility.is_member(business.schema, program), *rules)),
        effects=effects,
        moves=lambda business, question: tiers.moves(question),
    )


def _first_met(tiers: Sequence[tuple[Condition, str]]) -> Value:
    """Return the name of the first tier that is met: by halves, as a long chain of choices is too deep for SQLite."""
    if not tiers:
        return Constant(NEW_CUSTOMERS)
    [(condition, name), *others] = tiers
    if not others:
        return Choose(condition, Constant(name), Constant(NEW_CUSTOMERS))
    half = len(tiers) // 2
    return Choose(some(condition for condition, _ in tiers[:half]), _first_met(tiers[:half]), _first_met(tiers[half:]))


# rules of categories --------------------------------------------------------------------------------


def add_category(
    business: Business, program: str, name: str, *, rule: str | Filter | None = None, rank: int = 0, key: str | None = None
) -> Category:
    """Add a category to a program: with a rule a tier, else one that is given by hand."""
    made = Category(program=program, name=key_name(name, "category"), created_at=business.now())
    return _keep_tier(business, made, rule, rank, key, fresh=True)


def set_rule(
    business: Business, program: str, category: str, rule: str | Filter | None, *, rank: int = 0, key: str | None = None
) -> Category:
    """Give a category another rule and rank, or with None no rule: then it is given by hand."""
    made = Category(program=program, name=identifier(category, field="category"), created_at=business.now())
    return _keep_tier(business, made, rule, rank, key, fresh=False)


def _keep_tier(
    business: Business, category: Category, rule: str | Filter | None, rank: int, key: str | None, *, fresh: bool
) -> Category:
    """Write a category with its rule, if no other tier has its rank and all rules together can still be asked."""
    program = business.known(Program, category.program, "program").name
    category = evolve(category, program=program)
    whole_number(rank, -LARGEST_RANK, LARGEST_RANK, field="rank")
    made = evolve(category, filter=_write_rule(business, category.name, rule), rank=rank)

    told = {"program": program, "name": made.name, "rule": made.filter, "rank": rank}

    def keep(writer: Writer) -> Sequence[Category]:
        writer.hold(Program, program)
        known = {each.name: each for each in writer.find(Category, {"program": program})}
        _check_name(made, known, fresh=fresh)
        if made.filter is not None:
            _check_tiers(made, known)
        kept = made if fresh else evolve(made, created_at=known[made.name].created_at)
        writer.put([kept])
        Tiers.of(business, program).check()
        return [kept]

    request = Request(action="add_category" if fresh else "set_rule", arguments=told, key=key)
    [kept] = once(business, request, keep)
    return kept


def _write_rule(business: Business, category: str, rule: str | Filter | None) -> str | None:
    """Return a rule as the text that is kept; Malformed where no text says it."""
    if rule is None:
        return None
    if category == NEW_CUSTOMERS:
        raise Malformed(f"{NEW_CUSTOMERS!r} is for those who meet no rule; it has none of its own", field="rule")
    return str(business.parse_saved(rule, "a rule", field="rule"))


def _check_name(made: Category, known: Mapping[str, Category], *, fresh: bool) -> None:
    if fresh and made.name in known:
        raise Conflict(f"program {made.program!r} has a category named {made.name!r} already")
    if not fresh and made.name not in known:
        raise NotFound(
            f"program {made.program!r} has no category {made.name!r}", suggestions=nearest(made.name, list(known))
        )


def _check_tiers(made: Category, known: Mapping[str, Category]) -> None:
    """Refuse more tiers than there may be, and a rank that is taken: which of two tiers wins must be plain."""
    others = [each for each in known.values() if each.filter is not None and each.name != made.name]
    if len(others) >= TIERS:
        raise Malformed(f"a program has at most {TIERS} categories with a rule", field="rule")
    for each in others:
        if each.rank == made.rank:
            raise Malformed(f"{each.name!r} has rank {made.rank} already; of two tiers one must be higher", field="rank")
