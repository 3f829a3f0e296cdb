"""Rows of any schema in tables of their own, with folded keys and month-days beside them, as a store has."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa
from attrs import frozen

from custcrm.filters.ir.nodes import Column, Entry
from custcrm.filters.targets.sql.compile import TableSource
from custcrm.filters.types import types as t
from custcrm.values.money import Money
from custcrm.values.periods import YearlessDate
from custcrm.values.texts import fold

SQL_TYPES: dict[type, sa.types.TypeEngine[Any]] = {
    t.Text: sa.Text(),
    t.Choice: sa.Text(),
    t.Integer: sa.BigInteger(),
    t.Money: sa.BigInteger(),
    t.Number: sa.Numeric(20, 6),
    t.Boolean: sa.Boolean(),
    t.Date: sa.Date(),
    t.Instant: sa.DateTime(timezone=True),
}
FOLDS = [(True, False), (False, True), (True, True)]
Rows = dict[str, list[dict[str, Any]]]


@frozen
class StoredSource(TableSource):
    """A plain table which has folded keys and, for dates without a year, month × 100 + day."""

    def known(self, name: str) -> sa.ColumnElement[bool]:
        return self.column(_month_day(name) if _month_day(name) in self.table.c else name).is_not(None)

    def month_day(self, name: str) -> sa.ColumnElement[int]:
        return self.column(_month_day(name))

    def folded(self, value: Column | Entry, *, case: bool, accent: bool) -> sa.ColumnElement[str]:
        if isinstance(value, Column):
            return self.column(_folded(value.name, case, accent))
        return self.entry(value.map, value.key, _folded(value.field or "value", case, accent))


def declare(fields: Mapping[str, Any], metadata: sa.MetaData) -> dict[str, sa.Table]:
    """Return the tables of a schema by name; that of the rows is called `row`."""
    tables: dict[str, sa.Table] = {}
    _declare("row", None, fields, metadata, tables)
    return tables


def _declare(name: str, parent: str | None, fields: Mapping[str, Any], metadata: sa.MetaData, tables: dict) -> None:
    columns = [sa.Column("_id", sa.Integer, primary_key=True)]
    if parent:
        columns.append(sa.Column("_of", sa.ForeignKey(f"{parent}._id"), index=True))
    columns += [column for field, kind in fields.items() for column in _columns(field, kind)]
    tables[name] = sa.Table(name, metadata, *columns)
    for field, kind in fields.items():
        match kind:
            case t.Collection(inner):
                _declare(field, name, inner, metadata, tables)
            case t.Map(value):
                entry = value if isinstance(value, Mapping) else {"value": value}
                _declare(field, name, {"key": t.Text(), **entry}, metadata, tables)


def _columns(name: str, kind: Any) -> Iterator[sa.Column]:
    if type(kind) not in SQL_TYPES:
        return
    yield sa.Column(name, SQL_TYPES[type(kind)])
    if isinstance(kind, t.Text):
        yield from (sa.Column(_folded(name, *which), sa.Text) for which in FOLDS)
    if isinstance(kind, t.Date):
        yield sa.Column(_month_day(name), sa.Integer)


def stored(fields: Mapping[str, Any], rows: list[dict[str, Any]]) -> Rows:
    """Return the rows of every table; the `_id` of a row is its place in the list, from 1."""
    into: Rows = {}
    for row in rows:
        _store(into, "row", fields, row, {})
    return into


def _store(into: Rows, name: str, fields: Mapping[str, Any], row: Mapping[str, Any], tie: dict[str, int]) -> None:
    records = into.setdefault(name, [])
    record: dict[str, Any] = {"_id": len(records) + 1, **tie}
    records.append(record)
    own = {"_of": record["_id"]}
    for field, kind in fields.items():
        held = row.get(field)
        match kind:
            case t.Collection(inner):
                for each in held or ():
                    _store(into, field, inner, each, own)
            case t.Map(value):
                of_records = isinstance(value, Mapping)
                entry = {"key": t.Text(), **(value if of_records else {"value": value})}
                for key, each in (held or {}).items():
                    _store(into, field, entry, {"key": key, **(each if of_records else {"value": each})}, own)
            case _:
                record.update(_physical(field, kind, held))


def _physical(name: str, kind: Any, held: Any) -> dict[str, Any]:
    match kind, held:
        case t.Text(), _:
            folds = {_folded(name, *which): None if held is None else fold(held, *which) for which in FOLDS}
            return {name: held, **folds}
        case t.Money(), Money():
            return {name: held.minor}
        case t.Date(), YearlessDate() | date():
            dated = held if isinstance(held, date) else None
            return {name: dated, _month_day(name): held.month * 100 + held.day}
        case t.Date(), None:
            return {name: None, _month_day(name): None}
        case _:
            return {name: held}


def _folded(name: str, case: bool, accent: bool) -> str:
    return f"{name}__{'c' if case else ''}{'a' if accent else ''}"


def _month_day(name: str) -> str:
    return f"{name}__month_day"
