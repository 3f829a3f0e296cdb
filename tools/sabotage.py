"""Break the library on purpose, one defect at a time, and see that a test notices.

Each patch of tests/sabotage begins with what the defect is (`What: …`) and which test must turn red (`Law: …`, as pytest
takes it; there may be several). All laws must be green in a copy of the project; then each defect is made in another copy.

    python tools/sabotage.py                 every defect
    python tools/sabotage.py --short         ten of them, for a run of minutes
    python tools/sabotage.py spend coupon    those whose name holds one of the words
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PATCHES: Final = ROOT / "tests" / "sabotage"
COPIED: Final = ("src", "tests", "docs", "examples", "tools", "conftest.py", "pyproject.toml", "README.md", "CHANGELOG.md")
SHORT: Final = 10
"""Defects of the short form."""
TOGETHER: Final = 2
"""Defects that are tried at once."""
LONGEST: Final = 600
"""Seconds that a law may take, on a busy machine too, so that a defect which makes it hang is told."""


@dataclass(frozen=True)
class Defect:
    """One patch: what it breaks, and the tests that notice."""

    path: Path
    what: str
    laws: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> Defect:
        """Read a patch's first lines."""
        lines = path.read_text("utf-8").partition("\n--- ")[0].splitlines()
        [what] = (line.removeprefix("What: ") for line in lines if line.startswith("What: "))
        return cls(path, what, tuple(line.removeprefix("Law: ") for line in lines if line.startswith("Law: ")))

    def fault(self, folder: Path, *, dry: bool = False) -> str | None:
        """Apply the patch in a folder, or with `dry` only try to; return why that cannot be."""
        command = [shutil.which("git") or "git", "apply", "--recount", *(["--check"] if dry else []), str(self.path)]
        alone = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)}  # else a repository around it is meant
        ran = subprocess.run(command, cwd=folder, env=alone, capture_output=True, text=True, check=False)
        return f"{self.path.name} does not apply any more; make it anew: {ran.stderr.strip()}" if ran.returncode else None


def defects(words: Sequence[str] = (), *, short: bool = False) -> list[Defect]:
    """Return the defects whose name holds a word, if there are any words; with `short`, ten from all over the list."""
    found = [Defect.read(path) for path in sorted(PATCHES.glob("*.patch"))]
    found = [each for each in found if not words or any(word in each.path.stem for word in words)]
    return [found[at * len(found) // SHORT] for at in range(SHORT)] if short and len(found) > SHORT else found


def laws_of(found: Sequence[Defect]) -> list[str]:
    """Return the laws of all these, each once."""
    return list(dict.fromkeys(law for each in found for law in each.laws))


def run_tests(folder: Path, *arguments: str, seconds: int | None = None) -> tuple[int | None, str]:
    """Run tests in a copy; return how pytest ended (None: not in so many seconds) and what it said last."""
    # The copy is found before the project itself, which is installed beside the tests' tools.
    told = {**os.environ, "PYTHONPATH": str(folder / "src")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    try:
        ran = subprocess.run(
            command, cwd=folder, env=told, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=seconds,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None, f"not done in {seconds} seconds"
    return ran.returncode, ran.stdout[-2000:] + ran.stderr[-500:]


def copy_project(folder: Path) -> None:
    """Copy what the tests need."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "_build", "sabotage"))
        elif source.exists():
            shutil.copy2(source, folder / name)


def notice(defect: Defect, sound: Path) -> str | None:
    """Make a defect in a copy of the sound project and run its laws; return what is wrong when none turns red."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "copy"
        shutil.copytree(sound, folder)
        if (fault := defect.fault(folder)) is not None:
            return fault
        # What fails need not be made small: that it does is all.
        ended, said = run_tests(folder, "-x", "--hypothesis-profile=unshrunk", *defect.laws, seconds=LONGEST)
    is_red = ended == 1 and " failed" in said
    return None if is_red else f"no law turned red (pytest ended with {ended}):\n{said}"


def try_all(found: Sequence[Defect], sound: Path) -> int:
    """Try defects, telling of each as it is done; return how many went unnoticed."""
    width, missed = max(len(each.path.stem) for each in found), 0
    with ThreadPoolExecutor(TOGETHER) as pool:
        going = {pool.submit(_timed, each, sound): each for each in found}
        for done, ended in enumerate(as_completed(going), 1):
            defect, (fault, seconds) = going[ended], ended.result()
            missed += fault is not None
            word = "red  " if fault is None else "GREEN"
            print(f"{done:>3}/{len(found)} {word} {seconds:4.1f} s  {defect.path.stem:<{width}}  {defect.what}", flush=True)
            if fault is not None:
                print(fault, flush=True)
    return missed


def _timed(defect: Defect, sound: Path) -> tuple[str | None, float]:
    begun = time.monotonic()
    return notice(defect, sound), time.monotonic() - begun


def main() -> int:
    """Try the defects that are asked for; 1 where one goes unnoticed."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    asked.add_argument("words", nargs="*", help="parts of names")
    asked.add_argument("--short", action="store_true", help=f"{SHORT} defects")
    told = asked.parse_args()
    begun, found = time.monotonic(), defects(told.words, short=told.short)
    if not found:
        print("no defect has such a name")
        return 1
    with tempfile.TemporaryDirectory() as name:
        sound = Path(name)
        copy_project(sound)
        ended, said = run_tests(sound, f"-n{TOGETHER}", *laws_of(found))
        if ended != 0:
            print(f"the laws are not green without a defect (pytest ended with {ended}):\n{said}")
            return 1
        print(f"without a defect all laws are green ({time.monotonic() - begun:.0f} s)", flush=True)
        missed = try_all(found, sound)
    print(f"{len(found) - missed} of {len(found)} defects were noticed, in {time.monotonic() - begun:.0f} seconds")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
