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
    return cast("dict[str, Any]", _written(node))


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
