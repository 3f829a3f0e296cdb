"""Parity: generated filters give the same rows from SQL, on SQLite and PostgreSQL, as from Python."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from custcrm.filters.schema import Schema
from custcrm.filters.targets.sql import exact
from custcrm.filters.targets.sql.compile import bind_moments, compile_condition
from custcrm.testing import strategies
from custcrm.values.money import Money
from tests.filters.sql_stored import StoredSource, declare, stored
from tests.postgresql_server import Server

SCHEMA: Schema = strategies.demo_schema()
METADATA = sa.MetaData()
TABLES = declare(SCHEMA.types, METADATA)
ROW = TABLES["row"]


@frozen
class Prepared(StoredSource):
    """Tables on a connection that has our functions, as a store's connections have: without them SQLite has 64 bits."""

    @property
    def ours(self) -> bool:
        return True


SOURCE = Prepared(ROW, TABLES)


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def database(request) -> Iterator[sa.Connection]:
    if request.param == "sqlite":
        yield from _prepared("sqlite://")
    else:
        server: Server = request.getfixturevalue("postgresql_server")
        with server.database() as url:
            yield from _prepared(sa.make_url(url).set(drivername="postgresql+psycopg"))


def _prepared(url) -> Iterator[sa.Connection]:
    engine = sa.create_engine(url, query_cache_size=0)
    with engine.connect() as connection:
        METADATA.create_all(connection)
        if connection.dialect.name == "sqlite":
            driver: Any = connection.connection.driver_connection
            for name, arguments, compute in exact.FUNCTIONS:
                driver.create_function(name, arguments, compute, deterministic=True)
        yield connection
    engine.dispose()


@given(
    rows=st.lists(strategies.rows(SCHEMA), min_size=1, max_size=5),
    filters=st.lists(strategies.filters(SCHEMA), min_size=1, max_size=4),
    as_of=strategies.instants(),
)
def test_the_same_rows_from_sql_and_python(database, rows, filters, as_of):
    """A filter selects the same rows; its clause never NULL, and SQL's NOT of it selects all others."""
    everything = {place for place, _ in enumerate(rows, 1)}
    with database.begin_nested() as savepoint:
        for name, records in stored(SCHEMA.types, rows).items():
            database.execute(TABLES[name].insert(), records)
        for asked in filters:
            expected = {place for place, row in enumerate(rows, 1) if asked.matches(row, as_of=as_of)}
            bare, certain = (compile_condition(asked.lowered, SOURCE, certain=certain) for certain in (False, True))
            moments = bind_moments(bare, as_of, SCHEMA.zone, SCHEMA.feb29)
            assert _ids(database, bare.clause, moments) == expected, str(asked)
            assert _ids(database, certain.clause, moments) == expected, str(asked)
            assert _ids(database, sa.not_(certain.clause), moments) == everything - expected, str(asked)
        savepoint.rollback()


def _ids(database: sa.Connection, clause: sa.ColumnElement[bool], moments) -> set[int]:
    return set(database.scalars(sa.select(ROW.c["_id"]).where(clause), moments))


def test_to_sql_binds_its_moments(database):
    """Clauses of one filter as at two instants stand in one statement, each with its own time."""
    visited = SCHEMA.parse("last_sale_at >= ago('1 day')")
    older, newer = (visited.to_sql(ROW, as_of=as_of) for as_of in ("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z"))
    with database.begin_nested() as savepoint:
        rows = [{"last_sale_at": datetime(2026, month, 1, tzinfo=UTC)} for month in (3, 9)]
        database.execute(ROW.insert(), stored(SCHEMA.types, rows)["row"])
        assert _ids(database, sa.and_(older, sa.not_(newer)), {}) == {1}
        savepoint.rollback()


def test_money_is_in_minor_units(database):
    """A column of money holds what `Money.minor` gives."""
    spent = SCHEMA.parse("sales_total > 12.50 AND SUM(sales.total) = 0").to_sql(ROW, sales=TABLES["sales"])
    with database.begin_nested() as savepoint:
        rows = [{"sales_total": Money("12.50", "EUR")}, {"sales_total": Money("12.51", "EUR")}]
        database.execute(ROW.insert(), stored(SCHEMA.types, rows)["row"])
        assert _ids(database, spent, {}) == {2}
        savepoint.rollback()
