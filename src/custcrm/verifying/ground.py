"""What all checks stand on: the names that records refer to, the terms of the series, and what was applied to many.

These are few beside the customers, so that they are kept at hand; the name to know is `Ground`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, TypeVar

from attrs import frozen

from custcrm.actions.points.expiring import EXPIRE_POINTS
from custcrm.business import Business
from custcrm.records import (
    Account,
    Applied,
    Category,
    CouponSeries,
    EarningRule,
    GuestRedemption,
    PointOfSale,
    Program,
    Sender,
    Terminal,
)
from custcrm.records.declaration import CHANNELS
from custcrm.records.programs import NEW_CUSTOMERS
from custcrm.rules import contacting
from custcrm.storage.protocol import Reader

R = TypeVar("R")

NAMES: Final[Mapping[str, type]] = {
    "programs": Program, "accounts": Account, "points_of_sale": PointOfSale, "terminals": Terminal, "senders": Sender,
    "coupon_series": CouponSeries,
}
"""Records that others name by their one key, by their tables."""

ASKED: Final = 500
"""Of things that are looked up together."""


@frozen(kw_only=True)
class Ground:
    """What was read before the customers are."""

    business: Business
    names: Mapping[str, Collection[str]]
    categories: Collection[tuple[str, str]]
    rules: Collection[tuple[str, str]]
    accounts: Mapping[str, Account]
    series: Mapping[str, CouponSeries]
    applies: dict[str, Applied]
    """What was applied to chosen customers, by the id of the apply, as far as it was met."""
    has_guests: bool
    illegible: Collection[str]
    """Customers whose row is told of while it is read: they are there."""

    def meet(self, reader: Reader, applied_ids: Collection[str]) -> None:
        """Look up what was applied, once."""
        if unknown := sorted(set(applied_ids) - self.applies.keys()):
            self.applies.update((each.id, each) for each in reader.find(Applied, {"id": unknown}))


def lay_ground(business: Business, reader: Reader, own: Collection[str], illegible: Collection[str]) -> Ground:
    """Read what the checks stand on; `own` are channels of the app beside those that the store was opened with."""
    programs = [each.name for each in reader.find(Program)]
    return Ground(
        business=business,
        names={
            CHANNELS: frozenset({*contacting.CHANNELS, *business.channels, *own}),
            **{table: frozenset(each.name for each in _named(reader, record)) for table, record in NAMES.items()},
        },
        categories={(each.program, each.name) for each in reader.find(Category)} | {(each, NEW_CUSTOMERS) for each in programs},
        rules={(each.program, each.name) for each in reader.find(EarningRule)},
        accounts={each.name: each for each in reader.find(Account)},
        series={each.name: each for each in reader.find(CouponSeries)},
        applies={each.id: each for each in reader.find(Applied) if _has_targets(each)},
        has_guests=reader.count_records(GuestRedemption) > 0,
        illegible=illegible,
    )


def _has_targets(applied: Applied) -> bool:
    """Tell whether it was done to chosen customers, who are numbered: not where `made` says what it was about, nor to lots."""
    return (applied.eligible > 1 or bool(applied.skipped)) and not applied.made and applied.action != EXPIRE_POINTS


def _named(reader: Reader, record: type) -> Iterator[Any]:
    return reader.find(record)


def in_pieces(found: Iterable[R]) -> Iterator[list[R]]:
    """Yield what is found some at a time, to look up what belongs to them together."""
    rest = iter(found)
    while piece := list(islice(rest, ASKED)):
        yield piece
