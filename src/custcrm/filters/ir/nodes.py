"""The small core that every target compiles: what a checked filter means, with nothing left to decide.

`lowering` turns a checked tree and its schema into these nodes once; the targets are functions over them and hold no
rule of the language. What is settled here, so that no target has to:

- NOT stands only over leaves (`Negated`): true exactly when the positive leaf is not true, a missing operand included.
- Metrics, derived fields, segments and scopes are expanded; records later than `as_of` are excluded by conditions.
- BETWEEN is two tests; AVG and `/` are whole numbers compared by cross-multiplication, divisors made positive.
- Every number in arithmetic is a whole number: `Unscaled` reads a decimal as `value × 10^places`, money as minor units.
- An Instant beside a day is compared with the first instants of days; `age` and `days_since_…` with a bound on the
date.
- Everything that depends on the clock is a `Moment`: resolved once per evaluation by `moments.resolve`, then bound.

Physical values are: text `str`, whole number `int`, Number `Decimal`, Money `int` (minor units), Boolean `bool`, Date
`date`, Instant aware `datetime` in UTC, Choice `str`.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal as OneOf
from typing import TypeAlias

from attrs import field, frozen

from custcrm.filters.syntax.nodes import _exact
from custcrm.filters.syntax.operators import CompareOp, TextOp
from custcrm.filters.types.types import Scalar as ScalarType
from custcrm.values.periods import Span

Physical: TypeAlias = str | int | Decimal | bool | date | datetime


# values ------------------------------------------------------------------------------------------


@frozen
class Constant:
    """A physical value that is known."""

    value: Physical = field(eq=_exact)


@frozen
class Column:
    """A field of the row; inside the `where` or `value` of a Total or Some, of the record at hand."""

    name: str
    type: ScalarType


@frozen
class Entry:
    """What the row's map holds under `key`: its value, or `field` of its record."""

    map: str
    key: str
    field: str | None
    type: ScalarType


@frozen
class Moment:
    """A day or an instant that follows from `as_of`: see `moments.resolve` for each kind.

    | kind | gives |
    |---|---|
    | `now` | the instant as_of, moved by `length` (negative `sign`: back) |
    | `today` | the day of as_of in the business zone, moved by `length` |
    | `day_start` | the first instant of `day` (or of `today` moved by `length`), plus `days` days |
    | `birth_bound` | the last day on which someone `count` years old today can have been born, plus `days` days |
    | `day_bound` | today minus `count` days, plus `days` days |
    | `day_bound_start` | the first instant of the day after `today minus count days` |
    | `month_day_low`, `month_day_high` | an end of the `index`-th month × 100 + day range from `first` to `last` |
    """

    kind: OneOf[
        "now", "today", "day_start", "birth_bound", "day_bound", "day_bound_start", "month_day_low", "month_day_high"
    ]
    sign: int = 1
    length: Span | None = None
    day: date | None = None
    days: int = 0
    count: int = 0
    index: int = 0
    first: Moment | date | None = None
    last: Moment | date | None = None


@frozen
class Folded:
    """CASEI, ACCENTI or both of a text value, exactly as `values.texts.fold` gives it, or refused by the target."""

    case: bool
    accent: bool
    value: TextValue


@frozen
class Unscaled:
    """A Number as a whole number, `value × 10^places`; Money and Integer are whole already."""

    value: Plain
    places: int


@frozen
class Calculation:
    """Whole-number arithmetic: `+ - *`, and `DIV %` truncated toward zero with the dividend's sign.

    Missing when an operand is missing or a divisor is 0, and only then. Steps are exact whatever their size. A side of a
    Test, a Member's value and what is Shown must come to less than 10^38, either way, and that many times more where the whole
    number stands for decimals (`ir.whole.digits`); else it is the error `overflow`, for both sides of a Test whether the other
    one is missing or not. Present asks nothing of the size. `sign` gives -1, 0 or 1 of `left` (`right` is ignored and equals
    `left`).
    """

    op: OneOf["+", "-", "*", "DIV", "%", "sign"]
    left: Value
    right: Value


@frozen
class Total:
    """One number over the records of a collection that satisfy `where`; `path` is the collection, ("sales",) or, inside
    another collection's where, ("lines",).

    `count`: how many records have `value` present (all of them when it is None); never missing. `sum`: 0 over
    nothing, never missing, exact whatever its parts are; `value` is then an Unscaled or a Column of whole numbers. `min`,
    `max`: missing over nothing.
    """

    op: OneOf["count", "sum", "min", "max"]
    collection: str
    value: Value | None
    where: Condition | None


@frozen
class Choose:
    """`then` where the condition is true, else `otherwise` (None: missing)."""

    condition: Condition
    then: Value
    otherwise: Value | None


Plain: TypeAlias = Constant | Column | Entry | Moment | Total | Choose
TextValue: TypeAlias = Constant | Column | Entry | Folded | Choose
Value: TypeAlias = Plain | Folded | Unscaled | Calculation


# conditions --------------------------------------------------------------------------------------


@frozen
class Always:
    """TRUE or FALSE."""

    truth: bool


@frozen(cache_hash=True)
class Test:
    """Both sides present, and the comparison holds. Both sides have the same physical type."""

    op: CompareOp
    left: Value
    right: Value


@frozen(cache_hash=True)
class Member:
    """The value is present and one of the constants (one bound parameter; at least one item)."""

    value: Value
    items: tuple[Physical, ...]


@frozen(cache_hash=True)
class Matches:
    """The text is present and matches. `pieces` is the one literal text, `(("A",),)`, but for `like`: there it holds the
    pieces between the `%` signs, each a tuple of a literal text or None (exactly one code point), in order; the whole text
    must match. See `ir.patterns`.
    """

    test: TextOp
    value: TextValue
    pieces: tuple[tuple[str | None, ...], ...]


@frozen
class Present:
    """The value is there (for a Calculation: every operand is, and no divisor is zero).

    For a Column of a yearless Date also true when only month and day are known, unlike in a Test.
    """

    value: Value


@frozen
class HasEntry:
    """The row's map has the key, with or without a value; `type` is that of its values, None where they are records."""

    map: str
    key: str
    type: ScalarType | None = None


@frozen(cache_hash=True)
class Some:
    """Some record of the collection satisfies `where` (None: there is a record)."""

    collection: str
    where: Condition | None


@frozen
class MonthDay:
    """The date's month × 100 + day lies in one of the ranges, both ends in; low above high is an empty one."""

    value: Plain
    ranges: tuple[tuple[Moment | Constant, Moment | Constant], ...]


Leaf: TypeAlias = Test | Member | Matches | Present | HasEntry | Some | MonthDay


@frozen(cache_hash=True)
class Negated:
    """True exactly when the leaf is not true."""

    leaf: Leaf


@frozen(cache_hash=True)
class All:
    """Every condition holds. Where one may be the error `overflow`, they are asked in this order, until one decides."""

    args: tuple[Condition, ...]


@frozen(cache_hash=True)
class Any:
    """Some condition holds. Where one may be the error `overflow`, they are asked in this order, until one decides."""

    args: tuple[Condition, ...]


Condition: TypeAlias = Always | Leaf | Negated | All | Any


# what a value shows ------------------------------------------------------------------------------


@frozen(cache_hash=True)
class Shown:
    """A value to look at (a column of a view, a key to sort by): `over` is None or the positive divisor of an exact
    ratio.

    `kind` says how to show the physical value: text, integer, number (÷ 10^scale), money, boolean, date, instant,
    choice, or `years` / `days`: the whole years or days from the date or instant until as_of.
    """

    kind: OneOf["text", "integer", "number", "money", "boolean", "date", "instant", "choice", "years", "days"]
    value: Value
    over: Value | None = None
    scale: int = 0
