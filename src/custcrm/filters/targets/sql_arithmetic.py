"""Whole-number arithmetic in SQL, missing where it would leave 64 bits. The name to know is `calculate`.

`lowered.Calculation` says when a result is missing. The tests of its binary64 values come first, inner before outer, in
one CASE, the only place where SQL promises an order; the whole numbers are computed behind them, where they fit. A test
that cannot fail, by the size of what goes in, is left out: each one reads its operands a second time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import sqlalchemy as sa
from attrs import define, field

from custcrm.filters.lowered import LARGEST, Calculation, Constant, Total, Value
from custcrm.filters.syntax import INTEGER_MAX
from custcrm.filters.targets.sql_phrases import Divided, IsNotTrue
from custcrm.filters.targets.sql_source import Element

WHOLE: Final = sa.BigInteger()
REAL: Final[sa.Double[float]] = sa.Double()

MOST_RECORDS: Final = 2**40
"""No row has more records of its own than this: a bound for COUNT."""
MOST_OF_ALL: Final = 2**63


def calculate(node: Calculation, value: Callable[[Value], Element]) -> Element:
    """Return the result of a calculation as a 64 bit whole number, NULL where it is missing."""
    steps = _Steps(value)
    result = steps.whole(node)
    if not steps.beyond:
        return result
    missing = sa.cast(sa.null(), WHOLE)
    return sa.case(*((test, missing) for test in steps.beyond), else_=result)


def unscaled(number: Element, places: int) -> Element:
    """Return `number × 10^places` as a whole number, NULL where it would leave 64 bits."""
    if not places:
        return number
    factor = 10**places
    scaled = sa.cast(sa.func.round(number * _bound(factor)), WHOLE)
    return sa.case((sa.func.abs(number) <= _bound(INTEGER_MAX // factor), scaled))


@define
class _Steps:
    """A calculation on its way to SQL: its leaves, each made once, and the tests found to be needed, inner first."""

    value: Callable[[Value], Element]
    beyond: list[sa.ColumnElement[bool]] = field(factory=list)
    _done: dict[int, Element] = field(factory=dict)

    def whole(self, node: Value) -> Element:
        """Return the whole number, once for each node."""
        if id(node) not in self._done:
            self._done[id(node)] = self._computed(node) if isinstance(node, Calculation) else self._leaf(node)
        return self._done[id(node)]

    def _leaf(self, node: Value) -> Element:
        made = self.value(node)
        # Two 32 bit columns would be multiplied in 32 bits; constants and totals have 64.
        whole = isinstance(node, Constant | Total) or isinstance(made.type, sa.BigInteger)
        return made if whole else sa.cast(made, WHOLE)

    def _computed(self, node: Calculation) -> Element:
        left = self.whole(node.left)
        right = self.whole(node.right) if node.op != "sign" else left
        if _may_leave(node):
            within = sa.func.abs(self._real(node)) <= sa.bindparam(None, LARGEST, REAL, unique=True)
            self.beyond.append(IsNotTrue(within))
        match node.op:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "DIV":
                return Divided(left, _divisor(node.right, right), type_=WHOLE)
            case "%":
                return left % _divisor(node.right, right)
            case "sign":
                return sa.cast(sa.func.sign(left), WHOLE)

    def _real(self, node: Value) -> Element:
        """Return the binary64 value, computed from the leaves; that of `%` is its dividend's."""
        match node:
            case Calculation("+", left, right):
                return self._real(left) + self._real(right)
            case Calculation("-", left, right):
                return self._real(left) - self._real(right)
            case Calculation("*", left, right):
                return self._real(left) * self._real(right)
            case Calculation("DIV", left, right):
                return Divided(self._real(left), sa.func.nullif(self._real(right), 0, type_=REAL), type_=REAL)
            case Calculation("%", left, _):
                return self._real(left)
            case _:
                return sa.cast(self.whole(node), REAL)


def _may_leave(node: Calculation) -> bool:
    """Tell whether a step could go beyond LARGEST, or divide by what is 0 in binary64 alone."""
    if node.op in ("sign", "%"):
        return False
    return _size(node) > LARGEST or (node.op == "DIV" and isinstance(node.right, Calculation))


def _divisor(node: Value, number: Element) -> Element:
    """Return the divisor, NULL for 0, which PostgreSQL would refuse to divide by."""
    return number if isinstance(node, Constant) and node.value else sa.func.nullif(number, 0, type_=WHOLE)


def _size(node: Value) -> int:
    """Return a bound for the absolute value, in binary64, of a whole number that is not missing."""
    match node:
        case Constant(int(value)):
            return abs(value)
        case Total(op="count"):
            return MOST_RECORDS
        case Calculation("sign"):
            return 1
        case Calculation(("+" | "-"), left, right):
            return _held(left) + _held(right)
        case Calculation("*", left, right):
            return _held(left) * _held(right)
        case Calculation(("DIV" | "%"), left, _):
            return _held(left)
        case _:
            return MOST_OF_ALL


def _held(node: Value) -> int:
    """Return a bound for an operand; a step that goes beyond LARGEST is missing, and so never an operand."""
    tried = isinstance(node, Calculation) and _may_leave(node)
    return min(_size(node), int(LARGEST)) if tried else _size(node)


def _bound(number: int) -> sa.BindParameter[int]:
    return sa.bindparam(None, number, WHOLE, unique=True)
