"""Where the SQL target finds a customer's values in our tables: `CustomerSource`, made anew for each statement.

What stands behind a word is in `vocabulary`. A map whose record has one row per entry is outer-joined once per entry,
however many conditions ask for it; one that keeps what was before (tags, the history of memberships) is looked up by a
sub-query for the row that holds at `as_of`. Collections are correlated sub-queries.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from attrs import define, field, frozen

from custcrm.filters.targets.sql.source import Element, Records
from custcrm.records.customers import FOLDED, Customer
from custcrm.records.declaration import bounds_of, declaration
from custcrm.storage.sql.tables import table
from custcrm.storage.sql.types import INSTANT, TEXT, bind_text
from custcrm.vocabulary import COLLECTIONS, MAPS, CollectionWords, OwnerWords

AS_OF: Final = "asked_as_of"
"""The parameter that holds the instant of the question."""


@define
class CustomerSource:
    """The values of a customer in one statement; `joined` gives the FROM clause with all that was asked for."""

    dialect: str
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

    def folded(self, name: str, *, case: bool, accent: bool) -> sa.ColumnElement[str] | None:
        """Return the stored copy, or what our function on SQLite computes; None on PostgreSQL, which lacks one."""
        if case and not accent and name in FOLDED:
            return self.customers.c[FOLDED[name]]
        return _folded(self.dialect, self.customers.c[name], case=case, accent=accent)

    # maps ----------------------------------------------------------------------------------------

    def entry(self, map: str, key: str, field: str | None) -> Element:
        """Return what the map holds under the key."""
        words = MAPS[map]
        name = field or words.value
        assert name is not None, "only maps of single values are asked for an entry's value"
        kept = words.kept(past=self.past)
        if kept is None:
            return self._joined(map, key).c[name]
        if name in declaration(kept).names:
            return self._last(kept, words.key, key, name)
        # The history does not tell: then it has never changed since there is an entry.
        return sa.case((self.has_entry(map, key), self._joined(map, key).c[name]))

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

    def _last(self, kept: type, column: str, key: str, name: str) -> sa.ColumnElement[Any]:
        """Return a column of the last record that is in force at as_of."""
        entries = table(kept).alias()
        held = sa.select(entries.c[name]).where(*self._holding(entries, kept, column, key))
        last = held.order_by(entries.c[bounds_of(kept).since].desc(), entries.c["id"].desc()).limit(sa.literal_column("1"))
        return last.correlate_except(entries).scalar_subquery()

    def _holding(self, entries: sa.FromClause, kept: type, column: str, key: str) -> list[sa.ColumnElement[bool]]:
        """Return the conditions of the key's records that are in force at as_of."""
        mine = entries.c["customer_id"] == self.customers.c["id"]
        return [mine, entries.c[column] == bind_text(key), *is_in_force(kept, entries)]

    # collections ---------------------------------------------------------------------------------

    def records(self, collection: str) -> Records:
        """Return the customer's own records."""
        return _records(COLLECTIONS[collection], self.customers, self.dialect)


@frozen
class RecordSource:
    """The values of a record of a collection."""

    table: sa.FromClause
    words: CollectionWords
    dialect: str

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

    def folded(self, name: str, *, case: bool, accent: bool) -> sa.ColumnElement[str] | None:
        """Return what our function on SQLite computes; None on PostgreSQL."""
        return _folded(self.dialect, self.column(name), case=case, accent=accent)

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
        return _records(self.words.nested[collection], self.table, self.dialect)


def is_in_force(record: type, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of rows that are in force at the instant of the question: `Bounds.is_in_force`."""
    return [rows.c[bounds_of(record).since] <= sa.bindparam(AS_OF, type_=INSTANT), *has_not_ended(record, rows)]


def has_not_ended(record: type, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of rows whose time is not over at the instant of the question: not `Bounds.has_ended`."""
    if (until := bounds_of(record).until) is None:
        return []
    return [sa.or_(rows.c[until].is_(None), rows.c[until] > sa.bindparam(AS_OF, type_=INSTANT))]


def _records(words: CollectionWords, parent: sa.FromClause, dialect: str) -> Records:
    found = table(words.record).alias()
    tie = sa.and_(*(found.c[own] == parent.c[theirs] for own, theirs in words.on.items()))
    return Records(found, tie, RecordSource(found, words, dialect))


def _is_known(source: sa.FromClause, name: str) -> sa.ColumnElement[bool]:
    return source.c.get(f"{name}_month_day", source.c[name]).is_not(None)


def _folded(dialect: str, text: Element, *, case: bool, accent: bool) -> sa.ColumnElement[str] | None:
    if dialect != "sqlite":
        return None
    function = {(True, False): "custcrm_casei", (False, True): "custcrm_accenti"}.get((case, accent), "custcrm_fold")
    return sa.Function(function, text, type_=TEXT)

