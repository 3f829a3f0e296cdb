"""Writing a file: whole or not at all, and nobody else's. The names to know are `written_whole` and `require_writable`."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import IO, Any

from custcrm.values.errors import Malformed, Unavailable


@contextmanager
def written_whole(target: str | PathLike[str], *, encoding: str = "utf-8") -> Iterator[IO[str]]:
    """Open a text file to be written in the place of `target`, which appears once the block has ended well.

    Until then a new file of this user alone stands beside it, under a name that nobody can foresee, so that a link planted
    there is not followed. It is synced, and then replaces the target: a file keeps its permissions, a symbolic link is itself
    replaced and what it points to stays as it is. A new file is readable by its owner only. Line ends are written as they are.

    Raises Malformed where the target cannot be written, Unavailable when the disk fails meanwhile; both leave no trace.
    """
    path = _path(target)
    mode = _mode_of(path)
    handle, unfinished = _begin(path)
    try:
        with os.fdopen(handle, "w", encoding=encoding, newline="") as file:
            yield file
            _settle(file, mode)
        try:
            unfinished.replace(path)
        except OSError as error:
            raise _unwritable(path, error) from None
        _sync_folder(path.parent)
    except OSError as error:
        raise Unavailable(f"the file could not be written: {error.strerror}; nothing was changed") from None
    finally:
        unfinished.unlink(missing_ok=True)


def require_writable(target: str | PathLike[str]) -> None:
    """Raise Malformed where `written_whole` could not write the target, as things stand; nothing is left there."""
    path = _path(target)
    _mode_of(path)
    handle, unfinished = _begin(path)
    os.close(handle)
    unfinished.unlink(missing_ok=True)


def _begin(path: Path) -> tuple[int, Path]:
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".unfinished", dir=path.parent)
    except OSError as error:
        raise _unwritable(path, error) from None
    return handle, Path(name)


def _path(target: str | PathLike[str]) -> Path:
    if not isinstance(target, str | PathLike):
        raise Malformed(f"a file is named by its path, not by a {type(target).__name__}", field="target")
    path = Path(target)
    if not path.parent.is_dir():
        raise Malformed(f"{str(path)!r} cannot be written: there is no such folder", field="target")
    return path


def _mode_of(path: Path) -> int | None:
    """Return the permissions of the file that is replaced, None where there is none; what is no file stays."""
    try:
        found = path.lstat().st_mode
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unwritable(path, error) from None
    except ValueError:
        raise Malformed("target is no path that a file can have", field="target") from None
    if stat.S_ISLNK(found):
        return None
    if not stat.S_ISREG(found):
        raise Malformed(f"{str(path)!r} is no file that could be replaced", field="target")
    return stat.S_IMODE(found)


def _settle(file: IO[Any], mode: int | None) -> None:
    file.flush()
    if mode is not None:
        with suppress(AttributeError):  # not everywhere
            os.fchmod(file.fileno(), mode)
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Let the new name outlive a power cut, where folders can be synced."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # some file systems sync no folders; the file itself is there
            os.fsync(handle)
    finally:
        os.close(handle)


def _unwritable(path: Path, error: OSError) -> Malformed:
    return Malformed(f"{str(path)!r} cannot be written: {error.strerror}", field="target")
