"""What an explanation is: conditions with their verdicts, what decided, the nearest change, and the tree as text.

It is built of "all of" and "any of" alone, so that the deciding conditions and the nearest change are a matter of choosing
the smallest sets. Where a condition stands twice, each place is told for itself; to change it is one change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

from attrs import field as attribute
from attrs import frozen

_NARROWEST: Final = (24, 8)
"""Characters of the text and of the value of a condition, at the least: short explanations line up with each other."""


@frozen(kw_only=True)
class ConditionVerdict:
    """One condition as the author wrote it, its NOT included, and what it comes to for a row.

    `field` is the path, or the text of what is compared; `value` is what it was; `missing` says that the verdict
    follows from a missing value. `seen` is the value as text; `wanted` tells of a condition that failed, in words, what
    would have been right: a bound that moves with time as what it is at the time asked about. `among` are the rows that
    a condition fixes by their ids, which its text only counts.
    """

    field: str
    text: str = attribute(repr=False)
    value: Any = attribute(repr=False)
    verdict: bool
    missing: bool
    seen: str = attribute(repr=False, eq=False)
    wanted: str = attribute(default="", repr=False, eq=False)
    among: tuple[Any, ...] = attribute(default=(), repr=False)


@frozen
class AllOrAny:
    """All of, or any of, some parts; `name` is the text of what they stand for: `SEGMENT('lapsed vips')`."""

    of_all: bool
    parts: tuple[Part, ...]
    name: str = attribute(default="", repr=False)


Part: TypeAlias = ConditionVerdict | AllOrAny
Several: TypeAlias = tuple[ConditionVerdict, ...]


@frozen(repr=False)
class Explanation:
    """Why a row matched or did not. `str` is the tree with values; `repr` shows none."""

    tree: Part

    @property
    def matched(self) -> bool:
        """Whether the filter is true of the row."""
        return _verdict(self.tree)

    @property
    def conditions(self) -> Several:
        """Every condition, in the author's order."""
        return tuple(_leaves(self.tree))

    @property
    def deciding(self) -> Several:
        """The smallest set of conditions that settles the answer, whatever the others say; the first of equally small ones."""
        return _deciding(self.tree)

    @property
    def failing(self) -> Several:
        """Every condition that keeps the row out, place by place: it failed, as did each group that it is in."""
        return _failing(self.tree)

    @property
    def nearest_change(self) -> Several | None:
        """The smallest set of conditions to turn for the row to get in, or out; None when nothing helps (TRUE stays)."""
        return _turning(self.tree, not self.matched)

    def __str__(self) -> str:
        return "\n".join([_word(self.matched), *_lines(self)])

    def __repr__(self) -> str:
        return f"<Explanation {_word(self.matched)}: {len(self.conditions)} conditions>"


# deciding ------------------------------------------------------------------------------------------


def _verdict(part: Part) -> bool:
    if isinstance(part, ConditionVerdict):
        return part.verdict
    return (all if part.of_all else any)(_verdict(each) for each in part.parts)


def _leaves(part: Part) -> Iterator[ConditionVerdict]:
    if isinstance(part, ConditionVerdict):
        yield part
    else:
        for each in part.parts:
            yield from _leaves(each)


def _deciding(part: Part) -> Several:
    if isinstance(part, ConditionVerdict):
        return (part,)
    verdict = _verdict(part)
    agreeing = [_deciding(each) for each in part.parts if _verdict(each) == verdict]
    return _joined(agreeing) if verdict == part.of_all else min(agreeing, key=lambda several: len(set(several)))


def _failing(part: Part) -> Several:
    if _verdict(part):
        return ()
    return (part,) if isinstance(part, ConditionVerdict) else _joined(_failing(each) for each in part.parts)


def _turning(part: Part, wanted: bool) -> Several | None:
    """Return the smallest set of conditions to turn for this part to be as wanted; None when it cannot be."""
    if _verdict(part) == wanted:
        return ()
    if isinstance(part, ConditionVerdict):
        return None if part.text in {"TRUE", "FALSE"} else (part,)
    ways = [_turning(each, wanted) for each in part.parts]
    possible = [way for way in ways if way is not None]
    if wanted != part.of_all:
        return min(possible, key=len, default=None)
    return tuple(dict.fromkeys(_joined(possible))) if len(possible) == len(ways) else None


def _joined(sets: Iterable[Several]) -> Several:
    return tuple(each for several in sets for each in several)


# text ----------------------------------------------------------------------------------------------

_STEP: Final = " " * 5
"""How far the parts of an inner group stand in: under the text of their group."""


def _word(verdict: bool) -> str:
    return "yes" if verdict else "no"


def _lines(explanation: Explanation) -> list[str]:
    """Return a line for each condition and inner group: verdict, text, value, and whether it decides."""
    tree = explanation.tree
    top = tree.parts if isinstance(tree, AllOrAny) and tree.of_all and not tree.name else (tree,)
    rows = [row for part in top for row in _rows(part, 0)]
    values = [_value_text(part) for _, part in rows]
    text_width = max(_NARROWEST[0], *(len(_STEP) * depth + len(_part_text(part)) for depth, part in rows)) + 5
    value_width = max(_NARROWEST[1], *map(len, values)) + 4
    marks = _marks(explanation)
    return [
        f"  {_STEP * depth}{_word(_verdict(part)):<5}{_part_text(part):<{text_width - len(_STEP) * depth}}"
        f"{value:<{value_width}}{marks.get(id(part), '')}".rstrip()
        for (depth, part), value in zip(rows, values, strict=True)
    ]


def _marks(explanation: Explanation) -> dict[int, str]:
    """Return what stands behind conditions, by identity: which decide, and which others are in the way too."""
    deciding, failing = explanation.deciding, explanation.failing
    if not failing and 1 < len(explanation.conditions) == len(deciding):
        return {}
    return {id(each): "<- fails too" for each in failing} | {id(each): "<- decides" for each in deciding}


def _rows(part: Part, indent: int) -> Iterator[tuple[int, Part]]:
    yield indent, part
    if isinstance(part, AllOrAny):
        for each in part.parts:
            yield from _rows(each, indent + 1)


def _part_text(part: Part) -> str:
    if isinstance(part, ConditionVerdict):
        return part.text
    words = "all of" if part.of_all else "any of"
    return words if not part.name else part.name if part.of_all else f"{part.name}, {words}"


def _value_text(part: Part) -> str:
    if isinstance(part, AllOrAny):
        return ""
    return f"{part.seen}, wanted {part.wanted}" if part.wanted else part.seen
