"""Money is exact, of one currency, and cannot be typed a hundred times too large."""

import pickle
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custcrm.values.errors import Malformed
from custcrm.values.money import LARGEST, Money, exponent, parse_amount, round_ratio

currencies = st.sampled_from(["EUR", "JPY", "KWD", "CLF"])
minors = st.integers(-LARGEST, LARGEST)
small = st.integers(-(10**12), 10**12)


@given(minors, currencies)
def test_every_spelling_of_an_amount_is_the_same_money(minor: int, currency: str) -> None:
    """Law: amount, text and minor units give the same money back, whatever the decimal context."""
    money = Money.from_minor(minor, currency)
    with localcontext() as context:
        context.prec = 3
        assert Money(money.amount, currency) == money
        assert money.amount.as_tuple().exponent == -exponent(currency)
    assert Money(str(money).removesuffix(f" {currency}"), currency) == money
    assert Fraction(money.amount) * 10 ** exponent(currency) == minor
    assert pickle.loads(pickle.dumps(money)) == money


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_is_taken_exactly_or_refused(number: Decimal) -> None:
    """Law: nothing is rounded."""
    try:
        money = Money(number, "EUR")
    except Malformed:
        assert abs(number) > LARGEST // 100 or Fraction(number) * 100 % 1
    else:
        assert Fraction(money.minor, 100) == Fraction(number)


@given(small, small, st.integers(-1000, 1000))
def test_arithmetic_and_order_are_those_of_minor_units(a: int, b: int, factor: int) -> None:
    """Law: money of one currency adds, multiplies and compares as its minor units do."""
    x, y = Money.from_minor(a, "EUR"), Money.from_minor(b, "EUR")
    assert ((x + y).minor, (x - y).minor, (x * factor).minor, (factor * x).minor) == (
        a + b,
        a - b,
        a * factor,
        a * factor,
    )
    assert ((-x).minor, abs(x).minor, bool(x), sum([x, y, x])) == (-a, abs(a), a != 0, x + y + x)
    assert (x < y, x <= y, x > y, x >= y, x == y) == (a < b, a <= b, a > b, a >= b, a == b)


@pytest.mark.parametrize(
    "amount",
    [5.0, True, float("nan"), Decimal("NaN"), Decimal("Infinity"), "", "5,90", "1_000", "1e3", "1 000", "٣", "x", None],
)
def test_inexact_or_unclear_amounts_are_refused(amount: Any) -> None:
    """A float, a bool and every text but plain digits are Malformed, saying what to write."""
    with pytest.raises(Malformed, match=r"25\.90|1234\.50"):
        Money(amount, "EUR")


@pytest.mark.parametrize(
    ("amount", "currency", "write"), [("12.505", "EUR", "25.90"), ("1.5", "JPY", "'25'"), ("1.2345", "KWD", "25.900")]
)
def test_too_many_decimals_name_the_right_form(amount: str, currency: str, write: str) -> None:
    """More decimals than the currency has are refused; zeros at the end are not."""
    with pytest.raises(Malformed, match=write):
        Money(amount, currency)
    assert Money("12.5000", "EUR") == Money("12.50", "EUR")


@pytest.mark.parametrize("amount", [LARGEST // 100 + 1, Decimal("1E+999999"), 10**30])
def test_beyond_64_bits_is_refused(amount: int | Decimal) -> None:
    """An amount that no column holds is Malformed, at once."""
    with pytest.raises(Malformed, match="64 bits"):
        Money(amount, "EUR")
    with pytest.raises(Malformed, match="64 bits"):
        Money.from_minor(LARGEST, "EUR") + Money(1, "EUR")


def test_tiny_amounts_are_refused_at_once() -> None:
    """The size of an exponent costs nothing."""
    with pytest.raises(Malformed, match="2 decimals"):
        Money(Decimal("1E-999999"), "EUR")
    assert Money(Decimal("0E-999999"), "EUR").minor == 0


@pytest.mark.parametrize("currency", [None, 978, ["EUR"], b"EUR"])
def test_a_currency_is_a_code(currency: Any) -> None:
    """What is no text is Malformed like a code that there is not."""
    for make in (lambda: Money(1, currency), lambda: Money.from_minor(1, currency)):
        with pytest.raises(Malformed, match="ISO 4217"):
            make()


def test_currencies_never_mix() -> None:
    """Two currencies compare unequal and do nothing else; money and numbers do not add."""
    euro, dollar = Money(1, "EUR"), Money(1, "USD")
    assert euro != dollar
    for mixed in (lambda: euro + dollar, lambda: euro - dollar, lambda: euro < dollar):
        with pytest.raises(Malformed, match="EUR and USD"):
            mixed()
    wrong: Any = 1
    for nonsense in (lambda: euro + wrong, lambda: euro < wrong, lambda: euro * 1.5, lambda: euro * True):
        with pytest.raises(TypeError):
            nonsense()


def test_print() -> None:
    """Text for people, repr for programmers."""
    money = Money("579.9", "EUR")
    assert (str(money), repr(money), f"{money:>12}") == ("579.90 EUR", "Money('579.90', 'EUR')", "  579.90 EUR")
    assert str(Money(-5, "JPY")) == "-5 JPY"
    assert str(Money.from_minor(-5, "EUR")) == "-0.05 EUR"


def test_parse_amount_takes_money_of_the_right_currency() -> None:
    """At the door money is itself; another currency is Malformed with the field's name."""
    assert parse_amount("25.90", "EUR") == parse_amount(Money("25.90", "EUR"), "EUR") == Money.from_minor(2590, "EUR")
    with pytest.raises(Malformed) as caught:
        parse_amount(Money(1, "USD"), "EUR", field="total")
    assert caught.value.field == "total"


def test_unknown_currencies_suggest() -> None:
    """A wrong code is Malformed with near ones; a wrong case suggests the right one."""
    for code, suggestion in (("eur", "EUR"), ("EUX", "EUR")):
        with pytest.raises(Malformed) as caught:
            exponent(code)
        assert suggestion in caught.value.suggestions


def test_the_table_is_iso_4217() -> None:
    """Law: our decimals are those of the standard, currency by currency, none missing."""
    iso4217 = pytest.importorskip("iso4217")
    theirs = {currency.code: currency.exponent for currency in iso4217.Currency if currency.exponent is not None}
    assert {code: exponent(code) for code in theirs} == theirs


@given(small, small.filter(bool))
def test_round_ratio_is_half_even(numerator: int, denominator: int) -> None:
    """Law: the rounding of exact fractions, which Python does half-even."""
    assert round_ratio(numerator, denominator) == round(Fraction(numerator, denominator))


def test_round_ratio_of_halves() -> None:
    """Halves go to the even neighbour."""
    assert [round_ratio(n, 2) for n in (-3, -1, 1, 3, 5)] == [-2, 0, 0, 2, 2]
