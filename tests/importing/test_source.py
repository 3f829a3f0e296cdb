"""How a file is written is found out, or told, and never guessed wrongly in silence."""

import csv
import encodings.aliases
import os
import tracemalloc
from contextlib import suppress
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import custcrm
from custcrm import Malformed
from custcrm.importing.source import CsvSource
from custcrm.values.formulas import FORMULA, harmless, restored

HEADER = "first_name,email\r\n"


def rows(path, **told):
    return [(line, cells) for line, _, cells in CsvSource.look(path, **told).rows()]


@pytest.mark.parametrize(
    ("encoding", "found"),
    [("utf-8", "UTF-8, comma"), ("utf-8-sig", "UTF-8 with BOM, comma"), ("utf-16", "UTF-16, comma"),
     ("cp1252", "Windows-1252 (a guess), comma")],
)
def test_an_encoding_is_found_and_said(file, encoding, found):
    """UTF-8, UTF-16 by its mark, and the one-byte encoding of spreadsheets are told apart, and named."""
    source = CsvSource.look(file(HEADER + "Päivi,paivi@example.org\r\n", encoding=encoding))
    assert source.description == found
    assert source.header == ("first_name", "email")
    assert list(source.rows()) == [(2, 2, ["Päivi", "paivi@example.org"])]


def test_a_told_encoding_is_believed_and_its_mark_left_out(file):
    """`encoding` overrides what would be found; a mark before the header is no part of it."""
    assert rows(file(HEADER + "Łucja,l@example.org\n", encoding="cp1250"), encoding="cp1250") == [
        (2, ["Łucja", "l@example.org"])
    ]
    assert CsvSource.look(file(HEADER + "A,b\n", encoding="utf-8-sig"), encoding="UTF-8").header[0] == "first_name"


@pytest.mark.parametrize(("delimiter", "name"), [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "bar")])
def test_a_delimiter_is_found(file, delimiter, name):
    """The delimiter is found even where cells hold other candidates."""
    line = delimiter.join
    text = "\n".join([line(["first_name", "email"]), line(['"a,b;c|d"', "e@example.org"]), line(['"x"', "f@example.org"])])
    source = CsvSource.look(file(text))
    assert (source.delimiter, source.description) == (delimiter, f"UTF-8, {name}")


def test_known_words_decide_about_the_delimiter(file):
    """A header of known words wins over what cells happen to hold."""
    text = "email;total\na@example.org;1,50\nb@example.org;2,50\n"
    assert CsvSource.look(file(text), words={"email", "total"}).delimiter == ";"


@given(st.lists(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), min_size=2,
                         max_size=2), max_size=5))
def test_cells_come_out_as_they_were_written(tmp_path_factory, cells):
    """Whatever RFC 4180 can carry is read back exactly, whatever Python's str.splitlines thinks of it."""
    path = tmp_path_factory.mktemp("csv") / "any.csv"
    with path.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target, lineterminator="\r\n").writerows([["first_name", "email"], *cells])
    assert [row for _, row in rows(path, delimiter=",", encoding="utf-8")] == cells


def test_lines_are_those_of_the_file(file):
    """A row's line is where it begins: cells that span lines count, and blank lines do."""
    text = 'first_name,email\n"two\nlines",a@example.org\n\nB,b@example.org\u2028\nC,c@example.org'
    assert [line for line, _ in rows(file(text))] == [2, 5, 6]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"first_name,email\nA,a@x.fi\nB\0,b@x.fi\n", "line 3 contains a NUL"),
        ("first_name,email\nÄ,a@x.fi\n".encode() + b"\xff,b@x.fi\n", "line 3 is not UTF-8"),
        (b'first_name,email\nA,a@x.fi\n"B"x,b@x.fi\n', "line 3 cannot be read as CSV"),
        (b'first_name,email\nA,a@x.fi\n"B,b@x.fi\nC,c@x.fi\n', "line 3 cannot be read as CSV"),
    ],
)
def test_what_cannot_be_read_names_its_line(file, content, said):
    """A file that is no CSV text is refused whole, and told where; never read half."""
    with pytest.raises(Malformed, match=said):
        rows(file(content))


CODECS = sorted({*encodings.aliases.aliases.values(), "idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"})


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_of_python_reads_a_file_or_is_refused(file, codec):
    """Law: whatever `encoding` names, a file is read, and its refused rows are written so; or it is Malformed."""
    path = file("first_name,email\nAnna,nobody\n")
    with custcrm.open() as crm, suppress(Malformed):
        report = crm.customers.import_csv(path, encoding=codec, dry_run=True)
        assert report.write_refused(path.with_name("refused.csv")) == 1
        assert path.with_name("refused.csv").read_text(encoding=codec).splitlines()[1].endswith("Anna,nobody")


def test_told_nonsense_is_refused(file):
    """Unknown encodings, codecs of other things than files, delimiters of two characters and missing files are told as such."""
    path = file(HEADER)
    codecs = ("klingon", "rot13", "base64", "zlib", "undefined", "idna", "punycode", "charmap", "unicode_escape",
              "raw-unicode-escape", "bz2", "uu", "quopri", "")
    for told in (*({"encoding": each} for each in codecs), {"delimiter": ",,"}, {"delimiter": '"'}):
        with pytest.raises(Malformed):
            CsvSource.look(path, **told)
    with pytest.raises(Malformed, match="cannot be read"):
        CsvSource.look(path.with_name("missing.csv"))


@pytest.mark.feature("V31")
@given(st.text() | st.builds("{}{}".format, st.sampled_from(["'", "''", *sorted(FORMULA)]), st.text()))
def test_formulas_are_made_harmless_and_come_back(text):
    """No cell begins like a formula, and reading restores every text exactly."""
    assert harmless(text)[:1] not in FORMULA
    assert restored(harmless(text)) == text


def test_a_plain_cell_is_untouched():
    """Only what looks like a formula is changed: a cell that is none is itself."""
    for text in ("", "Anna", "O'Hara", "'quoted'", "1=1", "a-b"):
        assert harmless(text) == text == restored(text)
    assert StringIO(harmless("=1+1")).read() == "'=1+1"


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_bad_byte_in_a_utf8_file_is_told_wherever_it_stands(file, at: int):
    """Also before the first letter: read in another encoding, all other names would be spoilt without a word."""
    rows = ["Päivi,a@example.org", "Jörg,b@example.org", "Åsa,c@example.org"]
    texts = [each.encode() for each in ["first_name,email", *rows]]
    texts.insert(1 + at, b"Ren\xe9,d@example.org")
    path = file(b"\n".join(texts) + b"\n")
    try:
        found: object = [cells[0] for *_, cells in CsvSource.look(path).rows()]
    except Malformed as error:
        found = str(error)
    assert found == f"line {2 + at} is not UTF-8 at byte 4; mend it, or say which encoding the file has"
    read = [cells[0] for *_, cells in CsvSource.look(path, encoding="cp1252").rows()]
    assert "René" in read, "an encoding that is told wins"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"], ids=["LF", "CR", "CR LF"])
def test_lines_are_told_however_they_end(file, end: str):
    """A bad byte, a cell that cannot be read, letters of a second encoding: on the line that an editor shows."""
    head = [b"first_name,email", *["Päivi,a@example.org".encode()] * 3]
    western = ["Zoë,z@example.org".encode("cp1252")] * 30
    broken = {
        "line 5 is not UTF-8 at byte 4": [*head, b"Ren\xe9,d@example.org"],
        "line 5 cannot be read as CSV": [*head, b'"B"x,b@example.org'],
        "line 5 contains a NUL": [*head, b"B\0,b@example.org"],
        "line 32 is UTF-8, while most": [b"first_name,email", *western, *head[1:2] * 9],
    }
    for said, lines in broken.items():
        path = file(end.encode().join([*lines, b""]))
        with pytest.raises(Malformed) as told:
            rows(path)
        assert str(told.value).startswith(said)


def test_a_line_end_that_two_blocks_share_is_one(file):
    """Files are read in blocks; CR LF is one end also where one block ends between the two."""
    for block in range(1_048_570, 1_048_580):
        text = "email\r\n" + "x" * (block - 7) + "\r\n" + "y\r\n"
        assert CsvSource.look(file(text), delimiter=",").lines == 3


def test_what_is_no_file_is_told(tmp_path: Path):
    """A pipe, which could be read once only, and would be waited for, a device, a folder, and what cannot be read at all."""
    os.mkfifo(tmp_path / "pipe.csv")
    end, start = os.pipe()
    os.write(start, b"email\na@example.org\n")
    os.close(start)
    said = {
        tmp_path / "pipe.csv": "only once", Path(f"/dev/fd/{end}"): "only once", Path("/dev/null"): "only once",
        tmp_path: "is a folder", Path("/proc/self/mem"): "cannot be read", tmp_path / "missing.csv": "cannot be read",
        tmp_path / "a\0b": "no path", tmp_path / ("x" * 5_000): "cannot be read",
    }
    told: dict[Path, str] = {}
    for path in said:
        try:
            told[path] = f"read, {CsvSource.look(path).lines} lines"
        except Exception as error:  # noqa: BLE001  which one it is, is what is asked
            told[path] = f"{type(error).__name__}: {error}"
    os.close(end)
    ours = {path for path in said if told[path].startswith("Malformed") and said[path] in told[path]}
    wrong = {str(path)[-20:]: told[path] for path in said if path not in ours}
    assert wrong == {}


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"], ids=["LF", "CR", "CR LF"])
@pytest.mark.parametrize("blank", [1, 250, 3_000])
def test_blank_lines_are_passed_over_wherever_they_stand(file, end: str, blank: int):
    """Before the header, behind it, between rows and at the end, as many as there are; rows keep their lines."""
    none = end * blank
    text = f"{none}first_name;email{end}{none}A,1;a@example.org{end}{none}B,2;b@example.org{end}{none}"
    try:
        source = CsvSource.look(file(text))
        found: object = (source.header, source.header_text, [(line, cells[0]) for line, _, cells in source.rows()])
        assert [piece.texts for piece in source.pieces(1)] == [[f"A,1;a@example.org{end}"], [f"B,2;b@example.org{end}"]]
    except Malformed as error:
        found = str(error)
    rows = [(2 * blank + 2, "A,1"), (3 * blank + 3, "B,2")]
    assert found == (("first_name", "email"), f"first_name;email{end}", rows)


def test_blank_lines_take_no_memory(file):
    """However many there are between two rows."""
    source = CsvSource.look(file(b"email\r\na@example.org\r\n" + b"\r\n" * 200_000 + b"b@example.org\r\n"))
    tracemalloc.start()
    try:
        assert [len(piece.rows) for piece in source.pieces(1_000)] == [2]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000, f"{peak:,} bytes"


@pytest.mark.parametrize(
    ("limit", "text", "line"),
    [(131_072, "first_name,email\nA,a@example.org\nB," + "x" * 131_073, 3), (20, "first_name,email\nA," + "x" * 21, 2),
     (5, "first_name,email\nA,a\n", 1), (131_072, 'first_name,email\nA,"a\n' + "B,b@example.org\n" * 10_000, 2)],
    ids=["long", "lowered", "header", "a quote"],
)
def test_a_cell_beyond_what_the_process_allows_is_told(file, limit: int, text: str, line: int):
    """With its line, the limit and where that is set; nothing of the cell."""
    before = csv.field_size_limit(limit)
    try:
        with pytest.raises(Malformed) as error:
            rows(file(text))
    finally:
        csv.field_size_limit(before)
    assert str(error.value) == (
        f"line {line} has a cell of more than {limit:,} characters (csv.field_size_limit); "
        "is a quote not closed? Else raise it"
    )


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"], ids=["LF", "CR", "CR LF"])
@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("line", [2, 1_002, 20_000])
def test_half_a_character_is_told_with_its_line(file, codec: str, line: int, end: str):
    """In wide encodings too, wherever it stands."""
    bad = "\ud800".encode(codec, "surrogatepass")
    head = end.join(["first_name,email", *["A,a@example.org"] * (line - 2), "B,"]).encode(codec)
    with pytest.raises(Malformed) as error:
        rows(file(head + bad + f"{end}C,c@example.org".encode(codec)), encoding=codec)
    assert str(error.value).partition(" is not ")[0] == f"line {line}"
