"""Receipts: what a channel returned, as far as it can be kept. The names to know are `read_receipts` and `AFTER`.

A channel is somebody else's code, which talks to a gateway. Whatever it returns is judged here, before a transaction begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, TypeGuard

from attrs import evolve

from custcrm.messaging.protocol import Outcome, Receipt
from custcrm.records.messages import MessageStatus
from custcrm.values.errors import Malformed

LONGEST_DETAIL: Final = 200
"""Code points of a detail that are kept: it is a code, and whatever is longer is a page that the gateway answered with."""

AFTER: Final[Mapping[Outcome, MessageStatus]] = MappingProxyType({
    Outcome.ACCEPTED: MessageStatus.SENT,
    Outcome.DELIVERED: MessageStatus.DELIVERED,
    Outcome.BOUNCED: MessageStatus.BOUNCED,
    Outcome.FAILED: MessageStatus.FAILED,
    Outcome.REJECTED: MessageStatus.REJECTED,
})
"""What a message becomes by its receipt."""

_UNKEPT: Final = "\N{REPLACEMENT CHARACTER}"


def read_receipts(returned: object) -> tuple[Mapping[str, Receipt], Malformed | None]:
    """Return the receipts by the ids of their messages, and what is wrong with the others.

    In a detail, what no store keeps (NUL, lone surrogates) is replaced, and what is too long is cut: what came of the message
    must not be lost by it. What is no receipt counts for nothing; two of one message that differ count as none.
    """
    told: dict[str, Receipt] = {}
    fault: Malformed | None = None
    contradicted: set[str] = set()
    if not isinstance(returned, Iterable):
        kind = type(returned).__name__
        return told, Malformed(f"the channel returned {kind}, not receipts; send(batch) gives a list of them", field="receipt")
    for each in returned:
        if not _is_receipt(each):
            fault = Malformed("the channel returned something that is no Receipt with texts as id and detail", field="receipt")
            continue
        receipt = _kept(each)
        if told.setdefault(receipt.id, receipt) != receipt:
            contradicted.add(receipt.id)
            fault = Malformed("the channel returned two receipts of one message that differ", field="receipt")
    return {id_: receipt for id_, receipt in told.items() if id_ not in contradicted}, fault


def _is_receipt(returned: object) -> TypeGuard[Receipt]:
    if not isinstance(returned, Receipt):
        return False
    told: tuple[object, object] = returned.id, returned.detail  # whatever their annotations say
    return isinstance(told[0], str) and isinstance(told[1], str | None)


def _kept(receipt: Receipt) -> Receipt:
    if receipt.detail is None:
        return receipt
    cut = receipt.detail[:LONGEST_DETAIL]
    return evolve(receipt, detail="".join(_UNKEPT if each == "\0" or "\ud800" <= each <= "\udfff" else each for each in cut))
