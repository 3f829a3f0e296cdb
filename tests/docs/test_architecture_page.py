"""The map: every file and every name that docs/architecture.md tells of is there, and so is every room."""

import re
from importlib import import_module
from pathlib import Path

import pytest

PAGE = Path("docs/architecture.md").read_text(encoding="utf-8")
SOURCE = Path("src/custcrm")
CODES = sorted(set(re.findall(r"`([\w./-]+(?::[\w.]+)?)`", PAGE)) - {"path.py:name"})
PATHS = [code for code in CODES if re.search(r"\.(py|md|txt|toml)\b|/", code)]
NAMES = [code for code in PATHS if ":" in code]


def test_the_map_is_not_empty() -> None:
    assert len(PATHS) > 60
    assert len(NAMES) > 30


@pytest.mark.parametrize("code", PATHS)
def test_every_file_is_there(code: str) -> None:
    """A path is one of the project or, shorter, one below src/custcrm."""
    path = code.partition(":")[0]
    assert (SOURCE / path).exists() or Path(path).exists()


@pytest.mark.parametrize("code", NAMES)
def test_every_name_is_there(code: str) -> None:
    """`path.py:name` can be imported; a name with a dot is one of a class."""
    path, _, name = code.partition(":")
    found = import_module("custcrm." + path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    for part in name.split("."):
        assert hasattr(found, part), f"{path} has no {name}"
        found = getattr(found, part)


def test_every_room_is_on_the_map() -> None:
    """The packages and files directly below src/custcrm, and the rooms of filters, each stand on the page."""
    beside = {"__init__.py", "__pycache__", "example_data", "py.typed"}
    rooms = {each.name + "/" * each.is_dir() for each in SOURCE.iterdir()} - {name + "/" for name in beside} - beside
    for room in rooms:
        assert f"`{room}`" in PAGE or f"`{room}" in PAGE, room
    for folder in (SOURCE / "filters").iterdir():
        if folder.is_dir() and folder.name != "__pycache__":
            assert f"`filters/{folder.name}/" in PAGE, folder


def test_the_map_is_found() -> None:
    """README and CONTRIBUTING lead to the map."""
    for page in ("README.md", "CONTRIBUTING.md", "docs/index.md"):
        assert "architecture" in Path(page).read_text(encoding="utf-8")
