"""custcrm: customers, and the questions and actions of a customer base, as a library.

The names are resolved when they are first used, so that `import custcrm.filters` loads the filter engine and nothing else.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from custcrm.actions import Cost, Plan, Problem, Result
    from custcrm.crm import Crm, open
    from custcrm.crm.facts import CallerMatch
    from custcrm.crm.segments import Segment
    from custcrm.filters import FilterError, LimitExceeded
    from custcrm.importing import ImportReport, RowVerdict
    from custcrm.records import (
        Activity,
        Coupon,
        CouponSeries,
        Customer,
        Membership,
        Message,
        PointsEntry,
        Program,
        Sale,
        Task,
    )
    from custcrm.records.activities import CallStatus
    from custcrm.records.coupons import CouponState
    from custcrm.records.json import from_json, to_json
    from custcrm.records.programs import Access
    from custcrm.selection import Page, Scope, Selection, at
    from custcrm.values.errors import (
        Closed,
        Conflict,
        CrmError,
        EmailTaken,
        KeyConflict,
        Malformed,
        NotFound,
        OutcomeUnknown,
        Reason,
        Refusal,
        Unavailable,
    )
    from custcrm.values.money import Money
    from custcrm.view import View
    from custcrm.waterfall import Step, Waterfall

__version__ = "0.1.0"

_HOMES = {
    "custcrm.actions": "Cost Plan Problem Result",
    "custcrm.crm": "Crm open",
    "custcrm.crm.facts": "CallerMatch",
    "custcrm.crm.segments": "Segment",
    "custcrm.filters": "FilterError LimitExceeded",
    "custcrm.importing": "ImportReport RowVerdict",
    "custcrm.records": "Activity Coupon CouponSeries Customer Membership Message PointsEntry Program Sale Task",
    "custcrm.records.activities": "CallStatus",
    "custcrm.records.coupons": "CouponState",
    "custcrm.records.json": "from_json to_json",
    "custcrm.records.programs": "Access",
    "custcrm.selection": "Page Scope Selection at",
    "custcrm.values.errors": "Closed Conflict CrmError EmailTaken KeyConflict Malformed NotFound OutcomeUnknown Reason "
    "Refusal Unavailable",
    "custcrm.values.money": "Money",
    "custcrm.view": "View",
    "custcrm.waterfall": "Step Waterfall",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [
    "Access",
    "Activity",
    "CallStatus",
    "CallerMatch",
    "Closed",
    "Conflict",
    "Cost",
    "Coupon",
    "CouponSeries",
    "CouponState",
    "Crm",
    "CrmError",
    "Customer",
    "EmailTaken",
    "FilterError",
    "ImportReport",
    "KeyConflict",
    "LimitExceeded",
    "Malformed",
    "Membership",
    "Message",
    "Money",
    "NotFound",
    "OutcomeUnknown",
    "Page",
    "Plan",
    "PointsEntry",
    "Problem",
    "Program",
    "Reason",
    "Refusal",
    "Result",
    "RowVerdict",
    "Sale",
    "Scope",
    "Segment",
    "Selection",
    "Step",
    "Task",
    "Unavailable",
    "View",
    "Waterfall",
    "at",
    "from_json",
    "open",
    "to_json",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
