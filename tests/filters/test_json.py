"""Laws of CQL2 JSON: nothing is lost on the way there and back, and what is no filter is refused with a pointer."""

import inspect
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custcrm.filters import Filter, Schema
from custcrm.filters.parsing.json import from_json, meaning
from custcrm.filters.parsing.parser import parse
from custcrm.filters.syntax.errors import FilterError, LimitExceeded
from custcrm.filters.syntax.kinds import kind_of
from custcrm.filters.syntax.nodes import Condition
from custcrm.filters.syntax.to_json import to_json
from custcrm.filters.syntax.to_text import canonical
from tests.filters.conformance import FIELDS, METRICS
from tests.filters.trees import conditions


@settings(max_examples=200)
@given(conditions())
def test_json_is_read_back_as_the_same_tree(tree: Condition) -> None:
    assert from_json(to_json(tree)) == tree


@given(conditions())
def test_json_text_loses_nothing(tree: Condition) -> None:
    if isinstance(data := to_json(tree), dict):
        assert from_json(json.dumps(data)) == tree


def test_the_worked_example_of_the_language() -> None:
    text = "tags.VIP EXISTS AND sales_total > 12.5"
    data = {
        "op": "and",
        "args": [
            {"op": "not", "args": [{"op": "isNull", "args": [{"property": "tags.VIP"}]}]},
            {"op": ">", "args": [{"property": "sales_total"}, 12.5]},
        ],
    }
    assert to_json(parse(text)) == data
    assert canonical(from_json(data)) == text


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a <> 1", {"op": "<>", "args": [{"property": "a"}, 1]}),
        ("a DOES NOT EXIST", {"op": "isNull", "args": [{"property": "a"}]}),
        ("a IN ()", {"op": "in", "args": [{"property": "a"}, []]}),
        ("a CONTAINS 'x'", {"op": "contains", "args": [{"property": "a"}, "x"]}),
        ("a > ago('12 months')", {"op": ">", "args": [{"property": "a"}, {"op": "ago", "args": ["12 months"]}]}),
        ("a = DATE('2026-01-31')", {"op": "=", "args": [{"property": "a"}, {"date": "2026-01-31"}]}),
        ('tags."Family member" EXISTS AND "and" = 1', None),
        ("EXISTS(sales WHERE a DIV 2 = 1)", None),
        ("SEGMENT('vips')", {"op": "segment", "args": ["vips"]}),
    ],
)
def test_forms(text: str, data: dict[str, Any] | None) -> None:
    tree = parse(text)
    if data is not None:
        assert to_json(tree) == data
    assert from_json(json.dumps(to_json(tree))) == tree


def test_numbers_are_exact() -> None:
    assert canonical(from_json('{"op": "=", "args": [{"property": "a"}, 0.1]}')) == "a = 0.1"
    assert canonical(from_json({"op": "=", "args": [{"property": "a"}, 0.1]})) == "a = 0.1"
    assert canonical(from_json({"op": "=", "args": [{"property": "a"}, Decimal("0.10")]})) == "a = 0.1"
    assert canonical(from_json('{"op": "=", "args": [{"property": "a"}, 1.50e1]}')) == "a = 15"


REFUSED: list[tuple[object, str, str]] = [
    ("{", "json", ""),
    ([], "json", ""),
    ({"op": "and", "args": [[], True]}, "json", "/args/0"),
    ({"op": "and", "args": [True]}, "arguments", "/args"),
    ({"op": "=", "args": [1, 2], "extra": 1}, "json", ""),
    ({"op": "=", "args": [1, 2, 3]}, "arguments", "/args"),
    ({"op": "=", "args": [{"property": "a", "more": 1}, 2]}, "json", "/args/0"),
    ({"op": "=", "args": [{"date": "2026-01-01", "more": 1}, 2]}, "json", "/args/0"),
    ({"op": "=", "args": {"a": 1}}, "json", "/args"),
    ({"op": "=", "args": [{"property": "a"}, None]}, "null", "/args/1"),
    ({"op": "=", "args": [{"property": "a.."}, 1]}, "json", "/args/0/property"),
    ({"op": "=", "args": [{"property": 1}, 1]}, "json", "/args/0/property"),
    ({"op": "=", "args": [{"property": "a"}, float("nan")]}, "number", "/args/1"),
    ({"op": "=", "args": [{"property": "a"}, "\ud800"]}, "json", "/args/1"),
    ('{"op": "=", "args": [{"property": "a"}, NaN]}', "number", ""),
    ('{"op": "=", "op": "=", "args": [1, 2]}', "json", ""),
    ('{"op": "=", "args": [{"property": "a"}, 1e99999999999999999999]}', "number", ""),
    ({"op": "=", "args": [{"property": "a"}, 2**63]}, "number", "/args/1"),
    ({"op": "=", "args": [{"date": "2025-02-29"}, 1]}, "date", "/args/0/date"),
    ({"op": "=", "args": [{"interval": []}, 1]}, "left_out", "/args/0"),
    ({"op": "s_intersects", "args": []}, "left_out", "/op"),
    ({"op": "AND", "args": [True, True]}, "unknown_function", "/op"),
    ({"op": "in", "args": [{"property": "a"}, 1]}, "json", "/args/1"),
    ({"op": "ago", "args": ["12 months"]}, "not_a_condition", ""),
    ({"op": ">", "args": [{"property": "a"}, {"op": "ago", "args": ["12m"]}]}, "span", "/args/1/args/0"),
    ({"op": "+", "args": [{"op": "and", "args": [True, True]}, 1]}, "not_a_value", "/args/0"),
    (None, "null", ""),
    (True and {1: 2}, "json", ""),
]


@pytest.mark.parametrize(("data", "kind", "pointer"), REFUSED, ids=str)
def test_what_is_no_filter_is_refused_with_a_pointer(data: Any, kind: str, pointer: str) -> None:
    with pytest.raises(FilterError) as caught:
        from_json(data)
    assert (caught.value.kind, caught.value.pointer) == (kind, pointer)
    assert caught.value.to_json()["position"] is None


def test_nesting_is_refused_before_decoding() -> None:
    deep = '{"op": "not", "args": [' * 101 + "true" + "]}" * 101
    for data in (deep, json.loads('{"op": "not", "args": [' * 101 + "true" + "]}" * 101), "[" * 1_000_000):
        with pytest.raises(LimitExceeded) as caught:
            from_json(data)
        assert caught.value.limit == "json_nesting"
    brackets = "[" * 300 + '"' + "{" * 300
    assert canonical(from_json(json.dumps({"op": "=", "args": [{"property": "a"}, brackets]}))) == f"a = '{brackets}'"


@pytest.mark.parametrize(
    ("op", "args"),
    [
        ("not", lambda inner: [inner]),
        ("and", lambda inner: [inner, True]),
        ("+", lambda inner: [inner, 1]),
        ("casei", lambda inner: [inner]),
        ("count", lambda inner: [{"property": "s"}, inner]),
    ],
)
def test_nesting_costs_no_frames(op: str, args: Callable[[Any], list[Any]]) -> None:
    """The outcome is the same when the caller stands so deep that Python has 60 frames left."""
    data: dict[str, Any] = {"op": "=", "args": [{"property": "a"}, 1]}
    for _ in range(98):
        data = {"op": op, "args": args(data)}

    def outcome() -> str:
        try:
            return canonical(from_json(data))
        except FilterError as error:
            return str(error)

    def descend(frames: int) -> str:
        return descend(frames - 1) if frames else outcome()

    assert descend(sys.getrecursionlimit() - len(inspect.stack(0)) - 60) == outcome()


def test_endless_json_is_refused() -> None:
    shared: dict[str, Any] = {"op": "=", "args": [{"property": "a"}, 1]}
    for _ in range(60):
        shared = {"op": "and", "args": [shared, shared]}
    endless: dict[str, Any] = {"op": "not"}
    endless["args"] = [endless]
    for data, limit in ((shared, "json_values"), (endless, "json_nesting")):
        with pytest.raises(LimitExceeded) as caught:
            from_json(data)
        assert caught.value.limit == limit


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["a", "2026-01-01", "12 months"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.fixed_dictionaries(
            {"op": st.sampled_from(["and", "not", "=", "in", "isNull", "count", "ago"]), "args": st.lists(inner)}
        )
        | st.dictionaries(st.sampled_from(["op", "args", "property", "date", "timestamp"]), inner, max_size=2)
    ),
    max_leaves=8,
)


@given(JSON)
def test_any_json_ends_in_a_condition_or_a_filter_error(data: Any) -> None:
    for given_as in (data, json.dumps(data)):
        with suppress(FilterError):
            assert kind_of(from_json(given_as)) != "value"


@pytest.mark.parametrize(
    ("data", "kind", "pointer"),
    [
        ({"op": ">", "args": [{"property": "visits"}, "5"]}, "type", "/args/1"),
        ({"op": "and", "args": [True, {"op": "=", "args": [{"property": "contry"}, "FI"]}]}, "unknown_field", "/args/1/args/0"),
        ({"op": "<>", "args": [{"property": "kind"}, "persn"]}, "unknown_value", "/args/1"),
        ({"op": "in", "args": [{"property": "visits"}, [1, "a"]]}, "type", "/args/1/1"),
        ({"op": "not", "args": [{"property": "visits"}]}, "not_a_condition", "/args/0"),
        (
            {"op": "exists", "args": [{"property": "sales"}, {"op": "=", "args": [{"property": "country"}, "FI"]}]},
            "out_of_scope",
            "/args/1/args/0",
        ),
    ],
)
def test_what_has_no_meaning_is_refused_with_a_pointer(data: Any, kind: str, pointer: str) -> None:
    schema = Schema(FIELDS, currency="EUR", metrics=METRICS)
    for given_as in (data, json.dumps(data)):
        with pytest.raises(FilterError) as caught:
            meaning(given_as, lambda node: Filter.of(schema, node))
        assert (caught.value.kind, caught.value.pointer, caught.value.span) == (kind, pointer, None)
