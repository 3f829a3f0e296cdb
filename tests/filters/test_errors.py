"""What a `FilterError` shows to a person, to a program and to a log."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custcrm.filters import Schema
from custcrm.filters.syntax.errors import FilterError, LimitExceeded, quote_name
from custcrm.filters.syntax.limits import exceeded
from custcrm.values.errors import Malformed


def test_three_lines() -> None:
    error = FilterError("unknown_field", "no field 'contry'", span=(0, 6), text="contry = 'FI' AND visits > 3")
    assert str(error) == "no field 'contry'\n  contry = 'FI' AND visits > 3\n  ^^^^^^"
    assert isinstance(error, Malformed)
    assert isinstance(error, ValueError)


def test_the_end_of_the_text_has_one_caret() -> None:
    error = FilterError("end_of_text", "the filter ends here", span=(3, 3), text="a =")
    assert str(error).splitlines()[2] == "     ^"


def test_without_a_place_only_the_message() -> None:
    assert str(FilterError("json", "at /args/0: no", pointer="/args/0")) == "at /args/0: no"


@given(st.text(max_size=200), st.data())
def test_the_carets_stand_under_the_place(text: str, data: st.DataObject) -> None:
    """Always three lines of at most 62 characters that any terminal can print, the carets under the place."""
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    message, line, carets = str(FilterError("syntax", "no", span=(start, end), text=text)).split("\n")
    assert len(line) <= 62
    line.encode()
    assert line.isprintable()
    at = carets.index("^")
    if end > start and text[start].isprintable():
        assert line[at] == text[start]
    assert carets.count("^") == max(1, min(end - start, 62 - at))
    assert message == "no"


def test_the_public_message_has_no_literals() -> None:
    message = "no field 'O''Hara'; texts take single quotes: 'O''Hara', not \"anna@x.fi\" or 12.5, -3 or 2026-01-01"
    public = FilterError("unknown_field", message).public
    assert public == "no field …; texts take single quotes: …, not … or … … or …"
    assert FilterError("type", "x is 'secret'", public="x is wrong").public == "x is wrong"


def test_data_for_a_form() -> None:
    error = FilterError("unknown_field", "no", span=(2, 4), text="a bc", suggestions=("b",), expected=("c",))
    assert error.to_json() == {
        "kind": "unknown_field",
        "message": "no",
        "position": 2,
        "end": 4,
        "pointer": None,
        "expected": ["c"],
        "suggestions": ["b"],
    }


@pytest.mark.parametrize(
    "error",
    [
        FilterError("type", "no", span=(0, 1), text="a", suggestions=("b",), pointer="/x", field="f", public="p"),
        exceeded("depth", (0, 1), "a"),
    ],
)
def test_errors_survive_pickling(error: FilterError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.__dict__ == error.__dict__


def test_an_overflow_names_what_was_computed() -> None:
    """Law: a field or sum is named that is too wide itself; of what is computed it is said that it is, with what goes in."""
    schema = Schema({"n": int, "m": int, "parts": [{"n": int}]})
    row = {"n": 2**62, "m": 2**62, "parts": [{"n": 10**18}] * 3}
    for text, named in (
        ("n ^ 7 = 1", "n ^ 7"), ("m * n * n > 1", "a calculation with m, n"),
        ("SUM(parts.n) * SUM(parts.n) * 100 > 1", "SUM(parts.n) ^ 2"),
    ):
        with pytest.raises(FilterError) as error:
            schema.parse(text).matches(row)
        assert (error.value.kind, error.value.message) == ("overflow", f"{named} goes beyond 38 digits")


def test_a_limit_names_what_was_counted() -> None:
    error = exceeded("values", (1, 2), "abc")
    assert isinstance(error, LimitExceeded)
    assert (error.kind, error.limit, error.allowed) == ("limit", "values", 10_000)


def test_long_and_unprintable_names_are_shown_short() -> None:
    assert quote_name("x" * 100) == "'" + "x" * 40 + "…'"
    assert quote_name("a\nb\u202e") == "'a\ufffdb\ufffd'"
    assert quote_name("O'Hara") == "'O''Hara'"
