"""What a schema refuses, where the mistake is said to be, and what is suggested."""

import re
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import attrs
import pytest

from custcrm.filters import (
    Choice,
    Collection,
    Date,
    Derived,
    Elapsed,
    FilterError,
    Instant,
    Integer,
    LimitExceeded,
    Map,
    Money,
    Number,
    Schema,
    Text,
)
from custcrm.values.errors import Malformed
from custcrm.values.money import Money as Amount
from tests.filters.shop import AS_OF, PROGRAMS, SEGMENTS, shop


def refused(text: str, schema: Schema = shop) -> FilterError:
    with pytest.raises(FilterError) as caught:
        schema.parse(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "kind", "suggestion"),
    [
        # ‹…› marks the place
        ("visits > ‹'5'›", "type", "5"),
        ("‹'5'› < visits", "type", "5"),
        ("country = ‹5›", "type", "'5'"),
        ("joined < ‹'1980-01-01'›", "type", "DATE('1980-01-01')"),
        ("marketing = ‹'true'›", "type", "TRUE"),
        ("‹visits› LIKE 'a'", "type", None),
        ("‹kind› STARTS WITH 'p'", "type", None),
        ("CASEI(‹kind›) = 'person'", "type", None),
        ("country LIKE ‹name›", "type", None),
        ("‹kind› > 'person'", "type", None),
        ("‹marketing› < TRUE", "type", None),
        ("‹ANNIVERSARY(birth_date)› < today()", "type", None),
        ("ANNIVERSARY(‹last_seen›) = today()", "type", None),
        ("kind = ‹'persn'›", "unknown_value", "'person'"),
        ("kind IN ('person', ‹'compny'›)", "unknown_value", "'company'"),
        ("kind = ‹country›", "type", None),
        ("kind = ‹CASEI('person')›", "type", None),
        ("credit > ‹12.505›", "type", None),
        ("credit > ‹100 / 3›", "type", None),
        ("credit + ‹0.001› > 1", "type", None),
        ("credit * 0.001 > ‹1.005›", "type", None),
        ("credit > ‹visits›", "type", None),
        ("credit - ‹visits› > 1", "type", None),
        ("credit * ‹credit› > 1", "type", None),
        ("1 / ‹credit› > 1", "type", None),
        ("‹credit› ^ 2 > 1", "type", None),
        ("visits ^ ‹10› > 1", "type", None),
        ("visits ^ ‹visits› > 1", "type", None),
        ("‹rate› % 2 = 1", "type", None),
        ("visits DIV ‹0.5› = 1", "type", None),
        ("‹name› + 1 > 2", "type", None),
        ("‹age› + 1 > 2", "type", None),
        ("age > ‹visits›", "type", None),
        ("visits / ‹0› > 1", "number", None),
        ("visits % (‹1 - 1›) = 1", "number", None),
        ("visits > ‹(((9 ^ 9) ^ 9) ^ 9) ^ 9›", "number", None),
        ("joined > ‹ago('3 hours')›", "type", None),
        ("joined = ‹now()›", "type", None),
        ("last_seen = ‹joined›", "type", None),
        ("‹visits›", "not_a_condition", None),
        ("‹tags.VIP› AND TRUE", "not_a_condition", None),
        ("NOT ‹programs.gold›", "not_a_condition", None),
        ("‹sales›", "not_a_condition", None),
        ("‹tags = 'x'›", "type", "tags.x EXISTS"),
        ("‹programs.gold› = 1", "type", None),
        ("‹sales› = 1", "type", None),
        ("‹tags› EXISTS", "type", None),
        ("‹vists› > 1", "unknown_field", "visits"),
        ("‹contry› = 'FI'", "unknown_field", "country"),
        ("‹avrage_check› > 1", "unknown_field", "average_check"),
        ('country = ‹"FI"›', "unknown_field", "'FI'"),
        ("‹visits.x› > 1", "unknown_field", None),
        ("‹sales.total› > 1", "unknown_field", None),
        ("‹tags.a.b› EXISTS", "unknown_field", None),
        ("‹programs.glod.points› > 1", "unknown_value", "programs.gold.points"),
        ("‹programs.gold.ponts› > 1", "unknown_field", "programs.gold.points"),
        ("‹attributes.siz› EXISTS", "unknown_value", "attributes.size"),
        ("attributes.size = ‹'big'›", "type", None),
        ("EXISTS(sales WHERE ‹country› = 'FI')", "out_of_scope", None),
        ("EXISTS(sales WHERE ‹sales_total› > 5)", "out_of_scope", None),
        ("EXISTS(sales WHERE EXISTS(lines WHERE ‹total› > 5))", "out_of_scope", None),
        ("EXISTS(sales WHERE ‹SEGMENT('finns')›)", "out_of_scope", None),
        ("EXISTS(sales WHERE ‹totl› > 5)", "unknown_field", "total"),
        ("COUNT(‹sales.total›) > 1", "arguments", None),
        ("COUNT(‹country›) > 1", "arguments", None),
        ("EXISTS(‹tags›)", "arguments", None),
        ("SUM( ‹sales› WHERE total > 1) > 1", "arguments", None),
        ("SUM(‹sales.point_of_sale›) > 1", "type", None),
        ("SUM(‹sales.lines›) > 1", "arguments", None),
        ("AVG(‹sales.occurred_at›) > 1", "type", None),
        ("SUM(‹sales.totl›) > 1", "unknown_field", "sales.total"),
        ("COUNT(‹salse›) > 1", "unknown_field", "sales"),
        ("‹COUNT(sales)›", "not_a_condition", None),
        ("SEGMENT(‹'fins'›)", "unknown_value", "'finns'"),
        ("visits > 1 AND SEGMENT(‹'a'›)", "segment_cycle", None),
    ],
)
def test_mistakes_are_found_where_they_are(text: str, kind: str, suggestion: str | None) -> None:
    """Each error has its kind, the place of the culprit, and what was probably meant, as it would be typed."""
    start, end = text.index("‹"), text.index("›") - 1
    error = refused(re.sub("[‹›]", "", text))
    assert (error.kind, error.position, error.end) == (kind, start, end), error
    assert suggestion is None or suggestion in error.suggestions
    assert error.text == re.sub("[‹›]", "", text)
    assert not any(constant in error.public for constant in ("'big'", "'5'", "12.505", "compny"))


def test_a_circle_of_segments_is_shown() -> None:
    """The message walks round the circle; a mistake inside a segment is told with the segment's name."""
    assert refused("SEGMENT('a')").message == "segments refer to each other: a → b → a"
    wrong = shop.evolve(segments={"old": "vists > 1"})
    assert refused("marketing OR SEGMENT('old')", wrong).message.startswith("in segment 'old': no field 'vists'")


def test_segments_may_be_found_by_a_function() -> None:
    """A function is asked for each name; None means that there is none."""
    found = shop.evolve(segments=SEGMENTS.get)
    assert found.parse("SEGMENT('finns')").matches({"country": "FI"})
    assert refused("SEGMENT('fins')", found).kind == "unknown_value"
    filters = shop.evolve(segments={"mine": shop.parse("visits > 1")})
    assert filters.parse("NOT SEGMENT('mine')").matches({"visits": 1})


def test_limits_hold_after_expansion() -> None:
    """What segments stand for is counted where they are used, and doubling them does not take for ever."""
    doubling = {f"s{n}": f"SEGMENT('s{n - 1}') OR NOT SEGMENT('s{n - 1}')" for n in range(1, 40)}
    schema = shop.evolve(segments={"s0": "visits = 1", **doubling})
    with pytest.raises(LimitExceeded, match="segments"):
        schema.parse("SEGMENT('s25')")
    assert schema.parse("SEGMENT('s5')").matches({})


def test_constants_take_part_where_fields_do() -> None:
    """A filter of constants alone is TRUE or FALSE; Money beside a constant of one side is fine."""
    for text in ("1 < 2", "'a' < 'b'", "2 BETWEEN 1 AND 3", "'a' LIKE '_'", "1.5 IN (1, 1.5)", "today() EXISTS"):
        assert shop.parse(text).matches({}, as_of=AS_OF), text
    for text in ("1 > 2", "DATE('2026-01-01') > DATE('2026-01-02')", "'A' = CASEI('A')", "1 / 3 = 0.333"):
        assert not shop.parse(text).matches({}, as_of=AS_OF), text


# declarations ------------------------------------------------------------------------------------


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@attrs.frozen
class Line:
    quantity: int
    price: Amount


@attrs.frozen
class Order:
    at: datetime
    total: Amount | None
    lines: tuple[Line, ...] = ()


@attrs.frozen
class Person:
    name: str
    born: date | None
    colour: Colour | None
    share: Decimal
    labels: dict[str, str]
    orders: list[Order]


def test_a_class_gives_its_types() -> None:
    """Annotations become field types: Optional, Enum, dict, nested classes, Money."""
    schema = Schema.of(Person, currency="EUR")
    assert dict(schema.types) == {
        "name": Text(),
        "born": Date(),
        "colour": Choice("red", "blue"),
        "share": Number(),
        "labels": Map(Text()),
        "orders": Collection(
            {"at": Instant(), "total": Money(), "lines": Collection({"quantity": Integer(), "price": Money()})}
        ),
    }
    order = Order(AS_OF, Amount(5, "EUR"), (Line(2, Amount(1, "EUR")),))
    anna = Person("Anna", None, Colour.RED, Decimal("0.5"), {}, [order])
    assert schema.parse("colour = 'red' AND share > 0.4 AND SUM(orders.total) = 5").matches(anna)
    assert schema.parse("EXISTS(orders WHERE SUM(lines.quantity) = 2)").matches(anna)
    assert "born" not in Schema.of(Person, leave_out=["born"], currency="EUR").types


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ({"x": float}, {}),
        ({"x": object()}, {}),
        ({"x": {}}, {}),
        ({"": str}, {}),
        ({"x": Money}, {}),
        ({"x": [{"y": Money()}]}, {}),
        ({"x": Map({"y": Money()})}, {}),
        ({"x": Map(Map())}, {}),
        ({"x": [{"y": dict[str, str]}]}, {}),
        ({"x": [{"y": [{"z": [{"a": int}]}]}]}, {}),
        ({"x": Collection({"y": int}, at="y")}, {}),
        ({"x": Collection({"y": int}, scopes=("z",))}, {}),
        ({"x": int}, {"timezone": "Mars/Base"}),
        ({"x": int}, {"currency": "EURO"}),
        ({"x": int}, {"feb29": "feb30"}),
        ({"x": int}, {"metrics": {"x": "x + 1"}}),
        ({"x": int}, {"metrics": {"y": "z + 1"}}),
        ({"x": int}, {"metrics": {"y": "z + 1", "z": "y * 2"}}),
        ({"x": int}, {"metrics": {"y": "y"}}),
        ({"x": int}, {"metrics": {"y": "x > 1"}}),
        ({"x": int}, {"metrics": {"y": Elapsed(unit="days", since="x")}}),
        ({"x": Instant()}, {"metrics": {"y": Elapsed(unit="years", since="x")}}),
        ({"x": Map({"y": Derived(value="x.:key.y", type=Integer())})}, {}),
        ({"x": Map({"y": Derived(value="1 / 3", type=Integer())})}, {}),
        ({"x": Map({"y": Derived(value="'a'", type=Integer())})}, {}),
        ({"x": Map({"y": Derived(value="'a'", type=Text(), otherwise=0)})}, {}),
    ],
)
def test_a_wrong_declaration_is_refused_at_once(fields: dict[str, object], options: dict[str, Any]) -> None:
    """A schema that could only fail later is Malformed when it is made."""
    with pytest.raises(Malformed):
        Schema(fields, **options)


def test_a_hidden_collection_is_not_offered() -> None:
    """It serves metrics and derived fields, and no error suggests it."""
    error = refused("COUNT(points_entris) > 1")
    assert "points_entries" not in str(error)


def test_a_key_is_data() -> None:
    """A key of a map with quotes and colons stands for itself in derived fields."""
    key = "o'ne \"x\" :key"
    schema = shop.evolve(fields={**shop.types, "programs": attrs.evolve(PROGRAMS, keys=(key,))})
    path = '"' + key.replace('"', '""') + '"'
    row = {"programs": {key: {"access": "full"}}, "points_entries": [{"program": key, "delta": 3}]}
    assert schema.parse(f"programs.{path}.available = 3").matches(row)


# segments that change ----------------------------------------------------------------------------


def test_a_filter_and_its_not_part_the_rows_when_a_segment_has_changed() -> None:
    """What a segment says is read when the filter is first used, by everything that uses it; a scope reads it anew."""
    saved: dict[str, Any] = {"x": "visits > 1"}
    schema = Schema({"visits": int, "stays": Collection({"site": str}, scopes=("site",))}, segments=saved.get)
    early, late = schema.parse("SEGMENT('x')"), schema.parse("SEGMENT('x')")
    saved["x"] = "visits > 100"
    row = {"visits": 5}
    assert not early.matches(row)
    assert (~early).matches(row)
    assert not early.simplify().matches(row)
    assert not early.explain(row).matched
    assert str(late.scoped(site="H")) == "visits > 100"
    assert str(early & schema.parse("visits > 2")) == "SEGMENT('x') AND visits > 2"


@pytest.mark.parametrize("found", [5, b"TRUE", ["TRUE"], Schema({"visits": int}).fields.visits])
def test_a_segment_is_a_text_or_a_filter(found: object) -> None:
    """Anything else is refused by name, however it is given."""
    for segments in ({"x": found}, {"x": found}.get):
        with pytest.raises(Malformed, match="a filter is a text, not"):
            Schema({"visits": int}, segments=segments).parse("SEGMENT('x')")
