"""What is begun to be read and left: it keeps no connection, and none outlives its store."""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import custcrm
from custcrm.storage.sql.store import SqlStore
from custcrm.view import AHEAD

READS: dict[str, Callable[[custcrm.Crm], Iterator[Any]]] = {
    "selection": lambda crm: iter(crm.select()),
    "search": lambda crm: iter(crm.customers.search(first_name="A")),
    "frozen": lambda crm: iter(crm.select().freeze()),
    "together": lambda crm: iter(crm.select("sales_count > 0") | crm.select("sales_count = 0").freeze()),
    "view": lambda crm: iter(crm.select().view(["first_name", "sales_total"], sort=["first_name DESC"])),
    "log": lambda crm: iter(crm.reports.transaction_log(period="this year")),
    "balances": lambda crm: iter(crm.reports.point_balances("club")),
}


def _fill(crm: custcrm.Crm, count: int) -> None:
    crm.programs.add("club")
    crm.customers.add_all([{"first_name": f"A{number}"} for number in range(count)])
    crm.select().join("club").apply(key="join")
    crm.select().credit_points("club", 5).apply(key="credit")


def _used(crm: custcrm.Crm) -> int:
    """Return how many connections are in use; a store in memory has none."""
    store: Any = crm._business.store
    return 0 if not isinstance(store, SqlStore) or store._engine is None else store._engine.pool.checkedout()


def _files_open(where: str | None) -> int:
    """Return how many files of the store this process has open, where that can be looked up."""
    handles = Path("/proc/self/fd")
    if where is None or not handles.is_dir():
        return 0
    return sum(str(each.resolve()).startswith(str(Path(where).resolve())) for each in handles.iterdir())


@pytest.mark.parametrize("name", READS)
def test_a_small_answer_keeps_no_connection(crm: custcrm.Crm, name: str) -> None:
    """Law: who has the first row of a small answer, and stops for as long as they like, keeps no connection."""
    _fill(crm, 20)
    begun = READS[name](crm)
    assert next(begun)
    assert _used(crm) == 0
    assert len(list(begun)) == 19


def test_what_is_left_gives_its_connection_back(crm: custcrm.Crm) -> None:
    """Law: of a large answer, whoever leaves it, by a break or by forgetting it, has given back its connection."""
    _fill(crm, 2 * AHEAD)
    for name, read in READS.items():
        for _ in read(crm):
            break
        begun = read(crm)
        next(begun)
        del begun
        gc.collect()
        assert _used(crm) == 0, name


@pytest.mark.parametrize("count", [20, 2 * AHEAD])
def test_a_store_closes_with_what_is_half_read(
    opened: Callable[..., custcrm.Crm], where: str | None, tampered: None, count: int
) -> None:
    """Law: `close` lets go of every connection, also of what is half read; who reads on gets Closed, on every store.

    That holds of small answers too, which are read ahead: how many rows there are decides nothing.
    """
    crm = opened(timezone="Europe/Helsinki")
    _fill(crm, count)
    store: Any = crm._business.store
    pool = store._engine.pool if isinstance(store, SqlStore) else None
    begun, unbegun = ({name: read(crm) for name, read in READS.items()} for _ in range(2))
    for each in begun.values():
        next(each)
    crm.close()
    assert pool is None or pool.checkedout() == 0
    assert _files_open(where) == 0
    for name in READS:
        read: list[Any] = []
        for left in (begun[name], unbegun[name]):
            with pytest.raises(custcrm.Closed):
                read.extend(left)
            assert not read, f"{name}: {len(read)} more are read of a store that is closed"
