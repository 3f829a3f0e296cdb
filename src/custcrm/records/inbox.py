"""What customers find in their inbox, in the app or the web shop, and where they opened it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from attrs import frozen

from custcrm.records.declaration import CHANNELS, INTERNAL, PERSONAL, CustomerId, Ref, record

APP: Final = "app"

READING: Final = (APP, "web_ordering")
"""Surfaces on which opening a message is reading it; elsewhere it has only been seen."""


class InboxStatus(StrEnum):
    """What a message of the inbox is, at some instant; derived, never kept."""

    NEW = "New"
    READ = "Read"
    EXPIRED = "Expired"


class OfferStatus(StrEnum):
    """What an offer is, at some instant; derived, never kept."""

    NEW = "New"
    READ = "Read"
    REDEEMED = "Redeemed"
    REMOVED = "Removed"
    EXPIRED = "Expired"


@record(
    "inbox_messages",
    key="customer_id id",
    index=("customer_id distributed_at", "applied_id"),
    moments={"distributed_at": "inbox_message"},
)
@frozen(kw_only=True)
class InboxMessage:
    """A message in a customer's inbox from `distributed_at` until just before `ends_at`; kept for ever."""

    customer_id: CustomerId
    id: str
    title: Annotated[str, PERSONAL]
    short_description: Annotated[str, PERSONAL] = ""
    text: Annotated[str, PERSONAL] = ""
    distributed_at: datetime
    ends_at: datetime | None = None
    removed_at: datetime | None = None
    actor: Annotated[str, INTERNAL] = ""
    applied_id: str | None = None


@record(
    "openings",
    key="customer_id id",
    index=("customer_id subject opened_at",),
    moments={"opened_at": "opened"},
    shown="surface",
)
@frozen(kw_only=True)
class Opening:
    """A customer opened a message or an offer on a surface: `subject` is the id of the inbox message or coupon."""

    customer_id: CustomerId
    id: str
    subject: str
    surface: Annotated[str, Ref(CHANNELS, READING)]
    opened_at: datetime
