"""What a database, a role or a URL sets for its sessions: a store on PostgreSQL keeps and reads the same under all of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

import custcrm
from custcrm.testing import ManualClock

SETTINGS = [
    ("DateStyle", "German, DMY"), ("DateStyle", "SQL, DMY"), ("DateStyle", "Postgres, MDY"), ("DateStyle", "ISO, DMY"),
    ("client_encoding", "LATIN1"), ("client_encoding", "SQL_ASCII"), ("IntervalStyle", "sql_standard"),
    ("TimeZone", "Asia/Kathmandu"), ("standard_conforming_strings", "off"), ("bytea_output", "escape"),
    ("extra_float_digits", "-15"), ("array_nulls", "off"), ("transform_null_equals", "on"),
    ("default_transaction_isolation", "serializable"), ("default_transaction_isolation", "repeatable read"),
    ("search_path", "public, pg_catalog"), ("quote_all_identifiers", "on"),
]  # fmt: skip
NAME = "Ähtäri ☃ \\ 'n\\n\" %s"
WHO = ["email", "first_name", "birth_date", "signed_up_at", "sales_count", "sales_total", "average_check"]


@contextmanager
def setting(url: str, by: str, name: str, value: str) -> Iterator[str]:
    """Set a default of all sessions, by the URL, the database or the role, until left; give the URL to open."""
    if by == "url":
        said = f"-c {name}={value}".replace(", ", ",\\ ").replace(" read", "\\ read")
        yield f"{url}&options={quote(said)}"
        return
    with psycopg.connect(url, autocommit=True) as server:
        database = sql.Identifier(server.info.dbname)
        whose = sql.SQL("DATABASE {}" if by == "database" else "ROLE CURRENT_USER IN DATABASE {}").format(database)
        words = sql.SQL(", ").join(sql.Literal(each) for each in value.split(", "))
        server.execute(sql.SQL("ALTER {} SET {} = {}").format(whose, sql.Identifier(name.lower()), words))
        try:
            yield url
        finally:
            server.execute(sql.SQL("ALTER {} RESET ALL").format(whose))


def outcome(store: str | None, folder: Path) -> object:
    """Return what a store tells, or the name of the error that it raises."""
    try:
        return told(store, folder)
    except Exception as error:  # noqa: BLE001 (whatever it is, it is no answer)
        return type(error).__name__


def told(store: str | None, folder: Path) -> list[object]:
    """Do a bit of everything and return all that a store tells of it, by few rows and by many."""
    clock, heard = ManualClock("2026-11-21T12:00:00.123456Z"), list[object]()
    with custcrm.open(store, clock=clock, country="FI") as crm:
        crm.programs.add("club")
        anna = crm.customers.add(first_name=NAME, email="anna@example.org", birth_date="2001-02-03")
        crm.customers.add_all([{"email": f"n{n}@example.org", "birth_date": "1999-12-31"} for n in range(60)])
        (folder / "people.csv").write_text("email,last_name,signed_up_at\nben@example.org,Ähtäri\\ ☃,2025-03-04\n", "utf-8")
        heard.append(crm.customers.import_csv(folder / "people.csv").counts)
        crm.tags.set(anna, "note", NAME)
        crm.programs.join(anna, "club")
        crm.points.credit(anna, "club", 7, expires="30 days")
        for total in ("12.50", "0.01", "0.02"):
            crm.sales.record(anna, total, external_id=f"r\\{total}")
        crm.select("email STARTS WITH 'n1'").join("club").apply(key="join")
        crm.select("programs.club EXISTS").credit_points("club", 10).apply(key="credit")
        with pytest.raises(custcrm.Conflict):
            crm.customers.add(email="anna@example.org")
        clock.advance("1 day")
        heard += [
            str(crm.points.balance(anna, "club")), crm.customers.get(anna.id).signed_up_at,
            crm.select("first_name = :name AND tags.note = :name", {"name": NAME}).count(),
            crm.select("signed_up_at > ago('2 days') AND birth_date < DATE('2000-01-01')").count(),
            crm.select("sales_total / 3 > 4.17 AND average_check < 4.18").count(),
            [dict(each) for each in crm.select().view(WHO, sort=["email"])],
            [(each.kind, each.occurred_at) for each in crm.reports.transaction_log(program="club", period="yesterday")],
            crm.verify().findings,
        ]
    return heard


@pytest.mark.parametrize("by", ["url", "database", "role"])
@pytest.mark.parametrize(("name", "value"), SETTINGS, ids=str)
def test_what_is_set_for_sessions_changes_nothing(
    postgresql_store: str, by: str, name: str, value: str, tmp_path: Path
) -> None:
    """Whoever sets how dates are shown, texts are sent or transactions begin: all is kept and read as in memory."""
    with setting(postgresql_store, by, name, value) as url:
        with psycopg.connect(url) as server:
            assert server.info.parameter_status("server_encoding") == "UTF8"
            row = server.execute(sql.SQL("SHOW {}").format(sql.Identifier(name.lower()))).fetchone()
        found = [each.decode() if isinstance(each, bytes) else str(each) for each in row or ()]
        assert found == [value]
        assert outcome(url, tmp_path) == told(None, tmp_path)
