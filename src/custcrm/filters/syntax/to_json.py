"""Tree to CQL2 JSON: `to_json`. The way back is `parsing.json`."""

from decimal import Decimal
from typing import Any, cast

from custcrm.filters.syntax.constants import iso
from custcrm.filters.syntax.nodes import (
    Aggregate,
    And,
    Anniversary,
    Arithmetic,
    Between,
    Clock,
    Compare,
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


def to_json(node: Node) -> dict[str, Any]:
    """Return the tree as CQL2 JSON: plain dicts, lists and numbers that `json.dumps` writes without loss."""
    return cast("dict[str, Any]", _write(node))


def _op(op: str, *args: object) -> dict[str, Any]:
    return {"op": op, "args": list(args)}


def _write(node: Node) -> Any:
    match node:
        case And(args):
            return _op("and", *map(_write, args))
        case Or(args):
            return _op("or", *map(_write, args))
        case Not(Compare("=", left, right)):
            return _op("<>", _write(left), _write(right))
        case Not(Exists(value)):
            return _op("isNull", _write(value))
        case Not(arg):
            return _op("not", _write(arg))
        case Exists(value):
            return _op("not", _op("isNull", _write(value)))
        case Compare(op, left, right) | Arithmetic(op, left, right):
            return _op(op.lower(), _write(left), _write(right))
        case Between(value, low, high):
            return _op("between", _write(value), _write(low), _write(high))
        case In(value, items):
            return _op("in", _write(value), [_write(item) for item in items])
        case TextTest(test, value, pattern):
            return _op(test, _write(value), _write(pattern))
        case _:
            return _write_leaf(node)


def _write_leaf(node: Node) -> Any:
    match node:
        case Literal(value):
            return _write_constant(value)
        case Field(path):
            return {"property": property_text(path)}
        case Segment(name):
            return _op("segment", name)
        case Fold(case, accent, value):
            inner = _op("casei", _write(value)) if case else _write(value)
            return _op("accenti", inner) if accent else inner
        case Clock(name, length):
            return _op(name) if length is None else _op(name, str(length))
        case Anniversary(field):
            return _op("anniversary", _write(field))
        case Aggregate(op, path, where):
            collection = {"property": property_text(path)}
            return _op(op, collection) if where is None else _op(op, collection, _write(where))
    raise TypeError(f"not a node of the language: {type(node).__name__}")


def _write_constant(value: object) -> Any:
    match value:
        case Decimal():
            return float(value)  # 15 significant digits survive binary64 and its shortest repr
        case bool() | str() | int():
            return value
    text = iso(cast("Any", value))
    return {"timestamp" if "T" in text else "date": text}
