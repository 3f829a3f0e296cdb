"""Stores of other versions. Each later migration is tested up from version 1, with a row in every table.

The rows are made from the tables of version 1 as its migration says them; a later version adds nothing here, but for the
columns whose meaning its migration changes, which `CHANGED` names. The law is that all else is what it was.
"""

import shutil
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from typer.testing import CliRunner

import custcrm
from custcrm import Conflict
from custcrm.cli.app import app
from custcrm.records import RECORDS, Consent, ContactPoint, TagAssignment
from custcrm.records.codec import encoder
from custcrm.records.declaration import declaration
from custcrm.storage import migrations
from custcrm.storage.sql import open_store, schema
from custcrm.storage.sql.engine import open_engine
from custcrm.storage.sql.types import microseconds
from custcrm.testing import ManualClock

THEN = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
ANNA = "01900000-0000-7000-8000-000000000001"

VALUES: Final[Mapping[str, Any]] = {
    "": "some text", "integer": 5, "boolean": True, "date": datetime(2000, 2, 24, tzinfo=UTC).date(), "instant": THEN,
}  # fmt: skip
"""A value of each type of version 1's migration."""
TEXTS: Final[Mapping[str, str]] = {
    "customers.id": ANNA, "customer_id": ANNA, "currency": "EUR", "settings.name": "currency", "settings.value": "EUR",
    "program": "club", "programs.name": "club", "categories.name": "gold", "account": "wallet", "accounts.name": "wallet",
    "series": "welcome", "coupon_series.name": "welcome", "coupon_series.kind": "coupon", "codes": "unique", "benefit": "{}",
    "programs.default_access": "full", "reversal": "debt", "reversal_grace": "7 days", "valid": "30 days",
    "per": "money", "rounding": "down", "expires": "1 year", "factor": "1.5", "filter": "TRUE", "accounts.kind": "money",
    "customers.kind": "person", "customers.status": "active", "access": "full", "sales.kind": "sale",
    "points_entries.kind": "credit", "account_entries.kind": "replenish", "activities.status": "called",
    "job_status": "booked", "messages.status": "planned", "messages.channel": "sms", "counts": "{}", "columns": "{}",
    "titles": "{}", "descriptions": "{}", "arguments": "{}", "skipped": "{}", "payload": "{}",
}  # fmt: skip
"""Texts that mean something, by column, or by table and column."""
NUMBERS: Final = {"birth_date_month_day": 224}
EMPTY: Final = {"coupons.revoked_at", "coupons.reserved_at", "programs.reversal_grace", "tags.until", "consents.until"}
"""Columns that version 1 leaves missing here, so that what the rows mean is simple to ask."""

CHANGED: Final[frozenset[str]] = frozenset(
    f"customers.{name}_folded" for name in ("email", "first_name", "last_name", "company_name")
)
"""Columns of version 1, as `table.column`, that a later migration gives another meaning or takes away."""


def rows_of_version_1() -> dict[str, dict[str, Any]]:
    """Return a row for each table of version 1, as Python has the values."""
    return {
        table.name: {
            column: _value(table.name, column, kind)
            for column, kind in (
                (written.removesuffix("?"), kind)
                for written, _, kind in (each.partition(":") for each in table.columns.split())
            )
        }
        for table in _scripts().get_revision("1").module.TABLES
    }


def _value(table: str, column: str, kind: str) -> Any:
    if f"{table}.{column}" in EMPTY:
        return None
    if kind == "":
        either = TEXTS.get(f"{table}.{column}", TEXTS.get(column))
        return either or ("EUR" if column.endswith("_currency") else f"some {column}")
    return NUMBERS.get(column, VALUES[kind])


def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", schema.MIGRATIONS)
    return ScriptDirectory.from_config(config)


def make_version(number: int, address: str, rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Make a store by the migrations up to a version, and put rows into its tables as they are then."""
    engine = open_engine(address)
    with engine.connect().execution_options(custcrm_write=True) as connection, connection.begin():
        config = Config()
        config.set_main_option("script_location", schema.MIGRATIONS)
        config.attributes["connection"] = connection
        command.upgrade(config, str(number))
    engine.dispose()
    for name, values in rows.items():
        add_rows(address, name, [values])


def add_rows(address: str, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put rows into a table as it is."""
    engine = open_engine(address)
    with engine.connect().execution_options(custcrm_write=True) as connection, connection.begin():
        tables = sa.MetaData()
        tables.reflect(connection)
        kept = [{column: _kept(value, connection.dialect.name) for column, value in values.items()} for values in rows]
        connection.execute(sa.insert(tables.tables[f"custcrm_{table}"]), kept)
    engine.dispose()


def _kept(value: Any, dialect: str) -> Any:
    """Return a value as the engine's tables keep it."""
    if dialect == "sqlite" and isinstance(value, datetime):
        return microseconds(value)
    return value.isoformat() if dialect == "sqlite" and hasattr(value, "isoformat") else value


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of an empty store."""
    return str(tmp_path / "shop.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url"))


@pytest.fixture
def old(address: str) -> str:
    """Give the address of a store of version 1 with a row in every table."""
    make_version(1, address, rows_of_version_1())
    return address


def test_what_was_kept_is_there_after_the_migrations(old: str) -> None:
    """Every row of version 1 is found as a record whose columns are what they were."""
    rows = rows_of_version_1()
    with custcrm.open(old, migrate=True) as crm, crm._business.store.read() as reader:
        for record in RECORDS:
            about = declaration(record)
            if about.table not in rows:
                continue  # a table of a later version
            found: Any = reader.get(record, *(rows[about.table][name] for name in about.key))
            columns = dict(zip(about.names, encoder(record)(found), strict=True))
            was = {name: value for name, value in rows[about.table].items() if f"{about.table}.{name}" not in CHANGED}
            assert {name: _told(columns[name], value) for name, value in was.items()} == was


def _told(found: Any, was: Any) -> Any:
    """Return what was found as version 1 wrote it: mappings as JSON text."""
    return "{}" if was == "{}" and found == {} else found


def test_what_was_kept_is_used_after_the_migrations(old: str) -> None:
    """Metrics, balances and tags are what the rows say, and the store can be written."""
    with custcrm.open(old, migrate=True, clock=ManualClock("2026-06-01T12:00Z")) as crm:
        asked = "sales_total = 0.05 AND units_total = 5 AND programs.club.access = 'full' AND accounts.wallet EXISTS"
        assert crm.select(asked).ids() == [ANNA]
        assert crm.select("birth_date = DATE('2000-02-24') AND tags.\"some key\" = 'some value'").ids() == [ANNA]
        crm.points.credit(ANNA, "club", 7, notify=False)
        crm.sales.record(ANNA, "7.50")
        assert crm.points.balance(ANNA, "club") == 7  # the row's lot has expired
        assert crm.select("sales_total = 7.55").ids() == [ANNA]


def test_what_was_open_twice_ends_when_the_next_begins(address: str) -> None:
    """Of several open tags of a key, or consents of one kind, version 2 leaves the last open; each other ends at the next."""
    rows: dict[str, Any] = rows_of_version_1()
    make_version(1, address, rows)
    ended = {3: THEN + timedelta(days=9)}
    for table, since, at in (("tags", "since", (1, 4, 2, 3)), ("consents", "occurred_at", (4, 3, 2, 1))):
        more = [
            {**rows[table], "id": f"{day}", since: THEN + timedelta(days=day), "until": ended.get(day)} for day in at
        ]
        add_rows(address, table, more)
    with custcrm.open(address, migrate=True) as crm, crm._business.store.read() as reader:
        for record, since in ((TagAssignment, "since"), (Consent, "occurred_at")):
            found = sorted(reader.find(record), key=lambda each: getattr(each, since))
            days = [None if each.until is None else (each.until - THEN).days for each in found]
            assert days == [1, 2, 3, 9, None]


def test_what_reads_lines_is_told_when_they_become_what_was_sold(address: str) -> None:
    """Of filters that are saved a migration names those that mean something else since: by themselves or by a segment."""
    rows = rows_of_version_1()
    make_version(2, address, rows)
    texts = {
        "a": "SUM(lines.quantity) > 5", "b": "EXISTS(sales WHERE total > 1 AND EXISTS(lines WHERE category = 'Red'))",
        "c": "country = 'FI' OR NOT SEGMENT('b')", "d": "SEGMENT('d') AND SEGMENT('e')", "e": "sales_total > 5",
        "f": "SEGMENT(", "lines": "tags.lines EXISTS AND SEGMENT('none')",
    }
    add_rows(address, "segments", [{**rows["segments"], "name": name, "filter": text} for name, text in texts.items()])
    add_rows(address, "categories", [{**rows["categories"], "name": "red", "filter": texts["a"]}])
    add_rows(address, "earning_rules", [{**rows["earning_rules"], "name": "more", "filter": texts["c"]}])
    said = [CliRunner().invoke(app, ["migrate", "--store", address], prog_name="custcrm") for _ in range(2)]
    named = [
        "segment 'a'", "segment 'b'", "segment 'c'", "segment 'f'", "category 'red' of program 'club'",
        "earning rule 'more' of program 'club'",
    ]
    assert [line.strip() for line in said[0].stdout.splitlines()[2:]] == named
    assert "nothing to do" in said[1].stdout and "segment" not in said[1].stdout


def test_what_a_migration_rereads_is_data(address: str) -> None:
    """Who migrates from Python, or reads JSON, gets the same names; a store without such filters names nothing."""
    rows: dict[str, Any] = rows_of_version_1()
    make_version(1, address, {**rows, "segments": {**rows["segments"], "name": "reds", "filter": "lines EXISTS"}})
    store = open_store(address)
    assert store.migrate() == (1, migrations.VERSION, ("segment 'reds'",))
    assert store.migrate() == (migrations.VERSION, migrations.VERSION, ())
    store.close()


def test_texts_that_are_there_are_found_folded_after_the_migrations(address: str) -> None:
    """Version 3 folds what version 2 kept, however many rows there are, and letters that were composed otherwise anew."""
    rows: dict[str, Any] = rows_of_version_1()
    make_version(2, address, rows)
    names = [unicodedata.normalize(form, "Åsa") for form in ("NFC", "NFD", "NFD")]
    for number, name in enumerate(names, 1):
        kept = {"id": f"{number}", "email": f"{number}", "card_number": f"{number}", "first_name": name}
        add_rows(address, "customers", [{**rows["customers"], **kept, "first_name_folded": name.casefold()}])
        add_rows(address, "tags", [{**rows["tags"], "customer_id": f"{number}", "value": name}])
        point = {**rows["contact_points"], "customer_id": f"{number}", "kind": "email"}
        further = [{**point, "id": f"{at}", "value": value} for at, value in enumerate((f"{name}@X.example", "ANN@X.example"))]
        add_rows(address, "contact_points", further)
        line = {**rows["sale_lines"], "customer_id": f"{number}", "product": name, "category": None}
        add_rows(address, "sale_lines", [line, {**line, "number": 6, "product": "plain"}])
    batch: Any = _scripts().get_revision("3").module.BATCH
    many = [{**rows["attributes"], "customer_id": "1", "key": f"{number}", "value": "Ö"} for number in range(batch + 1)]
    add_rows(address, "attributes", many)
    with custcrm.open(address, migrate=True, clock=ManualClock("2026-06-01T12:00Z")) as crm:
        wrong = [each.ids for each in crm.verify().findings if each.check == "folded"]
        assert wrong == [(ANNA,)], "whose copies are none since version 1"
        for form, wanted in (("CASEI", "åsa"), ("ACCENTI", "Asa")):
            for asked in ("{}(first_name)", "{}(tags.\"some key\")"):
                assert crm.select(f"{asked.format(form)} = '{wanted}'").ids() == ["1", "2", "3"]
            assert crm.select(f"EXISTS(lines WHERE {form}(product) = '{wanted}')").ids() == ["1", "2", "3"]
        with crm._business.store.read() as reader:
            for wanted in ("ann@x.example", "åsa@x.example"):
                assert len(list(reader.find(ContactPoint, {"value_folded": wanted}))) == 3
        assert crm.select(f"CASEI(attributes.\"{batch}\") = 'ö' AND ACCENTI(attributes.\"0\") = 'O'").ids() == ["1"]


# a version after this one, as the library will have it ----------------------------------------------

NEXT: Final = migrations.VERSION + 1
ADDS_A_COLUMN = 'op.add_column("custcrm_programs", sa.Column("note", sa.Text(), nullable=False, server_default="-"))'
FAILS_AFTER = f'{ADDS_A_COLUMN}\n    op.create_table("custcrm_customers", sa.Column("id", sa.Text()))'


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Give a function that adds a version to the library, with what its migration does."""

    def add(does: str) -> None:
        folder = tmp_path / "migrations"
        shutil.copytree(Path(migrations.__file__).parent, folder, dirs_exist_ok=True)
        (folder / "versions" / "next.py").write_text(
            f'import sqlalchemy as sa\nfrom alembic import op\nrevision = "{NEXT}"\ndown_revision = "{NEXT - 1}"\n'
            f"def upgrade():\n    {does}\n",
            "utf-8",
        )
        monkeypatch.setattr(schema, "MIGRATIONS", str(folder))
        monkeypatch.setattr(schema, "VERSION", NEXT)
        monkeypatch.setattr(migrations, "VERSION", NEXT)

    return add


def test_an_older_store_is_left_as_it_is_until_asked(old: str, next_version: Callable[[str], None]) -> None:
    """Opening it is a Conflict that says how to mend it, both times; nothing has changed meanwhile."""
    next_version(ADDS_A_COLUMN)
    for _ in range(2):
        with pytest.raises(Conflict, match=r"version 1 and this custcrm needs \d+; run `custcrm migrate`.*migrate=True"):
            custcrm.open(old)


def test_the_command_brings_an_older_store_up_to_date(old: str, next_version: Callable[[str], None]) -> None:
    """`custcrm migrate` says from where to where, and has nothing to do the second time; the rows get what is new."""
    next_version(ADDS_A_COLUMN)
    said = [CliRunner().invoke(app, ["migrate", "--store", old], prog_name="custcrm") for _ in range(2)]
    assert [each.exit_code for each in said] == [0, 0]
    assert f"version 1 -> {NEXT}, {NEXT - 1} step" in said[0].stdout
    assert "nothing to do" in said[1].stdout
    assert _programs(old) == [("club", "-")]


def test_a_migration_that_fails_leaves_the_older_store(old: str, next_version: Callable[[str], None]) -> None:
    """All of it or nothing: where a step of the new version fails, the store is still of the old one, and whole."""
    next_version(FAILS_AFTER)
    with pytest.raises(Conflict, match="the database refused this"):
        custcrm.open(old, migrate=True)
    store = open_store(old)
    assert store.version() == 1
    store.close()
    next_version(ADDS_A_COLUMN)
    custcrm.open(old, migrate=True).close()
    assert _programs(old) == [("club", "-")]


def _programs(address: str) -> list[Any]:
    engine = open_engine(address)
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.exec_driver_sql("SELECT name, note FROM custcrm_programs")]
    engine.dispose()
    return rows
