"""Reading to any depth without Python's stack: `run`."""

from collections.abc import Generator
from typing import Any, TypeVar, cast

Result = TypeVar("Result")


def run(reading: Generator[Any, Any, Result]) -> Result:
    """Return what a generator returns: what it yields is a generator too, run before, and it is sent the result.

    Who waits for whom stands in a list, so that nesting costs no frames, and a caller may have few left.
    """
    waiting: list[Generator[Any, Any, Any]] = []
    current: Generator[Any, Any, Any] = reading
    result: Any = None
    while True:
        try:
            inside = current.send(result)
        except StopIteration as stop:
            result = stop.value
            if not waiting:
                return cast("Result", result)
            current = waiting.pop()
        else:
            waiting.append(current)
            current, result = inside, None
