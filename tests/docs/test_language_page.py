"""docs/language.md says what the language does: its tables are run against the schema of the page."""

import json
import re
from datetime import UTC, datetime
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from custcrm import filters
from custcrm.filters import Filter, FilterError, Schema
from custcrm.filters.parsing.functions import FUNCTION_MAKERS
from custcrm.filters.syntax import limits
from custcrm.filters.syntax.lexicon import RESERVED
from custcrm.filters.syntax.operators import written_name
from tests.docs.pages import CODE, code, page, table

PAGE = page("language.md")


@cache
def schema() -> Schema:
    """Return the schema of the page, made by its first Python block."""
    namespace: dict[str, Any] = {}
    exec(PAGE.split("```python\n", 1)[1].split("```", 1)[0], namespace)
    made = namespace["schema"]
    assert isinstance(made, Schema)
    return made


@pytest.mark.parametrize("row", table(PAGE, "filter | true for"), ids=lambda row: row[0])
def test_every_condition_is_a_filter(row: list[str]) -> None:
    """Each filter of the first table can be read."""
    for text in CODE.findall(row[0]):
        assert isinstance(schema().parse(text), Filter)


READ_AS = table(PAGE, "filter | is read as") + table(PAGE, "filter | canonical text")


@pytest.mark.parametrize("row", READ_AS, ids=lambda row: row[0])
def test_what_a_filter_is_read_as(row: list[str]) -> None:
    """The second column is the canonical text of the first, and a fixpoint."""
    assert str(schema().parse(code(row[0]))) == code(row[1])
    assert str(schema().parse(code(row[1]))) == code(row[1])


@pytest.mark.parametrize("row", table(PAGE, "operator | takes | example"), ids=lambda row: row[0])
def test_operators(row: list[str]) -> None:
    """The example of each operator can be read, and uses one of the operators of its row."""
    assert isinstance(schema().parse(code(row[2])), Filter)
    assert any(f" {operator}" in code(row[2]) for operator in CODE.findall(row[0]))


def test_functions() -> None:
    """The table has every function of the language, each with an example that can be read and uses it."""
    rows = table(PAGE, "function | gives | example")
    assert {code(row[0]) for row in rows} == {written_name(name) for name in FUNCTION_MAKERS}
    for name, _, example in rows:
        assert f"{code(name)}(" in code(example)
        assert isinstance(schema().parse(code(example)), Filter)


@pytest.mark.parametrize("row", table(PAGE, 'filter | `{"visits": 5}` | `{"visits": 9}` | `{}`'), ids=lambda row: row[0])
def test_missing_values(row: list[str]) -> None:
    """The truth table holds, and in each cell the NOT of the filter is the opposite."""
    rule = schema().parse(code(row[0]))
    for values, expected in zip(({"visits": 5}, {"visits": 9}, {}), row[1:], strict=True):
        assert str(rule.matches(values)).lower() == expected
        assert str((~rule).matches(values)).lower() != expected


def test_limits() -> None:
    """The table has every limit that the code has, with its value."""
    told = {code(name): int(allowed.replace(",", "")) for name, allowed, _ in table(PAGE, "limit | allowed | counts")}
    assert told == {name: allowed for name, (allowed, _) in limits._MESSAGES.items()}


@pytest.mark.parametrize("row", table(PAGE, "kind | filter, the ‹place› marked | message"), ids=lambda row: row[1])
def test_errors(row: list[str]) -> None:
    """Each mistake is found where the table marks it, with the kind and the message that the table tells."""
    marked = code(row[1])
    before, _, rest = marked.partition("‹")
    place, _, after = rest.partition("›")
    text = before + place + after
    with pytest.raises(FilterError) as caught:
        schema().parse(text)
    error = caught.value
    assert (error.kind, text[error.position:error.end], error.position) == (code(row[0]), place, len(before))
    assert error.message == row[2]


@pytest.mark.parametrize("row", table(PAGE, "does not meet | write"), ids=lambda row: row[0])
def test_money_and_numbers(row: list[str]) -> None:
    """What does not meet is refused with the way out, and what is to be written instead means what was meant."""
    with pytest.raises(FilterError, match="divide the amount by the number") as refused:
        schema().parse(code(row[0]))
    assert refused.value.kind == "type"
    rule, verdicts = schema().parse(code(row[1])), set()
    for visits, total, credit in product(range(1, 7), range(0, 121, 7), (0, 1, 49)):
        shop = {"occurred_at": datetime(2026, 1, 31, tzinfo=UTC), "total": total}
        meant = eval(code(row[0]), {"visits": visits, "sales_total": total, "sales_count": 1, "credit": credit})
        assert rule.matches({"visits": visits, "sales": [shop], "credit": credit}) == meant
        verdicts.add(meant)
    assert verdicts == {True, False}


@pytest.mark.parametrize("row", table(PAGE, "instead of | write"), ids=lambda row: row[0])
def test_what_is_written_out_of_habit(row: list[str]) -> None:
    """Each habit is met where the table marks it, and the first suggestion in its place is what the table tells."""
    before, _, rest = code(row[0]).partition("‹")
    place, _, after = rest.partition("›")
    with pytest.raises(FilterError) as caught:
        schema().parse(before + place + after)
    assert (caught.value.position, caught.value.end) == (len(before), len(before) + len(place))
    assert before + caught.value.suggestions[0] + after == code(row[1])
    assert isinstance(schema().parse(code(row[1])), Filter)


def test_every_kind_of_error_is_told() -> None:
    """The engine raises no kind of FilterError that the page does not name."""
    shown = {code(row[0]) for row in table(PAGE, "kind | filter, the ‹place› marked | message")}
    more = set(CODE.findall(PAGE.split("There are four more kinds:", 1)[1].split("\n\n", 1)[0]))
    assert len(more) == 4
    assert raised_kinds() <= shown | more


def raised_kinds() -> set[str]:
    """Return the kinds that the source of the engine names where it makes a FilterError."""
    made = re.compile(r'\b(?:FilterError|complain|_?error)\(\s*"([a-z_]+)"')
    sources = Path(filters.__file__).parent.rglob("*.py")
    return {kind for source in sources for kind in made.findall(source.read_text(encoding="utf-8"))}


def test_the_reserved_words() -> None:
    """The page names exactly the words that are reserved."""
    (told,) = re.findall(r"The words `([A-Z ]+)` are reserved", PAGE)
    assert set(told.split()) == set(RESERVED)


@pytest.mark.parametrize("row", table(PAGE, "text | JSON"), ids=lambda row: row[0])
def test_json(row: list[str]) -> None:
    """Text and JSON of a row are one filter, both ways."""
    data = json.loads(code(row[1]))
    assert schema().parse(code(row[0])).to_json() == data
    assert str(schema().from_json(data)) == code(row[0])
