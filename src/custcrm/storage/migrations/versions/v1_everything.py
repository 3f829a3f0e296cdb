"""Version 1: everything.

Revision ID: 1
"""

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WHOLE = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
FLAG = sa.Integer().with_variant(sa.Boolean(), "postgresql")
DAY = sa.Text().with_variant(sa.Date(), "postgresql")
INSTANT = sa.Integer().with_variant(sa.DateTime(timezone=True), "postgresql")  # on SQLite microseconds since 1970 UTC

ROWS = {"sqlite_strict": True}
CLUSTERED = {"sqlite_strict": True, "sqlite_with_rowid": False}


def upgrade() -> None:
    """Create all tables and indexes."""
    _customers()
    _activities()
    _coupons()
    _journal()
    _messages()
    _points()
    _programs()
    _sales()


def _customers() -> None:
    op.create_table(
        "customers",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("first_name", TEXT),
        sa.Column("last_name", TEXT),
        sa.Column("company_name", TEXT),
        sa.Column("business_unit", TEXT),
        sa.Column("registry_code", TEXT),
        sa.Column("vat_number", TEXT),
        sa.Column("email", TEXT),
        sa.Column("phone", TEXT),
        sa.Column("phone_as_typed", TEXT),
        sa.Column("card_number", TEXT),
        sa.Column("twitter_id", TEXT),
        sa.Column("facebook_name", TEXT),
        sa.Column("birth_date", DAY),
        sa.Column("birth_date_month_day", WHOLE),
        sa.Column("country", TEXT),
        sa.Column("locale", TEXT),
        sa.Column("time_zone", TEXT),
        sa.Column("customer_group", TEXT),
        sa.Column("home_location", TEXT),
        sa.Column("loyalty_eligible", FLAG, nullable=False),
        sa.Column("coupon_eligible", FLAG, nullable=False),
        sa.Column("payment_terms_days", WHOLE),
        sa.Column("credit_limit", WHOLE),
        sa.Column("credit_limit_currency", TEXT),
        sa.Column("delivery_preference", TEXT),
        sa.Column("payment_reference", TEXT),
        sa.Column("web_shop_username", TEXT),
        sa.Column("signed_up_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("email_folded", TEXT),
        sa.Column("first_name_folded", TEXT),
        sa.Column("last_name_folded", TEXT),
        sa.Column("company_name_folded", TEXT),
        sa.PrimaryKeyConstraint("id", name="pk_customers"),
        **ROWS,
    )
    op.create_index("uq_customers_card_number", "customers", ["card_number"], unique=True)
    op.create_index("uq_customers_email", "customers", ["email"], unique=True)
    op.create_index("ix_customers_birth_date_month_day", "customers", ["birth_date_month_day"])
    op.create_index("ix_customers_company_name_folded", "customers", ["company_name_folded"])
    op.create_index("ix_customers_email_folded", "customers", ["email_folded"])
    op.create_index("ix_customers_first_name_folded", "customers", ["first_name_folded"])
    op.create_index("ix_customers_last_name_folded", "customers", ["last_name_folded"])
    op.create_index("ix_customers_phone", "customers", ["phone"])
    op.create_table(
        "contact_points",
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("as_typed", TEXT, nullable=False),
        sa.Column("purpose", TEXT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "id", name="pk_contact_points"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_contact_points_customer_id"),
        **CLUSTERED,
    )
    op.create_index("ix_contact_points_kind_value", "contact_points", ["kind", "value"])
    op.create_table(
        "addresses",
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("lines", TEXT, nullable=False),
        sa.Column("city", TEXT),
        sa.Column("postcode", TEXT),
        sa.Column("country", TEXT),
        sa.Column("primary", FLAG, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "id", name="pk_addresses"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_addresses_customer_id"),
        **CLUSTERED,
    )
    op.create_table(
        "attributes",
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "key", name="pk_attributes"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_attributes_customer_id"),
        **CLUSTERED,
    )
    op.create_table(
        "external_ids",
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("system", TEXT, nullable=False),
        sa.Column("external_id", TEXT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "system", name="pk_external_ids"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_external_ids_customer_id"),
        **CLUSTERED,
    )
    op.create_index("uq_external_ids_system_external_id", "external_ids", ["system", "external_id"], unique=True)
    op.create_table(
        "tags",
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("value", TEXT),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("until", INSTANT),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("applied_id", TEXT),
        sa.PrimaryKeyConstraint("customer_id", "id", name="pk_tags"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_tags_customer_id"),
        **CLUSTERED,
    )
    op.create_index("ix_tags_customer_id_key_since", "tags", ["customer_id", "key", "since", "until", "value"])
    op.create_table(
        "consents",
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("purpose", TEXT, nullable=False),
        sa.Column("granted", FLAG, nullable=False),
        sa.Column("evidence", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("until", INSTANT),
        sa.PrimaryKeyConstraint("customer_id", "id", name="pk_consents"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_consents_customer_id"),
        **CLUSTERED,
    )
    op.create_index(
        "ix_consents_customer_id_channel_purpose", "consents",
        ["customer_id", "channel", "purpose", "until"],
    )


def _activities() -> None:
    op.create_table(
        "activities",
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("status", TEXT),
        sa.Column("job_status", TEXT),
        sa.Column("direction", TEXT),
        sa.Column("channel", TEXT),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("visibility", TEXT, nullable=False),
        sa.Column("summary", TEXT, nullable=False),
        sa.Column("agreed", TEXT, nullable=False),
        sa.Column("point_of_sale", TEXT),
        sa.Column("terminal", TEXT),
        sa.Column("program", TEXT),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("payload", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "id", name="pk_activities"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_activities_customer_id"),
        **CLUSTERED,
    )
    op.create_index(
        "ix_activities_customer_id_kind_occurred_at", "activities",
        ["customer_id", "kind", "occurred_at"],
    )
    op.create_table(
        "tasks",
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("due_at", INSTANT),
        sa.Column("remind_at", INSTANT),
        sa.Column("assignee", TEXT, nullable=False),
        sa.Column("done_at", INSTANT),
        sa.Column("cancelled_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "id", name="pk_tasks"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_tasks_customer_id"),
        **CLUSTERED,
    )
    op.create_index("ix_tasks_assignee_due_at", "tasks", ["assignee", "due_at"])


def _coupons() -> None:
    op.create_table(
        "coupon_series",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("program", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("codes", TEXT, nullable=False),
        sa.Column("shared_code", TEXT),
        sa.Column("capacity", WHOLE),
        sa.Column("issued", WHOLE, nullable=False),
        sa.Column("per_customer", WHOLE),
        sa.Column("valid", TEXT),
        sa.Column("valid_until", INSTANT),
        sa.Column("issue_from", INSTANT),
        sa.Column("issue_until", INSTANT),
        sa.Column("revoke_frees", FLAG, nullable=False),
        sa.Column("restore_on_cancel", FLAG, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_coupon_series"),
        **ROWS,
    )
    op.create_table(
        "coupons",
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("series", TEXT, nullable=False),
        sa.Column("code", TEXT),
        sa.Column("ordinal", WHOLE),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT),
        sa.Column("reserved_until", INSTANT),
        sa.Column("redeemed_at", INSTANT),
        sa.Column("revoked_at", INSTANT),
        sa.Column("reference", TEXT),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("applied_id", TEXT),
        sa.PrimaryKeyConstraint("customer_id", "id", name="pk_coupons"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_coupons_customer_id"),
        **CLUSTERED,
    )
    op.create_index("uq_coupons_code", "coupons", ["code"], unique=True)
    op.create_index(
        "uq_coupons_customer_id_series_ordinal", "coupons",
        ["customer_id", "series", "ordinal"], unique=True,
    )
    op.create_index("ix_coupons_applied_id", "coupons", ["applied_id"])
    op.create_index("ix_coupons_customer_id_series_issued_at", "coupons", ["customer_id", "series", "issued_at"])
    op.create_index("ix_coupons_series_issued_at", "coupons", ["series", "issued_at"])


def _journal() -> None:
    op.create_table(
        "settings",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_settings"),
        **ROWS,
    )
    op.create_table(
        "segments",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("filter", TEXT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_segments"),
        **ROWS,
    )
    op.create_table(
        "imports",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("counts", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_imports"),
        **ROWS,
    )
    op.create_table(
        "exports",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("columns", TEXT, nullable=False),
        sa.Column("rows", WHOLE, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_exports"),
        **ROWS,
    )
    op.create_table(
        "applied",
        sa.Column("key", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("content", TEXT, nullable=False),
        sa.Column("arguments", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("as_of", INSTANT, nullable=False),
        sa.Column("eligible", WHOLE, nullable=False),
        sa.Column("done", WHOLE, nullable=False),
        sa.Column("reserved", WHOLE, nullable=False),
        sa.Column("skipped", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_applied"),
        **ROWS,
    )
    op.create_index("uq_applied_id", "applied", ["id"], unique=True)
    op.create_table(
        "targets",
        sa.Column("applied_id", TEXT, nullable=False),
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("reason", TEXT),
        sa.PrimaryKeyConstraint("applied_id", "number", name="pk_targets"),
        **CLUSTERED,
    )
    op.create_index("ix_targets_customer_id_applied_id", "targets", ["customer_id", "applied_id"])


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("purpose", TEXT, nullable=False),
        sa.Column("sender", TEXT),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("reason", TEXT),
        sa.Column("points", WHOLE),
        sa.Column("balance", WHOLE),
        sa.Column("code", TEXT),
        sa.Column("planned_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT),
        sa.Column("opened_at", INSTANT),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("applied_id", TEXT),
        sa.PrimaryKeyConstraint("customer_id", "id", name="pk_messages"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_messages_customer_id"),
        **CLUSTERED,
    )
    op.create_index("ix_messages_applied_id", "messages", ["applied_id"])
    op.create_index("ix_messages_status_id", "messages", ["status", "id"])


def _points() -> None:
    op.create_table(
        "points_entries",
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("program", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("delta", WHOLE, nullable=False),
        sa.Column("lot_id", TEXT, nullable=False),
        sa.Column("spend_id", TEXT),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT),
        sa.Column("terminal", TEXT, nullable=False),
        sa.Column("reference", TEXT),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("applied_id", TEXT),
        sa.PrimaryKeyConstraint("customer_id", "id", name="pk_points_entries"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_points_entries_customer_id"),
        **CLUSTERED,
    )
    op.create_index("ix_points_entries_applied_id", "points_entries", ["applied_id"])
    op.create_index(
        "ix_points_entries_customer_id_program_expires_at", "points_entries",
        ["customer_id", "program", "expires_at", "lot_id", "delta", "occurred_at"],
    )


def _programs() -> None:
    op.create_table(
        "programs",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("default_access", TEXT, nullable=False),
        sa.Column("notifications", TEXT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_programs"),
        **ROWS,
    )
    op.create_table(
        "categories",
        sa.Column("program", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("program", "name", name="pk_categories"),
        **ROWS,
    )
    op.create_table(
        "points_of_sale",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("program", TEXT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_points_of_sale"),
        **ROWS,
    )
    op.create_table(
        "terminals",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("point_of_sale", TEXT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_terminals"),
        **ROWS,
    )
    op.create_table(
        "senders",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("program", TEXT),
        sa.Column("requires_confirmation", FLAG, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_senders"),
        **ROWS,
    )
    op.create_table(
        "memberships",
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("program", TEXT, nullable=False),
        sa.Column("access", TEXT, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("joined_at", INSTANT, nullable=False),
        sa.Column("confirmed_at", INSTANT),
        sa.Column("confirmed_by", TEXT),
        sa.PrimaryKeyConstraint("customer_id", "program", name="pk_memberships"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_memberships_customer_id"),
        **CLUSTERED,
    )
    op.create_index("ix_memberships_program_access_customer_id", "memberships", ["program", "access", "customer_id"])
    op.create_table(
        "membership_changes",
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("program", TEXT, nullable=False),
        sa.Column("change", TEXT, nullable=False),
        sa.Column("access", TEXT, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("applied_id", TEXT),
        sa.PrimaryKeyConstraint("customer_id", "id", name="pk_membership_changes"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_membership_changes_customer_id"),
        **CLUSTERED,
    )
    op.create_index(
        "ix_membership_changes_customer_id_program_occurred_at", "membership_changes",
        ["customer_id", "program", "occurred_at", "id", "access", "category"],
    )


def _sales() -> None:
    op.create_table(
        "sales",
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("total", WHOLE, nullable=False),
        sa.Column("total_currency", TEXT, nullable=False),
        sa.Column("units", WHOLE, nullable=False),
        sa.Column("program", TEXT),
        sa.Column("point_of_sale", TEXT),
        sa.Column("terminal", TEXT),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("document", TEXT),
        sa.Column("external_id", TEXT),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "id", name="pk_sales"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_sales_customer_id"),
        **CLUSTERED,
    )
    op.create_index("uq_sales_external_id", "sales", ["external_id"], unique=True)
    if op.get_bind().dialect.name == "postgresql":  # on SQLite the clustered table does as well
        op.create_index(
            "ix_sales_customer_id_occurred_at_total", "sales", ["customer_id", "occurred_at"],
            postgresql_include=["total", "units", "point_of_sale", "terminal", "program"],
        )
    op.create_table(
        "sale_lines",
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("sale_id", TEXT, nullable=False),
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("product", TEXT),
        sa.Column("category", TEXT),
        sa.Column("quantity", WHOLE, nullable=False),
        sa.Column("price", WHOLE, nullable=False),
        sa.Column("price_currency", TEXT, nullable=False),
        sa.Column("amount", WHOLE, nullable=False),
        sa.Column("amount_currency", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "sale_id", "number", name="pk_sale_lines"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_sale_lines_customer_id"),
        **CLUSTERED,
    )
    op.create_index(
        "ix_sale_lines_customer_id_category_occurred_at", "sale_lines",
        ["customer_id", "category", "occurred_at", "quantity"],
    )
