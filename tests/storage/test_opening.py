"""Opening a store: two at once, what is refused and left as it was, what can never be, and who may read a new file."""

import os
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier
from typing import Any

import psycopg
import pytest
from psycopg import sql

import custcrm
from custcrm import Conflict, Malformed, Unavailable
from custcrm.business import settle
from custcrm.records import Setting
from custcrm.storage.memory import MemoryStore
from custcrm.storage.migrations import VERSION_TABLE
from custcrm.storage.protocol import Store
from custcrm.storage.sql import find_version, open_store
from custcrm.testing import RecordingChannel

OPENS = """
import sys, time, custcrm
address, field, value, start = sys.argv[1:]
time.sleep(max(0, float(start) - time.time()))
try:
    with custcrm.open(address, **{field: value}) as crm:
        print("opened", {"currency": crm.currency, "timezone": str(crm.timezone), "country": crm._business.country}[field])
except custcrm.Conflict as error:
    print("Conflict", error)
"""
PAIRS = {"currency": ("EUR", "USD"), "timezone": ("Europe/Helsinki", "America/New_York"), "country": ("FI", "SE")}


def race(address: str, field: str) -> list[str]:
    """Open a store by two processes at one moment, each with another setting; return what became of each."""
    start = str(time.time() + 2.5)
    started = [
        subprocess.Popen([sys.executable, "-c", OPENS, address, field, value, start], stdout=subprocess.PIPE, text=True)
        for value in PAIRS[field]
    ]
    return [each.communicate(timeout=60)[0].strip() for each in started]


@pytest.fixture(params=["sqlite", "postgresql"])
def new(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of a store that is not there yet."""
    return str(tmp_path / "new.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url"))


@pytest.mark.parametrize("field", PAIRS)
def test_of_two_first_openers_with_different_settings_one_wins(new: str, field: str) -> None:
    """Exactly one opens, the other gets a Conflict, and both read the same afterwards."""
    told = race(new, field)
    assert sorted(each.split()[0] for each in told) == ["Conflict", "opened"]
    (winner,) = (each.removeprefix("opened ") for each in told if each.startswith("opened"))
    assert winner in PAIRS[field]
    with custcrm.open(new, **{field: winner}):
        pass
    with pytest.raises(Conflict):
        custcrm.open(new, **{field: next(each for each in PAIRS[field] if each != winner)})


def test_threads_that_settle_at_once_agree(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """However often it is tried, what one was told at opening is what the store keeps."""
    for store in (MemoryStore(), open_store(tmp_path / "s.db"), open_store(request.getfixturevalue("postgres_url"))):
        for number in range(20):
            line = Barrier(4)

            def opens(currency: str, line: Barrier = line, store: Any = store, number: int = number) -> str | None:
                line.wait()
                try:
                    return settle(store, {f"currency of {number}": currency})[f"currency of {number}"]
                except Conflict:
                    return None

            with ThreadPoolExecutor(4) as pool:
                told = list(pool.map(opens, ["EUR", "USD", "SEK", "NOK"]))
            with store.read() as reader:
                kept = reader.get(Setting, f"currency of {number}")
            assert [each for each in told if each is not None] == [kept.value]
        store.close()


# addresses ---------------------------------------------------------------------------------------


def test_what_is_not_there_is_not_made_unless_wanted(new: str, tmp_path: Path) -> None:
    """A script that looks at a mistyped store, or tenant, is told so, and leaves nothing."""
    before = sorted(each.name for each in tmp_path.iterdir())
    schemas = [None, "tenant_7"] if "://" in new else [None]
    for schema in schemas:
        with pytest.raises(Unavailable, match="no store"):
            custcrm.open(new, schema=schema, create=False)
        assert find_version(new, schema_name=schema) is None
        assert sorted(each.name for each in tmp_path.iterdir()) == before
    for schema in schemas:
        custcrm.open(new, schema=schema).close()
        custcrm.open(new, schema=schema, create=False).close()
    with pytest.raises(Malformed):
        custcrm.open(create=False)


@pytest.mark.parametrize("lost", [{"currency"}, {"currency", "timezone"}], ids=["one", "both"])
def test_lost_settings_are_not_taken_for_the_defaults(lost: set[str], new: str) -> None:
    """A store that holds customers waits to be told, and writes nothing before."""
    store = open_store(new)
    settings = {"currency": "USD", "timezone": "America/New_York"}
    with custcrm.open(store, **settings) as crm:
        crm.customers.add(first_name="Anna")
        with crm._business.store.write() as writer:
            for each in lost:
                writer.remove(Setting, each)
        with pytest.raises(Conflict, match="settings are lost"):
            custcrm.open(store)
        assert [each.name for each in kept(store)] == sorted(settings.keys() - lost)
        custcrm.open(store, **settings)
        assert {each.name: each.value for each in kept(store)} == settings


def kept(store: Store) -> list[Setting]:
    with store.read() as reader:
        return list(reader.find(Setting))


@pytest.mark.parametrize("channels", [{"sms": object()}, {"sms": RecordingChannel}, ["sms"], {7: RecordingChannel()}, "sms"])
def test_a_channel_is_an_object_that_sends(channels: Any, tmp_path: Path) -> None:
    """What could never send is refused at opening, not when messages have been claimed for it; no store is made for it."""
    for place in (None, tmp_path / "shop.db"):
        with pytest.raises(Malformed) as refused:
            custcrm.open(place, channels=channels)
        assert refused.value.field == "channels"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "address", [3, b"shop.db", "", "  ", [], 2.5, {}, "shop\0.db", "file:shop.db?mode=ro", "sqlite:///x.db?immutable=1",
                "sqlite:///file:x?mode=memory&cache=shared&uri=true", "sqlite:///file:x.db?immutable=1&uri=true",
                "sqlite:///file:x.db?nolock=1&uri=true", "sqlite:///x.db?vfs=nope",
                "sqlite+pysqlcipher:///x.db", "sqlite:///\ud800.db", "http://[", "postgresql://host:port/x",
                "postgresql://" + "a" * 100_000, "postgresql://" + "a" * 100, "postgresql://h:0/x", "postgresql://h:99999/x", "postgresql://h/x?port=0",
                "postgresql://h\0/x", "postgresql://h\ud800/x", "postgresql://u:p\0@h/x", "postgresql://h/x?conninfo=x",
                "postgresql://h/x?plugin=x", "postgresql://h/x?sslmod=require"], ids=lambda address: repr(address)[:50],
)  # fmt: skip
def test_what_is_no_address_is_malformed(address: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is given, the error is ours and comes at once, and nothing is made."""
    monkeypatch.chdir(tmp_path)
    begun = time.monotonic()
    with pytest.raises(Malformed) as refused:
        custcrm.open(address)
    assert refused.value.field == "store"
    assert time.monotonic() - begun < 5
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    """A folder, a pipe, a path through a file and a folder that is missing are each told by name; a pipe is not waited for."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "text").write_text("x")
    for path, error, says in (
        (tmp_path, Malformed, "folder"), (tmp_path / "pipe", Malformed, "not that of a file"),
        (tmp_path / "text" / "shop.db", Malformed, "through a file"),
        (tmp_path / "no" / "shop.db", Unavailable, "make it first"),
    ):  # fmt: skip
        with pytest.raises(error, match=says):
            custcrm.open(path)


@pytest.mark.parametrize("mode", ["full", "normal"])
@pytest.mark.parametrize("store", ["memory", "sqlite", "postgresql"])
def test_durability_is_one_of_two_words(store: str, mode: Any, request: pytest.FixtureRequest) -> None:
    """It is taken by every store, and any other word by none; SQLite syncs as it says, PostgreSQL waits as it says."""
    address = None if store == "memory" else str(request.getfixturevalue(f"{store}_store"))
    with pytest.raises(Malformed, match="durability is one of full, normal"):
        custcrm.open(address, durability="none")  # type: ignore[arg-type]
    with custcrm.open(address, durability=mode) as crm:
        kept: Any = crm._business.store
        if store == "memory":
            return
        asks = "PRAGMA synchronous" if store == "sqlite" else "SHOW synchronous_commit"
        with kept._engine.connect() as connection:
            (found,) = connection.exec_driver_sql(asks).one()
        if store == "sqlite":
            assert found == {"full": 2, "normal": 1}[mode]
        elif mode == "normal":
            assert found == "off"


# what is refused is left as it was ---------------------------------------------------------------


def left(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in sorted(folder.iterdir())}


def foreign(path: Path, *statements: str, log: str = "DELETE") -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA journal_mode = {log}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


REFUSED = {
    "text": lambda path: path.write_text("just a text, and long enough to be looked at as a database file" * 40),
    "short": lambda path: path.write_bytes(b"SQLite format 3\0 but nothing more"),
    "damaged": lambda path: path.write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 40),
    "newer": lambda path: foreign(
        path, f"CREATE TABLE {VERSION_TABLE} (version_num TEXT)", f"INSERT INTO {VERSION_TABLE} VALUES ('99')",
        "CREATE TABLE custcrm_customers (id TEXT)",
    ),
    "other names": lambda path: foreign(
        path, f"CREATE TABLE {VERSION_TABLE} (version_num TEXT)", f"INSERT INTO {VERSION_TABLE} VALUES ('1')",
    ),
    "newer, with a log": lambda path: foreign(
        path, f"CREATE TABLE {VERSION_TABLE} (version_num TEXT)", f"INSERT INTO {VERSION_TABLE} VALUES ('99')",
        "CREATE TABLE custcrm_customers (id TEXT)", log="WAL",
    ),
}  # fmt: skip


@pytest.mark.parametrize("migrate", [False, True])
@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_refused_is_left_as_it_was(name: str, migrate: bool, tmp_path: Path) -> None:
    """Not a byte of it is changed, nor the way it keeps its log, and nothing is left beside it."""
    REFUSED[name](tmp_path / "shop.db")
    before = left(tmp_path)
    for _ in range(2):
        with pytest.raises((Malformed, Conflict)):
            custcrm.open(tmp_path / "shop.db", migrate=migrate)
    assert left(tmp_path) == before


def test_what_is_no_database_is_malformed(tmp_path: Path) -> None:
    """It is told that the file is none; trying again later would not help."""
    for name in ("text", "short"):
        REFUSED[name](tmp_path / name)
        with pytest.raises(Malformed, match="no SQLite database"):
            custcrm.open(tmp_path / name)


def test_a_file_that_ends_in_its_header_is_no_database(tmp_path: Path) -> None:
    """The first words of one are not enough, and a link to nothing is told as such."""
    short, link = tmp_path / "short.db", tmp_path / "link.db"
    short.write_bytes(b"SQLite format 3\0")
    link.symlink_to(tmp_path / "nowhere.db")
    with pytest.raises(Malformed):
        custcrm.open(short)
    with pytest.raises(Unavailable, match="link"):
        custcrm.open(link)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.db", "short.db"]


def test_what_the_server_does_not_allow_is_told(postgres_url: str) -> None:
    """A standby, a lost table, a database of other texts: each is an error of ours that says what it is."""
    with custcrm.open(postgres_url) as crm:
        anna = crm.customers.add(first_name="Anna")
        with psycopg.connect(postgres_url, autocommit=True) as server:
            server.execute("DROP TABLE custcrm_tasks, custcrm_tags")
            with pytest.raises(Conflict, match="verify"):
                crm.tags.set(anna, "VIP")
            assert {each.table for each in crm.verify().findings} == {"tags", "tasks"}
            name = server.info.dbname
            server.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(sql.Identifier(name)))
    with pytest.raises(Unavailable, match="no changes now"), custcrm.open(postgres_url) as crm:
        crm.customers.add(first_name="Ben")


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    """A file of no bytes is a database with nothing in it; it keeps its mode."""
    (tmp_path / "shop.db").touch(0o640)
    (tmp_path / "shop.db").chmod(0o640)
    with custcrm.open(tmp_path / "shop.db") as crm:
        crm.customers.add(first_name="Anna")
        assert modes(tmp_path) == {"shop.db": 0o640, "shop.db-shm": 0o640, "shop.db-wal": 0o640}


# who may read it ---------------------------------------------------------------------------------


def modes(folder: Path) -> dict[str, int]:
    return {each.name: stat.S_IMODE(each.stat().st_mode) for each in sorted(folder.iterdir())}


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o377])
def test_a_new_file_is_its_owners_alone(tmp_path: Path, mask: int) -> None:
    """The file and those beside it can be read and written by their owner, and nobody else, whatever the umask."""
    before = os.umask(mask)
    try:
        with custcrm.open(tmp_path / "shop.db") as crm:
            crm.customers.add(first_name="Anna")
            assert modes(tmp_path) == {"shop.db": 0o600, "shop.db-shm": 0o600, "shop.db-wal": 0o600}
    finally:
        os.umask(before)


READS_ONLY = """
import os, pwd, sys, time, custcrm
address, other = sys.argv[1:]
custcrm.open(other).close()  # what is imported late is imported now
if os.geteuid() == 0:  # root may write everything
    os.setuid(pwd.getpwnam("nobody").pw_uid)
begun = time.monotonic()
try:
    custcrm.open(address)
except custcrm.Unavailable as error:
    print(error, time.monotonic() - begun < 5)
"""


@pytest.fixture
def shared() -> Iterator[Path]:
    """Give a folder that others can reach; those of pytest are its user's."""
    with TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
        Path(folder).chmod(0o755)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_cannot_be_written_is_told_at_once(shared: Path, what: str, tmp_path: Path) -> None:
    """A file or folder that is read-only for the process is Unavailable, by a sentence that says what to do."""
    path = shared / "shop.db"
    if what == "file":
        custcrm.open(path).close()
        path.chmod(0o444)
        shared.chmod(0o777)
    else:
        shared.chmod(0o555)
    command = [sys.executable, "-c", READS_ONLY, str(path), str(tmp_path / "other.db")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "cannot be written by this process" in done.stdout, done.stderr
    assert done.stdout.strip().endswith("True")
