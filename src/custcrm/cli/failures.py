"""What a command says when it cannot do its work: one readable message on stderr and an exit code, never a traceback."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from custcrm.values.errors import Conflict, CrmError, Malformed, NotFound, OutcomeUnknown, Refusal, Unavailable, Unfinished

REFUSED: Final = 1
FOUND: Final = 1
"""What a store that was verified does not keep is no failure of the command, and a script must hear of it."""
WRONG_INPUT: Final = 2
UNREACHABLE: Final = 3
DEFECT: Final = 70
"""What BSD's sysexits call a fault of the software itself."""

INTERRUPTED: Final = 130
"""What shells say of a command that Ctrl-C has stopped."""

_CODES: Final[tuple[tuple[type[Exception], int], ...]] = (
    (Refusal, REFUSED),
    (Conflict, REFUSED),
    (Unavailable, UNREACHABLE),
    (OutcomeUnknown, UNREACHABLE),
    (Unfinished, UNREACHABLE),
    (Malformed, WRONG_INPUT),
    (NotFound, WRONG_INPUT),
    (BrokenPipeError, 0),
    (OSError, WRONG_INPUT),
)


@contextmanager
def reported(*, show_traceback: bool) -> Iterator[None]:
    """Turn what is raised within into a message and an exit code."""
    try:
        yield
    except (CrmError, OSError) as error:
        _stop(error, _message(error), next((code for kind, code in _CODES if isinstance(error, kind)), DEFECT),
              show_traceback=show_traceback)
    except KeyboardInterrupt as stop:
        told = "; ".join(["stopped by Ctrl-C", *getattr(stop, "__notes__", ["nothing more is done"])])
        _stop(stop, told, INTERRUPTED, show_traceback=show_traceback)
    except Exception as error:  # noqa: BLE001 (the rim: whatever else it is, people get a sentence and --traceback)
        message = f"this should not have happened ({type(error).__name__}); --traceback shows where"
        _stop(error, message, DEFECT, show_traceback=show_traceback)


def _message(error: Exception) -> str:
    if isinstance(error, OSError):
        named = f"{error.filename}: " if error.filename else ""
        return f"{named}{error.strerror or error}"
    return str(error)


def _stop(error: BaseException, message: str, code: int, *, show_traceback: bool) -> None:
    if isinstance(error, BrokenPipeError):
        # Who read our answer has seen enough. Nothing more can be written, not even at exit.
        sys.stdout = None
        raise SystemExit(0)
    if show_traceback:
        traceback.print_exception(error)
    else:
        sys.stderr.write(f"{message}\n")
    raise SystemExit(code)
