"""SQLite files: how one is looked at, made and opened. The names to know are `make_engine` and `looking`.

Write-ahead log, foreign keys, one writer that waits for its turn (BEGIN IMMEDIATE), readers on a snapshot. A file
that is refused is left as it was, byte by byte.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlencode, urlsplit

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine

from custcrm.filters.targets.sql import exact
from custcrm.storage import protocol
from custcrm.storage.protocol import Durability
from custcrm.storage.sql.connections import keep_from_children, quiet_engine
from custcrm.values.errors import Closed, Malformed, Unavailable

POLL_SECONDS: Final = 0.002
"""How often a writer looks whether another process has ended its transaction. SQLite's own waiting comes to look every tenth of
a second, and so is overtaken by whoever writes one transaction after the other."""
LONG_SECONDS: Final = 0.02
"""What lasts longer, a batch, lets other processes have a turn before the next transaction of this one."""
CACHE_KIBIBYTES: Final = {True: 65_536, False: 4_096}
"""Of a connection that writes, and of one that reads. Bulk writes are several times slower with SQLite's own 2 MB; scans of a
large file are a third slower with 64 MB, as pages are then kept that are not needed again."""
READERS: Final = 8
"""Connections kept open; more are made when more threads ask at once."""
PRIVATE: Final = 0o600
"""The mode of a new file, and so of those beside it: its owner alone, whatever the umask."""

_USE: Final = "custcrm_writes"
"""Where a connection notes whether it is set up to write, or to read."""
_SYNCHRONOUS: Final = {"full": "FULL", "normal": "NORMAL"}
_MAGIC: Final = b"SQLite format 3\0"
_HEAD: Final = 100
"""Bytes of the header of a database file, which begins with the magic."""
_BUSY: Final = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_PRIMARY: Final = 0xFF
"""The bits of SQLite's error codes that tell the kind; the others tell more closely."""

_INHERITED: Final[set[tuple[int, int]]] = set()
"""Device and inode of files that this process was forked with a connection to: SQLite takes the parent's locks for its own."""

ABSENT: Final = "there is no store at this address; custcrm.open makes one, and so does an import"
NO_DATABASE: Final = "the file is no SQLite database (or an encrypted one); nothing in it was changed"
READ_ONLY: Final = (
    "the file or its folder cannot be written by this process; a store writes both, as SQLite's log lies beside the file"
)


def make_engine(url: URL, durability: Durability, *, create: bool = True) -> Engine:
    """Return the engine of a file, which is made, private to its owner, if it is not there and `create` says so.

    Raises Malformed for what is no file or no database, Unavailable where the folder is not there or cannot be written.
    """
    path, parameters = _place(url)
    _check(path)
    if create:
        _make_file(path)
    address = _uri(path, {**parameters, "mode": "rw"})

    def connect() -> sqlite3.Connection:
        if _identity(path) in _INHERITED:
            raise Closed(
                "this process was forked while its parent was within a transaction of this SQLite file, which cannot be used "
                "then; fork outside of transactions, or start processes by 'spawn' or 'forkserver'"
            )
        return sqlite3.connect(address, uri=True, timeout=protocol.WAIT_SECONDS, check_same_thread=False)

    engine = quiet_engine(
        URL.create("sqlite+pysqlite", database=str(path)),
        creator=connect,
        poolclass=sa.QueuePool,
        pool_size=READERS,
        max_overflow=-1,
    )
    event.listen(engine, "connect", _preparing(durability))
    event.listen(engine, "begin", _begin)
    keep_from_children(engine, closes_before=True, inherited=lambda: _INHERITED.add(_identity(path)))
    return engine


@contextmanager
def looking(engine: Engine) -> Iterator[Connection | None]:
    """Give a connection that changes nothing of the file, nor leaves anything beside it; None where there is nothing."""
    path = Path(str(engine.url.database))
    head = b""
    with suppress(FileNotFoundError), path.open("rb") as file:
        head = file.read(20)
    if not head:
        yield None
        return
    # With a log that is switched on but not there, SQLite would make one to read: nobody writes, so it need not.
    quiet = head[18] == 2 and not path.with_name(path.name + "-wal").exists()
    address = _uri(path, {"immutable": "1"} if quiet else {"mode": "ro"})
    try:
        connected = _connect_to_look(address)
    except sqlite3.OperationalError:  # what a process that died left has to be undone first, as whoever opens it would
        connected = _connect_to_look(_uri(path, {"mode": "rw"}))
    looked = quiet_engine("sqlite+pysqlite://", creator=lambda: connected, poolclass=sa.StaticPool)
    try:
        with looked.connect() as connection:
            yield connection
    finally:
        looked.dispose()


def _connect_to_look(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, timeout=protocol.WAIT_SECONDS)
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


# the file ----------------------------------------------------------------------------------------


def _place(url: URL) -> tuple[Path, dict[str, str]]:
    """Return the file, and what SQLite is told of how to open it."""
    named, told = url.database or "", {name: str(value) for name, value in url.query.items()}
    told.pop("uri", None)
    if named.startswith("file:"):
        parts = urlsplit(named)
        named = unquote(parts.path)
        told = {**dict(each.partition("=")[::2] for each in parts.query.split("&") if each), **told}
    if not named.strip() or named == ":memory:" or told.get("mode") == "memory":
        raise Malformed("SQLite keeps its data in a file; leave the address out for a store in memory", field="store")
    if "\0" in named:
        raise Malformed("the path of a file has no NUL in it", field="store")
    if told.get("mode") == "ro" or told.keys() & {"immutable", "nolock", "vfs"}:
        raise Malformed("a store is written to, by several at once: leave out mode=ro, immutable, nolock, vfs", field="store")
    return Path.cwd() / named, told


def _check(path: Path) -> None:
    """Refuse what can be no store, without touching it."""
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise Malformed("the path is that of a folder; a store is a file in it", field="store")
        if not stat.S_ISREG(found.st_mode):
            raise Malformed("the path is not that of a file", field="store")
        with path.open("rb") as file:
            head = file.read(_HEAD)
            if head and not (head.startswith(_MAGIC) and len(head) == _HEAD):
                raise Malformed(NO_DATABASE, field="store")
        if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)):
            raise Unavailable(READ_ONLY)
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise Unavailable("the folder of the file is not there; make it first") from None
        if path.is_symlink():
            raise Unavailable("the path is a link to a file that is not there") from None
    except NotADirectoryError:
        raise Malformed("the path leads through a file, not a folder", field="store") from None
    except UnicodeError:
        raise Malformed("the path is no text that a file can be named by", field="store") from None
    except OSError as error:
        raise Unavailable(f"the file cannot be read ({error.strerror})") from None


def _make_file(path: Path) -> None:
    try:
        new = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), PRIVATE)
    except FileExistsError:
        return
    except OSError as error:
        raise Unavailable(f"{READ_ONLY} ({error.strerror})") from None
    try:
        os.fchmod(new, PRIVATE)
    finally:
        os.close(new)


def _uri(path: Path, parameters: dict[str, str]) -> str:
    return f"{path.as_uri()}?{urlencode(parameters)}"


def _identity(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return found.st_dev, found.st_ino


# connections -------------------------------------------------------------------------------------


def _preparing(durability: Durability) -> Callable[[sqlite3.Connection, object], None]:
    def prepare(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself: see _begin
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {_SYNCHRONOUS[durability]}")
        _use_write_ahead_log(connection)
        connection.execute("PRAGMA secure_delete = ON")  # what erasure clears is overwritten, not only unlinked
        for name, arguments, compute in exact.FUNCTIONS:
            connection.create_function(name, arguments, compute, deterministic=True)

    return prepare


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch the file's log once; the switch does not wait for its turn, so that is done here.

    SQLite answers with another mode, and no error, where the log can never be had.
    """
    until = time.monotonic() + protocol.WAIT_SECONDS
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)
            continue
        if mode != "wal":
            raise Malformed(
                f"SQLite cannot keep a write-ahead log here (it answers {mode!r}); put the file on a local disk", field="store"
            )
        return


def _begin(connection: Connection) -> None:
    # A deferred transaction that turns to writing fails at once when another has written: writers begin as such.
    writes = bool(connection.get_execution_options().get("custcrm_write"))
    driver: Any = connection.connection.driver_connection
    if connection.info.get(_USE) != writes:
        connection.info[_USE] = writes
        driver.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES[writes]}")
        # Who writes waits here, and for nobody afterwards; who reads, for the moments in which the log is begun or ended.
        driver.execute(f"PRAGMA busy_timeout = {0 if writes else 1_000 * protocol.WAIT_SECONDS}")
    if not writes:
        driver.execute("BEGIN")
        return
    until = time.monotonic() + protocol.WAIT_SECONDS
    while True:
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > until:
                raise
            time.sleep(POLL_SECONDS)
        else:
            return


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & _PRIMARY in _BUSY


class Pause:
    """Around each transaction that writes: after a long one the next begins when all who wait have looked.

    What is done between the two counts; so only who has nothing else to do is kept waiting, for a few milliseconds.
    """

    def __init__(self) -> None:
        self._begun = self._next = 0.0

    def __enter__(self) -> None:
        wait = self._next - time.monotonic()
        if wait > 0:  # to sleep for no time at all takes longer than many a transaction
            time.sleep(wait)
        self._begun = time.monotonic()

    def __exit__(self, *_: object) -> None:
        now = time.monotonic()
        self._next = now + 2 * POLL_SECONDS if now - self._begun > LONG_SECONDS else 0.0
