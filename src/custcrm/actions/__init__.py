"""Actions: constants that say who may and what is written; planned first, then applied once under a key.

Read `action` (what an action is), `eligibility` (who may), `keys` (what is done once), then `single` (for one customer),
`applying` and `plan` (for a selection). The families beside them make the actions: `customers`, `points`, `accounts` with
`standings`, `coupons`, `sales`, `messages`; `places` says where they are booked, `progress` how far they are, `numbers` whose
a phone number is.
"""

from custcrm.actions.action import Cost, Problem
from custcrm.actions.applying import Result

__all__ = ["Cost", "Problem", "Result"]
