"""A letter is never another one in silence: an encoding is told, said by the file, or named as a guess with samples."""

import codecs
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import custcrm
from custcrm import Crm, Malformed
from custcrm.importing.encoding import SAMPLE, spelled
from custcrm.importing.guessing import CONSIDERED
from custcrm.importing.source import SAMPLES, SHOWN
from custcrm.values.texts import trimmed
from tests.batches import in_batches

Write = Callable[..., Path]

NAMES = {
    "FI": "Päivi Mäkinen|Åsa Öberg|Äiti Hämäläinen|Jörgen Sjöström|Yrjö Pöyhönen|KÄSMÄNEN ÅKE|Jean O’Brien|Ben Laine",
    "FR": "François Lefèvre|Élodie Bérard|Zoë Noël|Benoît Chênevert|Hélène Garçon|Anaïs Blanc",
    "PL": "Łucja Wiśniewska|Józef Żak|Małgorzata Dąbrowska|Święty Świerk|Grażyna Wójcik|Stanisław Łęcki",
    "CZ": "Jiří Dvořák|Šárka Žižková|Růžena Nováková|Tomáš Procházka|Ondřej Kučera",
    "HU": "Szőke Gergő|Nagy Erzsébet|Kovács Jenő|Tóth Ödön|Hűvös Ágnes",
    "RU": "Анна Иванова|Пётр Сидоров|Юлия Щукина|Сергей Кузнецов|Ольга Ёлкина",
    "UA": "Їжакевич Олег|Ганна Шевченко|Євген Біленко|Ірина Ґудзь",
    "GR": "Γιώργος Παπαδόπουλος|Ελένη Νικολάου|Δήμητρα Δημητρίου|Κώστας Ιωάννου",
    "TR": "Ayşe Yılmaz|Gökhan Şahin|Çiğdem Öztürk|İbrahim Güneş|Işıl Doğan",
    "LV": "Jānis Bērziņš|Līga Kalniņa|Pēteris Ozoliņš|Ģirts Ķēniņš",
    "TH": "สมชาย ใจดี|มานี รักไทย|สุดา แสงทอง",
    "JP": "田中 太郎|鈴木 花子|佐藤 さくら|高橋 ケンジ",
}
WRITTEN = {
    "FI": ("cp1252", "iso-8859-1", "iso-8859-15"), "FR": ("cp1252", "iso-8859-15", "mac-roman"),
    "PL": ("cp1250", "iso-8859-2", "cp852"), "CZ": ("cp1250", "iso-8859-2"), "HU": ("cp1250", "iso-8859-2"),
    "RU": ("cp1251", "koi8-r", "cp866", "iso-8859-5"), "UA": ("cp1251", "koi8-u"), "GR": ("cp1253", "iso-8859-7"),
    "TR": ("cp1254", "iso-8859-9"), "LV": ("cp1257", "iso-8859-13"), "TH": ("cp874",), "JP": ("cp932", "euc-jp"),
}  # fmt: skip
"""What is written where; each holds the names of its country."""
SAID = ("utf-8", "utf-8-sig", "utf-16")
PLACES = [(country, encoding) for country, encodings in WRITTEN.items() for encoding in encodings]


def content(names: list[str]) -> str:
    return "".join(["first_name,email\r\n", *(f'"{name}",n{at}@example.org\r\n' for at, name in enumerate(names))])


def writable(country: str, encoding: str) -> list[str]:
    return [each for each in NAMES[country].split("|") if each.encode(encoding, "replace").decode(encoding) == each]


def imported(country: str | None, path: Path, names: list[str]) -> tuple[list[str], custcrm.ImportReport]:
    """Return how the names of a file are kept in a new store, and what is said of it."""
    with custcrm.open(country=country) as crm:
        report = crm.customers.import_csv(path)
        found = [crm.customers.find_by_email(f"n{at}@example.org") for at in range(len(names))]
        return [str(each.first_name) for each in found if each is not None], report


def is_utf8(written: bytes) -> bool:
    return written.decode("utf-8", "replace").encode() == written


def tried(country: str | None, path: Path, names: list[str]) -> tuple[list[str], custcrm.ImportReport] | Malformed:
    try:
        return imported(country, path, names)
    except Malformed as error:
        return error


@st.composite
def files(draw: st.DrawFn, places: list[tuple[str, str]]) -> tuple[str, str, list[str]]:
    """Draw a country, an encoding that is written there, and names that it can write, in any order."""
    country, encoding = draw(st.sampled_from(places))
    return country, encoding, draw(st.lists(st.sampled_from(writable(country, encoding)), min_size=1, unique=True))


@given(files([(country, each) for country in NAMES for each in (*WRITTEN[country], *SAID)]),
       st.sampled_from([None, *NAMES]))
@example(("PL", "cp1250", ["Łucja Wiśniewska"]), "PL")
@example(("PL", "cp1250", ["Łucja Wiśniewska"]), "FI")
def test_no_letter_is_another_one_in_silence(
    tmp_path_factory: pytest.TempPathFactory, written: tuple[str, str, list[str]], country: str | None
) -> None:
    """Law: names are kept as they were written, or the encoding is named as a guess, with values as they were read."""
    _, encoding, names = written
    path = tmp_path_factory.mktemp("file") / "names.csv"
    path.write_bytes(content(names).encode(encoding))
    outcome = tried(country, path, names)
    if isinstance(outcome, Malformed):
        assert "encoding" in str(outcome) and encoding not in SAID
        return
    kept, report = outcome
    if "guess" not in str(report):
        assert kept == names
    elif kept != names:
        shown = str(report).splitlines()
        assert any(f"{at + 2:>4}  {name!r}" in shown for at, name in enumerate(kept) if name != names[at])
    assert ("guess" in str(report)) == (encoding not in SAID and not "".join(names).isascii()) == report.is_encoding_guessed


@given(st.data(), st.sampled_from(PLACES), st.sampled_from([None, *NAMES]))
def test_any_words_are_kept_or_named_as_a_guess(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, place: tuple[str, str], country: str | None
) -> None:
    """Law: whatever words the letters of a language make, what is shown of a guess is what is kept.

    But for what has no glyph at its ends, and for bytes that are UTF-8 by chance, all of them: nothing tells a file of the one
    name ИЁ from another one then.
    """
    home, encoding = place
    letters = sorted(set("".join(writable(home, encoding))) - {" "})
    names = data.draw(st.lists(st.text(letters, min_size=1, max_size=12), min_size=1, max_size=6))
    path = tmp_path_factory.mktemp("file") / "names.csv"
    written = content(names).encode(encoding)
    assume(written.isascii() or not is_utf8(written))
    path.write_bytes(written)
    outcome = tried(country, path, names)
    if isinstance(outcome, Malformed):
        assert "encoding" in str(outcome)
        return
    kept, report = outcome
    assert [trimmed(value) for _, value in report.samples] == [kept[line - 2] for line, _ in report.samples]
    assert all(repr(value) in str(report) for _, value in report.samples)
    assert report.is_encoding_guessed == bool(report.samples) == ("is a guess" in str(report))
    assert report.is_encoding_guessed or kept == names


@given(files([(country, each) for country in NAMES for each in (WRITTEN[country][0], *SAID)]))
@example(("FI", "cp1252", ["Åsa Öberg"]))
@example(("FI", "iso-8859-15", ["Äiti Hämäläinen"]))
@example(("PL", "cp1250", ["Łucja Wiśniewska"]))
@example(("RU", "koi8-r", ["Пётр Сидоров"]))
def test_what_is_written_where_the_business_is_is_read_right(
    tmp_path_factory: pytest.TempPathFactory, written: tuple[str, str, list[str]]
) -> None:
    """Law: of names of the store's own country, in the encoding that is mostly written there, even one is enough."""
    country, encoding, names = written
    path = tmp_path_factory.mktemp("file") / "names.csv"
    path.write_bytes(content(names).encode(encoding))
    assert imported(country, path, names)[0] == names


@pytest.mark.parametrize(("country", "encoding"), PLACES)
def test_many_rows_of_elsewhere_are_read_right_or_named(tmp_path: Path, country: str, encoding: str) -> None:
    """A few names are enough for any encoding of the store's country, and without one for western letters and for others."""
    names = writable(country, encoding)
    path = tmp_path / "names.csv"
    path.write_bytes(content(names).encode(encoding))
    assert imported(country, path, names)[0] == names
    kept, report = imported(None, path, names)
    assert report.is_encoding_guessed
    if country in ("FI", "FR", "RU", "GR"):
        assert kept == names


def test_an_encoding_that_is_told_is_no_guess(tmp_path: Path) -> None:
    """It wins over what would be found, whatever that is."""
    path = tmp_path / "names.csv"
    path.write_bytes(content(["Äiti"]).encode("mac-roman"))
    with custcrm.open(country="FI") as crm:
        report = crm.customers.import_csv(path, encoding="mac-roman")
        assert (report.encoding, report.is_encoding_guessed, report.samples) == ("Mac Roman", False, ())
        assert "guess" not in str(report)
        assert getattr(crm.customers.find_by_email("n0@example.org"), "first_name", None) == "Äiti"
        assert crm.customers.import_csv(path, encoding="cp1252").counts == {"updated": 1}
        assert getattr(crm.customers.find_by_email("n0@example.org"), "first_name", None) == "€iti"


@pytest.mark.parametrize("told", ["base64", "rot13", "undefined", "hex", "no such", ""])
def test_what_is_no_encoding_of_texts_is_malformed(crm: Crm, file: Write, told: str) -> None:
    with pytest.raises(Malformed) as error:
        crm.customers.import_csv(file(content(["Ann"])), encoding=told)
    assert error.value.field == "encoding"


def test_samples_show_the_letters_that_are_in_doubt(crm: Crm, file: Write) -> None:
    """A few values, each with its line, which have as many different letters as can be; of every door."""
    names = ["Ben", "Pär", "Pär", "Åsa", "Åke Ödegård", "é" * 90, "Lä"]
    report = crm.customers.import_csv(file(content(names).encode("cp1252")))
    assert report.samples == ((3, "Pär"), (6, "Åke Ödegård"), (7, "é" * SHOWN)) and len(report.samples) == SAMPLES
    assert str(report).splitlines()[:3] == [
        "rows.csv: Windows-1252 (a guess), comma, 7 rows",
        "Windows-1252 is a guess: are these spelled right? If not, import the file again and say its encoding=",
        "   3  'Pär'",
    ]
    crm.customers.add(first_name="Anna", email="anna@example.org")
    text = "external_id,email,occurred_at,total,point_of_sale\n1,anna@example.org,2026-11-20,1.00,\n,Mörkö,,,\n"
    sales = crm.sales.import_csv(file(text.encode("cp1252")), ignore=["point_of_sale"])
    assert (sales.encoding, sales.samples) == ("Windows-1252", ((3, "Mörkö"),))


@pytest.mark.parametrize("cell", ["x" * 200 + "é", "\u00a0Ann", "é" + "x" * 200, "é"])
def test_a_guess_always_has_a_sample(crm: Crm, file: Write, cell: str) -> None:
    """Wherever the letters stand that it is about."""
    report = crm.customers.import_csv(file(f"first_name,email\n{cell},a@example.org\n".encode("cp1252")))
    [(line, value)] = report.samples
    assert line == 2 and not value.isascii() and len(value) <= SHOWN


def test_samples_are_shown_to_who_asks_and_are_nowhere_else(
    crm: Crm, file: Write, caplog: pytest.LogCaptureFixture
) -> None:
    """In no repr, no log and no error: they are people's names."""
    caplog.set_level(1)
    path = file(content(["Åke Öberg", "Ann"]).encode("cp1252") + b'"Bj\xf6rn,x\r\n')
    with pytest.raises(Malformed) as error:
        crm.customers.import_csv(path)
    path.write_bytes(content(["Åke Öberg", "Ann"]).encode("cp1252"))
    report = crm.customers.import_csv(path)
    assert "Åke" in str(report)
    said = [repr(report), repr(report.source), report.title, str(error.value), caplog.text, *(each.message for each in report)]
    assert "charset_normalizer" in caplog.text
    assert not any(part in each for each in said for part in ("Åke", "Öberg", "berg", "Bj"))


def test_the_refused_rows_are_written_in_the_bytes_they_had(crm: Crm, file: Write, tmp_path: Path) -> None:
    """Whatever was guessed."""
    for country, encoding in PLACES:
        rows = [f'"{name}",x,y'.encode(encoding) for name in writable(country, encoding)]
        report = crm.customers.import_csv(file(b"\n".join([b"first_name,email,phone", *rows]) + b"\n"))
        target = tmp_path / "refused.csv"
        assert report.write_refused(target) == len(rows)
        written = target.read_bytes().splitlines()[1:]
        assert [each.split(b",", 3)[3] for each in written] == rows


@pytest.mark.parametrize("letters", ["Ö", "Äiti", "ŠKODA"])
def test_a_letter_at_the_end_of_a_file_is_read(crm: Crm, file: Write, letters: str) -> None:
    """A file may end with its only letter that is not ASCII."""
    crm.customers.import_csv(file(f"email,first_name\na@example.org,{letters}".encode("cp1252")))
    assert getattr(crm.customers.find_by_email("a@example.org"), "first_name", None) == letters


# what cannot be guessed --------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["utf-8", "cp1252"])
def test_a_file_in_two_encodings_is_refused_with_the_line(crm: Crm, file: Write, first: str) -> None:
    """Two files that were put together: one of them would be read wrongly, whichever encoding is taken."""
    names = NAMES["FI"].split("|")[:5]
    other = "cp1252" if first == "utf-8" else "utf-8"
    parts = [content(names).encode(first), "".join(f"Äiti,m{at}@example.org\n" for at in range(6)).encode(other)]
    with pytest.raises(Malformed, match=r"line [0-9]+ is (not )?UTF-8") as error:
        crm.customers.import_csv(file(b"".join(parts)))
    assert "encoding" in str(error.value)
    assert crm.select().count() == 0


def test_a_sign_that_looks_like_utf8_is_no_second_encoding(crm: Crm, file: Write) -> None:
    """NESCAFÉ® in Windows-1252 has two bytes which are a letter in UTF-8."""
    names = [*NAMES["FI"].split("|") * 2, "NESCAFÉ®"]
    crm.customers.import_csv(file(content(names).encode("cp1252")))
    assert getattr(crm.customers.find_by_email(f"n{len(names) - 1}@example.org"), "first_name", None) == "NESCAFÉ®"


@given(st.binary(max_size=400), st.integers(0, 3))
@example(b"\x81\x8d\x8f\x90\x9d\xa0\xff\xfe", 0)
def test_bytes_that_are_no_text_are_refused_as_such(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, seed: int
) -> None:
    """Law: of what is no text nothing is kept, and the error names what was considered and the way out, or the place."""
    folder = tmp_path_factory.mktemp("noise")
    path = folder / "noise.csv"
    path.write_bytes(b"first_name,email\n" + noise + random.Random(seed).randbytes(2_000) + b"\n")
    with custcrm.open() as crm:
        with pytest.raises(Malformed) as error:
            crm.customers.import_csv(path)
        said = str(error.value)
        assert ("encoding=" in said and "Windows-1252" in said) or "NUL" in said or said.startswith("line ")
        assert crm.select().count() == 0


def test_what_comes_after_the_sample_is_decoded_strictly(crm: Crm, file: Write) -> None:
    """A byte beyond it that is no letter is told by its line and place; nothing of the file is kept, however it is taken in."""
    names = [f"Päivi {at}" for at in range(SAMPLE // 10)]
    path = file(content(names).encode("cp1252") + b"Bj\x81rn,x@example.org\r\n")
    for face, atomic in ((crm, True), (crm, False), (in_batches(crm, 3), False)):
        with pytest.raises(Malformed, match=rf"line {len(names) + 2} is not Windows-1252 at byte 3; .* which encoding"):
            face.customers.import_csv(path, atomic=atomic)
    assert crm.select().count() == 0


@pytest.mark.parametrize("codec", CONSIDERED)
def test_the_names_of_encodings_can_be_told(codec: str) -> None:
    """Law: what a report or an error calls an encoding is understood as `encoding=`."""
    assert codecs.lookup(spelled(codec)).name == codec == codecs.lookup(codec).name
