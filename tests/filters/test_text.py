"""Laws of the canonical text: it is read back as the same tree, and is its own canonical text."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings

from custcrm.filters.parsing.parser import parse, parse_value
from custcrm.filters.syntax.nodes import Condition, Field, literal
from custcrm.filters.syntax.to_text import canonical, path_text
from tests.filters.conformance import examples
from tests.filters.trees import conditions, constants, fields


@settings(max_examples=200)
@given(conditions())
def test_canonical_text_is_read_back_as_the_same_tree(tree: Condition) -> None:
    assert parse(canonical(tree)) == tree


@given(conditions())
def test_canonical_text_is_a_fixpoint(tree: Condition) -> None:
    text = canonical(tree)
    assert canonical(parse(text)) == text


@given(constants())
def test_every_constant_is_read_back(constant: object) -> None:
    assert parse_value(canonical(constant)) == constant  # type: ignore[arg-type]


@given(fields())
def test_every_path_is_read_back(field: Field) -> None:
    assert parse_value(path_text(field.path)) == field


# What only a schema knows: a Boolean field compared with TRUE, a collection that exists.
NEEDS_A_SCHEMA = {"accepts_marketing AND NOT kind = 'company'", "sales EXISTS"}


@pytest.mark.parametrize(
    "example",
    [each for each in examples() if each.canonical is not None and each.text not in NEEDS_A_SCHEMA],
    ids=lambda example: example.text,
)
def test_conformance_examples_have_their_canonical_form_without_a_schema(example) -> None:  # type: ignore[no-untyped-def]
    assert canonical(parse(example.text)) == example.canonical


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"),
        (Decimal("12.50"), "12.5"),
        (Decimal("0.5"), "0.5"),
        (Decimal("-1.5e-10"), "-0.00000000015"),
        (Decimal("1E+3"), "1000"),
        (True, "TRUE"),
        ("O'Hara", "'O''Hara'"),
        (date(1, 2, 3), "DATE('0001-02-03')"),
        (datetime(2026, 3, 29, 1, 0, 0, 500_000, tzinfo=UTC), "TIMESTAMP('2026-03-29T01:00:00.5Z')"),
        (datetime(999, 3, 29, tzinfo=UTC), "TIMESTAMP('0999-03-29T00:00:00Z')"),
    ],
)
def test_constants_have_one_form(value, text) -> None:  # type: ignore[no-untyped-def]
    assert canonical(literal(value)) == text


@pytest.mark.parametrize(
    "text",
    [
        "a + b - c",
        "a - (b - c)",
        "a * (b + c) / d",
        "(a ^ 2) ^ 3",
        "a ^ (b ^ c)",
        "-5 ^ 2",
        "a - -1",
        "2 * (-1 * x)",
        "a DIV b % c",
        "a DIV (b % c)",
    ],
)
def test_arithmetic_has_parentheses_only_where_needed(text: str) -> None:
    assert canonical(parse_value(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "NOT (a = 1 AND b = 2)",
        "NOT (a > 1)",
        "NOT EXISTS(sales)",
        "NOT SEGMENT('x')",
        "NOT TRUE",
        "NOT accepts",
        "a <> 1",
        "a NOT IN (1)",
        "a NOT BETWEEN 1 AND 2",
        "a NOT LIKE 'x'",
        "a NOT CONTAINS 'x'",
        "a NOT STARTS WITH 'x'",
        "a NOT ENDS WITH 'x'",
        "a DOES NOT EXIST",
    ],
)
def test_negatives_have_one_form(text: str) -> None:
    assert canonical(parse(text)) == text
