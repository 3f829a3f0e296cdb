"""Break the library on purpose, one defect at a time, and see that a test notices.

Each patch of tests/sabotage begins with what the defect is (`What: …`) and which tests must turn red (`Law: …`, as pytest
takes them). A patch is applied to a copy of the project; the copy without any must be green.

    python tools/sabotage.py             every defect
    python tools/sabotage.py --short     each sixth, for a run of minutes
    python tools/sabotage.py spend       those whose name holds the word
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PATCHES: Final = ROOT / "tests" / "sabotage"
COPIED: Final = ("src", "tests", "docs", "examples", "tools", "conftest.py", "pyproject.toml", "README.md", "CHANGELOG.md")
SHORT: Final = 6
"""Of so many defects the short form tries one."""
TOGETHER: Final = 2


@dataclass(frozen=True)
class Defect:
    """One patch: its name, what it breaks, and the tests that notice."""

    path: Path
    what: str
    law: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> Defect:
        """Read a patch's first lines."""
        told = dict(line.split(": ", 1) for line in path.read_text("utf-8").split("\n--- ")[0].splitlines() if ": " in line)
        return cls(path, told["What"], tuple(told["Law"].split()))


def copy_to(folder: Path) -> None:
    """Copy what the tests need."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "_build", "sabotage"))
        elif source.exists():
            shutil.copy2(source, folder / name)


def run_tests(folder: Path, tests: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Run tests in a copy, stopping at the first that is red."""
    # The copy is found before the project itself, which is installed beside the tests' tools.
    environment = {**os.environ, "PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def notice(defect: Defect) -> str | None:
    """Apply a defect to a copy and run its law; return what is wrong when no test turns red."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_to(folder)
        applied = subprocess.run(
            [shutil.which("git") or "git", "apply", "--recount", str(defect.path)],
            cwd=folder, capture_output=True, text=True, check=False,
        )
        if applied.returncode:
            return f"the patch does not apply any more: {applied.stderr.strip()}"
        ran = run_tests(folder, defect.law)
    if ran.returncode == 1 and " failed" in ran.stdout:
        return None
    return f"its law did not turn red (pytest ended with {ran.returncode}):\n{ran.stdout[-2000:]}{ran.stderr[-500:]}"


def check_control(defects: list[Defect]) -> str | None:
    """Run all laws in a copy without a defect; return what is wrong when they are not green."""
    laws = tuple(dict.fromkeys(test for defect in defects for test in defect.law))
    with tempfile.TemporaryDirectory() as name:
        copy_to(Path(name))
        ran = run_tests(Path(name), laws)
    return None if ran.returncode == 0 else f"the laws are not green without a defect:\n{ran.stdout[-3000:]}"


def main() -> int:
    """Try the defects that are asked for; 1 where one goes unnoticed."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    asked.add_argument("words", nargs="*", help="parts of names")
    asked.add_argument("--short", action="store_true", help=f"one of {SHORT} defects")
    told = asked.parse_args()
    defects = [Defect.read(path) for path in sorted(PATCHES.glob("*.patch"))]
    if told.short:
        defects = defects[::SHORT]
    if told.words:
        defects = [each for each in defects if any(word in each.path.stem for word in told.words)]
    if not defects:
        print("no defect has such a name")
        return 1
    if (fault := check_control(defects)) is not None:
        print(fault)
        return 1
    with ThreadPoolExecutor(TOGETHER) as pool:
        faults = list(pool.map(notice, defects))
    for defect, fault in zip(defects, faults, strict=True):
        print(f"{'red  ' if fault is None else 'GREEN'} {defect.path.stem}: {defect.what}" + (f"\n{fault}" if fault else ""))
    missed = sum(fault is not None for fault in faults)
    print(f"{len(defects) - missed} of {len(defects)} defects were noticed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
