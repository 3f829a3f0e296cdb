"""The table of operators: a row is whole, means what the oracle says, and works in every form and on every target."""

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from custcrm.filters import Schema
from custcrm.filters.parsing.functions import FUNCTION_MAKERS
from custcrm.filters.syntax.operators import AGGREGATES, COMPARISONS, FUNCTIONS, TEXT_TESTS, written_name
from custcrm.filters.tools.describe import LANGUAGES
from tests.filters.reference import AGGREGATE_MEANINGS, COMPARE_MEANINGS, TEXT_MEANINGS

ALL_ROWS = [*TEXT_TESTS.values(), *COMPARISONS.values(), *AGGREGATES.values(), *FUNCTIONS.values()]
OF_NONE = {"count", "sum", "exists"}
SCHEMA = Schema({"name": str, "visits": int, "orders": [{"total": int}]})
TEXTS = st.text("aAbn%_ ", max_size=4)


def test_each_row_has_its_meaning_in_the_oracle() -> None:
    """The oracle of the tests says by name what each operator means; a row without one, or one without a row, is red."""
    assert set(TEXT_TESTS) == set(TEXT_MEANINGS)
    assert set(COMPARISONS) == set(COMPARE_MEANINGS)
    assert set(AGGREGATES) == set(AGGREGATE_MEANINGS) | OF_NONE
    assert set(FUNCTION_MAKERS) == set(FUNCTIONS) | set(AGGREGATES) | {n for n, row in TEXT_TESTS.items() if row.is_function}


@pytest.mark.parametrize("row", ALL_ROWS, ids=lambda row: row.name)
def test_a_row_says_itself_in_every_language(row) -> None:
    """A row has a sentence in each language in which filters are described, as many in one as in the other, or none in any."""
    if row.sentences:
        assert set(row.sentences) == set(LANGUAGES)
        assert len({len(said) for said in row.sentences.values()}) == 1
        assert all(sentence.strip() for said in row.sentences.values() for sentence in said)
    else:
        assert row.name in {"date", "timestamp", "segment"}     # their constant or name is said instead


@pytest.mark.parametrize("name", TEXT_TESTS)
def test_a_text_test_is_read_written_and_run_as_its_row_says(name: str) -> None:
    """Words, function form and JSON are one filter, which Python and SQL answer as the oracle does, its NOT too."""
    table = sa.table("rows", sa.column("name", sa.Text()))
    engine = sa.create_engine("sqlite://")
    texts = ["", "a", "Ann", "Anna", "nn", "An%", "ann", None]
    row = TEXT_TESTS[name]
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE rows (name TEXT)"))
        connection.execute(sa.insert(table), [{"name": text} for text in texts])
        for piece in ("", "A", "nn", "Anna", "Annabel"):
            rule = SCHEMA.parse(f"name {row.words} '{piece}'")
            assert str(rule) == f"name {row.words} '{piece}'"
            assert SCHEMA.from_json(rule.to_json()) == rule
            if row.is_function:
                assert SCHEMA.parse(f"{written_name(name)}(name, '{piece}')") == rule
            wanted = [text for text in texts if text is not None and TEXT_MEANINGS[name](text, piece)]
            assert [each["name"] for each in rule.select([{"name": text} for text in texts])] == wanted
            assert connection.execute(sa.select(table.c.name).where(rule.to_sql(table))).scalars().all() == wanted
            rest = connection.execute(sa.select(table.c.name).where((~rule).to_sql(table))).scalars().all()
            assert rest == [text for text in texts if text not in wanted]
    engine.dispose()


@pytest.mark.parametrize("name", [name for name in TEXT_TESTS if name != "like"])
@given(text=TEXTS, piece=TEXTS)
def test_what_a_row_holds_is_what_the_oracle_says(name: str, text: str, piece: str) -> None:
    """The row's own meaning, which constants are folded by, is the oracle's."""
    assert TEXT_TESTS[name].holds(text, piece) == TEXT_MEANINGS[name](text, piece)


@pytest.mark.parametrize("name", COMPARISONS)
@given(left=st.integers(-2, 2), right=st.integers(-2, 2))
def test_a_comparison_holds_and_is_mirrored(name: str, left: int, right: int) -> None:
    """An operator means what the oracle says, and its mirror the same with the sides exchanged."""
    row = COMPARISONS[name]
    assert row.holds(left, right) == COMPARE_MEANINGS[name](left, right) == COMPARISONS[row.mirrored].holds(right, left)


@pytest.mark.parametrize("row", TEXT_TESTS.values(), ids=lambda row: row.name)
def test_a_screen_offers_the_labels_of_a_row(row) -> None:
    """A screen has an operator for each label of a row, and none for a row without."""
    offered = {each.name: each.label for each in SCHEMA.conditions()[0].operators}
    names = (row.name, f"not_{row.name}")
    assert [offered.get(name) for name in names[: len(row.labels)]] == list(row.labels)
    assert not {*names[len(row.labels) :]} & {*offered}
