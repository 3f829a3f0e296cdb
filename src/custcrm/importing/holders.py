"""Who has these emails, card numbers and ids: one look-up of each for a whole batch, and who they are, held.

The name to know is `find_holders`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import field, frozen

from custcrm.actions.customers.identities import EXTERNAL_IDS, PLAIN
from custcrm.importing.columns import Row
from custcrm.records import ContactPoint, Customer, ExternalId
from custcrm.storage.protocol import Reader, Writer

_NAMED: Final = (*PLAIN, "customer_id")


@frozen
class Holders:
    """Customer ids by column and what identifies them there, as the store has it; None where nobody does.

    `further` are emails that are not a customer's first one.
    """

    _found: dict[tuple[str, str], str | None] = field(factory=dict)
    _further: set[tuple[str, str]] = field(factory=set)

    def holder(self, column: str, identity: str) -> str | None:
        """Return who has this in the column: `email`, `card_number`, `customer_id` or `external_ids.<system>`."""
        return self._found.get((column, identity))

    @property
    def everybody(self) -> set[str]:
        """The ids of all that were found."""
        return {each for each in self._found.values() if each is not None}

    def look_up(self, reader: Reader, rows: Sequence[Row]) -> None:
        """Look up everybody whom some rows may be about."""
        wanted: dict[str, set[str]] = {}
        for column, identity in identities(rows):
            wanted.setdefault(column, set()).add(identity)
        for column, told in wanted.items():
            self._found.update(dict.fromkeys((column, identity) for identity in told))
            if column == "email":
                for point in reader.find(ContactPoint, {"kind": "email", "value": told}):
                    self._found[column, point.value] = point.customer_id
                    self._further.add((column, point.value))
            for identity, held in _holders(reader, column, told):
                self._found[column, identity] = held

    def agree_with(self, customers: Mapping[str, Customer]) -> bool:
        """Tell whether all that were found are there, with the email or the card number by which they were."""
        for (column, identity), held in self._found.items():
            if held is None:
                continue
            customer = customers.get(held)
            is_own = column in PLAIN and (column, identity) not in self._further
            if customer is None or (is_own and getattr(customer, column) != identity):
                return False
        return True


def find_holders(reader: Reader, rows: Sequence[Row], writer: Writer | None) -> tuple[Holders, Mapping[str, Customer]]:
    """Return who has what some rows name, and these customers by id: held, in id order, where there is a writer.

    Who was found may have changed before they could be held; then they are looked up again.
    """
    while True:
        holders = Holders()
        holders.look_up(reader, rows)
        customers = {each.id: each for each in _customers(reader, holders.everybody, writer)}
        if holders.agree_with(customers):
            return holders, customers


def identities(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Yield what rows name customers by: column and value."""
    for row in rows:
        yield from ((column, row.cells[column]) for column in _NAMED if column in row.cells)
        if row.maps:
            yield from ((f"{EXTERNAL_IDS}.{system}", each) for system, each in row.of(EXTERNAL_IDS).items())


def _customers(reader: Reader, ids: Collection[str], writer: Writer | None) -> Iterator[Customer]:
    if not ids:
        return iter(())
    return iter(writer.hold_all(Customer, ids)) if writer is not None else reader.find(Customer, {"id": ids})


def _holders(reader: Reader, column: str, wanted: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield those of the wanted that somebody has, and who."""
    if column.startswith(f"{EXTERNAL_IDS}."):
        where: dict[str, Any] = {"system": column.removeprefix(f"{EXTERNAL_IDS}."), "external_id": wanted}
        yield from ((each.external_id, each.customer_id) for each in reader.find(ExternalId, where))
        return
    name = "id" if column == "customer_id" else column
    yield from ((getattr(each, name), each.id) for each in reader.find(Customer, {name: wanted}))
