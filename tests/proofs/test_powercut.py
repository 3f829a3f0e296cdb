"""A power cut at any moment: what a SQLite store said was done is done, once, when the same is asked again."""

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import custcrm
from custcrm.storage.protocol import Durability
from tests.proofs import powercut
from tests.proofs.disk import Record, compile_log, cuts, read_log


def logged(folder: Path, durability: Durability) -> list[Record]:
    """Run the program to its end, and return what it did to the disk and said."""
    shop, log = folder / "shop", folder / "log"
    shop.mkdir()
    told = {"POWERCUT_FOLDER": str(shop), "POWERCUT_LOG": str(log), "LD_PRELOAD": str(compile_log(folder))}
    command = [sys.executable, "-m", "tests.proofs.powercut", str(shop), str(log), durability]
    subprocess.run(command, env=os.environ | told, check=True, timeout=120)
    return read_log(log)


def faults(folder: Path, said: list[str]) -> list[str]:
    """Tell what is not as it was said, in the folder that a power cut left and after all has been asked again."""
    found, again = [], list(said)
    with powercut.opened(folder, again.append, "full") as crm:
        found += _lost(crm, said)
        powercut.prepare(crm)
    for part in (0, 1):
        with powercut.opened(folder, again.append, "full") as crm:
            powercut.work(crm, folder, again.append, part)
    with powercut.opened(folder, again.append, "full") as crm:
        found += _not_exact(crm)
    sent = Counter(each for each in again if each.startswith("sent "))
    return found + [f"{count} times {each}" for each, count in sent.items() if count > 1]


def _lost(crm: custcrm.Crm, said: list[str]) -> list[str]:
    if "prepared" in said and crm.select("last_name = 'Member'").count() != powercut.PEOPLE:
        return ["people are lost"]
    found = []
    for number, person in enumerate(_people(crm)):
        credited = [each for each in said if each.startswith("credited ") and int(each[9:]) % powercut.PEOPLE == number]
        least = powercut.CREDITED * len(credited) + powercut.GIVEN * ("given" in said)
        if (balance := crm.points.balance(person, "club")) < least:
            found.append(f"{balance} points are left of {least}")
    if "imported" in said and crm.select("last_name IS NULL").count() != powercut.IMPORTED:
        found.append("imported rows are lost")
    return found


def _not_exact(crm: custcrm.Crm) -> list[str]:
    each_has = powercut.CREDITED * powercut.CREDITS // powercut.PEOPLE + powercut.GIVEN
    found = [
        f"{balance} points instead of {each_has}"
        for person in _people(crm)
        if (balance := crm.points.balance(person, "club")) != each_has
    ]
    if (count := crm.select().count()) != powercut.PEOPLE + powercut.IMPORTED:
        found.append(f"{count} customers")
    return found


def _people(crm: custcrm.Crm) -> list[custcrm.Customer]:
    people = crm.select("last_name = 'Member'").page(limit=100).customers
    return sorted(people, key=lambda each: each.phone or "")


def moments(records: list[Record], count: int) -> list[int]:
    """Choose moments: directly after something was said, when it is dearest, and anywhere else."""
    chance = random.Random(20261130)
    spoken = [place for place, record in enumerate(records) if record.operation == "A"]
    said, any_where = (chance.sample(among, min(count, len(among))) for among in (spoken, range(len(records))))
    return sorted({*said, *any_where})


@pytest.mark.feature("X41")
def test_what_was_done_is_done_after_a_power_cut(tmp_path: Path, long: bool) -> None:
    """Whatever was acknowledged is there, the same keys do nothing twice, and nobody is sent a message again."""
    records = logged(tmp_path, "full")
    assert records[-1] != Record("A", "dispatched 1")  # the log is put away after it
    assert "dispatched 1" in {each.name for each in records}
    chosen = moments(records, 400 if long else 12)
    left, chance = tmp_path / "left", random.Random(7)
    found = {place: wrong for place, said in cuts(records, chosen, left, chance) if (wrong := faults(left, said))}
    assert found == {}


def test_durability_normal_may_lose_the_last(tmp_path: Path) -> None:
    """The same program with commits that are not synced loses what it had acknowledged: the cut is a real one."""
    records = logged(tmp_path, "normal")
    spoken = [place for place, record in enumerate(records) if record.name in ("credited 5", "imported", "dispatched 0")]
    left, chance = tmp_path / "left", random.Random(7)
    found = {place: wrong for place, said in cuts(records, spoken, left, chance) if (wrong := faults(left, said))}
    assert len(found) == len(spoken) == 3
    assert any("times sent" in each for wrong in found.values() for each in wrong)
