"""Why a row is in or out: `explain` gives an `Explanation`, whose conditions each have their value and verdict.

NOT is pushed to the conditions first, so every verdict counts as it contributes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from attrs import frozen

from custcrm.filters.checking.conditions import names_to_check
from custcrm.filters.checking.expanding import expand
from custcrm.filters.checking.names import EntryRecord, Names
from custcrm.filters.checking.names import resolve as resolve_path
from custcrm.filters.checking.scopes import Scope
from custcrm.filters.checking.segments import segment_node
from custcrm.filters.ir.moments import moments_in, resolve
from custcrm.filters.ir.nodes import Condition, Moment, Shown
from custcrm.filters.lowering.conditions import lower, lower_value
from custcrm.filters.syntax import nodes as syntax
from custcrm.filters.syntax.nodes import (
    Aggregate,
    And,
    Anniversary,
    Between,
    Clock,
    Compare,
    Exists,
    Field,
    In,
    Literal,
    Node,
    Not,
    Or,
    Segment,
    TextTest,
    negation,
    walk,
)
from custcrm.filters.syntax.to_text import canonical, path_text
from custcrm.filters.targets.python.compile import Rows, compile_filter, compile_value
from custcrm.filters.tools.explanation import AllOrAny, ConditionVerdict, Explanation, Part
from custcrm.filters.tools.show import brief, fixed, seen, shown_value
from custcrm.filters.tools.wanted import tell_wanted
from custcrm.filters.types.declarations import Declarations
from custcrm.values.birthdays import YearlessDate


def explain(
    schema: Declarations, node: Node, row: object, rows: Rows, *, scope: Scope = (), as_of: datetime
) -> Explanation:
    """Explain what a checked condition says of a row; `rows` is how such rows are read."""
    return Explanation(_Asked(schema, scope, row, rows, as_of).part(node, negated=False))


# one row -------------------------------------------------------------------------------------------


@frozen
class _Asked:
    """A row at one time, read for one schema."""

    schema: Declarations
    scope: Scope
    row: object
    rows: Rows
    as_of: datetime

    def part(self, node: Node, *, negated: bool) -> Part:
        match node:
            case Not(arg):
                return self.part(arg, negated=not negated)
            case And(args) | Or(args):
                of_all = isinstance(node, And) != negated
                parts = (self.part(arg, negated=negated) for arg in args)
                return AllOrAny(of_all, tuple(each for part in parts for each in _flatten(part, of_all)))
            case Segment():
                return self._segment(node, negated=negated)
            case _:
                return self._condition(node, negated=negated)

    def _segment(self, node: Segment, *, negated: bool) -> AllOrAny:
        """Look into a segment: its conditions, in a group that has its name."""
        inner = self.part(segment_node(names_to_check(self.schema), node), negated=negated)
        name = canonical(negation(node) if negated else node)
        if isinstance(inner, AllOrAny) and not inner.name:
            return AllOrAny(inner.of_all, inner.parts, name)
        return AllOrAny(True, (inner,), name)

    def _condition(self, node: Node, *, negated: bool) -> ConditionVerdict:
        written = negation(cast("syntax.Condition", node)) if negated else node
        verdict = self._holds(self._lowered(written))
        subject = _subject(node)
        value = self._value(subject, node)
        others = [self._value(each, node) for each in _operands(node) if each is not subject]
        missing = self._is_missing(node, value, others, verdict=verdict != negated)
        return ConditionVerdict(
            field=_name(subject),
            text=brief(written, self.schema.noun),
            value=value,
            verdict=verdict,
            missing=missing,
            seen=_seen(node, value, missing=missing),
            wanted="" if verdict or None in others else tell_wanted(node, subject, others, negated=negated),
            among=cast("syntax.In", node).items if fixed(node) is not None else (),
        )

    def _lowered(self, node: Node) -> Condition:
        return lower(self.schema, expand(self.schema, node), self.scope)

    def _lowered_value(self, node: Node) -> Shown:
        return lower_value(self.schema, expand(self.schema, node), self.scope)

    def _holds(self, condition: Condition) -> bool:
        compiled = compile_filter(condition, self.rows, currency=self.schema.currency)
        return compiled.matches(self.row, self._resolved(condition))

    def _value(self, node: Node, condition: Node) -> Any:
        """Return what a part of a condition was; a clock is a day beside a day."""
        match node:
            case Clock(name, length):
                sign = -1 if name == "ago" else 1
                if name == "today" or self._is_day(_subject(condition)):
                    return self._read_shown(Shown("date", Moment("today", sign, length)))
                return self._read_shown(Shown("instant", Moment("now", sign, length)))
            case Anniversary(inner):
                return self._value(inner, condition)
            case Aggregate("exists", path, where):
                return self._value(Aggregate("count", path, where), condition)
            case Field(path) if isinstance(resolve_path(Names(self.schema), path, None), EntryRecord):
                return self._holds(self._lowered(Exists(node))) or None
            case _:
                return self._read_shown(self._lowered_value(node))

    def _is_day(self, node: Node) -> bool:
        return not isinstance(node, Clock) and self._lowered_value(_inner(node)).kind == "date"

    def _read_shown(self, shown: Shown) -> Any:
        compiled = compile_value(shown, self.rows, currency=self.schema.currency)
        return shown_value(shown, compiled.of(self.row, self._resolved(shown)), self.schema, self.as_of)

    def _resolved(self, node: Condition | Shown) -> tuple[Any, ...]:
        zone, feb29 = self.schema.zone, self.schema.feb29
        return tuple(resolve(each, self.as_of, zone=zone, feb29=feb29) for each in moments_in(node))

    def _is_missing(self, node: Node, value: Any, others: list[Any], *, verdict: bool) -> bool:
        """Tell whether a missing value settled the condition; a date without a year lacks only what is compared."""
        if isinstance(node, Exists):
            return not verdict
        if value is None or (isinstance(value, YearlessDate) and not isinstance(_subject(node), Anniversary)):
            return True
        return None in others and not verdict


def _flatten(part: Part, of_all: bool) -> tuple[Part, ...]:
    """Return the parts of a group within a group of its kind: pushing NOT down makes some."""
    return part.parts if isinstance(part, AllOrAny) and part.of_all == of_all and not part.name else (part,)


def _operands(node: Node) -> tuple[Node, ...]:
    match node:
        case Compare(_, left, right):
            return (left, right)
        case Between(value, low, high):
            return (value, low, high)
        case In(value, items):
            return (value, *(item for item in items if not isinstance(item, Literal)))
        case TextTest(_, value) | Exists(value):
            return (value,)
        case _:
            return (node,)


def _subject(node: Node) -> Node:
    """Return the part of a condition that it is about: the first that names something of the row."""
    operands = _operands(node)
    named = (each for each in operands if any(isinstance(part, Field | Aggregate) for part in walk(each)))
    return next(named, operands[0])


def _inner(node: Node) -> Node:
    return node.field if isinstance(node, Anniversary) else node


def _name(subject: Node) -> str:
    inner = _inner(subject)
    return path_text(inner.path) if isinstance(inner, Field) else canonical(subject)


# words ---------------------------------------------------------------------------------------------


def _seen(node: Node, value: Any, *, missing: bool) -> str:
    match node:
        case Exists():
            return "missing" if missing else "present"
        case Aggregate("exists"):
            return f"{value} found"
        case Literal():
            return ""
        case _:
            return seen(value) if value is not None or missing else ""
