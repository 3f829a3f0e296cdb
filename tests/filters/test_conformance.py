"""The conformance examples of the language, through the public door."""

import pytest

from custcrm.filters.schema import Schema
from custcrm.filters.syntax.errors import FilterError
from custcrm.filters.syntax.operators import TEXT_TESTS
from tests.filters.conformance import FIELDS, METRICS, Example, examples

EXAMPLES = examples()
ACCEPTED = [example for example in EXAMPLES if example.canonical is not None]
REFUSED = [example for example in EXAMPLES if example.error is not None]


@pytest.fixture(scope="module")
def schema() -> Schema:
    return Schema(FIELDS, currency="EUR", timezone="Europe/Helsinki", metrics=METRICS)


def test_all_sixty_are_there() -> None:
    """The language began with sixty examples; what joins it brings its own."""
    assert len(ACCEPTED) >= 35
    assert len(REFUSED) >= 25


def test_every_text_test_has_an_example() -> None:
    """A text test that joins the language brings an example in its own words."""
    assert [row.words for row in TEXT_TESTS.values() if not any(row.words in str(each.canonical) for each in ACCEPTED)] == []


@pytest.mark.parametrize("example", ACCEPTED, ids=lambda example: example.text)
def test_a_text_is_accepted_and_written_in_its_canonical_form(schema: Schema, example: Example) -> None:
    assert str(schema.parse(example.text)) == example.canonical


@pytest.mark.parametrize("example", ACCEPTED, ids=lambda example: example.text)
def test_the_canonical_form_and_the_json_say_the_same(schema: Schema, example: Example) -> None:
    parsed = schema.parse(example.text)
    assert schema.parse(str(parsed)).node == parsed.node
    assert schema.from_json(parsed.to_json()).node == parsed.node


@pytest.mark.parametrize("example", REFUSED, ids=lambda example: example.text)
def test_a_text_is_refused_with_its_kind_of_error(schema: Schema, example: Example) -> None:
    with pytest.raises(FilterError) as caught:
        schema.parse(example.text)
    assert caught.value.kind == example.error
    assert caught.value.text == example.text
