"""Version 1: all tables.

Everything is named `custcrm_…`, tables, keys and indexes, so that a store lives beside an app's own tables in one database.

Revision ID: 1
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from attrs import field, frozen

revision = "1"
down_revision = None

TYPES: Final[Mapping[str, Any]] = {
    "": sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
    "integer": sa.Integer().with_variant(sa.BigInteger(), "postgresql"),
    "boolean": sa.Integer().with_variant(sa.Boolean(), "postgresql"),
    "date": sa.Text().with_variant(sa.Date(), "postgresql"),
    "instant": sa.Integer().with_variant(sa.DateTime(timezone=True), "postgresql"),  # on SQLite microseconds since 1970 UTC
}


@frozen
class Table:
    """A table to make. Columns are written `name`, `name?` where they may be missing, `name:type` where they are no text.

    Each key and index is its columns. `covering`: what a query is searched by, and what else it reads, for PostgreSQL.
    """

    name: str
    key: str = field(kw_only=True)
    columns: str = field(kw_only=True)
    unique: tuple[str, ...] = field(default=(), kw_only=True)
    index: tuple[str, ...] = field(default=(), kw_only=True)
    covering: Mapping[str, str] = field(factory=dict, kw_only=True)

    def of_customer(self) -> bool:
        """Tell whether the rows are facts about a customer."""
        return self.key.startswith("customer_id ")


TABLES: Final = (
    Table(
        "customers", key="id",
        columns="""
            id kind status first_name? last_name? company_name? business_unit? registry_code? vat_number? email? phone?
            phone_as_typed? card_number? twitter_id? facebook_name? birth_date?:date birth_date_month_day?:integer country?
            locale? time_zone? customer_group? home_location? loyalty_eligible:boolean coupon_eligible:boolean
            payment_terms_days?:integer credit_limit?:integer credit_limit_currency? delivery_preference? payment_reference?
            web_shop_username? signed_up_at:instant created_at:instant email_folded? first_name_folded? last_name_folded?
            company_name_folded?
        """,
        unique=("email", "card_number"),
        index=("phone", "birth_date_month_day", "email_folded", "last_name_folded", "first_name_folded", "company_name_folded"),
    ),
    Table("settings", key="name", columns="name value"),
    Table(
        "programs", key="name",
        columns="name title default_access notifications reversal reversal_grace? created_at:instant",
    ),
    Table("categories", key="program name", columns="program name filter? rank:integer created_at:instant"),
    Table(
        "earning_rules", key="program name",
        columns="""
            program name per points:integer amount?:integer amount_currency? factor? category? filter? minimum?:integer
            minimum_currency? rounding expires? starts_at?:instant ends_at?:instant created_at:instant actor
        """,
    ),
    Table(
        "accounts", key="name",
        columns="""
            name program kind title unit credit_limit?:integer credit_limit_currency? credit_units:integer created_at:instant
        """,
    ),
    Table("points_of_sale", key="name", columns="name program? created_at:instant"),
    Table("terminals", key="name", columns="name point_of_sale created_at:instant"),
    Table("senders", key="name", columns="name program? requires_confirmation:boolean created_at:instant"),
    Table("segments", key="name", columns="name filter created_at:instant actor"),
    Table("imports", key="id", columns="id kind counts actor occurred_at:instant"),
    Table("exports", key="id", columns="id kind columns rows:integer actor occurred_at:instant"),
    Table(
        "coupon_series", key="name",
        columns="""
            name program kind title description titles descriptions codes shared_code? alphabet code_length:integer
            capacity?:integer issued:integer per_customer?:integer per_coupon:integer valid? valid_until?:instant
            issue_from?:instant issue_until?:instant benefit stackable:boolean transferable:boolean revoke_frees:boolean
            restore_on_cancel:boolean created_at:instant
        """,
    ),
    Table("series_budgets", key="series", columns="series budget:integer currency spent:integer"),
    Table(
        "free_codes", key="code",
        columns="code series created_at:instant expires_at?:instant taken_at?:instant revoked_at?:instant actor",
        index=("series created_at",),
    ),
    Table(
        "guest_redemptions", key="id",
        columns="""
            id series program identity ordinal?:integer code redeemed_at:instant restored_at?:instant reference?
            discount?:integer discount_currency? terminal point_of_sale? actor applied_id?
        """,
        unique=("series identity ordinal",),
        index=("code", "reference", "redeemed_at"),
    ),
    Table(
        "applied", key="key",
        columns="""
            key id action content arguments actor as_of:instant eligible:integer done:integer reserved:integer refused:integer
            skipped
        """,
        unique=("id",),
    ),
    Table(
        "contact_points", key="customer_id id",
        columns="customer_id id kind value as_typed purpose recorded_at:instant",
        index=("kind value",),
    ),
    Table(
        "addresses", key="customer_id id",
        columns="customer_id id type lines city? postcode? country? primary:boolean recorded_at:instant",
    ),
    Table("attributes", key="customer_id key", columns="customer_id key value recorded_at:instant"),
    Table(
        "external_ids", key="customer_id system",
        columns="customer_id system external_id recorded_at:instant",
        unique=("system external_id",),
    ),
    Table(
        "tags", key="customer_id id",
        columns="customer_id id key value? since:instant until?:instant actor source applied_id?",
        index=("customer_id key since until value",),
    ),
    Table(
        "consents", key="customer_id id",
        columns="customer_id id channel purpose granted:boolean evidence actor occurred_at:instant until?:instant",
        index=("customer_id channel purpose until",),
    ),
    Table(
        "memberships", key="customer_id program",
        columns="customer_id program access category joined_at:instant confirmed_at?:instant confirmed_by?",
        index=("program access customer_id",),
    ),
    Table(
        "membership_changes", key="customer_id id",
        columns="customer_id id program change access category occurred_at:instant actor reason applied_id?",
        index=("customer_id program occurred_at id access category",),
    ),
    Table(
        "sales", key="customer_id id",
        columns="""
            customer_id id kind occurred_at:instant total:integer total_currency units:integer counts:integer refund_of?
            program? point_of_sale? terminal? source document? external_id? reason recorded_at:instant
        """,
        unique=("external_id",),
        covering={"customer_id occurred_at": "total units counts kind point_of_sale terminal program"},
        index=("occurred_at",),
    ),
    Table(
        "sale_lines", key="customer_id sale_id number",
        columns="""
            customer_id sale_id number:integer occurred_at:instant product? category? quantity:integer price:integer
            price_currency amount:integer amount_currency
        """,
        index=("customer_id category occurred_at quantity",),
    ),
    Table(
        "points_entries", key="customer_id id",
        columns="""
            customer_id id program kind delta:integer lot_id spend_id? occurred_at:instant expires_at?:instant terminal
            point_of_sale? sale_id? rule? offer? reverses? shortfall:integer reference? text reason actor applied_id?
        """,
        index=("customer_id program expires_at lot_id delta occurred_at", "occurred_at", "applied_id"),
    ),
    Table(
        "customer_accounts", key="customer_id account",
        columns="""
            customer_id account program opened_at:instant credit_limit?:integer credit_limit_currency? credit_units?:integer
        """,
    ),
    Table(
        "account_entries", key="customer_id id",
        columns="""
            customer_id id account program kind amount?:integer amount_currency? units?:integer occurred_at:instant terminal
            point_of_sale? reference? reverses? text reason actor applied_id?
        """,
        index=("customer_id account occurred_at amount units", "occurred_at", "applied_id"),
    ),
    Table(
        "coupons", key="customer_id id",
        columns="""
            customer_id id series code? ordinal?:integer issued_at:instant expires_at?:instant reserved_at?:instant
            reserved_until?:instant reserved_for? revoked_at?:instant reason actor applied_id?
        """,
        unique=("code", "customer_id series ordinal"),
        index=("customer_id series issued_at", "series issued_at", "applied_id"),
    ),
    Table(
        "redemptions", key="customer_id id",
        columns="""
            customer_id id coupon_id series program redeemed_at:instant restored_at?:instant reference? discount?:integer
            discount_currency? terminal point_of_sale? reason actor applied_id?
        """,
        index=("customer_id coupon_id redeemed_at", "reference", "redeemed_at", "applied_id"),
    ),
    Table(
        "activities", key="customer_id id",
        columns="""
            customer_id id kind occurred_at:instant recorded_at:instant status? job_status? direction? channel? source
            visibility summary agreed point_of_sale? terminal? program? actor payload
        """,
        index=("customer_id kind occurred_at",),
    ),
    Table(
        "tasks", key="customer_id id",
        columns="""
            customer_id id subject due_at?:instant remind_at?:instant assignee done_at?:instant cancelled_at?:instant
            created_at:instant actor
        """,
        index=("assignee due_at",),
    ),
    Table(
        "messages", key="customer_id id",
        columns="""
            customer_id id channel purpose sender? text status reason? points?:integer balance?:integer code? amount?:integer
            amount_currency? inbox_id? planned_at:instant sent_at?:instant opened_at?:instant actor applied_id?
        """,
        index=("status id", "applied_id"),
    ),
    Table(
        "inbox_messages", key="customer_id id",
        columns="""
            customer_id id title short_description text distributed_at:instant ends_at?:instant removed_at?:instant actor
            applied_id?
        """,
        index=("customer_id distributed_at", "applied_id"),
    ),
    Table(
        "openings", key="customer_id id",
        columns="customer_id id subject surface opened_at:instant",
        index=("customer_id subject opened_at",),
    ),
    Table(
        "targets", key="applied_id number",
        columns="applied_id number:integer customer_id reason?",
        index=("customer_id applied_id",),
    ),
)


def upgrade() -> None:
    """Create all tables and indexes."""
    for table in TABLES:
        _create(table)


def _create(table: Table) -> None:
    name = f"custcrm_{table.name}"
    # On SQLite a customer's facts are clustered by their key, so that they lie together.
    clustered = table.of_customer() or table.name == "targets"
    op.create_table(name, *_columns(table), *_keys(table), sqlite_strict=True, sqlite_with_rowid=not clustered)
    for columns in table.unique:
        op.create_index(_index("uq", table, columns), name, columns.split(), unique=True)
    for columns in table.index:
        op.create_index(_index("ix", table, columns), name, columns.split())
    if op.get_bind().dialect.name == "postgresql":  # on SQLite the clustered table does as well
        for columns, carried in table.covering.items():
            of = _index("ix", table, f"{columns} {carried}")
            op.create_index(of, name, columns.split(), postgresql_include=carried.split())


def _columns(table: Table) -> Iterator[sa.Column[Any]]:
    for each in table.columns.split():
        written, _, kind = each.partition(":")
        yield sa.Column(written.removesuffix("?"), TYPES[kind], nullable=written.endswith("?"))


def _keys(table: Table) -> Iterator[sa.Constraint]:
    yield sa.PrimaryKeyConstraint(*table.key.split(), name=f"custcrm_pk_{table.name}")
    if table.of_customer():
        name = f"custcrm_fk_{table.name}_customer_id"
        yield sa.ForeignKeyConstraint(["customer_id"], ["custcrm_customers.id"], name=name)


def _index(kind: str, table: Table, columns: str) -> str:
    """Return the name of an index: of its first three columns, so that it stays within PostgreSQL's 63 bytes."""
    return "_".join((f"custcrm_{kind}", table.name, *columns.split()[:3]))
