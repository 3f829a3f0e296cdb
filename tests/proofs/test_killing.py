"""A process that applies is killed without warning, wherever; the same keys end in the same deeds, each done once."""

import random
import signal
from collections import Counter
from contextlib import contextmanager
from multiprocessing import Pipe, get_context

import pytest

from custcrm.records import AccountEntry, Applied, Coupon, CouponSeries, Message, PointsEntry, Target
from custcrm.testing.races.runners import assert_verified
from tests.proofs import victim

PATIENCE = 120
FORKS = get_context("forkserver")  # one process imports custcrm, the victims are its copies: dozens of them in a second
FORKS.set_forkserver_preload([
    "tests.proofs.victim", "tests.proofs.chaos.process", "custcrm.crm", "custcrm.importing", "custcrm.storage.sql.store",
    "psycopg", "alembic.command", "phonenumbers", "email_validator", "sqlalchemy.dialects.postgresql.psycopg",
])


@contextmanager
def child(address, wait_at=None):
    """Start a victim; give it and what tells its messages, and end it."""
    ours, theirs = Pipe(duplex=False)
    process = FORKS.Process(target=victim.live, args=(address, wait_at, theirs))
    process.start()
    theirs.close()

    def told():
        assert ours.poll(PATIENCE)
        return ours.recv()

    try:
        yield process, told
    finally:
        process.kill()
        process.join()
        ours.close()
        process.close()


def killed(process):
    process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


def killed_at_boundary(address, number):
    """Kill a victim at its first boundary (where it began) or its second; False when there was nothing left to do."""
    with child(address, wait_at=number) as (process, told):
        assert told() == "begun"
        return told() == "waiting" and killed(process)


def killed_after(address, seconds):
    """Let a victim live so long; False when it was done before."""
    with child(address) as (process, told):
        assert told() == "begun"
        process.join(seconds)
        return process.exitcode is None and killed(process)


def finished(address):
    with child(address) as (_, told):
        assert told() == "begun"
        return told()


@pytest.fixture(scope="module")
def undisturbed():
    """Return what comes of it in memory, in one piece."""
    with victim.opened(None) as crm:
        victim.prepare(crm)
        return {key: (each.applied, dict(each.skipped)) for key, each in victim.apply_all(crm).items()}


@pytest.fixture
def prepared(address):
    with victim.opened(address) as crm:
        victim.prepare(crm)
    return address


def assert_exact(address, undisturbed):
    """Nobody twice, nobody missed, coupons = messages = reserved, done = eligible, the result stands, the store verifies."""
    with victim.opened(address) as crm:
        assert_verified(crm)
        again = victim.apply_all(crm)
        assert all(each.repeated for each in again.values())
        assert {key: (each.applied, dict(each.skipped)) for key, each in again.items()} == undisturbed
        members = crm.select("programs.club.access = 'full'").ids()
        assert again["credit"].applied == again["coupons"].applied == len(members)
        with crm._business.store.read() as reader:
            applied = {each.key: each for each in reader.find(Applied)}
            entries = list(reader.find(PointsEntry, {"applied_id": applied["credit"].id}))
            coupons = list(reader.find(Coupon))
            messages, targets = list(reader.find(Message)), list(reader.find(Target))
            series = reader.get(CouponSeries, "back")
    assert [each.customer_id for each in entries] == [each.customer_id for each in coupons] == members
    assert series is not None and series.issued == len(coupons) == applied["coupons"].reserved
    assert {key: (each.done, each.eligible) for key, each in applied.items()} == {
        key: (count, count) for key, (count, _) in undisturbed.items()
    }
    assert_messages(applied, coupons, messages)
    assert_purses(address, applied, members)
    assert Counter(each.applied_id for each in targets if each.number > 0) == {
        each.id: each.eligible for each in applied.values()
    }


def assert_purses(address, applied, members):
    """Each has spent once, out of lots that hold; each has been paid into and has paid once."""
    with victim.opened(address) as crm:
        with crm._business.store.read() as reader:
            spent = list(reader.find(PointsEntry, {"applied_id": applied["spend"].id}))
            money = list(reader.find(AccountEntry))
        proofs = {each: crm.points.prove(each, "club") for each in members}
    assert len({each.spend_id for each in spent}) == len(members)
    for member, proof in proofs.items():
        mine = [each.delta for each in spent if each.customer_id == member]
        assert (sum(mine), proof.faults()) == (-victim.SPENT, ())
        assert proof.balance == sum(lot.brought for lot in proof.lots) - victim.SPENT
    entries = Counter((each.customer_id, each.kind, each.amount.minor) for each in money)
    assert entries == Counter(
        (member, kind, 100 * amount)
        for member in members for kind, amount in (("replenish", victim.PAID_IN), ("spend", -victim.PAID))
    )


def assert_messages(applied, coupons, messages):
    """Each coupon is told of once, with its own code; each member is written to or rejected once."""
    notices = [each for each in messages if each.applied_id == applied["coupons"].id]
    assert sorted((each.customer_id, each.code) for each in notices) == [(each.customer_id, each.code) for each in coupons]
    assert len({each.code for each in coupons}) == len(coupons)
    sent = [each for each in messages if each.applied_id == applied["messages"].id]
    assert len(sent) == len({each.customer_id for each in sent})
    states = Counter(each.status for each in sent)
    assert (states["planned"], states["rejected"]) == (applied["messages"].done, sum(applied["messages"].skipped.values()))


@pytest.mark.feature("V37")
def test_killed_at_every_boundary(prepared, undisturbed):
    """Every transaction is the last one of a process that is killed after it; each time another one goes on."""
    batches = sum(-(-count // victim.BATCH) for count, _ in undisturbed.values())
    assert killed_at_boundary(prepared, 1)
    assert [killed_at_boundary(prepared, 2) for _ in range(batches)] == [True] * (batches - 1) + [False]
    assert_exact(prepared, undisturbed)


@pytest.mark.feature("V37")
def test_killed_at_random_moments(prepared, undisturbed, long):
    """Killed in the midst of statements, commits and their lack, as often as it takes."""
    moments = random.Random(20261121)
    killed_in_time = [killed_after(prepared, moments.uniform(0, 0.15)) for _ in range(100 if long else 8)]
    assert any(killed_in_time)
    assert finished(prepared) == undisturbed
    assert_exact(prepared, undisturbed)


def test_many_times_from_the_start(address, undisturbed, long, request):
    """Fresh bases, each with a few kills at random moments of its own."""
    moments = random.Random(11)
    for number in range(60 if long else 1):
        with fresh(address, request, number) as place:
            with victim.opened(place) as crm:
                victim.prepare(crm)
            for _ in range(moments.randint(1, 5)):
                killed_after(place, moments.uniform(0, 0.2))
            assert finished(place) == undisturbed
            assert_exact(place, undisturbed)


@contextmanager
def fresh(address, request, number):
    """Give an empty base of the address's kind."""
    if address.startswith("postgresql"):
        with request.getfixturevalue("postgresql_server").database() as url:
            yield url
    else:
        yield f"{address}-{number}"
