"""Keys of single calls that are about no one customer: done once, and told again when asked again.

What is about one customer goes through `actions.single`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from custcrm.actions.action import Deed, content
from custcrm.actions.applying import KEYS, idempotency_key
from custcrm.business import Business
from custcrm.records import Applied
from custcrm.storage.protocol import Writer
from custcrm.storage.questions import Verdict
from custcrm.values.errors import KeyConflict


@frozen(kw_only=True)
class Once:
    """What is asked for, and the key that it is done under, if any."""

    action: str
    arguments: Mapping[str, Any] = field(hash=False)
    key: str | None = None

    @property
    def content(self) -> str:
        """The hash of what is asked: what a key stands for."""
        nothing = Deed(
            action=self.action, title=self.action, arguments=self.arguments, verdict=Verdict(), effects=lambda moment: ()
        )
        return content(nothing, {})

    def before(self, writer: Writer) -> Applied | None:
        """Claim the key, and return what was done under it before, if anything; KeyConflict where that is something else."""
        if self.key is None:
            return None
        writer.claim(KEYS, [idempotency_key(self.key)])
        done = writer.hold(Applied, self.key)
        if done is not None and done.content != self.content:
            raise KeyConflict(self.key)
        return done

    def done(self, business: Business, writer: Writer, applied_id: str, at: datetime, *, reserved: int = 0) -> None:
        """Keep that it was done under the key."""
        if self.key is None:
            return
        kept = Applied(
            key=self.key, id=applied_id, action=self.action, content=self.content, arguments=self.arguments,
            actor=business.actor, as_of=at, eligible=0, done=0, reserved=reserved,
        )
        writer.add([kept])
