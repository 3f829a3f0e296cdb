"""A disk as a power cut leaves it: made anew from the log of disk.c, up to any of its records.

What was synced is there. Of what was written since, nothing is, or by chance some writes and not others; a new name is there
when its folder was synced.
"""

import random
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from attrs import Factory, define, field, frozen

SOURCE = Path(__file__).with_name("disk.c")


def compile_log(folder: Path) -> Path:
    """Return the library of disk.c; a machine that cannot compile it fails, as what cannot be shown is not promised."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.fail("the power cut needs a C compiler: apt-get install gcc libc6-dev")
    library = folder / "disk.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl", "-lpthread"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"the power cut needs the C library's headers: apt-get install gcc libc6-dev\n{done.stderr}")
    return library


@frozen
class Record:
    """One operation on a file, or a word of the program (operation A, the word is the name)."""

    operation: str
    name: str
    offset: int = 0
    data: bytes = b""


def read_log(path: Path) -> list[Record]:
    """Return all records of a log, in order."""
    text, place, found = path.read_bytes(), 0, []
    while place < len(text):
        end = text.index(b"\n", place)
        operation, *rest = text[place:end].decode().split(" ")
        place = end + 1
        if operation == "A":
            found.append(Record("A", " ".join(rest)))
            continue
        name, offset, length = rest
        data = text[place : place + int(length)] if operation == "W" else b""
        place += len(data)
        found.append(Record(operation, name, int(offset), data))
    return found


@define(eq=False)
class _File:
    """The bytes that were synced, and what was written since."""

    synced: bytearray = field(factory=bytearray)
    since: list[Record] = field(factory=list)

    def sync(self) -> None:
        self.synced, self.since = self.left(lambda _: True), []

    def left(self, reaches: Callable[[Record], bool]) -> bytearray:
        found = bytearray(self.synced)
        for each in self.since:
            if not reaches(each):
                continue
            if each.operation == "T":
                del found[each.offset :]
                found.extend(bytes(each.offset - len(found)))
            else:
                found.extend(bytes(max(0, each.offset - len(found))))
                found[each.offset : each.offset + len(each.data)] = each.data
        return found


@define
class Disk:
    """The files of one folder by name: as programs see them, and as they were when the folder was last synced."""

    seen: dict[str, _File] = Factory(dict)
    synced: dict[str, _File] = Factory(dict)

    def take(self, record: Record) -> None:
        match record.operation:
            case "C":
                self.seen[record.name] = _File()
            case "U":
                self.seen.pop(record.name, None)
            case "S" if record.name == ".":
                self.synced = dict(self.seen)
            case "S":
                self.seen[record.name].sync()
            case "W" | "T":
                self.seen[record.name].since.append(record)
            case _:
                pass

    def leave(self, folder: Path, chance: random.Random | None) -> None:
        """Write what a power cut leaves at this moment into a folder; with `chance` also some of what was not synced."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        names = self.seen if chance is not None and chance.random() < 0.5 else self.synced
        for name, file in names.items():
            reaches = (lambda _: False) if chance is None else (lambda _: chance.random() < 0.5)
            (folder / name).write_bytes(file.left(reaches))


def cuts(records: list[Record], moments: Iterable[int], folder: Path, chance: random.Random) -> Iterator[tuple[int, list[str]]]:
    """Make the folder as it is after the record of each of the moments, with the words that the program had said by then."""
    disk, wanted, said = Disk(), set(moments), []
    for place, record in enumerate(records):
        if record.operation == "A":
            said.append(record.name)
        disk.take(record)
        if place in wanted:
            disk.leave(folder, chance if place % 2 else None)
            yield place, list(said)
