"""Races that every store must survive: many do the same at once, and the numbers come out exact.

Read `runners` (how a race is run), then `races`, then `loyalty`, `coupons`, `imports` and `outbox`, then `crossing`.
"""

from custcrm.testing.races.races import RACES, assert_races, assert_races_between_processes

__all__ = ["RACES", "assert_races", "assert_races_between_processes"]
