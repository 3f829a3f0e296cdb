"""custcrm: customers, and the questions and actions of a customer base, as a library.

The names are resolved when they are first used, so that `import custcrm.filters` loads the filter engine and nothing else.

The map is docs/architecture.md. From the inside out: `values`, `files`, `records`, `rules` and `filters`, `vocabulary`,
`storage`, `messaging`, `business`, `actions` with `scope`, `view`, `waterfall` and `liability`, `selection`, `importing`,
`reports`, `verifying`, `crm`; `cli` and `testing` use it all.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from custcrm.actions import Cost, Problem, Result
    from custcrm.actions.coupons.stacking import Redeemed
    from custcrm.actions.customers.standing import TierStanding, Unmet
    from custcrm.actions.points.earning import DryRun
    from custcrm.actions.sales.refunds import SaleDetails
    from custcrm.crm import Crm, open
    from custcrm.crm.asking.segments import Segment
    from custcrm.crm.messages.inbox import InboxItem, Offer
    from custcrm.crm.people.callers import CallerMatch
    from custcrm.filters import FilterError, LimitExceeded
    from custcrm.importing import ImportReport, RowVerdict
    from custcrm.liability import Liability
    from custcrm.records import (
        Account,
        AccountEntry,
        Activity,
        Applied,
        Category,
        Coupon,
        CouponSeries,
        Customer,
        CustomerAccount,
        EarningRule,
        FreeCode,
        GuestRedemption,
        InboxMessage,
        Membership,
        MembershipChange,
        Message,
        PointsEntry,
        Program,
        Redemption,
        Sale,
        SaleLine,
        Task,
    )
    from custcrm.records.accounts import AccountKind
    from custcrm.records.activities import CallStatus
    from custcrm.records.coupons import CouponState
    from custcrm.records.earning import Earns, Rounding
    from custcrm.records.inbox import InboxStatus, OfferStatus
    from custcrm.records.json import from_json, to_json
    from custcrm.records.programs import Access, Down, Reversal
    from custcrm.records.sales import SaleKind
    from custcrm.reports import PointBalances, Total, Transaction, TransactionLog
    from custcrm.rules.accounts import Statement
    from custcrm.rules.benefits import Quote
    from custcrm.rules.points import LotUse, PointsSpend
    from custcrm.rules.points_history import Expiring, LotProof, PointsLine, Proof
    from custcrm.scope import Scope, at
    from custcrm.selection import Page, Plan, Selection
    from custcrm.values.errors import (
        ChannelsFailed,
        Closed,
        Conflict,
        Contended,
        CrmError,
        EmailTaken,
        KeyConflict,
        Malformed,
        MisusedTransaction,
        NotFound,
        OutcomeUnknown,
        Reason,
        Refusal,
        Taken,
        Unavailable,
        Unfinished,
    )
    from custcrm.values.money import Money
    from custcrm.verifying import Finding, Verification
    from custcrm.view import View
    from custcrm.waterfall import Step, Waterfall

__version__ = "0.1.0"

_HOMES = {
    "custcrm.actions": "Cost Problem Result",
    "custcrm.actions.customers.standing": "TierStanding Unmet",
    "custcrm.actions.points.earning": "DryRun",
    "custcrm.actions.coupons.stacking": "Redeemed",
    "custcrm.actions.sales.refunds": "SaleDetails",
    "custcrm.crm": "Crm open",
    "custcrm.crm.people.callers": "CallerMatch",
    "custcrm.crm.messages.inbox": "InboxItem Offer",
    "custcrm.crm.asking.segments": "Segment",
    "custcrm.filters": "FilterError LimitExceeded",
    "custcrm.importing": "ImportReport RowVerdict",
    "custcrm.liability": "Liability",
    "custcrm.records": "Account AccountEntry Activity Applied Category Coupon CouponSeries Customer CustomerAccount "
    "EarningRule FreeCode GuestRedemption InboxMessage Membership MembershipChange Message PointsEntry Program Redemption Sale "
    "SaleLine Task",
    "custcrm.records.accounts": "AccountKind",
    "custcrm.records.activities": "CallStatus",
    "custcrm.records.coupons": "CouponState",
    "custcrm.records.earning": "Earns Rounding",
    "custcrm.records.inbox": "InboxStatus OfferStatus",
    "custcrm.records.json": "from_json to_json",
    "custcrm.records.programs": "Access Down Reversal",
    "custcrm.records.sales": "SaleKind",
    "custcrm.reports": "PointBalances Total Transaction TransactionLog",
    "custcrm.rules.accounts": "Statement",
    "custcrm.rules.benefits": "Quote",
    "custcrm.rules.points": "LotUse PointsSpend",
    "custcrm.rules.points_history": "Expiring LotProof PointsLine Proof",
    "custcrm.scope": "Scope at",
    "custcrm.selection": "Page Plan Selection",
    "custcrm.values.errors": "ChannelsFailed Closed Conflict Contended CrmError EmailTaken KeyConflict Malformed "
    "MisusedTransaction NotFound OutcomeUnknown Reason Refusal Taken Unavailable "
    "Unfinished",
    "custcrm.values.money": "Money",
    "custcrm.verifying": "Finding Verification",
    "custcrm.view": "View",
    "custcrm.waterfall": "Step Waterfall",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [
    "Access", "Account", "AccountEntry", "AccountKind", "Activity", "Applied", "CallStatus", "CallerMatch", "Category",
    "ChannelsFailed", "Closed", "Conflict", "Contended", "Cost", "Coupon", "CouponSeries", "CouponState", "Crm", "CrmError",
    "Customer", "CustomerAccount", "Down", "DryRun", "EarningRule", "Earns", "EmailTaken", "Expiring", "FilterError",
    "Finding", "FreeCode", "GuestRedemption", "ImportReport", "InboxItem", "InboxMessage", "InboxStatus", "KeyConflict",
    "Liability", "LimitExceeded", "LotProof", "LotUse", "Malformed", "Membership", "MembershipChange", "Message",
    "MisusedTransaction", "Money", "NotFound", "Offer", "OfferStatus", "OutcomeUnknown", "Page", "Plan", "PointBalances",
    "PointsEntry", "PointsLine", "PointsSpend", "Problem", "Program", "Proof", "Quote", "Reason", "Redeemed", "Redemption",
    "Refusal", "Result", "Reversal", "Rounding", "RowVerdict", "Sale", "SaleDetails", "SaleKind", "SaleLine", "Scope",
    "Segment", "Selection", "Statement", "Step", "Taken", "Task", "TierStanding", "Total", "Transaction", "TransactionLog",
    "Unavailable", "Unfinished", "Unmet", "Verification", "View", "Waterfall", "at", "from_json", "open", "to_json",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
