"""Fixtures for every test: how hard hypothesis looks, and a real PostgreSQL."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.postgresql_server import Server, running_server

# Fifty examples, and no deadline: a shared machine is slow at times, which is not what a law is about.
# At home each run draws other examples; where a change is judged, the same ones.
settings.register_profile("custcrm", max_examples=50, deadline=None, derandomize="CI" in os.environ)
settings.load_profile("custcrm")


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
