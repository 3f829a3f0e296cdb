"""A channel that keeps what it is given instead of sending it. The name to know is `RecordingChannel`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from threading import Lock

from attrs import frozen

from custcrm.messaging.protocol import Outcome, Outgoing, Receipt


@frozen
class SentMessage:
    """A message that went out: to whom, what, as whom. Shown whole, as the people of tests are made up."""

    to: str
    text: str
    sender: str | None


class RecordingChannel:
    """Accept every message and keep it in `sent`; or do as the script says, one outcome for each message, then accept.

        sms = RecordingChannel(["bounced", "failed"])     # the first bounces, the second fails, all others are accepted

    What failed or was rejected never went out, so it is not in `sent`.
    """

    sent: list[SentMessage]

    def __init__(self, outcomes: Iterable[Outcome | str] = ()) -> None:
        self.sent = []
        self._outcomes = deque(Outcome(each) for each in outcomes)
        self._lock = Lock()

    def send(self, batch: Sequence[Outgoing]) -> list[Receipt]:
        """Record the messages and return their receipts, in the same order."""
        with self._lock:
            return [self._send(outgoing) for outgoing in batch]

    def _send(self, outgoing: Outgoing) -> Receipt:
        outcome = self._outcomes.popleft() if self._outcomes else Outcome.ACCEPTED
        if outcome.went_out:
            self.sent.append(SentMessage(outgoing.to, outgoing.text, outgoing.sender))
        return Receipt(outgoing.id, outcome)
