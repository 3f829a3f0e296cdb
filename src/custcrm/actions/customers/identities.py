"""What a customer is told by, claimed: an email, a card number, another system's id. Know `claim_identities`.

Whoever gives one to a customer, by a call or from a file, claims it first, all of them at once, and then holds customers, in
the order of their ids; the clock is read after that. So two who tell of one address at the same time wait for each other,
whichever way they come, and never for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from custcrm.storage.protocol import Writer

PLAIN: Final = ("email", "card_number")
"""Columns of a customer that one customer has; an email may be a further one."""

EXTERNAL_IDS: Final = "external_ids"

_SCOPE: Final = "identity"
"""One scope for all kinds, so that there is no order among them to keep."""


def claim_identities(writer: Writer, named: Iterable[tuple[str, str]]) -> None:
    """Wait until nobody else adds or changes who has these, and keep others waiting until the transaction ends.

    They are column and value: ("email", "anna@example.org"), ("external_ids.shop", "17").
    """
    writer.claim(_SCOPE, sorted({f"{column} {value}" for column, value in named}))


def identities_of(
    email: str | None, card_number: str | None, external_ids: Mapping[str, str] | None = None
) -> list[tuple[str, str]]:
    """Return what a customer is told by, of what there is, as column and value."""
    named = [(name, value) for name, value in zip(PLAIN, (email, card_number), strict=True) if value is not None]
    return [*named, *((f"{EXTERNAL_IDS}.{system}", each) for system, each in (external_ids or {}).items())]
