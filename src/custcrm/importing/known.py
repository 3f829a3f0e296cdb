"""What else a row tells of a customer: attributes, external ids, tags and consents, compared with what is known.

The names to know are `FactColumns`, `Facts` and `further`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from attrs import evolve, frozen

from custcrm.actions.customers.tags import VALUE_LIMIT, tag_key
from custcrm.importing.columns import Columns, Row
from custcrm.importing.holders import EXTERNAL_IDS, Holders
from custcrm.importing.reading import flag
from custcrm.records import Attribute, Consent, Customer, ExternalId, TagAssignment
from custcrm.records.declaration import is_in_force
from custcrm.rules import customers as rules
from custcrm.rules.contacting import CHANNELS
from custcrm.storage.protocol import Reader
from custcrm.values.errors import Malformed
from custcrm.values.ids import IdSource
from custcrm.values.spelling import nearest
from custcrm.values.texts import checked

MARKETING: Final = "marketing"
"""The purpose of an imported consent: service messages need none."""


@frozen
class FactColumns:
    """The keys that a file has columns for."""

    attributes: frozenset[str]
    external_ids: frozenset[str]
    tags: frozenset[str]
    consents: frozenset[str]

    @classmethod
    def of(cls, columns: Columns) -> FactColumns:
        """Read and check the keys; Malformed for a channel that there is not."""
        keys: dict[str, set[str]] = {"attributes": set(), "external_ids": set(), "tags": set(), "consents": set()}
        for column in columns:
            name, point, key = column.partition(".")
            if point:
                keys[name].add(tag_key(key) if name == "tags" else key)
        for channel in keys["consents"] - {*CHANNELS}:
            raise Malformed(f"no channel {channel!r} for a consent", field="columns", suggestions=nearest(channel, CHANNELS))
        return cls(**{name: frozenset(found) for name, found in keys.items()})


@frozen
class Facts:
    """What is known at `now` of the customers whom a batch may be about; the maps are by (customer id, key)."""

    now: datetime
    customers: Mapping[str, Customer]
    attributes: Mapping[tuple[str, str], str]
    external_ids: Mapping[tuple[str, str], str]
    tags: Mapping[tuple[str, str], TagAssignment]
    consents: Mapping[tuple[str, str], bool]

    @classmethod
    def of(cls, reader: Reader, holders: Holders, columns: FactColumns, now: datetime) -> Facts:
        """Look up the facts that the file has columns for; other ones are not needed."""
        ids = holders.everybody
        customers = reader.find(Customer, {"id": ids}) if ids else ()

        def of(record: type[Any], key: str, keys: frozenset[str], **more: str) -> Iterable[Any]:
            return reader.find(record, {"customer_id": ids, key: keys, **more}) if ids and keys else ()

        tags = of(TagAssignment, "key", columns.tags)
        return cls(
            now=now,
            customers={each.id: each for each in customers},
            attributes={(each.customer_id, each.key): each.value for each in of(Attribute, "key", columns.attributes)},
            external_ids={
                (each.customer_id, each.system): each.external_id
                for each in of(ExternalId, "system", columns.external_ids)
            },
            tags={
                (each.customer_id, each.key): each
                for each in tags
                if is_in_force(each, now)
            },
            consents={
                (each.customer_id, each.channel): each.granted
                for each in of(Consent, "channel", columns.consents, purpose=MARKETING)
                if each.until is None
            },
        )


def further(
    row: Row, id: str, known: Facts, *, ids: IdSource, actor: str, evidence: str
) -> tuple[list[Any], list[Any], str | None]:
    """Return records to add and to change for a row's further facts, and the consent column that was not taken, if any."""
    attributes = {key: cell for key, cell in row.of("attributes").items() if known.attributes.get((id, key)) != cell}
    external = {key: cell for key, cell in row.of(EXTERNAL_IDS).items() if (id, key) not in known.external_ids}
    made = rules.attributes(id, attributes, known.now)
    fresh: list[Any] = [each for each in made if (id, each.key) not in known.attributes]
    changed: list[Any] = [each for each in made if (id, each.key) in known.attributes]
    fresh += rules.external_ids(id, external, known.now)
    for key, cell in row.of("tags").items():
        before = known.tags.get((id, key))
        value = checked(cell, field=f"tags.{key}", limit=VALUE_LIMIT).strip()
        if before is None or before.value != value:
            changed += [] if before is None else [evolve(before, until=known.now)]
            fresh.append(TagAssignment(
                customer_id=id, id=ids.new(), key=key, value=value, since=known.now, actor=actor, source="import"))
    consents, kept = _consents(row, id, known, ids=ids, actor=actor, evidence=evidence)
    return [*fresh, *consents], changed, kept


def _consents(
    row: Row, id: str, known: Facts, *, ids: IdSource, actor: str, evidence: str
) -> tuple[list[Consent], str | None]:
    """Return consents of which nothing was known, and the first column that says otherwise than is known (FEATURES V25)."""
    fresh, kept = [], None
    for channel, cell in row.of("consents").items():
        granted = flag(f"consents.{channel}", cell)
        before = known.consents.get((id, channel))
        if before is None:
            fresh.append(Consent(
                customer_id=id, id=ids.new(), channel=channel, purpose=MARKETING, granted=granted, evidence=evidence,
                actor=actor, occurred_at=known.now))
        elif before != granted:
            kept = kept or f"consents.{channel}"
    return fresh, kept
