"""Opt-outs in rows that are refused: a no holds, whatever is wrong with the rest of its row. Know `OptOuts`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from attrs import evolve, field, frozen

from custcrm.business import Business
from custcrm.importing.columns import Row
from custcrm.importing.known import Further, Known, answer
from custcrm.importing.reading import is_flag, read_flag
from custcrm.records import Consent


@frozen
class OptOuts:
    """Gathers them while the rows of a batch are decided, and keeps them at its end: (customer id, channel) each."""

    _said: set[tuple[str, str]] = field(factory=set)

    def hear(self, row: Row, ids: Collection[str]) -> bool:
        """Remember to which channels a row of these customers says no; tell whether it does."""
        told = row.of("consents").items() if ids else ()
        noes = [channel for channel, cell in told if is_flag(cell) and not read_flag(f"consents.{channel}", cell)]
        self._said.update((each, channel) for each in ids for channel in noes)
        return bool(noes)

    def keep(self, fresh: list[Any], changed: list[Any], known: Known, business: Business, import_id: str) -> None:
        """Add the answers that are new to what the rows write; a yes that another row has just given is a no instead."""
        given = {(each.customer_id, each.channel): at for at, each in enumerate(fresh) if isinstance(each, Consent)}
        for customer_id, channel in sorted(self._said):
            if (at := given.get((customer_id, channel))) is not None:
                fresh[at] = evolve(fresh[at], granted=False)
            else:
                answer(Further(fresh, changed), customer_id, channel, False, known, business, import_id)
