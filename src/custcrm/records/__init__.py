"""The records: every fact that custcrm keeps, each declared once. `RECORDS` lists them, in the order of their references.

Read `declaration`, then `customers`, `programs`, `sales` and `points`; then `accounts`, `coupons`, `earning`, `inbox`,
`messages`, `activities` and `journal` (what was applied and imported). `codec` and `json` write them.
"""

from typing import Final

from custcrm.records.accounts import Account, AccountEntry, CustomerAccount
from custcrm.records.activities import Activity, Task
from custcrm.records.coupons import Coupon, CouponSeries, FreeCode, GuestRedemption, Redemption, SeriesBudget
from custcrm.records.customers import (
    Address,
    Attribute,
    Consent,
    ContactPoint,
    Customer,
    ExternalId,
    TagAssignment,
)
from custcrm.records.earning import EarningRule
from custcrm.records.inbox import InboxMessage, Opening
from custcrm.records.journal import Applied, Export, Import, SavedSegment, Setting, Target
from custcrm.records.messages import Message
from custcrm.records.points import PointsEntry
from custcrm.records.programs import (
    Category,
    Membership,
    MembershipChange,
    PointOfSale,
    Program,
    Sender,
    Terminal,
)
from custcrm.records.sales import Sale, SaleLine

RECORDS: Final[tuple[type, ...]] = (
    Setting, Program, Category, EarningRule, Account, PointOfSale, Terminal, Sender, SavedSegment, Import, Export,
    CouponSeries, SeriesBudget, FreeCode, GuestRedemption, Applied,
    Customer, ContactPoint, Address, Attribute, ExternalId, TagAssignment, Consent,
    Membership, MembershipChange, Sale, SaleLine, PointsEntry, CustomerAccount, AccountEntry, Coupon, Redemption,
    Activity, Task, Message, InboxMessage, Opening, Target,
)

__all__ = [
    "RECORDS",
    "Account",
    "AccountEntry",
    "Activity",
    "Address",
    "Applied",
    "Attribute",
    "Category",
    "Consent",
    "ContactPoint",
    "Coupon",
    "CouponSeries",
    "Customer",
    "CustomerAccount",
    "EarningRule",
    "Export",
    "ExternalId",
    "FreeCode",
    "GuestRedemption",
    "Import",
    "InboxMessage",
    "Membership",
    "MembershipChange",
    "Message",
    "Opening",
    "PointOfSale",
    "PointsEntry",
    "Program",
    "Redemption",
    "Sale",
    "SaleLine",
    "SavedSegment",
    "Sender",
    "SeriesBudget",
    "Setting",
    "TagAssignment",
    "Target",
    "Task",
    "Terminal",
]
