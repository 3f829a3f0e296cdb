"""The values that a statement gives to a record of each target: constants, ids, what the customer tells, what was staged.

The names to know are `Writing` and `parameters`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import sqlalchemy as sa
from attrs import define, field

from custcrm.filters.ir.moments import resolve
from custcrm.filters.ir.nodes import Choose, Column, Constant, Entry, Shown, Value
from custcrm.filters.targets.sql.phrases import Phrase
from custcrm.filters.targets.sql.source import Element
from custcrm.records.codec import defaults
from custcrm.records.declaration import Copy, declaration
from custcrm.records.journal import Target
from custcrm.storage.effects import CustomerKey, Given, NewId, Of, Slice, Source, Staged, TargetReason, Template
from custcrm.storage.folding import kept_of
from custcrm.storage.sql.questions import Asking, Statement
from custcrm.storage.sql.sources import AS_OF
from custcrm.storage.sql.tables import STAGED, table
from custcrm.storage.sql.types import TEXT, WHOLE, bind_text
from custcrm.values.errors import Reason
from custcrm.values.ids import number_prefix

APPLY: Final = "apply"
"""The parameter that holds the id of the apply; `applied_id` would be a column to set."""

_SOME: Final = Given(None)
_NOTHING: Final = sa.cast(sa.null(), TEXT)


def parameters(statement: Statement, record: type, values: Mapping[str, Source], part: Slice) -> dict[str, Any]:
    """Return what is bound when a statement that gives a record these values is run for a slice."""
    found: dict[str, Any] = {
        APPLY: part.applied_id, "first": max(part.first, 1), "last": part.last, AS_OF: part.as_of,
    }
    for name, source in values.items():
        match source:
            case Given(value):
                found[f"given_{name}"] = value
            case NewId(effect):
                found[f"prefix_{effect}"] = number_prefix(part.applied_id, effect)
            case _:
                pass
    for copy in declaration(record).copies:
        if isinstance(given := values.get(copy.of), Given):
            found[f"given_{copy.name}"] = kept_of(copy, given.value)
    schema = part.schema
    moments = {
        name: resolve(moment, part.as_of, zone=schema.zone, feb29=schema.feb29) for name, moment in statement.needed.items()
    }
    return {**found, **moments}


@define
class Writing:
    """The values of one record, for each target: over the targets joined to their customers and what was staged."""

    asking: Asking
    targets: sa.FromClause = field(factory=lambda: table(Target).alias())
    staged: dict[str, sa.FromClause] = field(factory=dict)

    def cells(self, record: type, name: str, source: Source) -> Iterator[tuple[str, Element]]:
        """Yield a column with the value that a source gives to it, and so the copy that is kept beside it."""
        columns = table(record).c
        yield name, self.value(source, columns[name])
        for copy in declaration(record).copies:
            if copy.of == name:
                yield copy.name, self._copy(copy, source, columns[copy.name])

    def _copy(self, copy: Copy, source: Source, column: sa.Column[Any]) -> Element:
        match source:
            case Given():
                return self.value(source, column)
            case Of(Shown(value=value)) if not copy.whole:
                return self._copy_of(copy, value)
            case Staged(name) if not copy.whole:
                return self._staged(name).c["folds"]
            case CustomerKey() | NewId() | TargetReason() if not copy.whole:  # of ASCII
                return _NOTHING
        raise TypeError(f"{copy.of!r} is kept without case too, and can only be given")

    def _copy_of(self, copy: Copy, value: Value) -> Element:
        match value:
            case Constant(text):
                kept = kept_of(copy, str(text))
                return _NOTHING if kept is None else sa.cast(bind_text(kept), TEXT)
            case Column() | Entry():
                return self.asking.source.copied(value)
            case Choose(condition, then, otherwise):
                rest = None if otherwise is None else self._copy_of(copy, otherwise)
                return sa.case((self.asking.condition(condition), self._copy_of(copy, then)), else_=rest)
        raise TypeError(f"nothing is kept beside a {type(value).__name__} to find it folded")

    def value(self, source: Source, column: sa.Column[Any]) -> Element:
        """Return the value that a source gives to a column."""
        match source:
            case Given():
                return sa.bindparam(f"given_{column.name}", type_=column.type)
            case Of(shown):
                return self.asking.value(shown)
            case CustomerKey():
                return self.targets.c["customer_id"]
            case NewId(effect):
                prefix = sa.bindparam(f"prefix_{effect}", type_=TEXT)
                return prefix.concat(TwelveDigits(sa.func.abs(self.targets.c["number"]), type_=TEXT))
            case Staged(name):
                return self._staged(name).c["value"]
            case TargetReason():
                return self.targets.c["reason"]

    def joined(self) -> sa.FromClause:
        """Return the FROM clause of all values so far."""
        customers = self.asking.source.customers
        found: sa.FromClause = self.targets.join(customers, customers.c["id"] == self.targets.c["customer_id"])
        for name, staged in self.staged.items():
            mine = sa.and_(
                staged.c["applied_id"] == self.targets.c["applied_id"],
                staged.c["name"] == bind_text(name),
                staged.c["number"] == self.targets.c["number"],
            )
            found = found.outerjoin(staged, mine)
        return self.asking.source.joined(found)

    def value_of_owner(self, source: Source, value: Element, owner: sa.ColumnElement[Any]) -> Element:
        """Return a value as a sub-query for the customer whose row is being changed; `owner` is that row's column.

            (SELECT sum(…) FROM custcrm_customers AS c WHERE c.id = custcrm_memberships.customer_id)

        What the customer alone tells (`Of`) leaves the targets out: looking for the one would be looking through the slice.
        """
        if isinstance(source, Of):
            row = sa.select(value).select_from(self.asking.source.joined())
            row = row.where(self.asking.source.customers.c["id"] == owner)
        else:
            row = sa.select(value).select_from(self.joined())
            row = row.where(*slice_of(self.targets, ()), self.targets.c["customer_id"] == owner)
        return row.correlate(owner.table).scalar_subquery()

    def _staged(self, name: str) -> sa.FromClause:
        return self.staged.setdefault(name, STAGED.alias())


class TwelveDigits(Phrase):
    """A number as twelve hexadecimal digits."""

    inherit_cache = True
    sqlite = "printf('%012x', {0})"
    postgresql = "lpad(to_hex({0}), 12, '0')"


def all_sources(template: Template) -> Mapping[str, Source]:
    """Return the source of each column that the template's record gets, its defaults included."""
    standing = {name: Given(value) for name, value in defaults(template.record).items()}
    return {**standing, **template.values}


def forget_constants(values: Mapping[str, Source]) -> Mapping[str, Source]:
    """Return the sources without what they give, which is bound: one statement serves all values."""
    return {name: _SOME if isinstance(source, Given) else source for name, source in values.items()}


def slice_of(
    targets: sa.FromClause, reasons: tuple[Reason, ...], *, in_turn: bool = False
) -> list[sa.ColumnElement[bool]]:
    """Return the conditions for a slice of targets: the eligible, or those refused for these reasons (all unless `in_turn`)."""
    mine = targets.c["applied_id"] == sa.bindparam(APPLY, type_=TEXT)
    first, last = sa.bindparam("first", type_=WHOLE), sa.bindparam("last", type_=WHOLE)
    part = targets.c["number"].between(first, last)
    if not reasons:
        return [mine, part, targets.c["reason"].is_(None)]
    refused = sa.or_(*(targets.c["reason"] == bind_text(reason) for reason in reasons))
    return [mine, refused, part] if in_turn else [mine, refused]
