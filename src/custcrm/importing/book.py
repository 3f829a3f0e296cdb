"""What is kept of an import while it goes on: how far it is, and under a key that it is done once. Know `Book`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import evolve, frozen

from custcrm.actions.keys import Request
from custcrm.business import Business
from custcrm.importing.report import RowVerdict, add_up
from custcrm.records import Applied, Import
from custcrm.storage.protocol import Writer
from custcrm.values.errors import NotFound

IMPORT: Final = "import"
"""The name under which a key remembers that a file was taken in."""


@frozen(kw_only=True)
class Book:
    """The records of one import: an Import, and an Applied where it has a key, of the same id. `rows` are those of the file."""

    business: Business
    kind: str
    request: Request
    rows: int

    def begin(self, writer: Writer) -> tuple[Import, bool]:
        """Return the record of the import, and whether it was begun before under its key; KeyConflict for another content."""
        business, request = self.business, self.request
        begun = request.claim(writer)
        if begun is not None:
            return self._held(writer, begun.id), True
        now = business.now()
        made = Import(id=business.ids.new(), kind=self.kind, actor=business.actor, occurred_at=now)
        if request.key is not None:
            made = evolve(made, key=request.key, content=request.content)
            writer.add([Applied(
                key=request.key, id=made.id, action=request.action, content=request.content, arguments=request.arguments,
                actor=business.actor, as_of=now, eligible=self.rows, done=0,
            )])
        writer.add([made])
        return made, False

    def look_again(self, writer: Writer, id: str) -> Import:
        """Return the record as it is now; whoever works under the same key waits until the transaction ends."""
        self.request.claim(writer)
        return self._held(writer, id)

    def note(self, writer: Writer, kept: Import, verdicts: Sequence[RowVerdict], line: int) -> Import:
        """Keep that all rows up to a line are taken in, the last of them with these verdicts."""
        after = evolve(kept, counts=add_up(verdicts, kept.counts), done=line)
        writer.replace(after)
        if self.request.key is not None and (applied := writer.get(Applied, self.request.key)) is not None:
            writer.replace(evolve(applied, done=taken_in(after)))
        return after

    def _held(self, writer: Writer, id: str) -> Import:
        kept = writer.hold(Import, id)
        if kept is None:
            raise NotFound("the record of this import was removed")
        return kept


def taken_in(kept: Import) -> int:
    """Return how many rows have their verdict."""
    return sum(kept.counts.values())
