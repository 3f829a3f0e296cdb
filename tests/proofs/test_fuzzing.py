"""Any text and any JSON end, soon, in a filter or a FilterError; and whatever is a filter means the same on every store.

Any file ends in a report that fits what is there, or in an error of ours and nothing.
"""

import json
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import custcrm
from custcrm.filters import Filter, FilterError
from custcrm.records import RECORDS
from custcrm.storage.memory import MemoryStore
from custcrm.storage.protocol import Reader, Store
from custcrm.storage.questions import Question
from custcrm.storage.sql import open_store
from custcrm.testing import ManualClock
from custcrm.testing.bases import NOW, Base, bases
from custcrm.testing.questions import SCHEMA, TEXTS_OF_FILTERS
from custcrm.testing.races.runners import assert_verified
from tests.batches import in_batches
from tests.filters.conformance import examples
from tests.importing.fuzzed import SECRET, File, fuzzed_file

SECONDS = 2.0  # a hard stop, in processor time: twenty times what the language promises, for any machine
SHORT, LONG = 60, 20_000

GOLDEN = [
    *(each.text for each in examples()),
    "sales_total > 500 AND NOT tags.VIP EXISTS", "programs.gold.access IN ('full', 'limited')",
    "COUNT(sales WHERE occurred_at >= ago('12 months') AND point_of_sale = 'Harbour') > 5",
    "ANNIVERSARY(birth_date) BETWEEN today() AND from_now('7 days')", "CASEI(first_name) LIKE 'a%' OR email EXISTS",
    "sales_total / sales_count > 12.5 AND units_total ^ 2 - visits_count % 3 > 1",
    "SEGMENT('regulars') OR visits_count DIV 2 = 1",
]
CUTS = ["'", '"', "(", ")", ",", " ", ".", ":", "%", "\\", "\0", "\u2028", "\ud800", "İ", "🎉", "NOT ", "AND ", "NULL",
        "9" * 25, "1e999", "((((", "ago('", "DATE('", "COUNT(", "--", ";", "𝟙", "٣", "\u200b", "\u202e"]  # fmt: skip


class Long(str):
    """A text that shows its ends only: a megabyte of brackets tells nobody more."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} characters: {self[:40]!r} … {self[-40:]!r}>" if len(self) > 1_000 else super().__repr__()


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Return golden filters, joined, cut and filled with what does not belong there."""
    parts = draw(st.lists(st.sampled_from(GOLDEN) | TEXTS_OF_FILTERS, min_size=1, max_size=3))
    text = draw(st.sampled_from([" AND ", " OR ", " "])).join(parts)
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.sampled_from([0, 0, 1, 3, 20]))
        text = text[:start] + draw(st.sampled_from(CUTS) | st.text(max_size=3)) + text[end:]
    return text


@st.composite
def repeated(draw: st.DrawFn) -> str:
    """Return what is deep or long: pieces many times over."""
    pieces = ["(", "NOT ", "EXISTS(sales WHERE ", "CASEI(", "-", "1 + ", "a.", "'", '"', "a AND ", "x IN (1,", "\n", "((a) OR "]
    before, middle, after = draw(st.sampled_from(pieces)), draw(st.sampled_from(GOLDEN)), draw(st.sampled_from([")", "", " "]))
    times = draw(st.sampled_from([1, 29, 31, 200, 1_001, 10_001, 70_000]))
    return Long(before * times + middle + after * times)


TEXTS = st.one_of(
    mutated(), repeated(), st.text(), st.binary(max_size=200).map(lambda given: given.decode("latin-1")),
    st.binary(max_size=200).map(lambda given: given.decode("utf-8", "surrogateescape")),
)  # fmt: skip

GOLDEN_JSON = [json.dumps(SCHEMA.parse(text).to_json()) for text in GOLDEN[-7:] if "SEGMENT" not in text]
TREES = st.sampled_from(GOLDEN_JSON).map(json.loads)  # each time anew, as what is drawn is changed
WORDS = ["op", "args", "property", "and", "or", "not", "=", "<", "in", "between", "like", "casei", "date", "timestamp",
         "interval", "isNull", "count", "sum", "exists", "ago", "now", "*", "div", "^", "sales", "first_name", ""]  # fmt: skip
CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.sampled_from(WORDS),
    TREES, st.sampled_from(["1e400", 10**400, -(2**63) - 1, float("nan")]),
)  # fmt: skip
JSON = st.recursive(
    CELLS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=3), inner, max_size=3),
        st.fixed_dictionaries({"op": st.sampled_from(WORDS), "args": st.lists(inner, max_size=3)}),
    ),
    max_leaves=12,
)


@st.composite
def mutated_trees(draw: st.DrawFn) -> Any:
    """Return a golden tree in which some values are others."""
    tree = draw(TREES)
    for _ in range(draw(st.integers(1, 3))):
        _replace_somewhere(draw, tree)
    return tree


def _replace_somewhere(draw: st.DrawFn, tree: Any) -> None:
    while isinstance(tree, dict | list) and tree:
        place = draw(st.sampled_from(sorted(tree) if isinstance(tree, dict) else range(len(tree))))
        if not isinstance(tree[place], dict | list) or not draw(st.integers(0, 3)):
            tree[place] = draw(CELLS)
            return
        tree = tree[place]


JSON_TEXTS = st.one_of(
    JSON.map(lambda given: json.dumps(given, default=str)), mutated(), st.text(),
    st.tuples(st.sampled_from(["[", '{"op":', '{"a":[', "1", '"', " "]), st.sampled_from([9, 300, 10**6])).map(
        lambda given: Long(given[0] * given[1])
    ),
)  # fmt: skip


def ends(work: Callable[[], Filter]) -> Filter | FilterError:
    """Return the filter or the error, which came soon and can be shown; anything else is raised."""
    begin = time.process_time()
    try:
        outcome: Filter | FilterError = work()
    except FilterError as error:
        outcome = error
    assert time.process_time() - begin < SECONDS
    if isinstance(outcome, FilterError):
        assert (outcome.kind, outcome.message) and json.dumps(outcome.to_json()) and str(outcome).encode()
    return outcome


@pytest.fixture
def fuzzed(long: bool) -> Callable[[Any], Any]:
    """Give what runs a law, with many examples in the long form."""
    return settings(
        max_examples=LONG if long else SHORT, deadline=None, database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )  # fmt: skip


@pytest.mark.feature("X11")
def test_any_text_ends(fuzzed: Any) -> None:
    """Text: a filter that its canonical text gives again, or a FilterError."""

    @fuzzed
    @given(TEXTS)
    def law(text: str) -> None:
        outcome = ends(lambda: SCHEMA.parse(text))
        if isinstance(outcome, Filter):
            assert SCHEMA.parse(str(outcome)) == outcome == SCHEMA.from_json(outcome.to_json())

    law()


@pytest.mark.feature("X11")
def test_any_json_ends(fuzzed: Any) -> None:
    """JSON, decoded or as text: the same."""

    @fuzzed
    @given(JSON | mutated_trees() | JSON_TEXTS)
    def law(given: Any) -> None:
        outcome = ends(lambda: SCHEMA.from_json(given))
        if isinstance(outcome, Filter):
            assert SCHEMA.from_json(outcome.to_json()) == outcome

    law()


@pytest.mark.feature("X11")
def test_any_value_beside_a_text_ends(fuzzed: Any) -> None:
    """Values beside the text: a constant or a FilterError, and never a part of the text."""

    @fuzzed
    @given(JSON | st.binary(max_size=3) | st.decimals() | st.datetimes() | st.dates())
    def law(value: Any) -> None:
        for text in ("first_name = :v", "sales_count IN :v", "sales_total > :v", "signed_up_at < :v"):
            ends(partial(SCHEMA.parse, text, {"v": value}))

    law()


# one meaning on every store --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Give a memory store and a SQLite store with the same people."""
    people: list[Any] = []

    @settings(max_examples=40, deadline=None, database=None, derandomize=True)
    @given(bases())
    def keep_the_largest(base: Base) -> None:
        people[:] = base if len(base) > len(people) else people

    keep_the_largest()
    stores: list[Store] = [MemoryStore(), open_store(tmp_path_factory.mktemp("fuzz") / "shop.db")]
    for store in stores:
        with store.write() as writer:
            writer.add(people)
    yield stores
    for store in stores:
        store.close()


def answer(reader: Reader, asked: Filter) -> list[str] | str:
    try:
        return reader.ids(Question(asked, NOW))
    except FilterError as error:
        return error.kind


@pytest.mark.feature("X11")
def test_any_filter_means_the_same(fuzzed: Any, filled: list[Store]) -> None:
    """A text that is a filter gives the same ids, or the same kind of error, in memory and on SQLite."""

    @fuzzed
    @given(mutated())
    def law(text: str) -> None:
        outcome = ends(lambda: SCHEMA.parse(text))
        if isinstance(outcome, Filter):
            with filled[0].read() as memory, filled[1].read() as file:
                assert answer(memory, outcome) == answer(file, outcome)

    law()


# files ----------------------------------------------------------------------------------------------

SHORT_FILES, LONG_FILES = 200, 20_000
FILES_OF_A_STORE = 500
DEAR = 10
"""How many times fewer files a database gets than memory."""


def _shop(place: Any) -> custcrm.Crm:
    """Return a shop whose imports commit three rows at a time."""
    clock = ManualClock("2026-11-21T12:00+02:00")
    crm = custcrm.open(place, currency="EUR", timezone="Europe/Helsinki", country="FI", clock=clock)
    crm.programs.add("club")
    crm.points_of_sale.add("Harbour", program="club")
    crm.terminals.add("till", point_of_sale="Harbour")
    for each in range(9):
        crm.customers.add(email=f"person-{each}@example.org", card_number=str(each))
    return in_batches(crm, 3)


def _counts(crm: custcrm.Crm) -> dict[str, int]:
    with crm._business.store.read() as reader:
        return {record.__name__: reader.count_records(record) for record in RECORDS}


def _take_in(crm: custcrm.Crm, path: Path, file: File, **more: Any) -> Any:
    """Take a file in and return the report, or the error."""
    take = crm.customers.import_csv if file.kind == "customers" else crm.sales.import_csv
    try:
        return take(path, **file.told, **more)
    except custcrm.CrmError as error:
        return error


def _assert_whole(crm: custcrm.Crm, path: Path, file: File) -> bool:
    """Take a file in; tell whether it could be read. Its report fits what is there, and a refused file has left nothing."""
    before = _counts(crm)
    foreseen = _take_in(crm, path, file, dry_run=True)
    assert _counts(crm) == before
    report = _take_in(crm, path, file)
    after = _counts(crm)
    assert type(report) is type(foreseen)
    if isinstance(report, custcrm.CrmError):
        assert not isinstance(report, custcrm.Unfinished | custcrm.Unavailable)
        assert after == before and str(report) == str(foreseen)
        return False
    assert report.counts == foreseen.counts
    verdicts = Counter(each.verdict for each in report)
    assert verdicts == Counter(report.counts) and verdicts.keys() <= {"added", "updated", "unchanged", "refused"}
    added = "Customer" if file.kind == "customers" else "Sale"
    assert after[added] - before[added] == verdicts["added"]
    if verdicts["added"] + verdicts["updated"] == 0:
        # A no is kept of a row that is refused for something else, and nothing but that.
        grown = {"Import"} | ({"Consent"} if any("its no is kept" in (each.message or "") for each in report) else set())
        assert {**after, **dict.fromkeys(grown, 0)} == {**before, **dict.fromkeys(grown, 0)}
    assert not any(SECRET in f"{each.message} {each.field} {each.reason}" for each in report)
    assert report.write_refused(path.with_suffix(".refused")) == verdicts["refused"]
    again = _take_in(crm, path, file)
    assert not any(each.verdict == now.verdict == "added" for each, now in zip(report, again, strict=True))
    assert _counts(crm)[added] - after[added] == Counter(again.counts)["added"]
    return True


@pytest.mark.parametrize("place", ["memory", "sqlite", "postgresql"])
def test_any_file_is_taken_in_or_refused(
    place: str, request: pytest.FixtureRequest, seed: int, tmp_path: Path, long: bool
) -> None:
    """A dry run foresees it, the report fits what is there, what is refused leaves nothing, and the store verifies."""
    print(f"make fuzz SEEDS={seed}")
    path, read = tmp_path / "rows.csv", 0
    files = (LONG_FILES if long else SHORT_FILES) // (1 if place == "memory" else DEAR)
    step = FILES_OF_A_STORE if place == "memory" else files
    for start in range(0, files, step):
        with _shop(None if place == "memory" else request.getfixturevalue(f"{place}_store")) as crm:
            for number in range(start, min(start + step, files)):
                file = fuzzed_file(Random(f"{seed} {number}"))
                path.write_bytes(file.content)
                try:
                    read += _assert_whole(crm, path, file)
                except Exception as error:
                    error.add_note(f"file {number} of seed {seed}: {file!r} {file.content[:300]!r}")
                    raise
            assert_verified(crm)
    assert files / 5 < read < files
