"""What a process does that forks: run in one of its own by test_forks, as `python -m tests.storage.forked SCENARIO ADDRESS`."""

import gc
import multiprocessing
import os
import select
import signal
import sqlite3
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable

import custcrm
from custcrm.records import Customer

HANGS = 20
BEGINS = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=0.2, isolation_level=None)
try:
    connection.execute("BEGIN IMMEDIATE")
except sqlite3.OperationalError as error:
    print(error)
"""
"""A program that inherits nothing and wants to write."""


def in_child(work: Callable[[], object]) -> str:
    """Fork, and return what the work gives in the child; or its error; or that it hangs."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            said = str(work())
        except BaseException as error:  # noqa: BLE001 (whatever it is, the parent is told)
            said = f"{type(error).__name__}: {error}"
        os.write(writing, said.encode() or b"-")
        os.close(writing)
        os._exit(0)
    os.close(writing)
    ready, _, _ = select.select([reading], [], [], HANGS)
    said = os.read(reading, 10_000).decode() if ready else "hangs"
    if not ready:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reading)
    return said


def opened(address: str) -> custcrm.Crm:
    crm = custcrm.open(None if address == "memory" else address, currency="EUR")
    crm.programs.add("club")
    return crm


def count(crm: custcrm.Crm) -> int:
    return crm.select().count()


def adds(crm: custcrm.Crm, name: str) -> Callable[[], object]:
    return lambda: (crm.customers.add(first_name=name), count(crm))[1]


def both_go_on(address: str) -> list[object]:
    """Parent and child use the store that was opened before the fork, by turns and at once."""
    crm = opened(address)
    crm.customers.add(first_name="before")
    told = [in_child(adds(crm, f"child {number}")) for number in range(3)]
    crm.customers.add(first_name="after")
    return [told, count(crm)]


def pool_of_processes(address: str) -> list[object]:
    """Eight children of `multiprocessing` write at once, and so does the parent."""
    crm = opened(address)
    fork = multiprocessing.get_context("fork")
    def five(name: str) -> None:
        for _ in range(5):
            adds(crm, name)()

    children = [fork.Process(target=five, args=[f"{number}"]) for number in range(8)]
    for each in children:
        each.start()
    for number in range(10):
        crm.customers.add(first_name=f"parent {number}")
    for each in children:
        each.join(HANGS)
    return [[each.exitcode for each in children], count(crm)]


def parent_is_writing(address: str) -> list[object]:
    """Fork within a transaction; the children add customers of their own."""
    crm = opened(address)
    with crm.transaction():
        crm.customers.add(first_name="parent's")
        told = [in_child(adds(crm, "child's")), in_child(adds(crm, "another child's"))]
        crm.customers.add(first_name="more")
    return [told, count(crm)]


def child_leaves_the_block(address: str) -> list[object]:
    """Fork within a transaction, and let the child run on to the end of the block."""
    crm = opened(address)
    reading, writing = os.pipe()
    try:
        with crm.transaction():
            crm.customers.add(first_name="parent's")
            if (child := os.fork()) == 0:
                pass
            else:
                os.waitpid(child, 0)
                crm.customers.add(first_name="more")
    except custcrm.Closed as error:
        os.write(writing, str(error).encode())
        sys.exit(0)  # frees what it can, as a program does at its end
    return [os.read(reading, 1000).decode(), count(crm)]


def child_reads_on(address: str) -> list[object]:
    """Fork while rows are read, and let the child read on."""
    crm = opened(address)
    for number in range(1_500):
        crm.customers.add(first_name=f"{number}")
    with crm._business.store.read() as reader:
        people = reader.find(Customer)
        next(people)

        def rest() -> int:
            return 1 + sum(1 for _ in people)

        told = in_child(rest)
        return [told, rest()]


def another_thread_writes(address: str) -> list[object]:
    """Fork while another thread holds the store's lock."""
    crm = opened(address)
    begun, over = threading.Event(), threading.Event()

    def holds() -> None:
        with crm.transaction():
            crm.customers.add(first_name="thread's")
            begun.set()
            over.wait(HANGS + 10)

    thread = threading.Thread(target=holds)
    thread.start()
    begun.wait()
    told = in_child(adds(crm, "child's"))
    over.set()
    thread.join()
    crm.customers.add(first_name="after")
    return [told, count(crm)]


def parent_keeps_its_lock(address: str) -> list[object]:
    """While a process writes, its child comes and goes; a third process must still wait for the first."""
    crm = opened(address)
    with crm.transaction():
        crm.customers.add(first_name="parent's")
        in_child(adds(crm, "child's"))
        in_child(gc.collect)
        tried = subprocess.run([sys.executable, "-c", BEGINS, address], capture_output=True, text=True, check=True)
    with sqlite3.connect(address) as connection:
        checked = connection.execute("PRAGMA integrity_check").fetchone()[0]
    return [tried.stdout.strip(), checked, count(crm)]


def stores_are_freed(address: str) -> list[object]:
    """Tell whether a store that nobody uses is freed and not kept for the sake of forks."""
    crm = custcrm.open(None if address == "memory" else address)
    alive = weakref.ref(crm._business.store)
    crm.close()
    del crm
    gc.collect()
    return [alive() is None]


if __name__ == "__main__":
    print(repr(globals()[sys.argv[1]](sys.argv[2])))
