"""What the parser has read, and the nodes made of it. The names to know are `Operand` and `Operands`.

Operators check here what kind of thing their operands are, and the limits that are counted while a text is read.
"""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Final, NamedTuple, cast

from custcrm.filters.parsing.habits import find_habit, told
from custcrm.filters.parsing.tokens import Token
from custcrm.filters.syntax.errors import NOT_A_VALUE, FilterError
from custcrm.filters.syntax.kinds import kind_of
from custcrm.filters.syntax.limits import CONDITIONS, DEPTH, check_limits, exceeded
from custcrm.filters.syntax.nodes import (
    Aggregate,
    Arithmetic,
    Between,
    Clock,
    Compare,
    Condition,
    Fold,
    Literal,
    Node,
    Place,
    TextTest,
    Value,
    conjunction,
    disjunction,
    negation,
    rebuilt,
)
from custcrm.filters.syntax.operators import COMPARISONS, TEXT_TESTS, ArithmeticOp
from custcrm.filters.syntax.to_text import canonical

_TEXT_TESTS: Final = {row.words: row.name for row in TEXT_TESTS.values()}
_MOST_WAITING: Final = CONDITIONS + DEPTH + 1
"""Operators in a row, all still without their right side; more, which no filter can have, are refused unread."""


class Operand(NamedTuple):
    """A node and the place it covers, parentheses round it included; `depth` counts the arithmetic below it."""

    node: Node
    start: int
    end: int
    depth: int = 0


class Operands:
    """Makes operands of other operands, for one text: it counts their conditions."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._conditions = 0

    def require_value(self, operand: Operand) -> Value:
        """Return the operand's node as a value, or raise."""
        if kind_of(operand.node) == "condition":
            raise self._error("not_a_value", NOT_A_VALUE, operand)
        return cast("Value", operand.node)

    def require_condition(self, operand: Operand) -> Condition:
        """Return the operand's node as a condition, or raise; TRUE, FALSE and fields then count as one."""
        kind = kind_of(operand.node)
        if kind == "value":
            message = f"{_name_value(operand.node)} is not a condition; compare it, or write EXISTS after it"
            raise self._error("not_a_condition", message, operand)
        if kind == "either":
            self.count_condition(operand.start, operand.end)
        return cast("Condition", operand.node)

    def count_condition(self, start: int, end: int) -> None:
        """Count a condition; beyond the limit the rest of the text is not read."""
        self._conditions += 1
        if self._conditions > CONDITIONS:
            raise exceeded("conditions", (start, end), self._text)

    def check_waiting(self, limit: str, count: int, token: Token) -> None:
        """Raise when too many operators in a row wait for their right side."""
        if count > _MOST_WAITING:
            raise exceeded(limit, (token.start, token.end), self._text)

    def join(self, name: str, operands: Sequence[Operand]) -> Operand:
        """Return the And or Or of all operands at once: one by one would copy the list each time."""
        if len(operands) == 1:
            return operands[0]
        place = (operands[0].start, operands[-1].end)
        make = conjunction if name == "AND" else disjunction
        for before, operand in pairwise(operands):
            self._refuse_half(before, operand)
        return Operand(make(map(self.require_condition, operands), place), *place)

    def _refuse_half(self, before: Operand, operand: Operand) -> None:
        """Raise for a constant behind a comparison, which stands for another one: `country = 'FI' OR 'SE'`."""
        match before.node, operand.node:
            case (Compare(left=left) | TextTest(value=left), Literal(value=str() | int() | Decimal() as value)):
                if isinstance(value, bool):
                    return
                full = canonical(rebuilt(before.node, [left, operand.node]))
                raise FilterError(
                    "not_a_condition", f"a condition is said in full; write {full}", text=self._text, suggestions=(full,),
                    public="a condition is said in full", span=(operand.start, operand.end),
                )

    def negate(self, token: Token, operand: Operand) -> Operand:
        """Return the complement of a condition, which begins at its NOT."""
        place = (token.start, operand.end)
        return Operand(negation(self.require_condition(operand), place), *place)

    def compute(self, name: str, left: Operand, right: Operand) -> Operand:
        """Return the arithmetic of two values."""
        place = (left.start, right.end)
        values = (self.require_value(left), self.require_value(right))
        node = Arithmetic(cast("ArithmeticOp", name), *values, span=place)
        depth = 1 + max(left.depth, right.depth)
        if depth > DEPTH:  # here, not at the end, or a long sum would be read to no purpose
            check_limits(node, text=self._text)
        return Operand(node, *place, depth)

    def test(self, name: str, operands: Sequence[Operand], *, negated: bool) -> Operand:
        """Return the condition that an operator between values makes, or its complement."""
        values = [self.require_value(operand) for operand in operands]
        place = (operands[0].start, operands[-1].end)
        return self.add_condition(_make_test(name, values, place), place, negated=negated)

    def add_condition(self, node: Condition, place: Place, *, negated: bool = False) -> Operand:
        """Count a condition of its own and return it, or its complement."""
        self.count_condition(*place)
        return Operand(negation(node, place) if negated else node, *place)

    def _error(self, kind: str, message: str, operand: Operand) -> FilterError:
        plain = FilterError(kind, message, span=(operand.start, operand.end), text=self._text)
        habit = find_habit(self._text, operand.start)
        return plain if habit is None else told(habit, plain)


def _make_test(name: str, values: Sequence[Value], place: Place) -> Condition:
    left, right = values[:2]
    match name:
        case "BETWEEN":
            return Between(left, right, values[2], span=place)
        case "<>":
            return negation(Compare("=", left, right, span=place), place)
        case _ if name in _TEXT_TESTS:
            return TextTest(_TEXT_TESTS[name], left, right, span=place)
    return Compare(COMPARISONS[name].name, left, right, span=place)


def _name_value(node: Node) -> str:
    """Name a value for people, as far as that is known without a schema."""
    match node:
        case Literal(value=str()) | Fold():
            return "a text"
        case Literal(value=int()) | Arithmetic() | Aggregate(op="count"):
            return "a number"
        case Clock():
            return "a moment"
        case _:
            return "a value"
