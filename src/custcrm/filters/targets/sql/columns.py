"""Whether a column of a user's own table holds what the schema says of the field: `check_column`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa

from custcrm.filters.ir.nodes import Column, Entry
from custcrm.filters.syntax.errors import FilterError, quote_name
from custcrm.filters.targets.sql.source import Element
from custcrm.filters.types.types import Boolean, Choice, Date, Instant, Integer, Money, Number, Text

_HOLDS: Final[Mapping[type, tuple[str, Callable[[Any], bool]]]] = MappingProxyType({
    Text: ("a text", lambda kind: isinstance(kind, sa.String)),
    Choice: ("a text or an Enum", lambda kind: isinstance(kind, sa.String | sa.Enum)),
    Integer: (
        "an integer, or a NUMERIC without decimals",
        lambda kind: isinstance(kind, sa.Integer) or (isinstance(kind, sa.Numeric) and kind.scale == 0),
    ),
    Number: ("an integer, a NUMERIC or a float", lambda kind: isinstance(kind, sa.Integer | sa.Numeric | sa.Float)),
    Boolean: ("a BOOLEAN", lambda kind: isinstance(kind, sa.Boolean)),
    Date: ("a DATE", lambda kind: isinstance(kind, sa.Date)),
    Instant: ("a timestamp", lambda kind: isinstance(kind, sa.DateTime)),
})
"""What a column may be for each type, in words and as a test of its SQLAlchemy type. Money says more: see `money`."""


def check_column(node: Column | Entry, held: Element) -> None:
    """Raise `FilterError("target")` for a column whose type holds no such values: a database would compare something.

    A column of no known type, and one with an encoding of its own (a TypeDecorator), is taken at its word.
    """
    if isinstance(held.type, sa.types.NullType | sa.TypeDecorator) or isinstance(node.type, Money):
        return
    expected, holds = _HOLDS[type(node.type)]
    if not holds(held.type):
        name = node.name if isinstance(node, Column) else ".".join(filter(None, (node.map, node.key, node.field)))
        kind, found = type(node.type).__name__, type(held.type).__name__
        raise FilterError("target", f"{quote_name(name)} is {_article(kind)} {kind}; its column is {expected}, not {found}")


def _article(noun: str) -> str:
    return "an" if noun[0] in "AEIOU" else "a"
