"""What loses its power: a program of keyed deeds, an import and a dispatch, which says each thing that it was told is done.

`python -m tests.proofs.powercut FOLDER LOG DURABILITY`; `work` can be done again, on what is left, by the same keys.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import custcrm
from custcrm.messaging.protocol import Outcome, Outgoing, Receipt
from custcrm.storage.protocol import Durability

PEOPLE, CREDITS, IMPORTED = 12, 24, 60
CREDITED, GIVEN = 10, 3
Say = Callable[[str], object]


class Outside:
    """A channel whose messages are out in the world, which no power cut here takes back."""

    def __init__(self, say: Say) -> None:
        self._say = say

    def send(self, batch: Sequence[Outgoing]) -> list[Receipt]:
        for each in batch:
            self._say(f"sent {each.to} {each.text}")
        return [Receipt(each.id, Outcome.ACCEPTED) for each in batch]


def opened(folder: Path, say: Say, durability: Durability) -> custcrm.Crm:
    return custcrm.open(folder / "shop.db", currency="EUR", durability=durability, channels={"sms": Outside(say)})


def prepare(crm: custcrm.Crm) -> None:
    """Add the people and their club, all or nobody."""
    if crm.select("last_name = 'Member'").count():
        return
    with crm.transaction():
        crm.programs.add("club")
        rows = [{"email": f"n{n}@example.org", "last_name": "Member", "phone": f"+3584012340{n:02}"} for n in range(PEOPLE)]
        for customer in crm.customers.add_all(rows):
            crm.programs.join(customer, "club")
            crm.consents.grant(customer, "sms", evidence="form")


def work(crm: custcrm.Crm, folder: Path, say: Say, part: int) -> None:
    """Do one of two halves of the deeds, and say each that was done."""
    people = sorted(crm.select("last_name = 'Member'").page(limit=PEOPLE).customers, key=lambda each: each.phone or "")
    for number in range(part * CREDITS // 2, (part + 1) * CREDITS // 2):
        crm.points.credit(people[number % PEOPLE], "club", CREDITED, key=f"credit {number}", notify=False)
        say(f"credited {number}")
    if part == 0:
        crm.select("last_name = 'Member'").credit_points("club", GIVEN, notify=False).apply(key="given")
        say("given")
        file = folder.with_name(f"{folder.name}.csv")
        file.write_text("email,first_name\n" + "".join(f"i{n}@example.org,I{n}\n" for n in range(IMPORTED)), "utf-8")
        crm.customers.import_csv(file)
        say("imported")
    crm.select("last_name = 'Member'").send_message(f"Hello {part}", channel="sms").apply(key=f"hello {part}")
    crm.outbox.dispatch()
    say(f"dispatched {part}")


def live(folder: Path, say: Say, durability: Durability) -> None:
    """Open twice, as the log is put into the file and taken away when the last one closes."""
    for part in (0, 1):
        with opened(folder, say, durability) as crm:
            prepare(crm)
            say("prepared")
            work(crm, folder, say, part)


if __name__ == "__main__":
    log = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    mode: Durability = "normal" if sys.argv[3] == "normal" else "full"
    live(Path(sys.argv[1]), lambda word: os.write(log, f"A {word}\n".encode()), mode)
