"""The SQL store: records in a SQLite file or a PostgreSQL database. The name to know is `open_store`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import exc
from sqlalchemy.engine import Connection, Engine

from custcrm.storage import forks
from custcrm.storage.custody import Custody, Turn
from custcrm.storage.migrations import meanings
from custcrm.storage.protocol import Durability, Migrated, Reader, Tell, Writer
from custcrm.storage.sql import postgresql, schema, sqlite
from custcrm.storage.sql.engine import open_engine, translated
from custcrm.storage.sql.reader import SqlReader
from custcrm.storage.sql.snapshot import open_snapshot
from custcrm.storage.sql.writer import SqlWriter
from custcrm.values.errors import Closed, OutcomeUnknown, Unavailable
from custcrm.values.identifiers import optional

R = TypeVar("R")

NAMES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def open_store(
    address: str | Path, *, durability: Durability = "full", schema_name: str | None = None, migrate: bool | None = None,
    create: bool = True,
) -> SqlStore:
    """Open the store at a path (a SQLite file) or a sqlite:/// or postgresql:// URL; with `create` make it where there is none.

    `durability` is what a power cut may take, `schema_name` the PostgreSQL schema of all its tables, made if it is not there.
    One of another version is a Conflict, or with `migrate` brought up to date; with None it is opened as it is. Raises
    Malformed for other addresses, Unavailable where it cannot be reached or is not there. What is refused is left as it was.
    """
    schema_name = optional(schema_name, field="schema")
    engine = open_engine(address, durability=durability, schema=schema_name, create=create)
    store = SqlStore(engine)
    try:
        found = _look(engine, schema_name) if create else _require(_look(engine, schema_name, create=False))
        if migrate is not None:
            schema.check(found, migrate=migrate)
        if found is None or (migrate and not schema.is_current(found)):
            store.migrate()
    except BaseException:
        store.close()
        raise
    return store


def find_version(address: str | Path, *, schema_name: str | None = None) -> int | None:
    """Return the version of the store that is there, None where there is none; nothing is made, nor changed."""
    schema_name = optional(schema_name, field="schema")
    engine = open_engine(address, schema=schema_name, create=False)
    try:
        return _look(engine, schema_name, create=False)
    finally:
        engine.dispose()


def _require(found: int | None) -> int:
    if found is None:
        raise Unavailable(sqlite.ABSENT)
    return found


def _look(engine: Engine, schema_name: str | None, *, create: bool = True) -> int | None:
    """Return the version of what is there, without changing it; None where nothing has been set up."""
    with translated():
        if engine.dialect.name == "sqlite":
            with sqlite.looking(engine) as connection:
                return None if connection is None else schema.version(connection)
        if schema_name is not None and create:
            postgresql.add_schema(engine, schema_name)
        with engine.connect() as connection:
            if schema_name is not None and not postgresql.has_schema(connection, schema_name):
                return None
            return schema.version(connection)


def _give_back(connection: Connection) -> None:
    """Roll back what is not committed. Where that fails the connection is dropped, with which its transaction ends as well.

    In a child process nothing is done with a connection of its parent.
    """
    try:
        connection.close()
    except exc.DBAPIError:
        if not connection.closed:
            connection.invalidate()
            connection.close()


class SqlStore:
    """Keeps records in a database. Threads share it; each has its own transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine: Engine | None = engine
        self._dialect = engine.dialect.name
        self._turn, self._pause = Turn(), sqlite.Pause()
        self._custody = Custody[SqlWriter]()
        self._views = set[SqlReader]()  # those of read() that have not ended
        self._statistics = postgresql.Statistics() if self._dialect == "postgresql" else None
        forks.watch(self, child=SqlStore._begin_anew)

    def _begin_anew(self) -> None:
        """Let a child process wait for nothing of its parent."""
        self._turn = Turn()
        self._views.clear()

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Open a view: of one moment on SQLite, of one per statement on PostgreSQL. Inside a write(): that one."""
        if (held := self._custody.current()) is not None:
            yield held.writer
            return
        # Not the view of a read() around this one: that is older than what this thread may have written since.
        with self._connection(writes=False) as connection:
            reader = SqlReader(connection)
            self._views.add(reader)
            try:
                yield reader
            finally:
                self._views.discard(reader)
                reader.end()

    @contextmanager
    def snapshot(self, tell: Tell) -> Iterator[Reader]:
        """Open a view of one moment, on PostgreSQL too, and tell what is wrong with how the records are kept."""
        with self._connection(writes=False) as connection:
            reader = open_snapshot(connection, tell)
            try:
                yield reader
            finally:
                reader.end()

    @contextmanager
    def write(self) -> Iterator[Writer]:
        """Open a transaction, or join the one that this call is in; an exception undoes what was done within."""
        if (held := self._custody.current()) is not None:
            with held.joined() as joined:
                yield joined
            return
        with ExitStack() as begun:
            begun.enter_context(self._in_turn())
            connection = begun.enter_context(self._connection(writes=True))
            with translated():
                schema.fence(connection)
            with self._custody.hold(partial(SqlWriter, connection), begun.close) as held:
                yield held.writer
                held.settle()
                held.writer.finish()
                self._commit(connection, held.writer)

    def is_writing(self) -> bool:
        """Tell whether this call is within a write() of this store."""
        return self._custody.current() is not None

    def confine(self, found: Iterator[R]) -> Iterator[R]:
        """Yield what is found, as long as the store is open; within a write(), to its owner alone."""
        return self._custody.confine(found, self._open)

    def version(self) -> int | None:
        """Return the schema's version, None when nothing has been set up."""
        with self._connection(writes=False) as connection:
            return schema.version(connection)

    def migrate(self) -> Migrated:
        """Bring the schema to this library's version, and return what that did."""
        with self._in_turn(), self._connection(writes=True) as connection, translated():
            before, after = schema.migrate(connection)
            reread = () if before is None else meanings.reread(connection, before, after)
            connection.commit()
        return Migrated(before or 0, after, reread)

    def describe(self) -> str:
        """Return 'SQLite' or 'PostgreSQL'."""
        return NAMES[self._dialect]

    def close(self) -> None:
        """Let go of all connections; what is half read ends, and whoever reads on gets Closed."""
        engine, self._engine = self._engine, None
        if engine is not None:
            for view in tuple(self._views):
                if (left := view.leave()) is not None:
                    _give_back(left)
            engine.dispose()

    def _open(self) -> Engine:
        if self._engine is None:
            raise Closed("this store was closed; open it again to use it")
        return self._engine

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """Let this process's writers queue here, and other processes have a turn after a long one: SQLite knows no queue."""
        if self._dialect == "sqlite":
            with self._turn, self._pause:
                yield
        else:
            yield

    @contextmanager
    def _connection(self, *, writes: bool) -> Iterator[Connection]:
        """Give a connection with a transaction begun; what is not committed is rolled back."""
        engine = self._open()
        with translated():
            connection = engine.connect().execution_options(custcrm_write=writes, preserve_rowcount=True)
        try:
            with translated():
                connection.begin()
            yield connection
        finally:
            with translated():
                _give_back(connection)

    def _commit(self, connection: Connection, writer: SqlWriter) -> None:
        try:
            with translated():
                connection.commit()
        except Unavailable:
            # SQLite tells whether it has committed. Over a network the answer may be lost on its way.
            if self._dialect == "sqlite" or not connection.invalidated:
                raise
            raise OutcomeUnknown(writer.keys[-1] if writer.keys else "") from None
        if self._statistics is not None:
            self._statistics.after_commit(connection, writer.added)
