"""Sentences in English and Finnish."""

import pytest
from hypothesis import given

from custcrm.filters import Filter, Integer, Schema, Text
from custcrm.filters.tools.describe import describe
from custcrm.filters.tools.languages import PHRASES
from custcrm.testing.strategies import demo_schema, filters
from custcrm.values.errors import Malformed
from tests.filters.conformance import FIELDS, METRICS

DEMO = demo_schema()
schema = Schema(
    FIELDS | {"phone": Text(label="Phone number"), "visits": Integer(label="Number of visits")},
    currency="EUR",
    metrics=METRICS | {"sales_count": "COUNT(sales)"},
)

SENTENCES = [
    (
        "visits > 3 AND phone DOES NOT EXIST",
        "Number of visits is more than 3 and Phone number does not exist",
        "Number of visits on suurempi kuin 3 ja Phone number puuttuu",
    ),
    (
        "country <> 'FI' OR (visits = 1 AND kind = 'person')",
        "country is not 'FI' (or country is missing) or (Number of visits is 1 and kind is 'person')",
        "country ei ole 'FI' (tai country puuttuu) tai (Number of visits on 1 ja kind on 'person')",
    ),
    (
        "NOT (sales_count > 3)",
        "sales count is not more than 3",
        "sales count ei ole suurempi kuin 3",
    ),
    (
        "last_sale_at < ago('1 month') AND birth_date >= ago('18 years')",
        "last sale at is before 1 month ago and birth date is not before 18 years ago",
        "last sale at on aiemmin kuin 1 kuukausi sitten ja birth date on aikaisintaan 18 vuotta sitten",
    ),
    (
        "ANNIVERSARY(birth_date) BETWEEN today() AND from_now('7 days')",
        "the anniversary of birth date is between today and 7 days from now",
        "vuosipäivä (birth date) on välillä tänään – 7 päivän kuluttua",
    ),
    (
        "NOT EXISTS(sales WHERE total > 12.50)",
        "there are no sales where (total is more than 12.5)",
        "ei löydy: sales, kun (total on suurempi kuin 12.5)",
    ),
    (
        "MAX(sales.occurred_at) < now() AND SUM(sales.total) * (1 + 2) >= 5",
        "the latest occurred at of sales is before now and the sum of total over sales × (1 + 2) is at least 5",
        "kentän occurred at viimeisin arvo (sales) on aiemmin kuin nyt ja kentän total summa (sales) × (1 + 2) on vähintään 5",
    ),
    ("NOT (TRUE)", "nobody", "ei kukaan"),
    ("visits IN ()", "Number of visits is one of an empty list", "Number of visits on jokin näistä: tyhjä luettelo"),
    (
        "CASEI(first_name) CONTAINS 'x'",
        "first name, whatever its case contains 'x'",
        "first name kirjainkoosta riippumatta sisältää tekstin 'x'",
    ),
]


@pytest.mark.feature("X10")
@pytest.mark.parametrize(("text", "english", "finnish"), SENTENCES, ids=[text for text, *_ in SENTENCES])
def test_sentences(text: str, english: str, finnish: str) -> None:
    rule = schema.parse(text)
    assert rule.describe() == english
    assert rule.describe("fi") == finnish


@given(filters(DEMO))
def test_every_filter_has_a_sentence_in_each_language(rule: Filter) -> None:
    for language in PHRASES:
        assert rule.describe(language)


def test_the_languages_have_the_same_phrases() -> None:
    english, finnish = PHRASES["en"], PHRASES["fi"]
    assert finnish.keys() | {"DIV", "%"} == english.keys()


def test_a_scope_says_what_it_narrows() -> None:
    sentence = describe(schema.parse("visits > 1").node, schema, scope=(("point_of_sale", "Harbour"),))
    assert sentence.startswith("Number of visits is more than 1, counted only where point_of_sale is 'Harbour'")


def test_another_language_is_malformed() -> None:
    with pytest.raises(Malformed):
        schema.parse("TRUE").describe("sv")
