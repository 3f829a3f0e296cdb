"""Code that reads a row, and the names of a function under construction. The name to know is `Access`."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import CodeType, FunctionType
from typing import Any as Anything
from typing import Final, TypeAlias

from attrs import define, field, frozen

from custcrm.filters.ir.moments import walk
from custcrm.filters.ir.nodes import Column, Condition, Constant, Entry, HasEntry, Moment, Shown, Value
from custcrm.filters.targets.python import nodes, values
from custcrm.filters.targets.python.rows import Bound, Mappings, Rows, decimals
from custcrm.filters.targets.python.shapes import bind, compare, get_key, is_in, is_present, join_tests, load, name_of
from custcrm.filters.types.types import Boolean, Instant, Money, Number, Scalar
from custcrm.values.money import Money as Amount

Known: TypeAlias = Mapping[tuple[object, ...], str]
"""What has certainly been read at some point, and the name that holds it."""

_LITERALS: Final = (str, int, bool, type(None))


@frozen
class Record:
    """What is being read: the row, or a record of one of its collections, `sales`, or of one within these, `sales.lines`."""

    name: str
    collection: str | None = None


@frozen
class ValueCode:
    """A value as code: once every guard, in this order, is true, `value` is present.

    `certain` is what has been read when the first guard was tried, `known` when all were true. Of `visits`:

        guards  (v1 := row.visits) is not None
        value   v1
        known   visits is held by v1, so nothing reads it again
    """

    guards: tuple[ast.expr, ...]
    value: ast.expr
    certain: Known
    known: Known


@define
class Access:
    """How one function reads its rows.

    Constants, helpers and readers are names of the function's own namespace, moments are its parameters.
    """

    rows: Rows
    moments: tuple[Moment, ...]
    repeated: frozenset[object]
    currency: str | None = None
    namespace: dict[str, Anything] = field(factory=dict, init=False)
    _names: int = field(default=0, init=False)

    @classmethod
    def to(cls, rows: Rows, root: Condition | Shown, currency: str | None) -> Access:
        """Return access for a condition or value; `repeated` are the values in it that are worth a name."""
        nodes = list(walk(root))
        reads = Counter(node for node in nodes if isinstance(node, Column | Entry))
        moments = tuple(dict.fromkeys(node for node in nodes if isinstance(node, Moment)))
        return cls(rows, moments, frozenset(node for node, times in reads.items() if times > 1), currency)

    def function(self, name: str, parameter: str, body: ast.expr) -> Callable[..., Anything]:
        """Return the function of this one expression; it takes `parameter` and the moments."""
        names = (parameter, *(f"m{index}" for index in range(len(self.moments))))
        parameters: list[ast.arg] = [nodes.Argument(each) for each in names]
        arguments = ast.arguments(posonlyargs=[], args=parameters, kwonlyargs=[], kw_defaults=[], defaults=[])
        compiled = compile(ast.Expression(nodes.Lambda(arguments, body)), f"<filter {name}>", "eval")
        (code,) = (each for each in compiled.co_consts if isinstance(each, CodeType))
        return FunctionType(code, self.namespace, name)

    # names ---------------------------------------------------------------------------------------

    def fresh(self, letter: str) -> str:
        """Return a name not used before in this function."""
        self._names += 1
        return f"{letter}{self._names}"

    def refer_to(self, node: Constant | Moment) -> ast.expr:
        """Return a constant as a literal or a name, a moment as its parameter."""
        return load(f"m{self.moments.index(node)}") if isinstance(node, Moment) else self.constant(node.value)

    def constant(self, value: object) -> ast.expr:
        """Return a constant as code."""
        if type(value) in _LITERALS:
            return nodes.Constant(value)  # type: ignore[arg-type]
        name = self.fresh("k")
        self.namespace[name] = value
        return load(name)

    def helper(self, function: Callable[..., Anything]) -> ast.expr:
        """Return the name of a function or class that the code needs."""
        name = f"{function.__name__}_"
        self.namespace[name] = function
        return load(name)

    def call(self, helper: Callable[..., Anything], *arguments: ast.expr) -> ast.expr:
        """Return a call of a helper."""
        return nodes.Call(self.helper(helper), [*arguments], [])

    # reading -------------------------------------------------------------------------------------

    def read(self, node: Column | Entry, record: Record, known: Known, *, named: bool) -> tuple[ast.expr, Known]:
        """Return the code that gives what stands in the row, None where nothing does, and what is known after it.

        What is known already is its name. With `named`, or when it is read again elsewhere, it is bound to one.
        """
        key = (record.name, node)
        if key in known:
            return load(known[key]), known
        code = self._column(node, record) if isinstance(node, Column) else self._entry(node, record, known)
        if not named and node not in self.repeated:
            return code, known
        return self._give_name(key, code, known)

    def entry_guards(self, node: Entry, record: Record, known: Known) -> tuple[list[ast.expr], Known, Known]:
        """Return what must hold before an entry of a plain row can be read: the map is there, and the record is.

        Then what is known when the first was tried, and what is known when all hold.
        """
        if isinstance(self.rows, Bound) or (record.name, node) in known:
            return [], known, known
        entries, certain = self._map(node.map, record, known)
        if node.field is None:
            return [is_present(entries)], certain, certain
        held = get_key(name_of(entries), node.key)
        held, known = self._give_name((record.name, node.map, node.key), held, certain)
        return [is_present(entries), is_present(held)], certain, known

    def has_entry(self, node: HasEntry, record: Record, known: Known) -> tuple[ast.expr, Known]:
        """Return the code that tells whether the row's map has the key."""
        if isinstance(self.rows, Bound):
            return self._reader(self.rows.has_entry(node), record), known
        entries, known = self._map(node.map, record, known)
        there = name_of(entries)
        if node.type is None:
            held = self.call(values.has_record, there, nodes.Constant(node.key))
        else:
            held = is_in(nodes.Constant(node.key), nodes.Call(nodes.Attribute(there, "keys", ast.Load()), [], []))
            read = bind(self.fresh("v"), get_key(there, node.key))
            held = join_tests(ast.Or(), [self.fits(Entry(node.map, node.key, None, node.type), read), held])
        return join_tests(ast.And(), [is_present(entries), held]), known

    def records(self, collection: str, record: Record) -> ast.expr:
        """Return the code of a collection's records."""
        if isinstance(self.rows, Bound):
            return self._reader(self.rows.records(collection, record.collection), record)
        return self.call(values.records_of, self._field(load(record.name), collection))

    def count(self, collection: str, record: Record) -> ast.expr:
        """Return the code of how many records a collection has, none of which anything else looks at."""
        if not isinstance(self.rows, Bound):
            return self.call(values.count_of, self._field(load(record.name), collection))
        if self.rows.count is None:
            return self.call(len, self.records(collection, record))
        return self._reader(self.rows.count(collection, record.collection), record)

    def inside(self, record: Record, collection: str) -> Record:
        """Return a record of a collection of this one, under a name of its own."""
        outer = record.collection
        return Record(self.fresh("r"), collection if outer is None else f"{outer}.{collection}")

    def month_day(self, node: Value, record: Record) -> ast.expr | None:
        """Return the code that gives month × 100 + day, or None where it is computed from the date."""
        if isinstance(node, Column) and isinstance(self.rows, Bound) and self.rows.month_day is not None:
            return self._reader(self.rows.month_day(node, record.collection), record)
        return None

    def is_physical(self, node: Value, record: Record) -> bool:
        """Tell whether what is read needs no check: a store's own function gives the physical value."""
        if not isinstance(self.rows, Bound) or not isinstance(node, Column):
            return isinstance(self.rows, Bound)
        return not isinstance(self.rows.column(node, record.collection), str)

    def trusts(self) -> bool:
        """Tell whether rows hold what they should: those of a store do."""
        return isinstance(self.rows, Bound)

    def fits(self, node: Column | Entry, read: ast.expr) -> ast.expr:
        """Return the test that what is read is there; in a plain row, that it has its type. One of another is refused.

        None and NaN are missing. `read` names what it reads, and stands first.
        """
        if self.trusts():
            return is_present(read)
        value = name_of(read)
        admitted = nodes.Call(self.constant(values.admission(node.type, self.currency)), [value], [])
        if isinstance(node.type, Instant):  # what compares with an aware datetime is one
            own = compare(value, ">=", self.constant(_EARLIEST))
            return join_tests(ast.And(), [is_present(read), join_tests(ast.Or(), [own, admitted])])
        return join_tests(ast.Or(), [*self._own(node.type, read), join_tests(ast.And(), [is_present(value), admitted])])

    def _own(self, kind: Scalar, read: ast.expr) -> list[ast.expr]:
        """Return tests of which one holds for nearly every value of a type, and none for another."""
        value = name_of(read)
        match kind:
            case Boolean():
                return [_is(read, nodes.Constant(True)), _is(value, nodes.Constant(False))]
            case Number(places=places):
                quantize, unit = (self.constant(each) for each in decimals(places))
                exact = compare(value, "=", nodes.Call(quantize, [value, unit], []))
                return [self._is_a(read, int), join_tests(ast.And(), [self._is_a(value, Decimal), exact])]
            case Money() if self.currency is not None:
                same = compare(nodes.Attribute(value, "currency", ast.Load()), "=", nodes.Constant(self.currency))
                return [join_tests(ast.And(), [self._is_a(read, Amount), same])]
            case _:
                kinds, _ = values.classes_of(kind)
                return [self._is_a(value if place else read, each) for place, each in enumerate(kinds)]

    def _is_a(self, value: ast.expr, kind: type) -> ast.expr:
        """Return `value.__class__ is kind`."""
        return _is(nodes.Attribute(value, "__class__", ast.Load()), self.helper(kind))

    def physical(self, node: Column | Entry, record: Record, value: ast.expr, *, in_utc: bool) -> ast.expr:
        """Return the code of the physical value of what was read."""
        if self.is_physical(node, record):
            return value
        if isinstance(node.type, Money):
            return nodes.Attribute(value, "minor", ast.Load())
        if isinstance(node.type, Instant) and in_utc:
            is_utc = nodes.Compare(nodes.Attribute(value, "tzinfo", ast.Load()), [ast.Is()], [self._utc()])
            return nodes.IfExp(is_utc, value, self.call(values.in_utc, value))
        return value

    def _give_name(self, key: tuple[object, ...], code: ast.expr, known: Known) -> tuple[ast.expr, Known]:
        if key in known:
            return load(known[key]), known
        name = self.fresh("v")
        return bind(name, code), {**known, key: name}

    def _map(self, name: str, record: Record, known: Known) -> tuple[ast.expr, Known]:
        return self._give_name((record.name, name), self._field(load(record.name), name), known)

    def _utc(self) -> ast.expr:
        self.namespace["UTC_"] = UTC
        return load("UTC_")

    def _column(self, node: Column, record: Record) -> ast.expr:
        if not isinstance(self.rows, Bound):
            return self._field(load(record.name), node.name)
        reader = self.rows.column(node, record.collection)
        if isinstance(reader, str):
            return nodes.Attribute(load(record.name), reader, ast.Load())
        return self._reader(reader, record)

    def _entry(self, node: Entry, record: Record, known: Known) -> ast.expr:
        if isinstance(self.rows, Bound):
            return self._reader(self.rows.entry(node), record)
        if node.field is not None:
            return self._field(load(known[record.name, node.map, node.key]), node.field)
        return get_key(load(known[record.name, node.map]), node.key)

    def _field(self, owner: ast.expr, name: str) -> ast.expr:
        return get_key(owner, name) if isinstance(self.rows, Mappings) else nodes.Attribute(owner, name, ast.Load())

    def _reader(self, reader: Callable[..., Anything], record: Record) -> ast.expr:
        name = self.fresh("read")
        self.namespace[name] = reader
        return nodes.Call(load(name), [load(record.name)], [])


def _is(left: ast.expr, right: ast.expr) -> ast.expr:
    return nodes.Compare(left, [ast.Is()], [right])


_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
