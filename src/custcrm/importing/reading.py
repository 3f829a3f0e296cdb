"""Cells as values: what each kind of column accepts as text. Malformed names the column, never what the cell held."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from attrs import field, frozen

from custcrm.business import Business
from custcrm.importing.report import RowReason
from custcrm.values.errors import Malformed
from custcrm.values.money import Money

_FLAGS: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_WITH_COMMA = re.compile(r"[+-]?[0-9]+(,[0-9]+)?")

DECIMALS: Final = (".", ",")
REMEMBERED: Final = 10_000
"""Spellings that are read once: files repeat their days and prices."""

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
    _read: dict[tuple[str, str], Any] = field(factory=dict, repr=False, init=False)

    def __attrs_post_init__(self) -> None:
        if self.decimal not in DECIMALS:
            raise Malformed("the decimal mark is '.' or ','", field="decimal", suggestions=DECIMALS)

    def read(self, name: str, cell: str) -> Any:
        """Return the value of a column's filled cell; text unless the column says otherwise."""
        reader = self._readers.get(name)
        if reader is None:
            return cell
        known = self._read.get((name, cell))
        if known is None:
            known = reader(cell, name)
            if len(self._read) < REMEMBERED:
                self._read[name, cell] = known
        return known

    @cached_property
    def _readers(self) -> Mapping[str, Callable[[str, str], Any]]:
        return {
            "loyalty_eligible": flag, "coupon_eligible": flag, "payment_terms_days": whole, "units": whole,
            "credit_limit": self.amount, "total": self.amount, "signed_up_at": self.instant, "occurred_at": self.instant,
        }

    def amount(self, cell: str, name: str) -> Money:
        """Return an amount in the business's currency: digits with one decimal mark and nothing else."""
        if self.decimal == ",":
            if _WITH_COMMA.fullmatch(cell) is None:
                raise Malformed(f"{name} is not an amount like 1234,50", field=name)
            cell = cell.replace(",", ".")
        return self.business.amount(cell, field=name)

    def instant(self, cell: str, name: str) -> datetime:
        """Return an instant as `business.instant` reads it: a day is its first moment in the business time zone."""
        found = self.business.instant(cell, field=name)
        assert found is not None, "only None stays None"
        return found


def flag(cell: str, name: str) -> bool:
    """Return a yes or no: yes, no, true, false, 1, 0 in any case."""
    found = _FLAGS.get(cell.casefold())
    if found is None:
        raise Malformed(f"{name} is yes or no", field=name)
    return found


def whole(cell: str, name: str) -> int:
    """Return a whole number."""
    if _WHOLE.fullmatch(cell) is None:
        raise Malformed(f"{name} is not a whole number", field=name)
    return int(cell)


def reason_of(error: Malformed) -> RowReason:
    """Return why a row is refused that holds this mistake."""
    return REASONS.get(error.field or "", RowReason.BAD_VALUE)
