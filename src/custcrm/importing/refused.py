"""The refused rows of a file, as they were: kept when they are refused, since the file may change or be replaced afterwards.

The name to know is `RefusedRows`.
"""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Collection, Iterator
from typing import IO, Final

from attrs import field, frozen

from custcrm.values.errors import Unavailable

IN_MEMORY: Final = 10_000_000
"""Bytes that are kept in memory; more go to a temporary file without a name, which ends with the report."""


@frozen(eq=False)
class RefusedRows:
    """The texts of refused rows by the line on which each begins, in the order of the file.

    `labels` are the keys of the tags without value, where the file has columns of tags.
    """

    labels: Collection[str] | None = None
    _spool: IO[bytes] = field(factory=lambda: tempfile.SpooledTemporaryFile(max_size=IN_MEMORY), repr=False)  # noqa: SIM115
    _rows: list[tuple[int, int]] = field(factory=list, repr=False)

    def __attrs_post_init__(self) -> None:
        weakref.finalize(self, self._spool.close)

    def keep(self, rows: Collection[tuple[int, str]]) -> None:
        """Keep further rows: line and text, with its line end. Unavailable where there is no room for them."""
        for line, text in rows:
            kept = text.encode("utf-8", "surrogatepass")
            try:
                self._spool.write(kept)
            except OSError as error:
                why = f"the rows that are refused cannot be kept in a temporary file: {error.strerror}"
                raise Unavailable(why) from None
            self._rows.append((line, len(kept)))

    def __iter__(self) -> Iterator[tuple[int, str]]:
        at = 0
        for line, length in tuple(self._rows):
            self._spool.seek(at)
            yield line, self._spool.read(length).decode("utf-8", "surrogatepass")
            at += length
        self._spool.seek(at)
