"""Customer accounts: how one stands, what may be taken from it, what is left to reverse, and its statement.

Numbers here are whole: minor units of an account of money, else units. The names to know are `Standing` and `Statement`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from attrs import field, frozen

from custcrm.records import Account, AccountEntry, CustomerAccount
from custcrm.records.accounts import AccountKind
from custcrm.values.errors import Reason, Refusal
from custcrm.values.money import Money

LARGEST: Final = 10**12
"""Minor units, or units, of one entry or limit: sums of a million of them stay within 64 bits."""


@frozen(kw_only=True)
class Standing:
    """How a customer's account stands: the sum of all its entries, and how far below nought it may go.

    All means also those that a clock set back sees in the future: what was taken there cannot be taken again. `latest` is
    the instant of the last of them; `opened` tells whether the customer has the account at all.
    """

    balance: int = 0
    limit: int = 0
    latest: datetime | None = None
    opened: bool = False

    @property
    def available(self) -> int:
        """What can be taken."""
        return max(0, self.balance + self.limit)

    def next_at(self, now: datetime) -> datetime:
        """Return the instant of an entry made now: the time of an account never runs backwards."""
        return now if self.latest is None else max(now, self.latest)


@frozen(kw_only=True)
class Statement:
    """What came and went on a customer's account from `since` until just before `until`: opening, entries, closing."""

    account: str
    since: datetime | None
    until: datetime | None
    opening: Money | int
    entries: Sequence[AccountEntry] = field(repr=lambda entries: f"<{len(entries)} entries>")
    closing: Money | int


def shown(account: Account, number: int, currency: str) -> Money | int:
    """Return a number of the account as people know it."""
    return Money.from_minor(number, currency) if account.kind is AccountKind.MONEY else number


def number_of(entry: AccountEntry) -> int:
    """Return what an entry changed, in minor units or units."""
    return entry.units or 0 if entry.amount is None else entry.amount.minor


def limit_of(account: Account, own: CustomerAccount | None) -> int:
    """Return how far below nought a customer's account may go: its own limit, else that of the account."""
    if account.kind is AccountKind.MONEY:
        limit = account.credit_limit if own is None or own.credit_limit is None else own.credit_limit
        return 0 if limit is None else limit.minor
    return account.credit_units if own is None or own.credit_units is None else own.credit_units


def allowed(account: Account, standing: Standing, change: int, currency: str) -> int | Refusal:
    """Return the change, or why it cannot be: what is taken must be available; paying in is always possible."""
    if change >= 0 or -change <= standing.available:
        return change
    asked, available = (shown(account, number, currency) for number in (-change, standing.available))
    return Refusal(Reason.NOT_ENOUGH_FUNDS, details={"account": account.name, "asked": asked, "available": available})


def reversal(account: Account, entry: AccountEntry, undone: int, asked: int | None, currency: str) -> int | Refusal:
    """Return what takes back an entry, or `asked` of it; `undone` is the sum of what took it back before."""
    left = number_of(entry) + undone
    wanted = abs(left) if asked is None else asked
    if left and wanted <= abs(left):
        return -wanted if left > 0 else wanted
    details = {"account": account.name, "left": shown(account, abs(left), currency)}
    return Refusal(Reason.ALREADY_REVERSED, details=details)


def statement(
    account: Account,
    entries: Iterable[AccountEntry],
    currency: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Statement:
    """Return the statement of a period, of all entries in order of time."""
    opening = closing = 0
    within: list[AccountEntry] = []
    for entry in entries:
        if since is not None and entry.occurred_at < since:
            opening += number_of(entry)
        elif until is None or entry.occurred_at < until:
            within.append(entry)
            closing += number_of(entry)
    return Statement(
        account=account.name, since=since, until=until, opening=shown(account, opening, currency), entries=tuple(within),
        closing=shown(account, opening + closing, currency),
    )
