"""What happened with a customer and has no record of its own, and what is to be done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from attrs import Factory, frozen

from custcrm.records.declaration import FOLDED, INTERNAL, PERSONAL, CustomerId, Ref, Words, record

ACCOUNT_CHANGED: Final = "account_changed"
"""The kind of the activity that keeps what a customer's fields were, and are."""

REMOVED: Final = "inbox_message_removed"
"""The kind of the activity that keeps who removed an inbox message, and why."""


class CallStatus(StrEnum):
    """What became of a phone call."""

    CALLED = "called"
    NO_ANSWER = "no_answer"
    LEFT_VOICEMAIL = "left_voicemail"
    SPOKE = "spoke"

    @property
    def label(self) -> str:
        """The text that people see."""
        return CALL_LABELS[self]


CALL_LABELS: Final[Mapping[CallStatus, str]] = {
    CallStatus.CALLED: "You have called them",
    CallStatus.NO_ANSWER: "No answer",
    CallStatus.LEFT_VOICEMAIL: "Left a voicemail",
    CallStatus.SPOKE: "You spoke to them",
}


class JobStatus(StrEnum):
    """How far a job is that we do for a customer."""

    BOOKED = "booked"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@record(
    "activities",
    key="customer_id id",
    index=("customer_id kind occurred_at",),
    moments={"occurred_at": "activity"},
    shown="kind",
)
@frozen(kw_only=True)
class Activity:
    """A call, visit, note, job or field change; internal unless it says otherwise."""

    customer_id: CustomerId
    id: str
    kind: Annotated[str, Words(("phone_call", "visit", "job", ACCOUNT_CHANGED, REMOVED))]
    occurred_at: datetime
    recorded_at: datetime
    status: CallStatus | None = None
    job_status: JobStatus | None = None
    direction: Annotated[str | None, Words(("outbound",))] = None
    channel: Annotated[str | None, Words(("phone",))] = None
    source: Annotated[str, Words(("manual", "import"))] = "manual"
    visibility: Annotated[str, Words(("internal",))] = "internal"
    summary: Annotated[str, PERSONAL, INTERNAL] = ""
    agreed: Annotated[str, PERSONAL, INTERNAL] = ""
    point_of_sale: Annotated[str | None, Ref("points_of_sale"), FOLDED] = None
    terminal: Annotated[str | None, Ref("terminals"), FOLDED] = None
    program: Annotated[str | None, Ref("programs"), FOLDED] = None
    actor: Annotated[str, INTERNAL] = ""
    payload: Annotated[Mapping[str, Any], PERSONAL, INTERNAL] = Factory(dict)


@record("tasks", key="customer_id id", index=("assignee due_at",), moments={"created_at": "task"})
@frozen(kw_only=True)
class Task:
    """Something to do for a customer."""

    customer_id: CustomerId
    id: str
    subject: Annotated[str, PERSONAL, INTERNAL]
    due_at: datetime | None = None
    remind_at: datetime | None = None
    assignee: Annotated[str, INTERNAL] = ""
    done_at: datetime | None = None
    cancelled_at: datetime | None = None
    created_at: datetime
    actor: Annotated[str, INTERNAL] = ""
