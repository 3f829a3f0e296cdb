"""URLs of a PostgreSQL store: what is wrong in one is told as such, and what is only away as that."""

from typing import Any

import psycopg
import pytest

import custcrm
from custcrm import Malformed, Unavailable


@pytest.mark.parametrize(
    "option", ["nonsense=1", "connect_timeout=abc", "connect_timeout=1&connect_timeout=2", "sslmode=bogus", "service=none",
               "hostaddr=abc", "hostaddr=127.0.0.1,127.0.0.2", "target_session_attrs=x", "port=1,2,3", "port=-1",
               "options=-c%20nonsense%3D1", "options=--bogus", "options=-c%20datestyle%3Dnonsense", "application_name=%00",
               "autocommit=x", "row_factory=x", "cursor_factory=x", "prepare_threshold=x", "context=x", "conninfo=x",
               "replication=database", "require_auth=x", "min_protocol_version=x"],
)  # fmt: skip
def test_options_that_cannot_be_are_malformed(option: str, postgres_url: str) -> None:
    """Whatever stands after the ? of a URL, the error is ours, says that the URL is wrong, and shows nothing secret of it."""
    found: Any = None
    try:
        custcrm.open(f"{postgres_url.replace('postgres@', 'postgres:s3cret@')}&{option}").close()
    except Exception as error:  # noqa: BLE001 (whatever it is, it is looked at)
        found = error
    assert (type(found), getattr(found, "field", None)) == (Malformed, "store")
    assert "s3cret" not in f"{found} {found!r}"
    with psycopg.connect(postgres_url) as server:
        assert server.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_a_mistyped_option_is_answered_by_the_right_one(postgres_url: str) -> None:
    """What is near to an option that there is, is told; options that there are hold."""
    with pytest.raises(Malformed, match="connect_timeout") as refused:
        custcrm.open(f"{postgres_url}&conect_timeout=5")
    assert refused.value.suggestions[0] == "connect_timeout"
    custcrm.open(f"{postgres_url}&connect_timeout=5&application_name=shop&keepalives=1&sslmode=prefer").close()


def test_a_server_that_cannot_be_reached_is_unavailable(postgres_url: str) -> None:
    """An address that is well written may be reached later: another host, port, database or role is no mistake in it."""
    for address in ("postgresql://localhost:1/x", "postgresql://nowhere.invalid/x", f"{postgres_url}&dbname=other",
                    f"{postgres_url}&user=other", "postgresql:///x?host=/nowhere"):  # fmt: skip
        with pytest.raises(Unavailable):
            custcrm.open(address)
