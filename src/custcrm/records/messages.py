"""Messages on their way to customers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from attrs import frozen

from custcrm.records.customers import PURPOSES
from custcrm.records.declaration import CHANNELS, FOLDED, INTERNAL, PERSONAL, CustomerId, Ref, Words, record
from custcrm.values.money import Money


class MessageStatus(StrEnum):
    """Where a message is on its way; the last five are its end."""

    PLANNED = "planned"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    FAILED = "failed"
    REJECTED = "rejected"


@record(
    "messages",
    key="customer_id id",
    index=("status id", "applied_id"),
    moments={"planned_at": "message"},
    shown="channel status",
)
@frozen(kw_only=True)
class Message:
    """One message to one customer.

    `text` is the template, in which what belongs to the action (points, balance after it, coupon code, amount) is filled from
    columns of that name, and the customer's own values when it is dispatched; then it is the text that was sent. `inbox_id`
    names the inbox message that it tells of. `started_at` is when it was about to be handed to its channel, under the
    `claim`: a receipt of another claim is not this message's any more.
    """

    customer_id: CustomerId
    id: str
    channel: Annotated[str, Ref(CHANNELS), FOLDED]
    purpose: Annotated[str, Words(PURPOSES)]
    sender: Annotated[str | None, Ref("senders"), FOLDED] = None
    text: Annotated[str, PERSONAL]
    status: MessageStatus = MessageStatus.PLANNED
    reason: Annotated[str | None, FOLDED] = None
    points: int | None = None
    balance: int | None = None
    code: str | None = None
    amount: Money | None = None
    inbox_id: str | None = None
    planned_at: datetime
    claim: Annotated[str | None, INTERNAL] = None
    started_at: datetime | None = None
    sent_at: datetime | None = None
    opened_at: datetime | None = None
    actor: Annotated[str, INTERNAL] = ""
    applied_id: str | None = None
