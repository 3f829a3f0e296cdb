"""The shipped races, on every store and between processes; long, again and again."""

from pathlib import Path

import pytest

from custcrm.storage.memory import MemoryStore
from custcrm.storage.sql import open_store
from custcrm.testing.races import RACES, assert_races, assert_races_between_processes
from custcrm.testing.racing import RUNNERS, TURNS, Race

ROUNDS = 20


@pytest.fixture
def rounds(long: bool) -> range:
    return range(ROUNDS if long else 1)


@pytest.mark.feature("V15", "X20")
@pytest.mark.parametrize("race", RACES, ids=lambda race: race.name)
def test_threads_race_in_memory(race: Race, rounds: range) -> None:
    """Each race's law."""
    for _ in rounds:
        assert_races(MemoryStore(), [race])


@pytest.mark.feature("V15", "X20")
def test_threads_race_on_a_file(tmp_path: Path, rounds: range) -> None:
    """All races, one after the other on one store."""
    for number in rounds:
        store = open_store(tmp_path / f"{number}.db")
        assert_races(store)
        store.close()


@pytest.mark.feature("V15", "X20")
def test_threads_race_on_a_server(request: pytest.FixtureRequest, rounds: range) -> None:
    """All races, one after the other on one store."""
    for _ in rounds:
        with request.getfixturevalue("postgresql_server").database() as url:
            store = open_store(url)
            assert_races(store)
            store.close()


@pytest.mark.feature("V15", "X20")
def test_processes_race(address: str) -> None:
    """All races between processes that share nothing but the address."""
    assert_races_between_processes(address)


def test_a_lost_race_names_itself() -> None:
    """An outcome that the law does not allow is an AssertionError with the law in its note."""
    series = RACES[0]
    idle = Race(name=series.name, law=series.law, prepare=series.prepare, run=lambda crm, turn: "idle", check=series.check)
    with pytest.raises(AssertionError) as lost:
        assert_races(MemoryStore(), [idle])
    assert lost.value.__notes__ == [f"the race 'series' is lost: {series.law}"]
    assert str(RUNNERS * TURNS) in str(lost.value)


def test_what_nobody_expected_ends_the_race() -> None:
    """An error of one runner is raised, and the others do not wait for it."""

    def stumble(crm, turn):
        if turn.runner == 2:
            raise ZeroDivisionError
        return ""

    with pytest.raises(ZeroDivisionError):
        assert_races(MemoryStore(), [Race(name="x", law="", prepare=lambda crm: [], run=stumble, check=lambda finish: None)])
