"""The server that other tests rely on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from tests.postgresql_server import Server

SCRIPT = Path(__file__).with_name("postgresql_server.py")


def test_a_database_is_empty_and_gone_afterwards(postgresql_server: Server) -> None:
    """Each database starts empty, and is dropped although somebody is still connected."""
    with postgresql_server.database() as url:
        connection = psycopg.connect(url, autocommit=True)
        connection.execute("CREATE TABLE t (n int)")
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    with postgresql_server.database() as other, psycopg.connect(other) as fresh:
        assert fresh.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_a_template_is_copied(postgresql_server: Server) -> None:
    """A database made from a template has its tables."""
    with postgresql_server.database() as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE t (n int)")
        name = url.removeprefix("postgresql://postgres@/").partition("?")[0]
        with postgresql_server.database(template=name) as copy, psycopg.connect(copy) as connection:
            assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_the_fixture_gives_a_url_for_psycopg(postgres_url: str) -> None:
    """The server knows UTF-8 and compares text by code point."""
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT 'ä' < 'z', 'Z' < 'a'").fetchone() == (False, True)


def test_the_server_dies_with_a_killed_parent() -> None:
    """Killing the process that asked for the server leaves neither the server nor its folder."""
    command = [sys.executable, str(SCRIPT), "--", "sh", "-c", 'echo "$CUSTCRM_POSTGRES_URL"; exec sleep 60']
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as parent:
        assert parent.stdout
        folder = Path(parent.stdout.readline().strip().partition("host=")[2])
        assert folder.is_dir()
        os.killpg(parent.pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()


def test_the_command_keeps_its_exit_status() -> None:
    """`postgresql_server.py -- command` ends as the command ended."""
    done = subprocess.run([sys.executable, str(SCRIPT), "--", sys.executable, "-c", "raise SystemExit(3)"], check=False)
    assert done.returncode == 3
