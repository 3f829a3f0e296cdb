"""Tree to text: `canonical` writes the one text of a node, so that `parse(canonical(node)) == node`."""

from typing import Final

from custcrm.filters.syntax.constants import quoted, write_constant
from custcrm.filters.syntax.lexicon import RESERVED, is_plain
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
from custcrm.filters.syntax.operators import TEXT_TESTS, written_name

_BINDING: Final = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2, "DIV": 2, "^": 3}


def canonical(node: Node) -> str:
    """Return the one text of a condition or value."""
    match node:
        case And(args):
            return " AND ".join(_inside(arg, Or) for arg in args)
        case Or(args):
            return " OR ".join(_inside(arg, And) for arg in args)
        case Not(arg):
            return _negative(arg)
        case Literal(value):
            return write_constant(value)
        case Field(path):
            return path_text(path)
        case Arithmetic():
            return _arithmetic(node)
        case Fold(case, accent, value):
            text = f"CASEI({canonical(value)})" if case else canonical(value)
            return f"ACCENTI({text})" if accent else text
        case Clock(name, length):
            return f"{name}()" if length is None else f"{name}('{length}')"
        case Anniversary(field):
            return f"ANNIVERSARY({canonical(field)})"
        case Aggregate(op, path, where):
            condition = "" if where is None else f" WHERE {canonical(where)}"
            return f"{written_name(op)}({path_text(path)}{condition})"
        case Segment(name):
            return f"SEGMENT({quoted(name)})"
        case _:
            return _test(node, negated=False)


def path_text(path: tuple[str, ...]) -> str:
    """Return a path as it is written in a text: `tags."Family member"`, quotes only where they must be."""
    if len(path) == 1 and path[0].isascii() and path[0].upper() in RESERVED:
        return quoted_segment(path[0])
    return property_text(path)


def property_text(path: tuple[str, ...]) -> str:
    """Return a path as JSON's `property` holds it: a reserved word needs no quotes there."""
    return ".".join(
        segment if is_plain(segment, first=not index) else quoted_segment(segment) for index, segment in enumerate(path)
    )


def quoted_segment(segment: str) -> str:
    """Return one segment of a path in double quotes, quotes inside doubled."""
    return '"' + segment.replace('"', '""') + '"'


def _inside(arg: Node, other: type[And] | type[Or]) -> str:
    return f"({canonical(arg)})" if isinstance(arg, other) else canonical(arg)


def _negative(arg: Node) -> str:
    match arg:
        case Compare("=") | In() | Between() | TextTest() | Exists():
            return _test(arg, negated=True)
        case And() | Or() | Compare():
            return f"NOT ({canonical(arg)})"
        case _:
            return f"NOT {canonical(arg)}"


def _test(node: Node, *, negated: bool) -> str:
    word = "NOT " if negated else ""
    match node:
        case Compare(op, left, right):
            return f"{canonical(left)} {'<>' if negated else op} {canonical(right)}"
        case Between(value, low, high):
            return f"{canonical(value)} {word}BETWEEN {canonical(low)} AND {canonical(high)}"
        case In(value, items):
            return f"{canonical(value)} {word}IN ({', '.join(map(canonical, items))})"
        case TextTest(test, value, pattern):
            return f"{canonical(value)} {word}{TEXT_TESTS[test].words} {canonical(pattern)}"
        case Exists(value):
            return f"{canonical(value)} {'DOES NOT EXIST' if negated else 'EXISTS'}"
    raise TypeError(f"not a node of the language: {type(node).__name__}")


def _arithmetic(node: Arithmetic) -> str:
    """Write parentheses only where precedence, or an equal operator on the right, asks for them; powers never chain."""
    binding = _BINDING[node.op]
    left = _operand(node.left, binding + (node.op == "^"))
    return f"{left} {node.op} {_operand(node.right, binding + 1)}"


def _operand(value: Node, least: int) -> str:
    """Write an operand that must bind at least so tightly."""
    needs = isinstance(value, Arithmetic) and _BINDING[value.op] < least
    return f"({canonical(value)})" if needs else canonical(value)
