"""Every folder of the package says in which order it is read, and what each of its files is for or beside."""

import re
from pathlib import Path

import pytest

SOURCE = Path("src/custcrm")
FOLDERS = sorted(path.parent for path in SOURCE.rglob("__init__.py") if path.parent.name not in {"example_data", "versions"})


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_every_file_stands_in_the_reading_order(folder: Path) -> None:
    """Each module and package of a folder is named, in backticks, in the docstring of its `__init__.py`."""
    said = re.match(r'"""(.*?)"""', (folder / "__init__.py").read_text(encoding="utf-8"), re.DOTALL)
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__", "__main__"}
    packages = {path.parent.name for path in folder.glob("*/__init__.py")} - {"example_data", "versions"}
    assert said is not None
    assert [name for name in sorted(modules | packages) if f"`{name}`" not in said[1]] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_no_folder_and_no_file_is_too_long(folder: Path) -> None:
    """About fifteen files in a folder, and files that can be read in one sitting; `Value`, one class, may be longer."""
    files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(files) <= 16
    long = {path.name for path in files if len(path.read_text(encoding="utf-8").splitlines()) > 350}
    assert long <= ({"builder.py"} if folder.name == "filters" else set())
