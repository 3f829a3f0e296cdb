"""docs/vocabulary.md lists exactly the words that a customer base has."""

import pytest

from custcrm import vocabulary
from custcrm.filters import Collection, Elapsed, Filter, Map, Schema
from tests.docs.pages import CODE, code, page, table

PAGE = page("vocabulary.md")
SCHEMA: Schema = vocabulary.schema(currency="EUR", timezone="UTC", programs=("club",))


def test_fields() -> None:
    """Every field is listed, with its type and whether it is personal."""
    told = {code(word): (kind, meaning.startswith("personal")) for word, kind, meaning in _filled("word | type | meaning")}
    stored = {
        name: (type(kind).__name__, kind.personal)
        for name, kind in SCHEMA.types.items()
        if not isinstance(kind, Map | Collection)
    }
    stored.pop("birth_date_month_day", None)        # how a birthday is stored, no word to speak
    assert told == stored


def test_maps() -> None:
    """Every map is listed, with the fields of its records."""
    told = {code(word): CODE.findall(values) for word, _, values in table(PAGE, "map | key | values")}
    assert told == {
        name: list(kind.value) if isinstance(kind.value, dict) else []
        for name, kind in SCHEMA.types.items()
        if isinstance(kind, Map)
    }


def test_collections() -> None:
    """Every collection is listed, with its fields, its time and the places that narrow it."""
    told = {
        code(word): (CODE.findall(fields), code(at), tuple(CODE.findall(scopes)))
        for word, fields, at, scopes in _filled("collection | fields | counts up to as_of by | scopes")
    }
    assert told == {
        name: (list(kind.fields), kind.at, kind.scopes)
        for name, kind in SCHEMA.types.items()
        if isinstance(kind, Collection) and not kind.hidden
    }


def test_metrics() -> None:
    """Every metric is listed, with what it stands for."""
    told = {code(word): meaning for word, meaning in table(PAGE, "metric | stands for")}
    assert told == {
        name: f"{each.unit} since `{each.since}`" if isinstance(each, Elapsed) else f"`{each.value}`"
        for name, each in SCHEMA.metrics.items()
    }


@pytest.mark.parametrize("row", table(PAGE, "question | filter"), ids=lambda row: row[0])
def test_questions(row: list[str]) -> None:
    """Every question of the page can be asked."""
    assert isinstance(SCHEMA.parse(code(row[1])), Filter)


def _filled(header: str) -> list[list[str]]:
    """Return the rows of a table, empty last cells included."""
    width = header.count("|") + 1
    return [[*row, *[""] * (width - len(row))] for row in table(PAGE, header)]
