"""Customer accounts: prepaid money or units, several in each program."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from attrs import frozen

from custcrm.records.declaration import FOLDED, INTERNAL, CustomerId, Label, Ref, Words, record
from custcrm.records.programs import API
from custcrm.values.money import Money


class AccountKind(StrEnum):
    """What an account holds: money, or whole units of goods or of something achieved."""

    MONEY = "money"
    GOODS = "goods"
    ACHIEVEMENT = "achievement"


@record("accounts", key="name", shown="kind")
@frozen(kw_only=True)
class Account:
    """A kind of account that members of a program may have.

    How far below nought it may go: `credit_limit` for money, `credit_units` for units.
    """

    name: str
    program: Annotated[str, Ref("programs")]
    kind: AccountKind = AccountKind.MONEY
    title: str = ""
    unit: str = ""
    credit_limit: Money | None = None
    credit_units: int = 0
    created_at: datetime


@record("customer_accounts", key="customer_id account", in_force="opened_at", shown="program")
@frozen(kw_only=True)
class CustomerAccount:
    """A customer's account: opened by its first entry, or before. Limits of its own stand in the place of the account's."""

    customer_id: CustomerId
    account: Annotated[str, Ref("accounts")]
    program: Annotated[str, Ref("programs")]
    opened_at: Annotated[datetime, Label("Opened")]
    credit_limit: Annotated[Money | None, Label("Credit limit")] = None
    credit_units: Annotated[int | None, Label("Credit limit in units")] = None


@record(
    "account_entries",
    key="customer_id id",
    index=("customer_id account occurred_at amount units", "occurred_at", "applied_id"),
    sparse=("reference",),
    moments={"occurred_at": "account_entry"},
    shown="account kind",
)
@frozen(kw_only=True)
class AccountEntry:
    """One immutable line of an account: `amount` of money or `units`, negative when spent. The balance is their sum.

    `reverses` names the entry that a reversal takes back.
    """

    customer_id: CustomerId
    id: str
    account: Annotated[str, Ref("accounts"), FOLDED]
    program: Annotated[str, Ref("programs"), FOLDED]
    kind: Annotated[str, Words(("replenish", "spend", "adjust", "reverse"))]
    amount: Money | None = None
    units: int | None = None
    occurred_at: datetime
    terminal: Annotated[str, Ref("terminals", (API,)), FOLDED] = API
    point_of_sale: Annotated[str | None, Ref("points_of_sale"), FOLDED] = None
    reference: Annotated[str | None, FOLDED] = None
    reverses: str | None = None
    text: Annotated[str, INTERNAL] = ""
    reason: Annotated[str, INTERNAL] = ""
    actor: Annotated[str, INTERNAL] = ""
    applied_id: str | None = None
