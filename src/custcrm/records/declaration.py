"""The declaration of a record: one frozen attrs class from which tables, fields, CSV columns and JSON follow.

`record` stands over `attrs.frozen` and leaves the class as it is; `declaration(cls)` gives what follows from it. Types,
nullability and allowed values come from the annotations, the rest from marks: PERSONAL, INTERNAL, FOLDED, Ref, Words, Label.

    @record("tags", key="customer_id id", index=("customer_id key since",))
    @frozen(kw_only=True)
    class TagAssignment:
        customer_id: CustomerId
        id: str
        key: str
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import Enum, StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

import attrs
from attrs import frozen

from custcrm.values.birthdays import YearlessDate
from custcrm.values.money import Money

R = TypeVar("R")


class Mark(Enum):
    """What a column's content is, beside its type."""

    PERSONAL = "personal"
    """Tells who somebody is: kept out of reprs, logs and errors, and cleared by erasure."""
    INTERNAL = "internal"
    """For staff: never in a template, a customer's view or an export for customers."""
    FOLDED = "folded"
    """A text of any script that filters may ask for without case and accents: see `Declaration.copies`."""


PERSONAL: Final = Mark.PERSONAL
INTERNAL: Final = Mark.INTERNAL
FOLDED: Final = Mark.FOLDED


@frozen
class Ref:
    """The column names a record of another table by its key, or is one of the `words` that stand in its place.

    Channels are in no table: some are always known, others are those that the store is opened with.
    """

    table: str
    words: tuple[str, ...] = ()


@frozen
class Words:
    """The column is one of these words, which custcrm writes itself; a word that callers give is an enum's."""

    words: tuple[str, ...]


@frozen
class Label:
    """The column's name for people."""

    text: str


CHANNELS: Final = "channels"
"""What a column names that is by a channel."""

CustomerId: TypeAlias = Annotated[str, Ref("customers")]
"""A customer's id, a canonical UUIDv7."""

Kind: TypeAlias = Literal["text", "integer", "boolean", "date", "instant", "json"]


_KINDS: Final[Mapping[Any, Kind]] = {
    str: "text", int: "integer", bool: "boolean", date: "date", datetime: "instant", Mapping: "json",
}


@frozen
class Column:
    """One column of a record's table. `source` is the path from the record to its value: `("total", "minor")`.

    `values` are those of an enum, without which a row cannot be read. `words` are all that there are, or, where the column has
    a `ref`, those that stand in its place.
    """

    name: str
    kind: Kind
    source: tuple[str, ...]
    nullable: bool = False
    values: tuple[str, ...] = ()
    personal: bool = False
    internal: bool = False
    folded: bool = False
    ref: str | None = None
    words: tuple[str, ...] = ()
    label: str = ""


@frozen
class Copy:
    """A column that a store of tables keeps beside a text, to find it folded; no part of the record.

    `whole`: it holds the text without case, for an index. Else it holds all its folds, where the engine cannot tell them.
    """

    name: str
    of: str
    whole: bool = False


@frozen
class Counter:
    """A guarded count: `used` may not pass `limit` (a column; missing: unlimited). Changed by `reserve` alone."""

    used: str
    limit: str


@frozen
class Bounds:
    """The columns that bound the time in which a record is in force: `since`, and `until`, from which instant on no more.

    Where `until` is missing the record has no end yet. A record without such a column is in force until a later one of its
    kind is: of the access to a program, the last change that had happened tells.
    """

    since: str
    until: str | None = None

    def is_in_force(self, record: Any, at: datetime) -> bool:
        """Tell whether the record holds at an instant: since <= at < until."""
        begun: bool = getattr(record, self.since) <= at
        until = getattr(record, self.until) if self.until else None  # not by has_ended: this is asked for each row
        return begun and (until is None or at < until)

    def has_ended(self, record: Any, at: datetime) -> bool:
        """Tell whether the record's time is over at an instant: until <= at."""
        until = getattr(record, self.until) if self.until else None
        return until is not None and until <= at


@frozen(kw_only=True)
class Declaration:
    """What follows from one record class: see the arguments of `record`."""

    record: type
    table: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    unique: tuple[tuple[str, ...], ...] = ()
    one_open: tuple[str, ...] = ()
    index: tuple[tuple[str, ...], ...] = ()
    sparse: tuple[str, ...] = ()
    caseless: tuple[str, ...] = ()
    moments: Mapping[str, str] = attrs.field(factory=dict, hash=False)
    counter: Counter | None = None
    bounds: Bounds | None = None
    secret: bool = False

    def column(self, name: str) -> Column:
        """Return the column of that name; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.table} has no column {name!r}")

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def copies(self) -> tuple[Copy, ...]:
        """The columns that a store of tables keeps beside the texts that are FOLDED. All other texts are of ASCII."""
        folds = (Copy(f"{column.name}_folds", column.name) for column in self.columns if column.folded)
        return (*(Copy(copy, name, whole=True) for copy, name in self.without_case.items()), *folds)

    @property
    def without_case(self) -> Mapping[str, str]:
        """The caseless texts by the names of their copies, by which a store finds them too."""
        return {f"{name}_folded": name for name in self.caseless}

    @property
    def owner(self) -> str:
        """The column that holds the customer's id, of a customer and of a fact about one: the first of the key."""
        return self.key[0]

    @property
    def of_customer(self) -> bool:
        """Whether the record is a fact about one customer, kept beside the customer's other facts."""
        return self.key[0] == "customer_id"


def record(
    table: str,
    *,
    key: str,
    unique: tuple[str, ...] = (),
    one_open: str = "",
    index: tuple[str, ...] = (),
    sparse: tuple[str, ...] = (),
    caseless: tuple[str, ...] = (),
    moments: Mapping[str, str] | None = None,
    counter: Counter | None = None,
    in_force: str = "",
    shown: str = "",
    secret: bool = False,
) -> Callable[[type[R]], type[R]]:
    """Declare a frozen attrs class as a record of `table`.

    `key`, and each of `unique` and `index`, are column names separated by spaces. `unique` holds where all its columns are
    present. `sparse` are columns that few records have, which are found by them. `caseless` are texts looked up without case
    among many, and have an index for it. `one_open` are columns whose values only one record may have that has no `until`
    yet. `moments` names the instants by which the record appears in the feed, and as what. `in_force` are the columns that
    bound its time: see `Bounds`. `shown` are the columns that its repr has beside the key: nothing personal. A `secret` key,
    which is worth something to whoever knows it, is not shown.
    """

    def declare(cls: type[R]) -> type[R]:
        cls.__record__ = lambda: Declaration(  # type: ignore[attr-defined]
            record=cls,
            table=table,
            key=tuple(key.split()),
            columns=_columns(cls),
            unique=tuple(tuple(each.split()) for each in unique),
            one_open=tuple(one_open.split()),
            index=tuple(tuple(each.split()) for each in index),
            sparse=sparse,
            caseless=caseless,
            moments=dict(moments or {}),
            counter=counter,
            bounds=Bounds(*in_force.split()) if in_force else None,
            secret=secret,
        )
        cls.__repr__ = _repr(() if secret else tuple(key.split()), tuple(shown.split()))  # type: ignore[method-assign]
        return cls

    return declare


def _repr(key: tuple[str, ...], shown: tuple[str, ...]) -> Callable[[object], str]:
    """Return a repr of ids and what is not personal; the customer's own id goes without saying."""
    names = (*(name for name in key if name != "customer_id" or len(key) == 1), *shown)
    return lambda self: f"<{type(self).__name__} {' '.join(str(getattr(self, name)) for name in names)}>"


def declaration(cls: type) -> Declaration:
    """Return the declaration of a record class; TypeError when it is none."""
    return _declared(cls)


def bounds_of(cls: type) -> Bounds:
    """Return what bounds the time of such a record; TypeError when nothing does."""
    found = declaration(cls).bounds
    if found is None:
        raise TypeError(f"{cls.__name__} does not say since when it is in force")
    return found


def is_in_force(record: Any, at: datetime) -> bool:
    """Tell whether the record holds at an instant: a tag that is set, and not taken away again."""
    return bounds_of(type(record)).is_in_force(record, at)


@cache
def _declared(cls: type) -> Declaration:
    made = getattr(cls, "__record__", None)
    if made is None:
        raise TypeError(f"{cls.__name__} is not a record")
    result = made()
    named = (result.key, *result.unique, *result.index, result.one_open, result.sparse, result.caseless)
    missing = {name for names in named for name in names} - set(result.names)
    if missing:
        raise TypeError(f"{cls.__name__} declares columns that it has not: {', '.join(sorted(missing))}")
    return result  # type: ignore[no-any-return]


def _columns(cls: type) -> tuple[Column, ...]:
    hints = get_type_hints(cls, include_extras=True)
    return tuple(column for name in (each.name for each in attrs.fields(cls)) for column in _columns_of(name, hints[name]))


def _columns_of(name: str, hint: Any) -> tuple[Column, ...]:
    """Return the columns of one attribute: one, or two for a value of fixed shape."""
    nullable, marks, bare = _read_annotation(hint)
    about: dict[str, Any] = {
        "nullable": nullable,
        "personal": PERSONAL in marks,
        "internal": INTERNAL in marks,
        "folded": FOLDED in marks,
        "ref": next((mark.table for mark in marks if isinstance(mark, Ref)), None),
        "words": next((mark.words for mark in marks if isinstance(mark, Ref | Words)), ()),
        "label": next((mark.text for mark in marks if isinstance(mark, Label)), ""),
    }
    if bare is Money:
        return (
            Column(name, "integer", (name, "minor"), **about),
            Column(f"{name}_currency", "text", (name, "currency"), nullable=nullable),
        )
    if bare == (date, YearlessDate):
        about["nullable"] = True
        return (Column(name, "date", (name,), **about), Column(f"{name}_month_day", "integer", (name,), **about))
    if isinstance(bare, type) and issubclass(bare, StrEnum):
        return (Column(name, "text", (name,), values=tuple(member.value for member in bare), **about),)
    kind = _KINDS.get(get_origin(bare) or bare)
    if kind is None:
        raise TypeError(f"a record cannot keep {bare!r} in {name!r}")
    return (Column(name, kind, (name,), **about),)


def _read_annotation(hint: Any) -> tuple[bool, tuple[Any, ...], Any]:
    """Return nullability, marks and the bare type of an annotation; a union of dates stays a tuple."""
    marks: tuple[Any, ...] = ()
    while get_origin(hint) is Annotated:
        hint, *more = get_args(hint)
        marks += tuple(more)
    if get_origin(hint) not in (Union, UnionType):
        return False, marks, hint
    kinds = [each for each in get_args(hint) if each is not NoneType]
    nullable = len(kinds) < len(get_args(hint))
    if len(kinds) > 1:
        return nullable, marks, tuple(kinds)
    _, more_marks, bare = _read_annotation(kinds[0])
    return nullable, marks + more_marks, bare
