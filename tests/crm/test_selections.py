"""Selections: sets, pages, scopes, times, views."""

import csv
from datetime import date

import pytest

import custcrm
from custcrm import Malformed, Money, NotFound, at


@pytest.fixture
def shop(crm):
    crm.programs.add("club")
    for name in ("Harbour", "Station"):
        crm.points_of_sale.add(name, program="club")
        crm.terminals.add(f"{name} till", point_of_sale=name)
    anna, ben, chloe = (crm.customers.add(first_name=name, email=f"{name}@example.org") for name in ("Anna", "Ben", "Chloe"))
    crm.sales.record(anna, "30.00", terminal="Harbour till", occurred_at="2026-01-10", external_id="r-1")
    crm.sales.record(anna, "40.00", terminal="Station till", occurred_at="2026-11-01")
    crm.sales.record(ben, "90.00", point_of_sale="Harbour", occurred_at="2026-11-02")
    return crm, anna, ben, chloe


@pytest.mark.feature("C04", "C05", "C06", "I04", "V33", "X22")
def test_a_scope_changes_the_numbers_and_not_only_the_list(shop):
    """A customer who bought at two shops is in the sample of both, and once in all."""
    crm, anna, ben, _ = shop
    harbour, station = (crm.select("sales_count > 0", scope=at(point_of_sale=name)) for name in ("Harbour", "Station"))
    assert (harbour.ids(), station.ids()) == ([anna.id, ben.id], [anna.id])
    assert (harbour | station).count() == 2
    assert (harbour & station).ids() == [anna.id] and (harbour - station).ids() == [ben.id]
    assert [row["sales_total"] for row in harbour.view(["sales_total"])] == [Money("30", "EUR"), Money("90", "EUR")]
    assert crm.select("days_since_last_sale < 30", scope=at(point_of_sale="Harbour")).ids() == [ben.id]
    assert crm.select("sales_count = 2", scope=at(program="club")).ids() == [anna.id]
    with pytest.raises(NotFound) as caught:
        crm.select(scope=at(terminal="Harbor till"))
    assert caught.value.suggestions == ("Harbour till",)


@pytest.mark.feature("C13")
def test_selections_are_sets_of_customers_and_ids(shop):
    """Union, intersection and difference take selections, customers and ids; freezing keeps the people."""
    crm, anna, ben, chloe = shop
    big = crm.select("sales_total > 80")
    assert (big | chloe).ids() == [ben.id, chloe.id]
    assert (big | [anna, chloe.id]).count() == 3
    assert (crm.select() - ben).ids() == [anna.id, chloe.id]
    assert (crm.select() & [ben]).ids() == [ben.id]
    frozen = big.freeze()
    crm.sales.record(chloe, "500")
    assert big.count() == 2 and frozen.ids() == [ben.id]
    assert ben in frozen and chloe not in frozen and "nobody" not in frozen
    with pytest.raises(TypeError, match="count"):
        bool(big)


@pytest.mark.feature("X07")
def test_as_of_hides_what_came_later(shop):
    """The same question at another time sees the facts up to then; an instant that is equal is seen."""
    crm, anna, ben, _ = shop
    assert crm.select("sales_count > 0", as_of="2026-10-01").ids() == [anna.id]
    assert crm.select("sales_total = 30", as_of="2026-01-10").ids() == [anna.id]
    assert crm.select("sales_count > 0", as_of="2026-01-09T23:59").ids() == []
    assert crm.select("days_since_last_sale > 30", as_of="2027-01-10").ids() == [anna.id, ben.id]


def test_pages_follow_each_other_without_gap_or_overlap(crm):
    """Any page size gives the same customers in id order."""
    ids = [each.id for each in crm.customers.add_all([{"first_name": f"N{n}"} for n in range(23)])]
    everyone = crm.select()
    assert [each.id for each in everyone] == ids == everyone.ids()
    for size in (1, 7, 23, 50, 2**31, 2**63 - 1, 10**30):
        got: list[str] = []
        after = None
        while True:
            page = everyone.page(after=after, limit=size)
            got += [each.id for each in page.customers]
            after = page.after
            if after is None:
                break
        assert got == ids


@pytest.mark.feature("C01", "C08", "C09", "I05")
def test_views_have_any_columns_and_sort_keys(shop):
    """Any value of the language is a column; missing values come last unless said otherwise; ties are in id order."""
    crm, *_ = shop
    rows = list(crm.select().view(
        {"who": "first_name", "n": "sales_count", "mean": "average_check", "days": "days_since_last_sale",
         "autumn": "SUM(sales.total WHERE occurred_at >= DATE('2026-09-01'))"},
        sort=["average_check DESC"],
    ))
    assert [row["who"] for row in rows] == ["Ben", "Anna", "Chloe"]
    assert [row["mean"] for row in rows] == [Money("90", "EUR"), Money("35", "EUR"), None]
    assert [row["autumn"] for row in rows] == [Money("90", "EUR"), Money("40", "EUR"), Money("0", "EUR")]
    assert [row["days"] for row in rows] == [19, 20, None]
    first = crm.select().view(["first_name"], sort=["average_check NULLS FIRST"])
    assert [row["first_name"] for row in first] == ["Chloe", "Anna", "Ben"]
    with pytest.raises(custcrm.FilterError):
        crm.select().view(["sale_count"])
    with pytest.raises(Malformed):
        crm.select().view("email")


def test_averages_are_exact_and_rounded_half_even(crm):
    """0.01 and 0.02 average to 0.015, shown as 0.02; 0.02 and 0.03 to 0.025, shown as 0.02 as well."""
    for totals in (("0.01", "0.02"), ("0.02", "0.03")):
        customer = crm.customers.add(first_name="A")
        for total in totals:
            crm.sales.record(customer, total)
    assert [row["average_check"] for row in crm.select().view(["average_check"])] == [Money("0.02", "EUR")] * 2
    last_first = crm.select().view(["id"], sort=["average_check DESC"])
    assert [row["id"] for row in last_first] == crm.select().ids()[::-1]


@pytest.mark.feature("V31", "C03", "E05")
def test_csv_neutralises_formulas_and_keeps_everything_else(crm, tmp_path):
    """Numbers stay numbers; a text that a spreadsheet would run gets an apostrophe; the rest comes back exactly."""
    names = ["=1+1", "-5", "@x", "plain;text", 'quo"te', "two\nlines", "a\u2028b", "＝1"]
    for name in names:
        crm.sales.record(crm.customers.add(first_name=name), "-5.00" if name == "plain;text" else "5.00")
    assert crm.select().view(["first_name", "sales_total"]).to_csv(tmp_path / "out.csv", delimiter=";", bom=True) == 8
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, delimiter=";", strict=True))
    assert rows[0] == ["first_name", "sales_total"]
    assert [row[0] for row in rows[1:]] == ["'=1+1", "'-5", "'@x", "plain;text", 'quo"te', "two\nlines", "a\u2028b", "'＝1"]
    assert [row[1] for row in rows[1:]] == ["5.00", "5.00", "5.00", "-5.00", "5.00", "5.00", "5.00", "5.00"]


@pytest.mark.feature("X02", "V03")
def test_explain_says_what_decided(shop):
    """Every condition has its value and verdict; a negative condition on a missing value says that it was missing."""
    crm, _, ben, _ = shop
    why = crm.select("sales_total > 100 AND phone <> '1'").explain(ben)
    assert not why.matched
    assert [(part.field, part.verdict, part.missing) for part in why.conditions] == [
        ("sales_total", False, False), ("phone", True, True),
    ]
    assert why.conditions[0].value == Money("90", "EUR")
    assert [part.field for part in why.deciding] == ["sales_total"]
    with pytest.raises(NotFound):
        crm.select().explain("01900000-0000-7000-8000-000000000000")


@pytest.mark.parametrize("operator", ["|", "&", "-"])
@pytest.mark.parametrize("as_of", [None, "2026-01-20", "2026-11-01T12:00"])
@pytest.mark.parametrize("frozen_at", [None, "2026-01-20"])
def test_frozen_customers_combine_with_any_other_selection(shop, operator, as_of, frozen_at):
    """Law: they are the same at any time, so the sets are those of the ids, whenever either side was asked."""
    crm, *_ = shop
    sets = {"|": lambda a, b: a | b, "&": lambda a, b: a & b, "-": lambda a, b: a - b}
    frozen = crm.select("sales_total >= 30", as_of=frozen_at).freeze()
    other = crm.select("sales_count = 1", as_of=as_of)
    for one, two in ((frozen, other), (other, frozen), (frozen, crm.select(as_of=as_of)), (crm.select(as_of=as_of), frozen)):
        both = sets[operator](one, two)
        assert both.ids() == sorted(sets[operator](set(one.ids()), set(two.ids())))
        assert both.as_of == other.as_of
        assert [row["sales_count"] for row in both.view(["sales_count"])] == [
            row["sales_count"] for row in (other | crm.select()).view(["id", "sales_count"]) if row["id"] in both.ids()
        ]


def test_selections_of_different_times_do_not_combine(shop):
    """Law: where both sides depend on their time, or both name one, nobody can tell when to ask."""
    crm, *_ = shop
    for one, two in (
        (crm.select("sales_count = 1", as_of="2026-01-20"), crm.select("sales_total > 1")),
        (crm.select("sales_count = 1", as_of="2026-01-20"), crm.select("sales_total > 1", as_of="2026-01-21")),
        (crm.select(as_of="2026-01-20"), crm.select(as_of="2026-01-21")),
    ):
        with pytest.raises(Malformed, match="freeze"):
            one & two


def test_frozen_customers_are_counted_where_people_read(shop):
    """Law: no id stands in the repr, the sentence, the waterfall or the explanation of a frozen selection."""
    crm, anna, _, chloe = shop
    frozen = crm.select("sales_count > 0").freeze()
    assert repr(frozen) == "<Selection 2 fixed customers>"
    assert repr(frozen - crm.select("sales_total > 80").freeze()) == "<Selection 2 fixed customers AND NOT 1 fixed customer>"
    both = crm.select("sales_total > 80 OR tags.VIP EXISTS") & frozen
    assert repr(both) == "<Selection (sales_total > 80 OR tags.VIP EXISTS) AND 2 fixed customers>"
    assert repr(both.filter) == "<Filter (sales_total > 80 OR tags.VIP EXISTS) AND 2 fixed customers>"
    assert (crm.select("sales_total > 80") - frozen).filter.describe() == (
        "Transaction amount is more than 80 and none of 2 fixed customers"
    )
    assert frozen.filter.describe("fi") == "on jokin kiinteästi valituista (2 kpl)"
    assert [step.condition for step in both.waterfall()] == ["sales_total > 80 OR tags.VIP EXISTS", "2 fixed customers"]
    why = (frozen & crm.select("sales_total >= 0")).explain(chloe)
    assert [(part.text, part.verdict, part.wanted) for part in why.conditions] == [
        ("2 fixed customers", False, "one of them"), ("sales_total >= 0", True, ""),
    ]
    assert crm.schema.parse(str(both.filter)) == both.filter and anna.id in str(both.filter)
    many = crm.customers.add_all([{"first_name": "N"}] * 1_660)
    assert repr((crm.select() & many) | frozen | chloe).startswith("<Selection (TRUE AND 1,660 fixed customers)")


def test_explain_looks_into_segments_and_the_waterfall_does_not(shop):
    """Law: a segment's conditions stand below its name, whichever way it is asked; steps are those that were asked."""
    crm, anna, *_ = shop
    crm.segments.add("big", "sales_total > 80 AND sales_count > 1")
    crm.segments.add("any", "SEGMENT('big') OR tags.VIP EXISTS")
    asked = crm.select("SEGMENT('any') AND first_name = 'Bea'")
    assert str(asked.explain(anna)).splitlines() == [
        "no",
        "  no   SEGMENT('any'), any of",
        "       no   SEGMENT('big')",
        "            no   sales_total > 80     70.00, wanted more than 80    <- fails too",
        "            yes  sales_count > 1      2",
        "       no   tags.VIP EXISTS           missing, wanted some          <- fails too",
        "  no   first_name = 'Bea'             'Anna', wanted 'Bea'          <- decides",
    ]
    assert [step.condition for step in asked.waterfall()] == ["SEGMENT('any')", "first_name = 'Bea'"]
    why = crm.select("NOT SEGMENT('big')").explain(anna)
    assert why.matched and [part.text for part in why.conditions] == ["NOT (sales_total > 80)", "NOT (sales_count > 1)"]
    assert str(why).splitlines()[1] == "  yes  NOT SEGMENT('big'), any of"


@pytest.mark.feature("X04")
def test_the_waterfall_adds_up(shop):
    """What remains after the last condition is the selection; each step removes what it says."""
    crm, *_ = shop
    asked = crm.select("sales_count > 0 AND sales_total > 80 AND NOT tags.VIP EXISTS")
    waterfall = asked.waterfall()
    left = waterfall.start
    for step in waterfall:
        assert step.remaining == left - step.removed
        left = step.remaining
    assert left == asked.count() == 1
    assert "sales_total > 80" in str(waterfall)


@pytest.mark.feature("V06")
def test_segments_may_use_segments_but_not_each_other(shop):
    """A segment of segments is their combination; a circle is refused, and the segment stays what it was."""
    crm, anna, ben, _ = shop
    crm.segments.add("buyers", "sales_count > 0")
    crm.segments.add("big", "SEGMENT('buyers') AND sales_total > 80")
    assert crm.select("SEGMENT('big')").ids() == [ben.id]
    with pytest.raises(custcrm.FilterError) as caught:
        crm.segments.add("buyers", "SEGMENT('big')")
    assert caught.value.kind == "segment_cycle"
    assert crm.select("SEGMENT('buyers')").ids() == [anna.id, ben.id]


def test_a_redefined_segment_is_asked_anew(shop):
    """A segment's filter counts as it is when it is asked, also where the same question was asked before."""
    crm, anna, ben, _ = shop
    crm.segments.add("big", "sales_total > 80")
    assert crm.select("SEGMENT('big')").ids() == [ben.id]
    crm.segments.add("big", "sales_total > 60")
    assert crm.select("SEGMENT('big')").ids() == [anna.id, ben.id]


def test_two_stores_of_one_process_keep_their_own_days(tmp_path):
    """The same words mean another day in another zone, whichever store was asked first."""
    for name, day in (("UTC", "2026-10-02"), ("America/New_York", "2026-10-01")):
        for store in (None, tmp_path / f"{name.replace('/', ' ')}.db"):
            with custcrm.open(store, timezone=name) as crm:
                crm.sales.record(crm.customers.add(first_name="A"), 1, occurred_at="2026-10-02T01:00:00+00:00")
                counts = {each: crm.select("last_sale_at = :day", {"day": date.fromisoformat(each)}).count()
                          for each in ("2026-10-01", "2026-10-02")}
                assert counts == {each: int(each == day) for each in counts}


def test_a_birth_date_without_year_is_shown_as_known(crm):
    """Month and day are shown, sorted among the missing; the age is not known."""
    for born in ("--02-29", "1980-02-28", None):
        crm.customers.add(first_name="A", birth_date=born)
    rows = list(crm.select().view(["birth_date", "age"], sort=["birth_date"]))
    assert [str(row["birth_date"]) for row in rows] == ["1980-02-28", "--02-29", "None"]
    assert [row["age"] for row in rows] == [46, None, None]


@pytest.mark.feature("V04", "V05")
def test_negation_and_precedence_are_those_of_the_language(crm):
    """NOT keeps the missing, `<=` does not; AND binds before OR, and the canonical text shows it with brackets."""
    five, four, none = (crm.customers.add(first_name=name) for name in ("five", "four", "none"))
    for customer, days in ((five, 5), (four, 4)):
        crm.customers.update(customer, payment_terms_days=days)
    assert crm.select("NOT payment_terms_days > 5").ids() == [five.id, four.id, none.id]
    assert crm.select("payment_terms_days <= 5").ids() == [five.id, four.id]
    mixed = crm.select("first_name = 'none' OR payment_terms_days = 5 AND first_name = 'four'")
    assert mixed.ids() == [none.id]
    assert str(mixed.filter) == "first_name = 'none' OR (payment_terms_days = 5 AND first_name = 'four')"


@pytest.mark.feature("V07")
def test_a_day_is_the_business_day(opened):
    """23:30 in New York on the 1st is the 1st, whatever the day in UTC."""
    crm = opened(timezone="America/New_York")
    anna = crm.customers.add(first_name="Anna")
    crm.sales.record(anna, 1, occurred_at="2026-10-01 23:30")
    assert crm.select("last_sale_at = DATE('2026-10-01')").ids() == [anna.id]
    assert crm.select("last_sale_at = today()", as_of="2026-10-01T23:45").ids() == [anna.id]
    assert crm.select("last_sale_at = DATE('2026-10-02')").ids() == []


def test_programs_added_by_others_become_words(opened):
    """A face that was opened before another added a program learns of it when it is asked about."""
    one, two = opened(), opened()
    one.customers.add(first_name="Anna")
    assert two.select().count() in (0, 1)       # two memories are two stores; a file or a server is one
    one.programs.add("late")
    assert one.select("programs.late EXISTS").count() == 0
    if two.select().count():
        assert two.select("programs.late EXISTS").count() == 0
    with pytest.raises(custcrm.FilterError) as caught:
        one.select("programs.lte EXISTS")
    assert caught.value.suggestions == ("programs.late",)


def test_a_remedy_is_understood_by_the_store_that_gave_it(shop):
    """What an error suggests, put in the marked place, finds who was meant, by segments and programs of the store too."""
    crm, anna, ben, _ = shop
    crm.tags.set(anna, "VIP")
    crm.programs.join(ben, "club")
    crm.segments.add("big spenders", "sales_total > 80")
    for mistake, people in (
        ("tag = 'VIP'", [anna]), ("EXISTS tags.VIP", [anna]), ("program = 'club'", [ben]), ("programs.clb EXISTS", [ben]),
        ("SEGMENT('Big Spenders')", [ben]), ("SUM(sale.total) > 80", [ben]), ("email IS NOT None AND total > 1,000", []),
        ("SEGMENT(\"big spenders\") AND (SELECT COUNT(*) FROM sales) = 1", [ben]),
    ):
        text, refused = mistake, 0
        while (error := _refused(crm, text)) is not None and refused < 5:
            text, refused = text[: error.position] + error.suggestions[0] + text[error.end :], refused + 1
        assert refused and crm.select(text).ids() == [each.id for each in people], text


def _refused(crm, text):
    try:
        crm.select(text)
    except custcrm.FilterError as error:
        return error
    return None
