"""Imports race with each other and with all that is done to the same customers, on every store."""

import pytest
from attrs import evolve

from custcrm.storage.memory import MemoryStore
from custcrm.storage.sql import open_store
from custcrm.testing.races import assert_races, assert_races_between_processes
from custcrm.testing.races.imports import IMPORT_RACES
from custcrm.testing.races.runners import Race
from tests.batches import in_batches


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> str | None:
    """Give the place of an empty store of each kind; None is memory."""
    return None if request.param == "memory" else str(request.getfixturevalue(f"{request.param}_store"))


@pytest.mark.parametrize("batch", [20_000, 7], ids=["one transaction", "several"])
@pytest.mark.parametrize("race", IMPORT_RACES, ids=lambda race: race.name)
def test_imports_race(race: Race, place: str | None, batch: int) -> None:
    """Each race's law, where the file is one transaction and where it is several."""
    store = MemoryStore() if place is None else open_store(place)
    try:
        assert_races(store, [evolve(race, run=lambda crm, turn: race.run(in_batches(crm, batch), turn))])
    finally:
        store.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_imports_race_between_processes(kind: str, request: pytest.FixtureRequest) -> None:
    """The same laws between processes that share nothing but the address."""
    assert_races_between_processes(str(request.getfixturevalue(f"{kind}_store")), IMPORT_RACES)
