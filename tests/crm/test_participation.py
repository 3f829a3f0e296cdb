"""Who takes part: what confirms it, who waits for whom, and what may be spent."""

import threading

import pytest

from custcrm import Refusal


@pytest.mark.feature("C18")
@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
def test_points_that_are_redeemed_confirm_participation(crm, people, clock, many):
    """The first redemption does, of one and of many; what was confirmed before stays, and what is refused confirms nothing."""
    anna, ben = people["Anna"], people["Ben"]
    crm.programs.set_access(ben, "club", "full")
    for each in (anna, ben):
        crm.points.credit(each, "club", 10)
    crm.programs.confirm_participation(ben, "club", evidence="app_identification")
    before = clock()
    clock.advance("1 day")
    with pytest.raises(Refusal):
        crm.points.spend(anna, "club", 11)
    crm.points.adjust(anna, "club", -1, reason="counted twice")
    assert crm.programs.membership(anna, "club").confirmed_at is None
    first = clock()
    for turn in range(2):
        if many:
            (crm.select() & [anna, ben]).spend_points("club", 2).apply(key=f"turn {turn}")
        else:
            crm.points.spend(anna, "club", 2)
            crm.points.spend(ben, "club", 2)
        found = crm.programs.membership(anna, "club")
        assert (found.confirmed_at, found.confirmed_by) == (first, "redemption")
        clock.advance("1 day")
    found = crm.programs.membership(ben, "club")
    assert (found.confirmed_at, found.confirmed_by) == (before, "app_identification")
    crm.customers.update(anna, phone="040 123 4567")
    crm.senders.add("club", program="club", requires_confirmation=True)
    plan = crm.select().send_message("Hi", channel="sms", sender="club", purpose="service")
    assert plan.customers().ids() == [anna.id]


def test_confirming_waits_for_whoever_holds_the_customer(opened, crm, people):
    """A confirmation holds what a change of access holds: it is not written between what that one reads and what it writes."""
    anna = people["Anna"]
    with crm.transaction():
        with crm._business.store.write() as writer:
            writer.hold(type(anna), anna.id)
        other = threading.Thread(
            target=lambda: crm.programs.confirm_participation(anna, "club", evidence="redemption"), name="confirm"
        )
        other.start()
        other.join(0.5)
        waited = other.is_alive()
    other.join(20)
    assert waited
    assert crm.programs.membership(anna, "club").confirmed_by == "redemption"


@pytest.mark.feature("X18")
def test_who_is_not_eligible_has_nothing_to_spend(crm, people):
    """What is available is what a spend takes: without the mark of loyalty it is nothing, in the word of filters too."""
    anna = people["Anna"]
    crm.points.credit(anna, "club", 10)
    crm.customers.update(anna, loyalty_eligible=False)
    assert (crm.points.available(anna, "club"), crm.points.balance(anna, "club")) == (0, 10)
    assert crm.select("programs.club.available >= 1").count() == 0
    with pytest.raises(Refusal, match="eligible"):
        crm.points.spend(anna, "club", 1)
    crm.customers.update(anna, loyalty_eligible=True)
    assert crm.points.available(anna, "club") == 10
