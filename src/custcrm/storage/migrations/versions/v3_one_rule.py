"""Version 3: what rules of loyalty and of texts need that had no column yet.

Revision ID: 3
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from custcrm.storage.migrations.versions.v1_everything import TYPES

revision = "3"
down_revision = "2"

ADDED: Final[tuple[tuple[str, str, str, str | None], ...]] = ()
"""Columns: their table, name, type, and what those rows have that are there; None: may be missing."""


def upgrade() -> None:
    """Add the columns."""
    for table, name, kind, value in ADDED:
        op.add_column(f"custcrm_{table}", sa.Column(name, TYPES[kind], nullable=value is None, server_default=value))
