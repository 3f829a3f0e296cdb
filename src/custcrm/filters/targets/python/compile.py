"""The Python target, which is the reference: `compile_filter`, `compile_value`.

A filter becomes one function whose whole loop is a list comprehension, `[row for row in rows if …]`. It trusts the
rows; when one makes it fail, they are read again with care, and a value of the wrong type is an error that names the row
and the field.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any, Final, TypeAlias, TypeVar

from attrs import field, frozen

from custcrm.filters.ir.nodes import Condition, Physical, Shown, Value
from custcrm.filters.targets.python import nodes
from custcrm.filters.targets.python.access import Access, Record
from custcrm.filters.targets.python.arithmetic import narrowed
from custcrm.filters.targets.python.code import condition, or_none
from custcrm.filters.targets.python.rows import Bound, Mappings, Objects, Rows, WrongValue, careful, rows_of
from custcrm.filters.targets.python.shapes import load, loop
from custcrm.values.errors import Malformed

__all__ = [
    "Bound",
    "CompiledFilter",
    "CompiledValue",
    "Mappings",
    "Objects",
    "Rows",
    "compile_filter",
    "compile_value",
    "rows_of",
]

Row = TypeVar("Row")
Resolved: TypeAlias = Sequence[object]
"""The values of `moments_in(…)`, in its order."""

_ROW: Final = "row"
_ODD_ROWS: Final = (TypeError, AttributeError, ArithmeticError, ValueError)
"""What a value of the wrong type makes of an operator, a method or a number."""


@frozen
class CompiledFilter:
    """A condition as functions of rows; `moments` are given in the order of `moments_in(condition)`."""

    condition: Condition
    rows: Rows
    currency: str | None = field(kw_only=True, default=None)

    def matches(self, row: object, moments: Resolved = ()) -> bool:
        """Tell whether the row satisfies the condition; `Malformed` names a field with a value of the wrong type."""
        try:
            return bool(self._matches(row, *moments))
        except _ODD_ROWS as error:
            return _again(lambda: bool(self._careful(row, *moments)), error, self.rows)

    def select(self, rows: Iterable[Row], moments: Resolved = ()) -> list[Row]:
        """Return the rows that satisfy the condition, in their order; `Malformed` names a wrong row, counted from 1."""
        rows = rows if isinstance(rows, Collection) else list(rows)
        try:
            return self._select(rows, *moments)  # type: ignore[no-any-return]
        except _ODD_ROWS as error:
            return _again(lambda: self._select_with_care(rows, moments), error, self.rows)

    @cached_property
    def _matches(self) -> Callable[..., Any]:
        access, test = _compile_condition(self.condition, self.rows, self.currency)
        return access.function("matches", _ROW, test)

    @cached_property
    def _select(self) -> Callable[..., Any]:
        access, test = _compile_condition(self.condition, self.rows, self.currency)
        return access.function("select", "rows", nodes.ListComp(load(_ROW), [loop(_ROW, load("rows"), [test])]))

    @cached_property
    def _careful(self) -> Callable[..., Any]:
        access, test = _compile_condition(self.condition, careful(self.currency), self.currency)
        return access.function("careful", _ROW, test)

    def _select_with_care(self, rows: Iterable[Row], moments: Resolved) -> list[Row]:
        selected = []
        for number, row in enumerate(rows, 1):
            try:
                if self._careful(row, *moments):
                    selected.append(row)
            except WrongValue as wrong:
                raise Malformed(f"row {number}, {wrong}", field=wrong.name) from None
        return selected


@frozen
class CompiledValue:
    """A value as a function of a row; None where it is missing, a ratio as an exact `Fraction`."""

    shown: Shown
    rows: Rows
    currency: str | None = field(kw_only=True, default=None)

    def of(self, row: object, moments: Resolved = ()) -> Physical | Fraction | None:
        """Return the physical value of a row, divided by `over`; `Malformed` names a field of the wrong type."""
        try:
            value, over = self._value(row, *moments)
        except _ODD_ROWS as error:
            value, over = _again(lambda: self._careful(row, *moments), error, self.rows)
        if self.shown.over is None or value is None:
            return value  # type: ignore[no-any-return]
        return Fraction(value, over) if over else None

    @cached_property
    def _value(self) -> Callable[..., Any]:
        return _compile_value(self.shown, self.rows, self.currency)

    @cached_property
    def _careful(self) -> Callable[..., Any]:
        return _compile_value(self.shown, careful(self.currency), self.currency)


def compile_filter(condition: Condition, rows: Rows, *, currency: str | None = None) -> CompiledFilter:
    """Return the functions of a condition; they are generated when first called.

    `currency` is the schema's: money of another one is an error of the row.
    """
    return CompiledFilter(condition, rows, currency=currency)


def compile_value(shown: Shown, rows: Rows, *, currency: str | None = None) -> CompiledValue:
    """Return the function of a value; it is generated when first called."""
    return CompiledValue(shown, rows, currency=currency)


def _compile_condition(node: Condition, rows: Rows, currency: str | None) -> tuple[Access, ast.expr]:
    access = Access.to(rows, node, currency)
    return access, condition(access, node, Record(_ROW)).test


def _compile_value(shown: Shown, rows: Rows, currency: str | None) -> Callable[..., Any]:
    access = Access.to(rows, shown, currency)
    pair = [_shown_code(access, each, yearless=shown.kind == "date") for each in (shown.value, shown.over)]
    return access.function("value", _ROW, nodes.Tuple(pair, ast.Load()))


def _shown_code(access: Access, node: Value | None, *, yearless: bool) -> ast.expr:
    code = or_none(access, node, Record(_ROW), yearless=yearless)
    return code if node is None else narrowed(access, node, code)


_Result = TypeVar("_Result")


def _again(read: Callable[[], _Result], error: Exception, rows: Rows) -> _Result:
    """Read plain rows with care after an error; a store's own access has nothing to be checked again."""
    if isinstance(rows, Bound) or isinstance(error, Malformed):
        raise error
    try:
        return read()
    except WrongValue as wrong:
        raise Malformed(str(wrong), field=wrong.name) from None
