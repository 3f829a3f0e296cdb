"""Run example programs, one line for each: `run_examples.py [--golden FOLDER NAME …]`.

The project's own examples/*.py always run; golden programs are those of FOLDER whose file name starts with a NAME.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

OWN = Path(__file__).resolve().parent.parent / "examples"
LIMIT_SECONDS = 300  # the slowest golden program is meant to take seconds


def main(arguments: list[str]) -> int:
    """Run what the arguments name; 1 when a program failed or a name has none."""
    programs = sorted(OWN.glob("*.py"))
    match arguments:
        case ["--golden", folder, *names] if Path(folder).is_dir():
            programs += [_golden(Path(folder).resolve(), name) for name in names]
        case ["--golden", folder, *_]:
            print(f"{folder} is not here: the golden programs are left out")
    results = [_run(program) for program in programs]
    return 0 if all(results) else 1


def _golden(folder: Path, name: str) -> Path:
    (program,) = folder.glob(f"{name}_*.py")
    return program


def _run(program: Path) -> bool:
    """Run a program in an empty folder, and tell what it said when it failed."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-W", "error", str(program)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
    print(f"{program.stem:40} {'FAILED' if done.returncode else 'ok'}", flush=True)
    if done.returncode:
        print(done.stdout + done.stderr, flush=True)
    return not done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
