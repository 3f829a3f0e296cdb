"""What a schema may be declared with: Python types, bare classes, Enums, nested dicts and lists, record classes.

`declared` turns one of them into a field type of `types`; `fields_of` reads an attrs class or a dataclass.
"""

import dataclasses
import types as python_types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

import attrs

from custcrm.filters.types.types import (
    Boolean,
    Choice,
    Collection,
    Date,
    Derived,
    Instant,
    Integer,
    Map,
    Money,
    Number,
    Scalar,
    Text,
)
from custcrm.values.birthdays import YearlessDate
from custcrm.values.errors import Malformed
from custcrm.values.money import Money as Amount

SCALARS: Final = (Text, Integer, Number, Money, Boolean, Date, Instant, Choice)
_PYTHON: Final[dict[object, Callable[[], Scalar]]] = {
    str: Text,
    int: Integer,
    Decimal: Number,
    bool: Boolean,
    date: Date,
    datetime: Instant,
    Amount: Money,
    **{each: each for each in SCALARS if each is not Choice},
}
_LISTS: Final = (list, tuple, Sequence, Iterable)
_UNIONS: Final = (typing.Union, python_types.UnionType)


def declared(name: str, given: object) -> Scalar | Map | Collection:
    """Return the field type for what a schema was given under `name`; anything unknown is `Malformed`."""
    if isinstance(given, SCALARS):
        return given
    if isinstance(given, Map):
        return _map(name, given)
    if isinstance(given, Collection):
        return _collection(name, given)
    if isinstance(given, list) and len(given) == 1 and isinstance(given[0], Mapping):
        return _collection(name, Collection(given[0]))
    return _annotated(name, given)


def fields_of(record: type, leave_out: Sequence[str] = ()) -> dict[str, Scalar | Map | Collection]:
    """Return the field types of an attrs class or a dataclass, read from its annotations, without those left out."""
    hints = get_type_hints(record, include_extras=True)
    if attrs.has(record):
        names = [each.name for each in attrs.fields(record)]
    elif dataclasses.is_dataclass(record):
        names = [each.name for each in dataclasses.fields(record)]
    else:
        raise Malformed(f"{record.__name__} is neither an attrs class nor a dataclass; give a dict of fields")
    return {name: declared(name, hints[name]) for name in names if name not in leave_out}


def _annotated(name: str, given: object) -> Scalar | Map | Collection:
    """Read a Python annotation: a class, Optional, an Enum, a list of records, a dict by text."""
    try:
        if make := _PYTHON.get(given):
            return make()
    except TypeError:  # unhashable, hence no annotation
        raise _not_a_type(name, given) from None
    origin, args = get_origin(given), get_args(given)
    if origin is Annotated:
        marks = [mark for mark in args[1:] if isinstance(mark, (*SCALARS, Map, Collection))]
        return declared(name, marks[0] if marks else args[0])
    if origin in _UNIONS:
        return _one_of(name, given, [each for each in args if each is not type(None)])
    if isinstance(given, typing.NewType):
        return declared(name, given.__supertype__)
    if isinstance(given, type) and issubclass(given, Enum):
        return Choice(given)
    if origin is typing.Literal and all(isinstance(each, str) for each in args):
        return Choice(*args)
    if origin in (dict, Mapping) and len(args) == 2 and args[0] is str:
        return _map(name, Map(args[1]))
    if origin in _LISTS:
        return _collection(name, Collection(fields_of(args[0])))
    raise _not_a_type(name, given)


def _one_of(name: str, given: object, members: list[Any]) -> Scalar | Map | Collection:
    """Read X | None as X, and a date that may lack its year."""
    if set(members) == {date, YearlessDate}:
        return Date(yearless=True)
    if len(members) != 1:
        raise _not_a_type(name, given)
    return declared(name, members[0])


def _map(name: str, given: Map) -> Map:
    """Return the map with its values declared: a scalar, or the fields of a record by name."""
    keys = given.keys
    if isinstance(keys, Mapping):
        keys = {key: _scalar(f"{name}.{key}", each) for key, each in keys.items()}
    elif keys is not None:
        keys = tuple(keys)
    if isinstance(given.value, Mapping):
        record = {key: _record_field(f"{name}.{key}", each) for key, each in given.value.items()}
        return attrs.evolve(given, value=record, keys=keys)
    return attrs.evolve(given, value=_scalar(name, given.value), keys=keys)


def _record_field(name: str, given: object) -> Scalar | Derived:
    if isinstance(given, Derived):
        return attrs.evolve(given, type=_scalar(name, given.type))
    return _scalar(name, given)


def _scalar(name: str, given: object) -> Scalar:
    kind = declared(name, given)
    if isinstance(kind, Map | Collection):
        raise Malformed(f"{name} must be a single value; a map holds no maps and no collections")
    return kind


def _collection(name: str, given: Collection, depth: int = 1) -> Collection:
    """Return the collection with its fields declared: single values and, one level down, collections of its own."""
    fields: dict[str, Scalar | Collection] = {}
    for key, each in given.fields.items():
        kind = declared(f"{name}.{key}", each)
        if isinstance(kind, Map) or (isinstance(kind, Collection) and depth > 1):
            raise Malformed(f"{name}.{key} must be a single value: no maps in a record, no third level")
        fields[key] = _collection(f"{name}.{key}", kind, depth + 1) if isinstance(kind, Collection) else kind
    times = [each for each in (given.at, given.until) if each]
    for each in (*given.scopes, *times, *((given.weight,) if given.weight else ())):
        if each not in fields:
            raise Malformed(f"{name} has no field {each!r}", suggestions=())
    for each in times:
        if not isinstance(fields[each], Instant | Date):
            raise Malformed(f"{name}.{each} says when a record is true, so it must be an Instant or a Date")
    return attrs.evolve(given, fields=fields)


def _not_a_type(name: str, given: object) -> Malformed:
    shown = getattr(given, "__name__", type(given).__name__)
    return Malformed(
        f"{name}: {shown} is no type of a field; use str, int, Decimal, bool, date, datetime, an Enum, dict[str, T], "
        "[{…}] or a type of custcrm.filters",
        field=name,
    )
