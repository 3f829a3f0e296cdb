"""The operators of the language, one row each: what reads, writes, checks, runs, offers and describes them looks here.

`TEXT_TESTS`, `COMPARISONS`, `AGGREGATES` and `FUNCTIONS` are keyed by the name that stands in a tree and in JSON. A row
says all that is true of its operator everywhere; only the phrase that SQL needs lies with the SQL target, and the tree
that a function makes with the parser, each in a table or a match; mypy reports an error until it is complete.

    TEXT_TESTS["starts_with"].words                 # STARTS WITH
    COMPARISONS["<"].mirrored                       # >
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeVar
from typing import Literal as OneOf

from attrs import frozen

from custcrm.filters.types.types import Sort

CompareOp: TypeAlias = OneOf["=", "<", "<=", ">", ">="]
TextOp: TypeAlias = OneOf["like", "contains", "starts_with", "ends_with"]
ArithmeticOp: TypeAlias = OneOf["+", "-", "*", "/", "%", "DIV", "^"]
ClockName: TypeAlias = OneOf["ago", "from_now", "today", "now"]
AggregateOp: TypeAlias = OneOf["count", "sum", "avg", "min", "max", "exists"]

Sentences: TypeAlias = Mapping[str, tuple[str, ...]]
"""By language: how a description says it. The first of a pair is the positive, the second the negative."""

NUMBERS: Final[tuple[Sort, ...]] = ("integer", "number", "money")
ORDERED: Final[tuple[Sort, ...]] = (*NUMBERS, "date", "instant", "text")


# text tests --------------------------------------------------------------------------------------


@frozen(kw_only=True)
class TextTestRow:
    """A test of a text against a constant text: `name STARTS WITH 'A'`.

    `holds(text, piece)` is what it means; a method of `str` is called as one. `is_function` says that it may be written
    `contains(name, 'A')` too. `labels` are what a screen calls it and its negative, where it offers them.
    """

    name: TextOp
    words: str
    holds: Callable[[str, str], bool]
    is_function: bool = True
    labels: tuple[str, ...] = ()
    sentences: Sentences


def _matches_pattern(_: str, __: str) -> bool:
    raise AssertionError("LIKE is lowered to pieces of its pattern, which `ir.patterns` tries on a text")


_TEXT_TESTS: Final = (
    TextTestRow(
        name="like", words="LIKE", holds=_matches_pattern, is_function=False,
        sentences={
            "en": ("{0} matches the pattern {1}", "{0} does not match the pattern {1}"),
            "fi": ("{0} vastaa mallia {1}", "{0} ei vastaa mallia {1}"),
        },
    ),
    TextTestRow(
        name="contains", words="CONTAINS", holds=operator.contains, labels=("Contains", "Doesn’t contain"),
        sentences={
            "en": ("{0} contains {1}", "{0} does not contain {1}"),
            "fi": ("{0} sisältää tekstin {1}", "{0} ei sisällä tekstiä {1}"),
        },
    ),
    TextTestRow(
        name="starts_with", words="STARTS WITH", holds=str.startswith, labels=("Starts with",),
        sentences={
            "en": ("{0} starts with {1}", "{0} does not start with {1}"),
            "fi": ("{0} alkaa tekstillä {1}", "{0} ei ala tekstillä {1}"),
        },
    ),
    TextTestRow(
        name="ends_with", words="ENDS WITH", holds=str.endswith, labels=("Ends with",),
        sentences={
            "en": ("{0} ends with {1}", "{0} does not end with {1}"),
            "fi": ("{0} päättyy tekstiin {1}", "{0} ei pääty tekstiin {1}"),
        },
    ),
)  # fmt: skip


# comparisons -------------------------------------------------------------------------------------


@frozen(kw_only=True)
class ComparisonRow:
    """A comparison of two values: `visits >= 3`. `mirrored` is the operator with the sides exchanged.

    `holds(left, right)` is what it means; on two SQL elements it makes their comparison. `takes` are the sorts of values
    that have it. `screen_name` and `label` are what a screen calls it. `sentences` are, by language, positive and
    negative, then both for dates and instants where they differ; `wanted` what an explanation wants of a number or text,
    and of a time.
    """

    name: CompareOp
    mirrored: CompareOp
    holds: Callable[[Any, Any], Any]
    takes: tuple[Sort, ...] = ORDERED
    screen_name: str
    label: str
    sentences: Sentences
    wanted: tuple[str, str]


_COMPARISONS: Final = (
    ComparisonRow(
        name="=", mirrored="=", holds=operator.eq, takes=(*ORDERED, "boolean", "choice"), screen_name="equals", label="Equals",
        sentences={"en": ("{0} is {1}", "{0} is not {1}"), "fi": ("{0} on {1}", "{0} ei ole {1}")},
        wanted=("{}", "{}"),
    ),
    ComparisonRow(
        name="<", mirrored=">", holds=operator.lt, screen_name="less_than", label="Less than",
        sentences={
            "en": ("{0} is less than {1}", "{0} is not less than {1}", "{0} is before {1}", "{0} is not before {1}"),
            "fi": ("{0} on pienempi kuin {1}", "{0} ei ole pienempi kuin {1}",
                   "{0} on aiemmin kuin {1}", "{0} ei ole aiemmin kuin {1}"),
        },
        wanted=("less than {}", "before {}"),
    ),
    ComparisonRow(
        name="<=", mirrored=">=", holds=operator.le, screen_name="at_most", label="At most",
        sentences={
            "en": ("{0} is at most {1}", "{0} is not at most {1}", "{0} is not after {1}", "{0} is after {1}"),
            "fi": ("{0} on enintään {1}", "{0} ei ole enintään {1}", "{0} on viimeistään {1}", "{0} ei ole viimeistään {1}"),
        },
        wanted=("{} or less", "{} or earlier"),
    ),
    ComparisonRow(
        name=">", mirrored="<", holds=operator.gt, screen_name="more_than", label="More than",
        sentences={
            "en": ("{0} is more than {1}", "{0} is not more than {1}", "{0} is after {1}", "{0} is not after {1}"),
            "fi": ("{0} on suurempi kuin {1}", "{0} ei ole suurempi kuin {1}",
                   "{0} on myöhemmin kuin {1}", "{0} ei ole myöhemmin kuin {1}"),
        },
        wanted=("more than {}", "after {}"),
    ),
    ComparisonRow(
        name=">=", mirrored="<=", holds=operator.ge, screen_name="at_least", label="At least",
        sentences={
            "en": ("{0} is at least {1}", "{0} is not at least {1}", "{0} is not before {1}", "{0} is before {1}"),
            "fi": ("{0} on vähintään {1}", "{0} ei ole vähintään {1}",
                   "{0} on aikaisintaan {1}", "{0} ei ole aikaisintaan {1}"),
        },
        wanted=("{} or more", "{} or later"),
    ),
)  # fmt: skip


# aggregates --------------------------------------------------------------------------------------


@frozen(kw_only=True)
class AggregateRow:
    """What is said of the records of a collection: `SUM(sales.total WHERE …)`.

    `takes` are the sorts of the field that it computes with; without any it takes the collection itself. `is_condition`
    tells EXISTS from the values; `missing_over_none` says that it has no value where there are no records. `sentences`
    are, by language, for numbers and, where they differ, for dates and instants.
    """

    name: AggregateOp
    takes: tuple[Sort, ...] = ()
    is_condition: bool = False
    missing_over_none: bool = False
    sentences: Sentences

    @property
    def takes_field(self) -> bool:
        """Whether it computes with a field of the records."""
        return bool(self.takes)


_AGGREGATES: Final = (
    AggregateRow(name="count", sentences={"en": ("the number of {0}",), "fi": ("rivien määrä ({0})",)}),
    AggregateRow(
        name="sum", takes=NUMBERS, sentences={"en": ("the sum of {1} over {0}",), "fi": ("kentän {1} summa ({0})",)}
    ),
    AggregateRow(
        name="avg", takes=NUMBERS, missing_over_none=True,
        sentences={"en": ("the average of {1} over {0}",), "fi": ("kentän {1} keskiarvo ({0})",)},
    ),
    AggregateRow(
        name="min", takes=(*NUMBERS, "date", "instant"), missing_over_none=True,
        sentences={
            "en": ("the smallest {1} of {0}", "the earliest {1} of {0}"),
            "fi": ("kentän {1} pienin arvo ({0})", "kentän {1} aikaisin arvo ({0})"),
        },
    ),
    AggregateRow(
        name="max", takes=(*NUMBERS, "date", "instant"), missing_over_none=True,
        sentences={
            "en": ("the largest {1} of {0}", "the latest {1} of {0}"),
            "fi": ("kentän {1} suurin arvo ({0})", "kentän {1} viimeisin arvo ({0})"),
        },
    ),
    AggregateRow(
        name="exists", is_condition=True,
        sentences={"en": ("there are {0}", "there are no {0}"), "fi": ("löytyy {0}", "ei löydy: {0}")},
    ),
)  # fmt: skip


# functions ---------------------------------------------------------------------------------------


@frozen(kw_only=True)
class FunctionRow:
    """A function that is no operator and no aggregate: `CASEI(name)`, `ago('12 months')`.

    `takes` names its arguments as an error shows them; `is_lower` says that canonical text has it in small letters.
    `sentences` has one phrase by language where a description shows the function itself.
    """

    name: str
    takes: tuple[str, ...]
    is_lower: bool = False
    sentences: Sentences = MappingProxyType({})


_FUNCTIONS: Final = (
    FunctionRow(
        name="casei", takes=("text",),
        sentences={"en": ("{0}, whatever its case",), "fi": ("{0} kirjainkoosta riippumatta",)},
    ),
    FunctionRow(
        name="accenti", takes=("text",),
        sentences={"en": ("{0}, whatever its accents",), "fi": ("{0} tarkkeista riippumatta",)},
    ),
    FunctionRow(name="date", takes=("'2026-01-31'",)),
    FunctionRow(name="timestamp", takes=("'2026-01-31T09:00:00Z'",)),
    FunctionRow(
        name="ago", takes=("'12 months'",), is_lower=True, sentences={"en": ("{0} {1} ago",), "fi": ("{0} {1} sitten",)}
    ),
    FunctionRow(
        name="from_now", takes=("'12 months'",), is_lower=True,
        sentences={"en": ("{0} {1} from now",), "fi": ("{0} {2} kuluttua",)},
    ),
    FunctionRow(name="today", takes=(), is_lower=True, sentences={"en": ("today",), "fi": ("tänään",)}),
    FunctionRow(name="now", takes=(), is_lower=True, sentences={"en": ("now",), "fi": ("nyt",)}),
    FunctionRow(
        name="anniversary", takes=("birth_date",),
        sentences={"en": ("the anniversary of {0}",), "fi": ("vuosipäivä ({0})",)},
    ),
    FunctionRow(name="segment", takes=("'lapsed vips'",)),
)  # fmt: skip

Row = TypeVar("Row", TextTestRow, ComparisonRow, AggregateRow, FunctionRow)


def _by_name(rows: tuple[Row, ...]) -> Mapping[str, Row]:
    return MappingProxyType({row.name: row for row in rows})


TEXT_TESTS: Final = _by_name(_TEXT_TESTS)
COMPARISONS: Final = _by_name(_COMPARISONS)
AGGREGATES: Final = _by_name(_AGGREGATES)
FUNCTIONS: Final = _by_name(_FUNCTIONS)


def written_name(name: str) -> str:
    """Return a function's name as canonical text spells it: `CASEI`, `COUNT`, `ago`."""
    return name if name in FUNCTIONS and FUNCTIONS[name].is_lower else name.upper()
