"""`custcrm verify`: what a store was checked for, and what was found."""

from __future__ import annotations

from custcrm.cli.output import Output
from custcrm.crm import Crm


def check(crm: Crm, output: Output) -> bool:
    """Show each check and each finding, and tell whether the store keeps its promises."""
    with output.progress("verify") as progress:
        verified = crm.verify(progress=progress)
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
