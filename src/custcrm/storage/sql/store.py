"""The SQL store: records in a SQLite file or a PostgreSQL database. The name to know is `open_store`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock, local
from typing import Final

from sqlalchemy.engine import Connection, Engine

from custcrm.storage.protocol import Reader, Writer
from custcrm.storage.sql import schema
from custcrm.storage.sql.engine import open_engine, translated
from custcrm.storage.sql.reader import SqlReader
from custcrm.storage.sql.writer import SqlWriter
from custcrm.values.errors import Closed, OutcomeUnknown, Unavailable

NAMES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def open_store(address: str | Path) -> SqlStore:
    """Open the store at a path (a SQLite file) or a sqlite:/// or postgresql:// URL; set it up where there is none.

    One of another version is opened as it is: see `version` and `migrate`. Raises Malformed for other addresses,
    Unavailable where it cannot be reached.
    """
    store = SqlStore(open_engine(address))
    try:
        if store.version() is None:
            store.migrate()
    except BaseException:
        store.close()
        raise
    return store


class _OfThread(local):
    """What this thread is in the midst of."""

    writer: SqlWriter | None = None


class SqlStore:
    """Keeps records in a database. Threads share it; each has its own transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine: Engine | None = engine
        self._dialect = engine.dialect.name
        self._turn = RLock()
        self._here = _OfThread()

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Open a view: of one moment on SQLite, of one per statement on PostgreSQL. Inside a write(): that one."""
        if self._here.writer is not None:
            yield self._here.writer
            return
        # Not the view of a read() around this one: that is older than what this thread may have written since.
        with self._connection(writes=False) as connection:
            reader = SqlReader(connection)
            try:
                yield reader
            finally:
                reader.end()

    @contextmanager
    def write(self) -> Iterator[Writer]:
        """Open a transaction, or join the one that this thread is in; an exception undoes what was done within."""
        if (outer := self._here.writer) is not None:
            with outer.nested():
                yield outer
            return
        with self._in_turn(), self._connection(writes=True) as connection:
            self._here.writer = writer = SqlWriter(connection)
            try:
                yield writer
                writer.finish()
                self._commit(connection, writer.keys)
            finally:
                self._here.writer = None
                writer.end()

    def is_writing(self) -> bool:
        """Tell whether this thread is within a write() of this store."""
        return self._here.writer is not None

    def version(self) -> int | None:
        """Return the schema's version, None when nothing has been set up."""
        with self._connection(writes=False) as connection:
            return schema.version(connection)

    def migrate(self) -> tuple[int, int]:
        """Bring the schema to this library's version; return the versions before and after."""
        with self._in_turn(), self._connection(writes=True) as connection, translated():
            before, after = schema.migrate(connection)
            connection.commit()
        return before or 0, after

    def describe(self) -> str:
        """Return 'SQLite' or 'PostgreSQL'."""
        return NAMES[self._dialect]

    def close(self) -> None:
        """Let go of all connections."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """Let this process's writers queue here: SQLite lets them sleep and try again, neither fair nor quick."""
        if self._dialect == "sqlite":
            with self._turn:
                yield
        else:
            yield

    @contextmanager
    def _connection(self, *, writes: bool) -> Iterator[Connection]:
        """Give a connection with a transaction begun; what is not committed is rolled back."""
        if self._engine is None:
            raise Closed("this store was closed; open it again to use it")
        with translated():
            connection = self._engine.connect().execution_options(custcrm_write=writes, preserve_rowcount=True)
        try:
            with translated():
                connection.begin()
            yield connection
        finally:
            with translated():
                connection.close()

    def _commit(self, connection: Connection, keys: list[str]) -> None:
        try:
            with translated():
                connection.commit()
        except Unavailable:
            # SQLite tells whether it has committed. Over a network the answer may be lost on its way.
            if self._dialect == "sqlite" or not connection.invalidated:
                raise
            raise OutcomeUnknown(keys[-1] if keys else "") from None
