"""Random trees of the language, without a schema: every node, built as the parser would build it."""

from datetime import UTC
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from custcrm.filters.syntax.nodes import (
    INTEGER_MAX,
    INTEGER_MIN,
    Aggregate,
    Anniversary,
    Arithmetic,
    Between,
    Clock,
    Compare,
    Condition,
    Exists,
    Field,
    In,
    Literal,
    Segment,
    TextTest,
    Value,
    conjunction,
    disjunction,
    folded,
    literal,
    negation,
)
from custcrm.filters.syntax.operators import TEXT_TESTS
from custcrm.values.periods import Span

TEXTS = st.text(
    st.sampled_from("aZ'\"\\%_. \n’🎉é") | st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    max_size=8,
)
NAMES = st.sampled_from(
    ["visits", "and", "WHERE", "count", "exists", "doesn", "tags", "_x", "Öljy", "2024", "a b", "not"]
) | TEXTS.filter(bool)
DECIMALS = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places),
    st.integers(-(10**15) + 1, 10**15 - 1),
    st.integers(0, 15),
)
SCALARS = st.one_of(
    TEXTS,
    st.booleans(),
    st.integers(INTEGER_MIN, INTEGER_MAX),
    st.integers(-20, 20),
    DECIMALS,
    st.dates(),
    st.datetimes(timezones=st.just(UTC)),
)
SPANS = st.builds(
    Span, st.integers(0, 199), st.sampled_from(["second", "minute", "hour", "day", "week", "month", "year"])
)
TESTS = list(TEXT_TESTS)


@st.composite
def fields(draw: DrawFn) -> Field:
    return Field(tuple(draw(st.lists(NAMES, min_size=1, max_size=3))))


@st.composite
def constants(draw: DrawFn) -> Literal:
    return literal(draw(SCALARS))


@st.composite
def values(draw: DrawFn, levels: int = 2) -> Value:
    """Draw a value of at most so many levels."""
    leaves = ["field", "constant", "constant", "moved clock", "clock", "anniversary"]
    inner = values(levels - 1)
    match draw(st.sampled_from(leaves + ["arithmetic", "arithmetic", "fold", "aggregate"] * (levels > 0))):
        case "field":
            return draw(fields())
        case "moved clock":
            return Clock(draw(st.sampled_from(["ago", "from_now"])), draw(SPANS))
        case "clock":
            return Clock(draw(st.sampled_from(["today", "now"])))
        case "anniversary":
            return Anniversary(draw(fields()))
        case "arithmetic":
            op = draw(st.sampled_from(["+", "-", "*", "/", "%", "DIV", "^"]))
            return Arithmetic(op, draw(inner), draw(inner))
        case "fold":
            case, accent = draw(st.sampled_from([(True, False), (False, True), (True, True)]))
            return folded(draw(inner), case=case, accent=accent)
        case "aggregate":
            op = draw(st.sampled_from(["count", "sum", "avg", "min", "max"]))
            return Aggregate(op, draw(fields()).path, draw(st.none() | conditions(levels - 1)))
    return draw(constants())


@st.composite
def conditions(draw: DrawFn, levels: int = 3) -> Condition:
    """Draw a condition of at most so many levels."""
    leaves = ["compare", "field", "truth", "segment", "exists"]
    inner, value = conditions(levels - 1), values(min(levels, 2))
    match draw(st.sampled_from(["compare", *leaves, *["join", "not", "between", "in", "test", "some"] * (levels > 0)])):
        case "field":
            return draw(fields())
        case "truth":
            return Literal(draw(st.booleans()))
        case "segment":
            return Segment(draw(TEXTS))
        case "exists":
            return Exists(draw(value))
        case "join":
            join = draw(st.sampled_from([conjunction, disjunction]))
            return join(draw(st.lists(inner, min_size=2, max_size=3)))
        case "not":
            return negation(draw(inner))
        case "between":
            return Between(draw(value), draw(value), draw(value))
        case "in":
            return In(draw(value), tuple(draw(st.lists(value, max_size=3))))
        case "test":
            return TextTest(draw(st.sampled_from(TESTS)), draw(value), draw(value))
        case "some":
            return Aggregate("exists", draw(fields()).path, draw(st.none() | inner))
    return Compare(draw(st.sampled_from(["=", "<", "<=", ">", ">="])), draw(value), draw(value))
