"""The business that asks and acts: its store, clock, currency, time zone and country, and the words of its filters.

What every part of the facade shares, and no rule. The name to know is `Business`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, tzinfo
from functools import lru_cache
from threading import Lock
from typing import Any, Final, TypeAlias, TypeVar

from attrs import Attribute, evolve, field, frozen

from custcrm import vocabulary
from custcrm.filters import Expression, Filter, FilterError, Schema
from custcrm.filters.checking.expanding import expand
from custcrm.filters.filter import asked_about
from custcrm.filters.ir.nodes import Shown
from custcrm.filters.lowering.conditions import lower_value
from custcrm.filters.syntax import nodes as s
from custcrm.records import Customer, Program, SavedSegment, Setting
from custcrm.storage import forks
from custcrm.storage.protocol import Reader, Store, Writer
from custcrm.storage.questions import Question
from custcrm.storage.transacting import transact
from custcrm.values import money, periods
from custcrm.values.clock import Clock, read_clock
from custcrm.values.errors import Conflict, Malformed, NotFound
from custcrm.values.identifiers import identifier
from custcrm.values.ids import IdSource
from custcrm.values.phones import Phone, Phones, phone
from custcrm.values.shapes import several, whole_number
from custcrm.values.spelling import nearest
from custcrm.values.texts import checked

R = TypeVar("R")

DEFAULTS: Final = {"currency": "EUR", "timezone": "UTC"}
ACTOR_LIMIT: Final = 200
"""Characters that name who acts."""

BATCH: Final = 20_000
"""Targets of one transaction: large enough for set-based speed, small enough to show progress and to let others write."""

LARGEST_BATCH: Final = 1_000_000

CustomerRef: TypeAlias = Customer | str
"""A customer as callers give one: the record, or the id."""
Timed: TypeAlias = tuple[Filter, datetime | None]
"""A filter and the time that it asks at, None for now."""


@frozen(eq=False)
class SavedSegments:
    """Finds the filter of a saved segment by its name; iterating gives the names. Pickled they are those of now."""

    _store: Store

    def __call__(self, name: str) -> str | None:
        """Return the filter's text, None where there is no such segment."""
        with self._store.read() as reader:
            segment = reader.get(SavedSegment, name)
        return segment.filter if segment else None

    def __iter__(self) -> Iterator[str]:
        with self._store.read() as reader:
            return iter([each.name for each in reader.find(SavedSegment)])

    def __reduce__(self) -> tuple[Any, ...]:
        with self._store.read() as reader:
            return dict, ({each.name: each.filter for each in reader.find(SavedSegment)},)


class Words:
    """The filter schema of one store, made anew when its programs change; shared by all faces of the store."""

    def __init__(self, store: Store, currency: str, timezone: str) -> None:
        self._store = store
        self._make = lru_cache(maxsize=8)(
            lambda programs: vocabulary.schema(
                currency=currency, timezone=timezone, programs=programs, segments=SavedSegments(store)
            )
        )
        self._lock = Lock()
        self._programs: tuple[str, ...] | None = None
        forks.watch(self, child=Words._begin_anew)

    def _begin_anew(self) -> None:
        self._lock = Lock()

    @property
    def schema(self) -> Schema:
        """The schema for the programs as last looked at."""
        with self._lock:
            programs = self._programs
        if programs is None:
            programs = self._look()
        with self._lock:
            return self._make(programs)

    def knows(self, program: str) -> bool:
        """Tell whether the program was there when last looked at."""
        return program in (self._programs or ())

    def forget(self) -> None:
        """Look again which programs there are when that is asked next."""
        with self._lock:
            self._programs = None

    def refresh(self) -> bool:
        """Look again which programs there are; tell whether that changed."""
        before = self._programs
        return self._look() != before

    def _look(self) -> tuple[str, ...]:
        with self._store.read() as reader:
            programs = tuple(program.name for program in reader.find(Program))
        with self._lock:
            self._programs = programs
        return programs


@frozen(kw_only=True, repr=False)
class Business:
    """One store with the settings it was made with, and who acts on it now.

    `batch` is the number of customers that a bulk apply writes in one transaction.
    """

    store: Store = field(repr=False)
    clock: Clock = field(repr=False)
    ids: IdSource = field(repr=False)
    random_bits: Callable[[int], int] = field(repr=False)
    words: Words = field(repr=False)
    currency: str
    zone: tzinfo
    country: str | None = None
    phones: Phones = "valid"
    channels: Mapping[str, Any] = field(factory=dict, repr=False)
    actor: str = field(default="", repr=False)
    program: str | None = None
    terminal: str | None = None
    batch: int = field(default=BATCH, repr=False)

    @batch.validator
    def _check_batch(self, _: Attribute[int], value: int) -> None:
        whole_number(value, 1, LARGEST_BATCH, field="batch")

    def __repr__(self) -> str:
        return f"<Business {self.store.describe()} {self.currency}>"

    @property
    def schema(self) -> Schema:
        """The words that filters may use."""
        return self.words.schema

    def now(self) -> datetime:
        """Return the instant by the clock, in UTC; the only place where it is read."""
        return read_clock(self.clock)

    def acting_as(self, actor: str, program: str | None, terminal: str | None) -> Business:
        """Return the same business with somebody else acting."""
        checked(actor, field="actor", limit=ACTOR_LIMIT)
        place = self.program if program is None else self.known(Program, program, "program").name
        till = self.terminal if terminal is None else identifier(terminal, field="terminal")
        return evolve(self, actor=actor, program=place, terminal=till)

    def instant(self, value: periods.When | None, *, field: str) -> datetime | None:
        """Read when something begins or happens: of a day its first instant; None stays None."""
        return None if value is None else periods.instant(value, self.zone, field=field)

    def ending(self, value: periods.When | None, *, field: str) -> datetime | None:
        """Read the first instant after something: a day is in it; None stays None."""
        return None if value is None else periods.ending(value, self.zone, field=field)

    def asked_at(self, as_of: periods.When | None) -> datetime | None:
        """Read the instant that a question is asked about, of a day its last, in the years 1900 to 2200; None stays None."""
        return None if as_of is None else asked_about(self.schema, as_of)

    def amount(self, value: Any, *, field: str = "amount") -> money.Money:
        """Read an amount in the business's currency."""
        amount = money.parse_amount(value, self.currency, field=field)
        if amount.currency != self.currency:
            raise Malformed(f"{field} is in {amount.currency}; this store keeps {self.currency}", field=field)
        return amount

    def phone(self, value: object, country: str | None = None) -> Phone:
        """Read a phone number: without + it is one of the customer's own country, else of the store's."""
        return phone(value, country or self.country, phones=self.phones)

    def parse(self, text: str, values: Mapping[str, Any] | None = None) -> Filter:
        """Read a filter."""
        return self._read(lambda: self.schema.parse(text, values))

    def parse_saved(self, asked: str | Filter, what: str, *, field: str | None = None) -> Filter:
        """Read a filter that is saved as text; Malformed where no text says it."""
        parsed = self.parse(asked) if isinstance(asked, str) else self.adopt(asked)
        if parsed.scope:
            raise Malformed(f"{what} is saved as text, which cannot say this filter's scope", field=field)
        return parsed

    def parse_value(self, text: str) -> Expression:
        """Read a value, for a column or a sort key."""
        return self._read(lambda: self.schema.parse_value(text))

    def _read(self, read: Callable[[], R]) -> R:
        """Read a text; programs that others have added meanwhile are looked up before one is called unknown."""
        try:
            return read()
        except FilterError as error:
            if error.kind != "unknown_value" or not self.words.refresh():
                raise
            return read()

    def shown(self, node: s.Node) -> Shown:
        """Return what a store is asked for to show a value of the customer."""
        return lower_value(self.schema, expand(self.schema, node))

    def adopt(self, asked: Filter) -> Filter:
        """Return the filter over the schema as it is now, so that filters of different days combine."""
        if not isinstance(asked, Filter):
            raise Malformed(f"a filter is a text or a Filter, not {type(asked).__name__}", field="filter")
        current = self.schema
        if asked.schema is current:
            return asked.fresh()
        return evolve(Filter.of(current, asked.node), scope=asked.scope)

    def question(self, asked: Filter, as_of: datetime | None = None) -> Question:
        """Return the question asked at `as_of`, or now."""
        return Question(asked.fresh(), self.now() if as_of is None else as_of, as_of is not None)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Open a view of the store."""
        with self.store.read() as reader:
            yield reader

    def transact(self, work: Callable[[Writer], R]) -> R:
        """Do the work in a transaction and return what it returns: see `storage.transacting`."""
        return transact(self.store, work, random_bits=self.random_bits)

    def everyone(self) -> Filter:
        """Return the filter of all customers."""
        return Filter(self.schema, s.TRUE)

    def known(self, record: type[R], name: str, what: str) -> R:
        """Return the program, point of sale … of that name; NotFound with near names otherwise."""
        name = identifier(name, field=what.removeprefix("coupon ").replace(" ", "_"))
        with self.store.read() as reader:
            found = reader.get(record, name)
            if found is not None:
                if record is Program and not self.words.knows(name):
                    self.words.refresh()
                return found
            names = [each.name for each in reader.find(record)]  # type: ignore[attr-defined]
        raise NotFound(f"no {what} {name!r}", suggestions=nearest(name, names))


    def existing(self, customer: CustomerRef) -> Customer:
        """Return the customer's record as it is now; NotFound when there is none."""
        with self.reading() as reader:
            found = reader.get(Customer, customer_id(customer))
        if found is None:
            raise NotFound("no customer has this id")
        return found


def hold_customer(writer: Writer, customer_id: str) -> Customer:
    """Return the customer, held until the transaction ends; NotFound when there is none."""
    held = writer.hold(Customer, customer_id)
    if held is None:
        raise NotFound("no customer has this id")
    return held


def among(like: Filter, customers: Iterable[CustomerRef]) -> Filter:
    """Return the filter that gives exactly these customers, over the same schema."""
    ids = sorted({customer_id(each) for each in several(customers, field="customers")})
    return Filter(like.schema, s.In(s.Field(("id",)), s.Listed(s.Literal(each) for each in ids)))


def common_time(one: Timed, other: Timed) -> datetime | None:
    """Return when two filters, each with the time it asks at (None: now), are asked as one; Malformed where they differ.

    One that looks at nothing but ids (frozen customers, everyone) is the same at any time, so that of the other counts.
    """
    (first, at), (second, then) = one, other
    free = [asked.reads() <= {"id"} for asked in (first, second)] if at != then else [False, False]
    if at == then or free == [False, True] or (all(free) and then is None):
        return at
    if free == [True, False] or (all(free) and at is None):
        return then
    raise Malformed("the selections ask at different times; freeze() one of them first", field="as_of")


def customer_id(customer: CustomerRef) -> str:
    """Return the id of a customer given as record or id."""
    if isinstance(customer, Customer):
        return customer.id
    if isinstance(customer, str):
        return identifier(customer, field="customer")
    raise Malformed(f"a customer is given as a record or an id, not {type(customer).__name__}", field="customer")


def settle(store: Store, given: Mapping[str, str | None]) -> Mapping[str, str | None]:
    """Keep the settings of a new store, or return those it was made with; Conflict where a given one differs.

    Of two that open a new store with different ones, one is first, and the other gets the Conflict. A store that holds
    something already is not taken for one of the defaults where its currency was lost: Conflict, until it is given.
    """
    wanted = {name: value or DEFAULTS.get(name) for name, value in given.items()}
    with store.read() as reader:
        kept = _settings(reader, given)
        is_lost = "currency" not in kept and given.get("currency") is None
        if is_lost and any(reader.count_records(record) for record in (Program, Customer)):
            raise Conflict("the store's settings are lost; open it with the currency and time zone that it was made with")
    if any(value and name not in kept for name, value in wanted.items()):
        with store.write() as writer:
            writer.claim("settings", list(wanted))
            kept = _settings(writer, given)
            fresh = {name: value for name, value in wanted.items() if value and name not in kept}
            writer.add(Setting(name=name, value=value) for name, value in fresh.items())
        kept |= fresh
    return {name: kept.get(name) for name in given}


def _settings(reader: Reader, given: Mapping[str, str | None]) -> dict[str, str]:
    """Return the settings that are kept; Conflict where a given one differs."""
    kept = {each.name: each.value for each in reader.find(Setting)}
    for name, value in given.items():
        if value is not None and kept.get(name, value) != value:
            raise Conflict(f"this store was made with {name} {kept[name]!r}; open it without, or with the same")
    return kept
