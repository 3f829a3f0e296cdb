"""Facts about some customers, each kind of record read once for all of them. The name to know is `Gathered`.

`customer_facts.facts` asks a store about one customer. Where a rule is asked of a thousand, one after the other, that would be
thousands of queries; this makes one for each kind of record:

    gathered = Gathered(reader, ids)
    allowed = [id for id in ids if (facts := gathered.facts(id, question)) and facts.matches(rule)]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar, cast

from attrs import field, frozen

from custcrm.records import Customer
from custcrm.records.declaration import declaration
from custcrm.storage.customer_facts import Facts
from custcrm.storage.protocol import Reader
from custcrm.storage.questions import Question

R = TypeVar("R")

MOST: Final = 1_000
"""Customers to gather at a time: their ids go into one statement."""


@frozen(eq=False)
class Gathered:
    """What a store knows of these customers at the time of first asking; later changes are not seen."""

    reader: Reader = field(repr=False)
    ids: Collection[str]
    _known: dict[type, Mapping[str, list[Any]]] = field(factory=dict, init=False, repr=False)

    def facts(
        self, customer_id: str, question: Question, *, without: Callable[[Any], bool] | None = None
    ) -> Facts | None:
        """Return one customer's facts, None when there is no such customer; records that are `without` are left out."""
        customer = next(iter(self.of(Customer, customer_id)), None)
        # Facts asks a reader for nothing but one customer's records of a class.
        return None if customer is None else Facts(customer, question, cast("Reader", _View(self, without)))

    def of(self, record: type[R], customer_id: str) -> Iterable[R]:
        """Return the customer's records of this class."""
        if record not in self._known:
            owner = declaration(record).owner
            found: defaultdict[str, list[R]] = defaultdict(list)
            for each in self.reader.find(record, {owner: list(self.ids)}):
                found[getattr(each, owner)].append(each)
            self._known[record] = found
        return self._known[record].get(customer_id, ())


@frozen(eq=False)
class _View:
    """One customer's records, without some."""

    _gathered: Gathered
    _without: Callable[[Any], bool] | None

    def find(self, record: type, where: Mapping[str, Any]) -> Iterator[Any]:
        kept: Iterable[Any] = self._gathered.of(record, where["customer_id"])
        return iter(kept) if self._without is None else (each for each in kept if not self._without(each))
