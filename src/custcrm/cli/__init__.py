"""The command line, `custcrm`: the demo, imports, questions and migrations. The name to know is `main`.

It needs the extra `cli`; nothing of it is loaded by the library.

Read `app` (the commands), then `questions`, `imports`, `verifying`, `demo` with `cdnow`; `stores`, `output` and `failures`
serve them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 done, 1 refused, in conflict or found, 2 the input is wrong, 3 the store cannot be reached."""
    if find_spec("typer") is None or find_spec("rich") is None:
        sys.stderr.write("the command line needs typer and rich: pip install 'custcrm[cli]'\n")
        raise SystemExit(2)
    from custcrm.cli.app import app

    app(arguments, prog_name="custcrm")
