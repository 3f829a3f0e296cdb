"""Actions: constants that say who may and what is written; planned first, then applied once under a key."""

from custcrm.actions.action import Cost, Problem
from custcrm.actions.applying import Result
from custcrm.actions.plan import Plan

__all__ = ["Cost", "Plan", "Problem", "Result"]
