"""Rules by which sales earn points."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from attrs import frozen

from custcrm.records.declaration import INTERNAL, Ref, record
from custcrm.values.money import Money


class Earns(StrEnum):
    """What a rule counts in a sale; a multiplier raises what the other rules of the program give."""

    MONEY = "money"
    UNITS = "units"
    VISIT = "visit"
    MULTIPLIER = "multiplier"


class Rounding(StrEnum):
    """What becomes of a part of a point."""

    DOWN = "down"
    HALF_EVEN = "half_even"
    UP = "up"


@record("earning_rules", key="program name", shown="per")
@frozen(kw_only=True)
class EarningRule:
    """How sales of a program earn points: `points` for each `amount` spent, for each unit or for the visit.

    `category` counts the lines of products of that category alone; `filter` (canonical text) says for which customers, as they
    are before the sale; `minimum` is the least total of a sale that earns. `factor` is a multiplier's, as decimal text.
    `valid_from` says from when the points can be spent, a span from the sale or an instant; `expires` is a span from then.
    """

    program: Annotated[str, Ref("programs")]
    name: str
    per: Earns
    points: int = 0
    amount: Money | None = None
    factor: str | None = None
    category: str | None = None
    filter: str | None = None
    minimum: Money | None = None
    rounding: Rounding = Rounding.DOWN
    valid_from: str | None = None
    expires: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    created_at: datetime
    actor: Annotated[str, INTERNAL] = ""
