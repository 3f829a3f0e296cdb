"""Money in the columns of a user's own tables: whole minor units, or major units where the column has decimals."""

from __future__ import annotations

from typing import Any as Anything
from typing import TypeGuard

import sqlalchemy as sa

from custcrm.filters.ir.nodes import Column, Entry, Value
from custcrm.filters.syntax.errors import FilterError, quote_name
from custcrm.filters.targets.sql.source import Element
from custcrm.filters.types.types import Money


def is_money(node: Value | None) -> TypeGuard[Column | Entry]:
    """Tell whether a value is an amount as a column holds it."""
    return isinstance(node, Column | Entry) and isinstance(node.type, Money)


def in_major_units(node: Column | Entry, held: Element) -> bool:
    """Tell whether an amount is held in major units, as NUMERIC and floats are; whole numbers are minor units.

    `FilterError("target")` for a column of any other type: nobody knows what it holds.
    """
    kind: Anything = held.type
    if isinstance(kind, sa.TypeDecorator):
        kind = kind.impl_instance
    if isinstance(kind, sa.Integer):
        return False
    if isinstance(kind, sa.Numeric | sa.Float):
        return True
    name = node.name if isinstance(node, Column) else ".".join(filter(None, (node.map, node.key, node.field)))
    raise FilterError(
        "target", f"{quote_name(name)} is Money; its column is an integer of minor units or a NUMERIC of major units"
    )
