"""Fixtures for every test: what hypothesis draws, and empty stores on a file and on a real PostgreSQL."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.internal.conjecture import engine, providers

from custcrm.storage.sql import open_store
from custcrm.storage.sql.schema import VERSION_TABLE
from tests.postgresql_server import Server, delete_rows, running_server

# "same" draws the same examples for everybody, today and tomorrow: what is red is so because of a change. "fresh", for
# `make proofs`, draws more, and others under each --hypothesis-seed. "unshrunk", for `make sabotage`, does not make small what
# failed.
# No law is about how busy the machine is.
SAME = settings(
    max_examples=25, derandomize=True, database=None, deadline=None, print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
settings.register_profile("same", SAME)
settings.register_profile("fresh", SAME, max_examples=100, derandomize=False)
settings.register_profile("unshrunk", SAME, max_examples=50, phases=(Phase.explicit, Phase.generate))
settings.load_profile("same")

# Two things of hypothesis for which it has no setting. It shrinks what failed for five minutes; a tenth tells enough.
# And it draws constants out of the modules that happen to be imported, of a folder that is not called "tests".
assert hasattr(engine, "MAX_SHRINKING_SECONDS") and hasattr(providers, "_get_local_constants")
engine.MAX_SHRINKING_SECONDS = 30
providers._get_local_constants = lambda: providers._local_constants


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--proofs", choices=["short", "long"], default="short", help="seconds, or minutes as in `make proofs`")


@pytest.fixture(scope="session")
def long(pytestconfig: pytest.Config) -> bool:
    """Tell whether the long form of what takes seconds in `make test` was asked for."""
    return str(pytestconfig.getoption("--proofs")) == "long"


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """Run one PostgreSQL for each worker of the session, when the first test asks for it."""
    with running_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgresql_server: Server) -> Iterator[str]:
    """Give the URL of an empty database, dropped after the test."""
    with postgresql_server.database() as url:
        yield url


@pytest.fixture(scope="session")
def _postgresql_store(postgresql_server: Server) -> Iterator[str]:
    with postgresql_server.database() as url:
        open_store(url).close()
        yield url


@pytest.fixture
def postgresql_store(_postgresql_store: str) -> Iterator[str]:
    """Give the URL of a store that has been set up and is empty: always the same database, as to make one takes long."""
    yield _postgresql_store
    delete_rows(_postgresql_store, but_of=VERSION_TABLE)


@pytest.fixture(scope="session")
def _sqlite_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "empty.db"
    open_store(path).close()
    return path


@pytest.fixture
def sqlite_store(_sqlite_store: Path, tmp_path: Path) -> Path:
    """Give the path of a store that has been set up and is empty: a copy of one."""
    return Path(shutil.copyfile(_sqlite_store, tmp_path / "shop.db"))
