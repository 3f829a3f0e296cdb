"""Categories: given by hand, or by a rule; reclassified in one planned action with history."""

import pytest

from custcrm import Conflict, Malformed, NotFound, Reason
from custcrm.actions.customers import tiers
from custcrm.records.programs import NEW_CUSTOMERS
from tests.batches import in_batches


def spend(crm, customer, total) -> None:
    crm.sales.record(customer, total)


def category(crm, customer, **when) -> str:
    return crm.programs.membership(customer, "club", **when).category


def history(crm, customer) -> list[tuple[str, str, str]]:
    return [(each.change, each.category, each.reason) for each in crm.programs.history(customer, "club")]


@pytest.fixture
def club(crm):
    """Six members who spent 0, 50, 150, 1,500, 1,500 and 150; the last two have Hand, which has no rule."""
    crm.programs.add("club", categories=["Hand"])
    crm.categories.add("club", "Gold", rule="sales_total >= 1000", rank=2)
    crm.categories.add("club", "Silver", rule="sales_total >= 100", rank=1)
    made = crm.customers.add_all([{"first_name": f"N{n}"} for n in range(6)])
    crm.select().join("club").apply(key="join")
    for customer, total in zip(made, [0, 50, 150, 1500, 1500, 150], strict=True):
        if total:
            spend(crm, customer, total)
    for customer in made[4:]:
        crm.programs.set_category(customer, "club", "Hand")
    crm.customers.add(first_name="Guest")
    return made


@pytest.mark.feature("C27")
def test_members_get_the_category_that_the_rules_say(crm, club, clock):
    """The highest rank that is met; what was given by hand stays; who has it already is unchanged, and so are all after it."""
    before = clock()
    clock.advance("1 day")
    plan = crm.categories.reclassify("club", reason="yearly")
    assert (plan.eligible, plan.skipped) == (2, {"unchanged": 4})
    assert plan.moves == {"Gold": 1, "Silver": 1} and "1  go to Gold" in str(plan)
    assert plan.customers().ids() == [club[2].id, club[3].id]
    assert [plan.verdict(each) for each in club[1:3]] == ["unchanged", "eligible"]
    assert [category(crm, each) for each in club[:4]] == [NEW_CUSTOMERS] * 4        # nothing is written by planning
    result = plan.apply(key="2026")
    assert (result.applied, result.skipped) == (2, {Reason.UNCHANGED: 4})
    expected = [NEW_CUSTOMERS, NEW_CUSTOMERS, "Silver", "Gold", "Hand", "Hand"]
    assert [category(crm, each) for each in club] == expected
    assert category(crm, club[3], as_of=before) == NEW_CUSTOMERS
    assert history(crm, club[3]) == [("joined", NEW_CUSTOMERS, ""), ("category", "Gold", "yearly")]
    assert len(history(crm, club[0])) == 1
    again = crm.categories.reclassify("club")
    assert (again.eligible, again.moves, again.skipped) == (0, {}, {"unchanged": 6})
    assert crm.select("programs.club.category = 'Gold'").ids() == [club[3].id]
    assert crm.categories.reclassify("club", reason="yearly").apply(key="2026") == result


@pytest.mark.feature("C27", "C14")
def test_rules_rise_and_fall(crm, club):
    """Who meets another tier goes there; who meets none falls back; who is no member is skipped, and the rest stays."""
    crm.categories.reclassify("club").apply(key="a")
    spend(crm, club[2], 900)                                        # Silver becomes Gold
    spend(crm, club[1], 50)                                         # none becomes Silver
    crm.programs.set_category(club[0], "club", "Gold", reason="by hand")    # is always possible
    plan = crm.select().reclassify("club")
    assert (plan.eligible, plan.skipped) == (3, {"not_a_member": 1, "unchanged": 3})
    assert plan.moves == {"Gold": 1, "Silver": 1, NEW_CUSTOMERS: 1}
    assert sum(plan.moves.values()) == plan.eligible
    plan.apply(key="b")
    assert [category(crm, each) for each in club[:4]] == [NEW_CUSTOMERS, "Silver", "Gold", "Gold"]
    crm.programs.set_category(club[4], "club", NEW_CUSTOMERS)       # from now on the rules count again
    some = crm.select(f"id = '{club[4].id}'").reclassify("club", reason="asked")
    assert some.moves == {"Gold": 1} and some.apply(key="c").applied == 1
    assert history(crm, club[4])[-1] == ("category", "Gold", "asked")


@pytest.mark.feature("C27")
def test_a_rule_may_ask_for_the_category_itself(crm, club):
    """Who is Gold stays so with less than it takes to become it: all tiers are one change, decided by how things were."""
    crm.categories.set_rule(
        "club", "Gold", "sales_total >= 1000 OR (programs.club.category = 'Gold' AND sales_total >= 100)", rank=2
    )
    crm.programs.set_category(club[2], "club", "Gold")              # has spent 150
    crm.programs.set_category(club[1], "club", "Gold")              # has spent 50
    crm.categories.set_rule("club", "Silver", "sales_total >= 50 AND NOT programs.club.category = 'Silver'", rank=1)
    plan = crm.categories.reclassify("club")
    assert plan.moves == {"Gold": 1, "Silver": 1}
    plan.apply(key="a")
    assert [category(crm, each) for each in club[:4]] == [NEW_CUSTOMERS, "Silver", "Gold", "Gold"]


def test_rules_are_asked_in_every_batch(crm, club):
    """A large apply goes on after each batch: what is written is what the rules say then, and history says the same."""
    def buy(done: int, total: int) -> None:
        if done == 1:
            spend(crm, club[3], -1400)                              # Gold when frozen, Silver by now

    result = in_batches(crm, 1).categories.reclassify("club").apply(key="a", progress=buy)
    assert result.applied == 2
    assert category(crm, club[3]) == "Silver" and history(crm, club[3])[-1][1] == "Silver"


def test_members_who_moved_meanwhile_stay(crm, club):
    """Who was given a category by hand between freeze and batch keeps it."""
    def give(done: int, total: int) -> None:
        if done == 1:
            crm.programs.set_category(club[3], "club", "Hand")

    in_batches(crm, 1).categories.reclassify("club").apply(key="a", progress=give)
    assert category(crm, club[3]) == "Hand" and history(crm, club[3])[-1][1] == "Hand"


@pytest.mark.feature("C27")
def test_what_a_tier_is(crm, club):
    """A rule is a filter of this store; ranks differ; the starting category has none; without its rule it is given by hand."""
    names = [(each.name, each.rank, each.filter) for each in crm.categories.of("club")]
    assert names == [
        (NEW_CUSTOMERS, 0, None), ("Hand", 0, None), ("Silver", 1, "sales_total >= 100"), ("Gold", 2, "sales_total >= 1000"),
    ]
    kept = crm.categories.set_rule("club", "Gold", "sales_total>2000 and visits_count > 1", rank=7)
    assert (kept.filter, kept.rank) == ("sales_total > 2000 AND visits_count > 1", 7)
    assert kept in crm.categories.of("club")
    crm.segments.add("big", "sales_total > 5000")
    assert crm.categories.set_rule("club", "Gold", crm.schema.parse("SEGMENT('big')"), rank=2).rank == 2
    scoped = crm.schema.parse("days_since_last_sale > 1").scoped(program="club")
    for call, error in [
        (lambda: crm.categories.set_rule("club", "Gold", "sales_totl > 1", rank=2), Malformed),
        (lambda: crm.categories.set_rule("club", "Gold", "sales_total > 1", rank=1), Malformed),
        (lambda: crm.categories.set_rule("club", "Gold", "sales_total > 1", rank=1.5), Malformed),
        (lambda: crm.categories.set_rule("club", NEW_CUSTOMERS, "sales_total > 1"), Malformed),
        (lambda: crm.categories.set_rule("club", "Gold", scoped, rank=2), Malformed),
        (lambda: crm.categories.set_rule("club", "Golden", None), NotFound),
        (lambda: crm.categories.set_rule("clubb", "Gold", None), NotFound),
        (lambda: crm.categories.add("club", "Gold"), Conflict),
        (lambda: crm.categories.add("club", " "), Malformed),
        (lambda: crm.categories.reclassify("clubb"), NotFound),
        (lambda: crm.select().reclassify("clubb"), NotFound),
    ]:
        with pytest.raises(error):
            call()
    crm.categories.set_rule("club", "Gold", None)
    crm.programs.set_category(club[0], "club", "Gold")
    assert crm.categories.reclassify("club").moves == {"Silver": 2}
    assert crm.categories.reclassify("club").verdict(club[0]) == "unchanged"


def test_there_may_be_many_tiers(crm, monkeypatch):
    """As many as are allowed are told apart; more, or rules that are too large together, are refused and not kept."""
    crm.programs.add("club")
    crm.customers.add_all([{"first_name": f"N{n}"} for n in range(3)])
    crm.select().join("club").apply(key="join")
    for n in range(tiers.TIERS):
        crm.categories.add("club", f"T{n}", rule=f"sales_total >= {n + 1}", rank=n)
    with pytest.raises(Malformed):
        crm.categories.add("club", "T", rule="sales_total >= 100", rank=100)
    first, second, third = crm.select()
    spend(crm, first, "20.00")
    spend(crm, second, "7.50")
    plan = crm.categories.reclassify("club")
    assert plan.moves == {"T19": 1, "T6": 1}
    plan.apply(key="a")
    assert [category(crm, each) for each in (first, second, third)] == ["T19", "T6", NEW_CUSTOMERS]
    deep = "sales_total > 1"
    for n in range(25):
        deep = f"({deep}) {'OR' if n % 2 else 'AND'} sales_total < {n + 100}"
    for large in (" OR ".join(f"sales_total = {n}" for n in range(900)), deep):
        with pytest.raises(Malformed):
            crm.categories.set_rule("club", "T19", large, rank=19)
    assert crm.categories.of("club")[-1].filter == "sales_total >= 20"


@pytest.mark.feature("C28")
def test_settings_of_a_program_can_change(crm):
    """Absent means leave, None means as a new program has it; members stay as they are, later ones get the new default."""
    made = crm.programs.add("club", title="The club", reversal="floor", reversal_grace="30 days")
    assert (made.reversal, made.reversal_grace, made.default_access) == ("floor", "30 days", "full")
    early, late = crm.customers.add_all([{"first_name": "Anna"}, {"first_name": "Ben"}])
    crm.programs.join(early, "club")
    changed = crm.programs.update("club", default_access="limited", notifications="sms", reversal="refuse")
    assert (changed.title, changed.default_access, changed.notifications) == ("The club", "limited", "sms")
    assert (changed.reversal, changed.reversal_grace) == ("refuse", "30 days")
    crm.programs.join(late, "club")
    assert [crm.programs.membership(each, "club").access for each in (early, late)] == ["full", "limited"]
    settings = ("title", "default_access", "notifications", "reversal", "reversal_grace")
    cleared = crm.programs.update("club", **dict.fromkeys(settings))
    assert (cleared.title, cleared.default_access, cleared.notifications, cleared.reversal, cleared.reversal_grace) == (
        "", "full", "off", "debt", None,
    )
    assert crm.programs.list() == (cleared,)
    for bad in ({"reversal": "floorr"}, {"default_access": "ful"}, {"notifications": "smss"}, {"reversal_grace": 30},
                {"titel": "x"}, {"name": "other"}):
        with pytest.raises(Malformed):
            crm.programs.update("club", **bad)
    with pytest.raises(Malformed):
        crm.programs.add("other", reversal="never")
    with pytest.raises(NotFound):
        crm.programs.update("clubb", title="x")


@pytest.mark.feature("C27")
def test_the_history_of_a_membership_says_who_when_and_why(crm, clock) -> None:
    """Joining, another access and another category stand in the history, in order of time, with actor and reason."""
    crm.programs.add("club", categories=["Gold"])
    anna = crm.customers.add(first_name="Anna")
    crm.programs.join(anna, "club", access="limited")
    clock.advance("1 day")
    maija = crm.acting_as("maija")
    maija.programs.set_access(anna, "club", "full", reason="signed the form")
    clock.advance("1 day")
    maija.programs.set_category(anna, "club", "Gold", reason="by hand")
    told = [(each.change, each.access, each.category, each.actor, each.reason) for each in crm.programs.history(anna, "club")]
    assert told == [
        ("joined", "limited", "New Customers", "", ""),
        ("access", "full", "New Customers", "maija", "signed the form"),
        ("category", "full", "Gold", "maija", "by hand"),
    ]
    assert [each.occurred_at for each in crm.programs.history(anna, "club")][-1] == clock()
