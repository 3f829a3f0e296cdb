"""What a customer said about being written to. The name to know is `answer`; an import makes its consents by `answered` too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from attrs import evolve

from custcrm.actions.keys import Request, once
from custcrm.business import Business, CustomerRef, hold_customer
from custcrm.business import customer_id as id_of
from custcrm.records import Consent
from custcrm.rules.contacting import check_channel, check_purpose
from custcrm.storage.protocol import Writer
from custcrm.values.errors import Malformed
from custcrm.values.texts import checked, is_blank

MARKETING: Final = "marketing"
"""The purpose that takes a consent; service messages need none."""


def answer(
    business: Business, customer: CustomerRef, channel: str, *, granted: bool, evidence: str, purpose: str = MARKETING,
    key: str | None = None,
) -> None:
    """Keep the customer's answer for a channel and a purpose; the one before it is over then, and stays in the history.

    The customer is held: no message to the customer starts until the answer is there, and the clock is read after that.
    """
    check_purpose(purpose)
    check_channel(channel, business.channels)
    if is_blank(checked(evidence, field="evidence")):
        raise Malformed("evidence says how the consent is known, e.g. 'form at the till'", field="evidence")

    whose = id_of(customer)

    def keep(writer: Writer) -> Sequence[Consent]:
        customer_id = hold_customer(writer, whose).id
        now = business.now()
        about = {"customer_id": customer_id, "channel": channel, "purpose": purpose, "until": None}
        for earlier in list(writer.find(Consent, about)):
            writer.replace(evolve(earlier, until=now))
        writer.add([answered(business, customer_id, channel, granted=granted, evidence=evidence, purpose=purpose, at=now)])
        return ()

    told = {"channel": channel, "purpose": purpose, "granted": granted, "evidence": evidence}
    once(business, Request(action="answer_consent", arguments=told, about={"customer": whose}, key=key), keep)


def answered(
    business: Business, customer_id: str, channel: str, *, granted: bool, evidence: str, at: datetime, purpose: str = MARKETING
) -> Consent:
    """Return the record of an answer that holds from now on."""
    return Consent(
        customer_id=customer_id, id=business.ids.new(), channel=channel, purpose=purpose, granted=granted, evidence=evidence,
        actor=business.actor, occurred_at=at,
    )
