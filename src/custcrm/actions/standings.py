"""How the accounts of customers stand, and what came and went on them. The names to know are `standings` and `looked_up`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from attrs import evolve

from custcrm.business import Business
from custcrm.filters.syntax.nodes import Field
from custcrm.records import Account, AccountEntry, CustomerAccount
from custcrm.records.accounts import AccountKind
from custcrm.records.customers import CustomerStatus
from custcrm.records.programs import Access
from custcrm.rules import accounts as rules
from custcrm.storage.protocol import Reader
from custcrm.storage.questions import Question
from custcrm.values.errors import NotFound, Reason, Refusal


def standings(reader: Reader, account: Account, customers: Collection[str]) -> dict[str, rules.Standing]:
    """Return how the customers' accounts stand, looked up for all of them together."""
    where = {"customer_id": sorted(customers), "account": account.name}
    own = {each.customer_id: each for each in reader.find(CustomerAccount, where)}
    summed = reader.totals(AccountEntry, where, by=("customer_id",), of=column_of(account), latest="occurred_at")
    totals = {customer: (balance, latest) for customer, balance, latest in summed}

    def standing(customer: str) -> rules.Standing:
        balance, latest = totals.get(customer) or (0, _find_latest(reader, account, customer))
        limit = rules.limit_of(account, own.get(customer))
        return rules.Standing(balance=balance, limit=limit, latest=latest, opened=customer in own)

    return {customer: standing(customer) for customer in customers}


def looked_up(
    business: Business, customer: str, account: str, as_of: Any = None
) -> tuple[Account, bool, rules.Standing]:
    """Return an account, whether the member may spend of it, and how the member's account stands, now or at another time.

    To spend takes full access and a customer with whom we deal. Without `as_of` all entries count, as when something is spent.
    Limits are those of today.
    """
    found, at = business.known(Account, account, "account"), business.asked_at(as_of)
    paths = [("programs", found.program, "access"), ("status",), ("accounts", found.name, columns_of(found)[0])]
    wanted = [business.shown(Field(path)) for path in (paths if at else paths[:2])]
    question = Question(business.everyone(), at or business.now(), at is not None)
    with business.reading() as reader:
        row = next(reader.rows(question, wanted, only=customer), None)
        if row is None:
            raise NotFound("no customer has this id")
        _, access, status, *then = row
        if access is None:
            raise Refusal(Reason.NOT_A_MEMBER, details={"program": found.program})
        standing = standings(reader, found, [customer])[customer]
    may_spend = Access(access) is Access.FULL and CustomerStatus(status) is CustomerStatus.ACTIVE
    return found, may_spend, evolve(standing, balance=then[0] or 0) if then else standing


def entries(reader: Reader, account: Account, customer: str) -> Sequence[AccountEntry]:
    """Return the entries of a customer's account in order of time."""
    where = {"customer_id": customer, "account": account.name}
    return tuple(reader.find(AccountEntry, where, order=("occurred_at", "id")))


# inside ---------------------------------------------------------------------------------------------


def _find_latest(reader: Reader, account: Account, customer: str) -> datetime | None:
    """Return the instant of the last entry of an account that holds nothing, which the totals leave out."""
    where = {"customer_id": customer, "account": account.name}
    last = next(reader.find(AccountEntry, where, order=("occurred_at",), descending=True, limit=1), None)
    return None if last is None else last.occurred_at


def column_of(account: Account) -> str:
    """Return the column of entries that such an account is summed by."""
    return "amount" if account.kind is AccountKind.MONEY else "units"


def columns_of(account: Account) -> tuple[str, str]:
    """Return the words for the balance of such an account, and for a customer's own limit."""
    return ("balance", "credit_limit") if account.kind is AccountKind.MONEY else ("units", "credit_units")
