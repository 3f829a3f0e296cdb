"""Facts of the code that other pages repeat: commands and their options, what becomes of a message, sizes."""

import re
from typing import Any

import pytest
import typer

from custcrm.business import BATCH
from custcrm.cli.app import app
from custcrm.messaging.receipts import AFTER
from custcrm.records.programs import NEW_CUSTOMERS, Access
from tests.crm.test_days import ASKED, BEGINS, ENDS, PERIODS
from tests.docs.pages import CODE, code, page, table

EVERYWHERE = {"--json", "--traceback", "--help"}


def commands(group: Any, prefix: str = "") -> dict[str, set[str]]:
    """Return the commands of the command line by name, with their options."""
    found: dict[str, set[str]] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= commands(command, f"{prefix}{name} ")
        else:
            options = {option for each in command.params for option in each.opts if option.startswith("--")}
            found[f"{prefix}{name}"] = options - EVERYWHERE
    return found


def test_every_command_and_option_is_documented() -> None:
    """The table of docs/command-line.md has exactly the commands and options that there are."""
    rows = table(page("command-line.md"), "command | does | options")
    assert {code(name): set(CODE.findall(options)) for name, _, options in rows} == commands(typer.main.get_command(app))


def test_every_argument_that_takes_a_day_is_documented() -> None:
    """The table of docs/days.md has the arguments of all doors that take a day, by what it means there."""
    rows = table(page("days.md"), "where | a day there | arguments")
    told_among_facts: list[set[str]] = [{"signed_up_at"}, set(), set(), set()]
    assert [set(CODE.findall(names)) for _, _, names in rows] == [
        {door.split(" ")[1] for door in doors if " " in door} | more
        for doors, more in zip((BEGINS, ENDS, PERIODS, ASKED), told_among_facts, strict=True)
    ]


def test_what_becomes_of_a_message() -> None:
    """The table of docs/extending.md has every outcome of a channel, and what the message becomes by it."""
    rows = table(page("extending.md"), "outcome | means | the message becomes")
    assert {code(outcome): code(status) for outcome, _, status in rows} == {
        outcome.value: status.value for outcome, status in AFTER.items()
    }


def test_every_access_is_described() -> None:
    """The table of docs/concepts.md has the kinds of access; the first category is named as the code has it."""
    concepts = page("concepts.md")
    assert [code(row[0]) for row in table(concepts, "access | points | coupons | sales in the program")] == list(Access)
    assert f"`{NEW_CUSTOMERS}`" in concepts


@pytest.mark.parametrize("name", ["concepts.md", "scale.md"])
def test_the_size_of_a_batch(name: str) -> None:
    """Pages that speak of a batch have its size."""
    assert {int(each.replace(",", "")) for each in re.findall(r"([\d,]+) (?:customers|targets)[.,]", page(name))} <= {BATCH}
    assert f"{BATCH:,}" in page(name)
