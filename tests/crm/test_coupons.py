"""Coupons: what a series allows, whatever way its coupons are used, and every reason that one is refused for."""

import threading

import pytest
from attrs import evolve

import custcrm
from custcrm import Conflict, KeyConflict, Malformed, Money, NotFound, Reason, Refusal
from custcrm.actions import single
from custcrm.actions.coupons import redeeming
from custcrm.actions.coupons.judging import Checkout
from custcrm.records import Applied, Coupon, FreeCode, GuestRedemption, Redemption, Setting
from custcrm.testing import ManualClock
from tests.batches import in_batches


def reasons(call, *args, **told):
    """Return the reasons of a refusal, none when there is no refusal."""
    try:
        call(*args, **told)
    except Refusal as refusal:
        return refusal.reasons
    return ()


def at_once(count, call):
    """Call with 0, 1 … from so many threads at the same time; return results and errors."""
    found: list[object] = []
    start = threading.Barrier(count)

    def run(number: int) -> None:
        start.wait()
        try:
            found.append(call(number))
        except custcrm.CrmError as error:
            found.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(found) == count
    return found


def records(crm, record):
    with crm._business.reading() as reader:
        return list(reader.find(record))


def set_clock(clock, instant):
    """Set the clock to any time, also back."""
    clock._now = ManualClock(instant)()


@pytest.fixture
def anna(crm, people):
    return people["Anna"]


@pytest.fixture
def eve(crm, people):
    """Return a second customer with full access."""
    crm.programs.join(people["Eve"], "club")
    return people["Eve"]


@pytest.fixture
def series(crm, people):
    """Return a function that adds a series of the club and returns its name."""

    def add(name="s", **terms):
        return crm.coupons.add_series(name, program="club", **terms).name

    return add


# states and reasons ------------------------------------------------------------------------------


@pytest.mark.feature("I19", "I20")
def test_what_becomes_of_a_coupon(crm, anna, series, clock):
    """Issued, reserved, redeemed, restored, revoked, expired: state, availability and refusals agree, and the past stays."""
    coupon = crm.coupons.issue(anna, series(valid="30 days"))
    assert crm.coupons.state(coupon) == crm.coupons.state(coupon.code) == "issued"
    clock.advance("1 hour")
    crm.coupons.reserve(coupon, reference="o-1")
    assert crm.coupons.state(coupon) == "reserved" and crm.coupons.available(anna) == []
    clock.advance("10 minutes")
    assert crm.coupons.redeem(coupon.code, reference="o-1").id == coupon.id
    assert crm.coupons.state(coupon) == "redeemed"
    assert reasons(crm.coupons.redeem, coupon) == ("already_redeemed",)
    assert reasons(crm.coupons.redeem, coupon, reference="o-2") == ("already_redeemed",)
    clock.advance("1 hour")
    [back] = crm.coupons.restore(coupon, reason="order cancelled")
    assert back.restored_at == clock() and back.reason == "order cancelled"
    assert crm.coupons.state(coupon) == "issued" and crm.coupons.available(anna) == [crm.coupons.of(anna)[0]]
    clock.advance("1 hour")
    revoked = crm.coupons.revoke(coupon, reason="sent by mistake")
    assert revoked.reason == "sent by mistake" and crm.coupons.state(coupon) == "revoked"
    assert reasons(crm.coupons.redeem, coupon) == ("revoked",) == reasons(crm.coupons.revoke, coupon, reason="again")
    clock.advance("40 days")
    assert reasons(crm.coupons.redeem, coupon) == ("revoked", "expired")
    assert crm.coupons.available(anna) == [] and len(crm.coupons.of(anna)) == 1
    states = {"12:30": "issued", "13:05": "reserved", "13:15": "redeemed", "14:15": "issued", "15:15": "revoked"}
    for at, state in states.items():
        assert crm.coupons.state(coupon, as_of=f"2026-11-21T{at}") == state
        assert len(crm.coupons.available(anna, as_of=f"2026-11-21T{at}")) == (state == "issued")
    assert crm.coupons.available(anna, as_of="2026-11-21T11:00") == []


@pytest.mark.feature("I19")
def test_an_expired_coupon_is_gone_from_what_is_available_and_never_from_history(crm, anna, series, clock):
    """Valid while now < expires_at, by time alone."""
    coupon = crm.coupons.issue(anna, series(valid="2026-11-22"))
    clock.advance("1 day")
    assert crm.coupons.available(anna) == [coupon]
    set_clock(clock, "2026-11-23T00:00+02:00")
    assert crm.coupons.state(coupon) == "expired" and crm.coupons.available(anna) == []
    assert crm.coupons.of(anna) == (coupon,)
    assert crm.coupons.state(coupon, as_of="2026-11-22T23:59") == "issued"
    assert reasons(crm.coupons.redeem, coupon) == ("expired",)
    assert reasons(crm.coupons.issue, anna, "s") == ("expired",)


@pytest.mark.feature("E27", "V34")
def test_every_reason_is_told_in_its_order(crm, people, series, clock):
    """Who may not, whose it is not, and what is wrong with the coupon: all of it at once; `why` says the same beforehand."""
    anna, ben, chloe, dan, eve = (people[name] for name in ("Anna", "Ben", "Chloe", "Dan", "Eve"))
    crm.programs.add("other")
    crm.programs.join(anna, "other")
    coupon = crm.coupons.issue(anna, series(valid="30 days"))
    elsewhere = crm.coupons.issue(anna, crm.coupons.add_series("o", program="other").name)
    bens = crm.coupons.issue(ben, "s")
    assert reasons(crm.coupons.redeem, bens) == ("limited_access",)
    crm.coupons.redeem(coupon)
    clock.advance("31 days")
    crm.customers.update(anna, coupon_eligible=False)
    crm.programs.set_access(anna, "club", "blacklisted")
    found = reasons(crm.coupons.redeem, coupon, customer=ben)
    assert found == ("blacklisted", "limited_access", "not_eligible", "not_holder", "already_redeemed", "expired")
    assert crm.coupons.why(coupon, customer=ben) == found
    assert [reasons(crm.coupons.redeem, coupon, customer=each)[0] for each in (chloe, dan, eve)] == [
        "blacklisted", "blacklisted", "not_a_member",
    ]
    crm.customers.update(anna, coupon_eligible=True)
    assert crm.coupons.why(elsewhere) == () and crm.coupons.redeem(elsewhere).series == "o"
    assert reasons(crm.coupons.issue, anna, "s") == ("blacklisted",) and crm.coupons.issue(anna, "o").series == "o"


@pytest.mark.feature("E27")
def test_who_is_not_marked_as_eligible_neither_gets_nor_redeems_coupons(crm, anna, series):
    """The mark for coupons is its own; points do not look at it."""
    coupon = crm.coupons.issue(anna, series())
    crm.customers.update(anna, coupon_eligible=False)
    assert reasons(crm.coupons.issue, anna, "s") == ("not_eligible",)
    assert reasons(crm.coupons.redeem, coupon) == ("not_eligible",)
    crm.points.credit(anna, "club", 5)
    crm.customers.update(anna, coupon_eligible=True)
    crm.coupons.redeem(coupon)


def test_asking_why_writes_nothing(crm, anna, series):
    """Neither a coupon on the spot, nor a taken code, nor a place or a reservation comes of a question."""
    series("shared", codes="shared", shared_code="SUMMER", capacity=2)
    [code] = crm.series.generate(series("free", capacity=3), 1)
    for thing in ("SUMMER", code):
        assert crm.coupons.why(thing, customer=anna, reference="r") == ()
        assert crm.coupons.why(thing, identity="guest@example.org") == ()
    assert crm.coupons.of(anna) == () and crm.coupons.left("shared") == 2 and crm.coupons.state(code) == "free"
    assert records(crm, Redemption) == records(crm, GuestRedemption) == []
    assert not [each for each in records(crm, Setting) if each.name == "guest_key"]


def test_what_there_is_not_is_said(crm, anna, series):
    """Unknown codes are NotFound, things without a holder or a state are Malformed with what to do."""
    series("shared", codes="shared")
    [code] = crm.series.generate(series(), 1)
    shared = crm.series.get("shared").shared_code
    with pytest.raises(NotFound):
        crm.coupons.redeem("NOSUCHCODE")
    with pytest.raises(NotFound, match="did you mean"):
        crm.coupons.left("shard")
    for call in (
        lambda: crm.coupons.redeem(code), lambda: crm.coupons.redeem(shared), lambda: crm.coupons.state(shared),
        lambda: crm.coupons.redemptions(shared), lambda: crm.coupons.revoke(code, reason="x"),
        lambda: crm.coupons.release(code), lambda: crm.coupons.restore(reason="why"), lambda: crm.coupons.restore(shared),
        lambda: crm.series.revoke_code(shared),
        lambda: crm.coupons.redeem(code, customer=anna, identity="x"), lambda: crm.coupons.redeem(code, identity=" "),
        lambda: crm.coupons.reserve(code, customer=anna, reference="r", for_="0 minutes"),
        lambda: crm.coupons.redeem(code, customer=anna, discount="-1"),
        lambda: crm.coupons.redeem(code, customer=anna, discount="1", lines=[]),
    ):
        with pytest.raises(Malformed):
            call()
    assert crm.coupons.state(code) == "free"


# limits ------------------------------------------------------------------------------------------


@pytest.mark.feature("V17")
def test_a_customer_is_limited_by_series_and_a_code_by_its_uses(crm, anna, series, clock):
    """Two codes of one series count together, each may be used as often as a coupon may, another series is another count."""
    first = crm.coupons.issue(anna, series("a", per_customer=1, per_coupon=2))
    other = crm.coupons.issue(anna, series("b", per_customer=1))
    codes = crm.series.generate("a", 1)
    assert reasons(crm.coupons.issue, anna, "a") == reasons(crm.coupons.redeem, codes[0], customer=anna) == ("customer_limit",)
    crm.coupons.redeem(first)
    assert crm.coupons.state(first) == "issued"
    clock.advance("1 minute")
    crm.coupons.redeem(first.code, customer=anna)
    assert crm.coupons.state(first) == "redeemed" and reasons(crm.coupons.redeem, first) == ("already_redeemed",)
    assert len(crm.coupons.redemptions(first)) == 2 and crm.coupons.state(other) == "issued"
    assert crm.coupons.state(first, as_of="2026-11-21T12:00:30") == "issued"


@pytest.mark.feature("V18")
def test_the_limit_holds_without_a_code(crm, anna, eve, series):
    """A shared code is issued on the spot, as often as a customer may and the series has places, and no more."""
    series(codes="shared", shared_code="SUMMER", per_customer=2, capacity=3)
    for number in (1, 2):
        coupon = crm.coupons.redeem("SUMMER", customer=anna, reference=f"r-{number}")
        assert coupon.code is None and crm.coupons.state(coupon) == "redeemed"
    assert reasons(crm.coupons.redeem, "SUMMER", customer=anna) == ("customer_limit", "already_redeemed")
    assert reasons(crm.coupons.issue, anna, "s") == ("customer_limit",)
    issued = crm.coupons.issue(eve, "s")
    assert crm.coupons.redeem("SUMMER", customer=eve).id == issued.id
    assert crm.coupons.left("s") == 0
    assert reasons(crm.coupons.redeem, "SUMMER", customer=eve) == ("series_capacity", "already_redeemed")
    assert len(records(crm, Coupon)) == 3


def test_a_shared_code_is_issued_only_while_the_series_issues(crm, anna, series, clock):
    """Its window and its own time hold on the spot, too; a coupon that the customer has is not issued again."""
    series("later", codes="shared", shared_code="LATER", issue_from="2026-12-01")
    series("short", codes="shared", shared_code="SHORT", issue_until="2026-11-23", valid="2026-11-30")
    assert reasons(crm.coupons.redeem, "LATER", customer=anna) == ("series_closed",)
    crm.coupons.issue(anna, "short")
    clock.advance("5 days")
    crm.coupons.redeem("SHORT", customer=anna)
    assert reasons(crm.coupons.redeem, "SHORT", customer=anna) == ("series_closed", "already_redeemed")
    clock.advance("5 days")
    assert reasons(crm.coupons.redeem, "SHORT", customer=anna) == ("series_closed", "already_redeemed", "expired")


@pytest.mark.feature("V20")
def test_what_a_customer_may_still_get_is_counted_by_customer(crm, anna, eve, series):
    """What others have used says nothing about this customer; the series' own rest and no limit are told, too."""
    series("few", per_customer=2, capacity=5)
    series("any")
    for _ in range(2):
        crm.coupons.redeem(crm.coupons.issue(eve, "few"))
    assert crm.coupons.left("few") == 3
    assert (crm.coupons.left("few", customer=anna), crm.coupons.left("few", customer=eve)) == (2, 0)
    coupon = crm.coupons.issue(anna, "few")
    assert crm.coupons.left("few", customer=anna) == 1
    crm.series.change("few", capacity=3)
    assert crm.coupons.left("few", customer=anna) == 0
    crm.coupons.revoke(coupon, reason="x")
    assert crm.coupons.left("few", customer=anna) == 1
    assert crm.coupons.left("any") is None and crm.coupons.left("any", customer=anna) is None


@pytest.mark.feature("I20")
@pytest.mark.parametrize("frees", [True, False])
def test_revoking_frees_places_where_the_series_says_so(crm, anna, series, frees):
    """One policy for the series' place and the customer's; a coupon that was used in part keeps both."""
    coupon = crm.coupons.issue(anna, series(capacity=1, per_customer=1, revoke_frees=frees))
    crm.coupons.revoke(coupon, reason="x", key="k")
    assert crm.coupons.revoke(coupon, reason="x", key="k").revoked_at is not None
    assert crm.coupons.left("s") == (1 if frees else 0)
    assert reasons(crm.coupons.issue, anna, "s") == (() if frees else ("customer_limit",))
    used = crm.coupons.issue(anna, series("many", capacity=2, per_coupon=2))
    crm.coupons.redeem(used)
    crm.coupons.revoke(used, reason="x")
    assert crm.coupons.left("many") == 1
    assert reasons(crm.coupons.redeem, used) == ("revoked",)


@pytest.mark.feature("V17", "I20")
def test_who_used_a_coupon_gets_no_other_by_having_it_revoked(crm, anna, eve, series):
    """What was used counts against the limit, revoked or not: however it is asked, by plan, by shared and by free code."""
    used = crm.coupons.issue(anna, series(per_customer=1, per_coupon=2, capacity=10))
    unused = crm.coupons.issue(eve, "s")
    crm.coupons.redeem(used, reference="o-1")
    assert crm.coupons.revoke(used, reason="x").ordinal == 1
    assert crm.coupons.revoke(unused, reason="x").ordinal is None
    assert crm.coupons.left("s") == 9
    assert (crm.coupons.left("s", customer=anna), crm.coupons.left("s", customer=eve)) == (0, 1)
    assert reasons(crm.coupons.issue, anna, "s") == ("customer_limit",)
    [code] = crm.series.generate("s", 1)
    assert crm.coupons.why(code, customer=anna) == ("customer_limit",) and crm.coupons.why(code, customer=eve) == ()
    plan = crm.select("programs.club.access = 'full'").issue_coupons("s")
    assert (plan.eligible, plan.skipped) == (1, {"customer_limit": 1})
    series("shared", codes="shared", shared_code="SUMMER", per_customer=1, per_coupon=2)
    crm.coupons.revoke(crm.coupons.redeem("SUMMER", customer=anna), reason="x")
    assert crm.coupons.why("SUMMER", customer=anna) == ("customer_limit", "revoked")
    several = [crm.coupons.issue(eve, series("two", per_customer=2, per_coupon=2)), crm.coupons.issue(eve, "two")]
    crm.coupons.redeem(several[0])
    assert crm.select().revoke_coupons("two", reason="x").apply(key="two").applied == 1
    assert crm.coupons.left("two", customer=eve) == 1


@pytest.mark.feature("I20", "V19")
def test_a_revoked_coupon_gives_its_place_back_with_its_last_use(crm, anna, series):
    """Once, in the series and for the customer, whichever use is taken back last; not where the series keeps places."""
    series(per_customer=1, per_coupon=3, capacity=5, stackable=True)
    coupon = crm.coupons.issue(anna, "s")
    for order in ("o-1", "o-2"):
        crm.coupons.redeem(coupon, reference=order)
    crm.coupons.revoke(coupon, reason="x")
    crm.coupons.restore(reference="o-1")
    assert (crm.coupons.left("s"), crm.coupons.left("s", customer=anna)) == (4, 0)
    crm.coupons.restore(coupon)
    assert (crm.coupons.left("s"), crm.coupons.left("s", customer=anna)) == (5, 1)
    assert reasons(crm.coupons.restore, coupon) == ("not_redeemed",) and crm.coupons.state(coupon) == "revoked"
    assert crm.coupons.left("s") == 5 and crm.coupons.issue(anna, "s").ordinal == 2
    keeps = crm.coupons.issue(anna, series("keeps", per_customer=1, per_coupon=2, capacity=5, revoke_frees=False))
    crm.coupons.redeem(keeps)
    crm.coupons.revoke(keeps, reason="x")
    crm.coupons.restore(keeps)
    assert (crm.coupons.left("keeps"), crm.coupons.left("keeps", customer=anna)) == (4, 0)


@pytest.mark.feature("I20", "V19")
def test_a_revoked_code_gives_its_place_back_with_its_last_use(crm, anna, series):
    """One that nobody took, and one that a customer took after a guest; a code that is used keeps it meanwhile."""
    free, taken = crm.series.generate(series(per_customer=1, per_coupon=2, capacity=5), 2)
    for code in (free, taken):
        crm.coupons.redeem(code, identity=f"guest of {code}", reference=f"order of {code}")
    crm.coupons.reserve(taken, customer=anna, reference="o-1")
    crm.series.revoke_code(free)
    crm.coupons.revoke(taken, reason="x")
    assert (crm.coupons.left("s"), crm.coupons.left("s", customer=anna)) == (3, 0)
    crm.coupons.restore(free)
    assert (crm.coupons.left("s"), crm.coupons.left("s", customer=anna)) == (4, 0)
    crm.coupons.restore(reference=f"order of {taken}")
    assert (crm.coupons.left("s"), crm.coupons.left("s", customer=anna)) == (5, 1)
    assert reasons(crm.coupons.restore, free) == reasons(crm.coupons.restore, taken) == ("not_redeemed",)
    assert crm.coupons.left("s") == 5


@pytest.mark.feature("I20")
def test_what_was_redeemed_cannot_be_revoked(crm, anna, series):
    """Nor does a revoked coupon count as redeemed."""
    coupon = crm.coupons.issue(anna, series(capacity=1))
    crm.coupons.redeem(coupon)
    assert reasons(crm.coupons.revoke, coupon, reason="x") == ("already_redeemed",)
    assert crm.coupons.state(coupon) == "redeemed" and crm.coupons.left("s") == 0


def test_revoking_of_a_selection(crm, anna, eve, series):
    """Each customer's coupons that are not used up; who has none is skipped, places come back."""
    series(capacity=10)
    mine = [crm.coupons.issue(anna, "s"), crm.coupons.issue(anna, "s")]
    eves = crm.coupons.issue(eve, "s")
    crm.coupons.redeem(mine[0])
    crm.coupons.redeem(eves)
    plan = crm.select().revoke_coupons("s", reason="a mistake")
    assert (plan.eligible, plan.skipped) == (2, {"unchanged": 4 - 1})
    result = plan.apply(key="revoke")
    assert (result.applied, result.skipped) == (1, {"unchanged": 3, "already_redeemed": 1})
    assert [crm.coupons.state(each) for each in (*mine, eves)] == ["redeemed", "revoked", "redeemed"]
    assert crm.coupons.left("s") == 8 and plan.apply(key="revoke").repeated


# orders ------------------------------------------------------------------------------------------


@pytest.mark.feature("V19")
def test_a_revived_order_does_not_get_a_coupon_that_another_has_used(crm, anna, series):
    """Order A is cancelled, order B uses the coupon, order A revives: refused."""
    coupon = crm.coupons.issue(anna, series(per_customer=1))
    crm.coupons.redeem(coupon, reference="A")
    [back] = crm.coupons.restore(reference="A")
    assert back.coupon_id == coupon.id
    crm.coupons.redeem(coupon, reference="B")
    assert reasons(crm.coupons.redeem, coupon, reference="A") == ("already_redeemed",)
    assert reasons(crm.coupons.restore, reference="A") == ("not_redeemed",)


def test_restoring_follows_the_policy_of_each_series(crm, anna, series):
    """What may not come back stays redeemed; where nothing may, it is said. Under a key it is done once."""
    kept, back = (
        crm.coupons.issue(anna, series(name, stackable=True, restore_on_cancel=name == "back")) for name in ("kept", "back")
    )
    for coupon in (kept, back):
        crm.coupons.redeem(coupon, reference="o-1")
    restored = crm.coupons.restore(reference=["o-1", "other number"], key="cancel o-1")
    assert [each.series for each in restored] == ["back"]
    assert (crm.coupons.state(kept), crm.coupons.state(back)) == ("redeemed", "issued")
    crm.coupons.redeem(back, reference="o-1")
    assert crm.coupons.restore(reference=["o-1", "other number"], key="cancel o-1") == restored
    assert crm.coupons.state(back) == "redeemed"
    assert reasons(crm.coupons.restore, kept) == ("not_restored",)
    assert reasons(crm.coupons.restore, back, reference="o-2") == ("not_redeemed",)
    with pytest.raises(KeyConflict):
        crm.coupons.restore(back, key="cancel o-1")


def test_a_reserved_coupon_is_for_its_order_until_the_time_is_over(crm, anna, series, clock):
    """Others are refused meanwhile; the order redeems; no job lets go."""
    coupon = crm.coupons.issue(anna, series())
    kept = crm.coupons.reserve(coupon, reference="o-1", for_="20 minutes", key="k")
    assert kept.reserved_for == "o-1" and kept.reserved_until > kept.reserved_at == clock()
    assert crm.coupons.reserve(coupon, reference="o-1", for_="20 minutes", key="k") == kept
    assert crm.coupons.why(coupon) == crm.coupons.why(coupon, reference="o-2") == ("reserved",)
    assert reasons(crm.coupons.reserve, coupon, reference="o-2") == ("reserved",)
    assert reasons(crm.coupons.release, coupon, reference="o-2") == ("not_reserved",)
    clock.advance("10 minutes")
    assert crm.coupons.reserve(coupon, reference="o-1", for_="20 minutes").reserved_at == kept.reserved_at
    clock.advance("19 minutes")
    assert crm.coupons.state(coupon) == "reserved"
    clock.advance("1 minute")
    assert crm.coupons.state(coupon) == "issued" and reasons(crm.coupons.release, coupon) == ("not_reserved",)
    crm.coupons.reserve(coupon, reference="o-2")
    assert crm.coupons.state(crm.coupons.release(coupon)) == "issued"
    crm.coupons.reserve(coupon, reference="o-3")
    crm.coupons.redeem(coupon, reference="o-3")
    crm.coupons.restore(reference="o-3")
    assert crm.coupons.state(coupon) == "issued"


def test_a_code_that_is_reserved_has_a_holder(crm, anna, eve, series):
    """A free code becomes the customer's, a shared one is issued on the spot; the order then redeems that same coupon."""
    [code] = crm.series.generate(series("free"), 1)
    assert crm.coupons.reserve(code, customer=anna, reference="o-1").code == code
    assert reasons(crm.coupons.redeem, code, customer=eve, reference="o-1") == ("not_holder",)
    series("shared", codes="shared", shared_code="SUMMER", per_customer=2)
    crm.coupons.issue(anna, "shared")
    crm.coupons.reserve("SUMMER", customer=anna, reference="o-0")
    kept = crm.coupons.reserve("SUMMER", customer=anna, reference="o-1", key="k")
    assert crm.coupons.reserve("SUMMER", customer=anna, reference="o-1", key="k") == kept
    assert crm.coupons.why("SUMMER", customer=anna) == ("customer_limit", "reserved")
    assert crm.coupons.redeem("SUMMER", customer=anna, reference="o-1").id == kept.id


def test_coupons_are_combined_only_where_all_of_them_allow_it(crm, anna, eve, series):
    """One that stands alone keeps others out of its order, and is kept out; a restored one is not there any more."""
    series("alone")
    series("a", stackable=True)
    series("b", stackable=True)
    alone, first, second = (crm.coupons.issue(anna, name) for name in ("alone", "a", "b"))
    others = crm.coupons.issue(eve, "alone")
    crm.coupons.redeem(first, reference="o-1")
    crm.coupons.redeem(second, reference="o-1")
    assert reasons(crm.coupons.redeem, alone, reference="o-1") == ("not_stackable",)
    assert crm.coupons.why(alone) == ()
    crm.coupons.redeem(alone, reference="o-2")
    assert reasons(crm.coupons.redeem, others, reference="o-2") == ("not_stackable",)
    crm.coupons.restore(alone)
    crm.coupons.redeem(others, reference="o-2")
    twice = crm.coupons.issue(anna, series("twice", per_coupon=2))
    crm.coupons.redeem(twice, reference="o-3")
    assert reasons(crm.coupons.redeem, twice, reference="o-3", key="once more") == ("not_stackable",)


def test_whoever_brings_a_transferable_coupon_may_redeem_it(crm, people, eve, series):
    """The holder's access counts, and the access of who brings it."""
    anna = people["Anna"]
    gift = crm.coupons.issue(anna, series("gift", transferable=True))
    own = crm.coupons.issue(anna, series("own"))
    assert reasons(crm.coupons.redeem, own, customer=eve) == ("not_holder",)
    assert reasons(crm.coupons.redeem, gift, customer=people["Ben"]) == ("limited_access",)
    assert crm.coupons.redeem(gift, customer=eve).customer_id == anna.id
    assert crm.coupons.state(gift) == "redeemed"


def test_a_sale_and_its_coupon_stand_or_fall_together(crm, anna, series):
    """The sale is the reference and tells whose it is; what is refused at the till leaves no sale."""
    crm.points_of_sale.add("Harbour")
    crm.terminals.add("Till", point_of_sale="Harbour")
    coupon = crm.coupons.issue(anna, series())
    with crm.transaction():
        sale = crm.sales.record(anna, "25.00", terminal="Till", external_id="r-1")
        crm.coupons.redeem(coupon.code, sale=sale, discount="2.50")
    [made] = crm.coupons.redemptions(coupon)
    assert (made.reference, made.terminal, made.point_of_sale) == (sale.id, "Till", "Harbour")
    assert made.discount == Money("2.50", "EUR") and made.program == "club"
    with pytest.raises(Refusal), crm.transaction():  # noqa: PT012 (both are undone)
        crm.sales.record(anna, "1.00", external_id="r-2")
        crm.coupons.redeem(coupon.code, reference="r-2")
    assert crm.select("sales_count = 1").count() == 1
    with pytest.raises(Malformed):
        crm.coupons.redeem(coupon, sale=sale, reference="x")


@pytest.mark.parametrize("first", range(3))
@pytest.mark.parametrize("second", range(3))
def test_a_sale_is_one_order_by_either_of_its_names(crm, anna, series, first, second):
    """Told as the sale itself, by its id or by its external id, it is one order to combine, to reserve for and to restore."""
    sale = crm.sales.record(anna, 10, program="club", external_id="o-7")
    crm.sales.record(anna, 10, program="club", external_id="o-8")
    ways = ({"sale": sale}, {"reference": sale.id}, {"reference": "o-7"})
    one, other, kept = (crm.coupons.issue(anna, series()), *(crm.coupons.issue(anna, "s") for _ in range(2)))
    crm.coupons.redeem(one, **ways[first])
    assert crm.coupons.why(other, **ways[second]) == reasons(crm.coupons.redeem, other, **ways[second]) == ("not_stackable",)
    assert crm.coupons.why(other, reference="o-8") == ()
    name = sale.id if second == 1 else "o-7"
    assert [each.coupon_id for each in crm.coupons.restore(reference=name)] == [one.id]
    crm.coupons.reserve(kept, reference="o-7" if first == 2 else sale.id)
    assert crm.coupons.why(kept, reference="o-8") == ("reserved",)
    crm.coupons.redeem(kept, **ways[second])
    assert [each.coupon_id for each in crm.sales.details(sale).discounts] == [one.id, kept.id]
    assert [each.coupon_id for each in crm.coupons.restore(kept, reference=name)] == [kept.id]


def test_a_sale_is_one_order_to_guests_and_when_it_is_recorded_later(crm, anna, eve, series, clock):
    """A guest's use is one for the sale; what was kept for the number before is kept for the sale, and let go by either."""
    [code] = crm.series.generate(series(), 1)
    sale = crm.sales.record(anna, 10, program="club", external_id="o-7")
    crm.coupons.redeem(code, identity="guest", sale=sale)
    coupon = crm.coupons.issue(eve, "s")
    assert crm.coupons.why(coupon, reference="o-7") == ("not_stackable",)
    [back] = crm.coupons.restore(reference="o-7", key="k")
    assert crm.coupons.restore(reference="o-7", key="k") == (back,) and crm.coupons.state(code) == "free"
    kept = crm.coupons.reserve(coupon, reference="o-8")
    clock.advance("1 minute")
    later = crm.sales.record(eve, 10, program="club", external_id="o-8")
    again = crm.coupons.reserve(coupon, reference=later.id)
    assert again.reserved_at == kept.reserved_at < clock()
    assert reasons(crm.coupons.release, coupon, reference="o-7") == ("not_reserved",)
    crm.coupons.release(coupon, reference="o-8")
    assert crm.coupons.state(coupon) == "issued"


def test_a_key_stands_for_one_reservation_whatever_became_of_it(crm, anna, series, clock):
    """Reserved for another order, redeemed or revoked since: it is that coupon, as it is now, and nothing more is done."""
    series(codes="shared", shared_code="SHARED77", per_customer=2)
    first = crm.coupons.issue(anna, "s")
    told = {"customer": anna, "reference": "r-1", "key": "k-1"}
    assert crm.coupons.reserve("SHARED77", **told).id == first.id
    clock.advance("1 hour")
    now = crm.coupons.reserve("SHARED77", customer=anna, reference="r-2")
    assert crm.coupons.reserve("SHARED77", **told) == now
    assert (now.id, now.reserved_for) == (first.id, "r-2")
    second = crm.coupons.reserve("SHARED77", customer=anna, reference="r-3", key="k-3")
    assert second.id != first.id
    crm.coupons.redeem(first, reference="r-2")
    crm.coupons.revoke(second, reason="x")
    assert crm.coupons.reserve("SHARED77", **told).id == first.id
    revoked = crm.coupons.reserve("SHARED77", customer=anna, reference="r-3", key="k-3")
    assert (revoked.id, crm.coupons.state(revoked), len(crm.coupons.of(anna))) == (second.id, "revoked", 2)
    with pytest.raises(KeyConflict):
        crm.coupons.reserve("SHARED77", customer=anna, reference="r-9", key="k-3")
    [code] = crm.series.generate(series("free"), 1)
    taken = crm.coupons.reserve(code, customer=anna, reference="r-4", key="k-4")
    crm.coupons.redeem(code, reference="r-4")
    assert crm.coupons.reserve(code, customer=anna, reference="r-4", key="k-4").id == taken.id


def test_a_key_stands_for_one_redemption(crm, anna, eve, series):
    """The same again returns the same and uses nothing up, by record or code or a code since taken; else KeyConflict."""
    coupon = crm.coupons.issue(anna, series("s", per_coupon=3))
    first = crm.coupons.redeem(coupon, reference="r", key="k")
    assert crm.coupons.redeem(coupon.code, reference="r", key="k") == first
    assert len(crm.coupons.redemptions(coupon)) == 1
    with pytest.raises(KeyConflict):
        crm.coupons.redeem(coupon, reference="other", key="k")
    [code] = crm.series.generate("s", 1)
    taken = crm.coupons.redeem(code, customer=anna, key="free")
    assert crm.coupons.redeem(code, customer=anna, key="free") == taken and len(crm.coupons.redemptions(code)) == 1
    [guests] = crm.series.generate("s", 1)
    visit = crm.coupons.redeem(guests, identity="g@example.org", key="guest")
    assert crm.coupons.redeem(guests, identity="g@example.org", key="guest") == visit
    assert len(crm.coupons.redemptions(guests)) == 1
    with pytest.raises(KeyConflict):
        crm.coupons.redeem(guests, identity="h@example.org", key="guest")


# free codes and guests ---------------------------------------------------------------------------


@pytest.mark.feature("V15")
def test_codes_are_made_in_bulk_within_the_capacity_once(crm, series, clock):
    """All different, all placed, none when one would be too many; under a key the same codes for ever."""
    series(capacity=2_500, valid="30 days")
    made = crm.series.generate("s", 2_000, key="print run")
    steps: list[tuple[int, int]] = []
    crm.series.generate(series("two"), 1_500, progress=lambda done, total: steps.append((done, total)))
    assert steps == [(0, 1_500), (1_000, 1_500), (1_500, 1_500)]
    assert len(set(made)) == 2_000 and crm.coupons.left("s") == 500
    assert all(len(code) == 12 and not set(code) & set("0O1I") for code in made)
    assert crm.series.generate("s", 2_000, key="print run") == made and crm.coupons.left("s") == 500
    more = crm.series.generate("s", 10, key="more")
    assert crm.series.generate("s", 2_000, key="print run") == made and not set(more) & set(made)
    with pytest.raises(Refusal) as caught:
        crm.series.generate("s", 491)
    assert caught.value.details == {"series": "s", "needed": 491, "left": 490}
    assert crm.coupons.left("s") == 490 and len(records(crm, FreeCode)) == 3_510
    with pytest.raises(KeyConflict):
        crm.series.generate("s", 1_999, key="print run")
    crm.series.change("s", issue_until="2026-11-22")
    clock.advance("2 days")
    assert reasons(crm.series.generate, "s", 1) == ("series_closed",)
    series("shared", codes="shared")
    for name, count in (("shared", 1), ("s", 0), ("s", True), ("s", 10**6 + 1)):
        with pytest.raises(Malformed):
            crm.series.generate(name, count)


def test_a_free_code_is_whoever_redeems_it_first(crm, anna, eve, series, clock):
    """It becomes the customer's coupon, with the time that it was made with; then it is nobody else's."""
    code, other, spare = crm.series.generate(series(capacity=3, valid="30 days"), 3)
    assert crm.coupons.state(code) == "free"
    clock.advance("20 days")
    coupon = crm.coupons.redeem(code, customer=anna)
    assert coupon.customer_id == anna.id and coupon.code == code and crm.coupons.state(code) == "redeemed"
    assert crm.coupons.of(anna) == (coupon,) and crm.coupons.left("s") == 0
    assert reasons(crm.coupons.redeem, code, customer=eve) == ("not_holder", "already_redeemed")
    assert reasons(crm.coupons.redeem, code, identity="g") == ("not_holder", "already_redeemed")
    assert crm.series.revoke_code(spare).revoked_at is not None and crm.coupons.left("s") == 1
    assert crm.coupons.state(spare) == "revoked"
    assert reasons(crm.coupons.redeem, spare, customer=anna) == reasons(crm.series.revoke_code, spare) == ("revoked",)
    clock.advance("10 days")
    assert crm.coupons.state(other) == "expired" and reasons(crm.coupons.redeem, other, customer=anna) == ("expired",)
    assert crm.coupons.state(other, as_of="2026-11-25") == "free"


def test_the_limit_holds_for_guests(crm, series):
    """A guest is told from another by a text that is nowhere kept; restoring gives the guest's turn back, and the code's."""
    first, second, third = crm.series.generate(series(per_customer=1, per_coupon=2), 3)
    visit = crm.coupons.redeem(first, identity=" ann@example.org ", reference="o-1")
    crm.coupons.redeem(first, identity="ann@example.org", reference="o-2")
    assert reasons(crm.coupons.redeem, second, identity="ann@example.org") == ("customer_limit",)
    assert crm.coupons.why(first, identity="ann@example.org") == ("already_redeemed",)
    for reference in (None, "o-1"):
        assert crm.coupons.why(first, identity="bea", reference=reference) == ("already_redeemed",)
    crm.coupons.redeem(second, identity="bob@example.org")
    assert crm.coupons.state(first) == "redeemed" and crm.coupons.state(second) == "free"
    assert [each.id for each in crm.coupons.restore(reference="o-1")] == [visit.id]
    crm.coupons.restore(reference="o-2")
    assert crm.coupons.state(first) == "free"
    crm.coupons.redeem(third, identity="ann@example.org")
    kept = [str(each) for record in (GuestRedemption, Setting, Applied) for each in records(crm, record)]
    assert not any("example" in text for text in kept)
    assert len({each.identity for each in records(crm, GuestRedemption)}) == 2


def test_guests_use_up_a_shared_code_too(crm, anna, series):
    """Each guest has a place in the series, for as many uses as a coupon has; restoring gives the place back."""
    series(codes="shared", shared_code="SUMMER", capacity=2, per_customer=1, per_coupon=2)
    for number in (1, 2):
        crm.coupons.redeem("SUMMER", identity="ann", reference=f"o-{number}")
        assert crm.coupons.left("s") == 1
    assert reasons(crm.coupons.redeem, "SUMMER", identity="ann") == ("customer_limit",)
    crm.coupons.redeem("SUMMER", customer=anna)
    assert reasons(crm.coupons.redeem, "SUMMER", identity="bea") == ("series_capacity",)
    crm.coupons.restore(reference="o-1")
    assert crm.coupons.left("s") == 0
    crm.coupons.restore("SUMMER", reference="o-2")
    assert crm.coupons.left("s") == 1
    crm.coupons.redeem("SUMMER", identity="bea")


def test_a_coupon_of_a_customer_is_no_guests(crm, anna, series):
    """Neither by its code nor without one."""
    coupon = crm.coupons.issue(anna, series())
    assert reasons(crm.coupons.redeem, coupon.code, identity="g") == ("not_holder",)
    series("shared", codes="shared")
    with pytest.raises(Malformed):
        crm.coupons.redeem(crm.coupons.issue(anna, "shared"), identity="g")


def test_what_a_guest_used_of_a_code_counts_for_the_customer_who_takes_it(crm, anna, series):
    """A code's uses are counted together, whoever made them."""
    [code] = crm.series.generate(series(per_coupon=2), 1)
    crm.coupons.redeem(code, identity="g", reference="o-1")
    coupon = crm.coupons.redeem(code, customer=anna)
    assert crm.coupons.state(coupon) == "redeemed" and reasons(crm.coupons.redeem, code) == ("already_redeemed",)
    crm.coupons.restore(reference="o-1")
    assert crm.coupons.available(anna) == [coupon]


# codes -------------------------------------------------------------------------------------------


def test_codes_that_could_be_guessed_are_refused(crm, series):
    """Ten thousand tries for each coupon of a full series, a thousand million codes for one without end."""
    series("digits", alphabet="digits", capacity=10**8, guessable=True)
    assert crm.series.get("digits").code_length == 12
    series("short", alphabet="ABCDEFGHJK", code_length=6, capacity=100, guessable=True)
    for terms in (
        {"alphabet": "digits", "capacity": 10**8 + 1, "guessable": True},
        {"alphabet": "digits", "code_length": 8, "guessable": True},
        {"alphabet": "AB", "code_length": 20, "capacity": 1_000}, {"alphabet": "A"}, {"alphabet": "AAB"}, {"alphabet": "ABO"},
        {"alphabet": "AB1"}, {"alphabet": "ÄB"}, {"alphabet": "A B"}, {"code_length": 3}, {"code_length": 65},
        {"code_length": "12"},
    ):
        with pytest.raises(Malformed):
            series("bad", **terms)
    with pytest.raises(Malformed, match="at most 100"):
        crm.series.change("short", capacity=101)
    assert crm.series.get("short").capacity == 100


class Repeating:
    """Random bits of which every number comes twice, so that every second code is drawn before."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, bits: int) -> int:
        self.asked += 1
        return (self.asked // 2 * 0x9E3779B97F4A7C15F39CC0605CEDC834) % (1 << bits)


def test_codes_of_a_small_space_are_drawn_until_nobody_has_them(crm, people, series):
    """Issued one by one, in bulk and generated, with random bits that repeat themselves: no clash, no code twice."""
    series(alphabet="digits", code_length=9, guessable=True)
    series("shared", codes="shared", shared_code="123456789")
    faulty = custcrm.Crm(evolve(crm._business, random_bits=Repeating()))
    again = custcrm.Crm(evolve(crm._business, random_bits=Repeating()))
    made = {faulty.coupons.issue(people["Anna"], "s").code, *faulty.series.generate("s", 50)}
    made |= {again.coupons.issue(people["Anna"], "s").code, *again.series.generate("s", 50)}
    assert len(made) == 102
    assert custcrm.Crm(evolve(crm._business, random_bits=Repeating())).select().issue_coupons("s").apply(key="k").applied == 2
    assert len({*made, *(each.code for each in records(crm, Coupon))}) == 104


def test_one_code_stands_for_one_thing(crm, anna, series):
    """A shared code that another series, a coupon or a free code has is a Conflict."""
    coupon = crm.coupons.issue(anna, series())
    [code] = crm.series.generate("s", 1)
    series("summer", codes="shared", shared_code="SUMMER")
    for taken in ("SUMMER", coupon.code, code):
        with pytest.raises(Conflict):
            series("other", codes="shared", shared_code=taken)
    with pytest.raises(Malformed):
        series("other", shared_code="WINTER")
    series("made", codes="shared")
    assert len(crm.series.get("made").shared_code) == 12
    assert crm.coupons.redeem(" SUMMER ", customer=anna).series == "summer"


# terms -------------------------------------------------------------------------------------------


def test_the_terms_that_may_change(crm, anna, series):
    """More places, a longer window, another budget; never less than is issued or spent; a plan from before goes by them."""
    series(capacity=1, issue_until="2026-11-22", budget="10")
    plan = crm.select("programs.club EXISTS").issue_coupons("s")
    assert plan.problems
    coupon = crm.coupons.issue(anna, "s")
    crm.coupons.redeem(coupon, discount="4.00", reference="o-1")
    with pytest.raises(Malformed):
        crm.series.change("s", budget="3.99")
    changed = crm.series.change("s", capacity=10, issue_until=None, budget="5")
    assert (changed.capacity, changed.issue_until, changed.issued) == (10, None, 1)
    assert crm.series.budget_left("s") == Money("1", "EUR")
    assert plan.apply(key="k").applied == 2 and crm.series.get("s").issued == 3
    wrong: list[dict] = [{"capacity": 2}, {"capacity": 0}, {"budget": "-1"}, {"budget": 1.5}]
    for terms in wrong:
        with pytest.raises(Malformed):
            crm.series.change("s", **terms)
    assert crm.series.change("s", capacity=None).capacity is None and crm.coupons.left("s") is None
    crm.series.change("s", budget=None)
    assert crm.series.budget_left("s") is None
    crm.series.change("s", budget="7")
    assert crm.series.budget_left("s") == Money("3", "EUR")


def test_a_series_is_described_by_locale_and_kind(crm, series):
    """Title, description and their translations are kept as given; an unknown kind names the known ones."""
    series(title="10 % off", titles={"fi": "10 % alennus"}, descriptions={"fi": "Kaikesta"}, kind="certificate")
    kept = crm.series.get("s")
    assert (kept.title, dict(kept.titles), dict(kept.descriptions), kept.kind) == (
        "10 % off", {"fi": "10 % alennus"}, {"fi": "Kaikesta"}, "certificate",
    )
    wrong: tuple[dict, ...] = (
        {"kind": "coupon"}, {"titles": "x"}, {"titles": {"fi": 1}}, {"stackable": 1}, {"per_coupon": 0}, {"per_customer": True},
        {"codes": "many"}, {"benefit": {}}, {"benefit": {"percent": 101}}, {"budget": "x"},
    )
    for terms in wrong:
        with pytest.raises(Malformed):
            series("bad", **terms)
    with pytest.raises(Conflict):
        series()


# benefits and budgets ----------------------------------------------------------------------------

LINES = ({"product": "Wine", "category": "drinks", "price": "10.00", "quantity": 2}, {"product": "Bread", "price": "5.00"})


def test_a_benefit_is_quoted_for_the_lines_of_a_sale(crm, anna, series):
    """By series, coupon or code, alone or combined; what cannot be combined is refused."""
    series("ten", benefit={"percent": 10, "category": "drinks"}, stackable=True)
    series("five", benefit={"amount": "5.00"}, stackable=True)
    series("bread", benefit={"product": "Bread"})
    series("words", benefit={"text": "A tasting"})
    coupon = crm.coupons.issue(anna, "ten")
    assert crm.coupons.quote("ten", LINES) == crm.coupons.quote(coupon, LINES) == crm.coupons.quote(coupon.code, LINES)
    assert crm.coupons.quote("ten", LINES).discount == Money("2.00", "EUR")
    assert crm.coupons.quote(["five", coupon], LINES).discount == Money("7.00", "EUR")
    assert crm.coupons.quote("bread", LINES).discount == Money("5.00", "EUR")
    assert crm.coupons.quote("words", LINES).discount == crm.coupons.quote("five", []).discount == Money("0", "EUR")
    assert reasons(crm.coupons.quote, ["ten", "bread"], LINES) == ("not_stackable",)
    with pytest.raises(NotFound, match="did you mean"):
        crm.coupons.quote("tenn", LINES)
    crm.coupons.redeem(coupon, lines=LINES)
    [made] = crm.coupons.redemptions(coupon)
    assert made.discount == Money("2.00", "EUR")


def test_redemptions_never_cost_more_than_the_budget(crm, anna, series):
    """Quoted or granted, what it costs is booked; over the budget is refused with both sums; restoring gives it back."""
    series(budget="10", benefit={"percent": 20})
    coupons = [crm.coupons.issue(anna, "s") for _ in range(4)]
    crm.coupons.redeem(coupons[0], lines=LINES, reference="o-1")
    assert crm.series.budget_left("s") == Money("5", "EUR")
    with pytest.raises(Refusal) as caught:
        crm.coupons.redeem(coupons[1], discount="5.01")
    assert caught.value.reasons == ("over_budget",)
    assert caught.value.details == {"series": "s", "needed": "5.01 EUR", "left": "5.00 EUR"}
    assert crm.coupons.why(coupons[1], discount="5.01") == ("over_budget",) and crm.coupons.why(coupons[1]) == ()
    with pytest.raises(Malformed):
        crm.coupons.redeem(coupons[1])
    crm.coupons.reserve(coupons[1], reference="o-2")
    assert crm.coupons.state(coupons[1]) == "reserved"
    [code] = crm.series.generate("s", 1)
    crm.coupons.redeem(code, identity="g", lines=LINES, reference="o-3")
    assert reasons(crm.coupons.redeem, coupons[2], discount="0.01") == ("over_budget",)
    crm.coupons.redeem(coupons[2], discount="0")
    for order in ("o-1", "o-3"):
        crm.coupons.restore(reference=order)
    assert crm.series.budget_left("s") == Money("10", "EUR")


# at once, and against the clock ------------------------------------------------------------------


@pytest.mark.feature("V15", "X20")
def test_one_coupon_wanted_by_many_tills(crm, anna, series):
    """One redeems it, the others are refused; the same for who reserves it, and for a shared code's last place."""
    coupon, other = (crm.coupons.issue(anna, series(name)) for name in ("a", "b"))
    found = at_once(6, lambda number: crm.coupons.redeem(coupon, reference=f"o-{number}"))
    assert [each.reasons for each in found if isinstance(each, Refusal)] == [("already_redeemed",)] * 5
    found = at_once(6, lambda number: crm.coupons.reserve(other, reference=f"p-{number}"))
    assert [each.reasons for each in found if isinstance(each, Refusal)] == [("reserved",)] * 5
    series("shared", codes="shared", shared_code="SUMMER", capacity=3)
    found = at_once(6, lambda number: crm.coupons.redeem("SUMMER", identity=f"guest {number}"))
    assert [each.reasons for each in found if isinstance(each, Refusal)] == [("series_capacity",)] * 3
    assert crm.coupons.left("shared") == 0


def test_one_guest_and_one_free_code_at_once(crm, anna, eve, series):
    """The limit of a guest holds, and one customer takes a code."""
    codes = crm.series.generate(series(per_customer=2), 6)
    for guest in ("ann", "bea", "cem"):
        found = at_once(6, lambda number, who=guest: crm.coupons.redeem(codes[number], identity=who))
        assert [each.reasons for each in found if isinstance(each, Refusal)] == [("customer_limit",)] * 4
        for each in found:
            if isinstance(each, GuestRedemption):
                crm.coupons.restore(each.code)
    [code] = crm.series.generate("s", 1)
    customers = [anna, eve] * 2
    found = at_once(4, lambda number: crm.coupons.redeem(code, customer=customers[number]))
    assert sum(isinstance(each, Coupon) for each in found) == 1
    assert all(isinstance(each, Coupon | Refusal) for each in found)


def test_a_code_that_another_took_meanwhile(crm, anna, eve, series):
    """Found free, then taken before it is held: refused, also where whoever brings a coupon may redeem it."""
    [code] = crm.series.generate(series(transferable=True, per_coupon=2), 1)
    with crm._business.reading() as reader:
        [free] = reader.find(FreeCode)
    crm.coupons.redeem(code, customer=eve)
    action = redeeming.redeeming(crm._business, free, Checkout(customer=anna.id, terminal="api"))
    assert reasons(single.perform, crm._business, lambda: action, anna.id) == ("not_holder",)
    mine = redeeming.redeeming(crm._business, free, Checkout(customer=eve.id, terminal="api"))
    single.perform(crm._business, lambda: mine, eve.id)
    assert crm.coupons.state(code) == "redeemed" and len(crm.coupons.of(eve)) == 1


def test_coupons_for_one_order_at_once(crm, people, series):
    """Of coupons that cannot be combined one is used, whosever they are."""
    owners = crm.customers.add_all([{"first_name": f"N{number}"} for number in range(6)])
    crm.select("first_name STARTS WITH 'N'").join("club").apply(key="join")
    for order in range(4):
        name = series(f"s{order}")
        coupons = [crm.coupons.issue(owner, name) for owner in owners]
        found = at_once(6, lambda number, own=coupons, to=f"o-{order}": crm.coupons.redeem(own[number], reference=to))
        assert [each.reasons for each in found if isinstance(each, Refusal)] == [("not_stackable",)] * 5


def test_revoking_and_restoring_at_once_gives_one_place_back(crm, anna, series):
    """Whichever comes first: of a coupon, and of a code that guests used."""
    series(per_customer=1, per_coupon=3, capacity=20, stackable=True)
    for turn in range(4):
        coupon = crm.coupons.issue(anna, "s")
        for order in "ab":
            crm.coupons.redeem(coupon, reference=f"{order}-{turn}")
        calls = [lambda own=coupon: crm.coupons.revoke(own, reason="x")]
        calls += [lambda to=f"{order}-{turn}": crm.coupons.restore(reference=to) for order in "ab"]
        at_once(3, lambda number, calls=calls: calls[number]())
        assert (crm.coupons.left("s"), crm.coupons.left("s", customer=anna)) == (20, 1)
    for turn, code in enumerate(crm.series.generate("s", 4)):
        for guest in "ab":
            crm.coupons.redeem(code, identity=guest, reference=f"{guest}-{code}")
        calls = [lambda code=code: crm.series.revoke_code(code)]
        calls += [lambda to=f"{guest}-{code}": crm.coupons.restore(reference=to) for guest in "ab"]
        at_once(3, lambda number, calls=calls: calls[number]())
        assert crm.coupons.left("s") == 17 + turn


def test_a_budget_at_once(crm, anna, series):
    """As many as it covers."""
    series(budget="10")
    coupons = [crm.coupons.issue(anna, "s") for _ in range(6)]
    found = at_once(6, lambda number: crm.coupons.redeem(coupons[number], discount="3"))
    assert [each.reasons for each in found if isinstance(each, Refusal)] == [("over_budget",)] * 3
    assert crm.series.budget_left("s") == Money("1", "EUR")


def test_a_clock_that_is_set_back_gives_nothing_twice(crm, anna, series, clock):
    """What was written in its future counts: uses, reservations, revocations and the limit of the customer."""
    series(per_customer=1)
    coupon = crm.coupons.issue(anna, "s")
    clock.advance("1 day")
    crm.coupons.redeem(coupon, reference="o-1")
    set_clock(clock, "2026-11-01T00:00Z")
    assert reasons(crm.coupons.redeem, coupon) == ("already_redeemed",) and crm.coupons.state(coupon) == "redeemed"
    assert reasons(crm.coupons.issue, anna, "s") == ("customer_limit",)
    assert crm.select("programs.club EXISTS").issue_coupons("s").skipped["customer_limit"] == 1
    [back] = crm.coupons.restore(reference="o-1")
    assert back.restored_at == back.redeemed_at
    assert crm.coupons.available(anna) == [coupon]
    crm.coupons.reserve(coupon, reference="o-2")
    set_clock(clock, "2026-10-01T00:00Z")
    assert crm.coupons.why(coupon) == ("reserved",)
    assert crm.coupons.revoke(coupon, reason="x").revoked_at >= coupon.issued_at
    assert crm.coupons.issue(anna, "s").ordinal == 2


def test_who_reached_the_limit_while_a_large_issue_runs_gets_no_second(crm, series):
    """Between two batches somebody issues one by hand: that customer is refused, and the place is given back."""
    crm = in_batches(crm, 3)
    customers = crm.customers.add_all([{"first_name": f"N{number}"} for number in range(7)])
    crm.select("NOT programs.club EXISTS").join("club").apply(key="join")
    series(per_customer=1, capacity=20)
    chosen = crm.select() & customers
    last = max(customers, key=lambda each: each.id)

    def interfere(done: int, total: int) -> None:
        if done == 3:
            crm.coupons.issue(last, "s")

    result = chosen.issue_coupons("s").apply(key="k", progress=interfere)
    assert (result.applied, result.skipped, result.outcome(last)) == (6, {"customer_limit": 1}, "customer_limit")
    assert [len(crm.coupons.of(each)) for each in customers] == [1] * 7 and crm.coupons.left("s") == 13


@pytest.mark.feature("C35", "C36", "V16")
def test_issuing_to_more_than_there_are_names_both_numbers(crm, series):
    """Twelve customers, ten coupons: refused whole before the first write; allow_partial gives them in id order."""
    crm.customers.add_all([{"first_name": f"N{number}"} for number in range(12)])
    everybody = crm.select("first_name STARTS WITH 'N'")
    everybody.join("club").apply(key="join")
    series(capacity=10, per_customer=1)
    plan = everybody.issue_coupons("s")
    assert [dict(each.details) for each in plan.problems] == [{"series": "s", "needed": 12, "left": 10}]
    with pytest.raises(Refusal, match="12") as caught:
        plan.apply(key="k")
    assert caught.value.reason == Reason.SERIES_CAPACITY and "10" in str(caught.value)
    assert records(crm, Coupon) == [] and crm.coupons.left("s") == 10
    assert everybody.issue_coupons("s", allow_partial=True).apply(key="k").applied == 10
    assert [each.customer_id for each in records(crm, Coupon)] == everybody.ids()[:10]


def test_a_free_code_is_not_told_by_its_repr(crm: custcrm.Crm) -> None:
    """Whoever reads a log cannot redeem what it tells of."""
    crm.programs.add("club")
    crm.coupons.add_series("flyer", program="club", capacity=5)
    [code] = crm.series.generate("flyer", 1)
    free = crm.series.revoke_code(code)
    assert repr(free) == "<FreeCode flyer>" and code not in repr(free)


def test_a_coupon_is_not_used_up_for_nothing(crm: custcrm.Crm) -> None:
    """Lines that the benefit takes nothing off, and lines without a price, leave the coupon as it is."""
    crm.programs.add("club")
    crm.coupons.add_series("coffee", program="club", benefit={"product": "Coffee"})
    crm.coupons.add_series("tasting", program="club", benefit={"text": "A tasting"})
    anna = crm.customers.add(first_name="Anna")
    crm.programs.join(anna, "club")
    coffee, tasting = crm.coupons.issue(anna, "coffee"), crm.coupons.issue(anna, "tasting")
    tea = [{"product": "Tea", "price": "3"}]
    assert crm.coupons.why(coffee, lines=tea) == (Reason.NO_BENEFIT,)
    with pytest.raises(Refusal, match="no_benefit"):
        crm.coupons.redeem(coffee, lines=tea)
    with pytest.raises(Malformed, match="price"):
        crm.coupons.redeem(coffee, lines=[{"product": "Coffee"}])
    assert crm.coupons.available(anna) == [coffee, tasting]
    crm.coupons.redeem(coffee, lines=[{"product": "Coffee", "price": "3"}])
    crm.coupons.redeem(tasting, lines=tea)
    assert crm.coupons.available(anna) == []


STANDINGS = {
    "as it is": lambda crm, anna, coupon: None,
    "paused": lambda crm, anna, coupon: crm.series.pause(coupon.series),
    "revoked": lambda crm, anna, coupon: crm.coupons.revoke(coupon, reason="x"),
    "redeemed": lambda crm, anna, coupon: [crm.coupons.redeem(coupon, reference=each) for each in ("o-1", "o-2")],
    "used once of twice": lambda crm, anna, coupon: crm.coupons.redeem(coupon, reference="o-1"),
    "reserved": lambda crm, anna, coupon: crm.coupons.reserve(coupon, reference="o-9"),
    "limited": lambda crm, anna, coupon: crm.programs.set_access(anna, "club", "limited"),
    "blacklisted": lambda crm, anna, coupon: crm.programs.set_access(anna, "club", "blacklisted"),
    "not eligible": lambda crm, anna, coupon: crm.customers.update(anna, coupon_eligible=False),
    "inactive": lambda crm, anna, coupon: crm.customers.deactivate(anna),
}
TERMS = {"plain": {}, "next day": {"valid_from": "1 day"}, "one day": {"valid": "1 day"}}


@pytest.mark.parametrize("standing", STANDINGS)
def test_what_is_available_can_be_redeemed_and_nothing_else(crm, people, clock, standing) -> None:
    """Law: of coupons and offers alike, today and when a day has gone: listed, or refused when it is tried."""
    anna = people["Anna"]
    for name, terms in TERMS.items():
        crm.coupons.add_series(name, program="club", per_coupon=2, **terms)
    coupons = [crm.coupons.issue(anna, name) for name in TERMS]
    STANDINGS[standing](crm, anna, coupons[0])
    for _ in range(2):
        listed = {each.id for each in crm.coupons.available(anna)}
        assert {each.id for each in crm.offers.available(anna)} == listed
        for coupon in coupons:
            assert (coupon.id in listed) is (_why_not(crm, coupon) == ()), (standing, coupon.series)
        clock.advance("1 day")


def _why_not(crm, coupon) -> tuple[str, ...]:
    """Redeem a coupon, take that back, and return why it was refused."""
    with crm.transaction():
        refused = reasons(crm.coupons.redeem, coupon)
        if not refused:
            crm.coupons.restore(coupon)
    return refused
