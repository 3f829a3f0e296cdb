"""Whether a value of a checked filter can be missing: `can_be_missing`; and which values a condition tests."""

from custcrm.filters.checking.names import Names, metric_value
from custcrm.filters.syntax.nodes import (
    Aggregate,
    Anniversary,
    Arithmetic,
    Between,
    Clock,
    Compare,
    Condition,
    Field,
    Fold,
    In,
    Literal,
    Node,
    TextTest,
    children,
)
from custcrm.filters.syntax.operators import AGGREGATES
from custcrm.filters.types.types import Metric


def tested_values(node: Condition) -> tuple[Node, ...]:
    """Return the values of a condition that is false when one of them is missing; EXISTS asks just that."""
    match node:
        case Compare() | Between() | TextTest():
            return children(node)
        case In(value, _):
            return (value,)
        case Field():
            return (node,)
        case _:
            return ()


def can_be_missing(names: Names, node: Node) -> bool:
    """Tell whether some row has no such value: any field may be missing, COUNT and SUM never are."""
    match node:
        case Literal() | Clock():
            return False
        case Aggregate(op):
            return AGGREGATES[op].missing_over_none
        case Field((name,)) if not names.within and isinstance(names.schema.metrics.get(name), Metric):
            return can_be_missing(names, metric_value(names.schema, name))
        case Arithmetic(op, left, right):
            divides = op in ("/", "DIV", "%") and not isinstance(right, Literal)
            return divides or can_be_missing(names, left) or can_be_missing(names, right)
        case Fold(value=value):
            return can_be_missing(names, value)
        case Anniversary(field):
            return can_be_missing(names, field)
        case _:
            return True
