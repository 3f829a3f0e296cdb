"""What each condition of a selection costs in people."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import field, frozen


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
