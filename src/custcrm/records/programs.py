"""Loyalty programs, the places they work at, and who takes part and how far."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from attrs import frozen

from custcrm.records.declaration import CHANNELS, FOLDED, INTERNAL, CustomerId, Ref, Words, record

NEW_CUSTOMERS: Final = "New Customers"
"""The category that everybody starts in."""

API: Final = "api"
"""The virtual terminal of transactions that name none."""

OFF: Final = "off"
"""In the place of a channel: nobody is told."""


class Access(StrEnum):
    """What a member may do in one program."""

    FULL = "full"
    LIMITED = "limited"
    NONE = "none"
    BLACKLISTED = "blacklisted"

    @property
    def label(self) -> str:
        """The text that people see."""
        return ACCESS_LABELS[self]


ACCESS_LABELS: Final[Mapping[Access, str]] = {
    Access.FULL: "Full access: crediting and redemption of bonus points",
    Access.LIMITED: "Limited access: only crediting of bonus points",
    Access.NONE: (
        "No access: awaiting processing of personal data. Crediting and redemption of bonus points are forbidden"
    ),
    Access.BLACKLISTED: "Blacklisted",
}


class Reversal(StrEnum):
    """What becomes of points that a reversal would take and that are spent already."""

    DEBT = "debt"
    FLOOR = "floor"
    REFUSE = "refuse"


class Down(StrEnum):
    """Where a member goes whose tier is no longer kept and whose rule is not met: one tier down, or where the rules say."""

    ONE = "one"
    RULE = "rule"


@record("programs", key="name")
@frozen(kw_only=True)
class Program:
    """A loyalty program. `notifications` is the channel that tells members of transactions, or `off`.

    `reversal` says what becomes of a reversal that is more than the balance; `reversal_grace` is a span that points returned
    by a reversed spend live at least.
    """

    name: str
    title: str = ""
    default_access: Access = Access.FULL
    notifications: Annotated[str, Ref(CHANNELS, (OFF,))] = OFF
    reversal: Reversal = Reversal.DEBT
    reversal_grace: str | None = None
    created_at: datetime


@record("categories", key="program name")
@frozen(kw_only=True)
class Category:
    """A class of members within a program.

    With a `filter` (canonical text) it is a tier: `reclassify` gives it to those who meet the filter, of several the one of
    the highest `rank`. It is kept for at least `keep`, a span or "end of year"; `down` says where who loses it goes.
    """

    program: Annotated[str, Ref("programs")]
    name: str
    filter: str | None = None
    rank: int = 0
    keep: str | None = None
    down: Down = Down.RULE
    created_at: datetime


@record("points_of_sale", key="name")
@frozen(kw_only=True)
class PointOfSale:
    """A shop or site."""

    name: str
    program: Annotated[str | None, Ref("programs")] = None
    created_at: datetime


@record("terminals", key="name")
@frozen(kw_only=True)
class Terminal:
    """A till or device, which stands at a point of sale."""

    name: str
    point_of_sale: Annotated[str, Ref("points_of_sale")]
    created_at: datetime


@record("senders", key="name")
@frozen(kw_only=True)
class Sender:
    """The name that messages come from; `requires_confirmation`: only to those who confirmed that they take part."""

    name: str
    program: Annotated[str | None, Ref("programs")] = None
    requires_confirmation: bool = False
    created_at: datetime


@record("memberships", key="customer_id program", index=("program access customer_id",), shown="access category")
@frozen(kw_only=True)
class Membership:
    """A customer in a program as it stands, with a tier kept before `kept_until`; how it came so is in MembershipChange."""

    customer_id: CustomerId
    program: Annotated[str, Ref("programs")]
    access: Access
    category: Annotated[str, FOLDED] = NEW_CUSTOMERS
    kept_until: datetime | None = None
    joined_at: datetime
    confirmed_at: datetime | None = None
    confirmed_by: Annotated[str | None, INTERNAL] = None


@record(
    "membership_changes",
    key="customer_id id",
    index=("customer_id program occurred_at id access category",),
    moments={"occurred_at": "membership_changed"},
    in_force="occurred_at",
)
@frozen(kw_only=True)
class MembershipChange:
    """A membership as it was from `occurred_at` on: joining, another access, or another category or the same kept longer."""

    customer_id: CustomerId
    id: str
    program: Annotated[str, Ref("programs")]
    change: Annotated[str, Words(("joined", "access", "category"))]
    access: Access
    category: Annotated[str, FOLDED]
    kept_until: datetime | None = None
    occurred_at: datetime
    actor: Annotated[str, INTERNAL] = ""
    reason: Annotated[str, INTERNAL] = ""
    applied_id: str | None = None
