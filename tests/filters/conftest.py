"""A SQLite in memory and a real PostgreSQL, each with the tables of `sql_tables`."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from tests.filters.sql_tables import fill
from tests.postgresql_server import Server


@pytest.fixture(scope="session")
def sqlite_tables() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://", query_cache_size=0)
    with engine.connect() as connection:
        fill(connection)
        yield connection
    engine.dispose()


@pytest.fixture(scope="session")
def postgresql_tables(postgresql_server: Server) -> Iterator[sa.Connection]:
    with postgresql_server.database() as url:
        engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"), query_cache_size=0)
        with engine.connect() as connection:
            fill(connection)
            connection.commit()
            yield connection
        engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def tables(request: pytest.FixtureRequest) -> sa.Connection:
    """Give a connection to the tables on each database in turn; a test leaves them as they were."""
    connection: sa.Connection = request.getfixturevalue(f"{request.param}_tables")
    return connection
