"""However a file is taken in, the same is kept: at once, in batches, or stopped and gone on with; a dry run tells it before."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import custcrm
from custcrm import Crm
from custcrm.importing import ImportReport
from custcrm.records import Consent, ExternalId
from custcrm.testing import ManualClock
from tests.batches import in_batches

Rows = Sequence[Sequence[str]]

HEADER = ("email", "external_ids.shop", "card_number", "first_name", "phone", "consents.email")
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["", "", "a@example.org", "b@example.org", "c@example.org"]), st.sampled_from(["", "1", "2"]),
        st.sampled_from(["", "c1", "c2"]), st.sampled_from(["", "Anna", "Ben"]),
        st.sampled_from(["", "040 1234567", "2026-01-01"]), st.sampled_from(["", "yes", "no"]),
    ), max_size=7,
)
BAD_PHONE = "2026-01-01"


def written(folder: Path, rows: Rows) -> Path:
    path = folder / "rows.csv"
    path.write_text("\n".join([",".join(HEADER), *map(",".join, rows)]), encoding="utf-8")
    return path


def shop(folder: Path, rows: Rows, store: Any = None) -> Crm:
    """Return a shop that has taken these rows in."""
    crm = custcrm.open(store, country="FI", clock=ManualClock("2026-11-21T12:00+02:00"))
    crm.customers.import_csv(written(folder, rows), atomic=True)
    return crm


def kept(crm: Crm) -> list[Any]:
    """Return all that is known of each customer, without ids of our own."""
    with crm._business.reading() as reader:
        systems = {each.customer_id: each.external_id for each in reader.find(ExternalId)}
        answers = {each.customer_id: each.granted for each in reader.find(Consent, {"until": None})}
    told = ((each.email, each.card_number, each.first_name, each.phone, systems.get(each.id), answers.get(each.id))
            for each in crm.select())
    return sorted(told, key=str)


def stop_after(batches: int) -> Callable[[int, int], None]:
    told: list[int] = []

    def stop(done: int, _: int) -> None:
        told.append(done)
        if len(told) == batches:
            raise KeyboardInterrupt

    return stop


def go_on(crm: Crm, path: Path, batch: int, stop: int) -> ImportReport:
    """Stop an import of a key after some batches, if it has as many, and do it again."""
    try:
        return in_batches(crm, batch).customers.import_csv(path, key="k", progress=stop_after(stop))
    except KeyboardInterrupt:
        return in_batches(crm, batch).customers.import_csv(path, key="k")


def verdicts(report: ImportReport) -> list[Any]:
    return [(row.line, row.verdict, row.reason, row.field, row.message) for row in report]


ANNA = ("a@example.org", "1", "", "Anna", "", "")


@given(first=ROWS, second=ROWS, batch=st.integers(1, 4), stop=st.integers(1, 3))
@example([ANNA], [("b@example.org", "1", "", "", "", ""), ("a@example.org", "", "", "Anna", "", "")], 1, 1)
@example([ANNA], [("b@example.org", "1", "", "", "", ""), ("a@example.org", "", "", "", "", "no")], 1, 1)
@example([ANNA], [("", "1", "", "", BAD_PHONE, "no"), ("a@example.org", "", "", "", "", "no")], 1, 1)
@example([ANNA], [("", "1", "", "", BAD_PHONE, "no"), ("a@example.org", "", "", "", "", "yes")], 1, 1)
@example([], [ANNA, ("a@example.org", "", "", "", BAD_PHONE, "no")], 1, 1)
@example([], [("a@example.org", "", "", "", BAD_PHONE, "no"), ("a@example.org", "", "", "", "", "yes")], 1, 1)
@example([], [("a@example.org", "", "", "", BAD_PHONE, "no"), ("a@example.org", "", "", "", "", "yes")], 4, 1)
def test_the_same_is_kept_in_whichever_way(tmp_path_factory: Any, first: Rows, second: Rows, batch: int, stop: int) -> None:
    """Law: of all ways, what is kept is equal, and of all that are not stopped the verdicts; and the store verifies."""
    folder = tmp_path_factory.mktemp("ways")
    ways: dict[str, Callable[[Crm, Path], ImportReport]] = {
        "dry": lambda crm, path: crm.customers.import_csv(path, dry_run=True),
        "dry, in batches": lambda crm, path: in_batches(crm, batch).customers.import_csv(path, dry_run=True),
        "at once": lambda crm, path: crm.customers.import_csv(path, atomic=True),
        "in batches": lambda crm, path: in_batches(crm, batch).customers.import_csv(path),
        "stopped": lambda crm, path: go_on(crm, path, batch, stop),
    }
    reports, left = {}, {}
    for name, load in ways.items():
        with shop(folder, first) as crm:
            reports[name] = verdicts(load(crm, written(folder, second)))
            left[name] = kept(crm)
            assert crm.verify().ok
    assert all(reports[name] == reports["at once"] for name in ways if name != "stopped")
    assert all(left[name] == left["at once"] for name in ways if "dry" not in name)


@pytest.mark.parametrize("store", ["sqlite_store", "postgresql_store"])
@pytest.mark.parametrize("said", ["", "yes", "no"])
def test_a_no_that_names_a_replaced_email_is_heard(store: str, said: str, request: Any, tmp_path: Path) -> None:
    """A row replaces an email, a later one that is refused says no under the old one: it is the customer's, once."""
    with shop(tmp_path, [(*ANNA[:5], said)], request.getfixturevalue(store)) as crm:
        rows = [("b@example.org", "1", "", "", "", ""), ("a@example.org", "", "", "", "", "no")]
        report = in_batches(crm, 1).customers.import_csv(written(tmp_path, rows))
        assert report.counts == {"updated": 1, "refused": 1}
        assert kept(crm) == [("b@example.org", None, "Anna", None, "1", False)]
        assert crm.verify().ok


@pytest.mark.parametrize("columns", [100, 2_000])
def test_rows_of_many_columns_are_taken_by_fewer(crm: Crm, tmp_path: Path, columns: int) -> None:
    """Law: no more than 200,000 cells are taken together, nor more than a thousand rows; all of the file is taken in."""
    ignored = [f"more {at}" for at in range(columns - 1)]
    rows = 1_100
    (tmp_path / "wide.csv").write_text(
        "".join(f"{first}{',' * len(ignored) if at else ',' + ','.join(ignored)}\n"
                for at, first in enumerate(["email", *(f"n{at}@example.org" for at in range(rows))])), encoding="utf-8",
    )
    shown: list[int] = [1]
    report = crm.customers.import_csv(tmp_path / "wide.csv", ignore=ignored, progress=lambda done, _: shown.append(done))
    assert report.counts == {"added": rows} and crm.select().count() == rows
    most = max(after - before for before, after in pairwise(shown))
    assert most * columns <= 200_000 and most <= 1_000, f"{most} rows of {columns} cells at once"
