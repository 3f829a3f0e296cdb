"""What became of a key, on every store: also when what it names was stopped in the midst."""

import pickle
from pathlib import Path

import pytest

import custcrm
from custcrm.testing import ManualClock
from tests.batches import in_batches
from tests.crm.test_units import Made, made  # noqa: F401 (the fixture)


class Crashed(BaseException):
    """Stands for the end of a process between two transactions."""


def test_a_key_tells_what_was_done_under_it(crm, people, clock):
    """Who, what and when; nothing of an unused key, and a malformed one is told as such."""
    staff = crm.acting_as("till 3")
    assert crm.applied("k") is None
    staff.points.credit(people["Anna"], "club", 5, key="k")
    done = crm.applied("k")
    assert (done.action, done.actor, done.as_of, done.is_finished) == ("credit_points", "till 3", clock(), True)
    assert (done.eligible, done.done, dict(done.skipped)) == (1, 1, {})
    assert pickle.loads(pickle.dumps(done)) == done
    assert custcrm.from_json(custcrm.Applied, custcrm.to_json(done)) == done
    assert repr(done) == "<Applied k credit_points 1 1>"
    with pytest.raises(custcrm.Malformed):
        crm.applied(" ")


def test_what_was_told_of_a_person_is_not_kept_with_the_key(crm):
    """The hash tells whether it is the same; a name or an address stands nowhere but with its customer."""
    anna = crm.customers.add(first_name="Anna", email="anna@example.org", key="k")
    assert "nna" not in str(custcrm.to_json(crm.applied("k")))
    assert crm.applied("k").made == {"customers": [[anna.id]]}


def test_what_is_gone_since_is_not_found(crm):
    """A deleted customer does not come back by a repeated call, and is not added again."""
    crm.customers.delete(crm.customers.add(first_name="Anna", key="k"), key="gone")
    with pytest.raises(custcrm.NotFound):
        crm.customers.add(first_name="Anna", key="k")
    crm.customers.delete("whoever") if crm.select().count() else None
    assert crm.select().count() == 0


def test_a_repeated_call_gives_the_record_as_it_is_now(crm):
    """Not as it was: what happened since is not undone, and not hidden."""
    anna = crm.customers.add(first_name="Anna", key="k")
    crm.customers.update(anna, first_name="Anne")
    assert crm.customers.add(first_name="Anna", key="k").first_name == "Anne"
    crm.tags.remove(anna, "VIP", key="no tag")
    crm.tags.set(anna, "VIP")
    crm.tags.remove(anna, "VIP", key="no tag")
    assert crm.tags.of(anna) == {"VIP": None}


def test_a_key_tells_how_far_an_apply_is(crm):
    """Also after a crash in the midst; the same call goes on."""
    crm = in_batches(crm, 2)
    crm.programs.add("club")
    crm.customers.add_all([{"first_name": f"N{number}"} for number in range(5)])

    def crash(done: int, total: int) -> None:
        if done == 2:
            raise Crashed

    with pytest.raises(Crashed):
        crm.select().join("club").apply(key="all", progress=crash)
    half = crm.applied("all")
    assert (half.action, half.done, half.eligible, half.is_finished) == ("join", 2, 5, False)
    assert crm.select().join("club").apply(key="all").applied == 5
    assert crm.applied("all").is_finished


def test_a_store_that_goes_away_between_batches_says_how_far_it_is(made: Made):  # noqa: F811
    """Unfinished, with the key; the same call goes on from there. Never that nothing was written."""
    world, store = made()
    crm = in_batches(world.crm, 1)
    everybody = crm.select()
    plan = everybody.tag("seen")
    store.tell(away_after_commit=True)
    with pytest.raises(custcrm.Unfinished) as stopped:
        plan.apply(key="all")
    store.tell()
    assert (stopped.value.done, stopped.value.total, stopped.value.key) == (0, everybody.count(), "all")
    assert "key 'all'" in str(stopped.value) and "went away" in str(stopped.value)
    assert not crm.applied("all").is_finished
    assert plan.apply(key="all").applied == everybody.count()


def test_an_import_that_is_begun_says_how_far_it_is(made: Made, tmp_path: Path):  # noqa: F811
    """Also before its first rows: its key is taken then, and Unavailable would say that nothing was written."""
    world, store = made()
    crm = in_batches(world.crm, 1)
    (tmp_path / "two.csv").write_text("email\nzoe@example.org\nyves@example.org\n", encoding="utf-8")
    for key in ("once", None):
        store.tell(away_after_commit=True)
        with pytest.raises(custcrm.CrmError) as stopped:
            crm.customers.import_csv(tmp_path / "two.csv", key=key)
        store.tell()
        assert isinstance(stopped.value, custcrm.Unfinished), (key, stopped.value)
        assert (stopped.value.done, stopped.value.total, stopped.value.key) == (0, 2, key)
    assert crm.customers.import_csv(tmp_path / "two.csv", key="once").counts == {"added": 2}


def test_who_dispatches_is_told_how_far_it_is(made: Made):  # noqa: F811
    """Law: once a message is taken, the store's failure is Unfinished; and never that nothing was written."""
    for limit in (None, 3):
        world, store = made()
        crm = world.crm
        waiting = crm.outbox.waiting()
        store.tell(away_after_commit=True)
        with pytest.raises(custcrm.CrmError) as stopped:
            crm.outbox.dispatch(limit=limit)
        store.tell()
        assert isinstance(stopped.value, custcrm.Unfinished), stopped.value
        taken = limit or waiting
        assert (stopped.value.done, stopped.value.total, stopped.value.key) == (taken, taken, None)
        assert (len(crm.outbox.in_doubt()), crm.outbox.dispatch()) == (taken, waiting - taken)


def test_expiries_are_written_down_once_under_a_key(opened, clock: ManualClock):
    """The same key counts the same for ever, whatever has expired since; without one, only what is new is counted."""
    crm = opened(currency="EUR", timezone="Europe/Helsinki")
    crm.programs.add("club")
    anna, ben = crm.customers.add_all([{"first_name": "Anna"}, {"first_name": "Ben"}])
    for each in (anna, ben):
        crm.programs.join(each, "club")
        crm.points.credit(each, "club", 5, expires="1 day")
    crm.points.credit(anna, "club", 5, expires="9 days")
    clock.advance("3 days")
    assert crm.points.expire("club", key="november") == 2
    clock.advance("9 days")
    assert crm.points.expire("club", key="november") == 2
    assert crm.points.expire("club") == 1
    with pytest.raises(custcrm.KeyConflict):
        crm.points.expire(key="november")


def test_a_transaction_begun_again_shows_its_progress_once(made: Made):  # noqa: F811
    """A bar does not go back to its beginning."""
    world, store = made()
    world.crm.series.change("welcome", capacity=5_000)
    seen: list[tuple[int, int]] = []
    store.tell(give_up=1)
    assert len(world.crm.series.generate("welcome", 2_500, progress=lambda *told: seen.append(told))) == 2_500
    assert seen == [(0, 2_500), (1_000, 2_500), (2_000, 2_500), (2_500, 2_500)]
