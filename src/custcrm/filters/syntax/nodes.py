"""The syntax tree of the filter language: frozen nodes, compared by value, without behaviour.

One tree stands behind text, JSON and Python expressions. Nodes carry the place they were read
from in `span`, which takes no part in comparison. The smart constructors `conjunction`, `disjunction`, `negation`,
`folded` and `literal` keep the tree in its one form: no And in And, no Or in Or, no Not of Not, no Fold of Fold, no
group of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias, TypeGuard

from attrs import evolve, field, frozen

from custcrm.filters.syntax.operators import AggregateOp, ArithmeticOp, ClockName, CompareOp, TextOp
from custcrm.values.periods import Span

Place: TypeAlias = tuple[int, int]
"""Start and end of a node in the text it was read from, in code points."""

Scalar: TypeAlias = str | int | Decimal | bool | date | datetime

INTEGER_MIN: Final = -(2**63)
INTEGER_MAX: Final = 2**63 - 1


def _place() -> Place | None:
    return field(default=None, eq=False, repr=False, kw_only=True)  # type: ignore[no-any-return]


def _exact(value: object) -> tuple[type, object]:
    """Tell TRUE from 1, and a date from its midnight, which Python's == does not."""
    return type(value), value


@frozen
class Literal:
    """A constant. Made by `literal`, which gives each value its one form."""

    value: Scalar = field(eq=_exact)
    span: Place | None = _place()


@frozen
class Field:
    """A named value of the row: `("tags", "VIP")` is `tags.VIP`."""

    path: tuple[str, ...]
    span: Place | None = _place()


@frozen
class Arithmetic:
    """Two numbers and an operator; `-x` is `-1 * x`."""

    op: ArithmeticOp
    left: Value
    right: Value
    span: Place | None = _place()


@frozen
class Fold:
    """CASEI, ACCENTI or both of a text. Made by `folded`."""

    case: bool
    accent: bool
    value: Value
    span: Place | None = _place()


@frozen
class Clock:
    """`ago('12 months')`, `from_now('7 days')`, `today()`, `now()`; `length` is None for the last two."""

    name: ClockName
    length: Span | None = None
    span: Place | None = _place()


@frozen
class Anniversary:
    """The day of the year of a date."""

    field: Field
    span: Place | None = _place()


@frozen
class Aggregate:
    """`COUNT(sales WHERE …)`, `SUM(sales.total WHERE …)`; op `exists` is a condition, the others are values."""

    op: AggregateOp
    path: tuple[str, ...]
    where: Condition | None = None
    span: Place | None = _place()


@frozen
class Compare:
    """Two values and one of `= < <= > >=`; `<>` is Not of `=`."""

    op: CompareOp
    left: Value
    right: Value
    span: Place | None = _place()


@frozen
class Between:
    """A value from `low` to `high`, both ends in."""

    value: Value
    low: Value
    high: Value
    span: Place | None = _place()


class Listed(tuple["Literal", ...]):
    """The constants of an In that our own code lists: `In(Field(("id",)), Listed(Literal(id) for id in ids))`.

    There may be any number of them, while texts and JSON keep to `limits.VALUES`, and they are no `children`: what
    walks a tree does not look at them one by one. Equal to the plain tuple of the same constants.
    """

    __slots__ = ()


@frozen
class In:
    """A value that equals one of the items."""

    value: Value
    items: tuple[Value, ...]
    span: Place | None = _place()


@frozen
class TextTest:
    """A text and a constant pattern."""

    test: TextOp
    value: Value
    pattern: Value
    span: Place | None = _place()


@frozen
class Exists:
    """The value is present. `EXISTS(collection …)` is an Aggregate."""

    value: Value
    span: Place | None = _place()


@frozen
class Segment:
    """A named, saved filter."""

    name: str
    span: Place | None = _place()


@frozen
class Not:
    """The complement of a condition. Made by `negation`."""

    arg: Condition
    span: Place | None = _place()


@frozen
class And:
    """Two or more conditions that all hold. Made by `conjunction`."""

    args: tuple[Condition, ...]
    span: Place | None = _place()


@frozen
class Or:
    """Two or more conditions of which one holds. Made by `disjunction`."""

    args: tuple[Condition, ...]
    span: Place | None = _place()


Value: TypeAlias = Literal | Field | Arithmetic | Fold | Clock | Anniversary | Aggregate
Condition: TypeAlias = (
    And | Or | Not | Compare | Between | In | TextTest | Exists | Segment | Aggregate | Literal | Field
)
"""A Literal TRUE or FALSE and a Boolean Field are conditions as well."""
Node: TypeAlias = Value | Condition

TRUE: Final = Literal(True)
FALSE: Final = Literal(False)


def literal(value: Scalar, span: Place | None = None) -> Literal:
    """Return the constant in its one form: a whole decimal becomes an int, other decimals lose trailing zeros."""
    if isinstance(value, Decimal):
        value = value.normalize() if value else Decimal(0)
        if value == value.to_integral_value() and INTEGER_MIN <= value <= INTEGER_MAX:
            value = int(value)
    return Literal(value, span=span)


def conjunction(args: Iterable[Condition], span: Place | None = None) -> Condition:
    """Return the And of the conditions, flattened; of one, itself; of none, TRUE."""
    flat = [inner for arg in args for inner in (arg.args if isinstance(arg, And) else (arg,))]
    return flat[0] if len(flat) == 1 else And(tuple(flat), span=span) if flat else TRUE


def disjunction(args: Iterable[Condition], span: Place | None = None) -> Condition:
    """Return the Or of the conditions, flattened; of one, itself; of none, FALSE."""
    flat = [inner for arg in args for inner in (arg.args if isinstance(arg, Or) else (arg,))]
    return flat[0] if len(flat) == 1 else Or(tuple(flat), span=span) if flat else FALSE


def negation(arg: Condition, span: Place | None = None) -> Condition:
    """Return the complement; the complement of a Not is what it negates."""
    return arg.arg if isinstance(arg, Not) else Not(arg, span=span)


def folded(value: Value, *, case: bool = False, accent: bool = False, span: Place | None = None) -> Fold:
    """Return the fold of a text; folds merge."""
    if isinstance(value, Fold):
        return Fold(case or value.case, accent or value.accent, value.value, span=span)
    return Fold(case, accent, value, span=span)


def _value(node: Exists | Fold) -> tuple[Node, ...]:
    return (node.value,)


def _sides(node: Compare | Arithmetic) -> tuple[Node, ...]:
    return (node.left, node.right)


def _args(node: And | Or) -> tuple[Node, ...]:
    return node.args


def _nothing(_: Node) -> tuple[Node, ...]:
    return ()


_CHILDREN: Final[Mapping[type, Callable[[Any], tuple[Node, ...]]]] = {
    And: _args,
    Or: _args,
    Not: lambda node: (node.arg,),
    Compare: _sides,
    Arithmetic: _sides,
    Between: lambda node: (node.value, node.low, node.high),
    In: lambda node: (node.value,) if isinstance(node.items, Listed) else (node.value, *node.items),
    TextTest: lambda node: (node.value, node.pattern),
    Exists: _value,
    Fold: _value,
    Anniversary: lambda node: (node.field,),
    Aggregate: lambda node: () if node.where is None else (node.where,),
    Literal: _nothing,
    Field: _nothing,
    Clock: _nothing,
    Segment: _nothing,
}


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below, left to right, but for the constants of a `Listed`."""
    return _CHILDREN[type(node)](node)


def is_node(value: object) -> TypeGuard[Node]:
    """Tell whether a value is a node of the tree."""
    return type(value) in _CHILDREN


def rebuilt(node: Node, parts: Sequence[Any]) -> Node:
    """Return the node with other `children`, as many as it has, in its one form (an And in an And is flattened)."""
    match node:
        case And():
            return conjunction(parts, node.span)
        case Or():
            return disjunction(parts, node.span)
        case Not():
            return negation(parts[0], node.span)
        case Compare(op):
            return Compare(op, parts[0], parts[1], span=node.span)
        case Arithmetic(op):
            return Arithmetic(op, parts[0], parts[1], span=node.span)
        case Between():
            return Between(parts[0], parts[1], parts[2], span=node.span)
        case In(_, items):
            return In(parts[0], items if isinstance(items, Listed) else tuple(parts[1:]), span=node.span)
        case TextTest(test):
            return TextTest(test, parts[0], parts[1], span=node.span)
        case Exists():
            return Exists(parts[0], span=node.span)
        case Fold(case, accent):
            return folded(parts[0], case=case, accent=accent, span=node.span)
        case Anniversary():
            return Anniversary(parts[0], span=node.span)
        case Aggregate(op, path, where) if where is not None:
            return Aggregate(op, path, parts[0], span=node.span)
        case _:
            return node


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and everything below it, depth first, left to right, without recursion."""
    pending = [node]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(children(node)))


def placed(node: Node, span: Place | None) -> Node:
    """Return the node as read from another place."""
    return evolve(node, span=span)
