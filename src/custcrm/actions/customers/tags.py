"""Setting tags and taking them off. What a tag is (`tag_key`, `tag_value`, `assigned`) is the same for an import."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from custcrm.actions import eligibility
from custcrm.actions.action import Action, Occasion
from custcrm.actions.keys import expiry_as_given
from custcrm.business import Business
from custcrm.records import TagAssignment
from custcrm.storage.effects import Change, CustomerKey, Effect, Given, NewId, Template
from custcrm.storage.questions import Verdict
from custcrm.values.errors import Malformed
from custcrm.values.identifiers import identifier
from custcrm.values.periods import expiry
from custcrm.values.texts import checked

KEY_LIMIT: Final = 200
"""Characters of a tag's key."""

VALUE_LIMIT: Final = 1_000
"""Characters of a tag's value."""


def tagging(business: Business, key: str, value: str | None, *, until: Any = None, source: str = "manual") -> Action:
    """Set a tag from the moment on that it is written: what it was before is closed then, not lost."""
    name = tag_key(key)
    text = None if value is None else tag_value(value, field="value")
    if until is not None:
        expiry(until, business.now(), business.zone, field="until")

    def effects(occasion: Occasion) -> tuple[Effect, ...]:
        ends = None if until is None else expiry(until, occasion.now, business.zone, field="until")
        if ends is not None and ends <= occasion.now:  # asked when it is done first: a key repeats it for ever
            raise Malformed("until lies in the past; the tag would never hold", field="until")
        facts = assigned(name, text, since=occasion.done_at, until=ends, actor=occasion.actor, source=source)
        values = {each: Given(fact) for each, fact in {**facts, "applied_id": occasion.applied_id}.items()}
        assignment = Template(record=TagAssignment, values={"customer_id": CustomerKey(), "id": NewId(0), **values})
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
        about={"tag": name},
        effects=lambda occasion: (_closing(name, occasion),),
    )


def tag_key(key: str) -> str:
    """Return a tag's key: trimmed, spelling kept, spaces allowed."""
    return identifier(key, field="key", limit=KEY_LIMIT)


def tag_value(value: str, *, field: str) -> str:
    """Return a tag's value, checked."""
    return checked(value, field=field, limit=VALUE_LIMIT)


def assigned(
    key: str, value: str | None, *, since: datetime, until: datetime | None = None, actor: str, source: str
) -> Mapping[str, Any]:
    """Return the facts of a tag that is set: of a TagAssignment all but whose it is and its id.

    It begins when it is set, and what the key said before is over then (`closed`): at each instant a key has one value.
    """
    return {"key": key, "value": value, "since": since, "until": until, "actor": actor, "source": source}


def closed(at: datetime) -> Mapping[str, Any]:
    """Return what changes in an assignment that is over: it stays in the history."""
    return {"until": at}


def _closing(key: str, occasion: Occasion) -> Change:
    values = {each: Given(fact) for each, fact in closed(occasion.done_at).items()}
    return Change(record=TagAssignment, match={"key": key}, values=values, current=True)
