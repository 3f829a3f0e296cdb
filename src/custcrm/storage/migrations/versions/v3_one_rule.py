"""Version 3: what rules of loyalty and of texts need that had no column yet.

Beside each text that filters may fold stands what it is folded, where an engine cannot tell: see `storage.folding`. The copies
without case that customers had are made anew where letters may have been composed otherwise.

Revision ID: 3
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from custcrm.storage.folding import folds_of
from custcrm.storage.migrations.versions.v1_everything import TYPES
from custcrm.values.texts import fold_case

revision = "3"
down_revision = "2"

ADDED: Final[tuple[tuple[str, str, str, str | None], ...]] = (
    ("coupon_series", "valid_from", "", None),
    ("coupon_series", "paused_at", "instant", None),
    ("coupons", "valid_from", "instant", None),
    ("free_codes", "valid_from", "instant", None),
    ("points_entries", "valid_from", "instant", None),
    ("earning_rules", "valid_from", "", None),
    ("categories", "keep", "", None),
    ("categories", "down", "", "rule"),
    ("memberships", "kept_until", "instant", None),
    ("membership_changes", "kept_until", "instant", None),
)
"""Columns: their table, name, type, and what those rows have that are there; None: may be missing."""

INDEXES: Final = (
    ("custcrm_ix_sale_lines_customer_id_category_occurred_at", "custcrm_sale_lines",
     ("customer_id", "category", "occurred_at", "quantity", "amount")),
    ("custcrm_ix_points_entries_customer_id_program_expires_at", "custcrm_points_entries",
     ("customer_id", "program", "expires_at", "lot_id", "valid_from", "delta", "occurred_at")),
)
"""Indexes that hold more: whether a line was sold or came back, and from when points can be spent."""
SPARSE: Final = (("points_entries", "reference"), ("account_entries", "reference"))
"""Tables, and columns that few rows have, by which they are looked up."""

FOLDED: Final[Mapping[str, tuple[str, str]]] = {
    "customers": (
        "id",
        """first_name last_name company_name business_unit registry_code vat_number email card_number twitter_id facebook_name
        customer_group home_location delivery_preference web_shop_username""",
    ),
    "contact_points": ("customer_id id", "value purpose"),
    "attributes": ("customer_id key", "value"),
    "external_ids": ("customer_id system", "external_id"),
    "tags": ("customer_id id", "value"),
    "consents": ("customer_id id", "channel"),
    "memberships": ("customer_id program", "category"),
    "membership_changes": ("customer_id id", "category"),
    "sales": ("customer_id id", "program point_of_sale terminal source document external_id"),
    "sale_lines": ("customer_id sale_id number", "product category"),
    "points_entries": ("customer_id id", "program terminal point_of_sale rule offer reference"),
    "account_entries": ("customer_id id", "account program terminal point_of_sale reference"),
    "coupons": ("customer_id id", "series"),
    "redemptions": ("customer_id id", "series program reference terminal point_of_sale"),
    "activities": ("customer_id id", "point_of_sale terminal program"),
    "messages": ("customer_id id", "channel sender reason"),
}
"""Texts whose folds are kept, by table: its key, and the columns."""

CASELESS: Final[Mapping[str, tuple[str, ...]]] = {
    "custcrm_customers": ("email", "last_name", "first_name", "company_name"), "custcrm_contact_points": ("value",),
}
"""Texts that have a copy without case, by table."""

BATCH: Final = 5_000
"""Rows that are read, folded and changed together: however many there are, so many are at hand."""


def upgrade() -> None:
    """Add the columns, fold the texts that are there, and make the indexes that are asked for more."""
    for table, name, kind, value in ADDED:
        op.add_column(f"custcrm_{table}", sa.Column(name, TYPES[kind], nullable=value is None, server_default=value))
    _add_caseless("custcrm_contact_points", "value")
    for table, (key, texts) in FOLDED.items():
        for name in texts.split():
            op.add_column(f"custcrm_{table}", sa.Column(f"{name}_folds", TYPES[""], nullable=True))
        _fold(f"custcrm_{table}", key.split(), texts.split())
    for index, table, columns in INDEXES:
        op.drop_index(index, table)
        op.create_index(index, table, columns)
    for table, name in SPARSE:
        there = sa.column(name).is_not(None)
        op.create_index(f"custcrm_ix_{table}_{name}", f"custcrm_{table}", [name], sqlite_where=there, postgresql_where=there)


def _add_caseless(table: str, name: str) -> None:
    """Add the copy of a text without case, and its index; where the text goes beyond ASCII, `_fold` has the last word."""
    op.add_column(table, sa.Column(f"{name}_folded", TYPES[""], nullable=True))
    rows = sa.table(table, sa.column(name), sa.column(f"{name}_folded"))
    text = sa.collate(rows.c[name], "C") if op.get_bind().dialect.name == "postgresql" else rows.c[name]
    op.execute(rows.update().values({f"{name}_folded": sa.func.lower(text)}))
    op.create_index(f"custcrm_ix_{table.removeprefix('custcrm_')}_{name}_folded", table, [f"{name}_folded"])


def _fold(table: str, key: Sequence[str], texts: Sequence[str]) -> None:
    """Fold the texts of a table, of those rows that have one beyond ASCII, in the order of their key."""
    connection = op.get_bind()
    typed = [sa.column(name, TYPES["integer" if name == "number" else ""]) for name in key]
    copies = [f"{name}_folds" for name in texts]
    caseless = CASELESS.get(table, ())
    whole = [f"{name}_folded" for name in caseless]
    rows = sa.table(table, *typed, *map(sa.column, dict.fromkeys((*texts, *copies, *whole))))
    beyond = sa.or_(*(_is_beyond_ascii(rows.c[name], connection.dialect.name) for name in texts))
    query = sa.select(*typed, *(rows.c[name] for name in texts)).where(beyond).order_by(*typed).limit(BATCH)
    change = rows.update().where(*(column == sa.bindparam(f"of_{column.name}") for column in typed))
    change = change.values({name: sa.bindparam(f"new_{name}", type_=TYPES[""]) for name in (*copies, *whole)})
    found: Sequence[Any] = connection.execute(query).all()
    while found:
        connection.execute(change, [_changes(row, key, texts, caseless) for row in found])
        last = [sa.literal(value, column.type) for value, column in zip(found[-1], typed, strict=False)]
        found = connection.execute(query.where(sa.tuple_(*typed) > sa.tuple_(*last))).all()


def _changes(row: Sequence[Any], key: Sequence[str], texts: Sequence[str], caseless: Sequence[str]) -> dict[str, Any]:
    """Return the key of a row and its copies."""
    held = dict(zip(texts, row[len(key):], strict=True))
    whole = {f"new_{name}_folded": None if held[name] is None else fold_case(held[name]) for name in caseless}
    folds = {f"new_{name}_folds": folds_of(text) for name, text in held.items()}
    return {**{f"of_{name}": value for name, value in zip(key, row, strict=False)}, **whole, **folds}


def _is_beyond_ascii(text: sa.ColumnElement[Any], dialect: str) -> sa.ColumnElement[bool]:
    octets = sa.func.octet_length(text) if dialect == "postgresql" else sa.func.length(sa.cast(text, sa.LargeBinary))
    return octets != sa.func.length(text)
