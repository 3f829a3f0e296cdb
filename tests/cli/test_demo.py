"""`custcrm demo` shows CDNOW's figures, counted by the engine, and touches nothing that is not its own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TRANSCRIPT = """\
CDNOW, 1/10 sample: real purchases 1997-01-01 to 1998-06-30. Names, emails and phones are invented (seed 1).
Store        cdnow-demo.db (SQLite, USD, America/New_York, at 1998-07-01T00:00)
Customers    2,357 added, 0 refused
Sales        6,919 added, 0 refused

segment            people   filter
big spenders           76   sales_total > 500
regulars              111   sales_count >= 10
one purchase        1,205   sales_count = 1
active                300   last_sale_at >= ago('3 months')
lapsed and good        79   sales_total > 200 AND last_sale_at < ago('6 months')

explain 02761 in "active": no
  no   last_sale_at >= ago('3 months')     1997-02-17, wanted 1998-04-01 or later    <- decides
plan    credit 100 points in club, expiring in 30 days, to "lapsed and good"
        78 eligible, 1 skipped (blacklisted 1), cost 7,800 points
apply   key demo-win-back: 78 credited
again   key demo-win-back: nothing new, the same result
coupons come-back: 78 issued, 22 left
message 78 planned, 78 SMS parts, in the outbox
wrote   lapsed-and-good.csv (79 rows)
Next:   custcrm select "sales_count > 20" --store cdnow-demo.db
"""


def custcrm(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name != "CUSTCRM_STORE"}
    return subprocess.run(
        [sys.executable, "-m", "custcrm.cli", *arguments], cwd=cwd, env={**clean, **environment}, capture_output=True,
        text=True, encoding="utf-8", check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def shown(folder: Path) -> subprocess.CompletedProcess[str]:
    return custcrm("demo", cwd=folder)


def test_the_demo_shows_the_transcript(shown):
    """Piped, the demo prints the transcript to the letter: no colour, no bar, nothing on stderr."""
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout == TRANSCRIPT


def test_the_next_command_works(shown, folder):
    """What the demo proposes to run next runs on the file that it left."""
    [proposed] = re.findall(r'Next: +custcrm select "(.+)" --store (.+)', shown.stdout)
    answer = custcrm("select", proposed[0], "--store", proposed[1], "--count", cwd=folder)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert int(answer.stdout) > 0
    assert len((folder / "lapsed-and-good.csv").read_bytes().split(b"\r\n")) == 1 + 79 + 1


def test_again_as_json(shown, folder):
    """The demo overwrites its own file, and `--json` gives the same figures as JSON lines."""
    again = custcrm("demo", "--json", cwd=folder)
    assert (again.returncode, again.stderr) == (0, "")
    facts = [json.loads(line) for line in again.stdout.split("\n") if line]
    assert {"segment": "lapsed and good", "people": 79,
            "filter": "sales_total > 200 AND last_sale_at < ago('6 months')"} in facts
    assert {"coupons": "come-back", "issued": 78, "left": 22} in facts


@pytest.mark.parametrize("content", [b"my notes", b""])
def test_a_file_of_somebody_else_stays(tmp_path, content):
    """A file that the demo did not make is left alone, and the message says what to do."""
    (tmp_path / "cdnow-demo.db").write_bytes(content)
    answer = custcrm("demo", cwd=tmp_path)
    assert answer.returncode == 1
    assert "choose another file with --store" in answer.stderr
    assert (tmp_path / "cdnow-demo.db").read_bytes() == content


def test_the_demo_leaves_a_store_that_verifies(folder, shown):
    """Real purchases, imported and acted on: every promise holds."""
    assert shown.returncode == 0
    verified = custcrm("verify", "--store", "cdnow-demo.db", cwd=folder)
    assert (verified.returncode, verified.stderr) == (0, "")
    assert verified.stdout.splitlines()[-1].endswith("nothing found")
