"""Reading single columns of records as Python's own values. The names to know are `reader`, `tuple_reader`, `key_of`.

A column is what tables, `where` and templates speak of, also the copy without case of a text; an attribute is what the class
has. Money and a birth date are one attribute and two columns; for all else the two are the same. Whole rows are the business of
`records.codec`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache
from operator import attrgetter
from typing import Any

from custcrm.records.declaration import Column, declaration
from custcrm.values.birthdays import YearlessDate
from custcrm.values.texts import fold_case

Read = Callable[[Any], Any]


@cache
def reader(record: type, column: str) -> Read:
    """Return a function that reads a column of such a record; KeyError when it has no such column."""
    caseless = declaration(record).without_case.get(column)
    if caseless is not None:
        return _read_without_case(caseless)
    declared = declaration(record).column(column)
    if declared.kind == "date":
        return _read_full_date(declared.name)
    if len(declared.source) == 1 and declared.source[0] != declared.name:
        return _read_month_day(declared.source[0])
    return _read_path(declared)


@cache
def tuple_reader(record: type, columns: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """Return a function that reads several columns of such a record at once."""
    plain = {column.name for column in declaration(record).columns if column.source == (column.name,)}
    if len(columns) > 1 and plain.issuperset(columns):
        return attrgetter(*columns)
    readers = tuple(reader(record, name) for name in columns)
    if len(readers) == 1:
        (only,) = readers
        return lambda each: (only(each),)
    return lambda each: tuple(read(each) for read in readers)


def key_of(record: Any) -> tuple[Any, ...]:
    """Return the values of the record's key columns."""
    kind: type = type(record)
    return tuple_reader(kind, declaration(kind).key)(record)


def _read_path(column: Column) -> Read:
    if len(column.source) == 1:
        return attrgetter(column.name)
    outer, inner = map(attrgetter, column.source)

    def read(record: Any) -> Any:
        value = outer(record)
        return None if value is None else inner(value)

    return read


def _read_without_case(name: str) -> Read:
    attribute = attrgetter(name)

    def read(record: Any) -> str | None:
        value = attribute(record)
        return None if value is None else fold_case(value)

    return read


def _read_full_date(name: str) -> Read:
    attribute = attrgetter(name)

    def read(record: Any) -> date | None:
        value = attribute(record)
        return None if isinstance(value, YearlessDate) else value

    return read


def _read_month_day(name: str) -> Read:
    attribute = attrgetter(name)

    def read(record: Any) -> int | None:
        value = attribute(record)
        return None if value is None else value.month * 100 + value.day

    return read
