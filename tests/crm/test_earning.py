"""Sales earn points by the rules of their program, once; a dry run tells what rules would have given."""

import itertools
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import custcrm
from custcrm import Conflict, Malformed, Money, NotFound
from custcrm.testing import ManualClock


@pytest.fixture
def anna(people):
    return people["Anna"]


@pytest.fixture
def till(crm, people):
    crm.points_of_sale.add("Harbour", program="club")
    crm.terminals.add("till", point_of_sale="Harbour")
    return "till"


def earned(crm, sale) -> dict[str, int]:
    """Return the points of a sale by rule."""
    return {each.rule: each.delta for each in crm.earning.of_sale(sale)}


@pytest.mark.feature("C25", "I08")
def test_a_sale_earns_by_every_rule_of_its_program(crm, anna, till):
    """One credit for each rule, which names sale, rule, receipt and place; it lasts from the sale on as the rule says."""
    crm.earning.add("club", "euros", amount="1.00", expires="12 months")
    crm.earning.add("club", "visit", per="visit", points=10)
    crm.earning.add("club", "bottles", per="units", points=2, category="Red")
    crm.earning.add("club", "big", per="visit", points=500, minimum="100.01")
    sale = crm.sales.record(anna, "25.90", terminal=till, external_id="r-1", lines=[
        {"product": "w-1", "category": "Red", "quantity": 2, "price": "10.00"}, {"product": "b-1", "price": "5.90"},
    ])
    assert earned(crm, sale) == {"euros": 25, "visit": 10, "bottles": 4}
    assert crm.points.balance(anna, "club") == 39
    entry = next(each for each in crm.earning.of_sale(sale) if each.rule == "euros")
    assert (entry.kind, entry.lot_id, entry.sale_id, entry.reference) == ("credit", entry.id, sale.id, "r-1")
    assert (entry.terminal, entry.point_of_sale, entry.occurred_at) == ("till", "Harbour", sale.occurred_at)
    assert entry.expires_at == datetime(2027, 11, 21, 10, tzinfo=UTC)
    assert earned(crm, crm.sales.record(anna, 100)) == {}                     # no program, no points
    line = next(each for each in crm.points.history(anna, "club") if each.delta == 25)
    assert (line.point_of_sale, line.reference, line.sale_id) == ("Harbour", "r-1", sale.id)


@pytest.mark.feature("I09", "V12")
def test_a_sale_told_twice_earns_once(crm, anna, till):
    """Also within one call."""
    crm.earning.add("club", "euros")
    row = {"customer": anna, "total": 10, "terminal": till, "external_id": "r-1"}
    crm.sales.record_all([row, row])
    crm.sales.record_all([row])
    assert crm.points.balance(anna, "club") == 10
    assert crm.select("SUM(points_entries.delta WHERE rule = 'euros' AND reference = 'r-1') = 10").ids() == [anna.id]


@pytest.mark.feature("C29", "C30", "C31", "E27")
def test_who_may_not_earn_buys_without(crm, people, till):
    """The sale stands for those with no access, not eligible or not in the program; limited access earns."""
    crm.earning.add("club", "euros")
    crm.customers.update(people["Anna"], loyalty_eligible=False)
    sales = {name: crm.sales.record(people[name], 10, terminal=till) for name in ("Anna", "Ben", "Chloe", "Eve")}
    assert {name: sum(earned(crm, sale).values()) for name, sale in sales.items() if earned(crm, sale)} == {"Ben": 10}
    assert crm.select("sales_count = 1").count() == 4


def test_a_rule_is_for_those_who_meet_its_filter_before_the_sale(crm, anna, till):
    """A first purchase is the first, also where many come in one call; a segment is asked as it is then."""
    crm.segments.add("regulars", "sales_count >= 2")
    crm.earning.add("club", "welcome", per="visit", points=100, filter="sales_count = 0")
    crm.earning.add("club", "regular", per="visit", filter="segment('regulars')")
    row = {"customer": anna, "total": 10, "terminal": till}
    sales = crm.sales.record_all([row] * 4)
    assert [earned(crm, sale) for sale in sales] == [{"welcome": 100}, {}, {"regular": 1}, {"regular": 1}]
    [kept] = (each for each in crm.earning.of("club") if each.name == "regular")
    assert kept.filter == "SEGMENT('regulars')"
    crm.segments.add("regulars", "sales_count >= 99")
    assert earned(crm, crm.sales.record(**row)) == {}


def test_a_late_told_sale_earns_as_of_its_time(crm, anna, till, clock):
    """By the rules of that time and by what the customer was then; points come when it is told, and last from the sale."""
    start = clock()
    crm.earning.add("club", "euros", expires="30 days")
    crm.earning.add("club", "gold", per="multiplier", factor=2, filter="programs.club.category = 'Gold'")
    clock.advance("10 days")
    then = clock()
    clock.advance("10 days")
    crm.programs.set_category(anna, "club", "Gold")
    crm.earning.end("club", "euros")
    crm.earning.add("club", "cents", amount="0.01")
    late = crm.sales.record(anna, 10, terminal=till, occurred_at=then)
    [entry] = crm.earning.of_sale(late)
    assert (entry.rule, entry.delta, entry.occurred_at) == ("euros", 10, clock())
    assert entry.expires_at == datetime(2026, 12, 31, 10, tzinfo=UTC)
    assert earned(crm, crm.sales.record(anna, 10, terminal=till)) == {"cents": 2000}
    before = crm.sales.record(anna, 10, terminal=till, occurred_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert before.occurred_at < start and earned(crm, before) == {}            # no rule was there


def test_a_sale_told_for_a_later_time_earns_now(crm, anna, till, clock):
    """What can be spent is in the balance: its points are there at once, last from the sale, and a dry run tells the same."""
    crm.earning.add("club", "euros", expires="30 days")
    crm.earning.add("club", "first", per="visit", points=7, filter="NOT programs.club.points > 0")
    later = clock() + timedelta(hours=20)
    sale = crm.sales.record(anna, 100, terminal=till, occurred_at=later)
    assert [each.occurred_at for each in crm.earning.of_sale(sale)] == [sale.recorded_at] * 2
    assert {each.expires_at for each in crm.earning.of_sale(sale) if each.rule == "euros"} == {later + timedelta(days=30)}
    assert earned(crm, sale) == crm.earning.dry_run("club", period=(later, later + timedelta(hours=1))).by_rule
    assert crm.points.balance(anna, "club") == crm.points.available(anna, "club") == 107
    assert crm.reports.points_liability("club").points == 107
    spending = crm.select("sales_count = 0").spend_points("club", 60)
    assert spending.eligible == spending.apply(key="k").applied == 1
    assert crm.points.spend(anna, "club", 40).delta == -40
    assert crm.points.balance(anna, "club") == 7


def test_money_that_went_back_earns_nothing(crm, anna, till):
    """A return that is told as a sale gives no points whatever the rule; a sale for nothing is a visit."""
    for per in ("money", "visit", "units"):
        crm.earning.add("club", per, per=per, points=5)
    crm.earning.add("club", "double", per="multiplier", factor=2)
    red = [{"product": "w", "category": "Red", "quantity": 3, "price": "1.00"}]
    crm.earning.add("club", "red", per="units", category="Red")
    back = crm.sales.record(anna, -10, terminal=till, units=3, lines=red)
    assert earned(crm, back) == {} and crm.points.balance(anna, "club") == 0
    assert crm.earning.dry_run("club", period="today").points == 0
    assert earned(crm, crm.sales.record(anna, 0, terminal=till)) == {"visit": 10}


@pytest.mark.parametrize(("total", "rounding", "points"), [
    ("2.49", "down", 2), ("2.50", "half_even", 2), ("3.50", "half_even", 4), ("2.01", "up", 3), ("-5", "up", 0),
])
def test_rounding_is_as_the_rule_states(crm, anna, till, total, rounding, points):
    """Once, at the end."""
    crm.earning.add("club", "euros", rounding=rounding)
    assert sum(earned(crm, crm.sales.record(anna, total, terminal=till)).values()) == points


def test_of_two_multipliers_the_higher_counts(crm, anna, till):
    """Not their product."""
    crm.earning.add("club", "euros")
    crm.earning.add("club", "double", per="multiplier", factor="2")
    crm.earning.add("club", "half more", per="multiplier", factor="1.5")
    assert earned(crm, crm.sales.record(anna, 10, terminal=till)) == {"euros": 20}


def test_rules_have_their_time_and_are_never_deleted(crm, anna, till, clock):
    """From `starts` until just before `ends`, or until they are ended; the name is taken for ever."""
    crm.earning.add("club", "season", starts="2026-12-01", ends="2027-01-01")
    crm.earning.add("club", "euros")
    seen = []
    for _ in range(3):
        seen.append(sum(earned(crm, crm.sales.record(anna, 10, terminal=till)).values()))
        clock.advance("30 days")
    assert seen == [10, 20, 10]
    ended = crm.earning.end("club", "euros")
    assert ended.ends_at == clock() and crm.earning.end("club", "euros") == ended
    assert earned(crm, crm.sales.record(anna, 10, terminal=till)) == {}
    assert crm.earning.of("club") == ()
    assert [each.name for each in crm.earning.of("club", ended=True)] == ["euros", "season"]
    with pytest.raises(Conflict):
        crm.earning.add("club", "euros")
    with pytest.raises(NotFound) as caught:
        crm.earning.end("club", "euro")
    assert caught.value.suggestions == ("euros",)


@pytest.mark.parametrize(("told", "field"), [
    ({"per": "mony"}, "per"), ({"points": 0}, "points"), ({"points": 1.5}, "points"), ({"amount": 0}, "amount"),
    ({"amount": 1.5}, "amount"), ({"per": "multiplier"}, "factor"), ({"per": "multiplier", "factor": "1"}, "factor"),
    ({"per": "multiplier", "factor": 1.5}, "factor"), ({"per": "multiplier", "factor": "3/2"}, "factor"),
    ({"factor": 2}, "factor"), ({"per": "multiplier", "factor": 2, "expires": "1 day"}, "expires"),
    ({"rounding": "nearest"}, "rounding"), ({"minimum": "-1"}, "minimum"), ({"expires": 30}, "span"),
    ({"starts": "2026-12-01", "ends": "2026-11-30"}, "ends"), ({"category": 5}, "category"), ({"name": ""}, "name"),
])
def test_a_rule_is_checked_when_it_is_added(crm, people, told, field):
    """What is wrong is named, and nothing is kept."""
    with pytest.raises(Malformed) as caught:
        crm.earning.add("club", **{"name": "r", **told})
    assert caught.value.field == field
    assert crm.earning.of("club", ended=True) == ()


def test_a_rules_filter_and_program_must_be_there(crm, people):
    """A misspelt field says so when the rule is added."""
    with pytest.raises(custcrm.FilterError):
        crm.earning.add("club", "r", filter="sales_cuont = 0")
    with pytest.raises(Malformed, match="scope"):
        crm.earning.add("club", "r", filter=crm.schema.parse("days_since_last_sale > 1").scoped(program="club"))
    here = crm.select("sales_count > 0", scope=custcrm.at(program="club")).filter
    assert crm.select(crm.earning.add("club", "r", filter=here).filter).filter == here
    with pytest.raises(NotFound):
        crm.earning.add("clbu", "r")


@pytest.mark.parametrize("stands", [True, False], ids=["clock stands", "clock ticks"])
def test_a_first_purchase_is_first_at_one_till_alone(opened, clock, stands):
    """Sales at the same moment wait for each other where points depend on it, and are made when they are through."""
    tick = itertools.count()
    crm = opened(clock=clock if stands else lambda: clock() + timedelta(milliseconds=next(tick)))
    crm.programs.add("club")
    anna = crm.customers.add(first_name="Anna")
    crm.programs.join(anna, "club")
    crm.earning.add("club", "welcome", per="visit", points=100, filter="sales_count = 0")
    start = threading.Barrier(8)

    def buy() -> None:
        start.wait()
        crm.sales.record(anna, 10, program="club")

    threads = [threading.Thread(target=buy) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert crm.points.balance(anna, "club") == 100 and crm.select("COUNT(sales) = 8").count() == 1


def test_a_refused_sale_leaves_neither_sale_nor_points(crm, people, till):
    """All or none, points included."""
    crm.earning.add("club", "euros")
    rows = [{"customer": people[name], "total": 10, "terminal": till} for name in ("Anna", "Dan")]
    with pytest.raises(custcrm.Refusal, match="blacklisted"):
        crm.sales.record_all(rows)
    assert crm.points.balance(people["Anna"], "club") == 0 and crm.select("sales_count > 0").count() == 0


# trying ---------------------------------------------------------------------------------------------


def test_a_dry_run_tells_what_rules_would_have_given(crm, people, till, clock):
    """Over last month's sales, by rule, as customers were then; nothing is written."""
    start = datetime(2026, 12, 1, tzinfo=UTC)
    told = [("Anna", 10, 1), ("Anna", 20, 2), ("Ben", 40, 3), ("Chloe", 80, 4), ("Eve", 5, 5), ("Anna", 7, 40)]
    clock.advance("2 months")
    for name, total, day in told:
        crm.sales.record(people[name], total, terminal=till, occurred_at=start + timedelta(days=day))
    crm.earning.add("club", "euros")
    trial = [
        crm.earning.rule("club", "base"),
        crm.earning.rule("club", "welcome", per="visit", points=100, filter="sales_count = 0"),
        crm.earning.rule("club", "big", per="multiplier", factor=2, minimum=30),
    ]
    run = crm.earning.dry_run("club", period=("2026-12-01", "2026-12-31"), rules=trial)
    assert (run.sales, run.earning, run.customers, run.points) == (5, 3, 2, 410)
    assert run.by_rule == {"base": 110, "welcome": 300}
    assert crm.earning.dry_run("club", period=("2026-12-01", "2026-12-31")).by_rule == {"euros": 70}
    assert crm.earning.dry_run("club", rules=trial[0]).by_rule == {"base": 70}                 # last month
    assert crm.earning.dry_run("club", period="today").sales == 0
    assert crm.points.balance(people["Anna"], "club") == 0
    assert [each.name for each in crm.earning.of("club")] == ["euros"]




def test_a_dry_run_reads_many_pages(crm, people, till, monkeypatch):
    """However many sales there are, each is looked at once."""
    from custcrm.actions.points import earning

    monkeypatch.setattr(earning, "MOST", 3)
    crm.sales.record_all([{"customer": people[name], "total": 10, "terminal": till} for name in ("Anna", "Ben") * 5])
    rules = [crm.earning.rule("club", per="visit"), crm.earning.rule("club", "second", per="visit", filter="sales_count = 1")]
    run = crm.earning.dry_run("club", period="today", rules=rules)
    assert (run.sales, run.customers, run.by_rule) == (10, 2, {"tried": 10, "second": 2})


@settings(max_examples=25)
@given(st.data())
def test_a_dry_run_tells_what_recording_gave(data):
    """Had the rules been in force when the sales were recorded: the same points, rule by rule."""
    clock = ManualClock("2026-11-21T12:00+02:00")
    crm = custcrm.open(currency="EUR", clock=clock)
    crm.programs.add("club", categories=["Gold"])
    people = [crm.customers.add(first_name=name) for name in ("Anna", "Ben")]
    for each in people:
        crm.programs.join(each, "club")
    crm.earning.add("club", "euros", points=3, amount="0.90", rounding="half_even")
    crm.earning.add("club", "red", per="units", category="Red", filter="programs.club.points < 20")
    crm.earning.add("club", "first", per="visit", points=7, filter="sales_count = 0 OR SUM(lines.quantity) > 5")
    crm.earning.add("club", "gold", per="multiplier", factor="1.5", filter="programs.club.category = 'Gold'")
    given_points = dict.fromkeys(("euros", "red", "first"), 0)
    for _ in range(data.draw(st.integers(1, 8))):
        clock.advance(f"{data.draw(st.integers(0, 3))} hours")
        who = data.draw(st.sampled_from(people))
        if data.draw(st.booleans()):
            clock.advance("1 second")  # a change at the very instant of a sale counts as before it
            crm.programs.set_category(who, "club", data.draw(st.sampled_from(["Gold", "New Customers"])))
            clock.advance("1 second")
        lines = [{"category": "Red", "quantity": data.draw(st.integers(1, 4)), "price": 1}] * data.draw(st.integers(0, 2))
        sale = crm.sales.record(who, Money.from_minor(data.draw(st.integers(1, 5_000)), "EUR"), program="club", lines=lines)
        for entry in crm.earning.of_sale(sale):
            given_points[entry.rule] += entry.delta
    clock.advance("1 day")
    assert crm.earning.dry_run("club", period="last 9 days").by_rule == given_points


def test_an_import_earns_nothing(crm, anna, till, tmp_path):
    """Sales of another system bring their points in another way; a dry run tells what they would have earned."""
    crm.earning.add("club", "euros")
    file = tmp_path / "sales.csv"
    file.write_text("external_id,occurred_at,total,email,program\nr-1,2026-11-21T12:00,10.00,Anna@example.org,club\n")
    crm.sales.import_csv(file)
    assert crm.select("sales_count = 1").ids() == [anna.id]
    assert crm.points.balance(anna, "club") == 0
    assert crm.earning.dry_run("club", period="today").by_rule == {"euros": 10}


def test_a_rule_that_a_clock_set_back_ends_never_held(crm: custcrm.Crm, clock: ManualClock) -> None:
    """It ends when it began, so no sale earns by it."""
    crm.programs.add("club")
    rule = crm.earning.add("club", "euros", points=1, amount="1.00")
    clock._now -= timedelta(minutes=1)
    ended = crm.earning.end("club", "euros")
    assert ended.ends_at == (rule.starts_at or clock())
