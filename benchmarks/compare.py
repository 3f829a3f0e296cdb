"""Timing two or more ways of doing the same, in turn, and telling the ratio of the best times."""

from __future__ import annotations

import gc
from collections.abc import Callable
from time import perf_counter
from typing import Any

from attrs import frozen


@frozen
class Line:
    """One comparison: `ratio` is ours ÷ theirs in time; `target` says what is wanted of it."""

    what: str
    ours: float
    theirs: float
    against: str
    target: str = ""

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs

    def __str__(self) -> str:
        return (f"  {self.what:<46} {self.ours * 1e3:>10.2f} ms {self.theirs * 1e3:>10.2f} ms  × {self.ratio:<7.3f}"
                f" {self.against:<34} {self.target}")


def best(*ways: Callable[[], Any], rounds: int = 5, before: Callable[[], Any] | None = None) -> list[float]:
    """Return the best time of each way; they take turns, so that a busy machine is busy for all."""
    times = [float("inf")] * len(ways)
    for _ in range(rounds):
        for at, way in enumerate(ways):
            if before is not None:
                before()
            gc.collect()
            gc.disable()
            start = perf_counter()
            way()
            times[at] = min(times[at], perf_counter() - start)
            gc.enable()
    return times


def heading(text: str) -> None:
    print(f"\n{text}")
    print(f"  {'':<46} {'ours':>13} {'theirs':>13}  ratio     against                            target")
