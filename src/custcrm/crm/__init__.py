"""The facade of a customer base: `open` gives a `Crm`."""

from custcrm.crm.crm import Crm
from custcrm.crm.opening import open

__all__ = ["Crm", "open"]
