"""The file of refused rows: the rows as they were, whatever became of the source, written whole or not at all."""

import gc
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import custcrm
from custcrm import Crm, Malformed
from custcrm.files import written_whole
from custcrm.importing.customers import CUSTOMERS
from custcrm.importing.sales import SALES

HEADER = "first_name,email,phone"
BAD = "Päivi,paivi@example.org,x"
Write = Callable[..., Path]


def test_writing_onto_the_source_keeps_the_rows(crm: Crm, file: Write) -> None:
    """The rows that were refused are in the file that held them, and nothing else."""
    path = file(f"{HEADER}\n{BAD}\nBen,ben@example.org,\n")
    assert crm.customers.import_csv(path).write_refused(path) == 1
    assert path.read_text(encoding="utf-8").splitlines() == [f"refused_line,refused_reason,{HEADER}", f"2,bad_phone,{BAD}"]


def test_the_rows_are_those_of_then(crm: Crm, file: Write, tmp_path: Path) -> None:
    """A source that has changed, or is gone, since it was imported changes nothing."""
    path = file(f"{HEADER}\n{BAD}\n")
    report = crm.customers.import_csv(path)
    path.write_text(f"{HEADER}\nSomebody,else@example.org,1\n", encoding="utf-8")
    report.write_refused(tmp_path / "refused.csv")
    assert f"2,bad_phone,{BAD}" in (tmp_path / "refused.csv").read_text(encoding="utf-8")
    path.unlink()
    assert report.write_refused(tmp_path / "refused.csv") == report.write_refused(tmp_path / "again.csv") == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_bytes_are_kept(crm: Crm, file: Write, tmp_path: Path, encoding: str, delimiter: str, ending: str) -> None:
    """Encoding, delimiter, line ends, quotes, and rows that are too short or too long stay as they were."""
    rows = ['"Päivi ""P"" and' + ending + 'Co"|p@example.org|x', " Ö |o@example.org", "Å|å@example.org|x|y|z"]
    texts = [each.replace("|", delimiter) for each in ["first_name|email|phone", *rows]]
    report = crm.customers.import_csv(file((ending.join(texts) + ending).encode(encoding)), delimiter=delimiter)
    target = tmp_path / "refused.csv"
    assert report.write_refused(target) == 3
    written = target.read_bytes().decode(encoding)
    line = [2, 4, 5] if ending != "\r" else [row.line for row in report.refused]
    heading, blank = (f"{delimiter}refused_encoding=Windows-1252", delimiter) if encoding == "cp1252" else ("", "")
    told = [f"refused_line{delimiter}refused_reason{heading}", *(f"{at}{delimiter}{row.reason}{blank}" for at, row in zip(
        line, report.refused, strict=True))]
    assert written == "".join(f"{beside}{delimiter}{text}{ending}" for text, beside in zip(texts, told, strict=True))
    again = crm.customers.import_csv(target, delimiter=delimiter)
    assert [row.reason for row in again.refused] == [row.reason for row in report.refused], "nothing was mended by itself"
    assert again.write_refused(target) == 3
    assert target.read_bytes().decode(encoding).count("refused_line") == 1


@given(cells=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1), min_size=1, max_size=4))
def test_any_cell_comes_back(tmp_path_factory: pytest.TempPathFactory, cells: list[str]) -> None:
    """Whatever a refused row held, the written file holds the same text."""
    folder = tmp_path_factory.mktemp("any")
    quoted = ",".join('"' + each.replace('"', '""') + '"' for each in ["x", *cells])
    (folder / "in.csv").write_bytes(f"phone,email\n{quoted}\n".encode())
    with custcrm.open(country="FI") as crm:
        report = crm.customers.import_csv(folder / "in.csv", encoding="utf-8", delimiter=",")
        assert report.write_refused(folder / "out.csv") == 1
    assert (folder / "out.csv").read_bytes().startswith(b"refused_line,refused_reason,phone,email\n2,")
    assert (folder / "out.csv").read_bytes().endswith(f",{quoted}\n".encode())


def test_many_rows_go_to_the_disk_and_leave_with_the_report(
    crm: Crm, file: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond what is kept in memory the rows are spooled; they come back all, and the spool is closed with the report."""
    monkeypatch.setattr("custcrm.importing.refused.IN_MEMORY", 1_000)
    path = file("email,phone\n" + "".join(f"n{at}@example.org,x\n" for at in range(3_000)))
    report = crm.customers.import_csv(path)
    spool = report._kept._spool
    assert report.write_refused(path) == 3_000 == path.read_text(encoding="utf-8").count("bad_phone")
    del report
    gc.collect()
    assert spool.closed


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_row_that_was_cut_off_stays_so(crm: Crm, file: Write, delimiter: str) -> None:
    """Law: imported and written again and again untouched, line and reason never become cells, and the row keeps its text."""
    told = ["email|first_name|last_name", "c@example.org|Carl", "d@example.org", "e@example.org|Eva|Ek|x|y",
            '"f@example.org"|"F""f"', "|F"]
    rows = [each.replace("|", delimiter) for each in told]
    path = file("\n".join(rows) + "\n")
    for _ in range(4):
        report = crm.customers.import_csv(path)
        report.write_refused(path)
        kept = [(each.email, each.first_name, each.last_name) for each in crm.select()]
        assert kept == [], "what the report wrote beside a row was taken for its cells"
        assert [row.reason for row in report.refused] == ["bad_row"] * 5
    written = path.read_text(encoding="utf-8").splitlines()
    assert [each.split(delimiter, 2)[2] for each in written] == rows, "a row is not as it was"


def test_a_sale_that_was_cut_off_gets_no_total(crm: Crm, file: Write) -> None:
    """A line number is nobody's money."""
    anna = crm.customers.add(email="anna@example.org")
    path = file("email,external_id,occurred_at,total\nanna@example.org,r1,2026-01-05,10.00\nanna@example.org,r2,2026-01-06\n")
    for _ in range(3):
        crm.sales.import_csv(path).write_refused(path)
    assert [(sale.external_id, str(sale.total)) for sale in crm.sales.of(anna)] == [("r1", "10.00 EUR")]


def test_a_cut_off_row_that_a_spreadsheet_fills_up_has_its_own_cells(crm: Crm, file: Write) -> None:
    """A program that gives each row as many cells as the header, and quotes them, makes no name of a line number."""
    path = file("email,first_name,last_name\nc@example.org,Carl\n")
    crm.customers.import_csv(path).write_refused(path)
    header, row = (each.split(",") for each in path.read_text(encoding="utf-8").splitlines())
    row += [""] * (len(header) - len(row))
    path.write_text("".join(",".join(f'"{cell}"' for cell in each) + "\n" for each in (header, row)), encoding="utf-8")
    crm.customers.import_csv(path).write_refused(path)
    assert [(each.email, each.first_name, each.last_name) for each in crm.select()] == [("c@example.org", "Carl", None)]


def test_what_somebody_writes_beside_the_rows_loses_no_cell(crm: Crm, file: Write) -> None:
    """A note in place of a reason goes with it; a row put in without the two cells, and columns moved, keep all they hold."""
    path = file(
        f"refused_line,refused_reason,{HEADER}\n7,called her,{BAD}\n,,{BAD}\nA,a@example.org\n8,bad_row,B,b@example.org\n"
    )
    crm.customers.import_csv(path).write_refused(path)
    assert path.read_text(encoding="utf-8").splitlines()[1:] == [
        f"2,bad_phone,{BAD}", f"3,bad_phone,{BAD}", "4,bad_row,A,a@example.org", "5,bad_row,B,b@example.org",
    ]
    moved = file(f"{HEADER},refused_line,refused_reason\n{BAD},7,bad_phone\nA,a@example.org,8,bad_row\n")
    for _ in range(3):
        crm.customers.import_csv(moved).write_refused(moved)
        told = [each.split(",", 2)[2] for each in moved.read_text(encoding="utf-8").splitlines()]
        assert told == [f"{HEADER},refused_line,refused_reason", f"{BAD},7,bad_phone", "A,a@example.org,8,bad_row"]
    assert crm.select().count() == 0


# files -----------------------------------------------------------------------------------------------


def _writers(crm: Crm, file: Write) -> dict[str, Callable[[Path], object]]:
    report = crm.customers.import_csv(file(f"{HEADER}\n{BAD}\nBen,ben@example.org,\n"))
    return {"write_refused": report.write_refused, "to_csv": crm.select().view(["first_name"]).to_csv}


@pytest.mark.parametrize("writer", ["write_refused", "to_csv"])
def test_a_link_is_replaced_and_not_followed(crm: Crm, file: Write, tmp_path: Path, writer: str) -> None:
    """Neither a link in the target's place nor one planted beside it lets anybody have another file overwritten."""
    write, victim = _writers(crm, file)[writer], tmp_path / "victim"
    victim.write_text("precious", encoding="utf-8")
    target = tmp_path / "out.csv"
    target.symlink_to(victim)
    (tmp_path / "out.csv.unfinished").symlink_to(victim)
    write(target)
    assert victim.read_text(encoding="utf-8") == "precious", "a planted link was followed"
    assert not target.is_symlink() and target.read_bytes()
    assert (tmp_path / "out.csv.unfinished").is_symlink(), "what is not ours stays"


@pytest.mark.parametrize("writer", ["write_refused", "to_csv"])
def test_a_file_is_its_owners_or_keeps_its_permissions(crm: Crm, file: Write, tmp_path: Path, writer: str) -> None:
    """Customers are nobody else's business unless the file was open to others before."""
    write, target = _writers(crm, file)[writer], tmp_path / "out.csv"
    write(target)
    assert target.stat().st_mode & 0o777 == 0o600
    target.chmod(0o640)
    write(target)
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("writer", ["write_refused", "to_csv"])
def test_what_cannot_be_written_is_an_error_of_ours(crm: Crm, file: Write, tmp_path: Path, writer: str) -> None:
    """A folder in the target's place, no folder, a pipe, nonsense: Malformed, and nothing is left behind."""
    write, folder = _writers(crm, file)[writer], tmp_path / "folder"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "inner").mkdir()
    for target in (folder / "inner", folder / "none" / "x.csv", folder / "pipe", Path("a\0b"), folder / ("x" * 300)):
        with pytest.raises(Malformed) as error:
            write(target)
        assert error.value.field == "target"
    assert sorted(each.name for each in folder.iterdir()) == ["inner", "pipe"]


@pytest.mark.parametrize("before", [None, "what was there"])
def test_a_file_that_fails_halfway_leaves_what_was_there(tmp_path: Path, before: str | None) -> None:
    """Whoever reads the target finds the old file, or none, and nothing stands beside it."""
    target = tmp_path / "out.csv"
    if before is not None:
        target.write_text(before, encoding="utf-8")
    with pytest.raises(ZeroDivisionError), written_whole(target) as file:
        file.writelines(f"line {10 // left}\n" for left in (2, 1, 0))
    assert [(each.name, each.read_text("utf-8")) for each in tmp_path.iterdir()] == ([("out.csv", before)] if before else [])


@pytest.mark.parametrize("load", ["customers", "sales"])
def test_no_verdict_tells_what_a_cell_holds(crm, file, load):
    """Law: whatever column a name has slipped into, the report names row, column and reason, never the name."""
    kind = {"customers": CUSTOMERS, "sales": SALES}[load]
    good = {"email": "anna@example.org", "external_id": "r1", "occurred_at": "2026-01-01", "total": "1"}
    crm.customers.add(email="anna@example.org")
    needed = [name for name in good if load == "sales" or name == "email"]
    for column in (*kind.names, "consents.email", "attributes.size", "tags.level", "external_ids.erp"):
        if column.partition(".")[0] not in (*kind.names, *kind.maps):
            continue
        columns = [column, *(each for each in needed if each != column)]
        cells = ["Katariina Pöysti", *(good[each] for each in columns[1:])]
        report = getattr(crm, load).import_csv(file("\n".join([",".join(columns), ",".join(cells)])))
        said = f"{report} {list(report)}"
        assert "Katariina" not in said, (column, said)
