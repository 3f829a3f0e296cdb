"""What the parser has read and not yet built: operands and operators of each open parenthesis, waiting for precedence.

`Stack.reduce` turns them into nodes, `value` and `condition` check what kind of thing an operand is.
"""

from typing import Final, NamedTuple, cast

from attrs import Factory, define

from custcrm.filters.parsing.tokens import Token
from custcrm.filters.syntax.errors import FilterError
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
)
from custcrm.filters.syntax.operators import ArithmeticOp, CompareOp, TextOp

OR, AND, NOT, PREDICATE, SUM, PRODUCT, POWER, NEGATIVE = range(1, 9)
"""How tightly operators bind, loosest first."""

LEVELS: Final = {
    **dict.fromkeys(("=", "<>", "<", "<=", ">", ">=", "LIKE", "CONTAINS", "STARTS WITH", "ENDS WITH"), PREDICATE),
    **dict.fromkeys(("BETWEEN", "BETWEEN AND"), PREDICATE),
    **dict.fromkeys(("+", "-"), SUM),
    **dict.fromkeys(("*", "/", "%", "DIV"), PRODUCT),
    "OR": OR,
    "AND": AND,
    "NOT": NOT,
    "^": POWER,
    "NEGATIVE": NEGATIVE,
}


_MOST_WAITING: Final = CONDITIONS + DEPTH
"""Operators waiting in one frame: an AND or OR for each condition, few others. More are refused unread."""


class Operand(NamedTuple):
    """A node and the place it covers, parentheses round it included; `depth` counts the arithmetic below it."""

    node: Node
    start: int
    end: int
    depth: int = 0


class Operator(NamedTuple):
    """An operator that waits for its right side; a `BETWEEN` waits for its AND and is then a `BETWEEN AND`."""

    name: str
    level: int
    start: int
    end: int
    negated: bool


@define
class Frame:
    """What is open: the whole `filter`, a `group`, a `call`, its `where`, or the `list` of an IN.

    `opener` is the function's name or the parenthesis; `items` are the finished arguments or list values.
    """

    kind: str
    opener: Token
    negated: bool = False
    operands: list[Operand] = Factory(list)
    operators: list[Operator] = Factory(list)
    items: list[Operand] = Factory(list)

    @property
    def level(self) -> int:
        """The level of the operator read last, 0 without one."""
        return self.operators[-1].level if self.operators else 0

    @property
    def waits_for_and(self) -> bool:
        """Whether the operator read last is a BETWEEN without its AND."""
        return bool(self.operators) and self.operators[-1].name == "BETWEEN"

    @property
    def is_empty(self) -> bool:
        """Whether nothing was read since it was opened."""
        return not (self.operands or self.operators or self.items)


class Stack:
    """The open frames, outermost first. Builds nodes, counts conditions, checks kinds."""

    def __init__(self, text: str, opener: Token) -> None:
        self.text = text
        self.frames = [Frame("filter", opener)]
        self.conditions = 0

    @property
    def frame(self) -> Frame:
        """The innermost open frame."""
        return self.frames[-1]

    def push(self, node: Node, start: int, end: int) -> None:
        """Add an operand."""
        self.frames[-1].operands.append(Operand(node, start, end))

    def wait(self, name: str, token: Token, *, negated: bool = False) -> None:
        """Add an operator, which waits for its right side."""
        operators = self.frames[-1].operators
        if len(operators) > _MOST_WAITING:
            limit = "conditions" if operators[0].level < NOT else "depth"
            raise exceeded(limit, (token.start, token.end), self.text)
        operators.append(Operator(name, LEVELS[name], token.start, token.end, negated))

    def negate(self, token: Token) -> None:
        """Add a NOT, or take one away: two are none, however many there are."""
        operators = self.frames[-1].operators
        if operators and operators[-1].level == NOT:
            operators.pop()
        else:
            self.wait("NOT", token)

    def reduce(self, level: int) -> None:
        """Build the waiting operators that bind tighter than `level`; stop at a BETWEEN that waits for its AND."""
        frame = self.frame
        while frame.operators and frame.operators[-1].level > level and not frame.waits_for_and:
            self._build(frame, frame.operators.pop())

    def value(self, operand: Operand) -> Value:
        """Return the operand's node as a value, or raise."""
        if kind_of(operand.node) == "condition":
            raise self._error("not_a_value", "a condition stands where a value is expected", operand)
        return cast("Value", operand.node)

    def condition(self, operand: Operand) -> Condition:
        """Return the operand's node as a condition, or raise; TRUE, FALSE and fields then count as one."""
        kind = kind_of(operand.node)
        if kind == "value":
            message = f"{_what(operand.node)} is not a condition; compare it, or write EXISTS after it"
            raise self._error("not_a_condition", message, operand)
        if kind == "either":
            self.count(operand.start, operand.end)
        return cast("Condition", operand.node)

    def count(self, start: int, end: int) -> None:
        """Count a condition; beyond the limit the rest of the text is not read."""
        self.conditions += 1
        if self.conditions > CONDITIONS:
            raise exceeded("conditions", (start, end), self.text)

    def test(self, node: Condition, start: int, end: int, *, negated: bool = False) -> None:
        """Add a condition of its own, or its complement, as an operand."""
        self.count(start, end)
        self.push(negation(node, (start, end)) if negated else node, start, end)

    def _build(self, frame: Frame, operator: Operator) -> None:
        match operator.name:
            case "AND" | "OR":
                self._join(frame, operator.name)
            case "NOT":
                arg = frame.operands.pop()
                self.push(negation(self.condition(arg), (operator.start, arg.end)), operator.start, arg.end)
            case "NEGATIVE":
                arg = frame.operands.pop()
                minus_one = Literal(-1, span=(operator.start, operator.end))
                self._compute(frame, "*", Operand(minus_one, operator.start, operator.end), arg)
            case "BETWEEN AND":
                low, high = frame.operands[-2:]
                del frame.operands[-2:]
                self._test(frame, operator, low, high)
            case name if operator.level == PREDICATE:
                self._test(frame, operator, frame.operands.pop())
            case name:
                right, left = frame.operands.pop(), frame.operands.pop()
                self._compute(frame, name, left, right)

    def _compute(self, frame: Frame, name: str, left: Operand, right: Operand) -> None:
        place = (left.start, right.end)
        node = Arithmetic(cast("ArithmeticOp", name), self.value(left), self.value(right), span=place)
        depth = 1 + max(left.depth, right.depth)
        if depth > DEPTH:  # here, not at the end, or a long sum would be read to no purpose
            check_limits(node, text=self.text)
        frame.operands.append(Operand(node, *place, depth))

    def _join(self, frame: Frame, name: str) -> None:
        """Build one And or Or of all its operands at once: one by one would copy the list each time."""
        count = 2
        while frame.operators and frame.operators[-1].name == name:
            frame.operators.pop()
            count += 1
        operands = frame.operands[-count:]
        del frame.operands[-count:]
        place = (operands[0].start, operands[-1].end)
        join = conjunction if name == "AND" else disjunction
        self.push(join((self.condition(operand) for operand in operands), place), *place)

    def _test(self, frame: Frame, operator: Operator, *right: Operand) -> None:
        left = frame.operands.pop()
        start, end = left.start, right[-1].end
        values = [self.value(operand) for operand in (left, *right)]
        node = _predicate(operator.name, values, (start, end))
        self.test(node, start, end, negated=operator.negated)

    def _error(self, kind: str, message: str, operand: Operand) -> FilterError:
        return FilterError(kind, message, span=(operand.start, operand.end), text=self.text)


def _predicate(name: str, values: list[Value], place: Place) -> Condition:
    left, right = values[0], values[1]
    match name:
        case "BETWEEN AND":
            return Between(left, right, values[2], span=place)
        case "<>":
            return negation(Compare("=", left, right, span=place), place)
        case "LIKE" | "CONTAINS" | "STARTS WITH" | "ENDS WITH":
            return TextTest(cast("TextOp", name.lower().replace(" ", "_")), left, right, span=place)
    return Compare(cast("CompareOp", name), left, right, span=place)



def _what(node: Node) -> str:
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
