"""All operations on points, accounts and coupons, in any order and with clock jumps both ways, against an independent model.

Three machines over `ledger_model`, on every store: after each step the entries as stored, the balances as shown, the refusals
and their numbers are the model's.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import custcrm
from custcrm import KeyConflict, Money, Refusal
from custcrm.records import AccountEntry, Coupon, PointsEntry
from custcrm.records.points import DEBT
from custcrm.testing.races.runners import assert_verified
from tests.proofs import ledger_model as model
from tests.proofs.ledger_model import Refused

STEPS = {False: 25, True: 60}
EXAMPLES = {  # of each machine, short and long
    "memory": {False: 40, True: 1_000}, "sqlite": {False: 16, True: 150}, "postgresql": {False: 10, True: 80},
}
START = datetime(2026, 11, 21, 10, tzinfo=UTC)
DAWN = START - timedelta(days=365)  # before any time that the clock goes back to
DUSK = START + timedelta(days=36_500)  # after any that it goes on to
PEOPLE = 2
POLICIES = {
    "debt": {}, "floor": {"reversal": "floor"}, "refuse": {"reversal": "refuse"}, "grace": {"reversal_grace": "3 days"},
    "floor with grace": {"reversal": "floor", "reversal_grace": "3 days"},
}
WAITS = {"floor": "1 day", "grace": "1 day"}
"""From when points of sales can be spent, where they wait."""
GRACE = {name: timedelta(days=3) for name, policy in POLICIES.items() if "reversal_grace" in policy}
ACCOUNTS = {"wallet": {"kind": "money", "credit_limit": "5.00"}, "stamps": {"kind": "goods"}}
LIMITS = {"wallet": 500, "stamps": 0}

people = st.integers(0, PEOPLE - 1)
points = st.integers(1, 60)
amounts = st.integers(1, 900)
parts = st.none() | st.integers(1, 60)
keyed = st.booleans()
accesses = st.sampled_from(["full", "full", "full", "limited", "none", "blacklisted"])
spans = st.sampled_from([None, "2 hours", "1 day", "3 days", "10 days"])
lengths = {
    "2 hours": timedelta(hours=2), "1 day": timedelta(days=1), "3 days": timedelta(days=3), "10 days": timedelta(days=10),
}
jumps = st.sampled_from([
    timedelta(0), timedelta(minutes=5), timedelta(hours=1), timedelta(hours=2), timedelta(days=1), timedelta(days=3),
    timedelta(days=9), timedelta(minutes=-5), timedelta(hours=-2), timedelta(days=-1), timedelta(days=-4),
])
some = st.integers(0, 10_000)
series_terms = st.fixed_dictionaries({
    "capacity": st.sampled_from([None, 1, 3]), "per_customer": st.sampled_from([None, 1, 2]),
    "per_coupon": st.integers(1, 2), "valid": spans, "revoke_frees": st.booleans(),
    "restore_on_cancel": st.booleans(), "stackable": st.booleans(),
})


class World:
    """One store with its programs, accounts and earning rule, a clock that jumps, and a way to close and open it again."""

    def __init__(self, place: str | None) -> None:
        self.place, self.now, self.numbers = place, START, count()
        self.kind = "memory" if place is None else "postgresql" if place.startswith("postgresql") else "sqlite"
        self.crm = self._opened()
        for name, policy in POLICIES.items():
            self.crm.programs.add(name, **policy)
            self.crm.earning.add(name, "money", points=1, amount="1.00", starts=DAWN, valid_from=WAITS.get(name))
        for name, terms in ACCOUNTS.items():
            self.crm.accounts.add(name, program="debt", **terms)

    def _opened(self) -> custcrm.Crm:
        return custcrm.open(self.place, currency="EUR", clock=lambda: self.now)

    def restart(self) -> None:
        """Close and open again; what memory holds is gone with it, so there the store stays."""
        if self.place is not None:
            self.crm.close()
            self.crm = self._opened()

    def name(self, what: str) -> str:
        return f"{what} {next(self.numbers)}"

    def close(self) -> None:
        self.crm.close()


class Machine(RuleBasedStateMachine):
    """What the machines share: customers, access, the clock, keys, and how a call is compared with the model."""

    program = "debt"

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.looks = count()
        self.keys: list[tuple[Callable[[], Any], Callable[[], Any], Any]] = []
        self.people: list[str] = []
        self.access: list[str | None] = []

    @property
    def crm(self) -> custcrm.Crm:
        return self.world.crm

    @property
    def now(self) -> datetime:
        return self.world.now

    def at_one(self, things: Any) -> Any:
        """Return one of several things that are looked at by turns, as each look takes its time on a server."""
        each = list(things)
        return each[next(self.looks) % len(each)]

    def begin(self, program: str) -> None:
        self.program = program
        self.world.now = DAWN
        self.people = [each.id for each in self.crm.customers.add_all([{"first_name": "N"}] * PEOPLE)]
        self.access = ["full"] * PEOPLE
        for each in self.people:
            self.crm.programs.join(each, program)
        self.world.now = START

    def teardown(self) -> None:
        """Do what a finding says to do about a membership whose changes were told by a clock that was set back."""
        self.world.now = DUSK
        for each, access in zip(self.people, self.access, strict=True):
            self.crm.programs.set_access(each, self.program, access or "full")

    def both(self, real: Callable[[], Any], model: Callable[[Any], Any]) -> tuple[Any, Any]:
        """Do both, and compare whether and why they refuse; return what each gave, Nones where both refused."""
        found: Any = None
        reasons: tuple[str, ...] = ()
        details: dict[str, Any] = {}
        try:
            found = real()
        except Refusal as no:
            reasons, details = tuple(map(str, no.reasons)), dict(no.details)
        try:
            expected, refused = model(found), Refused()
        except Refused as no:
            expected, refused = None, no
        assert reasons == refused.reasons
        assert {name: _whole(details[name]) for name in refused.details} == refused.details
        return found, expected

    def once(self, key: bool, real: Callable[..., Any], other: dict[str, Any]) -> Callable[[], Any]:
        """Return the call, under a key where there is to be one; it is kept then, to be repeated and to be contradicted."""
        if not key:
            return real
        name = self.world.name("key")

        def called() -> Any:
            result = real(key=name)
            self.keys.append((lambda: real(key=name), lambda: real(key=name, **other), result))
            return result

        return called

    @rule(who=people, access=accesses)
    def set_access(self, who, access):
        self.crm.programs.set_access(self.people[who], self.program, access)
        self.access[who] = access

    @rule(jump=jumps)
    def jump(self, jump):
        self.world.now += jump

    @rule()
    def restart(self):
        self.world.restart()

    @precondition(lambda self: self.keys)
    @rule(which=some)
    def repeat(self, which):
        """Give the same key again: the same result, whatever happened since; with other content a conflict. Nothing moves."""
        again, other, result = self.keys[which % len(self.keys)]
        found = again()
        if isinstance(result, Coupon):  # it is the same one, as it stands by now
            found, result = found.id, result.id
        assert found == result
        with pytest.raises(KeyConflict):
            other()


def _whole(shown: Any) -> int:
    return shown.minor if isinstance(shown, Money) else shown


class Points(Machine):
    """Points of two customers in a program of one reversal policy, earned by hand and by sales."""

    @initialize(policy=st.sampled_from(list(POLICIES)))
    def start(self, policy):
        self.begin(policy)
        kept = POLICIES[policy].get("reversal", "debt")
        self.purses = [model.Purse(kept, GRACE.get(policy)) for _ in self.people]
        self.credits: list[tuple[int, PointsEntry, model.Credit]] = []
        self.spends: list[tuple[int, Any, model.Spend]] = []
        self.sales: list[tuple[int, Any, model.Sale]] = []
        self.gone = [0] * PEOPLE
        self.seen: dict[str, tuple[str, str, datetime]] = {}

    def expires(self, span, wait=None):
        return None if span is None else self.valid(wait) + lengths[span]

    def valid(self, wait):
        """Return when points can be spent that wait so long from now."""
        return self.now + lengths.get(wait, timedelta(0))

    # what is done ----------------------------------------------------------------------------------

    @rule(who=people, n=points, span=spans, wait=spans, key=keyed)
    def credit(self, who, n, span, wait, key):
        def real(points=n, **more):
            return self.crm.points.credit(self.people[who], self.program, points, expires=span, valid_from=wait, **more)

        def wanted(entry):
            model.may_earn(self.access[who])
            return self.purses[who].credit(entry.id, n, self.expires(span, wait), self.now, wait and self.valid(wait))

        self.credited(who, *self.both(self.once(key, real, {"points": n + 1}), wanted))

    @rule(who=people, n=points, span=spans)
    def add_by_hand(self, who, n, span):
        def wanted(entry):
            model.may_earn(self.access[who])
            return self.purses[who].credit(entry.id, n, self.expires(span), self.now)

        self.credited(who, *self.both(
            lambda: self.crm.points.adjust(self.people[who], self.program, n, reason="test", expires=span), wanted
        ))

    def credited(self, who, entry, credit):
        if entry is not None:
            self.credits.append((who, entry, credit))

    @rule(who=people, n=points, key=keyed)
    def spend(self, who, n, key):
        def real(points=n, **more):
            return self.crm.points.spend(self.people[who], self.program, points, **more)

        def wanted(_):
            model.may_spend(self.access[who])
            return self.purses[who].spend(n, self.now)

        self.spent(who, *self.both(self.once(key, real, {"points": n + 1}), wanted))

    @rule(who=people, n=points)
    def remove_by_hand(self, who, n):
        """Correct downwards, for all but who is blacklisted, who has no transactions at all."""
        def wanted(_):
            if self.access[who] == "blacklisted":
                raise Refused("blacklisted")
            return self.purses[who].spend(n, self.now, correcting=True)

        self.spent(who, *self.both(
            lambda: self.crm.points.adjust(self.people[who], self.program, -n, reason="test"),
            wanted,
        ))

    def spent(self, who, real, spend):
        if real is None:
            return
        assert [(use.credit_id, use.points) for use in real.lots] == [(lot.id, use) for lot, use in spend.uses]
        assert real.delta == -spend.points
        self.spends.append((who, real, spend))

    @rule(n=points)
    def spend_of_all(self, n):
        """In bulk: a plan goes by what is shown, and a lot's entries have the last word."""
        eligible = [
            who for who, purse in enumerate(self.purses)
            if self.access[who] == "full" and purse.shown(self.now) - purse.waiting(self.now) >= n
        ]
        plan = (self.crm.select() & self.people).spend_points(self.program, n)
        assert plan.eligible == len(eligible)
        result = plan.apply(key=self.world.name("bulk"))
        done = 0
        for who in eligible:
            try:
                self.purses[who].spend(n, self.now)
            except Refused:
                continue
            done += 1
            self.gone[who] += n
        assert result.applied == done
        assert sum(result.skipped.values()) == PEOPLE - done

    @precondition(lambda self: self.credits)
    @rule(which=some, n=parts)
    def reverse_a_credit(self, which, n):
        who, entry, credit = self.credits[which % len(self.credits)]
        self.both(
            lambda: self.crm.points.reverse(entry, points=n),
            lambda back: self.purses[who].reverse_credit(credit, n, self.now, id_of(back)),
        )

    @precondition(lambda self: self.spends)
    @rule(which=some, n=parts)
    def reverse_a_spend(self, which, n):
        who, spent, spend = self.spends[which % len(self.spends)]
        self.both(
            lambda: self.crm.points.reverse(spent, points=n),
            lambda _: self.purses[who].reverse_spend(spend, n, self.now, self.new_lots(who), spent.id),
        )

    def new_lots(self, who):
        """Return the lots that a reversal with a grace has opened, in order: only their ids are the library's."""
        return [each.id for each in self.stored(who) if each.id == each.lot_id and each.id not in self.purses[who].lots]

    @rule(source=people)
    def transfer(self, source):
        target = 1 - source
        self.crm.points.transfer(self.people[source], self.people[target], self.program)
        self.purses[source].transfer(self.purses[target], self.now)

    @rule()
    def expire(self):
        self.crm.points.expire(self.program)
        for purse in self.purses:
            purse.expire(self.now)

    @rule(who=people, total=st.integers(1, 3000))
    def buy(self, who, total):
        amount = Money.from_minor(total, "EUR")

        def wanted(_):
            if self.access[who] == "blacklisted":
                raise Refused("blacklisted")
            earns = self.access[who] in ("full", "limited") and total >= 100
            return model.Sale(total, None, total // 100 if earns else 0, total)

        sale, made = self.both(lambda: self.crm.sales.record(self.people[who], amount, program=self.program), wanted)
        if sale is None:
            return
        earned = list(self.crm.earning.of_sale(sale))
        assert [each.delta for each in earned] == [made.earned] * bool(made.earned)
        for each in earned:
            valid = None if (wait := WAITS.get(self.program)) is None else self.valid(wait)
            made.credit = self.purses[who].credit(each.lot_id, made.earned, None, self.now, valid)
            self.credits.append((who, each, made.credit))
        self.sales.append((who, sale, made))

    @precondition(lambda self: self.sales)
    @rule(which=some, amount=st.none() | st.integers(1, 3000))
    def refund(self, which, amount):
        who, sale, made = self.sales[which % len(self.sales)]
        asked = None if amount is None else Money.from_minor(amount, "EUR")
        self.both(
            lambda: self.crm.sales.refund(sale, asked),
            lambda back: made.refund(self.purses[who], amount, self.now, id_of(back)),
        )

    # what must hold --------------------------------------------------------------------------------

    def stored(self, who):
        with self.crm._business.store.read() as reader:
            return list(reader.find(PointsEntry, {"customer_id": self.people[who], "program": self.program}))

    @invariant()
    def entries_are_those_of_the_model(self):
        """Each lot's entries come to the same at the same instants; none stands before an earlier one; none takes too much."""
        for who, purse in enumerate(self.purses):
            entries = self.stored(who)
            assert by_lot(entries) == {lot.id: moved(lot) for lot in (*purse.lots.values(), purse.debt) if moved(lot)}
            assert sum(each.shortfall for each in entries) == purse.shortfall
            sums = model.counted([(each.lot_id, each.occurred_at, each.delta) for each in entries])
            assert all(least >= 0 for lot, (_, least) in sums.items() if lot != DEBT)
            self.no_time_runs_backwards(entries)

    def no_time_runs_backwards(self, entries):
        before: dict[tuple[str, str], datetime] = {}
        for customer, lot, at in self.seen.values():
            before[customer, lot] = max(at, before.get((customer, lot), at))
        for each in entries:
            if each.id not in self.seen:
                assert each.occurred_at >= before.get((each.customer_id, each.lot_id), each.occurred_at)
                self.seen[each.id] = (each.customer_id, each.lot_id, each.occurred_at)

    @invariant()
    def balances_are_the_sums(self):
        """Balance, history and proof are one number, now and at any time; less what is pending it is what can be spent."""
        crm, program = self.crm, self.program
        who, purse = self.at_one(enumerate(self.purses))
        customer, at = self.people[who], self.now - timedelta(days=1)
        assert crm.points.balance(customer, program) == purse.shown(self.now)
        assert crm.points.balance(customer, program, as_of=at) == purse.shown(at)
        waiting = purse.waiting(self.now)
        assert crm.points.pending(customer, program) == waiting
        assert crm.points.pending(customer, program, as_of=at) == purse.waiting(at)
        spendable = max(0, purse.shown(self.now) - waiting) if self.access[who] == "full" else 0
        assert crm.points.available(customer, program) == spendable
        assert sum(line.delta for line in crm.points.history(customer, program)) == purse.shown(self.now)
        proof = crm.points.prove(customer, program)
        assert (proof.balance, proof.faults()) == (purse.shown(self.now), ())

    @invariant()
    def nothing_is_made_of_nothing(self):
        """All that was given and not taken back, less what was spent and not given back, is there or has expired."""
        moved = [each for who in range(PEOPLE) for each in self.stored(who) if each.kind != "expire"]
        given = sum(credit.left for _, _, credit in self.credits)
        spent = sum(spend.points - spend.given for _, _, spend in self.spends) + sum(self.gone)
        assert sum(each.delta for each in moved) == given - spent + sum(purse.shortfall for purse in self.purses)


def id_of(done):
    """Return the id of what the library did; what it refused has none."""
    return "" if done is None else done.id


def moved(lot):
    """Return what a lot's entries come to at each instant."""
    return by_instant(lot.entries)


def number_of(entry):
    return entry.units if entry.amount is None else entry.amount.minor


def by_instant(entries):
    sums: dict[datetime, int] = {}
    for at, delta in entries:
        sums[at] = sums.get(at, 0) + delta
    return {at: delta for at, delta in sums.items() if delta}


def by_lot(entries):
    lots: dict[str, list[tuple[datetime, int]]] = {}
    for each in entries:
        lots.setdefault(each.lot_id, []).append((each.occurred_at, each.delta))
    return {lot: sums for lot, mine in lots.items() if (sums := by_instant(mine))}


class Accounts(Machine):
    """An account of money with a credit limit, and one of units without, of two customers."""

    @initialize()
    def start(self):
        self.begin("debt")
        self.accounts = {name: [model.Account(limit) for _ in self.people] for name, limit in LIMITS.items()}
        self.entries: list[tuple[str, int, AccountEntry, model.Paid]] = []

    def amount(self, account, number):
        return Money.from_minor(number, "EUR") if account == "wallet" else number

    @rule(who=people, account=st.sampled_from(list(ACCOUNTS)), n=amounts, key=keyed)
    def replenish(self, who, account, n, key):
        def real(more=0, **keyed):
            return self.crm.accounts.replenish(self.people[who], account, self.amount(account, n + more), **keyed)

        def wanted(_):
            model.may_earn(self.access[who])
            return self.accounts[account][who].replenish(n, self.now)

        self.kept(account, who, *self.both(self.once(key, real, {"more": 1}), wanted))

    @rule(who=people, account=st.sampled_from(list(ACCOUNTS)), n=amounts, key=keyed)
    def spend(self, who, account, n, key):
        def real(more=0, **keyed):
            return self.crm.accounts.spend(self.people[who], account, self.amount(account, n + more), **keyed)

        def wanted(_):
            model.may_spend(self.access[who])
            return self.accounts[account][who].change(-n, self.now)

        self.kept(account, who, *self.both(self.once(key, real, {"more": 1}), wanted))

    @rule(who=people, account=st.sampled_from(list(ACCOUNTS)), n=amounts, up=st.booleans())
    def adjust(self, who, account, n, up):
        change = n if up else -n
        self.kept(account, who, *self.both(
            lambda: self.crm.accounts.adjust(self.people[who], account, self.amount(account, change), reason="test"),
            lambda _: self.accounts[account][who].change(change, self.now),
        ))

    @precondition(lambda self: self.entries)
    @rule(which=some, n=st.none() | amounts)
    def reverse(self, which, n):
        account, who, entry, paid = self.entries[which % len(self.entries)]
        self.both(
            lambda: self.crm.accounts.reverse(entry, amount=None if n is None else self.amount(account, n)),
            lambda _: self.accounts[account][who].reverse(paid, n, self.now),
        )

    @rule(who=people, account=st.sampled_from(list(ACCOUNTS)), limit=st.none() | st.integers(0, 1000))
    def set_limit(self, who, account, limit):
        self.crm.accounts.set_limit(
            self.people[who], account, None if limit is None else self.amount(account, limit)
        )
        self.accounts[account][who].open(self.now)
        self.accounts[account][who].limit = LIMITS[account] if limit is None else limit

    def kept(self, account, who, entry, paid):
        if entry is not None:
            self.entries.append((account, who, entry, paid))

    def teardown(self) -> None:
        """Give a limit again to who owes more than the common one, since their own was taken away."""
        super().teardown()
        for name, accounts in self.accounts.items():
            for customer, account in zip(self.people, accounts, strict=True):
                if account.balance < -account.limit:
                    self.crm.accounts.set_limit(customer, name, self.amount(name, -account.balance))

    @invariant()
    def entries_and_balances_are_those_of_the_model(self):
        """Entries at their instants, the balance now and then, what can be spent, and the statement's two ends."""
        name, who = self.at_one((name, who) for name in self.accounts for who in range(PEOPLE))
        account, customer, at = self.accounts[name][who], self.people[who], self.now - timedelta(days=1)
        with self.crm._business.store.read() as reader:
            stored = list(reader.find(AccountEntry, {"customer_id": customer, "account": name}))
        changes = [(each.occurred_at, number_of(each)) for each in stored]
        assert sorted(changes) == sorted(account.entries)
        shown = self.crm.accounts.balance(customer, name), self.crm.accounts.balance(customer, name, as_of=at)
        assert tuple(map(_whole, shown)) == (account.balance, account.shown(at))
        available = max(0, account.balance + account.limit) if self.access[who] == "full" else 0
        assert _whole(self.crm.accounts.available(customer, name)) == available
        statement = self.crm.accounts.statement(customer, name, since=at)
        assert _whole(statement.closing) == account.balance
        assert _whole(statement.opening) + sum(n for when, n in changes if when >= at) == account.balance


class Coupons(Machine):
    """Coupons of two series with terms that vary, held by two customers and used for three orders."""

    @initialize(terms=st.tuples(series_terms, series_terms))
    def start(self, terms):
        self.begin("debt")
        self.names = [self.world.name("series") for _ in terms]
        self.orders = [None, *(self.world.name("order") for _ in range(3))]
        for name, told in zip(self.names, terms, strict=True):
            self.crm.coupons.add_series(name, program=self.program, **told)
        self.series = [
            model.Series(**{**told, "valid": None if told["valid"] is None else lengths[told["valid"]]}) for told in terms
        ]
        self.till = model.Till(self.series)
        self.coupons: list[tuple[int, Any, model.Coupon]] = []

    @rule(who=people, which=st.integers(0, 1), key=keyed)
    def issue(self, who, which, key):
        def real(other=0, **keyed):
            return self.crm.coupons.issue(self.people[who], self.names[(which + other) % 2], **keyed)

        issued, coupon = self.both(
            self.once(key, real, {"other": 1}), lambda _: self.series[which].issue(who, self.access[who], self.now)
        )
        if issued is not None:
            self.coupons.append((which, issued, coupon))

    @rule(which=st.integers(0, 1))
    def issue_to_all(self, which):
        """In bulk: all who may have one, or none where fewer are left."""
        terms = self.series[which]
        eligible = [
            who for who in range(PEOPLE) if self.access[who] in ("full", "limited")
            and (terms.per_customer is None or terms.held(who) < terms.per_customer)
        ]

        def wanted(_):
            if terms.left is not None and terms.left < len(eligible):
                raise Refused("series_capacity")
            return [terms.issue(who, self.access[who], self.now) for who in eligible]

        key = self.world.name("bulk")
        plan = (self.crm.select() & self.people).issue_coupons(self.names[which])
        assert plan.eligible == len(eligible)
        result, made = self.both(lambda: plan.apply(key=key), wanted)
        if result is not None:
            assert result.applied == len(eligible)
            stored = {each.id for _, each, _ in self.coupons}
            fresh = [each for each in self.stored(which) if each.id not in stored]
            for coupon in made:
                [mine] = [each for each in fresh if each.customer_id == self.people[coupon.holder]]
                self.coupons.append((which, mine, coupon))

    def one(self, index):
        """Return one of the last three, so that much happens to the same."""
        which, real, coupon = self.coupons[-1 - index % min(3, len(self.coupons))]
        return self.series[which], real, coupon, self.access[coupon.holder]

    def used(self, index):
        """Return one that was used, if there is any."""
        used = [each for each in self.coupons if each[2].used] or self.coupons
        which, real, coupon = used[index % len(used)]
        return self.series[which], real, coupon

    @precondition(lambda self: self.coupons)
    @rule(index=some, order=st.integers(0, 3), key=keyed)
    def redeem(self, index, order, key):
        series, real, coupon, access = self.one(index)
        reference = self.orders[order]

        def redeem(reference=reference, **keyed):
            return self.crm.coupons.redeem(real, reference=reference, **keyed).id

        assert self.crm.coupons.why(real, reference=reference) == tuple(
            self.till.why_not(series, coupon, access, self.now, reference)
        )
        self.both(
            self.once(key, redeem, {"reference": "another"}),
            lambda _: self.till.redeem(series, coupon, access, self.now, reference, keyed=key),
        )

    @precondition(lambda self: self.coupons)
    @rule(index=some, order=st.integers(1, 3), length=st.sampled_from(["5 minutes", "2 hours", "1 day"]))
    def reserve(self, index, order, length):
        series, real, coupon, access = self.one(index)
        lasting = timedelta(minutes=5) if length == "5 minutes" else lengths[length]
        self.both(
            lambda: self.crm.coupons.reserve(real, reference=self.orders[order], for_=length),
            lambda _: self.till.reserve(series, coupon, access, self.now, self.orders[order], lasting),
        )

    @precondition(lambda self: self.coupons)
    @rule(index=some, order=st.integers(0, 3))
    def release(self, index, order):
        _, real, coupon, _ = self.one(index)
        self.both(
            lambda: self.crm.coupons.release(real, reference=self.orders[order]),
            lambda _: self.till.release(coupon, self.now, self.orders[order]),
        )

    @precondition(lambda self: self.coupons)
    @rule(index=some, order=st.integers(0, 3), used=st.booleans())
    def restore(self, index, order, used):
        series, real, coupon = self.used(index) if used else self.one(index)[:3]
        self.both(
            lambda: self.crm.coupons.restore(real, reference=self.orders[order]),
            lambda _: self.till.restore(series, coupon, self.now, self.orders[order]),
        )

    @precondition(lambda self: self.coupons)
    @rule(index=some, used=st.booleans(), really=st.sampled_from([False, False, True]))
    def revoke(self, index, used, really):
        if not really:  # what is revoked is lost for all that could be done with it
            return
        series, real, coupon = self.used(index) if used else self.one(index)[:3]
        self.both(
            lambda: self.crm.coupons.revoke(real, reason="test"), lambda _: series.revoke(coupon, self.now)
        )

    def stored(self, which):
        with self.crm._business.store.read() as reader:
            return list(reader.find(Coupon, {"series": self.names[which]}))

    @invariant()
    def coupons_are_those_of_the_model(self):
        """Compare what is left of a series, the state of each coupon, and which of them can be used now."""
        crm = self.crm
        for name, series, which in zip(self.names, self.series, (0, 1), strict=True):
            assert crm.coupons.left(name) == series.left
            assert len(self.stored(which)) == len(series.coupons)
            assert series.capacity is None or series.held() <= series.capacity
        states = [self.series[which].state(coupon, self.now) for which, _, coupon in self.coupons]
        assert [crm.coupons.state(real) for _, real, _ in self.coupons[-3:]] == states[-3:]
        who, customer = self.at_one(enumerate(self.people))
        wanted = {
            real.id for (_, real, coupon), state in zip(self.coupons, states, strict=True)
            if coupon.holder == who and state == "issued" and self.access[who] == "full"
        }
        assert {each.id for each in crm.coupons.available(customer)} == wanted


@contextmanager
def opened(place: str | None) -> Iterator[World]:
    world = World(place)
    try:
        yield world
    finally:
        world.close()


@pytest.fixture(scope="module", params=["memory", "sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give one store of each kind; each example has customers of its own in it."""
    if request.param == "postgresql":
        with request.getfixturevalue("postgresql_server").database() as url, opened(url) as made:
            yield made
    else:
        folder: Path = tmp_path_factory.mktemp("loyalty")
        with opened(None if request.param == "memory" else str(folder / "shop.db")) as made:
            yield made


@pytest.mark.feature("V10", "V11", "V12", "V35", "X18", "X19")
@pytest.mark.parametrize("machine", [Points, Accounts, Coupons], ids=lambda machine: machine.__name__.lower())
def test_all_operations_agree_with_the_model(machine: type[Machine], world: World, long: bool) -> None:
    """Whatever is done in whatever order and at whatever time: stored, shown and refused as the model says; it verifies."""
    examples = EXAMPLES[world.kind][long]
    run_state_machine_as_test(
        lambda: machine(world),
        settings=settings(
            max_examples=examples, stateful_step_count=STEPS[long], deadline=None, database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert_verified(world.crm)
