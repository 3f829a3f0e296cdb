"""Where the chaos takes place: deeds by number, so that number and seed tell what is done, to whom, and under which key.

Every process can repeat every deed. Know `Stage` and `Deed`; what a deed came to is told by `told`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any, Final

from attrs import field, frozen

import custcrm
from custcrm.records.declaration import declaration
from tests.batches import in_batches

SLOTS: Final = 8
BATCH: Final = 3
REACH: Final = 90
"""How far back a deed looks for one that it takes up: what a refund refunds, or whose coupon is redeemed."""


class NothingYet(Exception):
    """What the deed would take up was not done."""


@frozen
class Stage:
    """What deeds there are, and whom they are about: `people` are everybody's, and each slot has one of its `own`.

    `often` names each kind as often as it is done in a turn.
    """

    seed: int
    folder: Path
    deeds: Mapping[str, Callable[["Deed"], Any]] = field(repr=False)
    often: Sequence[str] = field(repr=False)
    people: Sequence[str]
    own: Sequence[str]


@frozen(slots=False)
class Deed:
    """One deed of the stage, to be done with this face of the store."""

    stage: Stage
    crm: custcrm.Crm
    number: int

    @property
    def key(self) -> str:
        return f"deed {self.number}"

    @property
    def owner(self) -> int:
        """Return the slot that alone does it; `SLOTS` where all of them do."""
        return self.number % (SLOTS + 1)

    @cached_property
    def kind(self) -> str:
        often = self.stage.often
        turn, place = divmod(self.number, len(often))
        kind = Random(f"{self.stage.seed} {turn} kinds").sample(often, len(often))[place]
        return "credit" if kind == "own" and self.owner == SLOTS else kind

    @cached_property
    def draw(self) -> Random:
        return Random(f"{self.stage.seed} {self.number}")

    def do(self) -> Any:
        """Do it under its key, and return the answer."""
        return self.stage.deeds[self.kind](self.fresh())

    def fresh(self) -> "Deed":
        """Return the deed with all of its chance before it, so that it draws the same each time."""
        return Deed(self.stage, self.crm, self.number)

    @property
    def person(self) -> str:
        return self.draw.choice(self.stage.people)

    @property
    def some(self) -> custcrm.Selection:
        return self.crm.select() & sorted(self.draw.sample(self.stage.people, 7))

    def earlier(self, *kinds: str) -> "Deed":
        """Return a deed of these kinds from before this one, the same each time."""
        before = (Deed(self.stage, self.crm, each) for each in range(max(0, self.number - REACH), self.number))
        near = [each for each in before if each.kind in kinds]
        if not near:
            raise NothingYet
        return self.draw.choice(near)

    def made(self, *kinds: str) -> Any:
        """Return what such a deed made, by repeating it."""
        return self.earlier(*kinds).do()

    @property
    def newcomer(self) -> str:
        """The id of a customer that an earlier deed added, who may be deleted since."""
        done = self.crm.applied(self.earlier("add").key)
        if done is None:
            raise NothingYet
        return str(done.made["customers"][0][0])

    def file(self, text: str) -> Path:
        path = self.stage.folder / f"{self.number}.csv"
        if not path.exists():
            part = path.with_suffix(f".{Random().random()}")
            part.write_text(text, encoding="utf-8")
            part.replace(path)
        return path


def opened(address: str, channels: Mapping[str, Any]) -> custcrm.Crm:
    """Return a face whose bulk actions and imports take several transactions."""
    return in_batches(custcrm.open(address, channels=channels), BATCH)


def told(answer: Any) -> Any:
    """Return what an answer says of what was done, as JSON: of a record its key, as it may change; of a result its counts."""
    match answer:
        case custcrm.Result():
            return [answer.applied, {reason.value: count for reason, count in sorted(answer.skipped.items())}]
        case custcrm.ImportReport():
            return dict(sorted(answer.counts.items()))
        case custcrm.PointsSpend():
            return [answer.kind, answer.delta, answer.id]
        case custcrm.InboxItem():
            return told(answer.message)
        case custcrm.Segment():
            return ["segments", answer.name]
        case list() | tuple():
            return [told(each) for each in answer]
        case None | str() | int():
            return answer
    declared = declaration(type(answer))
    return [declared.table, *(getattr(answer, name) for name in declared.key)]
