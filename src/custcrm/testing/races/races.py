"""Races that every store must survive: many do the same at once, and the numbers come out exact.

`assert_races(store)` is for a store that threads share, `assert_races_between_processes(address)` for one that processes
share. `RACES` are the races, each with its law; a lost one is an AssertionError with a note that names it.

    def test_races(store):
        assert_races(store)                     # empty, and set up
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import Final

from custcrm.crm import Crm
from custcrm.records import Applied, Coupon, Customer, MembershipChange, PointsEntry, TagAssignment
from custcrm.records.programs import Access
from custcrm.storage.protocol import Store
from custcrm.testing.races.coupons import COUPON_RACES
from custcrm.testing.races.crossing import CROSSING_RACES
from custcrm.testing.races.imports import IMPORT_RACES
from custcrm.testing.races.loyalty import LOYALTY_RACES
from custcrm.testing.races.outbox import OUTBOX_RACES
from custcrm.testing.races.runners import (
    PLENTY,
    RUNNERS,
    TURNS,
    Finish,
    Race,
    Turn,
    equal,
    members,
    run_in_processes,
    run_in_threads,
)
from custcrm.values.errors import MisusedTransaction


def assert_races(store: Store, races: Sequence[Race] | None = None) -> None:
    """Run the races with threads on one store, empty and set up, and assert their laws."""
    run_in_threads(store, RACES if races is None else races)


def assert_races_between_processes(address: str, races: Sequence[Race] | None = None) -> None:
    """Run the races with processes on the empty store at an address that `custcrm.open` takes, and assert their laws.

    Each process opens the address by itself. They are started afresh, so a script calls this under
    `if __name__ == "__main__":`.
    """
    run_in_processes(address, RACES if races is None else races)


# a series ------------------------------------------------------------------------------------------


def _one_for_each(crm: Crm) -> list[str]:
    people = members(crm, "series")
    crm.coupons.add_series("series", program="series", capacity=PLENTY)
    return people


def _take_one(crm: Crm, turn: Turn) -> str:
    return crm.coupons.issue(turn.own, "series").series


def _never_oversold(finish: Finish) -> None:
    equal(finish.counts, {"series": PLENTY, "series_capacity": len(finish.customers) - PLENTY})
    coupons = finish.kept(Coupon, series="series")
    equal((finish.crm.coupons.left("series"), len(coupons), len({each.code for each in coupons})), (0, PLENTY, PLENTY))


def _four_at_a_time(crm: Crm) -> list[str]:
    people = members(crm, "plans", 4)
    crm.coupons.add_series("plans", program="plans", capacity=PLENTY)
    return people


def _plan_and_apply(crm: Crm, turn: Turn) -> str:
    plan = crm.select("programs.plans EXISTS").issue_coupons("plans")
    return f"{plan.apply(key=f'plans {turn.runner} {turn.number}').applied} issued"


def _whole_or_not_at_all(finish: Finish) -> None:
    fit = PLENTY // len(finish.customers)
    equal(finish.counts, {"4 issued": fit, "series_capacity": RUNNERS * TURNS - fit})
    issued = Counter(each.customer_id for each in finish.kept(Coupon, series="plans"))
    equal((finish.crm.coupons.left("plans"), issued), (PLENTY % len(finish.customers), dict.fromkeys(finish.customers, fit)))


def _one_greedy(crm: Crm) -> list[str]:
    people = members(crm, "greedy", 1)
    crm.coupons.add_series("greedy", program="greedy", capacity=PLENTY, per_customer=2)
    return people


def _take_again(crm: Crm, turn: Turn) -> str:
    return crm.coupons.issue(turn.customers[0], "greedy").series


def _no_more_than_two(finish: Finish) -> None:
    equal(finish.counts, {"greedy": 2, "customer_limit": RUNNERS * TURNS - 2})
    equal((finish.crm.coupons.left("greedy"), len(finish.kept(Coupon, series="greedy"))), (PLENTY - 2, 2))


# a key ---------------------------------------------------------------------------------------------


def _for_plans(crm: Crm) -> list[str]:
    return members(crm, "key", 5)


def _apply_under_one_key(crm: Crm, turn: Turn) -> str:
    result = crm.select("programs.key EXISTS").credit_points("key", 7).apply(key=f"key {turn.number}")
    return f"{result.applied} {'repeated' if result.repeated else 'applied'}"


def _done_once(finish: Finish) -> None:
    equal(finish.counts, {"5 applied": TURNS, "5 repeated": (RUNNERS - 1) * TURNS})
    equal([each.done for each in finish.kept(Applied, key=[f"key {turn}" for turn in range(TURNS)])], [5] * TURNS)
    credited = Counter(each.customer_id for each in finish.kept(PointsEntry, program="key"))
    equal(credited, dict.fromkeys(finish.customers, TURNS))


def _for_calls(crm: Crm) -> list[str]:
    return members(crm, "call", 1)


def _call_under_one_key(crm: Crm, turn: Turn) -> str:
    return crm.points.credit(turn.customers[0], "call", 7, key=f"call {turn.number}").id


def _one_entry(finish: Finish) -> None:
    entries = finish.kept(PointsEntry, program="call")
    equal(len(entries), TURNS)
    equal(finish.counts, {each.id: RUNNERS for each in entries})


def _for_quarrels(crm: Crm) -> list[str]:
    return members(crm, "quarrel", 3)


def _apply_another(crm: Crm, turn: Turn) -> str:
    plan = crm.select("programs.quarrel EXISTS").credit_points("quarrel", 1 + turn.runner)
    return f"{plan.apply(key=f'quarrel {turn.number}').applied} credited"


def _first_wins(finish: Finish) -> None:
    equal(finish.counts, {"3 credited": TURNS, "KeyConflict": (RUNNERS - 1) * TURNS})
    equal(len(finish.kept(PointsEntry, program="quarrel")), 3 * TURNS)


# what is one of a kind -----------------------------------------------------------------------------


def _with_other_emails(crm: Crm) -> list[str]:
    rows = [{"first_name": "owner", "email": f"owner-{each}@example.org"} for each in range(RUNNERS * TURNS)]
    return [each.id for each in crm.customers.add_all(rows)]


def _claim_an_email(crm: Crm, turn: Turn) -> str:
    """Half of the runners add a customer, the others change theirs."""
    email = f"Wanted-{turn.number}@example.org"
    if turn.runner % 2:
        crm.customers.add(email=email)
    else:
        crm.customers.update(turn.own, email=email)
    return "owner"


def _one_owner(finish: Finish) -> None:
    equal(finish.counts, {"owner": TURNS, "EmailTaken": (RUNNERS - 1) * TURNS})
    for turn in range(TURNS):
        equal(len(finish.kept(Customer, email=f"Wanted-{turn}@example.org")), 1)


def _strangers(crm: Crm) -> list[str]:
    crm.programs.add("joining")
    return [each.id for each in crm.customers.add_all([{"first_name": f"{each}"} for each in range(TURNS)])]


def _join(crm: Crm, turn: Turn) -> str:
    return crm.programs.join(turn.customers[turn.number], "joining").program


def _joined_once(finish: Finish) -> None:
    equal(finish.counts, {"joining": RUNNERS * TURNS})
    equal(sorted(each.customer_id for each in finish.kept(MembershipChange, program="joining")), list(finish.customers))


def _one_is_there(crm: Crm) -> list[str]:
    crm.programs.add("program 0")
    return []


def _add_a_program(crm: Crm, turn: Turn) -> str:
    return crm.programs.add(f"program {turn.number}").name


def _added_once(finish: Finish) -> None:
    added = {f"program {turn}": 1 for turn in range(1, TURNS)}
    equal(finish.counts, {**added, "Conflict": RUNNERS * TURNS - len(added)})


# what is counted or changed ------------------------------------------------------------------------


def _one_member(crm: Crm) -> list[str]:
    return members(crm, "points", 1)


def _credit_three(crm: Crm, turn: Turn) -> str:
    return str(crm.points.credit(turn.customers[0], "points", 3).delta)


def _exact_balance(finish: Finish) -> None:
    equal(finish.counts, {"3": RUNNERS * TURNS})
    equal(finish.crm.points.balance(finish.customers[0], "points"), 3 * RUNNERS * TURNS)


def _one_to_share(crm: Crm) -> list[str]:
    return members(crm, "share", 1)


def _keep_or_share(crm: Crm, turn: Turn) -> str:
    """Half of the runners let another thread into their transaction, and swallow what that one is told."""
    try:
        with crm.transaction():
            crm.points.credit(turn.customers[0], "share", 1)
            if turn.runner % 2:
                with ThreadPoolExecutor(1) as pool, suppress(MisusedTransaction):
                    pool.submit(copy_context().run, crm.points.credit, turn.customers[0], "share", PLENTY).result()
            crm.points.credit(turn.customers[0], "share", 1)
    except MisusedTransaction:
        return "misused"
    return "kept"


def _only_what_was_kept(finish: Finish) -> None:
    equal(finish.counts, {"kept": RUNNERS * TURNS // 2, "misused": RUNNERS * TURNS // 2})
    equal(finish.crm.points.balance(finish.customers[0], "share"), RUNNERS * TURNS)


def _one_to_change(crm: Crm) -> list[str]:
    return members(crm, "access", 1)


def _set_access(crm: Crm, turn: Turn) -> str:
    kinds = (Access.LIMITED, Access.NONE, Access.BLACKLISTED, Access.FULL)
    wanted = kinds[(turn.runner + turn.number) % len(kinds)]
    return crm.programs.set_access(turn.customers[0], "access", wanted).program


def _stands_as_last_set(finish: Finish) -> None:
    equal(finish.counts, {"access": RUNNERS * TURNS})
    changes = finish.kept(MembershipChange, customer_id=finish.customers[0], program="access")
    last = max(changes, key=lambda each: (each.occurred_at, each.id))
    stands = finish.crm.programs.membership(finish.customers[0], "access")
    equal((len(changes), stands.access, stands.category), (1 + RUNNERS * TURNS, last.access, last.category))


def _two_to_tag(crm: Crm) -> list[str]:
    return members(crm, "tags", 2)


def _tag(crm: Crm, turn: Turn) -> str:
    """One of the two is tagged alone, the other one in bulk."""
    value = f"{turn.runner} {turn.number}"
    crm.tags.set(turn.customers[0], "raced", value)
    (crm.select() & [turn.customers[1]]).tag("raced", value).apply(key=f"tags {value}")
    return "tagged"


def _one_open_row(finish: Finish) -> None:
    equal(finish.counts, {"tagged": RUNNERS * TURNS})
    for customer in finish.customers:
        rows = finish.kept(TagAssignment, customer_id=customer, key="raced")
        current = [each.value for each in rows if each.until is None]
        equal((len(rows), [{"raced": each} for each in current]), (RUNNERS * TURNS, [finish.crm.tags.of(customer)]))


RACES: Final = (
    Race(name="series", law="a series is never oversold, and all of it can be had", prepare=_one_for_each, run=_take_one,
         check=_never_oversold),
    Race(name="plans", law="a plan gets all the coupons it needs, or none", prepare=_four_at_a_time, run=_plan_and_apply,
         check=_whole_or_not_at_all),
    Race(name="greedy", law="a customer never has more coupons of a series than it allows", prepare=_one_greedy,
         run=_take_again, check=_no_more_than_two),
    Race(name="key", law="one key applied by many is one action, and all have its result", prepare=_for_plans,
         run=_apply_under_one_key, check=_done_once),
    Race(name="call", law="one key given with many calls is one action, and all have its record", prepare=_for_calls,
         run=_call_under_one_key, check=_one_entry),
    Race(name="quarrel", law="one key for different actions stands for the first", prepare=_for_quarrels,
         run=_apply_another, check=_first_wins),
    Race(name="email", law="an email has one owner", prepare=_with_other_emails, run=_claim_an_email, check=_one_owner),
    Race(name="joining", law="who joins often is a member once", prepare=_strangers, run=_join, check=_joined_once),
    Race(name="program", law="a program is added once", prepare=_one_is_there, run=_add_a_program, check=_added_once),
    Race(name="points", law="no credit is lost", prepare=_one_member, run=_credit_three, check=_exact_balance),
    Race(name="share", law="of a transaction that another thread falls into nothing is kept", prepare=_one_to_share,
         run=_keep_or_share, check=_only_what_was_kept),
    Race(name="access", law="a membership stands as its last change says", prepare=_one_to_change, run=_set_access,
         check=_stands_as_last_set),
    Race(name="tags", law="a tag has one open row", prepare=_two_to_tag, run=_tag,
         check=_one_open_row),
    *LOYALTY_RACES,
    *COUPON_RACES,
    *CROSSING_RACES,
    *IMPORT_RACES,
    *OUTBOX_RACES,
)
"""All races. Each has customers, programs and keys of its own, so that they can be run on one store."""
