"""Questions to a SQL store within one transaction: see `storage.protocol.Reader`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, CursorResult

from custcrm.filters.ir.nodes import Shown
from custcrm.records.declaration import declaration
from custcrm.storage import forks
from custcrm.storage.questions import Order, Question, Verdict
from custcrm.storage.sql import encoding, questions, statements
from custcrm.storage.sql.engine import translated
from custcrm.storage.sql.questions import rules_of
from custcrm.storage.sql.statements import Shape
from custcrm.values.errors import Closed, Reason

R = TypeVar("R")

FETCHED: Final = 500
"""Rows fetched at once from an open answer."""


class SqlReader:
    """A view of one transaction. Answers that are being read are closed with it."""

    copied = False
    """Whether rows come with the copies of their texts, which are no part of a record."""

    def __init__(self, connection: Connection) -> None:
        self._connection: Connection | None = connection
        self._dialect = connection.dialect.name
        self._process = forks.generation()
        self._open: set[CursorResult[Any]] = set()
        self._fetching = Lock()
        self._ended = "this view of the store has ended; ask within its `with` block"

    # records -------------------------------------------------------------------------------------

    def get(self, record: type[R], *key: Any) -> R | None:
        """Return the record of that key, or None."""
        return self._one(record, key, held=False)

    def find(
        self,
        record: type[R],
        where: Mapping[str, Any] | None = None,
        *,
        beginning: Mapping[str, str] | None = None,
        order: Sequence[str] = (),
        descending: bool = False,
        after: Sequence[Any] | None = None,
        limit: int | None = None,
    ) -> Iterator[R]:
        """Yield records whose columns equal `where`: see the protocol."""
        wanted, parameters = statements.read_where(where, beginning)
        shape = Shape(
            record=record,
            wanted=wanted,
            order=tuple(order),
            descending=descending,
            seen=None if after is None else tuple(value is not None for value in after),
            limited=limit is not None,
            copied=self.copied,
        )
        parameters |= {f"after_{place}": value for place, value in enumerate(after or ()) if value is not None}
        parameters |= statements.limit_of(limit)
        few = self._few(shape, parameters)
        if few is None:
            few = self._stream(statements.select(shape), parameters, whole=limit is not None)
        yield from self._decoded(record, self._confine(few))

    def _decoded(self, record: type[R], rows: Iterable[Any]) -> Iterator[R]:
        """Yield the records of rows."""
        return encoding.read(record, self._dialect, rows)

    def values(
        self, record: type, columns: Sequence[str], where: Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """Return the values of these columns of what `find` would yield."""
        wanted, parameters = statements.read_where(where)
        query = statements.select(Shape(record=record, columns=tuple(columns), wanted=wanted))
        return [tuple(row) for row in self._fetch(query, parameters)]

    def count_records(self, record: type, where: Mapping[str, Any] | None = None) -> int:
        """Count what `find` would yield."""
        wanted, parameters = statements.read_where(where)
        return int(self._run(statements.count(Shape(record=record, wanted=wanted)), parameters).scalar_one())

    def totals(
        self,
        record: type,
        where: Mapping[str, Any] | None = None,
        *,
        by: Sequence[str] = (),
        of: str,
        latest: str | None = None,
        beyond: Mapping[str, Any] | None = None,
    ) -> Iterator[tuple[Any, ...]]:
        """Yield sums by groups: see the protocol."""
        wanted, parameters = statements.read_where(where)
        beyond = beyond or {}
        query = statements.totals(Shape(record=record, wanted=wanted), tuple(by), of, latest, tuple(beyond))
        parameters |= {f"beyond_{place}": value for place, value in enumerate(beyond.values())}
        for row in self._confine(self._stream(query, parameters, whole=False)):
            yield tuple(row)

    # customers -----------------------------------------------------------------------------------

    def count(self, question: Question) -> int:
        """Count the customers."""
        statement = questions.count(question.filter.lowered, question.past)
        return int(self._run(statement.executable, statement.moments(question)).scalar_one())

    def ids(self, question: Question, *, after: str | None = None, limit: int | None = None) -> list[str]:
        """Return the customers' ids in order."""
        statement = questions.ids(
            question.filter.lowered, question.past, paged=after is not None, limited=limit is not None
        )
        parameters = statement.moments(question, after=after, **statements.limit_of(limit))
        return [id_ for (id_,) in self._fetch(statement.executable, parameters)]

    def rows(
        self,
        question: Question,
        columns: Sequence[Shown],
        *,
        order: Sequence[Order] = (),
        after: str | None = None,
        limit: int | None = None,
        only: str | None = None,
    ) -> Iterator[tuple[Any, ...]]:
        """Yield (id, value, …) per customer: see the protocol."""
        statement = questions.rows(
            question.filter.lowered,
            question.past,
            tuple(columns),
            tuple(order),
            paged=after is not None,
            limited=limit is not None,
            one=only is not None,
        )
        parameters = statement.moments(question, after=after, only=only, **statements.limit_of(limit))
        found = self._stream(statement.executable, parameters, whole=limit is not None or only is not None)
        for row in self._confine(found):
            yield statement.shown(row)

    def tally(self, question: Question, verdict: Verdict) -> Mapping[Reason | None, int]:
        """Count the customers by the first reason that refuses them; None counts the eligible."""
        statement = questions.tally(question.filter.lowered, question.past, rules_of(verdict))
        answer = self._fetch(statement.executable, statement.moments(question))
        return {reason and Reason(reason): count for reason, count in answer}

    def refusals(self, question: Question, verdict: Verdict) -> Mapping[str, tuple[Reason, ...]]:
        """Return for each customer all reasons that refuse, in precedence order."""
        statement = questions.refusals(question.filter.lowered, question.past, rules_of(verdict))
        reasons = [reason for reason, _ in verdict.rules]
        answer = self._fetch(statement.executable, statement.moments(question))
        return {
            row[0]: tuple(reason for reason, allowed in zip(reasons, row[1:], strict=True) if not allowed)
            for row in answer
        }

    # the connection ------------------------------------------------------------------------------

    def _one(self, record: type[R], key: Sequence[Any], *, held: bool) -> R | None:
        wanted, parameters = statements.read_where(dict(zip(declaration(record).key, key, strict=True)))
        held = held and self._dialect == "postgresql"  # on SQLite the writer holds everything
        shape = Shape(record=record, wanted=wanted, held=held)
        found: Any = self._few(shape, parameters)
        if found is None:
            found = self._fetch(statements.select(shape), parameters)
        return next(encoding.read(record, self._dialect, found[:1]), None)

    def _few(self, shape: Shape, parameters: Mapping[str, Any]) -> Iterable[Any] | None:
        """Return the rows at once, where the shape asks for few; None where they are better streamed."""
        with translated():
            return encoding.read_few(self._live(), shape, parameters)

    def _fetch(self, statement: sa.Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """Return all rows of an answer: SQLite computes each as it is fetched, and may fail at any of them."""
        with translated():
            return self._live().execute(statement, parameters or {}).all()

    def _run(self, statement: sa.Executable, parameters: Mapping[str, Any] | None = None) -> CursorResult[Any]:
        with translated():
            return self._live().execute(statement, parameters or {})

    def _stream(self, query: sa.Executable, parameters: Mapping[str, Any], *, whole: bool) -> Iterator[Any]:
        """Yield rows as they come, so that who stops early has not read the rest."""
        streamed = query if whole else query.execution_options(stream_results=True)
        with translated():
            answer: Any = self._live().execute(streamed, parameters)
        self._open.add(answer)
        try:
            while True:
                with self._fetching, translated():
                    self._live()
                    fetched: Iterable[Any] = answer.fetchmany(FETCHED)
                if not fetched:
                    return
                yield from fetched
        finally:
            self._close(answer)

    def _confine(self, rows: Iterable[Any]) -> Iterable[Any]:
        """Yield rows to whom they are for: those of a view, to anybody."""
        return rows

    def _live(self) -> Connection:
        if self._connection is None:
            raise Closed(self._ended)
        forks.require_same(self._process)
        return self._connection

    def _close(self, answer: CursorResult[Any]) -> None:
        if self._process == forks.generation():  # else it is read in the parent, by the parent's connection
            answer.close()
            self._open.discard(answer)

    def leave(self) -> Connection | None:
        """End it where an answer is half read, as its store is closed, and return the connection, to be given back."""
        with self._fetching:
            left = self._connection if self._open else None
            if left is not None:
                self._ended = "the store was closed while this was half read; open it again, and read anew"
                self.end()
        return left

    def end(self) -> None:
        """Close what is still being read; nothing can be asked afterwards."""
        for answer in tuple(self._open):
            self._close(answer)
        self._connection = None
