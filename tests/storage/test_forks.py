"""Forks: a child process uses nothing of its parent's, hangs on nothing, and changes nothing of what its parent is doing."""

import subprocess
import sys
from ast import literal_eval
from typing import Any

import pytest

CHILDS_OWN_BLOCK = "Closed: this block was entered before the process was forked and is its parent's; leave it, or fork outside"
SQLITE_REFUSES = "Closed: this process was forked while its parent was within a transaction of this SQLite file"


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def address(request: pytest.FixtureRequest) -> str:
    return "memory" if request.param == "memory" else str(request.getfixturevalue(f"{request.param}_store"))


def run(scenario: str, address: str) -> list[Any]:
    """Run a scenario of `forked` in a process of its own, and return what it gives."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-m", "tests.storage.forked", scenario, address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    found: list[Any] = literal_eval(done.stdout)
    return found


def kind(address: str) -> str:
    return address if address == "memory" else "postgresql" if "://" in address else "sqlite"


def test_parent_and_child_go_on_with_the_store(address: str) -> None:
    """Each has connections of its own to one base; in memory the child has a copy, which its parent does not see."""
    assert run("both_go_on", address) == ([["2", "2", "2"], 2] if address == "memory" else [["2", "3", "4"], 5])


def test_many_children_write_at_once(address: str) -> None:
    """Nothing of theirs is lost, and no connection is heard by two."""
    assert run("pool_of_processes", address) == [[0] * 8, 10 if address == "memory" else 50]


def test_an_open_transaction_is_the_parents(address: str) -> None:
    """A child that is made within one does nothing of it, whatever it calls; and its parent goes on."""
    told, kept = run("parent_is_writing", address)
    assert told == [CHILDS_OWN_BLOCK, CHILDS_OWN_BLOCK]
    assert kept == 2


def test_the_end_of_the_parents_block_is_not_the_childs(address: str) -> None:
    """A child that runs on to the end of the block is told so, and nothing of the parent's is committed or undone by it."""
    assert run("child_leaves_the_block", address) == [CHILDS_OWN_BLOCK.removeprefix("Closed: "), 2]


def test_what_the_parent_is_reading_is_not_read_on_by_a_child(address: str) -> None:
    """Rows on their way belong to the parent's connection; records in memory are the child's by copy."""
    assert run("child_reads_on", address) == ["1500" if address == "memory" else CHILDS_OWN_BLOCK, 1500]


def test_a_child_does_not_wait_for_a_thread_that_it_has_not(address: str) -> None:
    """A lock that another thread of the parent holds is free in the child, or it is told that the store is not whole."""
    told, kept = run("another_thread_writes", address)
    says = {"memory": "no whole copy of what was in memory", "sqlite": SQLITE_REFUSES, "postgresql": "1"}[kind(address)]
    assert says in told
    assert kept == (3 if kind(address) == "postgresql" else 2)


def test_a_child_leaves_its_parents_lock_of_the_file(sqlite_store: Any) -> None:
    """SQLite keeps what a process has locked in the process: a child's coming and going must not free it."""
    assert run("parent_keeps_its_lock", str(sqlite_store)) == ["database is locked", "ok", 1]


def test_a_store_is_not_kept_for_the_sake_of_forks(address: str) -> None:
    """What looks after forks holds stores weakly."""
    assert run("stores_are_freed", address) == [True]
