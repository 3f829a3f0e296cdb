"""Money: whole minor units of one ISO 4217 currency. The names to know are `Money`, `parse_amount`, `round_ratio`, `apportion`.

At the door and in print amounts are major units ("25.90"); cents never appear as a bare number.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Self, TypeAlias

import attrs

from custcrm.values.errors import Malformed
from custcrm.values.spelling import nearest

LARGEST: Final = 2**63 - 1
"""Minor units that a 64-bit column holds."""

# ISO 4217, list one, as of 2026: the codes with minor units, funds included. Metals, units of account and test codes
# have none and are no money here.
_CODES: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW "
    "CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR "
    "ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV "
    "MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD "
    "SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_EXPONENTS: Final = {code: places for places, codes in _CODES.items() for code in codes.split()}

_PLAIN = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")


def exponent(currency: str) -> int:
    """Return the number of decimals of an ISO 4217 currency; an unknown code is `Malformed` with suggestions."""
    if not isinstance(currency, str):
        raise Malformed(f"a currency is an ISO 4217 code such as 'EUR', not {type(currency).__name__}", field="currency")
    places = _EXPONENTS.get(currency)
    if places is None:
        code = currency.strip().upper()
        near = (code,) if code in _EXPONENTS else nearest(code, _EXPONENTS)
        raise Malformed(f"{currency!r} is no ISO 4217 currency code", field="currency", suggestions=near)
    return places


@attrs.frozen(init=False, repr=False)
class Money:
    """An exact amount in one currency: `Money("579.90", "EUR")`.

    The amount is in major units: a text, an int or a `Decimal`. `Malformed` refuses float and bool, NaN, more decimals
    than the currency has (zeros at the end are fine) and more than 64 bits. Amounts of one currency compare, add,
    subtract and multiply by an int; two currencies never mix (`Malformed`), though they may be tested for equality.
    """

    minor: int
    currency: str

    def __init__(self, amount: str | int | Decimal, currency: str) -> None:
        self.__attrs_init__(_minor(amount, currency), currency)

    @classmethod
    def from_minor(cls, minor: int, currency: str) -> Self:
        """Make money of a whole number of minor units, 2590 cents for 25.90 euros."""
        if type(minor) is not int:
            raise Malformed(f"minor units are a whole number, not {type(minor).__name__}", field="minor")
        if not -LARGEST <= minor <= LARGEST:
            raise Malformed("the amount does not fit 64 bits of minor units", field="minor")
        exponent(currency)
        money = cls.__new__(cls)
        money.__attrs_init__(minor, currency)
        return money

    @property
    def amount(self) -> Decimal:
        """The amount in major units, with exactly the decimals of the currency."""
        return Decimal(self._digits())  # from text, which no decimal context rounds

    def _digits(self) -> str:
        places = exponent(self.currency)
        sign, digits = "-" if self.minor < 0 else "", str(abs(self.minor)).rjust(places + 1, "0")
        return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else sign + digits

    def __str__(self) -> str:
        return f"{self._digits()} {self.currency}"

    def __repr__(self) -> str:
        return f"Money({self._digits()!r}, {self.currency!r})"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __lt__(self, other: object) -> bool:
        return self.minor < self._like(other) if isinstance(other, Money) else NotImplemented

    def __le__(self, other: object) -> bool:
        return self.minor <= self._like(other) if isinstance(other, Money) else NotImplemented

    def __gt__(self, other: object) -> bool:
        return self.minor > self._like(other) if isinstance(other, Money) else NotImplemented

    def __ge__(self, other: object) -> bool:
        return self.minor >= self._like(other) if isinstance(other, Money) else NotImplemented

    def __add__(self, other: object) -> Self:
        return self._with(self.minor + self._like(other)) if isinstance(other, Money) else NotImplemented

    def __radd__(self, other: object) -> Self:
        return self if other == 0 and type(other) is int else NotImplemented  # sum() begins with 0

    def __sub__(self, other: object) -> Self:
        return self._with(self.minor - self._like(other)) if isinstance(other, Money) else NotImplemented

    def __mul__(self, factor: object) -> Self:
        return self._with(self.minor * factor) if type(factor) is int else NotImplemented

    __rmul__ = __mul__

    def __neg__(self) -> Self:
        return self._with(-self.minor)

    def __abs__(self) -> Self:
        return self._with(abs(self.minor))

    def _like(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise Malformed(f"{self.currency} and {other.currency} do not mix; convert one first", field="currency")
        return other.minor

    def _with(self, minor: int) -> Self:
        return self.from_minor(minor, self.currency)


Amount: TypeAlias = str | int | Decimal | Money


def parse_amount(value: Amount, currency: str, *, field: str = "amount") -> Money:
    """Read an amount in major units, or money that must be of this currency; `Malformed` says what to write."""
    if isinstance(value, Money):
        if value.currency != currency:
            raise Malformed(f"expected an amount in {currency}, not in {value.currency}", field=field)
        return value
    return Money.from_minor(_minor(value, currency, field), currency)


def round_ratio(numerator: int, denominator: int) -> int:
    """Return `numerator / denominator` rounded to a whole number, halves to the even one; exact at any size."""
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    quotient, rest = divmod(numerator, denominator)
    return quotient + (2 * rest > denominator or (2 * rest == denominator and quotient % 2 == 1))


def apportion(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide a whole amount in proportion to weights: whole parts, and their sum is the amount.

    Each part is its exact share, rounded up for those with the largest remainders, of equal ones the earlier, and down for the
    others. So no part is more than its weight where the amount is not more than all weights. Neither the amount nor a weight is
    below nought; of no weight at all there are no parts but nought.
    """
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    shares = [divmod(amount * weight, whole) for weight in weights]
    parts = [part for part, _ in shares]
    for at in sorted(range(len(shares)), key=lambda at: -shares[at][1])[: amount - sum(parts)]:
        parts[at] += 1
    return parts


def _minor(amount: object, currency: str, field: str = "amount") -> int:
    """Return an amount of major units in minor ones."""
    places = exponent(currency)
    number = _decimal(amount, field)
    if not number:
        return 0
    # Sizes first: the powers of ten below must stay small whatever the exponent is.
    if number.adjusted() > 18:
        raise Malformed("the amount does not fit 64 bits of minor units", field=field)
    sign, digits, exact = number.as_tuple()
    shift = int(exact) + places
    text = "".join(map(str, digits))
    whole, rest = (text + "0" * shift, "") if shift >= 0 else (text[:shift], text[shift:])
    if rest.strip("0"):
        raise Malformed(f"{currency} has {places} decimals; write {_example(places)}", field=field)
    minor = int(whole or "0")
    if minor > LARGEST:
        raise Malformed("the amount does not fit 64 bits of minor units", field=field)
    return -minor if sign else minor


def _decimal(amount: object, field: str) -> Decimal:
    """Return an exact, finite number from what may be an amount."""
    match amount:
        case bool() | float():
            raise Malformed(
                f"an amount is exact; write '25.90' or Decimal('25.90'), not a {type(amount).__name__}", field=field
            )
        case int():
            return Decimal(amount)
        case Decimal() if amount.is_finite():
            return amount
        case str() if _PLAIN.fullmatch(plain := amount.strip()):
            return Decimal(plain)
    raise Malformed("not an amount such as 1234.50; write digits with a decimal point and nothing else", field=field)


def _example(places: int) -> str:
    return "'25." + "90000"[:places] + "'" if places else "'25'"
