"""The SQL target: a lowered filter as one SQLAlchemy clause, for SQLite and PostgreSQL alike.

The names to know are `compile_condition`, `compile_value`, `bind_moments` for a store that keeps statements and binds
the time at each execution, and `to_sql` for plain tables. What SQLite and PostgreSQL write differently is chosen when
the statement is compiled (`phrases`); every constant and every moment is a bound parameter.

A clause is true exactly where the filter is. Where the filter is not true it may be NULL instead of false: right in
WHERE, ON, FILTER, CASE and EXISTS, and nothing is lost to indexes. With `certain` it is never NULL, so that it can be
shown as a column and stand under NOT; `to_sql` asks for that. The guards come last in each AND: rows that fail before
have not paid for them, and indexes stay in use.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, tzinfo

import sqlalchemy as sa
from attrs import frozen

from custcrm.filters.ir.moments import resolve
from custcrm.filters.ir.nodes import Condition, Moment, Shown, Value
from custcrm.filters.targets.sql.binding import Binding
from custcrm.filters.targets.sql.folded import read_folded
from custcrm.filters.targets.sql.source import Element, Records, Source, TableSource
from custcrm.filters.targets.sql.writer import Clause, ClauseWriter
from custcrm.filters.types.declarations import Declarations
from custcrm.values.periods import Feb29

__all__ = [
    "CompiledClause",
    "Records",
    "Source",
    "TableSource",
    "bind_moments",
    "compile_condition",
    "compile_value",
    "is_overflow",
    "to_sql",
]

OUT_OF_RANGE = "22003"
"""PostgreSQL's SQLSTATE for a number that does not fit its type."""


@frozen
class CompiledClause:
    """A clause or value, and the moments that must be bound when it runs, by parameter name."""

    clause: Element
    moments: Mapping[str, Moment]


def compile_condition(condition: Condition, source: Source, *, certain: bool = False) -> CompiledClause:
    """Compile a condition to a clause over the source; with `certain` it is true or false, never NULL.

    Raises `FilterError("target")` for what the source cannot give exactly. A number that the database cannot give
    exactly, and one of more than 38 digits, is an error of the database when the statement runs: see `is_overflow`.
    """
    binding = Binding()
    writer = ClauseWriter(source, binding)
    return CompiledClause(writer.certain(condition) if certain else writer.condition(condition), binding.moments)


def compile_value(value: Value | Shown, source: Source) -> CompiledClause:
    """Compile a value to an expression over the source, NULL where it is missing; of a Shown ratio, its numerator."""
    binding = Binding()
    made = ClauseWriter(source, binding).shown(value.value if isinstance(value, Shown) else value)
    return CompiledClause(made, binding.moments)


def bind_moments(
    compiled: CompiledClause, as_of: datetime, zone: tzinfo, feb29: Feb29 = "feb28"
) -> dict[str, date | datetime | int]:
    """Return the parameters with which a statement that holds the clause is executed as at `as_of`."""
    return {name: resolve(moment, as_of, zone=zone, feb29=feb29) for name, moment in compiled.moments.items()}


def to_sql(
    schema: Declarations,
    condition: Condition,
    table: sa.FromClause,
    *,
    as_of: datetime,
    collections: Mapping[str, sa.FromClause],
    folded: Mapping[str, str] | None = None,
) -> Clause:
    """Return a condition as a clause over a plain table, or an alias of one, as at an instant; it needs no parameters.

    Fields are columns of the same name. A collection is a table given by its name, tied by its one foreign key to the
    table, a nested one to its collection's table; so is a map, with a column `key`, and `value` or a column for each of
    its fields. Columns hold physical values: instants in UTC where a column keeps no zone, money in minor
    units in a column of whole numbers and in major units in a NUMERIC. `folded` names the columns that hold texts folded, for
    CASEI and ACCENTI: see `folded.read_folded`. The clause is never NULL. On SQLite numbers are exact within 64 bits; a row
    that needs more is an error when the statement runs, see `is_overflow`. Raises `FilterError("target")` for tables and
    columns that are not there or hold values of another type, and for folds that no column holds.
    """
    binding = Binding(lambda moment: resolve(moment, as_of, zone=schema.zone, feb29=schema.feb29))
    source = TableSource(table, collections, folds=read_folded(schema, folded or {}))
    return ClauseWriter(source, binding, exponent=schema.exponent).certain(condition)


def is_overflow(error: sa.exc.DBAPIError) -> bool:
    """Tell whether a statement failed because a number went beyond what is exact: the error `overflow` of the language."""
    return getattr(error.orig, "sqlstate", None) == OUT_OF_RANGE or str(error.orig) == "integer overflow"
