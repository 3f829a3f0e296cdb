"""A filter as a sentence for people, in English and in Finnish: `describe`.

It says what the filter means, not how it is written: fields go by their labels, and where a negative also takes the
rows without a value, the sentence says so.
"""

from decimal import Decimal
from typing import Final, Self, assert_never

from attrs import evolve, frozen

from custcrm.filters.checking.conditions import type_of
from custcrm.filters.checking.names import Computed, EntryValue, Names, Plain, WholeCollection, resolve
from custcrm.filters.checking.scopes import Scope
from custcrm.filters.syntax import nodes as s
from custcrm.filters.syntax.constants import iso, quoted, write_number
from custcrm.filters.syntax.errors import not_a_value
from custcrm.filters.syntax.operators import (
    AGGREGATES,
    COMPARISONS,
    FUNCTIONS,
    TEXT_TESTS,
    AggregateRow,
    ComparisonRow,
    FunctionRow,
    TextTestRow,
)
from custcrm.filters.tools.languages import PHRASES, Phrases
from custcrm.filters.tools.presence import can_be_missing, tested_values
from custcrm.filters.tools.show import fixed, told_fixed
from custcrm.filters.types.declarations import Declarations
from custcrm.values.errors import Malformed
from custcrm.values.periods import Span

LANGUAGES: Final = tuple(PHRASES)
_TIMES: Final = ("date", "instant", "moment", "clock_moment")
_SIGNS: Final = {"*": "×", "/": "÷", "-": "−"}


def describe(
    node: s.Condition, schema: Declarations, language: str = "en", *, within: tuple[str, ...] = (), scope: Scope = ()
) -> str:
    """Return a checked condition as a sentence in `en` or `fi`; with a scope it says what the scope narrows.

    `within` leads to the collection whose records the condition is about.
    """
    if language not in PHRASES:
        raise Malformed(f"filters are described in {' and '.join(LANGUAGES)}", field="language", suggestions=LANGUAGES)
    words = _Words(Names(schema, within), language)
    sentence = words.condition(node)
    if not scope:
        return sentence
    pairs = (words.say("scope pair", name, quoted(str(value))) for name, value in scope)
    return words.say("scope", sentence, words.phrases["and"].join(pairs))


@frozen
class _Words:
    """The phrases of a language, and the names in force where they are used."""

    names: Names
    language: str

    @property
    def phrases(self) -> Phrases:
        return PHRASES[self.language]

    def say(self, phrase: str, *parts: str) -> str:
        return self.phrases[phrase].format(*parts)

    def say_of(self, row: TextTestRow | ComparisonRow | AggregateRow | FunctionRow, *parts: str, variant: int = 0) -> str:
        """Say what the row of an operator says; `variant` numbers its sentences."""
        return row.sentences[self.language][variant].format(*parts)

    def condition(self, node: s.Condition) -> str:
        match node:
            case s.And(args) | s.Or(args):
                word = "and" if isinstance(node, s.And) else "or"
                return self.phrases[word].join(self.grouped(arg) for arg in args)
            case s.Not(arg):
                return self.negative(arg)
            case _:
                return self.test(node, "")

    def grouped(self, node: s.Condition) -> str:
        text = self.condition(node)
        return self.say("group", text) if isinstance(node, s.And | s.Or) else text

    def negative(self, arg: s.Condition) -> str:
        if isinstance(arg, s.And | s.Or):
            return self.say("not", self.condition(arg))
        text = self.test(arg, "not ")
        if fixed(arg) is not None:
            return text
        missing = [part for part in tested_values(arg) if can_be_missing(self.names, part)]
        return self.say("or missing", text, self.value(missing[0])) if len(missing) == 1 else text

    def test(self, node: s.Condition, sign: str) -> str:
        """Return one condition, or with the sign `not ` its negative."""
        match node:
            case s.Compare(op, left, right):
                row = COMPARISONS[op]
                of_times = len(row.sentences[self.language]) > 2 and self.is_time(left)
                variant = bool(sign) + 2 * of_times
                return self.say_of(row, self.value(left), self.value(right), variant=variant)
            case s.Between(value, low, high):
                return self.say(f"{sign}between", *map(self.value, (value, low, high)))
            case s.In() if (count := fixed(node)) is not None:
                return self.say(f"{sign}fixed", f"{count:,}", told_fixed(count, self.names.schema.noun))
            case s.In(value, items):
                listed = ", ".join(map(self.value, items)) or self.phrases["nothing"]
                return self.say(f"{sign}in", self.value(value), listed)
            case s.TextTest(test, value, pattern):
                return self.say_of(TEXT_TESTS[test], self.value(value), self.value(pattern), variant=bool(sign))
            case s.Exists(value):
                return self.say(f"{sign}exists", self.value(value))
            case s.Segment(name):
                return self.say(f"{sign}segment", quoted(name))
            case s.Literal(value):
                return self.phrases["true" if bool(value) is not bool(sign) else "false"]
            case s.Aggregate(op):
                return self.say_of(AGGREGATES[op], self.records(node), variant=bool(sign))
            case s.Field():  # a Boolean
                return self.say_of(COMPARISONS["="], self.value(node), self.phrases["yes"], variant=bool(sign))
            case s.And() | s.Or() | s.Not():
                return self.condition(node)
            case _:
                assert_never(node)

    def is_time(self, value: s.Value) -> bool:
        return type_of(self.names.schema, value, within=self.names.within).sort in _TIMES

    def value(self, node: s.Node) -> str:
        match node:
            case s.Literal(value):
                return self.constant(value)
            case s.Field(path):
                return self.label(path)
            case s.Arithmetic(op, left, right):
                sign = self.phrases.get(op, _SIGNS.get(op, op))
                return f"{self.operand(left)} {sign} {self.operand(right)}"
            case s.Fold(case, accent, value):
                text = self.say_of(FUNCTIONS["casei"], self.value(value)) if case else self.value(value)
                return self.say_of(FUNCTIONS["accenti"], text) if accent else text
            case s.Clock(name, length):
                return self.say_of(FUNCTIONS[name]) if length is None else self.moved(name, length)
            case s.Anniversary(field):
                return self.say_of(FUNCTIONS["anniversary"], self.value(field))
            case s.Aggregate(op):
                row = AGGREGATES[op]
                of_times = len(row.sentences[self.language]) > 1 and self.is_time(node)
                totalled = self.label_inside(node) if row.takes else ""
                return self.say_of(row, self.records(node), totalled, variant=of_times)
        raise not_a_value()

    def moved(self, name: str, length: Span) -> str:
        one, several, *later = self.phrases[length.unit].split("|")
        return self.say_of(FUNCTIONS[name], str(length.count), one if length.count == 1 else several, *later)

    def operand(self, node: s.Value) -> str:
        text = self.value(node)
        return self.say("group", text) if isinstance(node, s.Arithmetic) else text

    def constant(self, value: s.Scalar) -> str:
        match value:
            case bool():
                return self.phrases["yes" if value else "no"]
            case str():
                return quoted(value)
            case int() | Decimal():
                return write_number(value)
        return iso(value)

    def records(self, node: s.Aggregate) -> str:
        name = self.label(self.names.of(node).within[-1:])
        return name if node.where is None else self.say("where", name, self.inside(node).condition(node.where))

    def label_inside(self, node: s.Aggregate) -> str:
        return self.inside(node).label(node.path[-1:])

    def inside(self, node: s.Aggregate) -> Self:
        return evolve(self, names=self.names.of(node))

    def label(self, path: tuple[str, ...]) -> str:
        """Return what people call a field: its own label, or its name with spaces."""
        own = _own_label(self.names, path)
        return own or " ".join(part.replace("_", " ") for part in path)


def _own_label(names: Names, path: tuple[str, ...]) -> str:
    """Return the label that the schema gives, after the key when it is one of a map's entry; '' without one."""
    match resolve(names, path, None):
        case Plain(_, kind):
            return kind.label
        case Computed(_, metric):
            return metric.label
        case WholeCollection(_, collection):
            return collection.label
        case EntryValue(_, key, field, kind) if kind.label:
            return f"{key} {kind.label}" if field else kind.label
    return ""
