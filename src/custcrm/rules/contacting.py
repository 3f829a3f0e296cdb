"""How customers can be reached, and what for: the channels and purposes that consents, senders and messages speak of."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from custcrm.values.errors import Malformed
from custcrm.values.spelling import nearest

PURPOSES: Final = ("marketing", "service")
"""Marketing needs a consent that was granted; service messages do not."""

CHANNELS: Final = ("sms", "email", "push", "viber")
"""Channels that are always known; a store that is opened with channels of its own knows these too."""

OFF: Final = "off"
"""In the place of a channel: nobody is told."""


def check_purpose(purpose: str) -> str:
    """Return the purpose; Malformed unless it is one."""
    if purpose not in PURPOSES:
        raise Malformed("a purpose is marketing or service", field="purpose", suggestions=nearest(str(purpose), PURPOSES))
    return purpose


def check_channel(channel: str, own: Collection[str], *, field: str = "channel") -> str:
    """Return the channel; Malformed unless it is always known or one of the app's own."""
    known = sorted({*CHANNELS, *own})
    if channel not in known:
        message = f"no channel {channel!r}; there are {', '.join(known)}"
        raise Malformed(message, field=field, suggestions=nearest(str(channel), known))
    return channel
