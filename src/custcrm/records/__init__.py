"""The records: every fact that custcrm keeps, each declared once. `RECORDS` lists them, in the order of their references."""

from typing import Final

from custcrm.records.activities import Activity, Task
from custcrm.records.coupons import Coupon, CouponSeries
from custcrm.records.customers import (
    Address,
    Attribute,
    Consent,
    ContactPoint,
    Customer,
    ExternalId,
    TagAssignment,
)
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
    Setting, Program, Category, PointOfSale, Terminal, Sender, SavedSegment, Import, Export, CouponSeries, Applied,
    Customer, ContactPoint, Address, Attribute, ExternalId, TagAssignment, Consent,
    Membership, MembershipChange, Sale, SaleLine, PointsEntry, Coupon, Activity, Task, Message, Target,
)

__all__ = [
    "RECORDS",
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
    "Export",
    "ExternalId",
    "Import",
    "Membership",
    "MembershipChange",
    "Message",
    "PointOfSale",
    "PointsEntry",
    "Program",
    "Sale",
    "SaleLine",
    "SavedSegment",
    "Sender",
    "Setting",
    "TagAssignment",
    "Target",
    "Task",
    "Terminal",
]
