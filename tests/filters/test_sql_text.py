"""Texts in SQL: the same answers as Python for any code points, whatever the database thinks of letters."""

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from custcrm.filters.ir import patterns as like
from custcrm.filters.ir.nodes import Constant, Matches, Member
from custcrm.filters.ir.nodes import Test as Compare
from custcrm.filters.syntax.errors import FilterError
from custcrm.filters.targets.sql.compile import TableSource, compile_condition
from custcrm.filters.targets.sql.text import LONGEST_GLOB, successor
from tests.filters.sql_tables import OTHERS, column

# Letters that fold into each other, wild cards and escapes of LIKE and GLOB, line breaks, both ends of the code points.
TRICKY = "aAäßıİ%_*?[]^!-\\'\"\n\r\u2028é😀\ud7ff\ue000\uffff\U0010ffff 0"
ANY = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXTS = st.text(st.sampled_from(TRICKY) | ANY, max_size=5)
PATTERNS = st.text(st.sampled_from("%_\\aA*[é😀\U0010ffff"), max_size=6)

TESTS = {
    "contains": lambda text, literal: literal in text,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
}


def _row(place: int, text: str) -> sa.Select:
    return sa.select(sa.literal(place, sa.Integer).label("place"), sa.literal(text, sa.Text).label("name"))


def holding(connection: sa.Connection, texts: list[str], condition) -> list[str]:
    """Return those of the texts, each a row's `name`, for which the condition is true."""
    rows = sa.union_all(*(_row(place, text) for place, text in enumerate(texts))).subquery()
    clause = compile_condition(condition, TableSource(rows, OTHERS)).clause
    kept = connection.scalars(sa.select(rows.c.place).where(clause)).all()
    return [text for number, text in enumerate(texts) if number in set(kept)]


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def database(request):
    return request.getfixturevalue(f"{request.param}_tables")


@given(texts=st.lists(TEXTS, min_size=1, max_size=6), test=st.sampled_from(sorted(TESTS)), literal=TEXTS)
def test_literal_tests_are_those_of_python(database, texts, test, literal):
    """CONTAINS, STARTS WITH and ENDS WITH compare code points, and escape nothing."""
    found = holding(database, [*texts, literal], Matches(test, column("name"), ((literal,),)))
    assert found == [text for text in [*texts, literal] if TESTS[test](text, literal)]


@given(texts=st.lists(TEXTS, min_size=1, max_size=6), pattern=PATTERNS)
def test_like_is_that_of_the_language(database, texts, pattern):
    """`%` any run, `_` one code point, and nothing else is special."""
    pieces = like.pieces(pattern)
    assert holding(database, texts, Matches("like", column("name"), pieces)) == [
        text for text in texts if like.matches(pieces, text)
    ]


def test_only_percent_and_underscore_are_special(database):
    """Each character stands for itself between wild cards, also those which GLOB reads otherwise."""
    texts = [f"x{character}y" for character in TRICKY]
    for character, text in zip(TRICKY, texts, strict=True):
        literal = f"\\{character}" if character in "%_\\" else character
        condition = Matches("like", column("name"), like.pieces(f"_{literal}%y"))
        assert holding(database, texts, condition) == [text]


@given(texts=st.lists(TEXTS, min_size=1, max_size=6), other=TEXTS, op=st.sampled_from(["=", "<", "<=", ">", ">="]))
def test_order_is_by_code_point(database, texts, other, op):
    """Equality and order are those of Python's texts."""
    compare = {"=": str.__eq__, "<": str.__lt__, "<=": str.__le__, ">": str.__gt__, ">=": str.__ge__}[op]
    found = holding(database, [*texts, other], Compare(op, column("name"), Constant(other)))
    assert found == [text for text in [*texts, other] if compare(text, other)]


@given(texts=st.lists(TEXTS, min_size=1, max_size=6), items=st.lists(TEXTS, min_size=1, max_size=4))
def test_membership_is_equality(database, texts, items):
    """`IN` is true for exactly the texts in the list."""
    found = holding(database, texts, Member(column("name"), tuple(items)))
    assert found == [text for text in texts if text in items]


@pytest.mark.parametrize(
    ("prefix", "after"),
    [("a", "b"), ("a\U0010ffff", "b"), ("\ud7ff", "\ue000"), ("\U0010ffff", None), ("x\U0010ffff\U0010ffff", "y")],
)
def test_a_prefix_ends_before_its_successor(prefix, after):
    """The range of a prefix skips what cannot stand in a text."""
    assert successor(prefix) == after


@pytest.mark.parametrize("length", [LONGEST_GLOB - 2, LONGEST_GLOB])
def test_a_pattern_too_long_for_sqlite_is_refused_there_only(length, sqlite_tables, postgresql_tables):
    """The longest pattern that SQLite takes runs, and the next is a `target` error, not one of the database."""
    text = "a" * length
    condition = Matches("like", column("name"), ((text[:-1], None, "a"),))
    assert holding(postgresql_tables, [text + "a", "a"], condition) == [text + "a"]
    if length < LONGEST_GLOB - 1:
        assert holding(sqlite_tables, [text + "a", "a"], condition) == [text + "a"]
    else:
        with pytest.raises(FilterError, match="50,000 bytes"):
            holding(sqlite_tables, ["a"], condition)


def test_a_column_that_ignores_case_does_not_decide(sqlite_tables, postgresql_tables):
    """Texts are compared by code point even where the column's own collation would not."""
    with sqlite_tables.begin_nested() as savepoint:
        sqlite_tables.execute(sa.text("CREATE TABLE odd (name TEXT COLLATE NOCASE)"))
        odd = sa.table("odd", sa.column("name", sa.Text))
        sqlite_tables.execute(odd.insert(), [{"name": "Anna"}, {"name": "anna"}])
        for condition in (
            Compare("=", column("name"), Constant("anna")),
            Compare(">=", column("name"), Constant("a")),
            Member(column("name"), ("anna",)),
            Matches("starts_with", column("name"), (("a",),)),
            Matches("ends_with", column("name"), (("anna",),)),
        ):
            clause = compile_condition(condition, TableSource(odd, {})).clause
            assert sqlite_tables.scalars(sa.select(odd.c.name).where(clause)).all() == ["anna"]
        savepoint.rollback()
