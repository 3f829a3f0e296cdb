"""The file of refused rows, mended and taken in with the same arguments: each row is read as it was in its own file."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import custcrm
from custcrm import Crm, Malformed
from custcrm.importing.guessing import CONSIDERED
from tests.importing.test_encodings import NAMES, is_utf8

Write = Callable[..., Path]
BAD = "2026-01-01"
"""No phone number, so that the row is refused until it is mended."""


def mend(path: Path, encoding: str = "utf-8") -> None:
    """Take off what the rows of a file are refused for."""
    text = path.read_bytes().decode(encoding)
    path.write_bytes(text.replace(BAD, "").encode(encoding))


def tags(crm: Crm) -> dict[str, Mapping[str, str | None]]:
    return {str(each.email): dict(crm.tags.of(each)) for each in crm.select()}


def taken_in(crm: Crm, path: Path, *, whole: bool, **told: Any) -> None:
    """Take a file in that is mended before, or whose refused rows are, which are written, and written again, unmended."""
    if whole:
        mend(path)
        assert "refused" not in crm.customers.import_csv(path, **told).counts
        return
    rows = path.read_text(encoding="utf-8").count(BAD)
    for _ in range(2):
        assert crm.customers.import_csv(path, **told).write_refused(path) == rows
    mend(path)
    assert crm.customers.import_csv(path, **told).counts.get("refused", 0) == 0


LEVELS = "email,phone,tags.level,tags.VIP\nanna@example.org,,1,yes\nben@example.org,,2,0\n"
REFUSED = f"cleo@example.org,{BAD},1,1\nolli@example.org,{BAD},0,no\n"


def test_a_value_stays_a_value_and_a_label_a_label(crm: Crm, file: Write) -> None:
    """Which tags are labels is decided by the whole file, not by the rows of it that were refused: their 1 and 0 are values."""
    olli = crm.customers.add(email="olli@example.org")
    crm.tags.set(olli, "level", "3")
    crm.tags.set(olli, "VIP")
    taken_in(crm, file(LEVELS + REFUSED), whole=False)
    kept = tags(crm)
    assert kept["cleo@example.org"] == {"level": "1", "VIP": None}, "a value has become a label"
    assert kept["olli@example.org"] == {"level": "0"}, "a value has taken a tag off"


def test_it_is_the_same_however_it_was_decided(crm: Crm, file: Write) -> None:
    """By the column, by `labels=`, by the heading of a view or of the file's own, which `columns=` maps."""
    told: list[tuple[str, dict[str, Any]]] = [
        ("tags.level", {}), ("tags.level", {"labels": ["level"]}), ("tags.level", {"labels": ()}), ("tags.level EXISTS", {}),
        ("Level", {"columns": {"Level": "tags.level"}}), ('"tags.""level"""', {}),
    ]
    for at, (heading, arguments) in enumerate(told):
        for first in ("1", "7"):
            if first == "7" and (heading.endswith("EXISTS") or arguments.get("labels")):
                continue
            name = f"{first}{at}"
            rows = f"email,phone,{heading}\na{name}@example.org,,{first}\nb{name}@example.org,{BAD},1\n"
            taken_in(crm, file(rows), whole=False, **arguments)
            is_label = first == "1" and arguments.get("labels") != ()
            assert tags(crm)[f"b{name}@example.org"] == {"level": None if is_label else "1"}, (heading, first, arguments)


def test_the_heading_names_the_labels(crm: Crm, file: Write, tmp_path: Path) -> None:
    """Where the file has tags, and nowhere else; what is told wins over it."""
    target = tmp_path / "refused.csv"
    report = crm.customers.import_csv(file(LEVELS + REFUSED), dry_run=True)
    report.write_refused(target)
    header, first, _ = target.read_text(encoding="utf-8").splitlines()
    assert header == "refused_line,refused_reason,refused_labels=VIP,email,phone,tags.level,tags.VIP"
    assert first == f"4,bad_phone,,cleo@example.org,{BAD},1,1"
    mend(target)
    crm.customers.import_csv(target, labels=["level"])
    assert tags(crm)["cleo@example.org"] == {"level": None, "VIP": "1"}
    crm.customers.import_csv(file(f"email,phone\nd@example.org,{BAD}\n")).write_refused(target)
    assert target.read_text(encoding="utf-8").startswith("refused_line,refused_reason,email,phone\n")


SEEN = st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Cf"])
KEYS = st.text(SEEN, min_size=1, max_size=4).filter(str.isprintable)
CELLS = st.sampled_from(["", "", "1", "0", "yes", "no", "2", "gold"])


@given(
    keys=st.lists(KEYS, min_size=1, max_size=3, unique=True), delimiter=st.sampled_from(",;\t|"),
    rows=st.lists(st.tuples(st.booleans(), st.lists(CELLS, min_size=3, max_size=3)), min_size=1, max_size=6),
)
def test_tags_are_those_of_the_file_mended_before(
    tmp_path_factory: pytest.TempPathFactory, keys: list[str], delimiter: str, rows: list[tuple[bool, list[str]]]
) -> None:
    """Law: whichever rows were refused, their tags are those that they have in the file that is mended before."""

    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"'

    path = tmp_path_factory.mktemp("tags") / "rows.csv"
    lines = [["email", "phone", *('tags."{}"'.format(key.replace('"', '""')) for key in keys)]]
    lines += [[f"n{at}@example.org", BAD if bad else "", *cells[: len(keys)]] for at, (bad, cells) in enumerate(rows)]
    outcomes = []
    for whole in (True, False):
        path.write_text("".join(delimiter.join(map(quoted, line)) + "\n" for line in lines), encoding="utf-8")
        with custcrm.open(country="FI") as crm:
            taken_in(crm, path, whole=whole)
            outcomes.append(tags(crm))
    assert outcomes[1] == outcomes[0]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_again(crm: Crm, file: Write, delimiter: str) -> None:
    """Also of rows that were cut off, under a header of an app's own headings, of which the rest of the file left no doubt."""
    lines = ["external_ids.shop|attributes.a|attributes.b", *(f"s-{at}|1|2" for at in range(20)), "t-1", "t-2|x"]
    path = file("".join(each.replace("|", delimiter) + "\n" for each in lines))
    reasons: list[object] = []
    for _ in range(3):
        try:
            report = crm.customers.import_csv(path)
            reasons.append([row.reason for row in report.refused])
            report.write_refused(path)
        except Malformed as error:
            reasons.append(str(error))
    assert reasons == [["bad_row"] * 2] * 3


def test_a_limit_that_is_lowered_meanwhile_is_no_matter(crm: Crm, file: Write, tmp_path: Path) -> None:
    """Refused rows, of an earlier time too, are written whatever csv.field_size_limit is by then."""
    rows = [f'2,bad_value,anna@example.org,"{"x" * 1_000}, ""a"""', f"3,bad_row,{'y' * 1_000}", f",,ben@example.org,{BAD}"]
    path = file("\n".join(["refused_line,refused_reason,email,phone", *rows]) + "\n")
    report = crm.customers.import_csv(path)
    before = csv.field_size_limit(10)
    try:
        found: object = report.write_refused(tmp_path / "out.csv")
    except csv.Error as error:
        found = error
    finally:
        csv.field_size_limit(before)
    assert found == 3
    written = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert [each.split(",", 2)[2] for each in written] == [each.split(",", 2)[2] for each in rows]


@pytest.mark.parametrize("encoding", CONSIDERED)
def test_letters_stay_what_they_were(tmp_path: Path, encoding: str) -> None:
    """Law: whatever a file was read as, told or guessed, its refused rows are read as, and that is named as a guess again.

    But for bytes that are UTF-8 by chance, all of them, as a file that somebody saved in that has them.
    """
    letters = [name for names in NAMES.values() for name in names.split("|") if _is_written(name, encoding)]
    path, wrong = tmp_path / "rows.csv", []
    for country, told in ((None, encoding), ("FI", None), ("RU", None)):
        for name in letters:
            rows = ["email,first_name,phone", *(f"n{at}@example.org,{each}," for at, each in enumerate(letters))]
            path.write_bytes("\n".join([*rows, f"bad@example.org,{name},{BAD}", ""]).encode(encoding))
            with custcrm.open(country=country) as crm:
                report = crm.customers.import_csv(path, encoding=told)
                expected = name.encode(encoding).decode(report.source.encoding)
                report.write_refused(path)
                path.write_bytes(path.read_bytes().replace(BAD.encode(), b""))
                if is_utf8(path.read_bytes()):
                    continue
                again = crm.customers.import_csv(path)
                found = crm.customers.find_by_email("bad@example.org")
                if found is None or found.first_name != expected or not again.is_encoding_guessed:
                    wrong.append((report.encoding, again.encoding))
    assert wrong == [], f"{len(wrong)} of {3 * len(letters)} are read as others"


def _is_written(name: str, encoding: str) -> bool:
    return not name.isascii() and name.encode(encoding, "replace").decode(encoding) == name


def test_a_file_that_was_saved_as_utf8_is_utf8(crm: Crm, file: Write) -> None:
    """The heading is believed only where the bytes are no UTF-8; an encoding that is told wins; nonsense is told."""
    path = file(f"email,first_name,phone\nbad@example.org,Пётр Сидоров Анна,{BAD}\n".encode("cp1251"))
    crm.customers.import_csv(path, encoding="cp1251").write_refused(path)
    assert path.read_bytes().startswith(b"refused_line,refused_reason,refused_encoding=Windows-1251,email,")
    told = path.read_bytes()
    assert crm.customers.import_csv(path, encoding="koi8-r", dry_run=True).encoding == "KOI8-R"
    path.write_bytes(told.replace(b"Windows-1251", b"klingon"))
    with pytest.raises(Malformed, match="no encoding 'klingon'"):
        crm.customers.import_csv(path)
    path.write_bytes(told.decode("cp1251").replace(BAD, "").encode())
    assert crm.customers.import_csv(path, dry_run=True).encoding == "UTF-8"
    report = crm.customers.import_csv(path, encoding="cp1251")  # as the source was told to be, which is in the file already
    assert (report.encoding, report.counts) == ("UTF-8", {"added": 1})
    assert [each.first_name for each in crm.select()] == ["Пётр Сидоров Анна"]


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_a_mark_stays_at_the_start(crm: Crm, file: Write, codec: str, told: bool) -> None:
    """Law: rows of a UTF-16 file with its mark are written with it, in the same bytes, and found again without `encoding=`."""
    path = file(f'\ufeff"email",first_name,phone\r\n"a@example.org",Äiti,{BAD}\r\n'.encode(codec))
    crm.customers.import_csv(path, encoding=codec if told else None).write_refused(path)
    said = '\ufeffrefused_line,refused_reason,"email",first_name,phone\r\n2,bad_phone,"a@example.org",Äiti,'
    assert path.read_bytes() == f"{said}{BAD}\r\n".encode(codec)
    mend(path, codec)
    assert crm.customers.import_csv(path).counts == {"added": 1}
