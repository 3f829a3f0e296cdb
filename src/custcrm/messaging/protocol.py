"""What a channel is: it delivers; it never decides. The name to know is `Channel`.

The shipped contract (`custcrm.testing.contracts.channel.ChannelContract`) is this text as tests; a channel that passes
it can be given to `custcrm.open(channels={"sms": …})`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol

from attrs import field, frozen


class Outcome(StrEnum):
    """What came back for one message."""

    ACCEPTED = "accepted"
    """Taken over for delivery: sent, though nobody knows yet whether it arrives."""
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    """Sent, and came back: the address is not or not now reachable."""
    FAILED = "failed"
    """Definitely not sent, for a reason of the channel's; another attempt may do."""
    REJECTED = "rejected"
    """Definitely not sent: the other side will not take this message."""

    @property
    def went_out(self) -> bool:
        """Whether the recipient may have it, or the far end had it."""
        return self in {Outcome.ACCEPTED, Outcome.DELIVERED, Outcome.BOUNCED}

    @property
    def taken(self) -> bool:
        """Whether it is on its way or arrived."""
        return self in {Outcome.ACCEPTED, Outcome.DELIVERED}


@frozen
class Outgoing:
    """One message as it is handed over: to whom, what, and as whom (None: as the channel does by default)."""

    id: str
    to: str = field(repr=False)
    text: str = field(kw_only=True, repr=False)
    sender: str | None = field(default=None, kw_only=True)


@frozen
class Receipt:
    """What came of the message of that id. `detail` is a code ("550", "hard"), never an address or a text.

    Of a detail 200 characters are kept, and instead of NUL and lone surrogates U+FFFD.
    """

    id: str
    status: Outcome = field(converter=Outcome)
    detail: str | None = None


class Channel(Protocol):
    """A way to customers. Thread-safe: one channel serves all threads."""

    def send(self, batch: Sequence[Outgoing]) -> Sequence[Receipt]:
        """Hand the messages over, each as it is and at most once, and return a receipt for each, in any order.

        A message without a receipt is in doubt, as is one with two that differ: leave the receipt out only where nobody can
        tell whether it was sent. It may come again, with the same id, when somebody asks for it; a channel that knows the id
        may tell what came of it instead.
        What befalls one message is its receipt, not an error. Raise `Unavailable` only when certainly none of the batch
        was sent, so that all may be tried again later; after any other error the whole batch is in doubt. Either way this
        channel gets no more in that dispatch, and the others go on. No transaction is open meanwhile, so nobody waits.
        """


ADDRESS_FIELDS: Final[Mapping[str, str]] = MappingProxyType({
    "sms": "phone",
    "viber": "phone",
    "email": "email",
})
"""The field of a customer to which a channel sends. Others (push) send to the customer's id and know the device."""


def address_field(channel: str) -> str | None:
    """Return the field of Customer that a channel sends to; None for one that goes by the customer's id."""
    return ADDRESS_FIELDS.get(channel)
