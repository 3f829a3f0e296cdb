"""Cells of CSV files: texts that spreadsheets would take for formulas are made harmless, and read back exactly.

The names to know are `harmless` and `restored`; `restored(harmless(text)) == text` for every text. `row_of` writes a row,
`told_delimiter` reads what is to part its cells.
"""

from collections.abc import Sequence
from typing import Final

from custcrm.values.errors import Malformed
from custcrm.values.texts import checked

FORMULA: Final = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""First characters by which spreadsheets take a text for a formula, with their full-width forms."""
_QUOTED: Final = frozenset('",;\t|\r\n')
"""What a cell is put in quotes for: quotes, line ends, and what any spreadsheet may part cells at, whatever this file does."""


def harmless(text: str) -> str:
    """Return the text with an apostrophe before a formula, and before apostrophes that stand before one."""
    return f"'{text}" if text.lstrip("'")[:1] in FORMULA else text


def restored(cell: str) -> str:
    """Return the text that `harmless` made the cell of; a plain number, which it never touches, is itself."""
    return cell[1:] if cell[:1] == "'" and cell.lstrip("'")[:1] in FORMULA else cell


def told_delimiter(delimiter: object) -> str:
    """Return what is to part cells; Malformed for what is no single character, or one that means something else."""
    told = checked(delimiter, field="delimiter")
    if len(told) != 1 or told in '"\r\n':
        raise Malformed("a delimiter is one character, such as ',' or ';'", field="delimiter")
    return told


def row_of(cells: Sequence[str], delimiter: str) -> str:
    """Return a row of a CSV file with its line end (RFC 4180); a row of one empty cell is not a blank line."""
    if len(cells) == 1 and not cells[0]:
        return '""\r\n'
    return delimiter.join([_written(each, delimiter) for each in cells]) + "\r\n"


def _written(cell: str, delimiter: str) -> str:
    if _QUOTED.isdisjoint(cell) and delimiter not in cell:
        return cell
    return '"' + cell.replace('"', '""') + '"'
