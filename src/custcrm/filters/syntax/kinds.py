"""Whether a node is a condition, a value, or can be either."""

from typing import Literal as OneOf
from typing import TypeAlias

from custcrm.filters.syntax.nodes import (
    Aggregate,
    And,
    Between,
    Compare,
    Exists,
    Field,
    In,
    Literal,
    Node,
    Not,
    Or,
    Segment,
    TextTest,
)

Kind: TypeAlias = OneOf["condition", "value", "either"]


def kind_of(node: Node) -> Kind:
    """Return the kind of a node: TRUE, FALSE and fields are either, what tests something is a condition."""
    match node:
        case Field() | Literal(value=bool()):
            return "either"
        case Compare() | Not() | And() | Or() | Between() | In() | TextTest() | Exists() | Segment():
            return "condition"
        case Aggregate(op="exists"):
            return "condition"
        case _:
            return "value"
