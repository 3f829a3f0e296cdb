"""What ignores case and accents, on every store: whatever text a filter can fold, and however its letters are composed."""

import json
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from custcrm import records as r
from custcrm import vocabulary
from custcrm.filters import FilterError
from custcrm.filters.types import types as t
from custcrm.records.codec import from_columns
from custcrm.records.declaration import declaration
from custcrm.storage.effects import Change, CustomerKey, Given, NewId, Of, Slice, Staged, Template
from custcrm.storage.folding import copies_of, kept_of
from custcrm.storage.memory import MemoryStore
from custcrm.storage.protocol import Store
from custcrm.storage.questions import Question, Verdict
from custcrm.storage.sql import open_store
from custcrm.testing.bases import PROGRAMS, some_id
from custcrm.testing.questions import SCHEMA
from custcrm.values.texts import fold

FIRST_NAME: Final = SCHEMA.parse_value("first_name").lowered
NOW: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
FOLDS: Final = {"CASEI({})": (True, False), "ACCENTI({})": (False, True), "ACCENTI(CASEI({}))": (True, True)}
SPELLINGS: Final = (
    "Ångström ÉCOLE", "A\u030angstro\u0308m E\u0301COLE", "STRASSE", "Straße", "İzmir", "ΣΊΣΥΦΟΣ", "œuvre", "plain",
)  # fmt: skip
"""Texts at which engines differ: composed and not, with letters that become two, or whose small form is another's."""

ASCII_ONLY: Final = frozenset({
    ("customers", "id"), ("customers", "phone"), ("customers", "country"), ("customers", "locale"), ("customers", "time_zone"),
})  # fmt: skip
"""Texts that are read into ASCII where they are given: ids, E.164, codes of ISO and names of IANA."""


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Open an empty store of each kind."""
    opened: Any = MemoryStore() if request.param == "memory" else open_store(request.getfixturevalue(f"{request.param}_store"))
    yield opened
    opened.close()


def texts() -> Iterator[tuple[type, str, str]]:
    """Yield what the vocabulary offers that can be folded: its record, its column, and what asks a customer for it."""
    for column in declaration(r.Customer).columns:
        if column.name == "id" or (column.label and column.name == column.source[0]):
            yield from _texts(r.Customer, (column.name,), "{}")
    for name, words in vocabulary.MAPS.items():
        key = PROGRAMS[0] if words.record is r.Membership else "k"
        own = [each for each in words.columns if each in declaration(words.record).names]
        place = f"{name}.{key}" if words.value else f"{name}.{key}.{{}}"
        yield from _texts(words.record, (words.value,) if words.value else own, place)
    for name, collection in vocabulary.COLLECTIONS.items():
        if not collection.hidden:
            own = [each for each in collection.columns if collection.owner_of(each) is None]
            yield from _texts(collection.record, own, "MANY:" + name)


def _texts(record: type, columns: Any, place: str) -> Iterator[tuple[type, str, str]]:
    for name in columns:
        column = declaration(record).column(name)
        if isinstance(vocabulary.field_type(column), t.Text):
            yield record, name, place


def is_of_any_script(record: type, name: str) -> bool:
    """Tell whether the column may hold letters beyond ASCII: not what custcrm writes itself, nor what is read into ASCII."""
    column = declaration(record).column(name)
    return (declaration(record).table, name) not in ASCII_ONLY and not (column.words and column.ref is None)


CASES: Final = [each for each in texts() if is_of_any_script(each[0], each[1])]


def facts(record: type, column: str, place: str, text: str, owner: str, number: int) -> list[Any]:
    """Return a customer, and one fact about them whose column is this text."""
    customer = r.Customer(id=owner, signed_up_at=NOW, created_at=NOW)
    if record is r.Customer:
        return [evolve(customer, **{column: text})]
    known: dict[str, Any] = {
        "customer_id": owner, "id": some_id(1_000 + number), "recorded_at": NOW, "since": NOW, "key": "k", "system": "k",
        "program": "gold", "joined_at": NOW, "occurred_at": NOW, "total": 1, "total_currency": "EUR", "units": 1,
        "sale_id": some_id(2_000 + number), "number": 1, "quantity": 1, "price": 1, "price_currency": "EUR", "amount": 1,
        "amount_currency": "EUR", "kind": "sale" if record is r.Sale else "phone" if column == "value" else "visit",
        "series": "s", "issued_at": NOW, "coupon_id": some_id(3_000 + number), "redeemed_at": NOW, "channel": "sms",
        "purpose": "service", "text": "x", "planned_at": NOW, "granted": True, "delta": 1, "lot_id": "x", "account": "a",
        "access": "full", "value": "x", "as_typed": "x", "direction": None,
    }  # fmt: skip
    if "refunds" in place:
        known["kind"] = "refund"
    if "refunds.lines" in place:
        known |= {"quantity": -1, "amount": -1}
    names = declaration(record).names
    return [customer, from_columns(record, {name: value for name, value in (known | {column: text}).items() if name in names})]


def question(column: str, place: str, form: str, wanted: str) -> str:
    """Return the filter for those whose text is, folded, this one."""
    quoted = wanted.replace("'", "''")
    if place.startswith("MANY:"):
        return f"EXISTS({place[5:]} WHERE {form.format(column)} = '{quoted}')"
    return f"{form.format(place.format(column))} = '{quoted}'"


@given(st.lists(st.none() | st.text(st.sampled_from("aZ9\"\\\n\x1f éÅßİ\u030a\u0345ᾳЙ山ﬁ\u11a8")), min_size=4, max_size=4))
def test_copies_are_the_folds_of_each_text(names: list[str | None]) -> None:
    """Law: of a row of texts, ASCII or not, each copy is the text without case, or its three folds where they say more."""
    row: list[str | None] = [None] * len(declaration(r.Customer).names)
    for name, text in zip(("first_name", "last_name", "email", "home_location"), names, strict=True):
        row[declaration(r.Customer).names.index(name)] = text
    kept = copies_of(r.Customer)(tuple(row))
    for copy, value in zip(declaration(r.Customer).copies, kept, strict=True):
        text = row[declaration(r.Customer).names.index(copy.of)]
        assert value == kept_of(copy, text)
        if text is None or copy.whole:
            assert value == (None if text is None else fold(text, case=True))
            continue
        folds = [fold(text, *which) for which in FOLDS.values()]
        small = "".join(each.lower() if each.isascii() else each for each in text)
        assert (folds == [small, text, small]) if value is None else (json.loads(value) == folds)


@pytest.mark.parametrize(("record", "column", "place"), CASES, ids=lambda each: getattr(each, "__name__", each))
def test_every_text_is_found_without_case_and_accents(store: Store, record: type, column: str, place: str) -> None:
    """CASEI, ACCENTI and both find, of any text of the vocabulary and on every store, those whose fold is the same."""
    owners = {some_id(number): text for number, text in enumerate(SPELLINGS, 1)}
    with store.write() as writer:
        for number, (owner, text) in enumerate(owners.items()):
            writer.add(facts(record, column, place, text, owner, number))
    for form, which in FOLDS.items():
        folded: Mapping[str, str] = {owner: fold(text, *which) for owner, text in owners.items()}
        for wanted in set(folded.values()):
            asked = question(column, place, form, wanted)
            same = [owner for owner, each in folded.items() if each == wanted]
            assert (asked, found(store, asked)) == (asked, same)


def found(store: Store, asked: str) -> Any:
    """Return who is found, or why nobody can be asked."""
    try:
        with store.read() as reader:
            return list(reader.ids(Question(SCHEMA.parse(asked), NOW)))
    except FilterError as error:
        return error.kind


@pytest.mark.parametrize("form", [each for each in FOLDS if "CASEI" in each])
def test_composed_and_decomposed_letters_are_the_same(store: Store, form: str) -> None:
    """NFD, as some systems write names, and NFC are found alike by what ignores case, by one fold of either."""
    composed = "Ångström"
    with store.write() as writer:
        for number, kind in enumerate(("NFC", "NFD"), 1):
            name = unicodedata.normalize(kind, composed)
            writer.add([r.Customer(id=some_id(number), first_name=name, signed_up_at=NOW, created_at=NOW)])
    for kind in ("NFC", "NFD"):
        typed = unicodedata.normalize(kind, composed)
        assert found(store, f"{form.format('first_name')} = {form.format(repr(typed))}") == [some_id(1), some_id(2)]


def test_what_many_get_or_change_is_found_folded(store: Store) -> None:
    """A bulk action that writes or changes a text keeps its folds, whether it is given, the customer's, or made in Python."""
    names = {some_id(number): text for number, text in enumerate(SPELLINGS, 1)}
    applied = r.Applied(key="k", id=some_id(999), action="test", content="", as_of=NOW, eligible=0, done=0)
    about: dict[str, Any] = {"customer_id": CustomerKey(), "since": Given(NOW), "applied_id": Given(applied.id)}
    given = Template(record=r.TagAssignment, values={**about, "id": NewId(0), "key": Given("given"), "value": Given("ÉCOLE")})
    own = Template(record=r.TagAssignment, values={**about, "id": NewId(1), "key": Given("own"), "value": Of(FIRST_NAME)})
    made = Template(record=r.TagAssignment, values={**about, "id": NewId(2), "key": Given("made"), "value": Staged("code")})
    with store.write() as writer:
        writer.add([r.Customer(id=owner, first_name=text, signed_up_at=NOW, created_at=NOW) for owner, text in names.items()])
        writer.freeze(applied, Question(SCHEMA.parse("TRUE"), NOW), Verdict())
        part = Slice(applied.id, 1, len(names), NOW, SCHEMA)
        writer.stage(applied.id, "code", ((number, f"Ä{number}") for number in range(1, len(names) + 1)))
        for template in (given, own, made):
            writer.add_for_each(template, part)
    assert found(store, "ACCENTI(tags.given) = 'ECOLE' AND CASEI(tags.made) STARTS WITH 'ä'") == list(names)
    for form, which in FOLDS.items():
        for owner, text in names.items():
            assert owner in found(store, f"{form.format('tags.own')} = '{fold(text, *which)}'")
    with store.write() as writer:
        writer.change_for_each(Change(record=r.TagAssignment, match={"key": "own"}, values={"value": Given("Åbo")}), part)
        writer.change_for_each(Change(record=r.TagAssignment, match={"key": "given"}, values={"value": Of(FIRST_NAME)}), part)
    assert found(store, "ACCENTI(CASEI(tags.own)) = 'abo'") == list(names)
    for owner, text in names.items():
        assert owner in found(store, f"CASEI(tags.given) = '{fold(text, case=True)}'")
