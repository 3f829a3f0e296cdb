"""`custcrm verify`: what a store was checked for, and what was found."""

from __future__ import annotations

from collections.abc import Iterable

from custcrm.cli.output import Output
from custcrm.crm import Crm


def check(crm: Crm, channels: Iterable[str], output: Output) -> bool:
    """Show each check and each finding, and tell whether the store keeps its promises; `channels` are the app's own."""
    with output.progress("verify") as progress:
        verified = crm.verify(channels=channels, progress=progress)
    if output.as_json:
        told = verified.to_json()
        for finding in told.pop("findings"):
            output.say("", finding=finding)
        output.say("", **told)
    else:
        found = verified.found
        output.table(
            ["check", "looked at", "found"], [(name, count, found.get(name, 0)) for name, count in verified.checked.items()]
        )
        output.say(str(verified))
    return verified.ok
