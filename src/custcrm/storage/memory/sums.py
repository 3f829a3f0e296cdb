"""Sums by groups that the memory store keeps, for customers with many records. The names to know are `Totals` and `KeptSums`.

A group, such as a lot of points, has a sum and the greatest value of another column. These are made when they are first asked
for, and follow every change from then on, so that a question costs what it reads and not all that ever happened.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import contains
from typing import Any

from attrs import define, field

from custcrm.records.declaration import declaration
from custcrm.storage.columns import tuple_reader
from custcrm.storage.memory.order import MISSING, sortable

Key = tuple[Any, ...]


@define
class _Group:
    total: int = 0
    values: list[Any] = field(factory=list)  # of the other column, ascending


class KeptSums:
    """The groups of some records. `read` gives a record's group, then its amount and the value that the greatest is of."""

    def __init__(self, read: Callable[[Any], Key], records: Iterable[Any]) -> None:
        self._read = read
        self._groups: dict[Key, _Group] = {}
        self._open: list[Key] = []  # groups whose sum is not nought, in order
        for record in records:
            self._change(record, 1)

    def move(self, before: Any | None, after: Any | None) -> None:
        """Follow a record that has changed, come (`before` None) or gone."""
        if before is not None:
            self._change(before, -1)
        if after is not None:
            self._change(after, 1)

    def starting(self, prefix: Key, low: Key) -> Iterator[tuple[Key, int, Any]]:
        """Yield group, sum and greatest value where the sum is not nought: groups that begin with `prefix`, from `low` on."""
        length, first = len(prefix), sortable(prefix)
        start = bisect_left(self._open, sortable(low))
        for group in self._open[start:]:
            if group[:length] != first:
                return
            kept = self._groups[group]
            yield (
                tuple(None if each is MISSING else each for each in group) if MISSING in group else group,
                kept.total,
                kept.values[-1] if kept.values else None,
            )

    def _change(self, record: Any, sign: int) -> None:
        *columns, amount, value = self._read(record)
        group = sortable(tuple(columns))
        kept = self._groups.setdefault(group, _Group())
        before, kept.total = kept.total, kept.total + sign * (amount or 0)
        if value is not None:
            _follow(kept.values, value, sign)
        if bool(before) != bool(kept.total):
            _follow(self._open, group, 1 if kept.total else -1)


def _follow(ordered: list[Any], value: Any, sign: int) -> None:
    """Put a value in its place, or take one out."""
    if sign > 0:
        insort(ordered, value)
    else:
        del ordered[bisect_left(ordered, value)]


class Totals:
    """Sums by groups as they are asked for: see `Reader.totals`. `chosen` has the values wanted of each column.

    Two ways lead to the rows: `counted` adds records up, `looked_up` reads what is kept of one customer (`KeptSums`). What is
    kept is grouped by the customer, by the columns with one wanted value, and by those that are asked for. So the lots of a
    customer in a program, `chosen` customer_id and program, `by` expires_at and lot_id, are kept under

        (customer_id, program, expires_at, lot_id)

    and lie together, soonest expiry first: the question reads from `beyond` expires_at on. `by_customer` tells whether the
    question is one that what is kept can answer: each column that it chooses by is one of the group.
    """

    def __init__(
        self,
        record: type,
        chosen: Mapping[str, Key],
        by: tuple[str, ...],
        of: str,
        latest: str | None,
        beyond: Mapping[str, Any],
    ) -> None:
        customer = declaration(record).owner
        same = tuple(name for name, values in chosen.items() if len(values) == 1 and name != customer)
        columns = tuple(dict.fromkeys((customer, *same, *by)))
        self.by_customer = (
            declaration(record).of_customer
            and customer in chosen
            and (customer in by[:1] or len(chosen[customer]) == 1)  # one customer after the other, or only one
            and {*chosen, *beyond} <= {*columns}
        )
        self.shape = (columns, of, latest)
        self.read = tuple_reader(record, (*columns, of, latest or of))
        self._latest = latest
        # of a group: where the rows' columns are in it, what it begins with after the customer, from which value it is read
        self._columns = columns
        self._places = [columns.index(name) for name in by]
        self._fixed = tuple(chosen[name][0] for name in same)
        self._lowest = {columns.index(name): low for name, low in beyond.items() if name in columns}
        # of what must be so: which columns, among which values the chosen are, and than which the others are greater
        self._judged = (*chosen, *beyond)
        self._judge = tuple_reader(record, self._judged) if self._judged else None
        self._wanted = [frozenset(values) for values in chosen.values()]
        self._least = [*beyond.values()]

    def counted(self, records: Iterable[Any]) -> list[tuple[Any, ...]]:
        """Return the rows, from records among which all that count are."""
        sums: dict[Key, int] = {}
        last: dict[Key, Any] = {}
        for record in records:
            if self._judge and not self._is_wanted(self._judge(record)):
                continue
            *columns, amount, value = self.read(record)
            group = tuple([columns[at] for at in self._places])
            sums[group] = sums.get(group, 0) + (amount or 0)
            if value is not None and (group not in last or value > last[group]):
                last[group] = value
        found = sorted((group for group, total in sums.items() if total), key=sortable)
        return [self._row(group, sums[group], last.get(group)) for group in found]

    def looked_up(self, kept: KeptSums, customer: Any) -> Iterator[tuple[Any, ...]]:
        """Yield the rows, from what is kept of one customer."""
        prefix = (customer, *self._fixed)
        low = self._lowest.get(len(prefix))
        places = [self._columns.index(name) for name in self._judged]
        for group, total, value in kept.starting(prefix, prefix if low is None else (*prefix, low)):
            if self._is_wanted(tuple([group[at] for at in places])):
                yield self._row(tuple([group[at] for at in self._places]), total, value)

    def _row(self, group: Key, total: int, value: Any) -> tuple[Any, ...]:
        return (*group, total, value) if self._latest else (*group, total)

    def _is_wanted(self, values: Key) -> bool:
        """Tell whether values of the columns that are chosen, then of those to be beyond, are as asked for."""
        return all(map(contains, self._wanted, values)) and all(
            each is not None and each > low for each, low in zip(values[len(self._wanted) :], self._least, strict=True)
        )
