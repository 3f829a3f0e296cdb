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
    assert path.read_text(encoding="utf-8").splitlines() == [f"{HEADER},refused_line,refused_reason", f"{BAD},2,bad_phone"]


def test_the_rows_are_those_of_then(crm: Crm, file: Write, tmp_path: Path) -> None:
    """A source that has changed, or is gone, since it was imported changes nothing."""
    path = file(f"{HEADER}\n{BAD}\n")
    report = crm.customers.import_csv(path)
    path.write_text(f"{HEADER}\nSomebody,else@example.org,1\n", encoding="utf-8")
    report.write_refused(tmp_path / "refused.csv")
    assert f"{BAD},2,bad_phone" in (tmp_path / "refused.csv").read_text(encoding="utf-8")
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
    told = [f"refused_line{delimiter}refused_reason", *(f"{at}{delimiter}{row.reason}" for at, row in zip(
        line, report.refused, strict=True))]
    assert written == "".join(f"{text}{delimiter}{beside}{ending}" for text, beside in zip(texts, told, strict=True))
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
    assert (folder / "out.csv").read_bytes().startswith(f"phone,email,refused_line,refused_reason\n{quoted},2,".encode())


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
