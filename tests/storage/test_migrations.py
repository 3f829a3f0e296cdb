"""The migrations that the package carries, beside the records' declarations."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

import custcrm
from custcrm.records import RECORDS
from custcrm.records.declaration import declaration
from custcrm.storage.memory import MemoryStore
from custcrm.storage.migrations import VERSION, VERSION_TABLE
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
        if name != VERSION_TABLE
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
    assert set(described(migrated)) == {f"custcrm_{declaration(record).table}" for record in RECORDS}
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
        kept = listed[f"custcrm_{about.table}"]
        assert kept.strict
        assert bool(kept.wr) or not about.of_customer


def test_a_store_is_set_up_once(address) -> None:
    """Opening an empty store sets it up; opening it again finds its version, and migrating changes nothing."""
    with_tables = open_store(address)
    assert with_tables.version() == VERSION
    assert with_tables.migrate() == (VERSION, VERSION, ())
    with_tables.close()
    again = open_store(address)
    assert again.version() == VERSION
    again.close()


def test_the_version_is_that_of_the_last_migration() -> None:
    """VERSION names the head of the history, which is one line, for every store."""
    config = Config()
    config.set_main_option("script_location", schema.MIGRATIONS)
    assert ScriptDirectory.from_config(config).get_heads() == [str(VERSION)]
    assert MemoryStore().version() == VERSION


@pytest.mark.parametrize(
    ("found", "says"), [("99", "version 99 .*newer custcrm"), ("ae10", "'ae10', which no custcrm has made")]
)
def test_a_store_of_a_later_or_unknown_version_is_refused(address, found, says) -> None:
    """It is opened by nothing and not touched, also one in use: the error says what it is and what to do."""
    custcrm.open(address).close()
    store = open_store(address)
    engine = open_engine(address)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '{found}'")
    engine.dispose()
    with pytest.raises(Conflict, match=says):
        store.migrate()
    for migrate in (False, True):
        with pytest.raises(Conflict, match=says):
            custcrm.open(address, migrate=migrate)
    store.close()


@pytest.mark.parametrize("statement", [f"DELETE FROM {VERSION_TABLE}", f"DROP TABLE {VERSION_TABLE}"])
def test_a_store_whose_version_was_lost_is_refused(address, statement) -> None:
    """It is neither made anew nor taken for another: the error says what is missing."""
    open_store(address).close()
    engine = open_engine(address)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()
    for migrate in (False, True):
        with pytest.raises(Conflict, match="nothing tells their version"):
            custcrm.open(address, migrate=migrate)


def test_a_store_from_before_the_first_version_is_refused(address) -> None:
    """Its tables have other names: it is told so, whatever its number is, and nothing is made beside them."""
    engine = open_engine(address)
    for found in ("1", "2"):
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS customers (id TEXT PRIMARY KEY)")
            connection.exec_driver_sql(f"CREATE TABLE IF NOT EXISTS {VERSION_TABLE} (version_num TEXT)")
            connection.exec_driver_sql(f"DELETE FROM {VERSION_TABLE}")
            connection.exec_driver_sql(f"INSERT INTO {VERSION_TABLE} VALUES ('{found}')")
        for migrate in (False, True):
            with pytest.raises(Conflict, match="before custcrm's first version"):
                custcrm.open(address, migrate=migrate)
        assert set(sa.inspect(engine).get_table_names()) == {"customers", VERSION_TABLE}
    engine.dispose()


def test_migrations_do_not_import_the_records() -> None:
    """A revision says what was, so it may not follow what the declarations have become."""
    folder = Path(schema.__file__).parent.parent / "migrations"
    assert not [path.name for path in folder.rglob("*.py") if "custcrm.records" in path.read_text("utf-8")]
