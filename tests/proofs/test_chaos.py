"""Eight processes do everything at once, are killed and lose their connections; in the end every promise is kept.

The seed tells every deed; it is printed, and `make chaos SEEDS=…` draws the same ones again. Each deed has a key, and what was
left of it is repeated under the key by whoever comes after, and every ninth is done by all: so these are also the laws of a key
between processes. The deeds are in `chaos/deeds.py`, a process in `chaos/process.py`, what has to hold in `chaos/laws.py`.
"""

import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Lock, Thread
from typing import Any

import psycopg
import pytest
from attrs import define, field

from custcrm.testing.races.runners import assert_verified
from tests.proofs.chaos.deeds import DEEDS, OFTEN
from tests.proofs.chaos.laws import LAWS, Story, assert_messages
from tests.proofs.chaos.process import Loopback, live
from tests.proofs.chaos.stage import SLOTS, Stage, opened
from tests.proofs.test_killing import FORKS, PATIENCE

PEOPLE = 30
SECONDS, COUNT = 6.0, 700
LONG_SECONDS, LONG_COUNT = 120.0, 6_000
"""How long they may go on, and how many deeds there are for them: what comes first ends it."""

PAUSE = 0.05
"""Seconds between two looks of who kills."""

BETWEEN = 2_000
"""Bytes that all write down between two blows, some twenty deeds: on a busy machine too they get something done."""


class Listener(ThreadingTCPServer):
    """Counts the messages that arrive, by id."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.arrived: Counter[str] = Counter()
        self.lock = Lock()
        self.senders = 0

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def wait(self) -> None:
        """Wait until all has arrived that was under way when its sender was killed."""
        deadline = time.monotonic() + PATIENCE
        while self.senders:
            assert time.monotonic() < deadline
            time.sleep(PAUSE)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Somebody was killed in the midst of a message."""


class Taking(StreamRequestHandler):
    """Takes messages of one sender."""

    server: Listener

    def setup(self) -> None:
        super().setup()
        with self.server.lock:
            self.server.senders += 1

    def handle(self) -> None:
        for line in self.rfile:
            with self.server.lock:
                self.server.arrived[line.decode().strip()] += 1
            self.wfile.write(b"taken\n")

    def finish(self) -> None:
        with self.server.lock:
            self.server.senders -= 1
        super().finish()


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()


@define
class Director:
    """Keeps a process at each slot, kills now one and now all, and ends connections."""

    address: str
    stage: Stage
    port: int
    draw: random.Random
    count: int
    deaths: int = 0
    ended: int = 0
    _running: dict[int, Any] = field(factory=dict)
    _through: set[int] = field(factory=set)
    _wanted: int = 0

    def rage(self, seconds: float) -> None:
        """Let them work so long at most from when the first one does something, and kill all in the end."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and len(self._through) < SLOTS:
            self._look()
            progress = self._progress()
            if progress and not self._wanted:
                deadline, self._wanted = time.monotonic() + seconds, BETWEEN
            if progress < max(self._wanted, 1):
                time.sleep(PAUSE)
                continue
            self._wanted += BETWEEN
            if self._running and self.draw.random() < 0.5:
                self._kill(self.draw.choice(sorted(self._running)))
            if self.draw.random() < 0.04:
                for slot in sorted(self._running):
                    self._kill(slot)
            if self.address.startswith("postgresql") and self.draw.random() < 0.6:
                self._end_connections()
        for slot in sorted(self._running):
            self._kill(slot)

    def _progress(self) -> int:
        """Return how much all of them have written down."""
        return sum(path.stat().st_size for path in self.stage.folder.glob("*.journal"))

    def _look(self) -> None:
        """See who is through, and start who is missing."""
        for slot in range(SLOTS):
            process = self._running.get(slot)
            if process is not None and process.exitcode is not None:
                assert process.exitcode == 0, f"the process of slot {slot} ended by itself: {process.exitcode}"
                self._through.add(slot)
                self._running.pop(slot).close()
            if slot not in self._running and slot not in self._through:
                told = (self.address, self.stage, slot, self.port, self.count, self.draw.random())
                self._running[slot] = FORKS.Process(target=live, args=told)
                self._running[slot].start()

    def _kill(self, slot: int) -> None:
        process = self._running.pop(slot)
        process.kill()
        process.join(PATIENCE)
        self.deaths += process.exitcode == -signal.SIGKILL
        process.close()

    def _end_connections(self) -> None:
        """End some of the connections of all others to the database."""
        with psycopg.connect(self.address, autocommit=True) as connection:
            rows = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < 0.4"
            )
            self.ended += len(rows.fetchall())


def prepare(address: str, seed: int, folder: Path) -> Stage:
    """Add what the deeds are about."""
    with opened(address, {}) as crm:
        crm.programs.add("club", categories=["Gold", "Silver"], notifications="email")
        crm.categories.set_rule("club", "Gold", "sales_count > 2", rank=1)
        crm.accounts.add("wallet", program="club", credit_limit=20)
        crm.coupons.add_series("welcome", program="club", per_coupon=2, transferable=True)
        crm.coupons.add_series("scarce", program="club", capacity=30)
        crm.earning.add("club", "euro", expires="40 days")
        people = crm.customers.add_all([
            {"first_name": f"Person {each}", "email": f"person-{each}@example.org", "phone": f"+3584012340{each:02}"}
            for each in range(PEOPLE)
        ])
        own = crm.customers.add_all([{"first_name": f"Own {slot}"} for slot in range(SLOTS)])
        crm.select().join("club").apply(key="join")
        for each in people:
            crm.consents.grant(each, "email", evidence="form")
            crm.consents.grant(each, "sms", evidence="form")
        for each in own:
            crm.points.credit(each, "club", 1000, key=f"own {each.id}")
    return Stage(seed, folder, DEEDS, OFTEN, [each.id for each in people], [each.id for each in own])


def test_everything_at_once(address: str, tmp_path: Path, listener: Listener, seed: int, long: bool) -> None:
    """What is told is true, what has a key is done once, what is sent arrives once, and the store verifies."""
    print(f"make chaos SEEDS={seed}")
    stage = prepare(address, seed, tmp_path)
    director = Director(address, stage, listener.port, random.Random(seed), LONG_COUNT if long else COUNT)
    director.rage(LONG_SECONDS if long else SECONDS)
    listener.wait()
    with opened(address, {"sms": Loopback(listener.port), "email": Loopback(listener.port)}) as crm:
        story = Story.of(stage, crm)
        print(f"{director.deaths} killed, {director.ended} connections ended, {story.summary}")
        for law in LAWS:
            law(story)
        assert_messages(story, listener.arrived)
        assert director.deaths
        settle(story, listener)
        assert_verified(crm)


def settle(story: Story, listener: Listener) -> None:
    """Send what waits, and again what is in doubt: only that may arrive twice."""
    crm = story.crm
    crm.outbox.dispatch()
    doubtful = crm.outbox.in_doubt()
    assert crm.outbox.send_again(doubtful, key="again") == len(doubtful)
    crm.outbox.dispatch()
    assert (crm.outbox.waiting(), crm.outbox.in_doubt()) == (0, [])
    assert {id_ for id_, times in listener.arrived.items() if times > 1} <= {each.id for each in doubtful}
    assert max(listener.arrived.values()) <= 2
