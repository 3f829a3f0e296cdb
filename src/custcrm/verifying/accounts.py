"""Accounts of a customer: entries are of what the account holds, and their sum stands where it may."""

from __future__ import annotations

from collections.abc import Sequence

from custcrm.records import Account, AccountEntry, CustomerAccount
from custcrm.records.accounts import AccountKind
from custcrm.rules import accounts as rules
from custcrm.verifying.dossiers import Dossier, grouped
from custcrm.verifying.ground import Ground
from custcrm.verifying.report import Findings, ids_of, shared_ids


def check_accounts(dossier: Dossier, ground: Ground, found: Findings) -> None:
    """Look at one customer's accounts."""
    opened = {each.account: each for each in dossier.of(CustomerAccount)}
    entries = grouped(dossier.of(AccountEntry), "account")
    for name in opened.keys() | entries.keys():
        account = ground.accounts.get(name)
        if account is None:
            continue  # told as a reference
        found.look("accounts")
        for each in (*((opened[name],) if name in opened else ()), *entries.get(name, ())):
            if each.program != account.program:
                found.add("accounts", type(each), ids_of(each), f"it is in program {each.program!r}, not {account.program!r}")
        _check_account(dossier.id, account, opened.get(name), entries.get(name, ()), ground.business.currency, found)


def _check_account(
    owner: str, account: Account, own: CustomerAccount | None, entries: Sequence[AccountEntry], currency: str, found: Findings
) -> None:
    ids = (owner, account.name)
    if entries and own is None:
        found.add("accounts", AccountEntry, shared_ids(owner, entries), "the customer has no such account")
    holds_money = account.kind is AccountKind.MONEY
    for entry in entries:
        if (entry.amount is not None) is not holds_money or (entry.units is not None) is holds_money:
            found.add("accounts", AccountEntry, ids_of(entry), f"it is not of {account.kind.value}, which the account holds")
        elif fault := _fault_of(entry):
            found.add("accounts", AccountEntry, ids_of(entry), fault)
    balance, limit = sum(map(rules.number_of, entries)), rules.limit_of(account, own)
    # A limit of the customer's own may be lowered below what is spent already.
    of_their_own = own is not None and (own.credit_limit is not None or own.credit_units is not None)
    if balance < -limit and not of_their_own:
        stands, least = (rules.shown(account, number, currency) for number in (balance, -limit))
        found.add("accounts", CustomerAccount, ids, f"it stands at {stands}, below {least}")
    _check_reversals(owner, entries, found)


def _fault_of(entry: AccountEntry) -> str | None:
    """Return what cannot be of an entry by itself."""
    number = rules.number_of(entry)
    if (entry.kind == "replenish" and number <= 0) or (entry.kind == "spend" and number >= 0):
        return f"a {entry.kind} of {number} goes the other way"
    if (entry.kind == "reverse") is not (entry.reverses is not None):
        return "a reversal names what it takes back, and nothing else does"
    return None


def _check_reversals(owner: str, entries: Sequence[AccountEntry], found: Findings) -> None:
    by_id = {each.id: each for each in entries}
    for id_, back in grouped((each for each in entries if each.reverses is not None), "reverses").items():
        ids = list(shared_ids(owner, back))
        if id_ not in by_id:
            found.add("references", AccountEntry, ids, f"what they reverse, {id_}, is no entry of the account")
            continue
        whole = rules.number_of(by_id[id_])
        left = whole + sum(map(rules.number_of, back))
        if left * whole < 0 or abs(left) > abs(whole):
            found.add("accounts", AccountEntry, ids, f"they take back {abs(whole - left)} of the {abs(whole)} of {id_}")
