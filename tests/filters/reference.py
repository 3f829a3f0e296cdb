"""A second, slow reading of the language: what a checked filter says of a row, straight from its tree.

No lowering and no cleverness: numbers are `Fraction`, amounts are major units, days are compared as days of the
business zone, anniversaries are looked for day by day. `holds` is the oracle for the targets. Where an intermediate
result may come near 38 digits it raises `Uncertain`: only the lowering knows the scales that the language counts by.
There `computed` is the oracle, for the arithmetic that a filter is lowered to.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import trunc
from typing import Any

from attrs import evolve, frozen
from dateutil.relativedelta import relativedelta

from custcrm.filters import Filter, Schema
from custcrm.filters.checking.conditions import check, check_value
from custcrm.filters.ir.nodes import Calculation, Column, Constant, Unscaled, Value
from custcrm.filters.parsing.parser import parse, parse_value
from custcrm.filters.syntax.nodes import (
    Aggregate,
    And,
    Anniversary,
    Arithmetic,
    Between,
    Clock,
    Compare,
    Exists,
    Field,
    Fold,
    In,
    Literal,
    Node,
    Not,
    Or,
    Segment,
    TextTest,
)
from custcrm.filters.types import types as t
from custcrm.values.money import Money
from custcrm.values.periods import YearlessDate


class Uncertain(Exception):
    """An intermediate result may be beyond 38 digits."""


def holds(rule: Filter, row: Mapping[str, Any], as_of: datetime) -> bool:
    """Tell whether the filter is true of the row."""
    return _Row(rule.schema, rule.schema.types, row, as_of).holds(rule.node)


@frozen
class _Row:
    schema: Schema
    fields: Mapping[str, Any]
    row: Mapping[str, Any]
    as_of: datetime
    inside: bool = False

    # conditions

    def holds(self, node: Node) -> bool:
        match node:
            case And(args):
                return all(list(map(self.holds, args)))
            case Or(args):
                return any(list(map(self.holds, args)))
            case Not(arg):
                return not self.holds(arg)
            case Literal(value):
                return value is True
            case Segment(name):
                return self.holds(check(self.schema, parse(self.schema.segments[name])))
            case Compare(op, left, right):
                return self.compares(op, left, right)
            case Between(value, low, high):
                if isinstance(value, Anniversary):
                    return self.anniversary(value.field, low, high)
                return self.compares(">=", value, low) and self.compares("<=", value, high)
            case In(value, items):
                return any(self.compares("=", value, item) for item in items)
            case TextTest(test, value, pattern):
                text, wanted = self.value(value), self.value(pattern)
                return text is not None and TEXT_MEANINGS[test](text, wanted)
            case Exists(value):
                return self.exists(value)
            case Aggregate("exists"):
                return bool(self.records(node))
        raise AssertionError(node)

    def compares(self, op: str, left: Node, right: Node) -> bool:
        if isinstance(left, Anniversary):
            return self.anniversary(left.field, right, right)
        if isinstance(right, Anniversary):
            return self.anniversary(right.field, left, left)
        if self.size(left) * self.size(right) > 10**37:
            raise Uncertain
        a, b = self.value(left), self.value(right)
        if a is None or b is None or isinstance(a, YearlessDate) or isinstance(b, YearlessDate):
            return False
        a, b = self.alike(a, b)
        return COMPARE_MEANINGS[op](a, b)

    def alike(self, a: Any, b: Any) -> tuple[Any, Any]:
        """Make a clock a day beside a date, else an instant; and an instant beside a day its day."""
        a, b = (self.clock(each, beside=other) for each, other in ((a, b), (b, a)))
        if isinstance(a, datetime) != isinstance(b, datetime):
            a, b = (self.local_day(each) if isinstance(each, datetime) else each for each in (a, b))
        return a, b

    def local_day(self, instant: datetime) -> date:
        """Return the day in the business zone; at either end of the calendar, where it has none, that of UTC."""
        try:
            return instant.astimezone(self.schema.zone).date()
        except OverflowError:
            return instant.date()

    def clock(self, value: Any, beside: Any) -> Any:
        if not isinstance(value, Clock):
            return value
        local = self.as_of.astimezone(self.schema.zone)
        if value.name == "today":
            return local.date()
        if value.name == "now":
            return self.as_of
        sign = -1 if value.name == "ago" else 1
        shift = relativedelta(**{f"{value.length.unit}s": sign * value.length.count})
        if isinstance(beside, date) and not isinstance(beside, datetime):
            return local.date() + shift
        if value.length.unit in {"hour", "minute", "second"}:
            return self.as_of + shift
        wall = local.replace(tzinfo=None, fold=0) + shift
        return wall.replace(tzinfo=self.schema.zone).astimezone(UTC)

    def anniversary(self, field: Field, low: Node, high: Node) -> bool:
        born = self.value(field)
        first, last = (self.clock(self.value(each), beside=date.max) for each in (low, high))
        if born is None:
            return False
        days = min((last - first).days, 366)
        return any(self.falls_on(born, first + timedelta(days=index)) for index in range(days + 1))

    def falls_on(self, born: Any, day: date) -> bool:
        month, number = born.month, born.day
        common = day.year % 4 != 0 or (day.year % 100 == 0 and day.year % 400 != 0)
        if (month, number) == (2, 29) and common:
            month, number = (2, 28) if self.schema.feb29 == "feb28" else (3, 1)
        return (day.month, day.day) == (month, number)

    def exists(self, node: Node) -> bool:
        if isinstance(node, Field) and isinstance(kind := self.fields.get(node.path[0]), t.Map):
            entries = self.row.get(node.path[0]) or {}
            if len(node.path) == 2:
                return node.path[1] in entries
            assert isinstance(kind.value, Mapping)
        if isinstance(node, Field) and self.elapsed(node.path[0]):
            return self.value(node) is not None
        return self.value(node) is not None

    # values

    def value(self, node: Node) -> Any:
        match node:
            case Literal(value):
                return number(value)
            case Field(path):
                return self.field(path)
            case Fold(case, accent, inner):
                text = self.value(inner)
                return None if text is None else fold(text, case=case, accent=accent)
            case Arithmetic(op, left, right):
                return arithmetic(op, self.value(left), self.value(right))
            case Aggregate():
                return self.aggregate(node)
            case Clock():
                return node
        raise AssertionError(node)

    def elapsed(self, name: str) -> bool:
        return not self.inside and isinstance(self.schema.metrics.get(name), t.Elapsed)

    def field(self, path: tuple[str, ...]) -> Any:
        name = path[0]
        if not self.inside and name in self.schema.metrics:
            return self.metric(self.schema.metrics[name])
        found = self.row.get(name)
        for key in path[1:]:
            found = (found or {}).get(key)
        return number(found)

    def metric(self, metric: Any) -> Any:
        text = metric.since if isinstance(metric, t.Elapsed) else metric.value
        value = self.value(check_value(self.schema, parse_value(text))[0])
        if not isinstance(metric, t.Elapsed) or value is None or isinstance(value, YearlessDate):
            return None if isinstance(value, YearlessDate) else value
        today = self.as_of.astimezone(self.schema.zone).date()
        if isinstance(value, datetime):
            value = self.local_day(value)
        if metric.unit == "days":
            return Fraction((today - value).days)
        passed = [
            year
            for year in range(max(min(value.year, today.year) - 1, 1), today.year + 1)
            if self.birthday(value, year) <= today
        ]
        return Fraction(max(passed) - value.year)

    def birthday(self, born: date, year: int) -> date:
        return next(day for day in days_of(year) if self.falls_on(born, day))

    def records(self, node: Aggregate) -> list[_Row]:
        kind = self.fields[node.path[0]]
        found = [
            evolve(self, fields=kind.fields, row=record, inside=True) for record in self.row.get(node.path[0]) or ()
        ]
        if kind.at is not None:
            found = [each for each in found if each.value(Field((kind.at,))) is not None]
            found = [each for each in found if each.value(Field((kind.at,))) <= self.as_of]
        return [each for each in found if node.where is None or each.holds(node.where)]

    def aggregate(self, node: Aggregate) -> Any:
        records = self.records(node)
        if node.op == "count":
            return Fraction(len(records))
        values = [value for each in records if (value := each.value(Field(node.path[1:]))) is not None]
        if node.op == "sum":
            return Fraction(sum(values))
        if not values:
            return None
        return AGGREGATE_MEANINGS[node.op](values)

    def size(self, node: Node) -> int:
        """Return an upper bound of what the whole-number arithmetic of one side comes to."""
        if isinstance(node, Arithmetic):
            if node.op == "^":
                return (self.size(node.left) * 100) ** max(int(node.right.value), 1)
            return self.size(node.left) * self.size(node.right) * 100
        value = self.value(node)
        return abs(value.numerator) * value.denominator * 100 + 1 if isinstance(value, Fraction) else 1


def computed(node: Value, row: Mapping[str, Any]) -> int | None:
    """Return what lowered arithmetic comes to, one exact step after the other; None as soon as one is missing."""
    match node:
        case Constant(int(value)):
            return value
        case Column(name):
            found: int | None = row[name]
            return found
        case Unscaled(Column(name), places):
            return None if row[name] is None else int(Fraction(row[name]) * 10**places)
        case Calculation(op, left, right):
            a, b = computed(left, row), computed(right, row)
            return None if a is None or b is None else step(op, a, b)
    raise AssertionError(node)


def step(op: str, a: int, b: int) -> int | None:
    """Return one exact step on whole numbers."""
    if op == "sign":
        return (a > 0) - (a < 0)
    exact = arithmetic(op, Fraction(a), Fraction(b))
    return None if exact is None else int(exact)


def days_of(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [day for index in range(366) if (day := first + timedelta(days=index)).year == year]


def number(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | Decimal):
        return Fraction(value)
    return Fraction(value.amount) if isinstance(value, Money) else value


def arithmetic(op: str, a: Any, b: Any) -> Fraction | None:
    if a is None or b is None or (op in {"/", "%", "DIV"} and b == 0):
        return None
    match op:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "/":
            return Fraction(a) / b
        case "DIV":
            return Fraction(trunc(Fraction(a) / b))
        case "%":
            return a - b * trunc(Fraction(a) / b)
        case _:
            return Fraction(a) ** int(b)


def fold(text: str, *, case: bool, accent: bool) -> str:
    if case:
        decomposed = unicodedata.normalize("NFD", text)
        text = unicodedata.normalize("NFC", decomposed.casefold())
    if accent:
        letters = unicodedata.normalize("NFD", text)
        text = unicodedata.normalize("NFC", "".join(each for each in letters if unicodedata.category(each) != "Mn"))
    return text


# What each operator means, by its name, said once more and in other words than the library's own table.
TEXT_MEANINGS = {
    "like": lambda text, pattern: like(tuple(tokens(pattern)), text),
    "contains": lambda text, piece: any(text[at : at + len(piece)] == piece for at in range(len(text) + 1)),
    "starts_with": lambda text, piece: text[: len(piece)] == piece,
    "ends_with": lambda text, piece: len(piece) <= len(text) and text[len(text) - len(piece) :] == piece,
}
COMPARE_MEANINGS = {
    "=": lambda a, b: not (a < b or b < a) if type(a) is type(b) is str else a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a < b or a == b,
    ">": lambda a, b: b < a,
    ">=": lambda a, b: b < a or a == b,
}
AGGREGATE_MEANINGS = {
    "min": min,
    "max": max,
    "avg": lambda numbers: Fraction(sum(numbers), len(numbers)),
}
"""Over at least one value; COUNT, SUM and EXISTS say something over none too, and stand in `aggregate`."""


def tokens(pattern: str) -> list[str | None]:
    """Return the pattern as literal characters, '' for one of any kind, None for a run."""
    found: list[str | None] = []
    index = 0
    while index < len(pattern):
        character = pattern[index]
        if character == "\\" and pattern[index + 1 : index + 2] in ("%", "_", "\\"):
            index += 1
            found.append(pattern[index])
        else:
            found.append({"%": None, "_": ""}.get(character, character))
        index += 1
    return found


def like(pattern: tuple[str | None, ...], text: str) -> bool:
    """Fill the table of which prefixes of the pattern match which prefixes of the text."""
    reached = [index == 0 for index in range(len(text) + 1)]
    for token in pattern:
        if token is None:
            reached = [any(reached[: index + 1]) for index in range(len(text) + 1)]
        else:
            reached = [
                index > 0 and reached[index - 1] and token in ("", text[index - 1]) for index in range(len(text) + 1)
            ]
    return reached[-1]
