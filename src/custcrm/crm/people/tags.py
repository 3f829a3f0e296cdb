"""`crm.tags`: labels, and keys with a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from custcrm.actions import single
from custcrm.actions.customers.tags import tagging, untagging
from custcrm.actions.keys import Request, once
from custcrm.business import Business, CustomerRef, customer_id
from custcrm.crm.people.callers import tags_of
from custcrm.records import TagAssignment
from custcrm.storage.protocol import Writer
from custcrm.values.errors import Reason, Refusal


@frozen
class Tags:
    """Tags of customers; setting and removing are both safe to repeat, and both leave history."""

    _business: Business

    def set(
        self, customer: CustomerRef, tag: str, value: str | None = None, *, until: Any = None, key: str | None = None
    ) -> None:
        """Set a label ("VIP"), or a tag to a value, until further notice or until then ("30 days", a last day).

        Once, where a key is given.
        """
        business = self._business
        single.perform(business, lambda: tagging(business, tag, value, until=until), customer_id(customer), key=key)

    def remove(self, customer: CustomerRef, tag: str, *, key: str | None = None) -> None:
        """Take a tag off; nothing happens when it is not there. Once, where a key is given."""
        business, id_ = self._business, customer_id(customer)
        action = untagging(business, tag)

        def remove(_: Writer) -> Sequence[TagAssignment]:
            try:
                single.perform(business, lambda: action, id_)
            except Refusal as refusal:
                if refusal.reason is not Reason.NOT_TAGGED:
                    raise
            return ()

        once(business, Request(action=action.name, arguments=action.arguments, about={"customer": id_}, key=key), remove)

    def of(self, customer: CustomerRef, *, as_of: Any = None) -> Mapping[str, str | None]:
        """Return the customer's tags, key → value (None for a label), as they stand now or stood then."""
        business = self._business
        at = business.asked_at(as_of) or business.now()
        with business.reading() as reader:
            return tags_of(reader, business.existing(customer).id, at)
