"""Deleting a customer: only one without financial records can go, and then all that is known goes with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from custcrm.records import RECORDS, AccountEntry, PointsEntry, Redemption, Sale
from custcrm.records.declaration import declaration
from custcrm.values.errors import Reason, Refusal

FINANCIAL: Final[Mapping[str, type]] = {
    "sales": Sale, "points_entries": PointsEntry, "account_entries": AccountEntry, "redemptions": Redemption,
}
"""What must be kept, by the name that a refusal gives it: sales are refunds and chargebacks too."""

ABOUT: Final[tuple[type, ...]] = (
    *(each for each in reversed(RECORDS) if declaration(each).of_customer and each not in FINANCIAL.values()),
)
"""Records that go with their customer, those that refer to others first.

Never a financial one: a sale that somebody records while a customer is deleted must hold the deletion up, not go with it.
"""


def refusal(kept: Mapping[str, int]) -> Refusal | None:
    """Return why a customer with so many records of each kind cannot be deleted, naming what is there; None when it can."""
    there = {name: count for name, count in kept.items() if count}
    return Refusal(Reason.FINANCIAL_RECORDS, details=there) if there else None
