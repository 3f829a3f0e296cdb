"""The facade of a customer base: `open` gives a `Crm`.

Read `crm`, which wires the parts, and `opening`; the parts stand in `people`, `loyalty`, `messages` and `asking`.
"""

from custcrm.crm.crm import Crm
from custcrm.crm.opening import open

__all__ = ["Crm", "open"]
