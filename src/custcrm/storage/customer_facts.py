"""Customers as rows for the Python filter target. The names to know are `facts`, `explain` and `Sight`.

`access` tells the target how to read a customer's own columns, maps and collections; what stands behind a word is in
`vocabulary`. The memory store looks at all its customers so; `facts` looks at one customer of any store, for the rules
of a single call and to explain a filter.

Reading is prepared once for each filter, and then done for each row. So the functions here return functions: what names
mean is looked up outside, and the inner function only reads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from custcrm.filters import Filter
from custcrm.filters.ir.moments import moments_in, resolve
from custcrm.filters.ir.nodes import Condition, Entry, HasEntry, Moment, Shown
from custcrm.filters.targets.python.compile import Bound, CompiledFilter, CompiledValue, compile_filter, compile_value
from custcrm.filters.types.declarations import Declarations
from custcrm.records.customers import Customer
from custcrm.records.declaration import bounds_of, declaration
from custcrm.storage.columns import Read, reader, tuple_reader
from custcrm.storage.protocol import Reader
from custcrm.storage.questions import Question
from custcrm.values.errors import NotFound
from custcrm.vocabulary import COLLECTIONS, MAPS, MapWords, OwnerWords, collection_words

if TYPE_CHECKING:
    from custcrm.filters.tools.explanation import Explanation

REMEMBERED: Final = 1_000
"""CompiledFilter filters and values to keep; a shop has some dozens of segments, and the rules of the actions."""

ReadMany = Callable[[Any], Collection[Any]]
"""From a row to some records."""
ReadOne = Callable[[Any], Any | None]
"""From a row to a record, None where there is none."""


@frozen(kw_only=True)
class Sight:
    """How rows of one kind show their customer: for the memory store a row is a Customer, for a single call it is `Facts`.

    `own("country")` is the customer's column, as an attribute or a function of the row. `facts(Sale)` is a function from a row
    to all sales of its customer; `beside(SaleLine)` the same from one of these sales; `owner(Sale)` from a line and a key to
    the sale of that key. `as_of(row)` is the instant that is asked about; with `past`, maps that have a history are looked
    up there as they stood then. In the memory store:

        sight.own("country")        # "country"
        sight.facts(Sale)(anna)     # Anna's sales
    """

    own: Callable[[str], str | Read]
    facts: Callable[[type], ReadMany]
    beside: Callable[[type], ReadMany]
    owner: Callable[[type], Callable[[Any, tuple[Any, ...]], Any | None]]
    as_of: Callable[[Any], datetime]
    past: bool


def access(sight: Sight) -> Bound:
    """Return the Python target's access to the rows."""
    return Bound(
        column=lambda column, within: _column_within(sight, within, column.name) if within else sight.own(column.name),
        entry=partial(_entry, sight),
        has_entry=partial(_has_entry, sight),
        records=partial(_records, sight),
    )


def resolved(moments: Sequence[Moment], schema: Declarations, as_of: datetime) -> tuple[Any, ...]:
    """Return what the moments are at `as_of`, in the schema's zone."""
    return tuple(resolve(each, as_of, zone=schema.zone, feb29=schema.feb29) for each in moments)


# maps --------------------------------------------------------------------------------------------


def _entry(sight: Sight, entry: Entry) -> Read:
    words = MAPS[entry.map]
    column = entry.field or words.value
    if column is None:
        raise KeyError(f"an entry of {entry.map} has no value of its own")
    held = _find_entry(sight, words, entry.key)
    source = words.kept(past=sight.past) or words.record
    if column not in declaration(source).names:  # a history tells what changes; the rest stands as it is
        held, source = _only_where(held, _find_standing(sight, words, entry.key)), words.record
    read = reader(source, column)
    return lambda row: None if (record := held(row)) is None else read(record)


def _has_entry(sight: Sight, entry: HasEntry) -> Callable[[Any], bool]:
    held = _find_entry(sight, MAPS[entry.map], entry.key)
    return lambda row: held(row) is not None


def _only_where(there: ReadOne, read: ReadOne) -> ReadOne:
    return lambda row: None if there(row) is None else read(row)


def _find_entry(sight: Sight, words: MapWords, key: str) -> ReadOne:
    """Return a function to the record that the customer's map holds under `key` at as_of: of tags, the last one in force."""
    kept = words.kept(past=sight.past)
    return _find_standing(sight, words, key) if kept is None else _find_latest(sight, kept, words.key, key)


def _find_standing(sight: Sight, words: MapWords, key: str) -> ReadOne:
    facts, name = sight.facts(words.record), reader(words.record, words.key)

    def record(row: Any) -> Any | None:
        for each in facts(row):
            if name(each) == key:
                return each
        return None

    bounds = declaration(words.record).bounds
    if bounds is None or not sight.past:
        return record

    def then(row: Any) -> Any | None:
        found = record(row)
        return None if found is None or not bounds.is_in_force(found, sight.as_of(row)) else found

    return then


def _find_latest(sight: Sight, record: type, column: str, key: str) -> ReadOne:
    """Return a function to the last record of that key which was in force at as_of."""
    facts, name, bounds = sight.facts(record), reader(record, column), bounds_of(record)
    order = tuple_reader(record, (bounds.since, "id"))

    def latest(row: Any) -> Any | None:
        as_of, last = sight.as_of(row), None
        for each in facts(row):
            if name(each) == key and bounds.is_in_force(each, as_of) and (last is None or order(last) < order(each)):
                last = each
        return last

    return latest


# collections -------------------------------------------------------------------------------------


def _column_within(sight: Sight, within: str, name: str) -> str | Read:
    """Return how a record of a collection shows a field: as it is, with the other sign, or as its owner has it."""
    words = collection_words(within)
    if (owner := words.owner_of(name)) is not None:
        return _of_owner(sight, words.record, owner, name)
    if name not in words.turned:
        return name
    read = reader(words.record, name)
    return lambda record: None if (value := read(record)) is None else -value


def _of_owner(sight: Sight, record: type, owner: OwnerWords, name: str) -> Read:
    find, read = sight.owner(owner.record), reader(owner.record, name)
    key = tuple_reader(record, tuple(owner.on[each] for each in declaration(owner.record).key))
    return lambda each: None if (found := find(each, key(each))) is None else read(found)


def _records(sight: Sight, name: str, within: str | None) -> ReadMany:
    if within is None:
        return sight.facts(COLLECTIONS[name].record)
    words = COLLECTIONS[within].nested[name]
    ties = {own: theirs for own, theirs in words.on.items() if own != "customer_id"}
    own = tuple_reader(words.record, tuple(ties))
    theirs = tuple_reader(COLLECTIONS[within].record, tuple(ties.values()))
    beside = sight.beside(words.record)

    def tied(record: Any) -> Collection[Any]:
        wanted = theirs(record)
        return [each for each in beside(record) if own(each) == wanted]

    return tied


# one customer ------------------------------------------------------------------------------------


@frozen(eq=False, repr=False)
class Facts:
    """One customer's facts as a store has them, asked as `question` is; each kind of record is read once, when needed."""

    customer: Customer
    question: Question
    _reader: Reader
    _known: dict[type, Collection[Any]] = field(factory=dict, init=False)
    _by_key: dict[type, Mapping[tuple[Any, ...], Any]] = field(factory=dict, init=False)

    def matches(self, rule: Filter) -> bool:
        """Tell whether the filter is true of the customer."""
        compiled, moments = _filter(rule.lowered, rule.schema.currency, self.question.past)
        return compiled.matches(self, resolved(moments, rule.schema, self.question.as_of))

    def value(self, shown: Shown) -> Any:
        """Return a value of the customer, None where it is missing; a ratio as an exact Fraction."""
        schema = self.question.filter.schema
        compiled, moments = _value(shown, schema.currency, self.question.past)
        return compiled.of(self, resolved(moments, schema, self.question.as_of))

    def again(self) -> Facts:
        """Return the same customer's facts as they are by now."""
        customer = self._reader.get(Customer, self.customer.id)
        return Facts(customer or self.customer, self.question, self._reader)

    def records(self, record: type) -> Collection[Any]:
        """Return the customer's records of this class; those with records of their own know these facts."""
        if record not in self._known:
            found: list[Any] = list(self._reader.find(record, {"customer_id": self.customer.id}))
            self._known[record] = [_Parent(each, self) for each in found] if record in _PARENTS else found
        return self._known[record]

    def by_key(self, record: type) -> Mapping[tuple[Any, ...], Any]:
        """Return the customer's records of this class by their keys."""
        if record not in self._by_key:
            key = tuple_reader(record, declaration(record).key)
            self._by_key[record] = {key(each): each for each in self.records(record)}
        return self._by_key[record]


@frozen(eq=False)
class _Parent:
    """A record that passes for itself, and knows the other facts about its customer."""

    _record: Any
    _facts: Facts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._record, name)

    def beside(self, record: type) -> Collection[Any]:
        return self._facts.records(record)

    def owner(self, record: type, key: tuple[Any, ...]) -> Any | None:
        return self._facts.by_key(record).get(key)


_PARENTS: Final = frozenset(words.record for words in COLLECTIONS.values() if words.nested or words.owner)
"""Records with others within them, and those that show columns of the one they belong to."""


def facts(records: Reader, customer_id: str, question: Question) -> Facts | None:
    """Return what the store knows of one customer, None when there is no such customer."""
    customer = records.get(Customer, customer_id)
    return None if customer is None else Facts(customer, question, records)


def explain(records: Reader, question: Question, customer_id: str) -> Explanation:
    """Tell which conditions of the question's filter are true of the customer, and what decided; NotFound when unknown."""
    from custcrm.filters.tools.explain import explain as explain_row

    row = facts(records, customer_id, question)
    if row is None:
        raise NotFound("no customer has this id")
    asked, rows = question.filter, access(_of_one(past=question.past))
    return explain_row(asked.schema, asked.node, row, rows, scope=asked.scope, as_of=question.as_of)


def _own(column: str) -> Read:
    # Day and month may be all that is known of a date, so it is read as it is.
    is_date = declaration(Customer).column(column).kind == "date"
    read = attrgetter(column) if is_date else reader(Customer, column)
    return lambda row: read(row.customer)


def _of_one(*, past: bool) -> Sight:
    return Sight(
        own=_own,
        facts=lambda record: lambda row: row.records(record),
        beside=lambda record: lambda parent: parent.beside(record),
        owner=lambda record: lambda part, key: part.owner(record, key),
        as_of=lambda row: row.question.as_of,
        past=past,
    )


@lru_cache(REMEMBERED)
def _filter(condition: Condition, currency: str | None, past: bool) -> tuple[CompiledFilter, tuple[Moment, ...]]:
    return compile_filter(condition, access(_of_one(past=past)), currency=currency), moments_in(condition)


@lru_cache(REMEMBERED)
def _value(shown: Shown, currency: str | None, past: bool) -> tuple[CompiledValue, tuple[Moment, ...]]:
    return compile_value(shown, access(_of_one(past=past)), currency=currency), moments_in(shown)
