"""Version 2: accounts, earning rules, redemptions, the inbox; refunds, reversals and tiers.

Revision ID: 2
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WHOLE = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
FLAG = sa.Integer().with_variant(sa.Boolean(), "postgresql")
INSTANT = sa.Integer().with_variant(sa.DateTime(timezone=True), "postgresql")  # on SQLite microseconds since 1970 UTC

ROWS = {"sqlite_strict": True}
CLUSTERED = {"sqlite_strict": True, "sqlite_with_rowid": False}


def upgrade() -> None:
    """Add the columns of what was there, then the new tables. No store of version 1 has a redemption: nothing redeemed."""
    _columns()
    _accounts()
    _earning()
    _coupons()
    _inbox()


def _columns() -> None:
    _programs()
    _points()
    _sales()
    _series()
    _add("coupons", reserved_at=(INSTANT, None), reserved_for=(TEXT, None))
    for gone in ("redeemed_at", "reference"):
        op.execute(f"ALTER TABLE coupons DROP COLUMN {gone}")
    _add("applied", refused=(WHOLE, "0"))
    _add("messages", amount=(WHOLE, None), amount_currency=(TEXT, None), inbox_id=(TEXT, None))


def _programs() -> None:
    _add("programs", reversal=(TEXT, "debt"), reversal_grace=(TEXT, None))
    _add("categories", filter=(TEXT, None), rank=(WHOLE, "0"))


def _points() -> None:
    _add(
        "points_entries",
        point_of_sale=(TEXT, None), sale_id=(TEXT, None), rule=(TEXT, None), offer=(TEXT, None), reverses=(TEXT, None),
        shortfall=(WHOLE, "0"),
    )
    op.create_index("ix_points_entries_occurred_at", "points_entries", ["occurred_at"])


def _sales() -> None:
    _add("sales", kind=(TEXT, "sale"), counts=(WHOLE, "1"), refund_of=(TEXT, None), reason=(TEXT, ""))
    op.create_index("ix_sales_occurred_at", "sales", ["occurred_at"])
    if op.get_bind().dialect.name == "postgresql":  # on SQLite the clustered table does as well
        op.drop_index("ix_sales_customer_id_occurred_at_total", "sales")
        op.create_index(
            "ix_sales_customer_id_occurred_at_total", "sales", ["customer_id", "occurred_at"],
            postgresql_include=["total", "units", "counts", "kind", "point_of_sale", "terminal", "program"],
        )


def _series() -> None:
    _add(
        "coupon_series",
        kind=(TEXT, "check_modifier"), titles=(TEXT, "{}"), descriptions=(TEXT, "{}"),
        alphabet=(TEXT, "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"), code_length=(WHOLE, "12"), per_coupon=(WHOLE, "1"),
        benefit=(TEXT, "{}"), stackable=(FLAG, "false"), transferable=(FLAG, "false"),
    )


def _add(table: str, **columns: tuple[sa.types.TypeEngine[Any], str | None]) -> None:
    """Add columns; one with a default is never missing, and has it for the rows that are there."""
    for name, (kind, default) in columns.items():
        standing = None if default is None else sa.text(f"'{default}'" if kind is TEXT else default)
        op.add_column(table, sa.Column(name, kind, nullable=default is None, server_default=standing))


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("program", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("unit", TEXT, nullable=False),
        sa.Column("credit_limit", WHOLE),
        sa.Column("credit_limit_currency", TEXT),
        sa.Column("credit_units", WHOLE, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_accounts"),
        **ROWS,
    )
    op.create_table(
        "customer_accounts",
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("program", TEXT, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("credit_limit", WHOLE),
        sa.Column("credit_limit_currency", TEXT),
        sa.Column("credit_units", WHOLE),
        sa.PrimaryKeyConstraint("customer_id", "account", name="pk_customer_accounts"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_customer_accounts_customer_id"),
        **CLUSTERED,
    )
    op.create_table(
        "account_entries",
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("program", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("amount", WHOLE),
        sa.Column("amount_currency", TEXT),
        sa.Column("units", WHOLE),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("terminal", TEXT, nullable=False),
        sa.Column("point_of_sale", TEXT),
        sa.Column("reference", TEXT),
        sa.Column("reverses", TEXT),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("applied_id", TEXT),
        sa.PrimaryKeyConstraint("customer_id", "id", name="pk_account_entries"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_account_entries_customer_id"),
        **CLUSTERED,
    )
    op.create_index("ix_account_entries_applied_id", "account_entries", ["applied_id"])
    op.create_index(
        "ix_account_entries_customer_id_account_occurred_at", "account_entries",
        ["customer_id", "account", "occurred_at", "amount", "units"],
    )
    op.create_index("ix_account_entries_occurred_at", "account_entries", ["occurred_at"])


def _earning() -> None:
    op.create_table(
        "earning_rules",
        sa.Column("program", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("per", TEXT, nullable=False),
        sa.Column("points", WHOLE, nullable=False),
        sa.Column("amount", WHOLE),
        sa.Column("amount_currency", TEXT),
        sa.Column("factor", TEXT),
        sa.Column("category", TEXT),
        sa.Column("filter", TEXT),
        sa.Column("minimum", WHOLE),
        sa.Column("minimum_currency", TEXT),
        sa.Column("rounding", TEXT, nullable=False),
        sa.Column("expires", TEXT),
        sa.Column("starts_at", INSTANT),
        sa.Column("ends_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("program", "name", name="pk_earning_rules"),
        **ROWS,
    )


def _coupons() -> None:
    op.create_table(
        "series_budgets",
        sa.Column("series", TEXT, nullable=False),
        sa.Column("budget", WHOLE, nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("spent", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("series", name="pk_series_budgets"),
        **ROWS,
    )
    op.create_table(
        "redemptions",
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("coupon_id", TEXT, nullable=False),
        sa.Column("series", TEXT, nullable=False),
        sa.Column("program", TEXT, nullable=False),
        sa.Column("redeemed_at", INSTANT, nullable=False),
        sa.Column("restored_at", INSTANT),
        sa.Column("reference", TEXT),
        sa.Column("discount", WHOLE),
        sa.Column("discount_currency", TEXT),
        sa.Column("terminal", TEXT, nullable=False),
        sa.Column("point_of_sale", TEXT),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("applied_id", TEXT),
        sa.PrimaryKeyConstraint("customer_id", "id", name="pk_redemptions"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_redemptions_customer_id"),
        **CLUSTERED,
    )
    op.create_index("ix_redemptions_applied_id", "redemptions", ["applied_id"])
    op.create_index(
        "ix_redemptions_customer_id_coupon_id_redeemed_at", "redemptions", ["customer_id", "coupon_id", "redeemed_at"]
    )
    op.create_index("ix_redemptions_redeemed_at", "redemptions", ["redeemed_at"])
    op.create_index("ix_redemptions_reference", "redemptions", ["reference"])
    op.create_table(
        "free_codes",
        sa.Column("code", TEXT, nullable=False),
        sa.Column("series", TEXT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT),
        sa.Column("taken_at", INSTANT),
        sa.Column("revoked_at", INSTANT),
        sa.Column("actor", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_free_codes"),
        **ROWS,
    )
    op.create_index("ix_free_codes_series_created_at", "free_codes", ["series", "created_at"])
    op.create_table(
        "guest_redemptions",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("series", TEXT, nullable=False),
        sa.Column("program", TEXT, nullable=False),
        sa.Column("identity", TEXT, nullable=False),
        sa.Column("ordinal", WHOLE),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("redeemed_at", INSTANT, nullable=False),
        sa.Column("restored_at", INSTANT),
        sa.Column("reference", TEXT),
        sa.Column("discount", WHOLE),
        sa.Column("discount_currency", TEXT),
        sa.Column("terminal", TEXT, nullable=False),
        sa.Column("point_of_sale", TEXT),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("applied_id", TEXT),
        sa.PrimaryKeyConstraint("id", name="pk_guest_redemptions"),
        **ROWS,
    )
    op.create_index("ix_guest_redemptions_code", "guest_redemptions", ["code"])
    op.create_index("ix_guest_redemptions_redeemed_at", "guest_redemptions", ["redeemed_at"])
    op.create_index("ix_guest_redemptions_reference", "guest_redemptions", ["reference"])
    op.create_index(
        "uq_guest_redemptions_series_identity_ordinal", "guest_redemptions", ["series", "identity", "ordinal"], unique=True
    )


def _inbox() -> None:
    op.create_table(
        "inbox_messages",
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("short_description", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("distributed_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT),
        sa.Column("removed_at", INSTANT),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("applied_id", TEXT),
        sa.PrimaryKeyConstraint("customer_id", "id", name="pk_inbox_messages"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_inbox_messages_customer_id"),
        **CLUSTERED,
    )
    op.create_index("ix_inbox_messages_applied_id", "inbox_messages", ["applied_id"])
    op.create_index("ix_inbox_messages_customer_id_distributed_at", "inbox_messages", ["customer_id", "distributed_at"])
    op.create_table(
        "openings",
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("surface", TEXT, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "id", name="pk_openings"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_openings_customer_id"),
        **CLUSTERED,
    )
    op.create_index("ix_openings_customer_id_subject_opened_at", "openings", ["customer_id", "subject", "opened_at"])
