"""Which Totals can be computed together. The names to know are `needed_twice` and `join_same_scans`.

A Total alone is a scalar sub-query. Totals of one collection with one `where` read the same records, so a condition or
value made of them is one sub-query as well: aggregates without GROUP BY give exactly one row, also over no records, and
what is computed from them means the same inside its SELECT list as it would outside, unknown included.

    AVG(sales.total) > 5 AND COUNT(sales) > 2      one sub-query of sales, which says both
    AVG(sales.total) > 5 AND COUNT(visits) > 2     one of sales and one of visits
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import frozen

from custcrm.filters.ir.moments import below
from custcrm.filters.ir.nodes import All, Any, Condition, Member, Negated, Present, Some, Test, Total, Value


@frozen
class Scan:
    """The row's own records of a collection that satisfy `where` (None: all of them)."""

    collection: str
    where: Condition | None


def needed_twice(node: Condition | Value) -> Scan | None:
    """Return the scan that the node would make more than once with a sub-query for each Total; None for other nodes.

    Every leaf of the node is then over that scan, and none mentions another one.
    """
    return None if _is_said_once(node) else _scan(node)


def join_same_scans(join: type[All | Any], args: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Return the operands of an All or Any with those over one scan joined to one operand, where the first stood."""
    groups: dict[Scan | int, list[Condition]] = {}
    for place, arg in enumerate(args):
        groups.setdefault(_scan(arg) or place, []).append(arg)
    if len(groups) == len(args):
        return args
    return tuple(group[0] if len(group) == 1 else join(tuple(group)) for group in groups.values())


def _scan(node: Condition | Value) -> Scan | None:
    """Return the one scan that every leaf of a condition, or a value, is over."""
    match node:
        case All(args) | Any(args):
            return _only(map(_scan, args))
        case _:
            return _only(Scan(total.collection, total.where) for total in _totals(node))


def _only(scans: Iterable[Scan | None]) -> Scan | None:
    found: Scan | None = None
    for scan in scans:
        if scan is None or found not in (None, scan):
            return None
        found = scan
    return found


def _totals(node: object) -> Iterator[Total]:
    """Yield the Totals over the row's own records: not those of records within them."""
    if isinstance(node, Total):
        yield node
    elif not isinstance(node, Some):
        for part in below(node):
            yield from _totals(part)


def _is_said_once(node: Condition | Value) -> bool:
    """Tell whether the node is one Total, compared as it is: what computes with one may need to write it twice."""
    match node:
        case Total():
            return True
        case Negated(leaf):
            return _is_said_once(leaf)
        case Test() | Member() | Present():
            sides = below(node)
            return any(isinstance(side, Total) for side in sides) and len(list(_totals(node))) == 1
        case _:
            return False
