"""The words that filters may use about customers, joined to the records that hold the facts.

Data only: `MAPS`, `COLLECTIONS` and `METRICS` say which record stands behind which word; `schema` makes a filter schema of
them, and the stores read the same tables to find the columns. A map is a record by its whole key, a collection is the
customer's records, a metric is a named expression.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from attrs import field, frozen

from custcrm import records as r
from custcrm.filters import Schema
from custcrm.filters.types import types as t
from custcrm.records.declaration import Column, declaration
from custcrm.values.birthdays import Feb29

PLACES: Final = ("program", "point_of_sale", "terminal")
"""The dimensions that a scope can narrow."""


@frozen(kw_only=True)
class MapWords:
    """A map word: `record` has an entry per `key` column, or several of which the last that is in force tells.

    `value` names the column of the entry's value; `columns` those of its record. `history` is the record that tells what the
    same columns were at an earlier time. Where neither is so but the record says since when it is in force, an entry that was
    there never goes: a question about the past does not see later ones.
    """

    record: type
    key: str
    value: str | None = None
    columns: tuple[str, ...] = ()
    derived: Mapping[str, t.Derived] = field(factory=dict, hash=False)
    history: type | None = None
    label: str = ""

    def kept(self, *, past: bool) -> type | None:
        """Return the record of which the last one in force tells; None where there is one per entry, as it stands."""
        if past and self.history is not None:
            return self.history
        return None if declaration(self.record).key[1:] == (self.key,) else self.record


@frozen
class OwnerWords:
    """The record that those of a collection belong to, by key: its columns `on` these own ones; they show its `columns` too."""

    record: type
    on: Mapping[str, str] = field(hash=False)
    columns: tuple[str, ...]


@frozen(kw_only=True)
class CollectionWords:
    """A collection word: the records of the customer (or of the parent record) tied by `on`: own column → parent's column.

    `where` is a filter on the record, which those of the collection satisfy; `weight` is the column that says how many a record
    counts for. Columns that are `turned` are read with the other sign. `version`: see `filters.Collection`.
    """

    record: type
    columns: tuple[str, ...]
    on: Mapping[str, str] = field(factory=lambda: {"customer_id": "id"}, hash=False)
    owner: OwnerWords | None = None
    at: str | None = None
    until: str | None = None
    scopes: tuple[str, ...] = ()
    where: str | None = None
    weight: str | None = None
    turned: tuple[str, ...] = ()
    nested: Mapping[str, CollectionWords] = field(factory=dict, hash=False)
    version: int = 1
    hidden: bool = False
    label: str = ""

    def owner_of(self, name: str) -> OwnerWords | None:
        """Return whose column a field is, where it is not the record's own."""
        return self.owner if self.owner is not None and name in self.owner.columns else None

    def column(self, name: str) -> Column:
        """Return what stands behind a field: a column of the record, or of the one that it belongs to."""
        owner = self.owner_of(name)
        return declaration(self.record if owner is None else owner.record).column(name)


def collection_words(name: str) -> CollectionWords:
    """Return the words of a collection by its name, or of one within another by both: `refunds.lines`."""
    outer, _, inner = name.partition(".")
    return COLLECTIONS[name] if name in COLLECTIONS else COLLECTIONS[outer].nested[inner]


_OPEN_LOTS: Final = "SUM(points_entries.delta WHERE program = ':key' AND NOT expires_at <= now())"
_VALID_LOTS: Final = "SUM(points_entries.delta WHERE program = ':key' AND NOT expires_at <= now() AND NOT valid_from > now())"
_PENDING: Final = "valid_from > now() AND NOT expires_at <= now()"

MAPS: Final[Mapping[str, MapWords]] = {
    "tags": MapWords(record=r.TagAssignment, key="key", value="value", label="Tags"),
    "attributes": MapWords(record=r.Attribute, key="key", value="value", label="Attributes"),
    "external_ids": MapWords(record=r.ExternalId, key="system", value="external_id", label="Ids in other systems"),
    "programs": MapWords(
        record=r.Membership,
        key="program",
        columns=("access", "category", "kept_until", "joined_at", "confirmed_at"),
        derived={
            "points": t.Derived(value=_OPEN_LOTS, type=t.Integer(), label="Points balance"),
            "available": t.Derived(
                value=_VALID_LOTS, type=t.Integer(), otherwise=0, label="Points that can be spent now",
                when=f"programs.:key.access = 'full' AND loyalty_eligible AND status = 'active' AND {_VALID_LOTS} > 0",
            ),
            "pending": t.Derived(
                value=f"SUM(points_entries.delta WHERE program = ':key' AND {_PENDING})", type=t.Integer(),
                label="Points that can be spent later",
            ),
        },
        history=r.MembershipChange,
        label="Programs",
    ),
    "accounts": MapWords(
        record=r.CustomerAccount,
        key="account",
        columns=("opened_at", "credit_limit", "credit_units"),
        derived={
            "balance": t.Derived(
                value="SUM(account_entries.amount WHERE account = ':key')", type=t.Money(), label="Account balance"
            ),
            "units": t.Derived(
                value="SUM(account_entries.units WHERE account = ':key')", type=t.Integer(), label="Account balance in units"
            ),
        },
        label="Accounts",
    ),
}

_LINE_COLUMNS: Final = ("occurred_at", "product", "category", "quantity", "price", "amount")

_SOLD: Final = "quantity > 0 OR quantity = 0 AND amount >= 0"
_CAME_BACK: Final = "quantity > 0 OR quantity = 0 AND amount > 0"
"""Which lines were sold, and which came back, in whatever receipt: those below nought, read with what is turned positive."""
_TURNED: Final = ("quantity", "amount")

_OF_RECEIPT: Final = partial(
    CollectionWords, record=r.SaleLine, columns=_LINE_COLUMNS, on={"customer_id": "customer_id", "sale_id": "id"}, version=2
)
_OF_CUSTOMER: Final = partial(
    CollectionWords, record=r.SaleLine, columns=(*_LINE_COLUMNS, *PLACES), at="occurred_at", scopes=PLACES, version=2,
    owner=OwnerWords(r.Sale, {"customer_id": "customer_id", "id": "sale_id"}, PLACES),
)

_SALE_COLUMNS: Final = ("occurred_at", "total", "units", "kind", *PLACES, "source", "document", "external_id")

COLLECTIONS: Final[Mapping[str, CollectionWords]] = {
    "sales": CollectionWords(
        record=r.Sale,
        columns=_SALE_COLUMNS,
        at="occurred_at",
        scopes=PLACES,
        where="kind = 'sale'",
        nested={"lines": _OF_RECEIPT(where=_SOLD)},
        label="Sales",
    ),
    "refunds": CollectionWords(
        record=r.Sale,
        columns=_SALE_COLUMNS,
        at="occurred_at",
        scopes=PLACES,
        where="kind IN ('refund', 'chargeback')",
        nested={"lines": _OF_RECEIPT(where=_CAME_BACK, turned=_TURNED)},
        label="Refunds and chargebacks",
    ),
    "receipts": CollectionWords(
        record=r.Sale,
        columns=(*_SALE_COLUMNS, "counts"),
        at="occurred_at",
        scopes=PLACES,
        weight="counts",
        hidden=True,
        label="Sales, refunds and chargebacks",
    ),
    "lines": _OF_CUSTOMER(where=_SOLD, label="Lines of sales"),
    "sales.lines": _OF_CUSTOMER(where=_SOLD, label="Lines of sales", hidden=True),
    "refunds.lines": _OF_CUSTOMER(where=_CAME_BACK, turned=_TURNED, label="Lines that came back"),
    "activities": CollectionWords(
        record=r.Activity,
        columns=("kind", "occurred_at", "status", "job_status", "direction", "channel", "source", *PLACES),
        at="occurred_at",
        scopes=PLACES,
        label="Activities",
    ),
    "contact_points": CollectionWords(
        record=r.ContactPoint,
        columns=("kind", "value", "purpose", "recorded_at"),
        at="recorded_at",
        label="Further emails and phone numbers",
    ),
    "coupons": CollectionWords(
        record=r.Coupon,
        columns=("series", "issued_at", "valid_from", "expires_at", "revoked_at"),
        at="issued_at",
        label="Coupons",
    ),
    "coupons_ever": CollectionWords(
        record=r.Coupon,
        columns=("series", "ordinal", "revoked_at"),
        hidden=True,
        label="Coupons, also those that a clock set back sees in the future",
    ),
    "redemptions": CollectionWords(
        record=r.Redemption,
        columns=("series", "program", "redeemed_at", "restored_at", "reference", "discount", "terminal", "point_of_sale"),
        at="redeemed_at",
        until="restored_at",
        scopes=PLACES,
        label="Redemptions of coupons",
    ),
    "inbox": CollectionWords(
        record=r.InboxMessage,
        columns=("distributed_at", "ends_at", "removed_at"),
        at="distributed_at",
        until="removed_at",
        label="Inbox messages",
    ),
    "messages": CollectionWords(
        record=r.Message,
        columns=("channel", "purpose", "sender", "status", "reason", "planned_at", "sent_at", "opened_at"),
        at="planned_at",
        label="Messages",
    ),
    "consents": CollectionWords(
        record=r.Consent,
        columns=("channel", "purpose", "granted", "occurred_at", "until"),
        at="occurred_at",
        until="until",
        label="Consents",
    ),
    "points_entries": CollectionWords(
        record=r.PointsEntry,
        columns=(
            "program", "kind", "delta", "occurred_at", "valid_from", "expires_at", "terminal", "point_of_sale", "offer", "rule",
            "reference",
        ),
        at="occurred_at",
        scopes=PLACES,
        label="Points entries",
    ),
    "account_entries": CollectionWords(
        record=r.AccountEntry,
        columns=("account", "program", "kind", "amount", "units", "occurred_at", "terminal", "point_of_sale", "reference"),
        at="occurred_at",
        scopes=PLACES,
        label="Account entries",
    ),
}

METRICS: Final[Mapping[str, t.Metric | t.Elapsed]] = {
    "sales_count": t.Metric(value="SUM(receipts.counts)", label="Number of sales"),
    "sales_total": t.Metric(value="SUM(receipts.total)", label="Transaction amount"),
    "lifetime_spend": t.Metric(value="SUM(receipts.total)", label="Total lifetime spend"),
    "average_check": t.Metric(value="AVG(receipts.total)", label="Average check"),
    "average_basket": t.Metric(value="AVG(receipts.total)", label="Average basket value"),
    "first_sale_at": t.Metric(value="MIN(sales.occurred_at)", label="First sale"),
    "last_sale_at": t.Metric(value="MAX(sales.occurred_at)", label="Last sale"),
    "days_since_last_sale": t.Elapsed(
        unit="days", since="MAX(sales.occurred_at)", label="Days since last purchase"
    ),
    "units_total": t.Metric(value="SUM(receipts.units)", label="Units ever purchased"),
    "units_12_months": t.Metric(
        value="SUM(receipts.units WHERE occurred_at >= ago('12 months') AND occurred_at < now())",
        label="Units purchased within the last twelve months",
    ),
    "points_pending": t.Metric(
        value=f"SUM(points_entries.delta WHERE {_PENDING})", label="Points that can be spent later"
    ),
    "visits_count": t.Metric(value="COUNT(activities WHERE kind = 'visit')", label="Number of visits"),
    "last_visit_at": t.Metric(value="MAX(activities.occurred_at WHERE kind = 'visit')", label="Last visit"),
    "jobs_completed": t.Metric(
        value="COUNT(activities WHERE kind = 'job' AND job_status = 'completed')", label="Jobs completed"
    ),
    "emails_received": t.Metric(
        value="COUNT(messages WHERE channel = 'email' AND status IN ('sent', 'delivered'))", label="Emails received"
    ),
    "emails_opened": t.Metric(
        value="COUNT(messages WHERE channel = 'email' AND opened_at <= now())", label="Emails opened"
    ),
    "age": t.Elapsed(unit="years", since="birth_date", label="Age"),
}


def schema(
    *,
    currency: str,
    timezone: str,
    programs: tuple[str, ...] = (),
    segments: Any = None,
    feb29: Feb29 = "feb28",
) -> Schema:
    """Return the filter schema of a customer base; `programs` closes the map of that name."""
    fields: dict[str, Any] = {
        column.name: field_type(column)
        for column in declaration(r.Customer).columns
        if column.name == "id" or (column.label and column.name == column.source[0])
    }
    for name, words in MAPS.items():
        fields[name] = _map(words, programs if words.record is r.Membership else None)
    for name, collection in COLLECTIONS.items():
        fields[name] = _collection(collection)
    return Schema(
        fields, timezone=timezone, currency=currency, feb29=feb29, metrics=METRICS, segments=segments, noun="customer"
    )


def field_type(column: Column) -> t.Scalar:
    """Return the type that a filter gives to a record's column."""
    about: dict[str, Any] = {"label": column.label, "personal": column.personal}
    if column.values:
        return t.Choice(*column.values, **about)
    if column.kind == "integer":
        return t.Money(**about) if column.source[1:] == ("minor",) else t.Integer(**about)
    if column.kind == "date":
        return t.Date(yearless=True, **about)
    if column.kind == "instant":
        return t.Instant(**about)
    return t.Boolean(**about) if column.kind == "boolean" else t.Text(**about)


def _map(words: MapWords, keys: tuple[str, ...] | None) -> t.Map:
    columns = declaration(words.record)
    if words.value:
        return t.Map(field_type(columns.column(words.value)), keys=keys, label=words.label)
    record = {name: field_type(columns.column(name)) for name in words.columns}
    return t.Map({**record, **words.derived}, keys=keys, label=words.label)


def _collection(words: CollectionWords) -> t.Collection:
    fields: dict[str, Any] = {name: field_type(words.column(name)) for name in words.columns}
    fields.update({name: _collection(nested) for name, nested in words.nested.items()})
    return t.Collection(
        fields, at=words.at, until=words.until, scopes=words.scopes, where=words.where, weight=words.weight,
        version=words.version, label=words.label, hidden=words.hidden,
    )
