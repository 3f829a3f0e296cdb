"""A store in a file or database that an app already uses: neither sees the other's tables."""

from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

import custcrm
from custcrm.cli.app import app
from custcrm.storage.sql.engine import open_engine

OF_THE_APP = (
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT)",
    "CREATE TABLE sales (id INTEGER PRIMARY KEY, total INTEGER)",
    "CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)",
    "CREATE UNIQUE INDEX uq_customers_email ON customers (email)",
    "CREATE INDEX ix_sales_occurred_at ON sales (total)",
    "INSERT INTO customers VALUES (1, 'anna@example.org')",
    "INSERT INTO sales VALUES (1, 1250)",
    "INSERT INTO alembic_version VALUES ('ae1027a6acf')",
)
ROWS = {"customers": [(1, "anna@example.org")], "sales": [(1, 1250)], "alembic_version": [("ae1027a6acf",)]}


@pytest.fixture(params=["sqlite", "postgresql"])
def used(request: pytest.FixtureRequest, tmp_path: Any) -> str:
    """Give the address of a file or database that an app keeps its own customers in."""
    address = str(tmp_path / "app.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url"))
    engine = open_engine(address)
    with engine.begin() as connection:
        for statement in OF_THE_APP:
            connection.exec_driver_sql(statement)
    engine.dispose()
    return address


def tables(address: str) -> dict[str, list[Any]]:
    """Return the rows of the tables there are, but of custcrm's only the names."""
    engine = open_engine(address)
    with closing(engine.connect()) as connection:
        found = sa.inspect(connection).get_table_names()
        rows: dict[str, list[Any]] = {name: [] for name in found}
        for name in found:
            if not name.startswith("custcrm_"):
                rows[name] = [tuple(row) for row in connection.execute(sa.text(f"SELECT * FROM {name}"))]
    engine.dispose()
    return rows


def test_a_store_lives_beside_an_apps_own_tables(used: str) -> None:
    """`open` sets a store up beside tables of the same nouns, with rows and indexes; they stay as they are."""
    with custcrm.open(used, currency="EUR") as crm:
        anna = crm.customers.add(email="anna@example.org")
        crm.sales.record(anna, "12.50")
        assert crm.select("sales_total = 12.50").ids() == [anna.id]
    with custcrm.open(used) as crm:
        assert crm.customers.get(anna.id) == anna
    assert {name: rows for name, rows in tables(used).items() if rows} == ROWS


def test_everything_of_a_store_is_named_after_it(used: str) -> None:
    """Every table and index that a store adds begins with custcrm_, its version's too."""
    custcrm.open(used).close()
    assert {name for name in tables(used) if not name.startswith("custcrm_")} == {*ROWS}
    engine = open_engine(used)
    inspector = sa.inspect(engine)
    for name in inspector.get_table_names():
        if name not in ROWS:
            assert [each["name"] for each in inspector.get_indexes(name) if not each["name"].startswith("custcrm_")] == []
    engine.dispose()


def test_migrating_sees_its_own_version_only(used: str) -> None:
    """`custcrm migrate` sets up and has then nothing to do, whatever the app's own migrations have noted."""
    for _ in range(2):
        done = CliRunner().invoke(app, ["migrate", "--store", used], prog_name="custcrm")
        assert (done.exit_code, "nothing to do" in done.stdout) == (0, True), done.stdout
    assert {name: rows for name, rows in tables(used).items() if rows} == ROWS
