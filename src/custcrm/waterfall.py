"""What each condition of a selection costs in people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from attrs import evolve, field, frozen

from custcrm.business import Business
from custcrm.filters import Filter
from custcrm.filters.syntax import nodes as s
from custcrm.filters.tools.show import brief


@frozen
class Step:
    """One condition joined by AND: how many customers remain with it, and how many it removed."""

    condition: str = field(repr=False)
    remaining: int
    removed: int


@frozen
class Waterfall:
    """The steps from everybody to the selection."""

    start: int
    steps: tuple[Step, ...]

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __str__(self) -> str:
        lines = [f"{self.start:>10,}  everybody"]
        lines += [f"{step.remaining:>10,}  {step.condition}  (-{step.removed:,})" for step in self.steps]
        return "\n".join(lines)


def waterfall(business: Business, asked: Filter, as_of: datetime | None) -> Waterfall:
    """Count how many customers remain after each condition that AND joins, in the author's order."""
    parts = asked.node.args if isinstance(asked.node, s.And) else (asked.node,)
    steps: list[Step] = []
    with business.reading() as reader:

        def count(node: s.Condition) -> int:
            return reader.count(business.question(evolve(asked, node=node), as_of))

        start = left = count(s.TRUE)
        for size, part in enumerate(parts, 1):
            remaining = count(s.conjunction(parts[:size]))
            steps.append(Step(brief(part, asked.schema.noun), remaining, left - remaining))
            left = remaining
    return Waterfall(start, tuple(steps))
