"""Whole-number arithmetic in SQL, missing where it would leave 64 bits: `calculate`, `unscaled`, `summed`.

`ir.nodes.Calculation` says when a step is missing. The tests of its steps come first, inner before outer, in one CASE,
the only place where SQL promises an order: the operands of each are whole numbers that the tests before let pass, and
so is the result behind them all. A step that cannot leave, by the size of what goes in, has no test.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any as Anything
from typing import Final, assert_never

import sqlalchemy as sa
from attrs import define, field, frozen

from custcrm.filters.ir.nodes import LARGEST, Calculation, Constant, Total, Unscaled, Value
from custcrm.filters.targets.sql.phrases import Divided, IsNotTrue, Parenthesized, Phrase
from custcrm.filters.targets.sql.source import Element

WHOLE: Final = sa.BigInteger()
REAL: Final[sa.Double[float]] = sa.Double()

MOST_RECORDS: Final = 2**40
"""No row has more records of its own than this: a bound for COUNT."""
MOST_OF_ALL: Final = 2**63
CERTAIN: Final = 8 * 10**18
"""What is no larger than this is not beyond LARGEST in binary64 either, however its operands are rounded."""

_STEPS: Final[Mapping[str, Callable[[Anything, Anything], Anything]]] = MappingProxyType(
    {"+": operator.add, "-": operator.sub, "*": operator.mul}
)


def calculate(node: Calculation, value: Callable[[Value], Element]) -> Element:
    """Return the result of a calculation as a 64 bit whole number, NULL where it is missing."""
    steps = _Steps(value)
    result = steps.number(node).value
    if not steps.beyond:
        return result
    missing = sa.cast(sa.null(), WHOLE)
    return sa.case(*((test, missing) for test in steps.beyond), else_=result)


# numbers with decimals ---------------------------------------------------------------------------


def unscaled(number: Element, places: int) -> Element:
    """Return `number × 10^places` as a whole number, NULL where it is beyond LARGEST."""
    return sa.case(_scaled(number, places))


def summed(node: Value, value: Callable[[Value], Element]) -> Element:
    """Return the SUM of a value as a 64 bit whole number, 0 over nothing.

    A sum beyond 64 bits is an error of the database, and so is an unscaled number beyond LARGEST: see `is_overflow`.
    """
    if isinstance(node, Unscaled):
        number = value(node.value)
        each: Element = sa.case(_scaled(number, node.places), else_=Overflowing(number, type_=WHOLE))
    else:
        each = value(node)
    # PostgreSQL widens; back in 64 bits, what does not fit is an error there too.
    return sa.cast(sa.func.coalesce(sa.func.sum(each), 0), WHOLE)


def _scaled(number: Element, places: int) -> tuple[sa.ColumnElement[bool], Element]:
    """Return whether a number is within LARGEST once unscaled, and what it then is."""
    factor = 10**places
    most = int(LARGEST) // factor
    return number.between(_bind_number(-most), _bind_number(most)), Scaled(number, _bind_number(factor), type_=WHOLE)


class Scaled(Phrase):
    """The number times operand 1 as a whole number; of a REAL in SQLite the whole part and the rest, each exactly."""

    inherit_cache = True
    sqlite = "(CAST({0} AS INTEGER) * {1} + CAST(round(({0} - CAST({0} AS INTEGER)) * {1}) AS INTEGER))"
    postgresql = "CAST(round(CAST({0} AS NUMERIC) * {1}) AS BIGINT)"


class Overflowing(Phrase):
    """The error of a SUM beyond 64 bits, for a number beyond 10^9; NULL for NULL and NaN.

    It depends on the number, so that it is not computed before it is reached.
    """

    inherit_cache = True
    sqlite = "abs(CAST(abs({0}) * -1e19 AS INTEGER))"
    postgresql = "CAST(nullif(CAST({0} AS NUMERIC), 'NaN') * 1e30 AS BIGINT)"


# steps -------------------------------------------------------------------------------------------


@frozen
class _Number:
    """A whole number in SQL, and a bound for it, either way."""

    value: Element
    most: int


@define
class _Steps:
    """A calculation on its way to SQL: its numbers, each made once, and the tests found to be needed, inner first."""

    value: Callable[[Value], Element]
    beyond: list[sa.ColumnElement[bool]] = field(factory=list)
    _done: dict[int, _Number] = field(factory=dict)

    def number(self, node: Value) -> _Number:
        """Return the whole number, once for each node."""
        if id(node) not in self._done:
            self._done[id(node)] = self._computed(node) if isinstance(node, Calculation) else self._leaf(node)
        return self._done[id(node)]

    def _leaf(self, node: Value) -> _Number:
        made = self.value(node)
        # Two 32 bit columns would be multiplied in 32 bits; constants and totals have 64.
        whole = isinstance(node, Constant | Total) or isinstance(made.type, sa.BigInteger)
        return _Number(made if whole else sa.cast(made, WHOLE), _most(node))

    def _computed(self, node: Calculation) -> _Number:
        left = self.number(node.left)
        match node.op:
            case "sign":
                return _Number(sa.cast(sa.func.sign(left.value), WHOLE), 1)
            case "+" | "-" | "*":
                return self._step(node, left, self.number(node.right))
            case "%":
                return _Number(left.value % _divisor(node.right, self.number(node.right).value), left.most)
            case "DIV":
                divisor = _divisor(node.right, self.number(node.right).value)
                real = Divided(_real(left.value), _real(divisor), type_=REAL)
                return self._tried(Divided(left.value, divisor, type_=WHOLE), real, left.most)
            case _:
                assert_never(node.op)

    def _step(self, node: Calculation, left: _Number, right: _Number) -> _Number:
        compute = _STEPS[node.op]
        most = left.most * right.most if node.op == "*" else left.most + right.most
        # SQLAlchemy takes a + (b + c) for a + b + c, but they leave 64 bits at different steps.
        second = Parenthesized(right.value, type_=WHOLE) if isinstance(node.right, Calculation) else right.value
        return self._tried(compute(left.value, second), compute(_real(left.value), _real(right.value)), most)

    def _tried(self, exact: Element, real: Element, most: int) -> _Number:
        """Return a step, which is missing where its binary64 value is beyond LARGEST."""
        if most <= CERTAIN:
            return _Number(exact, most)
        self.beyond.append(IsNotTrue(sa.func.abs(real) <= sa.bindparam(None, LARGEST, REAL, unique=True)))
        return _Number(exact, MOST_OF_ALL)


def _real(number: Element) -> Element:
    return sa.cast(number, REAL)


def _divisor(node: Value, number: Element) -> Element:
    """Return the divisor, NULL for 0, which PostgreSQL would refuse to divide by."""
    return number if isinstance(node, Constant) and node.value else sa.func.nullif(number, 0, type_=WHOLE)


def _most(leaf: Value) -> int:
    """Return a bound for the absolute value of a leaf."""
    match leaf:
        case Constant(int(value)):
            return abs(value)
        case Total(op="count"):
            return MOST_RECORDS
        case _:
            return MOST_OF_ALL


def _bind_number(number: int) -> sa.BindParameter[int]:
    return sa.bindparam(None, number, WHOLE, unique=True)
