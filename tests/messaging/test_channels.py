"""The recording channel keeps the contract of channels."""

import pytest

from custcrm.messaging.protocol import Outcome, Outgoing, Receipt, address_field
from custcrm.testing.channel import RecordingChannel, SentMessage
from custcrm.testing.contracts.channel import ChannelContract


class TestRecordingChannel(ChannelContract):
    @pytest.fixture
    def channel(self):
        return RecordingChannel()


class TestScriptedChannel(ChannelContract):
    @pytest.fixture
    def channel(self):
        return RecordingChannel([*Outcome] * 2)


def test_the_script_is_followed_and_then_every_message_is_accepted():
    """One outcome a message, in order; what failed or was rejected never went out."""
    channel = RecordingChannel(["bounced", "failed", "rejected", "delivered"])
    batch = [Outgoing(str(number), f"+{number}", text=f"no. {number}", sender="Harbour") for number in range(5)]
    outcomes = [receipt.status for receipt in channel.send(batch)]
    assert outcomes == ["bounced", "failed", "rejected", "delivered", "accepted"]
    assert channel.sent == [SentMessage(f"+{number}", f"no. {number}", "Harbour") for number in (0, 3, 4)]


def test_reprs_of_what_passes_a_channel_hide_people():
    """Neither address nor text is in the repr of a message that is handed over."""
    outgoing = Outgoing("m1", "+358401234567", text="Dear Anna")
    assert "35840" not in repr(outgoing)
    assert "Anna" not in repr(outgoing)


def test_a_receipt_has_a_known_outcome():
    """Texts are read as outcomes; other words are none."""
    assert Receipt("m1", "accepted").status is Outcome.ACCEPTED
    with pytest.raises(ValueError, match="arrived"):
        Receipt("m1", "arrived")


@pytest.mark.parametrize(
    ("channel", "field"), [("sms", "phone"), ("viber", "phone"), ("email", "email"), ("push", None), ("pigeon", None)]
)
def test_where_a_channel_finds_its_customers(channel, field):
    """By phone, by email, or by the customer's id."""
    assert address_field(channel) == field
