"""A process of the chaos: it does deeds one after the other, and writes down what it is about to do and what it was told.

What it finds begun and not told in the journal of its slot is what a process before it left: that is repeated first.
"""

import json
import os
import socket
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, Final

from attrs import define, field, frozen

import custcrm
from custcrm.messaging.protocol import Outcome, Outgoing, Receipt
from tests.proofs.chaos.stage import SLOTS, Deed, NothingYet, Stage, opened, told

ATTEMPTS: Final = 200
PAUSE: Final = 0.05
"""Seconds between attempts at what the store could not do now."""

TAKEN_UP: Final = frozenset({
    "credit", "spend", "issue", "redeem", "reserve", "sale", "generate", "letter", "replenish", "pay", "add",
})
"""Kinds that other deeds repeat: of these a process does not know that it is alone."""

AGAIN: Final = 0.1
"""How often something that was told already is asked for once more."""


@frozen
class Loopback:
    """A channel that hands each message to whoever listens at a port, and waits for the word that it is there."""

    port: int

    def send(self, batch: Sequence[Outgoing]) -> list[Receipt]:
        with socket.create_connection(("127.0.0.1", self.port)) as wire, wire.makefile("rw", encoding="ascii") as said:
            for each in batch:
                said.write(f"{each.id}\n")
                said.flush()
                assert said.readline() == "taken\n"
        return [Receipt(each.id, Outcome.ACCEPTED) for each in batch]


@define
class Journal:
    """What a slot is about to do and what it was told, on disk before anything else happens."""

    path: Path
    _file: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def begin(self, number: int) -> None:
        self._write({"number": number})

    def end(self, number: int, came: Sequence[Any], **more: Any) -> None:
        self._write({"number": number, "came": came, **more})

    def _write(self, entry: dict[str, Any]) -> None:
        os.write(self._file, json.dumps(entry).encode() + b"\n")  # one write: it is there whole or not at all
        os.fsync(self._file)


def entries(path: Path) -> list[dict[str, Any]]:
    """Read a journal."""
    return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()] if path.exists() else []


def attempt(deed: Deed, *, alone: bool = False) -> list[Any]:
    """Do a deed as an application would, again under its key where that is what the error says; return what came of it.

    Who is `alone` with it knows more: where the store was unavailable, nothing was done.
    """
    for _ in range(ATTEMPTS):
        try:
            return ["done", told(deed.do())]
        except NothingYet:
            return ["nothing yet"]
        except custcrm.Refusal as refusal:
            return ["refused", refusal.reason.value]
        except (custcrm.OutcomeUnknown, custcrm.Unfinished) as error:
            alone = False
            if deed.kind != "dispatch" and not (error.key or "").startswith("deed "):
                return ["wrong", f"{deed.kind}: {error!r} names no key"]
        except custcrm.Contended:
            pass
        except custcrm.Unavailable as error:
            if alone and is_applied(deed):
                return ["wrong", f"{deed.kind}: {error!r} although it was done"]
        except (custcrm.NotFound, custcrm.Conflict) as error:
            return [type(error).__name__]
        except Exception:  # noqa: BLE001 (which one is what the director has to know)
            return ["wrong", f"{deed.kind}: {traceback.format_exc()}"]
        time.sleep(PAUSE)
    return ["wrong", f"{deed.kind}: given up after {ATTEMPTS} attempts"]


def is_applied(deed: Deed) -> bool:
    """Ask what became of the key, until there is an answer."""
    while True:
        with suppress(custcrm.Unavailable):
            return deed.crm.applied(deed.key) is not None
        time.sleep(PAUSE)


def live(address: str, stage: Stage, slot: int, port: int, count: int, chance: float) -> None:
    """Do the deeds of a slot from where it stands, up to `count`, and some of them again."""
    journal, draw = Journal(path_of(stage, slot)), Random(chance)
    known = entries(journal.path)
    ended = {each["number"] for each in known if "came" in each}
    begun = {each["number"] for each in known}
    with _opened(address, port) as crm:
        for number in _numbers(slot, count, begun, ended, draw):
            deed = Deed(stage, crm, number)
            alone = deed.owner != SLOTS and number not in begun and deed.kind not in TAKEN_UP
            journal.begin(number)
            came = attempt(deed, alone=alone)
            balance = _balance(crm, stage.own[slot]) if deed.kind == "own" else None
            journal.end(number, came, balance=balance)
            begun.add(number)


def _opened(address: str, port: int) -> custcrm.Crm:
    while True:
        with suppress(custcrm.Unavailable):
            return opened(address, {"sms": Loopback(port), "email": Loopback(port)})
        time.sleep(PAUSE)


def _numbers(slot: int, count: int, begun: set[int], ended: set[int], draw: Random) -> Iterator[int]:
    """Yield what was left, then what is new, and now and then what was told before."""
    yield from sorted(begun - ended)
    mine = [each for each in range(count) if each % (SLOTS + 1) in {slot, SLOTS}]
    for number in mine:
        if number not in begun:
            yield number
        if begun and draw.random() < AGAIN:
            yield draw.choice(sorted(begun))


def _balance(crm: custcrm.Crm, customer: str) -> int:
    while True:
        with suppress(custcrm.Unavailable):
            return crm.points.balance(customer, "club")
        time.sleep(PAUSE)


def path_of(stage: Stage, slot: int) -> Path:
    """Return where a slot's journal is."""
    return stage.folder / f"{slot}.journal"
