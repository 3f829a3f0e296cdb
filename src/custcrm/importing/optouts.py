"""Opt-outs in rows that are refused: a no holds, whatever is wrong with the rest of its row. Know `OptOuts`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from attrs import evolve, field, frozen

from custcrm.business import Business
from custcrm.importing.columns import Row
from custcrm.importing.known import Further, Identity, Known, answer
from custcrm.importing.reading import is_flag, read_flag
from custcrm.records import Consent, Customer


@frozen
class OptOuts:
    """Gathers them while rows are decided, as (customer id, channel), and says which have been heard.

    Where nobody has what a row names somebody by, its no waits for a later row that adds the person. `before` are those of the
    batches that are committed.
    """

    before: OptOuts | None = None
    said: set[tuple[str, str]] = field(factory=set)
    waiting: dict[Identity, set[str]] = field(factory=dict)

    def __contains__(self, answer: object) -> bool:
        return answer in self.said or (self.before is not None and answer in self.before)

    def hear(self, row: Row, named: Iterable[Identity], ids: Collection[str]) -> bool:
        """Remember to which channels a row says no; tell whether it does, and these customers are who it names."""
        told = row.of("consents").items()
        noes = [channel for channel, cell in told if is_flag(cell) and not read_flag(f"consents.{channel}", cell)]
        self.said.update((each, channel) for each in ids for channel in noes)
        if noes and not ids:
            for identity in named:
                self.waiting.setdefault(identity, set()).update(noes)
        return bool(noes and ids)

    def hand_over(self, named: Iterable[Identity], id: str) -> None:
        """Let what waits for who has one of these be said of this customer, if there is or comes to be one."""
        for identity in named:
            self.said.update((id, channel) for channel in self._waits_for(identity))

    def keep(self, fresh: list[Any], changed: list[Any], known: Known, business: Business, import_id: str) -> None:
        """Add the answers that are new to what the rows write; a yes that another row has just given is a no instead."""
        there = known.customers.keys() | {each.id for each in fresh if isinstance(each, Customer)}
        given = {(each.customer_id, each.channel): at for at, each in enumerate(fresh) if isinstance(each, Consent)}
        for customer_id, channel in sorted(each for each in self.said if each[0] in there):
            if (at := given.get((customer_id, channel))) is not None:
                fresh[at] = evolve(fresh[at], granted=False)
            else:
                answer(Further(fresh, changed), customer_id, channel, False, known, business, import_id)

    def remember(self) -> None:
        """Let those of the batches before know of these: they are committed."""
        if self.before is not None:
            self.before.said.update(self.said)
            for identity, channels in self.waiting.items():
                self.before.waiting.setdefault(identity, set()).update(channels)

    def _waits_for(self, identity: Identity) -> Collection[str]:
        earlier = () if self.before is None else self.before.waiting.get(identity, ())
        return {*self.waiting.get(identity, ()), *earlier}
