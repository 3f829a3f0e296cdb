"""A customer with all facts about them, one customer after the other: every table is read once, side by side, in key order.

So that a store of any size is looked at with the memory of some customers. The name to know is `dossiers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, TypeVar

from attrs import define, field, frozen

from custcrm.records import RECORDS, Customer, Target
from custcrm.records.declaration import declaration
from custcrm.storage.protocol import Reader

R = TypeVar("R")

FACTS: Final = tuple(record for record in RECORDS if declaration(record).of_customer)
"""Records that lie with their customer; targets lie with their apply."""


@frozen
class Dossier:
    """One customer: the record, which is missing where facts name somebody who is not there, and the facts by their class."""

    id: str
    _facts: dict[type, list[Any]] = field(repr=False)

    @property
    def customer(self) -> Customer | None:
        """The customer's record."""
        return next(iter(self.of(Customer)), None)

    def of(self, record: type[R]) -> list[R]:
        """Return the facts of a class, in the order of their keys."""
        return self._facts.get(record, [])

    def __iter__(self) -> Iterator[Any]:
        for found in self._facts.values():
            yield from found


def dossiers(reader: Reader) -> Iterator[Dossier]:
    """Yield the customers in order of their ids, and those whom facts name."""
    streams = [_Stream(record, _owned(reader, record)) for record in (Customer, *FACTS, Target)]
    streams = [stream for stream in streams if stream.advance()]
    while streams:
        owner = min(stream.owner for stream in streams)
        facts: dict[type, list[Any]] = {}
        ended = False
        for stream in streams:
            if stream.owner == owner:
                facts[stream.record] = stream.records
                ended = not stream.advance() or ended
        if ended:
            streams = [stream for stream in streams if stream.records]
        yield Dossier(owner, facts)


def grouped(records: Iterable[Any], by: str) -> Mapping[Any, list[Any]]:
    """Return records grouped by an attribute, as they come."""
    groups: dict[Any, list[Any]] = {}
    read = attrgetter(by)
    for each in records:
        groups.setdefault(read(each), []).append(each)
    return groups


def _owned(reader: Reader, record: type) -> Iterator[tuple[str, Iterator[Any]]]:
    if record is Target:
        return groupby(reader.find(Target, order=("customer_id", "applied_id")), key=attrgetter("customer_id"))
    found: Iterator[Any] = reader.find(record)
    return groupby(found, key=attrgetter(declaration(record).owner))


@define
class _Stream:
    """The facts of one class, customer by customer: `records` are those of the next one, none at the end."""

    record: type
    _groups: Iterator[tuple[str, Iterator[Any]]]
    owner: str = ""
    records: list[Any] = field(factory=list)

    def advance(self) -> bool:
        for owner, found in self._groups:
            self.owner, self.records = owner, list(found)
            return True
        self.records = []
        return False
