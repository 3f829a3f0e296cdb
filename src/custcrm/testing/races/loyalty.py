"""The races about points, accounts and refunds; see `testing.races`, which runs them with the others."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any, Final

from custcrm.crm import Crm
from custcrm.records import (
    AccountEntry,
    MembershipChange,
    PointsEntry,
    Sale,
)
from custcrm.records.programs import Access
from custcrm.testing.races.runners import ALL, FIT, FULL, PLENTY, PRICE, TURNS, Finish, Race, Turn, equal, members

# points --------------------------------------------------------------------------------------------


def _one_purse(crm: Crm) -> list[str]:
    people = members(crm, "spend", 1)
    for days in range(5):
        crm.points.credit(people[0], "spend", FULL // 5, expires=None if days == 0 else f"{days} days")
    return people


def _spend(crm: Crm, turn: Turn) -> str:
    crm.points.spend(turn.customers[0], "spend", PRICE)
    return "spent"


def _spent_as_far_as_it_goes(finish: Finish) -> None:
    equal(finish.counts, {"spent": FIT, "not_enough_points": ALL - FIT})
    proof = finish.crm.points.prove(finish.customers[0], "spend")
    equal((proof.balance, proof.faults()), (FULL - FIT * PRICE, ()))


def _some_purses(crm: Crm) -> list[str]:
    people = members(crm, "spends", 4)
    for each in people:
        crm.points.credit(each, "spends", PLENTY)
    return people


def _spend_in_bulk(crm: Crm, turn: Turn) -> str:
    plan = crm.select("programs.spends EXISTS").spend_points("spends", PRICE)
    return str(plan.apply(key=f"spends {turn.runner} {turn.number}").applied)


def _each_purse_is_exact(finish: Finish) -> None:
    fit = PLENTY // PRICE
    equal(sum(map(int, finish.outcomes)), fit * len(finish.customers))
    spent = Counter(each.customer_id for each in finish.kept(PointsEntry, program="spends", kind="spend"))
    equal(spent, dict.fromkeys(finish.customers, fit))
    for each in finish.customers:
        equal(finish.crm.points.balance(each, "spends"), PLENTY - fit * PRICE)


def _two_purses(crm: Crm) -> list[str]:
    people = members(crm, "transfer", 2)
    for each in people:
        crm.points.credit(each, "transfer", FULL)
    return people


def _transfer(crm: Crm, turn: Turn) -> str:
    """Half of the runners push everything one way, the others the other way; whoever has something then spends of it."""
    giver, taker = turn.customers if turn.runner % 2 else reversed(turn.customers)
    crm.points.transfer(giver, taker, "transfer")
    crm.points.spend(taker, "transfer", 1)
    return "spent"


def _nothing_lost_on_the_way(finish: Finish) -> None:
    spent = finish.counts.get("spent", 0)
    equal(finish.counts, {name: count for name, count in (
        ("spent", spent), ("not_enough_points", ALL - spent)
    ) if count})
    proofs = [finish.crm.points.prove(each, "transfer") for each in finish.customers]
    equal([proof.faults() for proof in proofs], [(), ()])
    equal(sum(proof.balance for proof in proofs), 2 * FULL - spent)


def _one_to_limit(crm: Crm) -> list[str]:
    people = members(crm, "limit", 1)
    crm.points.credit(people[0], "limit", ALL)
    return people


def _limit_or_spend(crm: Crm, turn: Turn) -> str:
    """One runner takes the access and gives it again, all others spend."""
    if turn.runner == 0:
        crm.programs.set_access(turn.customers[0], "limit", (Access.LIMITED, Access.FULL)[turn.number % 2])
        return "set"
    crm.points.spend(turn.customers[0], "limit", 1)
    return "spent"


def _no_spend_while_limited(finish: Finish) -> None:
    mine: dict[str, Any] = {"customer_id": finish.customers[0], "program": "limit"}
    spends = finish.kept(PointsEntry, **mine, kind="spend")
    equal((finish.counts["set"], finish.counts.get("spent", 0)), (TURNS, len(spends)))
    equal(finish.counts.get("limited_access", 0), ALL - TURNS - len(spends))
    changes = [(each.occurred_at, each.access) for each in finish.kept(MembershipChange, **mine)]
    passed = [each for each in spends if Access.FULL not in _around(sorted(changes), each.occurred_at)]
    equal([each.id for each in passed], [])


def _around(changes: list[tuple[datetime, Access]], at: datetime) -> list[Access]:
    """Return the access at an instant; if it was changed in that very one, before and after."""
    before = [access for when, access in changes if when < at]
    return [*before[-1:], *(access for when, access in changes if when == at)]


def _some_to_change(crm: Crm) -> list[str]:
    return members(crm, "changes", 5)


def _change_in_bulk(crm: Crm, turn: Turn) -> str:
    wanted = tuple(Access)[(turn.runner + turn.number) % len(Access)]
    plan = crm.select("programs.changes EXISTS").set_access("changes", wanted)
    return f"{plan.apply(key=f'changes {turn.runner} {turn.number}').applied} changed"


def _all_stand_as_last_set(finish: Finish) -> None:
    equal(finish.counts, {f"{len(finish.customers)} changed": ALL})
    for each in finish.customers:
        changes = finish.kept(MembershipChange, customer_id=each, program="changes")
        latest = max(change.occurred_at for change in changes)
        last = {change.access for change in changes if change.occurred_at == latest}
        stands = finish.crm.programs.membership(each, "changes").access
        equal((len(changes), stands in last), (1 + ALL, True))


# accounts and sales --------------------------------------------------------------------------------


def _one_wallet(crm: Crm) -> list[str]:
    people = members(crm, "wallet", 1)
    crm.accounts.add("wallet", program="wallet", credit_limit=str(FULL - PLENTY))
    crm.accounts.replenish(people[0], "wallet", PLENTY)
    return people


def _pay(crm: Crm, turn: Turn) -> str:
    return crm.accounts.spend(turn.customers[0], "wallet", PRICE).kind


def _paid_to_the_limit(finish: Finish) -> None:
    equal(finish.counts, {"spend": FIT, "not_enough_funds": ALL - FIT})
    entries = [each.amount.minor for each in finish.kept(AccountEntry, account="wallet") if each.amount is not None]
    equal((len(entries), sum(entries)), (1 + FIT, 100 * (PLENTY - FIT * PRICE)))


def _one_sale(crm: Crm) -> list[str]:
    people = members(crm, "refund", 1)
    crm.earning.add("refund", "euros", per="money", points=1, amount="1.00")
    crm.sales.record(people[0], FULL, program="refund", external_id="refunded")
    return people


def _refund(crm: Crm, _: Turn) -> str:
    return crm.sales.refund("refunded", PRICE).kind


def _never_more_than_was_paid(finish: Finish) -> None:
    equal(finish.counts, {"refund": FIT, "over_refund": ALL - FIT})
    left = FULL - FIT * PRICE
    equal(sum(each.total.minor for each in finish.kept(Sale, program="refund")), 100 * left)
    equal(finish.crm.points.balance(finish.customers[0], "refund"), left)


LOYALTY_RACES: Final = (
    Race(name="spend", law="one balance is spent as far as it goes, and not a point further", prepare=_one_purse, run=_spend,
         check=_spent_as_far_as_it_goes),
    Race(name="spends", law="spends in bulk take from each what it has", prepare=_some_purses, run=_spend_in_bulk,
         check=_each_purse_is_exact),
    Race(name="transfer", law="points that go to and fro are neither lost nor doubled", prepare=_two_purses, run=_transfer,
         check=_nothing_lost_on_the_way),
    Race(name="limit", law="once the access is limited nothing is spent", prepare=_one_to_limit, run=_limit_or_spend,
         check=_no_spend_while_limited),
    Race(name="changes", law="memberships changed in bulk stand as their last change says", prepare=_some_to_change,
         run=_change_in_bulk, check=_all_stand_as_last_set),
    Race(name="wallet", law="an account is spent to its limit", prepare=_one_wallet, run=_pay, check=_paid_to_the_limit),
    Race(name="refund", law="a sale is refunded once, and so are its points", prepare=_one_sale, run=_refund,
         check=_never_more_than_was_paid),
)
"""They are part of `testing.races.RACES`."""
