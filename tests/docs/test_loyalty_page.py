"""docs/loyalty.md says what the code does: its policy tables are run, its lists compared."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import pytest
from attrs import fields

import custcrm
from custcrm import Crm, Refusal
from custcrm.records import CouponSeries
from custcrm.records.programs import Access, Reversal
from custcrm.rules.coupons import PRECEDENCE
from custcrm.rules.points_history import LABELS, PointsLine
from tests.docs.pages import CODE, code, page, table

PAGE = page("loyalty.md")
WHO = "action | `full` | `limited` | `none` | `blacklisted` | no member | needs"

Action: TypeAlias = Callable[[Crm, custcrm.Customer, Mapping[str, Any]], object]


def earned(crm: Crm, anna: custcrm.Customer, before: Mapping[str, Any]) -> object:
    """Buy, and tell when nothing was earned."""
    return crm.earning.of_sale(crm.sales.record(anna, "5.00", program="club")) or "no points"


ACTIONS: Final[Mapping[str, Action]] = {
    "credit points, adjust them up": lambda crm, anna, before: (
        crm.points.credit(anna, "club", 1), crm.points.adjust(anna, "club", 1, reason="up")
    ),
    "earn points by a sale": earned,
    "spend points": lambda crm, anna, before: crm.points.spend(anna, "club", 1),
    "adjust points down": lambda crm, anna, before: crm.points.adjust(anna, "club", -1, reason="down"),
    "reverse points": lambda crm, anna, before: crm.points.reverse(before["credit"]),
    "have points transferred to them": lambda crm, anna, before: crm.points.transfer(before["ben"], anna, "club"),
    "replenish an account": lambda crm, anna, before: crm.accounts.replenish(anna, "wallet", "1.00"),
    "spend from an account": lambda crm, anna, before: crm.accounts.spend(anna, "wallet", "1.00"),
    "adjust or reverse an account": lambda crm, anna, before: (
        crm.accounts.adjust(anna, "wallet", "1.00", reason="corrected"), crm.accounts.reverse(before["entry"])
    ),
    "be issued a coupon": lambda crm, anna, before: crm.coupons.issue(anna, "coffee"),
    "reserve or redeem a coupon": lambda crm, anna, before: (
        crm.coupons.reserve(before.get("coupon", before["code"]), for_="1 hour", reference="r-1", customer=anna),
        crm.coupons.redeem(before.get("coupon", before["code"]), reference="r-1", customer=anna),
    ),
    "release, restore or revoke a coupon": lambda crm, anna, before: (
        crm.coupons.release(before["reserved"]), crm.coupons.restore(before["redeemed"]),
        crm.coupons.revoke(before["coupon"], reason="removed"),
    ),
    "buy": lambda crm, anna, before: crm.sales.record(anna, "1.00", program="club"),
    "refund, chargeback, cancel": lambda crm, anna, before: (
        crm.sales.refund(before["sale"], "1.00"), crm.sales.chargeback(before["sale"], "1.00"),
        crm.sales.cancel(before["sale"]),
    ),
}


def prepared(crm: Crm, access: str | None) -> tuple[custcrm.Customer, dict[str, Any]]:
    """Return a customer who had everything that can be had, and has this access now; None is one who never joined."""
    crm.programs.add("club")
    crm.earning.add("club", "euros")
    crm.accounts.add("wallet", program="club")
    crm.coupons.add_series("coffee", program="club")
    anna, ben = crm.customers.add_all([{"first_name": "Anna"}, {"first_name": "Ben"}])
    crm.programs.join(ben, "club")
    crm.points.credit(ben, "club", 5)
    [free] = crm.series.generate("coffee", 1)
    before: dict[str, Any] = {"ben": ben, "code": free, "sale": crm.sales.record(anna, "9.00", program="club")}
    if access is not None:
        crm.programs.join(anna, "club")
        before |= {"credit": crm.points.credit(anna, "club", 5), "entry": crm.accounts.replenish(anna, "wallet", "9.00")}
        before |= {name: crm.coupons.issue(anna, "coffee") for name in ("coupon", "reserved", "redeemed")}
        crm.coupons.reserve(before["reserved"], for_="1 hour", reference="r-0")
        crm.coupons.redeem(before["redeemed"])
        crm.programs.set_access(anna, "club", access)
    return anna, before


def answer(action: Action, access: str | None, *, active: bool = True, **marks: bool) -> str:
    """Return what the table should say of an action."""
    with custcrm.open(currency="EUR") as crm:
        anna, before = prepared(crm, access)
        anna = crm.customers.update(anna, **marks)
        if not active:
            anna = crm.customers.deactivate(anna)
        try:
            return "no points" if action(crm, anna, before) == "no points" else "yes"
        except Refusal as refusal:
            return f"`{refusal.reason}`"


@pytest.mark.parametrize("row", table(PAGE, WHO), ids=lambda row: row[0])
def test_who_may_what(row: list[str]) -> None:
    """Every cell of the policy table holds, and each mark that it names is asked for."""
    name, *cells = row
    needs = CODE.findall(cells.pop()) if len(cells) == 6 else []
    for access, cell in zip([*Access, None], cells, strict=True):
        told = {"sale refused": "`blacklisted`"}.get(cell, cell)
        if told != "–":
            assert answer(ACTIONS[name], access) == told, access
    for mark in ("loyalty_eligible", "coupon_eligible"):
        refused = "no points" if "no points" in cells else "`not_eligible`"
        assert answer(ACTIONS[name], Access.FULL, **{mark: False}) == (refused if mark in needs else "yes")
    refused = "no points" if "no points" in cells else "`inactive`"
    assert answer(ACTIONS[name], Access.FULL, active=False) == (refused if "active" in needs else "yes")


def test_every_action_is_in_the_table() -> None:
    """The table has the actions that are run here, and columns for every access in order."""
    assert {row[0] for row in table(PAGE, WHO)} == set(ACTIONS)
    assert CODE.findall(WHO) == list(Access)


def test_why_a_code_fails() -> None:
    """The page lists every reason for which a coupon is not redeemed, in the order in which they are told."""
    assert [code(row[0]) for row in table(PAGE, "reason | when")] == [reason.value for reason in PRECEDENCE]


def test_the_terms_of_a_series() -> None:
    """Every argument of `add_series` is told."""
    from inspect import signature

    from custcrm.crm.loyalty.coupons import Coupons

    told = {name for row in table(PAGE, "argument | says | unless given") for name in CODE.findall(row[0])}
    given = {"self", "key", "name", "program", "kind", "title", "description"}
    taken = set(signature(Coupons.add_series).parameters) - given
    assert told == taken
    assert told - {field.name for field in fields(CouponSeries)} == {"budget", "guessable"}


def test_the_policies_of_reversal() -> None:
    """Every reversal policy is told."""
    rows = table(PAGE, "`reversal` | the refund | balance | recorded | after 30 more are credited")
    assert [CODE.findall(row[0])[0] for row in rows] == list(Reversal)


def test_the_lines_of_a_history() -> None:
    """The fields told of a line are fields, and every label is named."""
    rows = {code(name): meaning for name, meaning in table(PAGE, "field of a line | is")}
    assert set(rows) <= {field.name for field in fields(PointsLine)}
    assert set(rows["label"].split(", ")) == {*LABELS.values(), "manually added", "manually removed"}


INBOX = "the message was | status | `read_at` | `seen_in_app` | `seen_anywhere`"


@pytest.mark.parametrize("row", table(PAGE, INBOX), ids=lambda row: row[0])
def test_the_truth_table_of_the_inbox(row: list[str]) -> None:
    """Each row of the truth table holds."""
    from custcrm.testing import ManualClock

    was, *told = row
    clock = ManualClock("2026-06-01T09:00Z")
    with custcrm.open(clock=clock) as crm:
        anna = crm.customers.add(first_name="Anna")
        message = crm.inbox.add(anna, title="Menu", ends="30 days")
        for words, surface in {"in the app": "app", "in web ordering": "web_ordering", "in an email": "email"}.items():
            if f"opened {words}" in was:
                crm.inbox.open(message, surface=surface)
        clock.advance("30 days" if "its end has come" in was else "1 day")
        [item] = crm.inbox.of(anna)
    shown = [str(item.status), "" if item.read_at is None else "known"]
    shown += ["yes" if fact else "no" for fact in (item.seen_in_app, item.seen_anywhere)]
    assert shown == told
