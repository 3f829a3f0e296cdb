"""Saved filters that mean something else since a version of the schema, though their text is what it was.

The name to know is `reread`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from custcrm.filters.parsing.parser import parse
from custcrm.filters.syntax.errors import FilterError
from custcrm.filters.syntax.nodes import Aggregate, Exists, Field, Node, Segment, children

CHANGED: Final[Mapping[int, frozenset[str]]] = {3: frozenset({"lines"})}
"""Collections that mean something else since a version: `lines` were those of refunds as well, and are what was sold."""

SAVED: Final = (
    ("segments", ("name",), "segment {0!r}"),
    ("categories", ("program", "name"), "category {1!r} of program {0!r}"),
    ("earning_rules", ("program", "name"), "earning rule {1!r} of program {0!r}"),
)
"""Tables with a column `filter`: their keys, and how one is named."""


def reread(connection: Connection, before: int, after: int) -> tuple[str, ...]:
    """Return what is saved with a filter that means something else since one of the versions after `before`, by name.

    A filter does so by what it asks itself, or by a segment that it names; one that cannot be read any more is named too.
    """
    words = frozenset[str]().union(*(names for version, names in CHANGED.items() if before < version <= after))
    if not words:
        return ()
    saved = [(told, *row) for table, key, told in SAVED for row in _rows(connection, table, key)]
    segments = {key[0]: node for told, key, node in saved if told == SAVED[0][2]}
    return tuple(told.format(*key) for told, key, node in saved if _reads(node, words, segments, frozenset()))


def _rows(connection: Connection, table: str, key: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Node | None]]:
    rows = sa.table(f"custcrm_{table}", *map(sa.column, (*key, "filter")))
    asked = sa.select(*(rows.c[name] for name in (*key, "filter"))).where(rows.c.filter.is_not(None))
    for *names, text in connection.execute(asked.order_by(*(rows.c[name] for name in key))):
        yield tuple(names), _parsed(text)


def _parsed(text: str) -> Node | None:
    try:
        return parse(text)
    except FilterError:
        return None


def _reads(node: Node | None, words: frozenset[str], segments: Mapping[str, Node | None], within: frozenset[str]) -> bool:
    """Tell whether a tree asks for one of the collections; `within` are the segments that led to it."""
    match node:
        case None:
            return True
        case Segment(name):
            return name not in within and name in segments and _reads(segments[name], words, segments, within | {name})
        case Aggregate(_, path) if not words.isdisjoint(path[:2]):
            return True
        case Exists(Field((name,))):  # as it may be written; what is saved says EXISTS(name)
            return name in words
    parts: Iterable[Node] = children(node)
    return any(_reads(each, words, segments, within) for each in parts)
