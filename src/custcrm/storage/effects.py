"""What an action writes for each of its customers, as data: `Template` is a record to add, `Change` one to change.

Each column gets a source: a constant (`Given`), a value of the customer (`Of`), the customer's id, a new id, a text made in
Python. SQL stores compile an effect to one statement for a `Slice` of the targets; the memory store and the single call run
the same effect by `build` and `changed`, one customer at a time, so that an action means the same everywhere:

    Template(record=PointsEntry, values={"customer_id": CustomerKey(), "id": NewId(0), "delta": Given(500), ...})
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from attrs import field, frozen

from custcrm.filters import Schema
from custcrm.filters.ir.nodes import Shown
from custcrm.records.codec import encoder, from_columns
from custcrm.records.declaration import bounds_of, declaration
from custcrm.storage.questions import Verdict
from custcrm.values.errors import Reason

OVER_LIMIT: Final = 1 << 40
"""Targets refused because the limit was reached are numbered -(OVER_LIMIT + n), apart from those a rule refused."""


# where a column's value comes from ------------------------------------------------------------------


@frozen
class Given:
    """The same value for all: as the record has it (a StrEnum's text, an aware datetime, an int …)."""

    value: Any = field(eq=lambda value: (type(value), value))


@frozen
class Of:
    """A value of the customer, asked when the row is written (after the effects before it)."""

    value: Shown


@frozen
class CustomerKey:
    """The customer's id."""


@frozen
class NewId:
    """The id of the row that effect number `effect` writes: `values.ids.numbered(applied id, effect, target number)`."""

    effect: int


@frozen
class Staged:
    """What `stage` put under this name for the target's number: a text made in Python, such as a coupon's code."""

    name: str


@frozen
class TargetReason:
    """The reason that refused the target; missing for the eligible."""


Source: TypeAlias = Given | Of | CustomerKey | NewId | Staged | TargetReason


@frozen(kw_only=True)
class Template:
    """A record to write for each target: a source per column (columns left out are missing).

    `verdict`: rules of the effect's own; where one refuses, this record is not written. `reasons`: instead of the eligible
    targets, write for those refused for one of these reasons: when the targets are frozen for all of the apply, or with
    `in_turn` batch by batch, for those of the slice whom a rule has refused since.
    """

    record: type
    values: Mapping[str, Source] = field(hash=False)
    verdict: Verdict = Verdict()
    reasons: tuple[Reason, ...] = ()
    in_turn: bool = False


@frozen(kw_only=True)
class Change:
    """A change to the records of each target that have `match`: column → value (None: is missing) at the time of writing.

    `verdict`: rules of the effect's own; where one refuses, nothing is changed. `current`: only records whose time has not
    ended at as_of. `but_new`: not the records that this same apply has written. A template that needs the record as it was
    comes before the change.
    """

    record: type
    match: Mapping[str, Any] = field(hash=False)
    values: Mapping[str, Source] = field(hash=False)
    verdict: Verdict = Verdict()
    current: bool = False
    but_new: bool = False


Effect: TypeAlias = Template | Change


@frozen
class Slice:
    """The targets first…last (both in) of one apply, and the instant and the schema by which their values are asked."""

    applied_id: str
    first: int
    last: int
    as_of: datetime
    schema: Schema


def build(
    values: Mapping[str, Source],
    *,
    customer_id: str,
    applied_id: str,
    number: int,
    shown: Mapping[Shown, Any],
    staged: Mapping[str, Any],
    reason: str | None = None,
) -> dict[str, Any]:
    """Return the columns of one customer: what the SQL stores compile, for one row in Python."""
    from custcrm.values.ids import numbered

    def value(source: Source) -> Any:
        match source:
            case Given(given):
                return given
            case Of(wanted):
                return shown[wanted]
            case CustomerKey():
                return customer_id
            case NewId(effect):
                return numbered(applied_id, effect, abs(number))
            case Staged(name):
                return staged[name]
            case TargetReason():
                return reason

    return {column: value(source) for column, source in values.items()}


def matching(change: Change, customer_id: str) -> Mapping[str, Any]:
    """Return what the columns equal of the customer's records that a change may be for, as `Reader.find` takes it."""
    return {declaration(change.record).owner: customer_id, **change.match}


def changed(
    change: Change, records: Iterable[Any], values: Mapping[str, Any], *, as_of: datetime, applied_id: str
) -> Iterator[Any]:
    """Yield those of the matching records that the change is for, as they become: `values` are the columns that it gives."""
    about, encode = declaration(change.record), encoder(change.record)
    for record in records:
        if change.current and bounds_of(change.record).has_ended(record, as_of):
            continue
        if change.but_new and record.applied_id == applied_id:
            continue
        yield from_columns(change.record, {**dict(zip(about.names, encode(record), strict=True)), **values})


def customer_values(sources: Mapping[str, Source]) -> Sequence[Shown]:
    """Return the values of the customer that the sources ask for, each once."""
    return tuple(dict.fromkeys(source.value for source in sources.values() if isinstance(source, Of)))
