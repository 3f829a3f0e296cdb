"""Cells as values: what each kind of column accepts as text. Malformed names the column, never what the cell held."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cached_property, lru_cache, partial
from typing import Any, Final

from attrs import field, frozen

from custcrm.business import Business
from custcrm.importing.report import RowReason
from custcrm.values.errors import Malformed
from custcrm.values.money import Money, parse_amount
from custcrm.values.periods import instant

_FLAGS: Final = {
    "yes": True, "true": True, "1": True, "x": True, "kyllä": True, "no": False, "false": False, "0": False, "ei": False,
}
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_WITH_COMMA = re.compile(r"[+-]?[0-9]+(,[0-9]+)?")

DECIMALS: Final = (".", ",")
REMEMBERED: Final = 10_000
"""Spellings of a column that are read once: files repeat their days and prices."""

REASONS: Final[Mapping[str, RowReason]] = {
    "email": RowReason.BAD_EMAIL,
    "phone": RowReason.BAD_PHONE,
    "birth_date": RowReason.BAD_DATE,
    "signed_up_at": RowReason.BAD_DATE,
    "occurred_at": RowReason.BAD_DATE,
    "credit_limit": RowReason.BAD_AMOUNT,
    "total": RowReason.BAD_AMOUNT,
}
"""Why a row is refused whose column cannot be read; others are a bad_value."""


@frozen(slots=False)
class Cells:
    """Reads cells for one business; `decimal` is the mark between units and cents."""

    business: Business = field(repr=False)
    decimal: str = "."

    def __attrs_post_init__(self) -> None:
        if self.decimal not in DECIMALS:
            raise Malformed("the decimal mark is '.' or ','", field="decimal", suggestions=DECIMALS)

    def values(self, cells: Mapping[str, str]) -> dict[str, Any]:
        """Return the values of filled cells by column; text unless the column says otherwise."""
        readers = self._readers
        return {name: readers[name](cell) if name in readers else cell for name, cell in cells.items()}

    def read(self, cells: Mapping[str, str], names: Iterable[str]) -> dict[str, Any]:
        """Return the values of these columns, in this order, where they are filled; none of them is a text."""
        return {name: self._readers[name](cells[name]) for name in names if name in cells}

    @cached_property
    def _readers(self) -> Mapping[str, Callable[[str], Any]]:
        readers: Mapping[str, Callable[[str, str], Any]] = {
            "loyalty_eligible": read_flag, "coupon_eligible": read_flag, "payment_terms_days": read_whole_number,
            "units": read_whole_number,
            "credit_limit": self.amount, "total": self.amount, "signed_up_at": self.instant, "occurred_at": self.instant,
        }
        return {name: lru_cache(REMEMBERED)(partial(reader, name)) for name, reader in readers.items()}

    def amount(self, name: str, cell: str) -> Money:
        """Return an amount in the business's currency: digits with one decimal mark and nothing else."""
        if self.decimal == ",":
            if _WITH_COMMA.fullmatch(cell) is None:
                raise Malformed(f"{name} is not an amount like 1234,50", field=name)
            cell = cell.replace(",", ".")
        return parse_amount(cell, self.business.currency, field=name)

    def instant(self, name: str, cell: str) -> datetime:
        """Return an instant: a day is its first moment in the business time zone."""
        return instant(cell, self.business.zone, field=name)


def read_flag(name: str, cell: str) -> bool:
    """Return a yes or no, in any case: yes, true, 1, x, kyllä; no, false, 0, ei."""
    found = _FLAGS.get(cell.casefold())
    if found is None:
        raise Malformed(f"{name} is yes or no", field=name)
    return found


def is_flag(cell: str) -> bool:
    """Tell whether a cell is a yes or a no."""
    return cell.casefold() in _FLAGS


def read_whole_number(name: str, cell: str) -> int:
    """Return a whole number."""
    if _WHOLE.fullmatch(cell) is None:
        raise Malformed(f"{name} is not a whole number", field=name)
    return int(cell)


def reason_of(error: Malformed) -> RowReason:
    """Return why a row is refused that holds this mistake."""
    return REASONS.get(error.field or "", RowReason.BAD_VALUE)
