"""How customers can be reached, and what for: the channels and purposes that consents, senders and messages speak of."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from custcrm.records.customers import PURPOSES
from custcrm.values.errors import Malformed
from custcrm.values.spelling import nearest, quoted

CHANNELS: Final = ("sms", "email", "push", "viber")
"""Channels that are always known; a store that is opened with channels of its own knows these too."""


def check_purpose(purpose: object) -> str:
    """Return the purpose; Malformed unless it is one."""
    if not isinstance(purpose, str) or purpose not in PURPOSES:
        raise Malformed("a purpose is marketing or service", field="purpose", suggestions=nearest(purpose, PURPOSES))
    return purpose


def check_channel(channel: object, own: Collection[str], *, field: str = "channel") -> str:
    """Return the channel; Malformed unless it is always known or one of the app's own."""
    known = sorted({*CHANNELS, *own})
    if not isinstance(channel, str) or channel not in known:
        message = f"no channel {quoted(channel)}; there are {', '.join(known)}"
        raise Malformed(message, field=field, suggestions=nearest(channel, known))
    return channel
