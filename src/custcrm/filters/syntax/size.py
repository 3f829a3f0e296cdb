"""How large a filter is, carried along when filters are joined: a chain of a thousand `|` measures each part once.

`Size` is an upper bound; only a filter that may be beyond a limit is measured again, exactly, by `limits`.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen

from custcrm.filters.syntax.limits import CONDITIONS, DEPTH
from custcrm.filters.syntax.nodes import (
    Aggregate,
    And,
    Between,
    Compare,
    Exists,
    In,
    Literal,
    Node,
    Not,
    Or,
    Segment,
    TextTest,
    children,
    walk,
)

_COUNTED: Final = (Compare, Between, In, TextTest, Exists, Segment, Aggregate)


@frozen
class Size:
    """At most so many conditions and levels.

    `simplify_pattern` says that the filter stands for itself, without metrics and segments to be counted in their place.
    """

    conditions: int
    depth: int
    plain: bool

    @property
    def fits(self) -> bool:
        """Whether no limit can be exceeded."""
        return self.plain and self.conditions <= CONDITIONS and self.depth <= DEPTH


def size_of(node: Node, *, plain: bool) -> Size:
    """Return the size of a checked condition."""
    conditions = sum(1 for each in walk(node) if isinstance(each, _COUNTED) or _is_truth(each))
    return Size(conditions, _depth(node), plain)


def joined_size(kind: type[And | Or], parts: tuple[tuple[Node, Size], ...]) -> Size:
    """Return the size of the And or Or of conditions whose sizes are known; those of the same kind are flattened."""
    return Size(
        sum(size.conditions for _, size in parts),
        max(size.depth + (not isinstance(node, kind)) for node, size in parts),
        all(size.plain for _, size in parts),
    )


def negated_size(node: Node, size: Size) -> Size:
    """Return the size of the complement."""
    return Size(size.conditions, size.depth + (-1 if isinstance(node, Not) else 1), size.plain)


def _is_truth(node: Node) -> bool:
    return isinstance(node, Literal) and isinstance(node.value, bool)


def _depth(node: Node) -> int:
    """Return the levels of a tree that has been measured, so that it is not deep."""
    below = children(node)
    return 1 + max(map(_depth, below), default=0) if below else int(isinstance(node, Aggregate))
