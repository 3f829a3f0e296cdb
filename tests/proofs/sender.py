"""What is killed while it sends: a process that dispatches through a channel that notes each message as it goes out."""

import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import custcrm
from custcrm.messaging.protocol import Outcome, Outgoing, Receipt

PEOPLE = 90
PAUSE = 0.002
"""Seconds that a message takes to go out: a kill comes in the midst of a batch as often as between two."""


class Noting:
    """Notes the id of each message in a file, which is how it goes out."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, batch: Sequence[Outgoing]) -> list[Receipt]:
        return [self._send(each) for each in batch]

    def _send(self, outgoing: Outgoing) -> Receipt:
        with self._path.open("a", encoding="ascii") as notes:
            notes.write(f"{outgoing.id}\n")
        time.sleep(PAUSE)
        return Receipt(outgoing.id, Outcome.ACCEPTED)


def opened(address: str, notes: Path) -> custcrm.Crm:
    return custcrm.open(address, channels={"sms": Noting(notes)})


def prepare(crm: custcrm.Crm) -> None:
    """Plan a message for everybody."""
    crm.customers.add_all([{"first_name": f"N{n}", "phone": f"+3584012340{n:02}"} for n in range(PEOPLE)])
    crm.select().send_message("Hello {name}", channel="sms", purpose="service").apply(key="hello")


def live(address: str, notes: Path, parent: Connection) -> None:
    """Dispatch all that waits, and tell when it is begun and how many were accepted."""
    with opened(address, notes) as crm:
        parent.send("begun")
        parent.send(crm.outbox.dispatch())
