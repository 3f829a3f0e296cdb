"""Filters as Python expressions: `schema.fields` gives `Fields`, its attributes are `Value`s, comparing makes filters.

    c = schema.fields
    rule = (c.country == "FI") & ~(c.visits > 3) | c.accepts_marketing
    often = c.sales.where(c.sales.total > 20).count() >= 2

Every expression is checked as it is made, so a mistake is found in its own line.
"""
# ruff: noqa: SLF001  # values look into each other: their public names belong to the fields and keys

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from typing import Any, Final, NoReturn, TypeAlias, cast

from custcrm.filters.checking.conditions import check_value
from custcrm.filters.checking.names import Names, Referent, WholeCollection, resolve
from custcrm.filters.filter import Filter
from custcrm.filters.syntax import nodes as s
from custcrm.filters.syntax.constants import constant
from custcrm.filters.syntax.errors import NO_TRUTH, FilterError, not_a_value, quote_name
from custcrm.filters.syntax.kinds import kind_of
from custcrm.filters.syntax.limits import check_limits
from custcrm.filters.syntax.operators import AggregateOp, ArithmeticOp, CompareOp, TextOp
from custcrm.filters.syntax.to_text import canonical, path_text
from custcrm.filters.tools.reads import discreet
from custcrm.filters.types.declarations import Declarations
from custcrm.values.errors import Malformed

_PARENTHESES: Final = "& and | join conditions: put parentheses round each comparison, as in (c.a > 1) & (c.b > 2)"

Join: TypeAlias = Callable[[Iterable[s.Condition]], s.Condition]


class Fields:
    """The fields of a schema: `c.visits`, `c["and"]`; a name that is not there is a `FilterError` at once."""

    __slots__ = ("_schema",)

    def __init__(self, schema: Declarations) -> None:
        self._schema = schema

    def __getattr__(self, name: str) -> "Value":
        if name.startswith("__"):  # what Python and notebooks ask of any object
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> "Value":
        return _resolve_value(self._schema, (), (_text_key(name),))

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._schema.types, *self._schema.metrics]

    def __reduce__(self) -> tuple[Any, ...]:
        return Fields, (self._schema,)


class Value:
    """A value of a row: compare it to make a filter, or calculate with it.

    An entry of a map and a field of a record are reached by attribute or `[…]`: `c.tags["VIP"]`,
    `c.programs["gold"].points`; so are names that clash with a method. A collection is narrowed by `where` and ends in
    `count`, `exists`, or a field and `sum`, `avg`, `min` or `max`. What a segment or `TRUE` says is a Value too, until
    it meets a filter.
    """

    __slots__ = ("_found", "_schema", "_where", "_within", "node")
    __hash__ = None  # type: ignore[assignment]  # equality makes a filter
    __iter__ = None
    __contains__ = None

    def __init__(
        self,
        schema: Declarations | None,
        node: s.Node,
        *,
        within: tuple[str, ...] = (),
        where: s.Condition | None = None,
        found: Referent | None = None,
    ) -> None:
        self._schema = schema
        self.node = node
        self._within = within
        self._where = where
        self._found = found

    def __reduce__(self) -> tuple[Any, ...]:
        return _made_again, (self._schema, self.node, self._within, self._where, self._found)

    # parts

    def __getattr__(self, name: str) -> "Value":
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, key: str) -> "Value":
        name = _text_key(key)
        schema, path = self._path(f"{quote_name(name)} is asked of a value that has no parts")
        if isinstance(self._found, WholeCollection):
            return _resolve_value(schema, (*self._within, *path), (name,), self._where)
        return _resolve_value(schema, self._within, (*path, name))

    def __dir__(self) -> list[str]:
        parts = self._found.collection.fields if isinstance(self._found, WholeCollection) else ()
        return [*super().__dir__(), *parts]

    # comparisons

    def __eq__(self, other: object) -> Filter:  # type: ignore[override]
        return self._compare("=", other)

    def __ne__(self, other: object) -> Filter:  # type: ignore[override]
        return self._make_test(lambda left, right: s.negation(s.Compare("=", left, right)), other)

    def __lt__(self, other: object) -> Filter:
        return self._compare("<", other)

    def __le__(self, other: object) -> Filter:
        return self._compare("<=", other)

    def __gt__(self, other: object) -> Filter:
        return self._compare(">", other)

    def __ge__(self, other: object) -> Filter:
        return self._compare(">=", other)

    def between(self, low: Any, high: Any) -> Filter:
        """Return the filter of the rows whose value lies between the two, both ends in."""
        return self._make_test(s.Between, low, high)

    def is_in(self, values: Iterable[Any]) -> Filter:
        """Return the filter of the rows whose value equals one of these; of none of them, nobody."""
        if isinstance(values, str | Value):
            raise FilterError("value", "is_in() takes a list of values")
        # A set has no order of its own; sorted, the same set gives the same text.
        items = sorted(values, key=repr) if isinstance(values, AbstractSet) else values
        return self._make_test(lambda value, *rest: s.In(value, rest), *items)

    def exists(self) -> Filter:
        """Return the filter of the rows where the value is present, or where the collection has a record."""
        node = self._aggregate("exists") if isinstance(self._found, WholeCollection) else s.Exists(self._value_node())
        return _make_filter(self._schema, node, self._within)

    def like(self, pattern: Any) -> Filter:
        """Return the filter of the rows whose text matches: `%` is any run, `_` one character, backslash escapes."""
        return self._text_test("like", pattern)

    def contains(self, text: Any) -> Filter:
        """Return the filter of the rows whose text contains this one."""
        return self._text_test("contains", text)

    def starts_with(self, text: Any) -> Filter:
        """Return the filter of the rows whose text starts with this one."""
        return self._text_test("starts_with", text)

    def ends_with(self, text: Any) -> Filter:
        """Return the filter of the rows whose text ends with this one."""
        return self._text_test("ends_with", text)

    # values of values

    def casei(self) -> "Value":
        """Return the text without differences of case: CASEI."""
        return self._value(s.folded(self._value_node(), case=True))

    def accenti(self) -> "Value":
        """Return the text without accents: ACCENTI."""
        return self._value(s.folded(self._value_node(), accent=True))

    def anniversary(self) -> "Value":
        """Return the date's month and day: `birth_date.anniversary().between(today(), from_now("7 days"))`."""
        _, path = self._path("anniversary() is asked of a date field")
        return self._value(s.Anniversary(s.Field(path)))

    def __add__(self, other: object) -> "Value":
        return self._calculate("+", other)

    def __radd__(self, other: object) -> "Value":
        return self._calculate("+", other, reverse=True)

    def __sub__(self, other: object) -> "Value":
        return self._calculate("-", other)

    def __rsub__(self, other: object) -> "Value":
        return self._calculate("-", other, reverse=True)

    def __mul__(self, other: object) -> "Value":
        return self._calculate("*", other)

    def __rmul__(self, other: object) -> "Value":
        return self._calculate("*", other, reverse=True)

    def __truediv__(self, other: object) -> "Value":
        return self._calculate("/", other)

    def __rtruediv__(self, other: object) -> "Value":
        return self._calculate("/", other, reverse=True)

    def __pow__(self, exponent: int) -> "Value":
        return self._calculate("^", exponent)

    def __neg__(self) -> "Value":
        return self._calculate("*", -1, reverse=True)

    def div(self, divisor: object) -> "Value":
        """Return the whole quotient, truncated toward zero: DIV, which Python's `//` is not."""
        return self._calculate("DIV", divisor)

    def mod(self, divisor: object) -> "Value":
        """Return the remainder with the dividend's sign: `%` of the language, which Python's is not."""
        return self._calculate("%", divisor)

    # collections

    def where(self, condition: Any, /) -> "Value":
        """Return the collection narrowed to the records that satisfy a condition about its own fields."""
        if not isinstance(self._found, WholeCollection):
            raise FilterError("arguments", "where() is asked of a collection")
        schema, path = self._path("")
        inner = (*self._within, *path)
        if isinstance(condition, Value) and condition._within in ((), inner):  # TRUE, or a Boolean field
            condition = Filter.of(schema, condition.node, within=inner)
        if not isinstance(condition, Filter) or condition.within != inner:
            message = f"where() of {path_text(inner)} takes a condition about the fields of {path_text(inner)}"
            raise FilterError("out_of_scope", message)
        where = condition.node if self._where is None else s.conjunction((self._where, condition.node))
        return Value(schema, self.node, within=self._within, where=where, found=self._found)

    def count(self) -> "Value":
        """Return how many records the collection has."""
        return self._value(self._aggregate("count"))

    def sum(self) -> "Value":
        """Return the sum of the field over the records, 0 over none."""
        return self._total("sum")

    def avg(self) -> "Value":
        """Return the exact average of the field over the records, missing over none."""
        return self._total("avg")

    def min(self) -> "Value":
        """Return the smallest of the field over the records, missing over none."""
        return self._total("min")

    def max(self) -> "Value":
        """Return the largest of the field over the records, missing over none."""
        return self._total("max")

    # conditions

    def __and__(self, other: object) -> Filter:
        return self._join(other, s.conjunction)

    def __rand__(self, other: object) -> Filter:
        return self._join(other, s.conjunction, reverse=True)

    def __or__(self, other: object) -> Filter:
        return self._join(other, s.disjunction)

    def __ror__(self, other: object) -> Filter:
        return self._join(other, s.disjunction, reverse=True)

    def __invert__(self) -> Filter:
        return _make_filter(self._schema, s.negation(cast("s.Condition", self.node)), self._within)

    def __bool__(self) -> NoReturn:
        raise TypeError(NO_TRUTH)

    def __repr__(self) -> str:
        node = self.node if self._schema is None else discreet(self._schema, self.node, self._within)
        return f"<Value {canonical(node)}{' WHERE …' if self._where is not None else ''}>"

    # making

    def _value(self, node: s.Value) -> "Value":
        """Return a value of the same row or record."""
        return _check_value(self._schema, node, self._within)

    def _value_node(self) -> s.Value:
        """Return the node as a value of a row or record."""
        if self._where is not None:
            message = "where() narrows a collection; end with count(), exists(), or a field and sum()"
            raise FilterError("arguments", message)
        if kind_of(self.node) == "condition":
            raise not_a_value()
        return cast("s.Value", self.node)

    def _path(self, otherwise: str) -> tuple[Declarations, tuple[str, ...]]:
        if self._schema is None or not isinstance(self.node, s.Field):
            raise FilterError("arguments", otherwise)
        return self._schema, self.node.path

    def _meeting(self, others: Iterable[object]) -> tuple[Declarations | None, tuple[str, ...], list[s.Value]]:
        """Return the schema and the records that the values are about, which must be the same, and their nodes."""
        met = self
        nodes = [self._value_node()]
        for other in others:
            value = other if isinstance(other, Value) else Value(None, literal_of(other))
            met = _common_owner(met, value)
            nodes.append(value._value_node())
        return met._schema, met._within, nodes

    def _make_test(self, make: Callable[..., s.Condition], *others: object) -> Filter:
        schema, within, nodes = self._meeting(others)
        return _make_filter(schema, make(*nodes), within)

    def _compare(self, op: CompareOp, other: object) -> Filter:
        return self._make_test(lambda left, right: s.Compare(op, left, right), other)

    def _text_test(self, test: TextOp, pattern: object) -> Filter:
        return self._make_test(lambda text, piece: s.TextTest(test, text, piece), pattern)

    def _calculate(self, op: ArithmeticOp, other: object, *, reverse: bool = False) -> "Value":
        schema, within, (left, right) = self._meeting((other,))
        return _check_value(schema, s.Arithmetic(op, right, left) if reverse else s.Arithmetic(op, left, right), within)

    def _aggregate(self, op: AggregateOp) -> s.Aggregate:
        if not isinstance(self._found, WholeCollection):
            raise FilterError("arguments", f"{op}() is asked of a collection")
        return s.Aggregate(op, cast("s.Field", self.node).path, self._where)

    def _total(self, op: AggregateOp) -> "Value":
        schema, path = self._path(f"{op}() is asked of a field of a collection")
        if not self._within or isinstance(self._found, WholeCollection):
            raise FilterError("arguments", f"{op}() is asked of a field of a collection; {path_text(path)} is none")
        return _check_value(schema, s.Aggregate(op, (self._within[-1], *path), self._where), self._within[:-1])

    def _join(self, other: object, join: Join, *, reverse: bool = False) -> Filter:
        if isinstance(other, Filter):
            if self._schema is not None and self._within != other.within:
                raise _belong_apart(self, other.node)
            mine = Filter.of(other.schema, self.node, within=other.within)
            left, right = (other, mine) if reverse else (mine, other)
            return left & right if join is s.conjunction else left | right
        if not isinstance(other, Value):
            raise TypeError(_PARENTHESES)
        met = _common_owner(self, other)
        pair = (other.node, self.node) if reverse else (self.node, other.node)
        return _make_filter(met._schema, join(cast("tuple[s.Condition, ...]", pair)), met._within)


def _common_owner(one: Value, other: Value) -> Value:
    """Return the one that knows its schema; both must be about the same rows or records."""
    if one._schema is None or other._schema is None:
        return other if one._schema is None else one
    if one._schema is not other._schema:
        raise TypeError("Values of two schemas do not meet in one filter.")
    if one._within != other._within:
        raise _belong_apart(one, other.node)
    return one


def _belong_apart(one: Value, other: s.Node) -> FilterError:
    message = f"{canonical(one.node)} and {canonical(other)} belong to different records; compare totals outside"
    return FilterError("out_of_scope", message)


def literal_of(value: object) -> s.Literal:
    """Return the constant of a Python value; `FilterError` for what is none."""
    if isinstance(value, Filter):
        raise not_a_value()
    try:
        return constant(value)
    except Malformed as error:
        raise FilterError("value", str(error)) from None


def _resolve_value(
    schema: Declarations, within: tuple[str, ...], path: tuple[str, ...], where: s.Condition | None = None
) -> Value:
    found = resolve(Names(schema, within), path, None)
    return Value(schema, s.Field(path), within=within, where=where, found=found)


def _check_value(schema: Declarations | None, node: s.Value, within: tuple[str, ...]) -> Value:
    check_limits(node)  # first: the checker recurses
    return Value(schema, node if schema is None else check_value(schema, node, within=within)[0], within=within)


def _make_filter(schema: Declarations | None, node: s.Condition, within: tuple[str, ...]) -> Filter:
    """Return the filter of a condition; without a schema it stays a Value, which can only be joined."""
    if schema is None:
        return cast("Filter", Value(None, node))
    check_limits(node)
    return Filter.of(schema, node, within=within)


def _text_key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError("fields and keys are named by texts; conditions about them are made with between() and is_in()")
    return key


def _made_again(schema: Declarations | None, node: s.Node, *rest: Any) -> Value:
    within, where, found = rest
    return Value(schema, node, within=within, where=where, found=found)
