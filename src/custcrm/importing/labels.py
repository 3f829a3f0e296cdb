"""Which columns of tags are labels, tags without a value: those of which every filled cell is a yes or a no.

It is decided by the whole column, so that values such as 1, 2 and 3 stay values; or it is told, or said by a file of refused
rows as it was decided by the whole file. Know `label_keys`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from custcrm.actions.customers.tags import tag_key
from custcrm.importing.beside import said_labels
from custcrm.importing.columns import Columns
from custcrm.importing.reading import is_flag
from custcrm.importing.source import CsvSource
from custcrm.values.errors import Malformed
from custcrm.values.shapes import several
from custcrm.values.spelling import nearest, quoted

_TAGS: Final = "tags."
_HAS_IT: Final = " EXISTS"
"""What follows the key where a view shows whether customers have a tag."""


def mapped_labels(header: Sequence[str], mapped: Mapping[str, Any], ignored: Collection[Any]) -> Mapping[str, str]:
    """Return the header cells by which a view shows who has a tag, such as `tags.VIP EXISTS`, with the column of the tag."""
    left_out = {each for each in ignored if isinstance(each, str)}
    told = {cell: mapped.get(cell, cell) for cell in header if cell not in left_out}
    return {
        cell: word.removesuffix(_HAS_IT) for cell, word in told.items()
        if isinstance(word, str) and word.startswith(_TAGS) and word.endswith(_HAS_IT)
    }


def label_keys(
    source: CsvSource, columns: Columns, told: Collection[str] | None, shown: Collection[str]
) -> frozenset[str]:
    """Return the keys of tags that are labels: the `shown`, and those `told`, else said by the header, else found."""
    keys = {name.removeprefix(_TAGS): tag_key(name.removeprefix(_TAGS)) for name in columns if name.startswith(_TAGS)}
    sure = {tag_key(name.removeprefix(_TAGS)) for name in columns if name in shown}
    if told is not None:
        there = frozenset(keys.values())
        for each in several(told, field="labels"):
            if not isinstance(each, str) or each not in there:
                near = nearest(each, list(keys)) if isinstance(each, str) else ()
                raise Malformed(f"the file has no column of a tag {quoted(each)}", field="labels", suggestions=near)
        return frozenset(sure | {*told})
    said = said_labels(source.header)
    if said is not None:
        return frozenset(sure | said.intersection(keys.values()))
    open_ = {key for key in keys if keys[key] not in sure}
    filled: set[str] = set()
    for line, _, cells in source.rows() if open_ else ():
        row = columns.row(line, cells)
        if row is not None:
            for key, cell in row.of("tags").items():
                filled.add(key)
                if not is_flag(cell):
                    open_.discard(key)
        if not open_:
            break
    return frozenset(sure | {keys[key] for key in open_ & filled})
