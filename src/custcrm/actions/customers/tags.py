"""Setting tags and taking them off."""

from __future__ import annotations

from typing import Any

from custcrm.actions import eligibility
from custcrm.actions.action import Action, Occasion
from custcrm.actions.keys import expiry_as_given
from custcrm.business import Business
from custcrm.records import TagAssignment
from custcrm.storage.effects import Change, CustomerKey, Effect, Given, NewId, Template
from custcrm.storage.questions import Verdict
from custcrm.values.errors import Malformed
from custcrm.values.periods import expiry
from custcrm.values.texts import checked

KEY_LIMIT = 200
VALUE_LIMIT = 1_000


def tagging(business: Business, key: str, value: str | None, *, until: Any = None, source: str = "manual") -> Action:
    """Set a tag from now on: what it was before is closed, not lost (FEATURES S09, S10, I21–I23)."""
    name = tag_key(key)
    text = None if value is None else checked(value, field="value", limit=VALUE_LIMIT)
    if until is not None:
        expiry(until, business.now(), business.zone, field="until")

    def effects(occasion: Occasion) -> tuple[Effect, ...]:
        ends = None if until is None else expiry(until, occasion.now, business.zone, field="until")
        if ends is not None and ends <= occasion.now:  # asked when it is done first: a key repeats it for ever
            raise Malformed("until lies in the past; the tag would never hold", field="until")
        assignment = Template(
            record=TagAssignment,
            values={
                "customer_id": CustomerKey(), "id": NewId(0), "key": Given(name), "value": Given(text),
                "since": Given(occasion.now), "until": Given(ends), "actor": Given(occasion.actor),
                "source": Given(source), "applied_id": Given(occasion.applied_id),
            },
        )
        return (_closing(name, occasion), assignment)

    return Action(
        name="tag",
        title=f"tag {name}",
        arguments={"key": name, "value": text, "until": expiry_as_given(until)},
        verdict=Verdict(),
        effects=effects,
    )


def untagging(business: Business, key: str) -> Action:
    """Take a tag off whoever has it; that they had it stays known."""
    name = tag_key(key)
    return Action(
        name="untag",
        title=f"untag {name}",
        arguments={"key": name},
        verdict=Verdict(eligibility.tagged(business.schema, name)),
        effects=lambda occasion: (_closing(name, occasion),),
    )


def tag_key(key: str) -> str:
    """Return a tag's key: trimmed, spelling kept, spaces allowed."""
    name = checked(key, field="key", limit=KEY_LIMIT).strip()
    if not name:
        raise Malformed("a tag has a key, e.g. 'VIP'", field="key")
    return name


def _closing(key: str, occasion: Occasion) -> Change:
    return Change(record=TagAssignment, match={"key": key}, values={"until": Given(occasion.now)}, current=True)
