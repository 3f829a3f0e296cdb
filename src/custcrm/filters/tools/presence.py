"""Whether a value of a checked filter can be missing: `can_be_missing`; and which values a condition tests."""

from custcrm.filters.checking.names import Names, metric_value
from custcrm.filters.syntax import nodes as s
from custcrm.filters.syntax.operators import AGGREGATES
from custcrm.filters.types.types import Metric


def tested_values(node: s.Condition) -> tuple[s.Node, ...]:
    """Return the values of a condition that is false when one of them is missing; EXISTS asks just that."""
    match node:
        case s.Compare() | s.Between() | s.TextTest():
            return s.children(node)
        case s.In(value, _):
            return (value,)
        case s.Field():
            return (node,)
        case _:
            return ()


def can_be_missing(names: Names, node: s.Node) -> bool:
    """Tell whether some row has no such value: any field may be missing, COUNT and SUM never are."""
    match node:
        case s.Literal() | s.Clock():
            return False
        case s.Aggregate(op):
            return AGGREGATES[op].missing_over_none
        case s.Field((name,)) if not names.within and isinstance(names.schema.metrics.get(name), Metric):
            return can_be_missing(names, metric_value(names.schema, name))
        case s.Arithmetic(op, left, right):
            divides = op in ("/", "DIV", "%") and not isinstance(right, s.Literal)
            return divides or can_be_missing(names, left) or can_be_missing(names, right)
        case s.Fold(value=value):
            return can_be_missing(names, value)
        case s.Anniversary(field):
            return can_be_missing(names, field)
        case _:
            return True
