"""Version 3: what rules of loyalty and of texts need that had no column yet.

Revision ID: 3
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from custcrm.storage.migrations.versions.v1_everything import TYPES

revision = "3"
down_revision = "2"

ADDED: Final[tuple[tuple[str, str, str, str | None], ...]] = (
    ("coupon_series", "valid_from", "", None),
    ("coupon_series", "paused_at", "instant", None),
    ("coupons", "valid_from", "instant", None),
    ("free_codes", "valid_from", "instant", None),
)
"""Columns: their table, name, type, and what those rows have that are there; None: may be missing."""

LINES: Final = ("customer_id", "category", "occurred_at", "quantity", "amount")
"""What the index of lines holds: whether one was sold or came back is told by quantity and amount."""
SPARSE: Final = (("points_entries", "reference"), ("account_entries", "reference"))
"""Tables, and columns that few rows have, by which they are looked up."""


def upgrade() -> None:
    """Add the columns, and let the index of lines tell which were sold."""
    for table, name, kind, value in ADDED:
        op.add_column(f"custcrm_{table}", sa.Column(name, TYPES[kind], nullable=value is None, server_default=value))
    index = "custcrm_ix_sale_lines_customer_id_category_occurred_at"
    op.drop_index(index, "custcrm_sale_lines")
    op.create_index(index, "custcrm_sale_lines", LINES)
    for table, name in SPARSE:
        there = sa.column(name).is_not(None)
        op.create_index(f"custcrm_ix_{table}_{name}", f"custcrm_{table}", [name], sqlite_where=there, postgresql_where=there)
