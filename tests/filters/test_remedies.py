"""Remedies: what an error says to write instead is understood, and means what was meant."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custcrm.filters import FilterError, Schema
from custcrm.filters.syntax.spellings import loose_days, loose_number
from custcrm.filters.types import types as t
from custcrm.values.errors import Malformed
from custcrm.values.money import Money

SCHEMA = Schema(
    {
        "total": t.Money(),
        "visits": int,
        "score": Decimal,
        "country": str,
        "name": t.Text(personal=True),
        "kind": t.Choice("person", "company"),
        "vip": bool,
        "born": t.Date(yearless=True),
        "seen": datetime,
        "attributes": dict[str, str],
        "programs": t.Map({"points": int}, keys=("gold",)),
        "sales": [{"amount": t.Money(), "shop": str, "at": datetime}],
    },
    currency="EUR",
    timezone="Europe/Helsinki",
    metrics={"age": t.Elapsed(unit="years", since="born"), "sales_amount": "SUM(sales.amount)"},
    segments={"lapsed vips": "visits > 9"},
)

MISTAKES = [
    # numbers
    ("total > ‹1,000›", "total > 1000", "no marks between its thousands"),
    ("total > ‹1,234,567.50›", "total > 1234567.5", "no marks between its thousands"),
    ("total > ‹1.234,50› AND vip", "total > 1234.5 AND vip", "a point before its decimals"),
    ("visits = ‹1 000› OR vip", "visits = 1000 OR vip", "no marks between its thousands"),
    ("EXISTS(sales WHERE amount > ‹99,95›)", "EXISTS(sales WHERE amount > 99.95)", "a point before its decimals"),
    ("visits > ‹1.000.000›", "visits > 1000000", "no marks between its thousands"),
    ("visits > ‹1_000›", "visits > 1000", "no marks between its thousands"),
    ("total > ‹€100›", "total > 100", "write 100"),
    ("total > ‹$99.95›", "total > 99.95", "without its currency"),
    ("total > ‹100€›", "total > 100", "without its currency"),
    ("total > ‹100 EUR› AND vip", "total > 100 AND vip", "without its currency"),
    ("total > ‹'1,000'›", "total > 1000", "write 1000"),
    ("total BETWEEN ‹'5' AND '10 €'›", "total BETWEEN 5 AND 10", "write 5 AND 10"),
    ("visits > ‹10k›", "visits > 10000", "written in digits"),
    ("age >= ‹'30'›", "age >= 30", "write 30"),
    # days and times
    ("seen > ‹2011-10-01›", "seen > DATE('2011-10-01')", "write DATE('2011-10-01')"),
    ("born = ‹1990/1/31›", "born = DATE('1990-01-31')", "write DATE('1990-01-31')"),
    ("born = ‹'31.1.1990'›", "born = DATE('1990-01-31')", "write DATE('1990-01-31')"),
    ("born = ‹31.1.1990›", "born = DATE('1990-01-31')", "write DATE('1990-01-31')"),
    ("born = ‹'1/31/1990'›", "born = DATE('1990-01-31')", "write DATE('1990-01-31')"),
    ("born = ‹'2/1/1990'›", "born = DATE('1990-01-02')", "write DATE('1990-01-02') or DATE('1990-02-01')"),
    ("born = ‹20110131›", "born = DATE('2011-01-31')", "write DATE('2011-01-31')"),
    ("born IN (‹'1990-01-31', '1990-02-01'›)", "born IN (DATE('1990-01-31'), DATE('1990-02-01'))", "write DATE"),
    ("seen BETWEEN ‹2011-10-01 AND 2011-10-31›", "seen BETWEEN DATE('2011-10-01') AND DATE('2011-10-31')", "write DATE"),
    ("seen > ‹'2011-10-01 12:00'›", "seen > TIMESTAMP('2011-10-01T09:00:00Z')", "write TIMESTAMP"),
    ("seen > ‹2011-10-01T12:00:00+03:00›", "seen > TIMESTAMP('2011-10-01T09:00:00Z')", "in UTC"),
    ("born > ‹'2011-10-01T12:00:00Z'›", "born > DATE('2011-10-01')", "write DATE('2011-10-01')"),
    ("‹2011-10-01› < seen", "DATE('2011-10-01') < seen", "write DATE('2011-10-01')"),
    ("seen > ‹now() - 30›", "seen > ago('30 days')", "moved by ago and from_now"),
    ("seen < ‹today() + '2 weeks'›", "seen < from_now('2 weeks')", "moved by ago and from_now"),
    ("seen > ‹NOW() - INTERVAL '1 month'›", "seen > ago('1 month')", "moved by ago and from_now"),
    ("seen > ‹ago(30)›", "seen > ago('30 days')", "a text with its unit"),
    ("seen > ‹ago(3 months)›", "seen > ago('3 months')", "a text with its unit"),
    ("seen > ‹ago('30')›", "seen > ago('30 days')", "a text with its unit"),
    ("seen > ‹'30 days'›", "seen > ago('30 days')", "write ago('30 days')"),
    ("seen > ‹CURRENT_DATE›", "seen > today()", "write today()"),
    ("seen > ‹yesterday›", "seen > ago('1 day')", "write ago('1 day')"),
    # texts without quotes, and with others
    ("country = ‹Germany›", "country = 'Germany'", "a text takes single quotes: 'Germany'"),
    ("country <> ‹FI›", "country <> 'FI'", "a text takes single quotes: 'FI'"),
    ("‹FI› = country", "'FI' = country", "a text takes single quotes: 'FI'"),
    ("country = ‹\"FI\"›", "country = 'FI'", "texts take single quotes: 'FI'"),
    ("country = ‹“FI”›", "country = 'FI'", "straight single quotes"),
    ("country IN (‹FI, SE›)", "country IN ('FI', 'SE')", "write 'FI', 'SE'"),
    ("country NOT IN (‹FI›)", "country NOT IN ('FI')", "'FI'"),
    ("country ‹IN 'FI'›", "country IN ('FI')", "a list in parentheses"),
    ("country ‹IN [\"FI\", \"SE\"]›", "country IN ('FI', 'SE')", "written in parentheses"),
    ("‹country = 'FI', 'SE'›", "country IN ('FI', 'SE')", "only after IN"),
    ("country = 'FI' OR ‹'SE'›", "country = 'FI' OR country = 'SE'", "said in full"),
    ("name CONTAINS ‹anna›", "name CONTAINS 'anna'", "a text takes single quotes"),
    ("name ‹= Anna Maria›", "name = 'Anna Maria'", "texts take single quotes"),
    ("name ‹= anna@example.com›", "name = 'anna@example.com'", "texts take single quotes"),
    ("name ‹CONTAINS @example.com›", "name CONTAINS '@example.com'", "texts take single quotes"),
    ("name ‹LIKE Ann%›", "name LIKE 'Ann%'", "a pattern is a text in single quotes"),
    ("name = ‹'O'Hara'›", "name = 'O''Hara'", "doubled"),
    ("kind = ‹Person›", "kind = 'person'", "did you mean 'person'"),
    ("kind = ‹'PERSON'›", "kind = 'person'", "did you mean 'person'"),
    ("vip = ‹yes›", "vip = TRUE", "write TRUE"),
    ("vip = ‹0›", "vip = FALSE", "write FALSE"),
    ("attributes.size = ‹9›", "attributes.size = '9'", "write '9'"),
    ("attributes.size IN (‹1, 9›)", "attributes.size IN ('1', '9')", "write '1', '9'"),
    ("name = ‹+358401234567›", "name = '+358401234567'", "write '+358401234567'"),
    ("name = ‹0401234567›", "name = '0401234567'", "write '0401234567'"),
    # words and signs of other languages
    ("visits ‹==› 3", "visits = 3", "one ="),
    ("visits ‹=>› 3", "visits >= 3", ">="),
    ("visits ‹=<› 3", "visits <= 3", "<="),
    ("visits ‹≥› 3", "visits >= 3", ">="),
    ("vip ‹&&› visits = 3", "vip AND visits = 3", "AND"),
    ("vip ‹||› visits = 3", "vip OR visits = 3", "OR"),
    ("‹!›vip", "NOT vip", "NOT"),
    ("visits = 3‹;›", "visits = 3", "without ;"),
    ("‹SELECT * FROM guests WHERE ›visits = 3", "visits = 3", "behind WHERE"),
    ("visits = 3‹ -- regulars›", "visits = 3", "no comments"),
    ("country ‹= NULL›", "country DOES NOT EXIST", "nothing equals NULL"),
    ("country ‹!= NULL›", "country EXISTS", "nothing equals NULL"),
    ("country ‹IS MISSING›", "country DOES NOT EXIST", "DOES NOT EXIST"),
    ("country ‹IS NOT EMPTY›", "country EXISTS", "EXISTS"),
    ("country ‹IS 'FI'›", "country = 'FI'", "compared with ="),
    ("country ‹IS NOT 'FI'›", "country <> 'FI'", "compared with ="),
    ("visits ‹IS 100›", "visits = 100", "write = 100"),
    ("visits ‹IS NOT -25›", "visits <> -25", "write <> -25"),
    ("born ‹IS today›()", "born = today()", "compared with ="),
    ("seen ‹IS NOT DATE›('2026-01-01')", "seen <> DATE('2026-01-01')", "compared with ="),
    ("vip ‹IS TRUE›", "vip = TRUE", "compared with ="),
    ("country ‹is FI›", "country = 'FI'", "compared with ="),
    ("country ‹equals› 'FI'", "country = 'FI'", "written with ="),
    ("visits ‹is more than› 3", "visits > 3", "written >"),
    ("visits ‹BETWEEN 1 TO ›3", "visits BETWEEN 1 AND 3", "joined by AND"),
    ("visits ‹BETWEEN (1, 3)›", "visits BETWEEN 1 AND 3", "joined by AND"),
    ("visits ‹BETWEEN (1 AND 3)›", "visits BETWEEN 1 AND 3", "joined by AND"),
    ("NOT ‹1 < visits <= 3›", "NOT (visits > 1 AND visits <= 3)", "cannot be chained"),
    ("‹1 <= visits <= 3› OR vip", "visits BETWEEN 1 AND 3 OR vip", "cannot be chained"),
    ("name ‹DOES NOT CONTAIN› 'a'", "name NOT CONTAINS 'a'", "NOT CONTAINS"),
    ("name ‹STARTS 'a'›", "name STARTS WITH 'a'", "two words"),
    ("name ‹BEGINS WITH› 'a'", "name STARTS WITH 'a'", "STARTS WITH"),
    ("‹name NOT ILIKE 'ann%'›", "CASEI(name) NOT LIKE CASEI('ann%')", "CASEI"),
    ("‹EXISTS sales›", "EXISTS(sales)", "takes parentheses"),
    ("vip AND ‹NOT EXISTS sales›", "vip AND NOT EXISTS(sales)", "takes parentheses"),
    ("sales ‹NOT EXISTS›", "NOT EXISTS(sales)", "DOES NOT EXIST"),
    # what belongs to records
    ("‹amount› > 100", "sales_amount > 100", "EXISTS(sales WHERE amount …)"),
    ("‹sales.amount› > 100", "MAX(sales.amount) > 100", "EXISTS(sales WHERE amount …)"),
    ("‹at› > ago('1 day')", "MAX(sales.at) > ago('1 day')", "EXISTS(sales WHERE at …)"),
    ("‹points› > 5", "programs.gold.points > 5", "programs has one"),
    ("COUNT(‹*›) > 5", "COUNT(sales) > 5", "write COUNT(sales)"),
    ("COUNT(‹*› WHERE amount > 5) > 5", "COUNT(sales WHERE amount > 5) > 5", "write COUNT(sales)"),
    ("COUNT(‹sales.*›) > 5", "COUNT(sales) > 5", "named alone"),
    ("SUM(‹amount›) > 5", "SUM(sales.amount) > 5", "write SUM(sales.amount)"),
    ("SUM(‹sales›) > 5", "SUM(sales.amount) > 5", "write SUM(sales.amount)"),
    # segments
    ("SEGMENT(‹'lapsd vips'›)", "SEGMENT('lapsed vips')", "did you mean 'lapsed vips'?"),
    ("SEGMENT(‹'Lapsed VIPs'›)", "SEGMENT('lapsed vips')", "did you mean 'lapsed vips'?"),
    ("‹SEGMENT \"lapsed vips\"›", "SEGMENT('lapsed vips')", "in parentheses"),
    ("‹SEGMENT(lapsed vips)›", "SEGMENT('lapsed vips')", "in single quotes"),
]  # fmt: skip


def mistake(text: str) -> FilterError:
    with pytest.raises(FilterError) as caught:
        SCHEMA.parse(text)
    return caught.value


def refused(text: str) -> FilterError | None:
    try:
        SCHEMA.parse(text)
    except FilterError as error:
        return error
    return None


@pytest.mark.parametrize(("marked", "meant", "told"), MISTAKES, ids=[each[0] for each in MISTAKES])
def test_a_mistake_names_its_remedy(marked: str, meant: str, told: str) -> None:
    """Law: put in the place that is marked, what is suggested first makes the filter that was meant; all are understood."""
    text = re.sub("[‹›]", "", marked)
    error = mistake(text)
    assert error.suggestions, str(error)
    mended = [text[: error.position] + each + text[error.end :] for each in error.suggestions]
    assert (text[: error.position], text[error.end :]) == (marked.split("‹", maxsplit=1)[0], marked.split("›")[1])
    assert SCHEMA.parse(mended[0]) == SCHEMA.parse(meant)
    for each in mended:
        SCHEMA.parse(each)
    assert told in error.message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("attributes.size > 9", "'10' comes before '9'"),
        ("attributes.size BETWEEN 1 AND 9", "'10' comes before '9'"),
        ("9 < country", "'10' comes before '9'"),
        ("attributes.size = TRUE", "EXISTS"),
        ("seen > 30", "DATE('2026-01-31')"),
        ("born > 1990", "DATE('2026-01-31')"),
        ("seen > 2011-10-01T12:00", "TIMESTAMP('2026-01-31T09:00:00Z')"),
        ("country LIKE", "LIKE 'A%'"),
        ("UPPER(name) = country", "CASEI"),
        ("YEAR(born) > 1990", "BETWEEN DATE("),
        ("DATEDIFF(today(), seen) > 3", "ago('30 days')"),
        ("total > TRUE", "> does not apply to true or false"),
        ("visits", "visits > 0"),
        ("kind = 5", "'person', 'company'"),
        ("sales.shop = 'x'", "EXISTS(sales WHERE shop …)"),
        ("shop = 'x'", "EXISTS(sales WHERE shop …)"),
        ("total > '5.125'", "cannot be compared with a text"),
        ("total > visits", "; divide the amount by the number, and compare that with a constant"),
        ("visits * 10 < sales_amount", "; divide the amount by the number, and compare that with a constant"),
        ("total BETWEEN 1 AND visits", "; divide the amount by the number, and compare that with a constant"),
        ("total + visits > 100", "visits is a number that is computed; only a constant or another amount adds up with money"),
        ("visits * 2 - total > 100", "this is a number that is computed; only a constant or another amount adds up"),
        ("total = 'many'", "cannot be compared with a text"),
        ("born = '30.2.1990'", "DATE('2026-01-31')"),
    ],
)
def test_where_nobody_can_know_nothing_is_suggested(text: str, told: str) -> None:
    """Law: no remedy that would be accepted and mean something else: a text has no order of numbers, a count is no day."""
    error = mistake(text)
    assert (error.suggestions, told in error.message) == ((), True), str(error)


def test_an_amount_is_given_as_a_number() -> None:
    """Money beside the text, or in an expression, is told to be given in major units, as which it is understood."""
    given = Money("12.50", "EUR")
    with pytest.raises(FilterError, match="given as a Decimal or an int, in major units"):
        SCHEMA.parse("total > :least", {"least": given})
    with pytest.raises(Malformed, match="given as a Decimal or an int, in major units"):
        _ = SCHEMA.fields.total > given
    assert SCHEMA.parse("total > :least", {"least": given.amount}) == SCHEMA.parse("total > 12.50")


OPERATORS = ("=", "<>", "<", "<=", ">", ">=")
CONSTANTS = (
    "9", "'9'", "'9,5'", "TRUE", "'yes'", "DATE('2026-01-31')", "'2026-01-31'", "2026-01-31", "now() - 1", "FI", "person",
    "TIMESTAMP('2026-01-31T09:00:00Z')", "'30 days'",
)  # fmt: skip
FIELDS = ("total", "visits", "score", "country", "attributes.size", "kind", "vip", "born", "seen", "age", "sales_amount")


@pytest.mark.parametrize("field", FIELDS)
def test_every_remedy_is_true_for_the_operator_at_hand(field: str) -> None:
    """Law: whatever is compared with whatever: a suggestion is accepted, and one for `<` orders numbers as numbers."""
    for op in OPERATORS:
        for constant in CONSTANTS:
            text = f"{field} {op} {constant}"
            error = refused(text)
            if error is None:
                continue
            for each in error.suggestions:
                SCHEMA.parse(text[: error.position] + each + text[error.end :])
                assert op in ("=", "<>") or each != "'9'", str(error)
            if op not in ("=", "<>") and field in ("country", "attributes.size") and constant == "9":
                assert "compare as a text" in error.message


@pytest.mark.parametrize(
    ("tree", "suggestion"),
    [
        ({"op": "=", "args": [{"property": "country"}, {"property": "Germany"}]}, "'Germany'"),
        ({"op": ">", "args": [{"property": "total"}, "1,000"]}, "1000"),
        ({"op": ">", "args": [{"property": "seen"}, "2011/10/01"]}, "DATE('2011-10-01')"),
        ({"op": ">", "args": [{"property": "seen"}, {"op": "-", "args": [{"op": "now", "args": []}, 30]}]}, "ago('30 days')"),
        ({"op": ">", "args": [{"property": "amount"}, 5]}, "sales_amount"),
        ({"op": "=", "args": [{"property": "vip"}, 1]}, "TRUE"),
        ({"op": "segment", "args": ["lapsd vips"]}, "'lapsed vips'"),
    ],
)
def test_json_has_the_same_remedies(tree: dict[str, Any], suggestion: str) -> None:
    """Law: where the mistake can be made in JSON, the same is suggested."""
    with pytest.raises(FilterError) as caught:
        SCHEMA.from_json(tree)
    assert caught.value.suggestions[0] == suggestion


def test_expressions_have_the_same_remedies() -> None:
    """Law: and where it can be made in Python."""
    for make in (lambda f: f.total > "1,000", lambda f: f.vip == 1, lambda f: f.seen > "2011/10/01"):
        with pytest.raises(FilterError) as caught:
            make(SCHEMA.fields)
        assert caught.value.suggestions


def test_a_habit_far_into_a_text_is_found_there() -> None:
    """Law: only what stands round the place is looked at, and the ends that count are those of the text."""
    many = " OR ".join(["visits = 3"] * 200)
    for text, mended in (
        (f"{many} && vip", f"{many} AND vip"), (f"{many} -- " + "x" * 90, many), (f"vip ==  TRUE AND ({many})", None),
        (f"{many};", many), (f"{many} OR total > 1,000", f"{many} OR total > 1000"),
    ):
        error = mistake(text)
        whole = text[: error.position] + error.suggestions[0] + text[error.end :]
        assert SCHEMA.parse(whole) == SCHEMA.parse(mended or whole)


@given(st.text(alphabet="0123456789.,_ €EUR'-/:TZ+ab<>=!&|;()[]\"%*", max_size=24), st.integers(0, 3))
def test_no_text_breaks_the_remedies(text: str, place: int) -> None:
    """Law: whatever is written, the answer is a filter or a FilterError whose place lies in the text, and no other error."""
    whole = ("total > ", "seen > ", "country = ", "")[place] + text
    error = refused(whole)
    if error is not None:
        assert 0 <= error.position <= error.end <= len(whole)


@given(st.integers(0, 10**9), st.integers(0, 99), st.sampled_from([(",", "."), (".", ","), (" ", ","), ("\u00a0", ",")]))
def test_grouped_numbers_are_read_as_they_are_meant(whole: int, cents: int, marks: tuple[str, str]) -> None:
    """Law: thousands parted by one mark and decimals by another are one number, with a currency or without."""
    thousands, point = marks
    written = f"{whole:,}".replace(",", thousands) + f"{point}{cents:02}"
    for text in (written, f"€{written}", f"{written} EUR", f" {written}€ "):
        assert loose_number(text) == Decimal(f"{whole}.{cents:02}")


@given(st.dates())
def test_days_are_read_in_every_order(on: Any) -> None:
    """Law: a day is found in each way to write it, alone or beside the one other that it may mean."""
    for text in (f"{on:%Y-%m-%d}", f"{on:%Y/%m/%d}", f"{on:%d.%m.%Y}"):
        assert loose_days(text.rjust(10, "0") if text[4:5] in "-/" else text) in ((on,), ())
    for text in (f"{on.day}/{on.month}/{on.year:04}", f"{on.month}/{on.day}/{on.year:04}"):
        assert on in loose_days(text)


class Found:
    """Finds segments by name, and lists the names."""

    def __call__(self, name: str) -> str | None:
        return "visits > 9" if name == "lapsed vips" else None

    def __iter__(self) -> Any:
        return iter(["lapsed vips"])


@pytest.mark.parametrize(("segments", "near"), [(Found(), ("'lapsed vips'",)), (Found().__call__, ())])
def test_who_finds_segments_may_list_their_names(segments: Any, near: tuple[str, ...]) -> None:
    """Law: near names are suggested where they can be known, and a function alone does as before."""
    schema = SCHEMA.evolve(segments=segments)
    assert schema.parse("SEGMENT('lapsed vips')").matches({"visits": 10})
    with pytest.raises(FilterError) as caught:
        schema.parse("SEGMENT('lapsd vips')")
    assert caught.value.suggestions == near
