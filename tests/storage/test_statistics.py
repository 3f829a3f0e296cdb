"""After a load PostgreSQL has statistics of what was written, so that it does not plan as for an empty table."""

import logging
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

import custcrm
from custcrm.records import Customer, Membership
from custcrm.records.programs import Access
from custcrm.storage.sql import open_store
from custcrm.storage.sql.postgresql import ANALYZED_FROM

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def customers(count: int, begin: int = 0) -> Iterator[Customer]:
    return (Customer(id=f"{n:06}", signed_up_at=NOW, created_at=NOW) for n in range(begin, begin + count))


def analyzed(url: str) -> dict[str, int]:
    """Return how often each table was analyzed on demand."""
    with psycopg.connect(url) as connection:
        connection.execute("SELECT pg_stat_clear_snapshot()")
        rows: Any = connection.execute("SELECT relname, analyze_count FROM pg_stat_user_tables WHERE analyze_count > 0")
        return {name.removeprefix("custcrm_"): count for name, count in rows}


def test_a_load_has_statistics(postgres_url: str) -> None:
    """After 20,000 customers with memberships the planner knows both tables; nobody waits for autovacuum."""
    with custcrm.open(postgres_url) as crm:
        crm.programs.add("club")
        crm.customers.add_all([{"email": f"n{n}@example.org"} for n in range(20_000)])
        crm.select().join("club").apply(key="join")
        assert crm.select("programs.club.access = 'full' AND programs.club EXISTS").count() == 20_000
    with psycopg.connect(postgres_url) as connection:
        known: Any = connection.execute("SELECT DISTINCT tablename FROM pg_stats WHERE tablename LIKE 'custcrm%'").fetchall()
        rows: Any = connection.execute(
            "SELECT reltuples::int FROM pg_class WHERE oid = 'custcrm_memberships'::regclass"
        ).fetchone()
    assert {name for (name,) in known} >= {"custcrm_customers", "custcrm_memberships", "custcrm_targets"}
    assert rows == (20_000,)


def test_an_import_has_statistics(postgres_url: str, tmp_path: Path) -> None:
    """A file of many rows is a load like any other."""
    lines = "".join(f"n{n}@example.org\n" for n in range(ANALYZED_FROM + 500))
    (tmp_path / "people.csv").write_text(f"email\n{lines}", "utf-8")
    with custcrm.open(postgres_url) as crm:
        crm.customers.import_csv(tmp_path / "people.csv")
    assert "customers" in analyzed(postgres_url)


def test_few_rows_and_single_deeds_are_no_load(postgres_url: str) -> None:
    """A till that writes a row at a time is never kept waiting, and nor is who writes up to the limit."""
    store = open_store(postgres_url)
    with store.write() as writer:
        writer.add(customers(ANALYZED_FROM))
    for number in range(60):
        with store.write() as writer:
            writer.add(customers(20, 10_000 + 20 * number))
    assert analyzed(postgres_url) == {}
    store.close()


def test_a_load_in_batches_is_analyzed_when_it_has_grown_tenfold(postgres_url: str) -> None:
    """Not after each of its transactions: forty of 500 rows are analyzed once at 1,500, and again at 15,500."""
    store = open_store(postgres_url)
    counts = []
    for number in range(40):
        with store.write() as writer:
            writer.add(customers(500, 500 * number))
        counts.append(analyzed(postgres_url).get("customers", 0))
    assert Counter(counts) == {0: 2, 1: 28, 2: 10}
    store.close()


def test_only_what_was_committed_and_written_is_analyzed(postgres_url: str) -> None:
    """What was undone counts nothing, and other tables are left alone; nothing runs before the commit."""
    store = open_store(postgres_url)

    def undone() -> None:
        with store.write() as writer:
            writer.add(customers(5_000))
            raise KeyError

    with pytest.raises(KeyError):
        undone()
    assert analyzed(postgres_url) == {}
    with store.write() as writer:
        writer.add(customers(5_000))
        with store.write() as inner:
            ids = (f"{n:06}" for n in range(2_000))
            inner.add(Membership(customer_id=each, program="club", access=Access.FULL, joined_at=NOW) for each in ids)
        assert analyzed(postgres_url) == {}
    assert analyzed(postgres_url) == {"customers": 1, "memberships": 1}
    store.close()


def test_a_failure_to_analyze_is_logged_and_not_the_loads(postgres_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """The load stands; the log names tables and the server's state, and no person."""
    store = open_store(postgres_url)
    with caplog.at_level(logging.WARNING, "custcrm"), store.write() as writer:
        writer.add(customers(2_000))
        # An index on what fails for these rows: it is met when statistics are made, not when the rows are written.
        writer._run_text("CREATE FUNCTION fails(t text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS "
                         "$$ BEGIN IF current_setting('custcrm.fails', true) <> 'no' THEN RAISE 'fails'; END IF; "
                         "RETURN t; END $$")
        writer._run_text("SET LOCAL custcrm.fails = 'no'")
        writer._run_text("CREATE INDEX custcrm_ix_fails ON custcrm_customers (fails(id))")
    with store.read() as reader:
        assert reader.count_records(Customer) == 2_000
    said = [record.getMessage() for record in caplog.records if record.name == "custcrm"]
    assert said == ["statistics of custcrm_customers were not made after a load (P0001)"]
    store.close()
