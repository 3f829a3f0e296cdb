"""The shipped races, on every store and between processes; long, again and again. And controls that must lose them."""

import time
from collections import Counter
from pathlib import Path
from uuid import uuid4

import pytest
from attrs import evolve

import custcrm
from custcrm.crm import Crm
from custcrm.records import Coupon, CouponSeries, MembershipChange, PointsEntry, Redemption
from custcrm.storage.memory import MemoryStore
from custcrm.storage.sql import open_store
from custcrm.testing.races import RACES, assert_races, assert_races_between_processes
from custcrm.testing.races.runners import RUNNERS, TURNS, Finish, Race, Turn, equal, members
from custcrm.values.clock import system_clock
from custcrm.values.errors import Reason, Refusal
from tests.batches import in_batches

ROUNDS = 20
HESITATION = 0.1
"""Seconds between reading and writing in a control: so long that others surely read meanwhile, on a busy machine too."""


@pytest.fixture
def rounds(long: bool) -> range:
    return range(ROUNDS if long else 1)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> str | None:
    """Give the place of an empty store of each kind; None is memory."""
    return None if request.param == "memory" else str(request.getfixturevalue(f"{request.param}_store"))


@pytest.mark.feature("V15", "X20")
@pytest.mark.parametrize("race", RACES, ids=lambda race: race.name)
def test_threads_race_in_memory(race: Race, rounds: range) -> None:
    """Each race's law."""
    for _ in rounds:
        assert_races(MemoryStore(), [race])


@pytest.mark.feature("V15", "X20")
def test_threads_race_on_a_file(tmp_path: Path, rounds: range) -> None:
    """All races, one after the other on one store."""
    for number in rounds:
        store = open_store(tmp_path / f"{number}.db")
        assert_races(store)
        store.close()


@pytest.mark.feature("V15", "X20")
def test_threads_race_on_a_server(request: pytest.FixtureRequest, rounds: range) -> None:
    """All races, one after the other on one store."""
    for _ in rounds:
        with request.getfixturevalue("postgresql_server").database() as url:
            store = open_store(url)
            assert_races(store)
            store.close()


@pytest.mark.feature("V15", "X20")
def test_processes_race(address: str) -> None:
    """All races between processes that share nothing but the address hold, and the last one, a control, is lost."""
    with pytest.raises(AssertionError, match="instead of") as lost:
        assert_races_between_processes(address, [*RACES, CONTROL])
    assert lost.value.__notes__ == [f"the race 'careless' is lost: {CONTROL.law}"]


@pytest.mark.feature("X20")
def test_processes_race_again_and_again(request: pytest.FixtureRequest, tmp_path: Path, long: bool) -> None:
    """Nothing is lost in any of many rounds; each has a fresh base and fresh processes."""
    for number in range(ROUNDS // 4 if long else 0):
        assert_races_between_processes(str(tmp_path / f"{number}.db"))
        with request.getfixturevalue("postgresql_server").database() as url:
            assert_races_between_processes(url)


@pytest.mark.feature("X20")
@pytest.mark.parametrize("name", ["changes", "spends", "plans"])
def test_applies_of_several_batches_race(name: str, place: str | None, rounds: range) -> None:
    """Applies that take several transactions go between each other's batches, and the laws are the same."""
    plain = race(name)
    small = evolve(plain, run=lambda crm, turn: plain.run(in_batches(crm, 2), turn))
    for _ in rounds:
        store = MemoryStore() if place is None else open_store(place)
        assert_races(store, [small])
        store.close()
        if place is not None:
            return


@pytest.mark.feature("V37")
def test_an_apply_that_goes_on_later_changes_what_stands_then(place: str | None) -> None:
    """Interrupted after a batch, overtaken by another apply, resumed: each membership stands as its last change says."""
    with in_batches(custcrm.open(place), 2) as crm:
        people = members(crm, "later", 5)
        everyone = crm.select("programs.later EXISTS")

        def interrupt(done: int, total: int) -> None:
            if done == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            everyone.set_access("later", "limited").apply(key="first", progress=interrupt)
        everyone.set_access("later", "blacklisted").apply(key="second")
        everyone.set_access("later", "limited").apply(key="first")
        stands = [crm.programs.membership(each, "later").access.value for each in people]
        assert Counter(stands) == {"blacklisted": 2, "limited": 3}
        with crm._business.store.read() as reader:
            changes = [list(reader.find(MembershipChange, {"customer_id": each})) for each in people]
        last = [max(mine, key=lambda each: (each.occurred_at, each.id)).access.value for mine in changes]
        assert last == stands
        assert crm.select("programs.later.access = 'limited'", as_of=system_clock()).count() == 3


# controls: what reads first and writes then, as one would without the library ----------------------


def race(name: str) -> Race:
    return next(each for each in RACES if each.name == name)


def one_purse(crm: Crm) -> list[str]:
    people = members(crm, "careless", 1)
    crm.points.credit(people[0], "careless", 40)
    return people


def spend_carelessly(crm: Crm, turn: Turn) -> str:
    """Look whether there is enough, then write: what others took meanwhile is taken twice."""
    customer, now = turn.customers[0], system_clock()
    if crm.points.available(customer, "careless") < 3:
        raise Refusal(Reason.NOT_ENOUGH_POINTS)
    time.sleep(HESITATION)
    id_ = str(uuid4())
    with crm._business.store.write() as writer:
        lot = next(writer.find(PointsEntry, {"customer_id": customer, "kind": "credit"}))
        writer.add([evolve(lot, id=id_, kind="spend", delta=-3, spend_id=id_, occurred_at=now, applied_id=None)])
    return "spent"


def spent_as_far_as_it_goes(finish: Finish) -> None:
    equal(finish.counts, {"spent": 13, "not_enough_points": RUNNERS * TURNS - 13})


CONTROL = Race(
    name="careless", law="nobody reads first and writes then", prepare=one_purse, run=spend_carelessly,
    check=spent_as_far_as_it_goes,
)


def redeem_carelessly(crm: Crm, turn: Turn) -> str:
    """Look whether it was used, then use it."""
    [coupon] = crm.coupons.of(turn.customers[turn.number])
    if crm.coupons.state(coupon) != "issued":
        raise Refusal(Reason.ALREADY_REDEEMED)
    time.sleep(HESITATION)
    with crm._business.store.write() as writer:
        writer.add([Redemption(
            customer_id=coupon.customer_id, id=str(uuid4()), coupon_id=coupon.id, series=coupon.series, program="redeem",
            redeemed_at=system_clock(),
        )])
    return "redeemed"


def reserve_carelessly(crm: Crm, turn: Turn) -> str:
    """Look whether it is reserved, then reserve it: the last one wins."""
    [coupon] = crm.coupons.of(turn.customers[turn.number])
    if coupon.reserved_for is not None:
        raise Refusal(Reason.RESERVED)
    time.sleep(HESITATION)
    with crm._business.store.write() as writer:
        writer.replace(evolve(coupon, reserved_for=str(turn.runner)))
    return "reserved and redeemed"


def issue_carelessly(crm: Crm, turn: Turn) -> str:
    """Look how many are left, then issue one."""
    left = crm.coupons.left("series")
    if not left:
        raise Refusal(Reason.SERIES_CAPACITY)
    time.sleep(HESITATION)
    with crm._business.store.write() as writer:
        series = writer.get(CouponSeries, "series")
        assert series is not None
        writer.add([Coupon(
            customer_id=turn.own, id=str(uuid4()), series="series", code=str(uuid4()), issued_at=system_clock()
        )])
    return "series"


CONTROLS = [
    CONTROL, evolve(race("redeem"), run=redeem_carelessly), evolve(race("reserve"), run=reserve_carelessly),
    evolve(race("series"), run=issue_carelessly),
]


@pytest.mark.feature("X20")
@pytest.mark.parametrize("control", CONTROLS, ids=lambda race: race.name)
def test_whoever_reads_first_and_writes_then_loses(control: Race, place: str | None) -> None:
    """The kit sees it: with threads in memory, on a file and on a server."""
    store = MemoryStore() if place is None else open_store(place)
    with pytest.raises(AssertionError, match="instead of") as lost:
        assert_races(store, [control])
    assert lost.value.__notes__[0].startswith(f"the race {control.name!r} is lost")
    store.close()


def test_a_lost_race_names_itself() -> None:
    """An outcome that the law does not allow is an AssertionError with the law in its note."""
    series = RACES[0]
    idle = Race(name=series.name, law=series.law, prepare=series.prepare, run=lambda crm, turn: "idle", check=series.check)
    with pytest.raises(AssertionError) as lost:
        assert_races(MemoryStore(), [idle])
    assert lost.value.__notes__ == [f"the race 'series' is lost: {series.law}"]
    assert str(RUNNERS * TURNS) in str(lost.value)


def test_what_nobody_expected_ends_the_race() -> None:
    """An error of one runner is raised, and the others do not wait for it."""

    def stumble(crm, turn):
        if turn.runner == 2:
            raise ZeroDivisionError
        return ""

    with pytest.raises(ZeroDivisionError):
        assert_races(MemoryStore(), [Race(name="x", law="", prepare=lambda crm: [], run=stumble, check=lambda finish: None)])
