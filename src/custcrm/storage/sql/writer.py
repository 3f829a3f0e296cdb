"""Changes to a SQL store within one transaction: see `storage.protocol.Writer`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from custcrm.records import RECORDS
from custcrm.records.declaration import declaration
from custcrm.records.journal import Applied, Target
from custcrm.storage import forks
from custcrm.storage.custody import Held
from custcrm.storage.effects import Change, Slice, Template
from custcrm.storage.questions import Question, Verdict
from custcrm.storage.sql import encoding, postgresql, questions, statements
from custcrm.storage.sql.engine import translated
from custcrm.storage.sql.questions import rules_of
from custcrm.storage.sql.reader import SqlReader
from custcrm.storage.sql.setwise import targets as setwise
from custcrm.storage.sql.setwise.values import APPLY, all_sources, parameters
from custcrm.storage.sql.statements import Shape
from custcrm.storage.sql.tables import STAGED, table
from custcrm.values.errors import Contended, NotFound

R = TypeVar("R")

_PLACES: Final = {record: place for place, record in enumerate(RECORDS)}


class SqlWriter(SqlReader):
    """A transaction. A change that fails leaves nothing behind, and the transaction goes on."""

    def __init__(self, connection: Connection, held: Held[SqlWriter]) -> None:
        super().__init__(connection)
        self._held = held
        self.keys: list[str] = []
        """The keys of what is applied here, now or again: named when nobody can tell whether the commit reached the store."""
        self.added: Counter[str] = Counter()
        """How many rows were added, by table."""
        self._has_staged = False
        self._claimed = 0

    # records -------------------------------------------------------------------------------------

    def add(self, records: Iterable[Any]) -> int:
        """Insert records, of any classes; return how many."""
        groups = _by_class(records)
        self.keys += [each.key for each in groups.get(Applied, ())]
        return self._write("add", groups)

    def replace(self, record: Any) -> None:
        """Put the record in the place of the one with its key; NotFound when there is none."""
        if not self._write("replace", {type(record): [record]}):
            raise NotFound(f"no {type(record).__name__} of this key to replace")

    def put(self, records: Iterable[Any]) -> None:
        """Insert each record, or put it in the place of the one with its key."""
        self._write("put", _by_class(records))

    def remove(self, record: type, *key: Any) -> bool:
        """Remove the record of that key; tell whether it was there."""
        wanted, parameters = statements.read_where(dict(zip(declaration(record).key, key, strict=True)))
        with self._undone_on_error():
            return self._run(statements.remove(Shape(record=record, wanted=wanted)), parameters).rowcount > 0

    def hold(self, record: type[R], *key: Any) -> R | None:
        """Return the record as it is now and keep others from changing it until the end of this write()."""
        found = self._one(record, key, held=True)
        if isinstance(found, Applied):
            self.keys.append(found.key)
        return found

    def hold_all(self, record: type, keys: Collection[str]) -> None:
        """Hold the records of these keys, in key order."""
        if keys and self._dialect == "postgresql":  # on SQLite the writer holds everything
            [name] = declaration(record).key
            wanted, parameters = statements.read_where({name: list(keys)})
            with self._undone_on_error():
                self._run(statements.select(Shape(record=record, columns=(name,), wanted=wanted, held=True)), parameters)

    def claim(self, scope: str, keys: Collection[str]) -> None:
        """Keep other writers from claiming the same keys of a scope; on SQLite they wait already."""
        if keys and self._dialect == "postgresql":
            with self._undone_on_error():
                postgresql.claim(self._live(), scope, keys, self._claimed)
            self._claimed += len(keys)

    def reserve(self, record: type, key: Sequence[Any], n: int) -> bool:
        """Add n to the record's declared counter if it stays within its limit: one guarded UPDATE."""
        parameters = {"n": n, **{f"where_{place}": value for place, value in enumerate(key)}}
        return self._run(statements.reserve(record), parameters).rowcount > 0

    # many customers ------------------------------------------------------------------------------

    def freeze(
        self, applied: Applied, question: Question, verdict: Verdict, *, limit: int | None = None
    ) -> Mapping[str | None, int]:
        """Store a Target for every customer asked for, in id order; return counts by reason, None for the eligible."""
        asked, rules = question.filter.lowered, rules_of(verdict)
        statement = setwise.freeze(asked, question.past, self._dialect, rules, limit is not None)
        bound = {APPLY: applied.id, "limit": limit}
        moments = questions.parameters(statement.needed, question.as_of, question.filter)
        with self._undone_on_error():
            self._run(statement.executable, moments | bound)
        if self._dialect == "postgresql" and self._run(setwise.count_lost(), bound).scalar_one():
            raise Contended  # a customer who was found has been deleted meanwhile
        counts = dict(tuple(row) for row in self._fetch(setwise.tally(), {APPLY: applied.id}))
        self.added[table(Target).name] += sum(counts.values())
        return counts

    def stage(self, applied_id: str, name: str, values: Iterable[tuple[int, str]]) -> None:
        """Keep a text for target numbers, for `Staged` sources of this apply; gone when the write() ends."""
        if not self._has_staged:
            with translated():
                STAGED.create(self._live(), checkfirst=True)
            self._has_staged = True
        with self._undone_on_error(several=True), translated():
            encoding.write_staged(self._live(), [(number, name, applied_id, value) for number, value in values])

    def hold_each(self, part: Slice, *, changing: bool = True) -> int:
        """Hold the customer of each eligible target of the part, in id order; on SQLite the writer holds everything."""
        held = setwise.hold_each(changing) if self._dialect == "postgresql" else setwise.count_eligible()
        bound = {APPLY: part.applied_id, "first": max(part.first, 1), "last": part.last}
        return int(self._run(held, bound).scalar_one())

    def refuse_each(self, verdict: Verdict, part: Slice) -> Mapping[str | None, int]:
        """Give those of the part whom a rule refuses the first such reason; return counts by reason."""
        if not verdict.rules:
            return {}
        statement = setwise.refuse_each(verdict)
        found = self._fetch(statement.executable, parameters(statement, Target, {}, part))
        late = [
            Target(applied_id=part.applied_id, number=number, customer_id=customer_id, reason=reason)
            for number, customer_id, reason in map(tuple, found)
        ]
        self.put(late)
        return Counter(each.reason for each in late)

    def add_for_each(self, template: Template, part: Slice) -> int:
        """Write the template's record for each target of the part; return how many."""
        statement = setwise.add_for_each(template)
        added = self._change(statement, parameters(statement, template.record, all_sources(template), part))
        self.added[table(template.record).name] += added
        return added

    def change_for_each(self, change: Change, part: Slice) -> int:
        """Change the matching records of each target of the part; return how many records changed."""
        statement = setwise.change_for_each(change)
        _, matched = statements.read_where(change.match)
        return self._change(statement, parameters(statement, change.record, change.values, part) | matched)

    # the connection ------------------------------------------------------------------------------

    def _write(self, verb: encoding.Verb, groups: Mapping[type, Sequence[Any]]) -> int:
        """Write records; return how many rows there were."""
        written = 0
        single = len(groups) == 1 and all(len(group) == 1 for group in groups.values())
        with self._undone_on_error(several=not single):
            for record, group in groups.items():
                encode = encoding.encode(record, self._dialect)
                with translated(keeping=True):
                    written += encoding.write(self._live(), verb, record, [encode(each) for each in group])
                if verb != "replace":
                    self.added[table(record).name] += len(group)
        return written

    def _change(self, statement: questions.Statement, parameters: Mapping[str, Any]) -> int:
        with self._undone_on_error():
            return self._run(statement.executable, parameters).rowcount

    @contextmanager
    def _undone_on_error(self, *, several: bool = False) -> Iterator[None]:
        """Undo what was done within, should it fail, and keep the transaction alive.

        SQLite does so itself for a single statement; PostgreSQL gives the transaction up without a savepoint.
        """
        if not several and self._dialect == "sqlite":
            yield
            return
        with translated(), self._live().begin_nested():
            yield

    @contextmanager
    def nested(self, depth: int, /) -> Iterator[None]:
        """Undo what is done within, should an exception leave it, and nothing of what was done before."""
        has_staged, keys = self._has_staged, len(self.keys)
        savepoint = f"custcrm_{depth}"
        self._run_text(f"SAVEPOINT {savepoint}")
        try:
            yield
        except BaseException as error:
            if self._held.is_whole() and self._can_go_back():
                self._go_back(savepoint, error)
            self._has_staged = has_staged
            del self.keys[keys:]
            raise
        else:
            self._run_text(f"RELEASE SAVEPOINT {savepoint}")

    def _confine(self, rows: Iterable[Any]) -> Iterable[Any]:
        return self._held.confine(iter(rows))

    def _live(self) -> Connection:
        self._held.check()
        return super()._live()

    def _can_go_back(self) -> bool:
        """Tell whether the transaction is still there: not after a lost connection, nor in a child of its process."""
        connection = self._connection
        return connection is not None and self._process == forks.generation() and not connection.invalidated

    def _go_back(self, savepoint: str, error: BaseException) -> None:
        """Undo what an error leaves. Where that fails nothing of the transaction is kept; an interrupt is not replaced."""
        try:
            self._run_text(f"ROLLBACK TO SAVEPOINT {savepoint}")
        except Exception:
            self._live().invalidate()
            if isinstance(error, Exception):
                raise

    def _run_text(self, text: str) -> None:
        with translated():
            encoding.driver_of(self._live()).execute(text)

    def finish(self) -> None:
        """Forget what was staged, and end; what fails forgets by itself."""
        connection = self._live()
        if self._dialect == "postgresql":
            postgresql.require_whole(connection)
        if self._has_staged:
            self._run(sa.delete(STAGED))
        self.end()


def _by_class(records: Iterable[Any]) -> dict[type, list[Any]]:
    """Return the records by class, those that others refer to first."""
    groups: dict[type, list[Any]] = {}
    for record in records:
        groups.setdefault(type(record), []).append(record)
    return dict(sorted(groups.items(), key=lambda group: _PLACES[group[0]])) if len(groups) > 1 else groups
