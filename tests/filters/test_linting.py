"""What lint finds, and that it is silent where nothing is wrong."""

import pytest
from hypothesis import given

from custcrm.filters import Filter, Schema
from custcrm.filters.tools.lint import Finding, lint
from custcrm.testing.strategies import demo_schema, filters
from tests.filters.conformance import FIELDS, METRICS

DEMO = demo_schema()
schema = Schema(FIELDS, currency="EUR", metrics=METRICS | {"sales_count": "COUNT(sales)", "largest": "MAX(sales.total)"})


def findings(text: str) -> list[Finding]:
    return list(schema.parse(text).lint())


@pytest.mark.feature("X05")
@pytest.mark.parametrize(
    ("text", "concerns"),
    [
        ("country <> 'FI'", "country DOES NOT EXIST"),
        ("NOT visits > 3", "visits DOES NOT EXIST"),
        ("visits NOT IN (1)", "visits DOES NOT EXIST"),
        ("NOT (country = 'FI' AND visits EXISTS)", "country DOES NOT EXIST"),
        ("largest <> 5", "largest DOES NOT EXIST"),
        ("NOT accepts_marketing", "accepts_marketing DOES NOT EXIST"),
        ("EXISTS(sales WHERE point_of_sale <> 'x')", None),
    ],
)
def test_a_negative_that_lets_the_missing_in(text: str, concerns: str | None) -> None:
    (finding,) = findings(text)
    assert (finding.kind, finding.concerns) == ("missing", concerns)
    assert finding.span is not None
    if concerns:
        mended = schema.parse(finding.suggestions[0])
        assert not mended.matches({})


@pytest.mark.parametrize(
    "text",
    [
        "country = 'FI' AND visits > 3",
        "country EXISTS AND country <> 'FI'",
        "NOT (country DOES NOT EXIST OR country = 'FI')",
        "phone DOES NOT EXIST",
        "NOT sales_count > 3",
        "NOT COUNT(sales) = 1",
        "NOT EXISTS(sales WHERE total > 5)",
        "TRUE",
        "ACCENTI(CASEI(first_name)) = 'jose'",
        "tags.VIP EXISTS AND tags.Newsletter EXISTS",
    ],
)
def test_nothing_to_say(text: str) -> None:
    assert findings(text) == []


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("CASEI(first_name) = 'Anna'", "'anna'"),
        ("CASEI(first_name) IN ('anna', 'Eva')", "'eva'"),
        ("ACCENTI(first_name) LIKE '%é%'", "'%e%'"),
        ("CASEI(first_name) CONTAINS 'X'", "'x'"),
        ("'Anna' = CASEI(first_name)", "'anna'"),
    ],
)
def test_a_fold_beside_an_unfolded_text_is_never_true(text: str, suggestion: str) -> None:
    (finding,) = findings(text)
    assert (finding.kind, finding.suggestions) == ("never_equal", (suggestion,))


def test_near_keys() -> None:
    (finding, *_) = findings("tags.VIP EXISTS OR tags.VPI EXISTS")
    assert (finding.kind, finding.suggestions) == ("near_key", ("tags.VPI",))
    rule = schema.parse("tags.\"Famly member\" EXISTS AND tags.VIP EXISTS")
    (finding,) = lint(schema, rule.node, keys={"tags": ["VIP", "Family member"]})
    assert (finding.part, finding.suggestions) == ('tags."Famly member"', ('tags."Family member"',))


@pytest.mark.parametrize(
    ("text", "part", "meant"),
    [
        ('tags." VIP " EXISTS', 'tags." VIP "', "tags.VIP"),
        ('tags."Family member\u00a0" EXISTS', None, 'tags."Family member"'),
        ("country = ' FI'", None, "'FI'"),
        ("'FI\u200b' = country", None, "'FI'"),
        ("country IN ('SE', 'FI ')", None, "'FI'"),
        ("COUNT(sales WHERE point_of_sale = ' Harbour ') > 0", "point_of_sale = ' Harbour '", "'Harbour'"),
    ],
)
def test_white_space_round_a_key_or_a_constant(text: str, part: str | None, meant: str) -> None:
    """Keys are stored trimmed, most texts are, and a filter is taken at its word: such a part mostly finds nothing, in silence.

    A tag's value is kept as it was given, so that nothing is said of how texts are stored.
    """
    found = [each for each in findings(text) if each.kind == "blanks"]
    assert [(each.suggestions, part in (None, each.part)) for each in found] == [((meant,), True)]
    assert ("stored" in found[0].message) == ("EXISTS" in text)
    assert not [each for each in findings(text.replace(" VIP ", "VIP")) if each.kind == "blanks" and "VIP" in each.part]


@pytest.mark.parametrize(
    ("text", "kind", "part"),
    [
        ("visits > 5 AND visits < 3", "always_false", None),
        ("visits = 1 OR visits <> 1", "always_true", None),
        ("country = 'FI' OR (visits > 5 AND visits < 3)", "always_false", "visits > 5 AND visits < 3"),
        ("COUNT(sales WHERE total > 5 AND total < 3) = 0", "always_false", "total > 5 AND total < 3"),
        ("country IN ()", "always_false", None),
    ],
)
def test_parts_that_are_always_the_same(text: str, kind: str, part: str | None) -> None:
    finding = findings(text)[0]
    assert (finding.kind, finding.part) == (kind, part or text)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("tags.SIZE > '9'", "tags.SIZE > '9'"), ("'1,000' <= tags.SIZE", "'1,000' <= tags.SIZE"),
        ("NOT tags.SIZE < '9'", "tags.SIZE < '9'"), ("tags.SIZE BETWEEN '1' AND '9'", "tags.SIZE BETWEEN '1' AND '9'"),
        ("tags.SIZE = '9'", None), ("tags.SIZE > 'M'", None), ("visits > 9", None),
    ],
)
def test_numbers_that_are_texts_have_another_order(text: str, part: str | None) -> None:
    """Law: an order of texts that are numbers is told, nothing else of texts and numbers is."""
    found = [each.part for each in findings(text) if each.kind == "text_order"]
    assert found == ([] if part is None else [part])


@given(filters(DEMO))
def test_every_filter_can_be_linted(rule: Filter) -> None:
    for finding in rule.lint():
        assert finding.message
