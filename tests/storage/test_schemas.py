"""Tenants in one PostgreSQL database: each in a schema of its own, by argument or by the search path of the URL."""

import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from typer.testing import CliRunner

import custcrm
from custcrm import Conflict, Malformed
from custcrm.cli.app import app
from custcrm.storage.sql import open_store
from custcrm.testing import RecordingChannel


def by_path(url: str, path: str) -> str:
    return f"{url}&options={quote(f'-c search_path={path} -c statement_timeout=54321')}"


def everything(crm: custcrm.Crm, folder: Path) -> None:
    """Do a bit of all that a store does, with statements of every kind."""
    crm.programs.add("club", notifications="sms")
    crm.coupons.add_series("welcome", program="club", capacity=500)
    crm.customers.add_all([{"email": f"n{n}@example.org", "phone": f"+3584012{n:05}"} for n in range(120)])
    crm.select().join("club").apply(key="join")
    crm.select().credit_points("club", 10).apply(key="credit")
    crm.select().issue_coupons("welcome").apply(key="issue")
    anna = crm.customers.add(first_name="Anna", email="anna@example.org")
    crm.sales.record(anna, "12.50", external_id="r-1")
    crm.consents.grant(anna, "sms", evidence="form")
    crm.outbox.dispatch()
    (folder / "people.csv").write_text("email,first_name\nanna@example.org,Anni\n", "utf-8")
    crm.customers.import_csv(folder / "people.csv")
    assert crm.select("programs.club EXISTS").count() == 120
    assert crm.select("first_name = 'Anni' AND sales_total = 12.50").count() == 1


def tables(url: str, schema: str) -> int:
    with psycopg.connect(url) as connection:
        found: Any = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = %s", [schema]).fetchone()
    return int(found[0])


def schemas(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {name for (name,) in connection.execute("SELECT nspname FROM pg_namespace")}


@pytest.mark.parametrize("name", ["tenant_7", "$User", "Tenant 7", 'ten"ant', "te'n\\ant, public", "100%s", "ä" * 31, "select"])
def test_a_store_lives_in_a_schema_of_its_own(postgres_url: str, name: str, tmp_path: Path) -> None:
    """It is made if it is not there, holds all tables, and has nothing of the store beside it, whatever its name is."""
    channels = {"sms": RecordingChannel()}
    with custcrm.open(postgres_url, currency="EUR") as public, custcrm.open(
        postgres_url, schema=name, currency="USD", channels=channels
    ) as tenant:
        everything(tenant, tmp_path)
        assert public.select().count() == 0
        public.customers.add(email="anna@example.org")
    assert tables(postgres_url, name) == tables(postgres_url, "public")
    with custcrm.open(postgres_url, schema=f" {name}\t") as again:
        assert (again.currency, again.select().count()) == ("USD", 121)


def test_the_roles_search_path_changes_nothing(postgres_url: str, tmp_path: Path) -> None:
    """With a schema given, it does not matter where else the role would look first."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA other")
    with custcrm.open(by_path(postgres_url, "other,public"), schema="tenant", channels={"sms": RecordingChannel()}) as crm:
        everything(crm, tmp_path)
    assert tables(postgres_url, "other") == tables(postgres_url, "public") == 0


def test_tenants_by_search_path_are_apart(postgres_url: str) -> None:
    """The `options` of a URL hold: each tenant has a store of its own, and other settings in them count as well."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for name in ("a", "b"):
            connection.execute(f"CREATE SCHEMA {name}")
    with custcrm.open(by_path(postgres_url, "a")) as first, custcrm.open(by_path(postgres_url, "b")) as second:
        first.customers.add(email="anna@example.org")
        assert (first.select().count(), second.select().count()) == (1, 0)
        second.customers.add(email="anna@example.org")
        store: Any = first._business.store
        with store._engine.connect() as found:
            assert found.exec_driver_sql("SHOW statement_timeout").scalar() == "54321ms"
            assert found.exec_driver_sql("SHOW timezone").scalar() == "UTC"
    assert tables(postgres_url, "public") == 0


def test_whose_store_is_meant_is_not_guessed(postgres_url: str) -> None:
    """A store later on the search path is no store of the first schema's; where no schema is there, it is told."""
    custcrm.open(postgres_url).close()
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA mine")
    with pytest.raises(Conflict, match="later schema of the search path"):
        custcrm.open(by_path(postgres_url, "mine,public"))
    with custcrm.open(by_path(postgres_url, "mine,public"), schema="mine") as crm:
        assert crm.select().count() == 0
    with pytest.raises(Malformed, match="no schema of the search path"):
        custcrm.open(by_path(postgres_url, "nowhere"))


def test_two_first_openers_of_a_schema_share_it(postgres_url: str) -> None:
    """They make one schema and one store, and neither fails."""
    told: list[Any] = []
    line = threading.Barrier(4)

    def opens() -> None:
        line.wait()
        try:
            with custcrm.open(postgres_url, schema="tenant") as crm:
                told.append(crm.customers.add(first_name="x").first_name)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is told below)
            told.append(error)

    threads = [threading.Thread(target=opens) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert told == ["x"] * 4


def test_tenants_do_not_wait_for_each_other(postgres_url: str) -> None:
    """A key that is claimed in one schema is free in another, and in the same it is waited for."""
    stores = {name: open_store(postgres_url, schema_name=name) for name in ("a", "b")}
    again = open_store(postgres_url, schema_name="a")

    def waits(store: Any) -> bool:
        def claims() -> None:
            with store.write() as writer:
                writer.claim("emails", ["anna@example.org"])

        with stores["a"].write() as writer:
            writer.claim("emails", ["anna@example.org"])
            other = threading.Thread(target=claims)
            other.start()
            other.join(1)
            waited = other.is_alive()
        other.join()
        return waited

    assert not waits(stores["b"])
    assert waits(again)
    for each in (*stores.values(), again):
        each.close()


@pytest.mark.parametrize("name", ["", " ", "a" * 64, "ä" * 32, "nul\0", "half\ud800", "pg_mine", "information_schema",
                                  "$user", 7])  # fmt: skip
def test_what_is_no_name_of_a_schema_is_malformed(postgres_url: str, name: Any) -> None:
    """A name that PostgreSQL would cut, refuse, keep for itself or read as another is refused before anything is made."""
    before, found = schemas(postgres_url), None
    try:
        custcrm.open(postgres_url, schema=name)
    except custcrm.CrmError as error:
        found = error
    assert (type(found), getattr(found, "field", None)) == (Malformed, "schema")
    assert schemas(postgres_url) == before


def test_a_path_that_begins_with_a_schema_of_postgresqls_own_is_malformed(postgres_url: str) -> None:
    """No store is made where it would end with its connection, or among the server's own tables; it is told by name."""
    for path in ("pg_temp", "pg_catalog,public", "pg_temp,public", "information_schema,public"):
        found = None
        try:
            custcrm.open(by_path(postgres_url, path)).close()
        except custcrm.CrmError as error:
            found = error
        assert (path, type(found), getattr(found, "field", None)) == (path, Malformed, "store")
    with psycopg.connect(postgres_url) as server:
        assert server.execute("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'custcrm%'").fetchone() == (0,)


def test_only_postgresql_has_schemas(sqlite_store: Any) -> None:
    """Elsewhere the argument is a mistake, and is told as one."""
    for store in (None, sqlite_store):
        with pytest.raises(Malformed) as refused:
            custcrm.open(store, schema="tenant")
        assert refused.value.field == "schema"


def test_commands_work_on_a_schema(postgres_url: str) -> None:
    """`--schema` says which tenant's store a command works on; without it, it is another store."""
    with custcrm.open(postgres_url, schema="tenant") as crm:
        crm.customers.add(first_name="Anna")
    custcrm.open(postgres_url, schema="other").close()

    def said(*command: str) -> str:
        done = CliRunner().invoke(app, [*command, "--store", postgres_url], prog_name="custcrm")
        assert done.exit_code == 0, done.output
        return done.stdout.strip()

    assert said("select", "TRUE", "--count", "--schema", "tenant") == "1"
    assert "nothing to do" in said("migrate", "--schema", "tenant")
    assert "nothing to do" in said("migrate", "--schema", "other")
    assert said("select", "TRUE", "--count", "--schema", "other") == "0"
