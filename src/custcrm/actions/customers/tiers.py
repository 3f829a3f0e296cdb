"""Tiers: categories that members get by a rule, a filter; and putting all of them where the rules say.

Of the tiers whose filter is true the one of the highest rank wins; who meets none falls back to the starting category. A tier
may be kept for a time, and be lost one at a time. A category without a rule is given by hand: it is neither given nor taken
here. The name to know is `reclassifying`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import evolve, frozen

from custcrm.actions import eligibility
from custcrm.actions.action import Action, Occasion
from custcrm.actions.customers.memberships import STANDING, entry_of, noted
from custcrm.actions.keys import Request, once
from custcrm.business import Business
from custcrm.filters import Filter, LimitExceeded
from custcrm.filters.ir.logic import some
from custcrm.filters.ir.nodes import Choose, Condition, Constant, Shown, Value
from custcrm.filters.syntax import nodes as s
from custcrm.records import Category, Membership, Program
from custcrm.records.programs import NEW_CUSTOMERS, Down
from custcrm.rules import tiers as rules
from custcrm.storage.effects import Change, Effect, Given, Of, Source
from custcrm.storage.protocol import Writer
from custcrm.storage.questions import Question, Verdict
from custcrm.values.errors import Conflict, Malformed, NotFound, Reason
from custcrm.values.identifiers import identifier, key_name
from custcrm.values.periods import SpanLike
from custcrm.values.shapes import one_of, whole_number
from custcrm.values.spelling import nearest
from custcrm.values.texts import checked

TIERS: Final = 20
"""Tiers of a program: who moves is asked of each tier with all higher ones, so the question grows with the square."""

LARGEST_RANK: Final = 10**6


@frozen
class Tier:
    """A category, and who has it: those who meet its rule, keep it still or step down to it. `keep` says for how long."""

    name: str
    filter: Filter
    keep: str | None = None


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
            ruled = rules.ruled(reader.find(Category, {"program": program}))
        found = cls(business, program, ())
        return evolve(found, tiers=tuple(found._tier(ruled, at) for at in range(len(ruled))))

    def _tier(self, ruled: Sequence[Category], at: int) -> Tier:
        """Return the tier at this place: who belongs there is who is the first to meet one, from the highest on."""
        made, keep = ruled[at], rules.keeps(ruled, at)
        meets = [self.business.parse(str(made.filter)).node]
        if keep is not None:
            meets.append(s.conjunction([self._is_in(made.name), self._is_kept()]))
        if at and ruled[at - 1].down is Down.ONE:
            meets.append(self._is_in(ruled[at - 1].name))
        return Tier(made.name, self._filter(s.disjunction(meets)), keep)

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

    def renewing(self) -> Filter:
        """Return the filter of those whose tier is kept no longer, and who meet its rule: they keep it anew."""
        return self._filter(s.disjunction(
            s.conjunction([self._is_in(tier.name), s.negation(self._is_kept()), due.filter.node])
            for tier, due in zip(self.tiers, self.due(), strict=False) if tier.keep is not None
        ))

    def changing(self) -> Filter:
        """Return the filter of all who move or keep their tier anew."""
        return self.moving() | self.renewing() if any(tier.keep for tier in self.tiers) else self.moving()

    def unkept(self) -> Verdict:
        """Return the rule that it is not said yet how long a member keeps their tier."""
        return Verdict(((Reason.UNCHANGED, self._filter(s.Not(s.Exists(self._kept_until())))),))

    def category(self) -> Shown:
        """Return where a customer belongs, as a value."""
        return Shown("text", _first_met([(tier.filter.lowered, tier.name) for tier in self.tiers]))

    def moves(self, question: Question) -> Mapping[str, int]:
        """Count how many of those asked for go to each category; who keeps theirs anew goes nowhere."""
        moving = question.filter & self.moving() if any(tier.keep for tier in self.tiers) else question.filter
        with self.business.reading() as reader:
            counts = {tier.name: reader.count(evolve(question, filter=moving & tier.filter)) for tier in self.due()}
        return {name: count for name, count in counts.items() if count}

    def check(self) -> None:
        """Raise Malformed where the rules are too large to be asked of all members together."""
        member = s.Exists(s.Field(("programs", self.program)))
        moving = self.changing()
        for tier in self.due():
            self._filter(s.conjunction([member, moving.node, tier.filter.node]))

    def _is_in(self, category: str) -> s.Condition:
        return s.Compare("=", s.Field(("programs", self.program, "category")), s.Literal(category))

    def _is_kept(self) -> s.Condition:
        return s.Compare(">", self._kept_until(), s.Clock("now"))

    def _kept_until(self) -> s.Field:
        return s.Field(("programs", self.program, "kept_until"))

    def _filter(self, node: s.Condition) -> Filter:
        try:
            return Filter.of(self.business.schema, node)
        except LimitExceeded:
            message = f"the rules of program {self.program!r} are too large together; shorten one, or have fewer tiers"
            raise Malformed(message, field="rule") from None


def reclassifying(business: Business, program: str, reason: str = "") -> Action:
    """Give the members the category that the rules say, and keep it for as long as it is kept; again changes nothing more."""
    checked(reason, field="reason")
    tiers = Tiers.of(business, program)
    program = tiers.program
    changing = ((Reason.UNCHANGED, tiers.changing()),)

    def effects(occasion: Occasion) -> tuple[Effect, ...]:
        # One change for all tiers, so that a rule may ask for the category itself; the history is written of what came of it.
        # For how long follows: who came to a tier, or keeps it anew, is who it is not said of.
        moved: dict[str, Source] = {"category": Of(tiers.category()), "kept_until": Given(None)}
        return (
            Change(record=Membership, match={"program": program}, values=moved, verdict=Verdict(changing)),
            *(
                Change(
                    record=Membership, match={"program": program, "category": tier.name}, verdict=tiers.unkept(),
                    values={"kept_until": Given(rules.kept_until(tier.keep, occasion.done_at, business.zone))},
                )
                for tier in tiers.tiers if tier.keep is not None
            ),
            noted(
                occasion, program, "category", reason,
                **{name: Of(entry_of(business, program, name)) for name in STANDING},
            ),
        )

    return Action(
        name="reclassify",
        title=f"reclassify {program}",
        arguments={"program": program, "reason": reason},
        verdict=Verdict((*eligibility.is_member(business.schema, program), *changing)),
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
    business: Business, program: str, name: str, *, rule: str | Filter | None = None, rank: int = 0,
    keep: SpanLike | None = None, down: Down | str = Down.RULE, key: str | None = None,
) -> Category:
    """Add a category to a program: with a rule a tier, else one that is given by hand."""
    made = _category(business, program, key_name(name, "category"), keep, down)
    return _keep_tier(business, made, rule, rank, key, fresh=True)


def set_rule(
    business: Business, program: str, category: str, rule: str | Filter | None, *, rank: int = 0,
    keep: SpanLike | None = None, down: Down | str = Down.RULE, key: str | None = None,
) -> Category:
    """Give a category another rule and rank, or with None no rule: then it is given by hand."""
    made = _category(business, program, identifier(category, field="category"), keep, down)
    return _keep_tier(business, made, rule, rank, key, fresh=False)


def _category(business: Business, program: str, name: str, keep: Any, down: Down | str) -> Category:
    return Category(
        program=program, name=name, keep=rules.read_keep(keep), down=one_of(down, Down, field="down"),
        created_at=business.now(),
    )


def _keep_tier(
    business: Business, category: Category, rule: str | Filter | None, rank: int, key: str | None, *, fresh: bool
) -> Category:
    """Write a category with its rule, if no other tier has its rank and all rules together can still be asked."""
    program = business.known(Program, category.program, "program").name
    category = evolve(category, program=program)
    whole_number(rank, -LARGEST_RANK, LARGEST_RANK, field="rank")
    made = evolve(category, filter=_write_rule(business, category.name, rule), rank=rank)

    _check_keep(made)
    told = {"program": program, "name": made.name, "rule": made.filter, "rank": rank}
    if made.keep is not None:  # keys of tiers from before there was a keep stand for the same content
        told |= {"keep": made.keep, "down": made.down.value}

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


def _check_keep(made: Category) -> None:
    """Refuse what only a tier has, and steps without a time: each run would take one more."""
    if made.filter is None and (made.keep is not None or made.down is Down.ONE):
        raise Malformed("a category that is given by hand is kept until it is taken by hand; keep is for tiers", field="keep")
    if made.down is Down.ONE and made.keep is None:
        message = "down='one' needs a keep, such as '12 months': without one each run would take one tier more"
        raise Malformed(message, field="down")


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
