"""Tiers that are kept: how long, and since when a member has one. The names to know are `read_keep`, `keeps` and `since`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, tzinfo
from typing import Any, Final

from custcrm.records import Category, MembershipChange
from custcrm.records.programs import Down
from custcrm.values.errors import Malformed
from custcrm.values.periods import Span, day_of, move, move_day, span, start_of_day

END_OF_YEAR: Final = "end of year"
"""In the place of a span: a tier is kept until the year ends in which it was given."""


def read_keep(told: Any) -> str | None:
    """Return how long a tier is kept as it is written down: a span or the end of the year; None: while its rule is met."""
    if told is None:
        return None
    if isinstance(told, str) and " ".join(told.split()).lower() == END_OF_YEAR:
        return END_OF_YEAR
    try:
        kept = span(told)
    except Malformed as wrong:
        raise Malformed(f"a tier is kept for a span such as '12 months', or to the {END_OF_YEAR!r}", field="keep") from wrong
    if not kept.count:
        raise Malformed("a tier is kept for longer than nothing; leave keep out where it goes with its rule", field="keep")
    return str(kept)


def kept_until(keep: str | None, at: datetime, zone: tzinfo) -> datetime | None:
    """Return the first instant at which a tier that is given now is no longer kept; None where it is not kept at all."""
    if keep is None:
        return None
    if keep == END_OF_YEAR:
        return start_of_day(move_day(date(day_of(at, zone).year, 12, 31), Span.parse("1 day")), zone)
    return move(at, Span.parse(keep), zone)


def ruled(categories: Iterable[Category]) -> list[Category]:
    """Return the tiers, the highest first."""
    return sorted((each for each in categories if each.filter is not None), key=lambda each: -each.rank)


def keeps(tiers: Sequence[Category], at: int) -> str | None:
    """Return how long the tier at this place, the highest first, is kept.

    One without a length of its own that members step down to has that of the tier above: else whoever steps down one tier
    would go on falling with the next run.
    """
    above = tiers[at - 1] if at else None
    stepped = above.keep if above is not None and above.down is Down.ONE else None
    return tiers[at].keep or stepped


def keep_of(categories: Iterable[Category], name: str) -> str | None:
    """Return how long a category is kept, which is not at all where it has no rule."""
    tiers = ruled(categories)
    return next((keeps(tiers, at) for at, each in enumerate(tiers) if each.name == name), None)


def since(changes: Iterable[MembershipChange]) -> datetime | None:
    """Return since when the last of these changes' category has been the member's; to be kept anew is no change of it."""
    found: datetime | None = None
    before: str | None = None
    for each in sorted(changes, key=lambda change: (change.occurred_at, change.id)):
        if each.category != before:
            found, before = each.occurred_at, each.category
    return found
