"""The races about coupons and codes; see `testing.races`, which runs them with the others."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from custcrm.crm import Crm
from custcrm.records import Coupon, FreeCode, GuestRedemption, Redemption
from custcrm.testing.races.runners import ALL, FIT, FULL, PLENTY, PRICE, RUNNERS, TURNS, Finish, Race, Turn, equal, members
from custcrm.values.money import Money


def _one_coupon_each_turn(crm: Crm, name: str, **terms: Any) -> list[str]:
    people = members(crm, name, TURNS)
    crm.coupons.add_series(name, program=name, **terms)
    for each in people:
        crm.coupons.issue(each, name)
    return people


def _to_redeem(crm: Crm) -> list[str]:
    return _one_coupon_each_turn(crm, "redeem")


def _redeem(crm: Crm, turn: Turn) -> str:
    """Half of them know the coupon, the others its code."""
    [coupon] = crm.coupons.of(turn.customers[turn.number])
    crm.coupons.redeem(coupon if turn.runner % 2 else coupon.code or "", reference=f"redeem {turn.runner} {turn.number}")
    return "redeemed"


def _redeemed_once(finish: Finish) -> None:
    equal(finish.counts, {"redeemed": TURNS, "already_redeemed": ALL - TURNS})
    uses = Counter(each.customer_id for each in finish.kept(Redemption, series="redeem"))
    equal(uses, dict.fromkeys(finish.customers, 1))


def _to_reserve(crm: Crm) -> list[str]:
    return _one_coupon_each_turn(crm, "reserve")


def _reserve(crm: Crm, turn: Turn) -> str:
    """Whoever has it reserved redeems it then; nobody comes between."""
    [coupon] = crm.coupons.of(turn.customers[turn.number])
    order = f"reserve {turn.runner} {turn.number}"
    crm.coupons.reserve(coupon, reference=order)
    crm.coupons.redeem(coupon, reference=order)
    return "reserved and redeemed"


def _reserved_for_one(finish: Finish) -> None:
    lost = finish.counts.get("reserved", 0) + finish.counts.get("already_redeemed", 0)
    equal((finish.counts["reserved and redeemed"], lost), (TURNS, ALL - TURNS))
    equal(len(finish.kept(Redemption, series="reserve")), TURNS)


def _a_budget(crm: Crm) -> list[str]:
    people = members(crm, "budget")
    crm.coupons.add_series("budget", program="budget", budget=FULL)
    for each in people:
        crm.coupons.issue(each, "budget")
    return people


def _redeem_on_the_budget(crm: Crm, turn: Turn) -> str:
    [coupon] = crm.coupons.of(turn.own)
    crm.coupons.redeem(coupon, discount=PRICE)
    return "redeemed"


def _within_the_budget(finish: Finish) -> None:
    equal(finish.counts, {"redeemed": FIT, "over_budget": ALL - FIT})
    equal(len(finish.kept(Redemption, series="budget")), FIT)
    equal(finish.crm.series.budget_left("budget"), Money.from_minor(100 * (FULL - FIT * PRICE), "EUR"))


def _a_shared_code(crm: Crm) -> list[str]:
    people = members(crm, "shared")
    crm.coupons.add_series("shared", program="shared", codes="shared", shared_code="RACE-2026", capacity=PLENTY)
    return people


def _bring_the_shared_code(crm: Crm, turn: Turn) -> str:
    return crm.coupons.redeem("RACE-2026", customer=turn.own).series


def _as_many_as_there_are(finish: Finish) -> None:
    equal(finish.counts, {"shared": PLENTY, "series_capacity": ALL - PLENTY})
    equal((finish.crm.coupons.left("shared"), len(finish.kept(Redemption, series="shared"))), (0, PLENTY))


def _room_for_codes(crm: Crm) -> list[str]:
    crm.programs.add("codes")
    crm.coupons.add_series("codes", program="codes", capacity=FULL)
    return []


def _generate(crm: Crm, _: Turn) -> str:
    return f"{len(crm.series.generate('codes', PRICE))} codes"


def _all_codes_differ(finish: Finish) -> None:
    equal(finish.counts, {f"{PRICE} codes": FIT, "series_capacity": ALL - FIT})
    codes = {each.code for each in finish.kept(FreeCode, series="codes")}
    equal((len(codes), finish.crm.coupons.left("codes")), (FIT * PRICE, FULL - FIT * PRICE))


def _codes_for_a_guest(crm: Crm) -> list[str]:
    crm.programs.add("guest")
    crm.coupons.add_series("guest", program="guest", per_customer=2)
    return list(crm.series.generate("guest", ALL))


def _come_as_a_guest(crm: Crm, turn: Turn) -> str:
    return crm.coupons.redeem(turn.own, identity="the same one").series


def _no_guest_twice_too_often(finish: Finish) -> None:
    equal(finish.counts, {"guest": 2, "customer_limit": ALL - 2})
    equal(len(finish.kept(GuestRedemption, series="guest")), 2)


def _codes_for_a_person(crm: Crm) -> list[str]:
    """Return customers, one for each two turns, and a code for each turn."""
    people = members(crm, "person", ALL // 2)
    for number, each in enumerate(people):
        if number % 2:
            crm.customers.update(each, email=f"{number}@person.example")
        else:
            crm.customers.add_contact_point(each, "email", f"{number}@Person.example")
    crm.coupons.add_series("person", program="person", per_customer=1)
    return [*people, *crm.series.generate("person", ALL)]


def _come_as_either(crm: Crm, turn: Turn) -> str:
    """Come as a guest who writes the address in capitals, or as the customer whose it is: two runners are one person."""
    number = turn.runner // 2 + RUNNERS // 2 * turn.number
    code = turn.customers[ALL // 2 + turn.runner + RUNNERS * turn.number]
    if turn.runner % 2:
        return crm.coupons.redeem(code, identity=f"{number}@PERSON.example").series
    return crm.coupons.redeem(code, customer=turn.customers[number]).series


def _one_for_each_person(finish: Finish) -> None:
    equal(finish.counts, {"person": ALL // 2, "customer_limit": ALL // 2})
    had = Counter(each.customer_id for each in finish.kept(Coupon, series="person"))
    equal(len(finish.kept(GuestRedemption, series="person")) + had.total(), ALL // 2)


def _codes_to_find(crm: Crm) -> list[str]:
    people = members(crm, "found")
    crm.coupons.add_series("found", program="found")
    return [*people, *crm.series.generate("found", TURNS)]


def _bring_a_found_code(crm: Crm, turn: Turn) -> str:
    """Half of them are customers, the others guests."""
    code = turn.customers[ALL + turn.number]
    if turn.runner % 2:
        crm.coupons.redeem(code, customer=turn.own)
    else:
        crm.coupons.redeem(code, identity=f"guest {turn.runner}")
    return "redeemed"


def _a_code_is_used_once(finish: Finish) -> None:
    equal(finish.counts["redeemed"], TURNS)
    equal(set(finish.counts) - {"redeemed", "already_redeemed", "not_holder"}, set())
    uses = len(finish.kept(Redemption, series="found")) + len(finish.kept(GuestRedemption, series="found"))
    equal(uses, TURNS)


COUPON_RACES: Final = (
    Race(name="redeem", law="a coupon is redeemed once", prepare=_to_redeem, run=_redeem, check=_redeemed_once),
    Race(name="reserve", law="what is reserved is redeemed by whom it is reserved for", prepare=_to_reserve, run=_reserve,
         check=_reserved_for_one),
    Race(name="budget", law="redemptions never cost more than the budget", prepare=_a_budget, run=_redeem_on_the_budget,
         check=_within_the_budget),
    Race(name="shared", law="a shared code issues what the series has", prepare=_a_shared_code, run=_bring_the_shared_code,
         check=_as_many_as_there_are),
    Race(name="codes", law="codes are made once, and never more than the series has", prepare=_room_for_codes, run=_generate,
         check=_all_codes_differ),
    Race(name="guest", law="a guest has no more than the series allows a customer", prepare=_codes_for_a_guest,
         run=_come_as_a_guest, check=_no_guest_twice_too_often),
    Race(name="person", law="who comes as a customer and as a guest has no more than the series allows a customer",
         prepare=_codes_for_a_person, run=_come_as_either, check=_one_for_each_person),
    Race(name="found", law="a free code is used once, by a customer or a guest", prepare=_codes_to_find,
         run=_bring_a_found_code, check=_a_code_is_used_once),
)
"""They are part of `testing.races.RACES`."""
