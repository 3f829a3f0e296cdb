"""A no in a file holds: over an older yes, over a yes of the same file, and in a row that is refused for something else."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import custcrm
from custcrm import Crm
from tests.batches import in_batches

HEADER = "email,external_ids.shop,phone,birth_date,consents.email\n"
ANNA, BEN = "anna@example.org", "ben@example.org"


@pytest.fixture
def shop(crm: Crm) -> Crm:
    """Give a shop whose two customers want to be written to."""
    for email, number in ((ANNA, "1"), (BEN, "2")):
        crm.consents.grant(crm.customers.add(email=email, external_ids={"shop": number}), "email", evidence="form")
    return crm


def wanting(crm: Crm) -> set[str | None]:
    return {each.email for each in crm.select("EXISTS(consents WHERE channel = 'email' AND granted = TRUE)")}


@pytest.mark.parametrize("row", [
    f"{ANNA},,2026-01-01,,no", f"{ANNA},,,2026-02-31,no", f"{ANNA},7,,,no", "nobody,1,,,no", f"{ANNA},1,12,,0",
], ids=["a phone", "a birthday", "another id", "an email", "short"])
def test_a_no_of_a_refused_row_is_kept(shop: Crm, file: Callable[..., Path], row: str) -> None:
    """The row is refused and changes nothing else; the report says that the no was kept, and who is asked says no."""
    before = shop.customers.find_by_email(ANNA)
    report = shop.customers.import_csv(file(HEADER + row + "\n"))
    [told] = report
    assert (told.verdict, told.message) == ("refused", told.message) and "its no is kept" in (told.message or "")
    assert shop.customers.find_by_email(ANNA) == before
    assert wanting(shop) == {BEN}
    assert shop.select().send_message("Hi", channel="email").skipped


@pytest.mark.parametrize("rows", [(ANNA + ",,,,yes", ANNA + ",,,,no"), ("new@example.org,,,,yes", "new@example.org,,,,no"),
                                  ("new@example.org,9,,,yes", ",9,,,no")])
@pytest.mark.parametrize("batch", [1, 2, 100])
def test_a_no_of_a_second_row_is_kept(shop: Crm, file: Callable[..., Path], rows: tuple[str, str], batch: int) -> None:
    """Whoever is told of twice is refused the second time, and does not want it, in whichever batch that is."""
    report = in_batches(shop, batch).customers.import_csv(file(HEADER + "\n".join(rows) + "\n"))
    assert [each.verdict for each in report][1] == "refused"
    assert "new@example.org" not in wanting(shop)
    assert wanting(shop) == ({BEN} if ANNA in rows[0] else {ANNA, BEN})


def test_a_dry_run_says_the_same_and_keeps_nothing(shop: Crm, file: Callable[..., Path]) -> None:
    path = file(HEADER + f"{ANNA},,2026-01-01,,no\n{BEN},,,,no\n{BEN},,,,no\nn@example.org,,,,yes\nn@example.org,,,,no\n")
    foreseen = shop.customers.import_csv(path, dry_run=True)
    assert wanting(shop) == {ANNA, BEN}
    taken = shop.customers.import_csv(path)
    assert [(each.verdict, each.message) for each in foreseen] == [(each.verdict, each.message) for each in taken]
    assert wanting(shop) == set()


ROWS = st.lists(
    st.tuples(st.sampled_from([ANNA, BEN, "c@example.org"]), st.sampled_from(["", "040 1234567", "2026-01-01"]),
              st.sampled_from(["", "yes", "no"])), max_size=8,
)


@given(rows=ROWS, batch=st.integers(1, 4))
@example([("c@example.org", "2026-01-01", "no"), ("c@example.org", "", "yes")], 1)
@example([("c@example.org", "2026-01-01", "no"), ("c@example.org", "", "yes")], 4)
def test_whoever_says_no_anywhere_in_a_file_is_not_written_to(tmp_path_factory, rows, batch) -> None:
    """Law: of all rows that name somebody, one no is enough, be it before the row that adds the person."""
    path = tmp_path_factory.mktemp("files") / "people.csv"
    path.write_text("email,phone,consents.email\n" + "".join(",".join(row) + "\n" for row in rows), encoding="utf-8")
    with custcrm.open(country="FI") as crm:
        for email in (ANNA, BEN):
            crm.consents.grant(crm.customers.add(email=email), "email", evidence="form")
        in_batches(crm, batch).customers.import_csv(path)
        noes = {email for email, _, said in rows if said == "no"}
        assert not wanting(crm) & noes
        assert crm.verify()
