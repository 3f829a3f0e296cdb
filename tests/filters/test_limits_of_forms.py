"""A limit gives the same verdict in every form; a form's own limit says how the filter can be given all the same."""

from collections.abc import Callable
from functools import reduce
from operator import add, or_
from typing import Any

import pytest

from custcrm.filters import Filter, FilterError, Schema

SCHEMA = Schema({"a": int, "t": str})
F = SCHEMA.fields
P: Any = {"property": "a"}
Forms = tuple[Callable[[], Filter], str, dict[str, Any]]


def conditions(count: int) -> Forms:
    tests: list[Any] = [{"op": "=", "args": [P, each]} for each in range(count)]
    text = " OR ".join(f"a = {each}" for each in range(count))
    return lambda: reduce(or_, [F.a == each for each in range(count)]), text, {"op": "or", "args": tests}


def values(first: int, count: int) -> Forms:
    listed = list(range(first, first + count))
    return lambda: F.a.is_in(listed), f"a IN ({','.join(map(str, listed))})", {"op": "in", "args": [P, listed]}


def operators(count: int) -> Forms:
    summed: Any = reduce(lambda left, right: {"op": "+", "args": [left, right]}, [P] * (count + 1))
    text = f"{' + '.join(['a'] * (count + 1))} > 0"
    return lambda: reduce(add, [F.a] * (count + 1)) > 0, text, {"op": ">", "args": [summed, 0]}


def levels(count: int) -> Forms:
    text = "a = 0"
    tree: dict[str, Any] = {"op": "=", "args": [P, 0]}
    for each in range(1, count + 1):
        text = f"({text}) {'AND' if each % 2 else 'OR'} a = {each}"
        tree = {"op": "and" if each % 2 else "or", "args": [tree, {"op": "=", "args": [P, each]}]}

    def built() -> Filter:
        made = F.a == 0
        for each in range(1, count + 1):
            made = made & (F.a == each) if each % 2 else made | (F.a == each)
        return made

    return built, text, tree


def verdict(read: Callable[[], Filter]) -> str:
    try:
        return str(len(str(read())) > 0)
    except FilterError as refused:
        return f"{refused.kind} {getattr(refused, 'limit', '')}"


CASES: dict[str, tuple[Forms, str]] = {
    "conditions": (conditions(1_000), "True"),
    "too many conditions": (conditions(1_001), "limit conditions"),
    "values": (values(0, 10_000), "True"),
    "too many values": (values(0, 10_001), "limit values"),
    "negative values": (values(-10_000, 10_000), "True"),
    "too many negative values": (values(-10_001, 10_001), "limit values"),
    "operators": (operators(16), "True"),
    "too many operators": (operators(17), "limit operators"),
    "levels": (levels(29), "True"),
    "too many levels": (levels(30), "limit depth"),
}


@pytest.mark.parametrize(("forms", "expected"), CASES.values(), ids=CASES)
def test_a_limit_is_the_same_in_every_form(forms: Forms, expected: str) -> None:
    """The last filter that fits does so as Python, text and JSON; the first that does not fails by the same limit."""
    built, text, tree = forms
    ways: list[Callable[[], Filter]] = [built, lambda: SCHEMA.parse(text), lambda: SCHEMA.from_json(tree)]
    assert [verdict(way) for way in ways] == [expected] * 3


def test_what_a_text_has_no_room_for_says_how_to_give_it() -> None:
    """A text may be too long for what JSON and Python take; the error names the way in which it is text after all."""
    long = "x" * 70_000
    assert SCHEMA.from_json({"op": "=", "args": [{"property": "t"}, long]}) == (F.t == long)
    for text in (f"t = '{long}'", f"t IN ({', '.join(repr('abcdefgh' + str(each)) for each in range(10_000))})"):
        with pytest.raises(FilterError, match="give long texts and lists as values beside it, as :name"):
            SCHEMA.parse(text)
    assert SCHEMA.parse("t = :long", {"long": long}) == (F.t == long)
