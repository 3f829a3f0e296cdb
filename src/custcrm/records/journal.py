"""What was applied under which key, and to whom: the proof that an action was done once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from attrs import Factory, frozen

from custcrm.records.declaration import INTERNAL, CustomerId, Words, record


@record("applied", key="key", unique=("id",), shown="action done eligible")
@frozen(kw_only=True)
class Applied:
    """One action under one key, for ever. `content` is the hash of what was asked; `done` of `eligible` targets have it.

    `skipped` counts the refused by reason; `refused` of them were eligible until their turn came. `arguments` are as given, so
    that a resume needs nobody to repeat them. `made` names what was made for it, where nothing else tells: the keys by table.
    """

    key: str
    id: str
    action: str
    content: str
    arguments: Annotated[Mapping[str, Any], INTERNAL] = Factory(dict)
    actor: Annotated[str, INTERNAL] = ""
    as_of: datetime
    eligible: int
    done: int
    reserved: int = 0
    refused: int = 0
    skipped: Mapping[str, Any] = Factory(dict)
    made: Mapping[str, Any] = Factory(dict)

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to be done: an apply in several transactions may have been stopped between two."""
        return self.done == self.eligible


@record("targets", key="applied_id number", index=("customer_id applied_id",))
@frozen(kw_only=True)
class Target:
    """One customer of an apply: the eligible are numbered 1 to n, the refused carry a reason and a negative number."""

    applied_id: str
    number: int
    customer_id: CustomerId
    reason: str | None = None


@record("segments", key="name")
@frozen(kw_only=True)
class SavedSegment:
    """A named filter, as canonical text."""

    name: str
    filter: str
    created_at: datetime
    actor: Annotated[str, INTERNAL] = ""


@record("imports", key="id", unique=("key",))
@frozen(kw_only=True)
class Import:
    """One file taken in: what it was, and how many rows met which verdict.

    Under a `key`, `content` is the hash of the file and of how it was read; `done` is the last line whose row is taken in.
    """

    id: str
    kind: Annotated[str, Words(("customers", "sales"))]
    counts: Mapping[str, Any] = Factory(dict)
    key: str | None = None
    content: str = ""
    done: int = 0
    actor: Annotated[str, INTERNAL] = ""
    occurred_at: datetime


@record("settings", key="name")
@frozen(kw_only=True)
class Setting:
    """What the store was opened with for the first time: currency, time zone, country."""

    name: str
    value: str


@record("exports", key="id")
@frozen(kw_only=True)
class Export:
    """Data that left by a file: which columns, how many rows, who and when. Never the data itself."""

    id: str
    kind: Annotated[str, Words(("csv",))]
    columns: Mapping[str, Any] = Factory(dict)
    rows: int
    actor: Annotated[str, INTERNAL] = ""
    occurred_at: datetime
