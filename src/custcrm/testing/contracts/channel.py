"""The contract of channels, for pytest. The name to know is `ChannelContract`: subclass it and make your channel."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from custcrm.messaging.protocol import Channel, Outgoing

Outgoings = Callable[[int], list[Outgoing]]


class ChannelContract:
    """What every channel keeps.

        class TestMyGateway(ChannelContract):
            @pytest.fixture
            def channel(self):
                return MyGateway("http://localhost:8025")

    Set `address` where a phone number is no address of yours; what is sent there must be accepted or refused quickly.
    """

    address = "+358401234567"

    @pytest.fixture
    def channel(self) -> Channel:
        """Make the channel under test."""
        raise NotImplementedError("give a fixture named channel that returns yours")

    @pytest.fixture
    def outgoings(self) -> Outgoings:
        """Make so many messages; texts have letters beyond ASCII, tags that are text, and one line break."""

        def make(count: int) -> list[Outgoing]:
            texts = [f"Hyvää päivää {{name}} 🍷\nno. {number}" for number in range(count)]
            return [Outgoing(f"message-{number}", self.address, text=text) for number, text in enumerate(texts)]

        return make

    def test_every_message_of_a_batch_has_one_receipt(self, channel: Channel, outgoings: Outgoings) -> None:
        """Receipts name exactly the messages handed over, each once, in whatever order."""
        batch = outgoings(7)
        assert sorted(receipt.id for receipt in channel.send(batch)) == sorted(each.id for each in batch)

    def test_a_message_that_comes_again_has_its_receipt(self, channel: Channel, outgoings: Outgoings) -> None:
        """One that was in doubt may be handed over once more, with the same id: it gets a receipt as the first time."""
        batch = outgoings(2)
        first, again = ([receipt.id for receipt in channel.send(batch)] for _ in range(2))
        assert sorted(again) == sorted(first) == sorted(each.id for each in batch)

    def test_an_empty_batch_has_no_receipts(self, channel: Channel) -> None:
        """Nothing handed over, nothing came of it."""
        assert list(channel.send([])) == []

    def test_receipts_tell_nobody_who_was_written_to(self, channel: Channel, outgoings: Outgoings) -> None:
        """A receipt's detail is a code: it holds neither the address nor the text."""
        batch = outgoings(3)
        details = [receipt.detail or "" for receipt in channel.send(batch)]
        assert not any(each.to in detail or each.text in detail for each in batch for detail in details)

    def test_threads_share_one_channel(self, channel: Channel, outgoings: Outgoings) -> None:
        """Batches sent at the same time get their own receipts."""
        batches = [[each] for each in outgoings(8)]
        with ThreadPoolExecutor(4) as pool:
            receipts = list(pool.map(channel.send, batches))
        assert [[each.id for each in batch] for batch in batches] == [[one.id for one in got] for got in receipts]
