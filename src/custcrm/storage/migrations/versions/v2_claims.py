"""Version 2: what is claimed, and what there can be one of.

A customer has one open tag of a key and one open consent of a channel and purpose: of several, which earlier versions could
come to have, the last stays open, and the others end when the next begins. Messages carry the claim that they are sent under,
and when that began; imports and keys carry what a repetition needs.

Revision ID: 2
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from custcrm.storage.migrations.versions.v1_everything import TYPES

revision = "2"
down_revision = "1"

OPEN: Final = (
    ("tags", ("customer_id", "key"), "since"),
    ("consents", ("customer_id", "channel", "purpose"), "occurred_at"),
)
"""Tables of which one row may be open: by which columns, and when a row begins."""

ADDED: Final = (
    ("messages", "claim", "", None),
    ("messages", "started_at", "instant", None),
    ("imports", "key", "", None),
    ("imports", "content", "", ""),
    ("imports", "done", "integer", "0"),
    ("applied", "made", "", "{}"),
)
"""Columns: their table, name, type, and what those rows have that are there; None: may be missing."""


def upgrade() -> None:
    """Add the columns, end what is open twice, and let it not be so again."""
    for table, name, kind, value in ADDED:
        op.add_column(f"custcrm_{table}", sa.Column(name, TYPES[kind], nullable=value is None, server_default=value))
    op.create_index("custcrm_uq_imports_key", "custcrm_imports", ["key"], unique=True)
    for table, columns, since in OPEN:
        _end_all_but_the_last(f"custcrm_{table}", columns, since)
        name = "_".join((f"custcrm_uq_{table}", *columns))
        is_open = sa.column("until").is_(None)
        op.create_index(name, f"custcrm_{table}", columns, unique=True, sqlite_where=is_open, postgresql_where=is_open)


def _end_all_but_the_last(table: str, columns: tuple[str, ...], since: str) -> None:
    """Let each open row that another open one follows end when the next row begins; those that begin together go by id.

    The next row may be one that this statement has ended before, so it is looked for among all; the last stays open.
    """
    rows = sa.table(table, *map(sa.column, (*columns, "id", since, "until")))
    later = rows.alias("later")
    follows = sa.and_(
        *(later.c[name] == rows.c[name] for name in columns),
        sa.tuple_(later.c[since], later.c.id) > sa.tuple_(rows.c[since], rows.c.id),
    )
    next_begins = sa.select(sa.func.min(later.c[since])).where(follows).scalar_subquery()
    is_followed = sa.select(later.c.id).where(follows, later.c.until.is_(None)).exists()
    op.execute(rows.update().where(rows.c.until.is_(None), is_followed).values(until=next_begins))
