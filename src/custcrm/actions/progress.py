"""How far something is: told to a function, drawn as a bar, or not shown. Know `show_progress`, and `going_on`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

from custcrm.values.errors import CrmError, Unfinished
from custcrm.values.shapes import flag

Progress: TypeAlias = bool | Callable[[int, int], None]
"""True for a bar, or what is called with (done, total)."""

_WIDTH: Final = 30


def show_progress(progress: Progress) -> Callable[[int, int], None]:
    """Return what is told how far it is. A bar is drawn on stderr where somebody watches: a terminal, or a notebook.

    It is told nothing twice, and never goes back: a transaction that is begun again tells the same once more. What a caller's
    function raises is Unfinished from it, with nothing done: where more is, `going_on` says so.
    """
    if callable(progress):
        return _forwards(_own(progress))
    return _forwards(_draw_bar) if flag(progress, field="progress") and _is_watched() else _show_nothing


@contextmanager
def going_on(
    unfinished: Callable[[str], Unfinished], *, is_begun: Callable[[], bool] = lambda: True
) -> Iterator[None]:
    """Let what stops work between two of its transactions be Unfinished, with why; also what a caller's `progress` raises.

    What stops the program, such as Ctrl-C, passes as it is, with a note that says how far the work is. As long as it is not
    begun, an error says by itself what it is.
    """
    try:
        yield
    except Unfinished as stopped:
        raise unfinished(stopped.why) from (stopped.__cause__ or stopped)
    except CrmError as error:
        if not is_begun():
            raise
        raise unfinished(str(error)) from error
    except Exception as error:
        raise unfinished(_raised(error)) from error
    except BaseException as stop:
        stop.add_note(str(unfinished("")))
        raise


def _own(progress: Callable[[int, int], None]) -> Callable[[int, int], None]:
    """Return a caller's function whose errors are ours, without their texts, which may be personal."""

    def show(done: int, total: int) -> None:
        try:
            progress(done, total)
        except CrmError as error:
            raise Unfinished(0, total, why=str(error)) from error
        except Exception as error:
            raise Unfinished(0, total, why=_raised(error)) from error

    return show


def _raised(error: Exception) -> str:
    return f"{type(error).__name__} was raised, by a function for progress or by what it calls"


def _forwards(show: Callable[[int, int], None]) -> Callable[[int, int], None]:
    furthest = -1

    def show_further(done: int, total: int) -> None:
        nonlocal furthest
        if done > furthest:
            furthest = done
            show(done, total)

    return show_further


def _is_watched() -> bool:
    """Tell whether stderr is a terminal, or Python is used interactively, as notebooks do."""
    return sys.stderr.isatty() or hasattr(sys, "ps1")


def _show_nothing(done: int, total: int) -> None:
    """Show nothing."""


def _draw_bar(done: int, total: int) -> None:
    filled = _WIDTH * done // total if total else _WIDTH
    end = "\n" if done == total else ""
    sys.stderr.write(f"\r[{'#' * filled:<{_WIDTH}}] {done:,} of {total:,}{end}")
    sys.stderr.flush()
