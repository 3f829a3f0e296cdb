"""Thousands of calls of every verb with nonsense, drawn by a seed: an error of ours, nothing half done, nothing personal told.

The table of nonsense that every verb gets in its turn is in `tests/crm/test_nonsense.py`; this is beyond a table.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

import custcrm
from custcrm.testing.races.runners import assert_verified
from tests.crm.nonsense import PERSONAL, SECRET, drawn, inside
from tests.crm.test_nonsense import World, _raised, _records, world_of

SHORT, LONG = 12, 2_000
DEAR = 10
"""How many times fewer calls a database gets than memory."""


def _strangers(folder: Path) -> Sequence[Any]:
    """Return what belongs to another store: records, a filter, selections."""
    world = world_of(None, folder)
    names = ("customer", "sale", "coupon", "entry", "message", "what")
    crm = world.crm
    return [*(world.sensible[name] for name in names), crm.select(), crm.select().filter, crm.select().waterfall(), crm]


def _changed(draw: Random, arguments: dict[str, Any], strangers: Sequence[Any]) -> dict[str, Any]:
    """Return nonsense for one argument, or for some."""
    some = draw.sample(sorted(arguments), min(len(arguments), draw.choice([1, 1, 1, 2, 3])))
    told = {name: draw.choice([inside, _whole])(draw, arguments[name], drawn(draw, strangers)) for name in some}
    return {**told, "key": draw.choice(["k", None, drawn(draw, ())])} if "key" in arguments and draw.random() < 0.1 else told


def _whole(_: Random, __: Any, nonsense: Any) -> Any:
    return nonsense


def _tells(error: BaseException, changed: dict[str, Any]) -> bool:
    """Tell whether an error tells what is personal."""
    return changed.keys() <= PERSONAL and SECRET in f"{error} {error!r}"


def mistakes(world: World, strangers: Sequence[Any], seed: int, calls: int) -> list[str]:
    """Return the calls that raised what is not ours, or told what is personal."""
    before, found = _records(world.crm), list[str]()
    for part, verb, arguments in world.verbs():
        for number in range(calls if arguments else 0):
            changed = _changed(Random(f"{seed} {part} {verb} {number}"), arguments, strangers)
            try:
                raised = _raised(world.crm, partial(world.call, part, verb, **changed), before)
            except BaseException as error:
                error.add_note(f"call {number} of {part}.{verb} under seed {seed}: {_short(changed)}")
                raise
            if raised is not None and (not isinstance(raised, custcrm.CrmError) or _tells(raised, changed)):
                found.append(f"{part}.{verb} {number}: {_short(changed)}: {type(raised).__name__}: {raised!s:.200}")
    return found


def _short(changed: dict[str, Any]) -> str:
    told = []
    for name, value in changed.items():
        try:
            told.append(f"{name}={value!r:.60}")
        except (ValueError, RecursionError):  # longer than Python shows
            told.append(f"{name}=<{type(value).__name__}>")
    return ", ".join(told)


@pytest.mark.parametrize("place", ["memory", "sqlite", "postgresql"])
def test_any_call_ends_in_an_answer_or_an_error_of_ours(
    place: str, request: pytest.FixtureRequest, seed: int, tmp_path: Path, long: bool
) -> None:
    """Whatever is given, for one argument or for several: nothing is left of a call that failed, and the store verifies."""
    print(f"make nonsense SEEDS={seed}")
    (tmp_path / "elsewhere").mkdir()
    strangers = _strangers(tmp_path / "elsewhere")
    world = world_of(None if place == "memory" else str(request.getfixturevalue(f"{place}_store")), tmp_path)
    with world.crm as crm:
        assert mistakes(world, strangers, seed, (LONG if long else SHORT) // (1 if place == "memory" else DEAR)) == []
        assert_verified(crm)
