"""CSV files that we write: for spreadsheets, which run nothing of them, and raw for machines."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import custcrm
from custcrm.values.formulas import FORMULA, harmless, restored, row_of

DANGEROUS = [
    "=1+1", "+1", "-x", "@SUM(A1)", "\t=1", "\r=1", "\n=1+1", "\n", "'=1", "＝1", "a;=1+1", "a,=1+1", "a\t=1+1", "a|=1+1",
    'say "=1"', "plain", "two words", "Ä", " =1", "a\r\nb",
]  # fmt: skip
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20) | st.sampled_from(DANGEROUS)


def _read(path: Path, delimiter: str, encoding: str = "utf-8") -> list[list[str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.reader(file, delimiter=delimiter, strict=True))


@given(st.lists(st.lists(TEXTS, min_size=1, max_size=4), max_size=4), st.sampled_from(",;\t| a'="))
def test_what_is_written_is_read_back(rows: list[list[str]], delimiter: str) -> None:
    """Law: any reader of CSV gets back the cells that were written, whatever parts them; a row is never a blank line."""
    text = "".join(row_of(row, delimiter) for row in rows)
    assert list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)) == rows


@given(TEXTS)
def test_another_spreadsheets_delimiter_is_in_quotes(text: str) -> None:
    """Law: a cell with what any spreadsheet parts cells at, or a line end, stands in quotes; others do not."""
    written = row_of([text, "x"], ",").removesuffix(",x\r\n")
    assert (written[:1] == '"') == any(each in text for each in ',;\t|"\r\n')


@given(TEXTS)
def test_no_formula_leaves_and_each_text_comes_back(text: str) -> None:
    """Law: no cell begins as a formula does, a line feed included, and an import reads back what it was."""
    assert harmless(text)[:1] not in FORMULA | {"\n"}
    assert restored(harmless(text)) == text


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("bom", [False, True])
def test_raw_is_what_machines_read_back(crm: custcrm.Crm, tmp_path: Path, delimiter: str, bom: bool) -> None:
    """Law: with `raw` each text is in its cell as it is; without, none begins a formula, and `restored` gives it back."""
    for text in DANGEROUS:
        crm.customers.add(first_name="x", attributes={"note": text})
    view, file = crm.select().view({"=title": "attributes.note"}), tmp_path / "out.csv"
    kept = [row["=title"] or "" for row in view]
    encoding = "utf-8-sig" if bom else "utf-8"
    assert view.to_csv(file, delimiter=delimiter, bom=bom, raw=True) == len(DANGEROUS)
    assert _read(file, delimiter, encoding) == [["=title"], *([each] for each in kept)]
    view.to_csv(file, delimiter=delimiter, bom=bom)
    cells = [cell for (cell,) in _read(file, delimiter, encoding)]
    assert [restored(each) for each in cells] == ["=title", *kept]
    assert [each for each in cells if each[:1] in FORMULA | {"\n"}] == []


@pytest.mark.parametrize("wrong", [
    {"delimiter": 5}, {"delimiter": None}, {"delimiter": b";"}, {"delimiter": "\0"}, {"delimiter": "\ud800"}, {"delimiter": ""},
    {"delimiter": ";;"}, {"delimiter": "\n"}, {"delimiter": '"'}, {"bom": "no"}, {"bom": None}, {"raw": 1}, {"raw": "no"},
], ids=str)  # fmt: skip
def test_how_a_file_is_written_is_checked_first(crm: custcrm.Crm, tmp_path: Path, wrong: dict[str, Any]) -> None:
    """Law: what is no delimiter, or neither True nor False, is Malformed at its argument, and there is no file."""
    [field] = wrong
    for table in crm.select().view(["id"]), crm.reports.transaction_log(period="today"):
        with pytest.raises(custcrm.Malformed) as caught:
            table.to_csv(tmp_path / "out.csv", **wrong)
        assert caught.value.field == field
    assert not (tmp_path / "out.csv").exists()
