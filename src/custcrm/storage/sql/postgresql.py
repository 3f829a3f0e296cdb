"""PostgreSQL databases: how one is connected to, schemas, claims, and statistics after a load. Read `make_engine` first.

READ COMMITTED and nothing else, as FOR UPDATE under REPEATABLE READ overspends.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Mapping
from hashlib import blake2b
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine import URL, Connection, Engine

from custcrm.storage import protocol
from custcrm.storage.protocol import Durability
from custcrm.storage.sql.connections import keep_from_children, quiet_engine
from custcrm.values.errors import Malformed, MisusedTransaction
from custcrm.values.spelling import nearest
from custcrm.values.texts import checked

LONGEST_NAME: Final = 63
"""Bytes of a schema's name; PostgreSQL cuts longer ones off, so that two tenants could become one."""
_CLAIMS: Final = 0x636C6D73
"""Names our advisory locks for claiming many keys, by a number each."""
_SCHEMAS: Final = 0x63757374_73636865
"""Names our advisory lock for making schemas: two first openers take turns."""

_NAMED: Final = sa.text("SELECT 1 FROM pg_namespace WHERE nspname = :name")

CLAIMED: Final = 100
"""Keys that anybody locks at once; who claims more takes turns with others who do."""
LOCKED_EACH: Final = 3_000
"""Keys that one transaction locks, past which it locks the scope: an import's thousand rows, each with three."""
ROOMS: Final = 2
"""Transactions of a database that lock more than CLAIMED at a time; a server keeps some 7,000 locks unless told otherwise."""

MANY: Final = 50
"""Rows of a table in one write() from which it counts as a load; a till writes a few."""
ANALYZED_FROM: Final = 1_000
"""Rows of loads beyond which a table's statistics are made: without any, PostgreSQL plans as for an empty table."""
GROWN: Final = 10
"""Times as many rows after which they are made again. PostgreSQL scales them by a table's size meanwhile."""

_MISWRITTEN: Final = re.compile(
    r"invalid (integer value|port number|\w+ value:|SSL protocol version|value for parameter|command-line argument)"
    r"|bad value for|could not (match \d|parse network address)|definition of service|service file"
    r"|sslmode value|weak sslmode|unrecognized configuration parameter|requires a value"
)
"""What the driver, its library and the server say of an option that cannot be: they give no code for it. Said in another
language it is as if the server could not be reached."""
_REPEATED: Final = {"host", "port"}
"""Options that a URL may give several times: one for each server."""

_LOG: Final = logging.getLogger("custcrm")


def make_engine(url: URL, durability: Durability, schema: str | None) -> Engine:
    """Return the engine of a database; the `options` of its URL hold, and what we need is set beside them."""
    if schema is not None:
        _check_name(schema)
    _check_address(url)
    try:
        engine = quiet_engine(
            url.set(drivername="postgresql+psycopg"),
            isolation_level="READ COMMITTED",
            connect_args={"client_encoding": "UTF8"},  # before the first statement, which may hold a name
            paramstyle="format",  # rows are written as the tuples that the codec makes
            pool_pre_ping=True,
            max_overflow=-1,  # a thread that asks within a question needs a second connection
        )
    except exc.ArgumentError:
        raise Malformed("not a URL; write postgresql://user@host/database", field="store") from None
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "connect", _preparing(durability, schema), insert=True)
    keep_from_children(engine)
    return engine


def _check_address(url: URL) -> None:
    """Refuse what can be no address; its parts are not repeated, as a password that is miswritten becomes part of another."""
    try:
        from psycopg import pq
    except ModuleNotFoundError:
        raise Malformed("PostgreSQL needs psycopg: pip install 'custcrm[postgres]'", field="store") from None
    known = [each.keyword.decode() for each in pq.Conninfo.get_defaults() if each.keyword != b"replication"]
    for name, value in url.query.items():
        if name not in known:
            raise Malformed(
                "what stands after the ? of the URL is no option of a connection to PostgreSQL (connect_timeout, sslmode, …)",
                field="store", suggestions=nearest(name, known),
            )  # fmt: skip
        if not isinstance(value, str) and name not in _REPEATED:
            raise Malformed(f"the URL gives {name} more than once", field="store")
    values = {name: [value] if isinstance(value, str) else value for name, value in url.query.items()}
    for text in (url.username, url.password, url.host, url.database, *(each for value in values.values() for each in value)):
        checked(text or "", field="store")
    ports = ",".join(("" if url.port is None else str(url.port), *values.get("port", ()))).split(",")
    if not all(each == "" or (each.isdecimal() and 0 < int(each) < 2**16) for each in ports):
        raise Malformed("the URL has a port that there is not; they go from 1 to 65535", field="store")


def _connect(dialect: Any, _: object, arguments: Any, parameters: Any) -> Any:
    """Return a connection; Malformed where it is the address that is wrong, and not the server that is away."""
    try:
        return dialect.connect(*arguments, **parameters)
    except UnicodeError:
        raise Malformed("the URL has a host whose name is none", field="store") from None
    except dialect.loaded_dbapi.Error as error:
        if _MISWRITTEN.search(str(error)):
            raise Malformed("an option of the URL has a value that it cannot have", field="store") from None
        raise


def _check_name(schema: str) -> None:
    if len(schema.encode("utf-8")) > LONGEST_NAME:
        raise Malformed(f"the name of a schema has {LONGEST_NAME} bytes at most", field="schema")
    if is_own(schema):
        raise Malformed("names that begin with pg_, and information_schema, are PostgreSQL's own", field="schema")
    if schema == "$user":
        raise Malformed("in a search path $user is the schema named after the role; give its name", field="schema")


def is_own(schema: str) -> bool:
    """Tell whether a schema is one that PostgreSQL keeps for itself; tables in pg_temp end with the connection."""
    return schema.startswith("pg_") or schema == "information_schema"


def _preparing(durability: Durability, schema: str | None) -> Callable[[Any, object], None]:
    # Who says in the URL's options how long to wait is asked nothing more.
    wait = f"coalesce(nullif(current_setting('lock_timeout'), '0'), '{protocol.WAIT_SECONDS}s')"
    settings = [
        "set_config('datestyle', 'ISO', false)",  # the driver reads no other one
        "set_config('quote_all_identifiers', 'off', false)",  # nor what looks at the tables quoted types
        "set_config('timezone', 'UTC', false)",
        f"set_config('lock_timeout', {wait}, false)",
    ]
    if durability == "normal":
        settings.append("set_config('synchronous_commit', 'off', false)")
    if schema is not None:
        settings.append("set_config('search_path', quote_ident(%s), false)")
    statement, values = "SELECT " + ", ".join(settings), [] if schema is None else [schema]

    def prepare(connection: Any, _: object) -> None:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise Malformed(f"the database keeps texts in {encoding}; a store needs one in UTF8", field="store")
        connection.autocommit = True
        connection.execute(statement, values)
        connection.autocommit = False

    return prepare


def has_schema(connection: Connection, schema: str) -> bool:
    """Tell whether there is a schema of that name."""
    return connection.execute(_NAMED, {"name": schema}).first() is not None


def add_schema(engine: Engine, schema: str) -> None:
    """Make a schema unless it is there; who may not make schemas can use one that is."""
    with engine.begin() as connection:
        if not has_schema(connection, schema):
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_SCHEMAS)))
            if not has_schema(connection, schema):
                connection.execute(sa.schema.CreateSchema(schema))
    engine.dialect.default_schema_name = schema  # when it first connected there may have been none


def require_whole(connection: Connection) -> None:
    """Raise MisusedTransaction where a statement has failed: the server answers its commit with a rollback, and no error."""
    from psycopg.pq import TransactionStatus

    driver: Any = connection.connection.driver_connection
    if driver.info.transaction_status == TransactionStatus.INERROR:
        raise MisusedTransaction(
            "a question has failed within this transaction, and PostgreSQL keeps nothing of one that goes on after that; let "
            "the error leave the block"
        )


def claim(connection: Connection, scope: str, keys: Collection[str], before: int) -> None:
    """Lock keys of a scope until the transaction ends; it has claimed so many `before`.

    Each has a lock of its own, taken in an order that all keep, so that only those wait who mean the same. As a server has room
    for a few thousands, who locks many does so in one of the ROOMS, one after the other, and past LOCKED_EACH locks the scope.
    Whoever locks keys shares the scope's lock, and takes that last: nobody has it who still waits.
    """
    driver: Any = connection.connection.driver_connection
    place = connection.dialect.default_schema_name or ""  # the locks are the database's, the keys a schema's
    whole, numbers = _lock_number(place, scope), sorted({_lock_number(place, scope, key) for key in keys})
    is_much = before + len(numbers) > LOCKED_EACH
    if len(numbers) <= CLAIMED and not is_much:
        locks = "pg_advisory_xact_lock(%s), " * len(numbers)
        driver.execute(f"SELECT {locks}pg_advisory_xact_lock_shared(%s)", [*numbers, whole])
        return
    driver.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_CLAIMS, whole % ROOMS])
    if is_much:
        driver.execute("SELECT pg_advisory_xact_lock(%s)", [whole])
        return
    # The locks are taken after the sorting: PostgreSQL does not draw a sorted sub-query into the one around it.
    each = "SELECT pg_advisory_xact_lock(key) FROM (SELECT unnest(%s::bigint[]) AS key ORDER BY 1) AS sorted"
    driver.execute(each, [numbers])
    driver.execute("SELECT pg_advisory_xact_lock_shared(%s)", [whole])


def _lock_number(*named: str) -> int:
    """Return the number of a lock, the same in every process; two names with one number only wait for each other."""
    text = "\0".join(named).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), signed=True)


class Statistics:
    """Counts what loads have written, and makes the statistics of their tables when it was much, after they have committed."""

    def __init__(self) -> None:
        self._written: dict[str, int] = {}
        self._next: dict[str, int] = {}

    def after_commit(self, connection: Connection, written: Mapping[str, int]) -> None:
        """Take in the rows that a committed write() has added, by table; a failure is logged, as the load has not failed."""
        grown = []
        for table, rows in written.items():
            if rows >= MANY:
                self._written[table] = total = self._written.get(table, 0) + rows
                if total > self._next.get(table, ANALYZED_FROM):
                    self._next[table] = total * GROWN
                    grown.append(table)
        if grown:
            self._analyze(connection, grown)

    def _analyze(self, connection: Connection, tables: list[str]) -> None:
        quote = connection.dialect.identifier_preparer.quote
        statement = f"ANALYZE (SKIP_LOCKED) {', '.join(map(quote, tables))}"
        try:
            with connection.begin():
                connection.exec_driver_sql(statement)
        except exc.DBAPIError as error:
            state = getattr(error.orig, "sqlstate", None)
            _LOG.warning("statistics of %s were not made after a load (%s)", ", ".join(tables), state or "no connection")
