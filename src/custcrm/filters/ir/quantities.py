"""Exact numbers without fractions: each expression as a whole number, a static factor and a positive divisor.

`Quantity` is the shape, `plus`, `times`, `divided`, `truncated`, `power` compute with it, `whole_number_of` are the steps
that targets run. A constant is a `Fraction`; a Money constant is in minor units by then.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import gcd
from typing import Final, TypeAlias
from typing import Literal as OneOf

from attrs import evolve, frozen

from custcrm.filters.ir.nodes import Calculation, Condition, Constant, Present, Test, Total, Unscaled, Value
from custcrm.filters.ir.whole import most
from custcrm.filters.syntax.errors import FilterError
from custcrm.filters.syntax.nodes import INTEGER_MAX, INTEGER_MIN

LARGEST_BITS: Final = 4_096
"""Bits of what a power may come to: far beyond 38 digits, and cheap to compute with on the way to an error."""


@frozen
class Quantity:
    """A number that is no constant: `number × factor ÷ over`, so that targets need compute with whole numbers only.

    `number` and `over` are whole numbers of the row, `factor` is known now, `over` is positive where it is not None. The
    number is missing where an operand is, and where one of `divisors` (each zero or positive) is zero.

        price / 3               number=price in minor units, factor=1/3
        AVG(sales.total)        number=SUM(sales.total), over=COUNT(sales), divisors=(COUNT(sales),)
        price, two decimals     number=Unscaled(price, 2), factor=1/100
    """

    number: Value
    factor: Fraction = Fraction(1)
    over: Value | None = None
    divisors: tuple[Value, ...] = ()


Numeric: TypeAlias = Quantity | Fraction


def plus(a: Numeric, b: Numeric, op: OneOf["+", "-"] = "+") -> Numeric:
    """Return the sum, or with `-` the difference."""
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a + b if op == "+" else a - b
    a, b = _quantity(a), _quantity(b)
    factor = _common(a.factor, b.factor)
    left, right = _scaled(a.number, a.factor / factor), _scaled(b.number, b.factor / factor)
    if a.over == b.over:
        divisor = a.over
    else:
        left, right = _product(left, b.over), _product(right, a.over)
        divisor = _product(a.over, b.over) if a.over else b.over
    return Quantity(_calculated(op, left, right), factor, divisor, _merge(a.divisors, b.divisors))


def times(a: Numeric, b: Numeric) -> Numeric:
    """Return the product."""
    if isinstance(a, Fraction):
        a, b = b, a
    if isinstance(a, Fraction):
        return a * b  # type: ignore[operator]  # then b is one too
    if isinstance(b, Fraction):
        return evolve(a, number=_scaled(a.number, Fraction(b.numerator)), factor=a.factor / b.denominator)
    over = _product(a.over, b.over) if a.over else b.over
    return Quantity(_calculated("*", a.number, b.number), a.factor * b.factor, over, _merge(a.divisors, b.divisors))


def divided(a: Numeric, b: Numeric) -> Numeric:
    """Return the exact ratio; missing where `b` is zero. A constant zero has been refused before."""
    if isinstance(b, Fraction):
        return times(a, 1 / b)
    a = _quantity(a)
    if is_natural(b.number):
        number, divisor = a.number, b.number
    else:
        sign = Calculation("sign", b.number, b.number)
        number, divisor = _calculated("*", a.number, sign), _calculated("*", b.number, sign)
    return Quantity(
        _product(number, b.over),
        a.factor / b.factor,
        _product(a.over, divisor) if a.over else divisor,
        _merge(a.divisors, b.divisors, (divisor,)),
    )


def truncated(op: OneOf["DIV", "%"], a: Numeric, b: Numeric) -> Numeric:
    """Return the whole quotient or the rest of two whole numbers, truncated toward zero."""
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        quotient = Fraction(int(a / b))
        return quotient if op == "DIV" else a - b * quotient
    a, b = _quantity(a), _quantity(b)
    return Quantity(_calculated(op, whole_number_of(a), whole_number_of(b)), divisors=_merge(a.divisors, b.divisors))


def power(base: Numeric, exponent: int) -> Numeric:
    """Return the base multiplied by itself; to the power of 0 a present base gives 1."""
    if isinstance(base, Fraction):
        return base**exponent
    if exponent == 0:
        return plus(times(evolve(base, over=None), Fraction(0)), Fraction(1))
    if most(base.number).bit_length() * exponent > LARGEST_BITS:
        raise FilterError("number", "a power of a power is too large; write a smaller exponent")
    result: Numeric = base
    for _ in range(exponent - 1):
        result = times(result, base)
    return result


def whole_number_of(quantity: Quantity) -> Value:
    """Return a quantity that is a whole number by its type as one value."""
    return _scaled(quantity.number, quantity.factor)


def is_natural(value: Value) -> bool:
    """Tell whether a whole number cannot be negative."""
    return isinstance(value, Total) and value.op == "count"


def guarded(divisors: Iterable[Value]) -> list[Condition]:
    """Return the conditions under which a ratio has a value."""
    return [Test(">", divisor, Constant(0)) for divisor in divisors]


def is_present(quantity: Numeric) -> list[Condition]:
    """Return the conditions that together say that a number is present."""
    if isinstance(quantity, Fraction):
        return []
    number = quantity.number
    # A record's total over nothing is 0, and a plain column needs no scale to be there.
    value = number.value if isinstance(number, Unscaled) else number
    return [Present(value), *guarded(quantity.divisors)]


def multiplied(value: Value, factor: int, divisor: Value | None) -> Value:
    """Return `value × divisor × factor`, one side of a comparison of ratios."""
    return _scaled(_product(value, divisor), Fraction(factor))


def _quantity(number: Numeric) -> Quantity:
    if isinstance(number, Quantity):
        return number
    return Quantity(Constant(number.numerator), Fraction(1, number.denominator))


def _common(a: Fraction, b: Fraction) -> Fraction:
    """Return the largest number of which both are whole multiples."""
    return Fraction(gcd(a.numerator * b.denominator, b.numerator * a.denominator), a.denominator * b.denominator)


def _scaled(value: Value, factor: Fraction) -> Value:
    """Return a whole number times a whole factor; constants are computed at once."""
    times_ = factor.numerator
    return value if times_ == 1 else _calculated("*", value, Constant(times_))


def _product(value: Value | None, other: Value | None) -> Value:
    if value is None or other is None:
        return value or other or Constant(1)
    return _calculated("*", value, other)


def _calculated(op: OneOf["+", "-", "*", "DIV", "%"], left: Value, right: Value) -> Value:
    """Return one step, or what it comes to where it is known already."""
    if op == "*" and isinstance(left, Constant) and isinstance(right, Constant):
        return Constant(int(left.value) * int(right.value))  # type: ignore[arg-type]  # whole numbers by construction
    return Calculation(op, left, right)


def _merge(*divisors: tuple[Value, ...]) -> tuple[Value, ...]:
    return tuple(dict.fromkeys(each for several in divisors for each in several))


def beyond(number: Fraction | int) -> OneOf[-1, 0, 1]:
    """Tell on which side of the 64-bit whole numbers a constant lies, 0 for inside."""
    return 1 if number > INTEGER_MAX else -1 if number < INTEGER_MIN else 0
