"""Accounts as pure rules: what may be taken, what a reversal takes, and that a statement adds up."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from custcrm.records import Account, AccountEntry, CustomerAccount
from custcrm.rules import accounts as rules
from custcrm.values.errors import Reason, Refusal
from custcrm.values.money import Money

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KINDS = st.sampled_from(["money", "goods", "achievement"])
NUMBERS = st.integers(-10**12, 10**12).filter(bool)


def account(kind: str = "money", **terms) -> Account:
    return Account(name="wallet", program="club", kind=rules.AccountKind(kind), created_at=NOW, **terms)


def entry(number: int, kind: str = "money", at: datetime = NOW, id: str = "e") -> AccountEntry:
    value = {"amount": Money.from_minor(number, "EUR")} if kind == "money" else {"units": number}
    return AccountEntry(customer_id="c", id=id, account="wallet", program="club", kind="replenish", occurred_at=at, **value)


@given(KINDS, st.lists(NUMBERS, max_size=30), st.integers(0, 10**12))
def test_no_sequence_of_changes_passes_the_limit(kind, changes, limit):
    """Whatever is asked in whatever order: what is taken was available, and what was refused was not."""
    balance = 0
    for change in changes:
        standing = rules.Standing(balance=balance, limit=limit)
        found = rules.allowed(account(kind), standing, change, "EUR")
        if isinstance(found, Refusal):
            assert found.reason is Reason.NOT_ENOUGH_FUNDS and -change > standing.available
            assert found.details["available"] == rules.shown(account(kind), standing.available, "EUR")
            assert found.details["asked"] == rules.shown(account(kind), -change, "EUR")
        else:
            assert found == change
            balance += change
        assert balance >= -limit


def test_who_is_below_a_lowered_limit_can_pay_in_and_take_nothing():
    """A limit that was lowered below what is spent leaves nothing available, and any payment is welcome."""
    standing = rules.Standing(balance=-500, limit=100)
    assert standing.available == 0
    assert rules.allowed(account(), standing, 1, "EUR") == 1
    assert isinstance(rules.allowed(account(), standing, -1, "EUR"), Refusal)


@given(KINDS, NUMBERS, st.lists(st.integers(1, 10**12), max_size=10))
def test_partial_reversals_take_back_an_entry_and_no_more(kind, number, parts):
    """Together they never pass the entry, each goes against it, and the rest without a number makes it exactly nought."""
    undone = 0
    made = entry(number, kind)
    for part in parts:
        found = rules.reversal(account(kind), made, undone, part, "EUR")
        left = abs(number + undone)
        if part > left:
            assert isinstance(found, Refusal) and found.reason is Reason.ALREADY_REVERSED
            assert found.details["left"] == rules.shown(account(kind), left, "EUR")
        else:
            assert found == (-part if number > 0 else part)
            undone += found
    rest = rules.reversal(account(kind), made, undone, None, "EUR")
    if number + undone:
        assert number + undone + rest == 0
    assert isinstance(rules.reversal(account(kind), made, -number, None, "EUR"), Refusal)


@given(KINDS, st.lists(st.tuples(NUMBERS, st.integers(0, 20))), st.integers(0, 20), st.integers(0, 20))
def test_a_statement_adds_up(kind, told, first, length):
    """Opening and entries make the closing; the statements of neighbouring periods meet, and all of them make the whole."""
    entries = sorted((entry(number, kind, NOW + timedelta(days=day)) for number, day in told), key=lambda e: e.occurred_at)
    since, until = NOW + timedelta(days=first), NOW + timedelta(days=first + length)
    made = rules.statement(account(kind), entries, "EUR", since=since, until=until)
    nought = rules.shown(account(kind), 0, "EUR")
    numbers = [rules.shown(account(kind), rules.number_of(each), "EUR") for each in made.entries]
    assert made.closing == sum(numbers, made.opening)
    assert all(since <= each.occurred_at < until for each in made.entries)
    before = rules.statement(account(kind), entries, "EUR", until=since)
    after = rules.statement(account(kind), entries, "EUR", since=until)
    whole = rules.statement(account(kind), entries, "EUR")
    assert (before.opening, before.closing, made.closing, after.closing) == (nought, made.opening, after.opening, whole.closing)
    assert (*before.entries, *made.entries, *after.entries) == whole.entries


def test_a_limit_of_ones_own_stands_in_the_place_of_the_accounts():
    """Also when it is nought; without one the account's counts, and without that there is no credit."""
    five, none = Money("5.00", "EUR"), Money("0", "EUR")
    own = CustomerAccount(customer_id="c", account="wallet", program="club", opened_at=NOW)
    own_none = CustomerAccount(customer_id="c", account="wallet", program="club", opened_at=NOW, credit_limit=none)
    terms = account(credit_limit=five)
    assert [rules.limit_of(terms, each) for each in (None, own, own_none)] == [500, 500, 0]
    assert rules.limit_of(account(), own) == 0
    goods = account("goods", credit_units=3)
    units = CustomerAccount(customer_id="c", account="wallet", program="club", opened_at=NOW, credit_units=7)
    assert [rules.limit_of(goods, each) for each in (None, own, units)] == [3, 3, 7]


@given(st.integers(-10**6, 10**6), st.integers(-10**6, 10**6))
def test_the_time_of_an_account_never_runs_backwards(now, latest):
    """An entry happens now, or with the latest one where the clock was set back."""
    at, last = NOW + timedelta(seconds=now), NOW + timedelta(seconds=latest)
    assert rules.Standing(latest=last).next_at(at) == max(at, last)
    assert rules.Standing().next_at(at) == at
