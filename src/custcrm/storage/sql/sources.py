"""Where the SQL target finds a customer's values in our tables: `CustomerSource`, made anew for each statement.

What stands behind a word is in `vocabulary`. A map whose record has one row per entry is outer-joined once per entry,
however many conditions ask for it; one that keeps what was before (tags, the history of memberships) is looked up by a
sub-query for the row that holds at `as_of`. Collections are correlated sub-queries.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from attrs import define, field, frozen

from custcrm.filters.ir.nodes import Column, Entry
from custcrm.filters.targets.sql.phrases import Phrase
from custcrm.filters.targets.sql.source import Element, Records
from custcrm.records.customers import Customer
from custcrm.records.declaration import bounds_of, declaration
from custcrm.storage.folding import FOLDS
from custcrm.storage.sql.tables import table
from custcrm.storage.sql.types import INSTANT, TEXT, bind_text
from custcrm.vocabulary import COLLECTIONS, MAPS, CollectionWords, OwnerWords

AS_OF: Final = "asked_as_of"
"""The parameter that holds the instant of the question."""

Look: TypeAlias = Callable[[type, sa.FromClause, str], Element]
"""What takes a column, or what is kept beside it, of rows of a record."""


@define
class CustomerSource:
    """The values of a customer in one statement; `joined` gives the FROM clause with all that was asked for."""

    past: bool = False
    customers: sa.FromClause = field(factory=lambda: table(Customer), kw_only=True)
    _entries: dict[tuple[str, str], sa.FromClause] = field(factory=dict, init=False)
    _joins: list[tuple[sa.FromClause, sa.ColumnElement[bool]]] = field(factory=list, init=False)

    def joined(self, start: sa.FromClause | None = None) -> sa.FromClause:
        """Return the customers, or `start` which holds them, with the maps that were asked for so far."""
        found: sa.FromClause = self.customers if start is None else start
        for entries, tie in self._joins:
            found = found.outerjoin(entries, tie)
        return found

    @property
    def ours(self) -> bool:
        """Return True: a store's rules bound what is summed, and it prepares its connections."""
        return True

    # the customer's own columns ------------------------------------------------------------------

    def column(self, name: str) -> Element:
        """Return the column of a field."""
        return self.customers.c[name]

    def required(self, name: str) -> bool:
        """Tell whether the column is never NULL."""
        return not declaration(Customer).column(name).nullable

    def is_known(self, name: str) -> sa.ColumnElement[bool]:
        """Return whether the field is there; of a birth date, month and day."""
        return _is_known(self.customers, name)

    def month_day(self, name: str) -> sa.ColumnElement[int]:
        """Return month × 100 + day, which is a column of its own."""
        return self.customers.c[f"{name}_month_day"]

    def folded(self, value: Column | Entry, *, case: bool, accent: bool) -> sa.ColumnElement[str]:
        """Return the text folded, by the copies that are kept beside it."""
        return self._looked(value, _folding(case=case, accent=accent))

    def copied(self, value: Column | Entry) -> sa.ColumnElement[str]:
        """Return what is kept beside the text to find it folded."""
        return self._looked(value, _take_folds)

    def _looked(self, value: Column | Entry, look: Look) -> Element:
        if isinstance(value, Column):
            return look(Customer, self.customers, value.name)
        return self._entry(value.map, value.key, value.field, look)

    # maps ----------------------------------------------------------------------------------------

    def entry(self, map: str, key: str, field: str | None) -> Element:
        """Return what the map holds under the key."""
        return self._entry(map, key, field, _take)

    def _entry(self, map: str, key: str, field: str | None, look: Look) -> Element:
        words = MAPS[map]
        name = field or words.value
        assert name is not None, "only maps of single values are asked for an entry's value"
        kept = words.kept(past=self.past)
        if kept is None:
            return look(words.record, self._joined(map, key), name)
        if name in declaration(kept).names:
            return self._last(kept, words.key, key, lambda rows: look(kept, rows, name))
        # The history does not tell: then it has never changed since there is an entry.
        return sa.case((self.has_entry(map, key), look(words.record, self._joined(map, key), name)))

    def has_entry(self, map: str, key: str) -> sa.ColumnElement[bool]:
        """Return whether the map has the key."""
        words = MAPS[map]
        kept = words.kept(past=self.past)
        if kept is None:
            return self._joined(map, key).c["customer_id"].is_not(None)
        entries = table(kept).alias()
        held: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(entries)
        return held.where(*self._holding(entries, kept, words.key, key)).correlate_except(entries).exists()

    def _joined(self, map: str, key: str) -> sa.FromClause:
        """Return the entry's row, joined once."""
        found = self._entries.get((map, key))
        if found is None:
            words = MAPS[map]
            found = self._entries[map, key] = table(words.record).alias()
            tie = sa.and_(found.c["customer_id"] == self.customers.c["id"], found.c[words.key] == bind_text(key))
            if self.past and declaration(words.record).bounds is not None:
                tie = sa.and_(tie, *is_in_force(words.record, found))
            self._joins.append((found, tie))
        return found

    def _last(self, kept: type, column: str, key: str, look: Callable[[sa.FromClause], Element]) -> sa.ColumnElement[Any]:
        """Return a value of the last record that is in force at as_of."""
        entries = table(kept).alias()
        held = sa.select(look(entries)).where(*self._holding(entries, kept, column, key))
        last = held.order_by(entries.c[bounds_of(kept).since].desc(), entries.c["id"].desc()).limit(sa.literal_column("1"))
        return last.correlate_except(entries).scalar_subquery()

    def _holding(self, entries: sa.FromClause, kept: type, column: str, key: str) -> list[sa.ColumnElement[bool]]:
        """Return the conditions of the key's records that are in force at as_of."""
        mine = entries.c["customer_id"] == self.customers.c["id"]
        return [mine, entries.c[column] == bind_text(key), *is_in_force(kept, entries)]

    # collections ---------------------------------------------------------------------------------

    def records(self, collection: str) -> Records:
        """Return the customer's own records."""
        return _records(COLLECTIONS[collection], self.customers)


@frozen
class RecordSource:
    """The values of a record of a collection."""

    table: sa.FromClause
    words: CollectionWords

    @property
    def ours(self) -> bool:
        """Return True, as for the customer."""
        return True

    def column(self, name: str) -> Element:
        """Return the column of a field; of the record that this one belongs to by a sub-query."""
        if (owner := self.words.owner_of(name)) is not None:
            return self._of_owner(owner, name)
        return -self.table.c[name] if name in self.words.turned else self.table.c[name]

    def required(self, name: str) -> bool:
        """Tell whether the column is never NULL."""
        return self.words.owner_of(name) is None and not self.words.column(name).nullable

    def is_known(self, name: str) -> sa.ColumnElement[bool]:
        """Return whether the field is there."""
        return self.column(name).is_not(None) if self.words.owner_of(name) else _is_known(self.table, name)

    def month_day(self, name: str) -> sa.ColumnElement[int]:
        """Return month × 100 + day, which is a column of its own."""
        return self.table.c[f"{name}_month_day"]

    def folded(self, value: Column | Entry, *, case: bool, accent: bool) -> sa.ColumnElement[str]:
        """Return the text folded, by the copies that are kept beside it."""
        if isinstance(value, Entry):
            return self.entry(value.map, value.key, value.field)
        return _folding(case=case, accent=accent)(self.words.record, self.table, value.name)

    def _of_owner(self, owner: OwnerWords, name: str) -> Element:
        found = table(owner.record).alias()
        tie = sa.and_(*(found.c[theirs] == self.table.c[own] for theirs, own in owner.on.items()))
        return sa.select(found.c[name]).where(tie).correlate_except(found).scalar_subquery()

    def entry(self, map: str, key: str, field: str | None) -> Element:  # noqa: ARG002 - the protocol's
        """Raise KeyError: records have no maps, which the checker knows."""
        raise KeyError(f"a record has no map {map!r}")

    def has_entry(self, map: str, key: str) -> sa.ColumnElement[bool]:  # noqa: ARG002 - the protocol's
        """Raise KeyError: records have no maps, which the checker knows."""
        raise KeyError(f"a record has no map {map!r}")

    def records(self, collection: str) -> Records:
        """Return the records within this one."""
        return _records(self.words.nested[collection], self.table)


def is_in_force(record: type, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of rows that are in force at the instant of the question: `Bounds.is_in_force`."""
    return [rows.c[bounds_of(record).since] <= sa.bindparam(AS_OF, type_=INSTANT), *has_not_ended(record, rows)]


def has_not_ended(record: type, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of rows whose time is not over at the instant of the question: not `Bounds.has_ended`."""
    if (until := bounds_of(record).until) is None:
        return []
    return [sa.or_(rows.c[until].is_(None), rows.c[until] > sa.bindparam(AS_OF, type_=INSTANT))]


def _records(words: CollectionWords, parent: sa.FromClause) -> Records:
    found = table(words.record).alias()
    tie = sa.and_(*(found.c[own] == parent.c[theirs] for own, theirs in words.on.items()))
    return Records(found, tie, RecordSource(found, words))


def _is_known(source: sa.FromClause, name: str) -> sa.ColumnElement[bool]:
    return source.c.get(f"{name}_month_day", source.c[name]).is_not(None)


# texts, folded ------------------------------------------------------------------------------------


class _Small(Phrase):
    """A text of ASCII without case."""

    inherit_cache = True
    sqlite = "lower({0})"
    postgresql = 'lower({0} COLLATE "C")'


class _WithoutCase(Phrase):
    """A text without case, of its folds in operand 1: see `storage.folding`."""

    inherit_cache = True
    sqlite = "coalesce(json_extract({1}, '$[0]'), lower({0}))"
    postgresql = 'coalesce(CAST({1} AS json) ->> 0, lower({0} COLLATE "C"))'


class _WithoutAccents(Phrase):
    """A text without accents, of its folds in operand 1."""

    inherit_cache = True
    sqlite = "coalesce(json_extract({1}, '$[1]'), {0})"
    postgresql = 'coalesce(CAST({1} AS json) ->> 1, {0} COLLATE "C")'


class _WithoutBoth(Phrase):
    """A text without case and accents, of its folds in operand 1."""

    inherit_cache = True
    sqlite = "coalesce(json_extract({1}, '$[2]'), lower({0}))"
    postgresql = 'coalesce(CAST({1} AS json) ->> 2, lower({0} COLLATE "C"))'


_FOLDING: Final = dict(zip(FOLDS, (_WithoutCase, _WithoutAccents, _WithoutBoth), strict=True))


def _take(_: type, rows: sa.FromClause, name: str) -> Element:
    return rows.c[name]


def _take_folds(record: type, rows: sa.FromClause, name: str) -> Element:
    """Return what is kept of a text's folds; NULL for one that is of ASCII."""
    return rows.c[f"{name}_folds"] if declaration(record).column(name).folded else sa.cast(sa.null(), TEXT)


def _folding(*, case: bool, accent: bool) -> Look:
    """Return what takes a text folded, exactly as `values.texts.fold` does."""

    def folded(record: type, rows: sa.FromClause, name: str) -> Element:
        about = declaration(record)
        if not about.column(name).folded:
            return _Small(rows.c[name], type_=TEXT) if case else rows.c[name]
        if name in about.caseless and not accent:
            return rows.c[f"{name}_folded"]
        return _FOLDING[case, accent](rows.c[name], rows.c[f"{name}_folds"], type_=TEXT)

    return folded

