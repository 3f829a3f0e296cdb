"""What a store is asked: which customers (`Question`), sorted how (`Order`), and who of them may (`Verdict`).

A question finds the customers; each rule of a verdict that is not true of a customer refuses that one, with its reason:

    Question(schema.parse("country = 'FI'"), as_of=now)
    Verdict(((Reason.NOT_A_MEMBER, schema.parse("programs.club EXISTS")),))
"""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from custcrm.filters import Filter
from custcrm.filters.ir.nodes import Shown
from custcrm.values.errors import Reason


@frozen
class Question:
    """Which customers: a filter asked at `as_of`. `past`: the asker named `as_of`, so what stood then is looked up."""

    filter: Filter
    as_of: datetime
    past: bool = False


@frozen
class Order:
    """One key to sort by. Missing values come last unless `missing_first`; ties are broken by id, ascending."""

    value: Shown
    descending: bool = False
    missing_first: bool = False

    @property
    def backwards(self) -> bool:
        """Whether what the store sorts by descends: elapsed time is kept as the date that it is counted from.

        The later the birth date, the lower the age: `age` ascending is the birth date descending.
        """
        return self.descending != (self.value.kind in ("years", "days"))


@frozen
class Verdict:
    """Who may: rules in documented precedence; a customer is refused by the first whose filter is not true."""

    rules: tuple[tuple[Reason, Filter], ...] = ()
