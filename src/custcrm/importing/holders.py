"""Who has these emails, card numbers and ids: one look-up of each for a whole batch. The name to know is `Holders`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import field, frozen

from custcrm.importing.columns import Row
from custcrm.records import ContactPoint, Customer, ExternalId
from custcrm.storage.protocol import Reader

EXTERNAL_IDS: Final = "external_ids"

_PLAIN: Final = ("email", "card_number", "customer_id")


@frozen
class Holders:
    """Customer ids by column and what identifies them there, as the store has it; None where nobody does.

    What was looked up is remembered. An email may be a further one of the customer's.
    """

    _found: dict[tuple[str, str], str | None] = field(factory=dict)

    def holder(self, column: str, identity: str) -> str | None:
        """Return who has this in the column: `email`, `card_number`, `customer_id` or `external_ids.<system>`."""
        return self._found.get((column, identity))

    @property
    def everybody(self) -> set[str]:
        """The ids of all that were found."""
        return {each for each in self._found.values() if each is not None}

    def look_up(self, reader: Reader, rows: Sequence[Row]) -> None:
        """Look up everybody whom some rows may be about, and who is not remembered."""
        for column, wanted in self._wanted(rows).items():
            self._found.update(dict.fromkeys((column, identity) for identity in wanted))
            for identity, held in _holders(reader, column, wanted):
                self._found[column, identity] = held

    def _wanted(self, rows: Sequence[Row]) -> Mapping[str, Collection[str]]:
        wanted: dict[str, set[str]] = {}
        for row in rows:
            for told in identities(row):
                if told not in self._found:
                    wanted.setdefault(told[0], set()).add(told[1])
        return wanted


def identities(row: Row) -> list[tuple[str, str]]:
    """Return what a row names a customer by: column and value."""
    told = [(column, row.cells[column]) for column in _PLAIN if column in row.cells]
    if row.maps:
        told += [(f"{EXTERNAL_IDS}.{system}", identity) for system, identity in row.of(EXTERNAL_IDS).items()]
    return told


def _holders(reader: Reader, column: str, wanted: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield those of the wanted that somebody has, and who."""
    if column.startswith(f"{EXTERNAL_IDS}."):
        where: dict[str, Any] = {"system": column.removeprefix(f"{EXTERNAL_IDS}."), "external_id": wanted}
        yield from ((each.external_id, each.customer_id) for each in reader.find(ExternalId, where))
        return
    if column == "email":
        further = reader.find(ContactPoint, {"kind": "email", "value": wanted})
        yield from ((each.value, each.customer_id) for each in further)
    name = "id" if column == "customer_id" else column
    yield from ((getattr(each, name), each.id) for each in reader.find(Customer, {name: wanted}))
