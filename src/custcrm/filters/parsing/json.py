"""CQL2 JSON to tree: `from_json`; `meaning` for what checks the tree and tells of its errors by their place in the JSON.

Strict: unknown members, wrong counts and inexact numbers are refused, each with a JSON pointer to the place.
"""

import json
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Any, Final, NoReturn, TypeAlias, TypeVar, cast

from attrs import frozen

from custcrm.filters.parsing.functions import Complain, call, is_known, unknown
from custcrm.filters.parsing.tokens import is_path, segments
from custcrm.filters.parsing.trampoline import run
from custcrm.filters.syntax.constants import Number, constant, number
from custcrm.filters.syntax.errors import NOT_A_VALUE, FilterError
from custcrm.filters.syntax.kinds import kind_of
from custcrm.filters.syntax.limits import JSON_NESTING, JSON_TEXT, JSON_VALUES, VALUES, check_limits, exceeded
from custcrm.filters.syntax.nodes import (
    Arithmetic,
    Between,
    Compare,
    Condition,
    Exists,
    Field,
    In,
    Literal,
    Node,
    TextTest,
    Value,
    conjunction,
    disjunction,
    negation,
    placed,
)
from custcrm.filters.syntax.operators import COMPARISONS, ArithmeticOp
from custcrm.values.errors import Malformed

Checked = TypeVar("Checked")
Part = TypeVar("Part")
Reading: TypeAlias = Generator[Any, Node, Part]
"""Yields what stands inside, is sent its node, and returns a part of the tree."""

_BRACKETS: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_KINDS: Final = {bool: "a boolean", str: "a text", int: "a number", float: "a number", Decimal: "a number"}


def from_json(data: Mapping[str, Any] | str) -> Condition:
    """Return the condition that CQL2 JSON says, decoded or as text.

    Numbers are read exactly. Raises `FilterError` with a `pointer`, `LimitExceeded` for what is too large or too deep.
    """
    node = _read_condition(_open(data))
    check_limits(node)
    return node


def meaning(data: Mapping[str, Any] | str, check: Callable[[Condition], Checked]) -> Checked:
    """Return what `check` makes of the condition; an error that it finds at a node gets the pointer of that node."""
    try:
        return check(from_json(data))
    except FilterError as error:
        if error.pointer is None:
            error.pointer = _find_pointer(data, check)
        raise


def _find_pointer(data: Mapping[str, Any] | str, check: Callable[[Condition], object]) -> str | None:
    """Check once more with numbered nodes, and return the pointer of the one in which the error was found."""
    pointers: list[str] = []
    try:
        check(_read_condition(_open(data), pointers))
    except FilterError as error:
        return pointers[error.span[0]] if error.span else None
    return None


def _open(data: Mapping[str, Any] | str) -> Any:
    return _decode(data) if isinstance(data, str) else _check_size(data)


def _decode(text: str) -> Any:
    """Return the JSON value of a text, its decimal numbers exact."""
    if len(text) > JSON_TEXT:
        raise exceeded("json_text")
    depth = 0
    for bracket in _BRACKETS.finditer(text):  # before decoding, which recurses
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(bracket[0], 0)
        if depth > JSON_NESTING:
            raise exceeded("json_nesting")
    try:
        value = json.loads(
            text,
            parse_float=_make_number,
            parse_int=_make_number,
            parse_constant=_refuse_number,
            object_pairs_hook=_make_object,
        )
    except json.JSONDecodeError as error:
        message = f"not a JSON text: {error.msg} in line {error.lineno}, column {error.colno}"
        raise FilterError("json", message, pointer="") from None
    return _check_size(value)


def _check_size(data: object) -> Any:
    """Return decoded JSON unchanged; refuse deep nesting, and parts shared so often that they would never end."""
    pending: list[Iterator[object]] = [iter((data,))]
    count = 0
    while pending:
        if len(pending) > JSON_NESTING + 1:
            raise exceeded("json_nesting")
        for value in pending[-1]:
            count += 1
            if count > JSON_VALUES:
                raise exceeded("json_values")
            if isinstance(value, Mapping | list | tuple):
                pending.append(iter(value.values() if isinstance(value, Mapping) else value))
                break
        else:
            pending.pop()
    return data


def _read_condition(data: object, pointers: list[str] | None = None) -> Condition:
    """Return the condition of decoded JSON.

    With a list of pointers each node gets a place that is no place of a text: its number in the list, to which the
    pointer is added. That is how an error found later, at a node, finds its pointer.
    """
    return _require_condition(run(_Reader(pointers).read(data, "")), "")


def _make_number(text: str) -> Number:
    try:
        return number(text.removeprefix("-"), negative=text.startswith("-"))
    except Malformed as error:
        raise FilterError("number", str(error), pointer="") from None


def _refuse_number(name: str) -> NoReturn:
    raise FilterError("number", f"{name} is no number of the language", pointer="")


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise FilterError("json", "an object has a member twice", pointer="")
    return members


# errors ------------------------------------------------------------------------------------------


def _error(kind: str, pointer: str, message: str, expected: Sequence[str] = ()) -> FilterError:
    return FilterError(kind, f"at {pointer or '/'}: {message}", pointer=pointer, expected=expected)


def _mismatch(pointer: str, expected: str, found: object) -> FilterError:
    if isinstance(found, Mapping):
        what = "an object"
    else:
        what = "a list" if isinstance(found, list | tuple) else _KINDS.get(type(found), "something else")
    return _error("json", pointer, f"expected {expected}, found {what}", (expected,))


def _complain_at(pointer: str) -> Complain:
    """Return what makes the errors of a function call at a pointer."""

    def complain(kind: str, message: str, argument: int | None) -> FilterError:
        return _error(kind, pointer if argument is None else f"{pointer}/args/{argument}", message)

    return complain


# reading -----------------------------------------------------------------------------------------


@frozen
class _Reader:
    """Makes nodes of decoded JSON, and numbers them when somebody wants to know where they came from.

    What is inside is yielded to `run`, not called: nesting costs no frames.
    """

    pointers: list[str] | None

    def read(self, data: object, pointer: str) -> Reading[Node]:
        if isinstance(data, Mapping):
            return self._number((yield from self._read_object(data, pointer)), pointer)
        return self._number(_read_scalar(data, pointer), pointer)

    def _number(self, node: Node, pointer: str) -> Node:
        if self.pointers is None:
            return node
        self.pointers.append(pointer)
        return placed(node, (len(self.pointers) - 1, len(self.pointers)))

    def _read_object(self, data: Mapping[Any, Any], pointer: str) -> Reading[Node]:
        match dict(data):
            case {"op": str(op), "args": list(args) | tuple(args), **others} if not others:
                return (yield from self._read_operation(op, args, pointer))
            case {"op": str(), "args": args, **others} if not others:
                raise _mismatch(f"{pointer}/args", "a list", args)
            case {"property": name, **others} if not others:
                return _make_field(name, f"{pointer}/property")
            case {"date": text, **others} | {"timestamp": text, **others} if not others:
                (name,) = data
                return _make_moment(name, text, f"{pointer}/{name}")
            case {"interval": _} | {"type": _} | {"bbox": _}:
                raise _error("left_out", pointer, "intervals and spatial values are not part of this language")
        raise _mismatch(pointer, '{"op", "args"}', data)

    def _read_operation(self, op: str, args: Sequence[object], pointer: str) -> Reading[Node]:
        inside = f"{pointer}/args"
        if op in _OPERATORS:
            count, make = _OPERATORS[op]
            _check_count(op, count, args, inside)
            return make(*(yield from self._read_all(args, inside, _require_value)))
        match op:
            case "in":
                _check_count(op, 2, args, inside)
                return (yield from self._read_membership(args[0], args[1], inside))
            case "not":
                _check_count(op, 1, args, inside)
                (condition,) = yield from self._read_all(args, inside, _require_condition)
                return negation(condition)
            case "and" | "or":
                if len(args) < 2:
                    raise _error("arguments", inside, f"{op} takes two or more conditions")
                join = conjunction if op == "and" else disjunction
                return join((yield from self._read_all(args, inside, _require_condition)))
        if op in ("date", "timestamp") or not is_known(op):
            error = unknown(op)
            near = tuple(suggestion.lower() for suggestion in error.suggestions)
            message = f"at {pointer}/op: {error.message}"
            raise FilterError(error.kind, message, pointer=f"{pointer}/op", suggestions=near)
        return call(op, (yield from self._read_all(args, inside, lambda node, _: node)), _complain_at(pointer))

    def _read_membership(self, value: object, items: object, pointer: str) -> Reading[Condition]:
        if not isinstance(items, list | tuple):
            raise _mismatch(f"{pointer}/1", "a list", items)
        if len(items) > VALUES:
            raise exceeded("values")
        (left,) = yield from self._read_all([value], pointer, _require_value)
        return In(left, tuple((yield from self._read_all(items, f"{pointer}/1", _require_value))))

    def _read_all(
        self, args: Sequence[object], pointer: str, require: Callable[[Node, str], Part]
    ) -> Reading[list[Part]]:
        """Read the members of a list; each must be what is required."""
        parts = []
        for index, arg in enumerate(args):
            inside = f"{pointer}/{index}"
            is_object = isinstance(arg, Mapping)
            node = (yield self.read(arg, inside)) if is_object else self._number(_read_scalar(arg, inside), inside)
            parts.append(require(node, inside))
        return parts


def _require_condition(node: Node, pointer: str) -> Condition:
    if kind_of(node) == "value":
        raise _error("not_a_condition", pointer, "a value stands where a condition is expected")
    return cast("Condition", node)


def _require_value(node: Node, pointer: str) -> Value:
    if kind_of(node) == "condition":
        raise _error("not_a_value", pointer, NOT_A_VALUE)
    return cast("Value", node)


def _read_scalar(data: object, pointer: str) -> Literal:
    match data:
        case float():
            return _make_constant(Decimal(repr(data)), pointer)
        case str() | bool() | int() | Decimal():
            return _make_constant(data, pointer)
        case None:
            raise _error("null", pointer, "nothing equals null; use isNull")
    raise _mismatch(pointer, '{"op", "args"}', data)


def _check_count(op: str, count: int, args: Sequence[object], pointer: str) -> None:
    if len(args) != count:
        raise _error("arguments", pointer, f"{op} takes {count} values, not {len(args)}")


def _make_constant(value: str | int | Decimal, pointer: str) -> Literal:
    try:
        return constant(value)
    except Malformed as error:
        raise _error("json" if isinstance(value, str) else "number", pointer, str(error)) from None


def _make_field(name: object, pointer: str) -> Field:
    if not isinstance(name, str):
        raise _mismatch(pointer, "a name", name)
    if not is_path(name):
        message = "not a name; segments are joined by dots, and quoted where they have other characters"
        raise _error("json", pointer, message)
    return Field(segments(name))


def _make_moment(name: str, text: object, pointer: str) -> Node:
    if not isinstance(text, str):
        raise _mismatch(pointer, "a text", text)
    return call(name, [_make_constant(text, pointer)], lambda kind, message, _: _error(kind, pointer, message))


# the operators that are no functions -------------------------------------------------------------

_ARITHMETIC: Final[Mapping[str, ArithmeticOp]] = {
    "+": "+", "-": "-", "*": "*", "/": "/", "%": "%", "div": "DIV", "^": "^",
}  # fmt: skip
_OPERATORS: Final[Mapping[str, tuple[int, Callable[..., Node]]]] = MappingProxyType(
    {
        **{op: (2, partial(Compare, row.name)) for op, row in COMPARISONS.items()},
        **{op: (2, partial(Arithmetic, name)) for op, name in _ARITHMETIC.items()},
        "<>": (2, lambda left, right: negation(Compare("=", left, right))),
        "like": (2, partial(TextTest, "like")),
        "between": (3, Between),
        "isNull": (1, lambda value: negation(Exists(value))),
    }
)
"""How many values an operator takes, and what makes its node of them."""
