"""Messages of a customer: their status fits what is known of them; and what was opened in the inbox is there."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from custcrm.records import Coupon, InboxMessage, Message, Opening
from custcrm.records.messages import MessageStatus
from custcrm.verifying.dossiers import Dossier
from custcrm.verifying.report import Findings, ids_of

HANDED_OVER: Final = frozenset({MessageStatus.SENDING, MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.BOUNCED})
"""A message of these is known to have been claimed, and when."""
NEVER_OUT: Final = frozenset({MessageStatus.FAILED, MessageStatus.REJECTED})
"""A message of these has reached nobody."""


def check_messages(dossier: Dossier, found: Findings) -> None:
    """Look at one customer's messages."""
    inbox = {each.id for each in dossier.of(InboxMessage)}
    for message in dossier.of(Message):
        found.look("messages")
        if fault := _fault_of(message, inbox):
            found.add("messages", Message, ids_of(message), fault)
    opened = {*inbox, *(each.id for each in dossier.of(Coupon))}
    for opening in dossier.of(Opening):
        if opening.subject not in opened:
            found.add("references", Opening, ids_of(opening), "what was opened is neither a message of the inbox nor a coupon")


def _fault_of(message: Message, inbox: Collection[str]) -> str | None:
    if message.status is MessageStatus.PLANNED and message.sent_at is not None:
        return "it is planned, and has been sent"
    if message.status is MessageStatus.PLANNED and message.claim is not None:
        return "it is planned, and somebody has claimed it"
    if message.status is MessageStatus.PLANNED and message.opened_at is not None:
        return "it is planned, and was opened"
    if message.status in NEVER_OUT and message.sent_at is not None:
        return f"it is {message.status.value}, and something tells when it was sent"
    if (message.claim is None) is not (message.started_at is None):
        return "a claim and when it was started tell of each other; one is missing"
    if message.status in HANDED_OVER and message.sent_at is None:
        return f"it is {message.status.value}, and nothing tells when it was handed over"
    if message.inbox_id is not None and message.inbox_id not in inbox:
        return "the message of the inbox that it tells of is not there"
    return None
