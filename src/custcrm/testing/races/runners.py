"""How a race is run: runners of threads or processes that meet before each turn. Know `Race`, `Turn`, `Finish`.

The races that every store must survive are in `testing.races`.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.context import BaseContext
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from attrs import frozen

import custcrm
from custcrm.crm import Crm
from custcrm.storage.protocol import Store
from custcrm.testing.channel import RecordingChannel
from custcrm.values.errors import Conflict, Refusal

RUNNERS: Final = 8
"""Runners of a race: more than most machines serve at once, so that some are interrupted in the midst."""

TURNS: Final = 3
"""Turns of a runner: in the first one, connections and statements are still being made, which spreads the runners out."""

ALL: Final = RUNNERS * TURNS
"""Turns of a race, all runners together."""

PLENTY: Final = 10
"""What there is of something: enough for some of the turns and not for all."""

PRICE: Final = 3
"""What a turn takes of something that there is so much of, that some have to go without."""

FULL: Final = 40
"""What is there to be taken, `PRICE` at a time: it ends in the midst of the second turn of all runners, with a rest."""

FIT: Final = FULL // PRICE
"""How many turns there is enough for."""

PATIENCE: Final = timedelta(seconds=120)
"""How long a runner waits for the others: a process may be long in starting on a busy machine."""

R = TypeVar("R")
ByRace: TypeAlias = Mapping[str, Sequence[str]]


@frozen
class Turn:
    """One go of one runner: who of `RUNNERS`, the how-manieth go, and the ids of the customers that the race is about."""

    runner: int
    number: int
    customers: Sequence[str]

    @property
    def own(self) -> str:
        """The customer that is this turn's alone, where a race has one for each turn."""
        return self.customers[self.runner + RUNNERS * self.number]


@frozen
class Finish:
    """What there is when all are through: the store's face, the customers of the race, and what came of all turns."""

    crm: Crm
    customers: Sequence[str]
    outcomes: Sequence[str]

    @property
    def counts(self) -> Mapping[str, int]:
        """How many turns came to what."""
        return Counter(self.outcomes)

    def kept(self, record: type[R], **where: Any) -> list[R]:
        """Return the records in the store whose columns equal `where`."""
        with self.crm._business.store.read() as reader:  # noqa: SLF001 (the law is about what stands in the store)
            return list(reader.find(record, where))


@frozen(kw_only=True)
class Race:
    """What all runners do at the same moment, `turns` times, and the `law` that holds when they are through.

    `prepare` makes what the race needs, named as the race is, and returns ids of customers. `run` does one turn and returns
    what came of it; a refusal is its reason, a conflict the name of its class. `check` raises AssertionError where the law
    is broken. All three are functions of a module, so that processes find them.
    """

    name: str
    law: str
    prepare: Callable[[Crm], Sequence[str]]
    run: Callable[[Crm, Turn], str]
    check: Callable[[Finish], None]
    turns: int = TURNS


def members(crm: Crm, program: str, number: int = RUNNERS * TURNS) -> list[str]:
    """Add a program with so many members, one for each turn unless said otherwise, and return their ids."""
    crm.programs.add(program)
    people = crm.customers.add_all([{"first_name": f"{program} {each}"} for each in range(number)])
    for each in people:
        crm.programs.join(each, program)
    return [each.id for each in people]


def equal(found: Any, wanted: Any) -> None:
    """Raise AssertionError where a law says something else than what was found."""
    if found != wanted:
        raise AssertionError(f"{found!r} instead of {wanted!r}")


class Line(Protocol):
    """Where runners wait for each other: a barrier of threads or of processes."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait until all are here."""

    def abort(self) -> None:
        """Let nobody wait any longer."""


def run_in_threads(store: Store, races: Sequence[Race]) -> None:
    """Run the races with threads that share the store, and check their laws."""
    crm, line = opened(store), threading.Barrier(RUNNERS)
    stage = _prepared(crm, races)
    with ThreadPoolExecutor(RUNNERS) as pool:
        runners = [pool.submit(_runs, crm, line, runner, races, stage) for runner in range(RUNNERS)]
    _check(crm, races, stage, runners)


def run_in_processes(address: str, races: Sequence[Race]) -> None:
    """Run the races with processes that each open the address, and check their laws."""
    context = _processes()
    line = context.Barrier(RUNNERS)
    with closing(opened(address)) as crm:
        stage = _prepared(crm, races)
        with ProcessPoolExecutor(RUNNERS, mp_context=context, initializer=_meet_at, initargs=(line,)) as pool:
            runners = [pool.submit(_runs_at, address, runner, races, stage) for runner in range(RUNNERS)]
        _check(crm, races, stage, runners)


def _processes() -> BaseContext:
    """Return how processes are started: never as forks of ours, which would share our connections; no driver survives that.

    Where there is a fork server, it imports what they need once, not each of them.
    """
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    forks = get_context("forkserver")
    forks.set_forkserver_preload([__name__, "custcrm.storage.sql.store", "psycopg"])
    return forks


def opened(store: str | Store) -> Crm:
    """Return the face that runners use: its channel for texts keeps what it is given."""
    return custcrm.open(store, channels={"sms": RecordingChannel()})


def _prepared(crm: Crm, races: Sequence[Race]) -> ByRace:
    return {race.name: race.prepare(crm) for race in races}


def _check(crm: Crm, races: Sequence[Race], stage: ByRace, runners: Sequence[Future[ByRace]]) -> None:
    failures = [failure for runner in runners if (failure := runner.exception()) is not None]
    for failure in failures:
        if not isinstance(failure, threading.BrokenBarrierError):  # those only stopped because another one failed
            raise failure
    came_of = [runner.result() for runner in runners]
    for race in races:
        try:
            race.check(Finish(crm, stage[race.name], [outcome for each in came_of for outcome in each[race.name]]))
        except AssertionError as lost:
            lost.add_note(f"the race {race.name!r} is lost: {race.law}")
            raise
    assert_verified(crm)


def assert_verified(crm: Crm) -> None:
    """Raise AssertionError with what is found where the store does not keep its promises; see `Crm.verify`."""
    verified = crm.verify()
    if not verified:
        raise AssertionError(str(verified))


_LINES: Final[list[Line]] = []
"""In a process started for a race: the line where it meets the others. A barrier can be inherited, and not be sent."""


def _meet_at(line: Line) -> None:
    _LINES.append(line)


def _runs_at(address: str, runner: int, races: Sequence[Race], stage: ByRace) -> ByRace:
    with closing(opened(address)) as crm:
        return _runs(crm, _LINES[0], runner, races, stage)


def _runs(crm: Crm, line: Line, runner: int, races: Sequence[Race], stage: ByRace) -> ByRace:
    """Run all races as one runner; what nobody expected ends the races of the others too."""
    came_of: dict[str, Sequence[str]] = {}
    try:
        for race in races:
            turns = [Turn(runner, number, stage[race.name]) for number in range(race.turns)]
            came_of[race.name] = [_outcome(crm, line, race, turn) for turn in turns]
    except BaseException:
        line.abort()
        raise
    return came_of


def _outcome(crm: Crm, line: Line, race: Race, turn: Turn) -> str:
    line.wait(PATIENCE.total_seconds())
    try:
        return race.run(crm, turn)
    except Refusal as refusal:
        return str(refusal.reason)
    except Conflict as conflict:
        return type(conflict).__name__
