"""CASEI and ACCENTI over tables of one's own: by the columns that hold the folds, told to `to_sql`."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
import sqlalchemy as sa

from custcrm.filters import Collection, FilterError, Map, Schema, Text, fold

SCHEMA: Final = Schema(
    {
        "name": Text(), "visits": int, "tags": Map(Text()), "programs": Map({"level": Text()}),
        "stays": Collection({"place": Text(), "guests": Collection({"name": Text()})}),
    },
)  # fmt: skip
METADATA: Final = sa.MetaData()


def _table(name: str, parent: str | None, *texts: str) -> sa.Table:
    tie: list[sa.Column[Any]] = [sa.Column("of_id", sa.ForeignKey(f"{parent}.id"))] if parent else []
    key = [sa.Column("key", sa.Text)] if name in ("tags", "programs") else []
    kept = [sa.Column(f"{text}{suffix}", sa.Text) for text in texts for suffix in ("", "_c", "_a", "_ca")]
    return sa.Table(name, METADATA, sa.Column("id", sa.Integer, primary_key=True), *tie, *key, *kept)


PEOPLE, OTHERS = _table("people", None, "name"), {
    "tags": _table("tags", "people", "value"), "programs": _table("programs", "people", "level"),
    "stays": _table("stays", "people", "place"), "guests": _table("guests", "stays", "name"),
}  # fmt: skip
FOLDED: Final = {
    form.format(path): f"{path.split('.')[-1] if path != 'tags' else 'value'}{suffix}"
    for path in ("name", "tags", "programs.level", "stays.place", "stays.guests.name")
    for form, suffix in (("CASEI({})", "_c"), ("ACCENTI({})", "_a"), ("ACCENTI(CASEI({}))", "_ca"))
}  # fmt: skip
NAMES: Final = ("José", "JOSÉ", "Jose", "Jose\u0301", "Ana")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[sa.Connection]:
    """Five people, each of whom has their name everywhere, and what it is folded beside it."""
    url: Any = "sqlite://"
    if request.param == "postgresql":
        url = sa.make_url(request.getfixturevalue("postgres_url")).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, query_cache_size=0)
    with engine.connect() as connection:
        METADATA.create_all(connection)
        for number, name in enumerate(NAMES, 1):
            for table in METADATA.sorted_tables:
                told = {"id": number, "of_id": number, "key": "k"}
                for text in ("name", "value", "level", "place"):
                    told |= {text: name, f"{text}_c": fold(name, case=True), f"{text}_a": fold(name, accent=True),
                             f"{text}_ca": fold(name, case=True, accent=True)}  # fmt: skip
                connection.execute(table.insert(), {each: told[each] for each in told if each in table.c})
        yield connection
    engine.dispose()


@pytest.mark.parametrize("path", ["name", "tags.k", "programs.k.level", "stays.place", "stays.guests.name"])
@pytest.mark.parametrize("form", ["CASEI({})", "ACCENTI({})", "ACCENTI(CASEI({}))"])
def test_texts_are_found_by_the_columns_that_hold_their_folds(database: sa.Connection, path: str, form: str) -> None:
    """A fold reads the column that was named for it, in the row, in a map, and in collections within collections."""
    *outer, last = path.split(".") if path.startswith("stays") else [path]
    asked = f"{form.format(last)} = {form.format(repr('José'))}"
    for name in reversed(outer):
        asked = f"EXISTS({name} WHERE {asked})"
    rule = SCHEMA.parse(asked)
    clause = rule.to_sql(PEOPLE, folded=FOLDED, **OTHERS)
    which = {"case": "CASEI" in form, "accent": "ACCENTI" in form}
    wanted = [number for number, name in enumerate(NAMES, 1) if fold(name, **which) == fold("José", **which)]
    assert list(database.scalars(sa.select(PEOPLE.c.id).where(clause).order_by(PEOPLE.c.id))) == wanted


@pytest.mark.parametrize("written", ["CASEI(nme)", "CASEI(visits)", "name", "CASEI('x')", "CASEI(tags.k)", "CASEI(stays)"])
def test_what_is_no_fold_of_a_text_is_refused(written: str) -> None:
    """A word that would never be used is a mistake: it is refused at once."""
    with pytest.raises(FilterError) as refused:
        SCHEMA.parse("visits > 1").to_sql(PEOPLE, folded={written: "name_c"})
    assert refused.value.kind == "target"


def test_a_column_that_is_not_there_is_named() -> None:
    """The column is looked for in the table of the text."""
    with pytest.raises(FilterError, match="'people' has no column 'name_x'; did you mean name_"):
        SCHEMA.parse("CASEI(name) = 'a'").to_sql(PEOPLE, folded={"CASEI(name)": "name_x"})
