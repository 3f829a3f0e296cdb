"""Every verb that writes is one unit: begun again when the store gives it up, once under a key, and sure of what it did.

The verbs are not listed: whichever opens a write() is one that writes, and has to keep the laws.
"""

import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve

import custcrm
from custcrm.records import RECORDS
from custcrm.records.json import to_json
from custcrm.storage.memory import MemoryStore
from custcrm.storage.protocol import Reader, Store, Writer
from custcrm.storage.sql import open_store
from custcrm.storage.sql.schema import VERSION_TABLE
from custcrm.values.errors import Contended, Unavailable
from tests.crm.test_nonsense import World, world_of
from tests.postgresql_server import delete_rows

WITHOUT_KEY: Final = {
    ("outbox", "dispatch"),  # each message is claimed once, whoever asks
    ("categories", "reclassify"),  # a plan, which takes one when it is applied
    ("customers", "import_csv"), ("sales", "import_csv"),
}
"""Verbs that write, and are safe to repeat without a key."""

OTHER: Final[Mapping[str, Any]] = {
    "name": "another", "title": "Another", "reason": "another why", "points": 6, "amount": "2.00", "total": "11.00", "rank": 2,
    "evidence": "app_identification", "text": "Another", "summary": "another", "reference": "o9", "access": "none",
    "channel": "sms", "category": "New Customers", "surface": "web_ordering", "capacity": 30, "value": "an@other.org",
    "tag": "another", "first_name": "Another", "rows": [], "count": 2, "credit_limit": "6.00",
}
"""What is as sensible for an argument as what the world gives, and something else."""

RUNNERS: Final = 8

UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
CODE: Final = re.compile(r"[A-Z0-9]{12}")
DRAWN: Final = ("code", "content", "value", "identity", "claim")
"""Attributes that are drawn by chance, or made of ids."""

Verb = tuple[str, str]


class Tampered:
    """A store that can be told to give a transaction up before its commit, or to be away after one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.given_up = 0
        self.away_after_commit = False
        self.commits = 0
        self.writes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def tell(self, *, give_up: int = 0, away_after_commit: bool = False) -> None:
        """Say what is to happen from now on."""
        self.given_up, self.away_after_commit, self.commits, self.writes = give_up, away_after_commit, 0, 0

    @contextmanager
    def read(self) -> Iterator[Reader]:
        self._be_there()
        with self._store.read() as reader:
            yield reader

    @contextmanager
    def write(self) -> Iterator[Writer]:
        if self._store.is_writing():
            with self._store.write() as writer:
                yield writer
            return
        self._be_there()
        self.writes += 1
        with self._store.write() as writer:
            yield writer
            if self.given_up:
                self.given_up -= 1
                raise Contended
        self.commits += 1

    def _be_there(self) -> None:
        if self.away_after_commit and self.commits and not self._store.is_writing():
            raise Unavailable("the store went away after a commit")


Made = Callable[[], tuple[World, Tampered]]

Asked = Callable[[list[Verb]], list[Verb]]

SAMPLE: Final = 8
"""Of so many verbs one is asked in a database: a base with one of everything takes long to make there."""


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Made]:
    """Return what makes a base with one of everything, alone in a store; the one before it is gone then."""
    opened: list[Store] = []

    def store() -> Store:
        if request.param == "memory":
            return MemoryStore()
        if request.param == "sqlite":
            return open_store(tmp_path / f"{len(opened)}.db")
        url = request.getfixturevalue("postgresql_store")
        if opened:
            opened[-1].close()
            delete_rows(url, but_of=VERSION_TABLE)
        return open_store(url)

    def make() -> tuple[World, Tampered]:
        """Return a fresh base, with the store that can be told what to do."""
        opened.append(store())
        tampered = Tampered(opened[-1])
        return _with_a_stranger(world_of(tampered, tmp_path)), tampered

    yield make
    for each in opened:
        each.close()


def _with_a_stranger(world: World) -> World:
    """Return the world in which the customer to be deleted has bought nothing, and some points have expired."""
    crm = world.crm
    dora = crm.customers.add(first_name="Dora")
    lot = crm.points.credit(world.sensible["target"], "club", 7, expires="1 day")
    over = evolve(lot, occurred_at=lot.occurred_at - timedelta(days=9), expires_at=lot.occurred_at - timedelta(days=1))
    with crm._business.store.write() as writer:
        writer.replace(over)
    return evolve(world, special={**world.special, ("customers", "delete"): {"customer": dora}})


@pytest.fixture(scope="module")
def writing(tmp_path_factory: pytest.TempPathFactory) -> list[Verb]:
    """Return the verbs that write: those that open a write() of their own."""
    folder, found = tmp_path_factory.mktemp("files"), []
    for part, verb, _ in world_of(MemoryStore(), folder).verbs():
        store = Tampered(MemoryStore())
        world = _with_a_stranger(world_of(store, folder))
        store.tell()
        call(world, part, verb)
        if store.writes:
            found.append((part, verb))
    return found


@pytest.fixture
def asked(request: pytest.FixtureRequest) -> Asked:
    """Return what chooses the verbs that are asked: in memory all, in a database some, others in each."""
    place = request.node.callspec.params["made"]
    return lambda verbs: verbs if place == "memory" else verbs[len(place) % 3 :: SAMPLE]


@pytest.fixture
def keyed(writing: list[Verb]) -> list[Verb]:
    """Return the verbs of the facade's parts that write and take a key; bulk actions take theirs when they are applied."""
    return [each for each in writing if each not in WITHOUT_KEY and each[0] != "selection"]


def call(world: World, part: str, verb: str, **changed: Any) -> Any:
    """Call a verb with sensible arguments, without a key unless one is given."""
    owner = getattr(world.crm, part, None)
    if "key" not in changed and owner is not None and "key" in inspect.signature(getattr(owner, verb)).parameters:
        changed["key"] = None
    return world.call(part, verb, **changed)


def others(world: World, part: str, verb: str) -> list[str]:
    """Return the arguments of a verb for which something else is as sensible."""
    told = world._arguments(part, verb)
    return [name for name in OTHER if name in told and told[name] != OTHER[name]]


def picture(world: World) -> dict[str, list[str]]:
    """Return all that is kept, without what is drawn anew each time."""
    with world.crm._business.store.read() as reader:
        return {record.__name__: sorted(map(_drawn, reader.find(record))) for record in RECORDS}


def _drawn(record: object) -> str:
    facts = {name: value for name, value in to_json(record).items() if name not in DRAWN}
    return CODE.sub("#", UUID.sub("#", json.dumps(facts, sort_keys=True, default=str)))


def _shown(answer: Any) -> str:
    return CODE.sub("#", UUID.sub("#", re.sub(r" at 0x\w+", "", repr(answer))))


# begun again ----------------------------------------------------------------------------------------


def test_every_verb_that_writes_is_begun_again(made: Made, writing: list[Verb], asked: Asked) -> None:
    """Law: a transaction given up before its commit is not noticed: the same answer, and the same is kept."""
    assert len(writing) > 50
    for part, verb in asked(writing):
        if verb == "import_csv":
            continue    # it has a test of its own
        world, _ = made()
        answer, kept = _shown(call(world, part, verb)), picture(world)
        world, store = made()
        store.tell(give_up=1)
        assert (_shown(call(world, part, verb)), picture(world)) == (answer, kept), (part, verb)
        assert not store.given_up and store.writes > store.commits, (part, verb)


def test_what_is_given_up_again_and_again_is_contended(made: Made) -> None:
    """The attempts are bounded, nothing is written, and in a transaction of the application there is one."""
    world, store = made()
    before = picture(world)
    store.tell(give_up=10**6)
    with pytest.raises(Contended):
        world.crm.tags.set(world.sensible["customer"], "size")
    assert 1 < store.writes < 100
    store.tell(give_up=1)
    with pytest.raises(Contended), world.crm.transaction():
        world.crm.tags.set(world.sensible["customer"], "size")
    assert (store.writes, picture(world)) == (1, before)


def test_a_verb_in_a_transaction_of_the_application_is_not_begun_again(made: Made) -> None:
    """What the application did before it in the same transaction is gone; so the error goes to who can repeat it."""
    world, _ = made()
    attempts = []

    def given_up(writer: Writer) -> None:
        attempts.append(writer)
        raise Contended

    with pytest.raises(Contended), world.crm.transaction():
        world.crm._business.transact(given_up)
    assert len(attempts) == 1


# sure of what it did --------------------------------------------------------------------------------


def test_nobody_is_told_unavailable_after_something_was_written(made: Made, writing: list[Verb], asked: Asked) -> None:
    """Law: once a call has committed, it needs the store no more for its answer; or it says how far it is."""
    for part, verb in asked(writing):
        if verb in {"import_csv", "dispatch"}:
            continue
        world, store = made()
        store.tell(away_after_commit=True)
        with suppress(custcrm.Unfinished):
            call(world, part, verb)
        assert store.commits == 1, (part, verb)


# keys -----------------------------------------------------------------------------------------------


def test_every_verb_that_writes_takes_a_key(writing: list[Verb]) -> None:
    """Law: a new verb cannot be forgotten."""
    world = world_of(MemoryStore(), Path("/"))
    parts = {part: owner for part, owner in world.parts().items() if part != "selection"}
    without = {
        (part, verb) for part, verb in writing
        if part in parts and "key" not in inspect.signature(getattr(parts[part], verb)).parameters
    }
    assert without <= WITHOUT_KEY


def test_a_key_is_used_once(made: Made, keyed: list[Verb], asked: Asked) -> None:
    """Law: the same call again changes nothing and gives the same answer; another call under the key is a KeyConflict."""
    assert len(keyed) > 40
    for part, verb in asked(keyed):
        world, _ = made()
        assert world.crm.applied("once") is None
        first, kept = call(world, part, verb, key="once"), picture(world)
        assert world.crm.applied("once").is_finished, (part, verb)
        assert (call(world, part, verb, key="once"), picture(world)) == (first, kept), (part, verb)
        for name in others(world, part, verb):
            with pytest.raises((custcrm.KeyConflict, custcrm.Malformed, custcrm.NotFound)):
                call(world, part, verb, key="once", **{name: OTHER[name]})
        with pytest.raises(custcrm.KeyConflict):
            world.crm.customers.add(first_name="Somebody else", key="once")
        assert picture(world) == kept, (part, verb)


def test_another_argument_is_another_content(keyed: list[Verb], tmp_path: Path) -> None:
    """Law: of each verb that takes arguments, some other one is a KeyConflict under the same key."""
    told_apart = set()
    for part, verb in keyed:
        world = _with_a_stranger(world_of(MemoryStore(), tmp_path))
        call(world, part, verb, key="once")
        for name in others(world, part, verb):
            try:
                call(world, part, verb, key="once", **{name: OTHER[name]})
            except custcrm.KeyConflict:
                told_apart.add((part, verb))
            except (custcrm.Malformed, custcrm.NotFound):
                continue
    assert set(keyed) - told_apart == {
        ("customers", "delete"), ("outbox", "send_again"), ("points", "expire"),
        ("series", "pause"), ("series", "resume"), ("series", "revoke_code"),
    }, "what these are about has no other like it here"


def test_a_refused_call_leaves_not_even_its_key(made: Made) -> None:
    """The key is free for what mends it."""
    world, _ = made()
    anna = world.sensible["customer"]
    with pytest.raises(custcrm.Refusal):
        world.crm.customers.delete(anna, key="once")
    with pytest.raises(custcrm.Conflict):
        world.crm.programs.add("club", key="once")
    assert world.crm.applied("once") is None
    world.crm.customers.deactivate(anna, key="once")
    assert world.crm.applied("once").action == "make_inactive"


def test_threads_with_one_key_are_one(made: Made, keyed: list[Verb], asked: Asked) -> None:
    """Law: whoever calls at the same moment under one key gets the same answer, and it is done once."""
    for part, verb in asked(keyed):
        world, _ = made()
        with ThreadPoolExecutor(RUNNERS) as pool:
            calls = [pool.submit(call, world, part, verb, key="once") for _ in range(RUNNERS)]
        answers = [each.result() for each in calls]
        kept = picture(world)
        assert all(each == answers[0] for each in answers), (part, verb)
        world, _ = made()
        call(world, part, verb, key="once")
        assert picture(world) == kept, (part, verb)
