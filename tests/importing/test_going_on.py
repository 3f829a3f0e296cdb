"""Files in several transactions: what is kept when one stops, how it goes on, and that a key takes a file in once."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import custcrm
from custcrm import Crm, KeyConflict, Malformed
from custcrm.records import Import
from custcrm.values.errors import Closed, Unfinished
from tests.batches import in_batches

ROWS = 7
PEOPLE = "email,first_name\n" + "".join(f"a{n}@example.org,Anna {n}\n" for n in range(ROWS))


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest) -> Iterator[Crm]:
    """Give a shop whose imports commit two rows at a time."""
    place = None if request.param == "memory" else str(request.getfixturevalue(f"{request.param}_store"))
    with custcrm.open(place) as crm:
        yield in_batches(crm, 2)


def stop_after(rows: int) -> Callable[[int, int], None]:
    """Interrupt as soon as so many rows are done."""

    def stop(done: int, total: int) -> None:
        if done >= rows + 1:
            raise KeyboardInterrupt

    return stop


def imports(crm: Crm) -> list[Import]:
    with crm._business.reading() as reader:
        return list(reader.find(Import))


def test_what_is_committed_stays_and_the_same_call_goes_on(shop: Crm, file) -> None:
    """Stopped after two batches, four rows are there, and on record; again, these are unchanged and the others are added."""
    with pytest.raises(KeyboardInterrupt):
        shop.customers.import_csv(file(PEOPLE), progress=stop_after(4))
    assert shop.select().count() == 4
    assert [(each.counts, each.done) for each in imports(shop)] == [({"added": 4}, 5)]
    assert shop.customers.import_csv(file(PEOPLE)).counts == {"added": 3, "unchanged": 4}


def test_all_or_nothing_is_to_be_had(shop: Crm, file) -> None:
    """An `atomic` import that is stopped leaves nothing, nor does one inside a transaction of the application."""
    with pytest.raises(KeyboardInterrupt):
        shop.customers.import_csv(file(PEOPLE), atomic=True, progress=stop_after(4))
    with pytest.raises(KeyboardInterrupt), shop.transaction():
        shop.customers.import_csv(file(PEOPLE), progress=stop_after(4))
    assert (shop.select().count(), imports(shop)) == (0, [])
    assert shop.customers.import_csv(file(PEOPLE), atomic=True).counts == {"added": ROWS}


def test_a_file_that_cannot_be_read_to_its_end_leaves_nothing(shop: Crm, file) -> None:
    """Whatever number of batches there would be before that line."""
    with pytest.raises(Malformed, match="line 9"):
        shop.customers.import_csv(file(f'{PEOPLE}"x"y,z\n'))
    assert (shop.select().count(), imports(shop)) == (0, [])


def test_what_stops_an_import_tells_how_far_it_is(sqlite_store: Path, file) -> None:
    """Unfinished has the rows that stay done, of how many, and the line; before anything is done, the error is its own."""
    crm = custcrm.open(sqlite_store)
    with pytest.raises(Unfinished, match=r"2 of 7.*line 3") as stopped:
        in_batches(crm, 2).customers.import_csv(file(PEOPLE), key="once", progress=lambda done, total: crm.close())
    assert (stopped.value.done, stopped.value.total, stopped.value.key) == (2, ROWS, "once")
    with pytest.raises(Closed):
        in_batches(crm, 2).customers.import_csv(file(PEOPLE))
    with custcrm.open(sqlite_store) as again:
        report = again.customers.import_csv(file(PEOPLE), key="once")
        assert (report.counts, report.repeated, again.select().count()) == ({"added": ROWS}, False, ROWS)


@pytest.mark.parametrize("kind", ["customers", "sales"])
def test_a_key_takes_a_file_in_once(shop: Crm, file, kind: str) -> None:
    """Interrupted, it goes on with the rows that are not done; through, it tells the counts of then and does nothing."""
    shop.customers.add_all([{"email": f"a{n}@example.org"} for n in range(ROWS)])
    sales = "email,external_id,occurred_at,total\n" + "".join(f"a{n}@example.org,r{n},2026-01-01,5\n" for n in range(ROWS))
    load, path, done = {
        "customers": (shop.customers.import_csv, file(PEOPLE, "a.csv"), "updated"),
        "sales": (shop.sales.import_csv, file(sales, "b.csv"), "added"),
    }[kind]
    with pytest.raises(KeyboardInterrupt):
        load(path, key="once", progress=stop_after(4))
    went_on = load(path, key="once")
    assert (went_on.counts, went_on.repeated, len(went_on.rows)) == ({done: ROWS}, False, ROWS)
    again = load(path, key="once")
    assert (again.id, again.counts, again.repeated) == (went_on.id, went_on.counts, True)
    assert f"{ROWS} rows" in str(again)
    assert [(each.key, each.counts, each.done) for each in imports(shop)] == [("once", {done: ROWS}, ROWS + 1)]


def test_a_row_that_was_done_is_not_done_again(shop: Crm, file) -> None:
    """What somebody changes between the two goes of a keyed import stands; a later row about the customer is still a second."""
    text = f"{PEOPLE}a0@example.org,Another\n"
    with pytest.raises(KeyboardInterrupt):
        shop.customers.import_csv(file(text), key="once", progress=stop_after(4))
    shop.customers.update(shop.customers.find_by_email("a0@example.org"), first_name="Hanna")
    report = shop.customers.import_csv(file(text), key="once")
    assert shop.customers.find_by_email("a0@example.org").first_name == "Hanna"
    assert report.counts == {"added": ROWS, "refused": 1}


def test_a_key_stands_for_one_file_and_one_way_to_read_it(shop: Crm, file) -> None:
    """Another file, other columns, another kind, or another action under the key is a KeyConflict, both ways."""
    path = file(PEOPLE)
    shop.customers.import_csv(path, key="once")
    people = shop.select().ids()
    for other in (
        lambda: shop.customers.import_csv(file(PEOPLE + "b@example.org,Ben\n", "other.csv"), key="once"),
        lambda: shop.customers.import_csv(file(PEOPLE + "b@example.org,Ben\n", "other.csv"), key="once", dry_run=True),
        lambda: shop.customers.import_csv(path, columns={"first_name": "last_name"}, key="once"),
        lambda: (shop.select() & people[:1]).tag("VIP").apply(key="once"),
    ):
        with pytest.raises(KeyConflict):
            other()
    (shop.select() & people[:1]).tag("VIP").apply(key="tagging")
    with pytest.raises(KeyConflict):
        shop.customers.import_csv(path, key="tagging")
    assert shop.customers.import_csv(file(PEOPLE, "renamed.csv"), key="once").repeated
    foreseen = shop.customers.import_csv(path, key="once", dry_run=True)
    assert (foreseen.repeated, foreseen.dry_run, foreseen.counts) == (True, True, {"added": ROWS})
    assert not shop.customers.import_csv(path, key="another", dry_run=True).repeated


def test_a_repeat_tells_the_refused_rows_again(shop: Crm, file, tmp_path: Path) -> None:
    """Whoever lost the answer, or could not write the rows, asks again under the key; nothing is written to the store."""
    path = file(PEOPLE + "nobody,Nobody\n")
    target = tmp_path / "refused.csv"
    assert shop.customers.import_csv(path, key="once").write_refused(target) == 1
    written = target.read_bytes()
    again = shop.customers.import_csv(path, key="once")
    assert again.repeated and again.counts["refused"] == 1
    assert [row.verdict for row in again] == ["unchanged"] * (len(again.rows) - 1) + ["refused"]
    target.unlink()
    assert again.write_refused(target) == 1 and target.read_bytes() == written


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252", "utf-16-le"])
@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"], ids=["LF", "CR", "CR LF"])
def test_batches_are_counted_in_rows_however_lines_end(shop: Crm, file, end: str, encoding: str) -> None:
    """Whatever ends a line, in whatever encoding: what was committed before a stop stays, and progress is of the same lines."""
    path = file(PEOPLE.replace("\n", end), encoding=encoding)
    told: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        told.append((done, total))
        stop_after(4)(done, total)

    with pytest.raises(KeyboardInterrupt):
        shop.customers.import_csv(path, encoding=encoding, progress=stop)
    assert (shop.select().count(), told) == (4, [(3, 8), (5, 8)])


@pytest.mark.parametrize("text", [
    "email,first_name\na@example.org,Anna\nb@example.org,Ben\n",
    "email,first_name\na@example.org,Anna\nb@example.org,Ben",
    'email,first_name\na@example.org,"Anna\n\nMaria"\n\n\n"b@example.org",Ben\n\n',
    "email,first_name\ra@example.org,Anna\rb@example.org,Ben\r",
], ids=["ended", "not ended", "cells of several lines", "CR"])
def test_a_file_of_one_batch_is_one_transaction(shop: Crm, file, text: str) -> None:
    """Stopped after its only batch nothing is kept, whether its last line is ended, and however many lines its rows span."""
    with pytest.raises(KeyboardInterrupt):
        shop.customers.import_csv(file(text), progress=stop_after(0))
    assert (shop.select().count(), imports(shop)) == (0, [])
