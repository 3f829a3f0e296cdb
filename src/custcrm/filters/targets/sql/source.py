"""Where SQL finds the values of a row: the protocol `Source`, and `TableSource` for plain SQLAlchemy tables.

A source is data in, column elements out; it holds no rule of the language. A store brings its own, with folded keys,
maps in joined tables and encodings in its column types.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any as Anything
from typing import Final, Protocol, TypeAlias

import sqlalchemy as sa
from attrs import evolve, field, frozen
from sqlalchemy.exc import NoReferenceError

from custcrm.filters.ir.nodes import Column, Entry
from custcrm.filters.syntax.errors import FilterError, did_you_mean, quote_name
from custcrm.filters.targets.sql.folded import Folds
from custcrm.filters.targets.sql.phrases import MonthDayOf
from custcrm.values.spelling import nearest

Element: TypeAlias = sa.ColumnElement[Anything]

KEY: Final = "key"
VALUE: Final = "value"
"""The columns of a map's table: the key, and its value where the map holds no records."""


class Source(Protocol):
    """The values of one row, as column elements. Each raises `FilterError("target")` for what it cannot give exactly.

    What a field holds is physical: see `ir.nodes`. The elements' types encode the values they are compared with.
    """

    @property
    def ours(self) -> bool:
        """Tell whether these are a store's own tables: its rules bound what is summed, its connections have `exact`."""
        ...

    def column(self, name: str) -> Element:
        """Return the value of a field, NULL where it is missing (a date without its year too)."""
        ...

    def required(self, name: str) -> bool:
        """Tell whether the field is never missing, so that no guard is needed."""
        ...

    def is_known(self, name: str) -> sa.ColumnElement[bool]:
        """Return whether the field is there, true or false: a date without its year is."""
        ...

    def month_day(self, name: str) -> sa.ColumnElement[int]:
        """Return month × 100 + day of a date, with or without its year."""
        ...

    def folded(self, value: Column | Entry, *, case: bool, accent: bool) -> sa.ColumnElement[str] | None:
        """Return the text folded exactly as `values.texts.fold` does, or None where that cannot be had."""
        ...

    def entry(self, map: str, key: str, field: str | None) -> Element:
        """Return what the map holds under the key: its value, or the field of its record; NULL without one."""
        ...

    def has_entry(self, map: str, key: str) -> sa.ColumnElement[bool]:
        """Return whether the map has the key, true or false."""
        ...

    def records(self, collection: str) -> Records:
        """Return the row's own records of a collection."""
        ...


@frozen
class Records:
    """The records of a collection: their table or alias, the condition that ties them to the row, and their values."""

    table: sa.FromClause
    tie: sa.ColumnElement[bool]
    source: Source


@frozen
class TableSource:
    """A table, or an alias of one, with the tables of its collections and maps by name, joined by their foreign keys.

    A table of a map has a foreign key, a column `key`, and a column `value` or one per field of its records. `within`
    are the tables outside this one, when it is a collection's, and `place` is the collection's path. `folds` are the columns
    that hold texts folded.
    """

    table: sa.FromClause
    others: Mapping[str, sa.FromClause]
    within: tuple[sa.FromClause, ...] = ()
    place: tuple[str, ...] = ()
    folds: Folds = field(factory=dict)

    @property
    def ours(self) -> bool:
        """Return False: nobody has prepared a user's connections."""
        return False

    def column(self, name: str) -> Element:
        """Return the column of the field's name."""
        return _column(self.table, name)

    def required(self, name: str) -> bool:
        """Tell whether the column is declared NOT NULL."""
        column = self.column(name)
        return isinstance(column, sa.Column) and not column.nullable

    def is_known(self, name: str) -> sa.ColumnElement[bool]:
        """Return whether the column is not NULL."""
        return self.column(name).is_not(None)

    def month_day(self, name: str) -> sa.ColumnElement[int]:
        """Return month × 100 + day of the column."""
        return MonthDayOf(self.column(name), type_=sa.Integer())

    def folded(self, value: Column | Entry, *, case: bool, accent: bool) -> sa.ColumnElement[str] | None:
        """Return the column that holds the text folded, None where none was told."""
        path = (value.name,) if isinstance(value, Column) else tuple(filter(None, (value.map, value.field)))
        name = self.folds.get(((*self.place, *path), case, accent))
        if name is None:
            return None
        return self.column(name) if isinstance(value, Column) else self._value_of(value.map, value.key, name)

    def entry(self, map: str, key: str, field: str | None) -> Element:
        """Return the value of the row's entry, by a sub-query."""
        return self._value_of(map, key, VALUE if field is None else field)

    def _value_of(self, map: str, key: str, name: str) -> Element:
        entries, held = self._entries(map, key)
        value = _column(entries, name)
        return sa.select(value).where(held).correlate_except(entries).scalar_subquery()

    def has_entry(self, map: str, key: str) -> sa.ColumnElement[bool]:
        """Return whether the row has such an entry."""
        entries, held = self._entries(map, key)
        return sa.select(sa.literal_column("1")).select_from(entries).where(held).correlate_except(entries).exists()

    def records(self, collection: str) -> Records:
        """Return the records of the collection's table that refer to the row."""
        table = self._other(collection)
        inside = evolve(self, table=table, within=(*self.within, self.table), place=(*self.place, collection))
        return Records(table, join_by_foreign_key(self.table, table), inside)

    def _entries(self, map: str, key: str) -> tuple[sa.FromClause, sa.ColumnElement[bool]]:
        entries = self._other(map)
        bound = sa.bindparam(None, key, type_=sa.Text(), unique=True)
        return entries, sa.and_(join_by_foreign_key(self.table, entries), _column(entries, KEY) == bound)

    def _other(self, name: str) -> sa.FromClause:
        table = self.others.get(name)
        if table is None:
            near = nearest(name, self.others)
            raise FilterError(
                "target",
                f"no table for {quote_name(name)}; give it by name: {name}=table{did_you_mean(near)}",
                suggestions=near,
            )
        return table.alias() if table in (self.table, *self.within) else table


def join_by_foreign_key(parent: sa.FromClause, child: sa.FromClause) -> sa.ColumnElement[bool]:
    """Return the condition that ties the child's rows to a row of the parent: the child's one foreign key to it."""
    ties: dict[object, list[sa.ColumnElement[bool]]] = {}
    for column in child.columns:
        for key in column.foreign_keys:
            referent = _referent(key, parent)
            if referent is not None:
                ties.setdefault(key.constraint or key, []).append(referent == column)
    if len(ties) != 1:
        found = "no foreign key" if not ties else f"{len(ties)} foreign keys"
        raise FilterError("target", f"{found} from {_name(child)} to {_name(parent)}; exactly one must tie them")
    return sa.and_(*ties.popitem()[1])


def _referent(key: sa.ForeignKey, parent: sa.FromClause) -> Element | None:
    try:
        return key.get_referent(parent)
    except NoReferenceError:  # it refers to a table that is not declared here, so not to the parent
        return None


def _column(table: sa.FromClause, name: str) -> Element:
    column = table.columns.get(name)
    if column is None:
        near = nearest(name, table.columns.keys())
        raise FilterError(
            "target",
            f"the table {_name(table)} has no column {quote_name(name)}{did_you_mean(near)}",
            suggestions=near,
        )
    return column


def _name(table: sa.FromClause) -> str:
    return quote_name(str(getattr(table, "name", "") or "(a sub-query)"))
