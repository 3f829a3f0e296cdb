"""What a channel of an app's own returns, or raises, in the place of receipts."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

import custcrm


class Channel:
    """A channel that answers as it is told."""

    def __init__(self, answer: Callable[[Sequence[Any]], Any]) -> None:
        self.send = answer


def _half(_batch: Sequence[Any]) -> Iterator[Any]:
    yield 5
    raise ValueError("secret")


ANSWERS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "nothing": lambda _: None, "a number": lambda _: 5, "yes": lambda _: True, "a text": lambda _: "accepted",
    "texts": lambda _: ["accepted"], "nothing each": lambda batch: [None] * len(batch), "a mapping": lambda _: {"id": "sent"},
    "errors": lambda _: [ValueError("secret")], "an error": lambda _: 1 // 0, "half": _half, "objects": lambda _: [object()],
}  # fmt: skip


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("store", [None, "sqlite_store", "postgresql_store"])
def test_what_is_no_receipt_leaves_a_message_in_doubt(request: pytest.FixtureRequest, store: str | None, answer: str) -> None:
    """Law: whatever a channel returns, who dispatches is told by ChannelsFailed, and the message is in doubt, never sent again.

    What came back is told as an error of ours; what the channel raised is the error that it raised.
    """
    where = None if store is None else str(request.getfixturevalue(store))
    with custcrm.open(where, channels={"sms": Channel(ANSWERS[answer])}, country="FI") as crm:
        anna = crm.customers.add(first_name="Anna", phone="+358401234567")
        (crm.select() & anna).send_message("Hi", channel="sms", purpose="service").apply(key="hi")
        with pytest.raises(custcrm.ChannelsFailed) as caught:
            crm.outbox.dispatch()
        [error] = caught.value.exceptions
        raised = {"an error": ZeroDivisionError, "half": ValueError}
        assert isinstance(error, raised.get(answer, custcrm.Malformed))
        assert len(list(crm.outbox.in_doubt())) == caught.value.in_doubt == 1
        assert "secret" not in str(caught.value)
