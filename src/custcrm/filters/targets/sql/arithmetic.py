"""Whole-number arithmetic in SQL, exact on both databases: `calculate`, `compare_numbers`, `listed`, `unscaled`, `summed`.

PostgreSQL computes with NUMERIC, and its NUMERIC(38) is the error for what is wider. SQLite computes with 64 bits where
a look at each step in binary64 says that they do; where they do not, by the functions of `exact` on connections of a store,
and else with the error of a sum that is too large. So no row is ever answered from a wrong number, or from none.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any as Anything
from typing import Final, assert_never

import sqlalchemy as sa
from attrs import define, field, frozen

from custcrm.filters.ir.nodes import Calculation, Choose, Constant, Total, Value
from custcrm.filters.ir.whole import BEYOND, WORD, digits, most
from custcrm.filters.syntax.operators import COMPARISONS, CompareOp
from custcrm.filters.targets.sql.binding import Whole, listed_digits
from custcrm.filters.targets.sql.phrases import (
    BoundedSum,
    Divided,
    IsInDigits,
    Native,
    Numeric,
    Overflowing,
    Parenthesized,
    Refused,
    Scaled,
    SumOf,
    TooWide,
    Truncated,
    Wide,
)
from custcrm.filters.targets.sql.source import Element

WHOLE: Final = sa.BigInteger()
REAL: Final[sa.Double[float]] = sa.Double()
EXACT: Final = Whole()
ANY_SIZE: Final[sa.Numeric[Decimal]] = sa.Numeric()

LARGEST: Final = 9.0e18
"""A step whose binary64 value is within this, either way, is exact in 64 bits."""
CERTAIN: Final = 8 * 10**18
"""What is no larger than this is not beyond LARGEST in binary64 either, however its operands are rounded."""

_STEPS: Final[Mapping[str, Callable[[Anything, Anything], Anything]]] = MappingProxyType(
    {"+": operator.add, "-": operator.sub, "*": operator.mul}
)


def is_wide(node: Value) -> bool:
    """Tell whether a number may be beyond the 64 bits in which a database holds it, so that it is compared with care."""
    match node:
        case Calculation():
            return True
        case Constant(int(number)):
            return not -WORD <= number < WORD
        case Choose(_, then, otherwise):
            return is_wide(then) or (otherwise is not None and is_wide(otherwise))
        case Constant():
            return False
        case _:
            return most(node) >= BEYOND


@frozen
class Arithmetic:
    """How a writer computes: `value` writes what is no calculation; `ours` says whether SQLite has our functions."""

    value: Callable[[Value], Element]
    ours: bool

    def calculate(self, node: Value, *, narrow: bool) -> Element:
        """Return a number, NULL where it is missing; with `narrow` one of more than 38 digits is an error."""
        steps = _Steps(self.value)
        number = steps.number(node)
        width = digits(node)
        numeric = _narrowed(number, node, width) if narrow else number.numeric
        if not steps.beyond:
            return Native(number.native, numeric, type_=EXACT)
        exact = number.exact
        if narrow and most(node) >= 10**width:
            exact = sa.case((_compare_exactly("=", exact, exact, width) == _whole(1), exact))
        return Wide(number.native, numeric, steps.is_beyond(), self._slowly(steps, exact), type_=EXACT)

    def compare(self, op: CompareOp, left: Value, right: Value) -> sa.ColumnElement[bool]:
        """Return the comparison of two numbers, NULL where one is missing; more than 38 digits are an error."""
        steps = _Steps(self.value)
        a, b = steps.number(left), steps.number(right)
        holds = COMPARISONS[op].holds
        width = digits(left, right)
        native, numeric = holds(a.native, b.native), holds(_narrowed(a, left, width), _narrowed(b, right, width))
        if not steps.beyond:
            return Native(native, numeric)
        slowly = self._slowly(steps, _compare_exactly(op, a.exact, b.exact, width))
        return Wide(native, numeric, steps.is_beyond(), slowly)

    def is_in(self, node: Value, items: Iterable[int]) -> sa.ColumnElement[bool]:
        """Return whether a number is one of a list, NULL where it is missing."""
        return IsInDigits(self.calculate(node, narrow=True), listed_digits(items))

    def _slowly(self, steps: _Steps, exact: Element) -> Element:
        """Return what SQLite does where 64 bits do not: call our functions, or refuse the row."""
        return exact if self.ours else sa.case(*((test, error) for test, error in steps.beyond))


# numbers with decimals ---------------------------------------------------------------------------


def unscaled(number: Element, places: int) -> Element:
    """Return `number × 10^places` as a whole number; on SQLite it is an error where it has no 64 bits."""
    factor = 10**places
    # Written out, not bound: SQLite sums what it is told twice in the same words only once.
    return Scaled(number, *(sa.literal_column(str(each)) for each in (factor, int(LARGEST) // factor)), type_=EXACT)


def summed(each: Element, *, ours: bool) -> Element:
    """Return the SUM of whole numbers, 0 over nothing; on SQLite a total beyond 64 bits is an error of the database.

    In a store's own tables partial sums cannot get there, as rules bound what is summed (10^12 and less): adding up in
    halves as well, a third slower, would be for nothing.
    """
    return (BoundedSum if ours else SumOf)(each, type_=EXACT)


# steps -------------------------------------------------------------------------------------------


@frozen
class _Number:
    """A whole number in SQL: as SQLite computes it within 64 bits, by our functions, and as PostgreSQL does.

    `most` bounds what SQLite computes within 64 bits, either way. Where it is made by our function, `steps` are the
    operator and what goes in, from left to right.
    """

    native: Element
    exact: Element
    numeric: Element
    most: int
    steps: tuple[str, tuple[Element, ...]] = ("", ())


@define
class _Steps:
    """Calculations on their way to SQL: their numbers, each made once, and the tests found to be needed, inner first.

    Beside each test stands the error that a row gets which fails it where SQLite has no functions of ours.
    """

    value: Callable[[Value], Element]
    beyond: list[tuple[sa.ColumnElement[bool], Element]] = field(factory=list)
    _done: dict[int, _Number] = field(factory=dict)

    def is_beyond(self) -> sa.ColumnElement[bool]:
        """Return whether some step is beyond 64 bits."""
        return sa.or_(*(test for test, _ in self.beyond))

    def number(self, node: Value) -> _Number:
        """Return the whole number, once for each node."""
        if id(node) not in self._done:
            self._done[id(node)] = self._computed(node) if isinstance(node, Calculation) else self._leaf(node)
        return self._done[id(node)]

    def _leaf(self, node: Value) -> _Number:
        if isinstance(node, Constant) and is_wide(node):
            return self._wide_constant(int(node.value))  # type: ignore[arg-type]  # a whole number by construction
        made = self.value(node)
        # Two 32 bit columns would be multiplied in 32 bits; constants and totals have 64.
        as_it_is = isinstance(node, Constant | Total) or isinstance(made.type, sa.BigInteger | Whole)
        whole = made if as_it_is else sa.cast(made, WHOLE)
        if isinstance(node, Choose) and is_wide(node):
            self._test(_real(whole))
        return _Number(whole, whole, Numeric(whole, type_=EXACT), min(most(node), WORD))

    def _wide_constant(self, number: int) -> _Number:
        self.beyond.append((sa.true(), Refused(type_=EXACT)))
        digits = sa.bindparam(None, str(number), sa.Text(), unique=True)
        return _Number(sa.cast(sa.null(), WHOLE), digits, sa.bindparam(None, Decimal(number), ANY_SIZE, unique=True), WORD)

    def _computed(self, node: Calculation) -> _Number:
        left = self.number(node.left)
        match node.op:
            case "sign":
                numeric = sa.func.sign(left.numeric, type_=EXACT)
                native = sa.cast(sa.func.sign(left.native), WHOLE)
                return self._made(node.op, left, left, native, numeric, 1)
            case "+" | "-" | "*":
                return self._step(node, left, self.number(node.right))
            case "%" | "DIV":
                return self._divided(node, left, self.number(node.right))
            case _:
                assert_never(node.op)

    def _step(self, node: Calculation, left: _Number, right: _Number) -> _Number:
        compute = _STEPS[node.op]
        # SQLAlchemy takes a + (b + c) for a + b + c, but they leave 64 bits at different steps.
        second, numeric = (
            Parenthesized(each, type_=EXACT) if isinstance(node.right, Calculation) else each
            for each in (right.native, right.numeric)
        )
        native = compute(left.native, second)
        bound = left.most * right.most if node.op == "*" else left.most + right.most
        if bound > CERTAIN:
            self._test(compute(_real(left.native), _real(right.native)))
            bound = WORD
        return self._made(node.op, left, right, native, compute(left.numeric, numeric), bound)

    def _divided(self, node: Calculation, left: _Number, right: _Number) -> _Number:
        divisor, numeric = (_divisor(node.right, each) for each in (right.native, right.numeric))
        if node.op == "%":
            native = left.native % divisor
            return self._made("%", left, right, native, left.numeric % numeric, left.most)
        native = Divided(left.native, divisor, type_=WHOLE)
        if left.most > CERTAIN:
            self._test(Divided(_real(left.native), _real(divisor), type_=REAL))
        return self._made("DIV", left, right, native, Truncated(left.numeric, numeric, type_=EXACT), left.most)

    def _made(self, op: str, left: _Number, right: _Number, native: Element, numeric: Element, bound: int) -> _Number:
        """Return the step, exact by our function; where nothing can have left 64 bits, the step itself is.

        A chain of one operator is one call, as calls within calls are soon too deep for SQLite's parser.
        """
        if not self.beyond:
            return _Number(native, native, numeric, bound)
        chained, before = left.steps
        operands = (*(before if chained == op else (left.exact,)), right.exact)
        name = sa.bindparam(None, op, sa.Text(), unique=True)
        exact = sa.Function("custcrm_step", *operands, name, type_=EXACT)
        return _Number(native, exact, numeric, bound, (op, operands))

    def _test(self, real: Element) -> None:
        """Note that a number is beyond 64 bits where its binary64 value is beyond LARGEST."""
        test = sa.func.abs(real) > sa.bindparam(None, LARGEST, REAL, unique=True)
        self.beyond.append((test, Overflowing(real, type_=EXACT)))


def _compare_exactly(op: str, left: Element, right: Element, width: int) -> Element:
    name = sa.bindparam(None, op, sa.Text(), unique=True)
    return TooWide(sa.Function("custcrm_compare", left, right, name, _whole(width), type_=WHOLE), type_=WHOLE)


def _narrowed(number: _Number, node: Value, width: int) -> Element:
    """Return what PostgreSQL computes, an error where it has more digits."""
    return sa.cast(number.numeric, sa.Numeric(width, 0)) if most(node) >= 10**width else number.numeric


def _real(number: Element) -> Element:
    return sa.cast(number, REAL)


def _divisor(node: Value, number: Element) -> Element:
    """Return the divisor, NULL for 0, which PostgreSQL would refuse to divide by."""
    return number if isinstance(node, Constant) and node.value else sa.func.nullif(number, 0, type_=number.type)


def _whole(number: int) -> sa.BindParameter[int]:
    return sa.bindparam(None, number, WHOLE, unique=True)
