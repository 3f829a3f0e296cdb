"""Statements about records, one table each: built once per shape, with all that varies as parameters.

A shape says which columns are asked for, how, and in which order; the functions here are pure and cached. Parameters
are named `where_0` …, `after_0` …, `limit`, or by the column that they set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import NullType

from custcrm.filters.targets.sql.binding import ListParameter
from custcrm.filters.targets.sql.phrases import MemberOf
from custcrm.filters.targets.sql.text import successor
from custcrm.records.declaration import declaration
from custcrm.storage.sql.tables import row_names, table

SHAPES: Final = 1_024
"""Statements kept: an app asks in far fewer shapes."""

_MOST: Final = 2**63 - 1

Wanted: TypeAlias = tuple[tuple[str, Literal["equal", "missing", "one_of", "one_of_or_missing", "from", "before"]], ...]


@frozen(kw_only=True)
class Shape:
    """How records are asked for. `seen`: for each column of the order whether its last seen value was there.

    `columns` are those whose values are wanted; without, whole rows, with the copies of texts behind them if they are `copied`.
    """

    record: type
    columns: tuple[str, ...] = ()
    wanted: Wanted = ()
    order: tuple[str, ...] = ()
    descending: bool = False
    seen: tuple[bool, ...] | None = None
    limited: bool = False
    held: bool = False
    copied: bool = False


def read_where(
    where: Mapping[str, Any] | None, beginning: Mapping[str, str] | None = None
) -> tuple[Wanted, dict[str, Any]]:
    """Return the shape and the parameters of what columns must equal, or begin with: then they lie between two texts."""
    wanted: list[Any] = []
    parameters: dict[str, Any] = {}
    for place, (name, value) in enumerate((where or {}).items()):
        match value:
            case None:
                wanted.append((name, "missing"))
            case list() | tuple() | set() | frozenset():
                there = [each for each in value if each is not None]
                wanted.append((name, "one_of" if len(there) == len(value) else "one_of_or_missing"))
                parameters[f"where_{place}"] = there
            case _:
                wanted.append((name, "equal"))
                parameters[f"where_{place}"] = value
    for name, text in (beginning or {}).items():
        for how, end in (("from", text), ("before", successor(text))):
            if end is not None:  # after all texts none comes
                parameters[f"where_{len(wanted)}"] = end
                wanted.append((name, how))
    return tuple(wanted), parameters


def limit_of(limit: int | None) -> dict[str, int]:
    """Return the parameter of how many are asked for: of more than a statement can say, the most that it can."""
    return {} if limit is None else {"limit": min(limit, _MOST)}


@lru_cache(SHAPES)
def select(shape: Shape) -> sa.Select[Any]:
    """Return the query for records as rows in the engine's own writing, or for the values of some columns."""
    source = table(shape.record)
    order = _complete(shape)
    # Whole rows are read by the codec, so the types have nothing to do.
    names = row_names(shape.record) if shape.copied else declaration(shape.record).names
    whole: list[Any] = [sa.type_coerce(source.c[name], NullType()) for name in names]
    query: sa.Select[Any] = sa.select(*[source.c[name] for name in shape.columns] or whole).where(*conditions(shape))
    for name in order:
        column = source.c[name]
        ordered = column.desc() if shape.descending else column.asc()
        if column.nullable:
            ordered = ordered.nulls_first() if shape.descending else ordered.nulls_last()
        query = query.order_by(ordered)
    if shape.limited:
        query = query.limit(sa.bindparam("limit", type_=sa.BigInteger()))
    return query.with_for_update(key_share=True) if shape.held else query


@lru_cache(SHAPES)
def count(shape: Shape) -> sa.Select[Any]:
    """Return the query for the number of records."""
    return sa.select(sa.func.count()).select_from(table(shape.record)).where(*conditions(shape))


@lru_cache(SHAPES)
def totals(shape: Shape, by: tuple[str, ...], of: str, latest: str | None, beyond: tuple[str, ...]) -> sa.Select[Any]:
    """Return the query for sums by groups; parameters of `beyond` are `beyond_0` ….

    A nullable column that is wanted to be there, or missing, needs no say about missing values in the order: an index serves.
    """
    columns = table(shape.record).c
    total = sa.cast(sa.func.sum(columns[of]), sa.BigInteger)
    cells: list[sa.ColumnElement[Any]] = [*(columns[name] for name in by), total.label("total")]
    if latest is not None:
        cells.append(sa.func.max(columns[latest]))
    greater = (
        columns[name] > sa.bindparam(f"beyond_{place}", type_=columns[name].type) for place, name in enumerate(beyond)
    )
    query = sa.select(*cells).where(*conditions(shape), *greater).group_by(*(columns[name] for name in by))
    settled = {*beyond, *(name for name, how in shape.wanted if how == "missing")}
    for name in by:
        unsure = columns[name].nullable and name not in settled
        query = query.order_by(columns[name].nulls_last() if unsure else columns[name])
    return query.having(total != 0)


@lru_cache(SHAPES)
def insert(record: type, names: tuple[str, ...] = ()) -> sa.Insert:
    """Return the statement that adds a row, or these columns of it; parameters are the columns, in their order."""
    return sa.insert(table(record)).values(_parameters(record, names or row_names(record)))


@lru_cache(SHAPES)
def replace(record: type) -> sa.Update:
    """Return the statement that overwrites the row of a key, its counter excepted."""
    source = table(record)
    names = _replaceable(record)
    return sa.update(source).where(*_key(record)).values(_parameters(record, names))


@lru_cache(SHAPES)
def put(record: type, dialect: str) -> sa.Insert:
    """Return the statement that adds a row, or overwrites the one with its key, its counter excepted."""
    made = sqlite.insert(table(record)) if dialect == "sqlite" else postgresql.insert(table(record))
    about = declaration(record)
    changed = {name: made.excluded[name] for name in _replaceable(record)}
    return made.values(_parameters(record, row_names(record))).on_conflict_do_update(index_elements=about.key, set_=changed)


@lru_cache(SHAPES)
def remove(shape: Shape) -> sa.Delete:
    """Return the statement that removes rows."""
    return sa.delete(table(shape.record)).where(*conditions(shape))


@lru_cache(SHAPES)
def reserve(record: type) -> sa.Update:
    """Return the guarded statement that moves the counter by `n`: not below nought, nor upwards past its limit."""
    about = declaration(record)
    if about.counter is None:
        raise TypeError(f"{record.__name__} declares no counter")
    source = table(record)
    used, limit = source.c[about.counter.used], source.c[about.counter.limit]
    n = sa.bindparam("n", type_=sa.BigInteger())
    moved = used + n
    fits = sa.or_(n <= 0, limit.is_(None), moved <= limit)
    return sa.update(source).where(*_key(record), moved >= 0, fits).values({used: moved})


def order_columns(shape: Shape) -> tuple[str, ...]:
    """Return the columns that `after` speaks of."""
    return shape.order or declaration(shape.record).key


def _replaceable(record: type) -> list[str]:
    about = declaration(record)
    kept = {*about.key, about.counter and about.counter.used}
    return [name for name in row_names(record) if name not in kept]


def _parameters(record: type, names: Iterable[str]) -> dict[str, sa.BindParameter[Any]]:
    columns = table(record).c
    return {name: sa.bindparam(name, type_=columns[name].type) for name in names}


def _key(record: type) -> list[sa.ColumnElement[bool]]:
    columns = table(record).c
    return [
        columns[name] == sa.bindparam(f"where_{place}", type_=columns[name].type)
        for place, name in enumerate(declaration(record).key)
    ]


def _complete(shape: Shape) -> tuple[str, ...]:
    """Return the order with the key behind it, so that there are no ties."""
    return tuple(dict.fromkeys((*shape.order, *declaration(shape.record).key)))


def conditions(shape: Shape) -> list[sa.ColumnElement[bool]]:
    """Return what a row must fulfil."""
    columns = table(shape.record).c
    found = [_condition(columns[name], how, f"where_{place}") for place, (name, how) in enumerate(shape.wanted)]
    if shape.seen is not None:
        found.append(_after([columns[name] for name in order_columns(shape)], shape.seen, shape.descending))
    return found


def _condition(column: sa.Column[Any], how: str, name: str) -> sa.ColumnElement[bool]:
    match how:
        case "missing":
            return column.is_(None)
        case "equal":
            return column == sa.bindparam(name, type_=column.type)
        case "from":
            return column >= sa.bindparam(name, type_=column.type)
        case "before":
            return column < sa.bindparam(name, type_=column.type)
    listed = MemberOf(column, sa.bindparam(name, type_=ListParameter(column.type)))
    return listed if how == "one_of" else sa.or_(listed, column.is_(None))


def _after(columns: Sequence[sa.Column[Any]], seen: tuple[bool, ...], descending: bool) -> sa.ColumnElement[bool]:
    """Return whether a row comes after the seen one, missing values being the greatest."""
    values = [sa.bindparam(f"after_{place}", type_=column.type) for place, column in enumerate(columns)]
    if not any(column.nullable for column in columns):
        row, last = sa.tuple_(*columns), sa.tuple_(*values)
        return row < last if descending else row > last
    alternatives = []
    for place, (column, value) in enumerate(zip(columns, values, strict=True)):
        same = [each == values[at] if seen[at] else each.is_(None) for at, each in enumerate(columns[:place])]
        alternatives.append(sa.and_(*same, _beyond(column, value, seen[place], descending)))
    return sa.or_(*alternatives)


def _beyond(
    column: sa.Column[Any], value: sa.BindParameter[Any], present: bool, descending: bool
) -> sa.ColumnElement[bool]:
    if descending:
        return column < value if present else column.is_not(None)
    return sa.or_(column > value, column.is_(None)) if present else sa.false()
