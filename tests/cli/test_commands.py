"""The commands, as c01_cli.md shows them: what they print, where, and how they exit."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

import custcrm
from custcrm.cli.app import app
from custcrm.testing import RecordingChannel

PEOPLE = """\
first_name,last_name,E-mail,phone
Anna,Virtanen,Anna@Example.org,+358 40 123 4567
Ben,Laine,ben@example.org,
Chloe,Nieminen,chloe@example.org,+1
Benjamin,Laine,ben@example.org,
"""
SALES = """\
receipt,email,occurred_at,total
r-1,Anna@Example.org,2026-10-01 12:30,480.00
r-2,Anna@Example.org,2026-10-02,99.90
r-3,ben@example.org,2026-11-15 09:05,620.00
r-4,anna@example.org,2026-11-16,5.00
"""
NEW = ("--currency", "EUR", "--timezone", "Europe/Helsinki", "--map", "E-mail=email")


@pytest.fixture
def run(tmp_path: Path, monkeypatch):
    """Run a command in an empty folder with two files; gives exit code, stdout and stderr."""
    (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
    (tmp_path / "sales.csv").write_text(SALES, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CUSTCRM_STORE", raising=False)

    def command(*arguments: str):
        result = CliRunner().invoke(app, list(arguments), prog_name="custcrm")
        return result.exit_code, result.stdout, result.stderr

    return command


@pytest.fixture
def shop(run, monkeypatch):
    """Fill the transcript's shop, and name it by CUSTCRM_STORE."""
    run("import", "customers", "people.csv", "--store", "shop.db", *NEW)
    run("import", "sales", "sales.csv", "--store", "shop.db", "--map", "receipt=external_id")
    monkeypatch.setenv("CUSTCRM_STORE", "shop.db")
    return run


def test_a_dry_run_tells_of_each_refused_row_and_makes_no_store(run):
    """The file as it was found, the rows that would be refused, the counts; nothing is left behind."""
    code, out, err = run("import", "customers", "people.csv", "--store", "shop.db", *NEW, "--dry-run")
    assert (code, err) == (0, "")
    assert out == (
        "people.csv: UTF-8, comma, 4 rows; nothing written (dry run)\n"
        "line  verdict   reason\n"
        "   4  refused   bad_phone: phone is not a phone number\n"
        "   5  refused   duplicate_in_file: same email as line 3\n"
        "2 would be added, 2 refused\n"
    )
    assert not Path("shop.db").exists()


def test_imports_count_and_write_what_was_refused(run):
    """The counts in one line; refused rows in a file of their own; a second import changes nothing."""
    arguments = ("import", "customers", "people.csv", "--store", "shop.db", *NEW)
    assert run(*arguments, "--refused", "refused.csv") == (0, "2 added, 2 refused (written to refused.csv)\n", "")
    assert Path("refused.csv").read_text(encoding="utf-8").count("\n") == 3
    told = "line 4  bad_phone: phone is not a phone number\nline 5  duplicate_in_file: same email as line 3\n"
    assert run(*arguments) == (0, f"{told}2 unchanged, 2 refused\n", "")
    code, out, err = run("import", "sales", "sales.csv", "--store", "shop.db", "--map", "receipt=external_id")
    assert (code, out.splitlines()[-1], out.count("\nline"), err) == (0, "3 added, 1 refused", 0, "")
    Path("nobody.csv").write_text("email\n" + "nobody\n" * 12, encoding="utf-8")
    lines = run("import", "customers", "nobody.csv", "--store", "shop.db")[1].splitlines()
    assert lines[9:] == ["line 11  bad_email: email is not an email address", "and 2 more; --refused FILE writes all of them",
                         "12 refused"]


def test_a_file_is_taken_in_once_under_a_key(run):
    """The second time nothing is done, and it is said so; another file under the key is refused, with nothing taken in."""
    arguments = ("import", "customers", "people.csv", "--store", "shop.db", *NEW, "--key", "people of November", "--atomic")
    assert run(*arguments)[1].endswith("\n2 added, 2 refused\n")
    assert run(*arguments) == (0, "2 added, 2 refused: done before under this key, nothing was written now\n", "")
    assert run(*arguments, "--refused", "refused.csv") == (
        0, "2 added, 2 refused (written to refused.csv): done before under this key, nothing was written now\n", "")
    assert Path("refused.csv").read_text(encoding="utf-8").count("\n") == 3
    Path("people.csv").write_text("first_name,E-mail\nDan,dan@example.org\n", encoding="utf-8")
    code, out, err = run(*arguments)
    assert (code, out) == (1, "") and "key" in err
    assert run("select", "email EXISTS", "--count", "--store", "shop.db") == (0, "2\n", "")


def test_where_refused_rows_cannot_be_written_nothing_is_taken_in(run):
    """The place is tried before the file: the key is not used up, and no store is made."""
    arguments = ("import", "customers", "people.csv", "--store", "shop.db", *NEW, "--key", "once")
    code, out, err = run(*arguments, "--refused", "nowhere/refused.csv")
    assert (code, out) == (2, "") and "no such folder" in err and not Path("shop.db").exists()
    assert run(*arguments, "--refused", "refused.csv")[1] == "2 added, 2 refused (written to refused.csv)\n"


@pytest.mark.parametrize(
    "mistake", [("absent.csv",), ("people.csv", "--map", "nothing=email"), ("people.csv", "--encoding", "x")]
)
def test_a_first_import_that_fails_makes_no_store(run, mistake):
    """So that its currency and time zone are those of the import that does not."""
    code, out, _ = run("import", "customers", *mistake, "--store", "shop.db")
    assert (code, out) == (2, "") and not Path("shop.db").exists()
    assert run("import", "customers", "people.csv", "--store", "shop.db", *NEW, "--currency", "USD")[0] == 0


@pytest.mark.parametrize("command", [("verify",), ("select", "email EXISTS"), ("migrate",)])
def test_a_mistyped_tenant_is_no_empty_store(run, command, postgresql_store):
    """A command that only looks makes no schema and no tables, and neither does a dry run."""
    place = ("--store", str(postgresql_store), "--schema", f"tenant_{command[0]}")
    assert run("import", "customers", "people.csv", *place, *NEW, "--dry-run")[0] == 0
    code, out, err = run(*command, *place)
    assert (code, out) == (3, "") and "no store" in err
    assert run("import", "customers", "people.csv", *place, *NEW)[0] == 0
    assert run(*command, *place)[0] == 0
    assert run(*command, *place[:-1], f"tenants_{command[0]}")[0] == 3


def test_labels_are_named(run):
    """A tag named as a label is there, or not, whatever else its column holds."""
    Path("people.csv").write_text("E-mail,tags.vip\nanna@example.org,yes\nben@example.org,no\n", encoding="utf-8")
    assert run("import", "customers", "people.csv", "--store", "shop.db", *NEW, "--label", "vip")[0] == 0
    assert run("select", "tags.vip EXISTS", "--count", "--store", "shop.db") == (0, "1\n", "")


def test_import_verdicts_as_json(shop):
    """Each row is a JSON line, then the counts."""
    code, out, _ = shop("import", "sales", "sales.csv", "--map", "receipt=external_id", "--json")
    rows = [json.loads(line) for line in out.split("\n") if line]
    assert code == 0
    assert rows[3]["reason"] == "unknown_customer" and rows[3]["line"] == 5
    assert rows[-1]["counts"] == {"unchanged": 3, "refused": 1}


def test_an_encoding_that_is_a_guess_is_shown_with_samples(run):
    """To people and as JSON, in a dry run and in an import."""
    Path("people.csv").write_bytes("email,first_name\na@example.org,Äiti\n".encode("cp1252"))
    doubts = (
        "Windows-1252 is a guess: are these spelled right? If not, import the file again and say its encoding=\n"
        "   2  'Äiti'\n"
    )
    arguments = ("import", "customers", "people.csv", "--store", "shop.db")
    code, out, _ = run(*arguments, "--dry-run")
    assert (code, doubts in out, "Windows-1252 (a guess)" in out) == (0, True, True)
    assert run(*arguments) == (0, f"{doubts}1 added\n", "")
    facts = json.loads(run(*arguments, "--json")[1].splitlines()[-1])
    assert facts["samples"] == [{"line": 2, "value": "Äiti"}] and facts["source"] == "Windows-1252 (a guess), comma"
    assert run(*arguments, "--encoding", "cp1252") == (0, "1 unchanged\n", "")


def test_which_numbers_are_kept_is_said_once(run):
    """A number that is possible and not valid is refused, or kept where the store was made so."""
    Path("people.csv").write_text("email,phone\na@example.org,+358 1 234 5678\n", encoding="utf-8")
    arguments = ("import", "customers", "people.csv", "--store")
    assert run(*arguments, "strict.db") == (
        0, "line 2  bad_phone: phone is no valid number of FI (+358), which has numbers like '+358131234567'\n1 refused\n", "")
    assert run(*arguments, "strict.db", "--phones", "possible") == (0, "1 added\n", "")
    assert run(*arguments, "strict.db") == (0, "1 unchanged\n", "")
    code, _, err = run(*arguments, "strict.db", "--phones", "valid")
    assert code != 0 and "phones 'possible'" in err
    assert run(*arguments, "other.db", "--phones", "any")[0] == 2


def test_select_counts_and_shows(shop):
    """A number, or aligned columns with one customer a line; without columns nothing personal."""
    assert shop("select", "sales_total > 500", "--count") == (0, "2\n", "")
    assert shop("select", "sales_count > 0", "--as-of", "2026-11-01", "--count") == (0, "1\n", "")
    code, out, _ = shop("select", "sales_total > 500", "--columns", "email,average_check", "--sort", "average_check DESC")
    assert code == 0
    assert out == (
        "email             average_check\n"
        "ben@example.org          620.00\n"
        "Anna@Example.org         289.95\n"
    )
    code, out, _ = shop("select", "sales_total > 500")
    assert out.startswith("id ") and "@" not in out and "Anna" not in out


def test_select_columns_may_hold_commas(shop):
    """Commas inside brackets and quotes part no columns."""
    code, out, _ = shop("select", "sales_count > 0", "--columns",
                        "first_name, COUNT(sales WHERE external_id IN ('r-1', 'r,2'))", "--json")
    assert code == 0
    assert [list(json.loads(line).values()) for line in out.split("\n") if line] == [["Anna", 1], ["Ben", 0]]


def test_select_as_csv_and_json(shop):
    """CSV is the library's own, with its record of the export; JSON lines keep numbers that are exact as text."""
    code, out, _ = shop("select", "sales_total > 600", "--columns", "email,average_check", "--csv")
    assert (code, out) == (0, "email,average_check\nben@example.org,620.00\n"), "the runner shows CR LF as LF"
    code, out, _ = shop("select", "sales_total > 600", "--columns", "email,average_check,sales_count", "--json")
    assert json.loads(out) == {"email": "ben@example.org", "average_check": "620.00", "sales_count": 1}


def test_nobody_is_no_error(shop):
    """Exit code 0 also when nobody matches."""
    assert shop("select", "sales_total > 5000", "--count") == (0, "0\n", "")
    code, out, err = shop("select", "sales_total > 5000")
    assert (code, err) == (0, "") and out.count("\n") == 1


def test_select_within_a_scope(shop):
    """A scope counts only what happened there; an unknown place is an error of the input."""
    with custcrm.open("shop.db") as crm:
        crm.points_of_sale.add("Harbour")
    assert shop("select", "sales_count > 0", "--point-of-sale", "Harbour", "--count") == (0, "0\n", "")
    code, _, err = shop("select", "sales_count > 0", "--point-of-sale", "Harbor", "--count")
    assert code == 2 and "Harbour" in err


def test_explain_by_each_name(shop):
    """Yes or no, each condition with its value, and what decides; by email, id or another system's id."""
    code, out, _ = shop("explain", "sales_total > 500 AND phone DOES NOT EXIST", "--email", "Anna@Example.org")
    assert code == 0
    assert out.split("\n")[0] == "no" and "present, wanted none    <- decides" in out
    with custcrm.open("shop.db") as crm:
        anna = crm.customers.find_by_email("Anna@Example.org")
        assert anna is not None
        crm.customers.add(external_ids={"till": "9"}, first_name="Dan")
    assert shop("explain", "sales_total > 500", "--id", anna.id)[1].startswith("yes")
    assert json.loads(shop("explain", "sales_total > 500", "--external-id", "till=9", "--json")[1])["matched"] is False
    assert shop("explain", "sales_total > 500", "--email", "anna@example.org")[0] == 2
    assert shop("explain", "sales_total > 500")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("select", "sale_total > 500"), 2, "did you mean 'sales_total'?\n  sale_total > 500\n  ^^^^^^^^^^"),
        (("select", "TRUE", "--store", "missing.db"), 3, "no store at missing.db"),
        (("select", "TRUE", "--store", "mysql://host/shop"), 2, "a store is a path"),
        (("select", "TRUE", "--store", ""), 2, "--store"),
        (("select", "TRUE", "--columns", "nonsense"), 2, "nonsense"),
        (("import", "customers", "missing.csv"), 2, "missing.csv cannot be read"),
        (("import", "customers", "people.csv"), 2, "'E-mail'; map it to one or ignore it; did you mean 'email'?"),
        (("import", "customers", "people.csv", "--map", "E-mail"), 2, "HEADER=COLUMN"),
        (("import", "customers", "people.csv", "--map", "E-mail=email", "--currency", "USD"), 1, "currency"),
        (("import", "customers", "people.csv", "--map", "E-mail=email", "--refused", "no/such/folder.csv"), 2, "folder.csv"),
        (("migrate", "--store", "missing.db"), 3, "missing.db"),
        (("select",), 2, "Missing argument"),
    ],
)
def test_errors_are_one_message_and_an_exit_code(shop, arguments, code, said):
    """1 refused or in conflict, 2 the input is wrong, 3 the store cannot be reached; on stderr, without a traceback."""
    found, out, err = shop(*arguments)
    assert (found, out) == (code, "")
    assert said in err and "Traceback" not in err
    assert not Path("missing.db").exists()


def test_a_traceback_is_shown_when_asked_for(shop):
    """`--traceback` shows where an error came from, with the same exit code."""
    code, _, err = shop("select", "sale_total > 500", "--traceback")
    assert code == 2 and "Traceback" in err


def test_migrate_says_from_where_to_where(shop):
    """A store of today needs nothing."""
    code, out, _ = shop("migrate")
    assert code == 0 and out.startswith("shop.db: version") and "nothing to do" in out


def test_control_characters_stay_out_of_the_terminal(shop):
    """One record is one line, whatever it holds: no line ends, no escape sequences."""
    with custcrm.open("shop.db") as crm:
        crm.customers.add(first_name="A\nB\x1b[31m", email="c@example.org")
    _, out, _ = shop("select", "email = 'c@example.org'", "--columns", "first_name")
    assert out.count("\n") == 2 and "\x1b" not in out


def test_without_its_extra_the_command_says_what_is_missing(monkeypatch, capsys):
    """One sentence when typer is not installed, no traceback."""
    import custcrm.cli

    monkeypatch.setattr(custcrm.cli, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as stopped:
        custcrm.cli.main([])
    assert stopped.value.code == 2
    assert capsys.readouterr().err == "the command line needs typer and rich: pip install 'custcrm[cli]'\n"


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals here")
def test_a_terminal_gets_borders(shop):
    """Somebody who looks sees a table with borders."""
    import subprocess
    import sys

    main, other = os.openpty()
    command = [sys.executable, "-m", "custcrm.cli", "select", "sales_total > 500", "--columns", "email"]
    process = subprocess.Popen(command, stdout=other, stderr=other, env={**os.environ, "COLUMNS": "80"})
    os.close(other)
    shown = b""
    while True:
        try:
            block = os.read(main, 4096)
        except OSError:
            break
        if not block:
            break
        shown += block
    os.close(main)
    assert process.wait() == 0
    assert "│ Anna@Example.org │" in shown.decode()


def test_verify_tells_what_was_checked_and_what_was_found(shop):
    """Exit code 0 and every check where the store keeps its promises; 1, the finding and no name where it does not."""
    code, out, err = shop("verify")
    assert (code, err) == (0, "")
    assert "looked at" in out and out.splitlines()[-1].endswith("looked at: nothing found")
    code, out, _ = shop("verify", "--json")
    assert code == 0 and json.loads(out)["ok"] is True
    with sqlite3.connect("shop.db") as connection:
        connection.execute("UPDATE custcrm_customers SET first_name_folded = 'x' WHERE first_name = 'Anna'")
    connection.close()
    code, out, err = shop("verify")
    assert (code, err) == (1, "") and "folded: customers" in out and "Anna" not in out
    code, out, _ = shop("verify", "--json")
    finding, verified = map(json.loads, out.splitlines())
    assert code == 1 and finding["finding"]["check"] == "folded"
    assert verified["found"] == {"folded": 1} and verified["ok"] is False


def test_verify_knows_the_channels_that_are_named(shop):
    """An app's own channels are in no store: on the command line they are named, several by several options."""
    own = {"letter": RecordingChannel(), "fax": RecordingChannel()}
    with custcrm.open("shop.db", channels=own) as crm:
        for channel in own:
            crm.consents.deny(crm.select().ids()[0], channel, evidence="phone call")
    assert shop("verify")[0] == shop("verify", "--channel", "fax")[0] == 1
    code, out, _ = shop("verify", "--channel", "fax", "--channel", "letter")
    assert code == 0 and out.splitlines()[-1].endswith("looked at: nothing found")


def test_ctrl_c_says_what_an_import_has_kept(tmp_path: Path) -> None:
    """A command that Ctrl-C stops ends with 130 and says how many rows stay; the same command goes on."""
    rows = 60_000
    text = "email,first_name\n" + "".join(f"a{number}@example.org,Anna\n" for number in range(rows))
    (tmp_path / "many.csv").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "custcrm.cli", "import", "customers", "many.csv", "--store", "shop.db", "--key", "once"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    until = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < until and not _count(tmp_path / "shop.db"):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 130, told
    kept = _count(tmp_path / "shop.db")
    assert 0 < kept < rows
    assert told.startswith(f"stopped by Ctrl-C; stopped after {kept:,} of {rows:,}, which stay done; the same call ")
    assert "Traceback" not in told
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    assert _count(tmp_path / "shop.db") == rows


def _count(store: Path) -> int:
    """Return how many customers a SQLite store has, 0 where it is not made yet."""
    if not store.exists():
        return 0
    with closing(sqlite3.connect(store)) as connection:
        try:
            return int(connection.execute("SELECT count(*) FROM custcrm_customers").fetchone()[0])
        except sqlite3.OperationalError:
            return 0
