"""A store checks itself: what was changed beside custcrm is found and named, and a store that was not has no findings."""

import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from attrs import evolve
from hypothesis import given, settings

import custcrm
import custcrm.testing
from custcrm import records as r
from custcrm.records.declaration import declaration
from custcrm.storage.columns import key_of
from custcrm.storage.memory import MemoryStore
from custcrm.storage.sql import open_store
from custcrm.testing.bases import LONG_AGO, bases
from custcrm.verifying import CHECKS
from tests.verifying.corruptions import CORRUPTIONS, Corruption
from tests.verifying.scenario import PEOPLE, live, opened

DATABASES = ["sqlite", "postgresql"]
KINDS = ["memory", *DATABASES]


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the SQLite file of a shop that has done everything."""
    path = tmp_path_factory.mktemp("lived") / "shop.db"
    with opened(str(path)) as crm:
        live(crm)
    return path


@pytest.fixture(scope="module")
def lived_in_database(postgresql_server: Any) -> Iterator[str]:
    """Give the name of a database of a shop that has done everything."""
    with postgresql_server.database() as url:
        with opened(url) as crm:
            live(crm)
        yield url.partition("@/")[2].partition("?")[0]


@contextmanager
def corrupted(request: pytest.FixtureRequest, engine: str, tmp_path: Path, statements: tuple[str, ...]) -> Iterator[str]:
    """Give the address of a copy of the shop in which the statements were run, with no reference looked at."""
    if engine == "sqlite":
        path = shutil.copyfile(request.getfixturevalue("lived_in"), tmp_path / "shop.db")
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            for each in statements:
                connection.execute(each)
        yield str(path)
        return
    template = request.getfixturevalue("lived_in_database")
    with request.getfixturevalue("postgresql_server").database(template) as url:
        with psycopg.connect(url) as connection:
            connection.execute("SET session_replication_role = replica")
            for each in statements:
                connection.execute(each)
        yield url


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try each corruption on one of the databases in turn, with --proofs=long on both."""
    if "corruption" in metafunc.fixturenames:
        is_long = metafunc.config.getoption("--proofs") == "long"
        tried = [
            pytest.param(corruption, engine, id=f"{corruption.name}-{engine}")
            for place, corruption in enumerate(CORRUPTIONS)
            for engine in (DATABASES if is_long else [DATABASES[place % len(DATABASES)]])
        ]
        metafunc.parametrize(("corruption", "engine"), tried)


@pytest.mark.feature("X39")
def test_each_corruption_is_found_and_named(
    corruption: Corruption, engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Whatever is changed beside custcrm is found by the check that promises it, which names the table; no name is told."""
    with corrupted(request, engine, tmp_path, corruption.statements) as address, custcrm.open(address) as crm:
        found = crm.verify()
        assert (corruption.check, corruption.table) in {(each.check, each.table) for each in found.findings}
        assert not found
        assert found.found[corruption.check] >= 1
        text = f"{found}{found!r}{found.to_json()}"
        assert not any(personal in text for personal in ("@example.org", "+35840", "Benny", "guest@"))


@pytest.mark.feature("X39")
@pytest.mark.parametrize("kind", KINDS)
def test_a_store_that_did_everything_has_no_findings(kind: str, request: pytest.FixtureRequest) -> None:
    """Each check looked at something, found nothing, and wrote nothing."""
    place = None if kind == "memory" else str(request.getfixturevalue(f"{kind}_store"))
    with opened(place) as crm:
        live(crm)
        before = everything(crm)
        verified = crm.verify()
        assert verified.findings == () and verified.ok and verified, str(verified)
        assert set(verified.checked) == set(CHECKS)
        assert [check for check, count in verified.checked.items() if not count] == []
        assert everything(crm) == before


def everything(crm: custcrm.Crm) -> dict[str, list[Any]]:
    with crm._business.store.read() as reader:
        return {record.__name__: list(reader.find(record)) for record in r.RECORDS}


TAMPERED: dict[str, tuple[str, type, Any]] = {
    "two tags at once": ("tags", r.TagAssignment, lambda each: evolve(each, since=LONG_AGO) if each.key == "size" else None),
    "a membership": ("memberships", r.Membership, lambda each: evolve(each, access=r.programs.Access.BLACKLISTED)),
    "a lot": ("points", r.PointsEntry, lambda each: evolve(each, delta=each.delta - 1_000) if each.kind == "spend" else None),
    "an account": ("accounts", r.AccountEntry, lambda each: evolve(each, amount=each.amount and each.amount * -9)),
    "a sale": ("sales", r.Sale, lambda each: evolve(each, total=each.total * 3) if each.refund_of else None),
    "a coupon": ("coupons", r.Coupon, lambda each: evolve(each, ordinal=None if each.ordinal else 1)),
    "a message": ("references", r.Message, lambda each: evolve(each, sender="Nobody")),
    "an opt-out": ("channels", r.Consent, lambda each: evolve(each, channel="smsx")),
    "a till": ("references", r.PointsEntry, lambda each: evolve(each, terminal="nowhere")),
    "a visit": ("references", r.Activity, lambda each: evolve(each, point_of_sale="nowhere")),
    "a kind of activity": ("rows", r.Activity, lambda each: evolve(each, kind="bogus")),
    "a program's channel": ("channels", r.Program, lambda each: evolve(each, notifications="bogus")),
    "a key": ("keys", r.Applied, lambda each: evolve(each, content="x")),
    "a target": ("targets", r.Target, lambda each: evolve(each, reason="inactive") if each.number > 0 else None),
    "a segment": ("filters", r.SavedSegment, lambda each: evolve(each, filter="sales >")),
    "a program": ("terms", r.Program, lambda each: evolve(each, reversal_grace="soon")),
    "an opening": ("references", r.Opening, lambda each: evolve(each, subject="nowhere")),
}


@pytest.mark.feature("X39")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", TAMPERED)
def test_what_a_writer_breaks_is_found_in_every_store(kind: str, what: str, request: pytest.FixtureRequest) -> None:
    """The checks are of records, not of an engine: the same change is found in memory, in a file and on a server."""
    check, record, change = TAMPERED[what]
    place = None if kind == "memory" else str(request.getfixturevalue(f"{kind}_store"))
    with opened(place) as crm:
        live(crm)
        with crm._business.store.write() as writer:
            kept: list[Any] = list(writer.find(record))
            changed = [after for each in kept if (after := change(each)) is not None]
            writer.put(changed)
        assert changed and crm.verify().found.get(check, 0) > 0


LIMITED: list[tuple[type, str]] = [
    (record, column.name) for record in r.RECORDS for column in declaration(record).columns
    if column.words or column.ref not in (None, "customers")
]
"""Columns that hold one of a few words, or name a program, a place, a series, an account, a sender or a channel."""


@pytest.mark.parametrize("kind", KINDS)
def test_each_column_that_may_not_hold_anything_is_looked_at(kind: str, request: pytest.FixtureRequest) -> None:
    """Law: whatever a record declares to be one of some words, or to name something, is found where it is not."""
    place = None if kind == "memory" else str(request.getfixturevalue(f"{kind}_store"))
    with opened(place) as crm:
        live(crm)
        store, missed = crm._business.store, []
        for record, name in LIMITED:
            with store.write() as writer:
                kept: Any = next(iter(writer.find(record, limit=1)))
                wrong = evolve(kept, **{name: "nowhere"})
                writer.put([wrong])
            found = {(each.table, each.text.partition(" is ")[0]) for each in crm.verify().findings if "'nowhere'" in each.text}
            if (declaration(record).table, name) not in found:
                missed.append(f"{record.__name__}.{name}")
            with store.write() as writer:
                writer.remove(record, *key_of(wrong))
                writer.put([kept])
        assert missed == [] and len(LIMITED) > 50
        assert crm.verify(), "what was put back is as it was"


FREE: dict[str, str] = {
    "what something is called or known by": "name title id key code content system external_id shared_code document reference "
                                            "reserved_for product",
    "what the app says of it": "value unit description business_unit customer_group home_location delivery_preference type "
                               "source category",
    "looked at by a check of its own": "reversal_grace filter factor expires valid alphabet currency purpose country "
                                       "locale time_zone category refund_of sale_id lot_id spend_id rule reverses coupon_id "
                                       "inbox_id subject applied_id reason keep valid_from",
    "what was done, by the name of the verb": "action",
}
"""Columns of text that no mark limits, and why."""


def test_each_column_of_text_says_what_it_may_hold() -> None:
    """Law: a column is limited by what its record declares, or it is among those that may hold anything for a reason."""
    free = {name for names in FREE.values() for name in names.split()}
    loose = {
        column.name for record in r.RECORDS for column in declaration(record).columns
        if column.kind == "text" and not column.name.endswith("_currency")
        and not (column.ref or column.words or column.values or column.personal or column.internal)
    }
    assert loose == free


@pytest.mark.parametrize("kind", KINDS)
def test_a_channel_of_the_app_is_no_fault_where_it_is_named(kind: str, request: pytest.FixtureRequest) -> None:
    """A store does not keep which channels an app has: they are given when it is opened, or named to verify."""
    place = None if kind == "memory" else str(request.getfixturevalue(f"{kind}_store"))
    with custcrm.open(place, channels={"letter": custcrm.testing.RecordingChannel()}) as crm:
        anna = crm.customers.add(first_name="Anna")
        crm.programs.add("club", notifications="letter")
        crm.consents.deny(anna, "letter", evidence="phone call")
        assert crm.verify()
        with custcrm.open(crm._business.store) as later:
            found = later.verify()
            assert {(each.check, each.table) for each in found.findings} == {("channels", "programs"), ("channels", "consents")}
            assert later.verify(channels=["letter"])
            for wrong in ("letter", ["letter", " "], 5):
                with pytest.raises(custcrm.Malformed):
                    later.verify(channels=wrong)  # type: ignore[arg-type]


@settings(max_examples=10)
@given(base=bases())
def test_every_store_finds_the_same(base: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Of any records, sensible or not, memory and a file find the same, and nothing is raised."""
    path = tmp_path_factory.mktemp("base") / "shop.db"
    found = []
    for store in (MemoryStore(), open_store(path)):
        with store.write() as writer:
            writer.add(base)
        with custcrm.open(store, currency="EUR", timezone="UTC") as crm:
            verified = crm.verify()
            found.append((set(verified.findings), dict(verified.found)))
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", KINDS)
def test_others_may_write_meanwhile(kind: str, request: pytest.FixtureRequest) -> None:
    """Beside running writers nothing is found: all is read in one view."""
    place = None if kind == "memory" else str(request.getfixturevalue(f"{kind}_store"))
    with opened(place) as crm:
        people = live(crm)
        done, failures = threading.Event(), []

        def write() -> None:
            try:
                while not done.is_set():
                    coupon = crm.coupons.issue(people[5], "flyer", notify=False)
                    crm.coupons.revoke(coupon, reason="again")
                    crm.points.credit(people[5], "club", 5, notify=False)
                    crm.points.spend(people[5], "club", 5)
                    crm.tags.set(people[6], "size", "S")
                    crm.programs.set_category(people[7], "club", "Gold")
            except BaseException as error:
                failures.append(error)
                raise

        writer = threading.Thread(target=write)
        writer.start()
        found = [crm.verify() for _ in range(6)]
        done.set()
        writer.join()
        assert not failures
        assert all(found), "\n".join(map(str, found))


def test_a_damaged_file_is_named(lived_in: Path, tmp_path: Path) -> None:
    """Bytes that were lost in the middle of the file are damage, whatever else cannot be read for them."""
    path = shutil.copyfile(lived_in, tmp_path / "shop.db")
    with closing(sqlite3.connect(path)) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        [root] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'custcrm_points_entries'").fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    with custcrm.open(path) as crm:
        assert crm.verify().found["damage"] >= 1


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@pytest.mark.parametrize(("statement", "ask"), [
    ("UPDATE custcrm_account_entries SET amount_currency = NULL WHERE amount IS NOT NULL",
     lambda crm, anna: crm.accounts.statement(anna, "wallet")),
    ("UPDATE custcrm_memberships SET access = 'everything'", lambda crm, anna: crm.programs.membership(anna, "club")),
    ("UPDATE custcrm_customers SET kind = 'robot'", lambda crm, anna: crm.customers.get(anna)),
])
def test_a_row_that_cannot_be_read_says_so_and_is_found(
    statement: str, ask: Any, engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Whoever reads it is told by an error of ours that points to verify, which names it."""
    with corrupted(request, engine, tmp_path, (statement,)) as address, custcrm.open(address) as crm:
        [anna, *_] = crm.select("accounts.wallet EXISTS").ids()
        with pytest.raises(custcrm.Conflict, match="verify"):
            ask(crm, anna)
        assert crm.verify().found["rows"] >= 1


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_facts_of_a_customer_whose_row_cannot_be_read_are_of_somebody(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """One row is told of, and nothing that names it."""
    statement = "UPDATE custcrm_customers SET status = 'gone' WHERE id IN (SELECT customer_id FROM custcrm_memberships)"
    with corrupted(request, engine, tmp_path, (statement,)) as address, custcrm.open(address) as crm:
        verified = crm.verify()
        assert {each.check for each in verified.findings} == {"rows"}, str(verified)


def test_inside_a_transaction_it_is_refused() -> None:
    """What nobody else can see yet is not verified."""
    with custcrm.open() as crm, crm.transaction(), pytest.raises(custcrm.Conflict):
        crm.verify()


def test_it_tells_how_far_it_is() -> None:
    """From nothing to all customers."""
    told: list[tuple[int, int]] = []
    with opened(None) as crm:
        live(crm)
        crm.verify(progress=lambda done, total: told.append((done, total)))
    assert told[0] == (0, PEOPLE + 1) and told[-1] == (PEOPLE + 1, PEOPLE + 1)


def test_a_finding_says_what_was_expected_and_what_to_do() -> None:
    """Check, table, ids, what was found, what was promised and the remedy, as text and as JSON; false where there are any."""
    with opened(None) as crm:
        [anna, *_] = live(crm)
        with crm._business.store.write() as writer:
            membership = writer.get(r.Membership, anna, "club")
            assert membership is not None
            writer.replace(evolve(membership, access=r.programs.Access.NONE))
        verified = crm.verify()
    [finding] = verified.findings
    assert (finding.check, finding.table, finding.ids) == ("memberships", "memberships", (anna, "club"))
    assert str(finding) == (
        f"memberships: memberships {anna} club: it stands as none, Gold; its last change says otherwise. Expected: access, "
        "category and how long it is kept are those of a membership's last change. To do: set access and category once more."
    )
    assert not verified and verified.found == {"memberships": 1}
    told = json.loads(json.dumps(verified.to_json()))
    assert told["ok"] is False and told["findings"][0]["ids"] == [anna, "club"]
    assert repr(verified).endswith("looked at: 1 memberships>")


def test_many_findings_are_counted_and_a_hundred_of_a_check_named() -> None:
    """The memory of a report is bounded, the count is not."""
    with custcrm.open() as crm:
        crm.customers.add_all([{"first_name": "N"}] * 150)
        with crm._business.store.write() as writer:
            writer.put([evolve(each, phone="0") for each in list(writer.find(r.Customer))])
        verified = crm.verify()
    assert (len(verified.findings), verified.found) == (100, {"contacts": 150})
