"""What an import reads is what it has looked at: a file that changes meanwhile stops it, and what stops it is told as ours."""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

import custcrm
from custcrm import Crm
from custcrm.importing.intake import request
from custcrm.importing.source import CsvSource
from custcrm.values.errors import Unfinished
from tests.batches import in_batches

ROWS: Final = 1_000
BATCH: Final = 200
TEXT: Final = "email,first_name,last_name\n" + "".join(f"a{n}@example.org,First{n},Last{n}\n" for n in range(ROWS))
TURNED: Final = "email,last_name,first_name\n" + "".join(f"a{n}@example.org,Last{n},First{n}\n" for n in range(ROWS))


def replace(path: Path, text: str) -> None:
    """Put another file in the place of this one, as programs do that write files whole."""
    other = path.with_name("other.csv")
    other.write_text(text)
    other.replace(path)


def write_at_end(path: Path, content: bytes) -> None:
    """Write over the last bytes, so that the size stays."""
    with path.open("r+b") as file:
        file.seek(-len(content), os.SEEK_END)
        file.write(content)


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


CHANGES: Final[Mapping[str, Callable[[Path], Any]]] = {
    "it grows": lambda path: append(path, "b@example.org,B,B\n" * ROWS),
    "it is cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "it is cut behind a row": lambda path: os.truncate(path, TEXT.index(f"a{ROWS // 2}@")),
    "columns change their places": lambda path: replace(path, TURNED),
    "a name is another": lambda path: write_at_end(path, b"Last998\n"),
    "a byte is bad": lambda path: write_at_end(path, b"\xff\xff\n"),
    "a quote is open": lambda path: write_at_end(path, b',"\n'),
    "it is removed": Path.unlink,
}


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest) -> Iterator[Crm]:
    """Give a shop whose imports commit two hundred rows at a time."""
    place = None if request.param == "memory" else str(request.getfixturevalue(f"{request.param}_store"))
    with custcrm.open(place) as crm:
        yield in_batches(crm, BATCH)


@pytest.fixture
def people(file: Callable[..., Path]) -> Path:
    """Give a file that was written a while ago."""
    path = file(TEXT)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


def once(work: Callable[[], Any]) -> Callable[[int, int], None]:
    """Do some work as soon as the first batch is done, and never again."""
    left = [work]

    def show(done: int, total: int) -> None:
        if left:
            left.pop()()

    return show


def what_stopped(work: Callable[[], Any]) -> tuple[str, int, int]:
    """Return the name of what was raised, and how far it says that the work is: of nothing said, 0 of 0."""
    try:
        work()
    except Unfinished as error:
        return type(error).__name__, error.done, error.total
    except Exception as error:  # noqa: BLE001  which one it is, is what is asked
        return type(error).__name__, 0, 0
    return "nothing", 0, 0


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_while_it_is_taken_in_stops_the_import(shop: Crm, people: Path, change: str) -> None:
    """Of two hundred rows in, Unfinished says so, and no row of the changed file is; as it was, it is taken in to its end."""
    changing = once(lambda: CHANGES[change](people))
    with pytest.raises(Unfinished, match="as it was or under another key") as stopped:
        shop.customers.import_csv(people, key="once", progress=changing)
    assert (stopped.value.done, stopped.value.total, stopped.value.key) == (BATCH, ROWS, None)
    assert shop.select().count() == BATCH
    assert shop.verify().findings == ()
    people.write_text(TEXT)
    again = shop.customers.import_csv(people, key="once")
    assert (again.counts, shop.select("last_name LIKE 'Last%'").count()) == ({"added": ROWS}, ROWS)


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_is_malformed_where_nothing_is_kept(shop: Crm, people: Path, change: str) -> None:
    """All at once, within the application's transaction, or tried only: nothing of it is there."""

    def within() -> None:
        with shop.transaction():
            shop.customers.import_csv(people, progress=once(lambda: CHANGES[change](people)))

    ways: Mapping[str, Callable[[], Any]] = {
        "atomic": lambda: shop.customers.import_csv(people, atomic=True, progress=once(lambda: CHANGES[change](people))),
        "dry run": lambda: shop.customers.import_csv(people, dry_run=True, progress=once(lambda: CHANGES[change](people))),
        "within": within,
    }
    for name, way in ways.items():
        people.write_text(TEXT)
        os.utime(people, (1_700_000_000, 1_700_000_000))
        assert (name, *what_stopped(way), shop.select().count()) == (name, "Malformed", 0, 0, 0)


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_read_is_what_was_looked_at(people: Path, change: str) -> None:
    """Neither rows nor the digest for a key are those of a file that changed after its columns were read."""
    source = CsvSource.look(people)
    CHANGES[change](people)
    assert what_stopped(lambda: list(source.rows())) == ("Malformed", 0, 0)
    assert what_stopped(lambda: request("customers", source, {}, "once")) == ("Malformed", 0, 0)


def test_refused_rows_that_cannot_be_kept_stop_the_import(
    shop: Crm, file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no room for them Unfinished says how far it is; where nothing is kept it is Unavailable."""
    path = file("email,first_name\n" + "".join(f"a{n}@example.org,A\n" if n % 2 else "nobody,A\n" for n in range(ROWS)))
    monkeypatch.setattr("custcrm.importing.refused.IN_MEMORY", BATCH * len("nobody,A\n"))
    monkeypatch.setattr(tempfile, "tempdir", str(path.with_name("no such folder")))
    stopped = what_stopped(lambda: shop.customers.import_csv(path, atomic=True))
    assert (stopped, shop.select().count()) == (("Unavailable", 0, 0), 0)
    stopped = what_stopped(lambda: shop.customers.import_csv(path, dry_run=True))
    assert (stopped, shop.select().count()) == (("Unavailable", 0, 0), 0)
    stopped = what_stopped(lambda: shop.customers.import_csv(path, key="once"))
    assert (stopped, shop.select().count()) == (("Unfinished", 3 * BATCH, ROWS), 3 * BATCH // 2)
    monkeypatch.undo()
    assert shop.customers.import_csv(path, key="once").counts == {"added": ROWS // 2, "refused": ROWS // 2}
