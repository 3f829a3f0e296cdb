"""Tree to CQL2 JSON and back: `to_json`, `from_json` (LANGUAGE section 2). The reader is in `json_reader`."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar, cast

from custcrm.filters.parsing.json import decoded, read, sized
from custcrm.filters.syntax.constants import iso
from custcrm.filters.syntax.errors import FilterError
from custcrm.filters.syntax.limits import check_limits
from custcrm.filters.syntax.nodes import (
    Aggregate,
    And,
    Anniversary,
    Arithmetic,
    Between,
    Clock,
    Compare,
    Condition,
    Exists,
    Field,
    Fold,
    In,
    Literal,
    Node,
    Not,
    Or,
    Segment,
    TextTest,
)
from custcrm.filters.syntax.to_text import property_text

Checked = TypeVar("Checked")


def to_json(node: Node) -> dict[str, Any]:
    """Return the tree as CQL2 JSON: plain dicts, lists and numbers that `json.dumps` writes without loss."""
    return cast("dict[str, Any]", _written(node))


def from_json(data: Mapping[str, Any] | str) -> Condition:
    """Return the condition that CQL2 JSON says, decoded or as text.

    Numbers are read exactly. Raises `FilterError` with a `pointer`, `LimitExceeded` for what is too large or too deep.
    """
    node = read(_given(data))
    check_limits(node)
    return node


def meaning(data: Mapping[str, Any] | str, check: Callable[[Condition], Checked]) -> Checked:
    """Return what `check` makes of the condition; an error that it finds at a node gets the pointer of that node."""
    try:
        return check(from_json(data))
    except FilterError as error:
        if error.pointer is None:
            error.pointer = _pointer(data, check)
        raise


def _pointer(data: Mapping[str, Any] | str, check: Callable[[Condition], object]) -> str | None:
    """Check once more with numbered nodes, and return the pointer of the one in which the error was found."""
    pointers: list[str] = []
    try:
        check(read(_given(data), pointers))
    except FilterError as error:
        return pointers[error.span[0]] if error.span else None
    return None


def _given(data: Mapping[str, Any] | str) -> Any:
    return decoded(data) if isinstance(data, str) else sized(data)


def _op(op: str, *args: object) -> dict[str, Any]:
    return {"op": op, "args": list(args)}


def _written(node: Node) -> Any:
    match node:
        case And(args):
            return _op("and", *map(_written, args))
        case Or(args):
            return _op("or", *map(_written, args))
        case Not(Compare("=", left, right)):
            return _op("<>", _written(left), _written(right))
        case Not(Exists(value)):
            return _op("isNull", _written(value))
        case Not(arg):
            return _op("not", _written(arg))
        case Exists(value):
            return _op("not", _op("isNull", _written(value)))
        case Compare(op, left, right) | Arithmetic(op, left, right):
            return _op(op.lower(), _written(left), _written(right))
        case Between(value, low, high):
            return _op("between", _written(value), _written(low), _written(high))
        case In(value, items):
            return _op("in", _written(value), [_written(item) for item in items])
        case TextTest(test, value, pattern):
            return _op(test, _written(value), _written(pattern))
        case _:
            return _written_leaf(node)


def _written_leaf(node: Node) -> Any:
    match node:
        case Literal(value):
            return _written_constant(value)
        case Field(path):
            return {"property": property_text(path)}
        case Segment(name):
            return _op("segment", name)
        case Fold(case, accent, value):
            inner = _op("casei", _written(value)) if case else _written(value)
            return _op("accenti", inner) if accent else inner
        case Clock(name, length):
            return _op(name) if length is None else _op(name, str(length))
        case Anniversary(field):
            return _op("anniversary", _written(field))
        case Aggregate(op, path, where):
            collection = {"property": property_text(path)}
            return _op(op, collection) if where is None else _op(op, collection, _written(where))
    raise TypeError(f"not a node of the language: {type(node).__name__}")


def _written_constant(value: object) -> Any:
    match value:
        case Decimal():
            return float(value)  # 15 significant digits survive binary64 and its shortest repr
        case bool() | str() | int():
            return value
    text = iso(cast("Any", value))
    return {"timestamp" if "T" in text else "date": text}
