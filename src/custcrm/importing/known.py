"""What else a row tells of a customer: attributes, external ids, tags and consents, compared with what is known.

The names to know are `FactColumns`, `Known` and `further_of`.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from attrs import evolve, field, frozen

from custcrm.actions.customers.consents import MARKETING, answered
from custcrm.actions.customers.identities import EXTERNAL_IDS, PLAIN
from custcrm.actions.customers.tags import assigned, closed, tag_key, tag_value
from custcrm.business import Business
from custcrm.importing.columns import Columns, Row
from custcrm.importing.reading import read_flag
from custcrm.records import Activity, Attribute, Consent, Customer, ExternalId, TagAssignment
from custcrm.records.declaration import is_in_force
from custcrm.rules import customers as rules
from custcrm.rules.contacting import CHANNELS
from custcrm.storage.protocol import Reader
from custcrm.values.errors import Malformed
from custcrm.values.spelling import nearest

Identity: TypeAlias = tuple[str, str]
"""A column and what a row has there: ("email", "anna@example.org")."""


@frozen
class FactColumns:
    """The keys that a file has columns for."""

    attributes: frozenset[str]
    external_ids: frozenset[str]
    tags: frozenset[str]
    consents: frozenset[str]
    labels: frozenset[str] = frozenset()

    @classmethod
    def of(cls, columns: Columns, labels: frozenset[str] = frozenset()) -> FactColumns:
        """Read and check the keys, of which `labels` are tags without a value; Malformed for a channel that there is not."""
        keys: dict[str, set[str]] = {"attributes": set(), "external_ids": set(), "tags": set(), "consents": set()}
        for column in columns:
            name, point, key = column.partition(".")
            if point:
                keys[name].add(tag_key(key) if name == "tags" else key)
        for channel in keys["consents"] - {*CHANNELS}:
            raise Malformed(f"no channel {channel!r} for a consent", field="columns", suggestions=nearest(channel, CHANNELS))
        return cls(**{name: frozenset(found) for name, found in keys.items()}, labels=labels)


@frozen
class Known:
    """What is known at `now` of the customers whom a batch may be about; the maps are by (customer id, key).

    `opt_outs` are the noes that rows of the file have said although they are refused, as (customer id, channel).
    """

    now: datetime
    customers: Mapping[str, Customer]
    attributes: Mapping[tuple[str, str], str]
    external_ids: Mapping[tuple[str, str], str]
    tags: Mapping[tuple[str, str], TagAssignment]
    consents: Mapping[tuple[str, str], Consent]
    labels: frozenset[str]
    opt_outs: Container[tuple[str, str]] = ()

    @classmethod
    def of(
        cls, reader: Reader, customers: Mapping[str, Customer], columns: FactColumns, now: datetime,
        opt_outs: Container[tuple[str, str]] = (),
    ) -> Known:
        """Look up the facts that the file has columns for, of customers who are held; other ones are not needed."""
        ids = list(customers)

        def of(record: type[Any], key: str, keys: frozenset[str], **more: str) -> Iterable[Any]:
            return reader.find(record, {"customer_id": ids, key: keys, **more}) if ids and keys else ()

        tags = of(TagAssignment, "key", columns.tags)
        return cls(
            now=now,
            labels=columns.labels,
            opt_outs=opt_outs,
            customers=customers,
            attributes={(each.customer_id, each.key): each.value for each in of(Attribute, "key", columns.attributes)},
            external_ids={
                (each.customer_id, each.system): each.external_id
                for each in of(ExternalId, "system", columns.external_ids)
            },
            tags={
                (each.customer_id, each.key): each
                for each in tags
                if each.until is None or is_in_force(each, now)
            },
            consents={
                (each.customer_id, each.channel): each
                for each in of(Consent, "channel", columns.consents, purpose=MARKETING)
                if each.until is None
            },
        )


def replaced_by(reader: Reader, import_id: str, customers: Collection[str]) -> Mapping[Identity, str]:
    """Return which emails and card numbers the import has replaced, and whose they were, of some customers."""
    if not customers:
        return {}
    entries = reader.find(Activity, {"customer_id": list(customers), "kind": "account_changed", "source": "import"})
    return {(name, before): held for name, before, held in rules.replaced_by(import_id, entries, PLAIN)}


@frozen
class Further:
    """What a row tells of a customer beside the fields: records to add and to change.

    `kept` is the first column with a yes to what the customer has said no to: the no stays.
    """

    fresh: list[Any] = field(factory=list)
    changed: list[Any] = field(factory=list)
    kept: str | None = None


def further_of(row: Row, id: str, known: Known, business: Business, import_id: str) -> Further:
    """Return what a row tells of a customer beside the fields, compared with what is known."""
    attributes = {key: cell for key, cell in row.of("attributes").items() if known.attributes.get((id, key)) != cell}
    external = {key: cell for key, cell in row.of(EXTERNAL_IDS).items() if (id, key) not in known.external_ids}
    made = rules.attributes(id, attributes, known.now)
    fresh: list[Any] = [each for each in made if (id, each.key) not in known.attributes]
    changed: list[Any] = [each for each in made if (id, each.key) in known.attributes]
    fresh += rules.external_ids(id, external, known.now)
    further = Further(fresh, changed)
    for key, cell in row.of("tags").items():
        if key not in known.labels:
            _tag(further, id, key, tag_value(cell, field=f"tags.{key}").strip(), known, business)
        elif read_flag(f"tags.{key}", cell):
            _tag(further, id, key, None, known, business)
        else:
            _untag(further, id, key, known)
    kept = None
    for channel, cell in row.of("consents").items():
        granted = read_flag(f"consents.{channel}", cell)
        if (id, channel) in known.opt_outs:
            holds = not granted
        else:
            holds = answer(further, id, channel, granted, known, business, import_id)
        if not holds:
            kept = kept or f"consents.{channel}"
    return evolve(further, kept=kept)


def _tag(further: Further, id: str, key: str, value: str | None, known: Known, business: Business) -> None:
    """Set a tag, unless it is so already: what it was before is closed."""
    before, now = known.tags.get((id, key)), known.now
    if before is not None:
        if before.value == value:
            return
        now = max(now, before.since)
        further.changed.append(evolve(before, **closed(now)))
    facts = assigned(key, value, since=now, actor=business.actor, source="import")
    further.fresh.append(TagAssignment(customer_id=id, id=business.ids.new(), **facts))


def _untag(further: Further, id: str, key: str, known: Known) -> None:
    """Take a tag off, if the customer has it."""
    before = known.tags.get((id, key))
    if before is not None:
        further.changed.append(evolve(before, **closed(max(known.now, before.since))))


def answer(
    further: Further, id: str, channel: str, granted: bool, known: Known, business: Business, import_id: str
) -> bool:
    """Keep an answer that is new; tell whether the file's is the one that holds: a no always does, a yes not over a no."""
    before, now = known.consents.get((id, channel)), known.now
    if before is not None:
        if before.granted == granted:
            return True
        if granted:
            return False
        now = max(now, before.occurred_at)
        further.changed.append(evolve(before, until=now))
    evidence = f"import {import_id}"
    further.fresh.append(answered(business, id, channel, granted=granted, evidence=evidence, at=now))
    return True
