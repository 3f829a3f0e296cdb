"""Ctrl-C at any moment of a transaction: it comes out as what it is, and nothing of the transaction is kept."""

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg

import custcrm

DRIVER = str(Path(psycopg.__file__).parent)
STEP = 7
"""Lines of the driver from one moment that is tried to the next."""


class Interrupted:
    """Within it, KeyboardInterrupt is raised before a line of the driver, as a signal would: the one of that number."""

    def __init__(self, line: int) -> None:
        self._left = line

    def __enter__(self) -> None:
        sys.settrace(self._called)

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _called(self, frame: FrameType, event: str, _: Any) -> Any:
        return self._line if event == "call" and frame.f_code.co_filename.startswith(DRIVER) else None

    def _line(self, _frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            self._left -= 1
            if self._left == 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self._line


def _once(crm: custcrm.Crm, line: int) -> BaseException | None:
    """Write twice in a transaction that is interrupted at a line of the driver; return what comes out of it."""
    try:
        with crm.transaction():
            crm.customers.add(first_name="one")
            with Interrupted(line):
                crm.customers.add(first_name="two")
    except BaseException as error:  # noqa: BLE001 (whatever it is, it is looked at)
        return error
    return None


def test_an_interrupt_of_the_driver_is_no_lost_connection(postgresql_store):
    """At whichever line of PostgreSQL's driver it strikes, also in the midst of a command, and the next call works."""
    with custcrm.open(postgresql_store) as crm:
        crm.customers.add(first_name="none")
        outcomes: list[BaseException | None] = []
        while not outcomes or outcomes[-1] is not None:
            outcomes.append(_once(crm, 1 + STEP * len(outcomes)))
            if outcomes[-1] is not None:
                assert [each.first_name for each in crm.select()] == ["none"]
        wrong = [repr(each) for each in outcomes[:-1] if type(each) is not KeyboardInterrupt]
        assert wrong == [], f"{len(wrong)} of {len(outcomes)} interrupts became something else"
        assert crm.select().count() == 3 and crm.verify()
    assert len(outcomes) > 10  # it was interrupted at all
