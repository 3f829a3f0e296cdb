"""Stores of earlier versions: what was kept in them is there after the migration, with the defaults of what is new."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from typer.testing import CliRunner

import custcrm
from custcrm import Conflict
from custcrm.cli.app import app
from custcrm.records import (
    RECORDS,
    Applied,
    Category,
    Coupon,
    CouponSeries,
    Customer,
    Membership,
    Message,
    PointsEntry,
    Program,
    Sale,
    Setting,
    Target,
)
from custcrm.records.programs import Access
from custcrm.storage.columns import key_of
from custcrm.storage.sql import schema
from custcrm.storage.sql.engine import open_engine
from custcrm.storage.sql.types import microseconds
from custcrm.testing import ManualClock
from custcrm.values.money import Money

THEN = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
LATER = datetime(2027, 1, 1, tzinfo=UTC)
ANNA = "01900000-0000-7000-8000-000000000001"
MINE = {"customer_id": ANNA, "applied_id": None, "actor": "maija"}

ROWS: Mapping[str, Mapping[str, Any]] = {
    "settings": {"name": "currency", "value": "EUR"},
    "programs": {"name": "club", "title": "Club", "default_access": "full", "notifications": "sms", "created_at": THEN},
    "categories": {"program": "club", "name": "New Customers", "created_at": THEN},
    "coupon_series": {
        "name": "welcome", "program": "club", "title": "", "description": "", "codes": "unique", "capacity": 10, "issued": 1,
        "revoke_frees": True, "restore_on_cancel": True, "created_at": THEN,
    },
    "applied": {
        "key": "spring", "id": "a1", "action": "credit_points", "content": "0", "arguments": '{"points":5}', "actor": "",
        "as_of": THEN, "eligible": 1, "done": 1, "reserved": 0, "skipped": "{}",
    },
    "customers": {
        "id": ANNA, "kind": "person", "status": "active", "first_name": "Anna", "first_name_folded": "anna",
        "loyalty_eligible": True, "coupon_eligible": True, "signed_up_at": THEN, "created_at": THEN,
    },
    "memberships": {
        "customer_id": ANNA, "program": "club", "access": "full", "category": "New Customers", "joined_at": THEN,
    },
    "sales": {
        "customer_id": ANNA, "id": "s1", "occurred_at": THEN, "total": 1250, "total_currency": "EUR", "units": 3,
        "program": "club", "source": "in_store", "external_id": "r-1", "recorded_at": THEN,
    },
    "points_entries": {
        **MINE, "id": "p1", "program": "club", "kind": "credit", "delta": 5, "lot_id": "p1", "occurred_at": THEN,
        "expires_at": LATER, "terminal": "api", "text": "", "reason": "", "applied_id": "a1",
    },
    "coupons": {
        **MINE, "id": "c1", "series": "welcome", "code": "ABC", "ordinal": 1, "issued_at": THEN, "expires_at": LATER,
        "reason": "",
    },
    "messages": {
        **MINE, "id": "m1", "channel": "sms", "purpose": "service", "text": "Hello", "status": "planned", "points": 5,
        "planned_at": THEN,
    },
    "targets": {"applied_id": "a1", "number": 1, "customer_id": ANNA},
}  # fmt: skip
"""One row of each kind as version 1 kept it, those that others refer to first."""

RECORDS_NOW: tuple[Any, ...] = (
    Setting(name="currency", value="EUR"),
    Program(name="club", title="Club", notifications="sms", created_at=THEN),
    Category(program="club", name="New Customers", created_at=THEN),
    CouponSeries(name="welcome", program="club", capacity=10, issued=1, created_at=THEN),
    Applied(
        key="spring", id="a1", action="credit_points", content="0", arguments={"points": 5}, as_of=THEN, eligible=1, done=1,
    ),
    Customer(id=ANNA, first_name="Anna", first_name_folded="anna", signed_up_at=THEN, created_at=THEN),
    Membership(customer_id=ANNA, program="club", access=Access.FULL, joined_at=THEN),
    Sale(
        customer_id=ANNA, id="s1", occurred_at=THEN, total=Money("12.50", "EUR"), units=3, program="club", external_id="r-1",
        recorded_at=THEN,
    ),
    PointsEntry(
        customer_id=ANNA, id="p1", program="club", kind="credit", delta=5, lot_id="p1", occurred_at=THEN, expires_at=LATER,
        actor="maija", applied_id="a1",
    ),
    Coupon(
        customer_id=ANNA, id="c1", series="welcome", code="ABC", ordinal=1, issued_at=THEN, expires_at=LATER, actor="maija",
    ),
    Message(
        customer_id=ANNA, id="m1", channel="sms", purpose="service", text="Hello", points=5, planned_at=THEN, actor="maija",
    ),
    Target(applied_id="a1", number=1, customer_id=ANNA),
)  # fmt: skip
"""What these rows are to this version: every column that is new has the record's own default."""


def make_version(number: int, address: Any, rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Make a store by the migrations up to a version, and put rows into its tables as they are then."""
    engine = open_engine(address)
    with engine.connect().execution_options(custcrm_write=True) as connection, connection.begin():
        config = Config()
        config.set_main_option("script_location", schema.MIGRATIONS)
        config.attributes["connection"] = connection
        command.upgrade(config, str(number))
        tables = sa.MetaData()
        tables.reflect(connection)
        for name, values in rows.items():
            connection.execute(sa.insert(tables.tables[name]), [_kept(values, connection.dialect.name)])
    engine.dispose()


def _kept(values: Mapping[str, Any], dialect: str) -> dict[str, Any]:
    """Return values as the engine's tables keep them."""
    if dialect != "sqlite":
        return dict(values)
    return {name: microseconds(value) if isinstance(value, datetime) else value for name, value in values.items()}


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request: pytest.FixtureRequest, tmp_path: Any) -> str:
    """Give the address of a store of version 1 that has been used."""
    address = str(tmp_path / "shop.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url"))
    make_version(1, address, ROWS)
    return address


def test_an_old_store_is_left_as_it_is_until_asked(old: str) -> None:
    """Opening it is a Conflict that says how to mend it, both times; nothing has changed meanwhile."""
    for _ in range(2):
        with pytest.raises(Conflict, match=r"version 1 and this custcrm needs \d+; run `custcrm migrate`.*migrate=True"):
            custcrm.open(old)


def test_what_was_kept_is_there_after_the_migration(old: str) -> None:
    """Every record of a store of version 1 is found as it was, with the defaults of what is new; then it opens as any."""
    with custcrm.open(old, migrate=True) as crm, crm._business.store.read() as reader:
        kept: list[Any] = []
        for kind in RECORDS:
            kept += reader.find(kind)
    by_key = {(type(record), key_of(record)): record for record in kept}
    assert {(type(each), key_of(each)): each for each in RECORDS_NOW}.items() <= by_key.items()
    assert {type(each) for each in kept} == {type(each) for each in RECORDS_NOW}
    custcrm.open(old).close()


def test_what_was_kept_is_used_after_the_migration(old: str) -> None:
    """Metrics, balances and coupons are what they were; what is new can be asked, and the store can be written."""
    clock = ManualClock("2026-06-01T12:00Z")
    with custcrm.open(old, migrate=True, clock=clock) as crm:
        kept = "sales_count = 1 AND sales_total = 12.50 AND average_check = 12.50 AND units_total = 3"
        assert crm.select(kept).ids() == [ANNA]
        assert crm.select("programs.club.points = 5 AND COUNT(refunds) = 0 AND NOT accounts.wallet EXISTS").ids() == [ANNA]
        assert [coupon.code for coupon in crm.coupons.of(ANNA)] == ["ABC"]
        assert crm.points.balance(ANNA, "club") == 5
        crm.points.credit(ANNA, "club", 7, notify=False)
        crm.sales.record(ANNA, "7.50")
        assert crm.points.balance(ANNA, "club") == 12
        assert crm.select("sales_count = 2 AND sales_total = 20").ids() == [ANNA]


def test_the_command_brings_an_old_store_up_to_date(old: str) -> None:
    """`custcrm migrate` says from where to where, and has nothing to do the second time."""
    said = [CliRunner().invoke(app, ["migrate", "--store", old], prog_name="custcrm") for _ in range(2)]
    assert [each.exit_code for each in said] == [0, 0]
    steps = schema.VERSION - 1
    assert f"version 1 -> {schema.VERSION}, {steps} step" in said[0].stdout
    assert "nothing to do" in said[1].stdout
    custcrm.open(old).close()


def test_a_migration_that_fails_leaves_the_old_store(old: str) -> None:
    """All of it or nothing: where a table of the new version is in the way, the store is still of version 1, and whole."""
    engine = open_engine(old)
    with engine.connect().execution_options(custcrm_write=True) as connection, connection.begin():
        connection.exec_driver_sql("CREATE TABLE openings (id TEXT)")
    with pytest.raises(Exception, match="openings"):
        custcrm.open(old, migrate=True)
    with engine.connect().execution_options(custcrm_write=True) as connection, connection.begin():
        assert schema.version(connection) == 1
        assert "redeemed_at" in {each["name"] for each in sa.inspect(connection).get_columns("coupons")}
        connection.exec_driver_sql("DROP TABLE openings")
    engine.dispose()
    with custcrm.open(old, migrate=True) as crm:
        assert crm.select("sales_total = 12.50").ids() == [ANNA]
