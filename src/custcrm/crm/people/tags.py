"""`crm.tags`: labels, and keys with a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from custcrm.actions import single
from custcrm.actions.customers.tags import tagging, untagging
from custcrm.business import Business, CustomerRef, customer_id
from custcrm.crm.people.callers import tags_of
from custcrm.values.errors import Reason, Refusal


@frozen
class Tags:
    """Tags of customers; setting and removing are both safe to repeat, and both leave history."""

    _business: Business

    def set(self, customer: CustomerRef, key: str, value: str | None = None, *, until: Any = None) -> None:
        """Set a label ("VIP"), or a key to a value, until further notice or until then ("30 days", a last day)."""
        business = self._business
        single.perform(business, lambda: tagging(business, key, value, until=until), customer_id(customer))

    def remove(self, customer: CustomerRef, key: str) -> None:
        """Take a tag off; nothing happens when it is not there."""
        business = self._business
        try:
            single.perform(business, lambda: untagging(business, key), customer_id(customer))
        except Refusal as refusal:
            if refusal.reason is not Reason.NOT_TAGGED:
                raise

    def of(self, customer: CustomerRef, *, as_of: Any = None) -> Mapping[str, str | None]:
        """Return the customer's tags, key → value (None for a label), as they stand now or stood then."""
        business = self._business
        at = business.asked_at(as_of) or business.now()
        with business.reading() as reader:
            return tags_of(reader, business.existing(customer).id, at)
