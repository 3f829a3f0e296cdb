"""Texts that spreadsheets would take for formulas: made harmless in a CSV cell, and read back exactly.

The names to know are `harmless` and `restored`; `restored(harmless(text)) == text` for every text.
"""

from typing import Final

FORMULA: Final = frozenset("=+-@\t\r\uff1d\uff0b\uff0d\uff20")
"""First characters by which spreadsheets take a text for a formula, with their full-width forms."""


def harmless(text: str) -> str:
    """Return the text with an apostrophe before a formula, and before apostrophes that stand before one."""
    return f"'{text}" if text.lstrip("'")[:1] in FORMULA else text


def restored(cell: str) -> str:
    """Return the text that `harmless` made the cell of; a plain number, which it never touches, is itself."""
    return cell[1:] if cell[:1] == "'" and cell.lstrip("'")[:1] in FORMULA else cell
