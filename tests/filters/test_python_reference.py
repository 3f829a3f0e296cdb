"""Laws of the Python target: it says what a naive reading of the language says, and NOT gives the complement."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from custcrm.filters import Filter
from custcrm.testing import strategies
from tests.filters.reference import Uncertain, holds

SCHEMA = strategies.demo_schema()
FILTERS = strategies.filters(SCHEMA)
ROWS = strategies.rows(SCHEMA)


def as_object(row: dict[str, Any]) -> SimpleNamespace:
    """Return the row, and its records, as objects with every attribute of the schema."""
    return _object(row, SCHEMA.types)


def _object(row: dict[str, Any], fields: Any) -> SimpleNamespace:
    return SimpleNamespace(**{name: _attribute(row.get(name), kind) for name, kind in fields.items()})


def _attribute(value: Any, kind: Any) -> Any:
    inner = getattr(kind, "fields", None)
    if inner is not None:
        return tuple(_object(each, inner) for each in value or ())
    if isinstance(getattr(kind, "value", None), dict) and value is not None:
        return {key: _object(each, kind.value) for key, each in value.items()}
    return value


def expected(rule: Filter, row: dict[str, Any], as_of: Any) -> bool:
    try:
        return holds(rule, row, as_of)
    except Uncertain:
        assume(False)
        raise


@given(FILTERS, st.lists(ROWS, min_size=1, max_size=4), strategies.instants())
def test_python_says_what_the_language_says(rule: Filter, rows: list[dict[str, Any]], as_of: Any) -> None:
    """matches(row) is what a naive evaluation of the checked tree gives, for mappings and for objects."""
    wanted = [expected(rule, row, as_of) for row in rows]
    assert [rule.matches(row, as_of=as_of) for row in rows] == wanted
    assert [rule.matches(as_object(row), as_of=as_of) for row in rows] == wanted


@given(FILTERS, st.lists(ROWS, max_size=4), strategies.instants())
def test_select_is_matches_row_by_row(rule: Filter, rows: list[dict[str, Any]], as_of: Any) -> None:
    """select(rows) is the rows of which matches is true, in their order."""
    assert rule.select(rows, as_of=as_of) == [row for row in rows if rule.matches(row, as_of=as_of)]
    objects = [as_object(row) for row in rows]
    assert rule.select(iter(objects), as_of=as_of) == [each for each in objects if rule.matches(each, as_of=as_of)]


@pytest.mark.feature("X06")
@given(FILTERS, ROWS, strategies.instants())
def test_not_selects_exactly_the_complement(rule: Filter, row: dict[str, Any], as_of: Any) -> None:
    """NOT f is true of exactly the rows of which f is not."""
    assert (~rule).matches(row, as_of=as_of) is not rule.matches(row, as_of=as_of)


@given(FILTERS, ROWS, strategies.instants())
def test_canonical_text_means_the_same(rule: Filter, row: dict[str, Any], as_of: Any) -> None:
    """A filter read back from its text answers alike."""
    assert SCHEMA.parse(str(rule)).matches(row, as_of=as_of) == rule.matches(row, as_of=as_of)


@given(FILTERS, ROWS, strategies.instants())
def test_explanation_agrees_with_matches(rule: Filter, row: dict[str, Any], as_of: Any) -> None:
    """explain(row).matched is matches(row); what decides agrees with it; its tree shows every condition."""
    why = rule.explain(row, as_of=as_of)
    assert why.matched == rule.matches(row, as_of=as_of)
    assert all(part.verdict == why.matched for part in why.deciding)
    assert set(why.deciding) <= set(why.conditions)
    assert all(part.text in str(why) for part in why.conditions)
