"""What a store is: it keeps, finds and guards; it never decides.

Two doors: `store.read()` and `store.write()`, both context managers. Nothing is written outside `write()`. A `write()`
inside another joins it: what an exception undoes is the inner one's work, and all when it leaves the outermost. It belongs
to the thread and the asyncio task that began it: see `storage.custody`. Every method is batch-first, and a change that
raises leaves nothing of itself behind. The shipped contract (`custcrm.testing.StoreContract`) is the normative text with
examples; a store that passes it can be given to `custcrm.open`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeAlias, TypeVar, get_args

from attrs import frozen

from custcrm.filters.ir.nodes import Shown
from custcrm.records.journal import Applied
from custcrm.storage.effects import Change, Slice, Template
from custcrm.storage.questions import Order, Question, Verdict
from custcrm.values.errors import Reason

R = TypeVar("R")

Durability: TypeAlias = Literal["full", "normal"]
"""What a power cut may take: nothing that was committed, or the last commits; never a part of one."""
DURABILITIES: Final[tuple[Durability, ...]] = get_args(Durability)


WAIT_SECONDS: Final = 60
"""How long anybody waits for the transactions of others, after which it is Unavailable: a batch of a bulk action takes seconds,
and one that takes longer may be waiting for whoever waits for it."""


@frozen
class Fault:
    """What is wrong with how a table keeps its records; `text` says it without a value of theirs.

    `kind`: `damage` of the file or of an index; a table or column that is `missing`, so that nothing of the table can be read,
    or a `schema` other than the one that is declared; `rows` that no record is written as; or copies of texts, to find them
    `folded`, that are not their folds. `key` is the row's, where it is about one.
    """

    kind: Literal["damage", "missing", "schema", "rows", "folded"]
    table: str
    text: str
    key: tuple[Any, ...] = ()


Tell: TypeAlias = Callable[[Fault], object]
"""What is called with each fault that a store meets."""


class Reader(Protocol):
    """Questions. Records come out as their classes, in key order unless told otherwise."""

    def get(self, record: type[R], *key: Any) -> R | None:
        """Return the record of that key, or None."""

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
        """Yield records whose columns equal `where` (None: is missing; a list, tuple or set: is one of).

        `beginning` tells what columns of texts begin with, code point by code point.
        A text that is declared caseless is found without case by its copy, `email_folded`, and what that equals is folded.
        `order` names columns (by default the key), `after` is the last seen value of each of these (exclusive), for paging.
        """

    def values(
        self, record: type, columns: Sequence[str], where: Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """Return the values of these columns of what `find` would yield: where few of many columns are asked for."""

    def count_records(self, record: type, where: Mapping[str, Any] | None = None) -> int:
        """Count what `find` would yield."""

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
        """Yield (value of each `by` column …, sum of `of`[, greatest `latest`]) of each group whose sum is not nought.

        Groups come in the order of the `by` columns, missing values last; without `by` there is one at most. `where` is as in
        `find`; `beyond` gives columns that must be there and be greater than a value. Where `of` is missing, nothing is added.
        What the open lots of points are.
        """

    def count(self, question: Question) -> int:
        """Count the customers."""

    def ids(self, question: Question, *, after: str | None = None, limit: int | None = None) -> list[str]:
        """Return the customers' ids in order."""

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
        """Yield (id, value, …) per customer: physical values as `Filter.lowered` has them; a pair (numerator, denominator)
        where the Shown has `over`, None when missing. `after` (an id) pages in id order, without `order`. `only` is the id of
        the one customer to look at.
        """

    def tally(self, question: Question, verdict: Verdict) -> Mapping[Reason | None, int]:
        """Count the customers by the first reason that refuses them; None counts the eligible. One pass."""

    def refusals(self, question: Question, verdict: Verdict) -> Mapping[str, tuple[Reason, ...]]:
        """Return for each customer all reasons that refuse, in precedence order: for questions about few customers."""


class Writer(Reader, Protocol):
    """Changes, all or nothing with the enclosing `write()`."""

    def add(self, records: Iterable[Any]) -> int:
        """Insert records, of any classes; return how many. Taken when a key or unique columns are there already."""

    def replace(self, record: Any) -> None:
        """Put the record in the place of the one with its key; NotFound when there is none. Counters are left alone."""

    def put(self, records: Iterable[Any]) -> None:
        """Insert each record, or put it in the place of the one with its key."""

    def remove(self, record: type, *key: Any) -> bool:
        """Remove the record of that key; tell whether it was there."""

    def hold(self, record: type[R], *key: Any) -> R | None:
        """Return the record as it is now and keep others from changing it until the end of this write()."""

    def hold_all(self, record: type, keys: Collection[str]) -> None:
        """Hold the records of these keys, of one column, in key order, as `hold` does one; what is asked after that holds."""

    def claim(self, scope: str, keys: Collection[str]) -> None:
        """Keep other writers from claiming the same keys of a scope until the end of this write().

        For what must be decided before a row is there: an idempotency key, an email, a receipt's number. Claim what a
        scope needs at once, and scopes in the same order everywhere, so that writers do not wait for each other.
        """

    def reserve(self, record: type, key: Sequence[Any], n: int) -> bool:
        """Add n to the record's declared counter if it stays within its limit: one guarded UPDATE. Negative gives back."""

    def freeze(
        self, applied: Applied, question: Question, verdict: Verdict, *, limit: int | None = None
    ) -> Mapping[str | None, int]:
        """Store a Target for every customer asked for, in id order; return counts by reason, None for the eligible.

        The eligible are numbered 1…n, the refused -1…-m with the first reason. Past `limit`, the eligible are refused as
        `series_capacity`, numbered -(OVER_LIMIT + 1) and so on.
        """

    def stage(self, applied_id: str, name: str, values: Iterable[tuple[int, str]]) -> None:
        """Keep a text for target numbers, for `Staged` sources of this apply; gone when the write() ends."""

    def hold_each(self, part: Slice, *, changing: bool = True) -> int:
        """Hold the customer of each eligible target of the part, in id order, as `hold` does one; return how many are there.

        There are fewer than numbers where customers were deleted since the freeze. Without `changing` they are kept from
        being deleted only, and others may change them meanwhile.
        """

    def refuse_each(self, verdict: Verdict, part: Slice) -> Mapping[str | None, int]:
        """Give the eligible targets of the part whom a rule refuses by now the first such reason; return counts by reason."""

    def add_for_each(self, template: Template, part: Slice) -> int:
        """Write the template's record for each target of the part; return how many."""

    def change_for_each(self, change: Change, part: Slice) -> int:
        """Change the matching records of each target of the part; return how many records changed."""


class Migrated(NamedTuple):
    """What a migration did: the versions before and after, 0 where there was none.

    `reread` names the saved segments, categories and earning rules whose filter means something else since, though its text is
    what it was.
    """

    before: int
    after: int
    reread: tuple[str, ...] = ()


class Store(Protocol):
    """A place where records are kept. Thread-safe: one store serves all threads."""

    def read(self) -> AbstractContextManager[Reader]:
        """Open a view for questions: of its own, so that it shows what has been written before it.

        Each question is answered as of one moment, and may be asked in any thread. Inside a write(): that one.
        """

    def snapshot(self, tell: Tell) -> AbstractContextManager[Reader]:
        """Open a view of one moment, for who looks at everything: what others commit meanwhile is not seen.

        `tell` is called with what is wrong with how the records are kept: at once with what is seen before any is read, then
        with each row of `find` that cannot be read or that no record is written as. One that cannot be read is left out.
        """

    def write(self) -> AbstractContextManager[Writer]:
        """Open a transaction, or join the one that this call is in.

        What an exception undoes is the work of the write() that it leaves, and all when it leaves the outermost; whoever
        catches it in between goes on as if the inner one had not been.

        It belongs to the thread and the asyncio task that began it. A call of another one that would fall into it, by its
        thread or by its context, and whatever the owner does afterwards, raise MisusedTransaction, as does leaving it
        elsewhere or before one within it: all of it is rolled back, and everybody's next call works.
        """

    def is_writing(self) -> bool:
        """Tell whether this call is within a write() of this store; MisusedTransaction where it is another's."""

    def confine(self, found: Iterator[R]) -> Iterator[R]:
        """Yield what is found, and raise Closed for what is left of it once the store is closed.

        Of what is begun within a write(), MisusedTransaction to all but its owner.
        """

    def version(self) -> int | None:
        """Return the schema's version, None when nothing has been set up."""

    def migrate(self) -> Migrated:
        """Bring the schema to this library's version, and return what that did."""

    def describe(self) -> str:
        """Return what kind of store it is, without secrets: 'memory', 'SQLite', 'PostgreSQL'."""

    def close(self) -> None:
        """Let go of all resources; closing again does nothing. Use after close raises Closed."""
