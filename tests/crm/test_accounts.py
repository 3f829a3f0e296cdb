"""Accounts: paid in, spent, corrected and reversed; by one or by all; never below what was allowed, at any time."""

import threading
import time
from datetime import timedelta

import pytest

import custcrm
from custcrm import KeyConflict, Malformed, Money, NotFound, Reason, Refusal
from custcrm.messaging.templates import ACCOUNT_REPLENISHED
from custcrm.records import CustomerAccount
from custcrm.testing import RecordingChannel
from tests.batches import in_batches


def euros(text: str) -> Money:
    return Money(text, "EUR")


def refusal(call, *arguments, **more) -> Refusal:
    with pytest.raises(Refusal) as caught:
        call(*arguments, **more)
    return caught.value


@pytest.fixture
def wallet(crm, people):
    return crm.accounts.add("wallet", program="club", title="E-wallet")


@pytest.fixture
def cups(crm, people):
    return crm.accounts.add("cups", program="club", kind="goods", unit="cup", credit_limit=1)


# one customer ---------------------------------------------------------------------------------------


@pytest.mark.feature("C26", "C25")
def test_what_is_paid_in_can_be_spent(crm, people, wallet):
    """Entries are immutable lines with terminal and point of sale; the balance is their sum; nobody spends more."""
    anna = people["Anna"]
    crm.points_of_sale.add("Harbour", program="club")
    crm.terminals.add("till", point_of_sale="Harbour")
    paid = crm.accounts.replenish(anna, "wallet", "25.90", terminal="till", reference="receipt-1", text="Thank you")
    assert (paid.kind, paid.amount, paid.units, paid.account, paid.program) == (
        "replenish", euros("25.90"), None, "wallet", "club",
    )
    assert (paid.terminal, paid.point_of_sale, paid.reference, paid.text) == ("till", "Harbour", "receipt-1", "Thank you")
    spent = crm.accounts.spend(anna, "wallet", 20)
    assert (spent.kind, spent.amount, spent.terminal, spent.point_of_sale) == ("spend", euros("-20"), "api", None)
    assert crm.accounts.balance(anna, "wallet") == crm.accounts.available(anna, "wallet") == euros("5.90")
    no = refusal(crm.accounts.spend, anna, "wallet", "5.91")
    assert no.reasons == (Reason.NOT_ENOUGH_FUNDS,)
    assert no.details == {"account": "wallet", "asked": euros("5.91"), "available": euros("5.90")}
    assert "5.91 EUR" in str(no) and "5.90 EUR" in str(no) and "Anna" not in str(no)
    assert crm.accounts.balance(anna, "wallet") == euros("5.90")
    assert crm.accounts.spend(anna, "wallet", "5.90").amount == euros("-5.90")
    assert crm.accounts.balance(anna, "wallet") == euros("0")


@pytest.mark.feature("C26")
def test_units_are_counted_whole(crm, people, cups):
    """An account of goods or of something achieved counts whole units, with a credit limit of its own kind."""
    anna = people["Anna"]
    stamps = crm.accounts.add("stamps", program="club", kind="achievement")
    assert (cups.kind, cups.unit, cups.credit_units, cups.credit_limit) == ("goods", "cup", 1, None)
    assert [each.name for each in crm.accounts.list("club")] == ["cups", "stamps"] and stamps in crm.accounts.list()
    assert crm.accounts.replenish(anna, "cups", 3).units == 3
    assert (crm.accounts.balance(anna, "cups"), crm.accounts.available(anna, "cups")) == (3, 4)
    assert crm.accounts.spend(anna, "cups", 4).units == -4
    assert refusal(crm.accounts.spend, anna, "cups", 1).details == {"account": "cups", "asked": 1, "available": 0}
    assert (crm.accounts.balance(anna, "cups"), crm.accounts.balance(anna, "stamps")) == (-1, 0)
    for bad in ("3", 2.5, 0, -1, True, 10**12 + 1, euros("3")):
        with pytest.raises(Malformed):
            crm.accounts.replenish(anna, "cups", bad)


@pytest.mark.feature("C26", "V35")
def test_access_decides_who_pays_in_and_who_spends(crm, people, wallet):
    """Limited access pays in only; none and blacklisted neither; full later makes what was paid in spendable."""
    ben = people["Ben"]
    for name, pays, spends in [
        ("Ben", None, ("limited_access",)), ("Chloe", ("no_access",), ("no_access",)),
        ("Dan", ("blacklisted",), ("blacklisted",)), ("Eve", ("not_a_member",), ("not_a_member",)),
    ]:
        if pays is None:
            crm.accounts.replenish(people[name], "wallet", 10)
        else:
            assert refusal(crm.accounts.replenish, people[name], "wallet", 10).reasons == pays
        assert refusal(crm.accounts.spend, people[name], "wallet", 1).reasons == spends
    assert (crm.accounts.balance(ben, "wallet"), crm.accounts.available(ben, "wallet")) == (euros("10"), euros("0"))
    crm.programs.set_access(ben, "club", "full")
    assert crm.accounts.available(ben, "wallet") == euros("10")
    assert refusal(crm.accounts.balance, people["Eve"], "wallet").reason == "not_a_member"
    crm.customers.update(ben, loyalty_eligible=False)               # of points and coupons, not of one's own money
    assert crm.accounts.replenish(ben, "wallet", 1) and crm.accounts.spend(ben, "wallet", 11)


@pytest.mark.usefixtures("tampered")
@pytest.mark.feature("C26")
def test_a_credit_limit_can_be_ones_own(crm, people, wallet):
    """Opened with a limit, given another, given back to the account's; what is spent stays spent."""
    anna, ben = people["Anna"], people["Ben"]
    opened = crm.accounts.open(anna, "wallet", credit_limit=50)
    assert crm.accounts.open(anna, "wallet") == crm.accounts.open(anna, "wallet", credit_limit="50.00") == opened
    with pytest.raises(custcrm.Conflict):
        crm.accounts.open(anna, "wallet", credit_limit=60)
    assert crm.accounts.available(anna, "wallet") == euros("50")
    crm.accounts.spend(anna, "wallet", 50)
    assert refusal(crm.accounts.spend, anna, "wallet", "0.01").reason == "not_enough_funds"
    assert crm.accounts.set_limit(anna, "wallet", 60).credit_limit == euros("60")
    assert crm.accounts.available(anna, "wallet") == euros("10")
    assert crm.accounts.set_limit(anna, "wallet", None).credit_limit is None
    assert (crm.accounts.balance(anna, "wallet"), crm.accounts.available(anna, "wallet")) == (euros("-50"), euros("0"))
    crm.accounts.replenish(anna, "wallet", 20)
    assert refusal(crm.accounts.spend, anna, "wallet", "0.01").details["available"] == euros("0")
    assert crm.accounts.set_limit(ben, "wallet", 5).opened_at       # opens it as well
    for call in (crm.accounts.open, lambda *each: crm.accounts.set_limit(*each, 1)):
        assert refusal(call, people["Eve"], "wallet").reason == "not_a_member"
        with pytest.raises(NotFound):
            call("nobody", "wallet")
    for bad in (-1, "1.001", 1.5):
        with pytest.raises(Malformed):
            crm.accounts.set_limit(anna, "wallet", bad)


@pytest.mark.feature("V12", "C26")
def test_a_key_moves_money_once(crm, people, wallet, clock):
    """Each verb under a key: the same entry for ever, also tomorrow and when nothing is left; other content: KeyConflict."""
    anna = people["Anna"]

    def verbs(plus: int = 0) -> dict[str, object]:
        return {
            "a": lambda: crm.accounts.replenish(anna, "wallet", 30 + plus, key="a"),
            "b": lambda: crm.accounts.spend(anna, "wallet", 20 + plus, key="b"),
            "c": lambda: crm.accounts.adjust(anna, "wallet", -5 - plus, reason="miscounted", key="c"),
            "d": lambda: crm.accounts.reverse(spent, amount=5 + plus, key="d"),
        }

    spent = crm.accounts.spend(anna, "wallet", 7, key="e") if crm.accounts.replenish(anna, "wallet", 7) else None
    first = {key: verb() for key, verb in verbs().items()}
    clock.advance("1 day")
    assert {key: verb() for key, verb in verbs().items()} == first
    for verb in verbs(1).values():
        with pytest.raises(KeyConflict):
            verb()
    assert crm.accounts.balance(anna, "wallet") == euros("10")
    assert len(crm.accounts.statement(anna, "wallet").entries) == 6
    refusal(crm.accounts.spend, anna, "wallet", 11, key="f")        # a refused call leaves nothing, not even its key
    assert crm.accounts.spend(anna, "wallet", 1, key="f")


@pytest.mark.feature("C26")
def test_corrections_are_for_members_whatever_their_access(crm, people, wallet):
    """Up or down with the reason kept, also for who is blacklisted; never below what may be spent, and never for nobody."""
    dan, eve = people["Dan"], people["Eve"]
    till = crm.acting_as("maija")
    up = till.accounts.adjust(dan, "wallet", "12.50", reason="gift card lost")
    assert (up.kind, up.amount, up.reason, up.actor) == ("adjust", euros("12.50"), "gift card lost", "maija")
    assert crm.accounts.adjust(dan, "wallet", "-12.00", reason="found again").amount == euros("-12")
    assert refusal(crm.accounts.adjust, dan, "wallet", "-0.51", reason="again").details["available"] == euros("0.50")
    assert refusal(crm.accounts.adjust, eve, "wallet", 1, reason="kind").reason == "not_a_member"
    for amount, reason in ((0, "nothing"), (1, ""), (1, "  "), ("1.005", "half a cent")):
        with pytest.raises(Malformed):
            crm.accounts.adjust(dan, "wallet", amount, reason=reason)


@pytest.mark.feature("C26")
def test_an_entry_is_reversed_once(crm, people, wallet):
    """In parts or whole, never more than it was; what was paid in and spent cannot be taken back; a spend can."""
    anna = people["Anna"]
    paid = crm.accounts.replenish(anna, "wallet", 100)
    spent = crm.accounts.spend(anna, "wallet", 80)
    assert refusal(crm.accounts.reverse, paid).details == {
        "account": "wallet", "asked": euros("100"), "available": euros("20"),
    }
    back = crm.accounts.reverse(spent, amount=30, reason="one bottle returned")
    assert (back.kind, back.amount, back.reverses, back.reason) == ("reverse", euros("30"), spent.id, "one bottle returned")
    assert refusal(crm.accounts.reverse, spent, amount=51).details == {"account": "wallet", "left": euros("50")}
    crm.programs.set_access(anna, "club", "blacklisted")            # money goes back whatever the access
    assert crm.accounts.reverse(spent).amount == euros("50")
    for call in (lambda: crm.accounts.reverse(spent), lambda: crm.accounts.reverse(spent, amount="0.01")):
        assert refusal(call).reasons == (Reason.ALREADY_REVERSED,)
    assert crm.accounts.reverse(paid).amount == euros("-100")
    assert crm.accounts.balance(anna, "wallet") == euros("0")
    with pytest.raises(Malformed):
        crm.accounts.reverse(back)


def test_a_statement_tells_a_period(crm, people, wallet, clock):
    """Opening, entries in order of time, closing; a day given as the end is whole; periods by name."""
    anna = people["Anna"]
    crm.accounts.replenish(anna, "wallet", 100)                     # on November 21
    clock.advance("20 days")
    spent = crm.accounts.spend(anna, "wallet", 30)                  # on December 11
    clock.advance("30 days")
    crm.accounts.replenish(anna, "wallet", 5)                       # on January 10
    whole = crm.accounts.statement(anna, "wallet")
    assert (whole.opening, whole.closing, len(whole.entries)) == (euros("0"), euros("75"), 3)
    december = crm.accounts.statement(anna, "wallet", "last month")
    assert (december.opening, december.entries, december.closing) == (euros("100"), (spent,), euros("70"))
    for period in (("2026-12-01", "2026-12-31"), "2026-12-11"):
        assert crm.accounts.statement(anna, "wallet", period).entries == (spent,)
    assert crm.accounts.statement(anna, "wallet", since="2026-12-11", until="2026-12-11").entries == (spent,)
    assert crm.accounts.statement(anna, "wallet", until=spent.occurred_at).closing == euros("100")
    assert crm.accounts.statement(anna, "wallet", since="2026-12-11").opening == euros("100")
    assert "Anna" not in repr(whole) and "<3 entries>" in repr(whole)
    for bad in ({"period": "last month", "since": "2026-01-01"}, {"since": "2026-12-02", "until": "2026-12-01"}):
        with pytest.raises(Malformed):
            crm.accounts.statement(anna, "wallet", **bad)


@pytest.mark.feature("C26")
def test_a_balance_is_known_for_any_time(crm, people, wallet, cups, clock):
    """From entries alone: facade, filter and view agree, for money and units, then and now."""
    anna, ben = people["Anna"], people["Ben"]
    start = clock()
    clock.advance("1 hour")
    crm.accounts.replenish(anna, "wallet", "10.50")
    crm.accounts.replenish(anna, "cups", 2)
    crm.accounts.replenish(ben, "wallet", 3)
    then = clock()
    clock.advance("1 hour")
    crm.accounts.spend(anna, "wallet", 4)
    crm.accounts.spend(anna, "cups", 3)
    crm.programs.set_access(anna, "club", "limited")
    assert [crm.accounts.balance(anna, "wallet", as_of=at) for at in (start, then, None)] == [
        euros("0"), euros("10.50"), euros("6.50"),
    ]
    assert [crm.accounts.available(anna, "cups", as_of=at) for at in (then, None)] == [3, 0]
    assert [crm.accounts.balance(anna, "cups", as_of=at) for at in (then, None)] == [2, -1]
    assert crm.select("accounts.wallet.balance >= 6.50").ids() == [anna.id]
    assert crm.select("accounts.wallet.balance >= 10.50", as_of=then).ids() == [anna.id]
    assert crm.select("accounts.cups.units < 0").ids() == [anna.id]
    assert crm.select("accounts.cups.units = 2", as_of=then).ids() == [anna.id]
    assert crm.select("accounts.wallet.balance = 3").ids() == [ben.id]
    assert crm.select("accounts.cups EXISTS").ids() == [anna.id]
    rows = crm.select("accounts.wallet EXISTS").view(["accounts.wallet.balance", "accounts.cups.units"])
    assert [tuple(row.values()) for row in rows] == [(euros("6.50"), -1), (euros("3"), None)]


def test_a_clock_set_back_spends_nothing_twice(crm, people, wallet, clock):
    """What was taken in the future by our clock is gone; the account's own time goes on; no moment is below the limit."""
    anna = people["Anna"]
    crm.accounts.open(anna, "wallet", credit_limit=10)
    crm.accounts.replenish(anna, "wallet", 50)
    clock.advance("10 days")
    late = crm.accounts.spend(anna, "wallet", 50)
    clock._now -= timedelta(days=9)
    assert crm.accounts.available(anna, "wallet") == euros("10")
    assert refusal(crm.accounts.spend, anna, "wallet", 11).reason == "not_enough_funds"
    last = crm.accounts.spend(anna, "wallet", 10)
    assert last.occurred_at == late.occurred_at
    assert crm.accounts.balance(anna, "wallet") == crm.accounts.statement(anna, "wallet").closing == euros("-10")
    paid = crm.accounts.replenish(anna, "wallet", 10)
    entries = crm.accounts.statement(anna, "wallet").entries
    assert entries[1] == paid and min(
        sum((each.amount for each in entries[:n]), euros("0")) for n in range(len(entries) + 1)
    ) >= euros("-10")


def test_an_empty_account_keeps_its_time(crm, people, wallet, clock):
    """Also where the balance is nought, an entry is not put before the last one."""
    anna = people["Anna"]
    crm.accounts.open(anna, "wallet", credit_limit=10)
    crm.accounts.spend(anna, "wallet", 10)
    clock.advance("5 days")
    paid = crm.accounts.replenish(anna, "wallet", 10)
    clock._now -= timedelta(days=4)
    assert crm.accounts.spend(anna, "wallet", 10).occurred_at == paid.occurred_at


def test_what_an_account_is(crm, people, wallet):
    """Named once, in a program that is there, of a kind that is known; amounts are exact and in the store's currency."""
    anna = people["Anna"]
    with pytest.raises(custcrm.Conflict):
        crm.accounts.add("wallet", program="club")
    with pytest.raises(NotFound):
        crm.accounts.add("other", program="clubb")
    with pytest.raises(NotFound) as caught:
        crm.accounts.replenish(anna, "walet", 1)
    assert caught.value.suggestions == ("wallet",)
    for bad in ({"kind": "monney"}, {"unit": "cup"}, {"credit_limit": -1}, {"credit_limit": 1.5}):
        with pytest.raises(Malformed):
            crm.accounts.add("other", program="club", **bad)
    for amount in (0, -1, "0.001", 2.5, Money("1", "SEK"), 10**11):
        with pytest.raises(Malformed):
            crm.accounts.replenish(anna, "wallet", amount)
    with pytest.raises(NotFound):
        crm.accounts.replenish("nobody", "wallet", 1)
    assert crm.accounts.list() == (wallet,)


# many customers -------------------------------------------------------------------------------------


@pytest.mark.feature("C14", "C26", "X13")
def test_a_selection_is_replenished_once(crm, people, wallet):
    """Planned with reasons and cost, applied once; accounts are opened where there is none; single and bulk mean the same."""
    anna, ben = people["Anna"], people["Ben"]
    crm.accounts.open(anna, "wallet", credit_limit=7)
    plan = crm.select().replenish("wallet", "2.50", text="Merry Christmas")
    assert (plan.eligible, plan.skipped, plan.cost.money) == (
        2, {"not_a_member": 1, "blacklisted": 1, "no_access": 1}, euros("5"),
    )
    result = plan.apply(key="xmas")
    assert plan.apply(key="xmas") == result and result.applied == 2
    with pytest.raises(KeyConflict):
        crm.select().replenish("wallet", "2.51", text="Merry Christmas").apply(key="xmas")
    [bulk] = crm.accounts.statement(ben, "wallet").entries
    single = crm.accounts.replenish(ben, "wallet", "2.50", text="Merry Christmas")
    told = [(each.kind, each.amount, each.text, each.terminal, each.actor, each.occurred_at) for each in (bulk, single)]
    assert told[0] == told[1]
    with crm._business.store.read() as reader:
        [mine] = reader.find(CustomerAccount, {"customer_id": anna.id})
        assert (mine.credit_limit, reader.count_records(CustomerAccount)) == (euros("7"), 2)


@pytest.mark.feature("C26", "X13")
def test_a_bulk_spend_is_refused_by_account(crm, people, wallet):
    """The plan foresees who has enough, own limits and unopened accounts too; at the booking the last word is the balance."""
    crm.select().set_access("club", "full").apply(key="access")
    crm.programs.join(people["Eve"], "club")
    for name, paid, limit in [("Anna", 10, None), ("Ben", 4, 6), ("Chloe", 4, 5), ("Dan", 9, None)]:
        crm.accounts.open(people[name], "wallet", credit_limit=limit)
        crm.accounts.replenish(people[name], "wallet", paid)
    plan = crm.select().spend_account("wallet", 10, reference="fee")
    assert (plan.eligible, plan.skipped) == (2, {"not_enough_funds": 3})
    assert plan.customers().ids() == [people["Anna"].id, people["Ben"].id]
    result = plan.apply(key="fee")
    assert (result.applied, result.outcome(people["Ben"]), result.outcome(people["Eve"])) == (
        2, "applied", "not_enough_funds",
    )
    assert crm.accounts.balance(people["Ben"], "wallet") == euros("-6")
    [*_, last] = crm.accounts.statement(people["Anna"], "wallet").entries
    assert (last.kind, last.amount, last.reference) == ("spend", euros("-10"), "fee")
    assert crm.select().spend_account("wallet", 1).eligible == 2
    crm.accounts.add("tab", program="club", credit_limit=10)
    tab = crm.select().spend_account("tab", 10)
    assert tab.eligible == 5 and tab.apply(key="tab").applied == 5
    assert crm.accounts.balance(people["Eve"], "tab") == euros("-10")
    assert crm.select().spend_account("tab", "0.01").eligible == 0


def test_who_spent_meanwhile_is_refused_at_the_booking(crm, people, wallet):
    """Between freeze and batch the money went: the reason is told, counts move, and nothing else is written for them."""
    crm.select("programs.club EXISTS").set_access("club", "full").apply(key="access")
    for name in ("Anna", "Ben", "Chloe"):
        crm.accounts.replenish(people[name], "wallet", 10)

    def spend_bens(done: int, total: int) -> None:
        if done == 1:
            crm.accounts.spend(people["Ben"], "wallet", 1, key="ben")

    result = in_batches(crm, 1).select().spend_account("wallet", 10).apply(key="fee", progress=spend_bens)
    assert (result.applied, result.outcome(people["Ben"])) == (2, "not_enough_funds")
    assert [crm.accounts.balance(people[name], "wallet") for name in ("Anna", "Ben", "Chloe")] == [
        euros("0"), euros("9"), euros("0"),
    ]
    assert crm.select().spend_account("wallet", 10).apply(key="fee") == result


def test_an_account_opened_meanwhile_is_kept(crm, people, wallet):
    """Who got an account between freeze and batch keeps it with its limit, and the apply goes on."""
    def open_bens(done: int, total: int) -> None:
        if done == 1:
            crm.accounts.open(people["Ben"], "wallet", credit_limit=3)

    assert in_batches(crm, 1).select().replenish("wallet", 10).apply(key="k", progress=open_bens).applied == 2
    assert crm.accounts.available(people["Ben"], "wallet") == euros("0")
    crm.programs.set_access(people["Ben"], "club", "full")
    assert crm.accounts.available(people["Ben"], "wallet") == euros("13")


def test_threads_never_spend_one_balance_twice(crm, people, wallet):
    """Ten threads want 3 of 10 each: three have it, the others are refused by name, and 1 is left."""
    anna = people["Anna"]
    crm.accounts.replenish(anna, "wallet", 10)
    outcomes: list[str] = []

    def want() -> None:
        try:
            crm.accounts.spend(anna, "wallet", 3)
            outcomes.append("spent")
        except Refusal as no:
            outcomes.append(no.reason)

    threads = [threading.Thread(target=want) for _ in range(10)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(outcomes) == ["not_enough_funds"] * 7 + ["spent"] * 3
    assert crm.accounts.balance(anna, "wallet") == euros("1")


def test_an_apply_waits_for_who_opens_the_same_account(crm, people, wallet):
    """Whoever is about to open it goes first: the apply sees the account then, and nobody meets a taken key."""
    begun = threading.Event()

    def open_slowly() -> None:
        with crm.transaction():
            crm.accounts.open(people["Anna"], "wallet", credit_limit=5)
            begun.set()
            time.sleep(0.3)

    thread = threading.Thread(target=open_slowly)
    thread.start()
    begun.wait()
    assert crm.select().replenish("wallet", 1).apply(key="k").applied == 2
    thread.join()
    assert crm.accounts.available(people["Anna"], "wallet") == euros("6")


# telling --------------------------------------------------------------------------------------------


@pytest.fixture
def sms():
    return RecordingChannel()


@pytest.fixture
def telling(opened, sms):
    """Open a club that tells by SMS, with Anna who has a phone and Ben who has none."""
    crm = opened(currency="EUR", country="FI", channels={"sms": sms})
    crm.programs.add("club", notifications="sms")
    crm.accounts.add("wallet", program="club")
    crm.accounts.add("cups", program="club", kind="goods")
    crm.customers.add_all([{"first_name": "Anna", "phone": "040 123 4567"}, {"first_name": "Ben"}])
    crm.select().join("club").apply(key="join")
    return crm


@pytest.mark.feature("C24", "C26", "V28")
def test_what_is_paid_in_is_told(telling, sms):
    """Blank is the seed's text, which speaks of points; another is sent as given, with amount and balance; or nothing is."""
    crm = telling
    anna, ben = crm.select()
    crm.accounts.replenish(anna, "wallet", "25.90", text=" \t\n")
    crm.accounts.replenish(anna, "wallet", 5, notify=False)
    crm.accounts.replenish(anna, "wallet", 1, text="x")
    crm.accounts.replenish(anna, "wallet", 1, text=ACCOUNT_REPLENISHED)
    crm.accounts.replenish(anna, "cups", 3)
    crm.select().replenish("cups", 2, text="{name}, {amount} more: {balance}").apply(key="k")
    crm.accounts.replenish(ben, "wallet", 1)                        # no phone: the money counts all the same
    assert crm.accounts.balance(ben, "wallet") == euros("1") and crm.messages.of(ben) == []
    crm.outbox.dispatch()
    assert [each.text for each in sms.sent] == [
        "You have been charged 25.90 EUR bonus points, balance 25.90 EUR",
        "x",
        "1.00 EUR has been paid into your account, its balance is 32.90 EUR",
        "You have been charged 3 bonus points, balance 3",
        "Anna, 2 more: 5",
    ]
    with pytest.raises(Malformed):
        crm.accounts.replenish(anna, "wallet", 1, text="You have {points} more")
