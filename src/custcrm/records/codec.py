"""Rows: a record as the tuple of its columns' values, and back, by functions generated from its declaration.

`encoder(cls)` and `decoder(cls)` are built once for a class from `ast` nodes; `from_columns` makes a record of some of
its columns. The values are plain: texts, whole numbers, booleans, dates, aware datetimes, mappings. A `Form` tells how
an engine writes those that it has no type for.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Any, Final, TypeVar, cast, get_args, get_type_hints

import attrs
from attrs import field, frozen

from custcrm.records.declaration import Column, Kind, declaration
from custcrm.values.birthdays import YearlessDate
from custcrm.values.money import Money

R = TypeVar("R")

Step = Callable[[Any], Any]


@frozen(eq=False)
class Form:
    """How an engine writes and reads the kinds of column that it has no type for; never called with None."""

    writes: Mapping[Kind, Step] = field(factory=dict)
    reads: Mapping[Kind, Step] = field(factory=dict)


PLAIN: Final = Form()
"""Python's own values."""

_FUNCTIONS: Final[Mapping[str, Any]] = {"str": str, "dict": dict, "isinstance": isinstance, "divmod": divmod}


@cache
def encoder(cls: type, form: Form = PLAIN) -> Callable[[Any], tuple[Any, ...]]:
    """Return the function from a record of the class to its row, in the order of the declared columns."""
    row = ast.Tuple([_write_code(column, form.writes) for column in declaration(cls).columns], ast.Load())
    names = {f"write_{kind}": step for kind, step in form.writes.items()}
    return _function(f"encode_{cls.__name__}", "record", row, {**names, **_FUNCTIONS, "date": date})


@cache
def decoder(cls: type, form: Form = PLAIN) -> Callable[[tuple[Any, ...]], Any]:
    """Return the function from a row, in the order of the declared columns, to a record of the class."""
    keywords = [ast.keyword(name, _read(columns, form.reads)) for name, columns in _attributes(cls).items()]
    made = ast.Call(_name("cls"), [], keywords)
    return _function(f"decode_{cls.__name__}", "row", made, _names_to_read(cls, form), _unpacked(cls))


def unread(cls: type, row: tuple[Any, ...], form: Form = PLAIN) -> str | None:
    """Return the column for which a row cannot be read, of several that are one value all; None where it is no single value."""
    for columns, read in _readers(cls, form):
        try:
            read(row)
        except Exception:  # noqa: BLE001 (whatever it is: the row is known to be none, and this is the column)
            return ", ".join(columns)
    return None


@cache
def _readers(cls: type, form: Form) -> list[tuple[tuple[str, ...], Callable[[tuple[Any, ...]], Any]]]:
    """Return for each attribute its columns, and the function that reads it from a row."""
    names, unpacked = _names_to_read(cls, form), _unpacked(cls)
    return [
        (tuple(each.name for each in columns), _function(f"read_{name}", "row", _read(columns, form.reads), names, unpacked))
        for name, columns in _attributes(cls).items()
    ]


def _attributes(cls: type) -> dict[str, list[Column]]:
    """Return the columns of each attribute."""
    parts: dict[str, list[Column]] = {}
    for column in declaration(cls).columns:
        parts.setdefault(column.source[0], []).append(column)
    return parts


def _names_to_read(cls: type, form: Form) -> dict[str, Any]:
    names: dict[str, Any] = {f"read_{kind}": step for kind, step in form.reads.items()}
    names |= {**_FUNCTIONS, "cls": cls, "money": Money.from_minor, "yearless": YearlessDate}
    return names | {f"members_{name}": members for name, members in _members(cls).items()}


def _unpacked(cls: type) -> list[str]:
    return [f"{column.name}_" for column in declaration(cls).columns]


@cache
def defaults(cls: type) -> Mapping[str, Any]:
    """Return the columns that a record has when nothing is said of them, with their values; others are missing."""
    values: dict[str, Any] = {}
    for attribute in attrs.fields(cls):
        default = attribute.default
        if default is None or default is attrs.NOTHING:
            continue
        if getattr(default, "takes_self", False):
            continue  # follows from the other columns
        if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
            default = cast("Any", default).factory()
        values[attribute.name] = str(default) if isinstance(default, StrEnum) else default
    return values


def from_columns(cls: type[R], values: Mapping[str, Any]) -> R:
    """Return the record with these columns; one left out has the attribute's default, else None.

    KeyError names a column that the record has not.
    """
    names = declaration(cls).names
    if unknown := sorted(values.keys() - set(names)):
        raise KeyError(f"{cls.__name__} has no column {unknown[0]!r}")
    record: Any = cls
    given = {**defaults(record), **values}
    made: R = decoder(record)(tuple(given.get(name) for name in names))
    return made


# writing -----------------------------------------------------------------------------------------


def _write_code(column: Column, writes: Mapping[Kind, Step]) -> ast.expr:
    """Return the expression of a column's value: `record`'s, taken from the column's source, in the form's writing."""
    value = _attribute(_name("record"), column.source[0])
    taken = _take_code(column, value)
    if column.kind in writes:
        taken = _call(f"write_{column.kind}", taken)
    if column.kind == "date":  # a birthday without its year has none
        return ast.IfExp(_call("isinstance", value, _name("date")), taken, ast.Constant(None))
    return _unless_missing(value, taken) if column.nullable and taken is not value else taken


def _take_code(column: Column, value: ast.expr) -> ast.expr:
    if len(column.source) > 1:
        return _attribute(value, column.source[1])
    if column.kind == "json":
        return _call("dict", value)
    if column.values:
        return _call("str", value)
    if _is_month_day(column):
        hundreds = ast.BinOp(_attribute(value, "month"), ast.Mult(), ast.Constant(100))
        return ast.BinOp(hundreds, ast.Add(), _attribute(value, "day"))
    return value


# reading -----------------------------------------------------------------------------------------


def _read(columns: list[Column], reads: Mapping[Kind, Step]) -> ast.expr:
    """Return the expression of an attribute, of the unpacked columns that it flattens into."""
    column = columns[0]
    cell = _name(f"{column.name}_")
    if len(columns) == 1:
        return _guarded(cell, _one(column, cell, reads))
    other = _name(f"{columns[1].name}_")
    if not _is_month_day(columns[1]):
        return _guarded(cell, _call("money", cell, other))
    parts = ast.Starred(_call("divmod", other, ast.Constant(100)), ast.Load())
    yearless = _unless_missing(other, _call("yearless", parts))
    return ast.IfExp(_is_none(cell), yearless, _one(column, cell, reads))


def _one(column: Column, cell: ast.expr, reads: Mapping[Kind, Step]) -> ast.expr:
    if column.values:
        return ast.Subscript(_name(f"members_{column.name}"), cell, ast.Load())
    if column.kind in reads:
        return _call(f"read_{column.kind}", cell)
    return _call("dict", cell) if column.kind == "json" else cell


def _guarded(cell: ast.expr, made: ast.expr) -> ast.expr:
    # The cell of a column that cannot be missing is None where `from_columns` was not given it.
    return made if made is cell else _unless_missing(cell, made)


def _members(cls: type) -> dict[str, dict[str, StrEnum]]:
    """Return the members by text of each attribute that is an enum."""
    hints = get_type_hints(cls)
    kinds = {name: (hint, *get_args(hint)) for name, hint in hints.items()}
    enums = {name: [kind for kind in hint if isinstance(kind, type) and issubclass(kind, StrEnum)]
             for name, hint in kinds.items()}
    return {name: {member.value: member for member in found[0]} for name, found in enums.items() if found}


def _is_month_day(column: Column) -> bool:
    return column.kind == "integer" and column.source == (column.name.removesuffix("_month_day"),) != (column.name,)


# syntax ------------------------------------------------------------------------------------------


def _name(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _attribute(value: ast.expr, name: str) -> ast.Attribute:
    return ast.Attribute(value, name, ast.Load())


def _call(function: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(_name(function), list(arguments), [])


def _is_none(value: ast.expr) -> ast.Compare:
    return ast.Compare(value, [ast.Is()], [ast.Constant(None)])


def _unless_missing(value: ast.expr, otherwise: ast.expr) -> ast.IfExp:
    return ast.IfExp(_is_none(value), ast.Constant(None), otherwise)


def _function(
    name: str, argument: str, result: ast.expr, names: Mapping[str, Any], unpacked: list[str] | None = None
) -> Callable[[Any], Any]:
    """Return the compiled function `name(argument)`; with `unpacked`, its argument's items are bound to these names."""
    body: list[ast.stmt] = [ast.Return(result)]
    if unpacked:
        targets = ast.Tuple([ast.Name(each, ast.Store()) for each in unpacked], ast.Store())
        body.insert(0, ast.Assign([targets], _name(argument)))
    arguments = ast.arguments([], [ast.arg(argument)], None, [], [], None, [])
    made = ast.FunctionDef(name, arguments, body, [])
    module = ast.fix_missing_locations(ast.Module([made], []))
    namespace = dict(names)
    exec(compile(module, f"<{name}>", "exec"), namespace)  # noqa: S102 - made of nodes, with names of declarations only
    return cast("Callable[[Any], Any]", namespace[name])
