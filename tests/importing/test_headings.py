"""First lines of files: headings are told when they are wrong, and the row of a customer never is."""

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import custcrm
from custcrm.importing.columns import Columns
from custcrm.importing.customers import CUSTOMERS
from custcrm.importing.sales import SALES

PERSON = ("Zuleika Emil", "Emil", "zuleika@example.org", "+358 40 123 4567", "13.5.1990", "Mannerheimintie 5")
"""What a first customer is in a file without headings: the second is nearly a heading's word."""


@pytest.mark.parametrize("more", [
    {}, {"columns": {"Emai": "email"}}, {"columns": {"Zuleika Emi": "last_name"}}, {"delimiter": ";"}, {"delimiter": "\t"},
    {"ignore": ["Zuleika Emi", "mannerheimintie 5"]},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("kind", ["customers", "sales"])
def test_a_first_customer_is_no_heading(tmp_path: Path, kind: str, more: dict[str, object]) -> None:
    """Law: of a file without headings no error tells a cell, nor suggests one; it says that the headings are missing."""
    (file := tmp_path / "people.csv").write_text(f"{','.join(PERSON)}\nBen Berg,Ben,ben@example.org,,,\n", encoding="utf-8")
    with custcrm.open() as crm:
        verb = crm.customers.import_csv if kind == "customers" else crm.sales.import_csv
        with pytest.raises(custcrm.Malformed) as caught:
            verb(file, **more)  # type: ignore[arg-type]
    told = f"{caught.value} {caught.value.suggestions!r} {caught.value!r}".replace(repr(more.get("columns", "")), "")
    given = str(more)
    assert [part for cell in PERSON for part in cell.split() if part in told and part not in given] == []


def test_unknown_headings_are_told_beside_known_ones(tmp_path: Path) -> None:
    """Law: where a heading is known, as it is or as people write it, the others are headings too, and are told."""
    file = tmp_path / "people.csv"
    for known in ("email", "E-mail", "First Name", "tags.vip"):
        file.write_text(f"{known},Lempiväri\nx,blue\n", encoding="utf-8")
        with custcrm.open() as crm, pytest.raises(custcrm.Malformed, match="Lempiväri"):
            crm.customers.import_csv(file)
    file.write_text("Etunimi,Sukunimi\nZuleika,Berg\n", encoding="utf-8")
    with custcrm.open() as crm, pytest.raises(custcrm.Malformed, match="did you mean 'Sukunimi'"):
        crm.customers.import_csv(file, columns={"Etunimi": "first_name", "Sukunim": "last_name"})


class Counted(str):
    """A heading that counts how often it is compared."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def _steps(work: Callable[[], object]) -> int:
    """Return how many functions are called, and headings compared, until the work is done or refused."""
    calls = Counted.compared = 0

    def count(_frame: Any, event: str, _about: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        with suppress(custcrm.Malformed):
            work()
    finally:
        sys.setprofile(None)
    return calls + Counted.compared


@pytest.mark.parametrize("kind", [CUSTOMERS, SALES], ids=["customers", "sales"])
@pytest.mark.parametrize("word", ["tags.", "attributes.", "external_ids.", "ema"])
def test_headings_cost_what_they_are(kind: Any, word: str) -> None:
    """Law: ten times the headings take about ten times the steps, not a hundred times: of maps, unknown ones, ignored ones."""
    def reading(count: int) -> Callable[[], object]:
        header = [*(each for each, *_ in kind.needed), *(Counted(f"{word}{number}") for number in range(count))]
        return lambda: Columns.of(header, kind, mapped={}, ignored=header[-count // 2 :])

    assert _steps(reading(3_000)) < 20 * _steps(reading(300))
