"""`crm.accounts`: prepaid money or units of members, beside their points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from attrs import evolve, frozen

from custcrm.actions import accounts as actions
from custcrm.actions import single
from custcrm.actions.accounts import Number
from custcrm.actions.action import Action
from custcrm.actions.keys import Request, once
from custcrm.actions.standings import entries, looked_up
from custcrm.business import Business, CustomerRef, customer_id
from custcrm.records import Account, AccountEntry, CustomerAccount, Program
from custcrm.records.accounts import AccountKind
from custcrm.rules import accounts as rules
from custcrm.rules.accounts import Statement
from custcrm.storage.protocol import Writer
from custcrm.values.errors import Conflict, Malformed, Taken
from custcrm.values.identifiers import key_name
from custcrm.values.money import Money
from custcrm.values.periods import PeriodLike, period
from custcrm.values.shapes import one_of
from custcrm.values.texts import checked

TEXT_LIMIT: Final = 200
"""Characters of a title or unit."""

DAWN: Final = datetime.min.replace(tzinfo=UTC)
"""Since when a statement is that says only until when."""


@frozen
class Accounts:
    """Accounts of one business. No balance needs a job: it is the sum of immutable entries, and nobody spends one twice."""

    _business: Business

    def add(
        self,
        name: str,
        *,
        program: str,
        kind: AccountKind | str = AccountKind.MONEY,
        title: str = "",
        unit: str = "",
        credit_limit: Number | None = None,
        key: str | None = None,
    ) -> Account:
        """Add a kind of account that members of a program may have: money, goods or achievement.

        Money is in major units, the others count whole units, of what `unit` says. `credit_limit` is how far below 0 each
        may go; nothing unless given. With a `key` it is done once.
        """
        business = self._business
        account = Account(
            name=key_name(name, "account"), program=business.known(Program, program, "program").name,
            kind=one_of(kind, AccountKind, field="kind"),
            title=checked(title, field="title", limit=TEXT_LIMIT), unit=checked(unit, field="unit", limit=TEXT_LIMIT),
            created_at=business.now(),
        )
        if account.kind is AccountKind.MONEY and unit:
            raise Malformed(f"an account of money is kept in {business.currency}; it has no unit", field="unit")
        if credit_limit is not None:
            account = evolve(account, **actions.limits(business, account, credit_limit))
        told = {"name": name, "program": program, "kind": account.kind, "title": title, "unit": unit, "limit": credit_limit}

        def add(writer: Writer) -> Sequence[Account]:
            try:
                writer.add([account])
            except Taken:
                raise Conflict(f"there is an account named {account.name!r} already") from None
            return [account]

        [added] = once(business, Request(action="add_account", arguments=told, key=key), add)
        return added

    def list(self, program: str | None = None) -> Sequence[Account]:
        """Return all accounts, or those of a program, by name."""
        business = self._business
        where = {} if program is None else {"program": business.known(Program, program, "program").name}
        with business.reading() as reader:
            return tuple(reader.find(Account, where))

    def of(self, customer: CustomerRef) -> Sequence[CustomerAccount]:
        """Return the accounts that the customer has opened, by name; `balance` tells what is on each."""
        business = self._business
        with business.reading() as reader:
            return tuple(reader.find(CustomerAccount, {"customer_id": business.existing(customer).id}))

    def open(
        self, customer: CustomerRef, account: str, *, credit_limit: Number | None = None, key: str | None = None
    ) -> CustomerAccount:
        """Open a member's account, with a credit limit of its own if given; else the first entry opens it.

        Of an account that is open already the record is returned; with another limit asked for: Conflict.
        """
        return actions.opened(self._business, customer_id(customer), account, credit_limit, anew=False, key=key)

    def set_limit(
        self, customer: CustomerRef, account: str, credit_limit: Number | None, *, key: str | None = None
    ) -> CustomerAccount:
        """Let a member's account go so far below 0; None is as the account says. What is spent already stays spent."""
        return actions.opened(self._business, customer_id(customer), account, credit_limit, anew=True, key=key)

    def replenish(
        self,
        customer: CustomerRef,
        account: str,
        amount: Number,
        *,
        terminal: str | None = None,
        text: str = "",
        notify: bool = True,
        reference: str | None = None,
        key: str | None = None,
    ) -> AccountEntry:
        """Pay in and return the entry; once, where a key is given.

        Refused with reasons not_a_member, blacklisted, no_access. `text` tells the member, where the program notifies; blank is
        the default text, `{amount}` and `{balance}` are filled in.
        """
        return self._entry(customer, key, lambda: actions.replenishing(
            self._business, account, amount, terminal=terminal, text=text, notify=notify, reference=reference,
        ))

    def spend(
        self,
        customer: CustomerRef,
        account: str,
        amount: Number,
        *,
        terminal: str | None = None,
        reference: str | None = None,
        key: str | None = None,
    ) -> AccountEntry:
        """Take from the account and return the entry; once, where a key is given.

        Refused with reasons not_a_member, blacklisted, no_access, limited_access, and not_enough_funds with what is available.
        """
        return self._entry(customer, key, lambda: actions.spending(
            self._business, account, amount, terminal=terminal, reference=reference
        ))

    def adjust(
        self, customer: CustomerRef, account: str, amount: Number, *, reason: str, key: str | None = None
    ) -> AccountEntry:
        """Correct a member's account up or down ("-5.00"), whatever the access; never below what may be spent."""
        return self._entry(customer, key, lambda: actions.adjusting(self._business, account, amount, reason=reason))

    def reverse(
        self, entry: AccountEntry, *, amount: Number | None = None, reason: str = "", key: str | None = None
    ) -> AccountEntry:
        """Take back an entry, or a part of it, whatever the access, and return the entry that does so.

        Refused with already_reversed when less of it is left, and with not_enough_funds when what was paid in is spent.
        """
        if not isinstance(entry, AccountEntry):
            raise Malformed("an entry is given as the record that replenish, spend or adjust returned", field="entry")
        return self._entry(
            entry.customer_id, key, lambda: actions.reversing(self._business, entry, amount=amount, reason=reason)
        )

    def balance(self, customer: CustomerRef, account: str, *, as_of: Any = None) -> Money | int:
        """Return what is on a member's account, in money or units; 0 where it was never used.

        It is the sum of all entries; with `as_of`, of those up to then.
        """
        found, _, standing = looked_up(self._business, customer_id(customer), account, as_of)
        return rules.shown(found, standing.balance, self._business.currency)

    def available(self, customer: CustomerRef, account: str, *, as_of: Any = None) -> Money | int:
        """Return what the member can spend: balance and credit limit with full access, else 0; 0 too once deactivated."""
        found, may_spend, standing = looked_up(self._business, customer_id(customer), account, as_of)
        return rules.shown(found, standing.available if may_spend else 0, self._business.currency)

    def statement(
        self,
        customer: CustomerRef,
        account: str,
        period: PeriodLike | None = None,
        *,
        since: datetime | date | str | None = None,
        until: datetime | date | str | None = None,
    ) -> Statement:
        """Return what came and went: opening, entries in order of time, closing; all of it unless a period is said.

        A period is "last month", a day, or a pair; or since, until, or both: as `until` a day is whole, and an instant is the
        first that is no longer in.
        """
        business = self._business
        start, end = _bounds(business, period, since, until)
        found, _, _ = looked_up(business, customer_id(customer), account)
        with business.reading() as reader:
            found_entries = entries(reader, found, customer_id(customer))
        return rules.statement(found, found_entries, business.currency, since=start, until=end)

    def _entry(self, customer: CustomerRef, key: str | None, action: Callable[[], Action]) -> AccountEntry:
        return single.perform(self._business, action, customer_id(customer), key=key).of(AccountEntry)


def _bounds(
    business: Business, named: PeriodLike | None, since: Any, until: Any
) -> tuple[datetime | None, datetime | None]:
    """Return the first instant of a statement, and the first after it; None where it has no such end."""
    if named is not None:
        if since is not None or until is not None:
            raise Malformed("a statement is of a period, or since and until; not both", field="period")
        found = period(named, business.now(), business.zone)
        return found.start, found.end
    if until is None:
        return business.instant(since, field="since"), None
    found = period((DAWN if since is None else since, until), business.now(), business.zone, field="until")
    return None if since is None else found.start, found.end
