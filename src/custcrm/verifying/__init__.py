"""A store checks itself against its promises: every record is read once, nothing is written.

Read `report` (what is promised, and how a fault is told), then `ground` and `dossiers`, which say what is looked at together,
and `verifying`, which goes through it all. Each other module knows the promises of one family: `people`, `sales`, `points`,
`accounts`, `coupons`, `codes`, `messages`, `keys`, `terms` and `values`.
"""

from custcrm.verifying.report import CHECKS, Finding, Verification
from custcrm.verifying.verifying import verify

__all__ = ["CHECKS", "Finding", "Verification", "verify"]
