"""The fence: no process writes into a schema that it does not know, and a migration waits for those that write."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

import custcrm
from custcrm import Conflict, Unavailable
from custcrm.storage import protocol
from custcrm.storage.migrations import VERSION, VERSION_TABLE
from custcrm.storage.sql import open_store, schema
from custcrm.storage.sql.engine import open_engine


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the address of an empty store, whose version is set right again."""
    found = str(request.getfixturevalue(f"{request.param}_store"))
    yield found
    note(found, VERSION)


def note(address: str, version: int, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Note another version, as a newer library's migration does: writers are kept away until it has committed."""
    engine = open_engine(address)
    with engine.connect().execution_options(custcrm_write=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"LOCK TABLE {VERSION_TABLE} IN ACCESS EXCLUSIVE MODE")
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '{version}'")
        meanwhile()
    engine.dispose()


def test_who_was_started_before_an_upgrade_writes_nothing_more(address: str) -> None:
    """Every write is a Conflict that says to restart with the newer custcrm; what was asked stays as it was."""
    crm = custcrm.open(address)
    anna = crm.customers.add(first_name="Anna")
    note(address, VERSION + 1)
    writes: list[Callable[[], object]] = [
        lambda: crm.customers.add(first_name="Ben"), lambda: crm.tags.set(anna, "VIP"),
        lambda: crm.select().tag("VIP").apply(key="all"), lambda: crm.customers.add_all([{"first_name": "Ben"}]),
    ]  # fmt: skip
    refused = []
    for write in writes:
        try:
            write()
        except Conflict as error:
            refused.append(f"brought to version {VERSION + 1} by a newer custcrm; restart with it" in str(error))
    note(address, VERSION)
    assert refused == [True] * len(writes)
    assert (crm.select().count(), crm.select("tags.VIP EXISTS").count()) == (1, 0)
    crm.close()


def test_who_is_newer_than_the_store_writes_nothing_either(address: str) -> None:
    """A store that was put back to an older version is not written as if it were the newer one."""
    crm = custcrm.open(address)
    note(address, VERSION - 1)
    with pytest.raises(Conflict, match=rf"version {VERSION - 1} and this custcrm needs {VERSION}"):
        crm.customers.add(first_name="Ben")
    note(address, VERSION)
    assert crm.select().count() == 0
    crm.close()


def test_a_store_whose_tables_are_gone_is_told(address: str) -> None:
    """It is no bare error of the driver, and nothing is made anew behind the app's back."""
    crm, engine = custcrm.open(address), open_engine(address)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {VERSION_TABLE} RENAME TO away")
    try:
        with pytest.raises(Conflict, match="tables are gone"):
            crm.customers.add(first_name="Ben")
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"ALTER TABLE away RENAME TO {VERSION_TABLE}")
        engine.dispose()
        crm.close()


@pytest.mark.parametrize("before", [0, 3, 12], ids=lambda count: f"after {count} writes")
def test_who_waits_for_an_upgrade_sees_it(address: str, before: int) -> None:
    """A write that began while the upgrade ran waits, and is then refused: also by a statement that is prepared by then."""
    crm = custcrm.open(address)
    for number in range(before):
        crm.customers.add(first_name=f"{number}")
    told: list[str] = []

    def writes() -> None:
        try:
            crm.customers.add(first_name="late")
            told.append("written")
        except Conflict as error:
            told.append(str(error))

    writer = threading.Thread(target=writes)

    def meanwhile() -> None:
        writer.start()
        time.sleep(0.3)
        assert not told

    note(address, VERSION + 1, meanwhile)
    writer.join()
    note(address, VERSION)
    assert "restart with it" in told[0]
    assert crm.select().count() == before
    crm.close()


def test_a_migration_waits_for_those_that_write(postgresql_store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not overlap with a transaction that writes, nor wait for ever; on SQLite a writer is alone anyhow."""
    store, other = open_store(postgresql_store), open_store(postgresql_store)
    monkeypatch.setattr(protocol, "WAIT_SECONDS", 1)
    with store.write():
        monkeypatch.setattr(schema, "VERSION", VERSION + 1)  # as in a library that is one ahead
        with pytest.raises(Unavailable, match="others were writing for 1 seconds"):
            other.migrate()
    with other._connection(writes=False) as connection:
        assert connection.scalar(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")) == str(VERSION)
    store.close()
    other.close()


def test_a_write_begun_before_an_upgrade_ends_before_it(address: str) -> None:
    """What was begun under the old version is committed under it: the upgrade comes after."""
    store, order = open_store(address), []

    def upgrades() -> None:
        note(address, VERSION + 1)
        order.append("upgraded")

    upgrade = threading.Thread(target=upgrades)
    with store.write() as writer:
        upgrade.start()
        time.sleep(0.3)
        writer.count_records(custcrm.Customer)
        order.append("written")
    upgrade.join()
    assert order == ["written", "upgraded"]
    store.close()
    note(address, VERSION)
    kept: Any = custcrm.open(address)
    kept.close()
