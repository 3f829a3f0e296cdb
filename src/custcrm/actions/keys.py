"""Idempotency keys: what is done under a key is done once, and told again when it is asked for again.

A key stands for one `Request`: the same key with another request is a KeyConflict, the same request again gives what was done.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from attrs import field, frozen

from custcrm.business import Business
from custcrm.records import Applied
from custcrm.storage.protocol import Writer
from custcrm.values.errors import KeyConflict, Malformed
from custcrm.values.identifiers import identifier
from custcrm.values.periods import span

KEYS: Final = "key"
"""The scope in which idempotency keys are claimed: one for apply and single calls alike."""

KEY_LIMIT: Final = 200
"""Characters of an idempotency key."""


def _optional_key(key: str | None) -> str | None:
    return None if key is None else idempotency_key(key)


@frozen(kw_only=True)
class Request:
    """What is asked for: an action by its name, its arguments as they were given, whom it is about, and the key, if any.

    Of two requests under one key the `content` tells whether they are the same. A span stays relative in the arguments, so
    "30 days" asked for again tomorrow is the same request.
    """

    action: str
    arguments: Mapping[str, Any] = field(hash=False)
    about: Mapping[str, Any] = field(factory=dict, hash=False)
    key: str | None = field(default=None, converter=_optional_key)

    @property
    def content(self) -> str:
        """The hash of what is asked: action, arguments and which customers. Never of now, ids or codes."""
        whole = {"action": self.action, "arguments": self.arguments, **self.about}
        return sha256(json.dumps(whole, sort_keys=True, ensure_ascii=True, default=str).encode()).hexdigest()

    def claim(self, writer: Writer) -> Applied | None:
        """Claim the key, and return what was begun or done under it, if anything; KeyConflict where that is something else."""
        if self.key is None:
            return None
        claim_key(writer, self.key)
        done = writer.hold(Applied, self.key)
        if done is not None and done.content != self.content:
            raise KeyConflict(self.key)
        return done

    def keep(
        self, business: Business, writer: Writer, applied_id: str, at: datetime, *, done: int = 0, reserved: int = 0
    ) -> Applied | None:
        """Keep under the key, if there is one, that it is done for so many customers."""
        if self.key is None:
            return None
        applied = Applied(
            key=self.key, id=applied_id, action=self.action, content=self.content, arguments=self.arguments,
            actor=business.actor, as_of=at, eligible=done, done=done, reserved=reserved,
        )
        writer.add([applied])
        return applied


def claim_key(writer: Writer, key: str) -> None:
    """Wait until nobody else works under the key, and keep others waiting until the transaction ends."""
    writer.claim(KEYS, [idempotency_key(key)])


def idempotency_key(key: str) -> str:
    """Return the key, trimmed: a text of 1 to 200 characters of the caller's choosing."""
    return identifier(key, field="key", limit=KEY_LIMIT)


def expiry_as_given(value: Any) -> str | None:
    """Return how a key remembers an expiry: a span as its canonical text, so that it stays relative; else as it was given."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat() if value.tzinfo is not None else str(value)
    try:
        return str(span(value))
    except Malformed:
        return str(value)
