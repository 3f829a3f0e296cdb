"""The migrations that the package carries, beside the records' declarations."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from custcrm.records import RECORDS
from custcrm.records.declaration import declaration
from custcrm.storage.sql import open_store, schema
from custcrm.storage.sql.engine import open_engine
from custcrm.storage.sql.tables import metadata
from custcrm.values.errors import Conflict


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request, tmp_path):
    """Give the address of an empty store."""
    return tmp_path / "shop.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")


def described(engine: sa.Engine) -> dict[str, object]:
    """Tell everything about the tables of a database that a program could notice."""
    inspector = sa.inspect(engine)
    return {
        name: {
            "columns": {
                each["name"]: (str(each["type"]), getattr(each["type"], "collation", None), each["nullable"])
                for each in inspector.get_columns(name)
            },
            "key": inspector.get_pk_constraint(name)["constrained_columns"],
            "references": [(key["constrained_columns"], key["referred_table"]) for key in inspector.get_foreign_keys(name)],
            "indexes": sorted(
                (each["name"], each["column_names"], bool(each["unique"]), each.get("include_columns", []))
                for each in inspector.get_indexes(name)
            ),
            "options": dict(inspector.get_table_options(name)),
        }
        for name in inspector.get_table_names()
        if name != schema.VERSION_TABLE
    }


def test_upgrading_gives_what_is_declared(address, request, tmp_path, postgresql_server) -> None:
    """`upgrade head` makes the tables, columns, types, nullability, unique keys and indexes of the declarations."""
    open_store(address).close()
    migrated = open_engine(address)
    with postgresql_server.database() as other:
        declared = open_engine(tmp_path / "declared.db" if isinstance(address, Path) else other)
        metadata().create_all(declared)
        assert described(migrated) == described(declared)
        declared.dispose()
    assert set(described(migrated)) == {declaration(record).table for record in RECORDS}
    migrated.dispose()


def test_tables_of_sqlite_are_strict_and_facts_are_clustered(tmp_path) -> None:
    """On SQLite no column takes a value of another type, and a customer's facts lie together."""
    open_store(tmp_path / "shop.db").close()
    engine = open_engine(tmp_path / "shop.db")
    with engine.connect() as connection:
        listed = {row.name: row for row in connection.exec_driver_sql("PRAGMA table_list")}
    engine.dispose()
    for record in RECORDS:
        about = declaration(record)
        assert listed[about.table].strict
        assert bool(listed[about.table].wr) or not about.of_customer


def test_a_store_is_set_up_once(address) -> None:
    """Opening an empty store sets it up; opening it again finds its version, and migrating changes nothing."""
    with_tables = open_store(address)
    assert with_tables.version() == schema.VERSION
    assert with_tables.migrate() == (schema.VERSION, schema.VERSION)
    with_tables.close()
    again = open_store(address)
    assert again.version() == schema.VERSION
    again.close()


def test_the_version_is_that_of_the_last_migration() -> None:
    """VERSION names the head of the history, which is one line."""
    config = Config()
    config.set_main_option("script_location", schema.MIGRATIONS)
    assert ScriptDirectory.from_config(config).get_heads() == [str(schema.VERSION)]


def test_a_newer_store_is_refused(address) -> None:
    """A store of a later version is not touched: the error says what to do."""
    store = open_store(address)
    engine = open_engine(address)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {schema.VERSION_TABLE} SET version_num = '99'")
    engine.dispose()
    assert store.version() == 99
    with pytest.raises(Conflict, match="newer"):
        store.migrate()
    store.close()


def test_migrations_do_not_import_the_records() -> None:
    """A revision says what was, so it may not follow what the declarations have become."""
    folder = Path(schema.__file__).parent.parent / "migrations"
    assert not [path.name for path in folder.rglob("*.py") if "custcrm.records" in path.read_text("utf-8")]
