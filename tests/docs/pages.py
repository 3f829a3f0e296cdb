"""Reading the tables of the documentation."""

import re
from pathlib import Path

CODE = re.compile(r"`([^`]+)`")


def page(name: str) -> str:
    """Return the text of a page of docs."""
    return Path("docs", name).read_text(encoding="utf-8")


def table(text: str, header: str) -> list[list[str]]:
    """Return the rows of the table with this header line, each a list of cells."""
    _, found, rest = text.partition(f"\n| {header} |\n")
    assert found, f"no table with the header {header!r}"
    rows = []
    for line in rest.splitlines()[1:]:
        if not line.startswith("|"):
            break
        rows.append(re.split(r"\s*\|\s*", line.strip("| ")))
    return rows


def code(cell: str) -> str:
    """Return the one code span of a cell."""
    (found,) = CODE.findall(cell)
    return str(found)
