"""Who has these emails, card numbers and ids: one look-up of each for a whole batch, and who they are, held.

The name to know is `find_holders`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import starmap
from typing import Any, Final, NamedTuple, TypeVar

from attrs import field, frozen

from custcrm.actions.customers.identities import EXTERNAL_IDS, PLAIN
from custcrm.importing.columns import Row
from custcrm.records import ContactPoint, Customer, ExternalId
from custcrm.storage.protocol import Reader, Writer

_NAMED: Final = (*PLAIN, "customer_id")


class Brief(NamedTuple):
    """A customer of whom no more is asked: the row of one has forty columns."""

    id: str
    email: str | None
    card_number: str | None


Found = TypeVar("Found", Customer, Brief)


@frozen
class Holders:
    """Customer ids by column and what identifies them there, as the store has it; None where nobody does.

    What was looked up is remembered, and holds as far as those who were found agree when they are held. `former` is who had
    an email or a card number that nobody has now. `further` are emails that are not a customer's first one.
    """

    former: Mapping[tuple[str, str], str] = field(factory=dict)
    _gone: set[tuple[str, str]] = field(factory=set)
    _found: dict[tuple[str, str], str | None] = field(factory=dict)
    _further: set[tuple[str, str]] = field(factory=set)

    def holder(self, column: str, identity: str) -> str | None:
        """Return who has this in the column: `email`, `card_number`, `customer_id` or `external_ids.<system>`."""
        return self._found.get((column, identity))

    def look_up(self, reader: Reader, named: Collection[tuple[str, str]]) -> None:
        """Look up who has these; who was found before is not looked up again."""
        wanted: dict[str, set[str]] = {}
        for told in named:
            if self._found.get(told) is None:
                wanted.setdefault(told[0], set()).add(told[1])
        for column, values in wanted.items():
            self._found.update((told, self._former(told)) for told in ((column, identity) for identity in values))
            if column == "email":
                further = reader.values(ContactPoint, ("value", "customer_id"), {"kind": "email", "value": values})
                for identity, held in further:
                    self._found[column, identity] = held
                    self._further.add((column, identity))
            for identity, held in _holders(reader, column, values):
                self._found[column, identity] = held

    def of(self, named: Collection[tuple[str, str]]) -> set[str]:
        """Return the ids of all who have some of these."""
        return {held for told in named if (held := self._found[told]) is not None}

    def agree_with(self, customers: Mapping[str, Customer] | Mapping[str, Brief], named: Collection[tuple[str, str]]) -> bool:
        """Tell whether all who have some of these are there, with the email or the card number by which they were found."""
        for told in named:
            held, column = self._found[told], told[0]
            if held is None:
                continue
            customer = customers.get(held)
            if customer is None:
                self._gone.add(told)
                return False
            is_own = column in PLAIN and told not in self._further and self._former(told) != held
            if is_own and getattr(customer, column) != told[1]:
                return False
        return True

    def _former(self, told: tuple[str, str]) -> str | None:
        """Return who had this, unless the customer was found to be removed since."""
        return None if told in self._gone else self.former.get(told)

    def forget(self) -> None:
        """Let everybody be looked up again."""
        self._found.clear()
        self._further.clear()


def find_holders(
    holders: Holders,
    named: Collection[tuple[str, str]],
    reader: Reader,
    writer: Writer | None,
    read: Callable[[Reader, Collection[str]], Iterable[Found]],
) -> Mapping[str, Found]:
    """Look up who has what some rows name, and return these customers by id as they are read: held, where there is a writer.

    Who was found may have changed before they could be held; then they are looked up again.
    """
    while True:
        holders.look_up(reader, named)
        ids = holders.of(named)
        if writer is not None:
            writer.hold_all(Customer, ids)
        customers = {each.id: each for each in read(reader, ids)} if ids else {}
        if holders.agree_with(customers, named):
            return customers
        holders.forget()


def read_whole(reader: Reader, ids: Collection[str]) -> Iterable[Customer]:
    """Return customers of these ids with all that their records have."""
    return reader.find(Customer, {"id": ids})


def read_briefly(reader: Reader, ids: Collection[str]) -> Iterable[Brief]:
    """Return customers of these ids, each with what one is told by."""
    return starmap(Brief, reader.values(Customer, Brief._fields, {"id": ids}))


def identities(row: Row) -> list[tuple[str, str]]:
    """Return what a row names a customer by: column and value."""
    told = [(column, row.cells[column]) for column in _NAMED if column in row.cells]
    if row.maps:
        told += [(f"{EXTERNAL_IDS}.{system}", each) for system, each in row.of(EXTERNAL_IDS).items()]
    return told


def _holders(reader: Reader, column: str, wanted: Collection[str]) -> Iterable[tuple[Any, ...]]:
    """Return those of the wanted that somebody has, and who."""
    if column.startswith(f"{EXTERNAL_IDS}."):
        where: dict[str, Any] = {"system": column.removeprefix(f"{EXTERNAL_IDS}."), "external_id": wanted}
        return reader.values(ExternalId, ("external_id", "customer_id"), where)
    name = "id" if column == "customer_id" else column
    return reader.values(Customer, (name, "id"), {name: wanted})
