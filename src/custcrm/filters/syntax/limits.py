"""The limits of the language, the same for every form and every target, and how they are counted.

`check_limits` measures a tree; the parser stops at the limits of text, tokens, conditions and values as it reads.
"""

from collections.abc import Sequence
from typing import Final

from attrs import frozen

from custcrm.filters.syntax.errors import LimitExceeded
from custcrm.filters.syntax.nodes import (
    Aggregate,
    And,
    Arithmetic,
    Between,
    Clock,
    Compare,
    Exists,
    Field,
    In,
    Listed,
    Literal,
    Node,
    Not,
    Or,
    Place,
    Segment,
    TextTest,
    children,
)

TEXT: Final = 65_536
"""Code points of a text: keeps the slowest refusal under 0.1 s."""
TOKENS: Final = 32_000
"""Tokens of a text, for the same reason: what 10,000 negative numbers need, each a sign, a number and a comma, with room."""
DEPTH: Final = 30
"""Levels of a tree: the parser of SQLite takes 38 over two nested EXISTS."""
CONDITIONS: Final = 1_000
"""Conditions of a filter: what SQLite takes in one flat OR."""
VALUES: Final = 10_000
"""Values in one IN; they are one bound parameter."""
OPERATORS: Final = 16
"""Arithmetic operators in one condition: keeps the overflow test small."""
SEGMENTS: Final = 8
"""Segments of a path."""
PARTS: Final = 100_000
"""Parts of a filter with its metrics and segments: definitions that double each other are endless otherwise."""
JSON_TEXT: Final = 1_048_576
"""Code points of a JSON text: what 10,000 long values need, with room."""
JSON_NESTING: Final = 200
"""Nesting of JSON, refused before decoding: far below Python's recursion limit."""
JSON_VALUES: Final = 100_000
"""Values of all kinds in a JSON tree, so that sharing one part many times cannot make it endless."""

_BESIDE: Final = "give long texts and lists as values beside it, as :name"
"""A form has limits of its own; what they refuse, other forms may take."""
_MESSAGES: Final = {
    "text": (TEXT, f"the text is longer than 65,536 characters; {_BESIDE}"),
    "tokens": (TOKENS, f"the text has more than 32,000 words and signs; {_BESIDE}"),
    "depth": (DEPTH, "the filter is nested deeper than 30 levels"),
    "conditions": (CONDITIONS, "more than 1,000 conditions"),
    "values": (VALUES, "more than 10,000 values in one IN"),
    "operators": (OPERATORS, "more than 16 arithmetic operators in one condition"),
    "parts": (PARTS, "more than 100,000 fields, constants and signs"),
    "json_text": (JSON_TEXT, "the JSON text is longer than 1,048,576 characters"),
    "json_nesting": (JSON_NESTING, "the JSON is nested deeper than 200 levels; leave out what is nested to no purpose"),
    "json_values": (JSON_VALUES, "the JSON has more than 100,000 values"),
}


def nested_too_deep(what: str, span: Place | None = None) -> LimitExceeded:
    """Return the error for definitions that refer to each other in too long a chain."""
    return LimitExceeded("depth", DEPTH, f"{what} are nested deeper than {DEPTH} levels", span=span)


def exceeded(limit: str, span: Place | None = None, text: str = "") -> LimitExceeded:
    """Return the error for the named limit."""
    allowed, message = _MESSAGES[limit]
    return LimitExceeded(limit, allowed, message, span=span, text=text)


@frozen
class _Measure:
    """What a node adds to those above: levels, operators left after folding constants, whether it is constant."""

    depth: int
    operators: int = 0
    constant: bool = False


_CONSTANT: Final = _Measure(0, constant=True)
_LEAF: Final = _Measure(0)


def check_limits(node: Node, *, text: str | None = None) -> None:
    """Raise `LimitExceeded` when the tree is too deep, too wide or computes too much; the place is in `text`.

    Used again after metrics and segments are expanded. A tree that is small by a quick count fits; any other is measured.
    """
    if not _is_small(node):
        _measure_tree(node, text or "")


def _is_small(node: Node) -> bool:
    """Tell whether a tree has so few nodes and levels that it is within every limit, however they are counted."""
    level: Sequence[Node] = (node,)
    conditions = operators = 0
    for _ in range(DEPTH):
        conditions += len(level)
        below: list[Node] = []
        for each in level:
            operators += type(each) is Arithmetic
            below += children(each)
        if not below:
            return operators <= OPERATORS
        if conditions + len(below) > CONDITIONS:
            return False
        level = below
    return False


def _measure_tree(node: Node, text: str) -> None:
    """Raise for the first node, from the leaves upward, at which a limit is exceeded: without recursion, at any depth."""
    conditions = parts_seen = 0
    pending: list[tuple[Node, bool, bool]] = [(node, True, False)]
    measured: list[_Measure] = []
    while pending:
        node, as_condition, children_done = pending.pop()
        below = _counted_children(node)
        if not children_done:
            if isinstance(node, In) and len(node.items) > VALUES and not isinstance(node.items, Listed):
                raise exceeded("values", node.items[VALUES].span, text)
            parts_seen += 1
            if parts_seen > PARTS:
                raise exceeded("parts", node.span, text)
            wanted = isinstance(node, And | Or | Not | Aggregate)
            pending.append((node, as_condition, True))
            pending.extend((child, wanted, False) for child in reversed(below))
            continue
        parts = measured[len(measured) - len(below) :]
        del measured[len(measured) - len(below) :]
        conditions += _is_counted(node, as_condition)
        measured.append(_measure(node, parts))
        if limit := _first_exceeded(measured[-1], conditions):
            raise exceeded(limit, node.span, text)


def _counted_children(node: Node) -> tuple[Node, ...]:
    """Return the nodes below; the constants of a list, which add nothing, are many, so they are left out."""
    if isinstance(node, In) and not isinstance(node.items, Listed):
        return (node.value, *(item for item in node.items if type(item) is not Literal))
    return children(node)


def _first_exceeded(measure: _Measure, conditions: int) -> str | None:
    if measure.operators > OPERATORS:
        return "operators"
    if measure.depth > DEPTH:
        return "depth"
    return "conditions" if conditions > CONDITIONS else None


def _measure(node: Node, parts: list[_Measure]) -> _Measure:
    match node:
        case Literal():
            return _CONSTANT
        case Field() | Segment() | Clock():
            return _LEAF
    depth = 1 + max((part.depth for part in parts), default=0)
    match node:
        case Arithmetic() if all(part.constant for part in parts):
            return _Measure(depth, constant=True)
        case Arithmetic():
            return _Measure(depth, 1 + sum(part.operators for part in parts))
        case And() | Or() | Not() | Aggregate():
            return _Measure(depth)  # each condition below has its own count
        case _:
            return _Measure(depth, sum(part.operators for part in parts))


def _is_counted(node: Node, as_condition: bool) -> bool:
    match node:
        case Compare() | Between() | In() | TextTest() | Exists() | Segment() | Aggregate(op="exists"):
            return True
        case Literal() | Field():
            return as_condition
        case _:
            return False
