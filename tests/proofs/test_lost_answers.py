"""The connection to PostgreSQL breaks at each message in turn: what callers are told is true, and the same key settles it."""

import pytest

import custcrm
from custcrm.records import Applied, PointsEntry
from custcrm.testing import ManualClock
from tests.batches import in_batches
from tests.proofs.lossy_wire import wire_to

MEMBERS = 5
POINTS = 10


@pytest.fixture
def wired(postgresql_store):
    """Give a wire, a base behind it with some members, and a face of the base beside the wire."""
    clock = ManualClock("2026-11-21T12:00+02:00")
    with (
        wire_to(postgresql_store) as (wire, url), custcrm.open(url, clock=clock) as crm,
        custcrm.open(postgresql_store, clock=clock) as beside,
    ):
        crm.programs.add("club")
        for each in crm.customers.add_all([{"first_name": str(number)} for number in range(MEMBERS)]):
            crm.programs.join(each, "club")
        yield wire, crm, beside


def credit(crm, key):
    return crm.points.credit(crm.select().ids()[0], "club", POINTS, key=key)


def credit_all(crm, key):
    return in_batches(crm, 2).select().credit_points("club", POINTS).apply(key=key)


def kept(beside):
    """Return what stands in the store."""
    with beside._business.store.read() as reader:
        return {each.key: each for each in reader.find(Applied)}, reader.count_records(PointsEntry)


def cuts(wire, call):
    """Yield what came of a call, an answer or an error, for each message at which it can be cut."""
    for arrives in (False, True):
        number = 1
        while True:
            key = f"{arrives} {number}"
            wire.cut_at(number, arrives=arrives)
            try:
                came_of = call(key)
            except custcrm.CrmError as error:
                came_of = error
            if not wire.was_cut:
                wire.cut_at(10**9, arrives=False)
                break
            yield key, came_of
            number += 1


@pytest.mark.parametrize(("deed", "each"), [(credit, 1), (credit_all, MEMBERS)], ids=["single", "bulk"])
def test_what_is_told_is_true_and_the_same_key_settles_it(wired, deed, each):
    """Unavailable: nothing is written. OutcomeUnknown names the key, Unfinished says how far it is. Again: all of it, once."""
    wire, crm, beside = wired
    told = set()
    for key, came_of in cuts(wire, lambda key: deed(crm, key)):
        told.add(type(came_of))
        done, entries = kept(beside)
        mine = done.get(key)
        if isinstance(came_of, custcrm.Unavailable):
            assert mine is None, (key, came_of)
        elif isinstance(came_of, custcrm.Unfinished):
            assert came_of.key == key and mine is not None and came_of.done <= mine.done, (key, came_of)
        elif isinstance(came_of, custcrm.OutcomeUnknown):
            assert came_of.key == key and "same key" in str(came_of)
        else:
            assert mine.is_finished, (key, came_of)
        before = 0 if mine is None else mine.done
        deed(crm, key)
        assert crm.applied(key).is_finished
        assert kept(beside)[1] == entries - before + each, (key, came_of)
    assert told >= {custcrm.Unavailable, custcrm.OutcomeUnknown}
    assert (custcrm.Unfinished in told) == (each > 1)


@pytest.mark.parametrize("deed", [credit, credit_all], ids=["single", "bulk"])
def test_who_asks_again_is_told_the_key_too(wired, deed):
    """Law: of a call with a key OutcomeUnknown names the key, also where the call finds that all is done."""
    wire, crm, beside = wired
    deed(crm, "again")
    before = kept(beside)[1]
    lost = [error for _, error in cuts(wire, lambda _: deed(crm, "again")) if isinstance(error, custcrm.OutcomeUnknown)]
    assert lost
    assert {each.key for each in lost} == {"again"}
    assert kept(beside)[1] == before


def test_without_a_key_nobody_is_told_to_use_the_same_one(wired):
    """What was lost at its commit may be written or not; any other error means that it is not."""
    wire, crm, beside = wired
    written = set()
    before = kept(beside)[1]
    for _, came_of in cuts(wire, lambda _: credit(crm, None)):
        entries = kept(beside)[1]
        if isinstance(came_of, custcrm.OutcomeUnknown):
            assert came_of.key is None and "same key" not in str(came_of)
            written.add(entries - before)
        elif isinstance(came_of, custcrm.CrmError):
            assert entries == before, came_of
        before = entries
    assert written == {0, 1}
